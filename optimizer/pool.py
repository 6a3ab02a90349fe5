"""A fixed list of candidates as a search space."""

from collections.abc import Mapping
from typing import Any, final

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from features.errors import SpaceError
from optimizer.categorical import Categorical
from optimizer.parameters import Continuous, Matrix, Parameter
from optimizer.rows import is_among, is_repeated, require_columns, row_keys


@final
class CandidatePool:
    """Every proposal is a row of a table, each at most once.

    Numeric columns are scaled by their range, others enter one-hot.

    Attributes:
        frame: The candidates; index 0, 1, ...

    Raises:
        SpaceError: If the table is empty, repeats a row, or has an empty cell.

    Examples:
        >>> pool = CandidatePool(pd.DataFrame({"x": [0.0, 0.5, 1.0]}))
        >>> pool.near({"x": 1.0}, 1, np.random.default_rng(0)).x.tolist()
        [0.5]
    """

    __slots__ = ("_keys", "_parameters", "frame")

    def __init__(self, frame: pd.DataFrame) -> None:
        self.frame = frame.reset_index(drop=True)
        if frame.empty:
            raise SpaceError(
                "candidate pool: needs at least one row and one column, got a table of shape "
                f"{frame.shape}; list the candidates, one a row"
            )
        gaps = [str(label) for label, gap in frame.isna().any(axis=1).items() if gap]
        if gaps:
            raise SpaceError(
                f"candidate pool: cells must not be empty, got gaps in row {', '.join(gaps[:5])}; "
                "fill them or drop the rows"
            )
        self._parameters = [_parameter(self.frame[name]) for name in self.frame.columns]
        again = is_repeated(self.frame, self.columns)
        repeated = [str(label) for label in frame.index[again]]
        if repeated:
            raise SpaceError(
                "candidate pool: every row must differ, got an earlier row again in row "
                f"{', '.join(repeated[:5])}; drop the repeats"
            )
        self._keys = set(row_keys(self.frame, self.columns))

    @property
    def columns(self) -> list[str]:
        """The table's columns."""
        return list(self.frame.columns)

    @property
    def size(self) -> int:
        """Number of candidates."""
        return len(self.frame)

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
        return is_among(frame, self.columns, self._keys)

    def encode(self, frame: pd.DataFrame) -> Matrix:
        """Where rows lie in the unit cube of the pool's ranges.

        Args:
            frame: n valid rows.

        Returns:
            Shape (n, d), dimensionless.

        Raises:
            TableError: If a level is unknown.
        """
        return np.hstack([p.encode(frame[p.name]) for p in self._parameters])

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
        if rows.empty:
            held = ", ".join(f"{name} = {value}" for name, value in (fixed or {}).items())
            raise SpaceError(
                f"candidate pool: at least one row must have {held}, got none of {self.size}; "
                "add such candidates"
            )
        return rows.iloc[rng.permutation(len(rows))[:n]].reset_index(drop=True)

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
        rows = rows[~is_among(rows, self.columns, row_keys(itself, self.columns))]
        distance = np.linalg.norm(self.encode(rows) - self.encode(itself), axis=1)
        return rows.iloc[np.argsort(distance, kind="stable")[:n]].reset_index(drop=True)

    def _matching(self, fixed: Mapping[str, object] | None) -> pd.DataFrame:
        if not fixed:
            return self.frame
        names = list(fixed)
        wanted = row_keys(pd.DataFrame([dict(fixed)]), names)
        return self.frame[is_among(self.frame, names, wanted)]


def _parameter(column: pd.Series) -> Parameter:
    name = str(column.name)
    if pd.api.types.is_bool_dtype(column) or not pd.api.types.is_numeric_dtype(column):
        return Categorical(name, sorted(column.unique(), key=str))
    return Continuous(name, float(column.min()), float(column.max()))
