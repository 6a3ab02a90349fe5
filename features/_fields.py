"""Sanity ranges of the fields of a recipe or a batch sheet, and their usual slips."""

from dataclasses import dataclass
from math import inf
from typing import Final

from features.errors import ReadingError

MPA_PER_TONNE_ON_13_MM: Final = 73.88
"""One tonne-force (9.80665 kN) on a 13 mm die of 1.3273 cm2 (domain notes 5.1)."""

_MPA_PER_KN_ON_13_MM: Final = 7.534


@dataclass(frozen=True, slots=True)
class Slip:
    """A way to enter a field wrongly: what the number may have been.

    Attributes:
        wording: Printed right after the number, such as `` mm``.
        factor: Number times this, plus ``offset``, is in the field's unit; dimensionless.
        offset: Added after the factor, the field's unit.
    """

    wording: str
    factor: float
    offset: float = 0.0


@dataclass(frozen=True, slots=True)
class Field:
    """One field with the ranges it is checked against.

    Attributes:
        label: Name printed for people.
        unit: Unit of the ranges; empty when dimensionless.
        typical: Where values usually lie.
        warn: Outside this a value is questioned.
        reject: Outside this a value is refused.
        slips: Usual slips, likeliest first.
        hint: What to do when no slip explains the value.
    """

    label: str
    unit: str
    typical: tuple[float, float]
    warn: tuple[float, float]
    reject: tuple[float, float]
    slips: tuple[Slip, ...] = ()
    hint: str = "check the decimal point"


_FORCES: Final = (
    Slip(" t on a 13 mm die", MPA_PER_TONNE_ON_13_MM),
    Slip(" bar", 0.1),
    Slip(" kN on a 13 mm die", _MPA_PER_KN_ON_13_MM),
)

FIELDS: Final[dict[str, Field]] = {
    "x": Field("x", "", (0, 0.6), (0, 1), (0, 2.5), hint="give oxygen per formula unit"),
    "batch_mass_g": Field(
        "batch mass", "g", (1, 4), (0.5, 10), (0.1, 50), (Slip(" mg", 1e-3), Slip(" kg", 1e3))
    ),
    "assay_percent": Field(
        "assay", "%", (97, 99.99), (95, 100), (80, 100), (Slip(" as a fraction", 100),),
        "copy it from the supplier's certificate",
    ),
    "milling_time_h": Field(
        "milling time", "h", (1, 20), (0.5, 40), (0.1, 100),
        (Slip(" min", 1 / 60), Slip(" d", 24)), "give the net time without pauses",
    ),
    "milling_speed_rpm": Field(
        "milling speed", "rpm", (300, 600), (200, 650), (50, 1100), (Slip(" rps (Hz)", 60),),
        "give the speed of the disc, not of the jar",
    ),
    "pressing_pressure_mpa": Field(
        "pressing pressure", "MPa", (75, 450), (20, 550), (1, 1000), _FORCES,
        "give MPa on the sample, not the reading of the gauge",
    ),
    "hold_time_min": Field(
        "hold time", "min", (1, 10), (0.5, 60), (0, inf), (Slip(" s", 1 / 60), Slip(" h", 60))
    ),
    "pellet_thickness_um": Field(
        "pellet thickness", "µm", (300, 1200), (100, 2000), (20, 5000), (Slip(" mm", 1e3),)
    ),
    "pellet_mass_mg": Field(
        "pellet mass", "mg", (60, 250), (30, 400), (5, 1000), (Slip(" g", 1e3),)
    ),
    "relative_density": Field(
        "relative density", "", (0.7, 1), (0.6, 1.02), (0.4, 1.1), (Slip(" %", 0.01),),
        "check mass, thickness and the true density",
    ),
    "temperature_c": Field(
        "test temperature", "°C", (25, 90), (20, 95), (-20, 120), (Slip(" K", 1, -273.15),),
        "give °C at the sample",
    ),
    "stack_pressure_mpa": Field(
        "stack pressure", "MPa", (1, 15), (0.1, 25), (0, 100), (*_FORCES, Slip(" kPa", 1e-3)),
        "give the pressure on the cell",
    ),
    "skin_mass_mg": Field(
        "skin mass", "mg", (15, 40), (8, 80), (2, 200),
        (Slip(" g", 1e3), Slip(" mg for both sides", 0.5)), "give mg on each side",
    ),
    "core_mass_mg": Field(
        "core mass", "mg", (80, 200), (50, 300), (20, 600), (Slip(" g", 1e3),)
    ),
}  # fmt: skip
"""Fields by name, ranges as in domain notes 5.6; pressures assume the paper's 13 mm die."""


def field(name: str) -> Field:
    """The field of that name.

    Raises:
        ReadingError: If there is none.

    References:
        Domain notes 5.6.

    Examples:
        >>> field("skin_mass_mg").typical
        (15, 40)
    """
    try:
        return FIELDS[name]
    except KeyError:
        raise ReadingError(
            f"field must be one of {', '.join(FIELDS)}, got {name!r}; use one of these names"
        ) from None
