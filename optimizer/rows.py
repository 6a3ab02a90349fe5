"""When two rows are the same recipe."""

from collections.abc import Collection, Sequence
from numbers import Real

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from features.errors import TableError

Key = tuple[object, ...]


def require_columns(frame: pd.DataFrame, columns: Sequence[str]) -> None:
    """Complain of a table that lacks a column.

    Args:
        frame: Any table.
        columns: Columns it must have.

    Raises:
        TableError: If one is missing.
    """
    missing = [name for name in columns if name not in frame.columns]
    if missing:
        raise TableError(
            f"table: must have the columns {', '.join(columns)}, "
            f"got {', '.join(map(str, frame.columns)) or 'none'} "
            f"(missing: {', '.join(missing)}); add what is missing"
        )


def row_keys(frame: pd.DataFrame, columns: Sequence[str]) -> list[Key]:
    """One hashable key a row: equal keys, equal recipes.

    Numbers are compared to ten significant digits, so that 0.15 read from a file equals 0.15
    computed on a grid.

    Args:
        frame: n rows.
        columns: The columns that make the recipe.

    Returns:
        n keys.

    Raises:
        TableError: If a column is missing.

    Examples:
        >>> a, b = row_keys(pd.DataFrame({"x": [0.15, 3 * 0.05], "m": ["a", "a"]}), ["x", "m"])
        >>> a == b
        True
    """
    require_columns(frame, columns)
    return list(zip(*(map(_word, frame[name]) for name in columns), strict=True))


def is_among(
    frame: pd.DataFrame, columns: Sequence[str], keys: Collection[Key]
) -> NDArray[np.bool_]:
    """Which rows have one of these keys.

    Args:
        frame: n rows.
        columns: The columns that make the recipe.
        keys: As from ``row_keys``.

    Returns:
        n booleans.

    Raises:
        TableError: If a column is missing.
    """
    return np.array([key in keys for key in row_keys(frame, columns)], dtype=bool)


def is_repeated(frame: pd.DataFrame, columns: Sequence[str]) -> NDArray[np.bool_]:
    """Which rows have the key of an earlier one.

    Args:
        frame: n rows.
        columns: The columns that make the recipe.

    Returns:
        n booleans.

    Raises:
        TableError: If a column is missing.
    """
    return pd.Series(row_keys(frame, columns), dtype=object).duplicated().to_numpy(dtype=bool)


def recipe_rows(frame: pd.DataFrame | None, columns: Sequence[str]) -> pd.DataFrame:
    """The recipe's columns of a table, which may be empty or missing altogether.

    Args:
        frame: Any table, or ``None``.
        columns: The columns that make the recipe.

    Returns:
        Only these columns; index 0, 1, ...

    Raises:
        TableError: If a table with rows lacks a column.
    """
    if frame is None or frame.empty:
        return pd.DataFrame({name: pd.Series(dtype=object) for name in columns})
    require_columns(frame, columns)
    return frame[list(columns)].reset_index(drop=True)


def stacked(frames: Sequence[pd.DataFrame], columns: Sequence[str]) -> pd.DataFrame:
    """Tables below one another, empty ones left out (they would blur the columns' types).

    Args:
        frames: Tables with the columns.
        columns: The columns that make the recipe.

    Returns:
        Only these columns; index 0, 1, ...
    """
    some = [frame[list(columns)] for frame in frames if len(frame)]
    return pd.concat(some, ignore_index=True) if some else recipe_rows(None, columns)


def _word(value: object) -> object:
    if isinstance(value, Real) and not isinstance(value, bool):
        return float(f"{float(value) + 0.0:.10g}")
    return value
