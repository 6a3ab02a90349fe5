"""Recipes for ``predict``: single values or one sweep, every one possible."""

import pytest

from experiments.sweep import MOST_ROWS, sweep_recipes
from features.errors import RecipeError

USUAL = {
    "x": "0.15",
    "milling_time_h": "3",
    "milling_speed_rpm": "500",
    "pressing_pressure_mpa": "450",
}


def recipes(media="stainless_steel", **texts):
    return sweep_recipes(USUAL | texts, media)


def test_without_a_sweep_there_is_one_recipe():
    (row,) = recipes().to_dict("records")
    assert row == {
        "x": 0.15,
        "milling_time_h": 3.0,
        "milling_speed_rpm": 500.0,
        "pressing_pressure_mpa": 450.0,
        "milling_media": "stainless_steel",
    }


@pytest.mark.parametrize(
    ("name", "text", "values"),
    [
        pytest.param("x", "0:0.6:0.2", [0, 0.2, 0.4, 0.6], id="oxygen-with-its-end"),
        pytest.param("milling_time_h", "1:4:2", [1, 3], id="end-off-the-steps"),
        pytest.param("pressing_pressure_mpa", "75:125:25", [75, 100, 125], id="pressure"),
        pytest.param("x", "0,1:0,3:0,1", [0.1, 0.2, 0.3], id="decimal-comma"),
    ],
)
def test_a_sweep_varies_one_variable_and_names_it(name, text, values):
    table = recipes(**{name: text})
    assert table[name].tolist() == pytest.approx(values)
    assert table.index[0] == f"{name} = {values[0]:g}"
    others = [column for column in USUAL if column != name]
    assert (table[others].nunique() == 1).all()


def test_two_sweeps_are_refused():
    with pytest.raises(RecipeError, match="one variable at a time, got x and milling_time_h"):
        recipes(x="0:0.6:0.1", milling_time_h="1:3:1")


@pytest.mark.parametrize(
    "text",
    [
        pytest.param("", id="blank"),
        pytest.param("much", id="a-word"),
        pytest.param("0:0.6", id="no-step"),
        pytest.param("0:0.6:0", id="step-0"),
        pytest.param("0:0.6:-0.1", id="step-below-0"),
        pytest.param("0.6:0:0.1", id="backwards"),
        pytest.param("0:0.6:0.1:2", id="four-parts"),
        pytest.param("0:0.6:0.000001", id="too-many"),
    ],
)
def test_what_is_no_sweep_is_refused_with_what_was_got(text):
    with pytest.raises(
        RecipeError, match=rf"x must be a number or a sweep .*{MOST_ROWS} values, g"
    ):
        recipes(x=text)


@pytest.mark.parametrize("text", ["nan", "inf", "0:inf:1", "nan:1:1"])
def test_numbers_that_are_none_are_refused(text):
    with pytest.raises(RecipeError, match="x"):
        recipes(x=text)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        pytest.param({"x": "-0.1"}, "x", id="oxygen"),
        pytest.param({"x": "3:5:0.5"}, "x", id="end-of-a-sweep"),
        pytest.param({"milling_time_h": "0"}, "milling_time_h", id="no-milling"),
        pytest.param({"media": "granite"}, "granite", id="medium"),
    ],
)
def test_an_impossible_recipe_is_refused(change, message):
    with pytest.raises(RecipeError, match=message):
        recipes(**change)
