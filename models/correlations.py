"""How far properties vary together from recipe to recipe, and whether the readings can tell."""

from collections.abc import Sequence
from itertools import combinations
from typing import Final

import numpy as np
import pandas as pd

from models.evidence import Evidence
from models.processes_together import ProcessesTogether

PRIOR_90: Final = 0.592
"""Nine in ten correlations are nearer to zero than this before any reading: the product of two
loadings, each even on (-1, 1)."""

_CLEARLY: Final = 0.5
"""An interval that holds zero tells something, that there is little correlation, only if it is
narrower than this share of the prior's; one that leaves out zero always does."""


def correlation_table(property_ids: Sequence[str], together: ProcessesTogether) -> pd.DataFrame:
    """The correlation of the varying parts of every two properties at one recipe.

    Args:
        property_ids: P ids.
        together: Their processes.

    Returns:
        One row a pair: property, other, correlation (median), lower, upper (90 %), n_common
        (recipes at which both were read), determined, says (the same in words).
    """
    recipes = [_recipes(process.evidence) for process in together.processes]
    varies = [_varies(process.evidence) for process in together.processes]
    rows = []
    for p, q in combinations(range(len(property_ids)), 2):
        lower, middle, upper = together.shared.correlation_quantiles(p, q, (0.05, 0.5, 0.95))
        both_read = bool(recipes[p] and recipes[q])
        if not both_read:
            lower, middle, upper = -PRIOR_90, 0.0, PRIOR_90
        narrow = upper - lower < _CLEARLY * 2 * PRIOR_90
        told = both_read and varies[p] and varies[q]
        determined = told and bool(narrow or lower > 0 or upper < 0)
        n_common = len(recipes[p] & recipes[q])
        common = f"{n_common} recipe{'' if n_common == 1 else 's'} in common"
        says = (
            f"{middle:+.2f} (90 %: {lower:+.2f} to {upper:+.2f}); {common}"
            if determined
            else f"not determined by these data: {common}"
        )
        values = (float(middle), float(lower), float(upper), n_common, determined, says)
        rows.append((property_ids[p], property_ids[q], *values))
    columns = ["property", "other", "correlation", "lower", "upper"]
    return pd.DataFrame(rows, columns=[*columns, "n_common", "determined", "says"])


def _recipes(evidence: Evidence | None) -> set[bytes]:
    return set() if evidence is None else {row.tobytes() for row in evidence.points.x + 0.0}


def _varies(evidence: Evidence | None) -> bool:
    """Whether not all readings are alike; what never varies cannot vary together."""
    if evidence is None:
        return False
    return len(np.unique(np.column_stack([evidence.lower, evidence.upper]), axis=0)) > 1
