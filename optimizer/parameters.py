"""What may be varied: a number, or a number on a grid (a choice is in ``categorical``)."""

from dataclasses import dataclass, field
from decimal import Decimal
from math import isfinite
from typing import Any, Final, Protocol, final

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from features.errors import SpaceError, TableError

Vector = NDArray[np.float64]
Matrix = NDArray[np.float64]
Values = NDArray[Any]

_DIGITS: Final = 12
"""Decimals of a grid; steps finer than the last are none."""

FINEST_STEP: Final = 10.0**-_DIGITS

FARTHEST: Final = 1e5
"""A row that lies so many ranges outside today's bounds is in another unit; nothing is learned from
it, and from ten times as far on the arithmetic fails."""


class Parameter(Protocol):
    """One column of a recipe.

    Sampling works on *places*, one number a cell: the value itself of a continuous parameter, the
    position on the grid or among the levels of the others.
    """

    @property
    def name(self) -> str:
        """The column's name."""
        ...

    @property
    def n_values(self) -> int | None:
        """How many values may be proposed; ``None`` for a continuum."""
        ...

    @property
    def width(self) -> int:
        """Columns of ``encode``."""
        ...

    def place_at(self, unit: Vector) -> Vector:
        """Places of proposable values for numbers of [0, 1)."""
        ...

    def place_of(self, value: object) -> float:
        """The place of the proposable value closest to any valid one."""
        ...

    def moved(self, place: float, reach: Vector, rng: np.random.Generator) -> Vector:
        """Other places, each ``reach`` (a signed fraction of the range) away or one step."""
        ...

    def at(self, place: Vector) -> Values:
        """The values at places."""
        ...

    def value_at(self, unit: Vector) -> Values:
        """Proposable values for numbers of [0, 1)."""
        ...

    def nearest(self, value: object) -> object:
        """The proposable value closest to any valid one."""
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

    @property
    def width(self) -> int:
        """One."""
        return 1

    def place_at(self, unit: Vector) -> Vector:
        """Linear from low to high."""
        return np.asarray(self.low + unit * (self.high - self.low)).clip(self.low, self.high)

    def place_of(self, value: object) -> float:
        """Clipped to the bounds."""
        return float(min(max(_number(value), self.low), self.high))

    def moved(self, place: float, reach: Vector, rng: np.random.Generator) -> Vector:
        """Moved by ``reach`` ranges, clipped."""
        return np.asarray(place + reach * (self.high - self.low)).clip(self.low, self.high)

    def at(self, place: Vector) -> Values:
        """The places themselves."""
        return np.asarray(place, dtype=float)

    def value_at(self, unit: Vector) -> Values:
        """Linear from low to high."""
        return self.at(self.place_at(unit))

    def nearest(self, value: object) -> object:
        """Clipped to the bounds."""
        return self.place_of(value)

    def allows(self, column: pd.Series) -> NDArray[np.bool_]:
        """Within the bounds, up to rounding."""
        slack = 1e-9 * _span(self.low, self.high)
        values = column.to_numpy(dtype=float)
        return (values >= self.low - slack) & (values <= self.high + slack)

    def checked(self, column: pd.Series) -> pd.Series:
        """Every value a finite number, not absurdly far from the bounds."""
        return _near(self, _finite(self.name, column))

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
    _last: int = field(init=False, repr=False, compare=False)
    _decimals: tuple[float, float, float] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        """Refuse a grid that does not end at ``high``."""
        _require_bounds(self.name, self.low, self.high)
        if not (isfinite(self.step) and self.step > 0):
            raise SpaceError(
                f"parameter {self.name!r}: step must be a positive number, got {self.step!r}; "
                "give the distance between two settings"
            )
        if _decimal(self.step) == 0:
            raise SpaceError(
                f"parameter {self.name!r}: step must be at least {FINEST_STEP:g}, got "
                f"{self.step:g}; give it in another unit, or use Continuous"
            )
        if (_decimal(self.high) - _decimal(self.low)) % _decimal(self.step) != 0:
            raise SpaceError(
                f"parameter {self.name!r}: step must divide high - low, got step {self.step:g} "
                f"(low {self.low:g}, high {self.high:g}); change high or step"
            )
        low, high, step = _decimal(self.low), _decimal(self.high), _decimal(self.step)
        places = max(_places(self.low), _places(self.step))
        decimals = (float(low.scaleb(places)), float(step.scaleb(places)), 10.0**places)
        object.__setattr__(self, "_last", int((high - low) / step))
        object.__setattr__(self, "_decimals", decimals)

    @property
    def n_values(self) -> int:
        """Number of grid points."""
        return self._last + 1

    @property
    def width(self) -> int:
        """One."""
        return 1

    def place_at(self, unit: Vector) -> Vector:
        """Equal shares of [0, 1) for each grid point."""
        return np.minimum(np.floor(unit * (self._last + 1)), self._last)

    def place_of(self, value: object) -> float:
        """Snapped to the grid."""
        return float(self._index(_number(value)))

    def moved(self, place: float, reach: Vector, rng: np.random.Generator) -> Vector:
        """Moved by ``reach`` ranges, at least one step, clipped."""
        steps = np.sign(reach) * np.maximum(1, np.round(np.abs(reach) * self._last))
        return np.asarray(place + steps).clip(0, self._last)

    def at(self, place: Vector) -> Values:
        """The decimals of the grid, exact; whole numbers where low and step are."""
        # whole numbers over a power of ten: the one division rounds to the nearest double,
        # which is how the decimal itself is read; low + k * step would give 0.15000000000000002
        first, step, divisor = self._decimals
        whole = first + np.asarray(place) * step
        if isinstance(self.low, int) and isinstance(self.step, int):
            return np.asarray(whole).astype(np.int64)
        return np.asarray(whole / divisor)

    def value_at(self, unit: Vector) -> Values:
        """Equal shares of [0, 1) for each grid point."""
        return self.at(self.place_at(unit))

    def nearest(self, value: object) -> object:
        """Snapped to the grid."""
        return self.at(self._index(_number(value))).item()

    def allows(self, column: pd.Series) -> NDArray[np.bool_]:
        """On the grid, up to rounding."""
        values = column.to_numpy(dtype=float)
        on_grid = self.at(self._index(values)).astype(float)
        return np.asarray(np.abs(values - on_grid) <= 1e-9 * max(abs(self.high), self.step))

    def checked(self, column: pd.Series) -> pd.Series:
        """Every value a finite number, near the bounds; what was made may lie off the grid."""
        return _near(self, _finite(self.name, column))

    def encode(self, column: pd.Series) -> Matrix:
        """(value - low) / (high - low)."""
        values = column.to_numpy(dtype=float)
        return np.asarray((values - self.low) / _span(self.low, self.high))[:, None]

    def _index(self, value: float | Vector) -> Vector:
        return np.round((np.asarray(value) - self.low) / self.step).clip(0, self._last)


def _number(value: object) -> float:
    return float(value)  # type: ignore[arg-type]


def _decimal(value: float) -> Decimal:
    return Decimal(repr(round(float(value), _DIGITS)))


def _places(value: float) -> int:
    exponent = _decimal(value).normalize().as_tuple().exponent
    return max(0, -exponent) if isinstance(exponent, int) else 0


def _span(low: float, high: float) -> float:
    return high - low if high > low else max(abs(low), 1.0)


def where(name: str, bad: pd.Series) -> str:
    """Rows and column of bad cells, for a message."""
    rows = ", ".join(map(str, bad.index[:5])) + (", ..." if len(bad) > 5 else "")
    return f"row{'s' if len(bad) > 1 else ''} {rows}, column {name!r}"


def require_name(name: str) -> None:
    """Refuse a name that no column can have.

    Raises:
        SpaceError: If it is not a non-empty text.
    """
    if not isinstance(name, str) or not name:
        raise SpaceError(
            f"parameter: name must be a non-empty text, got {name!r}; name the table's column"
        )


def _require_bounds(name: str, low: float, high: float) -> None:
    require_name(name)
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


def _finite(name: str, column: pd.Series) -> pd.Series:
    numbers = pd.to_numeric(column, errors="coerce").astype(float)
    finite = np.isfinite(numbers.to_numpy())
    if not finite.all():
        bad = column[~finite]
        raise TableError(
            f"{where(name, bad)}: must be a finite number, got {bad.tolist()[0]!r}; "
            "correct the cell or leave the row out"
        )
    return numbers


def _near(parameter: Continuous | Discrete, numbers: pd.Series) -> pd.Series:
    away = np.abs(parameter.encode(numbers)[:, 0] - 0.5)
    if (away > FARTHEST).any():
        bad = numbers[away > FARTHEST]
        raise TableError(
            f"{where(parameter.name, bad)}: must lie near the {parameter.low:g} to "
            f"{parameter.high:g} that is searched, got {bad.tolist()[0]:g}, more than "
            f"{FARTHEST:g} ranges away; check the unit or leave the row out"
        )
    return numbers
