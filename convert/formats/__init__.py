"""The registry of wire formats. A new format is a folder beside this file and a line here."""

from __future__ import annotations

from convert.formats import chat, gemini, responses
from convert.formats.contract import Format

FORMATS: dict[str, Format] = {
    "chat": chat.FORMAT,
    "gemini": gemini.FORMAT,
    "responses": responses.FORMAT,
}
