r"""Improvement where there are too many objectives for boxes: hypervolume seen along random lines.

The hypervolume above the reference r is a mean over directions w of the positive unit sphere,

.. math:: HV(Y) = c_m\, E_w \max_{y \in Y} \min_j \left(\frac{(y_j - r_j)^+}{w_j}\right)^m

so that a scalar per direction replaces m objectives (Zhang & Golovin 2020, arXiv:2006.04655).
Values of a candidate are drawn once a direction.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache, cached_property
from math import gamma, log, pi
from typing import Final, final

import numpy as np
from numpy.typing import NDArray
from scipy.stats import norm, qmc

from optimizer.limits import Range

Array = NDArray[np.float64]

N_DIRECTIONS: Final = 32
"""Directions a scenario."""

N_EXACT: Final = 4096
"""Directions for a hypervolume that is shown."""

CHUNK: Final = 2_000_000


@final
@dataclass(frozen=True, eq=False)
class LineImprovement:
    """What a row would add to those that stand, estimated along lines; same use as ``Improvement``.

    Attributes:
        standing: Shape (S, C, m), utilities; minus infinity where a row does not count.
        reference: Shape (m,), utilities.
        limits: One range an outcome, objectives first.

    Examples:
        >>> gain = LineImprovement(np.full((64, 1, 2), 1.0), np.zeros(2), [(-np.inf, np.inf)] * 2)
        >>> added = gain.log_expected(np.full((64, 1, 2), 2.0), np.zeros((64, 1, 2)))
        >>> bool(2.4 < np.exp(added[0]) < 3.6)  # 4 - 1 = 3
        True
    """

    standing: Array
    reference: Array
    limits: Sequence[Range]

    def log_expected(self, mean: Array, sd: Array, chance: Array | None = None) -> Array:
        """Log of the expected improvement of each row.

        Args:
            mean: Shape (S, N, m + c), of each outcome in each scenario.
            sd: Same shape, 0 where it is known.
            chance: Shape (S, N), that the row can be made; 1 if left out.

        Returns:
            Shape (N,), natural log of products of utility units; minus infinity where no drawn
            line gains.
        """
        used, count, n_outcomes = mean.shape
        normal = _normals(n_outcomes)
        size = max(1, CHUNK // (used * N_DIRECTIONS * n_outcomes))
        made = np.ones((used, count)) if chance is None else chance
        cuts = [slice(first, first + size) for first in range(0, count, size)]
        parts = [self._expected(mean[:, cut], sd[:, cut], made[:, cut], normal) for cut in cuts]
        with np.errstate(divide="ignore"):
            return np.log(np.concatenate(parts) if parts else np.empty(0)) + self._log_unit

    def volumes(self) -> Array:
        """Hypervolume of the rows that stand in each scenario, shape (S,), along many lines."""
        m = len(self.reference)
        over = np.maximum(self.standing - self.reference, 0.0)
        reach = [
            (over / line).min(axis=-1).max(axis=1, initial=0.0)
            for line in _directions(1, m, N_EXACT)[0]
        ]
        return np.asarray(np.exp(self._log_unit) * (np.array(reach) ** m).mean(axis=0))

    def _expected(self, mean: Array, sd: Array, chance: Array, normal: Array) -> Array:
        m = len(self.reference)
        drawn = mean[:, :, None, :] + sd[:, :, None, :] * normal
        counts = np.ones(drawn.shape[:3], dtype=bool)
        for j, (low, high) in enumerate(self.limits):
            counts &= (drawn[..., j] >= low) & (drawn[..., j] <= high)
        reach = self._reach(drawn[..., :m])
        gain = np.maximum(reach**m - self._best[:, None, :] ** m, 0.0)
        expected: Array = (np.where(counts, gain, 0.0).mean(axis=2) * chance).mean(axis=0)
        return expected

    def _reach(self, values: Array) -> Array:
        """How far along each line the values lie, shape (S, N, directions)."""
        over = np.maximum(values - self.reference, 0.0)
        directions = _directions(len(values), len(self.reference))
        return np.asarray((over / directions[:, None]).min(axis=-1))

    @cached_property
    def _best(self) -> Array:
        """How far the rows that stand reach along each line, shape (S, directions)."""
        if not self.standing.shape[1]:
            return np.zeros((len(self.standing), N_DIRECTIONS))
        reach = self._reach(self.standing[:, :, None, :])
        return np.asarray(reach.max(axis=1))

    @property
    def _log_unit(self) -> float:
        m = len(self.reference)
        return 0.5 * m * log(pi) - m * log(2.0) - log(gamma(0.5 * m + 1.0))


@cache
def _directions(n: int, m: int, each: int = N_DIRECTIONS) -> Array:
    """Shape (n, each, m), of the positive unit sphere: each scenario has its own."""
    normal = np.abs(norm.ppf(_uniform(n * each, m)))
    normal /= np.linalg.norm(normal, axis=1, keepdims=True)
    return np.asarray(normal.reshape(n, each, m))


@cache
def _normals(k: int) -> Array:
    """Shape (directions, k), standard normal; another sequence than the directions."""
    return np.asarray(norm.ppf(_uniform(N_DIRECTIONS, 2 * k)[:, k:]))


def _uniform(n: int, k: int) -> Array:
    drawn: Array = qmc.Sobol(k, scramble=True, rng=1).random_base2(int(np.ceil(np.log2(n))))[:n]
    return np.clip(drawn, 1e-6, 1 - 1e-6)
