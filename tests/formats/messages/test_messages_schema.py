import pytest
from marshmallow import ValidationError

from convert.formats.messages.schema import SCHEMA

GOOD = {"model": "m", "max_tokens": 10, "messages": [{"role": "user", "content": "hi"}]}


@pytest.mark.parametrize("more", [{}, {"stream": None}, {"unknown": object()}, {"tools": []}, {"temperature": 1}])
def test_what_the_api_takes_passes(more):
    SCHEMA.load({**GOOD, **more})


@pytest.mark.parametrize(
    "wrong",
    [
        {"model": None}, {"model": ""}, {"messages": []}, {"messages": "hi"}, {"stream": "yes"}, {"tools": {}},
        {"tools": ["x"]}, {"max_tokens": "many"}, {"max_tokens": 1.5}, {"temperature": "hot"}, {"metadata": "x"},
        {"tool_choice": "auto"}, {"thinking": "much"}, {"output_config": []}, {"stop_sequences": "x"}, {"top_k": 1.5},
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
