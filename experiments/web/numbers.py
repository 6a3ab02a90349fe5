"""Whole numbers that people type, or that an address carries."""

import re
from typing import Final

from features.errors import InputError

MOST: Final = 2**53
"""Numbers up to here are the same in every program, and in the ledger."""

_WHOLE: Final = re.compile(r"[+-]?[0-9]{1,16}", re.ASCII)


def whole_number(text: str, name: str, ends: tuple[int, int]) -> int:
    """A whole number between two ends.

    Args:
        text: As it was typed, without blanks around it.
        name: What it is, for the complaint.
        ends: Least and most.

    Raises:
        InputError: If it is none, or beyond an end.

    Examples:
        >>> whole_number("12", "glasses", (1, 50))
        12
    """
    if _WHOLE.fullmatch(text) and ends[0] <= int(text) <= ends[1]:
        return int(text)
    shown = text if len(text) <= 40 else f"{text[:40]}..."
    raise InputError(
        [f"{name}: must be a whole number from {ends[0]} to {ends[1]}, got {shown!r}; correct it"]
    )
