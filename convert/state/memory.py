"""The database as the requests see it: opened when it is first needed, for one tenant at a time."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

from convert.errors import ProxyError
from convert.settings import Settings
from convert.state import ids

if TYPE_CHECKING:
    from sqlalchemy import Connection

    from convert.store import Database

log = logging.getLogger(__name__)
Result = TypeVar("Result")
DAY = 86400.0
PAUSE = 1.0  # seconds after a failure in which nobody waits for the database to open


class Memory:
    """What is stored, for all tenants. SQLAlchemy is imported with the first request that needs it: a server whose
    clients keep their own state does without."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self.process = ids.new("process")
        self.key: bytes | None = None  # of secrets.py, once it is known
        self._lock = threading.Lock()
        self._database: Database | None = None
        self._again = 0.0  # when it may be opened again, by time.monotonic()
        self._homeless = False  # there is no place for the default file

    @property
    def enabled(self) -> bool:
        """Whether anything is stored here at all."""
        return self.settings.store and not self._homeless

    @property
    def since(self) -> float:
        """The time (seconds since 1970) before which everything has expired."""
        return time.time() - self.settings.retention * DAY

    @property
    def database(self) -> Database:
        """The open database. Raises ProxyError (overloaded) while there is none. One request at a time waits for it to
        open; those behind it share a failure, so that a server that is silent does not hold up all of them in turn."""
        with self._lock:
            if self._database is None:
                from convert import store

                if time.monotonic() < self._again:
                    raise store.unavailable()
                try:
                    self._database = store.open_database(self.settings.database)
                except ProxyError:
                    self._again = time.monotonic() + PAUSE
                    raise
            return self._database

    def ready(self) -> bool:
        """Whether state can be kept. A default file that cannot be made (a read-only disk) means: no state, said once
        in the log. Raises ProxyError (overloaded) when a database that was asked for cannot be used."""
        if not self.enabled:
            return False
        try:
            return self.database is not None
        except ProxyError:
            if self.settings.database_url:
                raise
            self._homeless = True
            log.warning("nothing is stored: %s cannot be written; set DATABASE_URL", self.settings.database)
            return False

    def exists(self) -> bool:
        """Whether there may be something stored already."""
        if not self.enabled:
            return False
        kind, _, path = self.settings.database.partition(":///")
        return not kind.startswith("sqlite") or Path(path).exists()

    def usable(self) -> bool:
        """Whether there is a database right now, for what is a help and no promise."""
        try:
            return self.ready()
        except ProxyError:
            return False

    def run(self, work: Callable[[Connection], Result]) -> Result:
        """What `work` returns, in one transaction. Raises ProxyError (overloaded)."""
        return self.database.run(work)


def tenant(settings: Settings, presented: list[str]) -> str:
    """The tenant of a request: the server's key that it presents, else the key that it brings for the upstream."""
    keys = [key for key in presented if key in settings.keys] if settings.keys else presented
    return ids.tenant_of(keys[0] if keys else "")
