import numpy as np
import pandas as pd
import pytest
from sklearn.base import clone
from sklearn.exceptions import NotFittedError
from sklearn.model_selection import GridSearchCV, GroupKFold, cross_val_predict, cross_validate
from sklearn.pipeline import Pipeline
from sklearn.preprocessing import FunctionTransformer

from features.errors import TableError
from models.gp_regressor import mean_log_density
from models.property_gp import PropertyGP
from models.property_regressor import PropertyRegressor


@pytest.fixture
def recipes():
    """Six jars of two pellets each."""
    return pd.DataFrame(
        {
            "x": np.repeat([0.0, 0.1, 0.2, 0.3, 0.45, 0.6], 2),
            "milling_time_h": 3.0,
            "milling_media": "zirconia",
            "milling_speed_rpm": 500.0,
            "pressing_pressure_mpa": 450.0,
            "jar": np.repeat([f"J{i}" for i in range(6)], 2),
        },
        index=[f"P{i}" for i in range(12)],
    )


@pytest.fixture
def conductivity(recipes):
    rng = np.random.default_rng(0)
    return 10 ** (-4.5 + recipes["x"].to_numpy() + 0.03 * rng.standard_normal(12))


def test_it_predicts_what_the_surrogate_does(recipes, conductivity):
    readings = pd.DataFrame(
        {
            "specimen": recipes.index,
            "property": "ionic_conductivity",
            "lower": conductivity,
            "upper": conductivity,
            "se": 1e-6,
        }
    )
    surrogate = PropertyGP("ionic_conductivity").fit(recipes, readings)
    regressor = PropertyRegressor("ionic_conductivity").fit(
        recipes, conductivity, se=np.full(12, 1e-6)
    )
    pd.testing.assert_frame_equal(regressor.predict_table(recipes), surrogate.predict(recipes))


def test_spread_is_on_the_scale_and_draws_agree_with_it(recipes, conductivity):
    regressor = PropertyRegressor("ionic_conductivity").fit(recipes, conductivity)
    mean, sd = regressor.predict(recipes, return_std=True)
    draws = np.log10(regressor.sample_y(recipes, 2000))
    assert draws.shape == (12, 2000)
    np.testing.assert_allclose(draws.mean(axis=1), np.log10(mean), atol=0.02)
    np.testing.assert_allclose(draws.std(axis=1), sd, rtol=0.1)


def test_the_score_is_in_decades(recipes, conductivity):
    regressor = PropertyRegressor("ionic_conductivity").fit(recipes, conductivity)
    scaled, mean = np.log10(conductivity), np.log10(regressor.predict(recipes))
    by_hand = 1 - ((scaled - mean) ** 2).sum() / ((scaled - scaled.mean()) ** 2).sum()
    assert regressor.score(recipes, conductivity) == pytest.approx(by_hand)


def test_no_pellet_of_a_jar_is_on_both_sides_of_a_fold(recipes, conductivity):
    for train, test in GroupKFold(3).split(recipes, conductivity, groups=recipes["jar"]):
        assert not set(recipes["jar"].iloc[train]) & set(recipes["jar"].iloc[test])
    scores = cross_validate(
        PropertyRegressor("ionic_conductivity"),
        recipes,
        conductivity,
        groups=recipes["jar"],
        cv=GroupKFold(3),
        scoring=mean_log_density,
        error_score="raise",
    )
    assert (scores["test_score"] > -1.0).all()


def test_leaving_jars_out_is_harder_than_leaving_pellets_out():
    rng = np.random.default_rng(0)
    jars = np.repeat(np.arange(10), 3)
    recipes = pd.DataFrame(
        {
            "x": np.repeat(np.linspace(0, 0.6, 10), 3),
            "milling_time_h": 3.0,
            "milling_media": "zirconia",
            "milling_speed_rpm": 500.0,
            "pressing_pressure_mpa": 450.0,
            "jar": jars.astype(str),
        }
    )
    modulus = 18 + np.repeat(3 * rng.standard_normal(10), 3) + 0.1 * rng.standard_normal(30)
    regressor = PropertyRegressor("youngs_modulus")

    def error(groups):
        given = cross_val_predict(regressor, recipes, modulus, groups=groups, cv=GroupKFold(5))
        return np.abs(given - modulus).mean()

    # Pellet by pellet the same recipe is always known already.
    assert error(jars) > 1.5 * error(np.tile([0, 1, 2, 3, 4, 5], 5))


def test_errors_of_readings_go_through_a_pipeline(recipes, conductivity):
    steps = [("as it is", FunctionTransformer()), ("gp", PropertyRegressor("ionic_conductivity"))]
    scores = cross_validate(
        Pipeline(steps),
        recipes,
        conductivity,
        groups=recipes["jar"],
        cv=GroupKFold(3),
        params={"gp__se": 0.05 * conductivity},
        error_score="raise",
    )
    assert np.isfinite(scores["test_score"]).all()


def test_grid_search_tries_settings(recipes, conductivity):
    search = GridSearchCV(
        PropertyRegressor("ionic_conductivity"),
        {"features": ["descriptors", "raw"], "physics": [False, True]},
        scoring=mean_log_density,
        cv=GroupKFold(2),
        error_score="raise",
    ).fit(recipes, conductivity, groups=recipes["jar"])
    assert np.isfinite(search.cv_results_["mean_test_score"]).all()
    assert len(set(search.cv_results_["mean_test_score"].round(6))) == 4


def test_temperatures_of_one_pellet_are_one_specimen(recipes, conductivity):
    warm = recipes.iloc[[0, 0, 0]].assign(temperature_c=[30.0, 60.0, 90.0])
    fitted = PropertyRegressor("ionic_conductivity").fit(warm, [1e-5, 3e-5, 8e-5])
    assert (fitted.surrogate_.n_readings, fitted.surrogate_.n_specimens) == (3, 1)
    at_90 = fitted.predict(recipes.iloc[[0]].assign(temperature_c=90.0))
    assert at_90[0] > fitted.predict(recipes.iloc[[0]])[0]


def test_a_clone_has_the_settings_and_no_fit(recipes, conductivity):
    fitted = PropertyRegressor("youngs_modulus", kernel="rbf").fit(recipes, 1e5 * conductivity)
    copy = clone(fitted)
    assert copy.get_params() == fitted.get_params()
    with pytest.raises(NotFittedError, match="not fitted yet"):
        copy.predict(recipes)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        pytest.param(lambda X, y: (X.to_numpy(), y), "X must be a table of recipes", id="array"),
        pytest.param(lambda X, y: (X, y[:3]), r"y must have shape \(12,\)", id="length"),
        pytest.param(lambda X, y: (X, np.append(y[1:], np.nan)), "must have a lower or", id="nan"),
        pytest.param(
            lambda X, y: (X.set_axis(["A", "A", *X.index[2:]]).assign(x=np.arange(12) / 20), y),
            "readings of one pellet must have one recipe, got two of 'A'",
            id="two recipes",
        ),
    ],
)
def test_nonsense_is_refused_in_one_sentence(recipes, conductivity, change, message):
    with pytest.raises(TableError, match=message):
        PropertyRegressor("ionic_conductivity").fit(*change(recipes, conductivity))
