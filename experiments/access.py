"""Who may do what at the web server: tokens, their roles, and the store that knows them.

A token is made for a person on the command line, shown once, and stored as a hash::

    store = AccessStore(Path("my-campaign"))
    text = store.add("Ana", Role.RECORD, days=90)
    store.person(text).role.allows(Role.READ)
"""

import sqlite3
from collections.abc import Callable
from contextlib import suppress
from datetime import date, datetime, timedelta
from hmac import compare_digest
from pathlib import Path
from typing import Any, Final, TypeVar
from unicodedata import normalize

from experiments.access_file import COOKIE_SECRET_BYTES, AccessFile
from experiments.access_people import (
    INFO_COLUMNS,
    Person,
    Role,
    TokenInfo,
    TokenState,
    info_of,
    time_text,
    utc,
)
from experiments.access_token import TOKEN, Token
from features.errors import AccessError

__all__ = ["AccessStore", "Person", "Role", "TokenInfo", "TokenState"]

ACCESS_NAME: Final = "access.db"
DEFAULT_DAYS: Final = 365
MAX_DAYS: Final = 3650
MAX_NAME: Final = 60

_NO_DIGEST: Final = bytes(32)  # no secret has it: SHA-256 of nothing known

_Value = TypeVar("_Value")


class AccessStore:
    """The tokens of what is served from a folder: of a campaign, or of a folder of campaigns.

    Any number of threads and processes may use it at once. Times are given for tests; left out,
    it is now.
    """

    def __init__(self, folder: Path) -> None:
        self._file = AccessFile(folder / ACCESS_NAME)

    @property
    def path(self) -> Path:
        """The file."""
        return self._file.path

    @property
    def exists(self) -> bool:
        """Whether a token was ever made here."""
        return self._file.exists

    def has_tokens(self, *, now: datetime | None = None) -> bool:
        """Whether any token is valid.

        Raises:
            AccessError: If the file cannot be read: then it is not known.
        """
        return any(info.state(now) is TokenState.VALID for info in self.people())

    def add(
        self,
        name: str,
        role: Role,
        *,
        days: int | None = DEFAULT_DAYS,
        now: datetime | None = None,
    ) -> str:
        """Make a token.

        Args:
            name: Who it is for; the same name may hold several.
            role: What it allows.
            days: How long it is valid; ``None`` for ever.
            now: When it is made.

        Returns:
            Its text. It is nowhere stored, so this is the only time it can be seen.

        Raises:
            AccessError: If name or days are not as they must be, or nothing can be written.
        """
        name, made = _checked_name(name), utc(now)
        expires = None if days is None else made + timedelta(days=_checked_days(days))
        with self._file.writing(create=True) as connection:
            token = Token.new()
            while _find(connection, "id", token.id):  # an id has 32 bits only
                token = Token.new()
            ends = None if expires is None else time_text(expires)
            connection.execute(
                "INSERT INTO token (id, digest, name, role, created, expires) "
                "VALUES (?, ?, ?, ?, ?, ?)",
                (token.id, token.digest, name, role.value, time_text(made), ends),
            )
        return token.text

    def people(self) -> list[TokenInfo]:
        """All tokens ever made, oldest first; none if there is no file.

        Raises:
            AccessError: If the file cannot be read.
        """
        if not self.exists:
            return []
        with self._file.reading() as connection:
            rows = connection.execute(f"SELECT {INFO_COLUMNS} FROM token ORDER BY rowid").fetchall()
        return [self._understood(info_of, row) for row in rows]

    def revoke(self, id_or_name: str, *, now: datetime | None = None) -> int:
        """Let nobody in by a token any more, or by any token of a name.

        Args:
            id_or_name: An id, a name, or a whole token that was found where it should not be.
            now: When it is revoked.

        Returns:
            How many tokens were revoked; 0 if all were before.

        Raises:
            AccessError: If no token has such an id or name, or nothing can be written.
        """
        wanted = normalize("NFC", id_or_name.strip())
        if whole := TOKEN.fullmatch(wanted):
            wanted = whole["id"]
        with self._file.writing() as connection:
            ids = _find(connection, "id", wanted) or _find(connection, "name", wanted)
            if not ids:
                raise AccessError(
                    f"{self.path}: no token has the id or the name {wanted!r}; "
                    "'glassloop token list' shows all"
                )
            return sum(
                connection.execute(
                    "UPDATE token SET revoked = ? WHERE id = ? AND revoked IS NULL",
                    (time_text(utc(now)), token_id),
                ).rowcount
                for token_id in ids
            )

    def person(self, token_text: str, *, now: datetime | None = None) -> Person:
        """Who shows a token.

        Args:
            token_text: What they show.
            now: When.

        Returns:
            Name and role.

        Raises:
            AccessError: If it is malformed, not of this store, expired or revoked, or the store
                cannot be read.
        """
        token = Token.parse(token_text)
        digest, info = self._stored(token.id)
        # compared even if there is none, and before expired or revoked are told: without the
        # secret nobody learns which ids there are
        if not compare_digest(digest, token.digest) or info is None:
            raise _unknown(token.id)
        return self._let_in(info, utc(now))

    def still_valid(self, token_id: str, *, now: datetime | None = None) -> Person:
        """Who has a session that a token began; for ids from a signed cookie.

        Args:
            token_id: Id of that token.
            now: When.

        Returns:
            Name and role.

        Raises:
            AccessError: If the token is not of this store, expired or revoked since, or the
                store cannot be read.
        """
        _, info = self._stored(token_id)
        if info is None:
            raise _unknown(token_id)
        return self._let_in(info, utc(now))

    def cookie_secret(self) -> bytes:
        """What session cookies are signed with: 32 random bytes, made with the file.

        Raises:
            AccessError: If there is no file yet, or it cannot be read.
        """
        with self._file.reading() as connection:
            row = connection.execute("SELECT value FROM secret WHERE name = 'cookie'").fetchone()
        secret = row[0] if row else None
        if not isinstance(secret, bytes) or len(secret) != COOKIE_SECRET_BYTES:
            raise self._file.damaged("the secret of session cookies is missing")
        return secret

    def _stored(self, token_id: str) -> tuple[bytes, TokenInfo | None]:
        """Hash and what is known of a token."""
        if not self.exists:
            return _NO_DIGEST, None
        query = f"SELECT digest, {INFO_COLUMNS} FROM token WHERE id = ?"
        with self._file.reading() as connection:
            row = connection.execute(query, (token_id,)).fetchone()
        if row is None:
            return _NO_DIGEST, None
        return self._understood(bytes, row[0]), self._understood(info_of, row[1:])

    def _let_in(self, info: TokenInfo, moment: datetime) -> Person:
        """Who has a known token, if it is in force.

        Raises:
            AccessError: If it is not.
        """
        remedy = "ask who runs the server for a new one ('glassloop token add')"
        if info.revoked is not None:
            raise AccessError(
                f"token {info.id} of {info.name} was revoked on {info.revoked:%Y-%m-%d}; {remedy}"
            )
        if info.expires is not None and info.state(moment) is TokenState.EXPIRED:
            raise AccessError(
                f"token {info.id} of {info.name} expired on {info.expires:%Y-%m-%d %H:%M} UTC; "
                f"{remedy}"
            )
        self._mark_used(info, moment.date())
        return Person(info.name, info.role, info.id)

    def _mark_used(self, info: TokenInfo, today: date) -> None:
        """Remember the day, once a day: looking at a page must not write each time."""
        if info.last_used is not None and info.last_used >= today:
            return
        # a full or a read-only disk must not lock anybody out
        with suppress(AccessError), self._file.writing(is_patient=False) as connection:
            connection.execute(
                "UPDATE token SET last_used = ? WHERE id = ?", (today.isoformat(), info.id)
            )

    def _understood(self, read: Callable[[Any], _Value], value: object) -> _Value:
        """A stored value as it was meant.

        Raises:
            AccessError: If it is none that was ever stored.
        """
        try:
            return read(value)
        except (TypeError, ValueError) as error:
            raise self._file.damaged("a token cannot be read") from error


def _find(connection: sqlite3.Connection, column: str, value: str) -> list[str]:
    """Ids of the tokens with a value in a column."""
    rows = connection.execute(f"SELECT id FROM token WHERE {column} = ?", (value,))
    return [token_id for (token_id,) in rows]


def _unknown(token_id: str) -> AccessError:
    """One sentence for an unknown id and for a wrong secret."""
    return AccessError(
        f"{token_id} is not a token of this server; check that it was copied whole and is meant "
        "for this server, or ask who runs it for one"
    )


def _checked_name(name: str) -> str:
    """A name, the blanks around it dropped.

    Raises:
        AccessError: If nothing is left, or it is too long or cannot be printed.
    """
    name = normalize("NFC", name.strip())  # so that one spelling is one name on every computer
    if not 0 < len(name) <= MAX_NAME or not name.isprintable():
        raise AccessError(
            f"the name of who gets a token must be 1 to {MAX_NAME} printable characters, got "
            f"{len(name)}: {name[: MAX_NAME + 1]!r}; choose another"
        )
    return name


def _checked_days(days: int) -> int:
    """How long a token is valid.

    Raises:
        AccessError: If that is no time, or longer than anybody plans.
    """
    if not 0 < days <= MAX_DAYS:
        raise AccessError(
            f"a token is valid for 1 to {MAX_DAYS} days, got {days}; choose fewer, or let it "
            "never expire"
        )
    return days
