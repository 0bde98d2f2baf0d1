import dataclasses
import re

from convert.formats.chat.flavor import ChatFlavor


def test_each_behaviour_is_explained():
    explained = set(re.findall(r"^    (\w+)  ", ChatFlavor.__doc__, re.M))
    assert explained == {field.name for field in dataclasses.fields(ChatFlavor)}
