"""Counts of readings as people say them."""

from collections.abc import Mapping
from typing import Final

from features.properties import property_of
from models.gp import GaussianProcess

ENOUGH_READINGS: Final = 5
"""With fewer a table says that the prior decides."""

_SHORT_LABELS: Final = {
    "ionic_conductivity": "conductivity",
    "critical_current_density": "CCD",
    "area_specific_resistance": "ASR",
}


def count_in_words(n_readings: int, property_id: str) -> str:
    """Number of readings as a person says it.

    Args:
        n_readings: How many.
        property_id: Id in the catalogue.

    Returns:
        Such as ``3 conductivity readings``.

    Raises:
        ReadingError: If the catalogue lacks the property.

    Examples:
        >>> count_in_words(1, "youngs_modulus")
        "1 Young's modulus reading"
    """
    label = _SHORT_LABELS.get(property_id, property_of(property_id).label)
    return f"{n_readings} {label} reading{'' if n_readings == 1 else 's'}"


def limits_in_words(process: GaussianProcess | None) -> str:
    """What a process of very many readings leaves out, as a clause; empty if nothing."""
    reduction = None if process is None else process.reduction
    return "" if reduction is None else reduction.in_words


def state_in_words(
    n_readings: int, waiting: Mapping[str, int], property_id: str, limits: str = ""
) -> str:
    """What a surrogate rests on, in one line.

    Args:
        n_readings: Readings used.
        waiting: Number of readings set aside, by reason.
        property_id: Id in the catalogue.
        limits: What is left out of very many, as a clause.

    Returns:
        The count; a caution when it is below five; the readings that could not be used.

    Raises:
        ReadingError: If the catalogue lacks the property.

    Examples:
        >>> state_in_words(0, {"one-sided bound": 1}, "electronic_conductivity").split("; ")[2]
        '1 one-sided bound not used'
    """
    parts = [count_in_words(n_readings, property_id)]
    if n_readings < ENOUGH_READINGS:
        parts[0] += ": too few to learn from; the prior decides"
    parts += [
        f"{count} {reason}{'' if count == 1 else 's'} not used" for reason, count in waiting.items()
    ]
    return "; ".join([*parts, *([limits] if limits else [])])
