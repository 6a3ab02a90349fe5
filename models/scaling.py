"""Features to the unit cube, by ranges that are written down rather than learned."""

from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import ArrayLike, NDArray

from features.errors import SpaceError

Ranges = Mapping[str, tuple[float, float]]


def checked_ranges(names: Sequence[str], ranges: Ranges) -> dict[str, tuple[float, float]]:
    """The range of each feature, in the order of ``names``.

    Args:
        names: Features, in order.
        ranges: Low and high end by feature.

    Returns:
        A plain dictionary in that order.

    Raises:
        SpaceError: If a range is missing, of an unknown feature, or empty.

    Examples:
        >>> checked_ranges(["x"], {"x": (0, 0.6)})
        {'x': (0.0, 0.6)}
    """
    if set(names) != set(ranges):
        odd = ", ".join(sorted(set(names) ^ set(ranges)))
        raise SpaceError(
            f"ranges: there must be one range for each of {', '.join(names)}, "
            f"got too many or too few ({odd}); use these names"
        )
    for name in names:
        low, high = ranges[name]
        if not (np.isfinite(low) and np.isfinite(high) and low < high):
            raise SpaceError(
                f"ranges: {name} must go from a lower to a higher number, got {low} to {high}; "
                "give its two ends"
            )
    return {name: (float(ranges[name][0]), float(ranges[name][1])) for name in names}


def in_unit_cube(values: ArrayLike, ranges: Ranges) -> NDArray[np.float64]:
    """Features scaled so that each range becomes 0 to 1; values outside go outside.

    Args:
        values: Shape (..., d), last axis in the order of ``ranges``.
        ranges: Low and high end by feature.

    Returns:
        Same shape, dimensionless.

    Examples:
        >>> in_unit_cube([[0.3]], {"x": (0.0, 0.6)})
        array([[0.5]])
    """
    low, high = np.array(list(ranges.values()), dtype=float).T
    scaled: NDArray[np.float64] = (np.asarray(values, dtype=float) - low) / (high - low)
    return scaled
