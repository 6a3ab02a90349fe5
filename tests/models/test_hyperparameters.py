import numpy as np
import pytest
from scipy.optimize import approx_fprime

from models.cholesky import stable_cholesky
from models.evidence import Evidence
from models.hyper_posterior import N_POINTS, hyper_posterior
from models.hyperparameters import Hyperparameters, LogLikelihood, hyper_prior
from models.told import Units

UNITS = Units(centre=0.0, sd=1.0, slope_centre=0.0, slope_sd=1.0)


def problem(n=10, d=3):
    rng = np.random.default_rng(0)
    x = rng.random((n, d))
    z = np.sin(5 * x[:, 0]) + 0.05 * rng.standard_normal(n)
    return told(x, z, np.sqrt(rng.uniform(1e-4, 1e-2, n)))


def told(x, z, noise_sd):
    return UNITS.told(Evidence.exact(x, z, noise_sd), ["sample"], learn_reading=False)


def prior_of(d=3):
    return hyper_prior(n_dimensions=d, lengthscale_median=0.6, scatter_medians=[0.1])


@pytest.mark.parametrize("n", [1, 2, 10], ids="n={}".format)
def test_gradient_of_the_likelihood_matches_finite_differences(n):
    likelihood = LogLikelihood(problem(n))
    for step in np.random.default_rng(1).standard_normal((4, 5)):
        theta = prior_of().medians.theta + 0.7 * step
        numeric = approx_fprime(theta, lambda t: likelihood(t)[0], 1e-6)
        np.testing.assert_allclose(likelihood(theta)[1], numeric, atol=2e-4, rtol=1e-4)


def test_gradient_of_the_prior_matches_finite_differences():
    prior = prior_of()
    theta = prior.medians.theta + 0.3
    numeric = approx_fprime(theta, lambda t: prior.log_density(t)[0], 1e-7)
    np.testing.assert_allclose(prior.log_density(theta)[1], numeric, atol=1e-5)


def test_gradient_is_finite_at_duplicated_recipes():
    likelihood = LogLikelihood(told(np.zeros((4, 2)), np.ones(4), np.full(4, 1e-2)))
    _, gradient = likelihood(prior_of(2).medians.theta)
    assert np.isfinite(gradient).all()
    np.testing.assert_array_equal(gradient[:2], 0)  # distance zero says nothing of length


def test_theta_and_back_is_the_same():
    values = Hyperparameters(np.array([0.2, 3.0]), 0.7, np.array([0.05, 0.02]))
    again = Hyperparameters.of_theta(values.theta, 2)
    np.testing.assert_allclose(again.lengthscales, values.lengthscales)
    np.testing.assert_allclose(again.scatter, values.scatter)
    assert again.amplitude == pytest.approx(0.7)


def test_without_readings_the_points_are_spread_like_the_prior():
    learned = hyper_posterior(prior_of(), told(np.zeros((0, 3)), [], []))
    ln = np.log([point.lengthscales for point in learned.points])
    np.testing.assert_allclose(ln.mean(axis=0), np.log(0.6), atol=1e-8)
    np.testing.assert_allclose(ln.std(axis=0), 0.75, rtol=1e-5)
    np.testing.assert_allclose(learned.weights, 1 / N_POINTS)


def test_the_most_probable_is_a_maximum():
    prior, likelihood = prior_of(), LogLikelihood(problem())
    best = hyper_posterior(prior, problem()).best.theta

    def height(theta):
        return likelihood(theta)[0] + prior.log_density(theta)[0]

    steps = np.random.default_rng(2).normal(0, 0.02, (30, 5))
    assert max(height(best + step) for step in steps) < height(best)


def test_many_readings_narrow_the_length_scale_that_matters():
    learned = hyper_posterior(prior_of(), problem(n=60))
    points = np.log([point.lengthscales for point in learned.points])
    spread = points.std(axis=0)
    assert spread[0] < 0.5 * 0.75
    assert spread[0] < spread[1]


def test_cholesky_of_a_singular_covariance_needs_little_jitter():
    factor = stable_cholesky(np.ones((5, 5)))
    np.testing.assert_allclose(factor @ factor.T, np.ones((5, 5)), atol=1e-6)


def test_cholesky_of_what_is_no_covariance_says_so():
    with pytest.raises(np.linalg.LinAlgError, match="covariance of 2 values must be positive"):
        stable_cholesky(np.array([[1.0, 5.0], [5.0, 1.0]]))
