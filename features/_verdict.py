"""What to think of a value: believe it, ask about it, or refuse it."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final, Literal

Level = Literal["ok", "warn", "reject"]
LEVELS: Final[tuple[Level, ...]] = ("ok", "warn", "reject")
"""From best to worst."""


@dataclass(frozen=True, slots=True)
class Verdict:
    """What to think of a value.

    Attributes:
        level: ``warn`` asks the user, ``reject`` refuses unless overridden with a reason.
        message: One sentence for the user; empty when ``ok``.
    """

    level: Level = "ok"
    message: str = ""


def level_of(value: float, warn: tuple[float, float], reject: tuple[float, float]) -> Level:
    """The level of a value by the two ranges around it, both inclusive.

    Args:
        value: The value; not a number is refused.
        warn: Outside this it is questioned, same unit.
        reject: Outside this it is refused, same unit.

    Returns:
        The level.

    References:
        Domain notes 5.6.
    """
    if not reject[0] <= value <= reject[1]:
        return "reject"
    return "ok" if warn[0] <= value <= warn[1] else "warn"


def range_text(typical: tuple[float, float], unit: str) -> str:
    """A range as it is put into messages, such as ``the usual 12 to 24 GPa``.

    Args:
        typical: The range.
        unit: Its unit; empty when dimensionless.

    Returns:
        The text.

    References:
        Domain notes 5.6.
    """
    return f"the usual {typical[0]:g} to {typical[1]:g} {unit}".rstrip()


def landing(tries: Iterable[tuple[str, float]], *ranges: tuple[float, float]) -> str | None:
    """The first try whose value lies in the first range, else in the second, and so on.

    Args:
        tries: What the value may have been, as text and as number in the unit of the ranges.
        ranges: Where it would be believed, best first.

    Returns:
        The text of that try; ``None`` when none lands.

    References:
        Domain notes 5.6.
    """
    tries = tuple(tries)
    for low, high in ranges:
        for text, value in tries:
            if low <= value <= high:
                return text
    return None
