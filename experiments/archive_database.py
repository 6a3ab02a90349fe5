"""SQLite files on their way into an archive and out of it: copied whole, texts rewritten."""

import re
import sqlite3
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Final

from features.errors import CampaignError

KEPT_AT: Final = "mlruns/artifacts"
"""Where runs' files lie in an archive, seen from its root."""

_LOCATIONS: Final = (
    ("experiments", "artifact_location"),
    ("runs", "artifact_uri"),
    ("logged_models", "artifact_location"),
    ("model_versions", "source"),
    ("model_versions", "storage_location"),
)
"""Where MLflow's store says where files lie."""

_GUARDS_SECRETS: Final = re.compile(
    r"CREATE TRIGGER \w+\s+BEFORE UPDATE ON secrets\s+(?:FOR EACH ROW\s+)?"
    r"(?:WHEN\s[\w\s.!=<>]+)?BEGIN\s+SELECT RAISE\(ABORT, '[^']*'\);\s+END"
)
"""The trigger MLflow makes itself; it does nothing but refuse."""

_PLAIN: Final = re.compile("CREATE (?:TABLE|INDEX|UNIQUE INDEX) ")
"""How SQLite itself begins what does nothing but hold data, however it was typed."""


def copy_database(source: Path, target: Path) -> None:
    """A consistent copy, also while others write.

    Args:
        source: An SQLite file.
        target: Must not exist.
    """
    with _opened(source) as held, closing(sqlite3.connect(target)) as written:
        held.backup(written)


def rewrite_texts(path: Path, rewrite: Callable[[str], str]) -> None:
    """Rewrite every text of an SQLite file, past its triggers; nothing of the old ones is left.

    Args:
        path: The file.
        rewrite: Old text to new one.
    """
    with _opened(path) as database:
        database.create_function("rewritten", 1, rewrite, deterministic=True)
        database.execute("PRAGMA foreign_keys = OFF")
        database.execute("BEGIN IMMEDIATE")
        triggers = database.execute(
            "SELECT name, sql FROM sqlite_master WHERE type = 'trigger'"
        ).fetchall()
        for name, _ in triggers:
            database.execute(f"DROP TRIGGER {_quoted(name)}")
        for table, column in _columns(database):
            where = f"typeof({column}) = 'text' AND rewritten({column}) <> {column}"
            database.execute(f"UPDATE {table} SET {column} = rewritten({column}) WHERE {where}")
        for _, statement in triggers:
            database.execute(statement)
        database.execute("COMMIT")
        database.execute("VACUUM")  # pages that are free now still hold the old texts


def settle_locations(path: Path, artifacts: Path) -> None:
    """Let MLflow's store of an archive find its files in the folder they were unpacked to.

    Args:
        path: The store.
        artifacts: The folder, as it will be called.

    Raises:
        CampaignError: If it is no such store, does anything by itself, or points outside the
            archive.
    """
    root = artifacts.absolute().as_uri()
    with _opened(path) as database:
        database.execute("BEGIN IMMEDIATE")
        own = {n: said for n, said in _parts(database) if _GUARDS_SECRETS.fullmatch(said)}
        _refuse_foreign_parts(database, f"mlruns/{path.name}", own)
        _require_inside(database, KEPT_AT)
        for table, column in _LOCATIONS:
            beyond = f"substr({column}, {len(KEPT_AT) + 1})"
            database.execute(f"UPDATE {table} SET {column} = ? || {beyond}", [root])
        old, new = (f'"uri": "{place}/' for place in (KEPT_AT, root))
        database.execute(
            "UPDATE datasets SET dataset_source = replace(dataset_source, ?, ?)", [old, new]
        )
        _require_inside(database, root)
        database.execute("COMMIT")


def parts_of(path: Path) -> dict[str, str]:
    """Name and definition of each trigger, view and virtual table of an SQLite file.

    Args:
        path: The file.
    """
    with _opened(path) as database:
        return dict(_parts(database))


def refuse_foreign_parts(path: Path, known: Mapping[str, str]) -> None:
    """Refuse an SQLite file that does anything by itself that is not known.

    Args:
        path: The file.
        known: What ``parts_of`` says of a file that may be trusted.

    Raises:
        CampaignError: With the first trigger or view that is not known.
    """
    with _opened(path) as database:
        _refuse_foreign_parts(database, path.name, known)


@contextmanager
def _opened(path: Path) -> Iterator[sqlite3.Connection]:
    """A connection that leaves transactions to us and is closed again.

    Raises:
        CampaignError: If the file cannot be read as it should.
    """
    try:
        with closing(sqlite3.connect(path, isolation_level=None)) as database:
            yield database
    except sqlite3.Error as error:
        raise CampaignError(
            f"{path.name}: cannot be used as an SQLite file ({error}); restore a backup"
        ) from error


def _parts(database: sqlite3.Connection) -> Iterator[tuple[str, str]]:
    # By the definition, which SQLite heeds, and not by the type that a file says it has.
    for name, statement in database.execute("SELECT name, sql FROM sqlite_master").fetchall():
        if statement is not None and not _PLAIN.match(str(statement)):
            yield str(name), str(statement)


def _refuse_foreign_parts(
    database: sqlite3.Connection, where: str, known: Mapping[str, str]
) -> None:
    for name, statement in _parts(database):
        if known.get(name) != statement:
            raise CampaignError(
                f"{where}: must hold no trigger or view of others, got {name!r}; the archive was "
                "altered, get it again"
            )


def _require_inside(database: sqlite3.Connection, root: str) -> None:
    """Refuse a store of MLflow that says that files lie elsewhere than below the root."""
    inside = re.compile(rf"{re.escape(root)}(?:/(?!\.\.)[^/?#%\\]+)*")
    for table, column in _LOCATIONS:
        for (location,) in database.execute(f"SELECT {column} FROM {table}").fetchall():
            if location is not None and not inside.fullmatch(str(location)):
                raise CampaignError(
                    f"mlruns/mlflow.db: {column} of {table} must lie in the archive, got "
                    f"{location!r}; the archive was altered, get it again"
                )


def _columns(database: sqlite3.Connection) -> Iterator[tuple[str, str]]:
    """Tables and their columns, quoted; those computed from others are left out."""
    tables = database.execute(
        "SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite_%'"
    ).fetchall()
    for (table,) in tables:
        for row in database.execute(f"PRAGMA table_info({_quoted(table)})").fetchall():
            yield _quoted(table), _quoted(row[1])


def _quoted(name: str) -> str:
    doubled = name.replace('"', '""')
    return f'"{doubled}"'
