"""The rounds so far: hypervolume as it was believed then, and readings against predictions."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray
from scipy.stats import binom

from experiments.ledger import Ledger

Array = NDArray[np.float64]

KINDS: Final = ("glasses", "cells")
START: Final = "start"
"""Name of the state before the first round."""

LEVELS: Final = (50, 90)
CHANCE: Final = 0.9


@dataclass(frozen=True, slots=True, kw_only=True)
class Volume:
    """A hypervolume as it was believed at one time.

    Attributes:
        after: The round whose results were in; ``start`` before any.
        value: Median.
        lower: Lower end of the 90 % range.
        upper: Upper end.
    """

    after: str
    value: float
    lower: float
    upper: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Coverage:
    """How many readings lay in a central interval of their prediction.

    Attributes:
        label: A round, or ``all``.
        level: Nominal, %.
        n: Readings.
        inside: How many lay inside.
        low: Fewest inside that chance explains, 90 %, readings taken as independent.
        high: Most.
    """

    label: str
    level: int
    n: int
    inside: int
    low: int
    high: int

    @property
    def is_chance(self) -> bool:
        """Whether chance explains the count."""
        return self.low <= self.inside <= self.high


def volumes(ledger: Ledger) -> dict[str, tuple[Volume, ...]]:
    """Hypervolume of glasses and of cells, round by round, as believed when the results came in.

    Args:
        ledger: The campaign's ledger; a round holds it when opened, and when scored.

    Returns:
        By kind, oldest first; empty without rounds.
    """
    rounds, events = ledger.rounds(), ledger.round_events()
    scored = events.loc[events["event"] == "scored"]
    latest = {
        str(name): detail for name, detail in scored.groupby("round_id")["detail"].last().items()
    }
    found: dict[str, list[Volume]] = {kind: [] for kind in KINDS}
    for place, row in enumerate(rounds.to_dict("records")):
        opened = row["config"].get("round", {}).get("hypervolume", {})
        parts = [(START, opened)] if place == 0 else []
        if row["id"] in latest:
            parts.append((str(row["id"]), latest[row["id"]].get("hypervolume", {})))
        for name, part in parts:
            for kind in KINDS:
                if kind in part:
                    numbers = {key: float(part[kind][key]) for key in ("value", "lower", "upper")}
                    found[kind].append(Volume(after=name, **numbers))
    return {kind: tuple(found[kind]) for kind in KINDS}


def scores(ledger: Ledger) -> list[dict[str, Any]]:
    """Every scored reading with its round, oldest round first.

    Args:
        ledger: The campaign's ledger.

    Returns:
        Rows with round, specimen, property, predicted, reading_lower, reading_upper,
        measured_lower, measured_upper, pit, inside_50 and inside_90.
    """
    events = ledger.round_events()
    scored = events.loc[events["event"] == "scored"]
    latest = scored.groupby("round_id", sort=False)["detail"].last()
    order = [str(name) for name in ledger.rounds()["id"] if name in latest.index]
    return [{"round": name, **row} for name in order for row in latest[name]["scores"]]


def coverages(rows: Sequence[dict[str, Any]]) -> list[Coverage]:
    """Coverage of the 50 and 90 % ranges, by round and over all.

    Args:
        rows: What ``scores`` gave.

    Returns:
        Two a round, then two over all; empty without scores.
    """
    labels = list(dict.fromkeys(row["round"] for row in rows))
    groups = [(label, [row for row in rows if row["round"] == label]) for label in labels]
    if len(groups) > 1:
        groups.append(("all", list(rows)))
    return [coverage(label, level, group) for label, group in groups for level in LEVELS]


def coverage(label: str, level: int, rows: Sequence[dict[str, Any]]) -> Coverage:
    """Readings inside a central interval, and what chance allows.

    Args:
        label: Of the group.
        level: 50 or 90.
        rows: Scored readings.

    Returns:
        Count and range.

    Examples:
        >>> rows = [{"inside_90": True}] * 9 + [{"inside_90": False}]
        >>> found = coverage("R01", 90, rows)
        >>> found.inside, found.low, found.high
        (9, 7, 10)
    """
    n = len(rows)
    low, high = binom.interval(CHANCE, n, level / 100)
    inside = sum(bool(row[f"inside_{level}"]) for row in rows)
    return Coverage(label=label, level=level, n=n, inside=inside, low=int(low), high=int(high))


def pit_bins(rows: Sequence[dict[str, Any]]) -> tuple[Array, NDArray[np.intp], tuple[float, float]]:
    """Histogram of the probability integral transforms; even when predictions are right.

    Args:
        rows: Scored readings, at least one.

    Returns:
        Edges, counts, and the range of a count that chance allows in 9 of 10 bins.
    """
    n = len(rows)
    n_bins = 10 if n >= 60 else 5
    counts, edges = np.histogram([row["pit"] for row in rows], bins=n_bins, range=(0.0, 1.0))
    low, high = binom.interval(CHANCE, n, 1 / n_bins)
    return edges, counts, (float(low), float(high))
