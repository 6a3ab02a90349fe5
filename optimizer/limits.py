"""Outcomes that are kept within a range and not improved, and the ranges of those that are."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, final

import numpy as np

from features.errors import SpaceError
from optimizer.objectives import Objective, Scale

Range = tuple[float, float]

EVERYTHING: Final[Range] = (-np.inf, np.inf)


@final
@dataclass(frozen=True, slots=True)
class Limit:
    """A measured outcome that must stay within a range; being further inside gains nothing.

    Attributes:
        name: Column of readings.
        at_least: Smallest value allowed, physical units.
        at_most: Largest value allowed, physical units.
        scale: Scale of the surrogate.
        prior: Centre and standard deviation expected with no data, on the scale.

    Raises:
        SpaceError: If there is no bound, or the parts contradict each other.

    Examples:
        >>> Limit("porosity", at_most=0.1).outcome.at_most
        0.1
    """

    name: str
    at_least: float | None = None
    at_most: float | None = None
    scale: Scale = "linear"
    prior: tuple[float, float] | None = None

    def __post_init__(self) -> None:
        """Refuse a limit that limits nothing."""
        if self.at_least is None and self.at_most is None:
            raise SpaceError(
                f"limit {self.name!r}: needs a bound, got neither at_least nor at_most; "
                "give one of them"
            )
        _ = self.outcome

    @property
    def outcome(self) -> Objective:
        """The same as an outcome to be modelled; its direction says nothing."""
        return Objective(
            self.name,
            "maximize",
            scale=self.scale,
            prior=self.prior,
            at_least=self.at_least,
            at_most=self.at_most,
        )


def utility_ranges(outcomes: Sequence[Objective]) -> list[Range]:
    """Where the utility of each outcome must lie for a row to count.

    Args:
        outcomes: Objectives, then outcomes of limits.

    Returns:
        Low and high end each, infinite where there is no limit.

    Examples:
        >>> utility_ranges([Objective("cost", "minimize", reference=9.0, at_most=5.0)])
        [(-5.0, inf)]
    """
    ranges = []
    for outcome in outcomes:
        ends = [
            -np.inf if outcome.at_least is None else float(outcome.utility(outcome.at_least)),
            np.inf if outcome.at_most is None else float(outcome.utility(outcome.at_most)),
        ]
        if outcome.sign < 0:
            ends = [
                -np.inf if outcome.at_most is None else ends[1],
                np.inf if outcome.at_least is None else ends[0],
            ]
        ranges.append((ends[0], ends[1]))
    return ranges
