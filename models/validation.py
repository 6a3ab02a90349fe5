"""How well a surrogate predicts what it has not seen: one specimen left out at a time."""

from dataclasses import dataclass

import numpy as np
import pandas as pd
from scipy.stats import norm

from features.properties import property_of
from models.surrogate import Surrogate
from models.training import rows_of_specimens, training_rows

FEWEST_SPECIMENS = 3
"""With fewer there is nothing to leave out that would leave something to learn from."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LeaveOneOut:
    """Scores of predictions made without the specimen that is predicted.

    Attributes:
        n: Specimens left out, one at a time.
        mean_log_score: Mean log predictive density of the reading, on the property's scale.
        rmse: Root mean square error on that scale, in ``unit``.
        coverage_90: Share of readings inside the 90 % interval of a new reading.
        unit: ``dex`` or the property's unit.
    """

    n: int
    mean_log_score: float
    rmse: float
    coverage_90: float
    unit: str


def leave_one_out(
    surrogate: Surrogate, property_id: str, recipes: pd.DataFrame, readings: pd.DataFrame
) -> LeaveOneOut | None:
    """Leave each specimen out in turn, fit to the others, score its readings.

    Repeats on one specimen are left out together, so that no specimen predicts itself.

    Args:
        surrogate: Unfitted, or fitted to anything; it is fitted anew each time.
        property_id: Property of the readings.
        recipes: One row a specimen, index = specimen id.
        readings: Columns specimen, property, lower, upper, se, physical units.

    Returns:
        The scores; ``None`` with fewer than three specimens.

    Raises:
        TableError: If a column is missing or a reading's specimen is unknown.

    References:
        Gneiting & Raftery, J. Am. Stat. Assoc. 102 (2007) 359.
    """
    entry = property_of(property_id)
    pooled = training_rows(readings, entry).pooled()
    if len(pooled.y) < FEWEST_SPECIMENS:
        return None
    z, log_scores, errors = [], [], []
    for specimen, y in zip(pooled.specimen, pooled.y, strict=True):
        others = readings.loc[readings["specimen"] != specimen]
        row = rows_of_specimens(recipes, [specimen], "recipes")
        predicted = surrogate.fit(recipes, others).predict(row).iloc[0]
        error = float(y - entry.to_scale(predicted["mean"]))
        spread = float(predicted["reading_sd"])
        errors.append(error)
        z.append(error / spread)
        log_scores.append(float(norm.logpdf(error, scale=spread)))
    return LeaveOneOut(
        n=len(z),
        mean_log_score=float(np.mean(log_scores)),
        rmse=float(np.sqrt(np.mean(np.square(errors)))),
        coverage_90=float(np.mean(np.abs(z) <= norm.ppf(0.95))),
        unit=entry.sd_unit,
    )
