import pickle

import numpy as np
import pandas as pd
import pytest
from sklearn.model_selection import GridSearchCV, GroupKFold, cross_validate
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.utils.estimator_checks import parametrize_with_checks

from features.errors import TableError
from features.transformers import GlassFeatures
from models.gp import GaussianProcess
from models.gp_regressor import GPRegressor, mean_log_density


@pytest.fixture
def table():
    rng = np.random.default_rng(0)
    x = rng.uniform(-3, 5, size=(24, 2))
    return x, 10 + np.sin(x[:, 0]) + 0.05 * rng.standard_normal(24)


@pytest.mark.filterwarnings("ignore:.*SCIPY_ARRAY_API")
@parametrize_with_checks([GPRegressor()])
def test_scikit_learns_estimator_checks_pass(estimator, check):
    check(estimator)


def test_it_is_the_process_on_the_unit_cube(table):
    x, y = table
    unit = (x - x.min(axis=0)) / np.ptp(x, axis=0)
    sd = y.std(ddof=1)
    process = GaussianProcess(y.mean(), sd, 0.1 * sd).fit(unit, y, np.full(24, 0.02))
    mean, spread = GPRegressor().fit(x, y, sample_error=np.full(24, 0.02)).predict(x, True)
    np.testing.assert_allclose(mean, process.marginal(unit)[0])
    np.testing.assert_allclose(spread, process.marginal(unit)[1])


def test_predictions_follow_a_change_of_units(table):
    x, y = table
    plain = GPRegressor().fit(x, y).predict(x, return_std=True)
    other = GPRegressor().fit(1000 * x + 5, 7 * y).predict(1000 * x + 5, return_std=True)
    np.testing.assert_allclose(other[0], 7 * plain[0], rtol=1e-4)
    np.testing.assert_allclose(other[1], 7 * plain[1], rtol=1e-2)


@pytest.mark.parametrize("shift", [-10.0, 1e5])
def test_predictions_follow_a_shift_of_the_targets(table, shift):
    x, y = table
    plain = GPRegressor().fit(x, y).predict(x, return_std=True)
    other = GPRegressor().fit(x, y + shift).predict(x, return_std=True)
    np.testing.assert_allclose(other[0] - shift, plain[0], atol=1e-4)
    np.testing.assert_allclose(other[1], plain[1], rtol=1e-3)


def test_targets_of_any_size_are_learned_from(table):
    x, y = table
    plain, tiny = (GPRegressor().fit(x, scale * y).predict(x) for scale in (1.0, 1e-12))
    np.testing.assert_allclose(tiny, 1e-12 * plain, rtol=1e-4)


def test_a_stated_error_makes_a_target_count_less(table):
    x, y = table
    wrong, error = y.copy(), np.full(24, 0.01)
    wrong[3] += 3.0
    error[3] = 3.0
    trusted = GPRegressor().fit(x, wrong).predict(x[[3]])
    doubted = GPRegressor().fit(x, wrong, sample_error=error).predict(x[[3]])
    assert abs(doubted - y[3]) < 0.5 * abs(trusted - y[3])


def test_samples_of_one_group_say_less_than_samples_of_their_own():
    x, y = np.repeat([[0.0], [1.0]], 6, axis=0), np.repeat([1.0, 2.0], 6)
    y = y + 0.2 * np.random.default_rng(0).standard_normal(12)
    _, alone = GPRegressor().fit(x, y).predict(x[[0]], return_std=True)
    _, shared = GPRegressor().fit(x, y, groups=x[:, 0]).predict(x[[0]], return_std=True)
    assert shared[0] > alone[0]


def test_a_new_reading_is_less_sure_than_the_true_value(table):
    x, y = table
    fitted = GPRegressor().fit(x, y)
    _, sd = fitted.predict(x, return_std=True)
    _, of_reading = fitted.predict(x, return_std=True, of_reading=True)
    np.testing.assert_allclose(of_reading**2 - sd**2, fitted.process_.residual_sd**2)


def test_draws_have_the_predicted_moments_and_one_seed_gives_one_draw(table):
    x, y = table
    fitted = GPRegressor().fit(x[:8], y[:8])
    draws = fitted.sample_y(x[8:], 4000)
    mean, sd = fitted.predict(x[8:], return_std=True)
    np.testing.assert_allclose(draws.mean(axis=1), mean, atol=5 * sd.max() / 4000**0.5)
    np.testing.assert_allclose(draws.std(axis=1), sd, rtol=0.1)
    np.testing.assert_array_equal(draws[:, :3], fitted.sample_y(x[8:], 4000)[:, :3])


def test_given_ranges_and_prior_are_used(table):
    x, y = table
    ranges = [[-10.0, 10.0], [-10.0, 10.0]]
    fitted = GPRegressor(ranges=ranges, prior=(0.0, 50.0)).fit(x, y)
    np.testing.assert_array_equal(fitted.ranges_, ranges)
    assert (fitted.process_.prior_centre, fitted.process_.prior_sd) == (0.0, 50.0)


def test_constant_targets_give_that_constant_with_a_small_spread():
    fitted = GPRegressor().fit([[0.0], [1.0], [2.0]], [5.0, 5.0, 5.0])
    mean, sd = fitted.predict([[0.5]], return_std=True)
    assert mean[0] == pytest.approx(5.0, abs=1e-3)
    assert 0 < sd[0] < 0.01


def test_a_column_that_never_varies_does_no_harm(table):
    x, y = table
    padded = np.column_stack([x, np.full(24, 3.0)])
    assert GPRegressor().fit(padded, y).score(padded, y) > 0.9


@pytest.mark.parametrize("ranges", [[[0, 1]], [[0, 1], [2, 2]]], ids=["too few", "an empty one"])
def test_ranges_that_do_not_fit_are_refused(table, ranges):
    with pytest.raises(ValueError, match="ranges must be 2 pairs of a low and a higher end"):
        GPRegressor(ranges=ranges).fit(*table)


WRONG = {
    "kernel": ({"kernel": "matern12"}, "kernel must be matern52, matern32, rbf, got 'matern12'"),
    "lengthscale": ({"lengthscale_median": 0.0}, "lengthscale_median must be positive .*got 0.0"),
    "scatter": ({"scatter_share": -0.1}, "scatter_share must be positive and finite, got -0.1"),
    "not a number": ({"scatter_share": np.nan}, "scatter_share must be positive and finite"),
    "prior sd": ({"prior": (0.0, 0.0)}, "standard deviation of prior must be positive"),
    "prior centre": ({"prior": (np.inf, 1.0)}, "prior must be a finite centre"),
    "half a prior": ({"prior": (1.0,)}, "prior must be a finite centre and a standard deviation"),
    "endless range": ({"ranges": [[0, 1], [0, np.inf]]}, "ranges must be 2 pairs"),
}


@pytest.mark.parametrize(("wrong", "message"), WRONG.values(), ids=WRONG.keys())
def test_a_hyper_parameter_out_of_range_is_refused_by_fit(table, wrong, message):
    regressor = GPRegressor(**wrong)  # scikit-learn's constructors refuse nothing
    with pytest.raises(ValueError, match=message):
        regressor.fit(*table)


def test_a_negative_error_is_refused(table):
    with pytest.raises(TableError, match="noise_sd must be finite and not negative"):
        GPRegressor().fit(*table, sample_error=np.full(24, -0.1))


def test_it_survives_pickling(table):
    x, y = table
    fitted = GPRegressor().fit(x, y, groups=np.arange(24) // 2)
    again = pickle.loads(pickle.dumps(fitted))  # our own bytes
    np.testing.assert_array_equal(again.predict(x), fitted.predict(x))


def test_cross_validate_passes_errors_and_groups_of_each_fold(table):
    x, y = table
    jars = np.arange(24) // 2
    scores = cross_validate(
        make_pipeline(StandardScaler(), GPRegressor()),
        x,
        y,
        cv=GroupKFold(3),
        groups=jars,
        params={"gpregressor__sample_error": np.full(24, 0.05), "gpregressor__groups": jars},
        error_score="raise",
    )
    assert (scores["test_score"] > 0.3).all()


def test_grid_search_chooses_by_log_density(table):
    x, y = table
    search = GridSearchCV(
        GPRegressor(),
        {"kernel": ["matern52", "rbf"], "lengthscale_median": [0.05, 0.6]},
        scoring=mean_log_density,
        cv=3,
        error_score="raise",
    ).fit(x, y)
    assert search.best_params_["lengthscale_median"] == 0.6
    assert np.isfinite(search.cv_results_["mean_test_score"]).all()


def test_recipes_go_through_their_features_in_a_pipeline():
    recipes = pd.DataFrame(
        {
            "x": np.linspace(0, 0.6, 12),
            "milling_time_h": [3, 6, 12] * 4,
            "milling_media": ["zirconia", "stainless_steel"] * 6,
            "milling_speed_rpm": 500,
            "pressing_pressure_mpa": 450,
        }
    )
    modulus = 14 + 15 * recipes["x"]
    scores = cross_validate(
        make_pipeline(GlassFeatures(), GPRegressor()), recipes, modulus, cv=4, error_score="raise"
    )
    assert len(scores["test_score"]) == 4
    fitted = make_pipeline(GlassFeatures(), GPRegressor()).fit(recipes, modulus)
    assert fitted.score(recipes, modulus) > 0.95
