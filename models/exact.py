"""The posterior of one Gaussian process whose hyperparameters are known."""

from dataclasses import dataclass
from typing import final

import numpy as np
from numpy.typing import NDArray
from scipy.linalg import cho_solve, solve_triangular

from models.cholesky import stable_cholesky
from models.hyperparameters import CONSTANT_SHARE, Hyperparameters
from models.matern import correlation

Array = NDArray[np.float64]


@final
@dataclass(frozen=True, slots=True, eq=False)
class ExactPosterior:
    """Readings and hyperparameters, solved once; in units of the prior sd, about its centre.

    Attributes:
        hyperparameters: Taken as known.
        x: Shape (n, d), in the unit cube.
        factor: Shape (n, n), Cholesky factor of the readings' covariance.
        weights: Shape (n,), the inverse of that covariance times the readings.
    """

    hyperparameters: Hyperparameters
    x: Array
    factor: Array
    weights: Array

    @classmethod
    def of(
        cls, hyperparameters: Hyperparameters, x: Array, z: Array, noise_variance: Array
    ) -> "ExactPosterior":
        """The posterior given these readings.

        Args:
            hyperparameters: Taken as known.
            x: Shape (n, d), in the unit cube; n may be 0.
            z: Shape (n,), readings.
            noise_variance: Shape (n,), their known variances.

        Returns:
            The posterior.
        """
        noise = np.diag(hyperparameters.residual_sd**2 + noise_variance)
        factor = stable_cholesky(prior_covariance(hyperparameters, x, x) + noise)
        weights: Array = cho_solve((factor, True), z, check_finite=False) if len(z) else z
        return cls(hyperparameters, x, factor, weights)

    def marginal(self, x: Array) -> tuple[Array, Array]:
        """Mean and variance of the true value of each recipe.

        Args:
            x: Shape (N, d).

        Returns:
            Two arrays of shape (N,); the variances are positive.
        """
        mean, half = self._projection(x)
        prior = CONSTANT_SHARE + self.hyperparameters.amplitude**2
        variance = prior - np.einsum("ij,ij->j", half, half)
        # Rounding may leave about -1e-16; a true value is never known exactly.
        return mean, np.maximum(variance, prior * np.finfo(float).eps)

    def joint(self, x: Array) -> tuple[Array, Array]:
        """Mean and covariance of the true values together.

        Args:
            x: Shape (N, d).

        Returns:
            Shape (N,) and shape (N, N).
        """
        mean, half = self._projection(x)
        covariance = prior_covariance(self.hyperparameters, x, x)
        covariance -= half.T @ half
        return mean, covariance

    def _projection(self, x: Array) -> tuple[Array, Array]:
        if not len(self.x):
            return np.zeros(len(x)), np.zeros((0, len(x)))
        cross = prior_covariance(self.hyperparameters, self.x, x)
        half: Array = solve_triangular(self.factor, cross, lower=True, check_finite=False)
        return cross.T @ self.weights, half


def prior_covariance(hyperparameters: Hyperparameters, left: Array, right: Array) -> Array:
    """Covariance of true values before any reading.

    Args:
        hyperparameters: Taken as known.
        left: Shape (n, d).
        right: Shape (m, d).

    Returns:
        Shape (n, m), in units of the prior variance.
    """
    varying = correlation(left, right, hyperparameters.lengthscales)
    varying *= hyperparameters.amplitude**2
    varying += CONSTANT_SHARE
    return varying
