"""The Flask side: one thin blueprint for each client-facing API, and what they share."""

from convert.api import chat, completions, conversations, gemini, messages, models, responses, service, stored

BLUEPRINTS = [
    responses.blueprint, stored.blueprint, conversations.blueprint, chat.blueprint, completions.blueprint,
    messages.blueprint, gemini.blueprint, models.blueprint, service.blueprint,
]  # fmt: skip
