"""What imagined campaigns say together: chances, times and differences, each with an interval.

All intervals hold 90 %. Options are compared in the same worlds, so their differences are taken
world by world.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from math import inf, isfinite, sqrt
from typing import Any, Final, final

import numpy as np
from numpy.typing import NDArray
from scipy.stats import beta, t

from experiments.plan_world import Run

Array = NDArray[np.float64]

SIDE: Final = 0.05
"""Of each interval, what lies below it, and above it."""

N_DRAWS: Final = 4096
DRAW_SEED: Final = 20220513
PRIOR: Final = 0.5
"""Of a Jeffreys prior, for each kind of outcome."""


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class Estimate:
    """A number with its 90 % interval.

    Attributes:
        value: The estimate.
        lower: Lower end; minus infinity if nothing is known.
        upper: Upper end; infinity likewise.
    """

    value: float
    lower: float
    upper: float

    @property
    def tells_apart(self) -> bool:
        """Whether zero lies outside."""
        return self.lower > 0 or self.upper < 0

    def to_dict(self) -> dict[str, float]:
        """Plain JSON types."""
        return {"value": self.value, "lower": self.lower, "upper": self.upper}


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """What an option comes to.

    Attributes:
        n: Worlds.
        by_round: Chance that the target is met by round k, for k = 0 and on.
        rounds_to_target: Median and the range of 90 % of the worlds; infinity is never.
        hours_to_target: The same of work of hands, h.
        hours: Mean work of hands until the target or the end, h.
        weeks: Mean time until then, weeks.
        pellets: Mean number of test pellets until then.
        cells: Mean number of cells until then.
        endings: How many worlds ended how.
    """

    n: int
    by_round: tuple[Estimate, ...]
    rounds_to_target: Estimate
    hours_to_target: Estimate
    hours: Estimate
    weeks: Estimate
    pellets: Estimate
    cells: Estimate
    endings: dict[str, int]

    @property
    def chance(self) -> Estimate:
        """That the target is met in the end."""
        return self.by_round[-1]

    def to_dict(self) -> dict[str, Any]:
        """Plain JSON types."""
        parts = ("rounds_to_target", "hours_to_target", "hours", "weeks", "pellets", "cells")
        return {
            "n": self.n,
            "by_round": [{"round": k, **found.to_dict()} for k, found in enumerate(self.by_round)],
            **{name: getattr(self, name).to_dict() for name in parts},
            "endings": self.endings,
        }


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class Difference:
    """An option less the first one, in the same worlds.

    Attributes:
        chance: Of meeting the target in the end.
        hours: Of work until the target, h; where it is not met the whole budget counts.
        only_this: Worlds in which only this one meets the target.
        only_first: Worlds in which only the first does.
    """

    chance: Estimate
    hours: Estimate
    only_this: int
    only_first: int

    def to_dict(self) -> dict[str, Any]:
        """Plain JSON types."""
        return {
            "chance": self.chance.to_dict(),
            "hours": self.hours.to_dict(),
            "only_this": self.only_this,
            "only_first": self.only_first,
        }


def outcome_of(runs: Sequence[Run], rounds: int) -> Outcome:
    """One option's campaigns together.

    Args:
        runs: One a world.
        rounds: The most the option has.

    Returns:
        Chances and times.
    """
    met_at = np.array([inf if run.met_at is None else run.met_at for run in runs])
    met_h = np.array([inf if run.met_at is None else run.hours for run in runs])
    last = [run.rounds[-1] if run.rounds else None for run in runs]
    kinds = [run.ended for run in runs]
    return Outcome(
        n=len(runs),
        by_round=tuple(chance(int((met_at <= k).sum()), len(runs)) for k in range(rounds + 1)),
        rounds_to_target=_range(met_at),
        hours_to_target=_range(met_h),
        hours=mean([run.hours for run in runs]),
        weeks=mean([0.0 if step is None else step.weeks for step in last]),
        pellets=mean([0.0 if step is None else step.pellets for step in last]),
        cells=mean([0.0 if step is None else step.cells for step in last]),
        endings={kind: kinds.count(kind) for kind in dict.fromkeys(kinds)},
    )


def difference_of(these: Sequence[Run], first: Sequence[Run], *, budget_h: float) -> Difference:
    """One option less another, world by world.

    Args:
        these: One a world.
        first: The same worlds in the same order.
        budget_h: What a world without success counts as, h.

    Returns:
        Differences; that of the chances from a Jeffreys posterior of the four kinds of worlds
        (both, neither, only one, only the other).
    """
    own = np.array([run.met_at is not None for run in these])
    other = np.array([run.met_at is not None for run in first])
    only_this, only_first = int((own & ~other).sum()), int((other & ~own).sum())
    alike = len(own) - only_this - only_first
    rng = np.random.default_rng(DRAW_SEED)
    shares = rng.dirichlet([only_this + PRIOR, only_first + PRIOR, alike + 2 * PRIOR], N_DRAWS)
    low, high = np.quantile(shares[:, 0] - shares[:, 1], [SIDE, 1 - SIDE])
    value = (only_this - only_first) / len(own)
    costs = [[_cost(run, budget_h) for run in runs] for runs in (these, first)]
    return Difference(
        chance=Estimate(value=value, lower=min(float(low), value), upper=max(float(high), value)),
        hours=mean([a - b for a, b in zip(*costs, strict=True)]),
        only_this=only_this,
        only_first=only_first,
    )


def chance(n_met: int, n: int) -> Estimate:
    """A share with its Jeffreys interval.

    Args:
        n_met: Worlds in which it is so.
        n: Worlds; at least 1.

    Examples:
        >>> found = chance(0, 16)
        >>> found.value, found.lower, round(found.upper, 2)
        (0.0, 0.0, 0.11)
    """
    low, high = beta.ppf([SIDE, 1 - SIDE], n_met + PRIOR, n - n_met + PRIOR)
    return Estimate(
        value=n_met / n,
        lower=0.0 if n_met == 0 else float(low),
        upper=1.0 if n_met == n else float(high),
    )


def mean(values: Sequence[float]) -> Estimate:
    """A mean with its Student interval; without end for a single value.

    Examples:
        >>> found = mean([1.0, 2.0, 3.0])
        >>> found.value, round(found.lower, 1), round(found.upper, 1)
        (2.0, 0.3, 3.7)
    """
    array = np.asarray(values, dtype=float)
    centre, n = float(array.mean()), len(array)
    if n < 2:
        return Estimate(value=centre, lower=-inf, upper=inf)
    reach = float(t.ppf(1 - SIDE, n - 1)) * float(array.std(ddof=1)) / sqrt(n)
    return Estimate(value=centre, lower=centre - reach, upper=centre + reach)


def _cost(run: Run, budget_h: float) -> float:
    return budget_h if run.met_at is None else run.hours


def _range(values: Array) -> Estimate:
    """Median and the range of 90 % of the worlds; values that exist, infinity among them."""
    low, middle, high = (
        float(q) for q in np.quantile(values, [SIDE, 0.5, 1 - SIDE], method="inverted_cdf")
    )
    return Estimate(value=middle, lower=low, upper=high)


def is_never(value: float) -> bool:
    """Whether a time to the target is not within the plan."""
    return not isfinite(value)
