import dataclasses
import re

from convert.formats.responses.flavor import ResponsesFlavor


def test_each_behaviour_is_explained():
    explained = set(re.findall(r"^    (\w+)  ?", ResponsesFlavor.__doc__, re.M))
    assert {field.name for field in dataclasses.fields(ResponsesFlavor)} <= explained
