"""Whether the scores a ledger holds are those of its readings: computed again and compared."""

from collections.abc import Iterator
from dataclasses import asdict
from math import isclose
from typing import Any, Final

from experiments.frozen_check import altered_in_ledger
from experiments.ledger import Ledger
from experiments.settling import score_round, unsettled
from features.errors import LedgerError

_ROUNDING: Final = 1e-6
"""Another version of numpy may round otherwise."""

_NOTHING: Final = 1e-300
"""What is smaller is zero."""

_PHYSICAL: Final = frozenset(
    {"predicted", "reading_lower", "reading_upper", "measured_lower", "measured_upper"}
)
"""In physical units, so of any size, and compared relatively. Of the rest one is much and a
difference of nearly equal numbers may be rounding alone: errors, z, probabilities."""


def wrong_scores(ledger: Ledger) -> Iterator[str]:
    """Rounds whose scores are not those of their readings, one sentence each.

    Rounds whose frozen predictions were altered are named elsewhere, those with new results are
    scored by the next command, and those of another version of glassloop cannot be scored again.

    Args:
        ledger: The campaign's ledger.

    Yields:
        A sentence naming round, specimen and property.
    """
    waiting = {*unsettled(ledger)}
    events = ledger.round_events()
    scored = events.loc[events["event"] == "scored"].groupby("round_id")["detail"].last()
    for round_id, detail in scored.items():
        if round_id in waiting or altered_in_ledger(ledger, str(round_id)):
            continue
        held = {_key(row): row for row in detail["scores"]}
        try:
            now = {_key(row): row for row in map(asdict, score_round(ledger, str(round_id)))}
        except LedgerError:  # frozen by a version whose models this one cannot read
            continue
        for key in sorted({*held, *now}, key=str):
            if key not in held or key not in now or not _alike(held[key], now[key]):
                yield (
                    f"round {round_id}: the score of {key[1].replace('_', ' ')} on {key[0]} is "
                    "not that of its reading; record the round's results again, or restore a "
                    "backup"
                )


def _key(row: dict[str, Any]) -> tuple[str, str, Any, Any]:
    return row["specimen"], row["property"], row["measured_lower"], row["measured_upper"]


def _alike(held: dict[str, Any], now: dict[str, Any]) -> bool:
    """Whether two scores agree in all that both know."""
    for name, value in held.items():
        other = now.get(name)
        if value is None or other is None:
            continue
        if isinstance(value, float) and isinstance(other, float):
            near = _NOTHING if name in _PHYSICAL else _ROUNDING
            if not isclose(value, other, rel_tol=_ROUNDING, abs_tol=near):
                return False
        elif value != other:
            return False
    return True
