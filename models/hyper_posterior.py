"""What the readings say about the hyperparameters: the most probable ones, and how sure that is.

A Gaussian process that trusts its most probable length scales is too sure of itself when it has
seen ten recipes: its 90 % intervals hold the truth about 78 % of the time. So the length scales
are integrated out over a few weighted points; amplitude and residual stay at their maximum, which
costs little coverage and keeps the prior exactly normal.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import cache
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize
from scipy.stats import norm, qmc

from models.hyperparameters import Hyperparameters, HyperPrior, log_marginal_likelihood
from models.matern import squared_differences

Array = NDArray[np.float64]
LogPosterior = Callable[[Array], tuple[float, Array]]

N_POINTS: Final = 16
"""Points the length scales are integrated over."""

_BOUND: Final = 4.0
"""The search stays within this many prior standard deviations of the medians."""

_STARTS: Final = ((0.0, 0.0, 0.0), (-1.0, 0.0, -1.0), (1.0, 0.0, 1.0))
"""Where the searches start, in prior standard deviations of (length scales, amplitude, residual):
the medians, a wiggly function read well, and a smooth one read badly."""

_STEP: Final = 1e-4
"""Step of the finite differences of the gradient, in prior standard deviations."""

_LEAST_CURVATURE: Final = 0.7
"""Floor of the posterior's curvature, that of the prior being 1: where the likelihood is flat or
bends the wrong way the points spread hardly wider than the prior."""


@dataclass(frozen=True, slots=True, eq=False)
class HyperPosterior:
    """The hyperparameters, given the readings.

    Attributes:
        best: The most probable ones.
        points: What the predictions are averaged over.
        weights: Shape (number of points,), positive, sum 1.
    """

    best: Hyperparameters
    points: tuple[Hyperparameters, ...]
    weights: Array

    @classmethod
    def certain(cls, hyperparameters: Hyperparameters) -> "HyperPosterior":
        """The posterior of somebody who knows the hyperparameters.

        Args:
            hyperparameters: The known values.

        Returns:
            A single point of weight 1.
        """
        return cls(hyperparameters, (hyperparameters,), np.ones(1))

    def to_dict(self) -> dict[str, Any]:
        """Plain JSON types.

        Returns:
            Natural logarithms would lose a bit: the values themselves.
        """
        return {
            "best_lengthscales": self.best.lengthscales.tolist(),
            "amplitude": float(self.best.amplitude),
            "residual_sd": float(self.best.residual_sd),
            "lengthscales": [point.lengthscales.tolist() for point in self.points],
            "weights": self.weights.tolist(),
        }

    @classmethod
    def from_dict(cls, plain: dict[str, Any]) -> "HyperPosterior":
        """The posterior that ``to_dict`` wrote.

        Args:
            plain: What ``to_dict`` returned.

        Returns:
            The posterior.
        """
        best = Hyperparameters(
            np.array(plain["best_lengthscales"], dtype=float),
            plain["amplitude"],
            plain["residual_sd"],
        )
        points = tuple(
            replace(best, lengthscales=np.array(scales, dtype=float))
            for scales in plain["lengthscales"]
        )
        return cls(best, points, np.array(plain["weights"], dtype=float))


def hyper_posterior(prior: HyperPrior, x: Array, z: Array, noise_variance: Array) -> HyperPosterior:
    """The most probable hyperparameters, and length scales drawn around them and weighted.

    The points are a fixed quasi-random normal sample shaped by the curvature at the maximum
    (Laplace) and weighted by posterior over proposal (importance), so that equal readings give
    equal points.

    Args:
        prior: The priors.
        x: Shape (n, d), in the unit cube; n may be 0.
        z: Shape (n,), readings less the prior centre, in units of the prior sd.
        noise_variance: Shape (n,), in the same units squared.

    Returns:
        With n = 0 the medians, and points drawn from the prior.

    References:
        Rue, Martino & Chopin, J. R. Stat. Soc. B 71 (2009) 319, for the idea.
    """
    squares = squared_differences(x)

    def log_posterior(theta: Array) -> tuple[float, Array]:
        value, gradient = log_marginal_likelihood(theta, squares, z, noise_variance)
        prior_value, prior_gradient = prior.log_density(theta)
        return value + prior_value, gradient + prior_gradient

    varies = np.ptp(x, axis=0) > 0 if len(x) else np.zeros(x.shape[1], dtype=bool)
    best = _most_probable(log_posterior, prior, varies) if len(z) else prior.medians.theta
    spread = _spread(log_posterior, prior, best)
    normal = _quasi_normal(x.shape[1])
    thetas = np.tile(best, (N_POINTS, 1))
    thetas[:, :-2] += normal @ spread
    log_weights = np.array([log_posterior(theta)[0] for theta in thetas])
    log_weights += 0.5 * (normal**2).sum(axis=1)
    weights = np.exp(log_weights - log_weights.max())
    amplitude_and_residual = Hyperparameters.of_theta(best)
    return HyperPosterior(
        best=amplitude_and_residual,
        points=tuple(
            replace(amplitude_and_residual, lengthscales=np.exp(theta[:-2])) for theta in thetas
        ),
        weights=weights / weights.sum(),
    )


def _most_probable(
    log_posterior: LogPosterior, prior: HyperPrior, varies: NDArray[np.bool_]
) -> Array:
    """Maximum by L-BFGS; a column that does not vary starts and stays at its median."""

    def loss(theta: Array) -> tuple[float, Array]:
        value, gradient = log_posterior(theta)
        return -value, -gradient

    middle, reach = prior.medians.theta, _BOUND * prior.ln_sd
    best, least = middle, np.inf
    for scales, amplitude, residual in _STARTS:
        step = np.append(scales * varies, [amplitude, residual])
        found = minimize(
            loss,
            middle + step * prior.ln_sd,
            jac=True,
            method="L-BFGS-B",
            bounds=list(zip(middle - reach, middle + reach, strict=True)),
            options={"maxiter": 200, "ftol": 1e-12, "gtol": 1e-6},
        )
        if found.fun < least - 1e-9:  # a tie goes to the start nearer the medians
            best, least = found.x, float(found.fun)
    return best


def _spread(log_posterior: LogPosterior, prior: HyperPrior, best: Array) -> Array:
    """Symmetric root of the length scales' Laplace covariance, shape (d, d), in ln."""
    n_dimensions = len(best) - 2
    ln_sd = prior.ln_sd[:n_dimensions]
    curvature = np.empty((n_dimensions, n_dimensions))
    for column in range(n_dimensions):
        step = np.zeros(len(best))
        step[column] = _STEP * ln_sd[column]
        change = log_posterior(best - step)[1] - log_posterior(best + step)[1]
        curvature[:, column] = change[:n_dimensions] * ln_sd / (2 * _STEP)
    values, vectors = np.linalg.eigh((curvature + curvature.T) / 2)
    root = (vectors / np.sqrt(np.maximum(values, _LEAST_CURVATURE))) @ vectors.T
    scaled: Array = root * ln_sd  # points are rows: normal @ root, then column by column
    return scaled


@cache
def _quasi_normal(n_dimensions: int) -> Array:
    """The fixed points, shape (N_POINTS, d), of a standard normal with its mean and spread."""
    uniform = qmc.Sobol(n_dimensions, scramble=True, rng=0).random(N_POINTS)
    normal = norm.ppf(uniform)
    normal -= normal.mean(axis=0)
    normal /= normal.std(axis=0)
    normal.setflags(write=False)
    return np.asarray(normal, dtype=float)
