"""Thickness, resistance and CCD descriptors of the cell, against hand values."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from features.errors import TableError
from features.trilayer import (
    CELL_DESCRIPTORS,
    ELECTRODE_AREA_CM2,
    cell_asr,
    cell_descriptors,
    layer_thickness_um,
    series_asr,
    void_limited_current,
)

LAYERS = {
    "core_relative_density": 1.0,
    "skin_relative_density": 1.0,
    "core_conductivity": 2.7e-4,
    "skin_conductivity": 8.2e-5,
    "interface_resistance": 10.0,
}
SKIN = {"skin_youngs_modulus_gpa": 20.9, "skin_electronic_conductivity": 1e-10}


@pytest.fixture
def cells():
    return pd.DataFrame(
        {
            "core_x": [0.15, 0.60, 0.30],
            "skin_x": [0.60, 0.60, 0.45],
            "core_mass_mg": [150.0, 100.0, 80.0],
            "skin_mass_mg": [25.0, 25.0, 15.0],
            "stack_pressure_mpa": [7.0, 0.0, 3.0],
            "temperature_c": [60.0, 60.0, 25.0],
        },
        index=["C1", "C2", "C3"],
    )


def described(cells, **layers):
    values = cell_descriptors(cells, **{**LAYERS, **SKIN, **layers})
    return dict(zip(CELL_DESCRIPTORS, np.moveaxis(values, -1, 0), strict=True))


def test_electrode_is_as_wide_as_the_die():
    assert pytest.approx(1.3273, abs=5e-5) == ELECTRODE_AREA_CM2


@pytest.mark.parametrize(
    ("mass_mg", "x", "dense_um", "at_95_percent_um", "digits"),
    [
        pytest.param(150, 0.15, 546, 575, 0, id="core"),
        pytest.param(25, 0.60, 82.6, 87.0, 1, id="skin"),
        pytest.param(20, 0.60, 66, 70, 0, id="bi-layer-skin"),
        pytest.param(12.5, 0.60, 41, 43, 0, id="skin-if-25-mg-is-the-total"),
    ],
)
def test_thickness_matches_the_hand_table(mass_mg, x, dense_um, at_95_percent_um, digits):
    assert round(float(layer_thickness_um(mass_mg, x, 1.0)), digits) == dense_um
    assert float(layer_thickness_um(mass_mg, x, 0.95)) == pytest.approx(at_95_percent_um, abs=0.5)


def test_asr_of_the_paper_cell_is_424_ohm_cm2(cells):
    assert cell_asr(cells, **LAYERS)[0] == pytest.approx(424, abs=1)


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        pytest.param({"core_conductivity": 1.57e-3}, 256, id="conductivity-was-at-25-C"),
        pytest.param({"interface_resistance": 0.0}, 404, id="no-interfaces"),
        pytest.param({"sei_resistance": 5.0}, 434, id="reaction-layer-counts-twice"),
    ],
)
def test_asr_of_the_paper_cell_under_other_readings(cells, changes, expected):
    assert cell_asr(cells, **{**LAYERS, **changes})[0] == pytest.approx(expected, abs=1)


def test_asr_of_the_paper_cell_when_25_mg_is_both_skins_together(cells):
    halved = cells.assign(skin_mass_mg=12.5)
    assert cell_asr(halved, **LAYERS)[0] == pytest.approx(323, abs=1)


@settings(deadline=None)
@given(
    core_um=st.floats(50, 2000), skin_um=st.floats(5, 300), core=st.floats(1e-7, 1e-2),
    skin=st.floats(1e-7, 1e-2), interface=st.floats(0, 1e4), sei=st.floats(0, 1e3),
)  # fmt: skip
def test_asr_adds_up_layer_by_layer(core_um, skin_um, core, skin, interface, sei):
    total = float(series_asr(core_um, core, skin_um, skin, interface, sei))
    by_hand = core_um / 1e4 / core + 2 * skin_um / 1e4 / skin + 2 * interface + 2 * sei
    assert total == pytest.approx(by_hand)


def test_asr_broadcasts_draws_over_cells(cells):
    rng = np.random.default_rng(0)
    draws = cell_asr(cells, **{**LAYERS, "core_conductivity": rng.uniform(1e-4, 3e-4, (50, 3))})
    assert draws.shape == (50, 3)
    assert (draws.std(axis=0) > 0).all()


def test_void_current_of_the_paper_cell_rounds_to_the_literature_estimate():
    assert float(void_limited_current(7, 60)) == pytest.approx(3.4, abs=0.05)


def test_void_current_meets_its_source_at_room_temperature():
    assert float(void_limited_current(9, 25)) == pytest.approx(2.5)
    assert float(void_limited_current(7, 25)) == pytest.approx(1.9, abs=0.05)


@settings(deadline=None)
@given(pressure=st.floats(0, 100), temperature=st.floats(-20, 89), share=st.floats(0, 1))
def test_void_current_is_linear_in_pressure_and_rises_with_temperature(
    pressure, temperature, share
):
    current = float(void_limited_current(pressure, temperature))
    assert float(void_limited_current(share * pressure, temperature)) == pytest.approx(
        share * current
    )
    assert float(void_limited_current(pressure, temperature + 1)) >= current


def test_descriptors_of_the_paper_cell_match_hand_values(cells):
    values = {name: column[0] for name, column in described(cells).items()}
    assert values == pytest.approx(
        {
            "log10_interface_resistance": 1.0,
            "skin_porosity": 0.0,
            "skin_youngs_modulus_gpa": 20.9,
            "log10_skin_electronic_conductivity": -10.0,
            "log10_void_current": np.log10(3.4),
            "skin_thickness_um": 82.6,
            "log10_asr": np.log10(424),
            "skin_x": 0.60,
            "core_x": 0.15,
        },
        abs=0.02,
    )


@pytest.mark.parametrize(
    ("draws", "shape"),
    [
        pytest.param(0.95, (3, 9), id="one-number"),
        pytest.param(np.full(3, 0.95), (3, 9), id="a-number-a-cell"),
        pytest.param(np.full((7, 1), 0.95), (7, 3, 9), id="draws-shared-by-the-cells"),
        pytest.param(np.full((7, 3), 0.95), (7, 3, 9), id="draws-x-cells"),
        pytest.param(np.full((2, 7, 3), 0.95), (2, 7, 3, 9), id="two-leading-axes"),
    ],
)
def test_descriptors_broadcast_with_the_descriptor_axis_last(cells, draws, shape):
    values = cell_descriptors(cells, **{**LAYERS, **SKIN, "skin_relative_density": draws})
    assert values.shape == shape
    assert values.dtype == np.float64
    assert np.isfinite(values).all()


def test_each_layer_property_moves_only_the_descriptors_it_should(cells):
    before = described(cells)
    moved = {
        "core_relative_density": {"log10_asr"},
        "skin_relative_density": {"skin_porosity", "skin_thickness_um", "log10_asr"},
        "core_conductivity": {"log10_asr"},
        "skin_conductivity": {"log10_asr"},
        "interface_resistance": {"log10_interface_resistance", "log10_asr"},
        "skin_youngs_modulus_gpa": {"skin_youngs_modulus_gpa"},
        "skin_electronic_conductivity": {"log10_skin_electronic_conductivity"},
    }
    for name, expected in moved.items():
        after = described(cells, **{name: 0.9 * {**LAYERS, **SKIN}[name]})
        changed = {key for key in before if not np.allclose(before[key], after[key])}
        assert changed == expected, name


def test_row_order_of_the_cells_does_not_matter(cells):
    turned = cell_descriptors(cells.iloc[::-1], **LAYERS, **SKIN)
    np.testing.assert_array_equal(turned[::-1], cell_descriptors(cells, **LAYERS, **SKIN))


@pytest.mark.parametrize("column", ["core_x", "skin_mass_mg", "stack_pressure_mpa"])
def test_missing_column_is_named(cells, column):
    message = rf"cells: column '{column}' must be there once, got it 0 times"
    with pytest.raises(TableError, match=message):
        cell_descriptors(cells.drop(columns=column), **LAYERS, **SKIN)


def test_missing_number_is_named_with_its_row(cells):
    cells.loc["C3", "temperature_c"] = np.nan
    message = r"cells: temperature_c must be a finite number in every row, got nan \(row C3\)"
    with pytest.raises(TableError, match=message):
        cell_descriptors(cells, **LAYERS, **SKIN)
