"""Replays a laboratory's own table: would the planner have found the best earlier?"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from math import ceil, floor, inf
from typing import Final

import numpy as np
import pandas as pd
from joblib import Parallel, delayed
from numpy.typing import NDArray

from experiments.backtest_goals import Goal, best_so_far, goals_of, random_orders
from experiments.backtest_table import History
from features.errors import SpaceError
from optimizer import Optimizer, SearchSpace
from optimizer.rows import row_keys

Vector = NDArray[np.float64]

N_START: Final = 8
"""With these a surrogate may lead, however many columns there are."""

BEYOND_START: Final = 5
"""With fewer recipes left there is nothing to choose."""

N_CURVES: Final = 300
"""Random orders behind the band of the figure."""

_CHANCE_SEED: Final = 20220513


@dataclass(frozen=True, slots=True)
class Spread:
    """A middle and where 90 % lie; infinite where it was not found in time.

    Attributes:
        median: Middle.
        lower: 5 % lie below.
        upper: 5 % lie above.
    """

    median: float
    lower: float
    upper: float

    @classmethod
    def of(cls, values: Sequence[float]) -> "Spread":
        """Of a sample that may hold infinities.

        Args:
            values: At least one.

        Examples:
            >>> Spread.of([10.0, 20.0, float("inf")]).median
            20.0
        """
        ordered = sorted(values)
        return cls(*(_quantile(ordered, share) for share in (0.5, 0.05, 0.95)))


@dataclass(frozen=True, slots=True)
class Replay:
    """One order of experiments that the planner chose.

    Attributes:
        seed: Of the planner, and of the start if that was random.
        is_random_start: Whether the start was drawn, not that of the table.
        n_start: Recipes given.
        batch: Recipes chosen at a time.
        order: Positions of the recipes, those given first.
        expected: After a random start, for each goal: the experiments that random order is
            expected to take from the same start.
    """

    seed: int
    is_random_start: bool
    n_start: int
    batch: int
    order: tuple[int, ...]
    expected: tuple[float, ...] = ()

    def found_after(self, goal: Goal) -> float:
        """Experiments until a goal is met, those of its whole batch counted."""
        exact = goal.found_after(self.order)
        return in_batches(exact, self.n_start, self.batch, len(self.order))

    def best_so_far(self, history: History) -> Vector:
        """As of ``backtest_goals``, known at the end of each batch; level after the last."""
        curve = best_so_far(history, self.order)[
            known_at(len(self.order), self.n_start, self.batch)
        ]
        return np.append(curve, np.full(history.size - len(curve), curve[-1]))


@dataclass(frozen=True, slots=True, kw_only=True)
class RandomStarts:
    """The planner against random order, both after the same random starts.

    Attributes:
        planner: Experiments until found, over starts.
        saved: By how many experiments earlier than random order is expected to find it.
        n_earlier: Starts after which the planner was earlier than that.
    """

    planner: Spread
    saved: Spread
    n_earlier: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """When a goal was met.

    Attributes:
        label: The goal in words.
        real: Experiments in the real order, ties as in the table.
        real_earliest: The same with ties broken in its favour; exact for one objective.
        real_latest: With ties broken against it.
        planner: Experiments of the planner after the real start, over its seeds.
        saved: Real less planner.
        n_missed: Replays in which the planner did not find it within the most allowed.
        chance_mean: Experiments expected in random order after the real start.
        chance: Middle and 90 % of random orders.
        real_ahead: Share of random orders that are slower than the real one.
        planner_ahead: Share of random orders that are slower than the planner's middle.
        in_start: Whether the real start met it already, so that nothing could be saved.
        random_starts: The same question asked after random starts.
    """

    label: str
    real: float
    real_earliest: float
    real_latest: float
    planner: Spread
    saved: Spread
    n_missed: int
    chance_mean: float
    chance: Spread
    real_ahead: float
    planner_ahead: float
    in_start: bool
    random_starts: RandomStarts


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Backtest:
    """What came of replaying a table.

    Attributes:
        history: The table.
        n_start: Recipes given to everybody, as really made first.
        batch: Recipes chosen at a time.
        seeds: Replays of each kind.
        most: Most experiments of a replay.
        found: When each goal was met.
        replays: Every order the planner chose.
        curves: ``real``, and ``planner_`` and ``chance_`` with ``lower``, ``median``, ``upper``,
            after the real start, by number of experiments (from 1).
    """

    history: History
    n_start: int
    batch: int
    seeds: int
    most: int
    found: tuple[Found, ...]
    replays: tuple[Replay, ...]
    curves: pd.DataFrame


def backtest(
    history: History,
    *,
    n_start: int = N_START,
    seeds: int = 10,
    batch: int = 4,
    most: int | None = None,
    advance: Callable[[int, int], None] | None = None,
) -> Backtest:
    """Replay a history with the planner, as often as there are seeds, in joblib's workers.

    Each seed replays twice: after the real start, where only the planner's own draws differ, and
    after a random start of the same size. The planner sees of a recipe not yet chosen nothing but
    its features.

    Args:
        history: The table.
        n_start: Recipes given to everybody: the first that were really made.
        seeds: Replays of each kind.
        batch: Recipes chosen at a time. All of a batch count, also those made after a find, and
            the real and the random orders are counted in batches of that size too.
        most: Stop a replay after so many experiments; left out, when all goals are met.
        advance: Told after each replay how many are done, of how many.

    Returns:
        What came of it.

    Raises:
        SpaceError: If a number is too small, or the history too short.

    References:
        Rohr et al. 2020, doi:10.1039/C9SC05999G; Liang et al. 2021,
        doi:10.1038/s41524-021-00656-9 (replaying tables; random order as comparison).
    """
    limit = _checked(history, n_start, seeds, batch, most)
    goals = goals_of(history)
    starts = [
        (seed, is_random, _start(history, n_start, seed, is_random))
        for is_random in (False, True)
        for seed in range(seeds)
    ]
    running = Parallel(return_as="generator")(
        delayed(_replayed)(history, goals, seed, is_random, start, batch, limit)
        for seed, is_random, start in starts
    )
    replays = []
    for replay in running:
        replays.append(replay)
        if advance is not None:
            advance(len(replays), len(starts))
    return Backtest(
        history=history,
        n_start=n_start,
        batch=batch,
        seeds=seeds,
        most=limit,
        found=tuple(_found(history, goal, i, replays, n_start) for i, goal in enumerate(goals)),
        replays=tuple(replays),
        curves=_curves(history, replays, limit),
    )


def in_batches(found: float, n_start: int, batch: int, size: int) -> float:
    """Experiments made when the batch is complete that holds a find.

    Args:
        found: Experiments up to and including the find; may be infinite.
        n_start: Recipes given first, one by one.
        batch: Recipes a batch.
        size: Recipes in all; the last batch may be smaller.

    Examples:
        >>> [in_batches(found, 8, 4, 18) for found in (3, 9, 12, 17, inf)]
        [3, 12.0, 12.0, 18.0, inf]
    """
    if found == inf or found <= n_start:
        return found
    return float(min(n_start + ceil((found - n_start) / batch) * batch, size))


def known_at(size: int, n_start: int, batch: int) -> NDArray[np.intp]:
    """After each experiment, the last one that is known: a batch is measured together.

    Args:
        size: Recipes in all.
        n_start: Recipes given first, one by one.
        batch: Recipes a batch.

    Returns:
        Shape (size,), positions from 0.

    Examples:
        >>> known_at(9, 2, 3).tolist()
        [0, 1, 1, 1, 4, 4, 4, 7, 8]
    """
    made = np.arange(1, size + 1)
    ends = n_start + (made - n_start) // batch * batch
    ends[-1] = size
    return np.asarray(np.where(made <= n_start, made, ends) - 1)


def planned_order(
    history: History,
    start: Sequence[int],
    *,
    seed: int,
    batch: int,
    most: int,
    goals: Sequence[Goal] = (),
) -> tuple[int, ...]:
    """The order in which the planner would have made the recipes.

    Args:
        history: The table; values of recipes not yet chosen are not looked at.
        start: Positions of the recipes given.
        seed: Of the planner.
        batch: Recipes chosen at a time.
        most: Experiments, start included.
        goals: Stop once all are met.

    Returns:
        Positions, those of the start first.
    """
    pool = SearchSpace.from_candidates(history.recipes)
    optimizer = Optimizer(pool, history.objectives, seed=seed)
    place = {key: i for i, key in enumerate(row_keys(history.recipes, pool.columns))}
    order = list(start)
    optimizer.tell(history.told(order))
    while len(order) < most and not (
        goals and all(goal.found_after(order) < inf for goal in goals)
    ):
        asked = optimizer.ask(min(batch, most - len(order)))
        chosen = [place[key] for key in row_keys(asked, pool.columns)]
        optimizer.tell(history.told(chosen))
        order += chosen
    return tuple(order)


def _replayed(
    history: History,
    goals: Sequence[Goal],
    seed: int,
    is_random_start: bool,
    start: Sequence[int],
    batch: int,
    most: int,
) -> Replay:
    order = planned_order(history, start, seed=seed, batch=batch, most=most, goals=goals)
    expected: tuple[float, ...] = ()
    if is_random_start:
        rng = np.random.default_rng([_CHANCE_SEED, seed, 1])
        expected = tuple(_mean(_chance(goal, history, start, batch, rng)) for goal in goals)
    return Replay(seed, is_random_start, len(start), batch, order, expected)


def _start(history: History, n_start: int, seed: int, is_random: bool) -> tuple[int, ...]:
    if not is_random:
        return tuple(range(n_start))
    drawn = np.random.default_rng([_CHANCE_SEED, seed]).permutation(history.size)[:n_start]
    return tuple(drawn.tolist())


def _checked(history: History, n_start: int, seeds: int, batch: int, most: int | None) -> int:
    """The most experiments of a replay."""
    for name, number in (("start", n_start), ("seeds", seeds), ("batch", batch)):
        if number < 1:
            raise SpaceError(f"backtest: {name} must be at least 1, got {number}; give more")
    if history.size < n_start + BEYOND_START:
        raise SpaceError(
            f"{history.file}: needs at least {n_start + BEYOND_START} different recipes with a "
            f"reading ({n_start} given as the start and {BEYOND_START} to choose from), got "
            f"{history.size}; give a smaller start or a longer table"
        )
    if most is not None and most <= n_start:
        raise SpaceError(
            f"backtest: the most experiments must be more than the start of {n_start}, got {most}; "
            "give more, or a smaller start"
        )
    return history.size if most is None else min(most, history.size)


def _found(
    history: History, goal: Goal, position: int, replays: Sequence[Replay], n_start: int
) -> Found:
    batch = replays[0].batch

    def found_after(order: Sequence[int]) -> float:
        return in_batches(goal.found_after(order), n_start, batch, history.size)

    real = found_after(range(history.size))
    same = [r.found_after(goal) for r in replays if not r.is_random_start]
    rng = np.random.default_rng(_CHANCE_SEED)
    chance = _chance(goal, history, range(n_start), batch, rng)
    planner = Spread.of(same)
    return Found(
        label=goal.label,
        real=real,
        real_earliest=found_after(_tied(history, best_first=True)),
        real_latest=found_after(_tied(history, best_first=False)),
        planner=planner,
        saved=Spread.of([real - found for found in same]),
        n_missed=sum(found == inf for found in same),
        chance_mean=_mean(chance),
        chance=_chance_spread(chance),
        real_ahead=_slower(chance, real),
        planner_ahead=_slower(chance, planner.median),
        in_start=real <= n_start,
        random_starts=_random_starts([r for r in replays if r.is_random_start], goal, position),
    )


def _chance(
    goal: Goal, history: History, start: Sequence[int], batch: int, rng: np.random.Generator
) -> Vector:
    """Probability that a random order, made in batches, has met a goal after 0, 1, ... recipes."""
    exact = goal.by_chance(start, history.size, rng)
    return np.append(exact[0], exact[known_at(history.size, len(start), batch) + 1])


def _tied(history: History, *, best_first: bool) -> list[int]:
    """The real order with its ties broken for or against it.

    Exact for one objective; with several a recipe is judged by the hypervolume it has alone.
    """
    merit = [best_so_far(history, [i])[0] for i in range(history.size)]
    if len(history.objectives) == 1:
        merit = (history.objectives[0].sign * np.array(merit)).tolist()
    worth = np.nan_to_num(np.array(merit), nan=-np.inf)
    order: list[int] = np.lexsort((-worth if best_first else worth, history.moments)).tolist()
    return order


def _random_starts(replays: Sequence[Replay], goal: Goal, position: int) -> RandomStarts:
    found = [replay.found_after(goal) for replay in replays]
    saved = [r.expected[position] - f for r, f in zip(replays, found, strict=True)]
    return RandomStarts(
        planner=Spread.of(found), saved=Spread.of(saved), n_earlier=sum(s > 0 for s in saved)
    )


def _curves(history: History, replays: Sequence[Replay], most: int) -> pd.DataFrame:
    planned = [replay for replay in replays if not replay.is_random_start]
    n_start, size = planned[0].n_start, history.size
    known = known_at(size, n_start, planned[0].batch)
    drawn = random_orders(range(n_start), size, N_CURVES, np.random.default_rng(_CHANCE_SEED))
    columns = {"real": best_so_far(history, range(size))[known]}
    for name, curves in (
        ("planner", [replay.best_so_far(history) for replay in planned]),
        ("chance", [best_so_far(history, order)[known] for order in drawn]),
    ):
        quantiles = np.quantile(np.stack(curves), [0.05, 0.5, 0.95], axis=0)
        for part, curve in zip(("lower", "median", "upper"), quantiles, strict=True):
            columns[f"{name}_{part}"] = curve
    table = pd.DataFrame(columns, index=pd.RangeIndex(1, size + 1, name="experiments"))
    table.loc[most + 1 :, [f"planner_{part}" for part in ("lower", "median", "upper")]] = np.nan
    return table


def _quantile(ordered: Sequence[float], share: float) -> float:
    """Between neighbours by their distance; infinite where it touches infinity."""
    place = share * (len(ordered) - 1)
    low, high = ordered[floor(place)], ordered[ceil(place)]
    part = place - floor(place)
    if low == high or part == 0:
        return low
    return low if low == -inf else high if high == inf else low + part * (high - low)


def _mean(chance: Vector) -> float:
    return float((1.0 - chance[:-1]).sum())


def _chance_spread(chance: Vector) -> Spread:
    at = [float(np.argmax(chance >= share - 1e-12)) for share in (0.5, 0.05, 0.95)]
    return Spread(*at)


def _slower(chance: Vector, found: float) -> float:
    """Share of random orders that take more experiments; a tie counts half."""
    if found == inf:
        return 0.0
    after = floor(found)
    return float(1.0 - (chance[after] + chance[after - 1]) / 2)
