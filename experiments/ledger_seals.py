"""Seals: SHA-256 of every row as it was written, chained, so that no change goes unseen.

Each transaction ends with one row of ``seals``: table, key and digest of each row it wrote, and a
digest over that list and the seal before. A flipped bit in a row, a row that vanished or came by
another way, and a seal that was taken out are each found and named. What is not found is the
loss of the newest seals together with all their rows: that is a ledger as it was a while ago.
"""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from hashlib import sha256
from typing import Any, Final

from sqlalchemy import Connection, Table, insert, select

from experiments.canonical import canonical
from experiments.ledger_schema import META, METADATA, OUTBOX, REVISION, ROUNDS, SEALS
from experiments.ledger_values import now

Entry = list[str]
"""Table, key and digest of a row."""

_Key = tuple[str, str]

_CHANGING: Final = {OUTBOX.name: {"delivered_at", "last_error"}}
"""Columns that are written again later, and so are not sealed."""

_WITHOUT_PASSWORDS: Final = {OUTBOX.name, ROUNDS.name}
"""Tables whose texts an archive rewrites where a password was in them."""

_FOR_GOOD: Final = ("campaign", "created", "id")
"""What of ``meta`` never changes."""

_NAMED: Final = 20
"""More lost rows of a table are counted, not named."""


def entry_of(table: Table, values: Mapping[str, Any]) -> Entry:
    """Table, key and digest of a row.

    Args:
        table: Where it is.
        values: All its columns as they are read.
    """
    key = next(iter(table.primary_key)).name
    left_out = _CHANGING.get(table.name, set())
    body = {
        name: value.hex() if isinstance(value, bytes) else value  # SQLite takes bytes for any text
        for name, value in values.items()
        if name not in left_out
    }
    return [table.name, str(values[key]), sha256(canonical(body).encode()).hexdigest()]


def add_seal(connection: Connection, rows: Sequence[Entry], *, at: str | None = None) -> None:
    """Seal rows just written; nothing when there are none.

    Args:
        connection: The one that wrote them, with the ledger's lock.
        rows: Their entries.
        at: When, UTC; now when left out.
    """
    if not rows:
        return
    newest = select(SEALS.c.digest).order_by(SEALS.c.id.desc()).limit(1)
    before = str(connection.execute(newest).scalar() or "")
    values = {"at": at or now(), "rows": list(rows)}
    connection.execute(insert(SEALS).values(**values, digest=_chained(before, values)))


def seal_all(connection: Connection) -> None:
    """Seal every row there is: in a new ledger, or in one that had no seals."""
    add_seal(connection, list(_entries(connection)))


def seals_beyond(connection: Connection, other: Connection) -> list[str]:
    """When seals were written of which another ledger lacks a row, oldest first.

    Rows of rounds and messages count as the same whatever is in them: a backup may have lost a
    password there, and what is told of in them stands in rows of its own.

    Args:
        connection: Of the ledger whose seals are looked at.
        other: Of the ledger that may lack them.
    """
    known = {
        _mark(entry) for rows in other.execute(select(SEALS.c.rows)).scalars() for entry in rows
    }
    seals = connection.execute(select(SEALS.c.at, SEALS.c.rows).order_by(SEALS.c.id))
    return [str(at) for at, rows in seals if any(_mark(entry) not in known for entry in rows)]


def _mark(entry: Entry) -> tuple[str, ...]:
    return tuple(entry[:2] if entry[0] in _WITHOUT_PASSWORDS else entry)


def broken_seals(connection: Connection) -> Iterator[str]:
    """Everything that is not as it was written, one sentence each."""
    sealed: dict[_Key, str] = {}
    before = ""
    for seal in connection.execute(select(SEALS).order_by(SEALS.c.id)).mappings():
        values = {"at": seal["at"], "rows": seal["rows"]}
        if seal["digest"] != _chained(before, values):
            yield (
                f"seal {seal['id']}: does not follow from the one before, so seals were changed "
                "or taken out; restore a backup"
            )
        before = str(seal["digest"])
        sealed |= {(table, key): digest for table, key, digest in seal["rows"]}
    found = {(table, key): digest for table, key, digest in _entries(connection)}
    yield from _altered(sealed, found)
    yield from _gone(sorted(sealed.keys() - found.keys()))


def _altered(sealed: Mapping[_Key, str], found: Mapping[_Key, str]) -> Iterator[str]:
    for (table, key), digest in found.items():
        if (table, key) not in sealed:
            yield (
                f"{table}: row {key} was not written by glassloop, no seal knows it; restore a "
                "backup, or ask who changed the database"
            )
        elif sealed[table, key] != digest:
            yield f"{table}: row {key} is not as it was written; restore a backup"


def _gone(lost: Sequence[_Key]) -> Iterator[str]:
    counts = Counter(table for table, _ in lost)
    for table, key in lost:
        if counts[table] <= _NAMED:
            yield f"{table}: row {key} was written and is gone; restore a backup"
    for table, count in counts.items():
        if count > _NAMED:
            yield f"{table}: {count} rows were written and are gone; restore a backup"


def _entries(connection: Connection) -> Iterator[Entry]:
    facts = select(META).where(META.c.key.in_(_FOR_GOOD))
    yield from _of_table(connection, META, connection.execute(facts).mappings())
    for table in METADATA.sorted_tables:
        if table not in (META, REVISION, SEALS):
            yield from _of_table(connection, table, connection.execute(select(table)).mappings())


def _of_table(
    connection: Connection, table: Table, rows: Iterable[Mapping[Any, Any]]
) -> Iterator[Entry]:
    for row in rows:
        yield entry_of(table, {str(name): value for name, value in row.items()})


def _chained(before: str, values: Mapping[str, Any]) -> str:
    return sha256((before + canonical(values)).encode()).hexdigest()
