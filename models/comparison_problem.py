"""One property to compare surrogates on: what is left out, what is left to learn from."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
import pandas as pd

from features.errors import TableError
from features.properties import Property, property_of
from models.curves import curve_grids, curves_of
from models.folds import FEWEST_SOURCES, GLASS_COLUMNS, Folds, groups_of, jars_of
from models.held_out import ScoredReadings, scored_predictions, scored_readings
from models.reference_temperature import REFERENCE_TEMPERATURE_C, WINDOW_C
from models.surrogate import Surrogate
from models.training import rows_of_specimens, training_rows

FEWEST_TO_COMPARE: Final = 3
"""With fewer glasses there is nothing to leave out that would leave something to learn from."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Problem:
    """What every fit of a comparison needs; small enough to be sent to another process.

    Attributes:
        entry: The property.
        recipes: Specimens with readings, of other properties too; index = id as text.
        readings: Their readings.
        left_out_with: Group of each specimen.
        held: Readings that are scored.
        grids: Recipes to draw predictions along, by variable.
        folds: What is left out together.
        n_glasses: Glass recipes with a reading that is scored.
    """

    entry: Property
    recipes: pd.DataFrame
    readings: pd.DataFrame
    left_out_with: "pd.Series[str]"
    held: ScoredReadings
    grids: dict[str, pd.DataFrame]
    folds: Folds
    n_glasses: int

    @property
    def groups(self) -> list[str]:
        """Groups with something to score, in the order of the recipes."""
        is_scored = self.left_out_with.index.isin(self.held.specimen)
        return list(dict.fromkeys(self.left_out_with[is_scored]))

    @property
    def what_counts(self) -> tuple[int, str]:
        """How many of what a winner rests on: the groups, but never more than there are glasses."""
        n_groups = len(self.groups)
        if self.folds == "glass" or self.n_glasses < n_groups:
            return self.n_glasses, "glasses"
        return n_groups, "sources"

    def result(self, name: str, surrogate: Surrogate, group: str | None) -> pd.DataFrame:
        """Scores of one surrogate on one group; without a group its curves after all readings.

        Args:
            name: The surrogate's name.
            surrogate: Unfitted, or fitted to anything.
            group: One of ``groups``, or ``None``.

        Returns:
            Rows of ``Comparison.predictions``, or of ``Comparison.curves``.

        Raises:
            TableError: If a prediction is not finite.
        """
        if group is None:
            return curves_of(name, surrogate.fit(self.recipes, self.readings), self.grids)
        left_out = self.left_out_with.index[self.left_out_with == group]
        others = self.recipes.loc[~self.recipes.index.isin(left_out)]
        is_known = ~self.readings["specimen"].map(str).isin(left_out).to_numpy()
        rows = np.flatnonzero(np.isin(self.held.specimen, left_out))
        asked = rows_of_specimens(self.recipes, list(self.held.specimen[rows]), "recipes")
        predicted = surrogate.fit(others, self.readings.loc[is_known]).predict(asked)
        table = scored_predictions(self.held, rows, predicted, self.entry)
        table.insert(0, "surrogate", name)
        table.insert(1, "fold", group)
        table.insert(2, "jar", jars_of(asked).to_numpy())
        return table


def problem_of(
    property_id: str,
    recipes: pd.DataFrame,
    readings: pd.DataFrame,
    *,
    folds: Folds = "glass",
    variables: Sequence[str] = (),
    seed: int = 0,
    temperature_c: float = REFERENCE_TEMPERATURE_C,
) -> Problem:
    """Everything checked before the first fit, so that no complaint comes from a process.

    Args:
        property_id: Id in the catalogue.
        recipes: As for ``compare``.
        readings: As for ``compare``.
        folds: ``glass`` or ``source``.
        variables: Columns to draw predictions along.
        seed: Of randomised transforms.
        temperature_c: Only readings near it are scored, where it matters, °C.

    Returns:
        The problem.

    Raises:
        ReadingError: If the catalogue lacks the property.
        TableError: If a table is malformed, or there are fewer than three glasses or two sources.
    """
    entry = property_of(property_id)
    training_rows(readings, entry)
    own = readings.loc[(readings["property"] == property_id).to_numpy()]
    rows_of_specimens(recipes, [*map(str, own["specimen"])], "recipes")
    recipes = recipes.set_axis(recipes.index.map(str))
    # A reading of a specimen that is none of these, such as a cell, may hold a glass left out.
    readings = readings.loc[readings["specimen"].map(str).isin(recipes.index).to_numpy()]
    recipes = recipes.loc[recipes.index.isin(readings["specimen"].map(str))]
    held = scored_readings(readings, entry, seed, temperature_c)
    measured = recipes.loc[recipes.index.isin(held.specimen)]
    if len(own) and measured.empty:
        raise TableError(
            f"compare, {entry.label}: {len(own)} reading{'s' * (len(own) > 1)}, none within "
            f"{WINDOW_C:g} °C of {temperature_c:g} °C, where surrogates are compared; "
            "measure there or set the campaign's temperature"
        )
    n_glasses = _n_glasses(measured, folds)
    if n_glasses < FEWEST_TO_COMPARE:
        raise TableError(
            f"compare, {entry.label}: there must be readings of {FEWEST_TO_COMPARE} glasses or "
            f"more, got {n_glasses}; measure another recipe first"
        )
    if folds == "source" and groups_of(measured, folds).nunique() < FEWEST_SOURCES:
        raise TableError(
            f"compare, {entry.label}: only one source has measured it; leave glasses out instead"
        )
    return Problem(
        entry=entry,
        recipes=recipes,
        readings=readings,
        left_out_with=groups_of(recipes, folds),
        held=held,
        grids=curve_grids(measured, variables),
        folds=folds,
        n_glasses=n_glasses,
    )


def _n_glasses(recipes: pd.DataFrame, folds: Folds) -> int:
    """Glass recipes that share no jar; jars where sources are compared without milling data."""
    if recipes.empty:
        return 0
    if folds == "source" and not set(GLASS_COLUMNS) <= set(recipes.columns):
        return int(jars_of(recipes).nunique())
    return int(groups_of(recipes, "glass").nunique())
