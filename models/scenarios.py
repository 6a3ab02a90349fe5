r"""Joint scenarios of a Gaussian process: values at some rows, and what they leave open elsewhere.

A scenario is one draw of all that is not known about the rows of a *context*: a point of the
hyperparameters, the readings within their bounds, the true values at the context. Given it, the
value of any other row is exactly normal, so that expectations over a candidate need no draws:
only the context is sampled. Readings y and context values f have one triangular factor

.. math:: \mathrm{cov}\binom{y}{f} = L L^\top,\quad w = L^{-1}\binom{y}{f},\quad
          f(x) \mid y, f \sim N\left(h_x^\top w,\; k(x, x) - h_x^\top h_x\right),\quad
          h_x = L^{-1} k(\cdot, x)

and the part of w that belongs to the context is what was drawn.
"""

from dataclasses import dataclass, replace
from functools import cached_property
from typing import Final, final

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.linalg import solve_triangular
from scipy.stats import norm, qmc

from models.cholesky import stable_cholesky
from models.evidence import Points
from models.gp import GaussianProcess
from models.hyperparameters import (
    CONSTANT_SHARE,
    Hyperparameters,
    prior_covariance,
    prior_variance,
)
from models.matern import Kernel, correlation_of_squares, slope_of_squares
from models.told import Units

FEW_POINTS: Final = 8
"""Few scenarios share this many points of the hyperparameters: each costs a factor of its own."""

Array = NDArray[np.float64]
Index = NDArray[np.intp]

LEAST_VARIANCE: Final = 1e-10
"""No value is known better than this share of the prior's variance: rounding is not knowledge."""


@dataclass(frozen=True, eq=False)
class _System:
    """Scenarios that share hyperparameters, in units of the prior.

    Attributes:
        hyperparameters: Taken as known.
        points: M rows: readings, then context.
        factor: Shape (M, M), of their covariance.
        white: Shape (M, s), readings and context of s scenarios, whitened.
        members: Shape (s,), which scenarios.
    """

    hyperparameters: Hyperparameters
    points: Points
    factor: Array
    white: Array
    members: Index

    def half(self, points: Points) -> Array:
        """Shape (M, N): covariance with N other rows, whitened."""
        cross = prior_covariance(self.hyperparameters, self.points, points)
        half: Array = solve_triangular(self.factor, cross, lower=True, check_finite=False)
        return half

    def variance(self, points: Points, half: Array) -> Array:
        """Shape (N,): what is left open."""
        prior = prior_variance(self.hyperparameters, points)
        left = prior - np.einsum("ij,ij->j", half, half)
        floored: Array = np.maximum(left, LEAST_VARIANCE * prior)
        return floored

    @cached_property
    def weights(self) -> Array:
        """Shape (M, s): the mean at x is k(x) times these."""
        weights: Array = solve_triangular(
            self.factor, self.white, lower=True, trans="T", check_finite=False
        )
        return weights

    @cached_property
    def inverse(self) -> Array:
        """Shape (M, M): inverse covariance of readings and context."""
        root = solve_triangular(
            self.factor, np.eye(len(self.factor)), lower=True, check_finite=False
        )
        inverse: Array = root.T @ root
        return inverse


@final
@dataclass(frozen=True, eq=False)
class GPScenarios:
    """S joint scenarios of one property.

    Attributes:
        values: Shape (S, C), true values at the context, on the property's scale.
    """

    values: Array
    _units: Units
    _n_readings: int
    _systems: tuple[_System, ...]

    @classmethod
    def of(
        cls,
        process: GaussianProcess,
        context: ArrayLike | Points,
        n: int,
        rng: np.random.Generator,
    ) -> "GPScenarios":
        """Scenarios drawn from a fitted process.

        Args:
            process: Fitted; its length scales are drawn by their weights.
            context: C rows whose values are drawn; C may be 0.
            n: S, number of scenarios.
            rng: Source of randomness.

        Returns:
            The scenarios; context values are quasi-random, so that few tell much.

        Raises:
            NotFittedError: If the process is not fitted.
            TableError: If the number of columns is not that of the fit.

        Examples:
            >>> process = GaussianProcess(0.0, 1.0, 0.1).fit([[0.5]], [1.0], [0.05])
            >>> scenarios = GPScenarios.of(process, [[0.5]], 16, np.random.default_rng(0))
            >>> mean, sd = scenarios.forecast([[0.5], [0.0]])
            >>> mean.shape, bool(sd[0, 0] < 0.01), bool(sd[0, 1] > 0.2)
            ((16, 2), True, True)
        """
        units, told, learned = process.inner
        points = process.checked(context)
        inner, known = units.standard(points), units.known(points)
        points_used = _resampled(learned.weights, max(FEW_POINTS, n // FEW_POINTS), rng)
        owner = rng.permutation(np.resize(points_used, n))
        normal = _quasi_normal(n, len(points), rng)
        values, systems = np.empty((n, len(points))), []
        for number in np.unique(owner):
            members = np.flatnonzero(owner == number)
            hyperparameters = learned.points[number]
            posterior = process.posterior(int(number))
            read = posterior.readings(len(members), rng)
            factor = posterior.solved.factor
            cross = prior_covariance(hyperparameters, told.points, inner)
            half = solve_triangular(factor, cross, lower=True, check_finite=False)
            left = prior_covariance(hyperparameters, inner, inner) - half.T @ half
            left[np.diag_indices_from(left)] += LEAST_VARIANCE
            system = _System(
                hyperparameters=hyperparameters,
                points=_together(told.points, inner),
                factor=_bordered(factor, half, stable_cholesky(left)),
                white=np.vstack(
                    [
                        solve_triangular(factor, read.T, lower=True, check_finite=False),
                        normal[members].T,
                    ]
                ),
                members=members,
            )
            systems.append(system)
            values[members] = known + units.sd * (system.factor[len(told) :] @ system.white).T
        return cls(values, units, len(told), tuple(systems))

    def forecast(self, rows: ArrayLike | Points) -> tuple[Array, Array]:
        """Normal conditionals of the true values of other rows, each for itself.

        Args:
            rows: N rows.

        Returns:
            Mean and standard deviation in each scenario, both of shape (S, N), on the scale.
        """
        points = Points.of(rows)
        inner, known = self._units.standard(points), self._units.known(points)
        mean, sd = (np.empty((len(self.values), len(points))) for _ in range(2))
        for system in self._systems:
            half = system.half(inner)
            mean[system.members] = known + self._units.sd * (system.white.T @ half)
            sd[system.members] = self._units.sd * np.sqrt(system.variance(inner, half))
        return mean, sd

    def forecast_and_slopes(
        self, rows: ArrayLike | Points, basis_slope: Array | None = None
    ) -> tuple[Array, Array, Array, Array]:
        """The forecast at rows of the unit cube, and how it changes with them.

        Args:
            rows: P rows without tilt and offset, at level 1.
            basis_slope: Shape (d, k), by how much the basis changes with each coordinate, the
                same everywhere; needed where rows have a basis.

        Returns:
            Mean and standard deviation, shape (S, P), and their slopes, shape (S, P, d).
        """
        points = self._units.standard(Points.of(rows))
        x, read = points.x, self._stack
        difference = x[:, None, :] - read.x[None, :, :]
        squares = np.tensordot(read.inverse_squares, difference**2, axes=([1], [2]))
        shape = correlation_of_squares(squares, read.kernel)
        trend = points.basis @ read.basis.T
        cross = (CONSTANT_SHARE + trend + read.amplitude2[:, None, None] * shape) * read.level
        # minus the derivative of the covariance by each coordinate, less its distance
        pull = slope_of_squares(squares, read.kernel) * read.level
        gain = np.matmul(cross, read.inverse)
        prior = CONSTANT_SHARE + read.amplitude2[:, None] + (points.basis**2).sum(axis=1)
        variance = prior - np.einsum("tpm,tpm->tp", cross, gain)
        variance = np.maximum(variance, LEAST_VARIANCE * prior)
        sd = np.sqrt(variance)
        scale = (read.amplitude2[:, None] * read.inverse_squares)[:, None, :]
        widen = _moments(pull * gain, x, read.x) * scale
        mean = np.einsum("spm,sm->sp", cross[read.owner], read.weights)
        lean = _moments(pull[read.owner] * read.weights[:, None, :], x, read.x)
        mean_slope = -lean * scale[read.owner]
        if basis_slope is not None:
            step = (basis_slope / self._units.sd).T
            held = read.basis * read.level[:, None]
            mean_slope += ((read.weights @ held) @ step)[:, None, :]
            widen += (points.basis - gain @ held) @ step
        sd_slope = widen / sd[..., None]
        unit = self._units.sd
        return (
            self._units.centre + unit * mean,
            unit * sd[read.owner],
            unit * mean_slope,
            unit * sd_slope[read.owner],
        )

    def extended(self, row: ArrayLike | Points, normal: Array) -> "GPScenarios":
        """The scenarios with one more row in the context.

        Args:
            row: One row.
            normal: Shape (S,), standard normal: how its value lies in its forecast.

        Returns:
            Scenarios whose context ends with the row.
        """
        points = Points.of(row)
        inner = self._units.standard(points)
        mean, sd = self.forecast(points)
        values = np.hstack([self.values, mean + sd * normal[:, None]])
        systems = []
        for system in self._systems:
            half = system.half(inner)
            corner = np.sqrt(system.variance(inner, half))[:, None]
            systems.append(
                replace(
                    system,
                    points=_together(system.points, inner),
                    factor=_bordered(system.factor, half, corner),
                    white=np.vstack([system.white, normal[None, system.members]]),
                )
            )
        return GPScenarios(values, self._units, self._n_readings, tuple(systems))

    def restricted(self, rows: Index) -> "GPScenarios":
        """The scenarios with part of the context; the rest is no longer held.

        Args:
            rows: Positions of the rows to keep.

        Returns:
            Scenarios of these rows, values unchanged.
        """
        n = self._n_readings
        systems = []
        for system in self._systems:
            half = system.factor[n:, :n].T[:, rows]
            open_part = system.factor[n:, n:]
            left = (open_part @ open_part.T)[np.ix_(rows, rows)]
            corner = stable_cholesky(left)
            drawn = (open_part @ system.white[n:])[rows]
            white = solve_triangular(corner, drawn, lower=True, check_finite=False)
            systems.append(
                replace(
                    system,
                    points=system.points.take(np.concatenate([np.arange(n), n + rows])),
                    factor=_bordered(system.factor[:n, :n], half, corner),
                    white=np.vstack([system.white[:n], white]),
                )
            )
        return GPScenarios(self.values[:, rows], self._units, n, tuple(systems))

    @cached_property
    def _stack(self) -> "_Stack":
        systems = self._systems
        owner = np.empty(len(self.values), dtype=np.intp)
        weights = np.empty((len(self.values), len(systems[0].factor)))
        for number, system in enumerate(systems):
            owner[system.members] = number
            weights[system.members] = system.weights.T
        scales = np.array([system.hyperparameters.lengthscales for system in systems])
        return _Stack(
            x=systems[0].points.x,
            level=systems[0].points.level,
            basis=systems[0].points.basis,
            kernel=systems[0].hyperparameters.kernel,
            inverse_squares=scales**-2.0,
            amplitude2=np.array([s.hyperparameters.amplitude**2 for s in systems]),
            inverse=np.array([system.inverse for system in systems]),
            owner=owner,
            weights=weights,
        )


@dataclass(frozen=True, slots=True, eq=False)
class _Stack:
    """T systems side by side, for gradients at few rows; M readings and context rows each."""

    x: Array
    level: Array
    basis: Array
    kernel: Kernel
    inverse_squares: Array
    amplitude2: Array
    inverse: Array
    owner: Index
    weights: Array


def _moments(pull: Array, x: Array, centres: Array) -> Array:
    """Sum over m of pull times (x - centre m), shape of pull with d for m."""
    moments: Array = pull.sum(axis=-1)[..., None] * x - pull @ centres
    return moments


def _resampled(weights: Array, n: int, rng: np.random.Generator) -> Index:
    """Positions, n of them, each as often as its weight says, up to one (systematic resampling)."""
    steps = (rng.random() + np.arange(n)) / n
    last = len(weights) - 1
    return np.minimum(np.searchsorted(np.cumsum(weights), steps, side="right"), last)


def _quasi_normal(n: int, size: int, rng: np.random.Generator) -> Array:
    """Shape (n, size), scrambled Sobol points as standard normal draws."""
    if not size:
        return np.empty((n, 0))
    engine = qmc.Sobol(size, scramble=True, rng=rng)
    uniform = engine.random_base2(int(np.ceil(np.log2(max(n, 2)))))[:n]
    normal: Array = norm.ppf(np.clip(uniform, 1e-9, 1 - 1e-9))
    return normal


def _bordered(factor: Array, half: Array, corner: Array) -> Array:
    """The factor of a covariance with more rows."""
    size, more = len(factor), len(corner)
    whole = np.zeros((size + more, size + more))
    whole[:size, :size] = factor
    whole[size:, :size] = half.T
    whole[size:, size:] = corner
    return whole


def _together(first: Points, second: Points) -> Points:
    """Rows of inner units below one another."""
    width = max(first.basis.shape[1], second.basis.shape[1])
    return Points(
        np.vstack([first.x, second.x]),
        np.concatenate([first.level, second.level]),
        np.concatenate([first.tilt, second.tilt]),
        None,
        np.vstack([_wide(first.basis, width), _wide(second.basis, width)]),
    )


def _wide(basis: Array, width: int) -> Array:
    return basis if basis.shape[1] == width else np.zeros((len(basis), width))
