"""Replays: no look ahead, counts that can be checked by hand, random order exactly."""

from dataclasses import replace
from itertools import permutations
from math import inf
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from experiments.backtest import Spread, backtest, in_batches, planned_order
from experiments.backtest_goals import Hits, best_so_far, goals_of
from experiments.backtest_table import History, read_history
from experiments.workers import workers
from features.errors import SpaceError

N = 40


def hill_csv(folder: Path, *, values: np.ndarray | None = None) -> Path:
    """A hill in two dimensions; the best recipe is made last."""
    rng = np.random.default_rng(0)
    a, b = rng.uniform(size=(2, N))
    height = -((a - 0.7) ** 2) - (b - 0.3) ** 2 if values is None else values
    order = np.argsort(height)
    frame = pd.DataFrame({"a": a, "b": b, "y": height, "z": a}).iloc[order]
    path = folder / "hill.csv"
    frame.to_csv(path, index=False)
    return path


def hill(folder: Path, objectives: tuple[str, ...] = ("y:maximize",)) -> History:
    return read_history(hill_csv(folder), features=["a", "b"], objectives=list(objectives))


def with_unseen_permuted(history: History, seen: tuple[int, ...]) -> History:
    """The same table with the values of recipes not seen exchanged among them."""
    rows = history.rows.copy()
    hidden = np.flatnonzero(~np.isin(history.recipe_of_row, seen))
    moved = hidden[::-1]
    names = [objective.name for objective in history.objectives]
    rows.loc[rows.index[hidden], names] = rows.loc[rows.index[moved], names].to_numpy()
    values = history.values.copy()
    values[hidden] = values[moved]
    return replace(history, rows=rows, values=values)


class TestNoLookAhead:
    @pytest.mark.parametrize(
        "objectives",
        [("y:maximize",), ("y:maximize:-1", "z:minimize:2")],
        ids=["one objective", "two"],
    )
    def test_values_of_recipes_not_chosen_change_no_choice(self, tmp_path, objectives):
        history = hill(tmp_path, objectives)
        start = tuple(range(5))
        order = planned_order(history, start, seed=0, batch=2, most=13)
        other = with_unseen_permuted(history, order)
        assert not np.allclose(other.values, history.values)
        assert planned_order(other, start, seed=0, batch=2, most=13) == order

    def test_values_of_the_last_batch_change_the_next_one_only(self, tmp_path):
        history = hill(tmp_path)
        start = tuple(range(5))
        order = planned_order(history, start, seed=0, batch=2, most=11)
        other = with_unseen_permuted(history, order[:7])
        changed = planned_order(other, start, seed=0, batch=2, most=11)
        assert changed[:9] == order[:9]
        assert changed[9:] != order[9:]

    def test_a_recipe_is_made_once_and_the_start_comes_first(self, tmp_path):
        history = hill(tmp_path)
        order = planned_order(history, (7, 3, 1), seed=1, batch=4, most=N)
        assert order[:3] == (7, 3, 1)
        assert sorted(order) == list(range(N))


class TestBacktest:
    def test_a_hill_climbed_from_its_foot_is_found_much_earlier(self, tmp_path):
        done = []
        with workers(1):
            found = backtest(
                hill(tmp_path), n_start=6, seeds=3, batch=2, advance=lambda *now: done.append(now)
            )
        best = found.found[0]
        assert (best.real, best.real_earliest, best.real_latest) == (40.0, 40.0, 40.0)
        assert best.saved.lower >= 15
        assert best.random_starts.n_earlier == 3
        assert best.planner_ahead > 0.5
        assert best.real_ahead < 0.05
        assert done == [(i, 6) for i in range(1, 7)]
        assert found.curves["planner_median"].iloc[-1] == found.curves["real"].iloc[-1]
        assert (found.curves.loc[:6, "planner_lower"] == found.curves.loc[:6, "real"]).all()

    def test_a_replay_can_be_repeated_by_its_seed_and_start(self, tmp_path):
        history = hill(tmp_path)
        with workers(1):
            found = backtest(history, n_start=6, seeds=2, batch=4, most=14)
        assert [(r.seed, r.is_random_start) for r in found.replays] == [
            (0, False), (1, False), (0, True), (1, True),
        ]  # fmt: skip
        assert found.replays[2].order[:6] != found.replays[3].order[:6]
        for replay in found.replays:
            again = planned_order(history, replay.order[:6], seed=replay.seed, batch=4, most=14)
            assert again[: len(replay.order)] == replay.order

    def test_what_is_not_found_in_time_is_more_than_the_most(self, tmp_path):
        with workers(1):
            found = backtest(hill(tmp_path), n_start=6, seeds=2, batch=1, most=7)
        best = found.found[0]
        assert best.n_missed == 2
        assert best.planner == Spread(inf, inf, inf)
        assert best.saved.median == -inf
        assert np.isfinite(found.curves.loc[7, "planner_median"])
        assert found.curves.loc[8:, "planner_median"].isna().all()

    def test_a_goal_within_the_start_saves_nothing(self, tmp_path):
        history = hill(tmp_path)
        turned = read_history(hill_csv(tmp_path), features=["a", "b"], objectives=["y:minimize"])
        assert turned.size == history.size
        with workers(1):
            best = backtest(turned, n_start=6, seeds=2, batch=4, most=8).found[0]
        assert best.in_start
        assert (best.real, best.saved) == (1.0, Spread(0.0, 0.0, 0.0))

    def test_several_objectives_are_judged_by_hypervolume(self, tmp_path):
        history = hill(tmp_path, ("y:maximize:-1", "z:minimize:1.1"))
        (goal,) = goals_of(history)
        shares = best_so_far(history, range(N))
        assert shares[-1] == pytest.approx(1.0)
        assert (np.diff(shares) >= 0).all()
        assert goal.found_after(range(N)) == np.argmax(shares >= 0.95) + 1

    @pytest.mark.parametrize(
        ("options", "message"),
        [
            ({"n_start": 36}, r"hill.csv: needs at least 41 different recipes .* got 40"),
            ({"n_start": 0}, "start must be at least 1, got 0"),
            ({"seeds": 0}, "seeds must be at least 1, got 0"),
            ({"batch": 0}, "batch must be at least 1, got 0"),
            ({"n_start": 6, "most": 6}, "must be more than the start of 6, got 6"),
        ],
        ids=["short", "start", "seeds", "batch", "most"],
    )
    def test_impossible_settings_are_refused(self, tmp_path, options, message):
        with pytest.raises(SpaceError, match=message):
            backtest(hill(tmp_path), **options)

    def test_a_reference_nobody_reaches_is_refused(self, tmp_path):
        history = hill(tmp_path, ("y:maximize:9", "z:minimize:1"))
        with pytest.raises(SpaceError, match="at least one recipe must be better than the ref"):
            backtest(history)


class TestRandomOrder:
    @pytest.mark.parametrize("needed", [1, 2], ids=["first hit", "second hit"])
    @pytest.mark.parametrize("start", [(), (0, 4), (5, 1)], ids=["none", "miss and miss", "hit"])
    def test_its_distribution_is_that_of_all_orders(self, needed, start):
        goal = Hits("two", frozenset({1, 2, 3}), needed)
        others = [i for i in range(6) if i not in start]
        found = [goal.found_after([*start, *order]) for order in permutations(others)]
        expected = [np.mean([f <= t for f in found]) for t in range(7)]
        chance = goal.by_chance(start, 6, np.random.default_rng(0))
        np.testing.assert_allclose(chance, expected, atol=1e-12)

    def test_that_of_a_hypervolume_is_close_to_that_of_all_orders(self, tmp_path):
        history = hill(tmp_path, ("y:maximize:-1", "z:minimize:1.1"))
        (goal,) = goals_of(history)
        chance = goal.by_chance(range(5), N, np.random.default_rng(0))
        again = goal.by_chance(range(5), N, np.random.default_rng(1))
        assert (np.diff(chance) >= 0).all()
        assert chance[-1] == 1.0
        assert 0.0 < np.abs(chance - again).max() < 0.2

    def test_all_orders_are_counted_in_the_same_batches(self, tmp_path):
        with workers(1):
            found = backtest(hill(tmp_path), n_start=6, seeds=1, batch=5, most=11)
        best = found.found[0]
        ends = {float(6 + 5 * k) for k in range(7)} | {40.0}
        assert {best.real, best.chance.lower, best.chance.median, best.chance.upper} <= ends
        assert in_batches(7, 6, 5, 40) == 11.0


class TestGoals:
    def test_one_objective_has_the_best_one_of_the_top_and_half_of_them(self, tmp_path):
        history = hill(tmp_path)
        assert [goal.label for goal in goals_of(history)] == [
            "the best recipe",
            "one of the best 2 (top 5 %)",
        ]
        assert [goal.found_after(range(N)) for goal in goals_of(history)] == [40.0, 39.0]

    def test_the_curve_is_in_the_unit_of_the_column(self, tmp_path):
        path = tmp_path / "s.csv"
        path.write_text("a,s\n1,1e-5\n2,<1e-3\n3,1e-6\n4,>1e-4\n")
        history = read_history(path, features=["a"], objectives=["s:maximize:log10"])
        np.testing.assert_allclose(best_so_far(history, range(4)), [1e-5, 1e-5, 1e-5, 1e-4])
        np.testing.assert_allclose(best_so_far(history, [1, 0]), [np.nan, 1e-5])


def test_ties_of_the_order_say_how_early_and_late_it_may_have_been(tmp_path):
    path = tmp_path / "ties.csv"
    rows = [(i, i % 5, 2000 + i // 5) for i in range(1, 20)]
    best = 12  # one of five recipes of 2002
    lines = [f"{i},{10 if i == best else k},{year}" for i, k, year in rows]
    path.write_text("\n".join(["a,y,year", *lines]))
    history = read_history(path, features=["a"], objectives=["y:maximize"], order="year")
    with workers(1):
        found = backtest(history, n_start=3, seeds=1, batch=1, most=5).found[0]
    assert (found.real, found.real_earliest, found.real_latest) == (12.0, 10.0, 14.0)
