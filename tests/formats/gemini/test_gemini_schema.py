import pytest
from marshmallow import ValidationError

from convert.formats.gemini.schema import SCHEMA

GOOD = {"model": "m", "contents": [{"parts": [{"text": "hi"}]}]}


@pytest.mark.parametrize(
    "more", [{}, {"stream": None}, {"stream": True}, {"unknown": 1}, {"contents": "hi"}, {"contents": {"parts": []}}]
)
def test_what_the_api_takes_passes(more):
    SCHEMA.load({**GOOD, **more})


@pytest.mark.parametrize(
    "wrong",
    [
        {"model": None}, {"model": ""}, {"model": 7}, {"contents": []}, {"contents": ""}, {"contents": {}},
        {"contents": None}, {"contents": 7}, {"stream": "yes"},
    ],
)  # fmt: skip
def test_the_path_of_a_fault_is_told(wrong):
    with pytest.raises(ValidationError) as caught:
        SCHEMA.load({**GOOD, **wrong})
    assert list(caught.value.messages) == list(wrong)


@pytest.mark.parametrize("name", GOOD)
def test_what_must_be_there(name):
    with pytest.raises(ValidationError) as caught:
        SCHEMA.load({key: value for key, value in GOOD.items() if key != name})
    assert list(caught.value.messages) == [name]
