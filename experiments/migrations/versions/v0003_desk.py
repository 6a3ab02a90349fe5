"""Schema 3: who changed what, drafts of rounds, answered requests."""

import sqlalchemy as sa
from alembic import op

from experiments.ledger_triggers import add_triggers

revision = "0003"
down_revision = "0002"


def upgrade() -> None:
    """Go there from the version before."""
    op.create_table(
        "changes",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("at", sa.Text(), nullable=False),
        sa.Column("person", sa.Text(), nullable=False),
        sa.Column("door", sa.Text(), nullable=False),
        sa.Column("what", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_table(
        "drafts",
        sa.Column("version_id", sa.Integer(), nullable=False),
        sa.Column("draft", sa.Text(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("body", sa.Text(), nullable=False),
        sa.Column("person", sa.Text(), nullable=False),
        sa.Column("recorded_at", sa.Text(), nullable=False),
        sa.CheckConstraint(
            "state IN ('open', 'accepted', 'discarded')",
            name="state_is_open_or_accepted_or_discarded",
        ),
        sa.CheckConstraint("version >= 1", name="version_is_at_least_1"),
        sa.PrimaryKeyConstraint("version_id"),
        sa.UniqueConstraint("draft", "version"),
    )
    op.create_table(
        "requests",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("person", sa.Text(), nullable=False),
        sa.Column("key", sa.Text(), nullable=False),
        sa.Column("fingerprint", sa.Text(), nullable=False),
        sa.Column("answer", sa.Text(), nullable=False),
        sa.Column("at", sa.Text(), nullable=False),
        sa.CheckConstraint("key <> ''", name="key_is_not_empty"),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("person", "key"),
    )

    if op.get_bind().dialect.name == "sqlite":  # PostgreSQL had no triggers before schema 4
        add_triggers(op.get_bind(), ("changes", "drafts", "requests"))
