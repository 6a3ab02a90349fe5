"""Optuna's distributions as a search space of the engine, and values there and back."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from math import exp, log
from typing import Any, final

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from optuna.distributions import (
    BaseDistribution,
    CategoricalDistribution,
    FloatDistribution,
    IntDistribution,
)

from features.errors import SpaceError
from optimizer.categorical import Categorical
from optimizer.parameters import Continuous, Discrete, Matrix, Parameter, Values, Vector
from optimizer.space import SearchSpace

Number = FloatDistribution | IntDistribution


@final
@dataclass(frozen=True, slots=True)
class LogInteger:
    """A whole number sought on a log scale: every doubling gets as much room.

    Attributes:
        name: Column.
        low: Smallest value proposed, at least 1.
        high: Largest value proposed.

    Raises:
        SpaceError: If ``low`` is below 1 or above ``high``.

    Examples:
        >>> LogInteger("n", 1, 100).value_at(np.array([0.0, 0.5, 0.999])).tolist()
        [1, 7, 100]
    """

    name: str
    low: int
    high: int

    def __post_init__(self) -> None:
        """Refuse what has no logarithm."""
        if self.low < 1:
            raise SpaceError(
                f"parameter {self.name!r}: low must be at least 1 on a log scale, got {self.low}; "
                "use a plain whole number instead"
            )
        self._grid()

    @property
    def n_values(self) -> int:
        """How many whole numbers."""
        return self._grid().n_values

    @property
    def width(self) -> int:
        """One."""
        return 1

    def place_at(self, unit: Vector) -> Vector:
        """Positions on the grid, each with the room it has on the log scale."""
        low, high = log(self.low - 0.5), log(self.high + 0.5)
        return self._places(np.exp(low + unit * (high - low)))

    def place_of(self, value: object) -> float:
        """The nearest position on the grid."""
        return self._grid().place_of(value)

    def moved(self, place: float, reach: Vector, rng: np.random.Generator) -> Vector:
        """Moved by ``reach`` ranges of the logarithm, at least one step, clipped."""
        here = self.low + place
        there = here * np.exp(reach * log(self.high / self.low))
        # at least one whole number away, on the side it was moved to
        return self._places(
            np.where(reach < 0, np.minimum(there, here - 1), np.maximum(there, here + 1))
        )

    def at(self, place: Vector) -> Values:
        """The whole numbers at these positions."""
        return self._grid().at(place)

    def value_at(self, unit: Vector) -> Values:
        """Whole numbers, each with the room it has on the log scale."""
        return self.at(self.place_at(unit))

    def nearest(self, value: object) -> object:
        """The nearest whole number within the bounds."""
        return self._grid().nearest(value)

    def allows(self, column: pd.Series) -> NDArray[np.bool_]:
        """Whole and within the bounds."""
        return self._grid().allows(column)

    def checked(self, column: pd.Series) -> pd.Series:
        """Every value a finite number."""
        return self._grid().checked(column)

    def encode(self, column: pd.Series) -> Matrix:
        """Position of the logarithm between those of the bounds."""
        span = log(self.high / self.low) or 1.0
        return np.asarray(np.log(column.to_numpy(dtype=float) / self.low) / span)[:, None]

    def _grid(self) -> Discrete:
        return Discrete(self.name, self.low, self.high, step=1)

    def _places(self, values: Vector) -> Vector:
        return np.asarray(np.round(values).clip(self.low, self.high) - self.low)


@final
@dataclass(frozen=True, slots=True)
class TrialSpace:
    """A search space of Optuna in columns the engine can vary.

    A plain or logarithmic float becomes a position between 0 and 1, a step the number of steps
    from ``low``, a choice its index, so that choices of any type do.

    Attributes:
        distributions: By name of the parameter, at least one.

    Examples:
        >>> space = TrialSpace({"lr": FloatDistribution(1e-4, 1.0, log=True)})
        >>> rows = space.rows([{"lr": 0.01}])
        >>> rows.p0.round(12).tolist(), round(space.values(rows.iloc[0])["lr"], 12)
        ([0.5], 0.01)
    """

    distributions: Mapping[str, BaseDistribution]

    @property
    def columns(self) -> list[str]:
        """One a parameter; names of their own, since Optuna allows any."""
        return [f"p{i}" for i in range(len(self.distributions))]

    def engine(self) -> SearchSpace:
        """The space the engine searches."""
        pairs = zip(self.columns, self.distributions.values(), strict=True)
        return SearchSpace([_parameter(column, kind) for column, kind in pairs])

    def holds(self, values: Mapping[str, Any]) -> bool:
        """Whether every parameter has a value."""
        return self.distributions.keys() <= values.keys()

    def rows(self, trials: Sequence[Mapping[str, Any]]) -> pd.DataFrame:
        """Values of n trials as n rows; they may lie outside today's bounds.

        Args:
            trials: Values by name; others than those of this space are ignored.

        Returns:
            Columns p0, p1, ..., in the order of ``distributions``.
        """
        pairs = zip(self.columns, self.distributions.items(), strict=True)
        return pd.DataFrame(
            {
                column: pd.Series(
                    [_coordinate(kind, values[name]) for values in trials], dtype=float
                )
                for column, (name, kind) in pairs
            }
        )

    def values(self, row: Mapping[Any, Any] | pd.Series) -> dict[str, Any]:
        """Values of a proposed row, as Optuna wants them: plain Python numbers and choices."""
        pairs = zip(self.columns, self.distributions.items(), strict=True)
        return {name: _value(kind, float(row[column])) for column, (name, kind) in pairs}


def _parameter(column: str, kind: BaseDistribution) -> Parameter:
    if isinstance(kind, CategoricalDistribution):
        return Categorical(column, [float(i) for i in range(len(kind.choices))])
    number = _number(kind)
    if isinstance(number, IntDistribution) and number.log:
        return LogInteger(column, number.low, number.high)
    if number.step is None:
        return Continuous(column, 0.0, 0.0 if number.low == number.high else 1.0)
    steps = (Decimal(repr(number.high)) - Decimal(repr(number.low))) / Decimal(repr(number.step))
    return Discrete(column, 0, int(steps), step=1)


def _coordinate(kind: BaseDistribution, value: Any) -> float:
    if isinstance(kind, CategoricalDistribution):
        return float(kind.to_internal_repr(value))
    number = _number(kind)
    if isinstance(number, IntDistribution) and number.log:
        return float(value)
    if number.step is not None:
        return (float(value) - number.low) / number.step
    if number.low == number.high:
        return 0.0
    if number.log:
        return (log(value) - log(number.low)) / (log(number.high) - log(number.low))
    return (float(value) - number.low) / (number.high - number.low)


def _value(kind: BaseDistribution, at: float) -> Any:
    if isinstance(kind, CategoricalDistribution):
        return kind.choices[int(at)]
    number = _number(kind)
    if isinstance(number, IntDistribution):
        return int(at) if number.log else number.low + round(at) * number.step
    if number.step is not None:
        return float(Decimal(repr(number.low)) + round(at) * Decimal(repr(number.step)))
    if number.log:
        value = exp(log(number.low) + at * (log(number.high) - log(number.low)))
    else:
        value = number.low + at * (number.high - number.low)
    return min(max(value, number.low), number.high)


def _number(kind: BaseDistribution) -> Number:
    if not isinstance(kind, FloatDistribution | IntDistribution):
        raise SpaceError(
            "search space: a distribution must be a float, an integer or a choice, got "
            f"{type(kind).__name__}; use suggest_float, suggest_int or suggest_categorical"
        )
    return kind
