import pytest

from convert.errors import ProxyError
from convert.formats.gemini.spelling import camel, canonical, respelled


@pytest.mark.parametrize(
    ("name", "documented"),
    [
        ("file_data", "fileData"),
        ("fileData", "fileData"),
        ("parameters_json_schema", "parametersJsonSchema"),
        ("_responseJsonSchema", "_responseJsonSchema"),
        ("text", "text"),
        ("", ""),
    ],
)
def test_the_spelling_of_the_documentation(name, documented):
    assert camel(name) == documented


@pytest.mark.parametrize("body", [{}, {"a_b": 1, "cD": 2}, {"a_b": 1, "aB": 2}, {"x_": 1}])
def test_an_object_comes_back_as_it_was(body):
    copy, given = canonical(body, "p")
    assert respelled(copy, given) == body and copy is not body


def test_of_two_spellings_the_documented_one_counts():
    assert canonical({"a_b": 1, "aB": 2}, "")[0] == {"aB": 2, "a_b": 1}


def test_what_is_no_object_is_told_with_its_path():
    with pytest.raises(ProxyError) as caught:
        canonical([], "contents[0]")
    assert caught.value.param == "contents[0]"
