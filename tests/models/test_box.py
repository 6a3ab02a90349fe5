import numpy as np
import pytest
from scipy.stats import multivariate_normal

from models.box import box_sites, site_moments
from models.box_moments import box_moments
from models.truncated import truncated_moments

INF = np.inf


def problem(m, seed=0, correlated=0.3):
    rng = np.random.default_rng(seed)
    root = rng.standard_normal((m, m))
    covariance = correlated * root @ root.T / m + np.diag(rng.uniform(0.3, 1, m))
    return rng.standard_normal(m), covariance


def gridded(mean, covariance, low, high, nodes=160):
    """Log probability, mean and covariance of the box by a product of Gauss-Legendre rules."""
    sd = np.sqrt(np.diagonal(covariance))
    left = np.maximum(low, np.minimum(mean, high) - 9 * sd)
    right = np.minimum(high, np.maximum(mean, low) + 9 * sd)
    at, weight = np.polynomial.legendre.leggauss(nodes)
    axes = [0.5 * (b - a) * (at + 1) + a for a, b in zip(left, right, strict=True)]
    points = np.stack(np.meshgrid(*axes, indexing="ij"), -1).reshape(-1, len(mean))
    weights = np.ones(1)
    for a, b in zip(left, right, strict=True):
        weights = np.outer(weights, 0.5 * (b - a) * weight).reshape(-1)
    log_density = multivariate_normal(mean, covariance).logpdf(points)
    weights = weights * np.exp(log_density - log_density.max())
    total = weights.sum()
    centre = weights @ points / total
    off = points - centre
    return np.log(total) + log_density.max(), centre, (off * weights[:, None]).T @ off / total


def moments(mean, covariance, low, high):
    sites = box_sites(mean, covariance, low, high)
    return sites.log_probability, *site_moments(mean, covariance, sites)


@pytest.mark.parametrize(
    ("low", "high"), [(0.5, INF), (-INF, -2.0), (3.0, 3.1)], ids=["above", "below", "between"]
)
def test_one_side_alone_is_exact(low, high):
    log_probability, mean, covariance = moments(
        np.array([0.4]), np.array([[2.25]]), np.array([low]), np.array([high])
    )
    ends = (np.array([low]) - 0.4) / 1.5, (np.array([high]) - 0.4) / 1.5
    log_mass, moved, squeezed = truncated_moments(*ends)
    assert log_probability == pytest.approx(log_mass[0], abs=1e-7)
    assert mean[0] == pytest.approx(0.4 + 1.5 * moved[0], abs=1e-7)
    assert covariance[0, 0] == pytest.approx(2.25 * squeezed[0], rel=1e-6)


@pytest.mark.parametrize(
    ("low", "high"),
    [
        pytest.param([0.0, -INF], [INF, 0.5], id="one-sided"),
        pytest.param([2.5, -INF], [INF, -2.0], id="out-in-the-tails"),
        pytest.param([-0.2, 0.6], [0.3, 0.7], id="intervals"),
    ],
)
def test_two_sides_are_close_to_the_integral(low, high):
    mean, covariance = problem(2)
    low, high = np.array(low), np.array(high)
    expected_log, expected_mean, expected = gridded(mean, covariance, low, high)
    log_probability, ours, spread = moments(mean, covariance, low, high)
    sd = np.sqrt(np.diagonal(expected))
    assert log_probability == pytest.approx(expected_log, abs=0.01)
    np.testing.assert_array_less(np.abs(ours - expected_mean) / sd, 0.02)
    np.testing.assert_allclose(np.sqrt(np.diagonal(spread)), sd, rtol=0.02)


def test_independent_sides_are_exact_however_many():
    m = 40
    rng = np.random.default_rng(0)
    mean, variance = rng.standard_normal(m), rng.uniform(0.2, 2, m)
    low = mean + rng.standard_normal(m)
    sd = np.sqrt(variance)
    log_mass, moved, _ = truncated_moments((low - mean) / sd, np.full(m, INF))
    log_probability, ours, _ = moments(mean, np.diag(variance), low, np.full(m, INF))
    assert log_probability == pytest.approx(log_mass.sum(), abs=1e-6)
    np.testing.assert_allclose(ours, mean + sd * moved, atol=1e-6)


def test_where_it_starts_does_not_matter():
    mean, covariance = problem(6)
    low, high = mean - 0.5, np.full(6, INF)
    cold = box_sites(mean, covariance, low, high)
    elsewhere = box_sites(mean - 1, 2 * covariance, low, high)
    warm = box_sites(mean, covariance, low, high, elsewhere)
    assert warm.log_probability == pytest.approx(cold.log_probability, abs=1e-7)
    np.testing.assert_allclose(warm.precision, cold.precision, rtol=1e-5)


@pytest.mark.parametrize("error_sd", [0.3, 0.01, 1e-4])
def test_bounds_that_say_nearly_the_same_leave_it_finite(error_sd):
    m = 5
    covariance = np.ones((m, m)) + error_sd**2 * np.eye(m)
    log_probability, mean, spread = moments(
        np.zeros(m), covariance, np.full(m, -INF), np.full(m, -4.0)
    )
    assert np.isfinite(log_probability)
    assert (mean < -3.9).all()
    assert (np.linalg.eigvalsh(spread) > -1e-12).all()


@pytest.mark.parametrize("error_sd", [0.3, 0.03, 0.01])
@pytest.mark.parametrize(
    ("low", "high"),
    [
        pytest.param([2.0, 1.0], [2.4, 1.4], id="intervals"),
        pytest.param([2.0, -INF], [INF, 1.0], id="one-sided"),
        pytest.param([2.0, 2.0, 2.0, -INF], [INF, INF, INF, 1.0], id="three-against-one"),
        pytest.param([2.0, -INF, -INF, 1.0], [INF, 1.0, 0.0, 1.4], id="all-apart"),
    ],
)
def test_bounds_that_contradict_each_other_are_still_solved(low, high, error_sd):
    """Up to hundreds of standard deviations apart, where taking all sides at once runs away."""
    low, high = np.array(low), np.array(high)
    covariance = np.ones((len(low), len(low))) + error_sd**2 * np.eye(len(low))
    expected = box_moments(np.zeros(len(low)), covariance, low, high)
    log_probability, mean, spread = moments(np.zeros(len(low)), covariance, low, high)
    sd = np.sqrt(np.diagonal(expected.covariance))
    assert log_probability == pytest.approx(expected.log_probability, rel=1e-3)
    np.testing.assert_array_less(np.abs(mean - expected.mean) / sd, 0.05)
    np.testing.assert_allclose(np.sqrt(np.diagonal(spread)), sd, rtol=0.02)


def test_a_start_that_is_wrong_is_recovered_from():
    covariance = np.ones((2, 2)) + 1e-3 * np.eye(2)
    low, high = np.array([1.0, -INF]), np.array([INF, -1.0])
    agreed = box_sites(np.zeros(2), covariance, np.array([1.0, 1.0]), np.full(2, INF))
    cold = box_sites(np.zeros(2), covariance, low, high)
    warm = box_sites(np.zeros(2), covariance, low, high, agreed)
    assert warm.log_probability == pytest.approx(cold.log_probability, rel=1e-6)
