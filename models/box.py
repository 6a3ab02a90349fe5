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

_IDLE: Final = 12
_ROUNDING: Final = 1e-4
"""A change below this that did not halve in so many sweeps is rounding: nothing comes of more."""

_RUNAWAY: Final = 10.0
"""Once the change is this many times the least so far, sides are taken one after another."""

_LEAST_PRECISION: Final = 1e-10
"""A side that says nothing keeps this much of the prior's precision, so that its variance stays
finite."""

_SHARPEST: Final = 1e13
"""No side knows more than so many times what the prior does: rounding knows no more either."""

_SHARP: Final = 1e5
"""Of a side that knows so many times what the prior does, what the others say is lost in
differences of large numbers, and is computed without."""


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
    least = _LEAST_PRECISION / np.diagonal(covariance)
    precision = least if start is None else start.precision
    shift = precision * mean if start is None else start.shift
    step, last, nearest, halved, idle = 1.0, np.inf, np.inf, np.inf, 0
    tilted = _tilted(mean, covariance, precision, shift)
    for _ in range(_MOST_SWEEPS):
        wanted = _wanted(tilted, low, high, least)
        halved, idle = (wanted.change, 0) if wanted.change < 0.5 * halved else (halved, idle + 1)
        if wanted.change < tolerance or (idle > _IDLE and nearest < _ROUNDING):
            break
        if wanted.change > _RUNAWAY * nearest:
            return _one_after_another(mean, covariance, low, high, start)
        if wanted.change > 0.9 * last:  # all at once may overshoot: then take shorter steps
            step = max(0.7 * step, 0.1)
        last, nearest = wanted.change, min(wanted.change, nearest)
        precision = np.maximum(precision + step * (wanted.precision - precision), least)
        shift = shift + step * (wanted.shift - shift)
        tilted = _tilted(mean, covariance, precision, shift)
    return Sites(precision, shift, float(wanted.log_site.sum() + tilted.log_norm))


@dataclass(frozen=True, slots=True, eq=False)
class _Tilted:
    """Prior times sites: marginals with all sites and without each one's own (the cavity).

    Attributes:
        mean: Shape (m,).
        variance: Shape (m,), positive.
        cavity_mean: Shape (m,).
        cavity_precision: Shape (m,), positive.
        log_norm: Log of the integral, less what belongs to each site.
        log_own: Shape (m,), what belongs to each site.
    """

    mean: Array
    variance: Array
    cavity_mean: Array
    cavity_precision: Array
    log_norm: float
    log_own: Array

    def take(self, own: slice) -> "_Tilted":
        """Of some of the sides."""
        return _Tilted(
            self.mean[own],
            self.variance[own],
            self.cavity_mean[own],
            self.cavity_precision[own],
            self.log_norm,
            self.log_own[own],
        )


@dataclass(frozen=True, slots=True, eq=False)
class _Wanted:
    """Sites that would make the moments of each side right, all others held."""

    precision: Array
    shift: Array
    log_site: Array
    change: float


def _wanted(tilted: _Tilted, low: Array, high: Array, least: Array) -> _Wanted:
    """From the marginals under all sites of the sides asked for."""
    mean, variance = tilted.mean, tilted.variance
    cavity_mean, cavity_precision = tilted.cavity_mean, tilted.cavity_precision
    cavity_sd = cavity_precision**-0.5
    log_mass, moved, squeezed = truncated_moments(
        (low - cavity_mean) / cavity_sd, (high - cavity_mean) / cavity_sd
    )
    wanted_mean = cavity_mean + cavity_sd * moved
    most = least * (_SHARPEST / _LEAST_PRECISION)
    wanted_precision = np.clip(cavity_precision / squeezed - cavity_precision, least, most)
    wanted_variance = 1.0 / (wanted_precision + cavity_precision)
    # in units of the marginals: how far the sites' moments are from the wanted ones
    off = np.abs(wanted_mean - mean) / np.sqrt(variance)
    off += np.abs(np.log(wanted_variance / variance))
    return _Wanted(
        wanted_precision,
        wanted_mean * (wanted_precision + cavity_precision) - cavity_mean * cavity_precision,
        log_mass + tilted.log_own,
        float(off.max(initial=0.0)),
    )


def _one_after_another(
    mean: Array, covariance: Array, low: Array, high: Array, start: Sites | None
) -> Sites:
    """Slower, and sure: for bounds that contradict each other, where all at once runs away."""
    m = len(mean)
    least = _LEAST_PRECISION / np.diagonal(covariance)
    precision = least.copy() if start is None else start.precision.copy()
    shift = precision * mean if start is None else start.shift.copy()
    last, prior = np.inf, np.diagonal(covariance)
    for _ in range(_MOST_SWEEPS):
        moved, posterior = site_moments(mean, covariance, Sites(precision, shift, 0.0))
        for i in range(m):
            own = slice(i, i + 1)
            was_sharp = precision[i] * prior[i] > _SHARP
            if was_sharp:
                tilted = _tilted(mean, covariance, precision, shift).take(own)
            else:
                tilted = _marginals(
                    moved[own], np.diagonal(posterior)[own], precision[own], shift[own], prior[own]
                )
            wanted = _wanted(tilted, low[own], high[own], least[own])
            more = float(wanted.precision[0] - precision[i])
            pull = float(wanted.shift[0] - shift[i]) - more * moved[i]
            precision[i], shift[i] = wanted.precision[0], wanted.shift[0]
            if was_sharp:  # what the others say is lost in the difference: taken anew
                moved, posterior = site_moments(mean, covariance, Sites(precision, shift, 0.0))
            else:
                gain = posterior[:, i] / (1.0 + more * posterior[i, i])
                moved = moved + gain * pull
                posterior = posterior - more * np.outer(gain, posterior[i])
        tilted = _tilted(mean, covariance, precision, shift)
        wanted = _wanted(tilted, low, high, least)
        if wanted.change < TOLERANCE or 0.5 * last < wanted.change < _DIGITS_LOST:
            break
        last = wanted.change
    return Sites(precision, shift, float(wanted.log_site.sum() + tilted.log_norm))


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
    seen = solve_triangular(
        factor, sites.shift / root - root * mean, lower=True, check_finite=False
    )
    return mean + half.T @ seen, covariance - half.T @ half


def _tilted(mean: Array, covariance: Array, precision: Array, shift: Array) -> _Tilted:
    """Prior times sites."""
    root = np.sqrt(precision)
    factor = np.linalg.cholesky(np.eye(len(mean)) + root[:, None] * covariance * root)
    half = solve_triangular(factor, root[:, None] * covariance, lower=True, check_finite=False)
    seen = solve_triangular(factor, shift / root - root * mean, lower=True, check_finite=False)
    pull, moved = shift - precision * mean, half.T @ seen
    prior = np.diagonal(covariance)
    variance = prior - np.einsum("ij,ij->j", half, half)
    log_determinant = float(np.log(np.diagonal(factor)).sum())
    log_norm = float(shift @ mean - 0.5 * precision @ mean**2 + 0.5 * pull @ moved)
    plain = _marginals(mean + moved, variance, precision, shift, prior, log_norm - log_determinant)
    if (is_sharp := precision * prior > _SHARP).any():
        return _without_differences(
            plain, is_sharp, np.asarray(factor, dtype=np.float64), seen, precision, shift
        )
    return plain


def _marginals(
    mean: Array, variance: Array, precision: Array, shift: Array, prior: Array, norm: float = 0.0
) -> _Tilted:
    """With and without each one's own site, by differences."""
    # Rounding may leave nothing of a variance, or less, and a cavity less than the prior knows.
    variance = np.maximum(variance, np.finfo(float).eps * prior)
    cavity_precision = np.maximum(1.0 / variance - precision, 1.0 / prior)
    cavity_mean = (mean / variance - shift) / cavity_precision
    own = -0.5 * np.log(variance * cavity_precision) - 0.5 * (
        mean**2 / variance - cavity_mean**2 * cavity_precision
    )
    return _Tilted(mean, variance, cavity_mean, cavity_precision, norm, own)


def _without_differences(
    plain: _Tilted,
    is_sharp: NDArray[np.bool_],
    factor: Array,
    seen: Array,
    precision: Array,
    shift: Array,
) -> _Tilted:
    r"""The same, those of sharp sides as of readings with known errors.

    A site stands for a reading :math:`s_i / p_i` with the error :math:`p_i^{-1/2}`, and the cavity
    is what all other readings say of it:

    .. math:: 1 - p_i v_i = [B^{-1}]_{ii}, \quad B = I + P^{1/2} C P^{1/2}

    References:
        Rasmussen & Williams (2006), equations 3.65 and 5.12.
    """
    root = np.sqrt(precision)
    inverse = solve_triangular(factor, np.eye(len(factor)), lower=True, check_finite=False)
    left = np.einsum("ij,ij->j", inverse, inverse)
    share = np.where(is_sharp, left, 0.5)  # of others nothing is used
    cavity_precision = np.where(is_sharp, precision * share / (1.0 - share), plain.cavity_precision)
    cavity_mean = np.where(
        is_sharp, (shift - root * (inverse.T @ seen) / share) / precision, plain.cavity_mean
    )
    both = precision + cavity_precision
    reading = shift / precision
    own = 0.5 * np.log1p(precision / cavity_precision) + 0.5 * (
        (cavity_mean - reading) ** 2 * precision * cavity_precision / both
    )
    return _Tilted(
        np.where(is_sharp, (shift + cavity_precision * cavity_mean) / both, plain.mean),
        np.where(is_sharp, 1.0 / both, plain.variance),
        cavity_mean,
        cavity_precision,
        -float(np.log(np.diagonal(factor)).sum()) - 0.5 * float(seen @ seen),
        own,
    )
