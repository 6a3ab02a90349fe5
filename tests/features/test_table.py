"""Complaints about a table name the table, the column and the row."""

import numpy as np
import pandas as pd
import pytest

from features.errors import TableError
from features.table import column, numbers, positive_numbers


def test_numbers_reads_integers_texts_and_missing_types_alike():
    table = pd.DataFrame({"x": ["0.15", 1, np.float64(2)]}, dtype=object)
    assert numbers(table, "x").tolist() == [0.15, 1.0, 2.0]


@pytest.mark.parametrize("read", [column, numbers, positive_numbers])
def test_missing_column_is_named_beside_those_there_are(read):
    message = r"recipes: column 'x' must be there once, got it 0 times \(columns a, 3\); add or"
    with pytest.raises(TableError, match=message):
        read(pd.DataFrame([[1, 2]], columns=["a", 3]), "x", where="recipes")


def test_column_that_is_there_twice_is_refused():
    with pytest.raises(TableError, match=r"table: column 'x' must be there once, got it 2 times"):
        column(pd.DataFrame([[1, 2]], columns=["x", "x"]), "x")


def test_array_instead_of_a_table_is_refused():
    message = "table: must be a pandas DataFrame with column 'x', got ndarray; name the columns"
    with pytest.raises(TableError, match=message):
        column(np.zeros((2, 2)), "x")


@pytest.mark.parametrize("value", ["about 3", None, float("nan"), float("inf")])
def test_first_value_that_is_no_number_is_named_with_its_row(value):
    table = pd.DataFrame({"x": [0.1, value, value]}, index=["S01", "S02", "S03"], dtype=object)
    message = rf"table: x must be a finite number in every row, got {value} \(row S02\); mend"
    with pytest.raises(TableError, match=message):
        numbers(table, "x")


@pytest.mark.parametrize("value", [0.0, -3.0])
def test_zero_has_no_logarithm_and_is_named_with_its_row(value):
    table = pd.DataFrame({"milling_time_h": [3.0, value]}, index=["S01", "S02"])
    message = rf"recipes: milling_time_h must be above zero .* got {value} \(row S02\)"
    with pytest.raises(TableError, match=message):
        positive_numbers(table, "milling_time_h", where="recipes")
