"""Fits a request's tools to what a wire can say, and maps the calls that come back to what was offered.

Not every wire has custom (free text) tools, namespaces, built-in tools that the client runs, names over 64
characters. `fit` rewrites the request (tools, choice, history) into plain functions under legal names and
returns `Names`, which turns each returning call into the type, name and namespace the client knows.
Everything is derived from the request alone, so the same history always gives the same bytes.
"""

from __future__ import annotations

import dataclasses
import hashlib
import json
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

from convert import hub
from convert.errors import ProxyError
from convert.losses import Report


@dataclass(frozen=True, slots=True)
class Support:
    """What a wire can say of tools. `hosted`: wire types of hosted tools that it can carry."""

    custom: bool = False
    namespaces: bool = False
    client: bool = False  # built-ins that the client executes
    in_history: bool = False  # tools that are announced in the middle of a conversation
    hosted: frozenset[str] = frozenset()
    allowed_choice: bool = False  # a choice among some of the tools
    name_length: int = 64
    id_length: int = 64


class Names(dict[str, hub.Tool]):
    """Wire name -> the tool as the client knows it, for each tool whose name or kind had to change.
    Empty: nothing changed, and answers need no mapping."""


def fit(request: hub.Request, support: Support, report: Report) -> tuple[hub.Request, Names]:
    """The request with only such tools, calls and results as the wire can say, and the way back."""
    raise NotImplementedError


def restored(events: Iterable[hub.Event], names: Names) -> Iterator[hub.Event]:
    """Events with each tool call under its type, name and namespace of the client."""
    raise NotImplementedError


def restore(response: hub.Response, names: Names) -> hub.Response:
    """The same for a finished response."""
    raise NotImplementedError
