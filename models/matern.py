r"""The Matérn-5/2 correlation with one length scale per dimension, and its slope.

.. math:: k(r) = (1 + \sqrt5 r + \tfrac53 r^2)\, e^{-\sqrt5 r},\qquad
          r^2 = \sum_d (x_d - x'_d)^2 / \ell_d^2
"""

from math import sqrt
from typing import Final

import numpy as np
from numpy.typing import NDArray

_SQRT5: Final = sqrt(5.0)

Array = NDArray[np.float64]


def squared_differences(x: Array) -> Array:
    """Squared differences of all pairs of rows, dimension by dimension.

    Args:
        x: Shape (n, d).

    Returns:
        Shape (d, n, n).
    """
    difference: Array = x.T[:, :, None] - x.T[:, None, :]
    return difference**2


def correlation(left: Array, right: Array, lengthscales: Array) -> Array:
    """Matérn-5/2 correlation of every row of ``left`` with every row of ``right``.

    Args:
        left: Shape (n, d).
        right: Shape (m, d).
        lengthscales: Shape (d,), in units of the columns.

    Returns:
        Shape (n, m), in (0, 1].

    References:
        Rasmussen & Williams, Gaussian Processes for Machine Learning (2006), eq. 4.17.

    Examples:
        >>> correlation(np.array([[0.0]]), np.array([[0.0], [0.6]]), np.array([0.6])).round(3)
        array([[1.   , 0.524]])
    """
    # Distances from a common origin inside the data lose least to cancellation.
    origin = right[0] if len(right) else np.zeros(left.shape[1])
    a, b = (left - origin) / lengthscales, (right - origin) / lengthscales
    r2 = (a**2).sum(1)[:, None] + (b**2).sum(1)[None, :] - 2 * a @ b.T
    return correlation_of_squares(np.maximum(r2, 0.0))


def correlation_of_squares(r2: Array) -> Array:
    """The correlation at squared scaled distances ``r2``, elementwise.

    Args:
        r2: Any shape, not negative.

    Returns:
        Same shape.
    """
    root = _SQRT5 * np.sqrt(r2)
    return (1.0 + root + (5.0 / 3.0) * r2) * np.exp(-root)


def slope_of_squares(r2: Array) -> Array:
    r"""Slope factor g of the correlation: :math:`\partial k/\partial\ln\ell_d = g\,r_d^2`.

    .. math:: g = \tfrac53 (1 + \sqrt5 r)\, e^{-\sqrt5 r}

    Args:
        r2: Any shape, not negative.

    Returns:
        Same shape.
    """
    root = _SQRT5 * np.sqrt(r2)
    return (5.0 / 3.0) * (1.0 + root) * np.exp(-root)
