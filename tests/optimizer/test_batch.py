"""Greedy batches and the rules that tie their rows together."""

import numpy as np
import pandas as pd
import pytest

from features.errors import SpaceError, TableError
from optimizer.batch import outlook_of_draws, propose_batch
from optimizer.categorical import Categorical
from optimizer.objectives import Objective
from optimizer.parameters import Continuous, Discrete
from optimizer.rows import row_keys
from optimizer.space import SearchSpace

SPACE = SearchSpace(
    [
        Continuous("x", 0.0, 1.0),
        Discrete("time", 1, 10),
        Categorical("jar", ["steel", "agate"]),
    ]
)
OBJECTIVES = [
    Objective("strength", "maximize", reference=0.0),
    Objective("cost", "minimize", reference=10.0),
]
TOLD = pd.DataFrame({"x": [0.2, 0.8], "time": [2, 9], "jar": ["steel", "agate"]})
NOTHING = TOLD.head(0)
SMALL = {"n_spread": 128, "n_near": 48}


def truth(rows):
    x, time = rows["x"].to_numpy(dtype=float), rows["time"].to_numpy(dtype=float)
    strength = np.sin(3 * x) + time / 10
    return np.stack([strength, 2 + 6 * x * time / 10], axis=-1)


def draw(rows, n, rng):
    """The truth under a random tilt: joint draws with errors common to similar rows."""
    tilt = rng.normal(0, 0.3, (n, 1, 2)) * rows["x"].to_numpy(dtype=float)[None, :, None]
    return truth(rows)[None] + tilt


def batch_of(q=3, *, candidates=SPACE, objectives=OBJECTIVES, seed=0, **rules):
    arguments = {"baseline": TOLD, "pending": NOTHING, **SMALL, **rules}
    rng = np.random.default_rng(seed)
    outlook = outlook_of_draws(draw, objectives, n_draws=32)
    return propose_batch(outlook, candidates, q, rng=rng, **arguments)


def test_rows_are_new_distinct_and_proposable():
    batch = batch_of(4, pending=TOLD.head(1).assign(x=0.5), exclude=TOLD.assign(time=5))
    assert batch.columns.tolist() == ["x", "time", "jar", "acquisition", "promise"]
    assert SPACE.allows(batch).all()
    assert len(set(row_keys(batch, SPACE.columns))) == 4


def test_the_same_seed_gives_the_same_batch_and_another_seed_another():
    pd.testing.assert_frame_equal(batch_of(), batch_of())
    assert not batch_of().equals(batch_of(seed=1))


def test_the_first_row_adds_as_much_as_the_best_of_many():
    best = batch_of(1, n_spread=512)
    many = SPACE.spread(2000, np.random.default_rng(1))
    from_reference = truth(many) * [1, -1] - [0, -10]
    worth = from_reference.prod(axis=1)
    assert (truth(best)[0] * [1, -1] - [0, -10]).prod() > np.quantile(worth, 0.98)


def test_pending_rows_change_what_comes_next():
    alone = batch_of(1)
    beside = batch_of(1, pending=alone[SPACE.columns])
    assert row_keys(alone, SPACE.columns) != row_keys(beside, SPACE.columns)
    assert beside["acquisition"][0] < alone["acquisition"][0]


def test_rows_share_the_columns_of_a_mill_run():
    batch = batch_of(4, shared=["time"])
    assert batch["time"].nunique() == 1
    assert len(set(row_keys(batch, SPACE.columns))) == 4


def test_shared_columns_follow_the_row_that_starts_the_batch():
    start = pd.DataFrame({"x": [0.1], "time": [4], "jar": ["steel"]})
    batch = batch_of(3, shared=["time"], start=start)
    assert set(batch["time"]) == {4}
    assert len(batch) == 3


def test_capacity_limits_the_rows_of_a_level_and_counts_the_start():
    start = pd.DataFrame({"x": [0.1], "time": [4], "jar": ["agate"]})
    batch = batch_of(4, capacity={"jar": {"agate": 2, "steel": 3}}, start=start)
    assert batch["jar"].value_counts().to_dict() == {"steel": 3, "agate": 1}


def test_a_shared_value_is_chosen_for_the_whole_batch_not_for_its_first_row():
    # time 9 has the best single row and nothing else; time 2 has four rows nearly as good
    pool = pd.DataFrame(
        {
            "x": [0.0, 0.1, 0.2, 0.0, 0.3, 0.6, 0.9],
            "time": [9, 9, 9, 2, 2, 2, 2],
            "jar": "steel",
        }
    )
    value = {(9, 0.0): 5.5, (2, 0.0): 4.0, (2, 0.3): 4.1, (2, 0.6): 4.2, (2, 0.9): 4.3}

    def corner(rows, n, rng):
        good = [value.get((t, x), 0.1) for t, x in zip(rows["time"], rows["x"], strict=True)]
        along = rows["x"].to_numpy(dtype=float)
        values = np.stack([np.array(good) * (0.4 + along), 10 - np.array(good) * (1.4 - along)], -1)
        return np.repeat(values[None], n, axis=0)

    batch = propose_batch(
        outlook_of_draws(corner, OBJECTIVES),
        SearchSpace.from_candidates(pool),
        3,
        baseline=NOTHING,
        pending=NOTHING,
        shared=["time"],
        rng=np.random.default_rng(0),
    )
    assert set(batch["time"]) == {2}


def test_outcome_limits_steer_the_batch():
    free = batch_of(3)
    limited = batch_of(
        3,
        objectives=[OBJECTIVES[0], Objective("cost", "minimize", reference=10.0, at_most=2.5)],
    )
    assert truth(free)[:, 1].max() > 3
    assert truth(limited)[:, 1].max() < 2.9


@pytest.mark.parametrize("q", [7, 48], ids=["part", "whole"])
def test_a_pool_is_ranked_each_row_at_most_once(q):
    pool = SearchSpace.from_candidates(SPACE.spread(48, np.random.default_rng(3)))
    batch = batch_of(q, candidates=pool)
    assert len(set(row_keys(batch, pool.columns))) == q
    assert pool.allows(batch).all()
    worth = (truth(batch) * [1, -1] - [0, -10]).prod(axis=1)
    assert worth[0] > np.median((truth(pool.frame) * [1, -1] - [0, -10]).prod(axis=1))


def test_one_objective_without_reference_or_baseline_will_do():
    batch = propose_batch(
        outlook_of_draws(lambda rows, n, rng: draw(rows, n, rng)[..., :1], OBJECTIVES[:1]),
        SPACE,
        2,
        baseline=pd.DataFrame(),
        pending=pd.DataFrame(),
        rng=np.random.default_rng(0),
        **SMALL,
    )
    assert truth(batch)[0, 0] > 1.5


@pytest.mark.parametrize("q", [0, -1, 2.5, True], ids=str)
def test_a_batch_size_that_is_no_count_is_refused(q):
    with pytest.raises(SpaceError, match=rf"q must be a whole number of at least 1, got {q}"):
        batch_of(q)


def test_asking_for_more_than_there_is_says_how_many_there_are():
    pool = SearchSpace.from_candidates(pd.concat([TOLD, TOLD.assign(x=0.5)]))
    with pytest.raises(
        SpaceError, match=r"asked for 3 new rows, got 2: all others .* ask for fewer"
    ):
        batch_of(3, candidates=pool)


def test_more_jars_asked_than_owned_is_reported():
    with pytest.raises(SpaceError, match=r"asked for 3 new rows, got 2"):
        batch_of(3, capacity={"jar": {"steel": 1, "agate": 1}})


@pytest.mark.parametrize(
    ("rules", "message"),
    [
        pytest.param({"shared": ["speed"]}, r"got speed; the recipe has x, time, jar", id="shared"),
        pytest.param({"capacity": {"mill": {}}}, r"columns of the recipe, got mill", id="capacity"),
        pytest.param(
            {"shared": ["time"], "start": TOLD},
            r"all rows must share time, got \[\{'time': 2\}, \{'time': 9\}\]",
            id="start-disagrees",
        ),
        pytest.param(
            {"capacity": {"jar": {"steel": 0}}, "start": TOLD},
            r"at most 0 rows may have jar = steel, got 1 to start with",
            id="start-over-capacity",
        ),
    ],
)
def test_rules_that_cannot_be_kept_are_refused(rules, message):
    with pytest.raises(SpaceError, match=message):
        batch_of(2, **rules)


def test_a_baseline_without_a_recipe_column_is_refused():
    with pytest.raises(TableError, match=r"missing: jar"):
        batch_of(2, baseline=TOLD[["x", "time"]])


def hours(rows, batch):
    """An hour a row, and the milling time once."""
    shared = 0.0 if len(batch) else rows["time"].to_numpy(dtype=float)
    return np.ones(len(rows)) + shared


def test_a_budget_ends_the_batch_early():
    batch = batch_of(4, shared=["time"], cost=hours, budget=5.0)
    assert 1 <= len(batch) < 4
    assert batch["time"].iloc[0] + len(batch) <= 5.0


def test_a_dear_recipe_must_gain_more():
    def dear_when_long(rows, batch):
        return rows["time"].to_numpy(dtype=float) ** 3

    assert batch_of(1, cost=dear_when_long)["time"][0] < batch_of(1)["time"][0]


def test_rows_closer_than_can_be_made_are_one():
    batch = batch_of(6, resolution={"x": 0.2})
    for jar, time in {(row.jar, row.time) for row in batch.itertuples()}:
        x = batch.loc[(batch["jar"] == jar) & (batch["time"] == time), "x"].to_numpy()
        told = TOLD.loc[(TOLD["jar"] == jar) & (TOLD["time"] == time), "x"].to_numpy()
        every = np.sort(np.concatenate([x, told]))
        assert (np.diff(every) >= 0.2 - 1e-9).all()


@pytest.mark.parametrize(
    ("rules", "message"),
    [
        pytest.param({"budget": 3.0}, r"budget must be positive and needs a cost", id="no-cost"),
        pytest.param({"budget": 0, "cost": hours}, r"got budget 0 with one", id="zero-budget"),
        pytest.param(
            {"cost": lambda rows, batch: np.zeros(len(rows))},
            r"one positive number.*0\.0",
            id="free",
        ),
        pytest.param({"resolution": {"x": 0.0}}, r"resolution of 'x' must be positive", id="res"),
        pytest.param({"budget": 0.5, "cost": hours}, r"the budget", id="nothing-affordable"),
    ],
)
def test_costs_and_resolutions_that_make_no_sense_are_refused(rules, message):
    with pytest.raises(SpaceError, match=message):
        batch_of(2, **rules)


def test_a_shared_value_that_fills_the_batch_is_preferred():
    pool = pd.DataFrame({"x": [0.9, 0.1, 0.2, 0.3], "time": [9, 2, 2, 2], "jar": "steel"})

    def corner(rows, n, rng):
        # the lone row of the long run is better than any of the short one, which fills the batch
        good = np.where(rows["time"] == 9, 3.0, 1.0 + rows["x"].to_numpy(dtype=float))
        values = np.stack([good, 10.0 - good - rows["x"].to_numpy(dtype=float)], axis=-1)
        return np.repeat(values[None], n, axis=0)

    batch = propose_batch(
        outlook_of_draws(corner, OBJECTIVES, n_draws=16),
        SearchSpace.from_candidates(pool),
        3,
        baseline=NOTHING,
        pending=NOTHING,
        shared=["time"],
        rng=np.random.default_rng(0),
    )
    assert set(batch["time"]) == {2}
