r"""Stationary correlations with one length scale per dimension, and their slopes.

With :math:`r^2 = \sum_d (x_d - x'_d)^2 / \ell_d^2`:

.. math:: k_{5/2}(r) = (1 + \sqrt5 r + \tfrac53 r^2)\, e^{-\sqrt5 r},\quad
          k_{3/2}(r) = (1 + \sqrt3 r)\, e^{-\sqrt3 r},\quad k_{rbf}(r) = e^{-r^2/2}
"""

from math import sqrt
from typing import Final, Literal

import numpy as np
from numpy.typing import NDArray

Kernel = Literal["matern52", "matern32", "rbf"]

_SQRT3: Final = sqrt(3.0)
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


def correlation(
    left: Array, right: Array, lengthscales: Array, kernel: Kernel = "matern52"
) -> Array:
    """Correlation of every row of ``left`` with every row of ``right``.

    Args:
        left: Shape (n, d).
        right: Shape (m, d).
        lengthscales: Shape (d,), in units of the columns.
        kernel: Which one.

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
    return correlation_of_squares(np.maximum(r2, 0.0), kernel)


def correlation_of_squares(r2: Array, kernel: Kernel = "matern52") -> Array:
    """The correlation at squared scaled distances ``r2``, elementwise.

    Args:
        r2: Any shape, not negative.
        kernel: Which one.

    Returns:
        Same shape.
    """
    if kernel == "rbf":
        return np.exp(-0.5 * r2)
    if kernel == "matern32":
        root = _SQRT3 * np.sqrt(r2)
        return (1.0 + root) * np.exp(-root)
    root = _SQRT5 * np.sqrt(r2)
    return (1.0 + root + (5.0 / 3.0) * r2) * np.exp(-root)


def slope_of_squares(r2: Array, kernel: Kernel = "matern52") -> Array:
    r"""Slope factor g of the correlation: :math:`\partial k/\partial\ln\ell_d = g\,r_d^2`.

    Args:
        r2: Any shape, not negative.
        kernel: Which one.

    Returns:
        Same shape.
    """
    if kernel == "rbf":
        return np.exp(-0.5 * r2)
    if kernel == "matern32":
        return 3.0 * np.exp(-_SQRT3 * np.sqrt(r2))
    root = _SQRT5 * np.sqrt(r2)
    return (5.0 / 3.0) * (1.0 + root) * np.exp(-root)
