import numpy as np
import pandas as pd
import pytest

from models.baseline_ridge import RidgeSurrogate, _design, _posterior


def test_the_posterior_is_that_of_a_normal_with_a_linear_kernel():
    rng = np.random.default_rng(0)
    design, residual = _design(rng.random((5, 2))), rng.standard_normal(5)
    noise, prior = rng.uniform(0.1, 0.5, 5), np.array([2.0, 0.7, 0.0])
    mean, covariance, evidence = _posterior(design, residual, noise, prior)
    total = design @ np.diag(prior) @ design.T + np.diag(noise)
    gain = np.diag(prior) @ design.T @ np.linalg.inv(total)
    np.testing.assert_allclose(mean, gain @ residual)
    np.testing.assert_allclose(
        covariance, np.diag(prior) - gain @ design @ np.diag(prior), atol=1e-12
    )
    expected = -0.5 * (residual @ np.linalg.solve(total, residual) + np.linalg.slogdet(total)[1])
    assert evidence == pytest.approx(expected)


def lines(n, slope, noise, seed=0):
    rng = np.random.default_rng(seed)
    x = rng.uniform(0, 0.6, n)
    recipes = pd.DataFrame(
        {
            "x": x,
            "milling_time_h": 3.0,
            "milling_media": "zirconia",
            "milling_speed_rpm": 500.0,
            "pressing_pressure_mpa": 450.0,
        },
        index=[f"P{i}" for i in range(n)],
    )
    value = 19 + slope * (x - 0.3) + noise * rng.standard_normal(n)
    readings = pd.DataFrame(
        {
            "specimen": recipes.index,
            "property": "youngs_modulus",
            "lower": value,
            "upper": value,
            "se": np.nan,
        }
    )
    return recipes, readings


def test_a_straight_line_is_found_and_carried_on():
    recipes, readings = lines(20, slope=20.0, noise=0.8)
    ends = recipes.iloc[:2].assign(x=[0.0, 0.6])
    predicted = RidgeSurrogate("youngs_modulus").fit(recipes, readings).predict(ends)
    np.testing.assert_allclose(predicted["mean"], [13, 25], atol=1.0)


def test_what_is_no_line_becomes_misfit():
    straight, wild = (
        RidgeSurrogate("youngs_modulus").fit(*lines(30, slope=20.0, noise=noise)).learned
        for noise in (0.8, 4.0)
    )
    assert straight["misfit_variance"] < 1.5
    assert wild["misfit_variance"] > 8


def test_ninety_percent_intervals_hold_nine_tenths_of_new_readings():
    inside = []
    for seed in range(60):
        recipes, readings = lines(10, slope=10.0, noise=1.5, seed=seed)
        known = readings["specimen"] != "P0"
        fitted = RidgeSurrogate("youngs_modulus").fit(recipes, readings[known])
        row = fitted.predict(recipes.iloc[:1]).iloc[0]
        inside.append(row["reading_lower"] < readings["lower"].iloc[0] < row["reading_upper"])
    assert 0.8 <= np.mean(inside) <= 1.0
