"""Drawn functions: one value for a recipe for ever, and spread as the process predicts."""

import numpy as np
import pytest

from features.errors import NotFittedError
from models.evidence import Evidence, Points
from models.gp import GaussianProcess
from models.path import Path, settled, with_values

N_PATHS = 700
LEVELS = {"jar": 0.8, "pellet": 0.6}


@pytest.fixture(scope="module")
def x():
    return np.random.default_rng(0).random((8, 2))


@pytest.fixture(scope="module")
def process(x):
    """Six exact readings and two that are only above 1."""
    y = np.sin(4 * x[:, 0]) + x[:, 1]
    lower = np.where(np.arange(8) < 6, y, 1.0)
    upper = np.where(np.arange(8) < 6, y, np.inf)
    evidence = Evidence.of(
        Points.of(x),
        lower=lower,
        upper=upper,
        noise_sd=np.full(8, np.nan),
        groups={"jar": np.arange(8) // 2, "pellet": np.arange(8)},
    )
    unfitted = GaussianProcess(0.0, 1.0, 0.1, levels=LEVELS, reading_sd=0.05)
    return unfitted.fit_evidence(evidence)


@pytest.fixture(scope="module")
def asked(x):
    return np.vstack([x[:2], x[7:], np.random.default_rng(1).random((3, 2))])


@pytest.fixture(scope="module")
def values(process, asked):
    return drawn(process, asked)


def drawn(process, points, n=N_PATHS):
    return np.array([Path.of(process, np.random.default_rng(i))(points) for i in range(n)])


def test_paths_are_spread_as_the_process_predicts(process, asked, values):
    mean, sd = process.marginal(asked)
    assert (values.mean(axis=0) - mean) / (sd / N_PATHS**0.5) == pytest.approx(0.0, abs=4.0)
    assert values.std(axis=0) / sd == pytest.approx(1.0, abs=0.11)


def test_paths_vary_together_as_the_process_predicts(process, asked, values):
    _, covariance = process.joint(asked)
    sd = np.sqrt(np.diagonal(covariance))
    assert np.corrcoef(values.T) == pytest.approx(covariance / np.outer(sd, sd), abs=0.16)


@pytest.mark.parametrize("kernel", ["matern52", "matern32", "rbf"])
def test_the_prior_of_each_kernel_is_drawn(kernel):
    process = GaussianProcess(2.0, 0.5, 0.1, kernel=kernel).fit(np.zeros((0, 1)), [], [])
    points = np.array([[0.0], [0.3], [1.0]])
    mean, covariance = process.joint(points)
    found = drawn(process, points)
    assert found.mean(axis=0) == pytest.approx(mean, abs=0.08)
    assert np.cov(found.T) == pytest.approx(covariance, abs=0.06)


def test_slopes_by_temperature_are_drawn_with_the_values():
    points = Points.of([[0.2], [0.2], [0.2]], level=[1, 1, 0], tilt=[0, 0.5, 1.0])
    process = GaussianProcess(0.0, 1.0, 0.1, slope=(2.0, 0.3)).fit([[0.2]], [1.0], [0.1])
    mean, covariance = process.joint(points)
    found = drawn(process, points)
    assert found.mean(axis=0) == pytest.approx(mean, abs=0.07)
    assert np.cov(found.T) == pytest.approx(covariance, abs=0.03)


def test_the_order_of_questions_changes_nothing(process, asked):
    path = Path.of(process, np.random.default_rng(3))
    one_by_one = [float(path(row[None, :])[0]) for row in asked[::-1]][::-1]
    assert path(asked) == pytest.approx(one_by_one, rel=1e-9)


def test_a_path_knows_the_scatter_of_its_own_draw(process):
    scatter = Path.of(process, np.random.default_rng(0)).scatter
    assert set(scatter) == {"jar", "pellet", "reading"}
    both = float(np.hypot(scatter["jar"], scatter["pellet"]))
    assert both == pytest.approx(process.residual_sd, rel=0.01)


def test_a_settled_process_has_exact_readings_within_their_bounds(process):
    found = settled(process, np.random.default_rng(0))
    assert (found.evidence.lower == found.evidence.upper).all()
    above = found.evidence.lower[np.isinf(process.evidence.upper)]
    assert (above > 0.9).all()
    assert settled(found, np.random.default_rng(1)) is found


def test_known_values_are_gone_through(process, asked):
    known = with_values(settled(process, np.random.default_rng(0)), Points.of(asked[-1:]), [3.0])
    found = drawn(known, asked[-1:], n=5)
    assert found == pytest.approx(3.0, abs=0.02)


def test_an_unfitted_process_is_refused():
    with pytest.raises(NotFittedError, match="before fit"):
        Path.of(GaussianProcess(0.0, 1.0, 0.1), np.random.default_rng(0))
