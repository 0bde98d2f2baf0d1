"""The Flask side: one thin blueprint for each client-facing API, and what they share."""

from convert.api import chat, gemini, messages, models, responses, service

BLUEPRINTS = [
    responses.blueprint, chat.blueprint, messages.blueprint, gemini.blueprint, models.blueprint, service.blueprint,
]  # fmt: skip
