import numpy as np
import pytest
from scipy.integrate import quad
from scipy.stats import kstest, norm

from models import scores


@pytest.mark.parametrize("y", [-4.0, 0.3, 1.0, 2.5, 9.0])
def test_crps_is_the_integral_of_the_squared_distance_to_a_step(y):
    centre, sd = 1.0, 0.7
    below = quad(lambda t: norm.cdf(t, centre, sd) ** 2, -30, y, points=[centre], limit=200)[0]
    above = quad(lambda t: norm.sf(t, centre, sd) ** 2, y, 30, points=[centre], limit=200)[0]
    assert scores.crps(y, centre, sd) == pytest.approx(below + above, rel=1e-6)


def test_crps_of_a_certain_prediction_is_its_absolute_error():
    assert scores.crps(3.0, 1.0, 1e-9) == pytest.approx(2.0)


def test_log_density_is_that_of_a_normal():
    y, sd = np.array([-1.0, 0.0, 7.0]), np.array([0.1, 1.0, 2.0])
    np.testing.assert_allclose(scores.log_density(y, 0.5, sd), norm.logpdf(y, 0.5, sd))


def test_the_true_prediction_scores_best_on_average():
    y = np.random.default_rng(0).normal(2.0, 0.5, 20_000)
    for wrong in ((2.0, 0.3), (2.0, 0.9), (2.3, 0.5)):
        assert scores.crps(y, 2.0, 0.5).mean() < scores.crps(y, *wrong).mean()
        assert scores.log_density(y, 2.0, 0.5).mean() > scores.log_density(y, *wrong).mean()


def test_pit_is_uniform_for_calibrated_predictions_only():
    rng = np.random.default_rng(0)
    centre, sd = rng.normal(size=4000), rng.uniform(0.1, 2.0, 4000)
    y = rng.normal(centre, sd)
    assert kstest(scores.pit(y, centre, sd), "uniform").pvalue > 0.01
    assert kstest(scores.pit(y, centre, 2 * sd), "uniform").pvalue < 1e-6


def test_randomised_pit_is_uniform_whatever_is_censored():
    rng = np.random.default_rng(0)
    n = 6000
    centre, sd = rng.normal(size=n), rng.uniform(0.5, 2.0, n)
    y = rng.normal(centre, sd)
    edge = rng.normal(size=n)  # a detection limit for each: y is above it, or below
    low, high = np.where(y > edge, edge, -np.inf), np.where(y > edge, np.inf, edge)
    pit = scores.randomised_pit(low, high, centre, sd, rng.random(n))
    assert kstest(pit, "uniform").pvalue > 0.01
    assert kstest(scores.randomised_pit(low, high, centre, sd, 0.5), "uniform").pvalue < 1e-6


@pytest.mark.parametrize(
    ("low", "high"),
    [(-1.0, 2.0), (-np.inf, 0.3), (0.3, np.inf), (1.0, 1.5), (-2.0, -1.9), (-np.inf, np.inf)],
)
def test_interval_probability_is_a_difference_of_distribution_functions(low, high):
    expected = norm.cdf(high, 0.2, 0.8) - norm.cdf(low, 0.2, 0.8)
    assert np.exp(scores.log_interval_probability(low, high, 0.2, 0.8)) == pytest.approx(expected)


@pytest.mark.parametrize("far", [8.0, 40.0, 1e3])
def test_interval_probability_is_finite_and_symmetric_in_both_tails(far):
    above = scores.log_interval_probability(far, np.inf, 0.0, 1.0)
    below = scores.log_interval_probability(-np.inf, -far, 0.0, 1.0)
    assert above == pytest.approx(norm.logsf(far))
    assert below == above
    inside = scores.log_interval_probability(far, far + 1, 0.0, 1.0)
    assert inside == pytest.approx(scores.log_interval_probability(-far - 1, -far, 0.0, 1.0))
    assert np.isfinite(inside)
    assert inside <= above


def test_a_narrow_interval_has_the_probability_density_times_width():
    width = 1e-7
    for centre in (0.0, 12.0, -12.0):
        found = scores.log_interval_probability(1.0, 1.0 + width, centre, 1.0)
        expected = scores.log_density(1.0, centre, 1.0) + np.log(width)
        assert found == pytest.approx(expected, abs=1e-4)


def test_the_share_of_a_reading_is_uniform_and_its_own():
    shares = [scores.share_of(f"P{i}") for i in range(500)]
    assert kstest(shares, "uniform").pvalue > 0.01
    assert scores.share_of("P1") == shares[1]
