"""Die area, press force and geometric density, against hand values."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from features.compaction import (
    die_area_cm2,
    porosity,
    press_force_kn,
    press_force_tonnes,
    relative_density,
)
from features.errors import ReadingError, RecipeError
from features.trilayer import layer_thickness_um


def test_die_of_13_mm_has_the_area_of_the_paper():
    assert die_area_cm2() == pytest.approx(1.3273, abs=5e-5)


@pytest.mark.parametrize(
    ("pressure_mpa", "kn", "tonnes", "digits"),
    [
        pytest.param(7, 0.93, 0.095, (2, 3), id="stack"),
        pytest.param(75, 9.95, 1.02, (2, 2), id="pre-compaction"),
        pytest.param(150, 19.9, 2.03, (1, 2), id="150"),
        pytest.param(200, 26.5, 2.71, (1, 2), id="copper-electrodes"),
        pytest.param(300, 39.8, 4.06, (1, 2), id="300"),
        pytest.param(450, 59.7, 6.09, (1, 2), id="co-press"),
    ],
)
def test_press_forces_match_the_hand_table(pressure_mpa, kn, tonnes, digits):
    assert round(float(press_force_kn(pressure_mpa)), digits[0]) == kn
    assert round(float(press_force_tonnes(pressure_mpa)), digits[1]) == tonnes


def test_force_grows_with_the_square_of_the_bore():
    assert press_force_kn(100, 20.0) == pytest.approx(4 * press_force_kn(100, 10.0))
    assert press_force_kn(np.full((2, 3), 100.0)).shape == (2, 3)


@settings(deadline=None)
@given(
    mass_mg=st.floats(5, 1000), x=st.floats(0, 2.5), density=st.floats(0.4, 1.1),
    diameter_mm=st.floats(5, 30),
)  # fmt: skip
def test_relative_density_undoes_the_thickness(mass_mg, x, density, diameter_mm):
    thickness = layer_thickness_um(mass_mg, x, density, die_area_cm2(diameter_mm))
    assert float(relative_density(mass_mg, thickness, x, diameter_mm)) == pytest.approx(density)


def test_relative_density_of_the_paper_core_at_575_um_is_95_percent():
    assert float(relative_density(150, 575, 0.15)) == pytest.approx(0.95, abs=1e-3)


def test_relative_density_broadcasts():
    densities = relative_density(150, np.array([[546.0], [575.0]]), np.array([0.0, 0.15, 0.6]))
    assert densities.shape == (2, 3)


def test_porosity_stays_negative_where_the_true_density_is_in_doubt():
    np.testing.assert_allclose(porosity([0.85, 1.0, 1.02]), [0.15, 0.0, -0.02])


@pytest.mark.parametrize("diameter_mm", [0.0, -13.0, float("nan")])
def test_die_without_a_bore_is_refused(diameter_mm):
    message = rf"diameter_mm must be above zero, got {diameter_mm:g}; give the bore of the die"
    with pytest.raises(RecipeError, match=message):
        press_force_kn(450, diameter_mm)


@pytest.mark.parametrize(
    ("mass_mg", "thickness_um", "message"),
    [
        pytest.param(0, 575, r"mass_mg must be above zero, got 0; give the pellet's mass", id="m"),
        pytest.param([150, 25], [575, -1], r"thickness_um must be above zero, got -1", id="t"),
        pytest.param(150, float("nan"), r"thickness_um must be above zero, got nan", id="nan"),
    ],
)
def test_pellet_without_mass_or_thickness_is_refused(mass_mg, thickness_um, message):
    with pytest.raises(ReadingError, match=message):
        relative_density(mass_mg, thickness_um, 0.15)
