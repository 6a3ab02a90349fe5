"""Whether literature helps: readings left out, predicted with it and without it."""

from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import pandas as pd

from experiments.literature import Literature
from models.compare import compare
from models.folds import glasses_of
from models.held_out import by_jar, scored_predictions, scored_readings
from models.interval_rows import interval_rows
from models.paired_differences import FEWEST_GLASSES, differences_of
from models.property_gp import PropertyGP
from models.reference_temperature import is_at_reference
from models.surrogate import Z_90, Surrogate
from models.training import rows_of_specimens

WITH: Final = "with literature"
WITHOUT: Final = "without"

SEED: Final = 0
"""Of bootstrap and randomised transforms: the same ledger gives the same answer."""


@dataclass(frozen=True, eq=False)
class Beside:
    """A surrogate that learns from literature beside whatever it is given.

    Attributes:
        surrogate: What learns and predicts.
        literature: What it learns from besides.
    """

    surrogate: Surrogate
    literature: Literature

    def fit(self, recipes: pd.DataFrame, readings: pd.DataFrame) -> "Beside":
        """A copy fitted to these tables and the literature."""
        fitted = self.surrogate.fit(*self.literature.beside(recipes, readings))
        return Beside(fitted, self.literature)

    def predict(self, recipes: pd.DataFrame) -> pd.DataFrame:
        """What the fitted surrogate predicts."""
        return self.surrogate.predict(recipes)

    def sample(self, recipes: pd.DataFrame, n: int, rng: np.random.Generator) -> Any:
        """What the fitted surrogate draws, shape (n, N)."""
        return self.surrogate.sample(recipes, n, rng)


def own_glasses_help(
    surrogate: PropertyGP, recipes: pd.DataFrame, readings: pd.DataFrame, literature: Literature
) -> dict[str, Any]:
    """Our own glasses, each left out in turn and predicted with literature and without.

    Args:
        surrogate: Of the property.
        recipes: Our pellets.
        readings: Our readings.
        literature: Of that property.

    Returns:
        ``n`` glasses, ``needed``, and with enough of them ``difference`` of the mean negative
        log density (below zero: literature helps), ``lower`` and ``upper`` (95 %, paired
        bootstrap over glasses).
    """
    entry = surrogate.entry
    own = readings.loc[readings["property"] == entry.id]
    own = own.loc[is_at_reference(own, entry, surrogate.temperature_c)]
    measured = recipes.loc[recipes.index.isin(own["specimen"])]
    n = int(glasses_of(measured).nunique())
    if n < FEWEST_GLASSES:
        return _answer(n, None)
    known = readings.loc[readings["specimen"].isin(recipes.index)]
    both: dict[str, Surrogate] = {WITHOUT: surrogate, WITH: Beside(surrogate, literature)}
    return _answer(n, compare(entry.id, recipes, known, both, seed=SEED).differences)


def sources_help(
    alone: PropertyGP, recipes: pd.DataFrame, readings: pd.DataFrame, literature: Literature
) -> dict[str, Any]:
    """Each source left out in turn and predicted with the other sources and without.

    Args:
        alone: Fitted to our own readings only.
        recipes: Our pellets.
        readings: Our readings.
        literature: Of that property.

    Returns:
        As ``own_glasses_help`` with ``n`` sources, and ``agreeing``: how many of ``n_values`` lie
        in, or if they are bounds reach into, the 90 % range of a new reading that our own data
        alone predict.
    """
    sources = literature.of([alone.entry.id]).sources
    tables = [_scored(WITHOUT, alone, literature, source) for source in sources]
    agreeing = [_agrees(table) for table in tables]
    answer = _answer(len(sources), None)
    if len(sources) >= FEWEST_GLASSES:
        for source in sources:
            others = alone.fit(*literature.without(source).beside(recipes, readings))
            tables.append(_scored(WITH, others, literature, source))
        scores = by_jar(pd.concat(tables, ignore_index=True))
        answer = _answer(len(sources), differences_of(scores, (WITHOUT, WITH), SEED))
    return {
        **answer,
        "n_values": sum(len(part) for part in agreeing),
        "agreeing": sum(int(part.sum()) for part in agreeing),
    }


def _agrees(scored: pd.DataFrame) -> "pd.Series[bool]":
    reach = Z_90 * scored["reading_sd"]
    above = scored["measured_lower"] > scored["centre"] + reach
    return ~(above | (scored["measured_upper"] < scored["centre"] - reach))


def _scored(name: str, fitted: PropertyGP, literature: Literature, source: str) -> pd.DataFrame:
    """Values of one source as predicted, each at its own temperature."""
    entry = fitted.entry
    own = literature.readings.loc[
        (literature.readings["source"] == source) & (literature.readings["property"] == entry.id)
    ]
    own = own.drop(index=interval_rows(own, entry).set_aside.index)
    # Scored are readings at the reference temperature; these are predicted at their own.
    at_reference = own.assign(temperature_c=fitted.temperature_c)
    held = scored_readings(at_reference, entry, SEED, fitted.temperature_c)
    asked = rows_of_specimens(literature.recipes, [*map(str, held.specimen)], "recipes")
    temperature_c = own["temperature_c"].fillna(fitted.temperature_c).to_numpy(dtype=float)
    predicted = fitted.predict(asked.assign(temperature_c=temperature_c))
    table = scored_predictions(held, np.arange(len(own)), predicted, entry)
    return table.assign(surrogate=name, fold=source, jar=asked["jar"].to_numpy())


def _answer(n: int, differences: pd.DataFrame | None) -> dict[str, Any]:
    found: dict[str, Any] = {
        "n": n,
        "needed": FEWEST_GLASSES,
        "difference": None,
        "lower": None,
        "upper": None,
    }
    if differences is None:
        return found
    rows = differences.loc[
        (differences["surrogate"] == WITH)
        & (differences["against"] == WITHOUT)
        & (differences["score"] == "nlpd")
    ]
    return found | {key: float(rows[key].iloc[0]) for key in ("difference", "lower", "upper")}
