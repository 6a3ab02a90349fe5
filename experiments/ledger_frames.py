"""Rows of a query as a pandas frame: NULL becomes NaN, whatever the column holds."""

from collections.abc import Sequence
from typing import Any

import pandas as pd


def frame(rows: Sequence[Sequence[Any]], columns: dict[str, type]) -> pd.DataFrame:
    """Rows as a frame with one dtype a column, also when it is empty.

    Args:
        rows: Values, in the order of the columns.
        columns: Name to Python type; ``dict`` is anything that came as JSON.

    Returns:
        One row each; missing values are NaN.

    Examples:
        >>> frame([("S01", None), ("S02", 2.0)], {"id": str, "lower": float})["lower"].tolist()
        [nan, 2.0]
    """
    by_column = zip(*rows, strict=True) if rows else ((),) * len(columns)
    return pd.DataFrame(
        {
            name: _series(values, kind)
            for (name, kind), values in zip(columns.items(), by_column, strict=True)
        }
    )


def _series(values: Sequence[Any], kind: type) -> "pd.Series[Any]":
    missing = any(value is None for value in values)
    if kind is float or (kind is int and missing):
        return pd.Series(values, dtype="float64")
    if kind is int:
        return pd.Series(values, dtype="int64")
    if kind is bool:
        return pd.Series(values, dtype="bool")
    held = pd.Series([float("nan") if v is None else v for v in values], dtype=object)
    # pandas 3 has a dtype for text; a column that holds none yet must not turn into numbers
    is_text = kind is str and any(isinstance(value, str) for value in values)
    return held.infer_objects() if is_text else held
