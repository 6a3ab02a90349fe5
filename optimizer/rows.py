"""When two rows are the same recipe."""

from collections.abc import Sequence
from numbers import Real

import pandas as pd

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


def _word(value: object) -> object:
    if isinstance(value, Real) and not isinstance(value, bool):
        return float(f"{float(value) + 0.0:.10g}")
    return value
