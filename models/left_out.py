"""How well the readings of one group are foretold by all the others, without a second fit."""

from math import log, pi

import numpy as np
from numpy.typing import NDArray
from scipy.linalg import cho_solve

from models.box import box_sites
from models.box_moments import box_moments
from models.cholesky import stable_cholesky
from models.exact import readings_covariance
from models.hyperparameters import Hyperparameters, conditional
from models.told import Told

Array = NDArray[np.float64]


def left_out_log_density(
    hyperparameters: Hyperparameters, told: Told, groups: NDArray[np.intp]
) -> Array:
    r"""Log density of each group's readings given those of all other groups.

    With P the inverse covariance of all readings, those of group b given the rest are normal
    with covariance :math:`P_{bb}^{-1}` and mean :math:`y_b - P_{bb}^{-1} (P y)_b`. Bounds of
    the others enter by their sites; for bounds of the group itself it is their probability.

    Args:
        hyperparameters: Taken as known.
        told: n readings.
        groups: Shape (n,), group of each, counted from 0 without gaps; -1 is never left out.

    Returns:
        One value a group; log density of its exact readings plus log probability of its bounds.

    References:
        Rasmussen & Williams (2006), eqs. 5.10 to 5.12, here for blocks.
    """
    n, k = len(told), told.n_exact
    covariance = readings_covariance(hyperparameters, told)
    y, extra = told.low.copy(), np.zeros(n)
    if k < n:
        mean, given = conditional(covariance, k, told.low[:k])
        sites = box_sites(mean, given, told.low[told.censored], told.high[told.censored])
        extra[k:] = 1.0 / sites.precision
        y[k:] = sites.shift * extra[k:]
    factor = stable_cholesky(covariance + np.diag(extra))
    inverse = cho_solve((factor, True), np.eye(n), check_finite=False)
    weights = inverse @ y
    density = np.zeros(int(groups.max()) + 1 if n else 0)
    for group in range(len(density)):
        rows = np.flatnonzero(groups == group)  # exact readings first, as told
        spread = np.linalg.inv(inverse[np.ix_(rows, rows)])
        mean = y[rows] - spread @ weights[rows]
        own = 0.5 * (spread + spread.T) - np.diag(extra[rows])
        density[group] = _log_density(mean, own, told, rows)
    return density


def _log_density(mean: Array, covariance: Array, told: Told, rows: NDArray[np.intp]) -> float:
    n_exact = int((rows < told.n_exact).sum())
    error = told.low[rows[:n_exact]] - mean[:n_exact]
    value = 0.0
    if n_exact:
        factor = stable_cholesky(covariance[:n_exact, :n_exact])
        white = np.linalg.solve(factor, error)
        value -= 0.5 * float(white @ white) + float(np.log(np.diagonal(factor)).sum())
        value -= 0.5 * n_exact * log(2 * pi)
    if n_exact < len(rows):
        moved, given = conditional(covariance, n_exact, error)
        bounds = rows[n_exact:]
        value += box_moments(
            mean[n_exact:] + moved, given, told.low[bounds], told.high[bounds]
        ).log_probability
    return value
