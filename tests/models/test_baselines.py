import json

import numpy as np
import pandas as pd
import pytest
from scipy.stats import multivariate_normal

from models.baselines import MeanSurrogate, _one_level


def readings(*values):
    return pd.DataFrame(
        {
            "specimen": [f"P{index}" for index in range(len(values))],
            "property": "youngs_modulus",
            "lower": values,
            "upper": values,
            "se": np.nan,
        }
    )


def fitted(*values):
    names = [f"P{index}" for index in range(len(values))]
    return MeanSurrogate("youngs_modulus").fit(pd.DataFrame(index=names), readings(*values))


ASKED = pd.DataFrame(index=["A", "B"])


def test_without_readings_it_predicts_the_catalogue_prior():
    predicted = fitted().predict(ASKED)
    np.testing.assert_allclose(predicted["mean"], 19.0)
    np.testing.assert_allclose(predicted["sd"], 5.6)


def test_the_mean_lies_between_prior_and_readings_and_nears_them_with_number():
    one, many = (fitted(*[24.0] * n).predict(ASKED)["mean"].iloc[0] for n in (1, 30))
    assert 19 < one < many < 24
    assert many == pytest.approx(24, abs=0.1)


def test_the_spread_between_glasses_follows_the_readings():
    rng = np.random.default_rng(0)
    calm, wild = fitted(*rng.normal(19, 1, 40)), fitted(*rng.normal(19, 8, 40))
    assert calm.level.between_sd < 2
    assert wild.level.between_sd == pytest.approx(8, rel=0.2)


def test_agreeing_readings_do_not_make_a_new_glass_certain():
    assert fitted(20.0, 20.0, 20.0).predict(ASKED)["sd"].iloc[0] > 0.2 * 5.6


def test_draws_share_the_mean_and_nothing_else():
    surrogate = fitted(18.0, 21.0)
    draws = surrogate.sample(ASKED, 40_000, np.random.default_rng(0))
    level = surrogate.level
    expected = level.mean_sd**2 / (level.mean_sd**2 + level.between_sd**2)
    assert np.corrcoef(draws.T)[0, 1] == pytest.approx(expected, abs=0.02)


def test_predictions_survive_json():
    surrogate = fitted(18.0, 21.0)
    again = MeanSurrogate.from_dict(json.loads(json.dumps(surrogate.to_dict())))
    pd.testing.assert_frame_equal(surrogate.predict(ASKED), again.predict(ASKED))
    assert (
        again.in_words() == "2 Young's modulus readings: too few to learn from; the prior decides"
    )


def test_bounds_are_learned_from():
    below = pd.DataFrame(
        {
            "specimen": ASKED.index, "property": "electronic_conductivity",
            "lower": np.nan, "upper": 1e-10, "se": np.nan,
        }
    )  # fmt: skip
    predicted = MeanSurrogate("electronic_conductivity").fit(ASKED, below).predict(ASKED)
    assert predicted["mean"].iloc[0] < 1e-10
    assert predicted["sd"].iloc[0] > 0.3


def test_readings_that_differ_by_no_more_than_jars_do_make_the_spread_small():
    rng = np.random.default_rng(0)
    few, many = (fitted(*(19 + 0.8 * rng.standard_normal(n))) for n in (2, 12))
    assert many.predict(ASKED)["sd"].iloc[0] < 0.4 * few.predict(ASKED)["sd"].iloc[0]


def test_the_level_of_many_glasses_is_that_of_the_dense_covariance():
    rng = np.random.default_rng(3)
    n, prior_variance = 40, 0.7
    y, own = rng.normal(0.4, 1.0, n), rng.uniform(0.01, 2.0, (5, n))
    log_likelihood, mean, variance = _one_level(y, own, prior_variance)
    for k in range(5):
        covariance = np.diag(own[k]) + prior_variance
        gain = np.linalg.solve(covariance, np.full(n, prior_variance))
        assert mean[k] == pytest.approx(gain @ y, rel=1e-10)
        assert variance[k] == pytest.approx(prior_variance * (1 - gain.sum()), rel=1e-10)
        dense = multivariate_normal(np.zeros(n), covariance).logpdf(y)
        constant = -0.5 * n * np.log(2 * np.pi)
        assert log_likelihood[k] == pytest.approx(dense - constant, rel=1e-10)
