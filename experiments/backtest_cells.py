"""Cells of a lab's own table: a value or a bound, a feature, a moment in time."""

import re
from collections.abc import Sequence
from datetime import datetime
from typing import Final

import numpy as np
from numpy.typing import NDArray

from experiments.csv_files import Row, number_in
from features.errors import ReadingError, TableError
from features.properties import CATALOGUE
from features.reading import Interval, parse_value
from optimizer import Objective

Cell = Interval
"""A reading of one row, in the unit of its column."""

_BLANK: Final = frozenset({"", "nan", "na", "n/a", "none", "null", "-"})
_BOUND: Final = re.compile(r"([<>≤≥])=?\s*(\S.*)")
_RANGE: Final = re.compile(r"(\S.*?)\s*\.\.\s*(\S.*)")
_DOTTED_DATE: Final = re.compile(r"(\d{1,2})\.(\d{1,2})\.(\d{4})")


def cell_of(row: Row, objective: Objective) -> Cell | None:
    """What a cell of an objective's column says.

    Args:
        row: A row of the table.
        objective: Its name is the column. A column named like a property of the catalogue is read
            as one, units and all.

    Returns:
        The reading; ``None`` where the cell is empty.

    Raises:
        TableError: If the cell is no number, bound or range, or cannot be on the scale.
    """
    text = row[objective.name]
    if text.lower() in _BLANK:
        return None
    try:
        if objective.name in CATALOGUE:
            interval = parse_value(text, objective.name)
        else:
            interval = _plain(text)
    except (TableError, ReadingError) as error:
        raise TableError(f"{row.place(objective.name)}: {error}") from error
    ends = [end for end in (interval.lower, interval.upper) if end is not None]
    if objective.scale == "log10" and min(ends) <= 0:
        raise TableError(
            f"{row.place(objective.name)}: must be above 0 on a log10 scale, got {text!r}; leave "
            "the cell empty, give a bound such as <1e-10, or leave log10 out"
        )
    return interval


def told_text(cell: Cell | None) -> float | str | None:
    """A reading as ``Optimizer.tell`` takes it.

    Examples:
        >>> told_text(Interval(None, 1e-10)), told_text(Interval(2.0, 2.0))
        ('<1e-10', 2.0)
    """
    if cell is None:
        return None
    if cell.lower is None:
        return f"<{cell.upper!r}"
    if cell.upper is None:
        return f">{cell.lower!r}"
    return cell.lower if cell.is_exact else f"{cell.lower!r}..{cell.upper!r}"


def worst_end(cell: Cell, objective: Objective) -> float:
    """The value a reading promises at least, physical; NaN if it promises nothing.

    Examples:
        >>> worst_end(Interval(None, 1e-10), Objective("sigma", "minimize"))
        1e-10
        >>> worst_end(Interval(None, 1e-10), Objective("sigma", "maximize"))
        nan
    """
    end = cell.lower if objective.direction == "maximize" else cell.upper
    return float("nan") if end is None else end


def feature_values(
    rows: Sequence[Row], column: str, *, category: bool = False
) -> list[float] | list[str]:
    """A column of the recipe: numbers if any cell is one, else names.

    Args:
        rows: Rows whose cell is not empty.
        column: Its name.
        category: Take numbers for names too.

    Returns:
        One value a row.

    Raises:
        TableError: If some cells are numbers and one is not.
    """
    texts = [row[column] for row in rows]
    if category or not any(map(_is_number, texts)):
        return texts
    values = []
    for row, text in zip(rows, texts, strict=True):
        try:
            values.append(number_in(text))
        except TableError as error:
            raise TableError(
                f"{row.place(column)}: {error}; other cells of the column are numbers (if they "
                f"are only names, write --feature '{column}:category')"
            ) from error
    return values


def moments_of(rows: Sequence[Row], column: str) -> NDArray[np.float64]:
    """When rows were made, on any scale that sorts.

    Args:
        rows: Rows of the table.
        column: All numbers (years, numbers of experiments), or all dates such as 2024-03-31 or
            31.03.2024, with or without a time.

    Returns:
        One number a row: the number itself, or days.

    Raises:
        TableError: If a cell is empty or neither, or there are numbers and dates.
    """
    if all(_is_number(row[column]) for row in rows):
        return np.array([number_in(row[column]) for row in rows])
    return np.array([_days(row, column) for row in rows])


def _days(row: Row, column: str) -> float:
    """A date as days from the year 1."""
    text = row[column]
    if dotted := _DOTTED_DATE.fullmatch(text):
        text = f"{dotted[3]}-{dotted[2]:0>2}-{dotted[1]:0>2}"
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        raise TableError(
            f"{row.place(column)}: needs a date, or a number as long as all rows have one, got "
            f"{row[column]!r}; write it like 2024-03-31"
        ) from None
    seconds = moment.hour * 3600 + moment.minute * 60 + moment.second
    return moment.toordinal() + seconds / 86400


def _plain(text: str) -> Interval:
    if bound := _BOUND.fullmatch(text):
        value = number_in(bound[2])
        return Interval(None, value) if bound[1] in "<≤" else Interval(value, None)
    if ends := _RANGE.fullmatch(text):
        low, high = number_in(ends[1]), number_in(ends[2])
        if low > high:
            raise TableError(f"a range must run from low to high, got {text!r}; swap its ends")
        return Interval(low, high)
    value = number_in(text)
    return Interval(value, value)


def _is_number(text: str) -> bool:
    try:
        number_in(text)
    except TableError:
        return False
    return True
