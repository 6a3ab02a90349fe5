"""What is left out together: all jars of a glass, or all that one source made."""

from typing import Final, Literal

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from features.errors import TableError
from features.table import column, numbers

Folds = Literal["glass", "source"]

GLASS_COLUMNS: Final = ("x", "milling_time_h", "milling_media", "milling_speed_rpm")
"""What makes a glass; how it is pressed makes the pellet."""

SAME_X: Final = 0.0075
"""Two jars of one recipe weigh out to this much of each other, but for one pair in a hundred
(domain notes 6.6): nearer ones are one glass."""

FEWEST_SOURCES: Final = 2


def glasses_of(recipes: pd.DataFrame) -> "pd.Series[str]":
    """The glass recipe of each specimen in words; oxygen contents close together are one.

    Args:
        recipes: One row a pellet; columns x, milling_time_h, milling_media, milling_speed_rpm.

    Returns:
        Labels with the index of ``recipes``.

    Raises:
        TableError: If a column is missing or holds no number.

    Examples:
        >>> recipes = pd.DataFrame(
        ...     {"x": [0.151], "milling_time_h": [3], "milling_media": ["zirconia"],
        ...      "milling_speed_rpm": [500]}, index=["P1"]
        ... )
        >>> glasses_of(recipes).item()
        'x 0.151, zirconia 500 rpm 3 h'
    """
    x = numbers(recipes, "x", where="recipes")
    time_h = numbers(recipes, "milling_time_h", where="recipes")
    speed_rpm = numbers(recipes, "milling_speed_rpm", where="recipes")
    media = column(recipes, "milling_media", where="recipes")
    milling = [
        f"{medium} {speed:g} rpm {time:g} h"
        for medium, speed, time in zip(media, speed_rpm, time_h, strict=True)
    ]
    middle = _middle_of_neighbours(x, milling)
    # Minus zero would be another glass.
    labels = [f"x {oxygen + 0.0:g}, {how}" for oxygen, how in zip(middle, milling, strict=True)]
    return pd.Series(labels, index=recipes.index, dtype=object)


def _middle_of_neighbours(x: NDArray[np.float64], milling: list[str]) -> NDArray[np.float64]:
    """Median x of each glass: jars milled alike, each within ``SAME_X`` of the next."""
    rows = pd.DataFrame({"x": x, "milling": milling}).sort_values(["milling", "x"], kind="stable")
    is_far = (rows["x"].diff() > SAME_X) | (rows["milling"] != rows["milling"].shift())
    middle = rows["x"].groupby(is_far.cumsum()).transform("median").round(3)
    return middle.sort_index().to_numpy(dtype=float)


def sources_of(recipes: pd.DataFrame) -> "pd.Series[str]":
    """Who made each specimen.

    Surrogates take ``source`` for a foreign laboratory with a bias of its own; where own glasses
    and those of a paper are to be one laboratory to them, ``made_by`` tells them apart here.

    Args:
        recipes: One row a specimen; column made_by, or else source.

    Returns:
        Labels with the index of ``recipes``.

    Raises:
        TableError: If there is no source, one is empty, or all are the same.
    """
    name = "made_by" if "made_by" in recipes else "source"
    if name not in recipes:
        raise TableError(
            "recipes: to leave sources out there must be a column 'source', got columns "
            f"{', '.join(map(str, recipes.columns)) or 'none'}; add it, or leave glasses out"
        )
    sources = column(recipes, name, where="recipes")
    if sources.isna().any():
        raise TableError(
            f"recipes: {name} must be filled in every row, got an empty one "
            f"(row {sources.index[int(sources.isna().to_numpy().argmax())]}); say who made it"
        )
    return sources.map(str)


def jars_of(recipes: pd.DataFrame) -> "pd.Series[str]":
    """The jar each specimen was pressed from; where none is stated the specimen is its own.

    Args:
        recipes: Index = specimen id; column jar may be absent or empty.

    Returns:
        Labels with the index of ``recipes``.

    Examples:
        >>> jars_of(pd.DataFrame({"jar": ["J1", None]}, index=["P1", "P2"])).tolist()
        ['J1', 'P2']
    """
    own = pd.Series(recipes.index.map(str), index=recipes.index, dtype=object)
    if "jar" not in recipes:
        return own
    stated = column(recipes, "jar", where="recipes")
    return own.where(stated.isna(), stated.map(str))


def groups_of(recipes: pd.DataFrame, folds: Folds) -> "pd.Series[str]":
    """The group each specimen is left out with.

    Groups that share a jar are left out together, so that no pellet of a jar is ever predicted
    from another one of it.

    Args:
        recipes: Index = specimen id; columns as for ``glasses_of`` or ``sources_of``.
        folds: ``glass`` or ``source``.

    Returns:
        Labels with the index of ``recipes``; that of a joined group is its first one.

    Raises:
        TableError: If a column is missing or malformed, or ``folds`` is neither, or there are
            fewer than two sources.
    """
    if folds not in {"glass", "source"}:
        raise TableError(
            f"compare: folds must be 'glass' or 'source', got {folds!r}; choose one of them"
        )
    labels = glasses_of(recipes) if folds == "glass" else sources_of(recipes)
    joined = _joined(labels, jars_of(recipes))
    if folds == "source" and joined.nunique() < FEWEST_SOURCES:
        raise TableError(
            f"recipes: to leave sources out there must be {FEWEST_SOURCES} of them or more that "
            f"share no jar, got {', '.join(sorted(set(labels))) or 'none'}; leave glasses out"
        )
    return joined


def _joined(labels: "pd.Series[str]", jars: "pd.Series[str]") -> "pd.Series[str]":
    """Labels after groups that share a jar became one: the smallest number spreads."""
    codes, names = pd.factorize(labels)
    group = pd.Series(codes)
    while True:
        spread = group.groupby(jars.to_numpy()).transform("min")
        spread = spread.groupby(codes).transform("min")
        if spread.equals(group):
            return pd.Series(np.asarray(names, dtype=object)[group], index=labels.index)
        group = spread
