"""Moments of a standard normal cut to an interval, however far out or narrow it is."""

from typing import Final

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]

_NODES, _WEIGHTS = np.polynomial.legendre.leggauss(48)

_E_FOLDS: Final = 40.0
"""The density is followed down to exp(-40) of its highest value within the interval."""


def truncated_moments(low: Array, high: Array) -> tuple[Array, Array, Array]:
    """Log mass, mean and variance of a standard normal between two bounds.

    Gauss-Legendre quadrature over the part of the interval that carries the mass: one rule
    for tails, narrow and wide intervals alike, without differences of nearly equal numbers.

    Args:
        low: Shape (m,), lower bounds, may be minus infinity.
        high: Shape (m,), upper bounds above ``low``, may be infinite.

    Returns:
        Three arrays of shape (m,): log mass, mean, variance (positive).

    Examples:
        >>> log_mass, mean, variance = truncated_moments(np.array([0.0]), np.array([np.inf]))
        >>> [round(float(value), 4) for value in (np.exp(log_mass[0]), mean[0], variance[0])]
        [0.5, 0.7979, 0.3634]
    """
    peak = np.clip(0.0, low, high)
    # lengths from the peak, not differences of ends: far out the mass lies within 40 / peak
    reach = 2 * _E_FOLDS / (np.hypot(peak, np.sqrt(2 * _E_FOLDS)) + np.abs(peak))
    back, ahead = np.minimum(peak - low, reach), np.minimum(high - peak, reach)
    # bounds that rounding has made one, seen from far away, are still apart: away from the peak
    least = np.minimum(np.spacing(np.maximum(np.abs(peak), 1.0)), reach)
    is_one = back + ahead < least
    back = np.where(is_one & (peak < 0), least, back)
    ahead = np.where(is_one & (peak >= 0), least, ahead)
    half = 0.5 * (back + ahead)
    step = half[:, None] * (_NODES + 1.0)
    from_peak = step - back[:, None]
    density = np.exp(-0.5 * from_peak * (from_peak + 2.0 * peak[:, None])) * _WEIGHTS
    mass = density.sum(axis=1)
    shift = (density * step).sum(axis=1) / mass
    variance = (density * (step - shift[:, None]) ** 2).sum(axis=1) / mass
    log_mass = np.log(mass * half) - 0.5 * peak**2 - 0.5 * np.log(2 * np.pi)
    return log_mass, peak + (shift - back), variance
