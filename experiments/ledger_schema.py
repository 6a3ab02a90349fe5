"""How the ledger lies in a database: tables, append-only triggers and the current views.

A specimen is one row of ``specimens`` and one or more *versions* in the table of its kind. A
correction is a new version that ``supersedes`` the one before; the current view is what nothing
supersedes. Column types are those any SQL database has.
"""

from collections.abc import Mapping
from functools import cache
from typing import Any, Final

from sqlalchemy import (
    Boolean,
    CheckConstraint,
    Column,
    ColumnElement,
    CompoundSelect,
    ForeignKey,
    ForeignKeyConstraint,
    Integer,
    Select,
    String,
    Table,
    Text,
    UniqueConstraint,
    exists,
    select,
    union,
)

from experiments.ledger_columns import METADATA as METADATA
from experiments.ledger_columns import JsonText as JsonText
from experiments.ledger_columns import count, not_negative, number, one_of, refers, text
from experiments.ledger_desk_schema import CHANGES as CHANGES
from experiments.ledger_desk_schema import DRAFTS as DRAFTS
from experiments.ledger_desk_schema import REQUESTS as REQUESTS
from experiments.ledger_desk_schema import SEALS as SEALS
from experiments.ledger_rows import KINDS, ORIGINS, ROUND_EVENTS, STATUSES
from experiments.ledger_values import plain, scalar

SCHEMA_VERSION: Final = 4
"""Raised when a table comes or changes; a ledger with a higher one is refused. 2: literature;
3: changes, drafts and requests; 4: seals, and triggers of PostgreSQL too. Each step is a revision
in ``experiments/migrations``."""

REVISION: Final = Table(
    "alembic_version", METADATA, Column("version_num", String(32), primary_key=True)
)
"""Where Alembic keeps how far it went."""


def revision_of(version: int) -> str:
    """Alembic's name of a version of the schema."""
    return f"{version:04d}"


LedgerTable = Table
"""What a table is, for modules that do not know the database library."""


def _versions(name: str, *parts: Any) -> Table:
    """A table of versions of specimens, each superseding at most one of the same specimen."""
    return Table(
        name,
        METADATA,
        Column("version_id", Integer, primary_key=True),
        refers("specimen", "specimens.id"),
        *parts,
        text("status"),
        text("reason"),
        text("note"),
        text("operator"),
        text("recorded_at"),
        Column("supersedes", Integer, unique=True),
        UniqueConstraint("specimen", "version_id"),
        ForeignKeyConstraint(
            ["specimen", "supersedes"], [f"{name}.specimen", f"{name}.version_id"]
        ),
        CheckConstraint("supersedes < version_id", name="a_version_supersedes_an_earlier_one"),
        one_of("status", STATUSES),
    )


META: Final = Table(
    "meta",
    METADATA,
    Column("key", Text, primary_key=True),
    text("value"),
    CheckConstraint(f"key <> 'kind' OR value IN {KINDS}", name="kind_is_real_or_simulated"),
)

ROUNDS: Final = Table(
    "rounds",
    METADATA,
    Column("id", Text, primary_key=True),
    Column("number", Integer, nullable=False, unique=True),
    text("opened_at"),
    count("seed"),
    Column("config", JsonText, nullable=False),
)

ROUND_EVENT_LOG: Final = Table(
    "round_events",
    METADATA,
    Column("id", Integer, primary_key=True),
    refers("round_id", "rounds.id"),
    text("event"),
    text("at"),
    Column("detail", JsonText),
    one_of("event", ROUND_EVENTS),
)

SPECIMENS: Final = Table(
    "specimens",
    METADATA,
    Column("id", Text, primary_key=True),
    text("kind"),
    refers("round_id", "rounds.id", nullable=True),
    text("created_at"),
    one_of("kind", ("jar", "pellet", "cell")),
    CheckConstraint("id <> ''", name="id_is_not_empty"),
)

JARS: Final = _versions(
    "jars",
    text("origin"),
    number("x"),
    number("milling_time_h"),
    Column("milling_media", Text),
    number("milling_speed_rpm"),
    number("na2s_mg"),
    number("p2s5_mg"),
    number("p2o5_mg"),
    number("assay_na2s"),
    number("assay_p2s5"),
    number("assay_p2o5"),
    number("batch_mass_g"),
    number("recovered_mass_mg"),
    one_of("origin", ORIGINS),
    CheckConstraint("x BETWEEN 0 AND 4", name="x_is_between_0_and_4"),
    CheckConstraint(
        "origin = 'stock' OR (x IS NOT NULL AND milling_time_h IS NOT NULL "
        "AND milling_media IS NOT NULL AND milling_speed_rpm IS NOT NULL)",
        name="x_and_milling_are_known_unless_stock",
    ),
    *not_negative(
        "milling_time_h", "na2s_mg", "p2s5_mg", "p2o5_mg", "batch_mass_g", "recovered_mass_mg"
    ),
)


def _pressed() -> CheckConstraint:
    return CheckConstraint(
        "pressing_pressure_mpa IS NOT NULL OR status IN ('failed', 'not_made')",
        name="pressing_pressure_mpa_is_known_unless_never_pressed",
    )


PELLETS: Final = _versions(
    "pellets",
    refers("jar", "specimens.id"),
    number("pressing_pressure_mpa"),
    number("mass_mg"),
    number("thickness_um"),
    _pressed(),
    *not_negative("pressing_pressure_mpa", "mass_mg", "thickness_um"),
)

CELLS: Final = _versions(
    "cells",
    refers("core", "specimens.id"),
    refers("skin", "specimens.id"),
    number("core_mass_mg", nullable=False),
    number("skin_mass_mg", nullable=False),
    number("precompaction_pressure_mpa", nullable=False),
    number("pressing_pressure_mpa"),
    number("stack_pressure_mpa", nullable=False),
    number("temperature_c", nullable=False),
    _pressed(),
    *not_negative(
        "core_mass_mg", "skin_mass_mg", "precompaction_pressure_mpa", "pressing_pressure_mpa",
        "stack_pressure_mpa",
    ),
)  # fmt: skip

VERSIONS: Final = {"jar": JARS, "pellet": PELLETS, "cell": CELLS}

FILES: Final = Table(
    "files",
    METADATA,
    Column("sha256", Text, primary_key=True),
    text("name"),
    refers("round_id", "rounds.id", nullable=True),
    Column("counts", JsonText, nullable=False),
    text("recorded_at"),
)

READINGS: Final = Table(
    "readings",
    METADATA,
    Column("version_id", Integer, primary_key=True),
    refers("specimen", "specimens.id"),
    text("property"),
    number("lower"),
    number("upper"),
    number("se"),
    count("n"),
    number("temperature_c"),
    text("method"),
    Column("protocol", Text),
    text("source"),
    Column("trained", Boolean, nullable=False),
    text("derived_from"),
    text("note"),
    text("text"),
    text("recorded_by"),
    refers("file_sha256", "files.sha256", nullable=True),
    Column("withdrawn", Boolean, nullable=False),
    text("recorded_at"),
    # A correction may move a reading to another specimen, so only the version is referred to.
    Column("supersedes", Integer, ForeignKey("readings.version_id"), unique=True),
    CheckConstraint("supersedes < version_id", name="a_version_supersedes_an_earlier_one"),
    CheckConstraint("property <> ''", name="property_is_not_empty"),
    CheckConstraint("lower <= upper", name="lower_is_at_most_upper"),
    CheckConstraint("lower IS NOT NULL OR upper IS NOT NULL", name="lower_or_upper_is_known"),
    CheckConstraint("se > 0", name="se_is_positive"),
    CheckConstraint("n >= 1", name="n_is_at_least_1"),
)

# Literature is no origin of jars: what is not among them is never stock, never proposed, never
# counted as made, and a file of an older version needs but one more table.
LITERATURE: Final = Table(
    "literature",
    METADATA,
    Column("version_id", Integer, primary_key=True),
    text("source"),
    text("doi"),
    text("specimen"),
    number("x", nullable=False),
    number("milling_time_h", nullable=False),
    text("milling_media"),
    number("milling_speed_rpm", nullable=False),
    number("pressing_pressure_mpa", nullable=False),
    text("property"),
    number("lower"),
    number("upper"),
    number("se"),
    number("temperature_c"),
    text("note"),
    text("text"),
    text("recorded_by"),
    refers("file_sha256", "files.sha256", nullable=True),
    Column("withdrawn", Boolean, nullable=False),
    text("recorded_at"),
    Column("supersedes", Integer, ForeignKey("literature.version_id"), unique=True),
    CheckConstraint("supersedes < version_id", name="a_version_supersedes_an_earlier_one"),
    CheckConstraint("source <> ''", name="source_is_not_empty"),
    CheckConstraint("specimen <> ''", name="specimen_is_not_empty"),
    CheckConstraint("property <> ''", name="property_is_not_empty"),
    CheckConstraint("x BETWEEN 0 AND 4", name="x_is_between_0_and_4"),
    CheckConstraint("lower <= upper", name="lower_is_at_most_upper"),
    CheckConstraint("lower IS NOT NULL OR upper IS NOT NULL", name="lower_or_upper_is_known"),
    CheckConstraint("se > 0", name="se_is_positive"),
    *not_negative("milling_time_h", "milling_speed_rpm", "pressing_pressure_mpa"),
)

NOTES: Final = Table(
    "notes",
    METADATA,
    Column("id", Text, primary_key=True),
    text("text"),
    text("source"),
    text("specimen"),
    text("property"),
    text("recorded_at"),
)

ASSUMPTION_LOG: Final = Table(
    "assumption_changes",
    METADATA,
    Column("id", Integer, primary_key=True),
    text("changed_at"),
    text("key"),
    Column("old", JsonText),
    Column("new", JsonText),
)

MODELS: Final = Table(
    "models",
    METADATA,
    Column("sha256", Text, primary_key=True),
    text("body"),
    text("recorded_at"),
)

PROPOSALS: Final = Table(
    "proposals",
    METADATA,
    Column("id", Integer, primary_key=True),
    refers("round_id", "rounds.id"),
    refers("specimen", "specimens.id"),
    text("kind"),
    Column("recipe", JsonText, nullable=False),
    Column("prediction", JsonText, nullable=False),
    refers("model_sha256", "models.sha256"),
    text("role"),
    text("why"),
    text("recorded_at"),
)

OUTBOX: Final = Table(
    "outbox",
    METADATA,
    Column("id", Integer, primary_key=True),
    text("created_at"),
    text("kind"),
    refers("round_id", "rounds.id", nullable=True),
    Column("payload", JsonText, nullable=False),
    Column("delivered_at", Text),
    Column("last_error", Text),
)

APPEND_ONLY: Final = tuple(
    table for table in METADATA.sorted_tables if table not in (META, OUTBOX, REVISION)
)


def is_current(table: Table) -> ColumnElement[bool]:
    """Condition that a version is superseded by none."""
    newer = table.alias("newer")
    return ~exists().where(newer.c.supersedes == table.c.version_id)


@cache
def current(table: Table) -> Select[Any]:
    """Current versions in a table of specimens, with the round each belongs to."""
    return (
        select(SPECIMENS.c.round_id, *table.columns)
        .join(SPECIMENS, SPECIMENS.c.id == table.c.specimen)
        .where(is_current(table))
        .order_by(table.c.version_id)
    )


_GLASS: Final = ("x", "milling_time_h", "milling_media", "milling_speed_rpm")


@cache
def current_pellets() -> Select[Any]:
    """Current pellets, each with the glass, origin and status of its jar."""
    jar = current(JARS).order_by(None).subquery("jar_now")
    glass = [*(jar.c[name] for name in (*_GLASS, "origin")), jar.c.status.label("jar_status")]
    return (
        current(PELLETS).add_columns(*glass).join(jar, jar.c.specimen == PELLETS.c.jar)
    )  # fmt: skip


@cache
def current_cells() -> Select[Any]:
    """Current cells, each with the glasses of its core and skin, and how far these got."""
    query = current(CELLS)
    for layer in ("core", "skin"):
        jar = current(JARS).order_by(None).subquery(f"{layer}_now")
        glass = [jar.c[name].label(f"{layer}_{name}") for name in (*_GLASS, "origin", "status")]
        query = query.add_columns(*glass).join(jar, jar.c.specimen == CELLS.c[layer])
    return query


def storable(table: Table, values: Mapping[str, Any], *, where: str) -> dict[str, Any]:
    """Values as the columns of a table hold them.

    Args:
        table: The table they go into.
        values: Column to value; every key is a column.
        where: What the values are, for messages.

    Returns:
        Column to storable value.

    Raises:
        LedgerError: If a value is of another type than its column, or infinite.
    """
    stored = {}
    for name, value in values.items():
        kind, place = table.c[name].type, f"{where}: {name}"
        if isinstance(kind, JsonText):
            stored[name] = plain(value, where=place)
        else:
            stored[name] = scalar(value, kind.python_type, where=place)
    return stored


def own_facts() -> CompoundSelect[Any]:
    """Specimens that hold a lab's own work: jars it made, and whatever it read on its own jars."""
    jar = current(JARS).order_by(None).subquery("jar_now")
    own = select(jar.c.specimen).where(jar.c.origin.not_in(["paper", "simulated"]))
    made = jar.c.origin.in_(["lab", "history"]) & jar.c.status.in_(["made", "failed"])
    pellets = select(PELLETS.c.specimen).where(PELLETS.c.jar.in_(own))
    cells = select(CELLS.c.specimen).where(CELLS.c.core.in_(own) | CELLS.c.skin.in_(own))
    carriers = union(own, pellets, cells).subquery("carriers")
    read = READINGS.c.specimen.in_(select(carriers.c.specimen))
    return union(select(jar.c.specimen).where(made), select(READINGS.c.specimen).where(read))
