"""Constraints by region: what lies inside is left out, or must meet something more."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, final

import numpy as np

from features.errors import SpaceError
from optimizer.constraints import Booleans, Constraint, Known, Table, require_columns_of

Region = Mapping[str, Sequence[Any]]


@final
@dataclass(frozen=True, slots=True)
class Excluded:
    """A region in which nothing is proposed: rows inside all its ranges and levels.

    Attributes:
        region: Numeric column to (lowest, highest), both included; other column to levels.
        name: What messages call it; the region without one.

    Raises:
        SpaceError: If the region names no column.

    Examples:
        >>> Excluded({"hours": (10, 20), "medium": ["agate"]}).label
        'not (hours 10 to 20, medium agate)'
    """

    region: Region
    name: str | None = None

    def __post_init__(self) -> None:
        """Refuse a region without a side."""
        object.__setattr__(self, "region", _checked_region(self.region, "excluded region"))

    @property
    def label(self) -> str:
        """The name, else the region."""
        return self.name or f"not ({_described(self.region)})"

    def require(self, known: Known) -> None:
        """Complain of a column or level that the space lacks, or of a range that is none.

        Args:
            known: Columns of the space.

        Raises:
            SpaceError: If there is one.
        """
        _require_region(self.label, self.region, known)

    def met(self, table: Table, known: Known) -> Booleans:
        """Which rows lie outside the region.

        Args:
            table: n rows.
            known: Columns of the space.

        Returns:
            n booleans.
        """
        return ~inside(self.region, table, known)


@final
@dataclass(frozen=True, slots=True)
class When:
    """A constraint that holds only in a region.

    Attributes:
        condition: Region, as for ``Excluded``.
        then: What rows inside it must meet.
        name: What messages call it; condition and constraint without one.

    Raises:
        SpaceError: If the condition names no column.

    Examples:
        >>> from optimizer.constraints import LinearConstraint
        >>> When({"medium": ["agate"]}, LinearConstraint({"rpm": 1}, at_most=400)).label
        'rpm <= 400 when medium agate'
    """

    condition: Region
    then: Constraint
    name: str | None = None

    def __post_init__(self) -> None:
        """Refuse a condition without a side."""
        region = _checked_region(self.condition, "condition of When")
        object.__setattr__(self, "condition", region)

    @property
    def label(self) -> str:
        """The name, else condition and constraint."""
        return self.name or f"{self.then.label} when {_described(self.condition)}"

    def require(self, known: Known) -> None:
        """Complain of a column or level that the space lacks.

        Args:
            known: Columns of the space.

        Raises:
            SpaceError: If there is one.
        """
        _require_region(self.label, self.condition, known)
        self.then.require(known)

    def met(self, table: Table, known: Known) -> Booleans:
        """Which rows lie outside the condition or meet the constraint.

        Args:
            table: n rows.
            known: Columns of the space.

        Returns:
            n booleans.
        """
        return ~inside(self.condition, table, known) | self.then.met(table, known)


def inside(region: Region, table: Table, known: Known) -> Booleans:
    """Which rows lie inside all ranges and levels of a region.

    Args:
        region: Numeric column to (lowest, highest); other column to levels.
        table: n rows.
        known: Columns of the space.

    Returns:
        n booleans.
    """
    verdict: Booleans | None = None
    for name, side in region.items():
        values = np.asarray(table[name])
        if name in known.numbers:
            slack = 1e-9 * known.numbers[name]
            numbers = values.astype(float)
            here = (numbers >= side[0] - slack) & (numbers <= side[1] + slack)
        else:
            levels = set(side)
            here = np.array([value in levels for value in values], dtype=bool)
        verdict = here if verdict is None else verdict & here
    return np.asarray(verdict)


def _checked_region(region: Region, where: str) -> dict[str, tuple[Any, ...]]:
    texts = [name for name, side in region.items() if isinstance(side, str)]
    if not region or texts:
        raise SpaceError(
            f"{where}: must give each column (lowest, highest) or a list of levels, got "
            f"{f'one text for {texts[0]}' if texts else 'no column'}; name at least one column"
        )
    return {name: tuple(side) for name, side in region.items()}


def _described(region: Region) -> str:
    sides = []
    for name, side in region.items():
        numbers = len(side) == 2 and all(isinstance(s, int | float) for s in side)
        text = f"{side[0]:g} to {side[1]:g}" if numbers else " or ".join(map(str, side))
        sides.append(f"{name} {text}")
    return ", ".join(sides)


def _require_region(label: str, region: Region, known: Known) -> None:
    require_columns_of(label, region, known)
    for name, side in region.items():
        if name in known.levels:
            strange = [str(level) for level in side if level not in known.levels[name]]
            if strange or not side:
                raise SpaceError(
                    f"constraint '{label}': {name} must be among its levels, got "
                    f"{', '.join(strange) or 'none'}; it has "
                    f"{', '.join(map(str, known.levels[name]))}"
                )
        elif len(side) != 2 or not _in_order(side):
            raise SpaceError(
                f"constraint '{label}': {name} needs its lowest and highest number, in order, "
                f"got {list(side)}; give (low, high)"
            )


def _in_order(side: Sequence[Any]) -> bool:
    try:
        low, high = (float(value) for value in side)
    except (TypeError, ValueError):
        return False
    return low <= high
