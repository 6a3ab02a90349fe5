"""How a number is shown to people: digits, units and names (domain notes 7.5)."""

from collections.abc import Mapping, Sequence
from math import floor, isfinite, log10
from typing import Any, Final

from features.properties import CATALOGUE

NO_VALUE: Final = "-"
"""Stands where nothing is known; never ``nan``."""

FEW_READINGS: Final = 5
"""Below this a surrogate mostly repeats its prior: twice the five parameters of a pellet."""

SHORT_MEDIA: Final[dict[str, str]] = {
    "stainless_steel": "SS",
    "zirconia": "ZrO2",
    "agate": "agate",
    "tungsten_carbide": "WC",
    "alumina": "Al2O3",
    "silicon_nitride": "Si3N4",
}
"""What a chemist writes on the jar."""

_DECIMALS: Final[dict[str, int]] = {"GPa": 1, "1": 2, "kJ/mol": 1}
_PLAIN_UNITS: Final[dict[str, str]] = {"1": "", "mA/cm2": "mA/cm²", "ohm cm2": "ohm cm²"}


def is_known(value: object) -> bool:
    """Whether a value is a finite number, so neither missing nor NaN."""
    return isinstance(value, int | float) and isfinite(value)


def number_text(value: float) -> str:
    """A number without a tail of zeros.

    Examples:
        >>> number_text(3.0), number_text(0.05)
        ('3', '0.05')
    """
    return f"{value:g}"


def hours_text(value_h: float) -> str:
    """Hours of work to a tenth.

    Examples:
        >>> hours_text(11.75), hours_text(79.0)
        ('11.8 h', '79 h')
    """
    return f"{number_text(round(value_h, 1))} h"


def budget_text(budget: Mapping[str, float]) -> str:
    """What a round takes of the hours allowed.

    Args:
        budget: ``allowed_h`` and ``planned_h`` of a round.

    Examples:
        >>> budget_text({"allowed_h": 30.0, "planned_h": 23.0})
        'Budget: 23 of 30 h'
    """
    planned = number_text(round(budget["planned_h"], 1))
    return f"Budget: {planned} of {number_text(budget['allowed_h'])} h"


def scientific(value: float, digits: int = 2) -> str:
    """A number as mantissa and exponent, without padding zeros.

    Args:
        value: Any finite number.
        digits: Significant digits.

    Examples:
        >>> scientific(0.000213)
        '2.1e-4'
    """
    mantissa, exponent = f"{value:.{digits - 1}e}".split("e")
    return f"{mantissa}e{int(exponent)}"


def significant(value: float, digits: int) -> str:
    """A number with so many significant digits, never in exponents.

    Args:
        value: Any finite number.
        digits: Significant digits; those before the point are rounded, not dropped.

    Examples:
        >>> significant(0.4, 2), significant(59.73, 3), significant(1234.0, 3)
        ('0.40', '59.7', '1230')
    """
    rounded = float(f"{value:.{digits}g}")
    order = floor(log10(abs(rounded))) if rounded else 0
    return f"{rounded:.{max(0, digits - 1 - order)}f}"


def x_text(x: float) -> str:
    """Oxygen per formula unit with the two digits a recipe has, or with all when it has more.

    Examples:
        >>> x_text(0.6), x_text(0.153)
        ('0.60', '0.153')
    """
    return f"{x:.2f}" if round(x, 2) == x else f"{x:.3f}"


def value_text(value: object, property_id: str) -> str:
    """A value of a property with the digits it deserves, without its unit.

    Args:
        value: In the catalogue's unit; ``None`` and NaN are allowed.
        property_id: Catalogue id.

    Returns:
        Text; a dash when there is no value.

    Examples:
        >>> value_text(2.13e-4, "ionic_conductivity"), value_text(18.04, "youngs_modulus")
        ('2.1e-4', '18.0')
        >>> value_text(float("nan"), "youngs_modulus")
        '-'
    """
    if not isinstance(value, int | float) or not isfinite(value):
        return NO_VALUE
    unit = CATALOGUE[property_id].unit
    if unit == "S/cm":
        return scientific(value)
    if unit in _DECIMALS:
        return f"{value:.{_DECIMALS[unit]}f}"
    return significant(value, 3 if property_id == "area_specific_resistance" else 2)


def range_text(lower: object, upper: object, property_id: str) -> str:
    """A range as ``lower..upper``, or a dash when neither end is known.

    Examples:
        >>> range_text(1.2e-4, 3.8e-4, "ionic_conductivity")
        '1.2e-4..3.8e-4'
    """
    if not (is_known(lower) or is_known(upper)):
        return NO_VALUE
    return f"{value_text(lower, property_id)}..{value_text(upper, property_id)}"


def unit_text(property_id: str) -> str:
    """The unit as a plain terminal can print it; empty for a fraction.

    Examples:
        >>> unit_text("critical_current_density")
        'mA/cm²'
    """
    unit = CATALOGUE[property_id].unit
    return _PLAIN_UNITS.get(unit, unit)


def typeset_unit(property_id: str) -> str:
    """The unit as paper and figures print it.

    Examples:
        >>> typeset_unit("area_specific_resistance")
        'Ω cm²'
    """
    return unit_text(property_id).replace("ohm", "Ω")


def short_id(item_id: str) -> str:
    """The last part of an id: what is written on the jar.

    Examples:
        >>> short_id("R01-G1")
        'G1'
    """
    return item_id.rsplit("-", maxsplit=1)[-1]


def predicted_properties(items: Sequence[Mapping[str, Any]]) -> list[str]:
    """Ids of the properties predicted for any of the items, in catalogue order.

    Args:
        items: Glasses or cells of a round.

    Examples:
        >>> predicted_properties([{"predictions": {"youngs_modulus": {}}}])
        ['youngs_modulus']
    """
    present = {name for item in items for name in item.get("predictions", {})}
    return [name for name in CATALOGUE if name in present]


def too_few(counts: Sequence[str]) -> list[str]:
    """The counts too small to learn from.

    Args:
        counts: Phrases that begin with a number, such as ``3 conductivity readings``.

    Returns:
        Those below ``FEW_READINGS``.

    Examples:
        >>> too_few(["3 conductivity readings", "40 modulus readings"])
        ['3 conductivity readings']
    """
    heads = ((phrase, phrase.split(maxsplit=1)[:1]) for phrase in counts)
    return [
        phrase
        for phrase, head in heads
        if head and head[0].isdecimal() and int(head[0]) < FEW_READINGS
    ]


def counted(n: int, noun: str) -> str:
    """A count with its noun.

    Examples:
        >>> counted(1, "glass"), counted(3, "glass"), counted(0, "round")
        ('1 glass', '3 glasses', '0 rounds')
    """
    plural = f"{noun}es" if noun.endswith("s") else f"{noun}s"
    return f"{n} {noun if n == 1 else plural}"
