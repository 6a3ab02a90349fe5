"""Schema 2: values of the literature, in a table of their own."""

import sqlalchemy as sa
from alembic import op

from experiments.ledger_triggers import add_triggers

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    """Go there from the version before."""
    op.create_table(
        "literature",
        sa.Column("version_id", sa.Integer(), nullable=False),
        sa.Column("source", sa.Text(), nullable=False),
        sa.Column("doi", sa.Text(), nullable=False),
        sa.Column("specimen", sa.Text(), nullable=False),
        sa.Column("x", sa.Double(), nullable=False),
        sa.Column("milling_time_h", sa.Double(), nullable=False),
        sa.Column("milling_media", sa.Text(), nullable=False),
        sa.Column("milling_speed_rpm", sa.Double(), nullable=False),
        sa.Column("pressing_pressure_mpa", sa.Double(), nullable=False),
        sa.Column("property", sa.Text(), nullable=False),
        sa.Column("lower", sa.Double(), nullable=True),
        sa.Column("upper", sa.Double(), nullable=True),
        sa.Column("se", sa.Double(), nullable=True),
        sa.Column("temperature_c", sa.Double(), nullable=True),
        sa.Column("note", sa.Text(), nullable=False),
        sa.Column("text", sa.Text(), nullable=False),
        sa.Column("recorded_by", sa.Text(), nullable=False),
        sa.Column("file_sha256", sa.Text(), nullable=True),
        sa.Column("withdrawn", sa.Boolean(), nullable=False),
        sa.Column("recorded_at", sa.Text(), nullable=False),
        sa.Column("supersedes", sa.Integer(), nullable=True),
        sa.CheckConstraint("property <> ''", name="property_is_not_empty"),
        sa.CheckConstraint("source <> ''", name="source_is_not_empty"),
        sa.CheckConstraint("specimen <> ''", name="specimen_is_not_empty"),
        sa.CheckConstraint("lower <= upper", name="lower_is_at_most_upper"),
        sa.CheckConstraint(
            "lower IS NOT NULL OR upper IS NOT NULL", name="lower_or_upper_is_known"
        ),
        sa.CheckConstraint("milling_speed_rpm >= 0", name="milling_speed_rpm_is_not_negative"),
        sa.CheckConstraint("milling_time_h >= 0", name="milling_time_h_is_not_negative"),
        sa.CheckConstraint(
            "pressing_pressure_mpa >= 0", name="pressing_pressure_mpa_is_not_negative"
        ),
        sa.CheckConstraint("se > 0", name="se_is_positive"),
        sa.CheckConstraint("supersedes < version_id", name="a_version_supersedes_an_earlier_one"),
        sa.CheckConstraint("x BETWEEN 0 AND 4", name="x_is_between_0_and_4"),
        sa.ForeignKeyConstraint(
            ["file_sha256"],
            ["files.sha256"],
        ),
        sa.ForeignKeyConstraint(
            ["supersedes"],
            ["literature.version_id"],
        ),
        sa.PrimaryKeyConstraint("version_id"),
        sa.UniqueConstraint("supersedes"),
    )

    if op.get_bind().dialect.name == "sqlite":  # PostgreSQL had no triggers before schema 4
        add_triggers(op.get_bind(), ("literature",))
