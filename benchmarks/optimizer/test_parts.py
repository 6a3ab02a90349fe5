"""How long the parts of a batch take, with pytest-benchmark; nothing here passes or fails.

    .venv/bin/python -m pytest benchmarks/optimizer/test_parts.py

Forty readings of two objectives over six numbers. Needs the extra ``bench``.
"""

# ruff: noqa: D103

from collections.abc import Callable
from typing import Any, Final

import numpy as np
import pytest
from numpy.typing import NDArray

from benchmarks.optimizer.glass_problems import cell
from benchmarks.optimizer.problems import Problem
from models.gp import GaussianProcess
from models.scenarios import GPScenarios
from optimizer.improvement import Improvement
from optimizer.limits import EVERYTHING

pytest.importorskip("pytest_benchmark")

Array = NDArray[np.float64]
Timer = Callable[..., Any]

N: Final = 40
N_SCENARIOS: Final = 64
N_CANDIDATES: Final = 512


@pytest.fixture(scope="module")
def problem() -> Problem:
    return cell()


@pytest.fixture(scope="module")
def encoded(problem: Problem) -> Array:
    return problem.space.encode(problem.sobol(N, 0))


@pytest.fixture(scope="module")
def readings(problem: Problem) -> Array:
    rows = problem.read(problem.sobol(N, 0), first=0, seed=0)
    return problem.scaled(rows[[o.name for o in problem.objectives]].to_numpy(dtype=float))


@pytest.fixture(scope="module")
def processes(encoded: Array, readings: Array) -> list[GaussianProcess]:
    return [fitted(encoded, column) for column in readings.T]


@pytest.fixture(scope="module")
def scenarios(processes: list[GaussianProcess], encoded: Array) -> list[GPScenarios]:
    rng = np.random.default_rng(0)
    return [GPScenarios.of(process, encoded, N_SCENARIOS, rng) for process in processes]


@pytest.fixture(scope="module")
def candidates(problem: Problem) -> Array:
    return problem.space.encode(problem.sobol(N_CANDIDATES, 1))


def fitted(x: Array, y: Array) -> GaussianProcess:
    sd = float(y.std())
    return GaussianProcess(float(y.mean()), sd, 0.1 * sd).fit(x, y, np.full(len(y), 0.1 * sd))


def test_fit_of_one_property(benchmark: Timer, encoded: Array, readings: Array) -> None:
    benchmark(fitted, encoded, readings[:, 0])


def test_scenarios_of_one_property(
    benchmark: Timer, processes: list[GaussianProcess], encoded: Array
) -> None:
    rng = np.random.default_rng(0)
    benchmark(GPScenarios.of, processes[0], encoded, N_SCENARIOS, rng)


def test_forecast_of_512_candidates(
    benchmark: Timer, scenarios: list[GPScenarios], candidates: Array
) -> None:
    benchmark(scenarios[0].forecast, candidates)


def test_expected_improvement_of_512_candidates(
    benchmark: Timer, problem: Problem, scenarios: list[GPScenarios], candidates: Array
) -> None:
    standing = np.stack([one.values for one in scenarios], axis=2)
    forecasts = [one.forecast(candidates) for one in scenarios]
    mean, sd = (np.stack(parts, axis=2) for parts in zip(*forecasts, strict=True))

    def gain() -> Array:
        limits = [EVERYTHING] * len(problem.objectives)
        return Improvement(standing, problem.reference, limits).log_expected(mean, sd)

    benchmark(gain)


def test_spread_over_the_space(benchmark: Timer, problem: Problem) -> None:
    benchmark(lambda: problem.space.spread(N_CANDIDATES, np.random.default_rng(0)))


def test_neighbours_of_a_row(benchmark: Timer, problem: Problem) -> None:
    row = problem.sobol(1, 0).iloc[0]
    benchmark(lambda: problem.space.near(row, 64, np.random.default_rng(0)))
