"""The batch sheet: one A4 page that goes into the glovebox (domain notes 7.2)."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import ceil
from typing import Any, Final

import numpy as np
from jinja2 import Environment, PackageLoader, StrictUndefined
from numpy.typing import ArrayLike

from experiments.display import (
    budget_text,
    hours_text,
    number_text,
    predicted_properties,
    short_id,
    significant,
    too_few,
    typeset_unit,
    x_text,
)
from experiments.reasons import item_explanation
from experiments.success_words import percent_text
from experiments.typeset import chemistry, formula, quantity
from features.compaction import press_force_kn, press_force_tonnes
from features.errors import CampaignError
from features.milling import medium
from features.properties import CATALOGUE

ON_MIN: Final = 15.0
OFF_MIN: Final = 15.0
"""Pauses keep the jar from warming up (domain notes 3.3)."""

HOLD_MIN: Final = 2
"""Minutes at pressure; printed as the target, the lab may write another."""

NO_BALL_SET: Final = "balls not recorded: relative dose with load 1"

SAFETY: Final = (
    "Na2S, P2S5 and all glasses give off H2S with moisture: weigh, open, clean inside the box.",
    "P2O5 and water react violently: keep it closed, note how long it was open.",
    "Jars leave the box sealed; cool for 30 min, open inside: pressurised H2S, PH3 possible.",
    "Sodium burns with water and melts at 98 °C: no cell with sodium above 90 °C.",
    "A used sodium face holds Na3P, which gives PH3 with moisture: keep it under argon.",
    "Never press beyond the die's rating; steel jacket on, shield closed.",
    "Residues: quench in the box in dry alcohol under argon, then by the site's rules.",
    "Stop if a jar hisses or leaks, the die creaks, or an O2, H2O or H2S alarm sounds.",
)
"""Fixed lines (domain notes 5.5)."""

# In order of addition: P2S5 first, P2O5 on it, Na2S last so that it meets no free moisture.
_MATERIALS: Final = (("p2s5", "P2S5"), ("p2o5", "P2O5"), ("na2s", "Na2S"))


@dataclass(frozen=True, slots=True, kw_only=True)
class MillProgramme:
    """A mill run with pauses.

    Attributes:
        on_min: Minutes milling in a cycle.
        off_min: Minutes of pause after it.
        n_cycles: Number of cycles.
        last_on_min: Minutes milling in the last cycle, shorter when the time does not divide.
        net_h: Time the mill turns, h; this is the milling time of the recipe.
        total_h: Time on the clock, last pause included, h.
    """

    on_min: float
    off_min: float
    n_cycles: int
    last_on_min: float
    net_h: float
    total_h: float


def mill_programme(
    net_h: float, *, on_min: float = ON_MIN, off_min: float = OFF_MIN
) -> MillProgramme:
    """The programme that turns the mill for a net time.

    Args:
        net_h: Net milling time, h.
        on_min: Minutes milling in a cycle.
        off_min: Minutes of pause in a cycle.

    Returns:
        Cycles and times. The last pause counts, since the jars must cool anyway.

    Examples:
        >>> programme = mill_programme(3.0)
        >>> programme.n_cycles, programme.total_h
        (12, 6.0)
    """
    n_cycles = ceil(round(net_h * 60 / on_min, 9))  # 1.1 h is not 66.00000000000001 min
    return MillProgramme(
        on_min=on_min,
        off_min=off_min,
        n_cycles=n_cycles,
        last_on_min=net_h * 60 - (n_cycles - 1) * on_min,
        net_h=net_h,
        total_h=net_h + n_cycles * off_min / 60,
    )


def render(
    round: Mapping[str, Any],  # noqa: A002 - the word of the domain
    *,
    assays: Mapping[str, float],
    jar_set: Mapping[str, str],
    ccd_protocol: Mapping[str, float],
    temperature_list_c: Sequence[float] = (25, 40, 60, 75, 90),
    die_diameter_mm: float = 13.0,
) -> str:
    """The batch sheet of a round.

    Args:
        round: The round, plain data as ``propose --json`` prints it.
        assays: Mass fraction of pure compound the masses were computed with, by ``na2s``,
            ``p2s5`` and ``p2o5``.
        jar_set: Balls in the jar, in words, by medium id; a medium may be missing.
        ccd_protocol: ``start_ma_cm2``, ``step_ma_cm2``, ``half_cycle_h`` and ``end_ma_cm2``.
        temperature_list_c: Temperatures of the impedance sweep, °C.
        die_diameter_mm: Die the press forces are computed for, mm.

    Returns:
        A complete HTML page without anything to load; four jars and two cells print on one A4.

    Raises:
        CampaignError: If an assay or a number of the CCD programme is missing.
    """
    _require_keys("assays", assays, [key for key, _ in _MATERIALS])
    _require_keys(
        "ccd_protocol", ccd_protocol, ["start_ma_cm2", "step_ma_cm2", "half_cycle_h", "end_ma_cm2"]
    )
    glasses, cells = round["glasses"], round["trilayers"]
    jar_numbers = {glass["id"]: number for number, glass in enumerate(glasses, start=1)}
    return (
        _environment()
        .get_template("batch_sheet.html.j2")
        .render(
            round=round,
            budget=None if round.get("budget") is None else budget_text(round["budget"]),
            materials=[(key, name, assays[key]) for key, name in _MATERIALS],
            jars=[
                _jar(glass, number, jar_set) | _cost(glass, round)
                for number, glass in enumerate(glasses, start=1)
            ],
            glass_columns=_columns(glasses),
            mill=mill_programme(round["mill_run"]["milling_time_h"]),
            pellets=[_pellet(glass, die_diameter_mm) for glass in glasses],
            cells=[
                _cell(cell, jar_numbers, die_diameter_mm) | _cost(cell, round) for cell in cells
            ],
            cell_columns=_columns(cells),
            tests=_tests(cells, die_diameter_mm),
            ccd=ccd_protocol,
            temperatures=[number_text(temperature) for temperature in temperature_list_c],
            die_diameter_mm=die_diameter_mm,
            hold_min=HOLD_MIN,
            few=too_few(round["counts"]),
            safety=SAFETY,
        )
    )


def render_withheld(round_: Mapping[str, Any], faults: Sequence[str]) -> str:
    """What is printed in place of the sheet of a stored round that breaks a rule.

    Args:
        round_: The round, plain data; no number of it is printed.
        faults: Why, one sentence a rule, as ``safe_sheet.unsafe`` gives them.

    Returns:
        A complete HTML page without anything to load.
    """
    return _environment().get_template("withheld_sheet.html.j2").render(round=round_, faults=faults)


def _environment() -> Environment:
    environment = Environment(
        loader=PackageLoader("experiments", "data"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters |= {"number": number_text, "chemistry": chemistry}
    return environment


def _require_keys(where: str, table: Mapping[str, float], keys: Sequence[str]) -> None:
    missing = [key for key in keys if key not in table]
    if missing:
        raise CampaignError(
            f"{where} must hold {', '.join(keys)}, got no {', '.join(missing)}; "
            "enter it in campaign.yaml"
        )


def _jar(glass: Mapping[str, Any], number: int, jar_set: Mapping[str, str]) -> dict[str, Any]:
    media = glass["recipe"]["milling_media"]
    masses = glass["masses_mg"]
    return {
        "number": number,
        "id": glass["id"],
        "role": glass["role"].replace("_", " "),
        "why": glass["why"],
        "explanation": item_explanation(glass, brief=True),
        "formula": formula(glass["recipe"]["x"]),
        "x": x_text(glass["recipe"]["x"]),
        "medium": medium(media).label,
        "balls": jar_set.get(media) or NO_BALL_SET,
        "masses": {key: f"{masses[key]:.1f}" for key, _ in _MATERIALS},
        "total": f"{sum(round(mass, 1) for mass in masses.values()):.1f}",
        "expected": _expected(glass),
        "success": _success(glass),
    }


def _pellet(glass: Mapping[str, Any], die_diameter_mm: float) -> dict[str, Any]:
    recipe = glass["recipe"]
    return {
        "id": glass["pellet"],
        "mass": f"{recipe['mass_mg']:.1f}",
        "press": _press(recipe["pressing_pressure_mpa"], die_diameter_mm),
    }


def _cell(
    cell: Mapping[str, Any], jar_numbers: Mapping[str, int], die_diameter_mm: float
) -> dict[str, Any]:
    recipe = cell["recipe"]
    return {
        "id": cell["id"],
        "role": cell["role"].replace("_", " "),
        "why": cell["why"],
        "explanation": item_explanation(cell, brief=True),
        "layers": [
            {
                "name": name,
                "glass": short_id(recipe[layer]) if recipe[layer] in jar_numbers else recipe[layer],
                "jar": jar_numbers.get(recipe[layer]),
                "x": x_text(recipe[f"{layer}_recipe"]["x"]),
                "mass": f"{recipe[f'{layer}_mass_mg']:.1f}",
            }
            for name, layer in (("core", "core"), ("skin, each side", "skin"))
        ],
        "precompaction": _press(recipe["precompaction_pressure_mpa"], die_diameter_mm),
        "copress": _press(recipe["pressing_pressure_mpa"], die_diameter_mm),
        "expected": _expected(cell),
        "success": _success(cell),
    }


def _press(pressure_mpa: float, die_diameter_mm: float) -> dict[str, str]:
    return {
        "mpa": number_text(pressure_mpa),
        "kn": _force(press_force_kn(pressure_mpa, die_diameter_mm)),
        "tonnes": _force(press_force_tonnes(pressure_mpa, die_diameter_mm)),
    }


def _force(value: ArrayLike) -> str:
    force = float(np.asarray(value))
    return significant(force, 3 if force >= 1 else 2)


def _tests(cells: Sequence[Mapping[str, Any]], die_diameter_mm: float) -> list[dict[str, Any]]:
    """Cells that are tested alike, together."""
    groups: dict[tuple[float, float], list[str]] = {}
    for cell in cells:
        recipe = cell["recipe"]
        conditions = (recipe["temperature_c"], recipe["stack_pressure_mpa"])
        groups.setdefault(conditions, []).append(short_id(cell["id"]))
    return [
        {
            "cells": ", ".join(ids),
            "temperature": number_text(temperature_c),
            "stack": _press(stack_mpa, die_diameter_mm),
        }
        for (temperature_c, stack_mpa), ids in groups.items()
    ]


def _columns(items: Sequence[Mapping[str, Any]]) -> list[tuple[str, str, str]]:
    return [
        (name, CATALOGUE[name].label, typeset_unit(name)) for name in predicted_properties(items)
    ]


def _expected(item: Mapping[str, Any]) -> dict[str, dict[str, Any]]:
    """Centre and 90 % range of a new reading of each property, set for print."""
    return {
        name: quantity(item["predictions"].get(name, {}), name)
        for name in predicted_properties([item])
    }


def _success(item: Mapping[str, Any]) -> dict[str, str] | None:
    """Probability of success and its 90 % range, %; rounds of older versions lack it."""
    success = item.get("success")
    if success is None:
        return None
    return {name: percent_text(success[name]) for name in ("probability", "lower", "upper")}


def _cost(item: Mapping[str, Any], round_: Mapping[str, Any]) -> dict[str, str | None]:
    """Hours of a glass or cell; printed where there is a budget."""
    return {"cost": None if round_.get("budget") is None else hours_text(item["cost_h"])}
