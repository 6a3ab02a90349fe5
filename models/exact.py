"""The posterior of one Gaussian process whose hyperparameters are known."""

from dataclasses import dataclass
from functools import cached_property
from typing import final

import numpy as np
from numpy.typing import NDArray
from scipy.linalg import cho_solve, solve_triangular

from models.box_moments import MOST_SIDES, box_draws, box_moments
from models.cholesky import stable_cholesky
from models.evidence import Points
from models.hyperparameters import (
    Hyperparameters,
    conditional,
    prior_covariance,
    prior_variance,
)
from models.told import Told

Array = NDArray[np.float64]


@final
@dataclass(frozen=True, eq=False)
class SolvedReadings:
    """n readings whose covariance is known, solved once; in units of the prior sd.

    Readings known only to lie between bounds enter by the mean and the covariance that the
    bounds leave them; the first two moments of every prediction are then right.

    Attributes:
        factor: Shape (n, n), Cholesky factor of the readings' covariance.
        y: Shape (n,), readings, those between bounds at their mean.
        doubt: Shape (m, m), covariance of the m readings between bounds, which are the last.
    """

    factor: Array
    y: Array
    doubt: Array

    @classmethod
    def of(cls, covariance: Array, low: Array, high: Array, n_exact: int) -> "SolvedReadings":
        """The readings, solved.

        Args:
            covariance: Shape (n, n), of the readings before any is read; n may be 0.
            low: Shape (n,), lower bounds, less the prior mean.
            high: Shape (n,), upper bounds.
            n_exact: How many are exact; these come first.

        Returns:
            What predictions need of them.
        """
        y, doubt = low.copy(), np.zeros((0, 0))
        if n_exact < len(low):
            mean, given = conditional(covariance, n_exact, low[:n_exact])
            within = box_moments(mean, given, low[n_exact:], high[n_exact:])
            y[n_exact:], doubt = within.mean, within.covariance
        return cls(stable_cholesky(covariance), y, doubt)

    def projection(self, cross: Array) -> tuple[Array, Array, Array]:
        """What the readings say of N other values.

        Args:
            cross: Shape (n, N), covariance of the readings with these.

        Returns:
            Their mean, shape (N,); roots of what the readings take from their covariance, shape
            (n, N), and of what the bounds give back, shape (m, N).
        """
        half: Array = solve_triangular(self.factor, cross, lower=True, check_finite=False)
        spread = np.zeros((0, cross.shape[1]))
        if len(self.doubt):
            gain = solve_triangular(self.factor, half, lower=True, trans="T", check_finite=False)
            spread = self._doubt_root @ gain[-len(self.doubt) :]
        return cross.T @ self._weights, half, spread

    @cached_property
    def _weights(self) -> Array:
        weights: Array = cho_solve((self.factor, True), self.y, check_finite=False)
        return weights

    @cached_property
    def _doubt_root(self) -> Array:
        """Shape (m, m), transposed root of the covariance of the readings between bounds."""
        return stable_cholesky(self.doubt).T


@final
@dataclass(frozen=True, eq=False)
class ExactPosterior:
    """Readings and hyperparameters, solved once; in units of the prior sd, about its mean.

    Attributes:
        hyperparameters: Taken as known.
        told: n readings.
        solved: The same, solved.
    """

    hyperparameters: Hyperparameters
    told: Told
    solved: SolvedReadings

    @classmethod
    def of(cls, hyperparameters: Hyperparameters, told: Told) -> "ExactPosterior":
        """The posterior given these readings.

        Args:
            hyperparameters: Taken as known.
            told: n readings; n may be 0.

        Returns:
            The posterior.
        """
        covariance = readings_covariance(hyperparameters, told)
        solved = SolvedReadings.of(covariance, told.low, told.high, told.n_exact)
        return cls(hyperparameters, told, solved)

    def readings(self, n: int, rng: np.random.Generator) -> Array:
        """Draws of what the readings were, within their bounds.

        Args:
            n: Number of draws.
            rng: Source of randomness.

        Returns:
            Shape (n, number of readings), in the order of ``told``.
        """
        told, k = self.told, self.told.n_exact
        if len(told) - k > MOST_SIDES:  # solved already, by the normal that stands for the box
            normal = rng.standard_normal((n, len(told) - k))
            drawn = self.solved.y[k:] + normal @ stable_cholesky(self.solved.doubt).T
            return np.concatenate([np.tile(told.low[:k], (n, 1)), drawn], axis=1)
        covariance = readings_covariance(self.hyperparameters, told)
        mean, given = conditional(covariance, k, told.low[:k])
        drawn = box_draws(mean, given, told.low[told.censored], told.high[told.censored], n, rng)
        return np.concatenate([np.tile(told.low[:k], (n, 1)), drawn], axis=1)

    def marginal(self, points: Points) -> tuple[Array, Array]:
        """Mean and variance of the true value at each point.

        Args:
            points: N points in inner units.

        Returns:
            Two arrays of shape (N,); the variances are positive.
        """
        mean, half, spread = self._projection(points)
        prior = prior_variance(self.hyperparameters, points)
        variance = prior - np.einsum("ij,ij->j", half, half)
        # Rounding may leave about -1e-16; a true value is never known exactly.
        variance = np.maximum(variance, prior * np.finfo(float).eps)
        return mean, variance + np.einsum("ij,ij->j", spread, spread)

    def joint(self, points: Points) -> tuple[Array, Array]:
        """Mean and covariance of the true values together.

        Args:
            points: N points in inner units.

        Returns:
            Shape (N,) and shape (N, N).
        """
        mean, half, spread = self._projection(points)
        covariance = prior_covariance(self.hyperparameters, points, points)
        covariance -= half.T @ half
        if len(spread):
            covariance += spread.T @ spread
        return mean, covariance

    def _projection(self, points: Points) -> tuple[Array, Array, Array]:
        """Mean, shape (N,); what readings take from the variance, (n, N), and give back, (m, N)."""
        if not len(self.told):
            none = np.zeros((0, len(points)))
            return np.zeros(len(points)), none, none
        return self.solved.projection(
            prior_covariance(self.hyperparameters, self.told.points, points)
        )


def readings_covariance(hyperparameters: Hyperparameters, told: Told) -> Array:
    """Covariance of readings before any is read: truth, scatter and stated errors.

    Args:
        hyperparameters: Taken as known.
        told: n readings.

    Returns:
        Shape (n, n), in units of the prior variance.
    """
    covariance = prior_covariance(hyperparameters, told.points, told.points)
    covariance += np.tensordot(hyperparameters.scatter**2, told.same, axes=1)
    return covariance + np.diag(told.noise_variance)
