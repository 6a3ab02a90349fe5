"""What a parser may do: give something sound, or say in plain sentences why not."""

import re
import tempfile
from collections.abc import Callable, Sequence
from math import isfinite
from typing import Any, Final, TypeVar

from features.errors import GlassError, InputError
from features.properties import property_of
from features.reading import Interval, parse_value

T = TypeVar("T")

LONGEST: Final = 20_000
"""Characters of a sentence: it repeats what was typed, escaped, once or twice."""

_RAW: Final = re.compile(
    r"Traceback|\b[A-Z]\w*(?:Error|Exception|Warning)\(| object at 0x|<class '"
)
_UNSEEN: Final = re.compile(r"[\x00-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069\ud800-\udfff]")
_TEMPORARY: Final = tempfile.gettempdir() + "/"


class FindingError(AssertionError):
    """A parser did what it must not."""


def require(holds: object, said: str, *got: object) -> None:
    """Report a finding unless something holds."""
    if not holds:
        raise FindingError(f"{said}: {', '.join(ascii(one)[:300] for one in got)}")


def asked(parser: Callable[..., T], *args: Any, hide: Sequence[str] = (), **more: Any) -> T | None:
    """What a parser gives; ``None`` when it refuses as it should.

    Args:
        parser: Called with the rest.
        args: For it.
        hide: Paths the caller named, which a sentence may repeat.
        more: For it.

    Raises:
        FindingError: If a sentence is not as it should be. Any other error passes as it is.
    """
    try:
        return parser(*args, **more)
    except InputError as error:
        require(error.problems, "refused without a reason")
        sentences(error.problems, hide=hide)
    except GlassError as error:
        sentences(str(error.args[0]).split("\n") if error.args else [""], hide=hide)
    return None


def sentences(said: Sequence[object], *, file: str = "", hide: Sequence[str] = ()) -> None:
    """Each is one line for people: no trace, no raw error, no folder of ours, not endless.

    Args:
        said: Complaints or warnings.
        file: Where given, all name it first.
        hide: Paths that a sentence may repeat.
    """
    for one in said:
        text = str(one)
        for path in hide:
            text = text.replace(path, "")
        require(text.strip(), "a sentence is blank", one)
        require(not _UNSEEN.search(text), "a sentence is no single printable line", text)
        require(not _RAW.search(text), "a sentence shows a raw error", text)
        require(_TEMPORARY not in text, "a sentence names a temporary folder", text)
        require(len(text) <= LONGEST, "a sentence is endless", len(text), text)
        if file:
            require(text.startswith(file), "a sentence does not name its file", text)
        row = getattr(one, "row", None)
        if file and row is not None:
            require(f"row {row}" in text, "a sentence does not name its row", text)


def physical(property_id: str, lower: float | None, upper: float | None) -> None:
    """Bounds of a reading: finite, above zero, in order, and the same when read again."""
    entry = property_of(property_id)
    for bound in (lower, upper):
        require(bound is None or (isfinite(bound) and bound > 0), "no physical value", lower, upper)
    unit = "" if entry.unit == "1" else entry.unit
    interval = Interval(lower, upper)
    again = parse_value(interval.text(unit), property_id)
    require(again == interval, "another value when written and read again", interval, again)


def storable(text: str) -> None:
    """Any database can hold the text."""
    require("\0" not in text, "holds NUL", text)
    require(not any("\ud800" <= c <= "\udfff" for c in text), "holds half a character", text)
