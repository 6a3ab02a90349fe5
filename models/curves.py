"""What surrogates predict along one variable, and the readings to draw beside it."""

from collections.abc import Sequence
from types import MappingProxyType
from typing import Final

import numpy as np
import pandas as pd

from features.errors import TableError
from features.milling import MEDIA
from features.properties import Property
from features.table import column, numbers
from models.held_out import ScoredReadings
from models.surrogate import Surrogate
from models.training import rows_of_specimens

CATEGORY: Final = "milling_media"

SPANS: Final = MappingProxyType(
    {
        "x": (0.0, 0.6),
        "milling_time_h": (1.0, 20.0),
        "milling_speed_rpm": (200.0, 600.0),
        "pressing_pressure_mpa": (75.0, 500.0),
    }
)
"""What is drawn at least of each variable; wider where readings lie outside."""

VARIABLES: Final = (*SPANS, CATEGORY)

LABELS: Final = ("jar", "source")
"""Columns that say whose a pellet is; a curve is of none."""

POINTS: Final = 41


def curve_grids(recipes: pd.DataFrame, variables: Sequence[str]) -> dict[str, pd.DataFrame]:
    """Recipes along each variable, the others held at the middle of what was measured.

    Args:
        recipes: Measured pellets, at least one.
        variables: Names out of ``VARIABLES``.

    Returns:
        By variable: recipes with 41 values of it, or with each medium there is. Numbers that
        do not vary are at their median, the medium is the commonest one; so are further columns.

    Raises:
        TableError: If a variable is unknown or a column malformed.
    """
    for name in variables:
        if name not in VARIABLES:
            raise TableError(
                f"compare: a variable to draw along must be one of {', '.join(VARIABLES)}, got "
                f"{name!r}; use one of these"
            )
    if not variables:
        return {}
    middle: dict[str, object] = {
        name: float(np.median(numbers(recipes, name, where="recipes"))) for name in SPANS
    }
    middle[CATEGORY] = column(recipes, CATEGORY, where="recipes").mode().iloc[0]
    middle |= _usual(recipes.drop(columns=[*middle, *LABELS], errors="ignore"))
    grids = {}
    for name in dict.fromkeys(variables):
        values: Sequence[object] = [*MEDIA]
        if name != CATEGORY:
            measured = numbers(recipes, name, where="recipes")
            low, high = SPANS[name]
            values = np.linspace(
                min(low, measured.min()), max(high, measured.max()), POINTS
            ).tolist()
        grids[name] = pd.DataFrame([{**middle, name: value} for value in values])
    return grids


def _usual(more: pd.DataFrame) -> dict[str, object]:
    """A usual value of every further column, which a surrogate of a user's own may ask for."""
    found: dict[str, object] = {}
    for name in map(str, more):
        known = more[name].dropna()
        if len(known):
            is_number = pd.api.types.is_numeric_dtype(known)
            found[name] = float(known.median()) if is_number else known.mode().iloc[0]
    return found


def curves_of(name: str, fitted: Surrogate, grids: dict[str, pd.DataFrame]) -> pd.DataFrame:
    """Predictions of one fitted surrogate along every grid.

    Args:
        name: The surrogate's name.
        fitted: The surrogate.
        grids: Of ``curve_grids``.

    Returns:
        Columns surrogate, variable, value, mean, lower, upper, reading_lower, reading_upper;
        physical units.
    """
    columns = ["surrogate", "variable", "value", "mean", "lower", "upper"]
    columns += ["reading_lower", "reading_upper"]
    tables = [
        fitted.predict(grid).assign(surrogate=name, variable=variable, value=grid[variable])
        for variable, grid in grids.items()
    ]
    return (
        pd.concat([table[columns] for table in tables], ignore_index=True)
        if tables
        else (pd.DataFrame(columns=columns))
    )


def curve_data(
    held: ScoredReadings, recipes: pd.DataFrame, variables: Sequence[str], entry: Property
) -> pd.DataFrame:
    """The readings to draw beside the curves.

    Args:
        held: Readings at the reference temperature.
        recipes: Index = specimen id.
        variables: Names out of ``VARIABLES``.
        entry: The property.

    Returns:
        Columns specimen, variable, value, lower, upper (physical, NaN when open), censored.
    """
    rows = rows_of_specimens(recipes, list(held.specimen), "recipes")
    lower, upper = (
        np.where(np.isfinite(ends), entry.from_scale(ends), np.nan)
        for ends in (held.low, held.high)
    )
    tables = [
        pd.DataFrame(
            {
                "specimen": held.specimen,
                "variable": name,
                "value": rows[name].to_numpy(),
                "lower": lower,
                "upper": upper,
                "censored": held.censored,
            }
        )
        for name in dict.fromkeys(variables)
    ]
    columns = ["specimen", "variable", "value", "lower", "upper", "censored"]
    return pd.concat(tables, ignore_index=True) if tables else pd.DataFrame(columns=columns)
