"""Is a value believable? If not, which slip of the pen would explain it?

Every suspicious value is tried in the units it may have been meant in; the first that lands
where values usually lie is put to the user as a question. Nothing is ever corrected silently.
"""

from collections.abc import Iterator
from math import isclose, isnan
from typing import Final

from features._fields import FIELDS, Field, field
from features._interval import Interval
from features._mass_check import check_masses
from features._verdict import LEVELS, Verdict, landing, level_of, range_text
from features.errors import ReadingError
from features.properties import Property, property_of
from features.units import to_catalogue_unit

__all__ = [
    "FIELDS",
    "Field",
    "Verdict",
    "check_conductivity_pair",
    "check_field",
    "check_masses",
    "check_property",
    "field",
    "unit_factors",
]

MAX_ELECTRONIC_SHARE: Final = 1e-2
"""Electronic over ionic conductivity above which the electrodes hardly blocked (5.6)."""

_ALTERNATIVE_UNITS: Final[dict[str, tuple[str, ...]]] = {
    "ionic_conductivity": ("mS/cm", "S/m", "µS/cm"),
    "electronic_conductivity": ("nS/cm", "pS/cm"),
    "youngs_modulus": ("MPa",),
    "hardness": ("MPa", "HV"),
    "relative_density": ("%",),
    "charge_transfer_resistance": ("kohm cm2", "ohm m2"),
    "area_specific_resistance": ("kohm cm2", "ohm m2"),
    "critical_current_density": ("A/m2", "µA/cm2", "A/cm2"),
    "activation_energy": ("eV", "meV", "J/mol"),
    "cycling_life": ("min", "d", "s"),
    "full_cell_capacity": ("Ah/g",),
}
"""Units a number may have been meant in, likeliest first (domain notes 5.6 and 7.4)."""

_CEILINGS: Final = {
    "ionic_conductivity": "any known sodium sulfide",
    "full_cell_capacity": "the 1675 mAh/g that sulfur can give",
}
"""What a refused high value exceeds, where that says more than the usual range."""

_HINT_BEYOND_UNITS: Final = frozenset(
    {
        "electronic_conductivity",
        "critical_current_density",
        "area_specific_resistance",
        "charge_transfer_resistance",
        "cycling_life",
    }
)
"""Properties whose hint still helps a high value that no other unit explains."""


def check_property(property_id: str, interval: Interval) -> Verdict:
    """Whether a reading is believable.

    Of an open interval only the known bound is judged. A bound that is merely useless, such
    as an electronic conductivity of ``<1`` S/cm, is true whatever the glass: it is questioned
    where an exact value would be refused, and let pass where one would be questioned.

    Args:
        property_id: Id in the catalogue.
        interval: Value in the catalogue's unit.

    Returns:
        The worst verdict over the known bounds.

    Raises:
        ReadingError: If the property is unknown.

    References:
        Domain notes 5.6.

    Examples:
        >>> check_property("ionic_conductivity", Interval(0.27, 0.27)).message
        'ionic conductivity: 0.27 S/cm is above any known sodium sulfide; did you mean 0.27 mS/cm?'
        >>> check_property("electronic_conductivity", Interval(None, 1e-10)).level
        'ok'
    """
    entry = property_of(property_id)
    worst = Verdict()
    for bound in interval.bounds:
        level = level_of(bound, entry.warn, entry.reject)
        above = bound > entry.warn[1]
        useless = interval.lower is None if above else interval.upper is None
        if useless:
            level = "warn" if level == "reject" else "ok"
        if LEVELS.index(level) > LEVELS.index(worst.level):
            worst = Verdict(level, _property_message(entry, bound, above=above))
    return worst


def check_field(name: str, value: float) -> Verdict:
    """Whether a number in a recipe or on a batch sheet is believable.

    Args:
        name: Key of ``FIELDS``.
        value: In the field's unit.

    Returns:
        The verdict, with the likely slip if one explains the value.

    Raises:
        ReadingError: If there is no such field.

    References:
        Domain notes 5.6.

    Examples:
        >>> check_field("temperature_c", 333).message
        'test temperature: 333 °C is above the usual 25 to 90 °C; did you mean 333 K (60 °C)?'
    """
    row = field(name)
    level = level_of(value, row.warn, row.reject)
    if level == "ok":
        return Verdict()
    if isnan(value):
        return Verdict("reject", f"{row.label}: value must be a number, got nan; leave it empty")
    remedy = _x_meant(value) if name == "x" else _field_meant(row, value)
    usual = range_text(row.typical, row.unit)
    side = "above" if value > row.warn[1] else "below"
    shown = f"{value:g} {row.unit}".rstrip()
    return Verdict(level, f"{row.label}: {shown} is {side} {usual}; {remedy or row.hint}")


def unit_factors(property_id: str) -> Iterator[tuple[str, float]]:
    """Units a value may have been meant in, with what one of them is in the catalogue's unit.

    Args:
        property_id: Id in the catalogue.

    Yields:
        Unit and factor, likeliest first; HV and eV among them.

    References:
        Domain notes 5.6 and 7.4.

    Examples:
        >>> next(unit_factors("ionic_conductivity"))
        ('mS/cm', 0.001)
    """
    for unit in _ALTERNATIVE_UNITS[property_of(property_id).id]:
        yield unit, to_catalogue_unit(1.0, unit, property_id)


def check_conductivity_pair(ionic: Interval, electronic: Interval) -> Verdict:
    """Whether an electronic conductivity can be one, seen beside the ionic of the same pellet.

    Args:
        ionic: Ionic conductivity, S/cm.
        electronic: Electronic conductivity, S/cm.

    Returns:
        ``warn`` if the electronic one is surely more than 1 % of the ionic; bounds that leave
        it open pass.

    References:
        Domain notes 5.6.

    Examples:
        >>> check_conductivity_pair(Interval(1e-4, 1e-4), Interval(None, 1e-10)).level
        'ok'
    """
    if ionic.upper is None or electronic.lower is None:
        return Verdict()
    limit = MAX_ELECTRONIC_SHARE * ionic.upper
    if electronic.lower <= limit or isclose(electronic.lower, limit):
        return Verdict()
    return Verdict(
        "warn",
        f"electronic conductivity: {electronic.lower:g} S/cm is more than "
        f"{MAX_ELECTRONIC_SHARE:.0%} of the ionic {ionic.upper:g} S/cm; "
        "not a blocking measurement? Check electrodes and waiting time",
    )


def _property_message(entry: Property, value: float, *, above: bool) -> str:
    """What is wrong with a value outside ``warn``, and what it may have been."""
    unit = "" if entry.unit == "1" else entry.unit
    limit = range_text(entry.typical, unit)
    if above and value > entry.reject[1]:
        limit = _CEILINGS.get(entry.id, limit)
    if meant := landing(_other_units(entry, value), entry.typical):
        remedy = f"did you mean {meant}?"
    elif above and entry.id in _HINT_BEYOND_UNITS:
        remedy = entry.hint.partition("; ")[2]
    else:
        remedy = "check the unit and the decimal point"
    shown = f"{value:g} {unit}".rstrip()
    return f"{entry.label}: {shown} is {'above' if above else 'below'} {limit}; {remedy}"


def _other_units(entry: Property, value: float) -> Iterator[tuple[str, float]]:
    """The number in each unit it may have been meant in, and what that is in the catalogue's."""
    for unit in _ALTERNATIVE_UNITS[entry.id]:
        try:
            yield f"{value:g} {unit}", to_catalogue_unit(value, unit, entry.id)
        except ReadingError:  # too large for a float in that unit: surely not meant
            continue


def _field_meant(row: Field, value: float) -> str | None:
    """The question that explains a field's value, such as ``did you mean 0.6 mm (600 µm)?``."""
    tries = []
    for slip in row.slips:
        meant = value * slip.factor + slip.offset
        # Kelvin are usually entered whole, so the decimals of 273.15 would only puzzle.
        rounded = f"{meant:.0f}" if slip.offset else f"{float(f'{meant:.3g}'):g}"
        tries.append((f"{value:g}{slip.wording} ({f'{rounded} {row.unit}'.rstrip()})", meant))
    found = landing(tries, row.typical, row.warn)
    return f"did you mean {found}?" if found else None


def _x_meant(value: float) -> str | None:
    """What an x that is too large was: percent of the anions, or a lost decimal point."""
    high = FIELDS["x"].typical[1]
    of_anions, of_hundred = value * 4 / 100, value / 100
    if 0 < of_anions <= high:
        return (
            f"{value:g} % of the anions is x = {_two_digits(of_anions)}; "
            f"did you mean that, or {_two_digits(of_hundred)}?"
        )
    return f"did you mean {_two_digits(of_hundred)}?" if 0 < of_hundred <= high else None


def _two_digits(x: float) -> str:
    return f"{x:.2f}" if isclose(x, round(x, 2)) else f"{x:.3g}"
