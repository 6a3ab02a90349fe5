"""One thing the data cannot tell, and the words for it."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any, Final

import numpy as np
import pandas as pd

from experiments.display import number_text, x_text
from experiments.report_recipes import UNITS
from features.milling import MEDIA

WIDE: Final = 0.3
"""A hole as wide as this share of what is searched is a region without data."""

CELL_NUMBERS: Final = {
    "core_x": "oxygen of the core",
    "skin_x": "oxygen of the skins",
    "skin_mass_mg": "mass of a skin",
    "core_mass_mg": "mass of the core",
    "pressing_pressure_mpa": "co-press pressure",
    "stack_pressure_mpa": "stack pressure",
    "temperature_c": "test temperature",
}
"""Columns of a cell as a sentence names them."""

_LEVEL_TEXTS: Final = {
    "x": "x = {}",
    "milling_time_h": "{} of milling",
    "pressing_pressure_mpa": "{} of pressing",
    **{name: f"{label} {{}}" for name, label in CELL_NUMBERS.items()
       if name != "pressing_pressure_mpa"},
}  # fmt: skip
_MOST_NAMED: Final = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class Gap:
    """One thing the data cannot tell.

    Attributes:
        kind: ``confound``, ``together``, ``constant``, ``region``, ``few`` or ``scatter``.
        unknown: What cannot be told.
        because: Why not.
        experiment: What would tell.
        planned: Whether an open round does that already.
    """

    kind: str
    unknown: str
    because: str
    experiment: str
    planned: bool = False


def holes(
    made: "pd.Series[float]",
    planned: "pd.Series[float]",
    span: tuple[float, float],
    name: str,
    label: str,
    what: str,
) -> Iterator[Gap]:
    """Holes wider than ``WIDE`` of what is searched, its ends included.

    Args:
        made: Values of the specimens made.
        planned: Values of those planned.
        span: What is searched.
        name: Column.
        label: The column as a sentence names it.
        what: What was not made there.

    Yields:
        One gap a hole.
    """
    low, high = span
    if not high > low:
        return
    there = planned.to_numpy(float)
    inside = np.unique(np.clip(made.to_numpy(float), low, high).round(2))
    inner = [(start, stop, round(0.5 * (start + stop), 2)) for start, stop in pairwise(inside)]
    for start, stop, at in [(low, inside[0], low), *inner, (inside[-1], high, high)]:
        if stop - start < WIDE * (high - low):
            continue
        yield Gap(
            kind="region",
            unknown=f"What happens at {label} {between(name, start, stop)}",
            because=f"No {what} was made there",
            experiment=f"Make one at {value_with_unit(name, at)}",
            planned=bool(((there > start) & (there < stop)).any())
            or bool(np.isclose(there, at).any()),
        )


def level_text(name: str, value: Any) -> str:
    """A level of a variable, such as ``agate`` or ``20 h of milling``."""
    if name == "milling_media":
        return medium_label(str(value))
    return _LEVEL_TEXTS.get(name, "{}").format(value_with_unit(name, value))


def value_with_unit(name: str, value: float) -> str:
    """A value of a variable with its unit.

    Examples:
        >>> value_with_unit("core_x", 0.15), value_with_unit("pressing_pressure_mpa", 450.0)
        ('0.15', '450 MPa')
    """
    text = x_text(value) if name.endswith("x") else number_text(round(float(value), 1))
    return f"{text} {UNITS.get(name, '')}".strip()


def between(name: str, start: float, stop: float) -> str:
    """A range of a variable in words."""
    return f"between {value_with_unit(name, start)} and {value_with_unit(name, stop)}"


def medium_label(medium: str) -> str:
    """What a medium is called in a sentence; its id where it is not in the table."""
    return MEDIA[medium].label if medium in MEDIA else medium


def listed(names: Sequence[str]) -> str:
    """Names as a sentence lists them, at most a few of many.

    Examples:
        >>> listed(["a", "b", "c"]), listed(list("abcdefgh"))
        ('a, b and c', 'a, b, c and 5 more')
    """
    if len(names) > 2 * _MOST_NAMED:
        rest = len(names) - _MOST_NAMED
        return f"{', '.join(names[:_MOST_NAMED])} and {rest} more"
    return " and ".join(part for part in (", ".join(names[:-1]), names[-1]) if part)


def capital(text: str) -> str:
    """A sentence's beginning; the x of a formula stays small."""
    return text if text.startswith("x ") else text[:1].upper() + text[1:]
