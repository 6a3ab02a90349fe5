"""Who is at work: the name every transaction of the ledger is signed with.

The command line and the web server say once who acts and by which door; what they call needs no
argument for it.
"""

import getpass
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from typing import Final, Literal

Door = Literal["command line", "page", "API", "library"]
"""How somebody came in."""


@dataclass(frozen=True, slots=True)
class Actor:
    """Somebody at work.

    Attributes:
        name: As the ledger will say; empty when nobody said.
        door: How they came in.
    """

    name: str
    door: Door


NOBODY: Final = Actor("", "library")
ITSELF: Final = "glassloop"
"""Signs what nobody asked for: it was due when somebody happened to come by."""

_NOW: Final[ContextVar[Actor]] = ContextVar("actor", default=NOBODY)


@contextmanager
def acting(name: str, door: Door) -> Iterator[None]:
    """Inside it every change of a ledger is signed so.

    Args:
        name: Who acts.
        door: How they came in.

    Examples:
        >>> with acting("Ada", "page"):
        ...     acting_now().name
        'Ada'
    """
    token = _NOW.set(Actor(name, door))
    try:
        yield
    finally:
        _NOW.reset(token)


def acting_now() -> Actor:
    """Who acts now."""
    return _NOW.get()


def acting_by_itself() -> AbstractContextManager[None]:
    """Inside it changes are signed as glassloop's own, at the door that somebody came in by.

    Examples:
        >>> with acting("Ada", "page"), acting_by_itself():
        ...     acting_now()
        Actor(name='glassloop', door='page')
    """
    return acting(ITSELF, acting_now().door)


def account_name() -> str:
    """The name of this computer's account; empty where there is none."""
    try:
        return getpass.getuser()
    except (KeyError, OSError):  # an account without a name, as in some containers
        return ""
