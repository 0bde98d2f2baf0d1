import pytest
from marshmallow import ValidationError

from convert.formats.responses.schema import SCHEMA

GOOD = {"model": "m", "input": "hi"}


@pytest.mark.parametrize("more", [{}, {"input": []}, {"input": None}, {"stream": True}, {"unknown": 1}, {"tools": []}])
def test_what_the_api_takes_passes(more):
    SCHEMA.load({**GOOD, **more})


@pytest.mark.parametrize(
    "wrong",
    [
        {"model": None},
        {"model": ""},
        {"input": 7},
        {"input": {}},
        {"instructions": []},
        {"stream": 1.5},
        {"tools": "x"},
        {"reasoning": "high"},
        {"text": "json"},
        {"include": "all"},
        {"max_output_tokens": "9"},
        {"previous_response_id": 7},
        {"metadata": []},
    ],
)
def test_the_path_of_a_fault_is_told(wrong):
    with pytest.raises(ValidationError) as caught:
        SCHEMA.load({**GOOD, **wrong})
    assert list(caught.value.messages) == list(wrong)
