"""Features of x alone, against the values worked out by hand."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from features import structure
from features.errors import RecipeError
from features.structure import bridging_oxygen, free_na2s, p1_fraction, p_o_bonds, true_density

TABLE_X = [0.0, 0.15, 0.30, 0.60]

FUNCTIONS = [
    structure.p2o5_mol_percent,
    structure.anion_oxygen_percent,
    structure.bridging_oxygen,
    structure.p1_fraction,
    structure.free_na2s,
    structure.p_o_bonds,
    structure.true_density,
    structure.true_density_sd,
    structure.molar_volume,
    structure.oxygen_density,
    structure.sodium_number_density,
    structure.mean_field_strength,
]


@pytest.mark.parametrize(
    ("quantity", "expected", "rounding"),
    [
        pytest.param(structure.p2o5_mol_percent, [0, 1.5, 3, 6], 1e-9, id="P2O5"),
        pytest.param(structure.anion_oxygen_percent, [0, 3.75, 7.5, 15], 1e-9, id="anions"),
        pytest.param(structure.true_density, [2.00, 2.07, 2.14, 2.28], 5e-5, id="density"),
        pytest.param(structure.molar_volume, [114.1, 109.1, 104.4, 95.9], 0.06, id="volume"),
        pytest.param(structure.oxygen_density, [0, 1.4, 2.9, 6.3], 0.05, id="oxygen"),
        pytest.param(structure.sodium_number_density, [1.58, 1.66, 1.73, 1.89], 0.006, id="Na"),
        pytest.param(structure.mean_field_strength, [0.401, 0.407, 0.414, 0.427], 6e-4, id="field"),
        pytest.param(structure.bridging_oxygen, [0, 0.075, 0.15, 0.30], 1e-9, id="bridges"),
        pytest.param(structure.p1_fraction, [0, 0.15, 0.30, 0.60], 1e-9, id="dimers"),
        pytest.param(structure.free_na2s, [0, 0.075, 0.15, 0.30], 1e-9, id="free-Na2S"),
        pytest.param(structure.p_o_bonds, [0, 0.225, 0.45, 0.90], 1e-9, id="P-O-bonds"),
        pytest.param(structure.true_density_sd, [0.05] * 4, 1e-9, id="density-sd"),
    ],
)
def test_features_match_the_hand_table(quantity, expected, rounding):
    np.testing.assert_allclose(quantity(TABLE_X), expected, atol=rounding, rtol=0)


@pytest.mark.parametrize("quantity", FUNCTIONS, ids=lambda function: function.__name__)
def test_features_keep_any_shape_and_agree_with_single_values(quantity):
    x = np.random.default_rng(0).uniform(0, 2.5, size=(3, 4))
    described = quantity(x)
    assert described.shape == (3, 4)
    assert described.dtype == np.float64
    assert float(quantity(x[1, 2])) == described[1, 2]


@settings(deadline=None)
@given(x=st.floats(0, 2.5), share=st.floats(0, 0.9))
def test_network_balances_and_never_exceeds_dimers(x, share):
    bridges = float(bridging_oxygen(x, share))
    assert 0 <= bridges <= min(0.5, x)
    assert float(p1_fraction(x, share)) == 2 * bridges
    # 4 vertices = terminal + 2 bridging, so a bridge frees one sulfide
    terminal = 4 - 2 * bridges
    assert terminal + bridges + float(free_na2s(x, share)) == pytest.approx(4)
    assert float(p_o_bonds(x, share)) <= 4


def test_bridging_saturates_where_every_phosphorus_is_in_a_dimer():
    np.testing.assert_allclose(bridging_oxygen([0.5, 0.6, 2.0], 0.9), [0.45, 0.5, 0.5])
    assert float(p1_fraction(2.5, 0.9)) == 1


def test_true_density_meets_both_printed_anchors():
    assert true_density([0.0, 0.60]).tolist() == pytest.approx([2.00, 2.28])


@pytest.mark.parametrize("share", [-0.1, 0.91, 50.0, float("nan")])
@pytest.mark.parametrize("quantity", [bridging_oxygen, p1_fraction, free_na2s, p_o_bonds])
def test_impossible_bridging_fraction_is_refused(quantity, share):
    message = rf"bridging_fraction must lie between 0 and 0.9, got {share:g}; give the share"
    with pytest.raises(RecipeError, match=message):
        quantity(0.6, share)
