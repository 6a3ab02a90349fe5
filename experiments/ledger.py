"""The ledger: what was proposed, made and measured. It is the truth, and nothing in it is lost.

Everything but the outbox is append-only: a correction is a new version that supersedes the one
before. Writing happens in transactions, each landing whole or not at all; reading gives frames::

    with Ledger.create(Path("campaign/ledger.db"), campaign="first") as ledger:
        with ledger.transaction() as tx:
            tx.add_jar(JarRow(id="R01-G1", origin="lab", x=0.15, ...))
        ledger.jars()
"""

from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field, fields
from functools import cache, lru_cache
from pathlib import Path
from types import TracebackType
from typing import Any, Final, NamedTuple, TypeVar
from uuid import uuid4

import pandas as pd
from sqlalchemy import (
    URL,
    Connection,
    Engine,
    NullPool,
    Select,
    Table,
    create_engine,
    delete,
    event,
    exists,
    func,
    insert,
    inspect,
    make_url,
    select,
    update,
)
from sqlalchemy.exc import ArgumentError, SQLAlchemyError

from experiments.ledger_audit import problems
from experiments.ledger_frames import frame
from experiments.ledger_rows import (
    KINDS,
    CellRow,
    JarRow,
    Kind,
    LiteratureRow,
    NoteRow,
    OutboxRow,
    PelletRow,
    ProposalRow,
    ReadingRow,
    RequestRow,
)
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
    ROUND_EVENT_LOG,
    ROUNDS,
    SCHEMA_VERSION,
    SPECIMENS,
    VERSIONS,
    JsonText,
    Writer,
    current,
    current_cells,
    current_pellets,
    is_current,
)
from experiments.ledger_stock import EXPECTED_RECOVERY, stock
from experiments.ledger_transaction import Transaction
from experiments.ledger_values import now
from features.errors import LedgerError

__all__ = [
    "CellRow",
    "JarRow",
    "Ledger",
    "LedgerState",
    "LiteratureRow",
    "NoteRow",
    "OutboxRow",
    "PelletRow",
    "ProposalRow",
    "ReadingRow",
    "Transaction",
]

BUSY_TIMEOUT_S: Final = 30.0
"""How long a writer waits for the one before."""

_PRAGMAS: Final = (
    "foreign_keys = ON",
    "synchronous = FULL",
    "recursive_triggers = ON",  # so that INSERT OR REPLACE cannot delete past the triggers
)

_WRITES: Final = "ledger_writes"

_SENTENCES: Final = {
    "SQLITE_BUSY": "another process is writing to it and did not finish in time; try again",
    "SQLITE_LOCKED": "another process is writing to it and did not finish in time; try again",
    "SQLITE_FULL": "the disk is full, nothing was written; free some space and try again",
    "SQLITE_READONLY": "may only be read; check the permissions of the file and of its folder",
    "SQLITE_PERM": "may not be used; check the permissions of the file and of its folder",
    "SQLITE_CANTOPEN": "cannot be opened; check that its folder exists and may be written to",
    "SQLITE_NOTADB": "is damaged or no SQLite file, so no campaign ledger; restore a backup",
    "SQLITE_CORRUPT": "is damaged; restore a backup",
    "SQLITE_IOERR": "the disk could not be read or written; check the disk and try again",
}

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


class Ledger:
    """The ledger of one campaign; make it with ``create``, later ``open`` it.

    SQLite in one file, or any other database SQLAlchemy has a URL for. Several processes may
    use it at once; a writer waits for the one before.
    """

    def __init__(self, target: str | Path) -> None:
        url = _url(target)
        self._where = _place(url)
        self._file = _sqlite_file(url)
        self._engine = _engine(url)
        self._kept: _Kept | None = None
        self._closed = False

    @classmethod
    def create(cls, target: str | Path, *, campaign: str, kind: Kind = "real") -> "Ledger":
        """A new, empty ledger.

        Args:
            target: File, or SQLAlchemy URL.
            campaign: Name of the campaign.
            kind: ``real`` or ``simulated``.

        Returns:
            The open ledger.

        Raises:
            LedgerError: If there is a database already, or none can be made there.
        """
        ledger = cls(target)
        if kind not in KINDS:
            raise LedgerError(f"{ledger._where}: kind must be real or simulated, got {kind!r}")
        meta = {
            "schema_version": str(SCHEMA_VERSION),
            "campaign": campaign,
            "kind": kind,
            "created": now(),
            "id": uuid4().hex,
        }
        with ledger._connection(write=True) as connection:
            if inspect(connection).get_table_names():
                raise LedgerError(
                    f"{ledger._where}: exists already; open it, or choose another place"
                )
            METADATA.create_all(connection, checkfirst=False)
            rows = [{"key": key, "value": value} for key, value in meta.items()]
            connection.execute(insert(META), rows)
        with _complaints(ledger._where):
            _keep_write_ahead_log(ledger._engine)
        return ledger

    @classmethod
    def open(cls, target: str | Path) -> "Ledger":
        """The ledger of an existing campaign.

        Args:
            target: File, or SQLAlchemy URL.

        Returns:
            The open ledger.

        Raises:
            LedgerError: If it is no ledger, of a newer glassloop, damaged or out of reach.
        """
        ledger = cls(target)
        remedy = "make one with 'glassloop init'"
        if ledger._file is not None and not ledger._file.is_file():
            raise LedgerError(f"{ledger._where}: is not a campaign ledger (no such file); {remedy}")
        with ledger._connection() as connection:
            names = set(inspect(connection).get_table_names())
            if not names >= {META.name, SPECIMENS.name}:
                raise LedgerError(f"{ledger._where}: is not a campaign ledger; {remedy}")
            version = int(connection.execute(_meta_value("schema_version")).scalar_one())
        if version > SCHEMA_VERSION:
            raise LedgerError(
                f"{ledger._where}: was written with ledger schema {version}, this glassloop reads "
                f"up to {SCHEMA_VERSION}; upgrade glassloop"
            )
        if version < SCHEMA_VERSION:
            ledger._bring_up_to_date()
        return ledger

    def fantasy_copy(self, target: Path) -> None:
        """Write a copy to imagine results in; the ledger itself stays as it is.

        The copy is simulated, though it holds a lab's own data: what is recorded in it is never
        real. It forgets what MLflow was to be told. Nothing but a plan that deletes it
        afterwards should make one.

        Args:
            target: File of the copy; must not exist yet.

        Raises:
            LedgerError: If there is a file already, or the ledger is no SQLite file.
        """
        if self._file is None:
            raise LedgerError(
                f"{self._where}: plans are made in a copy of a ledger that is an SQLite file, got "
                "another database; plan in a campaign of this computer"
            )
        if target.exists():
            raise LedgerError(f"{target}: exists already; choose another place for the copy")
        copy = Ledger(target)
        with _complaints(self._where):
            source, written = self._engine.raw_connection(), copy._engine.raw_connection()
            try:
                source.driver_connection.backup(written.driver_connection)  # type: ignore[union-attr]
            finally:
                source.close()
                written.close()
        with copy._connection(write=True) as connection:
            is_kind = META.c.key == "kind"
            connection.execute(update(META).where(is_kind).values(value="simulated"))
            connection.execute(delete(OUTBOX))
        copy.close()

    def close(self) -> None:
        """Let go of the database; the ledger cannot be used afterwards."""
        self._closed = True
        self._engine.dispose()

    def __enter__(self) -> "Ledger":
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
    def transaction(self) -> Iterator[Transaction]:
        """One atomic piece of writing: all of it lands, or nothing.

        Reading from the ledger meanwhile shows it as it was before. Do not nest.

        Yields:
            What to write with.

        Raises:
            LedgerError: If the database refuses, or another process keeps it locked.
        """
        with self._connection(write=True) as connection:
            tx = Transaction(Writer(connection, self._where))
            yield tx
            tx.sign()

    @contextmanager
    def kept(self) -> Iterator[None]:
        """Inside it what was read is kept until anybody writes, so it is read once and never old.

        For who asks for much at once, such as a page. Of one thread.

        Raises:
            LedgerError: If the database cannot be read.
        """
        if self._file is None or self._kept is not None:  # only SQLite says whether it changed
            yield
            return
        with ExitStack() as held:
            with _complaints(self._where):
                self._kept = _Kept(held.enter_context(self._engine.connect()))
            held.callback(setattr, self, "_kept", None)
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
                f"{self._where}: specimen {specimen} is not in the ledger; see its jars, pellets "
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
        found = self._frame(select(MODELS).where(MODELS.c.sha256 == digest))
        if found.empty:
            raise LedgerError(
                f"{self._where}: model {digest} is not in the ledger; proposals name those that are"
            )
        return str(found["body"].iloc[0])

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
            query = query.where(CHANGES.c.id < before)
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

    def outbox(self, *, pending: bool = True) -> pd.DataFrame:
        """Messages for the tracking server, oldest first; payload is a dict.

        Args:
            pending: Only those not delivered yet.

        Returns:
            Columns id, created_at, kind, round_id, payload, delivered_at, last_error.
        """
        query = select(OUTBOX).order_by(OUTBOX.c.id)
        return self._frame(query.where(OUTBOX.c.delivered_at.is_(None)) if pending else query)

    def mark_delivered(self, message: int) -> None:
        """Note that a message arrived; a second time changes nothing.

        Raises:
            LedgerError: If there is no such message.
        """
        self._mark(message, {"delivered_at": now(), "last_error": None})

    def mark_failed(self, message: int, error: str) -> None:
        """Note why a message did not arrive; it stays pending.

        Raises:
            LedgerError: If there is no such message.
        """
        self._mark(message, {"last_error": error})

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
                if found := _sqlite_problems(connection):
                    return found
                tables = {
                    table.name: _table_frame(connection, select(table))
                    for table in METADATA.sorted_tables
                }
                kind = str(connection.execute(_meta_value("kind")).scalar_one())
                left = self._stock(connection, EXPECTED_RECOVERY, planned=False)
        except LedgerError as error:
            return [str(error)]
        return list(problems(tables, left, kind=kind))

    @contextmanager
    def _connection(self, *, write: bool = False) -> Iterator[Connection]:
        if self._closed:
            raise LedgerError(f"{self._where}: the ledger is closed; open it again")
        kept = None if write or self._kept is None else self._kept.connection
        with _complaints(self._where):
            if kept is not None and not kept.in_transaction():
                with kept.begin():
                    yield kept
                return
            with _connected(self._engine, write=write) as connection:
                yield connection

    def _bring_up_to_date(self) -> None:
        """Add the tables that came since; nothing that is there changes."""
        with self._connection(write=True) as connection:
            METADATA.create_all(connection)
            newer = META.c.key == "schema_version"
            connection.execute(update(META).where(newer).values(value=str(SCHEMA_VERSION)))

    def _frame(self, query: Select[Any]) -> pd.DataFrame:
        with self._connection() as connection:
            if self._kept is None:
                return _table_frame(connection, query)
            return self._kept.frame(connection, query)

    def _stock(
        self, connection: Connection, expected_recovery: float, *, planned: bool = True
    ) -> pd.DataFrame:
        jars, pellets, cells = (
            _table_frame(connection, query).set_index("specimen")
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
            raise LedgerError(f"{self._where}: {what} is not in the ledger; add it first")
        return row(**{field.name: found[field.name] for field in fields(row)})

    def _meta(self, key: str) -> str:
        with self._connection() as connection:
            return str(connection.execute(_meta_value(key)).scalar_one())

    def _mark(self, message: int, values: Mapping[str, str | None]) -> None:
        with self._connection(write=True) as connection:
            held = select(OUTBOX.c.id).where(OUTBOX.c.id == message)
            if connection.execute(held).first() is None:
                raise LedgerError(f"{self._where}: message {message} is not in the outbox")
            pending = (OUTBOX.c.id == message) & OUTBOX.c.delivered_at.is_(None)
            connection.execute(update(OUTBOX).where(pending).values(values))


@dataclass(slots=True)
class _Kept:
    """Frames as they were read, until the file is changed.

    Attributes:
        connection: Through which they are read, and which knows whether the file changed.
        version: What SQLite said of the file when they were read.
        frames: By query; queries are made once, see the functions below.
    """

    connection: Connection
    version: int = -1
    frames: dict[Select[Any], pd.DataFrame] = field(default_factory=dict)

    def frame(self, connection: Connection, query: Select[Any]) -> pd.DataFrame:
        """What a query gives now."""
        if connection is not self.connection:
            return _table_frame(connection, query)
        version = int(connection.exec_driver_sql("PRAGMA data_version").scalar_one())
        if version != self.version:
            self.version = version
            self.frames.clear()
        if query not in self.frames:
            self.frames[query] = _table_frame(connection, query)
        return self.frames[query].copy(deep=False)  # pandas copies on writing


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


def _table_frame(connection: Connection, query: Select[Any]) -> pd.DataFrame:
    columns = {
        str(column.name): dict if isinstance(column.type, JsonText) else column.type.python_type
        for column in query.selected_columns
    }
    return frame(connection.execute(query).all(), columns)


def _url(target: str | Path) -> URL:
    if isinstance(target, Path) or "://" not in target:
        return URL.create("sqlite", database=str(target))
    try:
        return make_url(target)
    except (ArgumentError, ValueError) as error:
        raise LedgerError(
            "ledger: must be a file or an SQLAlchemy URL such as "
            "postgresql+psycopg://user:password@host/database; correct it"
        ) from error


def _sqlite_file(url: URL) -> Path | None:
    """The file of an SQLite ledger; None for another database."""
    return Path(url.database or "") if url.get_backend_name() == "sqlite" else None


def _place(url: URL) -> str:
    """A URL as messages name it: the file, or the URL without its password."""
    file = _sqlite_file(url)
    return url.render_as_string(hide_password=True) if file is None else str(file)


def _engine(url: URL) -> Engine:
    where, is_sqlite = _place(url), _sqlite_file(url) is not None
    if is_sqlite and url.database in {None, "", ":memory:"}:
        raise LedgerError(f"{where}: a ledger needs a file, got a database in memory; name a file")
    try:
        # Connections are opened for one piece of work each: nothing is left locked or unflushed
        # in between, and the last one to close folds the write-ahead log into the file.
        engine = create_engine(
            url,
            poolclass=NullPool,
            connect_args={"timeout": BUSY_TIMEOUT_S} if is_sqlite else {},
        )
    except (ModuleNotFoundError, ArgumentError) as error:
        raise LedgerError(
            f"{where}: no driver for this database ({error}); install the driver"
        ) from error
    if is_sqlite:
        event.listen(engine, "connect", _set_pragmas)
        event.listen(engine, "begin", _begin)
    return engine


def _set_pragmas(connection: Any, _record: Any) -> None:
    with ExitStack() as on_failure:
        on_failure.callback(connection.close)
        connection.isolation_level = None  # the driver leaves BEGIN to us
        for pragma in _PRAGMAS:
            connection.execute(f"PRAGMA {pragma}")
        on_failure.pop_all()


def _begin(connection: Connection) -> None:
    """Writers take their lock at once, or two that have read would deadlock."""
    is_writer = connection.get_execution_options().get(_WRITES, False)
    connection.exec_driver_sql("BEGIN IMMEDIATE" if is_writer else "BEGIN")


def _keep_write_ahead_log(engine: Engine) -> None:
    """Let readers read while one writes; remembered by the file."""
    if engine.dialect.name == "sqlite":
        connection = engine.raw_connection()
        try:
            connection.cursor().execute("PRAGMA journal_mode = WAL")
        finally:
            connection.close()


@contextmanager
def _connected(engine: Engine, *, write: bool) -> Iterator[Connection]:
    """A connection in a transaction, committed at the end."""
    options = engine.execution_options(**{_WRITES: write})
    with options.begin() as connection:
        yield connection


@contextmanager
def _complaints(where: str) -> Iterator[None]:
    """Say in one sentence what the database says in many."""
    try:
        yield
    except SQLAlchemyError as error:
        causes = list(_causes(error))
        for name in (getattr(cause, "sqlite_errorname", "") for cause in causes):
            for start, sentence in _SENTENCES.items():
                if name.startswith(start):
                    raise LedgerError(f"{where}: {sentence}") from error
        first = str(causes[0]).partition("\n")[0]
        raise LedgerError(f"{where}: refused by the database, got {first}") from error


def _causes(error: BaseException) -> Iterator[BaseException]:
    """Errors of the driver, last first: a full disk shows only before the failed rollback."""
    link: BaseException | None = error
    while link is not None:
        yield getattr(link, "orig", None) or link
        link = link.__context__


def _sqlite_problems(connection: Connection) -> list[str]:
    """What SQLite's own checks find; nothing for other databases, which check as they write."""
    if connection.dialect.name != "sqlite":
        return []
    lines = connection.exec_driver_sql("PRAGMA integrity_check").scalars().all()
    strays = connection.exec_driver_sql("PRAGMA foreign_key_check").all()
    return [
        *(f"integrity check: {line}" for line in lines if line != "ok"),
        *(f"{row[0]}: row {row[1]} refers to a row of {row[2]} that is missing" for row in strays),
    ]
