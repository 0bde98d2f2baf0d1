"""What the views of one app share: `current_app.extensions["convert"]`."""

from __future__ import annotations

from dataclasses import dataclass

from flask import current_app

from convert.access import Access
from convert.relay import Relay
from convert.routing import Router
from convert.settings import Settings


@dataclass(frozen=True, slots=True)
class Context:
    """The settings and the three things made of them, once for each app."""

    settings: Settings
    router: Router
    access: Access
    relay: Relay


def context() -> Context:
    """That of the app which is answering."""
    found: Context = current_app.extensions["convert"]
    return found
