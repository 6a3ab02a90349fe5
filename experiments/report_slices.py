"""Every pellet property along one variable: what is predicted, what was read, what is planned."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from experiments.config import TEMPERATURE_TOLERANCE_C, CampaignConfig, extremes
from experiments.knowledge import GLASS_COLUMNS, PELLET_PROPERTIES, Knowledge, sound_pellets
from experiments.report_recipes import held_text, is_usual, usual_recipe
from features.properties import TEMPERATURE_DEPENDENT, property_of
from features.reading import scale_error
from models.surrogate import Z_90

Array = NDArray[np.float64]

N_GRID: Final = 61
N_DRAWS: Final = 400
SEED: Final = 20220513
"""Fixed, so that the same ledger gives the same report."""

MOST_DRAWN: Final = 60
"""Readings a panel shows; of more it says how many are not drawn."""

NOT_MADE_HERE: Final = frozenset({"paper", "history"})
"""Origins of jars that this campaign did not mill."""

NOWHERE: Final = 0.5
"""A best place known no better than to this share of the range is not located."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Mark:
    """One reading as it is drawn.

    Attributes:
        specimen: Its pellet.
        at: Value of the variable, in its unit.
        dot: Value of the reading, physical; the bound of a bound.
        low: Lower end of its 90 % bar or of the range stated, physical; NaN when open.
        high: Upper end; NaN when open.
        medium: Milling medium of the glass.
        is_own: Whether this campaign made it: not the paper, not an entered notebook.
        is_usual: Whether it was processed as the curve says.
        is_literature: Whether somebody else published it.
    """

    specimen: str
    at: float
    dot: float
    low: float
    high: float
    medium: str
    is_own: bool
    is_usual: bool
    is_literature: bool = False


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Curve:
    """One property along one variable.

    Attributes:
        property_id: Catalogue id.
        at: Shape (n,), values of the variable.
        bands: n rows; mean, lower, upper, reading_lower and reading_upper, physical.
        marks: Readings in the fit at the campaign's temperature.
        n_elsewhere: Readings in the fit at other temperatures, not drawn.
        n_readings: All readings in the fit.
        n_hidden: Of those at the campaign's temperature, how many are not drawn because there are
            too many; those made like the curve and the newest are.
    """

    property_id: str
    at: Array
    bands: pd.DataFrame
    marks: tuple[Mark, ...]
    n_elsewhere: int
    n_readings: int
    n_hidden: int = 0


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Slice:
    """All pellet properties along one variable.

    Attributes:
        variable: Column of a glass.
        held: What is held, in words.
        curves: One a property.
        planned: Where the open rounds' glasses lie on the axis.
        failed: Where jars and pellets failed.
    """

    variable: str
    held: str
    curves: tuple[Curve, ...]
    planned: tuple[float, ...]
    failed: tuple[float, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Peak:
    """Where along a slice a property is best.

    Attributes:
        property_id: Catalogue id.
        at: Median of the best place over joint draws of the curve.
        low: Lower end of its 90 % range.
        high: Upper end.
        is_located: Whether that range is clearly narrower than what is searched.
    """

    property_id: str
    at: float
    low: float
    high: float
    is_located: bool


def slice_along(knowledge: Knowledge, config: CampaignConfig, variable: str) -> Slice | None:
    """Predictions and readings along a variable, at the campaign's usual processing.

    Args:
        knowledge: Readings and fitted surrogates.
        config: Search space, control and temperature.
        variable: ``x``, ``milling_time_h`` or ``pressing_pressure_mpa``.

    Returns:
        The slice; ``None`` for a variable that is held and never varied.
    """
    pellets, usual = sound_pellets(knowledge.pellets), usual_recipe(config)
    span = _span(config, pellets, variable)
    if span is None:
        return None
    at = np.linspace(*span, N_GRID)
    recipes = _recipes(usual, variable, at)
    all_pellets = knowledge.pellets
    waits = all_pellets["status"] == "planned"
    is_lost = (all_pellets["status"] == "failed") | (all_pellets["jar_status"] == "failed")
    return Slice(
        variable=variable,
        held=held_text(usual, but=variable, temperature_c=config.temperature_c),
        curves=tuple(
            _curve(knowledge, config, name, variable, at, recipes, usual)
            for name in PELLET_PROPERTIES
        ),
        planned=_places(all_pellets.loc[waits, variable]),
        failed=_places(all_pellets.loc[is_lost, variable]),
    )


def peaks(knowledge: Knowledge, config: CampaignConfig) -> tuple[Peak, ...]:
    """Where along x each property that is wanted high or low is best, at the usual processing.

    Args:
        knowledge: Fitted surrogates.
        config: Objectives and what is searched.

    Returns:
        One a glass objective; empty when x is held.
    """
    span = _span(config, sound_pellets(knowledge.pellets), "x")
    if span is None:
        return ()
    at = np.linspace(*span, N_GRID)
    recipes = _recipes(usual_recipe(config), "x", at)
    found = []
    for name, wanted in config.glasses.objectives.items():
        rng = np.random.default_rng(SEED)
        drawn = knowledge.layers[name].sample(recipes, N_DRAWS, rng)
        best = drawn.argmax(axis=1) if wanted.direction == "maximize" else drawn.argmin(axis=1)
        low, mid, high = (float(value) for value in np.quantile(at[best], [0.05, 0.5, 0.95]))
        located = high - low < NOWHERE * (span[1] - span[0])
        found.append(Peak(property_id=name, at=mid, low=low, high=high, is_located=located))
    return tuple(found)


def _places(column: "pd.Series[float]") -> tuple[float, ...]:
    return tuple(column.dropna().astype(float).tolist())


def _span(
    config: CampaignConfig, pellets: pd.DataFrame, variable: str
) -> tuple[float, float] | None:
    """What is searched, and wider where something was made beyond it."""
    low, high = extremes(getattr(config.glasses, variable))
    made = pellets[variable].dropna()
    if len(made):
        low, high = min(low, float(made.min())), max(high, float(made.max()))
    return (low, high) if high > low else None


def _recipes(usual: Mapping[str, Any], variable: str, at: Array) -> pd.DataFrame:
    table = pd.DataFrame({**usual, variable: at}, index=range(len(at)))
    return table[list(GLASS_COLUMNS)]


def _curve(
    knowledge: Knowledge,
    config: CampaignConfig,
    name: str,
    variable: str,
    at: Array,
    recipes: pd.DataFrame,
    usual: Mapping[str, Any],
) -> Curve:
    readings = _of(knowledge.fitted, name)
    here = _here(readings, name, config.temperature_c)
    others = knowledge.literature
    published = _here(_of(others.readings, name), name, config.temperature_c)
    drawn = _drawn(here, knowledge.pellets, variable, usual)
    n_hidden = len(here) - len(drawn)
    marks = (
        *_marks(published, others.recipes, variable, usual, is_literature=True),
        *_marks(drawn, knowledge.pellets, variable, usual),
    )
    return Curve(
        property_id=name,
        at=at,
        bands=knowledge.layers[name].predict(recipes),
        marks=marks,
        n_hidden=n_hidden,
        n_elsewhere=len(readings) - len(here),
        n_readings=len(readings),
    )


def _drawn(
    readings: pd.DataFrame, pellets: pd.DataFrame, variable: str, usual: Mapping[str, Any]
) -> pd.DataFrame:
    """The readings; of too many those made like the curve, and the newest of the others."""
    if len(readings) <= MOST_DRAWN:
        return readings
    alike = is_usual(pellets, usual, but=variable).loc[readings["specimen"]].to_numpy(dtype=bool)
    newest_alike = np.flatnonzero(alike)[-MOST_DRAWN:]
    room = MOST_DRAWN - len(newest_alike)
    others = np.flatnonzero(~alike)
    rows = np.sort(np.concatenate([newest_alike, others[len(others) - room :]]))
    return readings.iloc[rows]


def _of(readings: pd.DataFrame, name: str) -> pd.DataFrame:
    return readings.loc[readings["property"] == name]


def _here(readings: pd.DataFrame, name: str, temperature_c: float) -> pd.DataFrame:
    """Readings at the campaign's temperature, where that matters; none stated counts as that."""
    if name not in TEMPERATURE_DEPENDENT or readings.empty:
        return readings
    off = (readings["temperature_c"].astype(float) - temperature_c).abs() > TEMPERATURE_TOLERANCE_C
    return readings.loc[~off]


def _marks(
    readings: pd.DataFrame,
    pellets: pd.DataFrame,
    variable: str,
    usual: Mapping[str, Any],
    *,
    is_literature: bool = False,
) -> list[Mark]:
    if readings.empty:
        return []
    same = is_usual(pellets, usual, but=variable)
    found = []
    for row in readings.to_dict("records"):
        pellet = pellets.loc[row["specimen"]]
        if not np.isfinite(pellet[variable]):
            continue
        dot, low, high = bar(row)
        found.append(
            Mark(
                specimen=str(row["specimen"]),
                at=float(pellet[variable]),
                dot=dot,
                low=low,
                high=high,
                medium=str(pellet["milling_media"]),
                is_own=not is_literature and str(pellet["origin"]) not in NOT_MADE_HERE,
                is_usual=bool(same.loc[row["specimen"]]),
                is_literature=is_literature,
            )
        )
    return found


def bar(row: Mapping[Any, Any]) -> tuple[float, float, float]:
    """A reading as dot and bar.

    Args:
        row: property, lower, upper and se; an open bound is NaN.

    Returns:
        Dot, lower and upper end, physical: 90 % by its own error where it is exact, the range as
        stated where it is one; the end of a bound that is open is NaN.
    """
    entry = property_of(str(row["property"]))
    low, high = float(row["lower"]), float(row["upper"])
    if entry.scale == "log10" and low <= 0:
        low = float("nan")  # above zero is no bound at all
    if not (np.isfinite(low) and np.isfinite(high)):
        return (low if np.isfinite(low) else high), low, high
    middle = float(entry.to_scale([low, high]).mean())
    dot = float(entry.from_scale(middle))
    if high > low:
        return dot, low, high
    se = scale_error(dot, row["se"], entry.id)
    ends = entry.from_scale([middle - Z_90 * se, middle + Z_90 * se])
    return dot, float(ends[0]), float(ends[1])
