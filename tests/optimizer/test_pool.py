"""Fixed lists of candidates, also long ones."""

import numpy as np
import pandas as pd
import pytest

from features.errors import SpaceError
from optimizer.constraints import LinearConstraint, Rule
from optimizer.pool import CandidatePool
from optimizer.rows import row_keys


@pytest.fixture
def rng():
    return np.random.default_rng(0)


@pytest.fixture(scope="module")
def candidates():
    rng = np.random.default_rng(1)
    n = 100_000
    return pd.DataFrame(
        {"x": rng.random(n), "t": rng.integers(0, 1000, n), "m": rng.choice(["a", "b"], n)}
    )


@pytest.fixture(scope="module")
def large(candidates):
    return CandidatePool(candidates)


def test_a_hundred_thousand_candidates_are_offered_by_distance(large, rng):
    row = large.frame.iloc[17]
    around = large.near(row, 50, rng)
    gaps = np.linalg.norm(large.encode(around) - large.encode(large.frame.iloc[[17]]), axis=1)
    every = np.linalg.norm(large.encode(large.frame) - large.encode(large.frame.iloc[[17]]), axis=1)
    np.testing.assert_allclose(gaps, np.sort(every)[1:51])
    assert row_keys(large.frame.iloc[[17]], large.columns)[0] not in row_keys(around, large.columns)


def test_spread_of_a_long_pool_has_no_row_twice_and_keeps_fixed_values(large, rng):
    rows = large.spread(2000, rng, {"m": "b"})
    assert set(rows["m"]) == {"b"}
    assert len(set(row_keys(rows, large.columns))) == 2000
    assert large.allows(rows).all()


def test_the_pools_own_code_is_computed_once_and_cannot_be_written(large):
    encoded = large.encode(large.frame)
    assert encoded is large.encode(large.frame)
    np.testing.assert_array_equal(large.encode(large.frame.tail(3)), encoded[-3:])
    with pytest.raises(ValueError, match="read-only"):
        encoded[0, 0] = 1.0


def test_blocks_hold_every_candidate_once(large):
    blocks = list(large.blocks(30_000))
    assert [len(block) for block in blocks] == [30_000, 30_000, 30_000, 10_000]
    pd.testing.assert_frame_equal(pd.concat(blocks), large.frame)


def test_equally_near_candidates_come_in_the_order_of_the_table(rng):
    pool = CandidatePool(pd.DataFrame({"x": [0, -1, 1, 2, -2, 6], "k": 0}))
    assert pool.near({"x": 0, "k": 0}, 1, rng)["x"].tolist() == [-1]
    assert pool.near({"x": 0, "k": 0}, 4, rng)["x"].tolist() == [-1, 1, 2, -2]


def test_a_pool_of_one_offers_it_and_no_neighbour(rng):
    pool = CandidatePool(pd.DataFrame({"x": [3], "m": ["a"]}))
    assert pool.spread(5, rng)["x"].tolist() == [3]
    near = pool.near({"x": 3, "m": "a"}, 5, rng)
    assert near.empty
    assert list(near) == ["x", "m"]
    assert pool.continuous == {}
    assert pool.moved(pool.frame, pool.encode(pool.frame)) is pool.frame


def test_candidates_that_break_a_constraint_are_left_out():
    frame = pd.DataFrame({"a": [0.1, 0.5, 0.9], "b": [0.9, 0.5, 0.3]})
    pool = CandidatePool(frame, [LinearConstraint({"a": 1, "b": 1}, equals=1)])
    assert pool.frame["a"].tolist() == [0.1, 0.5]
    assert pool.allows(frame).tolist() == [True, True, False]


@pytest.mark.parametrize(
    ("frame", "constraints", "message"),
    [
        pytest.param(
            pd.DataFrame({"x": [1.0, np.inf]}),
            [],
            r"numbers must be finite, got inf in row 1, column 'x'",
            id="inf",
        ),
        pytest.param(
            pd.DataFrame({"x": np.arange(9) // 3}, index=list("abcdefghi")),
            [],
            r"an earlier row again in row b, c, e, f, h, \.\.\.; drop",
            id="repeats",
        ),
        pytest.param(
            pd.DataFrame({"x": [1.0, np.nan, np.nan]}), [], r"got gaps in row 1, 2; fill", id="gaps"
        ),
        pytest.param(
            pd.DataFrame({"label": [f"c{i}" for i in range(1001)]}),
            [],
            r"at most 1000 levels, got 1001 in 1001 rows, column 'label'; describe them",
            id="labels",
        ),
        pytest.param(
            pd.DataFrame({"x": [1, 2]}),
            [Rule("big", lambda t: t["x"] > 5)],
            r"must meet 'big', got none in 2 tries",
            id="none",
        ),
        pytest.param(
            pd.DataFrame({"x": [1, 2]}),
            [LinearConstraint({"y": 1}, at_most=1)],
            r"'y <= 1': must name parameters of the space, got y; it has x",
            id="unknown",
        ),
    ],
)
def test_a_malformed_pool_is_refused(frame, constraints, message):
    with pytest.raises(SpaceError, match=message):
        CandidatePool(frame, constraints)
