"""A straight-line fit of cells in their own columns: what a surrogate of cells must beat."""

from dataclasses import replace
from typing import Final

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from features.properties import property_of
from models.baseline_ridge import RidgeSurrogate
from models.baseline_table import BaselineTable
from models.reference_temperature import is_at_reference
from models.surrogate import predictions_table
from models.training import rows_of_specimens, training_rows

CELL_LINES: Final[dict[str, tuple[float, float]]] = {
    "core_x": (0.0, 0.6),
    "skin_x": (0.0, 0.6),
    "core_mass_mg": (50.0, 300.0),
    "skin_mass_mg": (8.0, 80.0),
    "pressing_pressure_mpa": (75.0, 500.0),
    "stack_pressure_mpa": (0.0, 15.0),
}
"""Columns the line runs in, with the ranges that become 0 to 1 (domain notes 5.6). Milling is
left out: with the few cells there are, six slopes are many already."""


def linear_of_cells(
    property_id: str,
    *,
    cells: pd.DataFrame,
    readings: pd.DataFrame,
    asked: pd.DataFrame,
    temperature_c: float,
) -> pd.DataFrame | None:
    """Bayesian ridge regression on the cells' own columns.

    Args:
        property_id: Of cells.
        cells: Measured cells, index specimen; columns of ``CELL_LINES``.
        readings: Columns specimen, property, lower, upper, se, physical units.
        asked: N cells to predict.
        temperature_c: Readings near it are used.

    Returns:
        N rows with the index of ``asked``, columns ``PREDICTION_COLUMNS``; ``None`` where no
        trend can be told: fewer than three different cells, or values that hardly differ.

    Raises:
        TableError: If a column is missing, a reading is nonsense or its specimen unknown.
    """
    entry = property_of(property_id)
    own = readings.loc[(readings["property"] == property_id).to_numpy()]
    own = own.loc[is_at_reference(own, entry, temperature_c)]
    pooled = training_rows(own, entry).pooled()
    x = _scaled(rows_of_specimens(cells, pooled.specimen, "cells"))
    known = np.isfinite(x).all(axis=1)
    table = BaselineTable(x[known], pooled.y[known], pooled.noise_sd[known])
    where = _scaled(asked)
    if not len(table.y) or not table.shows_a_trend(entry) or not np.isfinite(where).all():
        return None
    ridge = RidgeSurrogate(property_id, temperature_c=temperature_c)
    said = replace(ridge, learned=ridge.learn(table)).answer(where)
    variance = np.diagonal(said.covariance)
    return predictions_table(
        entry,
        asked.index,
        mean=said.mean,
        sd=np.sqrt(variance),
        reading_sd=np.sqrt(variance + said.noise_variance),
    )


def _scaled(cells: pd.DataFrame) -> NDArray[np.float64]:
    columns = cells[list(CELL_LINES)].to_numpy(dtype=float)
    low, high = np.array(list(CELL_LINES.values())).T
    return np.asarray((columns - low) / (high - low))
