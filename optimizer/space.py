"""Search spaces: which recipes may be proposed, and where they lie in the unit cube."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from math import prod
from typing import Any, Final, Protocol, final

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from torch import float64
from torch.quasirandom import SobolEngine

from features.errors import SpaceError
from optimizer.parameters import Matrix, Parameter
from optimizer.pool import CandidatePool
from optimizer.rows import is_among, is_repeated, require_columns, row_keys

MAX_TRIES: Final = 2**16
"""Points of the Sobol sequence tried before a constraint counts as impossible to meet."""

MAX_LISTED: Final = 20_000
"""Grids up to this size are listed in full where sampling does not find enough rows."""

Constraint = Callable[[pd.DataFrame], Any]


class Space(Protocol):
    """What the optimizer needs of a search space; ``SearchSpace`` and ``CandidatePool`` have it."""

    @property
    def columns(self) -> list[str]:
        """Parameter columns, in order."""
        ...

    def check(self, frame: pd.DataFrame) -> pd.DataFrame:
        """The parameter columns, valid as data."""
        ...

    def allows(self, frame: pd.DataFrame) -> NDArray[np.bool_]:
        """Which rows may be proposed."""
        ...

    def encode(self, frame: pd.DataFrame) -> Matrix:
        """Shape (n, d), the unit cube within today's bounds."""
        ...

    def spread(
        self, n: int, rng: np.random.Generator, fixed: Mapping[str, object] | None = None
    ) -> pd.DataFrame:
        """Up to n distinct proposable rows, space filling."""
        ...

    def near(
        self,
        row: Mapping[Any, object] | pd.Series,
        n: int,
        rng: np.random.Generator,
        fixed: Mapping[str, object] | None = None,
    ) -> pd.DataFrame:
        """Up to n distinct proposable neighbours of a row."""
        ...


@final
@dataclass(frozen=True, slots=True)
class SearchSpace:
    """The box, grid or mixture of both in which recipes are sought.

    Attributes:
        parameters: At least one; names must differ.
        constraint: Table of n rows to n booleans, true where a recipe can be made.

    Raises:
        SpaceError: If there is no parameter or a name repeats.

    Examples:
        >>> from optimizer.parameters import Continuous, Discrete
        >>> space = SearchSpace([Continuous("x", 0, 1), Discrete("t", 1, 5)])
        >>> space.encode(pd.DataFrame({"x": [0.5], "t": [2]})).tolist()
        [[0.5, 0.25]]
        >>> space.spread(3, np.random.default_rng(0)).shape
        (3, 2)
    """

    parameters: Sequence[Parameter]
    constraint: Constraint | None = None

    def __post_init__(self) -> None:
        """Refuse a space whose columns are not distinct."""
        object.__setattr__(self, "parameters", tuple(self.parameters))
        names = self.columns
        repeated = sorted({name for name in names if names.count(name) > 1})
        if not names or repeated:
            raise SpaceError(
                "search space: needs at least one parameter and each name once, got "
                f"{', '.join(names) or 'none'}"
                + (f" (repeated: {', '.join(repeated)})" if repeated else "")
                + "; name every column of the recipe once"
            )

    @staticmethod
    def from_candidates(frame: pd.DataFrame) -> CandidatePool:
        """A fixed pool: every proposal is one of its rows, each at most once.

        Args:
            frame: One row a candidate; numeric and text columns.

        Returns:
            A space that offers these rows only.

        Examples:
            >>> pool = SearchSpace.from_candidates(pd.DataFrame({"x": [1, 2], "m": ["a", "b"]}))
            >>> pool.encode(pool.frame).tolist()
            [[0.0, 1.0, 0.0], [1.0, 0.0, 1.0]]
        """
        return CandidatePool(frame)

    @property
    def columns(self) -> list[str]:
        """Parameter names, in order."""
        return [parameter.name for parameter in self.parameters]

    @property
    def size(self) -> int | None:
        """Rows of the full grid before the constraint; ``None`` with a continuum."""
        counts = [parameter.n_values for parameter in self.parameters]
        return None if None in counts else prod(count for count in counts if count is not None)

    def check(self, frame: pd.DataFrame) -> pd.DataFrame:
        """The parameter columns, valid as data; values outside today's bounds are.

        Args:
            frame: Any table with the parameter columns.

        Returns:
            Only the parameter columns; numbers as float.

        Raises:
            TableError: If a column is missing, or a cell is empty, no number or no known level.
        """
        require_columns(frame, self.columns)
        return pd.DataFrame({p.name: p.checked(frame[p.name]) for p in self.parameters})

    def allows(self, frame: pd.DataFrame) -> NDArray[np.bool_]:
        """Which rows may be proposed: within bounds, on the grid, constraint met.

        Args:
            frame: n valid rows.

        Returns:
            n booleans.

        Raises:
            SpaceError: If the constraint does not give one boolean a row.
        """
        inside = np.ones(len(frame), dtype=bool)
        for parameter in self.parameters:
            inside &= parameter.allows(frame[parameter.name])
        if self.constraint is None or not inside.any():
            return inside
        inside[inside] = self._meets(frame.loc[inside, self.columns])
        return inside

    def encode(self, frame: pd.DataFrame) -> Matrix:
        """Where rows lie in the unit cube; beyond it outside today's bounds.

        Args:
            frame: n valid rows.

        Returns:
            Shape (n, d), dimensionless. Categories take one column a descriptor, or one a level.

        Raises:
            TableError: If a level is unknown.
        """
        return np.hstack([p.encode(frame[p.name]) for p in self.parameters])

    def spread(
        self, n: int, rng: np.random.Generator, fixed: Mapping[str, object] | None = None
    ) -> pd.DataFrame:
        """Distinct rows that fill the space: a scrambled Sobol sequence, snapped, then sifted.

        Args:
            n: Rows wanted.
            rng: Scrambles the sequence.
            fixed: Values that every row must have.

        Returns:
            n rows, fewer only where the space holds no more.

        Raises:
            SpaceError: If no row meets the constraint.
        """
        seed = int(rng.integers(2**31))
        engine = SobolEngine(len(self.columns), scramble=True, seed=seed)  # type: ignore[no-untyped-call]
        found, tried, wanted = self._empty(), 0, n
        while len(found) < n and tried < MAX_TRIES:
            unit = engine.draw(2 * wanted, dtype=float64).numpy()
            tried, wanted = tried + 2 * wanted, 2 * wanted
            found = self._sifted([found, self._at(unit, fixed)])
            if self.size is not None and tried > 4 * self.size:
                break
        if len(found) < n and self.size is not None and self.size <= MAX_LISTED:
            found = self._sifted([found, self._grid(rng, fixed)])
        if found.empty:
            held = ", ".join(f"{name} = {value}" for name, value in (fixed or {}).items())
            raise SpaceError(
                f"search space: at least one row must meet the constraint, got none in {tried} "
                f"tries{f' ({held})' if held else ''}; loosen the constraint or the bounds"
            )
        return found.head(n)

    def near(
        self,
        row: Mapping[Any, object] | pd.Series,
        n: int,
        rng: np.random.Generator,
        fixed: Mapping[str, object] | None = None,
    ) -> pd.DataFrame:
        """Neighbours of a row: one or several parameters moved, by steps small and large.

        Args:
            row: Any valid row; first brought inside the bounds.
            n: Rows wanted.
            rng: Chooses parameters and steps.
            fixed: Values that every neighbour must have.

        Returns:
            Up to n distinct proposable rows, the row itself not among them.
        """
        centre = {p.name: p.nearest(row[p.name]) for p in self.parameters}
        count, d = 3 * n, len(self.columns)
        share = rng.choice([1.0 / d, 0.5, 1.0], size=(count, 1))
        moved = rng.random((count, d)) < share
        moved[np.arange(count), rng.integers(d, size=count)] = True
        reach = rng.normal(size=(count, d)) * 10.0 ** rng.uniform(-2.3, -0.5, size=(count, 1))
        columns = {}
        for j, parameter in enumerate(self.parameters):
            here = centre[parameter.name]
            there = parameter.neighbours(here, reach[:, j], rng)
            stay = np.full(count, here, dtype=there.dtype)
            columns[parameter.name] = np.where(moved[:, j], there, stay)
        frame = self._sifted([pd.DataFrame({**columns, **dict(fixed or {})})])
        itself = row_keys(pd.DataFrame([centre]), self.columns)
        return frame[~is_among(frame, self.columns, itself)].head(n).reset_index(drop=True)

    def _meets(self, frame: pd.DataFrame) -> NDArray[np.bool_]:
        verdict = np.asarray(self.constraint(frame) if self.constraint else True)
        if verdict.shape != (len(frame),) or verdict.dtype != bool:
            raise SpaceError(
                f"constraint: must return one boolean a row, got {verdict.dtype} of shape "
                f"{verdict.shape} for {len(frame)} rows; compare whole columns of the table"
            )
        return verdict

    def _at(self, unit: Matrix, fixed: Mapping[str, object] | None) -> pd.DataFrame:
        columns = {p.name: p.value_at(unit[:, j]) for j, p in enumerate(self.parameters)}
        return pd.DataFrame({**columns, **dict(fixed or {})})

    def _grid(self, rng: np.random.Generator, fixed: Mapping[str, object] | None) -> pd.DataFrame:
        counts = [parameter.n_values or 1 for parameter in self.parameters]
        index = np.stack(np.unravel_index(rng.permutation(prod(counts)), counts), axis=1)
        return self._at((index + 0.5) / np.array(counts), fixed)

    def _empty(self) -> pd.DataFrame:
        return self._at(np.empty((0, len(self.columns))), None)

    def _sifted(self, frames: Sequence[pd.DataFrame]) -> pd.DataFrame:
        some = [frame for frame in frames if len(frame)]
        frame = pd.concat(some, ignore_index=True) if some else self._empty()
        frame = frame[~is_repeated(frame, self.columns)]
        return frame[self.allows(frame)].reset_index(drop=True)
