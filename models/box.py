r"""A normal vector known only to lie in a box: its probability and a normal that stands for it.

Expectation propagation. Each side of the box, the indicator :math:`l_i \le h_i \le u_i`, is
replaced by an unnormalised normal factor in one variable (a *site*), such that its moments
with all the other factors are right.
"""

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray
from scipy.linalg import solve_triangular

from models.truncated import truncated_moments

Array = NDArray[np.float64]

_MOST_SWEEPS: Final = 200
TOLERANCE: Final = 1e-9
ROUGHLY: Final = 1e-7
"""Tolerance where there are very many sides."""

_DIGITS_LOST: Final = 1e-2
"""Below this a change that shrinks no more is rounding, where bounds contradict each other."""

_RUNAWAY: Final = 10.0
"""Once the change is this many times the least so far, sides are taken one after another."""

_LEAST_PRECISION: Final = 1e-10
"""A side that says nothing keeps this much precision, so that its variance stays finite."""


@dataclass(frozen=True, slots=True, eq=False)
class Sites:
    """Normal factors that stand for the sides of the box.

    Attributes:
        precision: Shape (m,), positive.
        shift: Shape (m,), precision times mean.
        log_probability: Approximate log probability of the box.
    """

    precision: Array
    shift: Array
    log_probability: float


def box_sites(
    mean: Array,
    covariance: Array,
    low: Array,
    high: Array,
    start: Sites | None = None,
    *,
    tolerance: float = TOLERANCE,
) -> Sites:
    """Sites for a box under a normal prior.

    Args:
        mean: Shape (m,).
        covariance: Shape (m, m), positive definite.
        low: Shape (m,), may be minus infinity.
        high: Shape (m,), above ``low``, may be infinite.
        start: Sites of a similar problem, to begin with.
        tolerance: The search ends when moments change by less, in standard deviations.

    Returns:
        The sites at the fixed point.

    References:
        Minka, UAI 2001; Cunningham, Hennig & Lacoste-Julien, arXiv:1111.6832 (2011);
        Rasmussen & Williams (2006), section 3.6 for the stable form.
    """
    m = len(mean)
    precision = np.full(m, _LEAST_PRECISION) if start is None else start.precision
    shift = precision * mean if start is None else start.shift
    step, last, least = 1.0, np.inf, np.inf
    posterior_mean, variance, log_norm = _tilted(mean, covariance, precision, shift)
    for _ in range(_MOST_SWEEPS):
        wanted = _wanted(posterior_mean, variance, precision, shift, low, high)
        if wanted.change < tolerance:
            break
        if wanted.change > _RUNAWAY * least:
            return _one_after_another(mean, covariance, low, high, start)
        if wanted.change > 0.9 * last:  # all at once may overshoot: then take shorter steps
            step = max(0.7 * step, 0.1)
        last, least = wanted.change, min(wanted.change, least)
        precision = precision + step * (wanted.precision - precision)
        shift = shift + step * (wanted.shift - shift)
        posterior_mean, variance, log_norm = _tilted(mean, covariance, precision, shift)
    return Sites(precision, shift, float(wanted.log_site.sum() + log_norm))


@dataclass(frozen=True, slots=True, eq=False)
class _Wanted:
    """Sites that would make the moments of each side right, all others held."""

    precision: Array
    shift: Array
    log_site: Array
    change: float


def _wanted(
    mean: Array, variance: Array, precision: Array, shift: Array, low: Array, high: Array
) -> _Wanted:
    """From the marginals under all sites, and the sites, of the sides asked for."""
    cavity_precision = np.maximum(1.0 / variance - precision, _LEAST_PRECISION)
    cavity_mean = (mean / variance - shift) / cavity_precision
    cavity_sd = cavity_precision**-0.5
    log_mass, moved, squeezed = truncated_moments(
        (low - cavity_mean) / cavity_sd, (high - cavity_mean) / cavity_sd
    )
    wanted_variance = squeezed / cavity_precision
    wanted_mean = cavity_mean + cavity_sd * moved
    wanted_precision = np.maximum(1.0 / wanted_variance - cavity_precision, _LEAST_PRECISION)
    # in units of the marginals: how far the sites' moments are from the wanted ones
    off = np.abs(wanted_mean - mean) / np.sqrt(variance)
    off += np.abs(np.log(wanted_variance / variance))
    return _Wanted(
        wanted_precision,
        wanted_mean * (wanted_precision + cavity_precision) - cavity_mean * cavity_precision,
        log_mass
        - 0.5 * np.log(variance * cavity_precision)
        - 0.5 * (mean**2 / variance - cavity_mean**2 * cavity_precision),
        float(off.max(initial=0.0)),
    )


def _one_after_another(
    mean: Array, covariance: Array, low: Array, high: Array, start: Sites | None
) -> Sites:
    """Slower, and sure: for bounds that contradict each other, where all at once runs away."""
    m = len(mean)
    precision = np.full(m, _LEAST_PRECISION) if start is None else start.precision.copy()
    shift = precision * mean if start is None else start.shift.copy()
    last = np.inf
    for _ in range(_MOST_SWEEPS):
        moved, posterior = site_moments(mean, covariance, Sites(precision, shift, 0.0))
        for i in range(m):
            own = slice(i, i + 1)
            variance = np.maximum(np.diagonal(posterior)[own], np.finfo(float).tiny)
            wanted = _wanted(moved[own], variance, precision[own], shift[own], low[own], high[own])
            more = float(wanted.precision[0] - precision[i])
            gain = posterior[:, i] / (1.0 + more * posterior[i, i])
            moved = moved + gain * (float(wanted.shift[0] - shift[i]) - more * moved[i])
            posterior = posterior - more * np.outer(gain, posterior[i])
            precision[i], shift[i] = wanted.precision[0], wanted.shift[0]
        posterior_mean, variances, log_norm = _tilted(mean, covariance, precision, shift)
        wanted = _wanted(posterior_mean, variances, precision, shift, low, high)
        if wanted.change < TOLERANCE or 0.5 * last < wanted.change < _DIGITS_LOST:
            break
        last = wanted.change
    return Sites(precision, shift, float(wanted.log_site.sum() + log_norm))


def site_moments(mean: Array, covariance: Array, sites: Sites) -> tuple[Array, Array]:
    """Mean and covariance of the normal that stands for the box.

    Args:
        mean: Shape (m,), of the prior.
        covariance: Shape (m, m), of the prior.
        sites: As found.

    Returns:
        Shape (m,) and shape (m, m).
    """
    root = np.sqrt(sites.precision)
    factor = np.linalg.cholesky(np.eye(len(mean)) + root[:, None] * covariance * root)
    half = solve_triangular(factor, root[:, None] * covariance, lower=True, check_finite=False)
    posterior = covariance - half.T @ half
    return mean + posterior @ (sites.shift - sites.precision * mean), posterior


def _tilted(
    mean: Array, covariance: Array, precision: Array, shift: Array
) -> tuple[Array, Array, float]:
    """Marginal means and variances of prior times sites, and the log of its integral."""
    root = np.sqrt(precision)
    factor = np.linalg.cholesky(np.eye(len(mean)) + root[:, None] * covariance * root)
    half = solve_triangular(factor, root[:, None] * covariance, lower=True, check_finite=False)
    pull = shift - precision * mean
    moved = covariance @ pull - half.T @ (half @ pull)
    variance = np.diagonal(covariance) - np.einsum("ij,ij->j", half, half)
    log_norm = float(shift @ mean - 0.5 * precision @ mean**2 + 0.5 * pull @ moved) - float(
        np.log(np.diagonal(factor)).sum()
    )
    return mean + moved, np.maximum(variance, np.finfo(float).tiny), log_norm
