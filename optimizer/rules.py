"""What a batch may hold: no recipe twice, one mill run, only the jars there are."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, final

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from features.errors import SpaceError
from optimizer.rows import Key, is_among, is_repeated, row_keys

Capacity = Mapping[str, Mapping[Any, int]]
Cost = Callable[[pd.DataFrame, pd.DataFrame], NDArray[np.float64]]
"""``cost(rows, batch)``: what each of n rows costs on top of a batch, in any one unit."""


@final
@dataclass(frozen=True, slots=True)
class BatchRules:
    """Rules that tie the rows of one batch together.

    Attributes:
        columns: Columns that make the recipe.
        taken: Recipes that may not be proposed: told, pending.
        shared: Columns in which all rows of a batch agree.
        capacity: Column to level to the most rows of that level; levels not named are free.
        cost: What a row costs on top of a batch; all the same if ``None``.
        budget: The most a batch may cost; needs a cost.
        resolution: Column to the smallest difference that can be made or weighed out: rows that
            differ from one taken by less in every such column, and in no other, are the same.

    Raises:
        SpaceError: If a rule names a column that is not one of the recipe, a resolution is not
            positive, or a budget not positive or without a cost.

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
    cost: Cost | None = None
    budget: float | None = None
    resolution: Mapping[str, float] = field(default_factory=dict)

    def __post_init__(self) -> None:
        """Refuse a rule about an unknown column, or one that cannot be kept."""
        named = (*self.shared, *(self.capacity or {}), *self.resolution)
        unknown = [name for name in named if name not in self.columns]
        if unknown:
            raise SpaceError(
                f"batch: shared, capacity and resolution must name columns of the recipe, got "
                f"{', '.join(unknown)}; the recipe has {', '.join(self.columns)}"
            )
        for name, step in self.resolution.items():
            if not 0 < step < np.inf:
                raise SpaceError(
                    f"batch: resolution of {name!r} must be positive, got {step!r}; "
                    "give the smallest difference that can be made"
                )
        if self.budget is not None and (self.cost is None or not 0 < self.budget < np.inf):
            raise SpaceError(
                f"batch: budget must be positive and needs a cost, got budget {self.budget!r} "
                f"{'without a cost' if self.cost is None else 'with one'}; "
                "say what a recipe costs, and what may be spent"
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
        if self.resolution and admitted.any():
            admitted[admitted] &= ~self._too_alike(frame[admitted], batch)
        if self.budget is not None and admitted.any():
            left = self.budget - self.total_cost(batch)
            admitted[admitted] &= self.marginal_cost(frame[admitted], batch) <= left + 1e-9
        return np.asarray(admitted)

    def marginal_cost(self, frame: pd.DataFrame, batch: pd.DataFrame) -> NDArray[np.float64]:
        """What each row costs on top of the batch.

        Args:
            frame: n rows.
            batch: Rows in the batch; may be empty.

        Returns:
            n positive numbers, all 1 without a cost.

        Raises:
            SpaceError: If a cost is not positive.
        """
        if self.cost is None or frame.empty:
            return np.ones(len(frame))
        found = np.asarray(self.cost(frame, batch), dtype=float)
        bad = ~((found > 0) & np.isfinite(found))
        if found.shape != (len(frame),) or bad.any():
            row = frame.iloc[int(bad.argmax())].to_dict() if found.ndim == 1 else {}
            raise SpaceError(
                "batch: a cost must be one positive number a row, got "
                f"{found[bad][0] if bad.any() else found.shape} for {row}; "
                "count at least the time of hands"
            )
        return found

    def total_cost(self, batch: pd.DataFrame) -> float:
        """What the batch costs, its rows taken in order.

        Args:
            batch: Rows; may be empty.

        Returns:
            In the unit of the cost.
        """
        return sum(
            float(self.marginal_cost(batch.iloc[[i]], batch.iloc[:i])[0]) for i in range(len(batch))
        )

    def _too_alike(self, frame: pd.DataFrame, batch: pd.DataFrame) -> NDArray[np.bool_]:
        """Which rows differ from a taken one by less than can be made."""
        made = pd.DataFrame([*self.taken, *row_keys(batch, self.columns)], columns=[*self.columns])
        alike = np.ones((len(frame), len(made)), dtype=bool)
        for name in self.columns:
            mine, theirs = frame[name].to_numpy(), made[name].to_numpy()
            if name in self.resolution:
                gap = np.abs(mine.astype(float)[:, None] - theirs.astype(float)[None, :])
                alike &= gap < self.resolution[name] * (1 - 1e-9)
            else:
                mine, theirs = (
                    np.array([key[0] for key in row_keys(part, [name])], dtype=object)
                    for part in (frame, made)
                )
                alike &= mine[:, None] == theirs[None, :]
        return np.asarray(alike.any(axis=1))


def too_few(q: int, n_found: int, budget: float | None = None) -> SpaceError:
    """The complaint that a space has run out of rows."""
    if budget is not None:
        return SpaceError(
            f"batch: asked for {q} new row{'s' if q != 1 else ''} within a budget of {budget:g}, "
            "got none: every row that is new and feasible costs more; raise the budget, or widen "
            "the space"
        )
    return SpaceError(
        f"batch: asked for {q} new row{'s' if q != 1 else ''}, got {n_found}: all others that are "
        "feasible are told, pending, or over capacity; ask for fewer, or widen the space"
    )
