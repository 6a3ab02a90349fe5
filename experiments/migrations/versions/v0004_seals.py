"""Schema 4: seals; whole numbers of 64 bits and append-only tables in PostgreSQL too."""

import sqlalchemy as sa
from alembic import op

from experiments.ledger_triggers import add_triggers

_BEFORE = (
    "rounds", "round_events", "specimens", "jars", "pellets", "cells", "files", "readings",
    "notes", "assumption_changes", "models", "proposals", "literature", "changes", "drafts",
    "requests",
)  # fmt: skip

revision = "0004"
down_revision = "0003"


def upgrade() -> None:
    """Go there from the version before."""
    op.create_table(
        "seals",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("at", sa.Text(), nullable=False),
        sa.Column("rows", sa.Text(), nullable=False),
        sa.Column("digest", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("id"),
    )
    connection = op.get_bind()
    if connection.dialect.name == "postgresql":
        op.alter_column("rounds", "seed", type_=sa.BigInteger())
        op.alter_column("readings", "n", type_=sa.BigInteger())
        add_triggers(connection, _BEFORE)
    add_triggers(connection, ("seals",))
