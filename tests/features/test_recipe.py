"""Impossible recipes are refused when built, in words that say what to do."""

from dataclasses import FrozenInstanceError

import pytest

from features.errors import GlassError, RecipeError
from features.recipe import GlassRecipe, PelletRecipe, TrilayerRecipe

GLASS = {"x": 0.15, "milling_time_h": 3.0, "milling_media": "stainless_steel"}
CELL = {"core_mass_mg": 150.0, "skin_mass_mg": 25.0}


def glass(**changes):
    return GlassRecipe(**{**GLASS, **changes})


def pellet(**changes):
    return PelletRecipe(glass(), **{"pressing_pressure_mpa": 450.0, **changes})


def trilayer(**changes):
    return TrilayerRecipe(core=glass(), skin=glass(x=0.6), **{**CELL, **changes})


# builder, field, lowest, highest, unit as printed, remedy
RANGES = [
    (glass, "x", 0, 2.5, "", "the P2S5/P2O5 route ends at x = 2.5; if this is a percentage"),
    (glass, "milling_time_h", 0.1, 100, " h", "give the net milling time in hours, not minutes"),
    (glass, "milling_speed_rpm", 50, 1100, " rpm", "give the speed of the disc in rpm"),
    (pellet, "pressing_pressure_mpa", 1, 1000, " MPa", "give MPa on the sample, not tonnes or bar"),
    (pellet, "mass_mg", 5, 1000, " mg", "give the pellet's mass in mg"),
    (trilayer, "core_mass_mg", 20, 600, " mg", "give mg of core powder"),
    (trilayer, "skin_mass_mg", 2, 200, " mg", "give mg of powder on each side"),
    (trilayer, "precompaction_pressure_mpa", 1, 1000, " MPa", "give MPa on the sample"),
    (trilayer, "pressing_pressure_mpa", 1, 1000, " MPa", "give MPa on the sample"),
    (trilayer, "stack_pressure_mpa", 0, 100, " MPa", "give the pressure on the cell"),
    (trilayer, "temperature_c", -20, 90, " °C", "sodium melts at 97.8 °C: .* never .* above 90 °C"),
]
CASES = [pytest.param(*case, id=f"{case[0].__name__}-{case[1]}") for case in RANGES]


@pytest.mark.parametrize(("build", "name", "low", "high", "unit", "remedy"), CASES)
def test_values_just_outside_their_range_are_refused(build, name, low, high, unit, remedy):
    for value in (low - 0.01, high + 1.0, float("nan")):
        message = rf"^{name} must lie between {low:g} and {high:g}{unit}, got {value:g}; {remedy}"
        with pytest.raises(RecipeError, match=message):
            build(**{name: value})


@pytest.mark.parametrize(("build", "name", "low", "high", "unit", "remedy"), CASES)
def test_values_on_the_edge_of_their_range_are_kept(build, name, low, high, unit, remedy):
    for value in (low, high):
        assert getattr(build(**{name: value}), name) == value


def test_unknown_medium_is_refused_when_the_recipe_is_built():
    with pytest.raises(RecipeError, match=r"milling_media must be one of .* got 'steel'; use one"):
        glass(milling_media="steel")


def test_lost_decimal_point_in_x_is_refused_with_the_percentage_hint():
    with pytest.raises(RecipeError, match=r"got 60; .* if this is a percentage, divide by 100"):
        glass(x=60)


def test_recipe_errors_are_glass_errors_and_value_errors():
    assert issubclass(RecipeError, GlassError)
    assert issubclass(RecipeError, ValueError)


def test_equal_recipes_are_one_key_and_cannot_be_changed():
    assert len({glass(), glass(), glass(x=0.3)}) == 2
    with pytest.raises(FrozenInstanceError, match="cannot assign to field 'x'"):
        glass().x = 0.3


def test_defaults_are_those_of_the_paper():
    assert glass().milling_speed_rpm == 500
    assert pellet().mass_mg == 150
    cell = trilayer()
    assert (cell.precompaction_pressure_mpa, cell.pressing_pressure_mpa) == (75, 450)
    assert (cell.stack_pressure_mpa, cell.temperature_c) == (7, 60)
