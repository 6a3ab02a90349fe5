"""What may be varied: a number, a number on a grid, or a choice."""

from collections.abc import Hashable, Sequence
from dataclasses import dataclass
from decimal import Decimal
from math import isfinite
from typing import Any, Protocol, final

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from features.errors import SpaceError, TableError

Vector = NDArray[np.float64]
Matrix = NDArray[np.float64]
Values = NDArray[Any]


class Parameter(Protocol):
    """One column of a recipe."""

    @property
    def name(self) -> str:
        """The column's name."""
        ...

    @property
    def n_values(self) -> int | None:
        """How many values may be proposed; ``None`` for a continuum."""
        ...

    def value_at(self, unit: Vector) -> Values:
        """Proposable values for numbers of [0, 1)."""
        ...

    def nearest(self, value: object) -> object:
        """The proposable value closest to any valid one."""
        ...

    def neighbours(self, value: object, reach: Vector, rng: np.random.Generator) -> Values:
        """Other values, each ``reach`` (a signed fraction of the range) away or one step."""
        ...

    def allows(self, column: pd.Series) -> NDArray[np.bool_]:
        """Which values may be proposed today."""
        ...

    def checked(self, column: pd.Series) -> pd.Series:
        """The column, valid as data: also beyond today's bounds."""
        ...

    def encode(self, column: pd.Series) -> Matrix:
        """Shape (n, k), the unit cube within today's bounds."""
        ...


@final
@dataclass(frozen=True, slots=True)
class Continuous:
    """A number anywhere between two bounds.

    Attributes:
        name: Column.
        low: Smallest value proposed.
        high: Largest value proposed; equal to ``low`` for a number that is held.

    Raises:
        SpaceError: If the bounds are not finite numbers in order.

    Examples:
        >>> Continuous("x", 0.0, 0.6).value_at(np.array([0.5])).tolist()
        [0.3]
    """

    name: str
    low: float
    high: float

    def __post_init__(self) -> None:
        """Refuse impossible bounds."""
        _require_bounds(self.name, self.low, self.high)

    @property
    def n_values(self) -> int | None:
        """One when held, else a continuum."""
        return 1 if self.low == self.high else None

    def value_at(self, unit: Vector) -> Values:
        """Linear from low to high."""
        return np.clip(self.low + unit * (self.high - self.low), self.low, self.high)

    def nearest(self, value: object) -> object:
        """Clipped to the bounds."""
        return float(np.clip(_number(value), self.low, self.high))

    def neighbours(self, value: object, reach: Vector, rng: np.random.Generator) -> Values:
        """Moved by ``reach`` ranges, clipped."""
        moved = _number(value) + reach * (self.high - self.low)
        return np.clip(moved, self.low, self.high)

    def allows(self, column: pd.Series) -> NDArray[np.bool_]:
        """Within the bounds, up to rounding."""
        slack = 1e-9 * _span(self.low, self.high)
        values = column.to_numpy(dtype=float)
        return (values >= self.low - slack) & (values <= self.high + slack)

    def checked(self, column: pd.Series) -> pd.Series:
        """Every value a finite number."""
        return _finite(self.name, column)

    def encode(self, column: pd.Series) -> Matrix:
        """(value - low) / (high - low)."""
        values = column.to_numpy(dtype=float)
        return np.asarray((values - self.low) / _span(self.low, self.high))[:, None]


@final
@dataclass(frozen=True, slots=True)
class Discrete:
    """A number on the grid low, low + step, ..., high, exact to the last digit.

    Attributes:
        name: Column.
        low: Smallest value proposed.
        high: Largest value proposed.
        step: Grid spacing; must divide ``high - low``.

    Raises:
        SpaceError: If the bounds are not in order, or the step does not divide the range.

    Examples:
        >>> Discrete("x", 0.0, 0.6, step=0.05).value_at(np.array([0.25])).tolist()
        [0.15]
        >>> Discrete("pressing_pressure_mpa", 75, 500, step=25).n_values
        18
    """

    name: str
    low: float
    high: float
    step: float = 1

    def __post_init__(self) -> None:
        """Refuse a grid that does not end at ``high``."""
        _require_bounds(self.name, self.low, self.high)
        if not (isfinite(self.step) and self.step > 0):
            raise SpaceError(
                f"parameter {self.name!r}: step must be a positive number, got {self.step!r}; "
                "give the distance between two settings"
            )
        if (_decimal(self.high) - _decimal(self.low)) % _decimal(self.step) != 0:
            raise SpaceError(
                f"parameter {self.name!r}: step must divide high - low, got step {self.step:g} "
                f"(low {self.low:g}, high {self.high:g}); change high or step"
            )

    @property
    def n_values(self) -> int:
        """Number of grid points."""
        return int((_decimal(self.high) - _decimal(self.low)) / _decimal(self.step)) + 1

    def value_at(self, unit: Vector) -> Values:
        """Equal shares of [0, 1) for each grid point."""
        last = self.n_values - 1
        return self._at(np.minimum(np.floor(unit * (last + 1)), last))

    def nearest(self, value: object) -> object:
        """Snapped to the grid."""
        return self._at(self._index(_number(value))).item()

    def neighbours(self, value: object, reach: Vector, rng: np.random.Generator) -> Values:
        """Moved by ``reach`` ranges, at least one step, clipped."""
        last = self.n_values - 1
        steps = np.sign(reach) * np.maximum(1, np.round(np.abs(reach) * last))
        return self._at(np.clip(self._index(_number(value)) + steps, 0, last))

    def allows(self, column: pd.Series) -> NDArray[np.bool_]:
        """On the grid, up to rounding."""
        values = column.to_numpy(dtype=float)
        on_grid = self._at(self._index(values)).astype(float)
        return np.asarray(np.abs(values - on_grid) <= 1e-9 * max(abs(self.high), self.step))

    def checked(self, column: pd.Series) -> pd.Series:
        """Every value a finite number; what was made may lie off the grid."""
        return _finite(self.name, column)

    def encode(self, column: pd.Series) -> Matrix:
        """(value - low) / (high - low)."""
        values = column.to_numpy(dtype=float)
        return np.asarray((values - self.low) / _span(self.low, self.high))[:, None]

    def _index(self, value: float | Vector) -> Vector:
        return np.clip(np.round((np.asarray(value) - self.low) / self.step), 0, self.n_values - 1)

    def _at(self, index: Vector) -> Values:
        # whole numbers over a power of ten: the one division rounds to the nearest double,
        # which is how the decimal itself is read; low + k * step would give 0.15000000000000002
        places = max(_places(self.low), _places(self.step))
        low = float(_decimal(self.low).scaleb(places))
        step = float(_decimal(self.step).scaleb(places))
        whole = low + index * step
        if isinstance(self.low, int) and isinstance(self.step, int):
            return np.asarray(whole).astype(np.int64)
        return np.asarray(whole / 10.0**places)


@final
@dataclass(frozen=True, slots=True)
class Categorical:
    """One of several named levels.

    With ``descriptors`` a level enters the model by its numbers, so that what was learnt on one
    tells something of a similar one; without, by a one-hot code.

    Attributes:
        name: Column.
        levels: Levels that may be proposed.
        descriptors: Index: levels (others than today's may be there and count as data);
            columns: numbers of any scale.

    Raises:
        SpaceError: If levels repeat, or the descriptors miss a level or cannot tell two apart.

    Examples:
        >>> media = Categorical("milling_media", ["agate", "zirconia"])
        >>> media.encode(pd.Series(["zirconia"])).tolist()
        [[0.0, 1.0]]
    """

    name: str
    levels: Sequence[Hashable]
    descriptors: pd.DataFrame | None = None

    def __post_init__(self) -> None:
        """Refuse levels that cannot be told apart."""
        object.__setattr__(self, "levels", tuple(self.levels))
        _require_name(self.name)
        if not self.levels or len(set(self.levels)) != len(self.levels):
            raise SpaceError(
                f"parameter {self.name!r}: levels must be different and at least one, "
                f"got {list(self.levels)}; name each level once"
            )
        if self.descriptors is not None:
            _require_descriptors(self.name, self.levels, self.descriptors)

    @property
    def known(self) -> tuple[Hashable, ...]:
        """Levels accepted as data."""
        return tuple(self.levels if self.descriptors is None else self.descriptors.index)

    @property
    def n_values(self) -> int:
        """Number of levels."""
        return len(self.levels)

    def value_at(self, unit: Vector) -> Values:
        """Equal shares of [0, 1) for each level."""
        index = np.minimum(np.floor(unit * self.n_values), self.n_values - 1).astype(int)
        return _objects([self.levels[i] for i in index])

    def nearest(self, value: object) -> object:
        """The level itself, or that of the nearest code if it is not offered today."""
        if value in self.levels:
            return value
        offered = self.encode(pd.Series(list(self.levels)))
        distance = np.linalg.norm(offered - self.encode(pd.Series([value])), axis=1)
        return self.levels[int(np.argmin(distance))]

    def neighbours(self, value: object, reach: Vector, rng: np.random.Generator) -> Values:
        """Another level, drawn evenly; the same one where there is no other."""
        others = [level for level in self.levels if level != value] or [value]
        return _objects([others[i] for i in rng.integers(len(others), size=len(reach))])

    def allows(self, column: pd.Series) -> NDArray[np.bool_]:
        """Offered today."""
        return np.asarray(column.isin(list(self.levels)), dtype=bool)

    def checked(self, column: pd.Series) -> pd.Series:
        """Every value a known level."""
        bad = column[~column.isin(list(self.known))]
        if len(bad):
            raise TableError(
                f"{_where(self.name, bad)}: must be one of {', '.join(map(str, self.known))}, "
                f"got {bad.iloc[0]!r}; correct the cell, or add the level to the space"
            )
        return column.astype(object)

    def encode(self, column: pd.Series) -> Matrix:
        """Descriptors scaled to [0, 1] over today's levels, else one-hot."""
        known = list(self.checked(column))
        if self.descriptors is None:
            order = {level: i for i, level in enumerate(self.levels)}
            return np.asarray(np.eye(len(order))[[order[level] for level in known]])
        table = self.descriptors.astype(float)
        today = table.loc[list(self.levels)]
        span = (today.max() - today.min()).replace(0.0, np.nan).fillna(table.max() - table.min())
        scaled = (table - today.min()) / span.replace(0.0, 1.0)
        return scaled.loc[known].to_numpy(dtype=float)


def _number(value: object) -> float:
    return float(value)  # type: ignore[arg-type]


def _decimal(value: float) -> Decimal:
    return Decimal(repr(round(float(value), 12)))


def _places(value: float) -> int:
    exponent = _decimal(value).normalize().as_tuple().exponent
    return max(0, -exponent) if isinstance(exponent, int) else 0


def _span(low: float, high: float) -> float:
    return high - low if high > low else max(abs(low), 1.0)


def _objects(values: Sequence[object]) -> Values:
    array = np.empty(len(values), dtype=object)
    array[:] = values
    return array


def _where(name: str, bad: pd.Series) -> str:
    rows = ", ".join(map(str, bad.index[:5])) + (", ..." if len(bad) > 5 else "")
    return f"row{'s' if len(bad) > 1 else ''} {rows}, column {name!r}"


def _require_name(name: str) -> None:
    if not isinstance(name, str) or not name:
        raise SpaceError(
            f"parameter: name must be a non-empty text, got {name!r}; name the table's column"
        )


def _require_bounds(name: str, low: float, high: float) -> None:
    _require_name(name)
    if not (isfinite(low) and isfinite(high)):
        raise SpaceError(
            f"parameter {name!r}: bounds must be finite numbers, got {low!r} to {high!r}; "
            "give the smallest and the largest value to propose"
        )
    if low > high:
        raise SpaceError(
            f"parameter {name!r}: low must not exceed high, got {low:g} to {high:g}; "
            "swap the bounds"
        )


def _require_descriptors(name: str, levels: Sequence[Hashable], descriptors: pd.DataFrame) -> None:
    absent = [level for level in levels if level not in descriptors.index]
    if absent:
        raise SpaceError(
            f"parameter {name!r}: descriptors need a row for each level, got none for "
            f"{', '.join(map(str, absent))}; add the rows, with the level as index"
        )
    numbers = descriptors.apply(pd.to_numeric, errors="coerce")
    if not np.isfinite(numbers.to_numpy(dtype=float)).all() or not len(numbers.columns):
        raise SpaceError(
            f"parameter {name!r}: descriptors must be finite numbers, got "
            f"{descriptors.to_dict('index')}; fill the gaps or drop the column"
        )
    if descriptors.index.has_duplicates or numbers.duplicated().any():
        raise SpaceError(
            f"parameter {name!r}: descriptors must tell every two levels apart, got two equal "
            f"rows or labels in {list(descriptors.index)}; add a column in which they differ"
        )


def _finite(name: str, column: pd.Series) -> pd.Series:
    numbers = pd.to_numeric(column, errors="coerce").astype(float)
    bad = column[~np.isfinite(numbers.to_numpy())]
    if len(bad):
        raise TableError(
            f"{_where(name, bad)}: must be a finite number, got {bad.iloc[0]!r}; "
            "correct the cell or leave the row out"
        )
    return numbers
