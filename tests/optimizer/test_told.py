"""Reading what a user tells."""

import numpy as np
import pandas as pd
import pytest

from features.errors import TableError
from optimizer.objectives import Objective
from optimizer.told import scale_bounds, told_readings

Y = Objective("y", "maximize")
LEAK = Objective("leak", "minimize", scale="log10")


@pytest.mark.parametrize(
    ("cell", "lower", "upper"),
    [
        pytest.param(2.5, 2.5, 2.5, id="number"),
        pytest.param("2.7e-4", 2.7e-4, 2.7e-4, id="text-number"),
        pytest.param("<1e-10", np.nan, 1e-10, id="below"),
        pytest.param("<= 4", np.nan, 4, id="at-most"),
        pytest.param(">3.0", 3, np.nan, id="above"),
        pytest.param("2.30..2.35", 2.30, 2.35, id="range"),
        pytest.param("-2..-1", -2, -1, id="negative-range"),
    ],
)
def test_a_cell_becomes_an_interval(cell, lower, upper):
    row = told_readings(pd.DataFrame({"y": [cell]}), [Y]).iloc[0]
    np.testing.assert_equal([row["lower"], row["upper"]], [lower, upper])


def test_empty_cells_are_absent_and_rows_keep_their_position():
    table = pd.DataFrame({"y": [None, 1.0, ""], "leak": [1e-9, np.nan, "<1e-10"]}, index=[5, 6, 7])
    readings = told_readings(table, [Y, LEAK])
    assert readings[["row", "objective"]].values.tolist() == [[0, "leak"], [1, "y"], [2, "leak"]]


def test_a_standard_error_reaches_the_scale_and_is_ignored_for_censored_text():
    table = pd.DataFrame({"leak": [1e-9, "<1e-10"], "leak_se": [1e-10, 5.0]})
    readings = told_readings(table, [LEAK])
    assert readings["se"].tolist()[0] == 1e-10
    assert np.isnan(readings["se"][1])
    told = scale_bounds(readings, LEAK)
    assert told.loc[0].tolist() == pytest.approx([-9, -9, -9, 0.1 / np.log(10)])
    assert told.loc[1].tolist() == pytest.approx([-np.inf, -10, -10, 0])


def test_a_range_keeps_both_ends_on_the_scale():
    told = scale_bounds(told_readings(pd.DataFrame({"leak": ["1e-10..1e-8"]}), [LEAK]), LEAK)
    assert told.loc[0].tolist() == pytest.approx([-10, -8, -9, 0])


@pytest.mark.parametrize(
    ("table", "message"),
    [
        pytest.param({"x": [1]}, r"got x \(missing: leak\)", id="no-column"),
        pytest.param(
            {"leak": ["about 3"]}, r"row 0, column 'leak': must be .*'about 3'", id="text"
        ),
        pytest.param({"leak": ["3 S/cm"]}, r"got '3 S/cm'; write .* without a unit", id="unit"),
        pytest.param({"leak": [-9.0]}, r"must be finite and above 0, got -9.0", id="log"),
        pytest.param({"leak": ["<0"]}, r"above 0, got '<0'; leave the cell empty", id="bound"),
        pytest.param({"leak": [np.inf]}, r"must be finite and above 0, got inf", id="inf"),
        pytest.param({"leak": ["3..2"]}, r"must run from low to high, got '3..2'", id="range"),
        pytest.param(
            {"leak": [None, np.nan]},
            r"at least one result .* none in 2 rows; use withdraw",
            id="none",
        ),
        pytest.param(
            {"leak": [1], "leak_se": [-1]},
            r"row 0, column 'leak_se': .*at least 0, got -1",
            id="se",
        ),
        pytest.param(
            {"leak": [1], "leak_se": ["x"]}, r"column 'leak_se': .* got 'x'", id="se-text"
        ),
    ],
)
def test_a_bad_table_is_refused(table, message):
    with pytest.raises(TableError, match=message):
        told_readings(pd.DataFrame(table), [LEAK])
