"""How the ledger lies in a database: tables, append-only triggers and the current views.

A specimen is one row of ``specimens`` and one or more *versions* in the table of its kind. A
correction is a new version that ``supersedes`` the one before; the current view is what nothing
supersedes. Column types are those any SQL database has.
"""

import json
import re
from collections.abc import Mapping
from contextlib import AbstractContextManager
from typing import Any, Final

from sqlalchemy import (
    DDL,
    Boolean,
    CheckConstraint,
    Column,
    ColumnElement,
    CompoundSelect,
    Connection,
    Dialect,
    Double,
    Executable,
    ForeignKey,
    ForeignKeyConstraint,
    Integer,
    MetaData,
    Select,
    Table,
    Text,
    TypeDecorator,
    UniqueConstraint,
    event,
    exists,
    select,
    union,
)
from sqlalchemy.exc import IntegrityError
from sqlalchemy.schema import ExecutableDDLElement

from experiments.ledger_rows import KINDS, ORIGINS, ROUND_EVENTS, STATUSES
from experiments.ledger_values import plain, scalar
from features.errors import LedgerError

SCHEMA_VERSION: Final = 2
"""Raised when a table comes or changes; a ledger with a higher one is refused. 2: literature."""

LedgerTable = Table
"""What a table is, for modules that do not know the database library."""

METADATA: Final = MetaData()


class JsonText(TypeDecorator[Any]):
    """Plain JSON kept as text."""

    impl = Text
    cache_ok = True

    def process_bind_param(self, value: Any, dialect: Dialect) -> str | None:
        """A value to its text."""
        return None if value is None else json.dumps(value, ensure_ascii=False, allow_nan=False)

    def process_result_value(self, value: Any, dialect: Dialect) -> Any:
        """A text to its value."""
        try:
            return None if value is None else json.loads(value)
        except ValueError as error:
            raise LedgerError(f"a field must hold JSON, got {value!r}; restore a backup") from error


def _text(name: str, **options: Any) -> "Column[str]":
    return Column(name, Text, nullable=False, **options)


def _number(name: str, *, nullable: bool = True) -> "Column[float]":
    return Column(name, Double, nullable=nullable)


def _refers(name: str, target: str, *, nullable: bool = False) -> "Column[str]":
    return Column(name, Text, ForeignKey(target), nullable=nullable)


def _one_of(name: str, allowed: tuple[str, ...]) -> CheckConstraint:
    words = ", ".join(f"'{word}'" for word in allowed)
    return CheckConstraint(f"{name} IN ({words})", name=f"{name}_is_{'_or_'.join(allowed)}")


def _not_negative(*names: str) -> list[CheckConstraint]:
    return [CheckConstraint(f"{name} >= 0", name=f"{name}_is_not_negative") for name in names]


def _versions(name: str, *parts: Any) -> Table:
    """A table of versions of specimens, each superseding at most one of the same specimen."""
    return Table(
        name,
        METADATA,
        Column("version_id", Integer, primary_key=True),
        _refers("specimen", "specimens.id"),
        *parts,
        _text("status"),
        _text("reason"),
        _text("note"),
        _text("operator"),
        _text("recorded_at"),
        Column("supersedes", Integer, unique=True),
        UniqueConstraint("specimen", "version_id"),
        ForeignKeyConstraint(
            ["specimen", "supersedes"], [f"{name}.specimen", f"{name}.version_id"]
        ),
        CheckConstraint("supersedes < version_id", name="a_version_supersedes_an_earlier_one"),
        _one_of("status", STATUSES),
    )


META: Final = Table(
    "meta",
    METADATA,
    Column("key", Text, primary_key=True),
    _text("value"),
    CheckConstraint(f"key <> 'kind' OR value IN {KINDS}", name="kind_is_real_or_simulated"),
)

ROUNDS: Final = Table(
    "rounds",
    METADATA,
    Column("id", Text, primary_key=True),
    Column("number", Integer, nullable=False, unique=True),
    _text("opened_at"),
    Column("seed", Integer, nullable=False),
    Column("config", JsonText, nullable=False),
)

ROUND_EVENT_LOG: Final = Table(
    "round_events",
    METADATA,
    Column("id", Integer, primary_key=True),
    _refers("round_id", "rounds.id"),
    _text("event"),
    _text("at"),
    Column("detail", JsonText),
    _one_of("event", ROUND_EVENTS),
)

SPECIMENS: Final = Table(
    "specimens",
    METADATA,
    Column("id", Text, primary_key=True),
    _text("kind"),
    _refers("round_id", "rounds.id", nullable=True),
    _text("created_at"),
    _one_of("kind", ("jar", "pellet", "cell")),
    CheckConstraint("id <> ''", name="id_is_not_empty"),
)

JARS: Final = _versions(
    "jars",
    _text("origin"),
    _number("x"),
    _number("milling_time_h"),
    Column("milling_media", Text),
    _number("milling_speed_rpm"),
    _number("na2s_mg"),
    _number("p2s5_mg"),
    _number("p2o5_mg"),
    _number("assay_na2s"),
    _number("assay_p2s5"),
    _number("assay_p2o5"),
    _number("batch_mass_g"),
    _number("recovered_mass_mg"),
    _one_of("origin", ORIGINS),
    CheckConstraint("x BETWEEN 0 AND 4", name="x_is_between_0_and_4"),
    CheckConstraint(
        "origin = 'stock' OR (x IS NOT NULL AND milling_time_h IS NOT NULL "
        "AND milling_media IS NOT NULL AND milling_speed_rpm IS NOT NULL)",
        name="x_and_milling_are_known_unless_stock",
    ),
    *_not_negative(
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
    _refers("jar", "specimens.id"),
    _number("pressing_pressure_mpa"),
    _number("mass_mg"),
    _number("thickness_um"),
    _pressed(),
    *_not_negative("pressing_pressure_mpa", "mass_mg", "thickness_um"),
)

CELLS: Final = _versions(
    "cells",
    _refers("core", "specimens.id"),
    _refers("skin", "specimens.id"),
    _number("core_mass_mg", nullable=False),
    _number("skin_mass_mg", nullable=False),
    _number("precompaction_pressure_mpa", nullable=False),
    _number("pressing_pressure_mpa"),
    _number("stack_pressure_mpa", nullable=False),
    _number("temperature_c", nullable=False),
    _pressed(),
    *_not_negative(
        "core_mass_mg", "skin_mass_mg", "precompaction_pressure_mpa", "pressing_pressure_mpa",
        "stack_pressure_mpa",
    ),
)  # fmt: skip

VERSIONS: Final = {"jar": JARS, "pellet": PELLETS, "cell": CELLS}

FILES: Final = Table(
    "files",
    METADATA,
    Column("sha256", Text, primary_key=True),
    _text("name"),
    _refers("round_id", "rounds.id", nullable=True),
    Column("counts", JsonText, nullable=False),
    _text("recorded_at"),
)

READINGS: Final = Table(
    "readings",
    METADATA,
    Column("version_id", Integer, primary_key=True),
    _refers("specimen", "specimens.id"),
    _text("property"),
    _number("lower"),
    _number("upper"),
    _number("se"),
    Column("n", Integer, nullable=False),
    _number("temperature_c"),
    _text("method"),
    Column("protocol", Text),
    _text("source"),
    Column("trained", Boolean, nullable=False),
    _text("derived_from"),
    _text("note"),
    _text("text"),
    _text("recorded_by"),
    _refers("file_sha256", "files.sha256", nullable=True),
    Column("withdrawn", Boolean, nullable=False),
    _text("recorded_at"),
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
    _text("source"),
    _text("doi"),
    _text("specimen"),
    _number("x", nullable=False),
    _number("milling_time_h", nullable=False),
    _text("milling_media"),
    _number("milling_speed_rpm", nullable=False),
    _number("pressing_pressure_mpa", nullable=False),
    _text("property"),
    _number("lower"),
    _number("upper"),
    _number("se"),
    _number("temperature_c"),
    _text("note"),
    _text("text"),
    _text("recorded_by"),
    _refers("file_sha256", "files.sha256", nullable=True),
    Column("withdrawn", Boolean, nullable=False),
    _text("recorded_at"),
    Column("supersedes", Integer, ForeignKey("literature.version_id"), unique=True),
    CheckConstraint("supersedes < version_id", name="a_version_supersedes_an_earlier_one"),
    CheckConstraint("source <> ''", name="source_is_not_empty"),
    CheckConstraint("specimen <> ''", name="specimen_is_not_empty"),
    CheckConstraint("property <> ''", name="property_is_not_empty"),
    CheckConstraint("x BETWEEN 0 AND 4", name="x_is_between_0_and_4"),
    CheckConstraint("lower <= upper", name="lower_is_at_most_upper"),
    CheckConstraint("lower IS NOT NULL OR upper IS NOT NULL", name="lower_or_upper_is_known"),
    CheckConstraint("se > 0", name="se_is_positive"),
    *_not_negative("milling_time_h", "milling_speed_rpm", "pressing_pressure_mpa"),
)

NOTES: Final = Table(
    "notes",
    METADATA,
    Column("id", Text, primary_key=True),
    _text("text"),
    _text("source"),
    _text("specimen"),
    _text("property"),
    _text("recorded_at"),
)

ASSUMPTION_LOG: Final = Table(
    "assumption_changes",
    METADATA,
    Column("id", Integer, primary_key=True),
    _text("changed_at"),
    _text("key"),
    Column("old", JsonText),
    Column("new", JsonText),
)

MODELS: Final = Table(
    "models",
    METADATA,
    Column("sha256", Text, primary_key=True),
    _text("body"),
    _text("recorded_at"),
)

PROPOSALS: Final = Table(
    "proposals",
    METADATA,
    Column("id", Integer, primary_key=True),
    _refers("round_id", "rounds.id"),
    _refers("specimen", "specimens.id"),
    _text("kind"),
    Column("recipe", JsonText, nullable=False),
    Column("prediction", JsonText, nullable=False),
    _refers("model_sha256", "models.sha256"),
    _text("role"),
    _text("why"),
    _text("recorded_at"),
)

OUTBOX: Final = Table(
    "outbox",
    METADATA,
    Column("id", Integer, primary_key=True),
    _text("created_at"),
    _text("kind"),
    _refers("round_id", "rounds.id", nullable=True),
    Column("payload", JsonText, nullable=False),
    Column("delivered_at", Text),
    Column("last_error", Text),
)

APPEND_ONLY: Final = tuple(t for t in METADATA.sorted_tables if t not in (META, OUTBOX))


def _forbid(verb: str, table: Table) -> None:
    trigger: ExecutableDDLElement = DDL(  # type: ignore[no-untyped-call]
        f"CREATE TRIGGER {table.name}_no_{verb.lower()} BEFORE {verb} ON {table.name} "
        f"BEGIN SELECT RAISE(ABORT, '{table.name} is append-only'); END"
    )
    event.listen(table, "after_create", trigger.execute_if(dialect="sqlite"))


for _table in APPEND_ONLY:
    _forbid("UPDATE", _table)
    _forbid("DELETE", _table)


def is_current(table: Table) -> ColumnElement[bool]:
    """Condition that a version is superseded by none."""
    newer = table.alias("newer")
    return ~exists().where(newer.c.supersedes == table.c.version_id)


def current(table: Table) -> Select[Any]:
    """Current versions in a table of specimens, with the round each belongs to."""
    return (
        select(SPECIMENS.c.round_id, *table.columns)
        .join(SPECIMENS, SPECIMENS.c.id == table.c.specimen)
        .where(is_current(table))
        .order_by(table.c.version_id)
    )


_GLASS: Final = ("x", "milling_time_h", "milling_media", "milling_speed_rpm")


def current_pellets() -> Select[Any]:
    """Current pellets, each with the glass, origin and status of its jar."""
    jar = current(JARS).order_by(None).subquery("jar_now")
    glass = [*(jar.c[name] for name in (*_GLASS, "origin")), jar.c.status.label("jar_status")]
    return (
        current(PELLETS).add_columns(*glass).join(jar, jar.c.specimen == PELLETS.c.jar)
    )  # fmt: skip


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


class Writer:
    """An open connection that inserts rows and says which rule a refused one broke.

    Attributes:
        where: The ledger, as messages name it.
    """

    def __init__(self, connection: Connection, where: str) -> None:
        self._connection = connection
        self.where = where

    def insert(self, table: Table, what: str, values: Mapping[str, Any]) -> Any:
        """Insert a row.

        Args:
            table: Where it goes.
            what: What it is, for messages.
            values: Column to value.

        Returns:
            Its primary key.

        Raises:
            LedgerError: If a value is of the wrong type or breaks a rule of the table.
        """
        stored = storable(table, values, where=f"{self.where}: {what}")
        try:
            result = self._connection.execute(table.insert().values(stored))
        except IntegrityError as error:
            rule = _broken_rule(table, stored, str(error.orig))
            raise LedgerError(f"{self.where}: {what}: {rule}") from error
        key = result.inserted_primary_key
        return None if key is None else key[0]

    def first(self, query: Select[Any] | CompoundSelect[Any]) -> Mapping[str, Any] | None:
        """First row of a query, by column."""
        row = self._connection.execute(query).mappings().first()
        return None if row is None else dict(row)

    def run(self, statement: Executable) -> None:
        """Execute a statement that returns nothing."""
        self._connection.execute(statement)

    def savepoint(self) -> AbstractContextManager[object]:
        """Inside it everything lands or nothing, even if an error is caught outside."""
        return self._connection.begin_nested()


def _broken_rule(table: Table, stored: Mapping[str, Any], complaint: str) -> str:
    """The rule in words, the values that broke it, and what to do."""
    for check in table.constraints:
        if isinstance(check, CheckConstraint) and str(check.name) in complaint:
            words = re.findall(r"\w+", str(check.sqltext))
            values = ", ".join(f"{k} = {v!r}" for k, v in stored.items() if k in words)
            return f"rule broken: {str(check.name).replace('_', ' ')}, got {values}; correct it"
    empty = [k for k, v in stored.items() if v is None and not table.c[k].nullable]
    if empty:
        return f"{', '.join(empty)} must not be empty; fill it in"
    if "foreign key" in complaint.lower():
        refers = {k: v for k, v in stored.items() if table.c[k].foreign_keys and v is not None}
        values = ", ".join(f"{k} = {v!r}" for k, v in refers.items())
        return f"refers to something not in the ledger, got {values}; add that first"
    return "is in the ledger already; every id is used once"
