"""Columns of a table as arrays; a complaint names the table, the row and the column."""

from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from features.errors import TableError


def column(table: pd.DataFrame, name: str, *, where: str = "table") -> "pd.Series[Any]":
    """The column of that name.

    Args:
        table: Any table.
        name: Name of the column.
        where: What the table is called in messages.

    Returns:
        The column, untouched.

    Raises:
        TableError: If there is no table, or the column is missing or there twice.

    References:
        Tables of recipes and cells have fixed column names; domain notes 5.6.

    Examples:
        >>> column(pd.DataFrame({"x": [0.15]}), "x").item()
        0.15
    """
    if not isinstance(table, pd.DataFrame):
        raise TableError(
            f"{where}: must be a pandas DataFrame with column {name!r}, "
            f"got {type(table).__name__}; name the columns"
        )
    found = list(table.columns).count(name)
    if found != 1:
        raise TableError(
            f"{where}: column {name!r} must be there once, got it {found} times "
            f"(columns {', '.join(map(str, table.columns)) or 'none'}); add or rename a column"
        )
    return table[name]


def numbers(table: pd.DataFrame, name: str, *, where: str = "table") -> NDArray[np.float64]:
    """A column as finite floats.

    Args:
        table: Any table, n rows.
        name: Name of the column.
        where: What the table is called in messages.

    Returns:
        Shape (n,), in the column's own unit.

    Raises:
        TableError: If the column is missing or a value is not a finite number.

    References:
        A missing number is never filled in silently; domain notes 7.3.

    Examples:
        >>> numbers(pd.DataFrame({"x": [0, 0.15]}), "x")
        array([0.  , 0.15])
    """
    values = column(table, name, where=where)
    array = pd.to_numeric(values, errors="coerce").to_numpy(dtype=float, na_value=np.nan)
    _refuse_first(~np.isfinite(array), values, name, where, "a finite number")
    return array


def positive_numbers(
    table: pd.DataFrame, name: str, *, where: str = "table"
) -> NDArray[np.float64]:
    """A column as finite floats above zero, fit for a logarithm.

    Args:
        table: Any table, n rows.
        name: Name of the column.
        where: What the table is called in messages.

    Returns:
        Shape (n,), in the column's own unit.

    Raises:
        TableError: If the column is missing or a value is not above zero.

    References:
        Times, speeds, pressures and masses of domain notes 5.6 are all above zero.

    Examples:
        >>> positive_numbers(pd.DataFrame({"milling_time_h": [3]}), "milling_time_h")
        array([3.])
    """
    array = numbers(table, name, where=where)
    _refuse_first(array <= 0, column(table, name, where=where), name, where, "above zero")
    return array


def _refuse_first(
    is_bad: NDArray[np.bool_], values: "pd.Series[Any]", name: str, where: str, rule: str
) -> None:
    if is_bad.any():
        row = int(is_bad.argmax())
        raise TableError(
            f"{where}: {name} must be {rule} in every row, got {values.iloc[row]} "
            f"(row {values.index[row]}); mend the cell or leave the row out"
        )
