"""Rounds until a goal is reached, when some runs never get there: Kaplan-Meier, and pairs.

A run that stops before the goal is right-censored at its last round: it needs more rounds than
that, and how many more is not known.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.stats import norm

Array = NDArray[np.float64]
Flags = NDArray[np.bool_]
Interval = tuple[float, float, float]
"""Centre, lower, upper."""

N_BOOTSTRAP: Final = 10_000
LEVEL: Final = 0.95


@dataclass(frozen=True, slots=True)
class Rounds:
    """Rounds of n runs.

    Attributes:
        rounds: Until the goal, or made without reaching it; shape (n,).
        reached: Whether the goal was reached; else the run is censored.
    """

    rounds: Array
    reached: Flags

    @classmethod
    def until(cls, shares: ArrayLike, threshold: float) -> "Rounds":
        """Rounds until a share is reached.

        Args:
            shares: After the start and after each round, shape (n, rounds + 1).
            threshold: The goal.

        Returns:
            0 where the start was there already.

        Examples:
            >>> Rounds.until([[0.2, 0.95, 0.9], [0.1, 0.2, 0.3]], 0.9)
            Rounds(rounds=array([1., 2.]), reached=array([ True, False]))
        """
        there = np.atleast_2d(np.asarray(shares, dtype=float)) >= threshold
        reached = np.asarray(there.any(axis=1))
        last = there.shape[1] - 1
        return cls(np.where(reached, there.argmax(axis=1), last).astype(float), reached)

    def __getitem__(self, which: "Flags | NDArray[np.int64]") -> "Rounds":
        """Some of the runs."""
        return Rounds(self.rounds[which], self.reached[which])

    def __len__(self) -> int:
        """Number of runs."""
        return len(self.rounds)


@dataclass(frozen=True, slots=True)
class Curve:
    """Kaplan-Meier estimate of the share of runs not there yet, a right-continuous step function.

    Attributes:
        rounds: Where it steps, ascending; shape (k,).
        share: From there on.
        lower: Pointwise 95 % band.
        upper: Pointwise 95 % band.
    """

    rounds: Array
    share: Array
    lower: Array
    upper: Array

    @property
    def median(self) -> Interval:
        """Median of rounds with its 95 % interval; infinite where the curve ends above a half.

        References:
            Brookmeyer & Crowley (1982), https://doi.org/10.2307/2530286.
        """
        return (
            _first_at_half(self.rounds, self.share),
            _first_at_half(self.rounds, self.lower),
            _first_at_half(self.rounds, self.upper),
        )


def kaplan_meier(runs: Rounds) -> Curve:
    r"""The estimate with Greenwood's variance on the scale of log(-log S).

    .. math::

        S(t) = \prod_{t_i \le t} \left(1 - \frac{d_i}{n_i}\right), \quad
        V = \frac{1}{\log^2 S} \sum \frac{d_i}{n_i (n_i - d_i)}

    Where no run or every run is there the band is the exact binomial bound.

    Args:
        runs: At least one.

    Returns:
        Steps at the rounds in which a run got there.

    Raises:
        ValueError: If there is no run.

    References:
        Kaplan & Meier (1958), https://doi.org/10.1080/01621459.1958.10501452; band: Kalbfleisch &
        Prentice (2002), https://doi.org/10.1002/9781118032985.

    Examples:
        >>> runs = Rounds(np.array([1.0, 2.0, 2.0, 3.0]), np.array([True, True, False, False]))
        >>> kaplan_meier(runs).share.round(2).tolist()
        [0.75, 0.5]
    """
    if not len(runs):
        raise ValueError("kaplan_meier: needs at least one run, got none; leave the curve out")
    at = np.unique(runs.rounds[runs.reached])
    at_risk = np.array([(runs.rounds >= t).sum() for t in at], dtype=float)
    events = np.array([(runs.rounds[runs.reached] == t).sum() for t in at], dtype=float)
    share = np.cumprod(1 - events / at_risk)
    left = at_risk - events
    greenwood = np.cumsum(np.divide(events, at_risk * left, out=np.zeros(len(at)), where=left > 0))
    z, tail, n = norm.ppf((1 + LEVEL) / 2), (1 - LEVEL) / 2, len(runs)
    inner = share > 0
    log_share = np.log(share, out=np.full(len(at), -1.0), where=inner)
    width = z * np.sqrt(greenwood) / -log_share
    lower = np.where(inner, share ** np.exp(width), 0.0)
    upper = np.where(inner, share ** np.exp(-width), 1 - tail ** (1 / n))
    return Curve(at, share, lower, np.minimum.accumulate(upper))


@dataclass(frozen=True, slots=True, kw_only=True)
class PairedRounds:
    """Ours against a rival, run by run from equal starts.

    Attributes:
        saved: Mean of the rounds saved within the horizon (restricted mean), with 95 % interval.
        ratio: Restricted mean of ours over that of the rival, with 95 % interval.
        sooner: Pairs in which ours was there first.
        level: Pairs in which both got there in the same round, or neither did.
        later: Pairs in which the rival was there first.
    """

    saved: Interval
    ratio: Interval
    sooner: int
    level: int
    later: int

    @property
    def verdict(self) -> Literal["above", "level", "below"]:
        """Above if ours saves rounds, below if it costs some, level if the interval holds 0."""
        return "above" if self.saved[1] > 0 else "below" if self.saved[2] < 0 else "level"

    def at_most(self, share: float) -> Literal["supported", "refuted", "undecided"]:
        """Whether the ratio is at most this, from where its interval lies."""
        if self.ratio[2] <= share:
            return "supported"
        return "refuted" if self.ratio[1] > share else "undecided"


def paired_rounds(ours: Rounds, rival: Rounds, groups: Sequence[str]) -> PairedRounds:
    """Differences and ratio of restricted means, pairs drawn again within their group.

    The restricted mean counts a run that never got there as the horizon, the last round; it
    needed more. All runs are as long, so it is the area under the Kaplan-Meier curve. A rival that
    is censored more often looks better in it than it is, and so does ours.

    Args:
        ours: n runs.
        rival: n runs from the same starts, same order.
        groups: n labels, such as worlds; each keeps its weight in the bootstrap.

    Returns:
        The comparison; ratios are NaN where the rival never needed a round.

    Raises:
        ValueError: If there is no pair, the lengths differ, or a run was censored early.
    """
    n, labels = len(ours), np.asarray(groups)
    if not n or len(rival) != n or len(labels) != n:
        raise ValueError(
            f"paired_rounds: every run needs its rival and a group, got {n}, {len(rival)} and "
            f"{len(labels)}; give pairs only"
        )
    horizon = max(ours.rounds.max(), rival.rounds.max())
    for runs in (ours, rival):
        if (runs.rounds[~runs.reached] < horizon).any():
            raise ValueError(
                f"paired_rounds: runs must be as long as the longest ({horizon:g} rounds), got "
                "one that ended before without its goal; make them equally long"
            )
    rng = np.random.default_rng(0)
    picks = np.concatenate(
        [
            rng.choice(np.flatnonzero(labels == label), size=(N_BOOTSTRAP, (labels == label).sum()))
            for label in np.unique(labels)
        ],
        axis=1,
    )
    own, other = (runs.rounds for runs in (ours, rival))
    saved = other - own
    own_first, rival_first = _is_first(ours, rival), _is_first(rival, ours)
    return PairedRounds(
        saved=_interval(float(saved.mean()), saved[picks].mean(axis=1)),
        ratio=_interval(
            float(_ratio(own.mean(), other.mean())),
            _ratio(own[picks].mean(axis=1), other[picks].mean(axis=1)),
        ),
        sooner=int(own_first.sum()),
        level=int((~own_first & ~rival_first).sum()),
        later=int(rival_first.sum()),
    )


def _is_first(one: Rounds, other: Rounds) -> Flags:
    """There in a round in which the other was not yet."""
    return one.reached & ((one.rounds < other.rounds) | ~other.reached)


def _ratio(one: ArrayLike, other: ArrayLike) -> Array:
    over, under = np.asarray(one, dtype=float), np.asarray(other, dtype=float)
    return np.asarray(np.divide(over, under, out=np.full_like(under, np.nan), where=under > 0))


def _interval(centre: float, draws: Array) -> Interval:
    known = draws[np.isfinite(draws)]
    if not len(known):
        return centre, float("nan"), float("nan")
    low, high = np.quantile(known, [(1 - LEVEL) / 2, (1 + LEVEL) / 2])
    return centre, float(low), float(high)


def _first_at_half(rounds: Array, share: Array) -> float:
    there = share <= 0.5 + 1e-12
    return float(rounds[there.argmax()]) if there.any() else float("inf")
