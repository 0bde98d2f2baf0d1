"""A process that makes background responses: `python -m convert.worker`, the `worker` of the Procfile.

It has the settings of the web process. How many it makes at a time: CONVERT_BACKGROUND_THREADS, or 4 where that is 0.
"""

from __future__ import annotations

from gevent import monkey

monkey.patch_all()

import logging  # noqa: E402 - patched first
import time  # noqa: E402
from typing import cast  # noqa: E402

from convert import LOAD_ERROR, configured, create_app  # noqa: E402
from convert.api.later import queue_of  # noqa: E402
from convert.api.serving import State  # noqa: E402
from convert.background.queue import Queue  # noqa: E402
from convert.errors import ProxyError  # noqa: E402

THREADS = 4
PAUSE = 5.0  # seconds after which a database or a queue that cannot be used is tried again
log = logging.getLogger(__name__)


def main() -> None:
    """Works until it is told to stop (SIGTERM), and then for a while on what it has begun. Settings that are wrong, or
    that store nothing, end it with one line."""
    settings = configured()
    if not settings.store:
        log.error("CONVERT_STORE is off: there is no background work")
        raise SystemExit(LOAD_ERROR)
    here = cast(State, create_app(settings).extensions["convert"])
    opened(here).serve(settings.background_threads or THREADS)
    here.recorder.leave()


def opened(here: State) -> Queue:
    """The queue, as soon as it and the database can be used."""
    while True:
        try:
            here.memory.ready()
            return queue_of(here)
        except ProxyError as error:
            log.warning("%s", error.message)
        time.sleep(PAUSE)


if __name__ == "__main__":
    main()
