"""Parameters, search spaces and fixed pools."""

from decimal import Decimal

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from features.errors import SpaceError, TableError
from optimizer.categorical import Categorical
from optimizer.constraints import LinearConstraint
from optimizer.parameters import Continuous, Discrete
from optimizer.rows import row_keys
from optimizer.space import SearchSpace

DENSITY = pd.DataFrame(
    {"density": [7.8, 6.0, 2.6, 3.9], "hardness": [6, 12, 7, 15]},
    index=["steel", "zirconia", "agate", "alumina"],
)


@pytest.fixture
def rng():
    return np.random.default_rng(0)


@pytest.fixture
def space():
    return SearchSpace(
        [
            Continuous("x", 0.0, 0.6),
            Discrete("pressure", 75, 500, step=25),
            Categorical("medium", ["steel", "zirconia", "agate"]),
        ]
    )


@given(
    start=st.integers(-500, 500),
    step=st.integers(1, 400),
    count=st.integers(1, 300),
    places=st.integers(0, 4),
    unit=st.floats(0, 1, exclude_max=True),
)
@settings(max_examples=200, deadline=None)
def test_grid_values_are_the_decimals_themselves(start, step, count, places, unit):
    scale = Decimal(10) ** -places
    low, width = start * scale, step * scale
    grid = Discrete("x", float(low), float(low + count * width), step=float(width))
    assert grid.n_values == count + 1
    value = grid.value_at(np.array([unit]))[0]
    assert value in {float(low + k * width) for k in range(count + 1)}
    assert grid.value_at(np.array([0.0]))[0] == float(low)
    assert grid.value_at(np.array([np.nextafter(1, 0)]))[0] == float(low + count * width)


@given(seed=st.integers(0, 2**31), n=st.integers(1, 40))
@settings(max_examples=30, deadline=None)
def test_spread_and_near_stay_in_the_space_and_do_not_repeat(seed, n):
    space = SearchSpace(
        [Continuous("x", 0.0, 0.6), Discrete("t", 0.5, 2, step=0.05), Categorical("m", "abc")],
        constraint=lambda frame: frame["x"] < 0.3 * frame["t"],
    )
    rng = np.random.default_rng(seed)
    rows = space.spread(n, rng)
    around = space.near(rows.iloc[0], n, rng)
    assert len(rows) == n
    for frame in (rows, around):
        assert space.allows(frame).all()
        assert len(set(row_keys(frame, space.columns))) == len(frame)
        encoded = space.encode(frame)
        assert encoded.min() >= 0
        assert encoded.max() <= 1
    assert row_keys(rows.head(1), space.columns)[0] not in row_keys(around, space.columns)


def test_whole_numbers_stay_whole(space, rng):
    rows = space.spread(8, rng)
    assert rows["pressure"].dtype == np.int64
    assert rows["x"].dtype == float


def test_spread_fills_each_half_of_each_axis_evenly(space, rng):
    encoded = space.encode(space.spread(64, rng))[:, :2]
    np.testing.assert_allclose((encoded < 0.5).mean(axis=0), 0.5, atol=0.06)


def test_spread_of_a_small_grid_gives_all_of_it(rng):
    space = SearchSpace([Discrete("a", 1, 4), Categorical("b", ["p", "q"])])
    rows = space.spread(50, rng)
    assert sorted(row_keys(rows, ["a", "b"])) == [(a, b) for a in (1, 2, 3, 4) for b in "pq"]


def test_fixed_values_are_kept_by_spread_and_near(space, rng):
    fixed = {"pressure": 450}
    rows = space.spread(10, rng, fixed)
    around = space.near(rows.iloc[0], 10, rng, fixed)
    assert set(rows["pressure"]) == set(around["pressure"]) == {450}


def test_neighbours_are_mostly_close_and_sometimes_of_another_level(space, rng):
    row = pd.Series({"x": 0.3, "pressure": 300, "medium": "steel"})
    around = space.near(row, 200, rng)
    assert np.median(np.abs(around["x"] - 0.3)) < 0.05
    assert {"zirconia", "agate"} < set(around["medium"])


def test_a_row_beyond_the_bounds_encodes_beyond_the_cube_and_is_not_allowed(space):
    row = pd.DataFrame({"x": [0.9], "pressure": [75.0], "medium": ["steel"]})
    assert space.encode(space.check(row))[0, 0] == pytest.approx(1.5)
    assert not space.allows(row)[0]


def test_neighbours_of_a_row_beyond_the_bounds_lie_inside(space, rng):
    around = space.near({"x": 0.9, "pressure": 810, "medium": "steel"}, 30, rng)
    assert space.allows(around).all()


def test_descriptors_place_levels_by_their_numbers():
    medium = Categorical("medium", ["steel", "zirconia", "agate"], DENSITY)
    encoded = medium.encode(pd.Series(["steel", "agate", "alumina"]))
    np.testing.assert_allclose(encoded[:, 0], [1, 0, 0.25])
    assert encoded[2, 1] == pytest.approx(1.5)  # known, but not offered today


def test_a_held_number_is_allowed_and_does_not_move(rng):
    space = SearchSpace([Continuous("x", 0, 1), Continuous("rpm", 500, 500)])
    rows = space.spread(5, rng)
    assert set(rows["rpm"]) == {500}
    assert (space.encode(rows)[:, 1] == 0).all()


@pytest.mark.parametrize(
    ("build", "message"),
    [
        pytest.param(
            lambda: Continuous("x", 1, 0), r"'x': low must not exceed high, got 1 to 0", id="swap"
        ),
        pytest.param(
            lambda: Continuous("x", 0, np.inf), r"bounds must be finite .* got 0 to inf", id="inf"
        ),
        pytest.param(lambda: Continuous("", 0, 1), r"name must be a non-empty text", id="name"),
        pytest.param(
            lambda: Discrete("t", 0, 1, step=0.3),
            r"'t': step must divide high - low, got step 0.3 \(low 0, high 1\)",
            id="step",
        ),
        pytest.param(
            lambda: Discrete("t", 0, 1, step=0), r"step must be a positive number, got 0", id="zero"
        ),
        pytest.param(
            lambda: Categorical("m", ["a", "a"]),
            r"levels must be different .*\['a', 'a'\]",
            id="rep",
        ),
        pytest.param(
            lambda: Categorical("m", ["steel", "gold"], DENSITY),
            r"a row for each level, got none for gold",
            id="no-row",
        ),
        pytest.param(
            lambda: Categorical("m", ["a"], pd.DataFrame({"d": ["hard"]}, index=["a"])),
            r"descriptors must be finite numbers, got .*'hard'",
            id="text",
        ),
        pytest.param(
            lambda: Categorical("m", ["a", "b"], pd.DataFrame({"d": [1, 1]}, index=["a", "b"])),
            r"tell every two levels apart, got two equal rows .*add a column",
            id="equal",
        ),
        pytest.param(lambda: SearchSpace([]), r"at least one parameter .* got none", id="empty"),
        pytest.param(
            lambda: SearchSpace([Continuous("x", 0, 1), Discrete("x", 0, 1)]),
            r"got x, x \(repeated: x\); name every column",
            id="twice",
        ),
        pytest.param(
            lambda: SearchSpace.from_candidates(pd.DataFrame()), r"at least one row", id="no-pool"
        ),
        pytest.param(
            lambda: SearchSpace.from_candidates(pd.DataFrame({"x": [1, 2, 1]})),
            r"an earlier row again in row 2",
            id="pool-repeats",
        ),
        pytest.param(
            lambda: SearchSpace.from_candidates(pd.DataFrame({"x": [1, None]})),
            r"must not be empty, got gaps in row 1",
            id="pool-gap",
        ),
    ],
)
def test_a_malformed_space_is_refused(build, message):
    with pytest.raises(SpaceError, match=message):
        build()


@pytest.mark.parametrize(
    ("change", "message"),
    [
        pytest.param(
            {"x": ["a"]}, r"row 7, column 'x': must be a finite number, got 'a'", id="txt"
        ),
        pytest.param({"x": [None]}, r"row 7, column 'x': must be a finite number", id="gap"),
        pytest.param(
            {"medium": ["gold"]}, r"column 'medium': must be one of steel, .*'gold'", id="m"
        ),
    ],
)
def test_a_bad_cell_is_refused_by_row_and_column(space, change, message):
    row = pd.DataFrame({"x": [0.1], "pressure": [100], "medium": ["steel"], **change}, index=[7])
    with pytest.raises(TableError, match=message):
        space.check(row)


def test_all_bad_rows_of_a_column_are_named(space):
    rows = pd.DataFrame({"x": [np.nan] * 3, "pressure": 100, "medium": "steel"})
    with pytest.raises(TableError, match=r"rows 0, 1, 2, column 'x'"):
        space.check(rows)


def test_a_missing_column_is_named(space):
    with pytest.raises(TableError, match=r"got x \(missing: pressure, medium\); add what"):
        space.check(pd.DataFrame({"x": [0.1]}))


def test_a_constraint_that_nothing_meets_is_reported(rng):
    space = SearchSpace([Continuous("x", 0, 1)], constraint=lambda frame: frame["x"] > 2)
    with pytest.raises(SpaceError, match=r"must meet the constraint, got none in \d+ tries"):
        space.spread(3, rng)


def test_a_constraint_that_gives_no_booleans_is_reported(rng):
    space = SearchSpace([Continuous("x", 0, 1)], constraint=lambda frame: frame["x"])
    with pytest.raises(SpaceError, match=r"one boolean a row, got float64 of shape \(\d+,\)"):
        space.spread(3, rng)


def test_pool_offers_its_rows_only_and_the_nearest_first(rng):
    frame = pd.DataFrame({"x": [0, 1, 2, 10], "m": ["a", "a", "a", "b"]}, index=list("wxyz"))
    pool = SearchSpace.from_candidates(frame)
    assert pool.near({"x": 0, "m": "a"}, 2, rng)["x"].tolist() == [1, 2]
    assert sorted(pool.spread(9, rng)["x"]) == [0, 1, 2, 10]
    assert pool.spread(9, rng, {"m": "b"})["x"].tolist() == [10]
    assert pool.allows(pd.DataFrame({"x": [1.0, 1.0], "m": ["a", "b"]})).tolist() == [True, False]


def test_pool_without_the_fixed_value_is_reported(rng):
    pool = SearchSpace.from_candidates(pd.DataFrame({"x": [0, 1]}))
    with pytest.raises(SpaceError, match=r"at least one row must have x = 5, got none of 2"):
        pool.spread(1, rng, {"x": 5})


@pytest.mark.parametrize(
    "parameters",
    [
        pytest.param([Continuous("x", 2, 2)], id="held-number"),
        pytest.param([Discrete("t", 3, 3), Categorical("m", ["a"])], id="grid-and-level"),
    ],
)
def test_a_space_of_one_point_gives_it_and_no_neighbour(parameters, rng):
    space = SearchSpace(parameters)
    rows = space.spread(7, rng)
    assert len(rows) == 1
    near = space.near(rows.iloc[0], 7, rng)
    assert near.empty
    assert list(near) == space.columns
    assert space.continuous == {}


def test_with_all_but_one_held_every_neighbour_differs_in_that_one(rng):
    space = SearchSpace([Continuous("x", 0.3, 0.3), Discrete("t", 1, 9), Categorical("m", ["a"])])
    near = space.near({"x": 0.3, "t": 5, "m": "a"}, 8, rng)
    assert 5 not in set(near["t"])
    assert len(near) >= 4
    assert sorted(space.spread(99, rng)["t"]) == list(range(1, 10))


def test_neighbours_under_other_fixed_values_start_with_the_row_itself_under_them(space, rng):
    row = {"x": 0.3, "pressure": 300, "medium": "steel"}
    first = space.near(row, 5, rng, {"pressure": 450}).iloc[0]
    assert first.to_dict() == {"x": 0.3, "pressure": 450, "medium": "steel"}


def test_the_same_seed_gives_the_same_rows(space):
    one, other = (space.spread(50, np.random.default_rng(3)) for _ in range(2))
    pd.testing.assert_frame_equal(one, other)
    row = one.iloc[0]
    near, again = (space.near(row, 50, np.random.default_rng(3)) for _ in range(2))
    pd.testing.assert_frame_equal(near, again)


def test_constraint_and_constraints_hold_together(rng):
    space = SearchSpace(
        [Continuous("x", 0, 1), Continuous("y", 0, 1)],
        constraint=lambda frame: frame["x"] > 0.5,
        constraints=[LinearConstraint({"x": 1, "y": -1}, at_most=0)],
    )
    rows = space.spread(50, rng)
    assert (rows["x"] > 0.5).all()
    assert (rows["y"] >= rows["x"]).all()
