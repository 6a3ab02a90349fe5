"""Tables of the desk: changes, drafts, answered requests, and the seals on everything."""

from typing import Final

from sqlalchemy import CheckConstraint, Column, Integer, Table, UniqueConstraint

from experiments.ledger_columns import METADATA, JsonText, one_of, text
from experiments.ledger_rows import DRAFT_STATES

CHANGES: Final = Table(
    "changes",
    METADATA,
    Column("id", Integer, primary_key=True),
    text("at"),
    text("person"),
    text("door"),
    Column("what", JsonText, nullable=False),
)
"""One row a transaction that changed anything a person would call a change."""

DRAFTS: Final = Table(
    "drafts",
    METADATA,
    Column("version_id", Integer, primary_key=True),
    text("draft"),
    Column("version", Integer, nullable=False),
    text("state"),
    Column("body", JsonText, nullable=False),
    text("person"),
    text("recorded_at"),
    UniqueConstraint("draft", "version"),
    one_of("state", DRAFT_STATES),
    CheckConstraint("version >= 1", name="version_is_at_least_1"),
)
"""A proposal under discussion: each edit is a new version, and a version is written once."""

REQUESTS: Final = Table(
    "requests",
    METADATA,
    Column("id", Integer, primary_key=True),
    text("person"),
    text("key"),
    text("fingerprint"),
    Column("answer", JsonText, nullable=False),
    text("at"),
    UniqueConstraint("person", "key"),
    CheckConstraint("key <> ''", name="key_is_not_empty"),
)
"""What was answered to a request with an idempotency key, written with what the request did."""

SEALS: Final = Table(
    "seals",
    METADATA,
    Column("id", Integer, primary_key=True),
    text("at"),
    Column("rows", JsonText, nullable=False),
    text("digest"),
)
"""One row a transaction: SHA-256 of each row it wrote, and of all seals before it; see
``experiments.ledger_seals``."""
