"""Which specimens made lie nearest to a recipe, and what is different."""

from collections.abc import Callable, Sequence
from typing import Any, Final

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from experiments.config import CampaignConfig, Parameter, extremes
from experiments.display import SHORT_MEDIA, number_text, x_text
from experiments.knowledge import GLASS_COLUMNS, Knowledge, sound_cells, sound_pellets
from models.evidence import Points
from models.layers import CELL_COLUMNS
from optimizer.contribution import nearest

Array = NDArray[np.float64]
Texts = Sequence[tuple[str, str]]
"""Columns in order, with how their difference is said; a composition ends in x and a medium in
the word in."""

Neighbour = dict[str, Any]
"""``specimen``, ``distance`` (1 is the width of what is searched), ``recipe``, ``differs``."""

N_NEAREST: Final = 2
LEAST_WIDTH: Final = 1e-6
"""Finer than anything is weighed or set."""

_LAYERS: Final = ("core", "skin")
_GLASS: Final[Texts] = (
    ("x", "x"), ("milling_time_h", "{:+g} h"), ("milling_speed_rpm", "{:+g} rpm"),
    ("milling_media", "in"), ("pressing_pressure_mpa", "{:+g} MPa"),
)  # fmt: skip
CELL_TEXTS: Final[Texts] = (
    ("core_x", "core x"), ("skin_x", "skin x"),
    ("core_milling_time_h", "core milled {:+g} h"), ("skin_milling_time_h", "skin milled {:+g} h"),
    ("core_milling_media", "core in"), ("skin_milling_media", "skin in"),
    ("core_mass_mg", "core {:+g} mg"), ("skin_mass_mg", "each skin {:+g} mg"),
    ("pressing_pressure_mpa", "{:+g} MPa"), ("stack_pressure_mpa", "stack {:+g} MPa"),
    ("temperature_c", "{:+g} °C"),
)  # fmt: skip


def nearest_glasses(
    knowledge: Knowledge, config: CampaignConfig, recipes: pd.DataFrame
) -> list[list[Neighbour]]:
    """The glasses made that lie nearest to each recipe, in what the surrogates see of them.

    Args:
        knowledge: What was made, and fitted surrogates.
        config: Its first objective says what a glass is seen by.
        recipes: One row a pellet.

    Returns:
        Up to ``N_NEAREST`` a row, nearest first; of one recipe made several times the first.
    """
    made = sound_pellets(knowledge.pellets)
    made = made.loc[~made[list(GLASS_COLUMNS)].round(2).duplicated()]
    surrogate = knowledge.layers[next(iter(config.glasses.objectives))]
    here, there = (Points.of(surrogate.asked(rows)).x for rows in (recipes, made))
    near = nearest(here, there, N_NEAREST)
    return [
        [_neighbour(row, made, place, _GLASS, _glass_in_short) for place in places]
        for (_, row), places in zip(recipes.iterrows(), near, strict=True)
    ]


def nearest_cells(
    knowledge: Knowledge, config: CampaignConfig, cells: pd.DataFrame
) -> list[list[Neighbour]]:
    """The cells made that lie nearest to each cell, by compositions, media, masses and pressures.

    Args:
        knowledge: What was made.
        config: Ranges searched.
        cells: As ``whole_cells`` gives them.

    Returns:
        Up to ``N_NEAREST`` a row, nearest first.
    """
    made = sound_cells(knowledge.cells).dropna(subset=list(CELL_COLUMNS))
    near = nearest(_cell_cube(cells, config), _cell_cube(made, config), N_NEAREST)
    return [
        [_neighbour(row, made, place, CELL_TEXTS, _cell_in_short) for place in places]
        for (_, row), places in zip(cells.iterrows(), near, strict=True)
    ]


def differences(row: pd.Series, other: pd.Series, texts: Texts) -> list[str]:
    """What is different in a row, seen from another one.

    Args:
        row: The new recipe.
        other: The one made.
        texts: What to compare.

    Returns:
        One phrase a difference; weighing out a little differently is none.

    Examples:
        >>> new = pd.Series({"x": 0.2, "milling_media": "agate", "pressing_pressure_mpa": 300.0})
        >>> old = pd.Series({"x": 0.15, "milling_media": "agate", "pressing_pressure_mpa": 450.0})
        >>> texts = [("x", "x"), ("milling_media", "in"), ("pressing_pressure_mpa", "{:+g} MPa")]
        >>> differences(new, old, texts)
        ['x +0.05', '-150 MPa']
    """
    found = []
    for name, text in texts:
        if name.endswith("media"):
            if row[name] != other[name]:
                new, old = SHORT_MEDIA[str(row[name])], SHORT_MEDIA[str(other[name])]
                found.append(f"{text} {new} not {old}")
            continue
        change = float(row[name]) - float(other[name])
        if name.endswith("x"):
            if round(change, 2):
                found.append(f"{text} {change:+.2f}")
        elif float(f"{change:.1f}"):
            found.append(text.format(float(f"{change:.1f}")))
    return found


def _neighbour(
    row: pd.Series,
    made: pd.DataFrame,
    place: tuple[int, float],
    texts: Texts,
    in_short: Callable[[pd.Series], str],
) -> Neighbour:
    position, distance = place
    other = made.iloc[position]
    return {
        "specimen": str(made.index[position]),
        "distance": distance,
        "recipe": in_short(other),
        "differs": ", ".join(differences(row, other, texts)) or "the same recipe",
    }


def _glass_in_short(row: pd.Series) -> str:
    return f"{_x(row, 'x')}, {number_text(row['milling_time_h'])} h, {_medium(row)}"


def _cell_in_short(row: pd.Series) -> str:
    return f"core {_x(row, 'core_x')}, skin {_x(row, 'skin_x')}"


def _x(row: pd.Series, name: str) -> str:
    return f"x {x_text(round(float(row[name]), 2))}"


def _medium(row: pd.Series) -> str:
    return SHORT_MEDIA[str(row["milling_media"])]


def _cell_cube(cells: pd.DataFrame, config: CampaignConfig) -> Array:
    """Cells in numbers: 1 is the width of what is searched, or another medium."""
    glasses, own = config.glasses, config.cells
    widths = {
        **{f"{layer}_x": _width(glasses.x) for layer in _LAYERS},
        **{f"{layer}_milling_time_h": _width(glasses.milling_time_h) for layer in _LAYERS},
        "core_mass_mg": _width(own.core_mass_mg),
        "skin_mass_mg": _width(own.skin_mass_mg),
        "pressing_pressure_mpa": _width(own.pressing_pressure_mpa),
        "stack_pressure_mpa": _width(own.stack_pressure_mpa),
        "temperature_c": _width(own.temperature_c),
    }
    columns = [cells[name].to_numpy(dtype=float) / width for name, width in widths.items()]
    for layer in _LAYERS:
        # two media are one apart: the diagonal of a square of that side
        media = cells[f"{layer}_milling_media"].to_numpy()
        columns += [(media == medium) / np.sqrt(2.0) for medium in SHORT_MEDIA]
    return np.column_stack(columns)


def _width(setting: Parameter) -> float:
    """Width of what is searched; of what is held its size, 1 where that is next to nothing."""
    low, high = extremes(setting)
    width = float(high - low) or abs(float(low))
    return width if width > LEAST_WIDTH else 1.0
