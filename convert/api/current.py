"""The request in progress, and what is held for it. Flask's proxies take six calls for each look at them, and there are
fifty looks in a small request: these give what stands behind them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from flask import Flask, Request, current_app, g, request

app: Callable[[], Flask] = current_app._get_current_object  # type: ignore[attr-defined]
asked: Callable[[], Request] = request._get_current_object  # type: ignore[attr-defined]
_globals: Callable[[], Any] = g._get_current_object


def held() -> dict[str, Any]:
    """What is held for the request: flask.g, as a dictionary."""
    held: dict[str, Any] = vars(_globals())
    return held
