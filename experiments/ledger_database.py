"""How a ledger's database is reached and locked, and what its complaints mean.

SQLite is one file. PostgreSQL is a schema of its own in a database that several campaigns and
MLflow share; its name is the ``schema`` of the URL, which ``experiments.storage`` puts there.
"""

import re
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any, Final

from sqlalchemy import (
    URL,
    Connection,
    Engine,
    NullPool,
    create_engine,
    event,
    func,
    make_url,
    select,
    text,
)
from sqlalchemy.exc import ArgumentError, SQLAlchemyError

from experiments.log_format import address_shown, without_secrets
from features.errors import LedgerError

BUSY_TIMEOUT_S: Final = 30.0
"""How long a writer waits for the one before."""

CONNECT_TIMEOUT_S: Final = 10
"""How long a database server has to answer."""

_POOL: Final = {"pool_size": 2, "max_overflow": 8, "pool_pre_ping": True}
"""Connections to a server are kept, since they are dear, and tried before they are used."""

_PRAGMAS: Final = (
    "foreign_keys = ON",
    "synchronous = FULL",
    "recursive_triggers = ON",  # so that INSERT OR REPLACE cannot delete past the triggers
)

_WRITES: Final = "ledger_writes"

_LONGEST_NAME: Final = 63
"""Bytes of a name that PostgreSQL keeps."""

_BUSY: Final = "another process is writing to it and did not finish in time; try again"
_FULL: Final = "the disk is full, nothing was written; free some space and try again"
_DAMAGED: Final = "is damaged; restore a backup ('glassloop restore')"
_AWAY: Final = (
    "the database server does not answer or went away; see whether it runs, then try again: what "
    "was written already is not written twice"
)
_RIGHTS: Final = "the database lets this account not do that; ask who runs it for the rights"

_SENTENCES: Final = {
    "SQLITE_BUSY": _BUSY,
    "SQLITE_LOCKED": _BUSY,
    "SQLITE_FULL": _FULL,
    "SQLITE_READONLY": "may only be read; check the permissions of the file and of its folder",
    "SQLITE_PERM": "may not be used; check the permissions of the file and of its folder",
    "SQLITE_CANTOPEN": "cannot be opened; check that its folder exists and may be written to",
    "SQLITE_NOTADB": "is damaged or no SQLite file, so no campaign ledger; restore a backup",
    "SQLITE_CORRUPT": _DAMAGED,
    "SQLITE_IOERR": "the disk could not be read or written; check the disk and try again",
    "55P03": _BUSY,
    "40": _BUSY,
    "53100": _FULL,
    "53200": "the database server is out of memory, nothing was written; try again later",
    "53300": "the database server has no connection free; try again, or let it take more",
    "25006": "the database may only be read; write to the server that leads",
    "42501": _RIGHTS,
    "28": f"the database refuses this account; check user and password ({_RIGHTS})",
    "3D000": "there is no such database on the server; make it with 'createdb', or correct the URL",
    "08": _AWAY,
    "57P": _AWAY,
    "XX": f"the database says that it {_DAMAGED}",
}
"""By the beginning of SQLite's error name, or of PostgreSQL's five letters."""


class Database:
    """The database of one ledger.

    Attributes:
        where: As messages name it: the file, or the URL without its password.
        file: The file of SQLite; ``None`` for a server.
        schema: The campaign's own schema of a server, if the URL names one.
        engine: SQLAlchemy's.

    Raises:
        LedgerError: If the target is no file and no URL, or a driver is missing.
    """

    def __init__(self, target: str | Path) -> None:
        url = _url(target)
        self.file = Path(url.database or "") if url.get_backend_name() == "sqlite" else None
        self.where = _shown(url) if self.file is None else str(url.database)
        self.schema = _text_of(url.query.get("schema"))
        self.engine = _engine(url, self.where, self.schema)

    @contextmanager
    def connection(self, *, write: bool = False) -> Iterator[Connection]:
        """A connection in a transaction, committed at the end.

        A writer holds the ledger alone; what a reader sees is of one moment.

        Args:
            write: Whether anything will be written.

        Yields:
            The connection.

        Raises:
            LedgerError: If the database refuses, or another process keeps it locked.
        """
        with self.complaints():
            options = self.engine.execution_options(**{_WRITES: write})
            with options.begin() as connection:
                yield connection

    @contextmanager
    def kept_connection(self) -> Iterator[Connection]:
        """A connection that is held over many readings; between two commits all see one moment."""
        with ExitStack() as held:
            with self.complaints():
                connection = held.enter_context(self.engine.connect())
            held.callback(end_reading, connection)
            yield connection

    def copy_file(self, target: "Database") -> None:
        """Copy SQLite's file, page by page, also while others write."""
        with ExitStack() as held, self.complaints():
            source, written = self.engine.raw_connection(), target.engine.raw_connection()
            held.callback(source.close)
            held.callback(written.close)
            source.driver_connection.backup(written.driver_connection)  # type: ignore[union-attr]

    def set_aside(self, connection: Connection, name: str) -> str | None:
        """Give the schema of a ledger another name, for a new one to come.

        Args:
            connection: The writing one.
            name: What is added to the schema's name.

        Returns:
            The name it has now; ``None`` where there was no schema.
        """
        known = {*connection.execute(text("SELECT nspname FROM pg_namespace")).scalars()}
        if self.schema not in known:
            return None
        aside, number = name_aside(str(self.schema), name), 1
        while aside in known:  # set aside twice within a second
            number += 1
            aside = name_aside(str(self.schema), f"{name}_{number}")
        # Who reads it in one moment would find new, empty tables under the names of the old ones
        connection.exec_driver_sql(f'LOCK TABLE "{self.schema}".meta IN ACCESS EXCLUSIVE MODE')
        connection.exec_driver_sql(f'ALTER SCHEMA "{self.schema}" RENAME TO "{aside}"')
        return aside

    def make_room(self, connection: Connection) -> None:
        """Make the schema of a new ledger; a file needs nothing."""
        if self.schema is not None:
            connection.exec_driver_sql(f'CREATE SCHEMA IF NOT EXISTS "{self.schema}"')

    def keep_write_ahead_log(self) -> None:
        """Let readers read while one writes; an SQLite file remembers it."""
        if self.file is None:
            return
        with self.complaints():
            connection = self.engine.raw_connection()
            try:
                connection.cursor().execute("PRAGMA journal_mode = WAL")
            finally:
                connection.close()

    def close(self) -> None:
        """Let go of it."""
        self.engine.dispose()

    @contextmanager
    def complaints(self) -> Iterator[None]:
        """Say in one sentence what the database says in many.

        Raises:
            LedgerError: For any error of the database inside.
        """
        try:
            yield
        except SQLAlchemyError as error:
            causes = list(_causes(error))
            for code in map(_code, causes):
                for start, sentence in _SENTENCES.items():
                    if code.startswith(start):
                        raise LedgerError(f"{self.where}: {sentence}") from error
            first = without_secrets(str(causes[0]).partition("\n")[0])
            raise LedgerError(
                f"{self.where}: refused by the database, got {first}; 'glassloop doctor' may "
                "know more"
            ) from error
        except UnicodeDecodeError as error:  # of sqlite3 itself, on a text it did not write
            raise LedgerError(f"{self.where}: {_DAMAGED}") from error


def end_reading(connection: Connection) -> None:
    """End a transaction that only read; where the server is gone there is nothing to end."""
    try:
        connection.rollback()
    except SQLAlchemyError:
        connection.invalidate()
        connection.rollback()


def name_aside(schema: str, added: str) -> str:
    """A schema's name with something added, as long as PostgreSQL keeps names.

    Of a longer one the middle is left out: it ends in the hash of the campaign's name.

    Examples:
        >>> name_aside("glassloop_campaign_first", "20261129t120000z")
        'glassloop_campaign_first_20261129t120000z'
    """
    kept, rest = schema.encode(), _LONGEST_NAME - len(f"_{added}".encode())
    if len(kept) > rest:
        kept = kept[: rest - _OF_THE_END] + kept[-_OF_THE_END:]
    return f"{kept.decode(errors='ignore')}_{added}"


_OF_THE_END: Final = len("_ed7bcb42")


def database_problems(connection: Connection) -> list[str]:
    """What the database's own checks find, one sentence each."""
    if connection.dialect.name != "sqlite":
        return []  # checks references and rules as it writes, and has no check of its own
    lines = connection.exec_driver_sql("PRAGMA integrity_check").scalars().all()
    strays = connection.exec_driver_sql("PRAGMA foreign_key_check").all()
    return [
        *(f"integrity check: {line}" for line in lines if line != "ok"),
        *(f"{row[0]}: row {row[1]} refers to a row of {row[2]} that is missing" for row in strays),
    ]


def _url(target: str | Path) -> URL:
    if isinstance(target, Path) or "://" not in target:
        return URL.create("sqlite", database=str(target))
    try:
        url = make_url(target)
    except (ArgumentError, ValueError) as error:
        raise LedgerError(
            "ledger: must be a file or an SQLAlchemy URL such as "
            "postgresql://user@host/database; correct it"
        ) from error
    if url.drivername in {"postgresql", "postgres"}:
        url = url.set(drivername="postgresql+psycopg")
    if url.get_backend_name() not in {"sqlite", "postgresql"}:
        raise LedgerError(
            f"{_shown(url)}: a ledger lies in an SQLite file or in "
            f"PostgreSQL, got {url.get_backend_name()}; use one of the two"
        )
    return url


def _engine(url: URL, where: str, schema: str | None) -> Engine:
    if url.get_backend_name() == "sqlite":
        if url.database in {None, "", ":memory:"}:
            raise LedgerError(
                f"{where}: a ledger needs a file, got a database in memory; name a file"
            )
        # Connections are opened for one piece of work each: nothing is left locked or unflushed
        # in between, and the last one to close folds the write-ahead log into the file.
        options: dict[str, Any] = {"poolclass": NullPool}
        options["connect_args"] = {"timeout": BUSY_TIMEOUT_S}
    else:
        settings = [_text_of(url.query.get("options"))]
        settings.append(f"-csearch_path={schema}" if schema else None)
        options = dict(_POOL)
        options["connect_args"] = {
            "connect_timeout": CONNECT_TIMEOUT_S,
            "options": " ".join(part for part in settings if part),
        }
        url = url.difference_update_query(["schema", "options"])
    try:
        engine = create_engine(url, **options)
    except (ModuleNotFoundError, ArgumentError) as error:
        raise LedgerError(
            f"{where}: no driver for this database ({without_secrets(str(error))}); install it, "
            "for PostgreSQL with pip install 'glassloop[postgresql]'"
        ) from error
    if url.get_backend_name() == "sqlite":
        event.listen(engine, "connect", _set_pragmas)
        event.listen(engine, "begin", _begin_sqlite)
    else:
        event.listen(engine, "begin", _begin_server)
    return engine


def _shown(url: URL) -> str:
    return address_shown(url.render_as_string(hide_password=True))


def _text_of(value: Any) -> str | None:
    return None if value is None else " ".join([value] if isinstance(value, str) else value)


def _set_pragmas(connection: Any, _record: Any) -> None:
    with ExitStack() as on_failure:
        on_failure.callback(connection.close)
        connection.isolation_level = None  # the driver leaves BEGIN to us
        for pragma in _PRAGMAS:
            connection.execute(f"PRAGMA {pragma}")
        on_failure.pop_all()


def _begin_sqlite(connection: Connection) -> None:
    """Writers take their lock at once, or two that have read would deadlock."""
    is_writer = connection.get_execution_options().get(_WRITES, False)
    connection.exec_driver_sql("BEGIN IMMEDIATE" if is_writer else "BEGIN")


def _begin_server(connection: Connection) -> None:
    """The same on a server: one writer a ledger; a reader sees one moment."""
    if not connection.get_execution_options().get(_WRITES, False):
        connection.exec_driver_sql("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ")
        # A plan reads, thinks for half a minute, and reads on.
        connection.exec_driver_sql("SET LOCAL idle_in_transaction_session_timeout = 0")
        return
    # The lock ends with the transaction. What is read after it was won is all that was written
    # before: each statement sees what was committed when it began. Where the server's default is
    # stricter, all would see what was committed before the wait.
    connection.exec_driver_sql("SET TRANSACTION ISOLATION LEVEL READ COMMITTED")
    connection.exec_driver_sql(f"SET LOCAL lock_timeout = '{BUSY_TIMEOUT_S:g}s'")
    place = func.hashtextextended(func.concat("glassloop ", func.current_schema()), 0)
    connection.execute(select(func.pg_advisory_xact_lock(place)))


def _code(error: BaseException) -> str:
    """SQLite's name of an error, or PostgreSQL's five letters; a lost connection has none."""
    code = getattr(error, "sqlite_errorname", None) or getattr(error, "sqlstate", None)
    if code:
        return str(code)
    if re.match("Could not decode to UTF-8", str(error)):
        return "SQLITE_CORRUPT"
    is_server = type(error).__module__.startswith("psycopg")
    return "08" if is_server and type(error).__name__ == "OperationalError" else ""


def _causes(error: BaseException) -> Iterator[BaseException]:
    """Errors of the driver, last first: a full disk shows only before the failed rollback."""
    link: BaseException | None = error
    while link is not None:
        yield getattr(link, "orig", None) or link
        link = link.__context__
