from __future__ import annotations

import pytest

from convert.state import ids


def test_ids_are_random_and_long() -> None:
    made = {ids.new("resp") for _ in range(1000)}
    assert len(made) == 1000 and all(ids.is_response(each) and len(each) == 53 for each in made)  # 192 bits
    assert ids.new("chatcmpl").startswith("chatcmpl-") and ids.is_conversation(ids.new("conv"))


def test_an_item_tells_whose_it_is() -> None:
    response = ids.new("resp")
    item = ids.of_item("function_call_output", response, 3)
    assert item.startswith("fco_") and ids.owner(item) == response
    assert ids.of_item("message", response, 3) != ids.of_item("message", response, 4)
    assert ids.owner("msg_of_somebody") is None


@pytest.mark.parametrize("value", ["../etc", "resp 1", "", "a" * 129, "resp_\n", "é", "a/b", "a\x00"])
def test_what_cannot_be_the_id_of_a_stored_response(value: str) -> None:
    assert not ids.is_stored(value)


def test_a_tenant_does_not_tell_its_key() -> None:
    assert ids.tenant_of("a") != ids.tenant_of("b") and "sk-secret" not in ids.tenant_of("sk-secret")
    assert ids.tenant_of("a") == ids.tenant_of("a") and len(ids.tenant_of("")) == 64
