"""The region not yet dominated, cut into boxes, for many posterior draws at once.

BoTorch cuts one front at a time in Python, milliseconds each; a noisy hypervolume needs one
front a draw. Here all draws are cut together: every front point splits the boxes it reaches
into at most m disjoint ones outside its shadow.
"""

from typing import Final

import numpy as np
from numpy.typing import NDArray

Vector = NDArray[np.float64]
Draws = NDArray[np.float64]


def is_front(draws: Draws, reference: Vector) -> NDArray[np.bool_]:
    """Which rows are better than the reference and dominated by no other row, in each draw.

    Args:
        draws: Shape (S, n, m), utilities; larger is better.
        reference: Shape (m,).

    Returns:
        Shape (S, n). Of equal rows the first counts.

    Examples:
        >>> is_front(np.array([[[1.0, 2.0], [2.0, 1.0], [1.0, 1.0]]]), np.zeros(2)).tolist()
        [[True, True, False]]
    """
    counts = np.asarray((draws > reference).all(axis=-1))
    n, m = draws.shape[1:]
    # Best in the first objective first, so that only an earlier row can beat a later one. Draws
    # lie along the last axis: each row is compared with all later ones of all draws at once.
    order = np.lexsort([-draws[..., k] for k in reversed(range(m))], axis=-1)
    sorted_ = np.take_along_axis(draws, order[..., None], axis=1).transpose(2, 1, 0).copy()
    left = np.take_along_axis(counts, order, axis=1).T.copy()
    for row in range(n - 1):
        beaten = np.repeat(left[row, None], n - row - 1, axis=0)
        for k in range(1, m):
            beaten &= sorted_[k, row + 1 :] <= sorted_[k, row]
        left[row + 1 :] &= ~beaten
    front = np.zeros_like(counts)
    np.put_along_axis(front, order, left.T, axis=1)
    return front


N_SIEVES: Final = 16
"""So many good rows are tried on all others, draw by draw."""


def unbeaten_by_few(draws: Draws) -> NDArray[np.bool_]:
    """Rows that a few good rows do not beat; all that no row beats are among them.

    Args:
        draws: Shape (S, n, m), finite utilities.

    Returns:
        Shape (S, n).
    """
    left, scenario = np.ones(draws.shape[:2], dtype=bool), np.arange(len(draws))
    goodness = draws.sum(axis=-1)
    for _ in range(N_SIEVES):
        best = goodness.argmax(axis=1)
        good = draws[scenario, best][:, None, :]
        is_real = np.isfinite(goodness[scenario, best])[:, None]
        beaten = (good >= draws).all(axis=-1) & (good > draws).any(axis=-1) & is_real
        left &= ~beaten
        goodness[beaten] = -np.inf
        goodness[scenario, best] = -np.inf
    return left


def front_rows(draws: Draws, reference: Vector) -> Draws:
    """The rows on the front of each draw.

    Args:
        draws: Shape (S, n, m), utilities.
        reference: Shape (m,).

    Returns:
        Shape (S, f, m), filled up with minus infinity.
    """
    front = is_front(draws, reference)
    order = np.argsort(~front, axis=1, kind="stable")[:, : int(front.sum(axis=1).max(initial=0))]
    rows = np.take_along_axis(draws, order[..., None], axis=1)
    is_real = np.take_along_axis(front, order, axis=1)
    return np.where(is_real[..., None], rows, -np.inf)


def open_cells(draws: Draws, reference: Vector) -> tuple[Draws, Draws]:
    """Disjoint boxes that fill what is better than the reference and not dominated.

    Args:
        draws: Shape (S, n, m), utilities; n may be 0.
        reference: Shape (m,).

    Returns:
        Lower and upper corners, each of shape (S, c, m); the outermost corners are infinite. A
        draw with fewer boxes than c is filled up with boxes of no size at the reference.

    Examples:
        >>> lower, upper = open_cells(np.array([[[1.0, 1.0]]]), np.zeros(2))
        >>> lower.tolist()
        [[[1.0, 0.0], [0.0, 1.0]]]
    """
    front = _sorted_front(draws, reference)
    draw = np.arange(len(draws))
    lower = np.tile(np.asarray(reference, dtype=float), (len(draws), 1))
    upper = np.full_like(lower, np.inf)
    for k in range(front.shape[1]):
        draw, lower, upper = _split(draw, lower, upper, front[draw, k])
    return _padded(draw, lower, upper, len(draws), reference)


def _sorted_front(draws: Draws, reference: Vector) -> Draws:
    """Front points of each draw, extreme ones first (fewer boxes), filled up with -infinity."""
    if draws.shape[1] == 0:
        return draws
    front = is_front(draws, reference)
    points = np.where(front[..., None], draws, -np.inf)
    extent = points.max(axis=(0, 1)) - reference
    extent = np.where(np.isfinite(extent), extent, 1.0)
    level = ((points - reference) / extent).max(axis=-1)
    order = np.argsort(-level, axis=1, kind="stable")[:, : int(front.sum(axis=1).max())]
    return np.take_along_axis(points, order[..., None], axis=1)


def _split(
    draw: NDArray[np.intp], lower: Draws, upper: Draws, point: Draws
) -> tuple[NDArray[np.intp], Draws, Draws]:
    reached = (lower < point).all(axis=1)
    draws, lowers, uppers = [draw[~reached]], [lower[~reached]], [upper[~reached]]
    owner, low, high, corner = draw[reached], lower[reached], upper[reached], point[reached]
    for j in range(lower.shape[1]):
        # the slab above the point in objective j, below it in the objectives before
        beyond = high[:, j] > corner[:, j]
        slab = low[beyond].copy()
        slab[:, j] = corner[beyond, j]
        draws.append(owner[beyond])
        lowers.append(slab)
        uppers.append(high[beyond].copy())
        high[:, j] = np.minimum(high[:, j], corner[:, j])
    return np.concatenate(draws), np.concatenate(lowers), np.concatenate(uppers)


def _padded(
    draw: NDArray[np.intp], lower: Draws, upper: Draws, n_draws: int, reference: Vector
) -> tuple[Draws, Draws]:
    order = np.argsort(draw, kind="stable")
    draw, lower, upper = draw[order], lower[order], upper[order]
    counts = np.bincount(draw, minlength=n_draws)
    place = np.arange(len(draw)) - np.repeat(np.cumsum(counts) - counts, counts)
    shape = (n_draws, int(counts.max()), lower.shape[1])
    lowers = np.broadcast_to(reference, shape).astype(float)
    uppers = lowers.copy()
    lowers[draw, place], uppers[draw, place] = lower, upper
    return lowers, uppers
