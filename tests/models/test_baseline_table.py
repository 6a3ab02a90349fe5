"""What all regressors behind the protocol owe a laboratory, whatever its table looks like."""

import json

import numpy as np
import pandas as pd
import pytest

from features.errors import NotFittedError, SpaceError, TableError
from models.baseline_botorch import BotorchSurrogate
from models.baseline_forest import ForestSurrogate
from models.baseline_ridge import RidgeSurrogate
from models.baseline_sklearn_gp import SklearnGPSurrogate
from models.baselines import MeanSurrogate
from models.registry import SURROGATES, surrogate_named
from models.surrogate import Surrogate

KINDS = (RidgeSurrogate, SklearnGPSurrogate, ForestSurrogate, BotorchSurrogate)


@pytest.fixture(params=KINDS, ids=[kind.__name__ for kind in KINDS])
def kind(request):
    return request.param


def glasses(n, seed=0, **columns):
    rng = np.random.default_rng(seed)
    plain = {
        "x": rng.uniform(0, 0.6, n),
        "milling_time_h": rng.uniform(1, 20, n),
        "milling_media": rng.choice(["stainless_steel", "zirconia", "agate"], n),
        "milling_speed_rpm": 500.0,
        "pressing_pressure_mpa": rng.uniform(75, 500, n),
    }
    return pd.DataFrame({**plain, **columns}, index=[f"P{i}" for i in range(n)])


def moduli(recipes, values, **columns):
    plain = {
        "specimen": recipes.index,
        "property": "youngs_modulus",
        "lower": values,
        "upper": values,
        "se": np.nan,
    }
    return pd.DataFrame({**plain, **columns})


def trend(recipes, noise=0.3):
    rng = np.random.default_rng(1)
    return 14 + 15 * recipes["x"].to_numpy() + noise * rng.standard_normal(len(recipes))


def test_a_trend_is_learned_and_held_with_honest_width(kind):
    recipes, asked = glasses(25), glasses(60, seed=3)
    fitted = kind("youngs_modulus").fit(recipes, moduli(recipes, trend(recipes)))
    predicted = fitted.predict(asked)
    error = trend(asked) - predicted["mean"].to_numpy()
    mean = MeanSurrogate("youngs_modulus").fit(recipes, moduli(recipes, trend(recipes)))
    assert error.std() < 0.7 * (trend(asked) - mean.predict(asked)["mean"]).std()
    assert (np.abs(error) < 1.645 * predicted["reading_sd"]).mean() > 0.75


@pytest.mark.parametrize("n", [0, 1, 2])
def test_below_three_recipes_it_is_the_mean(kind, n):
    recipes = glasses(4)
    readings = moduli(recipes, [15.0, 24.0, 18.0, 21.0]).head(n)
    fitted, mean = (
        each.fit(recipes, readings)
        for each in (kind("youngs_modulus"), MeanSurrogate("youngs_modulus"))
    )
    pd.testing.assert_frame_equal(fitted.predict(recipes), mean.predict(recipes))
    draws = [f.sample(recipes, 5, np.random.default_rng(0)) for f in (fitted, mean)]
    np.testing.assert_array_equal(*draws)


def test_many_pellets_of_two_recipes_are_still_two_recipes(kind):
    recipes = pd.concat([glasses(2)] * 5).set_axis([f"P{i}" for i in range(10)])
    fitted = kind("youngs_modulus").fit(recipes, moduli(recipes, [15.0, 24.0] * 5))
    assert fitted.learned is None
    assert "answers as the mean does" in fitted.in_words()


@pytest.mark.parametrize(
    "recipes",
    [
        pytest.param(glasses(8), id="constant-readings"),
        pytest.param(glasses(8, milling_media="zirconia"), id="one-medium"),
    ],
)
def test_constant_readings_leave_doubt(kind, recipes):
    fitted = kind("youngs_modulus").fit(recipes, moduli(recipes, 20.0))
    predicted = fitted.predict(glasses(5, seed=9))
    assert (predicted["sd"] > 0.3).all()
    assert np.isfinite(predicted.to_numpy()).all()


@pytest.mark.parametrize(
    "recipes",
    [
        pytest.param(glasses(8, milling_media="zirconia"), id="one-medium"),
        pytest.param(
            glasses(8, milling_time_h=3.0, milling_media="agate", pressing_pressure_mpa=450.0),
            id="only-x-varies",
        ),
        pytest.param(
            glasses(8, x=np.linspace(0, 0.6, 8), pressing_pressure_mpa=np.linspace(75, 500, 8)),
            id="collinear",
        ),
        pytest.param(
            pd.concat([glasses(4)] * 2).set_axis([f"P{i}" for i in range(8)]), id="duplicated"
        ),
    ],
)
def test_poor_designs_give_finite_predictions_without_warnings(kind, recipes):
    fitted = kind("youngs_modulus").fit(recipes, moduli(recipes, trend(recipes, noise=2.0)))
    assert fitted.learned is not None
    for asked in (recipes, glasses(6, seed=9)):
        predicted = fitted.predict(asked)
        assert np.isfinite(predicted.to_numpy()).all()
        assert (predicted["sd"] > 0).all()
        assert np.isfinite(fitted.sample(asked, 3, np.random.default_rng(0))).all()


def test_an_unknown_direction_is_predicted_with_more_doubt_than_a_known_one():
    recipes = glasses(8, milling_media="zirconia")
    readings = moduli(recipes, trend(recipes))
    for kind in (RidgeSurrogate, SklearnGPSurrogate, BotorchSurrogate):
        fitted = kind("youngs_modulus").fit(recipes, readings)
        steel = fitted.predict(recipes.assign(milling_media="stainless_steel"))
        assert steel["sd"].mean() > fitted.predict(recipes)["sd"].mean()


def test_what_was_learned_survives_json(kind):
    recipes, asked = glasses(9), glasses(4, seed=2)
    fitted = kind("youngs_modulus", {"x": (0.0, 0.8)}).fit(recipes, moduli(recipes, trend(recipes)))
    again = kind.from_dict(json.loads(json.dumps(fitted.to_dict())))
    assert again.in_words() == fitted.in_words() == "9 Young's modulus readings"
    assert again.ranges == fitted.ranges
    pd.testing.assert_frame_equal(again.predict(asked), fitted.predict(asked), rtol=1e-12)


def test_an_unfitted_one_survives_json(kind):
    again = kind.from_dict(json.loads(json.dumps(kind("youngs_modulus").to_dict())))
    with pytest.raises(NotFittedError, match="before fit, got no readings; call fit first"):
        again.predict(glasses(1))


def test_two_fits_agree_to_the_last_digit(kind):
    recipes = glasses(9)
    one, two = (
        kind("youngs_modulus").fit(recipes, moduli(recipes, trend(recipes))) for _ in range(2)
    )
    pd.testing.assert_frame_equal(one.predict(recipes), two.predict(recipes))


def test_readings_at_other_temperatures_wait(kind):
    recipes = glasses(5)
    value = 10.0 ** np.linspace(-6, -4, 5)
    hot = moduli(
        recipes, value, property="ionic_conductivity", temperature_c=[60, 61, None, 25, 90]
    )
    fitted = kind("ionic_conductivity").fit(recipes, hot)
    alone = kind("ionic_conductivity").fit(recipes, hot.head(3).drop(columns="temperature_c"))
    assert fitted.waiting == {"off-temperature reading": 2}
    assert fitted.n_readings == 3
    pd.testing.assert_frame_equal(fitted.predict(recipes), alone.predict(recipes))


def test_a_modulus_enters_at_any_temperature(kind):
    recipes = glasses(4)
    readings = moduli(recipes, trend(recipes, 2.0), temperature_c=25.0)
    assert kind("youngs_modulus").fit(recipes, readings).n_readings == 4


def test_bounds_wait(kind):
    recipes = glasses(6)
    readings = moduli(recipes, trend(recipes, 2.0))
    readings.loc[readings.index[:2], "lower"] = np.nan
    fitted = kind("youngs_modulus").fit(recipes, readings)
    assert fitted.waiting == {"one-sided bound": 2}
    all_bounds = kind("youngs_modulus").fit(recipes, readings.assign(lower=np.nan))
    bounds = readings.assign(lower=np.nan)
    mean = MeanSurrogate("youngs_modulus").fit(recipes, bounds)  # which does know bounds
    pd.testing.assert_frame_equal(all_bounds.predict(recipes), mean.predict(recipes))


@pytest.mark.parametrize(
    ("change", "message"),
    [
        pytest.param({"temperature_c": "hot"}, "temperature_c must be a number", id="temperature"),
        pytest.param({"se": -0.1}, "se must be finite and not negative", id="negative-se"),
        pytest.param({"lower": np.nan, "upper": np.nan}, "a lower or an upper bound", id="nan"),
        pytest.param({"specimen": "Q"}, "must be in recipes, got 'Q' which is not", id="unknown"),
    ],
)
def test_nonsense_is_one_clear_sentence(kind, change, message):
    recipes = glasses(4)
    readings = moduli(recipes, 1e-4, property="ionic_conductivity").assign(**change)
    with pytest.raises(TableError, match=message):
        kind("ionic_conductivity").fit(recipes, readings)


def test_a_column_without_numbers_is_named(kind):
    recipes = glasses(4, pressing_pressure_mpa=np.nan)
    with pytest.raises(TableError, match="pressing_pressure_mpa must be a finite number"):
        kind("youngs_modulus").fit(recipes, moduli(recipes, [15.0, 20.0, 25.0, 18.0]))


def test_an_error_of_zero_leaves_doubt(kind):
    recipes = glasses(8)
    fitted = kind("youngs_modulus").fit(recipes, moduli(recipes, trend(recipes), se=0.0))
    predicted = fitted.predict(recipes)
    assert np.isfinite(predicted.to_numpy()).all()
    assert (predicted["reading_sd"] >= 0.8).all()  # never below the catalogue's noise


@pytest.mark.parametrize("name", SURROGATES)
def test_every_name_makes_a_surrogate(name):
    assert isinstance(surrogate_named(name, "youngs_modulus", {"x": (0.0, 0.6)}), Surrogate)


def test_an_unknown_name_is_refused_with_those_there_are():
    with pytest.raises(SpaceError, match=r"one of mean, ridge, .*, got 'kriging'; use one"):
        surrogate_named("kriging", "youngs_modulus", {})
