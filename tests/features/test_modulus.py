"""Makishima-Mackenzie against the hand table of domain notes 4.4."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from features.modulus import (
    ION_VOLUME_NA2S_CM3_MOL,
    ION_VOLUME_P2O5_CM3_MOL,
    ION_VOLUME_P2S5_CM3_MOL,
    dissociation_energy,
    makishima_mackenzie_modulus,
    packing_density,
)


@pytest.mark.parametrize(
    ("x", "packing", "energy_kj_cm3", "modulus_gpa"),
    [
        pytest.param(0.0, 0.621, 17.84, 22.2, id="no-oxygen"),
        pytest.param(0.15, 0.638, 18.11, 23.1, id="core"),
        pytest.param(0.30, 0.654, 18.38, 24.0, id="middle"),
        pytest.param(0.60, 0.685, 18.92, 25.9, id="skin"),
        pytest.param(1.00, 0.722, 19.64, 28.4, id="extrapolated"),
    ],
)
def test_modulus_matches_the_hand_table(x, packing, energy_kj_cm3, modulus_gpa):
    assert float(packing_density(x)) == pytest.approx(packing, abs=1e-3)
    assert float(dissociation_energy(x)) == pytest.approx(energy_kj_cm3, abs=0.02)
    assert float(makishima_mackenzie_modulus(x)) == pytest.approx(modulus_gpa, abs=0.1)


@pytest.mark.parametrize(
    ("volume_cm3_mol", "expected"),
    [
        pytest.param(ION_VOLUME_NA2S_CM3_MOL, 21.07, id="Na2S"),
        pytest.param(ION_VOLUME_P2S5_CM3_MOL, 78.60, id="P2S5"),
        pytest.param(ION_VOLUME_P2O5_CM3_MOL, 34.63, id="P2O5"),
    ],
)
def test_ion_volumes_match_the_hand_values(volume_cm3_mol, expected):
    assert volume_cm3_mol == pytest.approx(expected, abs=0.01)


def test_oxygen_raises_the_dense_modulus_by_about_a_sixth_over_the_papers_range():
    dense = makishima_mackenzie_modulus([0.0, 0.6])
    assert dense[1] / dense[0] == pytest.approx(1.17, abs=0.01)


@given(st.floats(0, 2.4), st.floats(0.01, 0.1))
def test_every_part_rises_with_oxygen(x, step):
    for quantity in (packing_density, dissociation_energy, makishima_mackenzie_modulus):
        assert quantity(x + step) > quantity(x)


def test_shape_is_kept():
    assert makishima_mackenzie_modulus(np.zeros((2, 3))).shape == (2, 3)
    assert makishima_mackenzie_modulus(0.3).shape == ()
