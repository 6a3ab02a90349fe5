"""The ledger: what was proposed, made and measured. It is the truth, and nothing in it is lost.

Everything but the outbox is append-only: a correction is a new version that supersedes the one
before. Writing happens in transactions, each landing whole or not at all; reading gives frames::

    with Ledger.create(Path("campaign/ledger.db"), campaign="first") as ledger:
        with ledger.transaction() as tx:
            tx.add_jar(JarRow(id="R01-G1", origin="lab", x=0.15, ...))
        ledger.jars()
"""

from collections.abc import Collection, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from pathlib import Path
from uuid import uuid4

from sqlalchemy import Connection, delete, insert, inspect, select, update

from experiments.ledger_copy import copy_all, copy_rows
from experiments.ledger_reader import LedgerReader, LedgerState
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
)
from experiments.ledger_rules import remember_rules
from experiments.ledger_schema import (
    META,
    METADATA,
    OUTBOX,
    REVISION,
    SCHEMA_VERSION,
    SEALS,
    revision_of,
)
from experiments.ledger_seals import seal_all
from experiments.ledger_transaction import Transaction
from experiments.ledger_triggers import add_triggers, drop_triggers
from experiments.ledger_values import now
from experiments.ledger_writer import Writer
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


class Ledger(LedgerReader):
    """The ledger of one campaign; make it with ``create``, later ``open`` it.

    SQLite in one file, or any other database SQLAlchemy has a URL for. Several processes may
    use it at once; a writer waits for the one before.

    Attributes:
        shelf: The campaign's folder, where what was worked out may be kept; ``None`` keeps nothing.
    """

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
            raise LedgerError(f"{ledger.where}: kind must be real or simulated, got {kind!r}")
        facts = {
            "schema_version": str(SCHEMA_VERSION),
            "campaign": campaign,
            "kind": kind,
            "created": now(),
            "id": uuid4().hex,
        }
        with ExitStack() as on_failure:
            on_failure.enter_context(ledger)
            with ledger._connection(write=True) as connection:
                ledger._make_tables(connection)
                rows = [{"key": key, "value": value} for key, value in facts.items()]
                connection.execute(insert(META), rows)
                seal_all(connection)
                remember_rules(connection)
            ledger._database.keep_write_ahead_log()
            on_failure.pop_all()
        return ledger

    @classmethod
    def open(cls, target: str | Path) -> "Ledger":
        """The ledger of an existing campaign.

        Args:
            target: File, or SQLAlchemy URL.

        Returns:
            The open ledger.

        Raises:
            LedgerError: If it is no ledger, of an older or newer glassloop, damaged or out of
                reach.
        """
        with ExitStack() as on_failure:
            ledger = on_failure.enter_context(cls(target))
            version = ledger.schema_version
            if version > SCHEMA_VERSION:
                raise LedgerError(
                    f"{ledger.where}: was written with ledger schema {version}, this glassloop "
                    f"reads up to {SCHEMA_VERSION}; upgrade glassloop"
                )
            if version < SCHEMA_VERSION:
                raise LedgerError(
                    f"{ledger.where}: was written with ledger schema {version}, this glassloop "
                    f"works with {SCHEMA_VERSION}; run 'glassloop migrate', which makes a backup "
                    "first"
                )
            on_failure.pop_all()
        return ledger

    @classmethod
    def migrate(cls, target: str | Path) -> int:
        """Bring a ledger of an older glassloop up to date, all of it or nothing.

        Args:
            target: File, or SQLAlchemy URL.

        Returns:
            The version of the schema it had.

        Raises:
            LedgerError: As ``open``; nothing was changed.
        """
        with cls(target) as ledger:
            version = ledger.schema_version
            if version < SCHEMA_VERSION:
                from experiments.ledger_migrations import upgrade  # Alembic is only needed here

                with ledger._connection(write=True) as connection:
                    upgrade(connection, version)
        cls.open(target).close()
        return version

    def copy_to(self, target: str | Path) -> None:
        """Write a copy, row by row, into any database; both may be of either kind.

        Args:
            target: File or URL; must hold no ledger yet.

        Raises:
            LedgerError: If there is a ledger already, or one of the two cannot be used; then
                nothing was written.
        """
        with Ledger(target) as copy:
            with self._connection() as source, copy._connection(write=True) as connection:
                copy._make_tables(connection, triggers=False)
                copy_rows(source, connection)
            copy._database.keep_write_ahead_log()

    def copy_to_file(self, target: Path) -> None:
        """Write a copy as an SQLite file, of one moment, also while others write.

        Args:
            target: Must not exist yet.

        Raises:
            LedgerError: If the database cannot be read, or the file not be written.
        """
        if self._database.file is None:
            self.copy_to(target)
        else:
            self.copy_as_it_is(target)

    @classmethod
    def put_in_place(cls, target: str, source: Path, *, aside: str) -> str | None:
        """Let a copy take the place of a ledger on a server, all of it or nothing.

        Args:
            target: URL of the ledger that is replaced; it is kept in another schema.
            source: File of the copy.
            aside: What is added to the name of the schema it is kept in.

        Returns:
            The schema it is kept in; ``None`` where there was none.

        Raises:
            LedgerError: If one of the two cannot be used; nothing was changed.
        """
        cls.open(source).close()
        with (
            Ledger(source) as held,
            Ledger(target) as place,
            held._connection() as copy,
            place._connection(write=True) as connection,
        ):
            kept_in = place._database.set_aside(connection, aside)
            place._make_tables(connection, triggers=False)
            copy_rows(copy, connection)
        return kept_in

    def copy_as_it_is(self, target: Path) -> None:
        """Write an SQLite file with all that is there, of whatever schema, unchecked.

        Args:
            target: Must not exist yet.

        Raises:
            LedgerError: If the database cannot be read, or the file not be written.
        """
        if target.exists():
            raise LedgerError(f"{target}: exists already; choose another place for the copy")
        copy = Ledger(target)
        if self._database.file is not None:
            self._database.copy_file(copy._database)
        else:
            with self._connection() as source, copy._connection(write=True) as connection:
                copy_all(source, connection)
        copy.close()

    def fantasy_copy(self, target: Path) -> None:
        """Write a copy to imagine results in; the ledger itself stays as it is.

        The copy is simulated, though it holds a lab's own data: what is recorded in it is never
        real. It forgets what MLflow was to be told. Nothing but a plan that deletes it
        afterwards should make one.

        Args:
            target: File of the copy; must not exist yet.

        Raises:
            LedgerError: If there is a file already.
        """
        if target.exists():
            raise LedgerError(f"{target}: exists already; choose another place for the copy")
        self.copy_to_file(target)
        copy = Ledger(target)
        with copy._connection(write=True) as connection:
            is_kind = META.c.key == "kind"
            connection.execute(update(META).where(is_kind).values(value="simulated"))
            connection.execute(delete(OUTBOX))
        copy.close()

    @classmethod
    def seal_anew(cls, target: Path) -> None:
        """Seal all rows of a copy as they are, for texts that were rewritten on purpose.

        Nothing but an archive that leaves passwords out should do so.

        Args:
            target: File of the copy.

        Raises:
            LedgerError: If it cannot be used.
        """
        copy = Ledger(target)
        with copy._connection(write=True) as connection:
            drop_triggers(connection, (SEALS.name,))
            connection.execute(delete(SEALS))
            add_triggers(connection, (SEALS.name,))
            seal_all(connection)
        copy.close()

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
            tx = Transaction(Writer(connection, self.where))
            yield tx
            tx.sign()

    def tell_again(self, rounds: Collection[str]) -> None:
        """Let every message of some rounds be delivered once more."""
        with self._connection(write=True) as connection:
            mine = OUTBOX.c.round_id.in_([*rounds])
            connection.execute(update(OUTBOX).where(mine).values(delivered_at=None))

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

    def _make_tables(self, connection: Connection, *, triggers: bool = True) -> None:
        """Empty tables of the newest schema, in a place that has none.

        Raises:
            LedgerError: If there are some.
        """
        self._database.make_room(connection)
        if inspect(connection).get_table_names():
            raise LedgerError(
                f"{self.where}: exists already; open it, or choose another place or name"
            )
        METADATA.create_all(connection, checkfirst=False)
        connection.execute(insert(REVISION).values(version_num=revision_of(SCHEMA_VERSION)))
        if triggers:
            add_triggers(connection)

    def _mark(self, message: int, values: Mapping[str, str | None]) -> None:
        with self._connection(write=True) as connection:
            held = select(OUTBOX.c.id).where(OUTBOX.c.id == message)
            if connection.execute(held).first() is None:
                raise LedgerError(f"{self.where}: message {message} is not in the outbox")
            pending = (OUTBOX.c.id == message) & OUTBOX.c.delivered_at.is_(None)
            connection.execute(update(OUTBOX).where(pending).values(values))
