"""The log: one line for each request, and no key in any line."""

from __future__ import annotations

import logging
import re
import time
from collections.abc import Callable, Iterable
from typing import cast

from flask import Flask, Response

from convert.api import current
from convert.api.closing import Closing

log = logging.getLogger("convert.requests")
_WORD = re.compile(r"[\x21-\x7e]+")
_KEY = re.compile(r"([?&](?:api_)?key=|\bBearer[ :]+)[^&\s\"']+", re.IGNORECASE)
# They write the path with its query, where Gemini's clients put their key, and lines that are no HTTP.
SERVER_LOGS = ("werkzeug", "gunicorn.access", "gunicorn.error")


def keep(app: Flask, level: str) -> None:
    """Sets up logging at `level`, and the line for each request of `app`."""
    package = logging.getLogger("convert")
    package.setLevel(level)
    if not package.hasHandlers():
        handler = logging.StreamHandler()
        handler.setFormatter(logging.Formatter("%(asctime)s %(levelname)s %(name)s: %(message)s"))
        package.addHandler(handler)
    for name in SERVER_LOGS:
        logging.getLogger(name).addFilter(hide)  # the same filter is added once only
    app.before_request(_begin)
    app.after_request(_end)


def hide(record: logging.LogRecord) -> bool:
    """A log filter that takes the keys out of URLs."""
    message = record.getMessage()
    hidden = _KEY.sub(r"\1***", message)
    if hidden != message:
        record.msg, record.args = hidden, ()
    return True


def _begin() -> None:
    prefixed = current.asked().environ.get("convert.prefixed")
    current.held().update(began=time.monotonic(), prefixed=prefixed)


def _end(response: Response) -> Response:
    """Arranges for the line to be written, and for the request to be over, when the last byte was sent, or the client
    has gone."""
    held = current.held()
    written = entry(current.asked().method, response.status_code, held.get("began", time.monotonic()))
    leave = held.pop("leave", None)

    def line() -> None:
        if leave:
            leave()
        written()

    if response.direct_passthrough:  # then the server closes the iterator, and not the response
        response.response = Closing(cast(Iterable[bytes], response.response), line)
    else:
        response.call_on_close(line)
    return response


def entry(method: str, status: int, began: float) -> Callable[[], None]:
    """What writes the line of the current request, whenever it ends. `began`: time.monotonic() at its start."""
    held, asked = current.held(), current.asked()
    path, upstream, model = asked.root_path + asked.path, held.get("upstream", "-"), held.get("model", "-")
    losses = held.get("losses", 0)

    def line() -> None:
        if log.isEnabledFor(logging.INFO):
            told = (
                f"method={_plain(method)} path={_plain(path)} upstream={_plain(upstream)} model={_plain(model)}"
                f" status={status} losses={losses}"
            )
            milliseconds = (time.monotonic() - began) * 1000
            # log.info would look for the place in the code, which says nothing here
            log.handle(log.makeRecord(log.name, logging.INFO, "", 0, "%s ms=%.0f", (told, milliseconds), None))

    return line


def _plain(value: object) -> str:
    """A value as one word of a log line; what a client sent must not forge another line."""
    text = str(value)[:200]
    return text if _WORD.fullmatch(text) else repr(text)
