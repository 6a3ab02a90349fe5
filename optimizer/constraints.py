"""What recipes a search space leaves out: sums and ratios, forbidden regions, any other rule."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from math import isfinite
from typing import Any, Final, Protocol, final

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from features.errors import SpaceError

Booleans = NDArray[np.bool_]
Table = Mapping[str, Any] | pd.DataFrame

TOLERANCE: Final = 1e-7
"""Share of a constraint's scale by which a row may miss it: more than rounding, less than any
balance or gauge shows."""


@final
@dataclass(frozen=True, slots=True)
class Known:
    """Columns a constraint may speak of.

    Attributes:
        numbers: Numeric column to its largest magnitude, own unit.
        levels: Other column to its levels.
    """

    numbers: Mapping[str, float]
    levels: Mapping[str, Sequence[Any]]


class Constraint(Protocol):
    """What a recipe must meet; ``LinearConstraint``, ``Excluded``, ``Rule`` and ``When`` are."""

    @property
    def label(self) -> str:
        """The name, else the formula."""
        ...

    def require(self, known: Known) -> None:
        """Complain of a column or level that the space lacks."""
        ...

    def met(self, table: Table, known: Known) -> Booleans:
        """Which of n rows meet it."""
        ...


@final
@dataclass(frozen=True, slots=True)
class LinearConstraint:
    """A weighted sum of numeric parameters, in their own units, kept within bounds.

    Attributes:
        coefficients: Column to weight; a weight of 0 is left out.
        at_least: Smallest sum, or ``None``.
        at_most: Largest sum, or ``None``.
        equals: The sum itself; then without the other two.
        name: What messages call it; the formula without one.

    Raises:
        SpaceError: If weights or bounds make no constraint.

    Examples:
        >>> LinearConstraint({"skin_x": 1, "core_x": -1}, at_least=0).label
        'skin_x - core_x >= 0'
        >>> LinearConstraint({"a": 1, "b": 1, "c": 1}, equals=1).label
        'a + b + c = 1'
    """

    coefficients: Mapping[str, float]
    at_least: float | None = None
    at_most: float | None = None
    equals: float | None = None
    name: str | None = None

    def __post_init__(self) -> None:
        """Refuse what bounds nothing or cannot be met by any number."""
        weights = {str(name): float(weight) for name, weight in self.coefficients.items()}
        counting = {name: weight for name, weight in weights.items() if weight != 0.0}
        object.__setattr__(self, "coefficients", counting)
        if not counting or not all(isfinite(weight) for weight in counting.values()):
            raise SpaceError(
                "linear constraint: coefficients must be finite numbers, at least one not 0, got "
                f"{weights or 'none'}; give each column its weight in the sum"
            )
        given = [b for b in (self.at_least, self.at_most, self.equals) if b is not None]
        if not given or (self.equals is not None and len(given) > 1):
            raise SpaceError(
                "linear constraint: needs either equals or one or both of at_least and at_most, "
                f"got {'none of them' if not given else 'equals and a bound'} ({self._sum()}); "
                "give one or the other"
            )
        endless = [bound for bound in given if not isfinite(bound)]
        if endless:
            raise SpaceError(
                f"linear constraint: bounds must be finite numbers, got {endless[0]:g} "
                f"({self._sum()}); leave out a bound that does not bind"
            )
        if self.low > self.high:
            raise SpaceError(
                f"linear constraint: at_least must not exceed at_most, got {self.low:g} and "
                f"{self.high:g} ({self._sum()}); swap the bounds"
            )

    @property
    def low(self) -> float:
        """Smallest sum, minus infinity without one."""
        bound = self.at_least if self.equals is None else self.equals
        return -np.inf if bound is None else float(bound)

    @property
    def high(self) -> float:
        """Largest sum, infinity without one."""
        bound = self.at_most if self.equals is None else self.equals
        return np.inf if bound is None else float(bound)

    @property
    def is_equality(self) -> bool:
        """Whether the sum has one value only."""
        return self.low == self.high

    @property
    def label(self) -> str:
        """The name, else the formula."""
        return self.name or self.formula

    @property
    def formula(self) -> str:
        """The sum and its bounds."""
        if self.is_equality:
            return f"{self._sum()} = {self.low:g}"
        if self.at_least is None:
            return f"{self._sum()} <= {self.high:g}"
        if self.at_most is None:
            return f"{self._sum()} >= {self.low:g}"
        return f"{self.low:g} <= {self._sum()} <= {self.high:g}"

    def require(self, known: Known) -> None:
        """Complain of a column that the space lacks or that holds no numbers.

        Args:
            known: Columns of the space.

        Raises:
            SpaceError: If there is one.
        """
        require_columns_of(self.label, self.coefficients, known)
        for name in self.coefficients:
            if name in known.levels:
                raise SpaceError(
                    f"constraint '{self.label}': must name numeric parameters, got the "
                    f"categorical '{name}'; use Excluded or Rule for levels"
                )

    def met(self, table: Table, known: Known) -> Booleans:
        """Which rows keep the sum within its bounds, up to ``TOLERANCE`` of its scale.

        Args:
            table: n rows.
            known: Columns of the space.

        Returns:
            n booleans.
        """
        total = sum(w * np.asarray(table[n], dtype=float) for n, w in self.coefficients.items())
        slack = TOLERANCE * self.scale(known)
        return np.asarray((total >= self.low - slack) & (total <= self.high + slack))

    def scale(self, known: Known) -> float:
        """Sum of the largest magnitudes of the terms.

        Args:
            known: Columns of the space.

        Returns:
            The constraint's unit; positive.
        """
        terms = sum(abs(w) * known.numbers[name] for name, w in self.coefficients.items())
        return float(terms) or 1.0

    def _sum(self) -> str:
        text = ""
        for name, weight in self.coefficients.items():
            sign = ("- " if weight < 0 else "+ ") if text else ("-" if weight < 0 else "")
            size = "" if abs(weight) == 1 else f"{abs(weight):.4g} "
            text += f"{' ' if text else ''}{sign}{size}{name}"
        return text or "no columns"


@final
@dataclass(frozen=True, slots=True)
class Rule:
    """Any condition, as a function with a name.

    Attributes:
        name: What messages call it.
        function: Table of n rows to n booleans, true where a recipe can be made.

    Examples:
        >>> rule = Rule("agate mills slowly", lambda t: (t["medium"] != "agate") | (t["rpm"] < 400))
        >>> table = pd.DataFrame({"medium": ["agate", "agate"], "rpm": [300, 500]})
        >>> rule.met(table, Known({}, {})).tolist()
        [True, False]
    """

    name: str
    function: Callable[[pd.DataFrame], Any]

    def __post_init__(self) -> None:
        """Refuse a rule that messages could not name or nobody could call."""
        if not isinstance(self.name, str) or not self.name or not callable(self.function):
            raise SpaceError(
                "rule: needs a name and a function of a table, got "
                f"{self.name!r} and {self.function!r}; give both"
            )

    @property
    def label(self) -> str:
        """The name."""
        return self.name

    def require(self, known: Known) -> None:
        """A function is only known to fit a space once it is called.

        Args:
            known: Columns of the space.
        """

    def met(self, table: Table, known: Known) -> Booleans:
        """What the function says.

        Args:
            table: n rows.
            known: Columns of the space.

        Returns:
            n booleans.

        Raises:
            SpaceError: If it does not give one boolean a row.
        """
        frame = table if isinstance(table, pd.DataFrame) else pd.DataFrame(dict(table))
        verdict = np.asarray(self.function(frame))
        if verdict.shape != (len(frame),) or verdict.dtype != bool:
            raise SpaceError(
                f"{self.name if self.name == 'the constraint' else f'rule {self.name!r}'}: "
                f"must return one boolean a row, got {verdict.dtype} of shape "
                f"{verdict.shape} for {len(frame)} rows; compare whole columns of the table"
            )
        return verdict


def as_constraints(constraints: Sequence[Constraint], known: Known) -> tuple[Constraint, ...]:
    """Constraints that fit the columns of a space.

    Args:
        constraints: Any number.
        known: Columns of the space.

    Returns:
        The same.

    Raises:
        SpaceError: If one is no constraint, or names a column or level the space lacks.
    """
    for constraint in constraints:
        if not all(hasattr(constraint, need) for need in ("label", "require", "met")):
            raise SpaceError(
                "constraints: must be LinearConstraint, Excluded, Rule or When, got "
                f"{constraint!r}; give a function a name with Rule"
            )
        constraint.require(known)
    return tuple(constraints)


def require_columns_of(label: str, names: Mapping[str, Any], known: Known) -> None:
    """Complain of a column that a space lacks.

    Args:
        label: What the constraint is called.
        names: Columns it names.
        known: Columns of the space.

    Raises:
        SpaceError: If there is one.
    """
    columns = [*known.numbers, *known.levels]
    absent = [str(name) for name in names if name not in columns]
    if absent:
        raise SpaceError(
            f"constraint '{label}': must name parameters of the space, got "
            f"{', '.join(absent)}; it has {', '.join(columns)}"
        )
