"""convert: any AI client on any AI provider. `create_app` makes the Flask application.

The imports are inside the functions: the formats are pure, and whoever imports `convert.formats` wants no Flask.
"""

from __future__ import annotations

import contextlib
import gc
import logging
import os
import sys
import warnings
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from flask import Flask

    from convert.settings import Settings

ROOT = Path(__file__).resolve().parent.parent
LOAD_ERROR = 4  # the exit status at which gunicorn stops, instead of starting the worker again for ever
# M_MMAP_THRESHOLD and M_TRIM_THRESHOLD, in bytes, this one more than a long history is taken apart into; M_ARENA_MAX
MALLOC = {-3: 2 << 20, -1: 8 << 20, -8: 2}
log = logging.getLogger("convert")


def create_app(settings: Settings) -> Flask:
    """The application. Raises ValueError for a provider file that is wrong."""
    _lighten()
    from convert import api
    from convert.api import errors, journal
    from convert.api.application import Application
    from convert.api.serving import State
    from convert.providers import load as load_providers

    load_providers()
    app = Application("convert", static_folder=None)
    app.config["PROVIDE_AUTOMATIC_OPTIONS"] = False  # web pages of other origins get no leave to call
    app.json.sort_keys = False  # type: ignore[attr-defined]
    app.url_map.strict_slashes = False
    app.url_map.merge_slashes = app.url_map.redirect_defaults = False  # API clients expect no redirects
    app.extensions["convert"] = State(settings)
    errors.register(app)
    journal.keep(app, settings.log_level)
    for blueprint in api.BLUEPRINTS:
        app.register_blueprint(blueprint)
    app.wsgi_app = _Prefixes(app.wsgi_app, app)  # type: ignore[method-assign]
    _announce(settings)
    return app


def configured(ini: Path | None = None) -> Settings:
    """The settings of a file (CONVERT_INI, else wsgi.ini beside app.py) and the environment.

    Settings that are wrong end the process with one line on stderr that names them."""
    from convert.settings import SettingsError, load

    try:
        return load(ini or Path(os.environ.get("CONVERT_INI") or ROOT / "wsgi.ini"))
    except SettingsError as error:
        print(error, file=sys.stderr, flush=True)
        raise SystemExit(LOAD_ERROR) from None


def application(ini: Path | None = None) -> Flask:
    """The application as `configured`, which goes on with the background work that waits for it."""
    with _uncollected():
        app = create_app(configured(ini))
        from convert.api.serving import resume

        resume(app)
        _settle()
    return app


def paste_app(global_config: dict[str, str], **_local: str) -> Flask:
    """PasteDeploy's factory, for `gunicorn --paste wsgi.ini`. The file is read again as a whole, because a factory
    is not given the [upstream:NAME] sections."""
    return application(Path(global_config["__file__"]))


def _lighten() -> None:
    """Keeps requests from loading what guesses the encodings of texts (3 MB, and a tenth of the start): every body here
    is bytes. requests does without it where it is not installed."""
    if "requests" in sys.modules:
        return
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # it says what it does without
        sys.modules["charset_normalizer"] = None  # type: ignore[assignment]
        try:
            import requests  # noqa: F401
        finally:
            del sys.modules["charset_normalizer"]


@contextlib.contextmanager
def _uncollected() -> Iterator[None]:
    """Keeps the garbage collector from looking again and again at what is being loaded, which stays."""
    if not gc.isenabled():
        yield
        return
    gc.disable()
    try:
        yield
    finally:
        gc.enable()


def _settle() -> None:
    """Fits the process for many streams: as many open files as it may have (two for each stream), a garbage collector
    that does not look again at what was made at the start, and seldom at what streams hold (nearly all of that is freed
    without it), and an allocator that gives the memory of large bodies back."""
    with contextlib.suppress(ImportError, ValueError, OSError):  # not on Windows, and not everywhere allowed
        import resource

        _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
        resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
    gc.freeze()
    gc.set_threshold(20_000, 20, 50)
    _give_back()


def _give_back() -> None:
    """Keeps glibc from raising its threshold for memory of its own (mallopt(3), M_MMAP_THRESHOLD) with each large body
    that is freed: up to 32 MB, bodies would then lie in heaps that shrink only from their ends, and each thread would
    have such a heap (M_ARENA_MAX). Some of what is free at the end of the heap stays (M_TRIM_THRESHOLD): to map it anew
    for each long history would take a quarter of its time."""
    with contextlib.suppress(ImportError, AttributeError, OSError):  # another C library: musl, macOS
        import ctypes

        library = ctypes.CDLL(None)
        for parameter, value in MALLOC.items():
            library.mallopt(parameter, value)
        library.malloc_trim(0)  # of what loading has left free


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


def _announce(settings: Settings) -> None:
    """Says in the log what requests will meet."""
    for upstream in settings.upstreams:
        if upstream.echo:
            log.warning("no upstream is configured: answers are a demonstration that repeats what it hears")
        else:
            log.info("upstream %s: %s (%s, %s)", upstream.name, upstream.url, upstream.format, upstream.provider.name)
    if settings.open and not settings.keys:
        log.warning("CONVERT_OPEN is set: whoever reaches this server uses its upstream keys")
