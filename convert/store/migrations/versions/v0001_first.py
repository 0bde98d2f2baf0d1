"""The first tables."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None
NUMBER = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    """Makes the tables."""
    op.create_table(
        "responses",
        sa.Column("tenant", sa.String(64), primary_key=True),
        sa.Column("id", sa.String(128), primary_key=True),
        sa.Column("thread", sa.String(128), nullable=False),
        sa.Column("previous", sa.String(128)),
        sa.Column("conversation", sa.String(128)),
        sa.Column("created", sa.Float, nullable=False),
        sa.Column("status", sa.String(16), nullable=False),
        sa.Column("owner", sa.String(64)),
        sa.Column("attempts", sa.Integer, nullable=False),
        sa.Column("input", sa.LargeBinary, nullable=False),
        sa.Column("output", sa.LargeBinary, nullable=False),
        sa.Column("body", sa.LargeBinary, nullable=False),
        sa.Column("work", sa.LargeBinary),
    )
    op.create_index("responses_thread", "responses", ["tenant", "thread", "created"])
    op.create_index("responses_running", "responses", ["status", "owner"])
    op.create_index("responses_created", "responses", ["created"])
    op.create_table(
        "events",
        sa.Column("tenant", sa.String(64), primary_key=True),
        sa.Column("response", sa.String(128), primary_key=True),
        sa.Column("number", sa.Integer, primary_key=True),
        sa.Column("data", sa.LargeBinary, nullable=False),
    )
    op.create_table(
        "conversations",
        sa.Column("tenant", sa.String(64), primary_key=True),
        sa.Column("id", sa.String(128), primary_key=True),
        sa.Column("created", sa.Float, nullable=False),
        sa.Column("used", sa.Float, nullable=False),
        sa.Column("metadata", sa.LargeBinary, nullable=False),
    )
    op.create_index("conversations_used", "conversations", ["used"])
    op.create_table(
        "items",
        sa.Column("position", NUMBER, primary_key=True, autoincrement=True),
        sa.Column("tenant", sa.String(64), nullable=False),
        sa.Column("conversation", sa.String(128), nullable=False),
        sa.Column("id", sa.String(128), nullable=False),
        sa.Column("data", sa.LargeBinary, nullable=False),
    )
    op.create_index("items_conversation", "items", ["tenant", "conversation", "position"])
    op.create_index("items_id", "items", ["tenant", "conversation", "id"], unique=True)
    op.create_table(
        "completions",
        sa.Column("tenant", sa.String(64), primary_key=True),
        sa.Column("id", sa.String(128), primary_key=True),
        sa.Column("created", sa.Float, nullable=False),
        sa.Column("model", sa.String(256), nullable=False),
        sa.Column("metadata", sa.LargeBinary, nullable=False),
        sa.Column("request", sa.LargeBinary, nullable=False),
        sa.Column("body", sa.LargeBinary, nullable=False),
    )
    op.create_index("completions_created", "completions", ["tenant", "created"])
    op.create_table(
        "seals",
        sa.Column("tenant", sa.String(64), primary_key=True),
        sa.Column("call", sa.String(256), primary_key=True),
        sa.Column("created", sa.Float, nullable=False),
        sa.Column("value", sa.LargeBinary, nullable=False),
    )
    op.create_index("seals_created", "seals", ["created"])
    op.create_table(
        "processes",
        sa.Column("id", sa.String(64), primary_key=True),
        sa.Column("alive", sa.Float, nullable=False),
    )
    op.create_table(
        "secrets",
        sa.Column("name", sa.String(64), primary_key=True),
        sa.Column("value", sa.LargeBinary, nullable=False),
    )
