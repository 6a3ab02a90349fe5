"""What a campaign is to reach: conditions that one specimen must fulfil together."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from math import isfinite
from typing import Final

from features.errors import CampaignError
from features.properties import CATALOGUE, Property, property_of
from features.units import to_catalogue_unit

_CONDITION: Final = re.compile(r"^\s*([a-z_]+)\s*(>=|<=|>|<|≥|≤)\s*([-+0-9.eE]+)\s*([^\d\s].*)?$")


@dataclass(frozen=True, slots=True, kw_only=True)
class Condition:
    """A property above or below a value.

    Attributes:
        property: Catalogue id.
        is_least: Whether the value is the least allowed, or else the most.
        value: In the catalogue's unit.
    """

    property: str
    is_least: bool
    value: float

    def holds(self, value: float) -> bool:
        """Whether a value of the property fulfils it."""
        return value >= self.value if self.is_least else value <= self.value

    def in_words(self) -> str:
        """Such as ``critical current density of at least 3 mA/cm2``."""
        entry = property_of(self.property)
        bound = "at least" if self.is_least else "at most"
        unit = f" {entry.unit}" if entry.unit else ""
        return f"{entry.label} of {bound} {self.value:g}{unit}"


@dataclass(frozen=True, slots=True)
class Target:
    """Conditions that one specimen must fulfil together.

    A condition on a cell's property makes it a target of cells; conditions on pellet properties
    are then about the cell's core, pressed as the cell is. With none on a cell's property any one
    pellet may reach it.

    Attributes:
        conditions: All must hold; at least one.

    Examples:
        >>> target = Target.of(["critical_current_density>3", "ionic_conductivity>0.1 mS/cm"])
        >>> target.in_words()
        'critical current density of at least 3 mA/cm2 with ionic conductivity of at least 0.0001 S/cm of the core'
        >>> target.is_met({"critical_current_density": 3.1, "ionic_conductivity": 2e-4})
        True
    """  # noqa: E501

    conditions: tuple[Condition, ...]

    @classmethod
    def of(cls, texts: Sequence[str]) -> "Target":
        """The target that texts such as ``critical_current_density>3`` describe.

        Args:
            texts: One condition each, optionally with a unit after the number.

        Raises:
            CampaignError: If there is none, one cannot be read, or a property is unknown.
            ReadingError: If a unit is not one of the property's.
        """
        if not texts:
            raise CampaignError(
                "target: needs at least one condition, got none; such as critical_current_density>3"
            )
        conditions = tuple(_condition(text) for text in texts)
        kinds = [(c.property, c.is_least) for c in conditions]
        for name, is_least in kinds:
            if kinds.count((name, is_least)) > 1:
                raise CampaignError(
                    f"target: one bound of {name} in each direction, got several; keep one"
                )
        return cls(conditions)

    @property
    def is_of_cells(self) -> bool:
        """Whether a cell must reach it, or else a pellet."""
        return any(property_of(c.property).carrier == "cell" for c in self.conditions)

    @property
    def properties(self) -> tuple[str, ...]:
        """Catalogue ids it is about, each once."""
        return tuple(dict.fromkeys(c.property for c in self.conditions))

    def is_met(self, values: Mapping[str, float]) -> bool:
        """Whether values by property, in catalogue units, fulfil every condition."""
        return all(c.holds(values[c.property]) for c in self.conditions)

    def in_words(self) -> str:
        """One clause, for outputs."""
        of_cells = self.is_of_cells
        parts = [
            c.in_words()
            + (" of the core" if of_cells and property_of(c.property).carrier == "pellet" else "")
            for c in sorted(
                self.conditions, key=lambda c: property_of(c.property).carrier != "cell"
            )
        ]
        return " with ".join([parts[0], " and ".join(parts[1:])]) if len(parts) > 1 else parts[0]


def _condition(text: str) -> Condition:
    found = _CONDITION.match(text)
    if found is None:
        raise CampaignError(
            f"target {text!r}: needs a property, < or >, and a number; write it like "
            "critical_current_density>3"
        )
    name, sign, number, unit = found.groups()
    entry = _entry(text, name)
    try:
        value = float(number)
    except ValueError:
        value = float("nan")
    if unit and isfinite(value):
        value = to_catalogue_unit(value, unit.strip(), name)
    if not isfinite(value) or (entry.scale == "log10" and value <= 0):
        raise CampaignError(
            f"target {text!r}: the bound must be a number"
            f"{' above zero' if entry.scale == 'log10' else ''}, got {number!r}; correct it"
        )
    return Condition(property=name, is_least=sign in (">", ">=", "≥"), value=value)


def _entry(text: str, name: str) -> Property:
    known = [entry.id for entry in CATALOGUE.values() if entry.modelled]
    if name not in known:
        near = get_close_matches(name, known, n=1, cutoff=0.5)
        hint = f"did you mean {near[0]}?" if near else f"known: {', '.join(known)}"
        raise CampaignError(f"target {text!r}: {name!r} is no property with a surrogate; {hint}")
    return CATALOGUE[name]
