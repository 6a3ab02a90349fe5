"""Curves run along one variable; everything else a surrogate may ask for is at a usual value."""

import pandas as pd
import pytest

from features.errors import TableError
from models.curves import POINTS, curve_grids

RECIPES = pd.DataFrame(
    {
        "x": [0.0, 0.2, 0.6], "milling_time_h": [3.0, 3.0, 10.0],
        "milling_media": ["zirconia", "zirconia", "agate"], "milling_speed_rpm": 500.0,
        "pressing_pressure_mpa": [300.0, 450.0, 450.0], "jar": ["G1", "G2", "G3"],
        "source": "lab", "humidity_ppm": [0.1, 0.5, 2.0], "operator": ["AB", "AB", "CD"],
    },
    index=["P1", "P2", "P3"],
)  # fmt: skip


def test_columns_of_a_user_s_own_are_at_their_median_or_the_commonest():
    grid = curve_grids(RECIPES, ["x"])["x"]
    assert len(grid) == POINTS
    assert set(grid["humidity_ppm"]) == {0.5}
    assert set(grid["operator"]) == {"AB"}
    assert set(grid["milling_media"]) == {"zirconia"}


def test_a_curve_is_of_no_jar_and_of_no_source():
    assert not {"jar", "source"} & set(curve_grids(RECIPES, ["x"])["x"])


def test_an_unknown_variable_is_refused():
    with pytest.raises(TableError, match="got 'humidity_ppm'"):
        curve_grids(RECIPES, ["humidity_ppm"])
