"""The usual processing of a campaign, and recipes as a sentence says them."""

from collections.abc import Mapping
from typing import Any, Final

import pandas as pd

from experiments.config import CampaignConfig, extremes
from experiments.display import SHORT_MEDIA, is_known, number_text, x_text
from features.milling import MEDIA, REFERENCE_SPEED_RPM

VARIABLES: Final = {
    "x": "oxygen x",
    "milling_time_h": "milling time",
    "milling_media": "medium",
    "milling_speed_rpm": "milling speed",
    "pressing_pressure_mpa": "pressing pressure",
}
"""Columns of a glass as a sentence names them."""

UNITS: Final = {
    "x": "",
    "milling_time_h": "h",
    "milling_speed_rpm": "rpm",
    "pressing_pressure_mpa": "MPa",
    "core_x": "",
    "skin_x": "",
    "core_mass_mg": "mg",
    "skin_mass_mg": "mg",
    "stack_pressure_mpa": "MPa",
    "precompaction_pressure_mpa": "MPa",
    "temperature_c": "°C",
}

_SAME: Final = {
    "x": 0.02,
    "milling_time_h": 0.26,
    "milling_speed_rpm": 5.0,
    "pressing_pressure_mpa": 13.0,
}
"""Differences that still count as the same processing: half a step of what is searched, and in x
what weighing does (domain notes 3.2)."""


_LOWERED: Final = str.maketrans("0123456789", "₀₁₂₃₄₅₆₇₈₉")


def medium_text(medium: str) -> str:
    """What a chemist writes on the jar, its formula set as on paper.

    Examples:
        >>> medium_text("zirconia"), medium_text("stainless_steel")
        ('ZrO₂', 'SS')
    """
    return SHORT_MEDIA[medium].translate(_LOWERED) if medium in SHORT_MEDIA else medium


def usual_recipe(config: CampaignConfig) -> dict[str, Any]:
    """The control's recipe, moved into what is searched: the processing figures are drawn at.

    Args:
        config: Control and search space.

    Returns:
        x, milling_time_h, milling_media, milling_speed_rpm and pressing_pressure_mpa.
    """
    control, glasses = config.control, config.glasses
    owned = [media for media, count in glasses.jars_owned.items() if count]
    wanted = {
        "milling_time_h": control.milling_time_h,
        "milling_speed_rpm": REFERENCE_SPEED_RPM,
        "pressing_pressure_mpa": control.pressing_pressure_mpa,
    }
    media = control.milling_media if control.milling_media in owned else owned[0]
    moved = {}
    for name, value in wanted.items():
        low, high = extremes(getattr(glasses, name))
        moved[name] = min(max(value, low), high)
    return {"x": control.x, "milling_media": media, **moved}


def usual_cell(config: CampaignConfig) -> dict[str, Any]:
    """The control's cell with both layers processed as usual; the columns a surrogate reads.

    Args:
        config: Control, search space and test of the cells.

    Returns:
        Layers, masses, pressures and temperature.
    """
    glass, cells = usual_recipe(config), config.cells
    layer = {name: glass[name] for name in ("milling_time_h", "milling_media", "milling_speed_rpm")}
    low, high = extremes(cells.pressing_pressure_mpa)
    thin, thick = extremes(cells.skin_mass_mg)
    return {
        "core_x": config.control.x,
        "skin_x": config.control.skin_x,
        **{f"{side}_{name}": value for side in ("core", "skin") for name, value in layer.items()},
        "core_mass_mg": min(max(150.0, extremes(cells.core_mass_mg)[0]),
                            extremes(cells.core_mass_mg)[1]),
        "skin_mass_mg": min(max(config.control.skin_mass_mg, thin), thick),
        "pressing_pressure_mpa": min(max(glass["pressing_pressure_mpa"], low), high),
        "stack_pressure_mpa": cells.stack_pressure_mpa,
        "temperature_c": config.temperature_c,
    }  # fmt: skip


def is_usual(recipes: pd.DataFrame, usual: Mapping[str, Any], *, but: str) -> "pd.Series[bool]":
    """Whether each recipe is processed as usual in everything but one variable.

    Args:
        recipes: Columns of a glass.
        usual: What ``usual_recipe`` gave.
        but: The variable that may differ.

    Returns:
        One a row.
    """
    same = pd.Series(True, index=recipes.index)
    for name, tolerance in _SAME.items():
        if name != but:
            same &= (recipes[name] - usual[name]).abs() <= tolerance
    if but != "milling_media":
        same &= recipes["milling_media"] == usual["milling_media"]
    return same


def glass_text(recipe: Mapping[Any, Any]) -> str:
    """A glass and its pressing in a few words; what is not known is left out.

    Args:
        recipe: Columns of a glass; any may be missing or NaN.

    Examples:
        >>> glass_text({"x": 0.15, "milling_time_h": 3.0, "milling_media": "zirconia",
        ...             "milling_speed_rpm": 500.0, "pressing_pressure_mpa": 450.0})
        'x 0.15, 3 h at 500 rpm in ZrO₂, 450 MPa'
    """
    parts = []
    if is_known(recipe.get("x")):
        parts.append(f"x {x_text(recipe['x'])}")
    milled = [
        f"{number_text(recipe[name])} {unit}"
        for name, unit in (("milling_time_h", "h"), ("milling_speed_rpm", "rpm"))
        if is_known(recipe.get(name))
    ]
    media = recipe.get("milling_media")
    told = " at ".join(milled)
    if isinstance(media, str):
        told = f"{told} in {medium_text(media)}".strip()
    if told:
        parts.append(told)
    if is_known(recipe.get("pressing_pressure_mpa")):
        parts.append(f"{number_text(recipe['pressing_pressure_mpa'])} MPa")
    return ", ".join(parts)


def cell_text(recipe: Mapping[Any, Any]) -> str:
    """A cell in a few words: skins, core, masses, pressures.

    Args:
        recipe: core_x, skin_x, masses and pressures.

    Examples:
        >>> cell_text({"core_x": 0.15, "skin_x": 0.6, "core_mass_mg": 150.0,
        ...            "skin_mass_mg": 25.0, "pressing_pressure_mpa": 450.0})
        'core x 0.15, 150 mg; skins x 0.60, 25 mg each; 450 MPa'
    """
    layers = [
        f"{word} x {x_text(recipe[f'{side}_x'])}, {number_text(recipe[f'{side}_mass_mg'])} mg{each}"
        for side, word, each in (("core", "core", ""), ("skin", "skins", " each"))
        if is_known(recipe.get(f"{side}_x"))
    ]
    if is_known(recipe.get("pressing_pressure_mpa")):
        layers.append(f"{number_text(recipe['pressing_pressure_mpa'])} MPa")
    return "; ".join(layers)


def held_text(usual: Mapping[str, Any], *, but: str, temperature_c: float) -> str:
    """The slice a figure is drawn at, in words.

    Args:
        usual: What ``usual_recipe`` gave.
        but: The variable along the axis.
        temperature_c: Of readings that depend on it.

    Examples:
        >>> held_text({"x": 0.15, "milling_time_h": 3.0, "milling_media": "agate",
        ...            "milling_speed_rpm": 500.0, "pressing_pressure_mpa": 450.0},
        ...           but="x", temperature_c=60.0)
        'milled 3 h at 500 rpm in agate, pressed at 450 MPa, at 60 °C'
    """
    media = usual["milling_media"]
    label = MEDIA[media].label if media in MEDIA else media
    time = "" if but == "milling_time_h" else f"{number_text(usual['milling_time_h'])} h "
    parts = [f"milled {time}at {number_text(usual['milling_speed_rpm'])} rpm in {label}"]
    if but != "x":
        parts.insert(0, f"x = {x_text(usual['x'])}")
    if but != "pressing_pressure_mpa":
        parts.append(f"pressed at {number_text(usual['pressing_pressure_mpa'])} MPa")
    return ", ".join([*parts, f"at {number_text(temperature_c)} °C"])
