"""Of very many specimens made, those that may be among the best: the others add no hypervolume."""

from collections.abc import Callable
from typing import Final

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from optimizer.cells import is_front
from optimizer.objectives import Objective, utilities

Array = NDArray[np.float64]
Draw = Callable[[pd.DataFrame, tuple[str, ...], int, np.random.Generator], Array]

MANY_MADE: Final = 100
"""Specimens above which a few draws say first which of them can matter."""

N_SIEVE: Final = 48
"""Draws that say so."""

N_FRONTS: Final = 2
"""Fronts, one behind the other, that a specimen may be on in a draw."""

_SEED: Final = 19860715


def contenders(
    made: pd.DataFrame, draw: Draw, objectives: list[Objective], reference: Array
) -> pd.DataFrame:
    """Specimens that lie on the first or second front in at least one of a few joint draws.

    What is left out lies behind in all of these draws: the chance that it belongs to the front is
    below one in 17 with 95 %, and then it adds next to nothing to the others.

    Args:
        made: One row a specimen.
        draw: Joint draws of them, as ``Knowledge.draw_pellets`` gives.
        objectives: What counts.
        reference: Their reference point, utilities.

    Returns:
        The rows, all of them up to ``MANY_MADE``.
    """
    if len(made) <= MANY_MADE:
        return made
    names = tuple(objective.name for objective in objectives)
    drawn = draw(made, names, N_SIEVE, np.random.default_rng(_SEED))
    left = utilities(objectives, drawn).copy()
    kept = np.zeros(len(made), dtype=bool)
    for _ in range(N_FRONTS):
        front = is_front(left, reference)
        kept |= front.any(axis=0)
        left[front] = -np.inf
    return made.loc[kept]
