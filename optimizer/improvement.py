r"""Expected hypervolume improvement in closed form, scenario by scenario.

In each of S scenarios the rows made have known utilities, so that the region not yet dominated is a
set of boxes (``optimizer.cells``), and the utilities of a candidate are independent normal
variables. What the candidate adds is then a sum over boxes of products of one-dimensional
expectations,

.. math:: \sum_k \prod_j \left[G_j(l_{kj}) - G_j(u_{kj})\right],\quad
          G_j(e) = E[(Y_j - e)^+] = \sigma_j \varphi(z) + (\mu_j - e) \Phi(z),\quad
          z = (\mu_j - e) / \sigma_j

and the mean over scenarios is the noisy expected improvement with all but the candidate's own doubt
sampled. A standard deviation of 0 is a plain draw. Emmerich, Yang & Deutz 2020,
doi:10.1007/s00158-019-02461-9 (boxes); Daulton, Balandat & Bakshy 2021, arXiv:2105.08195 (noise).
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Final, final

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtr

from optimizer.cells import open_cells
from optimizer.limits import EVERYTHING, Range

Array = NDArray[np.float64]
Index = NDArray[np.intp]

CHUNK: Final = 400_000
"""Numbers held at once; small enough for the processor's cache."""

MOST_BOXES: Final = 6_000
LEAST_SCENARIOS: Final = 16
"""Boxes over all scenarios: fronts of four or more objectives have so many boxes that fewer
scenarios must do, at least these."""

NO_SPREAD: Final = 1e-12
"""Standard deviation that stands for none."""


@final
@dataclass(frozen=True, eq=False)
class Improvement:
    """What a row would add to those that stand.

    Attributes:
        standing: Shape (S, C, m), utilities of the rows that stand; minus infinity in a scenario
            where a row does not count (failed, or beyond a limit).
        reference: Shape (m,), utilities.
        limits: One range an outcome, objectives first: outside it a row counts for nothing. Those
            beyond the first m are outcomes that are kept within a range and not improved.

    Examples:
        >>> from optimizer.limits import EVERYTHING
        >>> gain = Improvement(np.array([[[1.0, 2.0]]]), np.zeros(2), [EVERYTHING] * 2)
        >>> float(np.exp(gain.log_expected(np.array([[[2.0, 1.0]]]), np.zeros((1, 1, 2)))[0]))
        1.0
    """

    standing: Array
    reference: Array
    limits: Sequence[Range]

    @property
    def n_objectives(self) -> int:
        """Number of objectives."""
        return len(self.reference)

    @property
    def n_scenarios(self) -> int:
        """Scenarios in use: fewer where there are very many boxes."""
        return len(self._boxes.edges)

    def log_expected(self, mean: Array, sd: Array, chance: Array | None = None) -> Array:
        """Log of the expected improvement of each row.

        Args:
            mean: Shape (S, N, m + c), of each outcome in each scenario.
            sd: Same shape, 0 where it is known.
            chance: Shape (S, N), that the row can be made; 1 if left out.

        Returns:
            Shape (N,), natural log of products of utility units; minus infinity where nothing can
            be gained.
        """
        count = mean.shape[1]
        boxes = self._boxes
        size = max(1, CHUNK // max(1, boxes.lower.shape[0] * boxes.lower.shape[1]))
        made = np.ones(mean.shape[:2]) if chance is None else chance
        cuts = [slice(first, first + size) for first in range(0, count, size)]
        parts = [self._expected(mean[:, cut], sd[:, cut], made[:, cut]) for cut in cuts]
        with np.errstate(divide="ignore"):
            return np.log(np.concatenate(parts) if parts else np.empty(0))

    def log_expected_and_slopes(self, mean: Array, sd: Array) -> tuple[Array, Array, Array]:
        """The same for few rows, and how it changes with each mean and standard deviation.

        Args:
            mean: Shape (S, P, m + c).
            sd: Same shape, positive.

        Returns:
            Shape (P,), and twice shape (S, P, m + c); not finite where nothing can be gained.
        """
        boxes, m, used = self._boxes, self.n_objectives, self.n_scenarios
        spread, lean, widen = [], [], []
        for j in range(m):
            value, by_mean, by_sd = _edge_slopes(
                boxes.edges[:, j], mean[:used, :, j], sd[:used, :, j], self.limits[j]
            )
            spread.append(boxes.between(value, j))
            lean.append(boxes.between(by_mean, j))
            widen.append(boxes.between(by_sd, j))
        product = np.prod(spread, axis=0)
        kept, kept_by_mean, kept_by_sd = self._kept_slopes(mean[:used], sd[:used])
        volume = product.sum(axis=1)
        total = (volume * kept).sum(axis=0)
        mean_slope, sd_slope = np.zeros_like(mean), np.zeros_like(mean)
        for j in range(m):
            others = np.prod([part for i, part in enumerate(spread) if i != j], axis=0)
            mean_slope[:used, :, j] = (others * lean[j]).sum(axis=1) * kept
            sd_slope[:used, :, j] = (others * widen[j]).sum(axis=1) * kept
        mean_slope[:used, :, m:] = volume[..., None] * kept_by_mean
        sd_slope[:used, :, m:] = volume[..., None] * kept_by_sd
        total = np.where(total > np.finfo(float).tiny, total, 0.0)  # 1 / 1e-310 is infinite
        with np.errstate(divide="ignore", invalid="ignore"):
            scale = 1.0 / total
            return np.log(total / used), mean_slope * scale[:, None], sd_slope * scale[:, None]

    def _expected(self, mean: Array, sd: Array, chance: Array) -> Array:
        boxes, used = self._boxes, self.n_scenarios
        volume = np.ones((used, boxes.lower.shape[1], mean.shape[1]))
        for j in range(self.n_objectives):
            value = _edges(boxes.edges[:, j], mean[:used, :, j], sd[:used, :, j], self.limits[j])
            volume *= boxes.between(value, j)
        kept = chance[:used].copy()
        for j in range(self.n_objectives, mean.shape[2]):
            kept *= _within(mean[:used, :, j], sd[:used, :, j], self.limits[j])
        expected: Array = (volume.sum(axis=1) * kept).sum(axis=0) / used
        return np.maximum(expected, 0.0)  # differences of sides may leave a trace below it

    def _kept_slopes(self, mean: Array, sd: Array) -> tuple[Array, Array, Array]:
        """Probability that the limits of other outcomes are kept, shape (S, P), and its slopes."""
        m = self.n_objectives
        n_limits = mean.shape[2] - m
        parts = np.array(
            [_within(mean[..., m + j], sd[..., m + j], self.limits[m + j]) for j in range(n_limits)]
        ).reshape(n_limits, *mean.shape[:2])
        by_mean, by_sd = (np.zeros((*mean.shape[:2], n_limits)) for _ in range(2))
        for j in range(n_limits):
            others = np.prod(np.delete(parts, j, axis=0), axis=0)
            spread = np.maximum(sd[..., m + j], NO_SPREAD)
            for end, sign in zip(self.limits[m + j], (1.0, -1.0), strict=True):
                if np.isfinite(end):
                    z = (mean[..., m + j] - end) / spread
                    density = sign * _density(z) / spread * others
                    by_mean[..., j] += density
                    by_sd[..., j] -= density * z
        return np.prod(parts, axis=0), by_mean, by_sd

    @cached_property
    def _boxes(self) -> "_Boxes":
        lower, upper = open_cells(self.standing[:LEAST_SCENARIOS], self.reference)
        n = max(LEAST_SCENARIOS, MOST_BOXES // lower.shape[1])
        if n > LEAST_SCENARIOS:
            lower, upper = open_cells(self.standing[:n], self.reference)
        return _Boxes.of(lower, upper)


@dataclass(frozen=True, slots=True, eq=False)
class _Boxes:
    """Boxes whose sides are given by number, since many share a side.

    Attributes:
        edges: Shape (S, m, E), sides in order, filled up with infinity.
        lower: Shape (S, K, m), number of each lower side.
        upper: Same for the upper sides.
    """

    edges: Array
    lower: Index
    upper: Index

    @classmethod
    def of(cls, lower: Array, upper: Array) -> "_Boxes":
        n, k, m = lower.shape
        both = np.concatenate([lower, upper], axis=1)
        ranks = np.empty(both.shape, dtype=np.intp)
        sides = [[np.empty(0)] * m for _ in range(n)]
        for s in range(n):
            for j in range(m):
                sides[s][j], ranks[s, :, j] = np.unique(both[s, :, j], return_inverse=True)
        most = max(len(side) for own in sides for side in own)
        edges = np.full((n, m, most), np.inf)
        for s in range(n):
            for j in range(m):
                edges[s, j, : len(sides[s][j])] = sides[s][j]
        return cls(edges, ranks[:, :k], ranks[:, k:])

    def between(self, values: Array, j: int) -> Array:
        """Shape (S, K, N): values of shape (S, E, N) at the lower sides less at the upper ones."""
        n_scenarios, n_edges, count = values.shape
        first = n_edges * np.arange(n_scenarios)[:, None]
        rows = values.reshape(-1, count)
        sides: Array = rows.take(first + self.lower[:, :, j], axis=0)
        sides -= rows.take(first + self.upper[:, :, j], axis=0)
        return sides


def _edges(edges: Array, mean: Array, sd: Array, limit: Range) -> Array:
    """Shape (S, E, N): expected excess over each edge, counted only within the limit.

    One difference of tails, so that it is right to the last digits far outside the limit too.
    """
    centre, spread = mean[:, None, :], np.maximum(sd, NO_SPREAD)[:, None, :]
    side = edges[..., None]
    if limit == EVERYTHING:
        return _excess(side, centre, spread)
    low = np.minimum(np.maximum(side, limit[0]), limit[1])
    below, above = (low - centre) / spread, (limit[1] - centre) / spread
    share = np.where(below > 0, ndtr(-below) - ndtr(-above), ndtr(above) - ndtr(below))
    beyond = np.where(np.isfinite(side), centre - side, 0.0)  # nothing lies above infinity
    value = beyond * share + spread * (_density(below) - _density(above))
    return np.where(np.isfinite(side), np.maximum(value, 0.0), 0.0)


def _edge_slopes(edges: Array, mean: Array, sd: Array, limit: Range) -> tuple[Array, Array, Array]:
    """The same with its derivatives by mean and standard deviation."""
    centre, spread = mean[:, None, :], np.maximum(sd, NO_SPREAD)[:, None, :]
    side = edges[..., None]
    by_mean, by_sd = (np.zeros((*edges.shape, mean.shape[1])) for _ in range(2))
    for end, sign in zip(limit, (1.0, -1.0), strict=True):
        if end == np.inf:
            continue
        z = (centre - np.maximum(side, end)) / spread
        by_mean += sign * ndtr(z)
        by_sd += sign * _density(z)
        if np.isfinite(end):
            z = (centre - end) / spread
            density = sign * _gap(end, side) * _density(z) / spread
            by_mean += density
            by_sd -= density * z
    return _edges(edges, mean, sd, limit), by_mean, by_sd


def _excess(edge: Array, centre: Array, spread: Array) -> Array:
    """E[(Y - edge)+] of a normal Y; 0 above infinity."""
    z = (centre - edge) / spread
    with np.errstate(invalid="ignore"):
        value = spread * (_density(z) + z * ndtr(z))
    # far below, z Phi(z) is 0 times infinity, and rounding may leave a negative trace
    return np.where(z > -38.0, np.maximum(value, 0.0), 0.0)


def _gap(limit: float, edge: Array) -> Array:
    """How far an edge lies below the limit; 0 above it."""
    return np.maximum(limit - edge, 0.0)


def _within(mean: Array, sd: Array, limit: Range) -> Array:
    """Probability that a normal variable lies within the limit."""
    spread = np.maximum(sd, NO_SPREAD)
    return np.asarray(ndtr((limit[1] - mean) / spread) - ndtr((limit[0] - mean) / spread))


def _density(z: Array) -> Array:
    """Standard normal density."""
    return np.asarray(np.exp(-0.5 * z * z) / np.sqrt(2 * np.pi))
