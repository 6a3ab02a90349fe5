"""Readings at any temperature: an Arrhenius law whose slope depends on the recipe."""

import numpy as np
import pandas as pd
import pytest

from features.arrhenius import arrhenius_tilt
from features.errors import TableError
from models.property_gp import PropertyGP

SWEEP_C = (25.0, 40.0, 60.0, 75.0, 90.0)


def glasses(n):
    return pd.DataFrame(
        {
            "x": np.linspace(0.0, 0.5, n),
            "milling_time_h": 5,
            "milling_media": "stainless_steel",
            "milling_speed_rpm": 500,
            "pressing_pressure_mpa": 450,
        },
        index=[f"P{index}" for index in range(n)],
    )


def energy_kj_mol(x):
    return 48 - 20 * np.asarray(x) * (1 - np.asarray(x))


def log10_sigma(x, temperature_c):
    at_60_c = -4.4 + 2.0 * np.asarray(x) - 3.0 * np.asarray(x) ** 2
    return at_60_c + arrhenius_tilt(temperature_c, 60.0) * energy_kj_mol(x)


def sweeps(recipes, temperatures_c=SWEEP_C, se_share=0.0, property_id="ionic_conductivity"):
    rows = []
    for specimen, x in recipes["x"].items():
        for temperature_c in temperatures_c:
            value = float(10 ** log10_sigma(x, temperature_c))
            rows.append((specimen, property_id, value, value, se_share * value, temperature_c))
    names = ["specimen", "property", "lower", "upper", "se", "temperature_c"]
    return pd.DataFrame(rows, columns=names)


@pytest.fixture(scope="module")
def swept():
    recipes = glasses(6)
    return recipes, PropertyGP("ionic_conductivity").fit(recipes, sweeps(recipes))


class TestSweeps:
    def test_activation_energy_is_recovered(self, swept):
        recipes, fitted = swept
        energy = fitted.activation_energy(recipes)
        error = np.abs(energy["mean"] - energy_kj_mol(recipes["x"]))
        assert error.max() < 0.1
        assert (energy["sd"] < 0.5).all()
        assert (energy["lower"] < energy["mean"]).all()

    def test_conductivity_at_the_reference_is_recovered_up_to_scatter(self, swept):
        recipes, fitted = swept
        predicted = fitted.predict(recipes)
        error = np.log10(predicted["mean"]) - log10_sigma(recipes["x"], 60.0)
        assert np.abs(error).max() < 0.05  # a jar's luck of 0.05 dex is thought possible
        assert (np.abs(error) < predicted["sd"]).all()

    @pytest.mark.parametrize("temperature_c", [25.0, 50.0, 90.0])
    def test_any_temperature_can_be_asked_for(self, swept, temperature_c):
        recipes, fitted = swept
        predicted = fitted.predict(recipes.assign(temperature_c=temperature_c))
        expected = log10_sigma(recipes["x"], temperature_c)
        np.testing.assert_allclose(np.log10(predicted["mean"]), expected, atol=0.05)

    def test_recipes_between_are_known_less_well(self, swept):
        recipes, fitted = swept
        between = recipes.iloc[:5].assign(x=recipes["x"].to_numpy()[:5] + 0.05)
        energy = fitted.activation_energy(between)
        np.testing.assert_allclose(energy["mean"], energy_kj_mol(between["x"]), atol=1.5)
        known = fitted.activation_energy(recipes.iloc[:5])
        assert (energy["sd"].to_numpy() > known["sd"].to_numpy()).all()

    def test_draws_at_two_temperatures_hang_together(self, swept):
        recipes, fitted = swept
        asked = pd.concat([recipes.iloc[[2]]] * 2).assign(temperature_c=[60.0, 60.1])
        draws = np.log10(fitted.sample(asked, 200, np.random.default_rng(0)))
        assert np.corrcoef(draws.T)[0, 1] > 0.999


class TestASweepIsOneExperiment:
    def fit(self, temperatures_c, n=1):
        recipes = glasses(n)
        return recipes, PropertyGP("ionic_conductivity").fit(
            recipes, sweeps(recipes, temperatures_c, se_share=0.02)
        )

    @pytest.mark.parametrize("temperatures_c", [SWEEP_C, SWEEP_C * 4], ids=["five", "twenty"])
    def test_its_luck_is_not_averaged_away(self, temperatures_c):
        recipes, fitted = self.fit(temperatures_c)
        scatter = np.hypot(*(level.sd for level in fitted.scatter()[:2]))
        assert fitted.predict(recipes)["sd"].item() > 0.95 * scatter
        assert fitted.predict(recipes)["sd"].item() > 0.95 * 0.06 * 0.7

    def test_it_says_of_the_reference_what_one_reading_says(self):
        recipes, five = self.fit(SWEEP_C)
        _, one = self.fit((60.0,))
        assert five.predict(recipes)["sd"].item() == pytest.approx(
            one.predict(recipes)["sd"].item(), rel=0.05
        )

    def test_but_it_alone_tells_the_energy(self):
        recipes, five = self.fit(SWEEP_C)
        _, one = self.fit((60.0,))
        assert five.activation_energy(recipes)["sd"].item() < 1
        assert one.activation_energy(recipes)["sd"].item() == pytest.approx(10, rel=0.01)


class TestOneTemperatureOnly:
    def test_elsewhere_the_prior_energy_decides(self):
        recipes = glasses(3)
        fitted = PropertyGP("ionic_conductivity").fit(recipes, sweeps(recipes, (25.0,)))
        at_25_c = fitted.predict(recipes.assign(temperature_c=25.0))
        at_90_c = fitted.predict(recipes.assign(temperature_c=90.0))
        span = arrhenius_tilt(90.0, 25.0)
        np.testing.assert_allclose(
            np.log10(at_90_c["mean"]) - np.log10(at_25_c["mean"]), 45 * span, atol=0.05
        )
        expected = np.hypot(at_25_c["sd"], 10 * span)
        np.testing.assert_allclose(at_90_c["sd"], expected, rtol=0.05)

    def test_a_reading_without_temperature_was_taken_at_the_reference(self):
        recipes = glasses(3)
        given = sweeps(recipes, (60.0,))
        first = PropertyGP("ionic_conductivity").fit(recipes, given).predict(recipes)
        for table in (given.drop(columns="temperature_c"), given.assign(temperature_c=np.nan)):
            other = PropertyGP("ionic_conductivity").fit(recipes, table).predict(recipes)
            pd.testing.assert_frame_equal(other, first)


class TestEnergyReadings:
    def energies(self, recipes, value, **more):
        return pd.DataFrame({"specimen": recipes.index, "property": "activation_energy"}).assign(
            lower=value, upper=value, se=1.0, **more
        )

    def test_an_energy_alone_shifts_what_is_predicted_at_25_c(self):
        recipes = glasses(3)
        sigma = sweeps(recipes, (60.0,))
        plain = PropertyGP("ionic_conductivity").fit(recipes, sigma)
        told = PropertyGP("ionic_conductivity").fit(
            recipes, pd.concat([sigma, self.energies(recipes, 35.0)])
        )
        energy = told.activation_energy(recipes)
        np.testing.assert_allclose(energy["mean"], 35, atol=0.5)
        assert (energy["sd"] < 1.2).all()
        cold = recipes.assign(temperature_c=25.0)
        shift = np.log10(told.predict(cold)["mean"] / plain.predict(cold)["mean"])
        np.testing.assert_allclose(shift, -10 * arrhenius_tilt(25.0, 60.0), atol=0.06)
        assert (told.predict(cold)["sd"] < 0.5 * plain.predict(cold)["sd"]).all()

    def test_an_energy_does_not_count_as_a_conductivity(self):
        recipes = glasses(2)
        told = PropertyGP("ionic_conductivity").fit(recipes, self.energies(recipes, 35.0))
        assert told.n_readings == 0
        assert told.predict(recipes)["sd"].to_numpy() == pytest.approx([1.1, 1.1], rel=1e-6)

    def test_an_energy_taken_from_the_same_sweep_is_not_counted_twice(self):
        recipes = glasses(3)
        sigma = sweeps(recipes, se_share=0.02)
        plain = PropertyGP("ionic_conductivity").fit(recipes, sigma).predict(recipes)
        both = pd.concat([sigma, self.energies(recipes, 20.0)])
        told = PropertyGP("ionic_conductivity").fit(recipes, both).predict(recipes)
        pd.testing.assert_frame_equal(told, plain)

    def test_other_properties_do_not_read_them(self):
        recipes = glasses(2)
        told = PropertyGP("electronic_conductivity").fit(recipes, self.energies(recipes, 35.0))
        energy = told.activation_energy(recipes)
        np.testing.assert_allclose(energy["mean"], 50)


class TestLawless:
    def test_a_property_without_a_law_ignores_temperature(self):
        recipes = glasses(3)
        table = sweeps(recipes, SWEEP_C, property_id="youngs_modulus").assign(
            lower=20.0, upper=20.0, se=0.3
        )
        fitted = PropertyGP("youngs_modulus").fit(recipes, table)
        bare = PropertyGP("youngs_modulus").fit(recipes, table.drop(columns="temperature_c"))
        pd.testing.assert_frame_equal(
            fitted.predict(recipes.assign(temperature_c=25.0)), bare.predict(recipes)
        )

    def test_and_has_no_activation_energy(self):
        recipes = glasses(1)
        fitted = PropertyGP("youngs_modulus").fit(recipes, sweeps(recipes).iloc[:0])
        with pytest.raises(TableError, match="Young's modulus has no law of temperature"):
            fitted.activation_energy(recipes)


class TestComplaints:
    def test_kelvin_is_refused_in_readings(self):
        recipes = glasses(1)
        with pytest.raises(TableError, match=r"got 333\.15; give degrees Celsius, not kelvin"):
            PropertyGP("ionic_conductivity").fit(
                recipes, sweeps(recipes).assign(temperature_c=333.15)
            )

    def test_kelvin_is_refused_in_questions(self, swept):
        recipes, fitted = swept
        with pytest.raises(TableError, match="not kelvin"):
            fitted.predict(recipes.assign(temperature_c=298.0))
