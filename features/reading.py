"""Readings: one measured value of one property of one specimen, as an interval with its error."""

from dataclasses import dataclass
from numbers import Real
from typing import Final

from features._ccd_protocol import CcdProtocol
from features._interval import Interval
from features._reading_text import stated_value
from features._standard_error import refuse_unless_positive, scale_error, standard_error
from features.errors import ReadingError
from features.properties import Property, property_of
from features.units import to_catalogue_unit

__all__ = [
    "TEMPERATURE_RANGE_C",
    "CcdProtocol",
    "Interval",
    "Reading",
    "parse_value",
    "scale_error",
    "standard_error",
]

TEMPERATURE_RANGE_C: Final = (-20.0, 120.0)
"""Test temperatures outside this are refused (domain notes 5.6)."""

_LOWEST_LOG10: Final = -15.0
"""A negative number down to here is taken for a logarithm typed as a value."""


def parse_value(text: str | float, property_id: str, unit: str | None = None) -> Interval:
    """The interval a person meant, in the catalogue's unit.

    A comma is a decimal comma. A unit in the text wins over ``unit``, which wins over the
    catalogue's. Bounds are read as stated: ``<`` and ``≤`` are the same.

    Args:
        text: For example ``2.7e-4``, ``2,7×10⁻⁴ S/cm``, ``<1e-10``, ``2.30..2.35``, or a number.
        property_id: Id in the catalogue.
        unit: Unit of numbers that carry none; ``None`` or blank is the catalogue's.

    Returns:
        Bounds in the catalogue's unit.

    Raises:
        ReadingError: If the property is unknown, the text is no value, the unit measures
            something else, or the property cannot have that value.

    References:
        Domain notes 7.4 (usual entry mistakes).

    Examples:
        >>> parse_value("0.27 mS/cm", "ionic_conductivity")
        Interval(lower=0.00027, upper=0.00027)
        >>> parse_value(">3", "critical_current_density")
        Interval(lower=3.0, upper=None)
    """
    entry = property_of(property_id)
    try:
        lower, upper, text_unit = _stated(text)
    except ReadingError as err:
        raise ReadingError(f"{entry.label}: {err}") from err
    column_unit = unit.strip() if unit else ""
    for given in filter(None, (column_unit, text_unit)):
        to_catalogue_unit(1.0, given, property_id)
    used = text_unit or column_unit or entry.unit
    stated = Interval(lower, upper)
    _refuse_impossible(stated, entry, " ".join(used.split()))
    interval = Interval(
        *(None if b is None else to_catalogue_unit(b, used, property_id) for b in (lower, upper))
    )
    _refuse_impossible(interval, entry, entry.unit)
    return interval


@dataclass(frozen=True, slots=True)
class Reading:
    """One measured value of one property of one specimen, with its conditions.

    Attributes:
        specimen: Id of the specimen.
        property: Id in the catalogue.
        interval: Value in the catalogue's unit.
        se: Standard error of the stated value, same unit; ``None`` is the catalogue's default.
        n: Measurements behind the value.
        temperature_c: Test temperature, °C, if known.
        method: How it was measured, free text.
        protocol: For a critical current density, how it was stepped.
        note: Free text.

    Raises:
        ReadingError: If the property is unknown or cannot have the value, or a condition is
            impossible.

    References:
        Domain notes 5.6 and 7.3.

    Examples:
        >>> Reading("P1", "youngs_modulus", parse_value("20.9", "youngs_modulus"), se=0.23).n
        1
    """

    specimen: str
    property: str
    interval: Interval
    se: float | None = None
    n: int = 1
    temperature_c: float | None = None
    method: str = ""
    protocol: CcdProtocol | None = None
    note: str = ""

    def __post_init__(self) -> None:
        """Refuse an impossible reading now rather than in a fit."""
        entry = property_of(self.property)
        where = f"{entry.label} of {self.specimen or 'no specimen'}"
        if not self.specimen.strip():
            raise ReadingError(
                f"{where}: a reading needs a specimen, got {self.specimen!r}; give its id"
            )
        _refuse_impossible(self.interval, entry, entry.unit)
        if self.se is not None:
            refuse_unless_positive(
                f"{where}: se", self.se, "leave it empty for the catalogue's default"
            )
        if not self.n >= 1:
            raise ReadingError(
                f"{where}: n must be at least 1, got {self.n}; count the measurements"
            )
        low, high = TEMPERATURE_RANGE_C
        if self.temperature_c is not None and not low <= self.temperature_c <= high:
            raise ReadingError(
                f"{where}: temperature must lie between {low:g} and {high:g} °C, got "
                f"{self.temperature_c:g}; give degrees Celsius, not kelvin"
            )
        if self.protocol is not None and self.property != "critical_current_density":
            raise ReadingError(
                f"{where}: only a critical current density has a CCD protocol, got one; "
                "leave the protocol out"
            )

    def scale_se(self) -> float:
        """Standard error on the surrogate's scale, taken at the bound if one is open.

        Returns:
            Decades for a ``log10`` property, else the catalogue's unit.
        """
        scale = property_of(self.property).scale
        open_ended = self.interval.is_open
        value = self.interval.bounds[0] if open_ended else self.interval.midpoint(scale)
        return scale_error(value, self.se, self.property)


def _stated(text: str | float) -> tuple[float | None, float | None, str]:
    """Bounds and unit of a text or of a plain number."""
    if isinstance(text, str):
        return stated_value(text)
    if not isinstance(text, Real) or isinstance(text, bool):
        raise ReadingError(
            f"value must be text or a number, got {type(text).__name__}; "
            "leave the row out if nothing was measured"
        )
    try:
        return stated_value(repr(float(text)))
    except OverflowError as err:
        raise ReadingError("value must be a finite number, got a huge one; check it") from err


def _refuse_impossible(interval: Interval, entry: Property, unit: str) -> None:
    """Refuse what no specimen can have: no catalogue property is ever negative."""
    for bound in interval.bounds:
        if bound == 0 and entry.scale == "linear" and interval.is_open:
            raise ReadingError(
                f"{entry.label}: a bound must be above zero, got {interval.text(unit)}; leave the "
                "row out if nothing was measured"
            )
        if bound > 0 or (bound == 0 and entry.scale == "linear"):
            continue
        if entry.scale == "linear":
            raise ReadingError(
                f"{entry.label}: value must not be below zero, got {bound:g}; check the sign"
            )
        got = f"{entry.label}: value must be above zero, got {bound:g}"
        if bound == 0:
            raise ReadingError(
                f"{got}; below the instrument's floor give a bound such as <{entry.warn[0]:g}"
            )
        if bound >= _LOWEST_LOG10:
            raise ReadingError(
                f"{got}; did you enter log10? 10^{bound:g} is {10**bound:.3g} {unit}"
            )
        raise ReadingError(f"{got}; check the sign")
