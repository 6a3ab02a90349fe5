"""Edits of a draft as they are typed on the command line."""

from collections.abc import Sequence
from typing import Any

from features.errors import CampaignError

Edit = dict[str, Any]


def edits_of(
    *,
    drop: Sequence[str] = (),
    keep: Sequence[str] = (),
    restore: Sequence[str] = (),
    values: Sequence[str] = (),
    add: Sequence[str] = (),
) -> list[Edit]:
    """Edits as plain data from options.

    Args:
        drop: Rows.
        keep: Rows dropped before.
        restore: Rows.
        values: Such as ``G1:x=0.2`` or ``run:milling_time_h=5``.
        add: Recipes such as ``x=0.2,milling_media=agate,pressing_pressure_mpa=300``.

    Returns:
        For ``edit_draft``.

    Raises:
        CampaignError: If one cannot be read.

    Examples:
        >>> edits_of(values=["G1:x=0.2", "G1:milling_media=agate", "run:time=5"])
        [{'row': 'G1', 'set': {'x': 0.2, 'milling_media': 'agate'}}, {'run': {'time': 5.0}}]
    """
    by_row: dict[str, Edit] = {}
    for text in values:
        key, colon, pair = text.partition(":")
        if not colon or "=" not in pair:
            raise CampaignError(f"--set: must be ROW:COLUMN=VALUE such as G1:x=0.2, got {text!r}")
        by_row.setdefault(key.strip(), {}).update(_pairs("--set", pair))
    return [
        *({"row": key, "drop": False} for key in keep),
        *({"row": key, "restore": True} for key in restore),
        *({"add": _pairs("--add", text)} for text in add),
        *({"run": v} if key == "run" else {"row": key, "set": v} for key, v in by_row.items()),
        *({"row": key, "drop": True} for key in drop),
    ]


def _pairs(option: str, text: str) -> Edit:
    found: Edit = {}
    for part in text.split(","):
        column, equals, value = part.partition("=")
        if not equals:
            raise CampaignError(f"{option}: must have COLUMN=VALUE, got {part!r} in {text!r}")
        found[column.strip()] = _value(value.strip())
    return found


def _value(text: str) -> float | str:
    try:
        return float(text)
    except ValueError:
        return text
