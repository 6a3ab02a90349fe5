"""Recipes for ``predict``: single values, or a sweep ``low:high:step`` over one of them."""

from collections.abc import Mapping
from itertools import pairwise

import pandas as pd

from experiments.csv_files import number_in
from features.errors import RecipeError, TableError
from features.recipe import GlassRecipe, PelletRecipe

MOST_ROWS = 500


def sweep_recipes(texts: Mapping[str, str], media: str) -> pd.DataFrame:
    """Pellet recipes, all checked.

    Args:
        texts: By column, a number or ``low:high:step``; at most one sweep.
        media: Id of the medium.

    Returns:
        One row a recipe, the index naming what is swept.

    Raises:
        RecipeError: If a text is no number or sweep, more than one is swept, or a recipe is
            impossible.

    Examples:
        >>> sweep_recipes(
        ...     {"x": "0:0.6:0.3", "milling_time_h": "3", "milling_speed_rpm": "500",
        ...      "pressing_pressure_mpa": "450"}, "zirconia"
        ... )["x"].tolist()
        [0.0, 0.3, 0.6]
    """
    values = {name: _values(name, text) for name, text in texts.items()}
    swept = [name for name, found in values.items() if len(found) > 1]
    if len(swept) > 1:
        raise RecipeError(f"sweep one variable at a time, got {' and '.join(swept)}")
    n = max(len(found) for found in values.values())
    columns = {name: found * n if len(found) == 1 else found for name, found in values.items()}
    frame = pd.DataFrame(columns).assign(milling_media=media)
    for row in frame.to_dict("records"):
        glass = GlassRecipe(
            row["x"], row["milling_time_h"], row["milling_media"], row["milling_speed_rpm"]
        )
        PelletRecipe(glass, row["pressing_pressure_mpa"])
    name = swept[0] if swept else "x"
    frame.index = pd.Index([f"{name} = {value:g}" for value in frame[name]])
    return frame


def _values(name: str, text: str) -> list[float]:
    try:
        numbers = [number_in(part) for part in text.split(":")]
    except TableError:
        numbers = []
    if len(numbers) == 1:
        return numbers
    if len(numbers) == 3 and numbers[2] > 0 and numbers[0] < numbers[1]:
        low, high, step = numbers
        steps = (high - low) / step + 1e-9
        if steps < MOST_ROWS:
            values = [float(f"{low + step * i:.12g}") for i in range(int(steps) + 1)]
            if all(one < other for one, other in pairwise(values)):
                return [low, *values[1:]]
    raise RecipeError(
        f"{name} must be a number or a sweep low:high:step of at most {MOST_ROWS} values, "
        f"got {text!r}"
    )
