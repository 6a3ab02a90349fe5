r"""Length scales, amplitude and residual of a Gaussian process: their priors and likelihood.

Everything here is in units of the prior standard deviation, so that a fit does not depend on
the property's unit. The covariance of the readings is

.. math:: K = v_c \mathbf{1}\mathbf{1}^\top + s_f^2 M_{5/2}(X, X; \ell)
          + \mathrm{diag}(s_r^2 + \sigma_i^2)

and the parameters learned are :math:`\theta = (\ln\ell_1 \dots \ln\ell_d, \ln s_f, \ln s_r)`.
"""

from dataclasses import dataclass
from math import log, pi, sqrt
from typing import Final

import numpy as np
from numpy.typing import NDArray
from scipy.linalg import cho_solve

from models.cholesky import stable_cholesky
from models.matern import correlation_of_squares, slope_of_squares

Array = NDArray[np.float64]

CONSTANT_SHARE: Final = 0.5
"""Part of the prior variance that all recipes share; the rest varies from recipe to recipe."""

LENGTHSCALE_LN_SD: Final = 0.75
AMPLITUDE_LN_SD: Final = 0.4
RESIDUAL_LN_SD: Final = 0.5
"""Standard deviations of the log-normal priors. The amplitude's is the tightest: two or three
readings that happen to agree must not shrink the range of what was never tried."""


@dataclass(frozen=True, slots=True, eq=False)
class Hyperparameters:
    """What is learned from the readings besides the function.

    Attributes:
        lengthscales: Shape (d,), as shares of each column's range.
        amplitude: Standard deviation of the part that varies with the recipe, in prior sds.
        residual_sd: Standard deviation between jars and pellets of one recipe, in prior sds.
    """

    lengthscales: Array
    amplitude: float
    residual_sd: float

    @property
    def theta(self) -> Array:
        """Shape (d + 2,), their natural logarithms."""
        return np.log([*self.lengthscales, self.amplitude, self.residual_sd])

    @classmethod
    def of_theta(cls, theta: Array) -> "Hyperparameters":
        """From their natural logarithms.

        Args:
            theta: Shape (d + 2,).

        Returns:
            The hyperparameters.
        """
        values = np.exp(theta)
        return cls(values[:-2], float(values[-2]), float(values[-1]))


@dataclass(frozen=True, slots=True, eq=False)
class HyperPrior:
    """Independent log-normal priors of the hyperparameters.

    Attributes:
        medians: What each is without data.
        ln_sd: Shape (d + 2,), standard deviations of their natural logarithms.
    """

    medians: Hyperparameters
    ln_sd: Array

    def log_density(self, theta: Array) -> tuple[float, Array]:
        """Log density up to a constant, and its gradient.

        Args:
            theta: Shape (d + 2,).

        Returns:
            The value, and shape (d + 2,).
        """
        step = (theta - self.medians.theta) / self.ln_sd
        return -0.5 * float(step @ step), -step / self.ln_sd


def hyper_prior(
    *, n_dimensions: int, lengthscale_median: float, residual_median: float
) -> HyperPrior:
    r"""The priors of a process over ``n_dimensions`` in units of the prior sd.

    Above four dimensions the median length scale grows with :math:`\sqrt{d/4}`, as the typical
    distance between two recipes does: else every recipe would be a stranger to every other.

    Args:
        n_dimensions: d.
        lengthscale_median: Median at d <= 4, in units of the unit cube.
        residual_median: Median of the residual, in units of the prior sd.

    Returns:
        The priors; the amplitude's median completes the prior variance to 1.
    """
    lengthscale = lengthscale_median * max(1.0, sqrt(n_dimensions / 4))
    return HyperPrior(
        medians=Hyperparameters(
            lengthscales=np.full(n_dimensions, lengthscale),
            amplitude=sqrt(1 - CONSTANT_SHARE),
            residual_sd=residual_median,
        ),
        ln_sd=np.array([LENGTHSCALE_LN_SD] * n_dimensions + [AMPLITUDE_LN_SD, RESIDUAL_LN_SD]),
    )


def log_marginal_likelihood(
    theta: Array, squares: Array, z: Array, noise_variance: Array
) -> tuple[float, Array]:
    """Log density of the readings, and its gradient by ``theta``.

    Args:
        theta: Shape (d + 2,), natural logarithms of the hyperparameters.
        squares: Shape (d, n, n), from ``squared_differences``.
        z: Shape (n,), readings less the prior centre.
        noise_variance: Shape (n,), known variances of the readings.

    Returns:
        The value, and shape (d + 2,).

    References:
        Rasmussen & Williams (2006), eqs. 5.8 and 5.9.
    """
    if not len(z):
        return 0.0, np.zeros_like(theta)
    inverse_squares = np.exp(-2 * theta[:-2])
    amplitude2, residual2 = np.exp(2 * theta[-2:])
    r2 = np.tensordot(inverse_squares, squares, axes=1)
    varying = amplitude2 * correlation_of_squares(r2)
    factor = stable_cholesky(CONSTANT_SHARE + varying + np.diag(residual2 + noise_variance))
    inverse = cho_solve((factor, True), np.eye(len(z)), check_finite=False)
    weights = inverse @ z
    value = -0.5 * float(z @ weights) - float(np.log(np.diagonal(factor)).sum())
    outer = np.outer(weights, weights) - inverse
    pull = outer * (amplitude2 * slope_of_squares(r2))
    gradient = np.append(
        0.5 * inverse_squares * np.tensordot(squares, pull, axes=2),
        [float((outer * varying).sum()), residual2 * float(np.trace(outer))],
    )
    return value - 0.5 * len(z) * log(2 * pi), gradient
