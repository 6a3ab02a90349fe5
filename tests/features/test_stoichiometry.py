"""Masses and compositions: the hand-computed table, round trips and sensitivities."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from features.errors import RecipeError
from features.stoichiometry import (
    MOLAR_MASS_NA2S,
    MOLAR_MASS_P2O5,
    MOLAR_MASS_P2S5,
    Assays,
    Masses,
    composition_from,
    masses_for,
    molar_mass,
)

ROUNDING_MG = 0.05 + 1e-9

# x; then Na2S, P2S5, P2O5 in mg for 2 g of glass, as worked out by hand
PURE_ROWS = [
    pytest.param(0.0, (1026.0, 974.0, 0.0), id="no-oxygen"),
    pytest.param(0.15, (1037.0, 925.3, 37.7), id="core-of-the-paper"),
    pytest.param(0.30, (1048.1, 875.6, 76.3), id="x-030"),
    pytest.param(0.60, (1071.3, 772.9, 155.9), id="skin-of-the-paper"),
    pytest.param(1.00, (1103.7, 628.6, 267.7), id="x-1"),
    pytest.param(2.50, (1245.1, 0.0, 754.9), id="end-of-the-route"),
]
GRADE_99_ROWS = [
    pytest.param(0.0, (1036.4, 983.8, 0.0), id="no-oxygen"),
    pytest.param(0.15, (1047.4, 934.7, 38.1), id="core-of-the-paper"),
    pytest.param(0.30, (1058.7, 884.4, 77.0), id="x-030"),
    pytest.param(0.60, (1082.1, 780.7, 157.5), id="skin-of-the-paper"),
    pytest.param(1.00, (1114.8, 635.0, 270.4), id="x-1"),
]
ALL_99 = Assays(na2s=0.99, p2s5=0.99, p2o5=0.99)

fractions = st.floats(0.80, 1.0)
assays = st.builds(Assays, na2s=fractions, p2s5=fractions, p2o5=fractions)
oxygen = st.floats(0.0, 2.5)
batches = st.floats(0.1, 50.0)


@pytest.mark.parametrize(
    ("computed", "printed"),
    [
        pytest.param(MOLAR_MASS_NA2S, 78.040, id="Na2S"),
        pytest.param(MOLAR_MASS_P2S5, 222.248, id="P2S5"),
        pytest.param(MOLAR_MASS_P2O5, 141.943, id="P2O5"),
        pytest.param(float(molar_mass(0.0)), 228.183, id="Na3PS4"),
        pytest.param(float(molar_mass(1.0)), 228.183 - 16.061, id="Na3PS3O"),
    ],
)
def test_molar_masses_match_the_hand_sums(computed, printed):
    assert computed == pytest.approx(printed, abs=6e-4)


@pytest.mark.parametrize(("x", "expected"), PURE_ROWS)
def test_masses_of_pure_reagents_match_the_table(x, expected):
    masses = masses_for(x, 2.0)
    assert (masses.na2s_mg, masses.p2s5_mg, masses.p2o5_mg) == pytest.approx(
        expected, abs=ROUNDING_MG
    )
    assert masses.total_mg == pytest.approx(2000.0)


@pytest.mark.parametrize(("x", "expected"), GRADE_99_ROWS)
def test_masses_of_99_percent_reagents_match_the_table(x, expected):
    masses = masses_for(x, 2.0, ALL_99)
    assert (masses.na2s_mg, masses.p2s5_mg, masses.p2o5_mg) == pytest.approx(
        expected, abs=ROUNDING_MG
    )
    assert masses.total_mg == pytest.approx(2000.0 / 0.99)


@pytest.mark.parametrize(("x", "expected"), PURE_ROWS)
def test_x_comes_back_from_exact_and_from_rounded_masses(x, expected):
    assert composition_from(masses_for(x, 2.0)).x == pytest.approx(x, abs=1e-6)
    assert composition_from(Masses(*expected)).x == pytest.approx(x, abs=3e-4)


@pytest.mark.parametrize(("x", "expected"), GRADE_99_ROWS)
def test_x_comes_back_from_masses_of_99_percent_reagents(x, expected):
    assert composition_from(masses_for(x, 2.0, ALL_99), ALL_99).x == pytest.approx(x, abs=1e-6)
    assert composition_from(Masses(*expected), ALL_99).x == pytest.approx(x, abs=3e-4)


@settings(deadline=None)
@given(x=oxygen, batch_mass_g=batches, assays=assays)
def test_composition_undoes_masses_for_any_lot_and_batch(x, batch_mass_g, assays):
    composition = composition_from(masses_for(x, batch_mass_g, assays), assays)
    assert composition.x == pytest.approx(x, abs=1e-9)
    assert composition.na_per_p == pytest.approx(3.0, abs=1e-9)
    assert composition.s_per_p == pytest.approx(4.0 - x, abs=1e-9)


@settings(deadline=None)
@given(
    na2s_mg=st.floats(0, 1e4), p2s5_mg=st.floats(0.1, 1e4), p2o5_mg=st.floats(0, 1e4), assays=assays
)
def test_charges_balance_whatever_was_weighed(na2s_mg, p2s5_mg, p2o5_mg, assays):
    made = composition_from(Masses(na2s_mg, p2s5_mg, p2o5_mg), assays)
    assert made.na_per_p + 5 == pytest.approx(2 * (made.s_per_p + made.x))


@settings(deadline=None)
@given(x=oxygen, batch_mass_g=batches, fraction=fractions)
def test_equal_assays_leave_x_unchanged(x, batch_mass_g, fraction):
    masses = masses_for(x, batch_mass_g)
    same = Assays(na2s=fraction, p2s5=fraction, p2o5=fraction)
    assert composition_from(masses, same).x == pytest.approx(composition_from(masses).x, abs=1e-9)


@pytest.mark.parametrize(("x", "change"), [(0.15, 0.0037), (0.60, 0.0029)])
def test_one_milligram_of_p2o5_moves_x_as_worked_out(x, change):
    masses = masses_for(x, 2.0)
    heavier = replace(masses, p2o5_mg=masses.p2o5_mg + 1)
    assert composition_from(heavier).x - x == pytest.approx(change, abs=6e-5)


def test_ten_milligrams_of_na2s_move_sodium_as_worked_out():
    masses = masses_for(0.15, 2.0)
    heavier = replace(masses, na2s_mg=masses.na2s_mg + 10)
    assert composition_from(heavier).na_per_p - 3 == pytest.approx(0.028, abs=1e-3)


def test_impure_na2s_taken_as_pure_loses_sodium():
    made = composition_from(masses_for(0.15, 2.0), Assays(na2s=0.95))
    assert made.na_per_p == pytest.approx(2.85)


@pytest.mark.parametrize(("x", "real"), [(0.15, 0.146), (0.60, 0.586)])
def test_wet_p2o5_taken_as_dry_loses_oxygen(x, real):
    made = composition_from(masses_for(x, 2.0), Assays(p2o5=0.97))
    assert made.x == pytest.approx(real, abs=5e-4)


def test_molar_mass_keeps_the_shape():
    assert molar_mass(np.zeros((3, 2))).shape == (3, 2)


@pytest.mark.parametrize("x", [-0.01, 2.51, 15.0, float("nan")])
def test_x_beyond_the_route_is_refused(x):
    message = rf"x must lie between 0 and 2.5, got {x:g}; the P2S5/P2O5 route .* divide by 100"
    with pytest.raises(RecipeError, match=message):
        masses_for(x, 2.0)


@pytest.mark.parametrize("batch_mass_g", [0.05, 51.0, 2000.0, float("nan")])
def test_batch_mass_in_milligrams_is_refused(batch_mass_g):
    message = (
        rf"batch_mass_g must lie between 0.1 and 50 g, got {batch_mass_g:g}; "
        "give grams, not milligrams"
    )
    with pytest.raises(RecipeError, match=message):
        masses_for(0.15, batch_mass_g)


@pytest.mark.parametrize("name", ["na2s", "p2s5", "p2o5"])
@pytest.mark.parametrize("value", [99.0, 0.79, 1.001, float("nan")])
def test_assay_given_in_percent_is_refused(name, value):
    message = (
        rf"assay of {name} must lie between 0.80 and 1, got {value:g}; "
        "give a mass fraction, 0.99 and not 99"
    )
    with pytest.raises(RecipeError, match=message):
        Assays(**{name: value})


@pytest.mark.parametrize("name", ["na2s_mg", "p2s5_mg", "p2o5_mg"])
@pytest.mark.parametrize("value", [-1.0, float("nan"), float("inf")])
def test_negative_mass_is_refused_by_name(name, value):
    masses = replace(Masses(1037.0, 925.3, 37.7), **{name: value})
    with pytest.raises(
        RecipeError,
        match=rf"{name} must be a finite number and not negative, got .*; give the mass",
    ):
        composition_from(masses)


def test_masses_without_phosphorus_are_refused():
    with pytest.raises(RecipeError, match=r"must hold phosphorus, got 0 mg of both .*; enter"):
        composition_from(Masses(1037.0, 0.0, 0.0))
