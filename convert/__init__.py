"""A proxy that converts between AI APIs. `hub.py` is where to begin reading.

The imports are inside the functions: the formats are pure, and whoever imports `convert.formats` wants no Flask.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from flask import Flask

    from convert.settings import Settings

__version__ = "0.1.0"
LOAD_ERROR = 4  # the exit status at which gunicorn stops, instead of starting the worker again and again


def create_app(settings: Settings | None = None) -> Flask:
    """The WSGI application. Without `settings`, those of the environment. Raises SettingsError."""
    from convert.application import build
    from convert.settings import load

    return build(load(None, os.environ) if settings is None else settings)


def start(ini: Path) -> Flask:
    """The application with the settings of the file and the environment, for `flask run` and gunicorn.

    Settings that are unknown or malformed end the process with one line on stderr."""
    from convert.settings import SettingsError, load

    try:
        settings = load(ini, os.environ)
    except SettingsError as error:
        print(f"convert: {error}", file=sys.stderr, flush=True)
        raise SystemExit(LOAD_ERROR) from None
    return create_app(settings)


def paste_app(global_conf: dict[str, str], **_local: Any) -> Flask:
    """PasteDeploy's factory, for `gunicorn --paste wsgi.ini`. The file is read again as a whole, because a factory
    is not given the [upstream:NAME] sections."""
    return start(Path(global_conf["__file__"]))
