"""A batch, row by row: each the best addition to what is made, in the making and chosen."""

from collections.abc import Sequence
from typing import Final

import numpy as np
import pandas as pd

from features.errors import SpaceError
from optimizer.greedy import CandidateSource, Draw, GreedySearch
from optimizer.objectives import Objective, reference_utilities
from optimizer.rows import recipe_rows, row_keys, stacked
from optimizer.rules import BatchRules, Capacity, too_few

N_SINGLE: Final = 32
"""Longer batches (a pool to be ranked) take several rows at a time."""


def propose_batch(
    draw: Draw,
    candidates: CandidateSource,
    objectives: Sequence[Objective],
    q: int,
    *,
    baseline: pd.DataFrame,
    pending: pd.DataFrame,
    rng: np.random.Generator,
    start: pd.DataFrame | None = None,
    shared: Sequence[str] = (),
    capacity: Capacity | None = None,
    exclude: pd.DataFrame | None = None,
    n_draws: int = 256,
    n_spread: int = 768,
    n_near: int = 192,
) -> pd.DataFrame:
    """The next q rows by greedy noisy expected hypervolume improvement.

    Every row is chosen on joint draws over all rows made, pending and chosen so far, so the rows
    of a batch do not repeat one another's bet. Asking for a whole pool ranks it.

    Args:
        draw: ``draw(rows, n, rng)`` gives shape (n, len(rows), m), physical values, joint.
        candidates: Where rows come from.
        objectives: m objectives.
        q: Rows to choose, those of ``start`` not counted.
        baseline: Rows made; columns of the recipe, others are ignored.
        pending: Rows in the making.
        rng: Source of randomness.
        start: Rows already in the batch, e.g. a control. They are not returned.
        shared: Columns in which all rows of the batch agree. Their value is that of ``start``,
            else the one of a few good values whose batch is worth most.
        capacity: Column to level to the most rows of that level, ``start`` counted.
        exclude: More rows that are not to be proposed.
        n_draws: Joint draws.
        n_spread: Candidates from all over.
        n_near: Candidates near good rows, at each look.

    Returns:
        q rows in the order chosen, with ``acquisition``: the log improvement each was expected
        to add to those before it, in products of utility units.

    Raises:
        SpaceError: If q is not a positive whole number, a rule is broken by ``start``, or there
            are fewer than q feasible new rows.
    """
    require_count(q)
    fresh = candidates.spread(n_spread, rng)
    columns = list(fresh.columns)
    baseline, pending, batch, excluded = (
        recipe_rows(frame, columns) for frame in (baseline, pending, start, exclude)
    )
    search = GreedySearch(
        draw=draw,
        candidates=candidates,
        objectives=objectives,
        reference=reference_utilities(objectives),
        known=stacked([baseline, pending], columns),
        rules=BatchRules(
            columns=columns,
            taken=frozenset(
                key for frame in (baseline, pending, excluded) for key in row_keys(frame, columns)
            ),
            shared=shared,
            capacity=capacity,
        ),
        rng=rng,
        n_draws=n_draws,
        n_spread=n_spread,
        n_near=n_near,
    )
    fixed = search.rules.fixed(batch)
    if shared and not fixed:
        fixed = search.best_shared(fresh, batch, q)
    pool = candidates.spread(n_spread, rng, fixed) if fixed else fresh
    n_start, scores = len(batch), list[float]()
    while (missing := q - len(scores)) > 0:
        take = max(1, missing // N_SINGLE) if q > N_SINGLE else 1
        pool = search.replenished(pool, batch, fixed, take)
        if pool.empty:
            raise too_few(q, len(scores))
        rows, pool = search.best_rows(pool, batch, fixed, take)
        for position in range(len(rows)):
            if search.rules.admits(rows.iloc[[position]], batch)[0]:
                batch = stacked([batch, rows.iloc[[position]]], columns)
                scores.append(float(rows["acquisition"].iloc[position]))
    return batch.iloc[n_start:].reset_index(drop=True).assign(acquisition=scores)


def require_count(q: int) -> None:
    """Refuse a batch size that is not a positive whole number.

    Raises:
        SpaceError: If it is not.
    """
    if isinstance(q, bool) or not isinstance(q, int | np.integer) or q < 1:
        raise SpaceError(f"batch: q must be a whole number of at least 1, got {q!r}; say how many")
