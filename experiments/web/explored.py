"""What the explore page draws, as plain numbers: slices, fronts, the map of cells."""

from collections.abc import Sequence
from dataclasses import asdict
from typing import Any, Final

import numpy as np
import pandas as pd

from experiments.campaign import Campaign
from experiments.config import CampaignConfig, extremes
from experiments.knowledge import PELLET_PROPERTIES, feature_ranges, sound_pellets
from experiments.report_front import Standing, fronts, standing_glasses
from experiments.report_map import cell_map
from experiments.report_recipes import usual_recipe
from experiments.report_slices import slice_along
from features.errors import SpaceError
from features.milling import MEDIA
from features.properties import property_of
from models.registry import SURROGATES, surrogate_named

SLICED: Final = ("x", "pressing_pressure_mpa", "milling_time_h")
SHOWN: Final = tuple(SURROGATES)
"""Surrogates that can be drawn side by side."""

N_GRID: Final = 61
Plain = dict[str, Any]


def slices_plain(
    campaign: Campaign,
    *,
    variable: str,
    property_id: str,
    surrogates: Sequence[str],
    medium: str | None = None,
) -> Plain:
    """A property along a variable, by several surrogates fitted to the same readings.

    Args:
        campaign: Open.
        variable: One of ``SLICED``.
        property_id: Of pellets.
        surrogates: Names of ``SHOWN``.
        medium: Milling medium; the usual one when left out.

    Returns:
        ``at``, ``curves`` by surrogate (mean, lower, upper), ``marks`` (readings with specimen),
        ``planned``, ``held`` and what the axes are.

    Raises:
        SpaceError: If a variable, property, surrogate or medium is none of these.
    """
    _require("variable", variable, SLICED)
    _require("property", property_id, PELLET_PROPERTIES)
    for name in surrogates:
        _require("surrogate", name, SHOWN)
    if medium is not None:
        _require("medium", medium, tuple(MEDIA))
    knowledge, config = campaign.knowledge(), campaign.config
    if medium is not None:
        config = _milled_in(config, medium)
    part, usual = slice_along(knowledge, config, variable), usual_recipe(config)
    own = None
    if part is not None:
        own = next(curve for curve in part.curves if curve.property_id == property_id)
    low, high = extremes(getattr(config.glasses, variable))
    at = own.at if own is not None else np.linspace(low, max(high, low + 1e-9), N_GRID)
    recipes = pd.DataFrame({**usual, variable: at}, index=range(len(at)))
    entry = property_of(property_id)
    fitted = knowledge.fitted.loc[knowledge.fitted["property"] == property_id]
    curves = {}
    for name in surrogates:
        if name == "gp":
            table = knowledge.layers[property_id].predict(recipes)
        else:
            model = surrogate_named(
                name, property_id, feature_ranges(config), config.temperature_c
            ).fit(sound_pellets(knowledge.pellets), fitted)
            table = model.predict(recipes)
        curves[name] = {
            key: table[key].astype(float).tolist() for key in ("mean", "lower", "upper")
        }
    return {
        "variable": variable,
        "property": property_id,
        "label": entry.label,
        "unit": entry.unit,
        "log": entry.scale == "log10",
        "medium": usual["milling_media"],
        "at": at.tolist(),
        "curves": curves,
        "marks": [] if own is None else [asdict(mark) for mark in own.marks],
        "planned": [] if part is None else list(part.planned),
        "held": "" if part is None else part.held,
        "n_readings": len(fitted),
        "simulated": campaign.kind == "simulated",
    }


def fronts_plain(campaign: Campaign) -> list[Plain]:
    """The first objective of the glasses against each other one.

    Args:
        campaign: Open.

    Returns:
        One a pair: axes, points made and planned with specimen and recipe, attained front.
    """
    knowledge, config = campaign.knowledge(), campaign.config
    found = []
    for front in fronts(knowledge, config, standing_glasses(knowledge, config)):
        axes = {
            side: {
                "id": name,
                "label": property_of(name).label,
                "unit": property_of(name).unit,
                "log": property_of(name).scale == "log10",
                "direction": direction,
            }
            for side, name, direction in zip(
                ("across", "up"), (front.across, front.up), front.directions, strict=True
            )
        }
        found.append(
            {
                **axes,
                "made": [_point(one, front.across, front.up) for one in front.made],
                "planned": [_point(one, front.across, front.up) for one in front.planned],
                "grid": front.grid.tolist(),
                "attained": [_known(row.tolist()) for row in front.attained],
            }
        )
    return found


def cell_map_plain(campaign: Campaign) -> Plain | None:
    """Cells by the oxygen of core and skin: centre and sd of each property, and cells made.

    Args:
        campaign: Open.

    Returns:
        The map; ``None`` where x is held.
    """
    found = cell_map(campaign.knowledge(), campaign.config)
    if found is None:
        return None
    return {
        "core_x": found.core_x.tolist(),
        "skin_x": found.skin_x.tolist(),
        "centre": {name: grid.tolist() for name, grid in found.centre.items()},
        "sd": {name: grid.tolist() for name, grid in found.sd.items()},
        "axes": {
            name: {
                "label": property_of(name).label,
                "unit": property_of(name).unit,
                "sd_unit": property_of(name).sd_unit,
                "log": property_of(name).scale == "log10",
            }
            for name in found.centre
        },
        "held": found.held,
        "least_skin_x": found.least_skin_x,
        "marks": [asdict(mark) for mark in found.marks],
        "n_readings": found.n_readings,
        "simulated": campaign.kind == "simulated",
    }


def _milled_in(config: CampaignConfig, medium: str) -> CampaignConfig:
    """The same search with another usual medium, so that curve, readings and words agree."""
    return config.model_copy(
        update={
            "control": config.control.model_copy(update={"milling_media": medium}),
            "glasses": config.glasses.model_copy(
                update={"jars_owned": {**config.glasses.jars_owned, medium: 1}}
            ),
        }
    )


def _point(part: Standing, across: str, up: str) -> Plain:
    return {
        "specimen": part.specimen,
        "recipe": part.recipe,
        "is_own": part.is_own,
        "on_front": part.on_front,
        "across": dict(part.values[across]),
        "up": dict(part.values[up]),
    }


def _known(values: list[float]) -> list[float | None]:
    return [value if np.isfinite(value) else None for value in values]


def _require(what: str, got: str, allowed: Sequence[str]) -> None:
    if got not in allowed:
        raise SpaceError(f"{what}: must be one of {', '.join(allowed)}, got {got!r}; choose one")
