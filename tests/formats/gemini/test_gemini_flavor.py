import dataclasses
import re

from convert.formats.gemini.flavor import GeminiFlavor


def test_each_behaviour_is_explained():
    explained = set(re.findall(r"^    (\w+)  ", GeminiFlavor.__doc__, re.M))
    assert explained == {field.name for field in dataclasses.fields(GeminiFlavor)}
