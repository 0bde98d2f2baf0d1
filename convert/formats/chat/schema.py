"""What the proxy itself relies on in a Chat Completions request, checked at the door. Deep faults are the reader's."""

from __future__ import annotations

from typing import Any

from marshmallow import INCLUDE, Schema, ValidationError, fields, validate


def _messages(value: Any) -> None:
    if not isinstance(value, list) or not value:
        raise ValidationError("must be a non-empty list of messages")


class CreateChatCompletion(Schema):
    """POST /v1/chat/completions. Source: OpenAI API reference, "Create chat completion"."""

    class Meta:
        unknown = INCLUDE

    model = fields.String(required=True, validate=validate.Length(min=1))
    messages = fields.Raw(required=True, validate=_messages)
    stream = fields.Boolean(allow_none=True, truthy={True}, falsy={False})
    tools = fields.List(fields.Dict(), allow_none=True)
    functions = fields.List(fields.Dict(), allow_none=True)
    response_format = fields.Dict(allow_none=True)
    stream_options = fields.Dict(allow_none=True)
    metadata = fields.Dict(allow_none=True)
    max_tokens = fields.Integer(allow_none=True, strict=True)
    max_completion_tokens = fields.Integer(allow_none=True, strict=True)
    n = fields.Integer(allow_none=True, strict=True)
    temperature = fields.Float(allow_none=True)
    top_p = fields.Float(allow_none=True)


SCHEMA = CreateChatCompletion()
