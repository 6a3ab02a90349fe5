"""Every surrogate of recipes obeys the same rules; add a new one to SURROGATES."""

import inspect

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import models.baseline_botorch
import models.baseline_forest
import models.baseline_ridge
import models.baseline_sklearn_gp
import models.baselines
import models.correlated
import models.property_gp
from features.errors import NotFittedError, TableError
from features.properties import CATALOGUE, property_of
from models.baseline_botorch import BotorchSurrogate
from models.baseline_forest import ForestSurrogate
from models.baseline_ridge import RidgeSurrogate
from models.baseline_sklearn_gp import SklearnGPSurrogate
from models.baselines import MeanSurrogate
from models.correlated import CorrelatedGP, CorrelatedProperty
from models.property_gp import PropertyGP
from models.surrogate import PREDICTION_COLUMNS, Surrogate

PELLET = [entry.id for entry in CATALOGUE.values() if entry.modelled and entry.carrier == "pellet"]

SURROGATES = [
    pytest.param(kind(property_id), id=f"{kind.__name__}-{property_id}")
    for kind in (PropertyGP, MeanSurrogate)
    for property_id in PELLET
] + [
    pytest.param(kind("electronic_conductivity"), id=kind.__name__)
    for kind in (
        RidgeSurrogate,
        SklearnGPSurrogate,
        ForestSurrogate,
        BotorchSurrogate,
        CorrelatedProperty,
    )
]

MODULES = (
    models.baseline_botorch,
    models.baseline_forest,
    models.baseline_ridge,
    models.baseline_sklearn_gp,
    models.baselines,
    models.correlated,
    models.property_gp,
)

MEDIA = ["stainless_steel", "zirconia", "agate"]


def glasses(n, seed=0):
    rng = np.random.default_rng(seed)
    return pd.DataFrame(
        {
            "x": rng.uniform(0, 0.6, n),
            "milling_time_h": rng.uniform(1, 20, n),
            "milling_media": rng.choice(MEDIA, n),
            "milling_speed_rpm": 500,
            "pressing_pressure_mpa": rng.uniform(75, 500, n),
        },
        index=[f"P{index}" for index in range(n)],
    )


def readings_of(entry, recipes, seed=0):
    rng = np.random.default_rng(seed)
    centre = entry.prior_centre + 0.5 * entry.prior_sd * rng.standard_normal(len(recipes))
    value = entry.from_scale(centre)
    return pd.DataFrame(
        {
            "specimen": recipes.index,
            "property": entry.id,
            "lower": value,
            "upper": value,
            "se": np.nan,
        }
    )


def test_every_surrogate_class_is_in_the_suite():
    found = {
        kind
        for module in MODULES
        for _, kind in inspect.getmembers(module, inspect.isclass)
        if hasattr(kind, "fit") and hasattr(kind, "predict") and kind.__module__ == module.__name__
    }
    found -= {CorrelatedGP}  # of several properties at once; CorrelatedProperty is its view
    assert found == {type(param.values[0]) for param in SURROGATES}


@pytest.mark.parametrize("surrogate", SURROGATES)
class TestSurrogateContract:
    @pytest.fixture
    def recipes(self):
        return glasses(7)

    @pytest.fixture
    def readings(self, surrogate, recipes):
        return readings_of(surrogate.entry, recipes)

    def test_it_is_a_surrogate(self, surrogate):
        assert isinstance(surrogate, Surrogate)

    def test_fit_returns_a_copy_and_leaves_the_original_unfitted(
        self, surrogate, recipes, readings
    ):
        surrogate.fit(recipes, readings).predict(recipes)
        with pytest.raises(NotFittedError, match="before fit, got no readings; call fit first"):
            surrogate.predict(recipes)
        with pytest.raises(NotFittedError, match="before fit"):
            surrogate.sample(recipes, 1, np.random.default_rng(0))

    def test_tables_are_left_as_they_were(self, surrogate, recipes, readings):
        before = recipes.copy(), readings.copy()
        surrogate.fit(recipes, readings).predict(recipes)
        pd.testing.assert_frame_equal(recipes, before[0])
        pd.testing.assert_frame_equal(readings, before[1])

    def test_predictions_keep_index_and_columns(self, surrogate, recipes, readings):
        asked = recipes.iloc[::-1].set_axis([f"G{index}" for index in range(7)])
        predicted = surrogate.fit(recipes, readings).predict(asked)
        assert predicted.index.tolist() == asked.index.tolist()
        assert tuple(predicted.columns) == PREDICTION_COLUMNS

    def test_no_recipe_gives_no_prediction(self, surrogate, recipes, readings):
        fitted = surrogate.fit(recipes, readings)
        assert fitted.predict(recipes.iloc[:0]).shape == (0, len(PREDICTION_COLUMNS))
        assert fitted.sample(recipes.iloc[:0], 3, np.random.default_rng(0)).shape == (3, 0)

    def test_order_of_rows_does_not_matter(self, surrogate, recipes, readings):
        shuffled = np.random.default_rng(1).permutation(7)
        straight = surrogate.fit(recipes, readings).predict(recipes)
        other = surrogate.fit(recipes.iloc[shuffled], readings.iloc[shuffled[::-1]]).predict(
            recipes.iloc[shuffled]
        )
        pd.testing.assert_frame_equal(other, straight.iloc[shuffled], rtol=1e-9)

    def test_readings_of_other_properties_change_nothing(self, surrogate, recipes, readings):
        other = readings.assign(property="hardness", specimen="somebody else's")
        pd.testing.assert_frame_equal(
            surrogate.fit(recipes, pd.concat([readings, other])).predict(recipes),
            surrogate.fit(recipes, readings).predict(recipes),
        )

    def test_intervals_are_nested(self, surrogate, recipes, readings):
        p = surrogate.fit(recipes, readings).predict(glasses(20, seed=5))
        assert (p["reading_lower"] < p["lower"]).all()
        assert (p["lower"] < p["mean"]).all()
        assert (p["mean"] < p["upper"]).all()
        assert (p["upper"] < p["reading_upper"]).all()
        assert (p["reading_sd"] > p["sd"]).all()

    def test_predictions_are_on_the_readings_own_scale(self, surrogate, recipes, readings):
        entry = surrogate.entry
        recentred = surrogate.fit(recipes, readings).predict(recipes)
        centre = entry.from_scale(entry.prior_centre)
        bounds = entry.from_scale(entry.prior_centre + np.array([-3, 3]) * entry.prior_sd)
        assert bounds[0] < centre < bounds[1]
        assert recentred["mean"].between(*bounds).all()
        half = entry.to_scale(recentred["upper"]) - entry.to_scale(recentred["mean"])
        np.testing.assert_allclose(half, 1.645 * recentred["sd"])

    def test_without_readings_it_is_the_catalogue_prior(self, surrogate, recipes, readings):
        entry = surrogate.entry
        predicted = surrogate.fit(recipes, readings.iloc[:0]).predict(recipes)
        np.testing.assert_allclose(entry.to_scale(predicted["mean"]), entry.prior_centre)
        np.testing.assert_allclose(predicted["sd"], entry.prior_sd)

    def test_moments_of_draws_agree_with_predictions(self, surrogate, recipes, readings):
        entry, asked = surrogate.entry, glasses(4, seed=5)
        fitted = surrogate.fit(recipes, readings)
        draws = entry.to_scale(fitted.sample(asked, 20_000, np.random.default_rng(0)))
        predicted = fitted.predict(asked)
        sd = predicted["sd"].to_numpy()
        np.testing.assert_allclose(
            draws.mean(axis=0), entry.to_scale(predicted["mean"]), atol=0.04 * sd.max()
        )
        np.testing.assert_allclose(draws.std(axis=0), sd, rtol=0.03)

    def test_same_seed_gives_the_same_draws(self, surrogate, recipes, readings):
        fitted = surrogate.fit(recipes, readings)
        one, two = (fitted.sample(recipes, 5, np.random.default_rng(3)) for _ in range(2))
        np.testing.assert_array_equal(one, two)

    def test_a_reading_of_an_unknown_specimen_is_named(self, surrogate, recipes, readings):
        with pytest.raises(TableError, match="must be in recipes, got 'P6' which is not"):
            surrogate.fit(recipes.iloc[:6], readings)

    @settings(max_examples=8, deadline=None)
    @given(
        rows=st.lists(
            st.tuples(
                st.integers(0, 6),
                st.floats(-2, 2),
                st.sampled_from([None, 0.0, 0.3]),
                st.sampled_from(["exact", "below", "above", "wide"]),
            ),
            max_size=6,
        )
    )
    def test_any_sparse_table_gives_finite_predictions_with_some_doubt(self, surrogate, rows):
        entry, recipes = surrogate.entry, glasses(7)
        table = [
            {
                "specimen": f"P{pellet}",
                "property": entry.id,
                "lower": None if kind == "below" else value,
                "upper": {"above": None, "wide": 2 * value}.get(kind, value),
                "se": None if part is None else part * value,
            }
            for pellet, step, part, kind in rows
            for value in [float(entry.from_scale(entry.prior_centre + step * entry.prior_sd))]
        ]
        columns = ["specimen", "property", "lower", "upper", "se"]
        predicted = surrogate.fit(recipes, pd.DataFrame(table, columns=columns)).predict(recipes)
        assert np.isfinite(predicted.to_numpy()).all()
        assert (predicted["sd"] > 0).all()


def test_shifting_a_linear_property_by_half_a_scale_is_felt_by_half_a_scale_at_most():
    entry, recipes = property_of("youngs_modulus"), glasses(7)
    readings = readings_of(entry, recipes)
    shifted = readings.assign(lower=readings["lower"] + 2.8, upper=readings["upper"] + 2.8)
    surrogate = PropertyGP("youngs_modulus")
    change = (
        surrogate.fit(recipes, shifted).predict(recipes)["mean"]
        - surrogate.fit(recipes, readings).predict(recipes)["mean"]
    )
    np.testing.assert_allclose(change, 2.8, rtol=0.15)
