"""The probability of success as people read it, and when it is too low to stay silent."""

from collections.abc import Mapping, Sequence
from typing import Any, Final

LEAST_SUCCESS: Final = 0.7
"""Below this a proposal is warned of (domain notes 7.6)."""


def percent_text(probability: float) -> str:
    """A probability in whole percent; never quite 0 or 100.

    Examples:
        >>> percent_text(0.874), percent_text(0.999)
        ('87', '>99')
    """
    if probability > 0.995:
        return ">99"
    return "<1" if probability < 0.005 else f"{100 * probability:.0f}"


def success_text(success: Mapping[str, Any]) -> str:
    """A probability of success with its range.

    Args:
        success: ``probability``, ``lower`` and ``upper`` of a glass or cell of a round.

    Examples:
        >>> success_text({"probability": 0.874, "lower": 0.41, "upper": 0.999})
        '87 % (41..>99 %)'
    """
    lower, upper = percent_text(success["lower"]), percent_text(success["upper"])
    return f"{percent_text(success['probability'])} % ({lower}..{upper} %)"


def success_warnings(items: Sequence[Mapping[str, Any]], known: Mapping[str, str]) -> list[str]:
    """One sentence for each proposal that is likely to fail.

    Args:
        items: Glasses and cells of a round, each with ``success``.
        known: By level, what its probability rests on.

    Returns:
        Those below ``LEAST_SUCCESS``.

    Examples:
        >>> success = {"probability": 0.25, "lower": 0.05, "upper": 0.6, "weakest": "jar"}
        >>> item = {"id": "G3", "success": success}
        >>> success_warnings([item], {"jar": "9 jars, 4 failed"})[0]
        'G3 succeeds with 25 % (5..60 %), at least 70 % is wanted; weakest: jar (9 jars, 4 failed)'
    """
    return [
        f"{item['id']} succeeds with {success_text(item['success'])}, at least "
        f"{100 * LEAST_SUCCESS:.0f} % is wanted; weakest: {item['success']['weakest']} "
        f"({known[item['success']['weakest']]})"
        for item in items
        if item["success"]["probability"] < LEAST_SUCCESS
    ]
