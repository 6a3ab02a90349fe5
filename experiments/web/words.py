"""Numbers and times as pages say them."""

from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from markupsafe import Markup

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


def summary(what: Sequence[Mapping[str, Any]]) -> str:
    """The changes of one transaction in a few words.

    Examples:
        >>> summary([{"did": "added", "what": "reading", "id": 1},
        ...          {"did": "added", "what": "reading", "id": 2},
        ...          {"did": "closed", "what": "round", "id": "R01"}])
        'added 2 readings, closed round R01'
    """
    counted = Counter((str(one["did"]), str(one["what"])) for one in what)
    names = {(str(one["did"]), str(one["what"])): one["id"] for one in what}
    return ", ".join(
        f"{did} {n} {kind}s" if n > 1 else f"{did} {_one(kind, names[did, kind])}"
        for (did, kind), n in counted.items()
    )


def _one(kind: str, name: object) -> str:
    if kind in ("reading", "literature"):
        return "a reading" if kind == "reading" else "a value of the literature"
    return f"{kind} {str(name).replace('_', ' ')}".strip()


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
