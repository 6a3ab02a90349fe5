r"""Several properties that share a part of how they vary with the recipe.

Property p varies with the recipe, in units of its prior standard deviation, as

.. math:: a_p \left( \sqrt{1 - w_p^2}\, v_p(x) + w_p\, u(x) \right)

where v_p is its own process, u one process that all share, each of variance 1 with length
scales of its own, and w_p in (-1, 1) the loading. At one recipe the varying parts of p and q then
correlate by w_p w_q. What all recipes share, slopes by temperature, jars, pellets and errors stay
each property's own. With all loadings zero nothing is left but the properties one by one.
"""

import itertools
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Self, final

import numpy as np
from numpy.typing import NDArray

from models.evidence import Points
from models.exact import SolvedReadings, readings_covariance
from models.hyperparameters import Hyperparameters, prior_covariance, prior_variance
from models.matern import correlation
from models.told import Told

Array = NDArray[np.float64]


@dataclass(frozen=True, slots=True, eq=False)
class Coregionalised:
    """Hyperparameters of all properties and of what they share.

    Attributes:
        own: Those of each property on its own.
        loadings: Shape (P,), w of each property.
        lengthscales: Shape (d,), of the shared process.
    """

    own: tuple[Hyperparameters, ...]
    loadings: Array
    lengthscales: Array

    @property
    def private(self) -> tuple[Hyperparameters, ...]:
        """Those of each property without what it shares."""
        shares = np.sqrt(1.0 - self.loadings**2)
        return tuple(
            replace(own, amplitude=own.amplitude * float(share))
            for own, share in zip(self.own, shares, strict=True)
        )


@dataclass(frozen=True, slots=True, eq=False)
class Questions:
    """Points of P properties in one order.

    Attributes:
        points: Those of each property, in its inner units; some may have none.
        rows: Their positions among all.
    """

    points: tuple[Points, ...]
    rows: tuple[NDArray[np.intp], ...]

    @classmethod
    def one_after_the_other(cls, points: Sequence[Points]) -> Self:
        """The points of the first property, then those of the next."""
        ends = np.cumsum([0, *map(len, points)])
        rows = [np.arange(a, b) for a, b in itertools.pairwise(ends)]
        return cls(tuple(points), tuple(rows))

    def __len__(self) -> int:
        """Number of points of all properties."""
        return sum(map(len, self.points))

    @property
    def x(self) -> Array:
        """Shape (n, d), where all points are."""
        x = np.empty((len(self), self.points[0].x.shape[1]))
        for points, rows in zip(self.points, self.rows, strict=True):
            x[rows] = points.x
        return x

    def spread(self, values: Sequence[float]) -> Array:
        """Shape (n,): the value of its property times its level, at every point."""
        spread = np.empty(len(self))
        for value, points, rows in zip(values, self.points, self.rows, strict=True):
            spread[rows] = value * points.level
        return spread


@dataclass(frozen=True, slots=True, eq=False)
class ToldTogether:
    """Readings of P properties, exact ones of all first.

    Attributes:
        members: Readings of each property.
        asked: Where they were taken, in one order.
        low: Shape (n,), lower bounds in that order.
        high: Shape (n,), upper bounds; the first ``n_exact`` equal ``low``.
        n_exact: Number of exact readings.
    """

    members: tuple[Told, ...]
    asked: Questions
    low: Array
    high: Array
    n_exact: int

    @classmethod
    def of(cls, members: Sequence[Told]) -> Self:
        """The readings of all properties together.

        Args:
            members: Readings of each property; some may have none.

        Returns:
            Exact ones first, property by property; then bounds, property by property.
        """
        n_exact = sum(told.n_exact for told in members)
        exact_from, bound_from, rows = 0, n_exact, []
        low, high = np.empty((2, sum(map(len, members))))
        for told in members:
            own = np.arange(len(told))
            own += np.where(own < told.n_exact, exact_from, bound_from - told.n_exact)
            exact_from += told.n_exact
            bound_from += len(told) - told.n_exact
            low[own], high[own] = told.low, told.high
            rows.append(own)
        asked = Questions(tuple(told.points for told in members), tuple(rows))
        return cls(tuple(members), asked, low, high, n_exact)

    def __len__(self) -> int:
        """Number of readings of all properties."""
        return len(self.low)


def shared_covariance(hyper: Coregionalised, left: Questions, right: Questions) -> Array:
    """Covariance of two sets of points by what the properties share.

    Args:
        hyper: Taken as known.
        left: n points.
        right: m points.

    Returns:
        Shape (n, m), each property in units of its prior sd.
    """
    loads = [w * own.amplitude for w, own in zip(hyper.loadings, hyper.own, strict=True)]
    covariance = correlation(left.x, right.x, hyper.lengthscales, hyper.own[0].kernel)
    covariance *= left.spread(loads)[:, None] * right.spread(loads)[None, :]
    return covariance


def covariance_together(hyper: Coregionalised, left: Questions, right: Questions) -> Array:
    """Covariance of two sets of points of several properties, before any reading.

    Args:
        hyper: Taken as known.
        left: n points.
        right: m points.

    Returns:
        Shape (n, m), each property in units of its prior sd.
    """
    covariance = shared_covariance(hyper, left, right)
    each = zip(hyper.private, left.points, left.rows, right.points, right.rows, strict=True)
    for private, from_points, from_rows, to_points, to_rows in each:
        block = prior_covariance(private, from_points, to_points)
        covariance[np.ix_(from_rows, to_rows)] += block
    return covariance


def readings_covariance_together(hyper: Coregionalised, told: ToldTogether) -> Array:
    """Covariance of all readings before any is read: truth, scatter and stated errors.

    Args:
        hyper: Taken as known.
        told: n readings.

    Returns:
        Shape (n, n), each property in units of its prior sd.
    """
    covariance = shared_covariance(hyper, told.asked, told.asked)
    for private, own, rows in zip(hyper.private, told.members, told.asked.rows, strict=True):
        covariance[np.ix_(rows, rows)] += readings_covariance(private, own)
    return covariance


@final
@dataclass(frozen=True, slots=True, eq=False)
class PosteriorTogether:
    """The posterior of all properties whose hyperparameters are known.

    Attributes:
        hyper: Taken as known.
        told: The readings.
        solved: The same, solved.
    """

    hyper: Coregionalised
    told: ToldTogether
    solved: SolvedReadings

    @classmethod
    def of(cls, hyper: Coregionalised, told: ToldTogether) -> Self:
        """The posterior given these readings.

        Args:
            hyper: Taken as known.
            told: n readings; n may be 0.

        Returns:
            The posterior.
        """
        covariance = readings_covariance_together(hyper, told)
        return cls(hyper, told, SolvedReadings.of(covariance, told.low, told.high, told.n_exact))

    def marginal(self, asked: Questions) -> tuple[Array, Array]:
        """Mean and variance of the true value at each point.

        Args:
            asked: N points.

        Returns:
            Two arrays of shape (N,); the variances are positive.
        """
        cross = covariance_together(self.hyper, self.told.asked, asked)
        mean, half, spread = self.solved.projection(cross)
        prior = np.empty(len(asked))
        for own, points, rows in zip(self.hyper.own, asked.points, asked.rows, strict=True):
            prior[rows] = prior_variance(own, points)
        variance = np.maximum(prior - (half**2).sum(axis=0), prior * np.finfo(float).eps)
        return mean, variance + (spread**2).sum(axis=0)

    def joint(self, asked: Questions) -> tuple[Array, Array]:
        """Mean and covariance of the true values together.

        Args:
            asked: N points.

        Returns:
            Shape (N,) and shape (N, N).
        """
        cross = covariance_together(self.hyper, self.told.asked, asked)
        mean, half, spread = self.solved.projection(cross)
        covariance = covariance_together(self.hyper, asked, asked)
        return mean, covariance - half.T @ half + spread.T @ spread
