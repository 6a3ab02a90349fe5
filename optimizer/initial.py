"""The first batches, before there is enough to learn from."""

from collections.abc import Mapping, Sequence
from typing import Final

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from optimizer.batch import require_count
from optimizer.confounds import Confound, confound_breakers, confounds
from optimizer.objectives import Objective
from optimizer.rows import recipe_rows, row_keys, stacked
from optimizer.rules import BatchRules, Capacity, too_few
from optimizer.space import Space

MIN_RECIPES: Final = 3
"""Fewer recipes than these say nothing of a trend."""


ENOUGH_RECIPES: Final = 8
"""With these a surrogate may lead, however many columns a table of candidates has."""


def too_little(told: pd.DataFrame, objectives: Sequence[Objective], space: Space) -> bool:
    """Whether some objective was measured on too few recipes for a surrogate to lead.

    Args:
        told: Recipe columns and one column an objective, NaN where not measured.
        objectives: m objectives.
        space: Its parameters are counted.

    Returns:
        True if an objective has fewer distinct recipes than parameters (at most eight), or than
        three.

    Examples:
        >>> from optimizer.parameters import Continuous
        >>> from optimizer.space import SearchSpace
        >>> told = pd.DataFrame({"x": [0.1, 0.2, 0.2], "y": [1.0, 2.0, 2.1]})
        >>> too_little(told, [Objective("y", "maximize")], SearchSpace([Continuous("x", 0, 1)]))
        True
    """
    needed = min(max(MIN_RECIPES, len(space.columns)), ENOUGH_RECIPES)
    if told.empty:
        return True
    counts = [
        len(set(row_keys(told[told[objective.name].notna()], space.columns)))
        for objective in objectives
    ]
    return min(counts) < needed


def starting_batch(
    space: Space,
    q: int,
    *,
    told: pd.DataFrame,
    rng: np.random.Generator,
    pending: pd.DataFrame | None = None,
    control: Mapping[str, object] | None = None,
    start: pd.DataFrame | None = None,
    shared: Sequence[str] = (),
    capacity: Capacity | None = None,
    n_spread: int = 1024,
) -> pd.DataFrame:
    """A batch that fills the space: the control, rows that break confounds, then the far ones.

    Args:
        space: Where rows may lie.
        q: Rows to choose, those of ``start`` not counted.
        told: Rows made.
        rng: Source of randomness.
        pending: Rows in the making.
        control: A row proposed first, unless it was made before; also the anchor from which
            confounds are broken (else the most central row made).
        start: Rows already in the batch. They are not returned.
        shared: Columns in which all rows of the batch agree; the first row decides.
        capacity: Column to level to the most rows of that level, ``start`` counted.
        n_spread: Candidates from all over.

    Returns:
        q rows in the order chosen, with ``why``: one sentence.

    Raises:
        SpaceError: If q is not a positive whole number, or there are fewer than q feasible new
            rows.
        TableError: If a row is not valid.

    References:
        Kennard & Stone 1969, doi:10.1080/00401706.1969.10490666 (maximin selection).

    Examples:
        >>> from optimizer.parameters import Continuous
        >>> from optimizer.space import SearchSpace
        >>> space = SearchSpace([Continuous("x", 0, 1)])
        >>> told = pd.DataFrame({"x": [0.0]})
        >>> rows = starting_batch(space, 1, told=told, rng=np.random.default_rng(0))
        >>> bool(rows.x[0] > 0.99)
        True
    """
    require_count(q)
    columns = space.columns
    made, waiting, batch = (recipe_rows(f, columns) for f in (told, pending, start))
    n_start, reasons = len(batch), list[str]()
    known = stacked([made, waiting], columns)
    rules = BatchRules(columns, frozenset(row_keys(known, columns)), shared, capacity)
    # rows of the batch can break what is confounded, but new ones are left to fill the space
    puzzles = confounds(known, columns) if len(known) else []
    if control is not None:
        first = pd.DataFrame([dict(control)])
        space.check(first)
        if rules.admits(first, batch)[0]:
            batch, reasons = stacked([batch, first], columns), ["control"]
    while len(reasons) < q:
        before = stacked([known, batch], columns)
        left = [puzzle for puzzle in confounds(before, columns) if puzzle in puzzles]
        breaker = _breaker(space, rules, before, batch, left, control) if left else None
        if breaker is None:
            fixed = rules.fixed(batch)
            row = _farthest(space, rules, before, batch, space.spread(n_spread, rng, fixed))
            if row is None:
                raise too_few(q, len(reasons))
            batch = stacked([batch, row], columns)
            reasons.append("fills the largest gap in what was made so far")
        else:
            batch = stacked([batch, breaker[columns]], columns)
            reasons.append(str(breaker["why"].iloc[0]))
    return batch.iloc[n_start : n_start + q].reset_index(drop=True).assign(why=reasons[:q])


def _breaker(
    space: Space,
    rules: BatchRules,
    before: pd.DataFrame,
    batch: pd.DataFrame,
    found: Sequence[Confound],
    control: Mapping[str, object] | None,
) -> pd.DataFrame | None:
    """The admissible row that breaks most of the confounds found, if there is one."""
    anchor = (
        _central(space, before)
        if control is None
        else space.check(pd.DataFrame([dict(control)])).iloc[0]
    )
    rows = confound_breakers(before, anchor, found)
    rows = rows[space.allows(rows)] if len(rows) else rows
    rows = rows[rules.admits(rows, batch)]
    return rows.head(1) if len(rows) else None


def _farthest(
    space: Space,
    rules: BatchRules,
    before: pd.DataFrame,
    batch: pd.DataFrame,
    pool: pd.DataFrame,
) -> pd.DataFrame | None:
    """The candidate whose nearest row is farthest away; the most central one in an empty table."""
    pool = pool[rules.admits(pool, batch)]
    if pool.empty:
        return None
    at = space.encode(pool)
    if before.empty:
        return pool.iloc[[int(np.argmin(_distances(at, at.mean(axis=0)[None]).min(axis=1)))]]
    return pool.iloc[[int(np.argmax(_distances(at, space.encode(before)).min(axis=1)))]]


def _central(space: Space, rows: pd.DataFrame) -> pd.Series:
    at = space.encode(rows)
    return rows[space.columns].iloc[int(np.argmin(_distances(at, at).sum(axis=1)))]


def _distances(rows: NDArray[np.float64], others: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.asarray(np.linalg.norm(rows[:, None, :] - others[None, :, :], axis=-1))
