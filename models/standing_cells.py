"""Very many measured cells at the centre of their layers: solved once, not once a draw.

In a large campaign the layers of the measured cells are known far better than the length scales
of the critical current; what is not known of them there is left out, at new cells it is not.
"""

from dataclasses import dataclass
from functools import cached_property
from typing import Final, final

import numpy as np
from numpy.typing import NDArray
from scipy.linalg import cho_solve, solve_triangular

from models.cholesky import stable_cholesky
from models.evidence import Points
from models.gp import GaussianProcess
from models.hyperparameters import Hyperparameters, prior_covariance, prior_variance
from models.scenarios import LEAST_VARIANCE

Array = NDArray[np.float64]

_POOL: Final = 256
"""Draws of the readings within their bounds that scenarios choose from."""


@final
@dataclass(frozen=True, eq=False)
class StandingCells:
    """Critical currents that were read, their process solved.

    Attributes:
        process: Fitted, with one point of its hyperparameters.
    """

    process: GaussianProcess

    def scenario(self, number: int, points: Points, normal: Array) -> tuple[Array, Array, Array]:
        """Values of the first rows, and mean and standard deviation of the others given these.

        Args:
            number: Which draw of the readings, from 0.
            points: C + N rows.
            normal: Shape (C,), standard normal: where the values of the first rows lie.

        Returns:
            Shape (C,), and twice shape (N,).
        """
        units, told, learned = self.process.inner
        hyperparameters, inner, known = learned.best, units.standard(points), units.known(points)
        c = len(normal)
        standing, further = inner.take(np.arange(c)), inner.take(np.arange(c, len(points)))
        white = self._white[:, number % _POOL]
        half: Array = solve_triangular(
            self._factor, prior_covariance(hyperparameters, told.points, inner),
            lower=True, check_finite=False,
        )  # fmt: skip
        held, new = half[:, :c], half[:, c:]
        left = prior_covariance(hyperparameters, standing, standing) - held.T @ held
        left[np.diag_indices(c)] += LEAST_VARIANCE
        corner = stable_cholesky(left)
        between = prior_covariance(hyperparameters, standing, further) - held.T @ new
        beside: Array = solve_triangular(corner, between, lower=True, check_finite=False)
        prior = prior_variance(hyperparameters, further)
        open_ = prior - (new**2).sum(axis=0) - (beside**2).sum(axis=0)
        open_ = np.maximum(open_, LEAST_VARIANCE * prior)
        value = known[:c] + units.sd * (white @ held + corner @ normal)
        mean = known[c:] + units.sd * (white @ new + normal @ beside)
        return value, mean, units.sd * np.sqrt(open_)

    @cached_property
    def _factor(self) -> Array:
        return self.process.posterior(0).solved.factor

    @cached_property
    def _white(self) -> Array:
        """Shape (n, ``_POOL``), drawn readings, whitened."""
        drawn = self.process.posterior(0).readings(_POOL, np.random.default_rng(0))
        white: Array = solve_triangular(self._factor, drawn.T, lower=True, check_finite=False)
        return white


@final
@dataclass(frozen=True, eq=False)
class StandingResistances:
    """How far measured resistances lie from the series sum, and what that says of other cells.

    Attributes:
        hyperparameters: How the deviation varies over the descriptors.
        sd: Of the deviation, decades.
        points: k measured cells.
        off: Shape (k,), decades off the series sum.
        error_sd: Shape (k,), of each, the doubt of its layers included.
    """

    hyperparameters: Hyperparameters
    sd: float
    points: Points
    off: Array
    error_sd: Array

    def draws(self, points: Points, n: int, rng: np.random.Generator) -> Array:
        """Joint draws of the deviation of other cells, shape (n, N), decades."""
        covariance = self.sd**2 * prior_covariance(self.hyperparameters, points, points)
        mean = np.zeros(len(points))
        if len(self.off):
            cross = self.sd**2 * prior_covariance(self.hyperparameters, self.points, points)
            half: Array = solve_triangular(self._factor, cross, lower=True, check_finite=False)
            mean = cross.T @ self._weights
            covariance = covariance - half.T @ half
        drawn: Array = mean + rng.standard_normal((n, len(points))) @ stable_cholesky(covariance).T
        return drawn

    @cached_property
    def _factor(self) -> Array:
        covariance = self.sd**2 * prior_covariance(self.hyperparameters, self.points, self.points)
        return stable_cholesky(covariance + np.diag(self.error_sd**2))

    @cached_property
    def _weights(self) -> Array:
        weights: Array = cho_solve((self._factor, True), self.off, check_finite=False)
        return weights
