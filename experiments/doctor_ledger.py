"""Whether a campaign's ledger and MLflow's store are sound. Reads only, whatever their state."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from experiments.findings import Case, Finding, fault, ok, refused, warning
from experiments.ledger_database import Database
from experiments.ledger_schema import SCHEMA_VERSION
from experiments.storage import LEDGER_NAME, ledger_target
from experiments.tracking_home import home_of
from features.errors import LedgerError

LATE: Final = timedelta(minutes=5)
"""An entry so far in the future was written by a clock that was wrong."""

APART_S: Final = 5.0
"""Clocks of a server and of this computer that differ more put entries in a wrong order."""

OLDEST_POSTGRES: Final = 13
"""The first that says which snapshot it shows, by which pages know that nothing changed."""

_TIMES: Final = (
    ("meta", "value", "WHERE key = 'created'"),
    ("rounds", "opened_at", ""),
    ("round_events", "at", ""),
    ("readings", "recorded_at", ""),
    ("jars", "recorded_at", ""),
)
"""Table, column and condition of what says when something was written."""


@dataclass(frozen=True, slots=True)
class LedgerFacts:
    """What other checks want to know of a ledger.

    Attributes:
        rounds: Its rounds.
        open_rounds: Those of them that are not closed.
        has_told: Whether MLflow was ever told anything.
    """

    rounds: tuple[str, ...] = ()
    open_rounds: tuple[str, ...] = ()
    has_told: bool = False


def look_at(case: Case, facts: list[LedgerFacts]) -> Iterator[Finding]:
    """What is so with a ledger.

    Args:
        case: A campaign.
        facts: Gets what was found, when the ledger could be read.
    """
    if case.folder is None:
        return
    place = case.folder / LEDGER_NAME
    database = Database(place if case.config is None else ledger_target(case.folder, case.config))
    if database.file is not None and not database.file.is_file():
        yield fault(
            "ledger", f"{database.where}: there is no such file",
            "restore a backup with 'glassloop restore', or correct --campaign",
        )  # fmt: skip
        return
    try:
        with database.connection() as connection:
            found = _Open(connection, database)
            yield from found.damage()
            if not found.is_ledger():
                yield fault(
                    "ledger", f"{database.where}: is a database of something else",
                    "correct --campaign, or restore a backup with 'glassloop restore'",
                )  # fmt: skip
                return
            yield from found.schema()
            yield from found.locks() if database.file is not None else found.server()
            yield from found.times()
            yield from found.outbox()
            facts.append(found.facts())
    except LedgerError as error:
        yield refused("ledger", error)
    finally:
        database.close()


def mlflow(case: Case, facts: LedgerFacts | None) -> Iterator[Finding]:
    """What is so with MLflow's store; a campaign works without, so nothing is a fault."""
    if case.folder is None or case.config is None:
        return
    if not case.config.mlflow.track:
        yield ok("MLflow", "is told nothing (mlflow.track is false)")
        return
    from experiments.tracking_check import store_state  # MLflow takes seconds to import

    uri = home_of(case.config, case.folder, "").tracking_uri
    state = store_state(uri)
    if not state.is_there and (facts is None or not facts.has_told):
        yield ok("MLflow", f"{state.place} is made with the first round")
    elif not state.is_there:
        yield warning(
            "MLflow", f"{state.place} is gone, and rounds were told to it",
            "put mlruns back from a backup, or propose: the next message rebuilds all rounds",
        )  # fmt: skip
    elif state.trouble is not None:
        yield warning(
            "MLflow", f"{state.place} cannot be used ({state.trouble})",
            "start it, or correct mlflow.tracking_uri and MLFLOW_TRACKING_URI; meanwhile messages "
            "wait in the ledger",
        )  # fmt: skip
    elif state.schema != state.wanted:
        yield warning(
            "MLflow", f"{state.place} has schema {state.schema or 'none'}, this MLflow works with "
            f"{state.wanted}",
            f"back it up, then 'mlflow db upgrade {state.place}'; if a newer MLflow made it, "
            "install that one",
        )  # fmt: skip
    else:
        how = "has the schema wanted" if state.schema else "answers"
        yield ok("MLflow", f"{state.place} {how}")


class _Open:
    """A ledger that could be opened; each method looks at one thing."""

    def __init__(self, connection: Any, database: Database) -> None:
        self._connection, self._database = connection, database

    def damage(self) -> Iterator[Finding]:
        """What the database itself finds broken."""
        if self._database.file is None:
            return
        lines = [row[0] for row in self._rows("PRAGMA quick_check(3)")]
        if lines != ["ok"]:
            yield fault(
                "ledger", f"{self._database.where}: is damaged ({'; '.join(map(str, lines))})",
                "stop writing, copy the folder away, and run 'glassloop restore'",
            )  # fmt: skip

    def is_ledger(self) -> bool:
        """Whether it has our tables."""
        tables = (
            "information_schema.tables WHERE table_schema = current_schema() AND table_name"
            if self._database.file is None
            else "sqlite_master WHERE name"
        )
        return bool(self._one(f"SELECT count(*) FROM {tables} = 'outbox'"))

    def schema(self) -> Iterator[Finding]:
        """Its schema's version against ours."""
        version = int(self._one("SELECT value FROM meta WHERE key = 'schema_version'") or 0)
        where = self._database.where
        if version > SCHEMA_VERSION:
            yield fault(
                "ledger", f"{where}: has schema {version}, this glassloop reads up to "
                f"{SCHEMA_VERSION}", "upgrade glassloop",
            )  # fmt: skip
        elif version < SCHEMA_VERSION:
            yield fault(
                "ledger", f"{where}: has schema {version}, this glassloop works with "
                f"{SCHEMA_VERSION}", "run 'glassloop migrate', which makes a backup first",
            )  # fmt: skip
        else:
            yield ok("ledger", f"{where}: can be read, schema {version}")

    def locks(self) -> Iterator[Finding]:
        """How SQLite keeps readers and writers apart."""
        mode = str(self._one("PRAGMA journal_mode"))
        if mode == "wal":
            yield ok("ledger's journal", "write-ahead log: readers read while one writes")
            return
        yield warning(
            "ledger's journal", f"mode {mode}: readers and writers wait for each other",
            f"sqlite3 {self._database.where} 'PRAGMA journal_mode = WAL'",
        )  # fmt: skip

    def server(self) -> Iterator[Finding]:
        """PostgreSQL's version, and its clock against ours."""
        version = str(self._one("SHOW server_version"))
        major = int(version.partition(".")[0].split()[0])
        if major < OLDEST_POSTGRES:
            yield fault(
                "database server", f"PostgreSQL {version}",
                f"upgrade it to {OLDEST_POSTGRES} or newer",
            )  # fmt: skip
        else:
            yield ok("database server", f"PostgreSQL {version}")
        before = datetime.now(UTC)
        theirs: datetime = self._rows("SELECT clock_timestamp()")[0][0]
        apart = (theirs - (before + (datetime.now(UTC) - before) / 2)).total_seconds()
        yield clocks_apart(apart)

    def times(self) -> Iterator[Finding]:
        """Whether anything was written in the future."""
        said = [
            str(newest)
            for table, column, which in _TIMES
            if (newest := self._one(f"SELECT max({column}) FROM {table} {which}"))
        ]
        newest = max(said, default="")
        if newest and datetime.fromisoformat(newest) > datetime.now(UTC) + LATE:
            yield fault(
                "clock", f"the ledger's newest entry is of {newest}, which is still to come",
                "set the clock of the computer that is wrong, this one or the one that recorded, "
                "before anything more is recorded",
            )  # fmt: skip
        elif newest:
            yield ok("clock", f"the ledger's newest entry is of {newest}")

    def outbox(self) -> Iterator[Finding]:
        """What waits for MLflow."""
        waiting = int(self._one("SELECT count(*) FROM outbox WHERE delivered_at IS NULL") or 0)
        if not waiting:
            yield ok("outbox", "nothing waits for MLflow")
            return
        oldest = self._rows(
            "SELECT created_at, last_error FROM outbox WHERE delivered_at IS NULL "
            "ORDER BY id LIMIT 1"
        )[0]
        why = f"({oldest[1]})" if oldest[1] else "(not tried yet)"
        yield warning(
            "outbox", f"{waiting} messages wait for MLflow, the oldest since {oldest[0]} {why}",
            "mend MLflow's store as said; 'glassloop status' then delivers them",
        )  # fmt: skip

    def facts(self) -> LedgerFacts:
        """What other checks want to know."""
        told = self._one("SELECT count(*) FROM outbox WHERE delivered_at IS NOT NULL")
        rounds = [row[0] for row in self._rows("SELECT id FROM rounds ORDER BY number")]
        over = self._rows("SELECT round_id FROM round_events WHERE event = 'closed'")
        closed = {row[0] for row in over}
        return LedgerFacts(
            rounds=tuple(rounds),
            open_rounds=tuple(name for name in rounds if name not in closed),
            has_told=bool(told),
        )

    def _rows(self, query: str) -> list[Any]:
        return list(self._connection.exec_driver_sql(query).all())

    def _one(self, query: str) -> Any:
        return self._connection.exec_driver_sql(query).scalar()


def clocks_apart(seconds: float) -> Finding:
    """A finding about a server's clock, which is so much ahead of ours.

    Examples:
        >>> clocks_apart(-90.0).level
        'warning'
    """
    said = f"the database server's clock is {abs(seconds):.1f} s "
    said += "ahead of" if seconds > 0 else "behind"
    if abs(seconds) > APART_S:
        return warning(
            "clock", f"{said} this computer's",
            "let both follow the same time server (NTP): entries carry this computer's time",
        )  # fmt: skip
    return ok("clock", f"{said} this computer's")
