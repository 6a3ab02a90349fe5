"""What the terminal shows of a draft."""

from rich.console import Group
from rich.text import Text

from experiments.console import round_table
from experiments.draft_record import Draft


def draft_table(draft: Draft) -> Group:
    """The rows of a draft by their keys, what is dropped, and what edits do to gain and hours.

    Args:
        draft: Any version.

    Returns:
        A renderable; readable from 80 columns on.
    """
    dropped = [row for row in draft.rows if row["dropped"]]
    lines = [
        *(Text(_dropped_words(row["key"], row["dropped_with"])) for row in dropped),
        *(Text(f"Gain: {part['in_words']}.") for part in draft.gain.values()),
        Text(f"Hours: {draft.cost['in_words']}."),
    ]
    return Group(round_table(draft.as_round()), Text(""), *lines)


def _dropped_words(key: str, dropped_with: list[str]) -> str:
    if dropped_with:
        return f"Dropped: {key}, with {' and '.join(dropped_with)} that it is built from."
    return f"Dropped: {key}; --keep {key} takes it back."
