"""Physical prior means: derivatives, signs, limits, width, and what they leave open."""

import numpy as np
import pandas as pd
import pytest

from experiments.virtual_constants import world_constants
from features.errors import RecipeError, TableError
from features.properties import property_of
from models.physics import PHYSICS, SATURATION_X
from models.physics_mean import Constant, Pellets, PhysicsMean

ALL = [pytest.param(mean, id=property_id) for property_id, mean in PHYSICS.items()]


def recipes(**columns):
    usual = {
        "x": 0.3,
        "milling_time_h": 3.0,
        "milling_media": "stainless_steel",
        "milling_speed_rpm": 500.0,
        "pressing_pressure_mpa": 450.0,
    }
    length = max((len(values) for values in columns.values()), default=1)
    return pd.DataFrame({**{k: [v] * length for k, v in usual.items()}, **columns})


@pytest.fixture
def space():
    """120 recipes all over the usual space."""
    rng = np.random.default_rng(0)
    return recipes(
        x=rng.uniform(0, 0.6, 120),
        milling_time_h=rng.uniform(1, 20, 120),
        milling_media=rng.choice(["stainless_steel", "zirconia", "agate", "tungsten_carbide"], 120),
        milling_speed_rpm=rng.uniform(300, 600, 120),
        pressing_pressure_mpa=rng.uniform(75, 500, 120),
    )


def drawn(mean, table, n, rng):
    """Draws of the law itself, constants from their priors, shape (n, N)."""
    return np.array(
        [
            mean.value(
                table,
                {c.name: c.centre + c.sd * rng.standard_normal() for c in mean.constants},
            )
            for _ in range(n)
        ]
    )


def test_there_is_a_law_for_each_property_that_was_asked_for():
    assert set(PHYSICS) == {
        "youngs_modulus",
        "ionic_conductivity",
        "electronic_conductivity",
        "relative_density",
    }
    assert all(name == mean.property_id for name, mean in PHYSICS.items())


@pytest.mark.parametrize("mean", ALL)
def test_shapes_and_constants_agree(mean, space):
    k = len(mean.constants)
    assert mean.offset(space).shape == (120,)
    assert mean.basis(space).shape == (120, k)
    assert len({constant.name for constant in mean.constants}) == k
    assert all(constant.sd > 0 and constant.unit and constant.source for constant in mean.constants)
    assert mean.basis(space.iloc[:0]).shape == (0, k)


@pytest.mark.parametrize("mean", ALL)
def test_basis_is_the_slope_of_the_law_by_differences_of_another_width(mean, space):
    basis = mean.basis(space)
    for column, constant in zip(basis.T, mean.constants, strict=True):
        step = 0.02 * constant.sd
        above = mean.value(space, {constant.name: constant.centre + step})
        below = mean.value(space, {constant.name: constant.centre - step})
        np.testing.assert_allclose(column, (above - below) / 0.04, rtol=2e-3, atol=1e-6)
        assert np.abs(column).max() > 0, constant.name


def test_differences_are_exact_for_a_law_whose_slope_is_known():
    def law(pellets: Pellets, c):
        return c["a"] * np.exp(c["b"] * pellets.x)

    mean = PhysicsMean(
        "youngs_modulus",
        (Constant("a", 2.0, 0.5, "1", "-"), Constant("b", 1.0, 3.0, "1", "-")),
        law,
    )
    x = np.array([0.0, 0.3, 0.6])
    expected = np.column_stack([0.5 * np.exp(x), 3.0 * 2.0 * x * np.exp(x)])
    np.testing.assert_allclose(mean.basis(recipes(x=x)), expected, rtol=1e-6)


def test_analytical_slopes_of_the_modulus():
    mean = PHYSICS["youngs_modulus"]
    table = recipes(x=[0.0, 0.6])
    by_name = dict(zip(mean.centres, mean.basis(table).T, strict=True))
    modulus = mean.offset(table)
    porosity = 1 - PHYSICS["relative_density"].offset(table)
    np.testing.assert_allclose(by_name["modulus_scale"], 0.15 * modulus, rtol=1e-6)
    np.testing.assert_allclose(by_name["porosity_loss"], -porosity * modulus, rtol=1e-6)
    np.testing.assert_allclose(by_name["oxygen_tilt"], [-0.025, 0.025] * modulus, rtol=1e-6)


@pytest.mark.parametrize("mean", ALL)
def test_linearised_prior_is_close_to_the_law_with_its_constants_drawn(mean, space):
    table = space.iloc[:12]
    values = drawn(mean, table, 600, np.random.default_rng(0))
    sd = np.sqrt((mean.basis(table) ** 2).sum(axis=1))
    np.testing.assert_allclose(values.std(axis=0), sd, rtol=0.25)
    assert (np.abs(values.mean(axis=0) - mean.offset(table)) < 0.35 * sd).all()


@pytest.mark.parametrize("mean", ALL)
def test_prior_is_wide_at_every_point_and_not_wider_than_the_catalogues(mean, space):
    sd = np.sqrt((mean.basis(space) ** 2).sum(axis=1))
    catalogue = property_of(mean.property_id).prior_sd
    assert (sd > 0.25 * catalogue).all()
    assert (sd < 1.05 * catalogue).all()


@pytest.mark.parametrize("mean", ALL)
def test_prior_with_a_modest_discrepancy_covers_the_typical_range(mean, space):
    entry = property_of(mean.property_id)
    rng = np.random.default_rng(0)
    basis = mean.basis(space)
    of_constants = rng.standard_normal((500, basis.shape[1])) @ basis.T
    discrepancy = 0.5 * entry.prior_sd * rng.standard_normal((500, 1))
    draws = mean.offset(space) + of_constants + discrepancy
    low, high = entry.to_scale(entry.typical)
    assert np.quantile(draws, 0.025) < low
    assert np.quantile(draws, 0.975) > high - 0.05 * (high - low)
    warn_low, warn_high = entry.to_scale(entry.warn)
    assert ((draws > warn_low) & (draws < warn_high)).mean() > 0.75


@pytest.mark.parametrize(
    ("property_id", "column", "low", "high", "sign"),
    [
        pytest.param("relative_density", "pressing_pressure_mpa", 75.0, 450.0, +1, id="D-P"),
        pytest.param("relative_density", "x", 0.0, 0.6, +1, id="D-x"),
        pytest.param("youngs_modulus", "x", 0.0, 0.6, +1, id="E-x"),
        pytest.param("youngs_modulus", "pressing_pressure_mpa", 75.0, 450.0, +1, id="E-P"),
        pytest.param("ionic_conductivity", "pressing_pressure_mpa", 75.0, 450.0, +1, id="ion-P"),
        pytest.param("electronic_conductivity", "x", 0.0, 0.6, -1, id="electron-x"),
        pytest.param(
            "electronic_conductivity", "pressing_pressure_mpa", 75.0, 450.0, -1, id="electron-P"
        ),
        pytest.param("electronic_conductivity", "milling_time_h", 3.0, 20.0, +1, id="debris-dose"),
        pytest.param("ionic_conductivity", "milling_time_h", 3.0, 20.0, 0, id="ion-dose"),
    ],
)
def test_centre_moves_the_way_physics_says(property_id, column, low, high, sign):
    centre = PHYSICS[property_id].offset(recipes(**{column: np.linspace(low, high, 9)}))
    assert (np.sign(np.diff(centre)) == sign).all()


def test_dose_of_a_medium_without_metal_changes_nothing_electronic():
    table = recipes(milling_media=["zirconia"] * 2, milling_time_h=[1.0, 20.0])
    short, long = PHYSICS["electronic_conductivity"].offset(table)
    assert short == long


def test_dense_limit_is_the_law_without_pores():
    dense = recipes(x=[0.6], pressing_pressure_mpa=[1e5])
    assert PHYSICS["relative_density"].offset(dense) == pytest.approx(1.0, abs=1e-6)
    assert PHYSICS["youngs_modulus"].offset(dense) == pytest.approx(20.9, abs=0.1)


def test_law_reproduces_the_two_densities_it_was_anchored_at():
    table = recipes(x=[0.0, 0.6], pressing_pressure_mpa=[510.0, 150.0])
    np.testing.assert_allclose(PHYSICS["relative_density"].offset(table), [0.81, 0.95])


def test_conductivity_without_oxygen_is_what_arrhenius_makes_of_room_temperature():
    dense = recipes(x=[0.0], pressing_pressure_mpa=[1e5])
    gained = 45 / (8.314462618e-3 * np.log(10)) * (1 / 298.15 - 1 / 333.15)
    assert PHYSICS["ionic_conductivity"].offset(dense) == pytest.approx(-5.3 + gained, abs=1e-3)


def test_location_of_the_best_conductivity_is_left_open():
    mean = PHYSICS["ionic_conductivity"]
    x = np.linspace(0, 0.6, 61)
    table = recipes(x=x)
    basis = mean.basis(table)
    rng = np.random.default_rng(0)
    draws = mean.offset(table) + rng.standard_normal((4000, basis.shape[1])) @ basis.T
    best = x[draws.argmax(axis=1)]
    ends = np.array([0.0, 0.05, 0.15, 0.25, 0.35, 0.59])
    shares = np.histogram(best, bins=[*ends, 0.7])[0] / len(best)
    assert (shares > 0.07).all()
    assert shares.max() < 0.4


@pytest.mark.parametrize(
    ("property_id", "name", "invented"),
    [
        pytest.param("relative_density", "ln_loose_porosity", "density_loose", id="pores"),
        pytest.param("youngs_modulus", "porosity_loss", "modulus_porosity", id="E-pores"),
        pytest.param("ionic_conductivity", "activation_energy", "activation_kj_mol", id="Ea"),
        pytest.param("ionic_conductivity", "activation_rise", "activation_rise_kj_mol", id="rise"),
        pytest.param(
            "electronic_conductivity", "log10_conductivity", "electronic_log10", id="electrons"
        ),
        pytest.param(
            "electronic_conductivity", "porosity_rise", "electronic_porosity_dex", id="e-pores"
        ),
        pytest.param("electronic_conductivity", "debris_rise", "electronic_steel", id="debris"),
    ],
)
def test_no_centre_is_its_counterpart_in_the_simulation(property_id, name, invented):
    centre = PHYSICS[property_id].centres[name]
    stated = 1 - np.exp(centre) if name == "ln_loose_porosity" else centre
    for letter in "ABCD":
        truth = getattr(world_constants(letter), invented)
        assert stated != pytest.approx(truth, rel=0.01)


def test_no_saturation_scale_is_one_of_the_simulation():
    for letter in "ABCD":
        lab = world_constants(letter)
        invented = [lab.activation_x_scale, lab.electronic_x_scale]
        assert not np.isclose(np.array(SATURATION_X)[:, np.newaxis], invented, rtol=0.05).any()


@pytest.mark.parametrize("property_id", ["relative_density", "ionic_conductivity"])
@pytest.mark.parametrize(
    ("bad", "error", "message"),
    [
        pytest.param({"x": [np.nan]}, TableError, r"recipes: x must be a finite", id="no-x"),
        pytest.param(
            {"pressing_pressure_mpa": [-5.0]},
            TableError,
            r"recipes: pressing_pressure_mpa must be above zero .* got -5",
            id="negative-pressure",
        ),
        pytest.param({"milling_media": ["butter"]}, RecipeError, r"row 0: .*'butter'", id="medium"),
    ],
)
def test_a_recipe_that_cannot_be_is_refused(property_id, bad, error, message):
    with pytest.raises(error, match=message):
        PHYSICS[property_id].basis(recipes(**bad))


@pytest.mark.parametrize("mean", ALL)
def test_far_recipes_stay_finite(mean):
    table = recipes(
        x=[0.0, 2.5, 2.5, 0.0],
        pressing_pressure_mpa=[1.0, 1000.0, 1.0, 1000.0],
        milling_time_h=[0.1, 100.0, 100.0, 0.1],
        milling_speed_rpm=[50.0, 1100.0, 1100.0, 50.0],
    )
    assert np.isfinite(mean.offset(table)).all()
    assert np.isfinite(mean.basis(table)).all()
