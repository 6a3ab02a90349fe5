"""Hypervolume of many fronts at once by slices: quick for up to three objectives."""

import numpy as np
from numpy.typing import NDArray

from optimizer.hypervolume import hypervolume_draws
from optimizer.slab_volumes import SLICED_UP_TO, slab_volumes

Vector = NDArray[np.float64]


def sliced_hypervolume(points: Vector, reference: Vector) -> Vector:
    """Hypervolume of each of S sets of points.

    Up to three objectives it is taken in slabs; above, boxes are cut.

    Args:
        points: Shape (S, n, m), utilities; n may be 0.
        reference: Shape (m,), utilities.

    Returns:
        Shape (S,).

    Examples:
        >>> sliced_hypervolume(np.array([[[2.0, 1.0], [1.0, 2.0]]]), np.zeros(2)).tolist()
        [3.0]
    """
    if points.shape[2] > SLICED_UP_TO:
        return hypervolume_draws(points, reference)
    return slab_volumes(points, reference)
