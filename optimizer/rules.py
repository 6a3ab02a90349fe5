"""What a batch may hold: no recipe twice, one mill run, only the jars there are."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, final

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from features.errors import SpaceError
from optimizer.rows import Key, is_among, is_repeated, row_keys

Capacity = Mapping[str, Mapping[Any, int]]


@final
@dataclass(frozen=True, slots=True)
class BatchRules:
    """Rules that tie the rows of one batch together.

    Attributes:
        columns: Columns that make the recipe.
        taken: Recipes that may not be proposed: told, pending.
        shared: Columns in which all rows of a batch agree.
        capacity: Column to level to the most rows of that level; levels not named are free.

    Raises:
        SpaceError: If a rule names a column that is not one of the recipe.

    Examples:
        >>> rules = BatchRules(["x", "jar"], frozenset(), capacity={"jar": {"agate": 1}})
        >>> batch = pd.DataFrame({"x": [0.1], "jar": ["agate"]})
        >>> more = pd.DataFrame({"x": [0.1, 0.2, 0.2], "jar": ["agate", "agate", "steel"]})
        >>> rules.admits(more, batch).tolist()
        [False, False, True]
    """

    columns: Sequence[str]
    taken: frozenset[Key]
    shared: Sequence[str] = ()
    capacity: Capacity | None = None

    def __post_init__(self) -> None:
        """Refuse a rule about an unknown column."""
        unknown = [n for n in (*self.shared, *(self.capacity or {})) if n not in self.columns]
        if unknown:
            raise SpaceError(
                f"batch: shared and capacity must name columns of the recipe, got "
                f"{', '.join(unknown)}; the recipe has {', '.join(self.columns)}"
            )

    def fixed(self, batch: pd.DataFrame) -> dict[str, object]:
        """Values every further row must have, given the rows already in the batch.

        Args:
            batch: Rows in the batch; may be empty.

        Returns:
            Shared column to value; empty while the batch is.

        Raises:
            SpaceError: If the rows disagree in a shared column, or hold more than the capacity.
        """
        for name, limits in (self.capacity or {}).items():
            for level, most in limits.items():
                held = int((batch[name] == level).sum())
                if held > most:
                    raise SpaceError(
                        f"batch: at most {most} row{'s' if most != 1 else ''} may have "
                        f"{name} = {level}, got {held} to start with; take some out"
                    )
        if batch.empty or not self.shared:
            return {}
        if len(set(row_keys(batch, self.shared))) > 1:
            values = batch[list(self.shared)].drop_duplicates().to_dict("records")
            raise SpaceError(
                f"batch: all rows must share {', '.join(self.shared)}, got {values} "
                "to start with; start with rows that agree"
            )
        return {name: batch[name].iloc[0] for name in self.shared}

    def admits(self, frame: pd.DataFrame, batch: pd.DataFrame) -> NDArray[np.bool_]:
        """Which rows may join the batch.

        Args:
            frame: n candidates.
            batch: Rows in the batch; may be empty.

        Returns:
            n booleans; of equal candidates only the first is admitted.
        """
        seen = set(self.taken) | set(row_keys(batch, self.columns))
        admitted = ~is_among(frame, self.columns, seen) & ~is_repeated(frame, self.columns)
        if fixed := self.fixed(batch):
            wanted = row_keys(pd.DataFrame([fixed]), list(fixed))
            admitted &= is_among(frame, list(fixed), wanted)
        for name, limits in (self.capacity or {}).items():
            full = [lv for lv, most in limits.items() if (batch[name] == lv).sum() >= most]
            admitted &= ~frame[name].isin(full).to_numpy()
        return np.asarray(admitted)


def too_few(q: int, n_found: int) -> SpaceError:
    """The complaint that a space has run out of rows."""
    return SpaceError(
        f"batch: asked for {q} new row{'s' if q != 1 else ''}, got {n_found}: all others that are "
        "feasible are told, pending, or over capacity; ask for fewer, or widen the space"
    )
