import numpy as np
import pytest
from scipy.optimize import approx_fprime

from models.coregionalisation import (
    Coregionalised,
    PosteriorTogether,
    Questions,
    ToldTogether,
    covariance_together,
    readings_covariance_together,
)
from models.evidence import Evidence, Points
from models.exact import ExactPosterior
from models.hyper_posterior import HyperPosterior
from models.hyperparameters import Hyperparameters
from models.loadings import LoadingSearch, loading_posterior
from models.told import Units

UNITS = Units(centre=0.0, sd=1.0, slope_centre=0.0, slope_sd=1.0)
D = 2


def told(n, seed, bounds=False):
    rng = np.random.default_rng(seed)
    points = Points.of(rng.random((n, D)), tilt=0.1 * rng.standard_normal(n))
    y = rng.standard_normal(n)
    upper = np.where(bounds & (np.arange(n) % 3 == 0), np.inf, y)
    evidence = Evidence.of(points, lower=y, upper=upper, noise_sd=np.full(n, 0.1), groups={})
    return UNITS.told(evidence, ["sample"], learn_reading=False)


def own(amplitude=0.7, lengthscale=0.5):
    return Hyperparameters(np.full(D, lengthscale), amplitude, np.array([0.1]))


def all_of(bounds=False):
    return ToldTogether.of([told(6, 0, bounds), told(0, 1), told(5, 2, bounds)])


HYPER = Coregionalised(
    (own(0.6), own(0.7, 0.3), own(0.8, 0.9)), np.array([0.8, -0.4, -0.7]), np.array([0.4, 0.6])
)


@pytest.mark.parametrize("bounds", [False, True], ids=["exact", "bounds"])
def test_gradient_matches_finite_differences(bounds):
    members = ToldTogether.of([told(6, 0, bounds), told(4, 1), told(5, 2, bounds)])
    search = LoadingSearch(members, HYPER.own, np.full(D, 0.6), np.array([True] * 3))
    for z in np.random.default_rng(3).standard_normal((4, 5)):
        search(z)
        numeric = approx_fprime(z, lambda one: search(one)[0], 1e-6)
        np.testing.assert_allclose(search(z)[1], numeric, atol=2e-4, rtol=1e-4)


def test_the_search_builds_the_covariance_of_the_model():
    members = ToldTogether.of([told(6, 0), told(4, 1), told(5, 2)])
    search = LoadingSearch(members, HYPER.own, np.full(D, 0.6), np.array([True] * 3))
    z = np.array([0.5, -1.0, 1.5, 0.2, -0.3])
    hyper = Coregionalised(HYPER.own, search.loadings(z), search.lengthscales(z))
    covariance = readings_covariance_together(hyper, members)
    half = np.linalg.solve(np.linalg.cholesky(covariance), members.low)
    _, log_det = np.linalg.slogdet(covariance)
    expected = -0.5 * (half @ half + log_det + len(members) * np.log(2 * np.pi) + z @ z)
    assert search(z)[0] == pytest.approx(expected)


def test_readings_of_all_properties_keep_their_values_exact_ones_first():
    together = all_of(bounds=True)
    assert together.n_exact == 4 + 3
    assert (together.low[:7] == together.high[:7]).all()
    assert np.isinf(together.high[7:]).all()
    for member, rows in zip(together.members, together.asked.rows, strict=True):
        np.testing.assert_array_equal(together.low[rows], member.low)


def test_at_one_recipe_varying_parts_correlate_by_the_product_of_loadings():
    point = Points.of(np.full((1, D), 0.3))
    asked = Questions.one_after_the_other([point] * 3)
    covariance = covariance_together(HYPER, asked, asked)
    varying = np.array([one.amplitude for one in HYPER.own])
    np.testing.assert_allclose(
        covariance[0, 1:] / (varying[0] * varying[1:]), HYPER.loadings[0] * HYPER.loadings[1:]
    )
    np.testing.assert_allclose(np.diagonal(covariance), 0.5 + varying**2)


@pytest.mark.parametrize("bounds", [False, True], ids=["exact", "bounds"])
def test_without_loadings_each_posterior_is_that_of_its_own_readings(bounds):
    together = all_of(bounds)
    apart = Coregionalised(HYPER.own, np.zeros(3), HYPER.lengthscales)
    points = [Points.of(np.random.default_rng(9).random((4, D)))] * 3
    asked = Questions.one_after_the_other(points)
    mean, variance = PosteriorTogether.of(apart, together).marginal(asked)
    for p, member in enumerate(together.members):
        expected = ExactPosterior.of(HYPER.own[p], member).marginal(points[p])
        np.testing.assert_allclose(mean[asked.rows[p]], expected[0], atol=2e-3)
        np.testing.assert_allclose(variance[asked.rows[p]], expected[1], rtol=5e-3)


def test_marginals_are_the_diagonal_of_the_joint():
    asked = Questions.one_after_the_other([Points.of(np.random.default_rng(1).random((2, D)))] * 3)
    posterior = PosteriorTogether.of(HYPER, all_of(bounds=True))
    mean, variance = posterior.marginal(asked)
    joint_mean, covariance = posterior.joint(asked)
    np.testing.assert_allclose(mean, joint_mean)
    np.testing.assert_allclose(variance, np.diagonal(covariance))


def test_without_two_properties_read_nothing_is_shared():
    members = ToldTogether.of([told(6, 0), told(0, 1)])
    certain = [HyperPosterior.certain(own())] * 2
    posterior = loading_posterior(members, certain, np.full(D, 0.6))
    assert not posterior.loadings.any()
    assert sum(weight for weight, _ in posterior.used(certain)) == pytest.approx(1)


def test_a_reading_that_says_little_leaves_the_prior_of_a_correlation():
    members = ToldTogether.of([told(1, 0), told(1, 1)])
    posterior = loading_posterior(members, [HyperPosterior.certain(own())] * 2, np.full(D, 0.6))
    quantiles = posterior.correlation_quantiles(0, 1, (0.05, 0.25, 0.5, 0.75, 0.95))
    np.testing.assert_allclose(quantiles, [-0.59, -0.19, 0, 0.19, 0.59], atol=0.12)
