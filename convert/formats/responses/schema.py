"""What the proxy itself relies on in a Responses request, checked at the door. Deep faults are the reader's."""

from __future__ import annotations

from typing import Any

from marshmallow import INCLUDE, Schema, ValidationError, fields, validate


def _input(value: Any) -> None:
    if not isinstance(value, str | list):
        raise ValidationError("must be a string or a list of items")


class CreateResponse(Schema):
    """POST /v1/responses. Source: OpenAI API reference, "Create a model response"."""

    class Meta:
        unknown = INCLUDE

    model = fields.String(required=True, validate=validate.Length(min=1))
    input = fields.Raw(allow_none=True, validate=_input)
    instructions = fields.String(allow_none=True)
    stream = fields.Boolean(allow_none=True, truthy={True}, falsy={False})
    background = fields.Boolean(allow_none=True, truthy={True}, falsy={False})
    store = fields.Boolean(allow_none=True, truthy={True}, falsy={False})
    tools = fields.List(fields.Dict(), allow_none=True)
    reasoning = fields.Dict(allow_none=True)
    text = fields.Dict(allow_none=True)
    include = fields.List(fields.String(), allow_none=True)
    metadata = fields.Dict(allow_none=True)
    max_output_tokens = fields.Integer(allow_none=True, strict=True)
    temperature = fields.Float(allow_none=True)
    top_p = fields.Float(allow_none=True)
    previous_response_id = fields.String(allow_none=True)


SCHEMA = CreateResponse()
