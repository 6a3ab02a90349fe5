"""The last stretch of a search: uphill along numbers that may take any value."""

from collections.abc import Callable
from typing import Final

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize

Array = NDArray[np.float64]
Slopes = Callable[[Array], tuple[Array, Array]]

MOST_STEPS: Final = 30


def ascended(slopes: Slopes, start: Array, free: NDArray[np.intp]) -> Array:
    """Rows moved uphill in some coordinates, all at once.

    The sum over rows is climbed: its gradient is each row's own, so that P climbs cost one.

    Args:
        slopes: Rows of the unit cube, shape (P, d), to values (P,) and gradients (P, d).
        start: Shape (P, d); values must be finite there.
        free: Coordinates that may move, within 0 and 1.

    Returns:
        Shape (P, d); the start where it could not be bettered.

    Examples:
        >>> def hill(x):
        ...     return -((x - 0.3) ** 2).sum(axis=1), -2 * (x - 0.3)
        >>> ascended(hill, np.array([[0.9, 0.5]]), np.array([0])).round(3)
        array([[0.3, 0.5]])
    """

    def loss(flat: Array) -> tuple[float, Array]:
        rows = start.copy()
        rows[:, free] = flat.reshape(len(start), len(free))
        value, gradient = slopes(rows)
        # a row that left what can be reached is pulled back by its start's value
        known = np.isfinite(value) & np.isfinite(gradient).all(axis=1)
        total = np.where(known, value, floor).sum()
        return -float(total), -np.where(known[:, None], gradient[:, free], 0.0).ravel()

    before = slopes(start)[0]
    floor = float(before.min()) - 100.0
    found = minimize(
        loss,
        start[:, free].ravel(),
        jac=True,
        method="L-BFGS-B",
        bounds=[(0.0, 1.0)] * (len(start) * len(free)),
        options={"maxiter": MOST_STEPS, "ftol": 1e-7, "gtol": 1e-4},
    )
    end = start.copy()
    end[:, free] = np.clip(found.x.reshape(len(start), len(free)), 0.0, 1.0)
    after = slopes(end)[0]
    return np.where((after > before)[:, None], end, start)
