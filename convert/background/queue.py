"""The task queue: huey, with the storage that suits the database.

SQLite: a file of huey's own beside the database's. PostgreSQL: tables of huey's own in the same database, so that
several machines need nothing else. With REDIS_URL: Redis, which wakes its workers at once instead of being polled.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from pathlib import Path
from typing import Any

from convert.settings import Settings
from convert.store.database import normal

NAME = "convert"
POLL = 0.3  # seconds between two looks of an idle worker, at most
Work = Callable[[str, str], None]  # (tenant, id of a response)


class Queue:
    """Ids of responses that wait to be made."""

    def __init__(self, settings: Settings, work: Work) -> None:
        logging.getLogger("huey").setLevel("WARNING")
        self.huey = _huey(settings)
        self._task = self.huey.task(name="make", context=False)(work)
        self.running = False
        self._consumer: Any = None

    def put(self, tenant: str, response: str) -> None:
        """Queues a response. Raises what the storage raises."""
        self._task(tenant, response)

    def empty(self) -> bool:
        """Whether nobody has to be waited for."""
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
        """Makes what is queued until the process is told to stop."""
        self._made_consumer(workers).run()

    def _made_consumer(self, workers: int) -> Any:
        return self.huey.create_consumer(workers=workers, periodic=False, initial_delay=0.05, max_delay=POLL)


def _huey(settings: Settings) -> Any:
    if settings.redis_url:
        from huey import RedisHuey

        return RedisHuey(NAME, url=settings.redis_url, results=False)
    url = normal(settings.database)
    if url.drivername.startswith("postgresql"):
        from huey.contrib.sql_huey import SqlHuey

        plain = url.set(drivername="psycopg3+pool").render_as_string(hide_password=False)
        return SqlHuey(NAME, database=plain, results=False)
    from huey import SqliteHuey

    path = Path(url.database or "convert.db")
    return SqliteHuey(NAME, filename=str(path.with_name(f"{path.stem}-queue.db")), results=False)
