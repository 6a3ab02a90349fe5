"""Cholesky factors of covariances that rounding has made slightly indefinite."""

from typing import Final

import numpy as np
from numpy.typing import NDArray

JITTERS: Final = (0.0, 1e-12, 1e-10, 1e-8, 1e-6, 1e-4)
"""Tried in turn, relative to the mean of the diagonal: the least that works is added."""


def stable_cholesky(covariance: NDArray[np.float64]) -> NDArray[np.float64]:
    """Lower factor L with L Lᵀ = covariance, plus the least jitter that lets it exist.

    Args:
        covariance: Shape (n, n), symmetric, positive semi-definite up to rounding; n may be 0.

    Returns:
        Shape (n, n), lower triangular.

    Raises:
        numpy.linalg.LinAlgError: If the matrix is indefinite beyond rounding.

    Examples:
        >>> stable_cholesky(np.ones((2, 2))).round(3)
        array([[1., 0.],
               [1., 0.]])
    """
    if not len(covariance):
        return covariance.copy()
    unit = max(float(np.mean(np.diagonal(covariance))), np.finfo(float).tiny)
    for jitter in JITTERS:
        try:
            factor = np.linalg.cholesky(covariance + jitter * unit * np.eye(len(covariance)))
        except np.linalg.LinAlgError:
            continue
        return factor.astype(np.float64, copy=False)
    raise np.linalg.LinAlgError(
        f"covariance of {len(covariance)} values must be positive semi-definite, got one that "
        f"is not even with jitter {JITTERS[-1]:g}; this is a fault of the kernel"
    )
