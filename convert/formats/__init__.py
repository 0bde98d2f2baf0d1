"""The registry of wire formats. A new format is a folder beside this file and a line here."""

from __future__ import annotations

from convert.formats import chat, gemini, messages, responses
from convert.formats.contract import Format

FORMATS: dict[str, Format] = {
    "chat": chat.FORMAT,
    "responses": responses.FORMAT,
    "messages": messages.FORMAT,
    "gemini": gemini.FORMAT,
}
