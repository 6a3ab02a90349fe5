"""What a reading is worth where the belief is known by joint draws only."""

from collections.abc import Sequence
from typing import Final

import numpy as np
from numpy.typing import ArrayLike, NDArray

from features.errors import TableError
from optimizer.knowledge_gradient import Counted, Rise, expected_rise, reading_shifts

Vector = NDArray[np.float64]

GROUPS: Final = 8
"""The draws are left out in as many parts for the standard error."""


def drawn_rise(
    draws: ArrayLike,
    readings: Sequence[tuple[int, int]],
    noise_sd: ArrayLike,
    counted: Counted,
    made: ArrayLike | None = None,
) -> Rise:
    """Expected rise of the hypervolume of posterior means, the belief being joint draws.

    Taken for normal with the mean and the shrunk covariance of the draws. Objectives that hang
    together make a value below 0 possible: a hypervolume is a product, and what hangs together
    has an expected product other than that of the means.

    Args:
        draws: Shape (S, n, m), utilities.
        readings: Row and objective of each of k readings.
        noise_sd: Shape (k,), utilities.
        counted: Reference and limits.
        made: Shape (n,), rows that count already, see ``expected_rise``.

    Returns:
        With the standard error that comes from S, by leaving out parts of the draws.

    Raises:
        TableError: If shapes disagree, or the draws are too few.

    Examples:
        >>> from optimizer.objectives import Objective
        >>> counted = Counted.of([Objective("y", "maximize", reference=0.0)])
        >>> draws = np.random.default_rng(0).normal(1.0, 0.2, size=(400, 2, 1))
        >>> drawn_rise(draws, [(0, 0)], [0.0], counted).value > 0.05
        True
    """
    table = np.asarray(draws, dtype=float)
    if table.ndim != 3 or len(table) < 8 * GROUPS or not np.isfinite(table).all():
        raise TableError(
            f"drawn_rise: draws must be finite, of shape (S, n, m) with S at least {8 * GROUPS}, "
            f"got shape {table.shape}; draw more"
        )
    n_draws, n, m = table.shape
    weights = np.zeros((len(readings), n * m))
    for k, (row, objective) in enumerate(readings):
        weights[k, row * m + objective] = 1.0

    def rise(part: Vector) -> Rise:
        flat = part.reshape(len(part), n * m)
        shifts = reading_shifts(shrunk_covariance(flat), weights, noise_sd)
        return expected_rise(part.mean(axis=0), shifts.reshape(-1, n, m), counted, made)

    whole = rise(table)
    part_of = np.arange(n_draws) % GROUPS
    left_out = np.array([rise(table[part_of != group]).value for group in range(GROUPS)])
    variance = (GROUPS - 1) / GROUPS * float(((left_out - left_out.mean()) ** 2).sum())
    return Rise(whole.value, float(np.hypot(variance**0.5, whole.se)))


def shrunk_covariance(draws: ArrayLike) -> Vector:
    r"""Covariance of joint draws, correlations that may be luck made smaller.

    .. math:: r' = r \max(0, 1 - (1 - r^2)^2 / (S r^2))

    Of S draws a correlation of 0 comes out as about 1/sqrt(S), and a reading would seem to tell
    of what it has nothing to do with.

    Args:
        draws: Shape (S, K).

    Returns:
        Shape (K, K), positive semidefinite.

    References:
        Positive-part shrinkage after James & Stein 1961, with the large-sample variance of r.

    Examples:
        >>> draws = np.random.default_rng(0).standard_normal((400, 2))
        >>> bool(abs(shrunk_covariance(draws)[0, 1]) < abs(np.cov(draws.T)[0, 1]))
        True
    """
    table = np.asarray(draws, dtype=float)
    sd = table.std(axis=0, ddof=1)
    scaled = (table - table.mean(axis=0)) / np.where(sd > 0, sd, 1.0)
    r = np.clip(scaled.T @ scaled / (len(table) - 1), -1.0, 1.0)
    with np.errstate(divide="ignore", invalid="ignore"):
        kept = np.maximum(0.0, 1.0 - (1.0 - r**2) ** 2 / (len(table) * r**2))
    r = r * np.where(r == 0, 0.0, kept)
    np.fill_diagonal(r, 1.0)
    values, vectors = np.linalg.eigh(r)
    mended = (vectors * np.maximum(values, 0.0)) @ vectors.T
    return np.asarray(mended * np.outer(sd, sd))
