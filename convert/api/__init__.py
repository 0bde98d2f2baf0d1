"""The Flask side: one thin blueprint for each client-facing API, and what they share."""

from convert.api import (
    cancelling,
    chat,
    completions,
    conversations,
    gemini,
    messages,
    models,
    responses,
    service,
    stored,
)  # fmt: skip

BLUEPRINTS = [
    module.blueprint
    for module in (
        responses, stored, cancelling, conversations, chat, completions, messages, gemini, models, service,
    )
]  # fmt: skip
