import pytest
from hypothesis import given
from hypothesis import strategies as st

from convert.formats.chat.think import split


def run(pieces):
    machine = split()
    next(machine)
    out = [machine.send(piece) for piece in pieces]
    out.append(machine.send(None))
    joined = {"reasoning": "", "text": ""}
    order = []
    for kind, text in (each for listed in out for each in listed):
        assert text
        joined[kind] += text
        if not order or order[-1] != kind:
            order.append(kind)
    assert order in ([], ["text"], ["reasoning"], ["reasoning", "text"])
    return joined["reasoning"], joined["text"]


CASES = [
    ("<think>hm</think>\n\nHello", "hm", "Hello"),
    ("\n <think>\nhm\n</think>Hello\n", "\nhm\n", "Hello\n"),
    ("<think>\n\n</think>\n\nHello", "", "Hello"),
    ("<think>never closed </thin", "never closed </thin", ""),
    ("<think>a</think>", "a", ""),
    ("<think>a < b </ c </think>d<think>e</think>", "a < b </ c ", "d<think>e</think>"),
    ("Hello <think>x</think>", "", "Hello <think>x</think>"),
    ("<thinking>x", "", "<thinking>x"),
    ("<th", "", "<th"),
    ("", "", ""),
    ("  plain", "", "  plain"),
    ("<think></think></think>x", "", "</think>x"),
]


@pytest.mark.parametrize(("content", "reasoning", "text"), CASES)
@pytest.mark.parametrize("size", [1, 2, 3, 100])
def test_each_case_at_each_cut(content, reasoning, text, size):
    assert run([content[i : i + size] for i in range(0, len(content), size)]) == (reasoning, text)


@given(st.text(alphabet="<think>/ \nab"), st.lists(st.integers(1, 5)))
def test_any_cut_gives_the_same(content, sizes):
    pieces, at = [], 0
    for size in sizes:
        pieces.append(content[at : at + size])
        at += size
    assert run([*pieces, content[at:]]) == run([content])


def test_text_does_not_wait_for_more():
    machine = split()
    next(machine)
    assert machine.send("Hi") == [("text", "Hi")]
    assert machine.send(" you") == [("text", " you")]


def test_reasoning_does_not_wait_for_its_end():
    machine = split()
    next(machine)
    assert machine.send("<think>so") == [("reasoning", "so")]
    assert machine.send(" then </") == [("reasoning", " then ")]
    assert machine.send("b") == [("reasoning", "</b")]
