"""What a ranking of measurements rests on and comes to, in plain sentences."""

from collections.abc import Sequence
from typing import Final

from experiments.config import CampaignConfig
from experiments.display import SHORT_MEDIA, number_text, significant, x_text
from experiments.measurement_options import Option
from features.properties import property_of

_THOUSAND: Final = 1000
LEAST: Final = 1e-6
"""A rise below this, a thousandth of a thousandth, is none."""

HOURS: Final = (
    "hours are settings in campaign.yaml (costs:); unless you entered yours they are assumed, "
    "nobody timed them"
)


def what_text(option: Option) -> str:
    """What is to be done, without its hours.

    Args:
        option: A reading or a new specimen.

    Examples:
        >>> what_text(Option(kind="repeat", of="glasses", specimen="R01-G1-P1",
        ...     properties=("youngs_modulus",), recipe={}, hours=3, delay_h=3))
        "R01-G1-P1: Young's modulus, again"
    """
    labels = " + ".join(property_of(name).label for name in option.properties)
    if option.kind == "glass":
        return f"{option.specimen or 'new glass'}: make it, then {labels}"
    if option.kind == "cell":
        return f"{option.specimen}: build it, then {labels}"
    return f"{option.specimen}: {labels}" + (", again" if option.kind == "repeat" else "")


def recipe_text(option: Option) -> str:
    """A recipe in one short line.

    Args:
        option: With the recipe of a glass or a cell.

    Examples:
        >>> recipe = {"x": 0.15, "milling_time_h": 3.0, "milling_media": "zirconia",
        ...     "milling_speed_rpm": 500.0, "pressing_pressure_mpa": 450.0}
        >>> recipe_text(Option(kind="glass", of="glasses", specimen="", properties=(),
        ...     recipe=recipe, hours=2, delay_h=5))
        'x 0.15, ZrO2 3 h, 450 MPa'
    """
    recipe = option.recipe
    pressure = f"{number_text(recipe['pressing_pressure_mpa'])} MPa"
    if option.of == "cells":
        masses = (recipe["core_mass_mg"], recipe["skin_mass_mg"])
        core, skin = (number_text(round(mass, 1)) for mass in masses)
        return f"{recipe['core']} {core} mg | {recipe['skin']} {skin} mg, {pressure}"
    media = SHORT_MEDIA.get(recipe["milling_media"], recipe["milling_media"])
    milling = f"{media} {number_text(recipe['milling_time_h'])} h"
    return f"x {x_text(round(recipe['x'], 3))}, {milling}, {pressure}"


def thousandths(value: float) -> str:
    """A rise in thousandths of a hypervolume.

    Examples:
        >>> thousandths(0.01234), thousandths(0.0), thousandths(2e-7), thousandths(-0.0005)
        ('12', '0', '0', '-0.50')
    """
    return "0" if abs(value) < LEAST else significant(_THOUSAND * value, 2)


def ranking_in_words(ranked: Sequence[tuple[Option, float, float]]) -> tuple[str, ...]:
    """What comes first, and how many options change nothing.

    Args:
        ranked: Options with rise and its standard error, the most worth an hour first.

    Returns:
        A sentence each.
    """
    if not ranked:
        return ("Nothing can be ranked: no specimen waits to be measured, and no recipe is new.",)
    sentences = []
    if all(option.kind in ("glass", "cell") for option, _, _ in ranked):
        sentences.append(
            "No pellet or cell of this campaign exists to be measured: only what is new is ranked."
        )
    best, rise, se = ranked[0]
    if rise < LEAST:
        sentences.append("No measurement is expected to change what is best of what was made.")
        return tuple(sentences)
    error = f" (give or take {thousandths(se)})" if se >= LEAST else ""
    sentences.append(
        f"Most for the hour: {what_text(best)}: {number_text(round(best.hours, 1))} h, expected to "
        f"raise the hypervolume of the {best.of} by {thousandths(rise)} thousandths{error}."
    )
    for option, own, own_se in ranked[1:2]:
        if _as_good(best, rise, se, option, own, own_se):
            sentences.append(f"{what_text(option)} is as good within twice the standard error.")
    idle = sum(value < LEAST for _, value, _ in ranked)
    if idle:
        sentences.append(
            f"{idle} option{'s' if idle > 1 else ''} would change nothing to speak of: what is "
            "best would stay best, whatever the value."
        )
    return tuple(sentences)


def assumptions_of(
    config: CampaignConfig, options: Sequence[Option], *, bounds: int
) -> tuple[str, ...]:
    """What the numbers rest on.

    Args:
        config: Costs and jars a run.
        options: What is ranked.
        bounds: Values known as a bound only, whose repetition is left out.

    Returns:
        A clause each.
    """
    kinds = {(option.kind, option.of) for option in options}
    found = [
        HOURS,
        "a measurement changes no specimen: the rise is that of what can be counted on, the "
        "hypervolume of the expected values of all that was made",
    ]
    if any(of == "glasses" and kind != "glass" for kind, of in kinds):
        found.append(
            "area, thickness and what is left of a pellet are not checked: look whether it will do"
        )
        found.append(
            "pellets of the paper, of literature and of entered notebooks are taken as not in hand"
        )
        found.append("a reading of a pellet is counted for the glasses only, cells learn from it")
    if any(kind == "glass" for kind, _ in kinds):
        found.append(
            "a new glass is read on every objective, bears its share of the milling time "
            f"(costs.glass_h {number_text(config.costs.glass_h)} h besides), and counts as often "
            "as it is expected to succeed"
        )
    if ("reading", "cells") in kinds or ("cell", "cells") in kinds:
        found.append(
            "glasses and cells have a hypervolume each, and their thousandths are compared as "
            "equals"
        )
    if bounds:
        found.append(
            f"{bounds} value{'s' if bounds > 1 else ''} known as a bound only would be a bound "
            "again: not asked for again"
        )
    return tuple(found)


def _as_good(
    best: Option, rise: float, se: float, other: Option, own: float, own_se: float
) -> bool:
    """Whether two options cannot be told apart an hour; exact ones can."""
    gap = rise / best.hours - own / other.hours
    error = ((se / best.hours) ** 2 + (own_se / other.hours) ** 2) ** 0.5
    return own >= LEAST and error > 0 and gap < 2 * error
