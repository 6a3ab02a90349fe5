"""What the readings say about the hyperparameters: the most probable ones, and how sure that is.

A Gaussian process that trusts its most probable length scales tends to be too sure of itself when
it has seen ten recipes. So the length scales are integrated out over a few weighted points, which
errs on the wide side (docs/calibration.md); amplitude and scatter stay at their maximum, which
keeps the prior exactly normal.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import cache
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize
from scipy.stats import norm, qmc

from models.hyperparameters import Hyperparameters, HyperPrior, LogLikelihood
from models.pooling import Leftover
from models.told import Told

Array = NDArray[np.float64]
LogPosterior = Callable[[Array], tuple[float, Array]]

N_POINTS: Final = 16
"""Points the length scales are integrated over."""

MANY_READINGS: Final = 400
"""With more readings than these the length scales are sure, and one point is enough."""

_BOUND: Final = 4.0
"""The search stays within this many prior standard deviations of the medians."""

_STARTS: Final = ((0.0, 0.0, 0.0), (-1.0, 0.0, -1.0), (1.0, 0.0, 1.0))
"""Where the searches start, in prior standard deviations of (length scales, amplitude, scatter):
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
        scatter_ln_sd: Shape (L,), standard deviation of the log of each scatter.
    """

    best: Hyperparameters
    points: tuple[Hyperparameters, ...]
    weights: Array
    scatter_ln_sd: Array

    @classmethod
    def certain(cls, hyperparameters: Hyperparameters) -> "HyperPosterior":
        """The posterior of somebody who knows the hyperparameters.

        Args:
            hyperparameters: The known values.

        Returns:
            A single point of weight 1.
        """
        return cls(
            hyperparameters, (hyperparameters,), np.ones(1), np.zeros(len(hyperparameters.scatter))
        )

    def to_dict(self) -> dict[str, Any]:
        """Plain JSON types.

        Returns:
            Natural logarithms would lose a bit: the values themselves.
        """
        return {
            "best_lengthscales": self.best.lengthscales.tolist(),
            "amplitude": float(self.best.amplitude),
            "scatter": self.best.scatter.tolist(),
            "kernel": self.best.kernel,
            "scatter_ln_sd": self.scatter_ln_sd.tolist(),
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
            np.array(plain["scatter"], dtype=float),
            plain["kernel"],
        )
        points = tuple(
            replace(best, lengthscales=np.array(scales, dtype=float))
            for scales in plain["lengthscales"]
        )
        return cls(
            best,
            points,
            np.array(plain["weights"], dtype=float),
            np.array(plain["scatter_ln_sd"], dtype=float),
        )


def hyper_posterior(
    prior: HyperPrior, told: Told, leftover: Leftover | None = None
) -> HyperPosterior:
    """The most probable hyperparameters, and length scales drawn around them and weighted.

    The points are a fixed quasi-random normal sample shaped by the curvature at the maximum
    (Laplace) and weighted by posterior over proposal (importance), so that equal readings give
    equal points.

    Args:
        prior: The priors.
        told: n readings in units of the prior; n may be 0.
        leftover: Given if the readings stand for very many: what repeats say of the last level
            of scatter besides, in units of the prior. The search then starts at the medians
            only, and one point is enough.

    Returns:
        With n = 0 the medians, and points drawn from the prior.

    References:
        Rue, Martino & Chopin, J. R. Stat. Soc. B 71 (2009) 319, for the idea.
    """
    d, of_many = told.points.x.shape[1], leftover is not None
    likelihood = LogLikelihood(told, prior.medians.kernel, leftover)

    def log_posterior(theta: Array) -> tuple[float, Array]:
        value, gradient = likelihood(theta)
        prior_value, prior_gradient = prior.log_density(theta)
        return value + prior_value, gradient + prior_gradient

    x = told.points.x
    varies = np.ptp(x, axis=0) > 0 if len(x) else np.zeros(d, dtype=bool)
    best = prior.medians.theta
    if len(told):
        best = _most_probable(log_posterior, prior, varies, of_many=of_many)
    curvature = _curvature(log_posterior, prior, best)
    best_point = Hyperparameters.of_theta(best, d, prior.medians.kernel)
    spread = np.minimum(np.sqrt(np.diagonal(_inverse(curvature))), 1.0)
    scatter_ln_sd = (spread * prior.ln_sd)[d + 1 :]
    if of_many:
        return HyperPosterior(best_point, (best_point,), np.ones(1), scatter_ln_sd)
    normal = _quasi_normal(d)
    thetas = np.tile(best, (N_POINTS, 1))
    # points are rows: times the root, then to the prior's units column by column
    thetas[:, :d] += normal @ _root(curvature[:d, :d]) * prior.ln_sd[:d]
    log_weights = np.array([log_posterior(theta)[0] for theta in thetas])
    log_weights += 0.5 * (normal**2).sum(axis=1)
    weights = np.exp(log_weights - log_weights.max())
    return HyperPosterior(
        best=best_point,
        points=tuple(replace(best_point, lengthscales=np.exp(theta[:d])) for theta in thetas),
        weights=weights / weights.sum(),
        scatter_ln_sd=scatter_ln_sd,
    )


def _most_probable(
    log_posterior: LogPosterior,
    prior: HyperPrior,
    varies: NDArray[np.bool_],
    *,
    of_many: bool,
) -> Array:
    """Maximum by L-BFGS; a column that does not vary starts and stays at its median."""

    def loss(theta: Array) -> tuple[float, Array]:
        value, gradient = log_posterior(theta)
        return -value, -gradient

    middle, reach = prior.medians.theta, _BOUND * prior.ln_sd
    n_scatter = len(middle) - len(varies) - 1
    best, least = middle, np.inf
    for scales, amplitude, scatter in _STARTS[:1] if of_many else _STARTS:
        step = np.concatenate([scales * varies, [amplitude], np.full(n_scatter, scatter)])
        found = minimize(
            loss,
            middle + step * prior.ln_sd,
            jac=True,
            method="L-BFGS-B",
            bounds=list(zip(middle - reach, middle + reach, strict=True)),
            options={"maxiter": 200, "ftol": 1e-9 if of_many else 1e-12, "gtol": 1e-6},
        )
        if found.fun < least - 1e-9:  # a tie goes to the start nearer the medians
            best, least = found.x, float(found.fun)
    return best


def _curvature(log_posterior: LogPosterior, prior: HyperPrior, best: Array) -> Array:
    """Negative second derivatives in prior standard deviations, shape of theta squared."""
    size = len(best)
    curvature = np.empty((size, size))
    for column in range(size):
        step = np.zeros(size)
        step[column] = _STEP * prior.ln_sd[column]
        change = log_posterior(best - step)[1] - log_posterior(best + step)[1]
        curvature[:, column] = change * prior.ln_sd / (2 * _STEP)
    symmetric: Array = (curvature + curvature.T) / 2
    return symmetric


def _root(curvature: Array) -> Array:
    """Symmetric root of the inverse curvature, floored."""
    values, vectors = np.linalg.eigh(curvature)
    root: Array = (vectors / np.sqrt(np.maximum(values, _LEAST_CURVATURE))) @ vectors.T
    return root


def _inverse(curvature: Array) -> Array:
    root = _root(curvature)
    return root @ root


@cache
def _quasi_normal(n_dimensions: int) -> Array:
    """The fixed points, shape (N_POINTS, d), of a standard normal with its mean and spread."""
    uniform = qmc.Sobol(n_dimensions, scramble=True, rng=0).random(N_POINTS)
    normal = norm.ppf(uniform)
    normal -= normal.mean(axis=0)
    normal /= normal.std(axis=0)
    normal.setflags(write=False)
    return np.asarray(normal, dtype=float)
