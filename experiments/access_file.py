"""The file of access tokens: SQLite, for its owner's eyes only, never half written."""

import os
import sqlite3
import threading
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from secrets import token_bytes
from typing import Final

from features.errors import AccessError

BUSY_TIMEOUT_S: Final = 30.0
"""How long a writer waits for the one before."""

READ_TIMEOUT_S: Final = 2.0
"""How long who only looks waits: somebody is in front of a page."""

COOKIE_SECRET_BYTES: Final = 32

_MODE: Final = 0o600  # who reads the cookie secret can sign in as anybody
_APPLICATION_ID: Final = 0x676C7461  # "glta" in the file's header: these are access tokens
_VERSION: Final = 1

_SCHEMA: Final = (
    """CREATE TABLE token (
        id TEXT PRIMARY KEY,
        digest BLOB NOT NULL,
        name TEXT NOT NULL,
        role TEXT NOT NULL,
        created TEXT NOT NULL,
        expires TEXT,
        revoked TEXT,
        last_used TEXT
    )""",
    "CREATE TABLE secret (name TEXT PRIMARY KEY, value BLOB NOT NULL)",
    f"PRAGMA application_id = {_APPLICATION_ID}",
    f"PRAGMA user_version = {_VERSION}",
)

_REMEDY: Final = "restore a backup, or delete it and make new tokens with 'glassloop token add'"
_BUSY: Final = "another process is writing to it and did not finish in time; try again"
_RIGHTS: Final = "may not be used; check the permissions of the file and of its folder"

_SENTENCES: Final = {
    "SQLITE_BUSY": _BUSY,
    "SQLITE_LOCKED": _BUSY,
    "SQLITE_FULL": "the disk is full, nothing was written; free some space and try again",
    "SQLITE_READONLY": _RIGHTS,
    "SQLITE_PERM": _RIGHTS,
    "SQLITE_CANTOPEN": _RIGHTS,
    "SQLITE_IOERR": "the disk could not be read or written; check the disk and try again",
}

_making = threading.Lock()


class AccessFile:
    """Opens the file for each use and closes it after, so that any thread and process may.

    An empty file, or one of something else, is refused rather than taken for a store without
    tokens: a server asks the store whether it is open to everybody.
    """

    def __init__(self, path: Path) -> None:
        self.path = path

    @property
    def exists(self) -> bool:
        """Whether there is such a file, sound or not."""
        return self.path.exists()

    @contextmanager
    def reading(self) -> Iterator[sqlite3.Connection]:
        """The file, to look into.

        Raises:
            AccessError: If it cannot be read, or is no file of access tokens.
        """
        with self._connection(READ_TIMEOUT_S) as connection:
            self._require_ours(connection)
            yield connection

    @contextmanager
    def writing(
        self, *, create: bool = False, is_patient: bool = True
    ) -> Iterator[sqlite3.Connection]:
        """The file in one transaction: all of it lands, or nothing.

        Args:
            create: Make the file first if there is none.
            is_patient: Whether to wait long for another who writes.

        Raises:
            AccessError: If it cannot be written, or is no file of access tokens.
        """
        if create:
            self._make()
        timeout = BUSY_TIMEOUT_S if is_patient else READ_TIMEOUT_S
        with self._connection(timeout) as connection:
            connection.execute("BEGIN IMMEDIATE")  # read and write as one, whoever else writes
            try:
                if create and self._is_empty(connection):
                    _fill(connection)
                self._require_ours(connection)
                yield connection
                connection.execute("COMMIT")
            finally:
                if connection.in_transaction:
                    connection.execute("ROLLBACK")

    def damaged(self, what: object) -> AccessError:
        """The complaint that the file is not as it was written, in one line whatever is in it."""
        said = "".join(letter if letter.isprintable() else "?" for letter in str(what))
        return AccessError(f"{self.path}: is damaged ({said}); {_REMEDY}")

    def _make(self) -> None:
        """An empty file nobody else may read, if there is none; SQLite's own would be readable.

        Closing a file gives up the locks this process has on it, SQLite's too. So it is opened
        only when it is new, and one thread at a time.

        Raises:
            AccessError: If it cannot be made.
        """
        with _making:
            try:
                os.close(os.open(self.path, os.O_RDWR | os.O_CREAT | os.O_EXCL, _MODE))
            except FileExistsError:
                return
            except OSError as error:
                raise AccessError(
                    f"{self.path}: cannot be made ({error.strerror}); check that its folder "
                    "exists and may be written to"
                ) from error

    @contextmanager
    def _connection(self, timeout_s: float) -> Iterator[sqlite3.Connection]:
        if not self.exists:
            raise AccessError(
                f"{self.path}: there is no such file, no token was made yet; make one with "
                "'glassloop token add NAME'"
            )
        address = f"{self.path.absolute().as_uri()}?mode=rw"  # never makes the file
        try:
            with closing(
                sqlite3.connect(address, uri=True, timeout=timeout_s, isolation_level=None)
            ) as connection:
                yield connection
        except (sqlite3.Error, UnicodeDecodeError) as error:  # the latter of damaged text
            raise self._complaint(error) from error

    def _complaint(self, error: Exception) -> AccessError:
        """What SQLite says, in one sentence; what it says of no disk or lock is damage."""
        name = "_".join(getattr(error, "sqlite_errorname", "").split("_")[:2])
        if name in _SENTENCES:
            return AccessError(f"{self.path}: {_SENTENCES[name]}")
        return self.damaged(error)

    def _is_empty(self, connection: sqlite3.Connection) -> bool:
        (count,) = connection.execute("SELECT count(*) FROM sqlite_master").fetchone()
        return count == 0 and _pragma(connection, "application_id") == 0

    def _require_ours(self, connection: sqlite3.Connection) -> None:
        """Refuse what holds no tokens, or was written by a newer glassloop.

        Raises:
            AccessError: If so.
        """
        if self._is_empty(connection):
            raise AccessError(
                f"{self.path}: is empty, so it is not known who may come in; restore a backup, "
                "or make new tokens with 'glassloop token add NAME'"
            )
        if _pragma(connection, "application_id") != _APPLICATION_ID:
            raise AccessError(
                f"{self.path}: is a database of something else, not of access tokens; move it away"
            )
        version = _pragma(connection, "user_version")
        if version != _VERSION:
            raise AccessError(
                f"{self.path}: was written in form {version}, this glassloop reads form "
                f"{_VERSION}; upgrade glassloop"
            )


def _fill(connection: sqlite3.Connection) -> None:
    """Tables, and the secret that signs session cookies."""
    for statement in _SCHEMA:
        connection.execute(statement)
    values = ("cookie", token_bytes(COOKIE_SECRET_BYTES))
    connection.execute("INSERT INTO secret VALUES (?, ?)", values)


def _pragma(connection: sqlite3.Connection, name: str) -> int:
    return int(connection.execute(f"PRAGMA {name}").fetchone()[0])
