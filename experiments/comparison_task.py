"""What is compared for one property: tables of pellets or of cells, and the surrogates on them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final, final

import pandas as pd

from experiments.config import CampaignConfig
from experiments.knowledge import (
    CELL_PROPERTIES,
    Knowledge,
    feature_ranges,
    sound_cells,
    sound_pellets,
)
from models.cell_surrogate import CellSurrogate
from models.curves import VARIABLES
from models.paired_differences import BASELINE
from models.physics import PHYSICS
from models.property_gp import PropertyGP
from models.registry import surrogate_named
from models.settings import GPSettings
from models.surrogate import Surrogate
from models.trilayer import TrilayerSurrogate

NO_SURROGATE: Final = "recorded and shown, no surrogate predicts it"

LEARNED_AS_SLOPE: Final = "learned from as the slope of the ionic conductivity, not compared itself"

CAMPAIGN: Final = "gp_campaign"
"""Name of the process as ``campaign.yaml`` sets it, where that differs from ``gp``."""

_OF_CELLS: Final[Mapping[str, bool]] = {"gp": False, "gp_physics": True}
"""Surrogates of cells by name, and whether physics is their prior mean."""


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class Task:
    """One property's comparison before it is made.

    Attributes:
        recipes: One row a specimen; ``made_by`` says whose it is.
        readings: What the surrogates are given.
        unfitted: Surrogates by name.
        variables: Columns to draw predictions along.
    """

    recipes: pd.DataFrame
    readings: pd.DataFrame
    unfitted: Mapping[str, Surrogate]
    variables: tuple[str, ...]


def task_of(
    property_id: str, names: Sequence[str], config: CampaignConfig, knowledge: Knowledge
) -> Task:
    """Tables and surrogates of one property.

    Args:
        property_id: Of pellets or of cells.
        names: Names of the registry; for cells those that know cells.
        config: Ranges, temperature and settings.
        knowledge: Specimens, readings and fitted layers.

    Returns:
        The task.
    """
    if property_id in CELL_PROPERTIES:
        return _of_cells(property_id, names, config, knowledge)
    recipes = sound_pellets(knowledge.pellets)
    readings = knowledge.fitted.loc[knowledge.fitted["specimen"].isin(recipes.index)]
    ranges, settings = feature_ranges(config), config.settings_of(property_id)
    unfitted = {
        name: surrogate_named(name, property_id, ranges, config.temperature_c)
        for name in names
        if name != "gp_physics" or property_id in PHYSICS  # without a law it is gp once more
    }
    if settings != GPSettings():
        unfitted[CAMPAIGN] = PropertyGP(property_id, ranges, config.temperature_c, settings)
    return Task(
        recipes=recipes.assign(made_by=recipes["origin"]),
        readings=readings,
        unfitted=unfitted,
        variables=varied(recipes, readings.loc[readings["property"] == property_id]),
    )


def varied(recipes: pd.DataFrame, readings: pd.DataFrame) -> tuple[str, ...]:
    """Variables to draw predictions along: oxygen, and whatever else the readings vary.

    Args:
        recipes: Index = specimen id.
        readings: Column specimen.

    Returns:
        Columns of ``recipes``, ``x`` first.

    Examples:
        >>> made = pd.DataFrame({name: [1.0, 1.0] for name in VARIABLES}, index=["A", "B"])
        >>> read = pd.DataFrame({"specimen": ["A", "B"]})
        >>> varied(made.assign(pressing_pressure_mpa=[300.0, 450.0]), read)
        ('x', 'pressing_pressure_mpa')
    """
    read = recipes.loc[recipes.index.isin(readings["specimen"])]
    return ("x", *(name for name in VARIABLES if name != "x" and read[name].nunique() > 1))


def _of_cells(
    property_id: str, names: Sequence[str], config: CampaignConfig, knowledge: Knowledge
) -> Task:
    """Cells, those of one skin glass left out together; their glasses' pellets stay known."""
    made = sound_cells(knowledge.cells)
    skin = {
        name: made[f"skin_{name}"]
        for name in ("x", "milling_time_h", "milling_media", "milling_speed_rpm")
    }
    unfitted: dict[str, Surrogate] = {
        BASELINE: surrogate_named(BASELINE, property_id, {}, config.temperature_c)
    }
    for name in names:
        if name in _OF_CELLS:
            cells = TrilayerSurrogate(knowledge.layers, physics=_OF_CELLS[name])
            unfitted[name] = CellSurrogate(property_id, cells)
    return Task(
        recipes=made.assign(**skin, jar=made["skin"], made_by=made["skin_origin"]),
        readings=knowledge.fitted.loc[knowledge.fitted["specimen"].isin(made.index)],
        unfitted=unfitted,
        variables=(),
    )
