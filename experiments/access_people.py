"""People and their tokens as values: what a role allows, what is known of a token, until when."""

from dataclasses import dataclass
from datetime import UTC, date, datetime
from enum import StrEnum
from typing import Any, Final

INFO_COLUMNS: Final = "id, name, role, created, expires, revoked, last_used"


class Role(StrEnum):
    """What somebody may do; each role may also do what those before it may.

    Compare with ``allows``: ``<`` would compare the letters.
    """

    READ = "read"
    """Look, at the last comparison too; predict and export."""
    RECORD = "record"
    """Propose, accept, record results and have surrogates compared."""
    ADMIN = "admin"
    """Make campaigns, and see who has access."""

    def allows(self, needed: "Role") -> bool:
        """Whether who has this role may do what needs another.

        Examples:
            >>> Role.ADMIN.allows(Role.RECORD), Role.READ.allows(Role.RECORD)
            (True, False)
        """
        order = list(Role)
        return order.index(self) >= order.index(needed)


class TokenState(StrEnum):
    """Whether a token lets anybody in."""

    VALID = "valid"
    EXPIRED = "expired"
    REVOKED = "revoked"


@dataclass(frozen=True, slots=True)
class Person:
    """Somebody who showed a valid token."""

    name: str
    role: Role
    token_id: str


@dataclass(frozen=True, slots=True, kw_only=True)
class TokenInfo:
    """What is known of a token; its secret is not.

    Attributes:
        id: 8 hexadecimal digits.
        name: Whose it is.
        role: What it allows.
        created: When it was made, UTC.
        expires: When it ends, UTC; ``None`` if it does not.
        revoked: When it was revoked, UTC.
        last_used: The last day it was used on, UTC.
    """

    id: str
    name: str
    role: Role
    created: datetime
    expires: datetime | None
    revoked: datetime | None
    last_used: date | None

    def state(self, now: datetime | None = None) -> TokenState:
        """Whether it lets anybody in: now, or at another time."""
        if self.revoked is not None:
            return TokenState.REVOKED
        if self.expires is not None and self.expires <= utc(now):
            return TokenState.EXPIRED
        return TokenState.VALID

    def to_dict(self) -> dict[str, str | None]:
        """As plain JSON, times in ISO 8601."""
        return {
            "id": self.id,
            "name": self.name,
            "role": self.role.value,
            "created": time_text(self.created),
            "expires": None if self.expires is None else time_text(self.expires),
            "revoked": None if self.revoked is None else time_text(self.revoked),
            "last_used": None if self.last_used is None else self.last_used.isoformat(),
            "state": self.state().value,
        }


def info_of(row: tuple[Any, ...]) -> TokenInfo:
    """What a row says.

    Args:
        row: Values of ``INFO_COLUMNS``, as they are stored.

    Raises:
        ValueError: If a value is none that was ever stored; or ``TypeError``.
    """
    token_id, name, role, created, expires, revoked, last_used = row
    return TokenInfo(
        id=token_id,
        name=name,
        role=Role(role),
        created=datetime.fromisoformat(created),
        expires=None if expires is None else datetime.fromisoformat(expires),
        revoked=None if revoked is None else datetime.fromisoformat(revoked),
        last_used=None if last_used is None else date.fromisoformat(last_used),
    )


def utc(moment: datetime | None) -> datetime:
    """A time in UTC to the second, as it is stored; now if none is given."""
    return (datetime.now(UTC) if moment is None else moment.astimezone(UTC)).replace(microsecond=0)


def time_text(moment: datetime) -> str:
    """A time as it is stored.

    Examples:
        >>> time_text(datetime(2026, 5, 1, 12, tzinfo=UTC))
        '2026-05-01T12:00:00Z'
    """
    return moment.isoformat(timespec="seconds").replace("+00:00", "Z")
