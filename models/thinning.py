"""Some rows that stand for many: spread as evenly over the recipes as can be."""

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]


def spread_rows(x: Array, n: int) -> NDArray[np.intp]:
    """Rows of which each was the farthest from those taken before it.

    Args:
        x: Shape (N, d), in canonical order.
        n: How many to take; repeats of a recipe come only when all recipes are taken.

    Returns:
        Shape (min(n, N),), sorted positions.

    References:
        Gonzalez, Theor. Comput. Sci. 38 (1985) 293.

    Examples:
        >>> spread_rows(np.array([[0.0], [0.1], [0.9], [1.0]]), 2)
        array([0, 3])
    """
    taken = np.zeros(len(x), dtype=bool)
    distance = np.full(len(x), np.inf)
    row = 0
    for _ in range(min(n, len(x))):
        taken[row] = True
        distance = np.minimum(distance, ((x - x[row]) ** 2).sum(axis=1))
        row = int(np.where(taken, -1.0, distance).argmax())
    return np.flatnonzero(taken)
