"""convert: any AI client on any AI provider. `create_app` makes the Flask application."""

from __future__ import annotations

import logging
import os
import sys
import time
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from flask import Flask, Response

    from convert.settings import Settings

ROOT = Path(__file__).resolve().parent.parent
log = logging.getLogger("convert")


def create_app(settings: Settings | None = None) -> Flask:
    """The application. Without settings, those of wsgi.ini (or CONVERT_INI) and the environment.
    Raises SettingsError for settings that are wrong."""
    from flask import Flask

    from convert import api
    from convert.api import errors
    from convert.api.serving import State
    from convert.providers import load as load_providers
    from convert.settings import load

    ini = Path(os.environ.get("CONVERT_INI") or ROOT / "wsgi.ini")
    settings = settings or load(ini)
    load_providers()
    _set_up_log(settings.log_level)
    app = Flask("convert", static_folder=None)
    app.json.sort_keys = False  # type: ignore[attr-defined]
    app.url_map.strict_slashes = False
    app.extensions["convert"] = State(settings)
    errors.register(app)
    for blueprint in api.BLUEPRINTS:
        app.register_blueprint(blueprint)
    app.wsgi_app = _Prefixes(app.wsgi_app, app)  # type: ignore[method-assign]
    _log_requests(app)
    for upstream in settings.upstreams:
        if upstream.echo:
            log.warning("no upstream is configured: answers are a demonstration that repeats what it hears")
        else:
            log.info("upstream %s: %s (%s, %s)", upstream.name, upstream.url, upstream.format, upstream.provider.name)
    return app


def paste_app(global_config: dict[str, str], **local: str) -> Flask:
    """PasteDeploy's factory, for `gunicorn --paste wsgi.ini`; its file is the one that is read."""
    if file := global_config.get("__file__"):
        os.environ.setdefault("CONVERT_INI", file)
    return application()


def application() -> Flask:
    """The application, or the end of the process with one line that says what is wrong with the settings."""
    from convert.settings import SettingsError

    try:
        return create_app()
    except SettingsError as error:
        print(error, file=sys.stderr, flush=True)
        os._exit(3) if _under_gunicorn() else sys.exit(3)


def _under_gunicorn() -> bool:
    """Whether a gunicorn worker is loading the application: it would print a traceback and start again for ever."""
    return "gunicorn" in os.path.basename(sys.argv[0]) or "gunicorn" in os.environ.get("SERVER_SOFTWARE", "")


class _Prefixes:
    """WSGI: takes an upstream's path prefix off, so that every endpoint exists under each of them."""

    def __init__(self, inner: Callable[..., Iterable[bytes]], app: Flask) -> None:
        self.inner = inner
        self.router = app.extensions["convert"].router

    def __call__(self, environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
        upstream, rest = self.router.by_prefix(environ.get("PATH_INFO", ""))
        if upstream is not None:
            environ["convert.prefixed"] = upstream
            environ["SCRIPT_NAME"] = environ.get("SCRIPT_NAME", "") + upstream.path_prefix
            environ["PATH_INFO"] = rest
        return self.inner(environ, start_response)


def _log_requests(app: Flask) -> None:
    """One line for each request; paths without their query, which may hold a key."""
    from flask import g, request

    @app.before_request
    def begin() -> None:
        g.began = time.monotonic()
        g.prefixed = request.environ.get("convert.prefixed")

    @app.after_request
    def note(response: Response) -> Response:
        log.info(
            "%s %s upstream=%s model=%s status=%d ms=%d losses=%d",
            request.method, request.path, g.get("upstream", "-"), g.get("model", "-"), response.status_code,
            (time.monotonic() - g.began) * 1000, g.get("losses", 0),
        )  # fmt: skip
        return response


def _set_up_log(level: str) -> None:
    log.setLevel(level)
    if not log.handlers and not logging.getLogger().handlers:
        handler = logging.StreamHandler()
        handler.setFormatter(logging.Formatter("%(asctime)s %(levelname)s %(name)s: %(message)s"))
        log.addHandler(handler)
