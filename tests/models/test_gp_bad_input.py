"""Tables as they come: a result with honest width, or one clear sentence."""

import numpy as np
import pandas as pd
import pytest

from features.errors import TableError
from features.properties import property_of
from models.property_gp import PropertyGP
from models.settings import GPSettings

INF, NAN = np.inf, np.nan
SIGMA = property_of("ionic_conductivity")


def glasses(n, **columns):
    rng = np.random.default_rng(0)
    return pd.DataFrame(
        {
            "x": rng.uniform(0, 0.5, n),
            "milling_time_h": rng.uniform(1, 20, n),
            "milling_media": rng.choice(["stainless_steel", "zirconia", "agate"], n),
            "milling_speed_rpm": 500,
            "pressing_pressure_mpa": rng.uniform(100, 500, n),
            **columns,
        },
        index=[f"P{index}" for index in range(n)],
    )


def readings(recipes, lower, upper, se=NAN, property_id="ionic_conductivity", **more):
    table = pd.DataFrame({"specimen": recipes.index, "property": property_id})
    return table.assign(lower=lower, upper=upper, se=se, **more)


def exact(recipes, **more):
    value = 10 ** (-5 + 2 * recipes["x"].to_numpy())
    return readings(recipes, value, value, **more)


def honest(fitted, recipes, *, narrowest=0.01, widest=1.5 * SIGMA.prior_sd):
    """Predictions there and far away: finite, neither certain nor wider than anything."""
    far = recipes.assign(x=0.6, milling_time_h=0.5, milling_media="agate")
    for asked in (recipes, far):
        table = fitted.predict(asked)
        assert np.isfinite(table.to_numpy()).all()
        assert table["sd"].between(narrowest, widest).all()
        assert np.isfinite(fitted.sample(asked, 5, np.random.default_rng(0))).all()
    return fitted.predict(recipes), fitted.predict(far)


def fit(recipes, table, **settings):
    return PropertyGP(SIGMA.id, settings=GPSettings(**settings)).fit(recipes, table)


class TestAllReadingsCensored:
    @pytest.mark.parametrize("n", [1, 2, 12])
    def test_below_a_floor(self, n):
        recipes = glasses(n)
        here, _ = honest(fit(recipes, readings(recipes, NAN, 1e-7)), recipes)
        assert (here["mean"] < 1e-7).all()
        assert (here["sd"] > 0.2).all()

    def test_above_a_ceiling(self):
        recipes = glasses(5)
        here, _ = honest(fit(recipes, readings(recipes, 1e-3, NAN)), recipes)
        assert (here["mean"] > 1e-3).all()

    def test_a_floor_far_beyond_the_prior(self):
        recipes = glasses(4)
        floor = 10 ** (SIGMA.prior_centre - 6 * SIGMA.prior_sd)
        # so far off that the range of the function itself is thought larger
        fitted = fit(recipes, readings(recipes, NAN, floor))
        here, _ = honest(fitted, recipes, widest=4 * SIGMA.prior_sd)
        assert (here["mean"] < floor).all()

    def test_bounds_that_contradict_each_other(self):
        recipes = glasses(1)
        above, below = readings(recipes, 1e-4, NAN), readings(recipes, NAN, 1e-6)
        here, _ = honest(fit(recipes, pd.concat([above, below])), recipes, narrowest=0.05)
        assert 5e-7 < here["mean"].item() < 2e-4


class TestConstantReadings:
    def test_do_not_make_the_rest_certain(self):
        recipes = glasses(8)
        here, far = honest(fit(recipes, readings(recipes, 1e-4, 1e-4)), recipes)
        np.testing.assert_allclose(here["mean"], 1e-4, rtol=0.15)
        assert (here["sd"] < 0.1).all()
        assert (far["sd"] > here["sd"].max()).all()

    def test_of_the_catalogue_centre_exactly(self):
        recipes = glasses(5)
        centre = float(SIGMA.from_scale(SIGMA.prior_centre))
        here, _ = honest(fit(recipes, readings(recipes, centre, centre)), recipes)
        np.testing.assert_allclose(here["mean"], centre, rtol=1e-6)


class TestDuplicatedRows:
    def test_a_table_pasted_twice_gives_no_more_than_the_errors_shrinkage(self):
        recipes = glasses(6)
        once, _ = honest(fit(recipes, exact(recipes)), recipes)
        twice, _ = honest(fit(recipes, pd.concat([exact(recipes)] * 2)), recipes)
        # the jar's and pellet's scatter stays
        assert (twice["sd"] > 0.8 * once["sd"]).all()
        np.testing.assert_allclose(twice["mean"], once["mean"], rtol=0.1)

    def test_twenty_copies_of_one_reading(self):
        recipes = glasses(1)
        here, far = honest(fit(recipes, pd.concat([exact(recipes)] * 20)), recipes)
        assert here["sd"].item() > 0.04
        assert far["sd"].item() > 0.5

    def test_copies_of_a_bound(self):
        recipes = glasses(1)
        bound = readings(recipes, NAN, 1e-7)
        once, _ = honest(fit(recipes, bound), recipes)
        many, _ = honest(fit(recipes, pd.concat([bound] * 10)), recipes)
        shift = np.log10(many["mean"].item() / once["mean"].item())
        assert abs(shift) < 0.2 * once["sd"].item()


class TestErrors:
    def test_of_zero_leave_the_scatter(self):
        recipes = glasses(6)
        here, _ = honest(fit(recipes, exact(recipes, se=0.0)), recipes)
        assert (here["sd"] > 0.02).all()

    def test_of_zero_with_readings_that_contradict_each_other(self):
        recipes = glasses(2)
        table = pd.concat([exact(recipes, se=0.0), exact(recipes, se=0.0)], ignore_index=True)
        table.loc[:1, ["lower", "upper"]] *= 10
        here, _ = honest(fit(recipes, table), recipes)
        assert (here["sd"] > 0.03).all()

    def test_enormous_ones_leave_the_prior(self):
        recipes = glasses(3)
        here, _ = honest(fit(recipes, exact(recipes, se=1.0)), recipes)
        np.testing.assert_allclose(here["sd"], SIGMA.prior_sd, rtol=0.05)

    def test_negative_ones_are_named(self):
        recipes = glasses(3)
        with pytest.raises(TableError, match="of P0: se must be finite and not negative"):
            fit(recipes, exact(recipes, se=-1.0))


class TestLittleVariety:
    def test_one_medium_leaves_another_open(self):
        recipes = glasses(10, milling_media="stainless_steel")
        fitted = fit(recipes, exact(recipes))
        here, _ = honest(fitted, recipes)
        other = fitted.predict(recipes.assign(milling_media="agate"))
        assert (other["sd"].to_numpy() > 1.5 * here["sd"].to_numpy()).all()

    def test_one_medium_leaves_another_open_with_raw_columns_too(self):
        recipes = glasses(10, milling_media="stainless_steel")
        fitted = fit(recipes, exact(recipes), features="raw")
        here, _ = honest(fitted, recipes)
        other = fitted.predict(recipes.assign(milling_media="agate"))
        assert (other["sd"].to_numpy() > 1.5 * here["sd"].to_numpy()).all()

    def test_one_temperature_only(self):
        recipes = glasses(6)
        fitted = fit(recipes, exact(recipes, temperature_c=25.0))
        honest(fitted, recipes)
        energy = fitted.activation_energy(recipes)
        assert energy["mean"].between(40, 50).all()
        assert energy["sd"].between(9, 10.5).all()
        cold = fitted.predict(recipes.assign(temperature_c=25.0))
        assert (fitted.predict(recipes)["sd"] > 1.5 * cold["sd"]).all()

    @pytest.mark.parametrize("features", ["descriptors", "raw"])
    def test_collinear_inputs(self, features):
        x = np.linspace(0, 0.5, 9)
        recipes = glasses(9, x=x, milling_time_h=10 ** (2 * x), pressing_pressure_mpa=100 + 800 * x)
        here, far = honest(fit(recipes, exact(recipes), features=features), recipes)
        np.testing.assert_allclose(np.log10(here["mean"]), -5 + 2 * x, atol=0.1)
        assert (far["sd"] > 2 * here["sd"].max()).all()

    def test_one_glass_in_many_pellets(self):
        recipes = glasses(1)
        pellets = pd.concat([recipes] * 6).set_axis([f"P{i}" for i in range(6)]).assign(jar="J")
        here, far = honest(fit(pellets, exact(pellets)), pellets)
        assert (here["sd"] > 0.03).all()
        assert (far["sd"] > 0.5).all()


class TestNothing:
    def test_no_reading_at_all(self):
        recipes = glasses(2)
        here, far = honest(fit(recipes, exact(recipes).iloc[:0]), recipes)
        np.testing.assert_allclose(pd.concat([here, far])["sd"], SIGMA.prior_sd)

    def test_a_column_of_nothing_is_named(self):
        recipes = glasses(3, pressing_pressure_mpa=NAN)
        with pytest.raises(TableError, match="pressing_pressure_mpa"):
            fit(recipes, exact(glasses(3)))

    def test_readings_of_nothing_are_named(self):
        recipes = glasses(3)
        with pytest.raises(TableError, match="of P0: a reading must have a lower or an upper"):
            fit(recipes, readings(recipes, NAN, NAN))

    def test_a_jar_left_empty_is_no_jar_shared_with_others(self):
        recipes = glasses(5)
        labelled = recipes.assign(jar=[None, NAN, "", "J1", "J1"])
        own = recipes.assign(jar=["P0", "P1", "P2", "J1", "J1"])
        table = exact(recipes)
        pd.testing.assert_frame_equal(
            fit(labelled, table).predict(recipes), fit(own, table).predict(recipes)
        )
