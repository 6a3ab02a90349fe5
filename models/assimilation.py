"""Draws corrected by what was measured of some of them."""

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]


def corrected_draws(
    state: Array, foretold: Array, measured: Array, error_sd: Array, rng: np.random.Generator
) -> Array:
    r"""Each draw moved towards what was measured, as far as it goes along with it.

    .. math:: s' = s + C_{sf} (C_{ff} + R)^{-1} (m + \varepsilon - f)

    with covariances over the draws and :math:`\varepsilon \sim N(0, R)`: right where state and
    foretold values are jointly normal, whatever they were computed by.

    Args:
        state: Shape (n, ...), draws of anything.
        foretold: Shape (n, k), what each draw says of the k measured values.
        measured: Shape (k,).
        error_sd: Shape (k,), of the measurement, positive.
        rng: Source of the errors.

    Returns:
        Shape of ``state``.

    References:
        Matheron's rule, e.g. Wilson et al., ICML 2020 (arXiv:2002.09309); with covariances of
        the draws: Evensen, J. Geophys. Res. 99 (1994) 10143, DOI 10.1029/94JC00572.
    """
    n = len(foretold)
    flat = state.reshape(n, -1)
    off = foretold - foretold.mean(axis=0)
    spread = off.T @ off / (n - 1) + np.diag(error_sd**2)
    cross = off.T @ (flat - flat.mean(axis=0)) / (n - 1)
    surprise = measured + error_sd * rng.standard_normal(foretold.shape) - foretold
    moved: Array = flat + surprise @ np.linalg.solve(spread, cross)
    return moved.reshape(state.shape)
