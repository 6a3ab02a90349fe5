"""When two rows are the same recipe, one by one and a hundred thousand at a time."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from features.errors import TableError
from optimizer.rows import is_among, is_repeated, repeats, row_keys, significant


@given(st.floats(1e-12, 1e18), st.sampled_from([1, -1]))
def test_ten_significant_digits_are_those_of_the_decimal(value, sign):
    number = sign * value
    rounded = significant(np.array([number])).item()
    assert rounded == pytest.approx(number, rel=1e-9)
    # the same digits as text up to a tie, which doubles cannot decide
    assert f"{rounded:.9g}" in {f"{number:.9g}", f"{float(f'{number:.10g}'):.9g}"}
    assert significant(np.array([rounded])).item() == rounded


@given(st.integers(-(10**9), 10**9), st.integers(0, 9))
def test_short_decimals_stay_what_they_are(digits, places):
    value = float(f"{digits}e-{places}")
    assert significant(np.array([value])).item() == value


def test_numbers_without_digits_stay_what_they_are():
    odd = np.array([np.inf, -np.inf, np.nan, 0.0, -0.0, 1.7e308])
    assert significant(odd).tolist()[:2] == [np.inf, -np.inf]
    assert np.isnan(significant(odd)[2])
    assert not np.signbit(significant(odd)[3:5]).any()
    assert significant(odd)[5] == pytest.approx(1.7e308)


def test_keys_are_alike_from_numbers_texts_and_mixed_columns():
    floats = pd.DataFrame({"x": [0.1 + 0.2, 1.0], "m": ["a", "b"]})
    mixed = pd.DataFrame({"x": pd.Series([0.3, 1], dtype=object), "m": pd.Categorical(["a", "b"])})
    assert row_keys(floats, ["x", "m"]) == row_keys(mixed, ["x", "m"]) == [(0.3, "a"), (1.0, "b")]


def test_many_rows_are_compared_as_one_by_one():
    rng = np.random.default_rng(0)
    frame = pd.DataFrame(
        {
            "x": rng.integers(0, 30, 5000) * 0.1,
            "n": rng.integers(0, 20, 5000),
            "m": rng.choice(["a", "b"], 5000),
            "on": rng.random(5000) < 0.5,
        }
    )
    columns = list(frame)
    keys = row_keys(frame, columns)
    few = set(keys[:7])
    assert is_among(frame, columns, few).tolist() == [key in few for key in keys]
    assert is_among(frame, columns, keys).all()
    assert not is_among(frame, columns, []).any()
    seen: set[object] = set()
    expected = [key in seen or bool(seen.add(key)) for key in keys]
    assert is_repeated(frame, columns).tolist() == expected


def test_repeats_hold_with_more_combinations_than_an_integer_counts():
    rng = np.random.default_rng(0)
    columns = [rng.random(3000) for _ in range(6)]
    doubled = [np.concatenate([column, column]) for column in columns]
    assert not repeats(columns).any()
    assert repeats(doubled).tolist() == [False] * 3000 + [True] * 3000


def test_no_rows_have_no_keys():
    empty = pd.DataFrame({"x": [], "m": []})
    assert row_keys(empty, ["x", "m"]) == []
    assert len(is_repeated(empty, ["x", "m"])) == len(is_among(empty, ["x"], [(1.0,)])) == 0


def test_a_missing_column_is_named_by_every_comparison():
    frame = pd.DataFrame({"x": [1]})
    for compare in (row_keys, is_repeated, lambda f, c: is_among(f, c, [])):
        with pytest.raises(TableError, match=r"missing: m"):
            compare(frame, ["x", "m"])
