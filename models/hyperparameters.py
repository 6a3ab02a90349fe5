r"""Length scales, amplitude and scatter of a Gaussian process: their priors and likelihood.

Everything here is in units of the prior standard deviation, so that a fit does not depend on
the property's unit. With a the levels, t the tilts and H the basis of the points, the
covariance of the readings is

.. math:: K = (v_c + s_f^2 M_{5/2}(\ell) + H H^\top) \circ a a^\top
          + (v_c + (1 - v_c) M_{5/2}(\ell)) \circ t t^\top
          + \sum_l s_l^2 G_l + \mathrm{diag}(\sigma_i^2)

where :math:`G_l` is 1 between readings of one group of level l (jar, pellet, reading). Learned
are :math:`\theta = (\ln\ell_1 \dots \ln\ell_d, \ln s_f, \ln s_1 \dots \ln s_L)`.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from math import log, pi, sqrt
from typing import Final, final

import numpy as np
from numpy.typing import NDArray
from scipy.linalg import cho_solve
from scipy.linalg.lapack import dpotri

from models.box import ROUGHLY, TOLERANCE, Sites, box_sites
from models.cholesky import stable_cholesky
from models.evidence import Points
from models.matern import (
    Kernel,
    correlation,
    correlation_of_squares,
    slope_of_squares,
    squared_differences,
)
from models.pooling import Leftover
from models.told import Told

Array = NDArray[np.float64]

CONSTANT_SHARE: Final = 0.5
"""Part of the prior variance that all recipes share; the rest varies from recipe to recipe."""

LENGTHSCALE_LN_SD: Final = 0.75
AMPLITUDE_LN_SD: Final = 0.4
SCATTER_LN_SD: Final = 0.5
"""Standard deviations of the log-normal priors. The amplitude's is the tightest: two or three
readings that happen to agree must not shrink the range of what was never tried. That of the
scatter allows each sd to be 2.3 times smaller or larger with 90 %."""


@dataclass(frozen=True, slots=True, eq=False)
class Hyperparameters:
    """What is learned from the readings besides the function.

    Attributes:
        lengthscales: Shape (d,), as shares of each column's range.
        amplitude: Standard deviation of the part that varies with the recipe, in prior sds.
        scatter: Shape (L,), standard deviation of each level of scatter, in prior sds.
        kernel: Which correlation; chosen, not learned.
    """

    lengthscales: Array
    amplitude: float
    scatter: Array
    kernel: Kernel = "matern52"

    @property
    def theta(self) -> Array:
        """Shape (d + 1 + L,), their natural logarithms."""
        return np.log([*self.lengthscales, self.amplitude, *self.scatter])

    @classmethod
    def of_theta(
        cls, theta: Array, n_dimensions: int, kernel: Kernel = "matern52"
    ) -> "Hyperparameters":
        """From their natural logarithms.

        Args:
            theta: Shape (d + 1 + L,).
            n_dimensions: d.
            kernel: Which correlation.

        Returns:
            The hyperparameters.
        """
        values, d = np.exp(theta), n_dimensions
        return cls(values[:d], float(values[d]), values[d + 1 :], kernel)


@dataclass(frozen=True, slots=True, eq=False)
class HyperPrior:
    """Independent log-normal priors of the hyperparameters.

    Attributes:
        medians: What each is without data.
        ln_sd: Shape (d + 1 + L,), standard deviations of their natural logarithms.
    """

    medians: Hyperparameters
    ln_sd: Array

    def log_density(self, theta: Array) -> tuple[float, Array]:
        """Log density up to a constant, and its gradient.

        Args:
            theta: Shape (d + 1 + L,).

        Returns:
            The value, and the gradient in the shape of ``theta``.
        """
        step = (theta - self.medians.theta) / self.ln_sd
        return -0.5 * float(step @ step), -step / self.ln_sd


def hyper_prior(
    *,
    n_dimensions: int,
    lengthscale_median: float,
    scatter_medians: Sequence[float],
    kernel: Kernel = "matern52",
) -> HyperPrior:
    r"""The priors of a process over ``n_dimensions`` in units of the prior sd.

    Above four dimensions the median length scale grows with :math:`\sqrt{d/4}`, as the typical
    distance between two recipes does: else every recipe would be a stranger to every other.

    Args:
        n_dimensions: d.
        lengthscale_median: Median at d <= 4, in units of the unit cube.
        scatter_medians: Median of each level of scatter, in units of the prior sd.
        kernel: Which correlation.

    Returns:
        The priors; the amplitude's median completes the prior variance to 1.
    """
    lengthscale = lengthscale_median * max(1.0, sqrt(n_dimensions / 4))
    return HyperPrior(
        medians=Hyperparameters(
            lengthscales=np.full(n_dimensions, lengthscale),
            amplitude=sqrt(1 - CONSTANT_SHARE),
            scatter=np.array(scatter_medians, dtype=float),
            kernel=kernel,
        ),
        ln_sd=np.array(
            [LENGTHSCALE_LN_SD] * n_dimensions
            + [AMPLITUDE_LN_SD]
            + [SCATTER_LN_SD] * len(scatter_medians)
        ),
    )


def prior_covariance(hyperparameters: Hyperparameters, left: Points, right: Points) -> Array:
    """Covariance of what two sets of points ask, before any reading and without scatter.

    Args:
        hyperparameters: Taken as known.
        left: n points in inner units.
        right: m points in inner units.

    Returns:
        Shape (n, m), in units of the prior variance.
    """
    varying = correlation(left.x, right.x, hyperparameters.lengthscales, hyperparameters.kernel)
    covariance = varying * hyperparameters.amplitude**2
    covariance += CONSTANT_SHARE
    if left.basis.shape[1]:
        covariance += left.basis @ right.basis.T
    covariance *= left.level[:, None] * right.level[None, :]
    if left.tilt.any() and right.tilt.any():
        tilted = left.tilt[:, None] * right.tilt[None, :]
        covariance += tilted * (CONSTANT_SHARE + (1 - CONSTANT_SHARE) * varying)
    return covariance


def prior_variance(hyperparameters: Hyperparameters, points: Points) -> Array:
    """The diagonal of ``prior_covariance`` of points with themselves.

    Args:
        hyperparameters: Taken as known.
        points: N points in inner units.

    Returns:
        Shape (N,).
    """
    of_level = CONSTANT_SHARE + hyperparameters.amplitude**2 + (points.basis**2).sum(axis=1)
    variance: Array = points.level**2 * of_level + points.tilt**2
    return variance


def plain_inverse(factor: Array) -> Array:
    """Inverse of the covariance with this lower factor."""
    inverse: Array = cho_solve((factor, True), np.eye(len(factor)), check_finite=False)
    return inverse


def quick_inverse(factor: Array) -> Array:
    """The same in a third of the time, other in the last digits."""
    half, info = dpotri(factor, lower=1)
    if info:
        return plain_inverse(factor)
    whole: Array = np.tril(half)
    whole += np.tril(half, -1).T
    return whole


@final
class LogLikelihood:
    """Log density of the readings as a function of the hyperparameters, with its gradient.

    For bounds it is that of expectation propagation; the search begins where the last one
    ended. What does not depend on the hyperparameters is computed once.

    Args:
        told: n readings.
        kernel: Which correlation.
        leftover: Given if the readings stand for very many: what repeats say of the last level
            of scatter besides, in units of the prior.

    References:
        Rasmussen & Williams (2006), eqs. 5.8 and 5.9; Seeger, EP for exponential families (2005)
        for the gradient with sites held.
    """

    def __init__(
        self, told: Told, kernel: Kernel = "matern52", leftover: Leftover | None = None
    ) -> None:
        self._told, self._kernel = told, kernel
        self._leftover = leftover
        self._d = told.points.x.shape[1]
        self._squares = squared_differences(told.points.x)
        level, tilt = told.points.level, told.points.tilt
        self._levels = level[:, None] * level[None, :]
        self._tilts = tilt[:, None] * tilt[None, :]
        self._fixed = CONSTANT_SHARE * (self._levels + self._tilts)
        self._fixed += self._levels * (told.points.basis @ told.points.basis.T)
        self._fixed += np.diag(told.noise_variance)
        self._sites: Sites | None = None

    def __call__(self, theta: Array) -> tuple[float, Array]:
        """The value and its gradient.

        Args:
            theta: Shape (d + 1 + L,).

        Returns:
            The value, and the gradient in the shape of ``theta``.
        """
        told, d = self._told, self._d
        if not len(told):
            return 0.0, np.zeros_like(theta)
        inverse_squares = np.exp(-2 * theta[:d])
        amplitude2, scatter2 = np.exp(2 * theta[d]), np.exp(2 * theta[d + 1 :])
        r2 = np.tensordot(inverse_squares, self._squares, axes=1)
        shape = correlation_of_squares(r2, self._kernel)
        weight = amplitude2 * self._levels + (1 - CONSTANT_SHARE) * self._tilts
        covariance = self._fixed + weight * shape + np.tensordot(scatter2, told.same, axes=1)
        value, pull, self._sites = log_density_and_pull(
            covariance, told.low, told.high, told.n_exact, self._sites,
            of_many=self._leftover is not None,
        )  # fmt: skip
        stretched = pull * weight * slope_of_squares(r2, self._kernel)
        gradient = np.concatenate(
            [
                0.5 * inverse_squares * np.tensordot(self._squares, stretched, axes=2),
                [float((pull * amplitude2 * self._levels * shape).sum())],
                scatter2 * np.tensordot(told.same, pull, axes=2),
            ]
        )
        if self._leftover is not None and self._leftover.n:
            inside = self._leftover.squares / scatter2[-1]
            value -= 0.5 * (self._leftover.n * (log(2 * pi) + 2 * theta[-1]) + inside)
            gradient[-1] += inside - self._leftover.n
        return value, gradient


def log_density_and_pull(
    covariance: Array,
    low: Array,
    high: Array,
    n_exact: int,
    start: Sites | None = None,
    *,
    of_many: bool = False,
) -> tuple[float, Array, Sites | None]:
    """Log density of the readings, and how it changes with their covariance.

    Args:
        covariance: Shape (n, n), of the readings before any is read.
        low: Shape (n,), lower bounds, less the prior mean.
        high: Shape (n,), upper bounds.
        n_exact: How many are exact; these come first.
        start: Sites of the bounds under a similar covariance, to begin with.
        of_many: Whether digits are given up for speed: the search ends at ``ROUGHLY``.

    Returns:
        The value; twice its derivative by each entry of the covariance, with the sites held; and
        the sites, ``None`` if there are no bounds.
    """
    n, k = len(low), n_exact
    y, extra, value, sites = low.copy(), np.zeros(n), 0.0, None
    if k < n:
        mean, given = conditional(covariance, k, low[:k])
        tolerance = ROUGHLY if of_many else TOLERANCE
        sites = box_sites(mean, given, low[k:], high[k:], start, tolerance=tolerance)
        extra[k:] = 1.0 / sites.precision
        y[k:] = sites.shift * extra[k:]
        value = sites.log_probability
    factor = stable_cholesky(covariance + np.diag(extra))
    inverted = quick_inverse(factor) if of_many else plain_inverse(factor)
    weights = inverted @ y
    if k:
        exact = factor[:k, :k]  # leading block: exact readings come first
        white = np.linalg.solve(exact, y[:k])
        value -= 0.5 * float(white @ white) + float(np.log(np.diagonal(exact)).sum())
        value -= 0.5 * k * log(2 * pi)
    return value, np.outer(weights, weights) - inverted, sites


def conditional(covariance: Array, n_known: int, known: Array) -> tuple[Array, Array]:
    """Mean and covariance of the last variables given the first.

    Args:
        covariance: Shape (n, n).
        n_known: How many are known.
        known: Shape (n_known,), their values; the prior mean is zero.

    Returns:
        Shape (n - n_known,) and its square.
    """
    if not n_known:
        return np.zeros(len(covariance)), covariance
    factor = stable_cholesky(covariance[:n_known, :n_known])
    gain = cho_solve((factor, True), covariance[:n_known, n_known:], check_finite=False)
    mean = gain.T @ known
    return mean, covariance[n_known:, n_known:] - covariance[n_known:, :n_known] @ gain
