"""Whether the rules an SQLite ledger enforces are still those it was made with.

The rules of its tables and its append-only triggers are text in the file, and as easily damaged as
a row: a trigger with a flipped bit may refuse nothing any more. Their hash is kept in ``meta``.
Other databases keep rules where no file of ours can be damaged.
"""

from collections.abc import Iterator
from hashlib import sha256
from typing import Any, Final

RULES_KEY: Final = "rules_sha256"
"""Of one file, so not copied with its rows."""


def remember_rules(connection: Any) -> None:
    """Keep the hash of all rules; to be called when they were made or changed.

    Args:
        connection: The writing one of a ledger.
    """
    if connection.dialect.name == "sqlite":
        connection.exec_driver_sql("DELETE FROM meta WHERE key = ?", (RULES_KEY,))
        connection.exec_driver_sql(
            "INSERT INTO meta (key, value) VALUES (?, ?)", (RULES_KEY, _rules_sha256(connection))
        )


def changed_rules(connection: Any) -> Iterator[str]:
    """A sentence if the rules are not those remembered, or what was remembered is gone."""
    if connection.dialect.name != "sqlite":
        return
    query = "SELECT value FROM meta WHERE key = ?"
    held = connection.exec_driver_sql(query, (RULES_KEY,)).scalar()
    if held is None:
        yield (
            f"rules: the hash of tables and append-only triggers ({RULES_KEY} in meta) is gone, so "
            "nobody can tell whether they are as glassloop made them; restore a backup"
        )
    elif held != _rules_sha256(connection):
        yield (
            "rules: tables or append-only triggers are not as glassloop made them; restore a backup"
        )


def _rules_sha256(connection: Any) -> str:
    query = "SELECT type, name, tbl_name, sql FROM sqlite_master ORDER BY type, name"
    lines = ("|".join(map(str, row)) for row in connection.exec_driver_sql(query))
    return sha256("\n".join(" ".join(line.split()) for line in lines).encode()).hexdigest()
