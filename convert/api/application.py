"""Flask, less what no request here needs: coroutines for views, and sessions in cookies."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from flask import Flask
from flask.sessions import NullSession, SessionInterface


class _NoSessions(SessionInterface):
    """The same session for all, which holds nothing and takes nothing."""

    nobody = NullSession()

    def open_session(self, app: Flask, request: Any) -> NullSession:
        """The session of a request."""
        return self.nobody


class Application(Flask):
    """The application."""

    session_interface = _NoSessions()

    def ensure_sync(self, func: Callable[..., Any]) -> Callable[..., Any]:
        """Each view and each hook as it is: to see that it is no coroutine takes longer than most of them."""
        return func
