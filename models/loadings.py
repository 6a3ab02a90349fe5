"""How much properties share: what the readings say of loadings and shared length scales.

Amplitudes and scatter of each property stay those of its own fit. Loadings and the length
scales of the shared process are drawn, half about the most probable ones (Laplace), half from
their prior; own length scales are drawn from each property's own posterior. Each draw is weighted
by how much more probable it makes all readings together than one property by one (importance
sampling). So the answer is right also where the readings say nothing, and where a loading of
either sign explains them. Every loading is thought even on (-1, 1): half of all correlations are
then within ±0.19, nine in ten within ±0.59.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import product
from typing import Any, Final, Self, final

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize
from scipy.stats import norm, qmc

from models.box import Sites
from models.coregionalisation import (
    Coregionalised,
    ToldTogether,
    readings_covariance_together,
)
from models.exact import readings_covariance
from models.hyper_posterior import HyperPosterior
from models.hyperparameters import (
    LENGTHSCALE_LN_SD,
    Hyperparameters,
    log_density_and_pull,
)
from models.matern import correlation_of_squares, slope_of_squares, squared_differences
from models.told import Told

Array = NDArray[np.float64]

N_DRAWS: Final = 256
"""Draws of the loadings: enough for a 90 % interval."""

N_USED: Final = 32
"""Of these so many, some of them more than once, make the predictions."""

_START: Final = 0.6
"""Size of the loadings at which searches start."""

_SEARCHES: Final = 2
_BOUND: Final = 4.0
_STEP: Final = 1e-4
_LEAST_CURVATURE: Final = 0.7
"""As in ``models.hyper_posterior``, the prior's curvature being 1."""


@final
@dataclass(frozen=True, slots=True, eq=False)
class LoadingPosterior:
    """Weighted draws of what P properties share.

    Attributes:
        loadings: Shape (N, P).
        lengthscales: Shape (N, d), of the shared process.
        picks: Shape (N, P), which of the points of each property's own posterior goes with it.
        weights: Shape (N,), positive, sum 1.
    """

    loadings: Array
    lengthscales: Array
    picks: NDArray[np.intp]
    weights: Array

    def used(self, own: Sequence[HyperPosterior]) -> list[tuple[float, Coregionalised]]:
        """The draws that predictions rest on, with weights that sum to 1.

        Args:
            own: Posterior of each property's own hyperparameters.

        Returns:
            At most ``N_USED``, taken at equal steps of the cumulated weight.
        """
        rows, counts = np.unique(_at_equal_steps(self.weights, N_USED), return_counts=True)
        return [
            (
                float(count) / N_USED,
                Coregionalised(
                    tuple(
                        of_one.points[pick]
                        for of_one, pick in zip(own, self.picks[row], strict=True)
                    ),
                    self.loadings[row],
                    self.lengthscales[row],
                ),
            )
            for row, count in zip(rows, counts, strict=True)
        ]

    def correlation_quantiles(self, p: int, q: int, levels: Sequence[float]) -> Array:
        """Quantiles of how far the varying parts of two properties correlate at one recipe.

        Args:
            p: Position of one property.
            q: Position of the other.
            levels: Such as 0.05, 0.5 and 0.95.

        Returns:
            One value a level, in (-1, 1).
        """
        correlations = self.loadings[:, p] * self.loadings[:, q]
        order = np.argsort(correlations, kind="stable")
        middle = np.cumsum(self.weights[order]) - 0.5 * self.weights[order]
        return np.interp(levels, middle, correlations[order])

    def to_dict(self) -> dict[str, Any]:
        """Plain JSON types."""
        return {name: getattr(self, name).tolist() for name in self.__slots__}

    @classmethod
    def from_dict(cls, plain: dict[str, Any]) -> Self:
        """The draws that ``to_dict`` wrote."""
        return cls(
            np.array(plain["loadings"], dtype=float),
            np.array(plain["lengthscales"], dtype=float),
            np.array(plain["picks"], dtype=np.intp),
            np.array(plain["weights"], dtype=float),
        )


def loading_posterior(
    told: ToldTogether, own: Sequence[HyperPosterior], lengthscale_medians: Array
) -> LoadingPosterior:
    """What the readings say of loadings and shared length scales.

    A property without readings shares nothing; nor does any where only one has readings.

    Args:
        told: n readings of P properties; n may be 0.
        own: Posterior of each property's own hyperparameters, from its own readings.
        lengthscale_medians: Shape (d,), prior medians of the shared length scales.

    Returns:
        Weighted draws.

    References:
        Ionides, J. Comput. Graph. Stat. 17 (2008) 295, for weights that are cut;
        Hesterberg, Technometrics 37 (1995) 185, for the share drawn from the prior.
    """
    active = np.array([len(readings) > 0 for readings in told.members])
    if active.sum() < 2:
        active[:] = False
    search = LoadingSearch(told, tuple(of_one.best for of_one in own), lengthscale_medians, active)
    z, log_proposal = _proposals(search)
    loadings, lengthscales = search.loadings(z), search.lengthscales(z)
    picks = np.column_stack(
        [_shuffled(_at_equal_steps(of_one.weights, N_DRAWS), p) for p, of_one in enumerate(own)]
    )
    if not active.any():
        return LoadingPosterior(loadings, lengthscales, picks, np.full(N_DRAWS, 1 / N_DRAWS))
    alone = [_densities(of_one, told.members[p]) for p, of_one in enumerate(own)]
    log_weights = norm.logpdf(z).sum(axis=1) - log_proposal
    for row, of_each in enumerate(picks):
        points = [of_one.points[pick] for of_one, pick in zip(own, of_each, strict=True)]
        hyper = Coregionalised(tuple(points), loadings[row], lengthscales[row])
        log_weights[row] += _log_density(readings_covariance_together(hyper, told), told)
        log_weights[row] -= sum(one[pick] for one, pick in zip(alone, of_each, strict=True))
    weights = np.exp(log_weights - log_weights.max())
    # a few lucky draws must not outweigh all others
    weights = np.minimum(weights, weights.mean() * np.sqrt(N_DRAWS))
    return LoadingPosterior(loadings, lengthscales, picks, weights / weights.sum())


@final
class LoadingSearch:
    """Log posterior of loadings and shared length scales, own hyperparameters held.

    Its argument z, with a standard normal prior, holds the normal scores of the loadings of the
    properties with readings, then those of the shared length scales. What does not depend
    on z is computed once.

    Args:
        told: n readings.
        own: Hyperparameters of each property.
        lengthscale_medians: Shape (d,).
        active: Shape (P,), properties that may share.

    Attributes:
        n_active: Their number.
        size: Number of arguments.
    """

    def __init__(
        self,
        told: ToldTogether,
        own: tuple[Hyperparameters, ...],
        lengthscale_medians: Array,
        active: NDArray[np.bool_],
    ) -> None:
        self._told, self._own, self._active = told, own, active
        self._ln_medians = np.log(lengthscale_medians)
        self.n_active = int(active.sum())
        self.size = self.n_active + len(lengthscale_medians)
        self._squares = squared_differences(told.asked.x)
        self._reach = told.asked.spread([one.amplitude for one in own])
        self._sites: Sites | None = None
        alone = np.zeros(len(own))
        still = Coregionalised(own, alone, lengthscale_medians)
        self._alone = readings_covariance_together(still, told)
        self._varying = np.zeros_like(self._alone)
        self._member = np.empty(len(told), dtype=np.intp)
        for p, (one, points, rows) in enumerate(
            zip(own, told.asked.points, told.asked.rows, strict=True)
        ):
            self._member[rows] = p
            scales = one.lengthscales[:, None, None]
            r2 = (squared_differences(points.x) / scales**2).sum(axis=0)
            self._varying[np.ix_(rows, rows)] = correlation_of_squares(r2, one.kernel)
        self._varying *= self._reach[:, None] * self._reach[None, :]

    def loadings(self, z: Array) -> Array:
        """Shape (..., P), zero for a property that shares nothing."""
        loadings = np.zeros((*z.shape[:-1], len(self._active)))
        loadings[..., self._active] = 2 * norm.cdf(z[..., : self.n_active]) - 1
        return loadings

    def lengthscales(self, z: Array) -> Array:
        """Shape (..., d), of the shared process."""
        scales: Array = np.exp(self._ln_medians + LENGTHSCALE_LN_SD * z[..., self.n_active :])
        return scales

    @property
    def own_lengthscales(self) -> Array:
        """Shape (d,), scores of the geometric mean of the own length scales."""
        ln_own = [
            np.log(one.lengthscales)
            for one, is_active in zip(self._own, self._active, strict=True)
            if is_active
        ]
        scores: Array = (np.mean(ln_own, axis=0) - self._ln_medians) / LENGTHSCALE_LN_SD
        return scores

    def __call__(self, z: Array) -> tuple[float, Array]:
        """The value and its gradient.

        Args:
            z: Shape (size,).

        Returns:
            Log likelihood plus log prior up to a constant, and the gradient in the shape of z.
        """
        told, w = self._told, self.loadings(z)
        inverse_squares = self.lengthscales(z) ** -2.0
        r2 = np.tensordot(inverse_squares, self._squares, axes=1)
        kernel = self._own[0].kernel
        shared = correlation_of_squares(r2, kernel)
        of_row = w[self._member]
        load = of_row * self._reach
        both = load[:, None] * load[None, :]
        covariance = self._alone - of_row[:, None] ** 2 * self._varying + both * shared
        value, pull, self._sites = log_density_and_pull(
            covariance, told.low, told.high, told.n_exact, self._sites
        )
        by_row = self._reach * ((pull * shared) @ load)
        by_row -= of_row * (pull * self._varying).sum(axis=1)
        by_loading = np.bincount(self._member, weights=by_row, minlength=len(w))[self._active]
        stretched = pull * both * slope_of_squares(r2, kernel)
        by_scale = 0.5 * inverse_squares * np.tensordot(self._squares, stretched, axes=2)
        scores = z[: self.n_active]
        gradient = np.concatenate([by_loading * 2 * norm.pdf(scores), by_scale * LENGTHSCALE_LN_SD])
        return value - 0.5 * float(z @ z), gradient - z

    def most_probable(self) -> Array:
        """The maximum by L-BFGS from the likeliest patterns of signs; zero if nothing beats it.

        Returns:
            Shape (size,).
        """
        best = np.zeros(self.size)
        if not self.n_active:
            return best
        size = norm.ppf(0.5 * (1 + _START))
        starts = [
            np.concatenate([[size], size * np.array(signs), self.own_lengthscales])
            for signs in product((1.0, -1.0), repeat=self.n_active - 1)
        ]  # turning all signs changes nothing
        starts.sort(key=lambda start: -self(start)[0])
        highest = self(best)[0]

        def loss(z: Array) -> tuple[float, Array]:
            value, gradient = self(z)
            return -value, -gradient

        for start in starts[:_SEARCHES]:
            found = minimize(
                loss,
                start,
                jac=True,
                method="L-BFGS-B",
                bounds=[(-_BOUND, _BOUND)] * self.size,
                options={"maxiter": 100},
            )
            if -found.fun > highest + 1e-9:
                best, highest = found.x, -float(found.fun)
        return best


def _proposals(search: LoadingSearch) -> tuple[Array, Array]:
    """Draws, shape (N_DRAWS, size), and the log density they were drawn with."""
    normal = norm.ppf(qmc.Sobol(search.size, scramble=True, rng=0).random(N_DRAWS))
    if not search.n_active:
        return normal, norm.logpdf(normal).sum(axis=1)
    best = search.most_probable()
    curvature = np.empty((search.size, search.size))
    for column, step in enumerate(_STEP * np.eye(search.size)):
        curvature[:, column] = (search(best - step)[1] - search(best + step)[1]) / (2 * _STEP)
    values, vectors = np.linalg.eigh((curvature + curvature.T) / 2)
    values = np.maximum(values, _LEAST_CURVATURE)
    z = normal.copy()
    z[::2] = best + (normal[::2] / np.sqrt(values)) @ vectors.T
    white = (z - best) @ vectors * np.sqrt(values)
    laplace = norm.logpdf(white).sum(axis=1) + 0.5 * np.log(values).sum()
    return z, np.logaddexp(laplace, norm.logpdf(z).sum(axis=1)) - np.log(2)


def _densities(own: HyperPosterior, told: Told) -> Array:
    """Log density of one property's readings on their own, at each point of its posterior."""
    return np.array([_log_density(readings_covariance(one, told), told) for one in own.points])


def _log_density(covariance: Array, told: Told | ToldTogether) -> float:
    return log_density_and_pull(covariance, told.low, told.high, told.n_exact)[0]


def _at_equal_steps(weights: Array, n: int) -> NDArray[np.intp]:
    """N positions, in order, each as often as its weight says to within one."""
    steps = (np.arange(n) + 0.5) / n
    rows: NDArray[np.intp] = np.searchsorted(np.cumsum(weights), steps * weights.sum())
    return np.minimum(rows, len(weights) - 1)


def _shuffled(picks: NDArray[np.intp], seed: int) -> NDArray[np.intp]:
    """In random order, such that steps of equal length through them are still a fair sample."""
    groups = picks.reshape(N_USED, -1)
    return np.random.default_rng(seed).permutation(groups).reshape(-1)
