"""What a ledger holds, read: frames, rows, stock, and whether it is sound."""

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import fields
from functools import cache, lru_cache
from pathlib import Path
from types import TracebackType
from typing import Any, NamedTuple, Self, TypeVar

import pandas as pd
from sqlalchemy import (
    BigInteger,
    Connection,
    Select,
    Table,
    exists,
    func,
    inspect,
    literal,
    select,
)

from experiments.ledger_audit import problems
from experiments.ledger_database import Database, database_problems
from experiments.ledger_kept import Kept, table_frame
from experiments.ledger_rows import CellRow, JarRow, PelletRow, ReadingRow, RequestRow
from experiments.ledger_rules import changed_rules
from experiments.ledger_schema import (
    ASSUMPTION_LOG,
    CELLS,
    CHANGES,
    DRAFTS,
    FILES,
    JARS,
    LITERATURE,
    META,
    METADATA,
    MODELS,
    NOTES,
    OUTBOX,
    PELLETS,
    PROPOSALS,
    READINGS,
    REQUESTS,
    REVISION,
    ROUND_EVENT_LOG,
    ROUNDS,
    SPECIMENS,
    VERSIONS,
    current,
    current_cells,
    current_pellets,
    is_current,
)
from experiments.ledger_seals import broken_seals, seals_beyond
from experiments.ledger_stock import EXPECTED_RECOVERY, stock
from features.errors import LedgerError

_Row = TypeVar("_Row", JarRow, PelletRow, CellRow, ReadingRow)


class LedgerState(NamedTuple):
    """Newest version or entry of each kind of data."""

    jars: int
    pellets: int
    cells: int
    readings: int
    literature: int
    assumptions: int
    events: int

    def differs_in_readings_only(self, other: "LedgerState") -> bool:
        """Whether nothing but readings, and the scores and closings that follow, came between."""
        return self._replace(readings=0, events=0) == other._replace(readings=0, events=0)


class LedgerReader:
    """The reading half of ``experiments.ledger.Ledger``, which says what it is.

    Attributes:
        shelf: The campaign's folder, where what was worked out may be kept; ``None`` keeps nothing.
    """

    def __init__(self, target: str | Path) -> None:
        self.shelf: Path | None = None
        self._database = Database(target)
        self._kept: Kept | None = None
        self._closed = False

    @property
    def where(self) -> str:
        """The file, or the URL without its password, as messages name it."""
        return self._database.where

    @property
    def schema_version(self) -> int:
        """Version of the schema it was written with.

        Raises:
            LedgerError: If it is no ledger.
        """
        file, remedy = self._database.file, "make one with 'glassloop init'"
        if file is not None and not file.is_file():
            raise LedgerError(f"{self.where}: is not a campaign ledger (no such file); {remedy}")
        with self._connection() as connection:
            names = set(inspect(connection).get_table_names())
            if not names >= {META.name, SPECIMENS.name}:
                raise LedgerError(f"{self.where}: is not a campaign ledger; {remedy}")
            version = str(connection.execute(_meta_value("schema_version")).scalar())
        if not version.isdecimal():
            raise LedgerError(
                f"{self.where}: has no number as its schema version, got {version!r}: it is "
                "damaged; restore a backup"
            )
        return int(version)

    def close(self) -> None:
        """Let go of the database; the ledger cannot be used afterwards."""
        self._closed = True
        self._database.close()

    def __enter__(self) -> Self:
        """The ledger itself."""
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Close it."""
        self.close()

    @contextmanager
    def kept(self) -> Iterator[None]:
        """Inside it all reading is of one moment, whoever writes meanwhile, and done once.

        A transaction of this ledger makes its beginning the new moment, and then its end. Of one
        thread. Where the connection is lost all reading fails until it is left.

        Raises:
            LedgerError: If the database cannot be read.
        """
        self._require_open()
        if self._kept is not None:
            yield
            return
        with ExitStack() as held:
            self._kept = Kept(held.enter_context(self._database.kept_connection()))
            held.callback(setattr, self, "_kept", None)
            self._begin_moment(self._kept.connection)
            yield

    @property
    def campaign(self) -> str:
        """Name of the campaign."""
        return self._meta("campaign")

    @property
    def id(self) -> str:
        """What tells two campaigns of one name apart."""
        return self._meta("id")

    @property
    def kind(self) -> str:
        """``real`` or ``simulated``."""
        return self._meta("kind")

    def jars(self) -> pd.DataFrame:
        """Current jars; index specimen."""
        return self._frame(current(JARS)).set_index("specimen")

    def pellets(self) -> pd.DataFrame:
        """Current pellets with x, milling, origin and status of their jar; index specimen."""
        return self._frame(current_pellets()).set_index("specimen")

    def cells(self) -> pd.DataFrame:
        """Current cells with core_x, skin_x and so on from their jars; index specimen."""
        return self._frame(current_cells()).set_index("specimen")

    def jar(self, specimen: str) -> JarRow:
        """Current version of a jar.

        Raises:
            LedgerError: If there is none.
        """
        return self._specimen(JarRow, specimen)

    def pellet(self, specimen: str) -> PelletRow:
        """Current version of a pellet.

        Raises:
            LedgerError: If there is none.
        """
        return self._specimen(PelletRow, specimen)

    def cell(self, specimen: str) -> CellRow:
        """Current version of a cell.

        Raises:
            LedgerError: If there is none.
        """
        return self._specimen(CellRow, specimen)

    def reading(self, version_id: int) -> ReadingRow:
        """One version of a reading.

        Raises:
            LedgerError: If there is none.
        """
        query = select(READINGS).where(READINGS.c.version_id == version_id)
        return self._row(ReadingRow, query, f"reading {version_id}")

    def readings(self, *, current: bool = True) -> pd.DataFrame:
        """Readings, oldest first.

        Args:
            current: Leave out what was superseded or withdrawn.

        Returns:
            Columns of the readings table; open bounds are NaN.
        """
        return self._frame(_readings(current=current))

    def literature(self, *, current: bool = True) -> pd.DataFrame:
        """Values of the literature, oldest first.

        Args:
            current: Leave out what was superseded or withdrawn.

        Returns:
            Columns of the literature table; open bounds are NaN.
        """
        query = select(LITERATURE).order_by(LITERATURE.c.version_id)
        if current:
            query = query.where(is_current(LITERATURE), LITERATURE.c.withdrawn.is_(False))
        return self._frame(query)

    def history(self, specimen: str) -> pd.DataFrame:
        """All versions of a specimen, oldest first, with a column ``current``.

        Raises:
            LedgerError: If there is no such specimen.
        """
        found = self._frame(select(SPECIMENS).where(SPECIMENS.c.id == specimen))
        if found.empty:
            raise LedgerError(
                f"{self.where}: specimen {specimen} is not in the ledger; see its jars, pellets "
                "and cells for those that are"
            )
        table = VERSIONS[found["kind"].iloc[0]]
        query = select(table).where(table.c.specimen == specimen).order_by(table.c.version_id)
        versions = self._frame(query)
        return versions.assign(current=~versions["version_id"].isin(versions["supersedes"]))

    def rounds(self) -> pd.DataFrame:
        """Rounds in order: id, number, opened_at, closed_at, state open or closed, seed, config."""
        found = self._frame(_rounds())
        state = found["closed_at"].isna().map({True: "open", False: "closed"})
        order = ["id", "number", "opened_at", "closed_at", "state", "seed", "config"]
        return found.assign(state=state)[order]

    def round_events(self, round_id: str | None = None) -> pd.DataFrame:
        """What happened to rounds, oldest first: round_id, event, at, detail."""
        return self._of_round(ROUND_EVENT_LOG, round_id)

    def proposals(self, round_id: str | None = None) -> pd.DataFrame:
        """Frozen proposals; recipe and prediction are dicts."""
        return self._of_round(PROPOSALS, round_id)

    def model(self, digest: str) -> str:
        """Body of a frozen model.

        Raises:
            LedgerError: If there is none of that hash.
        """
        query = select(MODELS.c.body).where(MODELS.c.sha256 == digest)
        with self._connection() as connection:
            body = connection.execute(query).scalar()
        if body is None:
            raise LedgerError(
                f"{self.where}: model {digest} is not in the ledger; proposals name those that are"
            )
        return str(body)

    def notes(self) -> pd.DataFrame:
        """Statements that are shown and never readings."""
        return self._frame(select(NOTES).order_by(NOTES.c.id))

    def assumption_changes(self) -> pd.DataFrame:
        """Changes of assumptions, oldest first: changed_at, key, old, new."""
        return self._frame(select(ASSUMPTION_LOG).order_by(ASSUMPTION_LOG.c.id))

    def files(self) -> pd.DataFrame:
        """Files recorded, oldest first: sha256, name, round_id, counts, recorded_at."""
        return self._frame(select(FILES).order_by(FILES.c.recorded_at, FILES.c.name))

    def changes(self, *, before: int | None = None, most: int | None = None) -> pd.DataFrame:
        """Who changed what and when, newest first.

        Args:
            before: Only changes with a smaller id, to page on.
            most: No more than so many.

        Returns:
            Columns id, at, person, door and what, a list of ``did``, ``what`` and ``id``.
        """
        query = select(CHANGES).order_by(CHANGES.c.id.desc())
        if before is not None:
            # PostgreSQL's own integers end before those a page may be asked for
            query = query.where(CHANGES.c.id < literal(before, BigInteger))
        return self._frame(query if most is None else query.limit(most))

    def drafts(self) -> pd.DataFrame:
        """The newest version of each draft, newest draft first; body is a dict."""
        return self._frame(_drafts())

    def answered(self, person: str, key: str) -> RequestRow | None:
        """What was answered to a request of that key; nothing when there was none."""
        query = select(REQUESTS).where(REQUESTS.c.person == person, REQUESTS.c.key == key)
        found = self._frame(query)
        if found.empty:
            return None
        row = found.iloc[0]
        return RequestRow(
            person=person, key=key, fingerprint=str(row["fingerprint"]), answer=row["answer"]
        )

    def state(self) -> LedgerState:
        """Numbers that differ when anything a person would call data differs.

        They are compared and never shown: what was computed from the ledger is still true while
        they are the same.
        """
        tables = (JARS, PELLETS, CELLS, READINGS, LITERATURE, ASSUMPTION_LOG, ROUND_EVENT_LOG)
        with self._connection() as connection:
            newest = (select(func.max(next(iter(table.primary_key)))) for table in tables)
            return LedgerState(*(int(connection.execute(query).scalar() or 0) for query in newest))

    def changes_beyond(self, copy: Path) -> list[str]:
        """When the changes were made that a copy lacks, UTC, oldest first.

        Args:
            copy: File of the copy, of this schema.

        Raises:
            LedgerError: If one of the two cannot be read.
        """
        with (
            LedgerReader(copy) as other,
            self._connection() as mine,
            other._connection() as theirs,
        ):
            return seals_beyond(mine, theirs)

    def outbox(self, *, pending: bool = True) -> pd.DataFrame:
        """Messages for the tracking server, oldest first; payload is a dict.

        Args:
            pending: Only those not delivered yet.

        Returns:
            Columns id, created_at, kind, round_id, payload, delivered_at, last_error, and
            ``not_before``: the latest time of the message and of those before it, so that a clock
            that stepped back puts nothing before what came earlier.
        """
        latest = func.max(OUTBOX.c.created_at).over(order_by=OUTBOX.c.id)
        moments = select(OUTBOX.c.id, latest.label("not_before")).subquery()
        query = (
            select(OUTBOX, moments.c.not_before)
            .join(moments, moments.c.id == OUTBOX.c.id)
            .order_by(OUTBOX.c.id)
        )
        return self._frame(query.where(OUTBOX.c.delivered_at.is_(None)) if pending else query)

    def stock(self, *, expected_recovery: float = EXPECTED_RECOVERY) -> pd.DataFrame:
        """Powder left in each jar of this campaign and in each stock material.

        Args:
            expected_recovery: Fraction of the batch expected where nothing was weighed.

        Returns:
            Columns jar, recovered_mg, used_mg, left_mg, expected.
        """
        with self._connection() as connection:
            return self._stock(connection, expected_recovery)

    def stock_left(self, jar: str, *, expected_recovery: float = EXPECTED_RECOVERY) -> float:
        """Powder left in a jar, mg; 0 for a jar that is no stock.

        Args:
            jar: Its id.
            expected_recovery: Fraction of the batch expected if it was not weighed.

        Returns:
            mg; negative when more was taken than there was.
        """
        left = self.stock(expected_recovery=expected_recovery).set_index("jar")["left_mg"]
        return float(left.get(jar, 0.0))

    def verify(self) -> list[str]:
        """Everything wrong with the ledger, one sentence each; empty when it is sound."""
        try:
            with self._connection() as connection:
                if found := database_problems(connection):
                    return found
                found = [*changed_rules(connection), *broken_seals(connection)]
                tables = {
                    table.name: table_frame(connection, select(table))
                    for table in METADATA.sorted_tables
                    if table is not REVISION
                }
                kind = str(connection.execute(_meta_value("kind")).scalar_one())
                left = self._stock(connection, EXPECTED_RECOVERY, planned=False)
        except LedgerError as error:
            return [str(error)]
        return [*found, *problems(tables, left, kind=kind)]

    @contextmanager
    def _connection(self, *, write: bool = False) -> Iterator[Connection]:
        self._require_open()
        if write or self._kept is None:
            self._renew()  # who waits for others keeps nobody waiting, and then reads what is there
            with self._database.connection(write=write) as connection:
                yield connection
                self._renew()  # before it is committed, or it would wait for its own reading
            return
        with self._database.complaints():
            yield self._kept.connection

    def _require_open(self) -> None:
        if self._closed:
            raise LedgerError(f"{self.where}: the ledger is closed; open it again")

    def _begin_moment(self, connection: Connection) -> None:
        """The moment is that of the first reading, which also keeps ``restore`` waiting."""
        with self._database.complaints():
            known = connection.execute(_meta_value("id")).scalar()
        if known is None:
            raise LedgerError(f"{self.where}: was restored a moment ago; try again")

    def _renew(self) -> None:
        if self._kept is not None:
            self._kept.renew()

    def _frame(self, query: Select[Any]) -> pd.DataFrame:
        with self._connection() as connection:
            return self._frame_of(connection, query)

    def _frame_of(self, connection: Connection, query: Select[Any]) -> pd.DataFrame:
        if self._kept is None:
            return table_frame(connection, query)
        return self._kept.frame(connection, query)

    def _stock(
        self, connection: Connection, expected_recovery: float, *, planned: bool = True
    ) -> pd.DataFrame:
        jars, pellets, cells = (
            self._frame_of(connection, query).set_index("specimen")
            for query in (current(JARS), current_pellets(), current_cells())
        )
        if not planned:  # what was only planned has taken nothing yet
            pellets, cells = (part[part["status"] != "planned"] for part in (pellets, cells))
        return stock(jars, pellets, cells, expected_recovery=expected_recovery)

    def _of_round(self, table: Table, round_id: str | None) -> pd.DataFrame:
        return self._frame(_of_round(table, round_id))

    def _specimen(self, row: type[_Row], specimen: str) -> _Row:
        kind = str(row.kind)  # type: ignore[attr-defined]
        table = VERSIONS[kind]
        query = current(table).where(table.c.specimen == specimen)
        return self._row(row, query.add_columns(table.c.specimen.label("id")), f"{kind} {specimen}")

    def _row(self, row: type[_Row], query: Select[Any], what: str) -> _Row:
        with self._connection() as connection:
            found = connection.execute(query).mappings().one_or_none()
        if found is None:
            raise LedgerError(f"{self.where}: {what} is not in the ledger; add it first")
        return row(**{field.name: found[field.name] for field in fields(row)})

    def _meta(self, key: str) -> str:
        with self._connection() as connection:
            return str(connection.execute(_meta_value(key)).scalar_one())


@cache
def _readings(*, current: bool) -> Select[Any]:
    query = select(READINGS).order_by(READINGS.c.version_id)
    if not current:
        return query
    return query.where(is_current(READINGS), READINGS.c.withdrawn.is_(False))


@cache
def _rounds() -> Select[Any]:
    log = ROUND_EVENT_LOG.c
    closed = (
        select(log.round_id, func.max(log.at).label("closed_at"))
        .where(log.event == "closed")
        .group_by(log.round_id)
        .subquery()
    )
    return (
        select(ROUNDS, closed.c.closed_at)
        .outerjoin(closed, closed.c.round_id == ROUNDS.c.id)
        .order_by(ROUNDS.c.number)
    )


@cache
def _drafts() -> Select[Any]:
    newer = DRAFTS.alias("newer")
    later = exists().where(newer.c.draft == DRAFTS.c.draft, newer.c.version > DRAFTS.c.version)
    return select(DRAFTS).where(~later).order_by(DRAFTS.c.version_id.desc())


@lru_cache(maxsize=1000)
def _of_round(table: Table, round_id: str | None) -> Select[Any]:
    query = select(table).order_by(table.c.id)
    return query if round_id is None else query.where(table.c.round_id == round_id)


def _meta_value(key: str) -> Select[Any]:
    return select(META.c.value).where(META.c.key == key)
