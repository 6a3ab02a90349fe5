"""How much smaller one prediction's errors are than another's, paired, with clusters."""

from collections.abc import Sequence
from typing import Final

import numpy as np
from numpy.typing import ArrayLike

RESAMPLES: Final = 2000
FEWEST_CLUSTERS: Final = 8
"""With fewer there is no interval: a bootstrap over so few clusters is too narrow."""


def skill_over(
    ours: ArrayLike,
    theirs: ArrayLike,
    clusters: Sequence[str],
    *,
    level: float = 0.95,
    seed: int = 0,
) -> tuple[float, float | None, float | None]:
    r"""Share by which our mean score is below theirs, :math:`1 - \bar s / \bar s'`.

    Whole clusters are drawn with replacement, the same for both, so what is hard for both
    cancels.

    Args:
        ours: Score of each of n readings, not negative, lower is better.
        theirs: The other's of the same readings.
        clusters: What each reading belongs to.
        level: Probability between the ends.
        seed: Of the resampling.

    Returns:
        The share (1: no error left, 0: as good, negative: worse) and the ends of its interval,
        ``None`` with fewer than eight clusters.

    References:
        Efron & Tibshirani, An Introduction to the Bootstrap, Chapman & Hall 1993, chapter 8.

    Examples:
        >>> skill_over([1.0, 1.0], [2.0, 2.0], ["G1", "G2"])
        (0.5, None, None)
    """
    _, place = np.unique(np.asarray(clusters), return_inverse=True)
    sums = np.array([np.bincount(place, np.asarray(part, float)) for part in (ours, theirs)])
    total = sums.sum(axis=1)
    value = float(1 - total[0] / total[1]) if total[1] > 0 else 0.0
    n = sums.shape[1]
    if n < FEWEST_CLUSTERS or total[1] == 0:
        return value, None, None
    drawn = np.random.default_rng(seed).multinomial(n, np.full(n, 1 / n), size=RESAMPLES)
    resampled = drawn @ sums.T
    tail = (1 - level) / 2
    kept = resampled[resampled[:, 1] > 0]
    low, high = np.quantile(1 - kept[:, 0] / kept[:, 1], [tail, 1 - tail])
    return value, float(low), float(high)
