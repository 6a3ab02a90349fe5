"""What every surrogate can do, and how its predictions are laid out."""

from typing import Final, Protocol, Self, runtime_checkable

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from features.properties import Property
from models.training import TrainingRows, training_rows

__all__ = [
    "PREDICTION_COLUMNS",
    "Z_90",
    "Surrogate",
    "TrainingRows",
    "predictions_table",
    "training_rows",
]

Array = NDArray[np.float64]

PREDICTION_COLUMNS: Final = (
    "mean",
    "sd",
    "lower",
    "upper",
    "reading_sd",
    "reading_lower",
    "reading_upper",
)
"""``mean``, ``sd`` and the 90 % interval of the true value, then sd and 90 % interval of a new
reading on a new jar. ``mean`` and bounds are physical (on a log scale ``mean`` is the median), the
two sds are in the property's ``sd_unit``."""

Z_90: Final = 1.645
"""Half width of a normal 90 % interval, in standard deviations."""


@runtime_checkable
class Surrogate(Protocol):
    """A probabilistic map from recipes to one property, in physical units in and out.

    N is the number of recipes asked about, n the number of draws.
    """

    def fit(self, recipes: pd.DataFrame, readings: pd.DataFrame) -> Self:
        """A fitted copy; ``self`` is left untouched.

        Args:
            recipes: One row a specimen, index = specimen id.
            readings: Columns specimen, property, lower, upper, se; other properties are ignored.

        Returns:
            The fitted copy.
        """
        ...

    def predict(self, recipes: pd.DataFrame) -> pd.DataFrame:
        """Predictions for each recipe.

        Args:
            recipes: N recipes.

        Returns:
            N rows with the index of ``recipes``; columns ``PREDICTION_COLUMNS``.
        """
        ...

    def sample(self, recipes: pd.DataFrame, n: int, rng: np.random.Generator) -> Array:
        """Joint draws of the true values.

        Args:
            recipes: N recipes.
            n: Number of draws.
            rng: Source of randomness.

        Returns:
            Shape (n, N), physical units.
        """
        ...


def predictions_table(
    entry: Property, index: pd.Index, *, mean: Array, sd: Array, reading_sd: Array
) -> pd.DataFrame:
    """Predictions in physical units, from moments on the property's scale.

    Args:
        entry: The property.
        index: Names of the N rows.
        mean: Shape (N,), centre on the scale.
        sd: Shape (N,), of the true value.
        reading_sd: Shape (N,), of a new reading on a new jar.

    Returns:
        N rows; columns ``PREDICTION_COLUMNS``.
    """
    columns = (
        entry.from_scale(mean),
        sd,
        entry.from_scale(mean - Z_90 * sd),
        entry.from_scale(mean + Z_90 * sd),
        reading_sd,
        entry.from_scale(mean - Z_90 * reading_sd),
        entry.from_scale(mean + Z_90 * reading_sd),
    )
    return pd.DataFrame(dict(zip(PREDICTION_COLUMNS, columns, strict=True)), index=index)
