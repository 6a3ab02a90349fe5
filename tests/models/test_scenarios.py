"""Scenarios of a process: a context that is drawn, and exact conditionals of all else."""

import numpy as np
import pytest

from models.evidence import Evidence, Points
from models.gp import GaussianProcess
from models.scenarios import GPScenarios

SLOPE = np.array([[0.4], [0.0]])


def fitted(*, bounds=False, basis=False, n=9):
    rng = np.random.default_rng(3)
    x = rng.random((n, 2))
    y = np.sin(4 * x[:, 0]) + x[:, 1]
    lower, upper = y.copy(), y.copy()
    if bounds:
        lower[-2:], upper[-2:] = [0.5, -np.inf], [np.inf, 1.0]
    points = Points.of(x, basis=0.4 * (x[:, :1] - 0.5) if basis else None)
    evidence = Evidence.of(points, lower=lower, upper=upper, noise_sd=np.full(n, 0.05), groups={})
    return GaussianProcess(0.5, 1.0, 0.1).fit_evidence(evidence), x


def asked(x, *, basis):
    return Points.of(x, basis=0.4 * (x[:, :1] - 0.5)) if basis else x


@pytest.mark.parametrize("bounds", [False, True], ids=["exact", "bounds"])
def test_scenarios_average_to_the_posterior(bounds):
    process, x = fitted(bounds=bounds)
    rows = np.random.default_rng(4).random((6, 2))
    scenarios = GPScenarios.of(process, x[:4], 2048, np.random.default_rng(0))
    mean, sd = scenarios.forecast(rows)
    centre, spread = process.marginal(rows)
    assert mean.mean(axis=0) == pytest.approx(centre, abs=0.04 * spread.max())
    total = np.sqrt(mean.var(axis=0) + (sd**2).mean(axis=0))
    assert total == pytest.approx(spread, rel=0.05)
    assert scenarios.values.mean(axis=0) == pytest.approx(process.marginal(x[:4])[0], abs=0.02)


def test_context_values_covary_as_the_posterior_says():
    process, x = fitted()
    scenarios = GPScenarios.of(process, x[:3], 4096, np.random.default_rng(0))
    _, covariance = process.joint(x[:3])
    assert np.cov(scenarios.values.T) == pytest.approx(covariance, abs=0.06 * covariance.max())


def test_the_context_is_known_within_a_scenario():
    process, x = fitted()
    scenarios = GPScenarios.of(process, x[:4], 16, np.random.default_rng(0))
    mean, sd = scenarios.forecast(x[:4])
    assert mean == pytest.approx(scenarios.values, abs=1e-4)
    assert sd.max() < 1e-3


def test_conditioning_on_the_context_equals_conditioning_the_process():
    process, x = fitted()
    scenarios = GPScenarios.of(process, x[:2], 4, np.random.default_rng(0))
    rows = np.array([[0.2, 0.9], [0.8, 0.1]])
    mean, _ = scenarios.forecast(rows)
    one = scenarios.restricted(np.array([0]))
    again, _ = one.extended(x[1:2], np.zeros(4)).forecast(rows)
    held, spread = one.forecast(x[1:2])
    normal = ((scenarios.values[:, 1:] - held) / spread)[:, 0]
    back, _ = one.extended(x[1:2], normal).forecast(rows)
    assert back == pytest.approx(mean, abs=1e-6)
    assert again != pytest.approx(mean, abs=1e-6)


def test_a_row_that_joins_is_drawn_from_its_forecast():
    process, x = fitted()
    scenarios = GPScenarios.of(process, x[:2], 64, np.random.default_rng(0))
    row = np.array([[0.1, 0.95]])
    mean, sd = scenarios.forecast(row)
    normal = np.random.default_rng(1).standard_normal(64)
    joined = scenarios.extended(row, normal)
    assert joined.values[:, 2] == pytest.approx((mean + sd * normal[:, None])[:, 0])
    assert joined.forecast(row)[0][:, 0] == pytest.approx(joined.values[:, 2], abs=1e-4)


@pytest.mark.parametrize("basis", [False, True], ids=["plain", "trend"])
def test_slopes_are_those_of_the_forecast(basis):
    process, x = fitted(basis=basis)
    scenarios = GPScenarios.of(process, asked(x[:3], basis=basis), 8, np.random.default_rng(0))
    slope = SLOPE if basis else None
    rows = np.random.default_rng(5).random((3, 2))
    mean, sd, by_mean, by_sd = scenarios.forecast_and_slopes(asked(rows, basis=basis), slope)
    plain = scenarios.forecast(asked(rows, basis=basis))
    assert mean == pytest.approx(plain[0], abs=1e-9)
    assert sd == pytest.approx(plain[1], abs=1e-7)
    for j in range(2):
        step = np.zeros(2)
        step[j] = 1e-5
        up = scenarios.forecast(asked(rows + step, basis=basis))
        down = scenarios.forecast(asked(rows - step, basis=basis))
        assert by_mean[..., j] == pytest.approx((up[0] - down[0]) / 2e-5, abs=1e-5)
        assert by_sd[..., j] == pytest.approx((up[1] - down[1]) / 2e-5, abs=1e-4)


def test_no_reading_and_no_context_leave_the_prior():
    nothing = Evidence.exact(np.empty((0, 2)), [], [])
    process = GaussianProcess(0.5, 1.0, 0.1).fit_evidence(nothing)
    scenarios = GPScenarios.of(process, np.empty((0, 2)), 32, np.random.default_rng(0))
    mean, sd = scenarios.forecast([[0.3, 0.3]])
    assert mean == pytest.approx(0.5)
    assert sd == pytest.approx(1.0, rel=0.01)
