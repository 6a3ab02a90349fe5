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


def spread_groups(x: Array, group: NDArray[np.intp], n: int) -> NDArray[np.intp]:
    """Rows of whole groups, each group the farthest from those taken before it.

    Args:
        x: Shape (N, d), in canonical order.
        group: Shape (N,), number of the group of each row; a row of -1 is a group of its own.
        n: How many rows to take at most; of a first group that is larger, its first n.

    Returns:
        Sorted positions, at most n: where the next group would be too many, it ends.

    Examples:
        >>> spread_groups(np.array([[0.0], [0.1], [0.9], [1.0]]), np.array([0, 0, 1, 1]), 3)
        array([0, 1])
    """
    number = np.where(group < 0, group.max(initial=-1) + 1 + np.arange(len(x)), group)
    _, first, number = np.unique(number, return_index=True, return_inverse=True)
    place = np.argsort(np.argsort(first, kind="stable"), kind="stable")[number]
    counts = np.bincount(place)
    centres = np.column_stack([np.bincount(place, column) for column in x.T]) / counts[:, None]
    taken = np.zeros(len(counts), dtype=bool)
    distance, free, following = np.full(len(counts), np.inf), n, 0
    while not taken.all() and counts[following] <= free:
        taken[following] = True
        free -= int(counts[following])
        distance = np.minimum(distance, ((centres - centres[following]) ** 2).sum(axis=1))
        following = int(np.where(taken, -1.0, distance).argmax())
    if not taken.any():
        return np.flatnonzero(place == 0)[:n]
    return np.flatnonzero(taken[place])
