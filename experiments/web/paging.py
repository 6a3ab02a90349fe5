"""Lists in pages: ``limit`` rows, and where the next page begins."""

from collections.abc import Mapping, Sequence
from typing import Annotated, Any

import pandas as pd
from fastapi import Query

from features.errors import TableError

Limit = Annotated[int, Query(ge=1, le=1000, description="Rows of a page.")]
After = Annotated[
    str | None, Query(max_length=40, description="What `next` of the page before said.")
]


def position(after: str | None) -> int | None:
    """The number a page begins after.

    Raises:
        TableError: If it is none that ``next`` ever said.
    """
    if after is None:
        return None
    if not after.isascii() or not after.isdigit() or len(after) > 15:
        raise TableError(f"after: must be what 'next' said, got {after!r}; leave it out to begin")
    return int(after)


def paged(
    rows: pd.DataFrame, key: str, *, limit: int, after: str | None
) -> tuple[list[dict[str, Any]], str | None]:
    """A page of rows in the order of a rising key.

    Args:
        rows: All of them, the key among the columns.
        key: A whole number, unique.
        limit: Rows of a page.
        after: Where it begins.

    Returns:
        Plain rows, and where the next page begins.
    """
    begin = position(after)
    ordered = rows.sort_values(key)
    if begin is not None:
        ordered = ordered.loc[ordered[key] > begin]
    shown = ordered.head(limit)
    more = len(ordered) > limit
    return plain_rows(shown), str(int(shown[key].iloc[-1])) if more else None


def plain_rows(rows: pd.DataFrame) -> list[dict[str, Any]]:
    """Rows as plain JSON; what is missing is null."""
    return [
        {str(name): plain(value) for name, value in row.items()} for row in rows.to_dict("records")
    ]


def plain(value: Any) -> Any:
    """A value as plain JSON: NaN and infinities are null."""
    if isinstance(value, Mapping):
        return {str(name): plain(part) for name, part in value.items()}
    if isinstance(value, str):
        return value
    if isinstance(value, Sequence):
        return [plain(part) for part in value]
    if hasattr(value, "item"):
        value = value.item()
    if isinstance(value, float) and not abs(value) < float("inf"):
        return None
    return None if value is pd.NaT else value
