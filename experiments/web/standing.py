"""Where a campaign stands, for the overview: status, best specimens with their ranges."""

from collections.abc import Mapping, Sequence
from typing import Any, Final

from experiments.campaign import Campaign
from experiments.config import ObjectiveConfig
from experiments.display import range_text, typeset_unit, value_text
from experiments.report_front import Standing, standing_cells, standing_glasses
from features.properties import property_of

MOST: Final = 8
_ARROWS: Final = {"maximize": "more is better", "minimize": "less is better"}


def standing_plain(campaign: Campaign) -> dict[str, Any]:
    """Status, and the best glasses and cells made.

    Args:
        campaign: Open.

    Returns:
        What ``Campaign.status`` gives, with ``best_glasses`` and ``best_cells``: heads and rows.
    """
    knowledge, config = campaign.knowledge(), campaign.config
    return {
        **campaign.status(),
        "best_glasses": _best(standing_glasses(knowledge, config), config.glasses.objectives),
        "best_cells": _best(standing_cells(knowledge, config), config.cells.objectives),
    }


def _best(made: Sequence[Standing], wanted: Mapping[str, ObjectiveConfig]) -> dict[str, Any]:
    shown = made[:MOST]
    spans = {name: _span(shown, name) for name in wanted}
    return {
        "heads": [
            {
                "id": name,
                "label": property_of(name).label,
                "unit": typeset_unit(name),
                "better": _ARROWS[objective.direction],
            }
            for name, objective in wanted.items()
        ],
        "rows": [
            {
                "specimen": part.specimen,
                "recipe": part.recipe,
                "is_own": part.is_own,
                "on_front": part.on_front,
                "values": {name: _value(part, name, spans[name]) for name in wanted},
            }
            for part in shown
        ],
    }


def _value(part: Standing, name: str, span: tuple[float, float]) -> dict[str, Any]:
    """Text of a value, and where its mark and range lie from 0 to 100 of the span of all."""
    value = part.values[name]
    entry = property_of(name)
    low, high = span
    width = (high - low) or 1.0
    scaled = entry.to_scale([value[key] for key in ("lower", "mean", "upper")])
    places = [100 * (float(one) - low) / width for one in scaled]
    return {
        "centre": value_text(value["mean"], name),
        "range": range_text(value["lower"], value["upper"], name).replace("..", " to "),
        "n_readings": int(value["read"]),
        "places": [round(place, 1) for place in places],
    }


def _span(made: Sequence[Standing], name: str) -> tuple[float, float]:
    ends = [part.values[name][key] for part in made for key in ("lower", "upper")]
    if not ends:
        return 0.0, 1.0
    scaled = property_of(name).to_scale(ends)
    return float(scaled.min()), float(scaled.max())
