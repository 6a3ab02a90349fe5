"""Search spaces: which recipes may be proposed, and where they lie in the unit cube."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from math import prod
from typing import Any, Protocol, final

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from features.errors import SpaceError
from optimizer.axes import Axis
from optimizer.constraints import Constraint, LinearConstraint, Rule, as_constraints
from optimizer.infeasible import require_feasible
from optimizer.parameters import Continuous, Discrete, Matrix, Parameter
from optimizer.pool import CandidatePool
from optimizer.rows import require_columns
from optimizer.sampling import Sampler, known_of


class Space(Protocol):
    """What the optimizer needs of a search space; ``SearchSpace`` and ``CandidatePool`` have it."""

    @property
    def columns(self) -> list[str]:
        """Parameter columns, in order."""
        ...

    @property
    def continuous(self) -> Mapping[str, int]:
        """Columns that may move by any small amount, and their column of ``encode``."""
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

    def moved(self, frame: pd.DataFrame, unit: Matrix) -> pd.DataFrame:
        """Rows with their ``continuous`` columns at other places of the unit cube."""
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
        constraints: ``LinearConstraint``, ``Excluded``, ``When`` or ``Rule``; all must be met.

    Raises:
        SpaceError: If there is no parameter or a name repeats, a constraint does not fit the
            parameters, or linear constraints leave no row.

    Examples:
        >>> from optimizer.parameters import Continuous, Discrete
        >>> space = SearchSpace([Continuous("x", 0, 1), Discrete("t", 1, 5)])
        >>> space.encode(pd.DataFrame({"x": [0.5], "t": [2]})).tolist()
        [[0.5, 0.25]]
        >>> space.spread(3, np.random.default_rng(0)).shape
        (3, 2)
    """

    parameters: Sequence[Parameter]
    constraint: Callable[[pd.DataFrame], Any] | None = None
    constraints: Sequence[Constraint] = ()
    _sampler: Sampler = field(init=False, repr=False, compare=False)

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
        known = known_of(self.parameters)
        own = [] if self.constraint is None else [Rule("the constraint", self.constraint)]
        object.__setattr__(self, "constraints", as_constraints(self.constraints, known))
        sampler = Sampler(self.parameters, [*self.constraints, *own], known)
        object.__setattr__(self, "_sampler", sampler)
        numbers = [p for p in self.parameters if isinstance(p, Continuous | Discrete)]
        linear = [c for c in self.constraints if isinstance(c, LinearConstraint)]
        require_feasible([Axis.of(p) for p in numbers], linear, known)

    @staticmethod
    def from_candidates(
        frame: pd.DataFrame, constraints: Sequence[Constraint] = ()
    ) -> CandidatePool:
        """A fixed pool: every proposal is one of its rows, each at most once.

        Args:
            frame: One row a candidate; numeric and text columns.
            constraints: Candidates that do not meet all of them are left out.

        Returns:
            A space that offers these rows only.

        Examples:
            >>> pool = SearchSpace.from_candidates(pd.DataFrame({"x": [1, 2], "m": ["a", "b"]}))
            >>> pool.encode(pool.frame).tolist()
            [[0.0, 1.0, 0.0], [1.0, 0.0, 1.0]]
        """
        return CandidatePool(frame, constraints)

    @property
    def columns(self) -> list[str]:
        """Parameter names, in order."""
        return [parameter.name for parameter in self.parameters]

    @property
    def size(self) -> int | None:
        """Rows of the full grid before the constraint; ``None`` with a continuum."""
        counts = [parameter.n_values for parameter in self.parameters]
        return None if None in counts else prod(count for count in counts if count is not None)

    @property
    def continuous(self) -> dict[str, int]:
        """Continua that may move alone: neither held nor in a sum of fixed value.

        Returns:
            Name to its column of ``encode``.
        """
        bound = {name for c in self._sampler.linear if c.is_equality for name in c.coefficients}
        first = np.cumsum([0, *(p.width for p in self.parameters)])
        return {
            p.name: int(first[j])
            for j, p in enumerate(self.parameters)
            if p.n_values is None and p.name not in bound
        }

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
        for constraint in self._sampler.constraints:
            if inside.any():
                rows = frame.loc[inside, self.columns]
                inside[inside] = constraint.met(rows, self._sampler.known)
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

    def moved(self, frame: pd.DataFrame, unit: Matrix) -> pd.DataFrame:
        """Rows with their ``continuous`` columns at other places, all else as it was.

        Args:
            frame: n rows.
            unit: Shape (n, d), as from ``encode``; what lies outside [0, 1] is brought inside.

        Returns:
            The rows moved; they need not meet the constraints.

        Examples:
            >>> from optimizer.parameters import Continuous, Discrete
            >>> space = SearchSpace([Discrete("t", 1, 5), Continuous("x", 0, 10)])
            >>> space.moved(pd.DataFrame({"t": [2], "x": [5.0]}), np.array([[0.9, 0.7]])).x.item()
            7.0
        """
        free = self.continuous
        places = {
            p.name: p.value_at(unit[:, free[p.name]].clip(0.0, 1.0))
            for p in self.parameters
            if p.name in free
        }
        return frame.assign(**places)

    def spread(
        self, n: int, rng: np.random.Generator, fixed: Mapping[str, object] | None = None
    ) -> pd.DataFrame:
        """Distinct rows that fill the space.

        A scrambled Sobol sequence is snapped to the grids and sifted by the constraints. Where
        linear constraints leave little, rows are drawn evenly from what they leave.

        Args:
            n: Rows wanted.
            rng: Scrambles the sequence.
            fixed: Values that every row must have.

        Returns:
            n rows, fewer only where the space holds no more.

        Raises:
            SpaceError: If no row meets the constraints.
        """
        return pd.DataFrame(self._sampler.table(self._sampler.spread(n, rng, fixed)))

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
        return pd.DataFrame(self._sampler.table(self._sampler.near(row, n, rng, fixed)))
