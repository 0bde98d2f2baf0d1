import pytest

from convert.formats.gemini.dialect import narrowed, plain
from convert.losses import Report

NARROWED = [  # (JSON Schema, Gemini's subset, what is told)
    ({"type": "string"}, {"type": "STRING"}, []),
    ({"type": "object", "properties": {"a": {"type": "integer"}}, "required": ["a", "b"]},
     {"type": "OBJECT", "properties": {"a": {"type": "INTEGER"}}, "required": ["a"]}, []),
    ({"type": ["string", "null"]}, {"type": "STRING", "nullable": True}, []),
    ({"anyOf": [{"type": "string"}, {"type": "null"}]}, {"type": "STRING", "nullable": True}, []),
    ({"anyOf": [{"type": "string"}, {"type": "integer"}]}, {"anyOf": [{"type": "STRING"}, {"type": "INTEGER"}]}, []),
    ({"type": ["string", "integer"]}, {"anyOf": [{"type": "STRING"}, {"type": "INTEGER"}]}, []),
    ({"oneOf": [{"type": "string"}, {"type": "integer"}]}, {"anyOf": [{"type": "STRING"}, {"type": "INTEGER"}]},
     ["s.oneOf approximated (became anyOf)"]),
    ({"const": "x"}, {"type": "STRING", "enum": ["x"]}, ["s.const approximated (became an enum)"]),
    ({"enum": ["a", None]}, {"type": "STRING", "enum": ["a"], "nullable": True}, []),
    ({"type": "integer", "enum": [1, 2]}, {"type": "INTEGER"}, ["s.enum dropped (values that are no strings)"]),
    ({"type": "object", "additionalProperties": False}, {"type": "OBJECT"},
     ["s.additionalProperties dropped (not a word of this API's schemas)"]),
    ({"type": "string", "format": "uri"}, {"type": "STRING"},
     ["s.format dropped (not a format of this API's schemas)"]),
    ({"type": "string", "format": "date-time"}, {"type": "STRING", "format": "date-time"}, []),
    ({"$schema": "x", "type": "array", "items": {"type": "number"}},
     {"type": "ARRAY", "items": {"type": "NUMBER"}}, []),
    ({"type": "array", "items": [{"type": "string"}]}, {"type": "ARRAY", "items": {"type": "STRING"}},
     ["s.items approximated (a list of schemas became alternatives)"]),
    ({"$ref": "#/$defs/A", "description": "d", "$defs": {"A": {"type": "string"}}},
     {"type": "STRING", "description": "d"},
     ["s approximated (what a reference stands for stands in its place)"]),
    ({"$ref": "#/$defs/B"}, {"type": "OBJECT"}, ["s approximated (a reference to nothing became any object)"]),
    ({"$ref": "other.json"}, {"type": "OBJECT"}, ["s approximated (a reference to nothing became any object)"]),
    ({"allOf": [{"properties": {"a": {"type": "string"}}, "required": ["a"]}], "type": "object"},
     {"type": "OBJECT", "properties": {"a": {"type": "STRING"}}, "required": ["a"]},
     ["s.allOf approximated (became one schema)"]),
    (True, {}, []),
    (False, {}, ["s approximated (a schema that is no object became any value)"]),
]  # fmt: skip


@pytest.mark.parametrize(("schema", "subset", "told"), NARROWED, ids=str)
def test_json_schema_in_the_subset(schema, subset, told):
    report = Report()
    assert narrowed(schema, report, "s") == subset
    assert [str(loss) for loss in report.losses] == told


def test_a_property_may_have_the_name_of_a_keyword():
    names = ["const", "$ref", "additionalProperties", "properties", "type", "anyOf", "enum", "items"]
    report = Report()
    schema = {"type": "object", "properties": {name: {"type": "string"} for name in names}}
    assert list(narrowed(schema, report, "s")["properties"]) == names and report.losses == []
    assert plain(schema) == schema


def test_a_schema_that_refers_to_itself_ends():
    node = {"type": "object", "properties": {"next": {"$ref": "#/$defs/N"}, "all": {"$ref": "#"}}}
    report = Report()
    written = narrowed({"$ref": "#/$defs/N", "$defs": {"N": node}}, report, "s")
    assert written["properties"]["next"] == {"type": "OBJECT"}
    assert any("reference to itself" in str(loss) for loss in report.losses)


PLAIN = [
    ({"type": "STRING"}, {"type": "string"}),
    ({"type": "STRING", "nullable": True}, {"type": ["string", "null"]}),
    ({"type": "STRING", "nullable": True, "enum": ["a"]}, {"type": ["string", "null"], "enum": ["a", None]}),
    ({"type": "STRING", "nullable": False}, {"type": "string"}),
    ({"anyOf": [{"type": "STRING"}], "nullable": True}, {"anyOf": [{"type": "string"}, {"type": "null"}]}),
    ({"type": "TYPE_UNSPECIFIED"}, {}),
    ({"type": "ARRAY", "minItems": "1", "items": {"type": "NUMBER"}},
     {"type": "array", "minItems": 1, "items": {"type": "number"}}),
    ({"type": "OBJECT", "properties": {"a": {"type": "STRING"}, "b": {"type": "STRING"}}, "propertyOrdering": ["b", 7]},
     {"type": "object", "properties": {"b": {"type": "string"}, "a": {"type": "string"}}}),
    ({"type": ["string", "null"], "const": "x", "$defs": {"A": {"type": "STRING"}}},
     {"type": ["string", "null"], "const": "x", "$defs": {"A": {"type": "string"}}}),
    (None, None),
]  # fmt: skip


@pytest.mark.parametrize(("subset", "schema"), PLAIN, ids=str)
def test_the_subset_in_json_schema(subset, schema):
    assert plain(subset) == schema


def test_the_order_of_properties_is_kept():
    ordered = plain({"properties": {"a": {}, "b": {}}, "propertyOrdering": ["b", "a"]})
    assert list(ordered["properties"]) == ["b", "a"]
