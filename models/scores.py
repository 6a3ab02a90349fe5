r"""How good a normal prediction was: pure mathematics of single readings, no tables.

Letters: y a reading, m and s centre and standard deviation of its prediction, z = (y - m)/s.
All on the property's scale, elementwise; s > 0. Phi is the standard normal distribution function.
"""

from hashlib import sha256
from math import log, pi, sqrt
from typing import Final

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.special import log_ndtr, ndtr

Array = NDArray[np.float64]

_LOG_ROOT_2_PI: Final = 0.5 * log(2 * pi)


def log_density(y: ArrayLike, centre: ArrayLike, sd: ArrayLike) -> Array:
    r"""Log predictive density, :math:`-z^2/2 - \ln s - \ln\sqrt{2\pi}`.

    Args:
        y: Reading.
        centre: Predicted centre.
        sd: Predicted standard deviation of a reading.

    Returns:
        Log of a density per unit of the scale; higher is better.

    References:
        Gneiting & Raftery, J. Am. Stat. Assoc. 102 (2007) 359, doi:10.1198/016214506000001437.

    Examples:
        >>> log_density(0.0, 0.0, 1.0).round(4)
        np.float64(-0.9189)
    """
    z, s = _standard(y, centre, sd)
    return np.asarray(-0.5 * z**2 - np.log(s) - _LOG_ROOT_2_PI)


def crps(y: ArrayLike, centre: ArrayLike, sd: ArrayLike) -> Array:
    r"""Continuous ranked probability score of a normal prediction.

    .. math:: s\,[z(2\Phi(z) - 1) + 2\varphi(z) - 1/\sqrt\pi]

    Args:
        y: Reading.
        centre: Predicted centre.
        sd: Predicted standard deviation of a reading.

    Returns:
        In units of the scale, not below 0; lower is better. Tends to |y - m| as s tends to 0.

    References:
        Gneiting, Raftery, Westveld & Goldman, Mon. Weather Rev. 133 (2005) 1098,
        doi:10.1175/MWR2904.1.

    Examples:
        >>> crps(0.0, 0.0, 1.0).round(4)
        np.float64(0.2337)
    """
    z, s = _standard(y, centre, sd)
    density = np.exp(-0.5 * z**2 - _LOG_ROOT_2_PI)
    return np.asarray(s * (z * (2 * ndtr(z) - 1) + 2 * density - 1 / sqrt(pi)))


def pit(y: ArrayLike, centre: ArrayLike, sd: ArrayLike) -> Array:
    """Probability integral transform, Phi(z): uniform when predictions are calibrated.

    Args:
        y: Reading.
        centre: Predicted centre.
        sd: Predicted standard deviation of a reading.

    Returns:
        0 to 1.

    References:
        Gneiting, Balabdaoui & Raftery, J. R. Stat. Soc. B 69 (2007) 243,
        doi:10.1111/j.1467-9868.2007.00587.x.

    Examples:
        >>> float(pit(1.0, 1.0, 0.2))
        0.5
    """
    return np.asarray(ndtr(_standard(y, centre, sd)[0]))


def log_interval_probability(
    low: ArrayLike, high: ArrayLike, centre: ArrayLike, sd: ArrayLike
) -> Array:
    r"""Log probability that a reading lies between two bounds.

    .. math:: \ln[\Phi(b) - \Phi(a)], \quad a = (l - m)/s,\; b = (u - m)/s

    Computed in the tail where the digits are, so that it stays finite far beyond a bound.

    Args:
        low: Lower bound; minus infinity when open.
        high: Upper bound, above ``low``; infinity when open.
        centre: Predicted centre.
        sd: Predicted standard deviation of a reading.

    Returns:
        At most 0; higher is better.

    Examples:
        >>> log_interval_probability(-np.inf, 0.0, 0.0, 1.0).round(4)
        np.float64(-0.6931)
        >>> log_interval_probability(40.0, np.inf, 0.0, 1.0).round(1)
        np.float64(-804.6)
    """
    log_low, log_high, _ = _log_tails(low, high, centre, sd)
    difference = np.minimum(log_low - log_high, -np.finfo(float).tiny)
    near = difference > -log(2)
    share = np.where(
        near,
        np.log(-np.expm1(np.where(near, difference, -1.0))),
        np.log1p(-np.exp(np.where(near, -1.0, difference))),
    )
    return np.asarray(log_high + share)


def randomised_pit(
    low: ArrayLike, high: ArrayLike, centre: ArrayLike, sd: ArrayLike, share: ArrayLike
) -> Array:
    """PIT of a censored reading: a point between the distribution function at its ends.

    With a uniform ``share`` the PITs of a calibrated model are uniform whatever is censored.

    Args:
        low: Lower bound; minus infinity when open.
        high: Upper bound, above ``low``; infinity when open.
        centre: Predicted centre.
        sd: Predicted standard deviation of a reading.
        share: Uniform draw, 0 to 1.

    Returns:
        0 to 1.

    References:
        Czado, Gneiting & Held, Biometrics 65 (2009) 1254, doi:10.1111/j.1541-0420.2009.01191.x.

    Examples:
        >>> float(randomised_pit(-np.inf, 0.0, 0.0, 1.0, 0.5))
        0.25
    """
    log_low, log_high, mirrored = _log_tails(low, high, centre, sd)
    below = np.exp(log_low)
    inside = below + np.asarray(share, dtype=float) * (np.exp(log_high) - below)
    return np.asarray(np.where(mirrored, 1.0 - inside, inside))


def share_of(key: str) -> float:
    """A uniform number that belongs to a text: the same on every machine, in any order.

    Args:
        key: Names the reading.

    Returns:
        0 to 1.

    Examples:
        >>> share_of("S01") == share_of("S01") != share_of("S02")
        True
    """
    seed = int.from_bytes(sha256(key.encode()).digest()[:8], "big")
    return float(np.random.default_rng(seed).random())


def _standard(y: ArrayLike, centre: ArrayLike, sd: ArrayLike) -> tuple[Array, Array]:
    s = np.asarray(sd, dtype=float)
    return (np.asarray(y, dtype=float) - np.asarray(centre, dtype=float)) / s, s


def _log_tails(
    low: ArrayLike, high: ArrayLike, centre: ArrayLike, sd: ArrayLike
) -> tuple[Array, Array, NDArray[np.bool_]]:
    """Log distribution function at both ends, mirrored where the interval lies above the centre."""
    a, b = _standard(low, centre, sd)[0], _standard(high, centre, sd)[0]
    mirrored = a > 0
    a, b = np.where(mirrored, -b, a), np.where(mirrored, -a, b)
    return np.asarray(log_ndtr(a)), np.asarray(log_ndtr(b)), mirrored
