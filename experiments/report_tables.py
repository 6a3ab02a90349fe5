"""Tables of a report as texts: best specimens, and what is proposed next."""

from collections.abc import Mapping, Sequence
from typing import Any, Final

from markupsafe import Markup

from experiments.config import ObjectiveConfig
from experiments.display import is_known, number_text, typeset_unit
from experiments.report_front import Standing
from experiments.report_recipes import cell_text, glass_text, medium_text
from experiments.round_plan import Round
from experiments.success_words import percent_text
from experiments.typeset import NO_DATA, value_markup
from features.properties import property_of

MOST_ROWS: Final = 8
"""Specimens in a table of the best."""


def heads(names: Sequence[str], wanted: Mapping[str, ObjectiveConfig]) -> list[dict[str, str]]:
    """Heads of a property's columns: label, unit and what is better.

    Args:
        names: Catalogue ids.
        wanted: Objectives, which say what is better.

    Returns:
        Texts.
    """
    arrows = {"maximize": "↑", "minimize": "↓"}
    return [
        {
            "label": property_of(name).label,
            "unit": typeset_unit(name),
            "arrow": arrows[wanted[name].direction] if name in wanted else "",
        }
        for name in names
    ]


def best_rows(made: Sequence[Standing], names: Sequence[str]) -> list[dict[str, Any]]:
    """Specimens made, those most likely on the front first.

    Args:
        made: What is known of each.
        names: Objectives, one column each.

    Returns:
        ``specimen``, ``recipe``, ``is_own``, ``front`` and ``values``: centre, range and whether
        it was read.
    """
    return [
        {
            "specimen": part.specimen,
            "recipe": part.recipe,
            "is_own": part.is_own,
            "front": f"{percent_text(part.on_front)} %",
            "values": [
                {
                    "centre": value_markup(part.values[name]["mean"], name),
                    "range": _range(part.values[name]["lower"], part.values[name]["upper"], name),
                    "read": bool(part.values[name]["read"]),
                }
                for name in names
            ],
        }
        for part in made[:MOST_ROWS]
    ]


def batch(
    round_: Round,
    states: Mapping[str, str],
    *,
    glass_names: Sequence[str],
    cell_names: Sequence[str],
) -> dict[str, Any]:
    """An open round as tables.

    Args:
        round_: As it was proposed.
        states: By specimen id, how far it got.
        glass_names: Properties of the columns of glasses.
        cell_names: The same of cells.

    Returns:
        ``round``, ``created``, ``mill`` (the run in words), ``warnings``, ``glasses`` and
        ``cells``; each of these with id, role, why, recipe, values, success and state.
    """
    mill = round_["mill_run"]
    return {
        "round": round_["round"],
        "created": str(round_["created"])[:10],
        "mill": f"{number_text(mill['milling_time_h'])} h at "
        f"{number_text(mill['milling_speed_rpm'])} rpm: {mill['why']}",
        "warnings": list(round_.get("warnings", ())),
        "glasses": [
            {
                **_item(item, item.get("pellet", item["id"]), states, glass_names),
                "recipe": glass_text(item["recipe"]),
            }
            for item in round_["glasses"]
        ],
        "cells": [
            {**_item(item, item["id"], states, cell_names), "recipe": _cell(item["recipe"])}
            for item in round_["trilayers"]
        ],
    }


def _item(
    item: Mapping[str, Any], carrier: str, states: Mapping[str, str], names: Sequence[str]
) -> dict[str, Any]:
    success = item.get("success")
    return {
        "id": item["id"],
        "role": item["role"].replace("_", " "),
        "why": item["why"],
        "state": states.get(carrier, ""),
        "success": None if not success else f"{percent_text(success['probability'])} %",
        "values": [_predicted(item["predictions"].get(name, {}), name) for name in names],
    }


def _predicted(prediction: Mapping[str, Any], name: str) -> dict[str, Any]:
    if not is_known(prediction.get("mean")):
        return {"centre": NO_DATA, "range": ""}
    ends = (prediction.get("reading_lower"), prediction.get("reading_upper"))
    return {"centre": value_markup(prediction["mean"], name), "range": _range(*ends, name)}


def _cell(recipe: Mapping[str, Any]) -> str:
    """Core and skin by the jars their powder comes from."""
    layers = {f"{side}_x": recipe[f"{side}_recipe"]["x"] for side in ("core", "skin")}
    jars = ", ".join(
        f"{side} {recipe[side]} ({medium_text(medium)})"
        for side in ("core", "skin")
        for medium in [recipe[f"{side}_recipe"]["milling_media"]]
    )
    return f"{cell_text({**recipe, **layers})}; {jars}"


def _range(lower: object, upper: object, name: str) -> Markup:
    return Markup("{} to {}").format(value_markup(lower, name), value_markup(upper, name))
