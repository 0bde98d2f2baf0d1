"""Gemini's own subset of JSON Schema (`parameters`, `responseSchema`): from JSON Schema, and back.

Both walk by position, so that a property that is named like a keyword is not taken for one.
Source: Gemini API reference, "Schema".
"""

from __future__ import annotations

from typing import Any

from convert.losses import Report

Json = dict[str, Any]
NUMBERED = ("", "string", "number", "integer", "boolean", "array", "object")  # older Vertex SDKs send the enum's number
NUMBERS = ("minItems", "maxItems", "minLength", "maxLength", "minProperties", "maxProperties")
KEPT = (
    "title", "description", "default", "example", "minimum", "maximum", "pattern", "required", "nullable",
    "propertyOrdering", *NUMBERS,
)  # fmt: skip
FORMATS = ("enum", "date-time", "float", "double", "int32", "int64")
SILENT = ("$schema", "$id", "$comment", "$defs", "definitions", "$anchor")  # what says nothing about values
WALKED = ("type", "properties", "items", "anyOf", "oneOf", "allOf", "enum", "const", "format", "$ref")
DEPTH = 60


def narrowed(schema: Json, report: Report, path: str) -> Json:
    """A JSON Schema in the subset; each change is reported under `path`, which is that of the schema."""
    return _Narrowing(schema, report).schema(schema, path, ())


class _Narrowing:
    """Walks one schema; `root` holds the definitions that it refers to."""

    def __init__(self, root: Json, report: Report) -> None:
        self.root = root
        self.report = report

    def schema(self, schema: Any, path: str, inside: tuple[str, ...]) -> Json:
        """One schema; `inside`: the references that led here."""
        if not isinstance(schema, dict):
            if schema is not True:
                self.report.approximated(path, "a schema that is no object became any value")
            return {}
        if isinstance(schema.get("$ref"), str):
            return self.referred(schema, path, inside)
        if isinstance(schema.get("allOf"), list):
            return self.schema(self.joined(schema, path), path, inside)
        out: Json = {key: value for key, value in schema.items() if key in KEPT}
        self.typed(schema, out, path, inside)
        self.valued(schema, out, path)
        self.nested(schema, out, path, inside)
        for key in schema:
            if key not in (*KEPT, *WALKED, *SILENT):
                self.report.dropped(f"{path}.{key}", "not a word of this API's schemas")
        return out

    def referred(self, schema: Json, path: str, inside: tuple[str, ...]) -> Json:
        """What a reference stands for, in its place; the second time within itself, any object."""
        name = schema["$ref"]
        beside = {key: value for key, value in schema.items() if key != "$ref"}
        target = self.found(name)
        if target is None or name in inside or len(inside) > DEPTH:
            why = "a reference to nothing" if target is None else "a reference to itself"
            self.report.approximated(path, f"{why} became any object")
            return {"type": "OBJECT", **{key: value for key, value in beside.items() if key == "description"}}
        self.report.approximated(path, "what a reference stands for stands in its place")
        return self.schema({**target, **beside}, path, (*inside, name))

    def found(self, name: str) -> Json | None:
        """The part of the whole schema that a local reference names."""
        node: Any = self.root
        if not name.startswith("#"):
            return None
        for step in name[1:].strip("/").split("/") if name.strip("#/") else ():
            node = node.get(step.replace("~1", "/").replace("~0", "~")) if isinstance(node, dict) else None
        return node if isinstance(node, dict) else None

    def joined(self, schema: Json, path: str) -> Json:
        """A schema with all of its `allOf` in one."""
        self.report.approximated(f"{path}.allOf", "became one schema")
        whole = {key: value for key, value in schema.items() if key != "allOf"}
        for each in schema["allOf"]:
            part = each if isinstance(each, dict) else {}
            if isinstance(part.get("$ref"), str):
                beside = {key: value for key, value in part.items() if key != "$ref"}
                part = {**(self.found(part["$ref"]) or {}), **beside}
            for key, value in part.items():
                if key == "properties" and isinstance(value, dict):
                    value = {**value, **(whole.get("properties") or {})}
                elif key == "required" and isinstance(value, list):
                    value = [*(whole.get("required") or []), *value]
                elif key in whole:
                    continue
                whole[key] = value
        return whole

    def typed(self, schema: Json, out: Json, path: str, inside: tuple[str, ...]) -> None:
        """`type`, a word or a list of them, and the alternatives; null among them is `nullable`."""
        kinds = schema.get("type")
        kinds = [kinds] if isinstance(kinds, str) else kinds if isinstance(kinds, list) else []
        words = [str(kind).upper() for kind in kinds]
        if "NULL" in words and len(words) > 1:
            out["nullable"] = True
            words.remove("NULL")
        options: list[Json] = [{"type": word} for word in words] if len(words) > 1 else []
        if len(words) == 1:
            out["type"] = words[0]
        key = "anyOf" if isinstance(schema.get("anyOf"), list) else "oneOf"
        listed = schema.get(key)
        for number, each in enumerate(listed if isinstance(listed, list) else ()):
            if isinstance(each, dict) and each.get("type") in ("null", "NULL"):
                out["nullable"] = True
            else:
                options.append(self.schema(each, f"{path}.{key}[{number}]", inside))
        if key == "oneOf" and listed:
            self.report.approximated(f"{path}.oneOf", "became anyOf")
        if len(options) == 1:
            out |= {name: value for name, value in options[0].items() if name not in out}
        elif options:
            out["anyOf"] = options

    def valued(self, schema: Json, out: Json, path: str) -> None:
        """`enum`, which holds strings only here, `const`, and the few formats."""
        values = schema.get("enum")
        if "const" in schema:
            self.report.approximated(f"{path}.const", "became an enum")
            values = [schema["const"]]
        if isinstance(values, list):
            if None in values:
                out["nullable"] = True
            words = [value for value in values if isinstance(value, str)]
            if words:
                out |= {"enum": words, "type": out.get("type", "STRING")}
            if len(words) < len([value for value in values if value is not None]):
                self.report.dropped(f"{path}.enum", "values that are no strings")
        if "format" in schema:
            if schema["format"] in FORMATS:
                out["format"] = schema["format"]
            else:
                self.report.dropped(f"{path}.format", "not a format of this API's schemas")

    def nested(self, schema: Json, out: Json, path: str, inside: tuple[str, ...]) -> None:
        """The schemas of properties and of items."""
        if isinstance(schema.get("properties"), dict):
            out["properties"] = {
                name: self.schema(each, f"{path}.properties.{name}", inside)
                for name, each in schema["properties"].items()
            }
            required = out.get("required")
            if isinstance(required, list):
                out["required"] = [name for name in required if name in out["properties"]]
        items = schema.get("items")
        if isinstance(items, list):
            self.report.approximated(f"{path}.items", "a list of schemas became alternatives")
            items = {"anyOf": items} if items else True
        if items is not None:
            out["items"] = self.schema(items, f"{path}.items", inside)


def plain(schema: Any) -> Any:
    """JSON Schema for a schema of this API: types in lower case, `nullable` as a type, numbers as numbers. What is JSON
    Schema already stays as it is."""
    if not isinstance(schema, dict):
        return schema
    out: Json = {}
    for key, value in schema.items():
        match key:
            case "type" if isinstance(value, str):
                if value != "TYPE_UNSPECIFIED":
                    out["type"] = value.lower()
            case "type" if isinstance(value, int) and 0 < value < len(NUMBERED):
                out["type"] = NUMBERED[value]
            case "properties" | "$defs" | "definitions" if isinstance(value, dict):
                out[key] = {name: plain(each) for name, each in value.items()}
            case "items" | "additionalProperties" | "not":
                out[key] = plain(value)
            case "anyOf" | "oneOf" | "allOf" | "prefixItems" if isinstance(value, list):
                out[key] = [plain(each) for each in value]
            case "nullable" if isinstance(value, bool):
                pass
            case "propertyOrdering":
                pass
            case _ if key in NUMBERS and isinstance(value, str) and value.isdecimal():
                out[key] = int(value)
            case _:
                out[key] = value
    if isinstance(order := schema.get("propertyOrdering"), list) and isinstance(out.get("properties"), dict):
        first = [name for name in order if isinstance(name, str) and name in out["properties"]]
        out["properties"] = {name: out["properties"][name] for name in dict.fromkeys([*first, *out["properties"]])}
    return _nullable(out) if schema.get("nullable") is True else out


def _nullable(schema: Json) -> Json:
    """A schema that also allows null."""
    if isinstance(schema.get("anyOf"), list):
        return {**schema, "anyOf": [*schema["anyOf"], {"type": "null"}]}
    if not isinstance(schema.get("type"), str):
        return schema
    wider = {**schema, "type": [schema["type"], "null"]}
    if isinstance(schema.get("enum"), list):
        wider["enum"] = [*schema["enum"], None]
    return wider
