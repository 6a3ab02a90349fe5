r"""Moments of a normal vector cut to a box, by quasi Monte Carlo with minimax tilting.

The variables are drawn one after the other, each cut to its own side given those before
(separation of variables), from normals shifted such that the worst importance weight is as
small as can be (minimax tilting). The points are a fixed Sobol sequence: equal problems have
equal answers. Unlike expectation propagation it stays right where several bounds say nearly
the same, such as three pellets of one jar below one detection limit.
"""

from dataclasses import dataclass
from functools import cache
from typing import Final

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import root
from scipy.special import log_ndtr, ndtri_exp
from scipy.stats import qmc

from models.box import ROUGHLY, box_sites, site_moments
from models.cholesky import stable_cholesky
from models.truncated import truncated_moments

Array = NDArray[np.float64]

MOST_SIDES: Final = 100
"""With more bounds than these, expectation propagation gives moments and draws: the weights of the
draws would fall apart, and one bound among a hundred matters little."""

_LOG2_POINTS: Final = 11


@dataclass(frozen=True, slots=True, eq=False)
class BoxMoments:
    """What is known of a normal vector once it is known to lie in a box.

    Attributes:
        log_probability: Log of the prior probability of the box.
        mean: Shape (m,).
        covariance: Shape (m, m).
    """

    log_probability: float
    mean: Array
    covariance: Array


def box_moments(mean: Array, covariance: Array, low: Array, high: Array) -> BoxMoments:
    """Probability, mean and covariance of a normal vector cut to a box.

    Args:
        mean: Shape (m,), m may be 0.
        covariance: Shape (m, m), positive definite.
        low: Shape (m,), may be minus infinity.
        high: Shape (m,), above ``low``, may be infinite.

    Returns:
        The moments.

    References:
        Genz, J. Comput. Graph. Stat. 1 (1992) 141; Botev, J. R. Stat. Soc. B 79 (2017) 125,
        DOI 10.1111/rssb.12162.

    Examples:
        >>> half = box_moments(np.zeros(1), np.eye(1), np.zeros(1), np.array([np.inf]))
        >>> round(float(half.mean[0]), 3)
        0.798
    """
    m = len(mean)
    if not m:
        return BoxMoments(0.0, mean, covariance)
    if m == 1:
        sd = covariance[0, 0] ** 0.5
        log_mass, moved, squeezed = truncated_moments((low - mean) / sd, (high - mean) / sd)
        return BoxMoments(float(log_mass[0]), mean + sd * moved, covariance * squeezed)
    if m > MOST_SIDES:
        sites = box_sites(mean, covariance, low, high, tolerance=ROUGHLY)
        return BoxMoments(sites.log_probability, *site_moments(mean, covariance, sites))
    order, factor = _tightest_first(mean, covariance, low, high)
    a, b = (low - mean)[order], (high - mean)[order]
    draws, log_weights = _draws(factor, a, b)
    top = log_weights.max()
    weights = np.exp(log_weights - top)
    total = weights.sum()
    weights /= total
    h = draws @ factor.T
    centre = weights @ h
    spread = (h - centre) * np.sqrt(weights)[:, None]
    back = np.argsort(order)
    return BoxMoments(
        float(top + np.log(total / len(h))),
        mean + centre[back],
        (spread.T @ spread)[np.ix_(back, back)],
    )


def box_draws(
    mean: Array, covariance: Array, low: Array, high: Array, n: int, rng: np.random.Generator
) -> Array:
    """Draws of a normal vector cut to a box.

    Args:
        mean: Shape (m,), m may be 0.
        covariance: Shape (m, m), positive definite.
        low: Shape (m,), may be minus infinity.
        high: Shape (m,), above ``low``, may be infinite.
        n: Number of draws.
        rng: Source of randomness.

    Returns:
        Shape (n, m), each row within the box; resampled from weighted draws, so some repeat. With
        more than ``MOST_SIDES`` sides, draws of the normal that stands for the box: a row may
        then leave it.
    """
    if not len(mean):
        return np.zeros((n, 0))
    if len(mean) > MOST_SIDES:
        sites = box_sites(mean, covariance, low, high, tolerance=ROUGHLY)
        centre, within = site_moments(mean, covariance, sites)
        drawn: Array = centre + rng.standard_normal((n, len(mean))) @ stable_cholesky(within).T
        return drawn
    order, factor = _tightest_first(mean, covariance, low, high)
    z, log_weights = _draws(factor, (low - mean)[order], (high - mean)[order])
    weights = np.exp(log_weights - log_weights.max())
    picked = rng.choice(len(z), size=n, p=weights / weights.sum())
    return mean + (z[picked] @ factor.T)[:, np.argsort(order)]


def _tightest_first(
    mean: Array, covariance: Array, low: Array, high: Array
) -> tuple[NDArray[np.intp], Array]:
    """An order in which the least probable side, given those before it, comes first.

    Returns:
        The order, and the lower Cholesky factor of the covariance in that order.

    References:
        Gibson, Glasbey & Elston (1994), as in Genz & Bretz, Springer LNS 195 (2009), 4.1.3.
    """
    m = len(mean)
    order = np.arange(m)
    c = covariance.copy()
    a, b = low - mean, high - mean
    factor = np.zeros((m, m))
    fixed = np.zeros(m)  # expected standard normals drawn so far
    for i in range(m):
        left = np.arange(i, m)
        variance = np.maximum(
            np.diagonal(c)[left] - (factor[left, :i] ** 2).sum(axis=1), 1e-14 * np.diagonal(c)[left]
        )
        sd, centre = np.sqrt(variance), factor[left, :i] @ fixed[:i]
        log_mass, expected, _ = truncated_moments((a[left] - centre) / sd, (b[left] - centre) / sd)
        pick = int(log_mass.argmin())
        j = i + pick
        for array in (order, a, b):
            array[[i, j]] = array[[j, i]]
        c[[i, j]] = c[[j, i]]
        c[:, [i, j]] = c[:, [j, i]]
        factor[[i, j], :i] = factor[[j, i], :i]
        fixed[i] = expected[pick]
        factor[i, i] = sd[pick]
        below = slice(i + 1, m)
        factor[below, i] = (c[below, i] - factor[below, :i] @ factor[i, :i]) / factor[i, i]
    return order, factor


def _draws(factor: Array, a: Array, b: Array) -> tuple[Array, Array]:
    """Standard normals, shape (N, m), with ``factor`` times them in the box, and log weights."""
    scale = np.diagonal(factor)
    rows = factor / scale[:, None]
    low, high = a / scale, b / scale
    tilt = _tilting(rows, low, high)
    uniform = _sobol(len(a))
    z = np.zeros_like(uniform)
    log_weights = np.zeros(len(uniform))
    for i, shift in enumerate(tilt):
        centre = z[:, :i] @ rows[i, :i] + shift
        step, log_mass = _cut_normal(low[i] - centre, high[i] - centre, uniform[:, i])
        z[:, i] = shift + step
        log_weights += log_mass + 0.5 * shift**2 - shift * z[:, i]
    return z, log_weights


def _tilting(rows: Array, low: Array, high: Array) -> Array:
    """Shifts at the saddle point of the log weight, shape (m,); none if it is not found."""
    m = len(low)
    under = np.tril(rows, -1)

    def equations(unknown: Array) -> tuple[Array, Array]:
        z, shift = unknown[:m], unknown[m:]
        centre = under @ z + shift
        _, expected, variance = truncated_moments(low - centre, high - centre)
        bend = variance - 1.0  # of the expectation, by the centre
        values = np.concatenate([shift + expected - z, under.T @ expected - shift])
        jacobian = np.block(
            [
                [bend[:, None] * under - np.eye(m), np.eye(m) + np.diag(bend)],
                [under.T @ (bend[:, None] * under), under.T * bend - np.eye(m)],
            ]
        )
        return values, jacobian

    found = root(equations, np.zeros(2 * m), jac=True, method="hybr")
    tilt: Array = found.x[m:] if found.success else np.zeros(m)
    tilt[-1] = 0.0
    return tilt


def _cut_normal(low: Array, high: Array, uniform: Array) -> tuple[Array, Array]:
    """Standard normals between bounds by inversion, and the log of the mass there."""
    mirrored = low > 0  # work in the lower tail, where the digits are
    a, b = np.where(mirrored, -high, low), np.where(mirrored, -low, high)
    log_a, log_b = log_ndtr(a), log_ndtr(b)
    share = np.exp(log_a - log_b)
    log_mass = log_b + np.log1p(-np.minimum(share, 1 - 1e-15))
    value = np.clip(ndtri_exp(log_b + np.log(share + uniform * (1 - share))), a, b)
    return np.where(mirrored, -value, value), log_mass


@cache
def _sobol(m: int) -> Array:
    points = qmc.Sobol(m, scramble=True, rng=0).random_base2(_LOG2_POINTS)
    points = np.clip(points, 1e-12, 1 - 1e-12)
    points.setflags(write=False)
    return np.asarray(points, dtype=float)
