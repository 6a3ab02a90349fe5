"""A fixed list of candidates as a search space."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final, final

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from features.errors import SpaceError
from optimizer.categorical import Categorical
from optimizer.constraints import Constraint, as_constraints
from optimizer.infeasible import none_found
from optimizer.parameters import Continuous, Matrix, Parameter
from optimizer.rows import is_among, is_repeated, require_columns, row_keys
from optimizer.sampling import known_of

MAX_LEVELS: Final = 1000
"""Levels of a text column: each takes a column of its own in the unit cube."""


@final
class CandidatePool:
    """Every proposal is a row of a table, each at most once.

    Numeric columns are scaled by their range, others enter one-hot.

    Attributes:
        frame: The candidates; index 0, 1, ...

    Raises:
        SpaceError: If the table is empty, repeats a row, has an empty cell, an infinite number or
            too many different texts, or no row meets the constraints.

    Examples:
        >>> pool = CandidatePool(pd.DataFrame({"x": [0.0, 0.5, 1.0]}))
        >>> pool.near({"x": 1.0}, 1, np.random.default_rng(0)).x.tolist()
        [0.5]
    """

    __slots__ = ("_encoded", "_parameters", "_position", "frame")

    def __init__(self, frame: pd.DataFrame, constraints: Sequence[Constraint] = ()) -> None:
        """Keep the candidates that may be made.

        Args:
            frame: One row a candidate; numeric and text columns.
            constraints: Candidates that do not meet all of them are left out.
        """
        _require_candidates(frame)
        parameters = [_parameter(frame[name], len(frame)) for name in frame.columns]
        if constraints:
            frame = _meeting(frame, parameters, constraints)
            parameters = [_parameter(frame[name], len(frame)) for name in frame.columns]
        self.frame = frame.reset_index(drop=True)
        self._parameters = parameters
        self._position = {key: i for i, key in enumerate(row_keys(self.frame, self.columns))}
        self._encoded = self._encode(self.frame)
        self._encoded.setflags(write=False)

    @property
    def columns(self) -> list[str]:
        """The table's columns."""
        return list(self.frame.columns)

    @property
    def size(self) -> int:
        """Number of candidates."""
        return len(self.frame)

    @property
    def continuous(self) -> dict[str, int]:
        """None: between two candidates there is nothing."""
        return {}

    def blocks(self, size: int) -> Iterator[pd.DataFrame]:
        """The candidates in pieces, for scores that would not fit into memory at once.

        Args:
            size: Most rows of a piece.

        Yields:
            Rows of ``frame``, with their index there.
        """
        for start in range(0, self.size, size):
            yield self.frame.iloc[start : start + size]

    def check(self, frame: pd.DataFrame) -> pd.DataFrame:
        """The pool's columns, valid as data; rows outside the pool are.

        Args:
            frame: Any table with the pool's columns.

        Returns:
            Only the pool's columns; numbers as float.

        Raises:
            TableError: If a column is missing, or a cell is empty, no number or no known level.
        """
        require_columns(frame, self.columns)
        return pd.DataFrame({p.name: p.checked(frame[p.name]) for p in self._parameters})

    def allows(self, frame: pd.DataFrame) -> NDArray[np.bool_]:
        """Which rows are in the pool.

        Args:
            frame: n rows.

        Returns:
            n booleans.
        """
        if frame is self.frame:
            return np.ones(self.size, dtype=bool)
        return is_among(frame, self.columns, self._position.keys())

    def encode(self, frame: pd.DataFrame) -> Matrix:
        """Where rows lie in the unit cube of the pool's ranges.

        Args:
            frame: n valid rows.

        Returns:
            Shape (n, d), dimensionless; of the pool's own ``frame`` what was computed once.

        Raises:
            TableError: If a level is unknown.
        """
        return self._encoded if frame is self.frame else self._encode(frame)

    def moved(self, frame: pd.DataFrame, unit: Matrix) -> pd.DataFrame:
        """The rows themselves: nothing of them may move.

        Args:
            frame: n rows.
            unit: Shape (n, d), as from ``encode``.

        Returns:
            The same rows.
        """
        return frame

    def spread(
        self, n: int, rng: np.random.Generator, fixed: Mapping[str, object] | None = None
    ) -> pd.DataFrame:
        """Rows of the pool drawn without replacement; the whole pool if it is that small.

        Args:
            n: Rows wanted.
            rng: Draws them.
            fixed: Values that every row must have.

        Returns:
            Up to n rows, in random order.

        Raises:
            SpaceError: If no row has the fixed values.
        """
        rows = self._matching(fixed)
        if not len(rows):
            held = ", ".join(f"{name} = {value}" for name, value in (fixed or {}).items())
            raise SpaceError(
                f"candidate pool: at least one row must have {held}, got none of {self.size}; "
                "add such candidates"
            )
        drawn = rows[rng.permutation(len(rows))[:n]]
        spread: pd.DataFrame = self.frame.iloc[drawn].reset_index(drop=True)
        return spread

    def near(
        self,
        row: Mapping[Any, object] | pd.Series,
        n: int,
        rng: np.random.Generator,
        fixed: Mapping[str, object] | None = None,
    ) -> pd.DataFrame:
        """The rows of the pool closest to a row, itself not among them.

        Args:
            row: Any valid row.
            n: Rows wanted.
            rng: Not needed here; spaces that sample need it.
            fixed: Values that every neighbour must have.

        Returns:
            Up to n rows, closest first.
        """
        itself = pd.DataFrame([{name: row[name] for name in self.columns}])
        rows = self._matching(fixed)
        rows = rows[rows != self._position.get(row_keys(itself, self.columns)[0], -1)]
        there = self._encoded if len(rows) == self.size else self._encoded[rows]
        gaps = there - self._encode(itself)
        distance = np.einsum("ij,ij->i", gaps, gaps)
        if n < len(rows):
            # of equals at the edge the earlier ones are kept, whatever the partition's order
            edge = np.partition(distance, n)[n]
            closest = np.flatnonzero(distance <= edge)
        else:
            closest = np.arange(len(rows))
        order = closest[np.argsort(distance[closest], kind="stable")[:n]]
        nearest: pd.DataFrame = self.frame.iloc[rows[order]].reset_index(drop=True)
        return nearest

    def _matching(self, fixed: Mapping[str, object] | None) -> NDArray[np.intp]:
        if not fixed:
            return np.arange(self.size)
        names = list(fixed)
        wanted = row_keys(pd.DataFrame([dict(fixed)]), names)
        return np.flatnonzero(is_among(self.frame, names, wanted))

    def _encode(self, frame: pd.DataFrame) -> Matrix:
        return np.hstack([p.encode(frame[p.name]) for p in self._parameters])


def _require_candidates(frame: pd.DataFrame) -> None:
    if frame.empty:
        raise SpaceError(
            "candidate pool: needs at least one row and one column, got a table of shape "
            f"{frame.shape}; list the candidates, one a row"
        )
    gaps = np.asarray(frame.isna().to_numpy().any(axis=1), dtype=bool)
    if gaps.any():
        raise SpaceError(
            "candidate pool: cells must not be empty, got gaps in row "
            f"{_first(frame.index[gaps])}; fill them or drop the rows"
        )
    endless = [
        (column, bad)
        for name, column in frame.items()
        if _is_number(column) and (bad := ~np.isfinite(column.to_numpy(dtype=float))).any()
    ]
    for column, bad in endless[:1]:
        raise SpaceError(
            f"candidate pool: numbers must be finite, got {column[bad].iloc[0]} in row "
            f"{_first(frame.index[bad])}, column {str(column.name)!r}; drop the rows"
        )
    again = is_repeated(frame, list(frame.columns))
    if again.any():
        raise SpaceError(
            "candidate pool: every row must differ, got an earlier row again in row "
            f"{_first(frame.index[again])}; drop the repeats"
        )


def _meeting(
    frame: pd.DataFrame, parameters: Sequence[Parameter], constraints: Sequence[Constraint]
) -> pd.DataFrame:
    known = known_of(parameters)
    verdicts = [c.met(frame, known) for c in as_constraints(constraints, known)]
    met = np.all(verdicts, axis=0)
    if not met.any():
        raise none_found(constraints, np.stack(verdicts), None, len(frame))
    return frame.loc[met]


def _first(labels: pd.Index) -> str:
    return ", ".join(map(str, labels[:5])) + (", ..." if len(labels) > 5 else "")


def _is_number(column: pd.Series) -> bool:
    return pd.api.types.is_numeric_dtype(column) and not pd.api.types.is_bool_dtype(column)


def _parameter(column: pd.Series, n: int) -> Parameter:
    name = str(column.name)
    if _is_number(column):
        return Continuous(name, float(column.min()), float(column.max()))
    levels = column.unique()
    if len(levels) > MAX_LEVELS:
        raise SpaceError(
            f"candidate pool: a column of text may have at most {MAX_LEVELS} levels, got "
            f"{len(levels)} in {n} rows, column {name!r}; describe them by columns of numbers and "
            "keep the labels out of the pool"
        )
    return Categorical(name, sorted(levels, key=str))
