"""What the proxy itself relies on in a Messages request, checked at the door. Deep faults are the reader's."""

from __future__ import annotations

from typing import Any

from marshmallow import INCLUDE, Schema, ValidationError, fields, validate


def _messages(value: Any) -> None:
    if not isinstance(value, list) or not value:
        raise ValidationError("must be a non-empty list of messages")


class CreateMessage(Schema):
    """POST /v1/messages. Source: Anthropic API reference, "Create a Message"."""

    class Meta:
        unknown = INCLUDE

    model = fields.String(required=True, validate=validate.Length(min=1))
    messages = fields.Raw(required=True, validate=_messages)
    max_tokens = fields.Integer(required=True, strict=True)
    stream = fields.Boolean(allow_none=True, truthy={True}, falsy={False})
    tools = fields.List(fields.Dict(), allow_none=True)
    tool_choice = fields.Dict(allow_none=True)
    thinking = fields.Dict(allow_none=True)
    output_config = fields.Dict(allow_none=True)
    metadata = fields.Dict(allow_none=True)
    stop_sequences = fields.List(fields.String(), allow_none=True)
    temperature = fields.Float(allow_none=True)
    top_p = fields.Float(allow_none=True)
    top_k = fields.Integer(allow_none=True, strict=True)


SCHEMA = CreateMessage()
