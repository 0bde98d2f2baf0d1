import base64

import pytest

from convert import sealed
from convert.hub import Sealed


@pytest.mark.parametrize("value", ["EqQB/+==", {"signature": "a", "n": 1.5}, "é", ""])
def test_tagged_state_comes_back_whole(value):
    state = Sealed("messages", value)
    tagged = sealed.tag(state)
    assert base64.b64decode(tagged, validate=True) and sealed.untag(tagged) == state
    assert sealed.shown(state, "responses") == tagged and sealed.found(tagged, "responses") == state


@pytest.mark.parametrize("value", ["gAAAAAB", "", None, 7, base64.b64encode(b"convert").decode(), "Y29udmVydDo="])
def test_what_is_no_tag_belongs_to_its_slot(value):
    assert sealed.untag(value) is None
    assert sealed.found(value, "gemini") == Sealed("gemini", value)
    assert sealed.shown(Sealed("gemini", value), "gemini") == value


def test_the_same_state_has_the_same_tag():
    assert sealed.tag(Sealed("m", {"b": 1, "a": 2})) == sealed.tag(Sealed("m", {"a": 2, "b": 1}))
