"""The door where units are converted; everything behind it speaks the catalogue's units.

A unit is taken apart here and only its symbols are looked up in pint, because chemists write
``S·cm⁻¹``, ``mA cm-2`` or ``Ωcm²`` where pint's own grammar wants ``S/cm``, ``mA/cm**2``.
"""

import re
import unicodedata
from functools import cache, lru_cache
from math import isfinite
from threading import Lock
from typing import Final

import pint

from features.errors import ReadingError
from features.properties import property_of

_building: Final = Lock()

UNIT_EXAMPLES: Final = {
    "S/cm": "S/cm, mS/cm, µS/cm or S/m",
    "GPa": "GPa or MPa",
    "1": "1 or %",
    "ohm cm2": "ohm cm2 or Ω·cm²",
    "mA/cm2": "mA/cm2, µA/cm2 or A/m2",
    "kJ/mol": "kJ/mol or eV",
    "h": "h or min",
    "mAh/g": "mAh/g or Ah/kg",
}
"""What to propose to somebody whose unit was not understood, by catalogue unit."""

_SLIPS: Final = (
    (1, "cm2", "multiply by the electrode area in cm2"),
    (1, "1/cm2", "divide by the electrode area in cm2"),
    (1, "1/cm", "multiply by the thickness and divide by the electrode area"),
    (1, "1/g", "divide by the mass of sulfur in g"),
    (1, "1/mol", "give it per mole"),
    (1, "h", "multiply by the hours of one cycle"),
    (1, "cm3/g", "divide by the true density in g/cm3"),
    (-1, "1", "take the reciprocal"),
    (-1, "1/cm", "divide the thickness by the resistance and by the electrode area"),
)
"""Power of the unit given, what then lacks to the unit wanted, and what to tell the user."""

_PURE_NUMBERS: Final = frozenset({"percent", "permille", "ppm", "turn"})
"""Units without a dimension, a turn being a cycle; pint knows more: angles, decibels, bits."""

_LONGEST: Final = 60
_AVOGADRO_PER_MOL: Final = 6.02214076e23
_SUPERSCRIPTS: Final = "⁰¹²³⁴⁵⁶⁷⁸⁹⁺⁻"
_TO_ASCII: Final = str.maketrans(
    dict.fromkeys("‐‑‒–—―−", "-") | dict.fromkeys("·⋅∙•×∗", "*") | {"μ": "µ", "\u03a9": "ohm"}
)
_INVISIBLE: Final = re.compile("[\u200b\u200c\u200d\u2060\ufeff\u00ad]")
_FACTOR: Final = re.compile(r"(/?)(1|%|[A-Za-zµ°]+)(?:\^?([+-]?[1-9])|\^\(([+-]?[1-9])\))?")


def plain_text(text: str) -> str:
    """Text with one kind of minus, times, blank and power, as pasted text has many.

    Args:
        text: As typed or pasted.

    Returns:
        The same in ASCII as far as numbers and units go: powers as ``^-4``, ohm spelled out,
        every dash a hyphen, times and middle dots as ``*``; stripped.

    References:
        Unicode Standard Annex 15, normalisation form NFKC.

    Examples:
        >>> plain_text("2.7×10⁻⁴ S·cm⁻¹")
        '2.7*10^-4 S*cm^-1'
    """
    raised = re.sub(f"[{_SUPERSCRIPTS}]+", lambda run: "^" + run.group(), text)
    visible = _INVISIBLE.sub("", raised.replace("º", "°"))
    return unicodedata.normalize("NFKC", visible).translate(_TO_ASCII).strip()


def to_catalogue_unit(value: float, unit: str, property_id: str) -> float:
    """The value in the property's catalogue unit.

    Energies in eV are per particle and become kJ/mol. HV counts as kgf/mm2.

    Args:
        value: Number in ``unit``.
        unit: As a chemist writes it; ``-`` and ``1`` are dimensionless.
        property_id: Id in the catalogue.

    Returns:
        Number in the catalogue's unit, free of binary dust beyond 15 digits.

    Raises:
        ReadingError: If the property or the unit is unknown, the unit measures something else,
            or the result is not finite.

    References:
        SI Brochure, 9th edition (2019), for the constants behind eV; domain notes 7.5.

    Examples:
        >>> to_catalogue_unit(0.27, "mS/cm", "ionic_conductivity")
        0.00027
        >>> round(to_catalogue_unit(0.43, "eV", "activation_energy"), 2)
        41.49
    """
    entry = property_of(property_id)
    try:
        given = _unit(unit)
    except ReadingError as err:
        examples = UNIT_EXAMPLES[entry.unit]
        raise ReadingError(f"{entry.label}: {err}; write for example {examples}") from err
    wanted = _unit(entry.unit)
    if "electron_volt" in str(given) and (given / wanted).dimensionality == {"[substance]": 1}:
        value, given = value * _AVOGADRO_PER_MOL, given / _unit("mol")
    is_cycles = wanted.dimensionless and "turn" in str(given)  # pint takes cycles for angles
    if given.dimensionality != wanted.dimensionality or is_cycles:
        raise ReadingError(
            f"{entry.label}: the unit must measure the same as {entry.unit}, got {unit!r}; "
            + _remedy(given, wanted, entry.unit)
        )
    return _converted(value, given, wanted, f"{entry.label}: {value:g} {_one_line(unit)}")


def to_unit(value: float, from_unit: str, to_unit: str) -> float:
    """The value in another unit, for columns that are no catalogue property.

    Args:
        value: Number in ``from_unit``.
        from_unit: As a chemist writes it; °C, degC and C are degrees Celsius.
        to_unit: Unit wanted.

    Returns:
        Number in ``to_unit``; the offset of degrees Celsius is minded.

    Raises:
        ReadingError: If a unit is unknown, the two measure different things, or the result is
            not finite.

    References:
        SI Brochure, 9th edition (2019).

    Examples:
        >>> to_unit(0.6, "mm", "um")
        600.0
        >>> to_unit(333.15, "K", "degC")
        60.0
    """
    try:
        given, wanted = _unit(from_unit), _unit(to_unit)
    except ReadingError as err:
        raise ReadingError(f"{err}; write it in {to_unit} or a multiple of it") from err
    if given.dimensionality != wanted.dimensionality:
        raise ReadingError(
            f"unit must measure the same as {to_unit}, got {from_unit!r}; "
            f"write the column in {to_unit} or a multiple of it"
        )
    return _converted(value, given, wanted, f"{value:g} {_one_line(from_unit)}")


def _registry() -> pint.UnitRegistry[float]:
    """The one registry, whoever comes first: units of two of them cannot be compared."""
    with _building:
        return _built()


@cache
def _built() -> pint.UnitRegistry[float]:
    """Built on first use because that takes a tenth of a second; a cache alone lets two build."""
    registry: pint.UnitRegistry[float] = pint.UnitRegistry()
    registry.define("vickers_hardness = 9.80665e6 pascal = HV")
    return registry


@lru_cache(maxsize=256)
def _unit(text: str) -> pint.Unit:
    """The pint unit a chemist means, built symbol by symbol."""
    if len(text) > _LONGEST:
        raise ReadingError(
            f"unit must be at most {_LONGEST} characters, got {text[:_LONGEST]!r}..."
        )
    unit = _registry().Unit("dimensionless")
    for factor in _factors(plain_text(text)):
        match = _FACTOR.fullmatch(factor)
        if match is None:
            raise ReadingError(f"unit must be a product of known symbols, got {text!r}")
        slash, symbol, power, bracketed = match.groups()
        exponent = int(power or bracketed or 1) * (-1 if slash else 1)
        unit = unit * _symbol(symbol, text) ** exponent
    return unit


def _one_line(unit: str) -> str:
    """A unit as it is repeated in a sentence, however it was broken into lines."""
    return " ".join(unit.split())


def _factors(plain: str) -> list[str]:
    """``mA/cm^2`` as ``["mA", "/cm^2"]``: every way to join symbols boils down to one."""
    text = re.sub(r"^[\[(]([^\[\]()]*)[\])]$", r"\1", plain)
    if text in {"", "-"}:
        return []
    text = re.sub(r"(?i)ohms?", "ohm", text.replace("**", "^"))
    text = re.sub(r"(?<=[0-9])(?=[A-Za-zµ])|(?<=ohm)(?=[A-Za-zµ])", " ", text)
    text = re.sub(r"(?<![A-Za-zµ])([mkµ]?A)h(?![A-Za-zµ])", r"\1 h", text)
    text = re.sub(r"/ *\(([^()]*)\)", lambda m: "/" + re.sub(r"[* .]+", "/", m[1].strip()), text)
    text = re.sub(r"(?<=[A-Za-z])-(?=[A-Za-z])|[*.]", " ", text)
    text = re.sub(r" *\^ *", "^", re.sub(r" */ *", " /", text))
    return text.split()


def _symbol(symbol: str, text: str) -> pint.Unit:
    """One symbol of the unit ``text``, such as ``mS``."""
    registry = _registry()
    if symbol == "1":
        return registry.Unit("dimensionless")
    # No coulomb is ever wanted here, and "25 C" is what people type.
    symbol = {"%": "percent", "°C": "degC", "C": "degC"}.get(symbol, symbol)
    candidates = registry.parse_unit_name(symbol)
    if not candidates:
        raise ReadingError(f"unit must be a product of known symbols, got {text!r}")
    prefix, name, _ = candidates[0]
    unit = registry.Unit(registry.UnitsContainer({prefix + name: 1}))
    try:
        is_known = not unit.dimensionless or name in _PURE_NUMBERS
    except pint.PintError:  # a prefix before °C
        is_known = False
    if not is_known:
        raise ReadingError(f"unit must be a product of known symbols, got {text!r}")
    return unit


def _remedy(given: pint.Unit, wanted: pint.Unit, wanted_text: str) -> str:
    """What to do about a unit of the wrong dimension."""
    for power, lacking, advice in _SLIPS:
        if (given**power * _unit(lacking)).dimensionality == wanted.dimensionality:
            return advice
    return f"write it in {UNIT_EXAMPLES[wanted_text]}"


def _converted(value: float, given: pint.Unit, wanted: pint.Unit, shown: str) -> float:
    """The number in the unit wanted; exactly itself when the units are the same."""
    if given == wanted and isfinite(value):
        return float(value)
    try:
        number = float(_registry().Quantity(float(value), given).to(wanted).magnitude)
    except (pint.PintError, ArithmeticError) as err:
        raise ReadingError(f"{shown}: cannot be converted; write it in another unit") from err
    if not isfinite(number):
        raise ReadingError(f"{shown}: must be a finite number; check the value and its unit")
    return float(f"{number:.15g}")
