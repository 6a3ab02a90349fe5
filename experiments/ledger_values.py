"""Values on their way into the ledger: plain Python, nothing for NaN, never infinite, UTC."""

import re
from collections.abc import Mapping
from datetime import UTC, datetime
from math import isfinite, isnan
from typing import Any, Final

import numpy as np

from features.errors import LedgerError

_WORDS: Final = {float: "a number", int: "a whole number", bool: "true or false", str: "text"}
_INT64: Final = 2**63

_NO_TEXT: Final = re.compile("[\0\ud800-\udfff]")
"""What databases refuse in a text: NUL, and halves of a pair of UTF-16."""


def now() -> str:
    """The time, UTC, ISO 8601 to the second."""
    return datetime.now(UTC).isoformat(timespec="seconds").replace("+00:00", "Z")


def scalar(value: Any, wanted: type, *, where: str) -> Any:
    """A value as a column of one type holds it.

    Args:
        value: What came; numpy scalars are unwrapped.
        wanted: ``float``, ``int``, ``bool`` or ``str``.
        where: What the value is, for the message.

    Returns:
        The value, or ``None`` for ``None`` and NaN.

    Raises:
        LedgerError: If it is of another type, infinite, beyond 64 bits, or text no database holds.

    Examples:
        >>> scalar(3, float, where="jar R01-G1: milling_time_h")
        3.0
        >>> scalar(-0.0, float, where="jar R01-G1: x")
        0.0
        >>> scalar(float("nan"), float, where="jar R01-G1: na2s_mg") is None
        True
    """
    value = _unwrapped(value)
    if value is None or (isinstance(value, float) and isnan(value)):
        return None
    accepted = (int, float) if wanted is float else (wanted,)
    # bool is an int to Python, not to a laboratory
    if not isinstance(value, accepted) or (isinstance(value, bool) and wanted is not bool):
        raise LedgerError(f"{where} must be {_WORDS[wanted]}, got {value!r}; convert it first")
    _require_held(value, where)
    return _without_sign_of_zero(wanted(value))


def plain(value: Any, *, where: str) -> Any:
    """A value as plain JSON: dicts, lists and scalars, null for NaN.

    Args:
        value: What came, nested at will.
        where: What the value is, for the message.

    Returns:
        The same, of plain Python types.

    Raises:
        LedgerError: If something in it is no JSON, infinite, or text no database holds.

    Examples:
        >>> plain({"mean": float("nan"), "bounds": (1, 2)}, where="prediction")
        {'mean': None, 'bounds': [1, 2]}
    """
    value = _unwrapped(value)
    if isinstance(value, Mapping):
        return {
            plain(str(k), where=where): plain(v, where=f"{where}.{k}") for k, v in value.items()
        }
    if isinstance(value, list | tuple):
        return [plain(item, where=where) for item in value]
    if value is None or (isinstance(value, float) and isnan(value)):
        return None
    if not isinstance(value, str | int | float):
        raise LedgerError(
            f"{where} must be plain JSON, got {type(value).__name__}; convert it first"
        )
    _require_held(value, where)
    return value


def _without_sign_of_zero(value: Any) -> Any:
    """Zero for minus zero: a column of numbers may give back either, JSON is text and keeps it."""
    return value + 0.0 if isinstance(value, float) else value


def _unwrapped(value: Any) -> Any:
    return value.item() if isinstance(value, np.generic) else value


def _require_held(value: Any, where: str) -> None:
    """Refuse what SQLite or PostgreSQL would change, or not take."""
    if isinstance(value, float) and not isfinite(value):
        raise LedgerError(f"{where} must be finite, got {value}; leave an open bound empty")
    if isinstance(value, int) and not -_INT64 <= value < _INT64:
        raise LedgerError(f"{where} must be a whole number of 64 bits, got {value}; make it text")
    if isinstance(value, str) and _NO_TEXT.search(value):
        raise LedgerError(f"{where} has a character that is no text, got {value!r}; remove it")
