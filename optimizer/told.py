"""What a user tells: a table of recipes and results, read into intervals."""

import re
from collections.abc import Sequence
from math import isfinite, isnan
from numbers import Real
from typing import Any, Final

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from features.errors import TableError
from features.reading import Interval
from optimizer.objectives import Objective
from optimizer.rows import require_columns

_YES_NO: Final = {
    **dict.fromkeys(("true", "yes", "1", "1.0"), True),
    **dict.fromkeys(("false", "no", "0", "0.0", "", "nan", "none", "<na>"), False),
}

READING_COLUMNS: Final = ["row", "objective", "lower", "upper", "se"]

_NUMBER: Final = r"[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?"
_BOUND: Final = re.compile(rf"([<>])=?\s*({_NUMBER})")
_RANGE: Final = re.compile(rf"({_NUMBER})\s*\.\.\s*({_NUMBER})")


def told_failures(table: pd.DataFrame, objectives: Sequence[Objective]) -> NDArray[np.bool_]:
    """Which rows of a table could not be made.

    Args:
        table: Optionally with a column ``failed``; empty cells say no.
        objectives: m outcomes.

    Returns:
        Shape (n,).

    Raises:
        TableError: If a cell is neither true nor false, or a failed row has a result.
    """
    if "failed" not in table.columns:
        return np.zeros(len(table), dtype=bool)
    words = table["failed"].map(lambda cell: _YES_NO.get(str(cell).strip().lower()))
    bad = words.isna()
    if bad.any():
        raise TableError(
            f"row {table.index[bad][0]}, column 'failed': must be true or false, got "
            f"{table['failed'][bad].tolist()[0]!r}; leave the cell empty if the recipe was made"
        )
    failed = words.to_numpy(dtype=bool)
    for objective in objectives:
        has = table.get(objective.name, pd.Series(index=table.index, dtype=object)).notna()
        if (failed & has).any():
            raise TableError(
                f"row {table.index[failed & has][0]}, column {objective.name!r}: a recipe that "
                f"failed must have no result, got "
                f"{table[objective.name][failed & has].tolist()[0]!r}; empty one of the two cells"
            )
    return failed


def told_readings(
    table: pd.DataFrame, objectives: Sequence[Objective], *, may_be_empty: bool = False
) -> pd.DataFrame:
    """The results in a table, one row each.

    Args:
        table: One column an objective: numbers, NaN, or text such as ``<1e-10``, ``>3.0``,
            ``2.30..2.35``; optionally ``<objective>_se``, ignored for censored text.
        objectives: m objectives.
        may_be_empty: Whether a table without any result will do.

    Returns:
        Columns row (position in the table), objective, lower, upper (NaN where open), se (NaN
        where none is stated), physical units. Cells that are empty are absent.

    Raises:
        TableError: If an objective's column is missing, a cell cannot be read or the whole table
            has no result.

    Examples:
        >>> told_readings(pd.DataFrame({"y": ["<2", 3.0, None]}), [Objective("y", "minimize")])
           row objective  lower  upper  se
        0    0         y    NaN    2.0 NaN
        1    1         y    3.0    3.0 NaN
    """
    require_columns(table, [objective.name for objective in objectives])
    rows = []
    for objective in objectives:
        errors = _standard_errors(table, objective)
        for position, (label, cell) in enumerate(table[objective.name].items()):
            interval = _interval(cell, objective, f"row {label}, column {objective.name!r}")
            if interval is not None:
                lower, upper = interval.lower, interval.upper
                se = errors[position] if interval.is_exact else np.nan
                rows.append((position, objective.name, lower, upper, se))
    if not rows and not may_be_empty:
        raise TableError(
            f"table: at least one result must be there, got none in {len(table)} rows; "
            "use withdraw(rows) for rows that will not be made"
        )
    readings = pd.DataFrame(rows, columns=READING_COLUMNS)
    numbers = {name: readings[name].astype(float) for name in ("lower", "upper", "se")}
    return readings.assign(**numbers).sort_values("row", kind="stable", ignore_index=True)


def scale_bounds(readings: pd.DataFrame, objective: Objective) -> pd.DataFrame:
    """Readings of one objective as bounds on its scale.

    Args:
        readings: Rows of ``told_readings``, all of this objective.
        objective: Gives the scale.

    Returns:
        Same index; columns low and high (infinite where open), value (the middle, or the only
        bound) and se (0 where none is stated), on the scale.
    """
    low, high = (objective.to_scale(readings[name].to_numpy()) for name in ("lower", "upper"))
    low, high = np.where(np.isnan(low), -np.inf, low), np.where(np.isnan(high), np.inf, high)
    ends = np.where(np.isfinite(low), low, high), np.where(np.isfinite(high), high, low)
    value, se = (ends[0] + ends[1]) / 2, readings["se"].fillna(0.0).to_numpy()
    if objective.scale == "log10":
        se = se / (objective.from_scale(value) * np.log(10))
    columns = {"low": low, "high": high, "value": value, "se": se}
    return pd.DataFrame(columns, index=readings.index)


def _interval(cell: object, objective: Objective, where: str) -> Interval | None:
    if cell is None or cell is pd.NA or (isinstance(cell, float) and isnan(cell)):
        return None
    if isinstance(cell, Real) and not isinstance(cell, bool):
        bounds: tuple[float | None, float | None] = (float(cell), float(cell))
    else:
        text = str(cell).strip()
        if not text or text.lower() == "nan":
            return None
        bounds = _bounds(text, where)
    for bound in bounds:
        if bound is not None and not (
            isfinite(bound) and (objective.scale == "linear" or bound > 0)
        ):
            raise TableError(
                f"{where}: must be finite{' and above 0' * (objective.scale == 'log10')}, got "
                f"{cell!r}; leave the cell empty if nothing was measured, or give a bound such "
                "as <1e-10"
            )
    if None not in bounds and bounds[0] > bounds[1]:  # type: ignore[operator]
        raise TableError(f"{where}: a range must run from low to high, got {cell!r}; swap its ends")
    return Interval(*bounds)


def _bounds(text: str, where: str) -> tuple[float | None, float | None]:
    if re.fullmatch(_NUMBER, text):
        return float(text), float(text)
    if found := _BOUND.fullmatch(text):
        value = float(found[2])
        return (None, value) if found[1] == "<" else (value, None)
    if found := _RANGE.fullmatch(text):
        return float(found[1]), float(found[2])
    raise TableError(
        f"{where}: must be a number, a bound or a range, got {text!r}; write 2.7e-4, <1e-10, "
        ">3.0 or 2.30..2.35, without a unit"
    )


def _standard_errors(table: pd.DataFrame, objective: Objective) -> np.ndarray[Any, Any]:
    name = f"{objective.name}_se"
    if name not in table.columns:
        return np.full(len(table), np.nan)
    numbers = pd.to_numeric(table[name], errors="coerce")
    bad = table[name].notna() & ~((numbers >= 0) & np.isfinite(numbers))
    if bad.any():
        raise TableError(
            f"row {table.index[bad][0]}, column {name!r}: a standard error must be a finite "
            f"number of at least 0, got {table[name][bad].tolist()[0]!r}; give it in the units of "
            f"{objective.name}"
        )
    return numbers.to_numpy(dtype=float)
