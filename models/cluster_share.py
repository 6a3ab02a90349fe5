"""How often something happened, when what was counted comes in clusters.

Readings of one jar share its luck, so twenty readings of four jars say less than twenty jars
would. Shares of clusters are taken as beta distributed about the common one.
"""

from collections.abc import Sequence
from typing import Final

import numpy as np
from scipy.special import betaln

_SHARES: Final = (np.arange(400) + 0.5) / 400
_CORRELATIONS: Final = np.array([0.002, 0.02, 0.05, 0.1, 0.15, 0.2, 0.3, 0.4, 0.5])
"""Correlations within a cluster that are tried, all equally probable before the data."""


def share_interval(
    hits: Sequence[int], counts: Sequence[int], level: float = 0.95
) -> tuple[float, float]:
    r"""Where the common share lies, by beta-binomial counts of clusters.

    .. math:: k_j \sim \mathrm{BetaBinomial}(n_j, \mu, \rho),\quad
              \mu \sim U(0, 1),\; \rho \sim U\{0.002, \ldots, 0.5\}

    The correlation is averaged over, so the interval holds with few clusters, and with all or
    none of them hit, where a bootstrap has no width.

    Args:
        hits: Of each cluster, how often it happened.
        counts: Of each cluster, out of how many; empty clusters are allowed.
        level: Probability between the ends.

    Returns:
        Ends of the central credible interval, 0 to 1.

    References:
        Skellam, J. R. Stat. Soc. B 10 (1948) 257.

    Examples:
        >>> low, high = share_interval([6, 5, 6, 6], [6, 6, 6, 6])
        >>> round(low, 2), round(high, 2)
        (0.68, 0.99)
    """
    concentration = (1 - _CORRELATIONS) / _CORRELATIONS
    a = _SHARES[:, None] * concentration
    b = (1 - _SHARES)[:, None] * concentration
    log_posterior = np.zeros_like(a)
    pairs, times = np.unique(np.column_stack([hits, counts]), axis=0, return_counts=True)
    none = betaln(a, b)
    for (k, n), repeated in zip(pairs, times, strict=True):
        log_posterior += repeated * (betaln(a + k, b + n - k) - none)
    posterior = np.exp(log_posterior - log_posterior.max()).sum(axis=1)
    below = np.cumsum(posterior) / posterior.sum()
    tail = (1 - level) / 2
    low, high = np.searchsorted(below, [tail, 1 - tail])
    return float(_SHARES[low]), float(_SHARES[min(int(high), len(_SHARES) - 1)])
