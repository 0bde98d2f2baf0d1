"""What is remembered between requests: SQLAlchemy Core over SQLite (one file) or PostgreSQL (DATABASE_URL).

`open_database` gives a Database; the modules beside it hold its statements, one table or two each. Every row carries
the tenant, a hash of the client's key, and every statement asks for it: an id of another tenant does not exist.
"""

from convert.store.database import Database, open_database, unavailable

__all__ = ["Database", "open_database", "unavailable"]
