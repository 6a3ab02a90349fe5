"""When two rows are the same recipe."""

from collections.abc import Collection, Sequence, Set
from numbers import Real
from typing import Any, Final

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from features.errors import TableError

Key = tuple[object, ...]

N_DIGITS: Final = 10
"""Significant digits to which numbers are compared."""

POWERS: Final = np.array([float(f"1e{k}") for k in range(301)])
"""Powers of ten, each the nearest double."""

MAX_CODES: Final = 2**40
"""Products of numbers of values up to this fit an integer with room to spare."""


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
    return list(zip(*(_words(frame[name]).tolist() for name in columns), strict=True))


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
    require_columns(frame, columns)
    among = np.zeros(len(frame), dtype=bool)
    left = np.arange(len(frame))
    if len(keys) < len(frame):
        # few keys, many rows: leave out column by column what has no key's value
        for j, name in enumerate(columns):
            wanted = {key[j] for key in keys}
            words = _words(frame[name].iloc[left])
            if words.dtype == float:
                left = left[np.isin(words, [w for w in wanted if isinstance(w, float)])]
            else:
                left = left[np.array([word in wanted for word in words], dtype=bool)]
    sought = keys if isinstance(keys, Set) else set(keys)
    some = row_keys(frame.iloc[left], columns)
    among[left] = [key in sought for key in some]
    return among


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
    require_columns(frame, columns)
    return repeats([_words(frame[name]) for name in columns])


def repeats(columns: Sequence[NDArray[Any]]) -> NDArray[np.bool_]:
    """Which rows of some arrays, side by side, equal an earlier row.

    Args:
        columns: Arrays of one length n, at least one.

    Returns:
        n booleans.

    Examples:
        >>> repeats([np.array([1.0, 2.0, 1.0]), np.array(["a", "a", "a"], dtype=object)]).tolist()
        [False, False, True]
    """
    codes, count = np.zeros(len(columns[0]), dtype=np.int64), 1
    for column in columns:
        own, values = pd.factorize(column, use_na_sentinel=False)
        codes, count = codes * len(values) + own, count * max(1, len(values))
        if count > MAX_CODES:
            codes, distinct = pd.factorize(codes)
            count = len(distinct)
    return pd.Series(codes, copy=False).duplicated().to_numpy(dtype=bool)


def significant(values: NDArray[np.float64]) -> NDArray[np.float64]:
    """Numbers rounded to ten significant digits.

    Args:
        values: Any shape; what is not finite stays as it is.

    Returns:
        The same shape; 0 has no sign.

    Examples:
        >>> significant(np.array([3 * 0.05, 123456789.014, -0.0])).tolist()
        [0.15, 123456789.0, 0.0]
    """
    size = np.abs(values)
    ordinary = (size > 0.0) & np.isfinite(size)
    exponent = np.floor(np.log10(size, where=ordinary, out=np.zeros_like(size)))
    # a power of ten up to 22 is exact, so that one division gives the decimal's own double
    shift = (N_DIGITS - 1 - exponent).astype(np.int64)
    raised, lowered = POWERS[np.clip(shift, 0, 300)], POWERS[np.clip(-shift, 0, 300)]
    with np.errstate(over="ignore"):
        rounded = np.rint(values / lowered * raised) / raised * lowered
    return np.where(np.isfinite(rounded), rounded, values) + 0.0


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


def _words(column: pd.Series) -> NDArray[Any]:
    """What of each cell is compared: numbers to ten digits, all else as it is."""
    if pd.api.types.is_numeric_dtype(column) and not pd.api.types.is_bool_dtype(column):
        return significant(column.to_numpy(dtype=float))
    values = column.tolist()
    word = {value: _word(value) for value in set(values)}
    words = np.empty(len(values), dtype=object)
    words[:] = [word[value] for value in values]
    return words


def _word(value: object) -> object:
    if isinstance(value, Real) and not isinstance(value, bool):
        return significant(np.array([float(value)])).item()
    return value
