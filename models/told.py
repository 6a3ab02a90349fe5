"""Readings as the process works with them: in units of the prior, exact ones first."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from models.evidence import NARROWEST, Evidence, Labels, Points

Array = NDArray[np.float64]

SHARPEST: Final = 1e-2
"""A bound is blurred by at least this share of the prior's spread, however small an error is
stated: bounds known without any error contradict each other all too easily."""

LEAST_ERROR: Final = 1e-4
"""No exact reading is believed to be better than this share of the prior's spread: two of one
pellet that contradict each other would else be infinitely improbable."""

READING: Final = "reading"
"""Level of scatter of the readings themselves, where they state no error."""


@dataclass(frozen=True, slots=True, eq=False)
class Told:
    """n readings in units of the prior's standard deviation, less the prior mean.

    Attributes:
        points: Where they were taken; tilt in units of the slope's prior sd.
        low: Shape (n,), lower bounds.
        high: Shape (n,), upper bounds; the first ``n_exact`` equal ``low``.
        n_exact: Number of exact readings.
        noise_variance: Shape (n,), stated; 0 where none was.
        same: Shape (L, n, n): 1 where two readings share a group of that level, else 0.
        row: Shape (n,), position of each reading in the evidence.
    """

    points: Points
    low: Array
    high: Array
    n_exact: int
    noise_variance: Array
    same: Array
    row: NDArray[np.intp]

    @property
    def censored(self) -> slice:
        """The readings known only to lie between bounds."""
        return slice(self.n_exact, len(self.low))

    def __len__(self) -> int:
        """Number of readings."""
        return len(self.low)


@dataclass(frozen=True, slots=True)
class Units:
    """What is one unit on the process's inner scale.

    Attributes:
        centre: Prior mean where points give no offset.
        sd: Prior standard deviation of f.
        slope_centre: Prior mean of g.
        slope_sd: Prior standard deviation of g.
    """

    centre: float
    sd: float
    slope_centre: float
    slope_sd: float

    def standard(self, points: Points) -> Points:
        """The points with tilt and basis in inner units.

        Args:
            points: N rows.

        Returns:
            The same rows, without offset.
        """
        return Points(
            points.x,
            points.level,
            points.tilt * (self.slope_sd / self.sd),
            None,
            points.basis / self.sd,
        )

    def known(self, points: Points) -> Array:
        """The prior mean at the points, shape (N,), on the outer scale."""
        offset = self.centre if points.offset is None else points.offset
        known: Array = points.level * offset + points.tilt * self.slope_centre
        return known

    def told(self, evidence: Evidence, levels: Sequence[str], *, learn_reading: bool) -> Told:
        """The evidence in inner units.

        Args:
            evidence: n readings; a level without groups has every reading on its own.
            levels: Levels of scatter, in order.
            learn_reading: Whether errors that were not stated are a further level.

        Returns:
            The readings, exact ones first.
        """
        known = self.known(evidence.points)
        low, high = (evidence.lower - known) / self.sd, (evidence.upper - known) / self.sd
        with np.errstate(invalid="ignore"):
            is_exact = np.isfinite(low) & np.isfinite(high) & (high - low < NARROWEST)
        order = np.argsort(~is_exact, kind="stable")
        n_exact = int(is_exact.sum())
        low, high = low[order], high[order]
        middle = 0.5 * (low[:n_exact] + high[:n_exact])
        low[:n_exact], high[:n_exact] = middle, middle
        points = self.standard(evidence.points.take(order))
        noise: Array = evidence.noise_sd[order] / self.sd
        unstated = np.isnan(noise)
        noise = np.where(unstated, 0.0, np.maximum(noise, LEAST_ERROR))
        noise[n_exact:] = np.maximum(noise[n_exact:], SHARPEST)
        return Told(
            points,
            low,
            high,
            n_exact,
            noise**2,
            _shared(
                evidence.groups, levels, order, points.level, unstated if learn_reading else None
            ),
            order,
        )


def _shared(
    groups: Mapping[str, Labels],
    levels: Sequence[str],
    order: NDArray[np.intp],
    level: Array,
    unstated: NDArray[np.bool_] | None,
) -> Array:
    both = level[:, None] * level[None, :]
    alone = np.arange(len(order))
    same = []
    for name in levels:
        label = groups[name][order] if name in groups else alone
        same.append((label[:, None] == label[None, :]) * (label >= 0) * both)
    if unstated is not None:
        same.append(np.diag(unstated.astype(float)))
    n = len(order)
    return np.array(same, dtype=float).reshape(len(same), n, n)
