"""Inserting rows: which rule a refused one broke, and a seal on those that are in."""

import re
from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager, nullcontext
from typing import Any

from sqlalchemy import (
    CheckConstraint,
    CompoundSelect,
    Connection,
    Executable,
    Select,
    Table,
)
from sqlalchemy.exc import IntegrityError

from experiments.ledger_schema import storable
from experiments.ledger_seals import Entry, add_seal, entry_of
from features.errors import LedgerError


class Writer:
    """An open connection that inserts rows and says which rule a refused one broke.

    Attributes:
        where: The ledger, as messages name it.
    """

    def __init__(self, connection: Connection, where: str) -> None:
        self._connection = connection
        self._written: list[Entry] = []
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
            with self._undone_if_refused():
                result = self._connection.execute(table.insert().values(stored))
        except IntegrityError as error:
            rule = _broken_rule(table, stored, str(error.orig))
            raise LedgerError(f"{self.where}: {what}: {rule}") from error
        key = result.inserted_primary_key
        name = next(iter(table.primary_key)).name
        row = {column.name: stored.get(column.name) for column in table.columns}
        row[name] = None if key is None else key[0]
        self._written.append(entry_of(table, row))
        return row[name]

    def seal(self, at: str) -> None:
        """Seal what was inserted; at the end of a transaction."""
        add_seal(self._connection, self._written, at=at)
        self._written = []

    def first(self, query: Select[Any] | CompoundSelect[Any]) -> Mapping[str, Any] | None:
        """First row of a query, by column."""
        row = self._connection.execute(query).mappings().first()
        return None if row is None else dict(row)

    def run(self, statement: Executable) -> None:
        """Execute a statement that returns nothing."""
        self._connection.execute(statement)

    @contextmanager
    def savepoint(self) -> Iterator[None]:
        """Inside it everything lands or nothing, even if an error is caught outside."""
        held = len(self._written)
        try:
            with self._connection.begin_nested():
                yield
        except BaseException:
            del self._written[held:]
            raise

    def _undone_if_refused(self) -> AbstractContextManager[object]:
        """PostgreSQL gives up a transaction in which it refused anything; SQLite does not."""
        is_strict = self._connection.dialect.name != "sqlite"
        return self._connection.begin_nested() if is_strict else nullcontext()


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
