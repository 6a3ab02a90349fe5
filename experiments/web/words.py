"""Numbers and times as pages say them."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from markupsafe import Markup, escape

from experiments.display import NO_VALUE, is_known, typeset_unit
from experiments.success_words import percent_text
from experiments.typeset import value_markup


def when(text: str | None) -> Markup:
    """A time of the ledger, readable and exact.

    Examples:
        >>> print(when("2026-11-29T01:02:03Z"))
        <time datetime="2026-11-29T01:02:03Z">2026-11-29 01:02 UTC</time>
    """
    if not text:
        return Markup(NO_VALUE)
    try:
        shown = datetime.fromisoformat(text.replace("Z", "+00:00")).strftime("%Y-%m-%d %H:%M UTC")
    except ValueError:
        shown = text
    return Markup('<time datetime="{}">{}</time>').format(text, shown)


def percent(share: float | None) -> str:
    """A share as a percentage.

    Examples:
        >>> percent(0.873)
        '87 %'
    """
    return NO_VALUE if share is None or not is_known(share) else f"{percent_text(share)} %"


def minus(text: str) -> Markup:
    """A text whose hyphens before digits are minus signs."""
    return Markup(escape(text).replace("e-", "e−"))


def value_span(prediction: Mapping[str, Any] | None, property_id: str) -> Markup:
    """Centre and 90 % range of a value, with its unit.

    Args:
        prediction: mean, lower and upper; reading_lower and reading_upper may be there.
        property_id: Catalogue id.
    """
    if not prediction or not is_known(prediction.get("mean")):
        return Markup('<span class="none">no prediction</span>')
    ends = (prediction.get("lower"), prediction.get("upper"))
    low, high = (value_markup(end, property_id) for end in ends)
    return Markup(
        '<b>{}</b> <span class="range">{} to {}</span> <span class="unit">{}</span>'
    ).format(value_markup(prediction["mean"], property_id), low, high, typeset_unit(property_id))
