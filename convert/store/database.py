"""The connection to SQLite or PostgreSQL: opening, transactions, and what it means when they fail.

SQLite is called without waiting (its transactions here take well under a millisecond); a lock that another process
holds is waited for in short sleeps, which other greenlets use. PostgreSQL's driver waits cooperatively by itself.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from pathlib import Path
from traceback import clear_frames
from typing import TypeVar

from sqlalchemy import Connection, Engine, create_engine, event
from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import DBAPIError, SQLAlchemyError
from sqlalchemy.exc import TimeoutError as PoolTimeout

from convert.errors import ProxyError
from convert.store import migrate

log = logging.getLogger(__name__)
Result = TypeVar("Result")
PATIENCE = 5.0  # seconds to wait for a lock or for a connection
PAUSE = 0.01
RETRY_AFTER = "5"


class Database:
    """A database with its tables up to date."""

    def __init__(self, engine: Engine) -> None:
        self.engine = engine

    @property
    def shared(self) -> bool:
        """Whether other machines see it too."""
        return self.engine.dialect.name == "postgresql"

    def run(self, work: Callable[[Connection], Result]) -> Result:
        """What `work` returns, done in one transaction: all of it is written or nothing. It may be called again after a
        lock or a lost connection. Raises ProxyError (overloaded, 503) when the database cannot be used."""
        deadline = time.monotonic() + PATIENCE
        while True:
            try:
                with self.engine.begin() as connection:
                    return work(connection)
            except (SQLAlchemyError, OSError) as error:
                clear_frames(error.__traceback__)  # SQLAlchemy's refer to the error, and so would hold what is written
                if not passing(error) or time.monotonic() > deadline:
                    log.error("the database cannot be used: %s", said(error))
                    raise unavailable() from error
            time.sleep(PAUSE)

    def close(self) -> None:
        """Closes the connections."""
        self.engine.dispose()


def unavailable() -> ProxyError:
    """The error for a request that needs the database while it cannot be used."""
    message = "This request needs the proxy's database, which is not available. Try again, or send store: false."
    return ProxyError("overloaded", message, retry_after=RETRY_AFTER)


def passing(error: Exception) -> bool:
    """Whether the same may work at once or in a moment: a lock, two transactions at odds, a connection that died."""
    if isinstance(error, PoolTimeout) or not isinstance(error, DBAPIError):
        return False
    state = getattr(error.orig, "sqlstate", None)
    return error.connection_invalidated or "database is locked" in str(error.orig) or state in ("40001", "40P01")


def said(error: Exception) -> str:
    """The first line of a database's complaint, without statement and values."""
    return str(getattr(error, "orig", None) or error).partition("\n")[0]


def open_database(url: str) -> Database:
    """The database at a URL, its tables made or brought up to date. `postgres://` is PostgreSQL too, as platforms
    write it. Raises ProxyError (overloaded) when it cannot be opened."""
    try:
        database = Database(_engine(normal(url)))
        migrate.upgrade(database.engine)
    except (SQLAlchemyError, OSError, ValueError) as error:
        log.error("the database cannot be opened: %s", said(error))
        raise unavailable() from error
    return database


def normal(url: str) -> URL:
    """The URL with the driver that is installed here. Raises ValueError for one of another database, or of SQLite
    without a file: each thread and process would have one of its own."""
    try:
        parsed = make_url(url)
    except (SQLAlchemyError, ValueError) as error:
        raise ValueError("is not the URL of a database") from error
    kind = parsed.drivername.partition("+")[0]
    if kind in ("postgres", "postgresql"):
        return parsed.set(drivername="postgresql+psycopg")
    if kind == "sqlite" and parsed.database not in (None, "", ":memory:"):
        return parsed.set(drivername="sqlite")
    raise ValueError("must begin with sqlite:///, and name a file, or with postgresql://")


def _engine(url: URL) -> Engine:
    if url.drivername.startswith("postgresql"):
        silence = {"connect_timeout": 3, "tcp_user_timeout": int(PATIENCE * 1000)}  # of a machine that is gone
        engine = create_engine(url, pool_size=10, max_overflow=20, pool_timeout=PATIENCE, connect_args=silence)
        event.listen(engine, "connect", _prepare_postgresql)
        return engine
    Path(url.database or "").parent.mkdir(parents=True, exist_ok=True)
    # A statement that SQLite keeps would keep a copy of the values that it was last given.
    arguments = {"timeout": 0, "check_same_thread": False, "cached_statements": 0}
    engine = create_engine(url, connect_args=arguments)
    event.listen(engine, "connect", _prepare_sqlite)
    event.listen(engine, "begin", _begin_at_once)
    return engine


def _prepare_sqlite(connection: object, _record: object) -> None:
    """Readers beside one writer (WAL), safe when the process is killed. Python's own BEGIN is switched off: it comes
    late, and a transaction that starts as a reader cannot always become a writer."""
    connection.isolation_level = None  # type: ignore[attr-defined]
    cursor = connection.cursor()  # type: ignore[attr-defined]
    deadline = time.monotonic() + PATIENCE
    while True:
        try:
            cursor.execute("PRAGMA journal_mode=WAL")
            break
        except Exception as error:  # another process is changing the mode: its lock ignores SQLite's own timeout
            if "locked" not in str(error) or time.monotonic() > deadline:
                raise
        time.sleep(PAUSE)
    cursor.execute("PRAGMA synchronous=NORMAL")
    cursor.close()


def _prepare_postgresql(connection: object, _record: object) -> None:
    """No statement waits for a lock for longer than a request would."""
    connection.execute(f"SET lock_timeout = {int(PATIENCE * 1000)}")  # type: ignore[attr-defined]
    connection.commit()  # type: ignore[attr-defined]


def _begin_at_once(connection: Connection) -> None:
    connection.exec_driver_sql("BEGIN IMMEDIATE")
