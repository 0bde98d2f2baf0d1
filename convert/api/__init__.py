"""The Flask side: one thin blueprint for each client-facing API, and what they share."""

from convert.api import chat, models, responses, service

BLUEPRINTS = [responses.blueprint, chat.blueprint, models.blueprint, service.blueprint]
