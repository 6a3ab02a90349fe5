import numpy as np
import pandas as pd
import pytest

from features.errors import TableError
from models.folds import glasses_of, groups_of, jars_of


def pellets(x, **columns):
    n = len(x)
    plain = {
        "x": x,
        "milling_time_h": 3.0,
        "milling_media": "zirconia",
        "milling_speed_rpm": 500.0,
    }
    return pd.DataFrame({**plain, **columns}, index=[f"P{i}" for i in range(n)])


def test_pellets_of_one_glass_recipe_are_one_group_however_they_are_pressed():
    recipes = pellets([0.15, 0.15, 0.3], pressing_pressure_mpa=[300, 450, 300])
    assert groups_of(recipes, "glass").nunique() == 2


@pytest.mark.parametrize(
    ("column", "values"),
    [
        ("milling_time_h", [3, 6]),
        ("milling_speed_rpm", [500, 400]),
        ("milling_media", ["zirconia", "agate"]),
    ],
)
def test_glasses_differ_by_how_they_are_milled(column, values):
    assert groups_of(pellets([0.15, 0.15], **{column: values}), "glass").nunique() == 2


def test_jars_of_one_recipe_are_one_glass_though_they_weigh_out_differently():
    assert groups_of(pellets([0.1502, 0.1467, 0.1535]), "glass").nunique() == 1
    assert groups_of(pellets([0.1502, 0.1498, 0.16]), "glass").nunique() == 2
    assert glasses_of(pellets([-0.001, 0.001])).nunique() == 1


def test_pellets_without_a_jar_are_their_own():
    assert jars_of(pellets([0.1, 0.2])).tolist() == ["P0", "P1"]
    assert jars_of(pellets([0.1, 0.2], jar=["J", np.nan])).tolist() == ["J", "P1"]


@pytest.mark.parametrize("folds", ["glass", "source"])
def test_groups_that_share_a_jar_are_left_out_together_however_long_the_chain(folds):
    recipes = pellets(
        [0.1, 0.2, 0.2, 0.3, 0.4],
        jar=["A", "A", "B", "B", "C"],
        source=["u", "v", "v", "w", "z"],
    )
    groups = groups_of(recipes, folds)
    assert groups.iloc[:4].nunique() == 1
    assert groups.nunique() == 2


def test_no_jar_is_ever_on_both_sides():
    rng = np.random.default_rng(0)
    for _ in range(20):
        recipes = pellets(
            rng.choice([0.0, 0.1, 0.2, 0.3, 0.4, 0.5], 12),
            jar=rng.choice([*"ABCDEFGHIJKLMNOP"], 12),
        )
        groups = groups_of(recipes, "glass")
        assert (groups.groupby(recipes["jar"]).nunique() == 1).all()
        assert (groups.groupby(recipes["x"]).nunique() == 1).all()


@pytest.mark.parametrize(
    ("columns", "message"),
    [
        pytest.param({}, "must be a column 'source', got columns x,", id="no-column"),
        pytest.param({"source": ["a", "a"]}, "must be 2 of them or more .* got a;", id="one"),
        pytest.param({"source": ["a", None]}, r"filled in every row, .* \(row P1\)", id="empty"),
    ],
)
def test_leaving_sources_out_needs_two_of_them(columns, message):
    with pytest.raises(TableError, match=message):
        groups_of(pellets([0.1, 0.2], **columns), "source")


def test_other_folds_are_refused():
    with pytest.raises(TableError, match="folds must be 'glass' or 'source', got 'pellet'"):
        groups_of(pellets([0.1]), "pellet")


def test_a_glass_without_its_milling_time_is_named():
    with pytest.raises(TableError, match=r"milling_time_h must be a finite number .*row P1"):
        groups_of(pellets([0.1, 0.2], milling_time_h=[3.0, np.nan]), "glass")
