"""Starting batches and the confounds they break."""

import numpy as np
import pandas as pd
import pytest

from features.errors import SpaceError
from optimizer.categorical import Categorical
from optimizer.confounds import confound_breakers, confounds
from optimizer.initial import starting_batch, too_little
from optimizer.objectives import Objective
from optimizer.parameters import Continuous
from optimizer.rows import row_keys
from optimizer.space import SearchSpace

SPACE = SearchSpace(
    [Continuous("x", 0.0, 0.6), Continuous("time", 3, 20), Categorical("jar", ["steel", "agate"])]
)
COLUMNS = SPACE.columns
PAPER = pd.DataFrame(
    {
        "x": [0.0, 0.0, 0.15, 0.3, 0.6, 0.15],
        "time": [20.0, 20.0, 3.0, 3.0, 3.0, 3.0],
        "jar": ["agate", "agate", "steel", "steel", "steel", "steel"],
    }
)
CONTROL = {"x": 0.15, "time": 3.0, "jar": "steel"}


@pytest.fixture
def rng():
    return np.random.default_rng(0)


def pairs(rows):
    return {(found.a, found.b) for found in confounds(rows, COLUMNS)}


def test_columns_that_change_only_together_are_found():
    assert pairs(PAPER) == {("x", "time"), ("x", "jar"), ("time", "jar")}
    sentence = confounds(PAPER, COLUMNS)[1].detail
    assert sentence == "all rows with x = 0 have jar = agate, and no others do"


@pytest.mark.parametrize(
    ("row", "left"),
    [
        pytest.param((0.0, 3.0, "steel"), {("time", "jar")}, id="x-alone"),
        pytest.param((0.15, 3.0, "agate"), {("x", "time")}, id="jar-alone"),
        pytest.param((0.15, 20.0, "steel"), {("x", "jar")}, id="time-alone"),
    ],
)
def test_a_crossed_row_breaks_the_confounds_of_its_column(row, left):
    assert pairs(pd.concat([PAPER, pd.DataFrame([row], columns=COLUMNS)])) == left


@pytest.mark.parametrize("seed", range(5))
def test_a_random_design_has_no_confounds_among_its_numbers(seed):
    rows = SPACE.spread(12, np.random.default_rng(seed))
    assert not {pair for pair in pairs(rows) if "jar" not in pair}


def test_one_row_or_none_is_no_confound():
    assert confounds(PAPER.head(1), COLUMNS) == []
    assert confounds(PAPER.head(0), COLUMNS) == []


def test_breakers_take_one_level_to_the_anchor_and_say_what_for():
    rows = confound_breakers(PAPER, pd.Series(CONTROL), confounds(PAPER, COLUMNS))
    assert row_keys(rows, COLUMNS) == [
        (0.0, 3.0, "steel"),
        (0.15, 20.0, "steel"),
        (0.15, 3.0, "agate"),
    ]
    assert rows["why"][0] == "takes x = 0 to the control, which tells x from time and jar"


def test_breakers_leave_out_what_was_made():
    made = pd.concat([PAPER, pd.DataFrame([(0.0, 3.0, "steel")], columns=COLUMNS)])
    rows = confound_breakers(made, pd.Series(CONTROL), confounds(PAPER, COLUMNS))
    assert (0.0, 3.0, "steel") not in row_keys(rows, COLUMNS)


def test_a_start_takes_the_control_then_breaks_confounds_then_fills_gaps(rng):
    told = PAPER.replace({"x": 0.15}, 0.2)
    assert len(pairs(told)) == 3
    batch = starting_batch(SPACE, 4, told=told, control=CONTROL, rng=rng)
    assert row_keys(batch, COLUMNS)[0] == (0.15, 3.0, "steel")
    assert batch["why"][0] == "control"
    assert batch["why"].str.startswith("takes").tolist() == [False, True, True, False]
    assert pairs(pd.concat([told, batch[COLUMNS]])) == set()


def test_a_control_made_before_is_not_proposed_again(rng):
    batch = starting_batch(SPACE, 2, told=PAPER, control=CONTROL, rng=rng)
    assert "control" not in batch["why"].tolist()


def test_breakers_outside_the_space_are_not_proposed(rng):
    space = SearchSpace([Continuous("x", 0.1, 0.6), Continuous("time", 3, 5), SPACE.parameters[2]])
    batch = starting_batch(space, 3, told=PAPER, control=CONTROL, rng=rng)
    assert space.allows(batch).all()
    assert row_keys(batch, COLUMNS)[0] == (0.15, 3.0, "agate")


def test_with_nothing_told_rows_keep_farther_apart_than_random_ones(rng):
    def closest(rows):
        at = SPACE.encode(rows)
        return np.linalg.norm(at[:, None] - at[None], axis=-1)[np.triu_indices(len(at), 1)].min()

    batch = starting_batch(SPACE, 8, told=PAPER.head(0), rng=rng)
    random = [closest(SPACE.spread(8, np.random.default_rng(seed))) for seed in range(20)]
    assert closest(batch) > max(random)


def test_a_start_from_nothing_only_fills_the_space(rng):
    batch = starting_batch(SPACE, 4, told=PAPER.head(0), rng=rng)
    assert set(batch["why"]) == {"fills the largest gap in what was made so far"}


def test_a_start_obeys_shared_columns_and_capacity(rng):
    batch = starting_batch(
        SPACE,
        4,
        told=PAPER,
        start=pd.DataFrame([CONTROL]),
        shared=["time"],
        capacity={"jar": {"agate": 1}},
        rng=rng,
    )
    assert set(batch["time"]) == {3.0}
    assert (batch["jar"] == "agate").sum() <= 1


def test_a_pool_too_small_for_the_start_is_reported(rng):
    pool = SearchSpace.from_candidates(PAPER.drop_duplicates())
    with pytest.raises(SpaceError, match=r"asked for 2 new rows, got 1"):
        starting_batch(pool, 2, told=PAPER.iloc[1:4], rng=rng)


@pytest.mark.parametrize(
    ("y", "expected"),
    [
        pytest.param([1, 1, 1, 1, 1, 1], False, id="four-recipes-of-six-rows"),
        pytest.param([1, 1, 1, np.nan, np.nan, 1], True, id="two-recipes"),
        pytest.param([np.nan] * 6, True, id="none"),
    ],
)
def test_too_little_counts_distinct_recipes_of_each_objective(y, expected):
    told = PAPER.assign(y=y, z=1.0)
    objectives = [Objective("y", "maximize", reference=0), Objective("z", "maximize", reference=0)]
    assert too_little(told, objectives, SPACE) is expected
