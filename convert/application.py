"""Puts the Flask application together. A new client-facing API is one more entry of BLUEPRINTS."""

from __future__ import annotations

import logging

from flask import Flask

from convert.access import Access
from convert.api import chat, dry_run, errors, journal, models, responses, service
from convert.api.context import Context
from convert.formats.chat import FORMAT
from convert.relay import Relay
from convert.routing import Router
from convert.settings import Settings

log = logging.getLogger(__name__)
BLUEPRINTS = (responses, chat, models, dry_run, service)


def build(settings: Settings) -> Flask:
    """The application with its endpoints, at the root and under each upstream's path prefix."""
    app = Flask("convert", static_folder=None)
    app.config["PROVIDE_AUTOMATIC_OPTIONS"] = False  # web pages of other origins get no leave to call
    app.json.sort_keys = False  # type: ignore[attr-defined]
    app.url_map.strict_slashes = False
    app.url_map.merge_slashes = app.url_map.redirect_defaults = False  # API clients expect no redirects
    app.extensions["convert"] = Context(
        settings, Router(settings.upstreams), Access(settings.keys, settings.open), Relay(settings)
    )
    errors.register(app, FORMAT)
    for prefix, upstream in _prefixes(settings).items():
        for module in BLUEPRINTS:
            blueprint = module.blueprint
            name = f"{upstream}/{blueprint.name}" if upstream else blueprint.name
            app.register_blueprint(blueprint, name=name, url_prefix=prefix, url_defaults={"upstream": upstream})
    journal.keep(app, settings.log_level)
    _announce(settings)
    return app


def _prefixes(settings: Settings) -> dict[str, str | None]:
    """Each path that endpoints stand under, with the upstream that it stands for."""
    named = {f"/{each.path_prefix}": each.name for each in settings.upstreams if each.path_prefix}
    return {"/": None, **named}


def _announce(settings: Settings) -> None:
    """Says in the log what requests will meet."""
    for upstream in settings.upstreams:
        if upstream.url.startswith("echo:"):
            log.warning("demonstration: upstream '%s' only repeats what it is told; set UPSTREAM_URL", upstream.name)
        else:
            log.info("upstream '%s': %s at %s", upstream.name, upstream.format, upstream.url)
    if settings.open and not settings.keys:
        log.warning("CONVERT_OPEN is set: whoever reaches this server uses its upstream keys")
