"""The task queue: huey, with the storage that suits the database.

SQLite: a file of huey's own beside the database's, which idle workers look at a few times a second. PostgreSQL: tables
of huey's own in the same database, so that several machines need nothing else; NOTIFY wakes idle workers. With
REDIS_URL: Redis, for those who have one anyway.
"""

from __future__ import annotations

import importlib.util
import logging
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

from convert.settings import Settings
from convert.store.database import normal

NAME = "convert"  # of the queue; on PostgreSQL, how its tables begin
CONNECT = 3  # seconds in which PostgreSQL must take the connection
POLL = 0.3  # seconds between two looks of an idle worker, at most
LAST = 20.0  # seconds that a worker which is told to stop may go on with what it has begun
Work = Callable[[str, str], None]  # (tenant, id of a response)


class Queue:
    """Ids of responses that wait to be made."""

    def __init__(self, settings: Settings, work: Work) -> None:
        logging.getLogger("huey").setLevel("CRITICAL")  # it would tell of a lost database many times a second
        self.huey = _huey(settings)
        self._task = self.huey.task(name="make", context=False)(work)
        self.running = False
        self._consumer: Any = None

    def put(self, tenant: str, response: str) -> None:
        """Queues a response. Raises what the storage raises."""
        self._task(tenant, response)

    def empty(self) -> bool:
        """Whether nothing waits in it. Raises what the storage raises."""
        return bool(self.huey.pending_count() == 0)

    def start(self, workers: int) -> None:
        """Makes what is queued in threads of this process (greenlets, under gevent), from now on."""
        if not self.running and workers > 0:
            self.running = True
            self._consumer = self._made_consumer(workers)
            for _, worker in self._consumer.worker_threads:
                worker.daemon = True
                worker.start()

    def stop(self) -> None:
        """Ends those threads, each when it has made what it makes."""
        if self.running:
            self._consumer.stop_flag.set()

    def serve(self, workers: int) -> None:
        """Makes what is queued until the process is told to stop (SIGTERM); what it has begun may end."""
        self._made_consumer(workers).run()

    def _made_consumer(self, workers: int) -> Any:
        return self.huey.create_consumer(
            workers=workers, periodic=False, initial_delay=0.05, max_delay=POLL, graceful_signal="TERM",
            shutdown_timeout=LAST,
        )  # fmt: skip


def _huey(settings: Settings) -> Any:
    url = normal(settings.database)
    postgres = url.drivername.startswith("postgresql")
    storage = _storage({"redis": bool(settings.redis_url), "psycopg": postgres})
    from huey import Huey

    if settings.redis_url:
        return Huey(NAME, storage_class=storage.RedisStorage, url=settings.redis_url, results=False)
    if postgres:
        return _on_postgres(storage, url.set(drivername="postgresql").render_as_string(hide_password=False))
    path = Path(url.database or "convert.db")
    file = str(path.with_name(f"{path.stem}-queue.db"))
    return Huey(NAME, storage_class=storage.SqliteStorage, filename=file, results=False)


def _storage(drivers: dict[str, bool]) -> Any:
    """huey's storages. They would load the drivers of all of them (13 MB, and a fifth of the start); without those that
    are not needed they do as if these were not installed."""
    hidden = [name for name, needed in drivers.items() if not needed and name not in sys.modules]
    sys.modules.update(dict.fromkeys(hidden))  # type: ignore[arg-type]
    try:
        storage = importlib.import_module("huey.storage")
        found = {"redis": storage.Redis, "psycopg": storage.psycopg}
        complete = all(found[name] for name, needed in drivers.items() if needed)
        return storage if complete else _copied(storage)  # another queue of this process did without
    finally:
        for name in hidden:
            del sys.modules[name]


def _copied(module: Any) -> Any:
    """A module that is executed again, beside the one that is there."""
    copy = importlib.util.module_from_spec(module.__spec__)
    module.__spec__.loader.exec_module(copy)
    return copy


def _on_postgres(storage: Any, dsn: str) -> Any:
    """The queue in a PostgreSQL database. Two machines that make its tables at the same moment are at odds there, for
    all of `IF NOT EXISTS`: the one that lost tries again."""
    from huey import Huey
    from psycopg.errors import DuplicateTable, UniqueViolation

    options = {"dsn": dsn, "results": False, "table_prefix": NAME, "connect_timeout": CONNECT}
    try:
        return Huey(NAME, storage_class=storage.PostgresStorage, **options)
    except (DuplicateTable, UniqueViolation):
        return Huey(NAME, storage_class=storage.PostgresStorage, **options)
