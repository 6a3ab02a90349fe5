"""Hypervolume: how much is dominated, measured from a reference point."""

from typing import Final

import numpy as np
from numpy.typing import ArrayLike, NDArray

from features.errors import SpaceError
from optimizer.cells import front_rows, open_cells
from optimizer.slab_volumes import SLICED_UP_TO, slab_volumes

Vector = NDArray[np.float64]

MANY_ROWS: Final = 64
"""Of more rows the volume is taken in slabs, not in boxes, whose number grows with the square."""


def hypervolume(points: ArrayLike, reference: ArrayLike) -> float:
    """Volume that is at least as bad as one of the points and better than the reference.

    Exact for any number of objectives; meant for up to five.

    Args:
        points: Shape (n, m), utilities; larger is better. n may be 0.
        reference: Shape (m,), utilities.

    Returns:
        In products of utility units; 0 where no point is better than the reference.

    Raises:
        SpaceError: If points and reference do not have the same m, or one is not finite.

    References:
        Fonseca, Paquete & Lopez-Ibanez 2006, doi:10.1109/CEC.2006.1688440 (as in BoTorch).

    Examples:
        >>> hypervolume([[2.0, 1.0], [1.0, 2.0]], [0.0, 0.0])
        3.0
    """
    corner = np.asarray(reference, dtype=float)
    array = np.asarray(points, dtype=float)
    array = array.reshape(0, corner.size) if array.size == 0 else array
    _require_same_m(array, corner, ndim=2)
    array = array[(array > corner).all(axis=1)]
    if corner.size == 1:
        return float(array.max() - corner[0]) if len(array) else 0.0
    if len(array) > MANY_ROWS and corner.size <= SLICED_UP_TO:
        return float(slab_volumes(array[None], corner)[0])
    # equal points confuse the sweep, dominated ones only slow it down
    return _swept(np.unique(array, axis=0), corner) if len(array) else 0.0


def _swept(front: Vector, corner: Vector) -> float:
    import torch  # 2 s with BoTorch: only for who measures a front
    from botorch.utils.multi_objective.hypervolume import Hypervolume

    sweep = Hypervolume(torch.as_tensor(corner))
    return float(sweep.compute(torch.as_tensor(front, dtype=torch.float64)))


def hypervolume_draws(draws: ArrayLike, reference: ArrayLike) -> Vector:
    """Hypervolume of each posterior draw, all draws at once.

    Few rows, or many objectives, are measured by what is free in the box from the reference to the
    best of each objective; the error is then up to 1e-13 of that box.

    Args:
        draws: Shape (S, n, m), utilities. n may be 0.
        reference: Shape (m,), utilities.

    Returns:
        Shape (S,).

    Raises:
        SpaceError: If draws and reference do not have the same m, or one is not finite.

    Examples:
        >>> hypervolume_draws([[[2.0, 1.0], [1.0, 2.0]]], [0.0, 0.0]).tolist()
        [3.0]
    """
    corner = np.asarray(reference, dtype=float)
    array = np.asarray(draws, dtype=float)
    _require_same_m(array, corner, ndim=3)
    if array.shape[1] == 0:
        return np.zeros(len(array))
    if array.shape[1] > MANY_ROWS and corner.size <= SLICED_UP_TO:
        return slab_volumes(front_rows(array, corner), corner)
    top = np.maximum(array.max(axis=1), corner)[:, None, :]
    lower, upper = open_cells(array, corner)
    free = np.maximum(np.minimum(upper, top) - lower, 0.0).prod(axis=-1).sum(axis=1)
    return np.asarray(np.maximum((top[:, 0, :] - corner).prod(axis=-1) - free, 0.0))


def _require_same_m(points: Vector, reference: Vector, *, ndim: int) -> None:
    if reference.ndim != 1 or points.ndim != ndim or points.shape[-1] != reference.size:
        raise SpaceError(
            "hypervolume: the reference needs one value an objective, got points of shape "
            f"{points.shape} and a reference of shape {reference.shape}; give the same m"
        )
    if not (np.isfinite(points).all() and np.isfinite(reference).all()):
        raise SpaceError(
            "hypervolume: utilities must be finite, got NaN or infinity; "
            "leave out what was not measured"
        )
