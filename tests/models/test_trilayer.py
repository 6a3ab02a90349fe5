import json

import numpy as np
import pandas as pd
import pytest

from features.errors import NotFittedError, SpaceError, TableError
from features.properties import property_of
from features.trilayer import CELL_DESCRIPTORS
from models.layers import LAYER_PROPERTIES, drawn_layers
from models.property_gp import PropertyGP
from models.surrogate import PREDICTION_COLUMNS, Z_90
from models.trilayer import (
    ASR,
    CCD,
    DESCRIPTOR_RANGES,
    SERIES_SUM_SD,
    TrilayerSurrogate,
)

COLUMNS = ["specimen", "property", "lower", "upper", "se"]
NONE = pd.DataFrame(columns=COLUMNS)

PELLETS = pd.DataFrame(
    {
        "x": [0.15, 0.6],
        "milling_time_h": 3.0,
        "milling_media": "stainless_steel",
        "milling_speed_rpm": 500.0,
        "pressing_pressure_mpa": 450.0,
    },
    index=["P-015", "P-060"],
)

KNOWN = {
    "ionic_conductivity": (2.7e-4, 8.2e-5),
    "relative_density": (1.0, 1.0),
    "charge_transfer_resistance": (30.0, 10.0),
    "youngs_modulus": (18.0, 20.9),
    "electronic_conductivity": (4e-10, 1e-10),
}

CCD_READING = pd.DataFrame([("T1", CCD, 2.30, 2.35, np.nan)], columns=COLUMNS)


def layers(n_repeats):
    """Layer surrogates that saw each pellet's value on ``n_repeats`` pellets of one recipe."""
    many = pd.concat([PELLETS] * n_repeats)
    many.index = [f"{name}-{index // 2}" for index, name in enumerate(many.index)]
    fitted = {}
    for name in LAYER_PROPERTIES:
        value = [*KNOWN[name]] * n_repeats
        table = pd.DataFrame(
            {"specimen": many.index, "property": name, "lower": value, "upper": value, "se": 1e-9}
        )
        fitted[name] = PropertyGP(name).fit(many, table)
    return fitted


def cells(core="P-015", skin="P-060", index=("T1",), **changes):
    glass = ["x", "milling_time_h", "milling_media", "milling_speed_rpm"]
    row = {f"core_{name}": PELLETS.at[core, name] for name in glass}
    row |= {f"skin_{name}": PELLETS.at[skin, name] for name in glass}
    row |= {
        "core_mass_mg": 150.0,
        "skin_mass_mg": 25.0,
        "precompaction_pressure_mpa": 75.0,
        "pressing_pressure_mpa": 450.0,
        "stack_pressure_mpa": 7.0,
        "temperature_c": 60.0,
    }
    return pd.DataFrame({**row, **changes}, index=list(index))


def many_cells(n):
    rng = np.random.default_rng(0)
    return cells(
        index=[f"C{index}" for index in range(n)],
        core_x=rng.uniform(0, 0.6, n),
        skin_x=rng.uniform(0, 0.6, n),
        core_milling_time_h=rng.uniform(1, 20, n),
        skin_milling_media=rng.choice(["zirconia", "stainless_steel"], n),
        pressing_pressure_mpa=rng.uniform(150, 500, n),
    )


@pytest.fixture(scope="module")
def tight():
    return layers(60)


@pytest.fixture(scope="module")
def loose():
    return layers(1)


@pytest.fixture(scope="module")
def blank():
    return {name: PropertyGP(name).fit(PELLETS, NONE) for name in LAYER_PROPERTIES}


@pytest.fixture(scope="module")
def fitted(loose):
    return TrilayerSurrogate(loose).fit(cells(), CCD_READING)


class TestResistance:
    def test_of_the_papers_cell_is_the_papers_sum(self, tight):
        # Chi et al. 2022: 202 + 2 * 101 + 2 * 10 ohm cm2
        predicted = TrilayerSurrogate(tight).fit(cells(), NONE).predict(cells())[ASR]
        assert predicted.loc["T1", "mean"] == pytest.approx(424, rel=0.02)
        assert predicted.loc["T1", "sd"] == pytest.approx(SERIES_SUM_SD, rel=0.1)

    def test_spreads_with_the_layers_uncertainty(self, tight, loose):
        sds = [
            TrilayerSurrogate(known).fit(cells(), NONE).predict(cells())[ASR].loc["T1", "sd"]
            for known in (tight, loose)
        ]
        assert np.sqrt(sds[1] ** 2 - sds[0] ** 2) > 0.03

    def test_grows_with_the_skin(self, tight):
        asked = cells(index=("thin", "thick"), skin_mass_mg=[15.0, 40.0])
        predicted = TrilayerSurrogate(tight).fit(cells(), NONE).predict(asked)[ASR]
        assert predicted.loc["thick", "mean"] > predicted.loc["thin", "mean"] + 150

    def test_falls_with_temperature_at_the_glasses_usual_activation(self, tight):
        asked = cells(index=("cold", "warm"), temperature_c=[25.0, 60.0])
        predicted = TrilayerSurrogate(tight).fit(cells(), NONE).predict(asked)[ASR]
        # 45 kJ/mol: a factor 6.7 on the layers' 404 of 424 ohm cm2; 50 kJ/mol: 8.3 on the contacts
        assert predicted.loc["cold", "mean"] == pytest.approx(404 * 6.7 + 20 * 8.3, rel=0.06)
        assert predicted.loc["cold", "sd"] > 1.2 * predicted.loc["warm", "sd"]

    def test_adds_scatter_and_reading_error_to_a_new_reading(self, fitted):
        entry, row = property_of(ASR), fitted.predict(cells())[ASR].loc["T1"]
        expected = np.sqrt(row["sd"] ** 2 + entry.scatter_sd**2 + entry.default_se**2)
        assert row["reading_sd"] == pytest.approx(expected)


class TestLayers:
    def test_one_glass_as_core_and_skin_has_one_value(self, loose):
        drawn = drawn_layers(loose, cells(core="P-060"), 100, np.random.default_rng(0))
        np.testing.assert_array_equal(drawn["core_conductivity"], drawn["skin_conductivity"])
        np.testing.assert_array_equal(
            drawn["core_relative_density"], drawn["skin_relative_density"]
        )

    def test_one_glass_in_two_cells_has_one_value(self, loose):
        two = cells(index=("a", "b"), core_mass_mg=[150.0, 100.0])
        drawn = drawn_layers(loose, two, 100, np.random.default_rng(0))
        for values in drawn.values():
            np.testing.assert_array_equal(values[:, 0], values[:, 1])

    def test_a_glass_at_another_pressure_is_another_layer_that_is_alike(self, blank):
        two = cells(index=("a", "b"), pressing_pressure_mpa=[450.0, 350.0])
        drawn = drawn_layers(blank, two, 4000, np.random.default_rng(0))["core_conductivity"]
        assert 0.7 < np.corrcoef(np.log(drawn).T)[0, 1] < 0.999

    def test_density_is_held_within_what_a_layer_can_be(self, blank):
        drawn = drawn_layers(blank, cells(), 5000, np.random.default_rng(0))
        density = drawn["skin_relative_density"]
        assert 0.4 <= density.min() < 0.6
        assert density.max() == 1.02


class TestCriticalCurrent:
    def test_without_reading_is_the_catalogue_prior(self, loose):
        entry = property_of(CCD)
        predicted = TrilayerSurrogate(loose).fit(cells(), NONE).predict(many_cells(5))[CCD]
        np.testing.assert_allclose(np.log10(predicted["mean"]), entry.prior_centre)
        np.testing.assert_allclose(predicted["sd"], entry.prior_sd)

    def test_is_met_where_it_was_read_and_open_elsewhere(self, fitted):
        here = fitted.predict(cells())[CCD].loc["T1"]
        assert here["mean"] == pytest.approx(2.32, rel=0.1)
        assert here["sd"] < 0.15
        other = cells(skin="P-015", stack_pressure_mpa=1.0, skin_mass_mg=10.0)
        assert fitted.predict(other)[CCD].loc["T1", "sd"] > 0.5 * 0.53

    def test_is_surer_when_the_layers_are_known(self, tight, blank):
        near = cells(stack_pressure_mpa=5.0, skin_mass_mg=20.0)
        sds = [
            TrilayerSurrogate(known)
            .fit(cells(), CCD_READING)
            .predict(near.assign(skin_x=0.45))[CCD]
            .loc["T1", "sd"]
            for known in (tight, blank)
        ]
        assert sds[0] < sds[1]

    def test_a_programme_that_ended_without_a_short_lifts_the_belief(self, tight):
        ended = CCD_READING.assign(lower=3.0, upper=np.nan)
        fitted = TrilayerSurrogate(tight).fit(cells(), ended)
        here = fitted.predict(cells())[CCD].loc["T1"]
        prior = property_of(CCD)
        assert fitted.n_readings == 1
        assert np.log10(here["mean"]) > np.log10(3.0)
        assert 0.1 < here["sd"] < 0.8 * prior.prior_sd

    def test_with_physics_more_stack_pressure_is_thought_better_before_any_reading(self, tight):
        asked = cells(index=("loose", "tight"), stack_pressure_mpa=[1.0, 10.0])
        with_laws = TrilayerSurrogate(tight, physics=True).fit(cells(), NONE).predict(asked)[CCD]
        without = TrilayerSurrogate(tight).fit(cells(), NONE).predict(asked)[CCD]
        assert with_laws.loc["tight", "mean"] > 1.5 * with_laws.loc["loose", "mean"]
        assert without["mean"].nunique() == 1


class TestMeasuredResistance:
    def reading(self, value, specimen="T1"):
        return pd.DataFrame([(specimen, ASR, value, value, np.nan)], columns=COLUMNS)

    def test_corrects_the_layers(self, loose):
        before = TrilayerSurrogate(loose).fit(cells(), NONE).predict(cells())[ASR].loc["T1"]
        after = (
            TrilayerSurrogate(loose).fit(cells(), self.reading(600.0)).predict(cells())[ASR]
        ).loc["T1"]
        assert abs(np.log10(after["mean"] / 600)) < 0.3 * abs(np.log10(before["mean"] / 600))
        assert after["sd"] < 0.7 * before["sd"]

    def test_is_felt_by_a_cell_of_the_same_glasses(self, loose):
        other = cells(index=("T2",), core_mass_mg=100.0)
        before = TrilayerSurrogate(loose).fit(cells(), NONE).predict(other)[ASR].loc["T2"]
        after = (
            TrilayerSurrogate(loose).fit(cells(), self.reading(600.0)).predict(other)[ASR]
        ).loc["T2"]
        assert after["mean"] > before["mean"]
        assert after["sd"] < before["sd"]

    def test_that_all_cells_are_above_the_series_sum_is_learned(self, tight):
        made = cells(index=[f"T{i}" for i in range(6)])
        table = pd.concat([self.reading(550.0, name) for name in made.index])
        new = cells(index=("new",), core_mass_mg=80.0)
        before = TrilayerSurrogate(tight).fit(made, NONE).predict(new)[ASR].loc["new"]
        after = TrilayerSurrogate(tight).fit(made, table).predict(new)[ASR].loc["new"]
        assert after["mean"] / before["mean"] == pytest.approx(550 / 424, rel=0.08)

    def test_a_bound_waits_and_is_counted(self, loose):
        table = self.reading(600.0).assign(upper=np.nan)
        fitted = TrilayerSurrogate(loose).fit(cells(), table)
        assert fitted.waiting == {"bound of a resistance": 1}

    def test_at_another_temperature_is_that_of_warmer_layers(self, tight):
        cold = cells(temperature_c=25.0)
        at_60 = self.reading(424.0).assign(temperature_c=60.0)
        after = TrilayerSurrogate(tight).fit(cold, at_60).predict(cold)[ASR].loc["T1"]
        before = TrilayerSurrogate(tight).fit(cold, NONE).predict(cold)[ASR].loc["T1"]
        assert after["mean"] == pytest.approx(before["mean"], rel=0.1)


class TestDraws:
    def test_have_one_column_a_cell_and_are_physical(self, fitted):
        drawn = fitted.sample(many_cells(6), 20, np.random.default_rng(0))
        assert set(drawn) == {CCD, ASR}
        for values in drawn.values():
            assert values.shape == (20, 6)
            assert (np.isfinite(values) & (values > 0)).all()

    def test_moments_agree_with_predictions(self, fitted):
        asked = many_cells(3)
        drawn = fitted.sample(asked, 6000, np.random.default_rng(1))
        predicted = fitted.predict(asked)
        for name, values in drawn.items():
            sd = predicted[name]["sd"].to_numpy()
            miss = np.log10(values).mean(axis=0) - np.log10(predicted[name]["mean"].to_numpy())
            assert np.abs(miss / sd).max() < 0.2
            np.testing.assert_allclose(np.log10(values).std(axis=0), sd, rtol=0.12)

    def test_a_cell_made_twice_has_one_truth(self, fitted):
        twice = cells(index=("a", "b"), skin_x=0.3)
        drawn = fitted.sample(twice, 50, np.random.default_rng(0))
        np.testing.assert_allclose(drawn[ASR][:, 0], drawn[ASR][:, 1], rtol=1e-5)
        np.testing.assert_allclose(drawn[CCD][:, 0], drawn[CCD][:, 1], rtol=1e-2)

    def test_same_seed_gives_the_same(self, fitted):
        one, two = (fitted.sample(many_cells(4), 9, np.random.default_rng(5)) for _ in range(2))
        np.testing.assert_array_equal(one[CCD], two[CCD])
        np.testing.assert_array_equal(one[ASR], two[ASR])
        pd.testing.assert_frame_equal(fitted.predict(cells())[CCD], fitted.predict(cells())[CCD])


class TestTable:
    def test_predictions_keep_index_and_columns_and_nest(self, fitted):
        asked = many_cells(8)
        for table in fitted.predict(asked).values():
            assert table.index.tolist() == asked.index.tolist()
            assert tuple(table.columns) == PREDICTION_COLUMNS
            assert (table["reading_lower"] < table["lower"]).all()
            assert (table["lower"] < table["mean"]).all()
            assert (table["mean"] < table["upper"]).all()
            half = np.log10(table["upper"] / table["mean"])
            np.testing.assert_allclose(half, Z_90 * table["sd"])

    def test_order_of_readings_does_not_matter(self, loose):
        made = pd.concat([cells(), cells(skin="P-015", index=("T2",))])
        both = pd.concat([CCD_READING, CCD_READING.assign(specimen="T2", lower=0.2, upper=0.2)])
        one = TrilayerSurrogate(loose).fit(made, both).predict(made)
        other = TrilayerSurrogate(loose).fit(made.iloc[::-1], both.iloc[::-1]).predict(made)
        for name in (CCD, ASR):
            pd.testing.assert_frame_equal(one[name], other[name], rtol=1e-9)

    @pytest.mark.parametrize("readings", [NONE, CCD_READING], ids=["none", "one"])
    def test_predictions_survive_json(self, loose, readings):
        surrogate = TrilayerSurrogate(loose).fit(cells(), readings)
        again = TrilayerSurrogate.from_dict(json.loads(json.dumps(surrogate.to_dict())))
        asked = many_cells(3)
        for name in (CCD, ASR):
            pd.testing.assert_frame_equal(
                surrogate.predict(asked)[name], again.predict(asked)[name], rtol=1e-12
            )
        assert again.in_words() == surrogate.in_words()

    def test_ranges_are_those_of_the_descriptors(self):
        assert tuple(DESCRIPTOR_RANGES) == CELL_DESCRIPTORS


class TestComplaints:
    def test_fit_returns_a_copy_and_leaves_the_original_unfitted(self, loose):
        surrogate = TrilayerSurrogate(loose)
        surrogate.fit(cells(), CCD_READING)
        with pytest.raises(NotFittedError, match="cells were asked for before fit"):
            surrogate.predict(cells())

    def test_an_unfitted_layer_is_named(self, loose):
        unfitted = {**loose, "youngs_modulus": PropertyGP("youngs_modulus")}
        with pytest.raises(NotFittedError, match="Young's modulus was asked for before fit"):
            TrilayerSurrogate(unfitted).fit(cells(), NONE)

    def test_a_missing_layer_is_named(self, loose):
        some = {name: loose[name] for name in LAYER_PROPERTIES[:-1]}
        with pytest.raises(TableError, match="got none for electronic_conductivity; fit one"):
            TrilayerSurrogate(some)

    def test_a_layer_filed_under_another_name_is_named(self, loose):
        odd = {**loose, "youngs_modulus": loose["relative_density"]}
        with pytest.raises(TableError, match=r"youngs_modulus needs .* got one of relative"):
            TrilayerSurrogate(odd)

    def test_a_missing_column_is_named(self, fitted):
        with pytest.raises(TableError, match="cells: column 'skin_mass_mg' must be there once"):
            fitted.predict(cells().drop(columns="skin_mass_mg"))

    def test_an_unknown_cell_is_named(self, loose):
        with pytest.raises(TableError, match="must be in cells, got 'T1'"):
            TrilayerSurrogate(loose).fit(cells(index=("T2",)), CCD_READING)

    def test_an_unknown_descriptor_is_refused(self, loose):
        with pytest.raises(SpaceError, match=r"too many or too few \(colour\)"):
            TrilayerSurrogate(loose, {"colour": (0, 1)})
