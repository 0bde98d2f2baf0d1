import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from convert.unwrap import Input, unwrap


def pieces(text, sizes):
    decoder, out, at = Input(), [], 0
    for size in sizes:
        out.append(decoder.add(text[at : at + size]))
        at += size
    out.append(decoder.add(text[at:]))
    return "".join([*out, decoder.end()])


@given(st.text(st.characters(blacklist_categories=())), st.lists(st.integers(1, 9)), st.booleans())
def test_any_text_at_any_cut(text, sizes, ascii_only):
    wrapped = json.dumps({"input": text}, ensure_ascii=ascii_only)
    assert pieces(wrapped, sizes) == unwrap(wrapped) == json.loads(wrapped)["input"]


@pytest.mark.parametrize(
    ("arguments", "text"),
    [
        ("", ""),
        ("{}", ""),
        ('{"patch": "*** Begin"}', "*** Begin"),
        ('"bare"', "bare"),
        ("*** Begin Patch", "*** Begin Patch"),
        ('{"a": 1, "b": 2}', '{"a": 1, "b": 2}'),
        ('{ "input" : "a\nb" }', "a\nb"),
        ('{"why": "x", "input": "y"}', "y"),
    ],
)
def test_what_models_send_instead(arguments, text):
    assert unwrap(arguments) == text
    assert pieces(arguments, [1] * len(arguments)) == text


def test_it_is_decoded_as_it_arrives():
    decoder = Input()
    assert [decoder.add(piece) for piece in ('{"inp', 'ut":"ab', "c\\", 'n\\ud83d', "\\ude00", '"}')] == [
        "", "ab", "c", "\n", "😀", "",
    ]  # fmt: skip
    assert decoder.end() == ""
