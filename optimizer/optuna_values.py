"""Values of trials as the engine can learn from them: standardised, sifted, the best of them."""

from dataclasses import dataclass
from typing import final

import numpy as np
from numpy.typing import NDArray

Vector = NDArray[np.float64]


@final
@dataclass(frozen=True, slots=True)
class Standard:
    """Columns brought to mean 0 and standard deviation 1, whatever their size.

    Attributes:
        standard: Shape (n, m), finite.
        largest: Shape (m,), by which columns were divided first, so that nothing overflows.
        centre: Shape (m,), of the divided columns.
        width: Shape (m,), of the divided columns.

    Examples:
        >>> Standard.of(np.array([[1.0], [3.0], [np.inf]])).standard.round(2).ravel().tolist()
        [-1.41, 0.71, 0.71]
    """

    standard: Vector
    largest: Vector
    centre: Vector
    width: Vector

    @classmethod
    def of(cls, values: Vector) -> "Standard":
        """Of n rows of m values, infinite ones allowed."""
        finite = np.where(np.isfinite(values), values, np.nan)
        has_any = np.isfinite(values).any(axis=0)
        filled = np.where(has_any, finite, 0.0)
        low, high = np.nanmin(filled, axis=0), np.nanmax(filled, axis=0)
        largest = np.maximum(np.abs(low), np.abs(high))
        largest = np.where(largest > 0, largest, 1.0)
        part = np.clip(values, low, high) / largest
        spread = part.std(axis=0)
        width = np.where((high > low) & (spread > 0), spread, 1.0)
        centre = part.mean(axis=0)
        return cls((part - centre) / width, largest, centre, width)

    def at(self, point: Vector) -> Vector:
        """A point of m values on the same footing."""
        return np.asarray((point / self.largest - self.centre) / self.width)


def informative(utility: Vector, broken: Vector, n: int) -> NDArray[np.intp]:
    """Which rows to keep when there are more than n: the best half and the latest half.

    Args:
        utility: Shape (N, m), larger is better, oldest first.
        broken: Shape (N,), by how much constraints are broken.
        n: Rows kept.

    Returns:
        Positions in order; all when there are no more than n.

    Examples:
        >>> informative(np.array([[9.0], [1.0], [2.0], [3.0]]), np.zeros(4), 2).tolist()
        [0, 3]
    """
    total = len(utility)
    if total <= n:
        return np.arange(total)
    kept, left = list[int](), np.flatnonzero(broken <= 0)
    if utility.shape[1] == 1:
        kept, left = left[np.argsort(-utility[left, 0], kind="stable")].tolist(), left[:0]
    while len(kept) < n // 2 and len(left):
        is_best = on_front(utility[left])
        kept, left = [*kept, *left[is_best].tolist()], left[~is_best]
    # where too few keep the constraints, those that nearly do
    kept += [i for i in np.argsort(broken, kind="stable").tolist() if broken[i] > 0]
    best = set(kept[: n // 2])
    latest = [i for i in range(total - 1, -1, -1) if i not in best]
    return np.array(sorted([*best, *latest[: n - len(best)]]), dtype=np.intp)


def on_front(utility: Vector) -> NDArray[np.bool_]:
    """Rows that no other row beats; of equal ones the first. Thousands of rows are no trouble.

    Args:
        utility: Shape (n, m), larger is better.

    Returns:
        Shape (n,).

    Examples:
        >>> on_front(np.array([[1.0, 2.0], [2.0, 1.0], [1.0, 1.0]])).tolist()
        [True, True, False]
    """
    is_best = np.zeros(len(utility), dtype=bool)
    for i in np.argsort(-utility.sum(axis=1), kind="stable"):
        if not (utility[is_best] >= utility[i]).all(axis=1).any():
            is_best[i] = True
    return is_best
