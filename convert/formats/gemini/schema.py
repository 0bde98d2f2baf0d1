"""What the proxy itself relies on in a generateContent request, checked at the door. Deep faults are the reader's."""

from __future__ import annotations

from typing import Any

from marshmallow import INCLUDE, Schema, ValidationError, fields, validate


def _contents(value: Any) -> None:
    if not isinstance(value, list | dict | str) or not value:
        raise ValidationError("must be a non-empty list of contents, one content, or a string")


class GenerateContent(Schema):
    """POST /v1beta/models/MODEL:generateContent; `model` and `stream` come from the URL.

    Source: Gemini API reference, "Method: models.generateContent"."""

    class Meta:
        unknown = INCLUDE

    model = fields.String(required=True, validate=validate.Length(min=1))
    contents = fields.Raw(required=True, validate=_contents)
    stream = fields.Boolean(allow_none=True, truthy={True}, falsy={False})


SCHEMA = GenerateContent()
