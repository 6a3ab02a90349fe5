"""Schema 1: specimens, readings, rounds, proposals, models and the outbox."""

import sqlalchemy as sa
from alembic import op

from experiments.ledger_triggers import add_triggers

revision = "0001"
down_revision = None


def upgrade() -> None:
    """Go there from the version before."""
    op.create_table(
        "assumption_changes",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("changed_at", sa.Text(), nullable=False),
        sa.Column("key", sa.Text(), nullable=False),
        sa.Column("old", sa.Text(), nullable=True),
        sa.Column("new", sa.Text(), nullable=True),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_table(
        "meta",
        sa.Column("key", sa.Text(), nullable=False),
        sa.Column("value", sa.Text(), nullable=False),
        sa.CheckConstraint(
            "key <> 'kind' OR value IN ('real', 'simulated')", name="kind_is_real_or_simulated"
        ),
        sa.PrimaryKeyConstraint("key"),
    )
    op.create_table(
        "models",
        sa.Column("sha256", sa.Text(), nullable=False),
        sa.Column("body", sa.Text(), nullable=False),
        sa.Column("recorded_at", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("sha256"),
    )
    op.create_table(
        "notes",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("text", sa.Text(), nullable=False),
        sa.Column("source", sa.Text(), nullable=False),
        sa.Column("specimen", sa.Text(), nullable=False),
        sa.Column("property", sa.Text(), nullable=False),
        sa.Column("recorded_at", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_table(
        "rounds",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("opened_at", sa.Text(), nullable=False),
        sa.Column("seed", sa.Integer(), nullable=False),
        sa.Column("config", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("number"),
    )
    op.create_table(
        "files",
        sa.Column("sha256", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("round_id", sa.Text(), nullable=True),
        sa.Column("counts", sa.Text(), nullable=False),
        sa.Column("recorded_at", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(
            ["round_id"],
            ["rounds.id"],
        ),
        sa.PrimaryKeyConstraint("sha256"),
    )
    op.create_table(
        "outbox",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("created_at", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("round_id", sa.Text(), nullable=True),
        sa.Column("payload", sa.Text(), nullable=False),
        sa.Column("delivered_at", sa.Text(), nullable=True),
        sa.Column("last_error", sa.Text(), nullable=True),
        sa.ForeignKeyConstraint(
            ["round_id"],
            ["rounds.id"],
        ),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_table(
        "round_events",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("round_id", sa.Text(), nullable=False),
        sa.Column("event", sa.Text(), nullable=False),
        sa.Column("at", sa.Text(), nullable=False),
        sa.Column("detail", sa.Text(), nullable=True),
        sa.CheckConstraint(
            "event IN ('opened', 'tracked', 'recorded', 'scored', 'closed')",
            name="event_is_opened_or_tracked_or_recorded_or_scored_or_closed",
        ),
        sa.ForeignKeyConstraint(
            ["round_id"],
            ["rounds.id"],
        ),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_table(
        "specimens",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("round_id", sa.Text(), nullable=True),
        sa.Column("created_at", sa.Text(), nullable=False),
        sa.CheckConstraint("id <> ''", name="id_is_not_empty"),
        sa.CheckConstraint(
            "kind IN ('jar', 'pellet', 'cell')", name="kind_is_jar_or_pellet_or_cell"
        ),
        sa.ForeignKeyConstraint(
            ["round_id"],
            ["rounds.id"],
        ),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_table(
        "cells",
        sa.Column("version_id", sa.Integer(), nullable=False),
        sa.Column("specimen", sa.Text(), nullable=False),
        sa.Column("core", sa.Text(), nullable=False),
        sa.Column("skin", sa.Text(), nullable=False),
        sa.Column("core_mass_mg", sa.Double(), nullable=False),
        sa.Column("skin_mass_mg", sa.Double(), nullable=False),
        sa.Column("precompaction_pressure_mpa", sa.Double(), nullable=False),
        sa.Column("pressing_pressure_mpa", sa.Double(), nullable=True),
        sa.Column("stack_pressure_mpa", sa.Double(), nullable=False),
        sa.Column("temperature_c", sa.Double(), nullable=False),
        sa.Column("status", sa.Text(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("note", sa.Text(), nullable=False),
        sa.Column("operator", sa.Text(), nullable=False),
        sa.Column("recorded_at", sa.Text(), nullable=False),
        sa.Column("supersedes", sa.Integer(), nullable=True),
        sa.CheckConstraint(
            "pressing_pressure_mpa IS NOT NULL OR status IN ('failed', 'not_made')",
            name="pressing_pressure_mpa_is_known_unless_never_pressed",
        ),
        sa.CheckConstraint(
            "status IN ('planned', 'made', 'failed', 'not_made')",
            name="status_is_planned_or_made_or_failed_or_not_made",
        ),
        sa.CheckConstraint("core_mass_mg >= 0", name="core_mass_mg_is_not_negative"),
        sa.CheckConstraint(
            "precompaction_pressure_mpa >= 0", name="precompaction_pressure_mpa_is_not_negative"
        ),
        sa.CheckConstraint(
            "pressing_pressure_mpa >= 0", name="pressing_pressure_mpa_is_not_negative"
        ),
        sa.CheckConstraint("skin_mass_mg >= 0", name="skin_mass_mg_is_not_negative"),
        sa.CheckConstraint("stack_pressure_mpa >= 0", name="stack_pressure_mpa_is_not_negative"),
        sa.CheckConstraint("supersedes < version_id", name="a_version_supersedes_an_earlier_one"),
        sa.ForeignKeyConstraint(
            ["core"],
            ["specimens.id"],
        ),
        sa.ForeignKeyConstraint(
            ["skin"],
            ["specimens.id"],
        ),
        sa.ForeignKeyConstraint(
            ["specimen", "supersedes"],
            ["cells.specimen", "cells.version_id"],
        ),
        sa.ForeignKeyConstraint(
            ["specimen"],
            ["specimens.id"],
        ),
        sa.PrimaryKeyConstraint("version_id"),
        sa.UniqueConstraint("specimen", "version_id"),
        sa.UniqueConstraint("supersedes"),
    )
    op.create_table(
        "jars",
        sa.Column("version_id", sa.Integer(), nullable=False),
        sa.Column("specimen", sa.Text(), nullable=False),
        sa.Column("origin", sa.Text(), nullable=False),
        sa.Column("x", sa.Double(), nullable=True),
        sa.Column("milling_time_h", sa.Double(), nullable=True),
        sa.Column("milling_media", sa.Text(), nullable=True),
        sa.Column("milling_speed_rpm", sa.Double(), nullable=True),
        sa.Column("na2s_mg", sa.Double(), nullable=True),
        sa.Column("p2s5_mg", sa.Double(), nullable=True),
        sa.Column("p2o5_mg", sa.Double(), nullable=True),
        sa.Column("assay_na2s", sa.Double(), nullable=True),
        sa.Column("assay_p2s5", sa.Double(), nullable=True),
        sa.Column("assay_p2o5", sa.Double(), nullable=True),
        sa.Column("batch_mass_g", sa.Double(), nullable=True),
        sa.Column("recovered_mass_mg", sa.Double(), nullable=True),
        sa.Column("status", sa.Text(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("note", sa.Text(), nullable=False),
        sa.Column("operator", sa.Text(), nullable=False),
        sa.Column("recorded_at", sa.Text(), nullable=False),
        sa.Column("supersedes", sa.Integer(), nullable=True),
        sa.CheckConstraint(
            "origin = 'stock' OR (x IS NOT NULL AND milling_time_h IS NOT NULL "
            "AND milling_media IS NOT NULL AND milling_speed_rpm IS NOT NULL)",
            name="x_and_milling_are_known_unless_stock",
        ),
        sa.CheckConstraint(
            "origin IN ('paper', 'lab', 'simulated', 'history', 'stock')",
            name="origin_is_paper_or_lab_or_simulated_or_history_or_stock",
        ),
        sa.CheckConstraint(
            "status IN ('planned', 'made', 'failed', 'not_made')",
            name="status_is_planned_or_made_or_failed_or_not_made",
        ),
        sa.CheckConstraint("batch_mass_g >= 0", name="batch_mass_g_is_not_negative"),
        sa.CheckConstraint("milling_time_h >= 0", name="milling_time_h_is_not_negative"),
        sa.CheckConstraint("na2s_mg >= 0", name="na2s_mg_is_not_negative"),
        sa.CheckConstraint("p2o5_mg >= 0", name="p2o5_mg_is_not_negative"),
        sa.CheckConstraint("p2s5_mg >= 0", name="p2s5_mg_is_not_negative"),
        sa.CheckConstraint("recovered_mass_mg >= 0", name="recovered_mass_mg_is_not_negative"),
        sa.CheckConstraint("supersedes < version_id", name="a_version_supersedes_an_earlier_one"),
        sa.CheckConstraint("x BETWEEN 0 AND 4", name="x_is_between_0_and_4"),
        sa.ForeignKeyConstraint(
            ["specimen", "supersedes"],
            ["jars.specimen", "jars.version_id"],
        ),
        sa.ForeignKeyConstraint(
            ["specimen"],
            ["specimens.id"],
        ),
        sa.PrimaryKeyConstraint("version_id"),
        sa.UniqueConstraint("specimen", "version_id"),
        sa.UniqueConstraint("supersedes"),
    )
    op.create_table(
        "pellets",
        sa.Column("version_id", sa.Integer(), nullable=False),
        sa.Column("specimen", sa.Text(), nullable=False),
        sa.Column("jar", sa.Text(), nullable=False),
        sa.Column("pressing_pressure_mpa", sa.Double(), nullable=True),
        sa.Column("mass_mg", sa.Double(), nullable=True),
        sa.Column("thickness_um", sa.Double(), nullable=True),
        sa.Column("status", sa.Text(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("note", sa.Text(), nullable=False),
        sa.Column("operator", sa.Text(), nullable=False),
        sa.Column("recorded_at", sa.Text(), nullable=False),
        sa.Column("supersedes", sa.Integer(), nullable=True),
        sa.CheckConstraint(
            "pressing_pressure_mpa IS NOT NULL OR status IN ('failed', 'not_made')",
            name="pressing_pressure_mpa_is_known_unless_never_pressed",
        ),
        sa.CheckConstraint(
            "status IN ('planned', 'made', 'failed', 'not_made')",
            name="status_is_planned_or_made_or_failed_or_not_made",
        ),
        sa.CheckConstraint("mass_mg >= 0", name="mass_mg_is_not_negative"),
        sa.CheckConstraint(
            "pressing_pressure_mpa >= 0", name="pressing_pressure_mpa_is_not_negative"
        ),
        sa.CheckConstraint("supersedes < version_id", name="a_version_supersedes_an_earlier_one"),
        sa.CheckConstraint("thickness_um >= 0", name="thickness_um_is_not_negative"),
        sa.ForeignKeyConstraint(
            ["jar"],
            ["specimens.id"],
        ),
        sa.ForeignKeyConstraint(
            ["specimen", "supersedes"],
            ["pellets.specimen", "pellets.version_id"],
        ),
        sa.ForeignKeyConstraint(
            ["specimen"],
            ["specimens.id"],
        ),
        sa.PrimaryKeyConstraint("version_id"),
        sa.UniqueConstraint("specimen", "version_id"),
        sa.UniqueConstraint("supersedes"),
    )
    op.create_table(
        "proposals",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("round_id", sa.Text(), nullable=False),
        sa.Column("specimen", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("recipe", sa.Text(), nullable=False),
        sa.Column("prediction", sa.Text(), nullable=False),
        sa.Column("model_sha256", sa.Text(), nullable=False),
        sa.Column("role", sa.Text(), nullable=False),
        sa.Column("why", sa.Text(), nullable=False),
        sa.Column("recorded_at", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(
            ["model_sha256"],
            ["models.sha256"],
        ),
        sa.ForeignKeyConstraint(
            ["round_id"],
            ["rounds.id"],
        ),
        sa.ForeignKeyConstraint(
            ["specimen"],
            ["specimens.id"],
        ),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_table(
        "readings",
        sa.Column("version_id", sa.Integer(), nullable=False),
        sa.Column("specimen", sa.Text(), nullable=False),
        sa.Column("property", sa.Text(), nullable=False),
        sa.Column("lower", sa.Double(), nullable=True),
        sa.Column("upper", sa.Double(), nullable=True),
        sa.Column("se", sa.Double(), nullable=True),
        sa.Column("n", sa.Integer(), nullable=False),
        sa.Column("temperature_c", sa.Double(), nullable=True),
        sa.Column("method", sa.Text(), nullable=False),
        sa.Column("protocol", sa.Text(), nullable=True),
        sa.Column("source", sa.Text(), nullable=False),
        sa.Column("trained", sa.Boolean(), nullable=False),
        sa.Column("derived_from", sa.Text(), nullable=False),
        sa.Column("note", sa.Text(), nullable=False),
        sa.Column("text", sa.Text(), nullable=False),
        sa.Column("recorded_by", sa.Text(), nullable=False),
        sa.Column("file_sha256", sa.Text(), nullable=True),
        sa.Column("withdrawn", sa.Boolean(), nullable=False),
        sa.Column("recorded_at", sa.Text(), nullable=False),
        sa.Column("supersedes", sa.Integer(), nullable=True),
        sa.CheckConstraint("property <> ''", name="property_is_not_empty"),
        sa.CheckConstraint("lower <= upper", name="lower_is_at_most_upper"),
        sa.CheckConstraint(
            "lower IS NOT NULL OR upper IS NOT NULL", name="lower_or_upper_is_known"
        ),
        sa.CheckConstraint("n >= 1", name="n_is_at_least_1"),
        sa.CheckConstraint("se > 0", name="se_is_positive"),
        sa.CheckConstraint("supersedes < version_id", name="a_version_supersedes_an_earlier_one"),
        sa.ForeignKeyConstraint(
            ["file_sha256"],
            ["files.sha256"],
        ),
        sa.ForeignKeyConstraint(
            ["specimen"],
            ["specimens.id"],
        ),
        sa.ForeignKeyConstraint(
            ["supersedes"],
            ["readings.version_id"],
        ),
        sa.PrimaryKeyConstraint("version_id"),
        sa.UniqueConstraint("supersedes"),
    )

    if op.get_bind().dialect.name == "sqlite":  # PostgreSQL had no triggers before schema 4
        add_triggers(
            op.get_bind(),
            (
                "rounds",
                "round_events",
                "specimens",
                "jars",
                "pellets",
                "cells",
                "files",
                "readings",
                "notes",
                "assumption_changes",
                "models",
                "proposals",
            ),
        )
