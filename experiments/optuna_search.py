"""What a campaign searches today as distributions of Optuna, wide enough for what was made."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd
from optuna.distributions import BaseDistribution, CategoricalDistribution, FloatDistribution

from experiments.config import Parameter, Range, extremes

Part = Parameter | Sequence[str]
"""A number held, a range searched, or the levels owned."""

Searched = Mapping[str, Part]


def distribution_of(part: Part, column: pd.Series) -> BaseDistribution:
    """What is searched, widened to hold what was made.

    Args:
        part: What is searched.
        column: Values made; NaN where unknown.

    Returns:
        Without steps where a value lies off the grid: all trials of a study share it.

    Examples:
        >>> distribution_of(Range(low=0, high=0.6, step=0.1), pd.Series([0.7])).high
        0.7
    """
    made = column.dropna()
    if isinstance(part, Range | float):
        low, high = extremes(part)
        if len(made):
            low, high = min(low, float(made.min())), max(high, float(made.max()))
        # off the grid, or below its first value, there are no steps that all values share
        step = part.step if isinstance(part, Range) and low == part.low else None
        if step is not None:
            steps = (np.append(made.to_numpy(dtype=float), high) - low) / step
            step = step if np.allclose(steps, np.round(steps), atol=1e-8) else None
        return FloatDistribution(low, high, step=step)
    others = [level for level in made.unique() if level not in part]
    return CategoricalDistribution([*part, *map(str, others)])


def is_searched(part: Part, value: Any) -> bool:
    """Whether a value lies within the bounds, or among the levels, searched today; NaN does."""
    if pd.isna(value):
        return True
    if isinstance(part, Range | float):
        low, high = extremes(part)
        return bool(low - 1e-9 <= value <= high + 1e-9)
    return value in part


def range_in_words(part: Part) -> str:
    """What is searched, for people."""
    if isinstance(part, Range):
        return f"{part.low:g} to {part.high:g}"
    return f"{part:g}" if isinstance(part, float) else ", ".join(part)
