"""A batch, row by row: each the best addition to what is made, in the making and chosen."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Final

import numpy as np
import pandas as pd

from features.errors import SpaceError
from optimizer.objectives import Objective, reference_utilities
from optimizer.rows import is_among, is_repeated, recipe_rows, row_keys, stacked
from optimizer.rules import BatchRules, Capacity, Cost, too_few
from optimizer.scene import Aim, Draw, SampledScene, Scene, Success, foreseen_by_draws
from optimizer.search import CandidateSource, Search, Slope, look_at

N_SINGLE: Final = 32
"""Longer batches (a pool to be ranked) take several rows at a time."""

N_SPREAD: Final = 512
"""Candidates from all over the space."""

N_OPTIONS: Final = 4
"""Values of the shared columns compared by the batches they allow."""

Outlook = Callable[[pd.DataFrame, pd.DataFrame, np.random.Generator], Scene]
"""``outlook(made, pending, rng)``: the scene of these rows."""


def outlook_of_draws(
    draw: Draw,
    objectives: Sequence[Objective],
    *,
    n_draws: int = 256,
    success: Success | None = None,
) -> Outlook:
    """How any surrogate that can draw jointly sees a batch.

    Args:
        draw: ``draw(rows, n, rng)`` gives shape (n, len(rows), m), physical values, joint.
        objectives: m objectives.
        n_draws: Joint draws.
        success: Probability that a row can be made.

    Returns:
        For ``propose_batch``.
    """

    def outlook(made: pd.DataFrame, pending: pd.DataFrame, rng: np.random.Generator) -> Scene:
        context = stacked([made, pending], list(made.columns))
        foresee = foreseen_by_draws(draw, objectives)
        reference = reference_utilities(objectives)
        aim = Aim(outcomes=objectives, reference=np.zeros(len(objectives)), success=success)
        if reference is None:  # a lone objective: the lowest of what is known counts as nothing
            lowest = foresee(context, context, 64, rng).mean if len(context) else np.zeros(1)
            reference = np.atleast_1d(aim.to_utility(lowest, lowest)[0].min())
        return SampledScene(
            replace(aim, reference=reference), foresee, context, len(made), n_draws, rng
        )

    return outlook


def propose_batch(
    outlook: Outlook,
    candidates: CandidateSource,
    q: int,
    *,
    baseline: pd.DataFrame,
    pending: pd.DataFrame,
    rng: np.random.Generator,
    start: pd.DataFrame | None = None,
    shared: Sequence[str] = (),
    capacity: Capacity | None = None,
    exclude: pd.DataFrame | None = None,
    cost: Cost | None = None,
    budget: float | None = None,
    resolution: Mapping[str, float] | None = None,
    slope: Slope | None = None,
    n_spread: int = N_SPREAD,
    n_near: int = 64,
) -> pd.DataFrame:
    """The next q rows by greedy noisy expected hypervolume improvement.

    Every row is chosen on joint scenarios of all rows made, pending and chosen so far, so the
    rows of a batch do not repeat one another's bet. Asking for a whole pool ranks it.

    Args:
        outlook: What is foreseen, see ``outlook_of_draws``.
        candidates: Where rows come from.
        q: Rows to choose, those of ``start`` not counted.
        baseline: Rows made; columns of the recipe, others are ignored.
        pending: Rows in the making.
        rng: Source of randomness.
        start: Rows already in the batch, e.g. a control. They are not returned.
        shared: Columns in which all rows of the batch agree. Their value is that of ``start``,
            else the one of a few good values whose batch is worth most.
        capacity: Column to level to the most rows of that level, ``start`` counted.
        exclude: More rows that are not to be proposed.
        cost: What a row costs on top of a batch; rows are then chosen by gain per cost.
        budget: The most the batch may cost, ``start`` counted; fewer rows are returned then.
        resolution: Column to the smallest difference that can be made.
        slope: To climb along numbers that may take any value.
        n_spread: Candidates from all over.
        n_near: Candidates near good rows, at each look.

    Returns:
        q rows in the order chosen, with ``acquisition``: the log improvement each was expected
        to add to those before it, in products of utility units; and ``promise``: by how many
        standard deviations its worst objective lies above the reference.

    Raises:
        SpaceError: If q is not a positive whole number, a rule is broken by ``start``, there are
            fewer than q feasible new rows, or the budget allows none.
    """
    require_count(q)
    fresh = candidates.spread(n_spread, rng)
    columns = list(fresh.columns)
    made, waiting, batch, excluded = (
        recipe_rows(frame, columns) for frame in (baseline, pending, start, exclude)
    )
    search = Search(
        candidates=candidates,
        rules=BatchRules(
            columns=columns,
            taken=frozenset(
                key for frame in (made, waiting, excluded) for key in row_keys(frame, columns)
            ),
            shared=shared,
            capacity=capacity,
            cost=cost,
            budget=budget,
            resolution=resolution or {},
        ),
        rng=rng,
        n_spread=n_spread,
        n_near=n_near,
        slope=slope,
    )
    distinct = made[~is_repeated(made, columns)]
    waiting = waiting[~is_among(waiting, columns, set(row_keys(made, columns)))]
    scene = outlook(distinct, stacked([waiting, batch], columns), rng)
    fixed = search.rules.fixed(batch)
    if shared and not fixed:
        fixed = _best_shared(search, scene, fresh, batch, q)
    pool = candidates.spread(n_spread, rng, fixed) if fixed else fresh
    n_start, worth = len(batch), list[tuple[float, float]]()
    while (missing := q - len(worth)) > 0:
        take = max(1, missing // N_SINGLE) if q > N_SINGLE else 1
        pool = search.replenished(pool, batch, fixed, take)
        if pool.empty and budget is not None and worth:
            break
        if pool.empty:
            raise too_few(q, len(worth), budget)
        rows, pool = search.best_rows(scene, pool, batch, fixed, take)
        n_before = len(batch)
        for position in range(len(rows)):
            row = rows.iloc[[position]]
            if search.rules.admits(row, batch)[0]:
                batch = stacked([batch, row], columns)
                worth.append((float(row["acquisition"].iloc[0]), float(row["promise"].iloc[0])))
        if len(worth) < q:  # of many rows taken at once the first few tell the next ones enough
            scene = scene.joined(batch.iloc[n_before : n_before + N_JOINED])
    gains, promises = zip(*worth, strict=True)
    return batch.iloc[n_start:].reset_index(drop=True).assign(acquisition=gains, promise=promises)


N_JOINED: Final = 4
"""Of several rows taken at a time this many inform the next ones."""


def _best_shared(
    search: Search, scene: Scene, fresh: pd.DataFrame, batch: pd.DataFrame, q: int
) -> dict[str, object]:
    """Values of the shared columns that allow the most valuable batch, per cost.

    The best single rows name a few values; for each a batch is built greedily from a coarse pool.
    """
    shared = list(search.rules.shared)
    pool = fresh[search.rules.admits(fresh, batch)]
    if pool.empty:
        raise too_few(q, 0, search.rules.budget)
    look = look_at(scene, pool)
    ranked = pool.iloc[np.lexsort((-look.promise, -look.log_gain))]
    options = ranked[shared].drop_duplicates().head(N_OPTIONS).to_dict("records")
    if len(options) == 1:
        return {str(name): value for name, value in options[0].items()}
    worth = [
        _worth(search, scene.rough, ranked, batch, {str(k): v for k, v in option.items()}, q)
        for option in options
    ]
    winner = options[max(range(len(options)), key=lambda i: worth[i])]  # full batches first
    return {str(name): value for name, value in winner.items()}


N_COARSE: Final = 96
"""Candidates a value of the shared columns is judged by."""


def _worth(
    search: Search,
    scene: Scene,
    ranked: pd.DataFrame,
    batch: pd.DataFrame,
    option: dict[str, object],
    q: int,
) -> tuple[int, float]:
    """Rows that a greedy batch finds, and the hypervolume it adds, per cost if there is one."""
    columns, rules = search.columns, search.rules
    wanted = row_keys(pd.DataFrame([option]), list(option))
    alike = ranked[is_among(ranked, list(option), wanted)].head(N_COARSE // 3)
    pool = stacked([alike, search.candidates.spread(N_COARSE, search.rng, option)], columns)
    worth, spent, found = 0.0, 0.0, 0
    for _ in range(q):
        pool = pool[rules.admits(pool, batch)].reset_index(drop=True)
        if pool.empty:
            break
        look = scene.look(pool)
        cost = rules.marginal_cost(pool, batch)
        score = look.log_gain - np.log(cost)
        best = int(np.lexsort((-look.promise, -score))[0])
        worth, spent = worth + float(np.exp(look.log_gain[best])), spent + float(cost[best])
        batch = stacked([batch, pool.iloc[[best]]], columns)
        scene, found = scene.joined(pool.iloc[[best]]), found + 1
    if rules.budget is not None:  # what is left of it decides how many rows there are
        found = 0
    return found, worth / spent if rules.cost is not None and spent else worth


def require_count(q: int) -> None:
    """Refuse a batch size that is not a positive whole number.

    Raises:
        SpaceError: If it is not.
    """
    if isinstance(q, bool) or not isinstance(q, int | np.integer) or q < 1:
        raise SpaceError(f"batch: q must be a whole number of at least 1, got {q!r}; say how many")
