"""The grammar of a value as people write it: number, bound or range, then perhaps a unit."""

import re
from math import isfinite
from typing import Final, NamedTuple

from features.errors import ReadingError
from features.units import plain_text

_LONGEST: Final = 100
_NUMBER: Final = r"[+-]?(?:[0-9]+[.,]?[0-9]*|[.,][0-9]+)(?: *[eE] *[+-]?[0-9]+)?"
_POWER: Final = r"10 *(?:\^|\*\*) *\(?([+-]?[0-9]+)\)?"
_TIMES_POWER: Final = re.compile(rf"(?<=[0-9.,]) *[x*] *(?:{_POWER}|10([+-][0-9]+))")
_BARE_POWER: Final = re.compile(rf"(?<![0-9.,]){_POWER}")
_BELOW: Final = frozenset({"<", "<=", "=<", "≤", "≦", "⩽"})
_ABOVE: Final = frozenset({">", ">=", "=>", "≥", "≧", "⩾"})
_VALUE: Final = re.compile(
    rf"(?P<sign>[<>]=?|=[<>]|[≤≦⩽≥≧⩾])? *(?P<lower>{_NUMBER})(?P<unit>.*)", re.DOTALL
)
_RANGE: Final = re.compile(
    rf"(?P<lower>{_NUMBER}) *(?:\.{{2,3}}|-|to) *(?P<upper>{_NUMBER})(?P<unit>.*)", re.DOTALL
)
_NO_UNIT: Final = re.compile(r"[0-9]{2}|^[^A-Za-zµ%°\[(1-]")
_THOUSANDS: Final = re.compile(r"[0-9](?:[.,][0-9]+){2,}|[0-9][ '’][0-9]{3}(?![0-9])")
_ROUGH: Final = re.compile(r"[~≈∼≃≅]|^(?:ca|circa|approx|about|around|roughly)(?![a-z])", re.I)
_WITH_ERROR: Final = re.compile(r"±|\+ ?/? ?-|[0-9]\([0-9]+\)")
_MISSING: Final = re.compile(
    r"|-+|\?|n/?a|n\.a\.|n\.?[dm]\.?|[+-]?nan|[+-]?inf(?:inity)?|none|null|tbd", re.IGNORECASE
)

EXAMPLES: Final = "a number such as 2.7e-4, a bound such as <1e-10 or a range such as 2.30..2.35"
"""What to write instead, for every message about text that is no value."""


class Stated(NamedTuple):
    """What a text says, in the unit it says it in; an open bound is ``None``."""

    lower: float | None
    upper: float | None
    unit: str


def stated_value(text: str) -> Stated:
    """Bounds and unit written in a text, with no idea yet of the property.

    Args:
        text: As typed or pasted.

    Returns:
        Bounds as stated and the unit's text, empty when there is none.

    Raises:
        ReadingError: If the text is not one number, bound or range.

    References:
        Domain notes 7.4 (usual entry mistakes).

    Examples:
        >>> stated_value("2,30 – 2,35 mA/cm²")
        Stated(lower=2.3, upper=2.35, unit='mA/cm^2')
        >>> stated_value("≤ 1×10⁻¹⁰")
        Stated(lower=None, upper=1e-10, unit='')
    """
    # No value is this long, and the patterns below take their time over a novel.
    if len(text) > _LONGEST:
        raise ReadingError(
            f"value must be at most {_LONGEST} characters, got {_shown(text)}; use {EXAMPLES}"
        )
    plain = re.sub(r"\s+", " ", plain_text(text))
    _refuse_what_is_no_value(plain, _shown(text))
    plain, powers = _TIMES_POWER.subn(lambda power: f"e{power[1] or power[2]}", plain)
    plain = _BARE_POWER.sub(r"1e\1", plain)
    match = _RANGE.fullmatch(plain) or _VALUE.fullmatch(plain)
    if match is None or _NO_UNIT.search(match["unit"].strip()):
        raise ReadingError(
            f"value must be a number, bound or range, got {_shown(text)}; use {EXAMPLES}"
        )
    parts = match.groupdict()
    lower, upper = _number(parts["lower"], text), _number(parts.get("upper", parts["lower"]), text)
    # In "2.3-2.4×10⁻⁴" the power belongs to both ends; read literally it would not.
    if lower > upper or ("upper" in parts and powers == 1):
        raise ReadingError(
            f"range must run from low to high, each end in full, got {_shown(text)}; "
            "write it like 1e-4..2e-4"
        )
    sign, unit = parts.get("sign"), match["unit"].strip()
    return Stated(None if sign in _BELOW else lower, None if sign in _ABOVE else upper, unit)


def _shown(text: str) -> str:
    """The text in quotes for a message, cut short when it is long."""
    return repr(text if len(text) <= 40 else text[:37] + "...")


def _refuse_what_is_no_value(plain: str, got: str) -> None:
    """The ways to fill a number field that deserve an answer of their own."""
    if _MISSING.fullmatch(plain):
        raise ReadingError(
            f"value must be a number, got {got}; leave the row out if nothing was measured, "
            "or give a bound such as <1e-10"
        )
    if _ROUGH.search(plain):
        raise ReadingError(
            f"value must be stated without 'about', got {got}; "
            "write the number alone and its standard error in the se column"
        )
    if _WITH_ERROR.search(plain):
        raise ReadingError(
            f"value must be one number, got {got}; put the error in the se column "
            "(or sd together with n)"
        )
    if _THOUSANDS.search(plain):
        raise ReadingError(
            f"value must be written without thousands separators, got {got}; "
            "write 1234.5, and a range as 2.30..2.35"
        )


def _number(part: str, text: str) -> float:
    """The float of the ``part`` of ``text`` that matched ``_NUMBER``."""
    number = float(part.replace(",", ".").replace(" ", ""))
    if not isfinite(number):
        raise ReadingError(f"value must be a finite number, got {_shown(text)}; check the exponent")
    return number
