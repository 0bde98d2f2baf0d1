from __future__ import annotations

import re

import pytest

from convert.state import ids


def test_an_id_is_192_random_bits() -> None:
    made = [ids.new("resp") for _ in range(1000)]
    assert len({*made}) == 1000
    assert all(re.fullmatch(r"resp_[0-9a-f]{48}", each) for each in made)
    assert ids.new("chatcmpl").startswith("chatcmpl-")


def test_what_looks_like_the_id_of_a_response() -> None:
    good = ids.new("resp")
    assert ids.is_response(good)
    bad = [None, 5, "", "resp_", good[:-1], good + "0", good.upper(), f"{good}\n", good.replace("_", "-"), "../" + good]
    assert not any(ids.is_response(each) for each in bad)


def test_what_looks_like_the_id_of_a_conversation() -> None:
    assert ids.is_conversation(ids.new("conv"))
    bad = [None, 5, "", "conv_1", ids.new("resp"), ids.new("conv") + "\n"]
    assert not any(ids.is_conversation(each) for each in bad)


@pytest.mark.parametrize("value", ["", "a/b", "../x", "a b", "a\x00", "a\n", "é", "x" * 129, "\ud800"])
def test_what_no_stored_id_can_be(value: str) -> None:
    assert not ids.is_stored(value)


@pytest.mark.parametrize("value", ["resp_1", "resp-a.b:c", "x" * 128])
def test_what_an_upstream_may_call_its_own(value: str) -> None:
    assert ids.is_stored(value)


@pytest.mark.parametrize("kind", [*ids.PREFIXES, "anything_new"])
def test_the_id_of_an_item_tells_its_response(kind: str) -> None:
    response = ids.new("resp")
    made = [ids.of_item(kind, response, number) for number in range(300)]
    assert len({*made}) == 300
    assert {ids.owner(each) for each in made} == {response}


def test_items_of_input_and_output_have_numbers_of_their_own() -> None:
    response = ids.new("resp")
    assert ids.of_item("message", response, 0)[-4:] == "8000"


@pytest.mark.parametrize("item", ["", "msg_1", "msg_" + "0" * 51, "../" + "0" * 52, "MSG_" + "0" * 52, "m_" + "g" * 52])
def test_an_id_from_elsewhere_tells_nothing(item: str) -> None:
    assert ids.owner(item) is None


def test_a_tenant_is_a_hash_of_the_key() -> None:
    assert len(ids.tenant_of("sk-1")) == 64 and "sk-1" not in ids.tenant_of("sk-1")
    assert ids.tenant_of("sk-1") == ids.tenant_of("sk-1") != ids.tenant_of("sk-2")
    assert ids.tenant_of("") != ids.tenant_of(" ")
    assert ids.tenant_of("\ud800")  # a header may hold anything
