"""Flask, less what no request here needs: coroutines for views, sessions in cookies, routes that depend on a host."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from flask import Flask, Request
from flask.sessions import NullSession, SessionInterface
from werkzeug.routing import MapAdapter


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

    def create_url_adapter(self, request: Request | None) -> MapAdapter | None:
        """What finds the view of a request: by its path and its method, and by whether it wants a WebSocket. Raises
        SecurityError (400) for a Host that is none."""
        if request is None or "HTTP_UPGRADE" in request.environ:
            return super().create_url_adapter(request)
        return MapAdapter(
            self.url_map, server_name=request.host.lower(), script_name=request.root_path, subdomain="",
            url_scheme=request.scheme, path_info=request.path, default_method=request.method,
        )  # fmt: skip
