import pytest
from marshmallow import ValidationError

from convert.formats.chat.schema import SCHEMA

GOOD = {"model": "m", "messages": [{"role": "user", "content": "hi"}]}


@pytest.mark.parametrize("more", [{}, {"stream": None}, {"unknown": object()}, {"tools": []}, {"temperature": 1}])
def test_what_the_api_takes_passes(more):
    SCHEMA.load({**GOOD, **more})


@pytest.mark.parametrize(
    "wrong",
    [
        {"model": None}, {"model": ""}, {"model": 7}, {"messages": []}, {"messages": "hi"}, {"messages": None},
        {"stream": "yes"}, {"tools": {}}, {"tools": ["x"]}, {"max_tokens": "many"}, {"max_tokens": 1.5}, {"n": "2"},
        {"temperature": "hot"}, {"stream_options": []}, {"response_format": "json"}, {"metadata": "x"},
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
