"""Hypervolume of up to three objectives slab by slab: quick for many rows and many draws."""

from typing import Final

import numpy as np
from numpy.typing import NDArray

Vector = NDArray[np.float64]

SLICED_UP_TO: Final = 3


def slab_volumes(points: Vector, reference: Vector) -> Vector:
    """Hypervolume of each of S sets of points.

    The first objective is swept downwards; between two points it is the slab's thickness times
    the area that the points above it dominate in the other two.

    Args:
        points: Shape (S, n, m), utilities; n may be 0, m at most 3.
        reference: Shape (m,), utilities.

    Returns:
        Shape (S,).

    Examples:
        >>> slab_volumes(np.array([[[2.0, 1.0], [1.0, 2.0]]]), np.zeros(2)).tolist()
        [3.0]
    """
    n_sets, n, m = points.shape
    above = np.ones((n_sets, n, SLICED_UP_TO))  # an objective that is lacking is 1 everywhere
    above[..., :m] = np.maximum(points - reference, 0.0)
    volume = np.zeros(n_sets)
    if n == 0:
        return volume
    order = np.argsort(-above[..., 0], axis=1)
    above = np.take_along_axis(above, order[..., None], axis=1)
    thickness = above[..., 0] - np.pad(above[:, 1:, 0], ((0, 0), (0, 1)))
    by_second = np.argsort(-above[..., 1], axis=1)
    second = np.take_along_axis(above[..., 1], by_second, axis=1)
    third = np.take_along_axis(above[..., 2], by_second, axis=1)
    width = second - np.pad(second[:, 1:], ((0, 0), (0, 1)))
    for level in range(n):
        height = np.maximum.accumulate(np.where(by_second <= level, third, 0.0), axis=1)
        volume += thickness[:, level] * np.einsum("sn,sn->s", width, height)
    return volume
