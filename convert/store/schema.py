"""The tables. A change here needs a migration beside it (migrations/versions).

JSON is kept as the bytes that were written or sent, times as seconds since 1970.
"""

from __future__ import annotations

from sqlalchemy import BigInteger, Column, Float, Index, Integer, LargeBinary, MetaData, String, Table

METADATA = MetaData()
NUMBER = BigInteger().with_variant(Integer(), "sqlite")  # SQLite counts up INTEGER primary keys only

# A response of the Responses API. `input`: the items of its own request, `output`: its items, `body`: the rest of the
# object. `thread`: the first response of the chain that `previous` makes. `owner`: the process that works on it, while
# it is in progress. `work`: what a background response needs to be run, sealed.
RESPONSES = Table(
    "responses", METADATA,
    Column("tenant", String(64), primary_key=True),
    Column("id", String(128), primary_key=True),
    Column("thread", String(128), nullable=False),
    Column("previous", String(128)),
    Column("conversation", String(128)),
    Column("created", Float, nullable=False),
    Column("status", String(16), nullable=False),
    Column("owner", String(64)),
    Column("attempts", Integer, nullable=False, default=0),
    Column("input", LargeBinary, nullable=False),
    Column("output", LargeBinary, nullable=False),
    Column("body", LargeBinary, nullable=False),
    Column("work", LargeBinary),
    Index("responses_thread", "tenant", "thread", "created"),
    Index("responses_running", "status", "owner"),
    Index("responses_created", "created"),
)  # fmt: skip

# The events of a streamed response, a few at a time, as the bytes that were sent. `number`: the first one's.
EVENTS = Table(
    "events", METADATA,
    Column("tenant", String(64), primary_key=True),
    Column("response", String(128), primary_key=True),
    Column("number", Integer, primary_key=True),
    Column("data", LargeBinary, nullable=False),
)  # fmt: skip

CONVERSATIONS = Table(
    "conversations", METADATA,
    Column("tenant", String(64), primary_key=True),
    Column("id", String(128), primary_key=True),
    Column("created", Float, nullable=False),
    Column("used", Float, nullable=False),
    Column("metadata", LargeBinary, nullable=False),
    Index("conversations_used", "used"),
)  # fmt: skip

# The items of a conversation; `position` counts over all of them, so that two machines never choose the same.
ITEMS = Table(
    "items", METADATA,
    Column("position", NUMBER, primary_key=True, autoincrement=True),
    Column("tenant", String(64), nullable=False),
    Column("conversation", String(128), nullable=False),
    Column("id", String(128), nullable=False),
    Column("data", LargeBinary, nullable=False),
    Index("items_conversation", "tenant", "conversation", "position"),
    Index("items_id", "tenant", "conversation", "id", unique=True),
)  # fmt: skip

# A Chat completion with `store: true`. `request`: the client's body.
COMPLETIONS = Table(
    "completions", METADATA,
    Column("tenant", String(64), primary_key=True),
    Column("id", String(128), primary_key=True),
    Column("created", Float, nullable=False),
    Column("model", String(256), nullable=False),
    Column("metadata", LargeBinary, nullable=False),
    Column("request", LargeBinary, nullable=False),
    Column("body", LargeBinary, nullable=False),
    Index("completions_created", "tenant", "created"),
)  # fmt: skip

# Sealed reasoning state that a client's API has no slot for, by the id of the tool call that it precedes.
SEALS = Table(
    "seals", METADATA,
    Column("tenant", String(64), primary_key=True),
    Column("call", String(256), primary_key=True),
    Column("created", Float, nullable=False),
    Column("value", LargeBinary, nullable=False),
    Index("seals_created", "created"),
)  # fmt: skip

# The processes that work on responses, and when each was last alive.
PROCESSES = Table(
    "processes", METADATA,
    Column("id", String(64), primary_key=True),
    Column("alive", Float, nullable=False),
)  # fmt: skip

# Keys that the server made for itself.
SECRETS = Table(
    "secrets", METADATA,
    Column("name", String(64), primary_key=True),
    Column("value", LargeBinary, nullable=False),
)  # fmt: skip
