"""Prior of the critical current: its two limits, its signs, and how wide it is."""

import numpy as np
import pytest
from scipy.stats import norm

from experiments.virtual_constants import Constants
from features.errors import TableError
from features.properties import property_of
from features.trilayer import CELL_DESCRIPTORS
from models.critical_current_physics import (
    CCD_CONSTANTS,
    central_constants,
    critical_current_prior,
    draw_constants,
)

PAPERS_CELL = {
    "log10_interface_resistance": 1.0,
    "skin_porosity": 0.0,
    "skin_youngs_modulus_gpa": 20.0,
    "log10_skin_electronic_conductivity": -10.0,
    "log10_void_current": np.log10(3.4),
    "skin_thickness_um": 84.0,
    "log10_asr": 2.63,
    "skin_x": 0.6,
    "core_x": 0.15,
}
ENTRY = property_of("critical_current_density")


def cell(**changes):
    described = {**PAPERS_CELL, **changes}
    return np.array([described[name] for name in CELL_DESCRIPTORS])


def constants(**changes):
    centres = {constant.name: constant.centre for constant in CCD_CONSTANTS}
    return np.array([*{**centres, **changes}.values()])


@pytest.mark.parametrize(
    ("flaw_um", "expected_ma_cm2"),
    [(0.5, 4.0), (1.0, 2.9), (1.5, 2.33), (3.0, 1.6), (10.0, 0.9)],
    ids=lambda value: f"{value:g}",
)
def test_flaw_limit_matches_the_hand_table(flaw_um, expected_ma_cm2):
    no_voids = cell(log10_void_current=6.0)
    only_flaws = critical_current_prior(no_voids, constants(ln_flaw_um=np.log(flaw_um)))
    assert 10**only_flaws == pytest.approx(expected_ma_cm2, abs=0.05)


def test_void_limit_alone_is_the_descriptor_times_its_factor():
    no_interface = cell(log10_interface_resistance=-6.0)
    only_voids = critical_current_prior(no_interface, constants(ln_void_factor=np.log(2)))
    assert 10**only_voids == pytest.approx(6.8, rel=1e-6)


@pytest.mark.parametrize("sharpness", [1.0, 2.0, 8.0])
def test_smooth_minimum_is_below_both_limits_and_by_two_to_the_one_over_p_where_they_meet(
    sharpness,
):
    c = constants(ln_sharpness=np.log(sharpness))
    flaw = critical_current_prior(cell(log10_void_current=20.0), c)
    both = critical_current_prior(cell(log10_void_current=flaw), c)
    assert both == pytest.approx(flaw - np.log10(2) / sharpness, abs=1e-9)


@pytest.mark.parametrize(
    ("descriptor", "step", "sign"),
    [
        ("log10_interface_resistance", 0.3, -1),
        ("skin_porosity", 0.1, -1),
        ("skin_youngs_modulus_gpa", 3.0, +1),
        ("log10_void_current", 0.3, +1),
        ("log10_skin_electronic_conductivity", 1.0, 0),
        ("skin_thickness_um", 20.0, 0),
        ("log10_asr", 0.3, 0),
        ("skin_x", 0.1, 0),
        ("core_x", 0.1, 0),
    ],
    ids=lambda value: str(value),
)
def test_each_descriptor_moves_the_prior_the_right_way_for_every_draw(descriptor, step, sign):
    drawn = draw_constants(200, np.random.default_rng(0))
    moved = critical_current_prior(cell(**{descriptor: PAPERS_CELL[descriptor] + step}), drawn)
    change = moved - critical_current_prior(cell(), drawn)
    assert (np.sign(change) == sign).all()


@pytest.mark.parametrize(
    "odd",
    [
        pytest.param({"skin_porosity": -0.05}, id="density-above-one"),
        pytest.param({"skin_youngs_modulus_gpa": -2.0}, id="negative-modulus-draw"),
        pytest.param({"log10_interface_resistance": 5.0}, id="huge-interface"),
        pytest.param({"log10_void_current": -3.0}, id="no-stack-pressure"),
    ],
)
def test_odd_draws_of_the_layers_give_finite_currents(odd):
    drawn = draw_constants(500, np.random.default_rng(0))
    assert np.isfinite(critical_current_prior(cell(**odd), drawn)).all()


def test_draws_and_cells_broadcast():
    drawn = draw_constants(6, np.random.default_rng(0))
    described = np.tile(cell(), (6, 4, 1))
    grid = critical_current_prior(described, drawn[:, np.newaxis])
    assert grid.shape == (6, 4)
    np.testing.assert_array_equal(grid[3], critical_current_prior(cell(), drawn[3]))
    assert critical_current_prior(cell(), central_constants()).shape == ()


def test_draws_follow_their_stated_priors():
    drawn = draw_constants(20_000, np.random.default_rng(0))
    np.testing.assert_allclose(drawn.mean(axis=0), central_constants(), atol=0.03)
    sd = [constant.sd for constant in CCD_CONSTANTS]
    np.testing.assert_allclose(drawn.std(axis=0), sd, rtol=0.03)


def test_prior_is_wide_even_for_a_cell_whose_layers_are_known():
    drawn = draw_constants(4000, np.random.default_rng(0))
    assert 0.25 < critical_current_prior(cell(), drawn).std() < 2 * ENTRY.prior_sd


def test_prior_covers_the_typical_range_once_the_interface_is_not_known():
    rng = np.random.default_rng(0)
    drawn = draw_constants(4000, rng)
    transfer = property_of("charge_transfer_resistance")
    interface = transfer.prior_centre + transfer.prior_sd * rng.standard_normal(4000)
    descriptors = np.tile(cell(), (4000, 1))
    descriptors[:, CELL_DESCRIPTORS.index("log10_interface_resistance")] = interface
    drawn_log10 = critical_current_prior(descriptors, drawn)
    low, high = np.log10(ENTRY.typical)
    outside = norm.cdf([-1.96, 1.96])
    covered = np.quantile(drawn_log10, outside)
    assert covered[0] < low
    assert covered[1] > high


def test_no_centre_is_a_constant_of_the_simulation():
    lab = Constants()
    invented = [lab.flaw_um, lab.flaw_per_porosity_um, lab.toughness_mpa_m05]
    for constant, value in zip(CCD_CONSTANTS, invented, strict=False):
        assert np.exp(constant.centre) != pytest.approx(value, rel=0.05)


@pytest.mark.parametrize(
    ("descriptors", "drawn", "message"),
    [
        pytest.param(np.zeros(8), central_constants(), r"descriptors: .* got shape \(8,\)", id="d"),
        pytest.param(cell(), np.zeros((3, 4)), r"constants: .* got shape \(3, 4\)", id="k"),
        pytest.param(cell(), 1.0, r"constants: .* got shape \(\)", id="scalar"),
    ],
)
def test_a_last_axis_of_another_length_is_refused(descriptors, drawn, message):
    with pytest.raises(TableError, match=message):
        critical_current_prior(descriptors, drawn)
