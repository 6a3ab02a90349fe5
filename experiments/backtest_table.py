"""A lab's own table as a history to replay: recipes in the order made, and what each gave."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any, Final

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from experiments.backtest_cells import (
    Cell,
    cell_of,
    feature_values,
    moments_of,
    told_text,
    worst_end,
)
from experiments.backtest_objectives import objectives_of
from experiments.csv_files import Row, Table, read_table
from features.errors import SpaceError, TableError
from optimizer import Objective
from optimizer.rows import row_keys

Vector = NDArray[np.float64]
Positions = NDArray[np.intp]

_SHOWN: Final = 5
"""Row numbers a note names before it only counts."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class History:
    """n recipes in the order they were first made.

    Attributes:
        file: Name of the table.
        objectives: m objectives.
        recipes: The features, one row a recipe; index 0 to n - 1.
        rows: Features and one column an objective, one row a row of the table, as told.
        recipe_of_row: Shape (rows,), which recipe each row is of.
        values: Shape (n, m), utilities: mean of a recipe's readings, a bound taken at its worse
            end; NaN where nothing was read or a bound promises nothing.
        moments: Shape (n,), rank of when a recipe was first made; equal where the table cannot
            tell which came first.
        row_numbers: Shape (n,), row of the file (the header is row 1) where it was first made.
        order: Column that gives the order; empty for the order of the rows.
        notes: What was left out or taken together, one sentence each.
    """

    file: str
    objectives: tuple[Objective, ...]
    recipes: pd.DataFrame
    rows: pd.DataFrame
    recipe_of_row: Positions
    values: Vector
    moments: Positions
    row_numbers: Positions
    order: str
    notes: tuple[str, ...]

    @property
    def size(self) -> int:
        """Number of recipes."""
        return len(self.recipes)

    def told(self, positions: Sequence[int]) -> pd.DataFrame:
        """What making these recipes tells: all their rows, nothing of any other.

        Args:
            positions: Recipes, as positions in ``recipes``.

        Returns:
            Rows of ``rows``.
        """
        return self.rows[np.isin(self.recipe_of_row, list(positions))]


def read_history(
    path: Path, *, features: Sequence[str], objectives: Sequence[str], order: str = ""
) -> History:
    """The history that a table holds.

    Rows without any reading or with an empty feature are left out; rows of one recipe are one
    candidate. The notes say so.

    Args:
        path: Any CSV or workbook with a header.
        features: Columns that make the recipe; ``x_*`` stands for all that begin so, and
            ``lot:category`` for a column whose numbers are only names. Columns without numbers are
            categories anyway.
        objectives: As for ``objective_of``, at least one.
        order: Column with a date, year or number; left out, the order of the rows.

    Returns:
        The history.

    Raises:
        TableError: If the file cannot be read, lacks a column, or a cell is not what it should be.
        SpaceError: If an objective makes no sense, or nothing can be learnt from the table.
    """
    wished = objectives_of(objectives)
    table = read_table(path, [])
    _refuse(table.problems)
    kinds = _features(path.name, features, table)
    named = [*kinds, *(objective.name for objective in wished), *([order] if order else [])]
    table = read_table(path, list(dict.fromkeys(named)))  # of a workbook, the sheet that has them
    _refuse(table.problems)
    _require_separate(kinds, wished)
    if not table.rows:
        raise TableError(f"{path.name}: needs rows below its header, got none; add experiments")
    return _history(path.name, table.rows, kinds, wished, order)


def _history(
    file: str,
    rows: Sequence[Row],
    kinds: Mapping[str, bool],
    objectives: tuple[Objective, ...],
    order: str,
) -> History:
    cells = [[cell_of(row, objective) for objective in objectives] for row in rows]
    for j, objective in enumerate(objectives):
        if all(line[j] is None for line in cells):
            raise TableError(
                f"{file}, column {objective.name}: needs at least one value, got {len(rows)} "
                "empty cells; name the column that was measured"
            )
    has_recipe = [all(row[name] for name in kinds) for row in rows]
    has_reading = [any(cell is not None for cell in line) for line in cells]
    kept = [i for i in range(len(rows)) if has_recipe[i] and has_reading[i]]
    if not kept:
        raise TableError(
            f"{file}: needs rows with every feature and a reading, got none of {len(rows)}; "
            "name fewer features"
        )
    when = moments_of([rows[i] for i in kept], order) if order else np.arange(len(kept))
    by_time = np.argsort(when, kind="stable")  # ties by row
    kept, when = [kept[k] for k in by_time], when[by_time]
    made = [rows[i] for i in kept]
    frame = pd.DataFrame({name: feature_values(made, name, category=kinds[name]) for name in kinds})
    varied = [name for name in kinds if frame[name].nunique() > 1]
    if not varied:
        raise TableError(
            f"{file}: features must differ between rows, got the same recipe in all "
            f"{len(made)}; name the columns that were varied"
        )
    frame = frame[varied]
    recipe_of_row = _numbered(row_keys(frame, varied))
    first = np.unique(recipe_of_row, return_index=True)[1]
    lines = [cells[i] for i in kept]
    told = {o.name: [told_text(line[j]) for line in lines] for j, o in enumerate(objectives)}
    values = _values(lines, objectives, recipe_of_row)
    _require_differences(file, values, objectives)
    return History(
        file=file,
        objectives=objectives,
        recipes=frame.iloc[first].reset_index(drop=True),
        rows=frame.assign(**{name: pd.Series(t, dtype=object) for name, t in told.items()}),
        recipe_of_row=recipe_of_row,
        values=values,
        moments=np.unique(when[first], return_inverse=True)[1],
        row_numbers=np.array([made[i].number for i in first]),
        order=order,
        notes=tuple(
            _notes(
                [rows[i].number for i in range(len(rows)) if not has_recipe[i]],
                [rows[i].number for i in range(len(rows)) if has_recipe[i] and not has_reading[i]],
                [name for name in kinds if name not in varied],
                len(made) - len(first),
            )
        ),
    )


def _features(file: str, wanted: Sequence[str], table: Table) -> dict[str, bool]:
    """Column to whether it is a category whatever it holds."""
    kinds: dict[str, bool] = {}
    for text in wanted:
        name, _, kind = text.rpartition(":")
        is_category = kind == "category" and text not in table.columns
        pattern = name if is_category else text
        found = [c for c in table.columns if c and fnmatchcase(c, pattern)]
        if pattern in table.columns or not any(mark in pattern for mark in "*?["):
            found = [pattern]
        if not found:
            raise TableError(
                f"{file}: no column is like {pattern}, got {', '.join(table.columns)}; "
                "name columns of the file"
            )
        kinds |= dict.fromkeys(found, is_category)
    if not kinds:
        raise TableError(
            f"{file}: needs at least one feature, got none; name the columns that make a recipe"
        )
    return kinds


def _refuse(problems: Sequence[str]) -> None:
    if problems:
        raise TableError("\n".join(problems))


def _require_separate(kinds: Mapping[str, bool], objectives: Sequence[Objective]) -> None:
    for objective in objectives:
        if objective.name in kinds:
            raise SpaceError(
                f"column {objective.name!r}: must be a feature or an objective, got both; what is "
                "measured cannot be chosen beforehand"
            )


def _numbered(keys: Sequence[object]) -> Positions:
    """0, 1, ... by first appearance, the same for equal keys."""
    numbers: dict[object, int] = {}
    return np.array([numbers.setdefault(key, len(numbers)) for key in keys])


def _values(
    lines: Sequence[Sequence[Cell | None]], objectives: Sequence[Objective], recipes: Positions
) -> Vector:
    """Utility of each recipe, shape (n, m)."""
    ends = [
        [np.nan if (cell := line[j]) is None else worst_end(cell, o) for line in lines]
        for j, o in enumerate(objectives)
    ]
    utilities = np.stack(
        [o.utility(np.array(e)) for o, e in zip(objectives, ends, strict=True)], axis=-1
    )
    means: Any = pd.DataFrame(utilities).groupby(recipes).mean()
    return np.asarray(means.to_numpy(dtype=float))


def _require_differences(file: str, values: Vector, objectives: Sequence[Objective]) -> None:
    for j, objective in enumerate(objectives):
        known = values[np.isfinite(values[:, j]), j]
        if not len(known):
            raise TableError(
                f"{file}, column {objective.name}: needs values or bounds from which a best can "
                f"be told, got only bounds on the wrong side to {objective.direction}; "
                "check the direction"
            )
        if known.min() == known.max():
            raise TableError(
                f"{file}, column {objective.name}: must differ between recipes, got the same "
                f"value in all {len(known)}; there is nothing to find"
            )


def _notes(
    no_recipe: Sequence[int], no_reading: Sequence[int], constant: Sequence[str], n_repeats: int
) -> list[str]:
    notes = []
    for numbers, why in ((no_recipe, "a feature is empty"), (no_reading, "nothing was measured")):
        if numbers:
            shown = ", ".join(map(str, numbers[:_SHOWN])) + ", ..." * (len(numbers) > _SHOWN)
            notes.append(
                f"{len(numbers)} row{'s' * (len(numbers) > 1)} left out of every order since "
                f"{why}: {shown}."
            )
    if constant:
        shown = ", ".join(constant[:_SHOWN]) + ", ..." * (len(constant) > _SHOWN)
        notes.append(f"The same in all rows, so not a feature: {shown}.")
    if n_repeats:
        repeat = "1 row repeats" if n_repeats == 1 else f"{n_repeats} rows repeat"
        notes.append(
            f"{repeat} an earlier recipe: one candidate, counted once in every order, and all its "
            "readings are told when it is chosen."
        )
    return notes
