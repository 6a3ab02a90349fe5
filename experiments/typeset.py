"""Numbers and formulas set for paper: superscripts, subscripts, escaped text."""

import re
from collections.abc import Mapping
from typing import Any, Final

from markupsafe import Markup, escape

from experiments.display import NO_VALUE, is_known, significant, value_text, x_text

NO_DATA: Final = "no data, prior only"

_POWER: Final = re.compile(r"(?<![\w-])(\d+(?:\.\d+)?)e(-?\d+)\b")
_MINUS: Final = re.compile(r"(?<![\w\d)-])-(?=\d)")
_SUPERSCRIPTS: Final = str.maketrans("-0123456789", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹")


def formula(x: float) -> Markup:
    """The glass's formula with subscripts.

    Args:
        x: Oxygen per formula unit.

    Examples:
        >>> print(formula(0.15))
        Na<sub>3</sub>PS<sub>3.85</sub>O<sub>0.15</sub>
    """
    if not x:
        return Markup("Na<sub>3</sub>PS<sub>4</sub>")
    return Markup("Na<sub>3</sub>PS<sub>{}</sub>O<sub>{}</sub>").format(
        x_text(round(4 - x, 6)), x_text(x)
    )


def chemistry(text: str) -> Markup:
    """Escaped text with the digits that follow a letter lowered, for fixed text only.

    Args:
        text: Text without ids, whose digits would be lowered too.

    Examples:
        >>> print(chemistry("Na2S, 30 min"))
        Na<sub>2</sub>S, 30 min
    """
    return Markup(re.sub(r"(?<=[A-Za-z])(\d+)", r"<sub>\1</sub>", str(escape(text))))


def printed_numbers(text: str) -> str:
    """Numbers in a sentence as paper prints them; ids and other hyphens stay.

    Args:
        text: Plain text, which stays plain text.

    Examples:
        >>> printed_numbers("CHI-015-P: 2.7e-4 S/cm, z -3.1, 8.2e-5..1e-4")
        'CHI-015-P: 2.7×10⁻⁴ S/cm, z −3.1, 8.2×10⁻⁵..1×10⁻⁴'
    """
    raised = _POWER.sub(lambda m: f"{m[1]}×10{m[2].translate(_SUPERSCRIPTS)}", text)
    return _MINUS.sub("−", raised)


def value_markup(value: object, property_id: str) -> Markup:
    """A value of a property, powers of ten as superscripts, without its unit.

    Args:
        value: In the catalogue's unit; ``None`` and NaN become a dash.
        property_id: Catalogue id.

    Examples:
        >>> print(value_markup(2.13e-4, "ionic_conductivity"))
        2.1×10<sup>−4</sup>
    """
    mantissa, mark, exponent = value_text(value, property_id).partition("e")
    if not mark:
        return escape(mantissa)
    return Markup("{}×10<sup>{}</sup>").format(mantissa, exponent.replace("-", "−"))


def quantity(prediction: Mapping[str, Any], property_id: str) -> dict[str, Any]:
    """A prediction as a sheet prints it.

    Args:
        prediction: ``mean``, ``reading_lower`` and ``reading_upper``; any may be missing or NaN.
        property_id: Catalogue id.

    Returns:
        ``known``, ``centre``, ``range`` of a new reading, and ``small``: the conductivity again
        in mS/cm, empty for other properties.
    """
    centre = prediction.get("mean")
    if not isinstance(centre, int | float) or not is_known(centre):
        return {"known": False, "centre": NO_DATA, "range": "", "small": ""}
    ends = [prediction.get(name) for name in ("reading_lower", "reading_upper")]
    span = Markup("{} to {}").format(*(value_markup(end, property_id) for end in ends))
    in_milli = f"{significant(1e3 * centre, 2)} mS/cm"
    return {
        "known": True,
        "centre": value_markup(centre, property_id),
        "range": span if any(is_known(end) for end in ends) else NO_VALUE,
        "small": in_milli if property_id == "ionic_conductivity" else "",
    }
