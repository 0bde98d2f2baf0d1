"""The named behaviours in which servers of Google's generateContent API differ. Values: providers/*.toml."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from convert.formats.contract import Flavor


@dataclass(frozen=True, slots=True)
class GeminiFlavor(Flavor):
    """The defaults suit the Gemini API with its current models.

    json_schema        schemas go as JSON Schema (parametersJsonSchema, responseJsonSchema); else in the API's own
                       subset
    dummy_signature    calls of a history that comes from elsewhere get the documented word instead of a signature,
                       which Gemini 3 demands
    thinking           how an effort is asked for: level (thinkingLevel, since Gemini 3) or budget (thinkingBudget)
    json_beside_tools  JSON can be asked for while there are functions (since Gemini 3)
    mixed_tools        hosted tools are accepted beside functions (since Gemini 3)
    """

    json_schema: bool = True
    dummy_signature: bool = True
    thinking: Literal["level", "budget"] = "level"
    json_beside_tools: bool = True
    mixed_tools: bool = False
