"""gunicorn's gevent worker, which starts sooner and takes less memory.

gevent asks for plugins 25 times while it patches the standard library, and each time Python reads the metadata of
every package that is installed (80 ms where there are 80). The garbage collector writes into all objects that it looks
at, also into those that worker and master share after the fork: of each there would soon be a copy (2 MB).
"""

from __future__ import annotations

import gc
from collections.abc import Iterator
from contextlib import contextmanager
from importlib import metadata
from typing import Any

from gunicorn.workers.ggevent import GeventWorker


class StartingWorker(GeventWorker):  # type: ignore[misc]
    """A worker from just before the fork until it serves."""

    def __init__(self, *given: Any) -> None:
        """The last that happens in the master, so that the collector leaves alone in the worker what is there now."""
        super().__init__(*given)
        gc.freeze()

    def patch(self) -> None:
        """Makes the standard library cooperative."""
        with entry_points_read_once():
            super().patch()


@contextmanager
def entry_points_read_once() -> Iterator[None]:
    """Answers whoever asks for plugins in the meantime from one reading of the metadata."""
    reading = metadata.entry_points
    every = reading()
    metadata.entry_points = every.select
    try:
        yield
    finally:
        metadata.entry_points = reading
