"""Readings between bounds: against brute force, at hyperparameters taken as known."""

import numpy as np
import pytest
from scipy.optimize import approx_fprime
from scipy.special import ndtr, ndtri
from sklearn.gaussian_process.kernels import Matern

from models.evidence import Evidence, Points
from models.gp import GaussianProcess
from models.hyper_posterior import HyperPosterior
from models.hyperparameters import CONSTANT_SHARE, Hyperparameters, LogLikelihood
from models.told import Units

INF = np.inf
CENTRE, SD = -9.0, 1.5
KNOWN = Hyperparameters(np.array([0.5, 0.9]), 0.8, np.array([0.1]))
NEW = np.array([[0.1, 0.2], [0.5, 0.5], [0.9, 0.1], [0.3, 0.8]])

MEAN_WITHIN, SD_WITHIN = 0.05, 0.03
"""What the process promises: in posterior sds, and as a share."""


def process():
    return GaussianProcess(CENTRE, SD, 0.15)


def conditioned(x, lower, upper, noise_sd):
    evidence = Evidence.of(Points.of(x), lower=lower, upper=upper, noise_sd=noise_sd, groups={})
    return process().condition(evidence, HyperPosterior.certain(KNOWN))


def covariances(x, noise_sd, new):
    """Of the readings, between readings and truths, and of the truths; written out anew."""
    kernel = KNOWN.amplitude**2 * Matern(KNOWN.lengthscales, nu=2.5)(np.vstack([x, new]))
    prior = SD**2 * (CONSTANT_SHARE + kernel)
    n = len(x)
    readings = prior[:n, :n] + np.diag((SD * KNOWN.scatter[0]) ** 2 + np.asarray(noise_sd) ** 2)
    return readings, prior[:n, n:], prior[n:, n:]


def brute_force(x, lower, upper, noise_sd, new, n_chains=6000, n_sweeps=240):
    """Mean and covariance of the truths by Gibbs sampling of the readings between bounds."""
    lower, upper = np.array(lower, dtype=float), np.array(upper, dtype=float)
    readings, cross, truths = covariances(x, noise_sd, new)
    rng, precision = np.random.default_rng(0), np.linalg.inv(readings)
    y = np.tile(np.where(np.isfinite(lower), lower, upper) - CENTRE, (n_chains, 1))
    kept = []
    for sweep in range(n_sweeps):
        for i in np.flatnonzero(lower < upper):
            sd = precision[i, i] ** -0.5
            centre = y[:, i] - (y @ precision[:, i]) / precision[i, i]
            a, b = (lower[i] - CENTRE - centre) / sd, (upper[i] - CENTRE - centre) / sd
            flip = a > 0
            a, b = np.where(flip, -b, a), np.where(flip, -a, b)
            z = ndtri(ndtr(a) + rng.random(n_chains) * (ndtr(b) - ndtr(a)))
            y[:, i] = centre + sd * np.where(flip, -z, z)
        if sweep >= n_sweeps // 3:
            kept.append(y.copy())
    draws = np.concatenate(kept)
    gain = np.linalg.solve(readings, cross)
    mean = CENTRE + draws.mean(axis=0) @ gain
    doubt = np.cov(draws.T).reshape(len(x), len(x))
    return mean, truths - cross.T @ gain + gain.T @ doubt @ gain


def errors(fitted, mean, covariance, new=NEW):
    """Largest error of a mean in posterior sds, and of an sd as a share."""
    ours, our_sd = fitted.marginal(new)
    sd = np.sqrt(np.diagonal(covariance))
    return np.abs((ours - mean) / sd).max(), np.abs(our_sd / sd - 1).max()


X = np.random.default_rng(1).random((6, 2))

CASES = {
    "left": ([-INF] * 6, [-10.0, -10.2, -9.5, -10.0, -11.0, -10.0]),
    "right": ([-8.0, -8.2, -9.0, -8.5, -8.0, -8.0], [INF] * 6),
    "intervals": ([-9.5, -8.0, -9.0, -8.2, -8.4, -9.0], [-9.0, -7.5, -8.9, -8.0, -8.0, -8.0]),
    "mixed": ([-9.0, -INF, -8.0, -9.5, -8.6, -INF], [-9.0, -9.2, INF, -9.0, -8.6, -9.6]),
    "4-sd-below-the-prior": ([-INF] * 6, [CENTRE - 4 * SD] * 6),
    "4-sd-above-the-prior": ([CENTRE + 4 * SD] * 6, [INF] * 6),
    "one-of-them-4-sd-out": ([-9.0, -9.1, -8.9, -9.0, -9.0, -7.0], [-9.0, -9.1, -8.9, -9, -9, INF]),
    "nearly-exact": ([-9.0, -9.3, -8.5, -9.0, -9.5, -8.5], [-8.9, -9.2, -8.4, -8.9, -9.4, -8.4]),
}


@pytest.mark.parametrize("case", CASES)
@pytest.mark.parametrize("noise", [0.07, 0.5])
def test_mean_and_sd_agree_with_brute_force(case, noise):
    lower, upper = CASES[case]
    fitted = conditioned(X, lower, upper, np.full(6, noise))
    off, wide = errors(fitted, *brute_force(X, lower, upper, np.full(6, noise), NEW))
    assert off < MEAN_WITHIN
    assert wide < SD_WITHIN


@pytest.mark.parametrize("n_bounds", [12, 24, 40])
def test_many_bounds_agree_with_brute_force(n_bounds):
    rng = np.random.default_rng(n_bounds)
    x = rng.random((n_bounds + 10, 2))
    noise = np.full(len(x), 0.1)
    y = CENTRE + np.linalg.cholesky(covariances(x, noise, NEW)[0]) @ rng.standard_normal(len(x))
    upper = np.where(np.arange(len(x)) < n_bounds, y + rng.exponential(0.3, len(x)), y)
    lower = np.where(np.arange(len(x)) < n_bounds, -INF, y)
    fitted = conditioned(x, lower, upper, noise)
    expected = brute_force(x, lower, upper, noise, NEW, n_chains=1500)
    off, wide = errors(fitted, *expected)
    assert off < MEAN_WITHIN
    assert wide < SD_WITHIN


@pytest.mark.parametrize("n_pellets", [2, 3, 5])
@pytest.mark.parametrize("floor", [CENTRE, CENTRE - 4 * SD], ids=["at-centre", "4-sd-out"])
def test_pellets_of_one_recipe_below_one_floor_agree_with_an_integral(n_pellets, floor):
    """y_i = f + e_i < floor: one variable to integrate over."""
    x = np.full((n_pellets, 2), 0.5)
    fitted = conditioned(x, [-INF] * n_pellets, [floor] * n_pellets, np.full(n_pellets, 0.05))
    prior_sd = SD * np.sqrt(CONSTANT_SHARE + KNOWN.amplitude**2)
    error_sd = np.hypot(SD * KNOWN.scatter[0], 0.05)
    f = CENTRE + prior_sd * np.linspace(-14, 8, 400_001)
    weight = np.exp(-0.5 * ((f - CENTRE) / prior_sd) ** 2) * ndtr((floor - f) / error_sd) ** (
        n_pellets
    )
    mean = weight @ f / weight.sum()
    sd = np.sqrt(weight @ (f - mean) ** 2 / weight.sum())
    off, wide = errors(fitted, [mean], np.array([[sd**2]]), new=x[:1])
    assert off < MEAN_WITHIN
    assert wide < SD_WITHIN


class TestLimits:
    def test_without_bounds_it_is_the_exact_process(self):
        y, noise = np.array([-9.0, -8.0, -9.5, -8.6, -9.1, -8.8]), np.full(6, 0.1)
        readings, cross, truths = covariances(X, noise, NEW)
        gain = np.linalg.solve(readings, cross)
        mean, covariance = conditioned(X, y, y, noise).joint(NEW)
        np.testing.assert_allclose(mean, CENTRE + (y - CENTRE) @ gain, atol=1e-10)
        np.testing.assert_allclose(covariance, truths - cross.T @ gain, atol=1e-10)

    @pytest.mark.parametrize("width", [1e-7, 1e-5, 1e-3])
    def test_a_narrow_interval_is_an_exact_reading(self, width):
        y, noise = np.array([-9.0, -8.0, -9.5, -8.6, -9.1, -8.8]), np.full(6, 0.1)
        exact = conditioned(X, y, y, noise).marginal(NEW)
        narrow = conditioned(X, y - width / 2, y + width / 2, noise).marginal(NEW)
        np.testing.assert_allclose(narrow, exact, atol=2 * width)

    @pytest.mark.parametrize("bounds", [(-INF, 1e3), (-1e3, INF), (-1e3, 1e3)], ids=str)
    def test_a_bound_far_away_says_nothing(self, bounds):
        open_ended = conditioned(X[:2], [bounds[0]] * 2, [bounds[1]] * 2, np.full(2, 0.1))
        nothing = conditioned(np.zeros((0, 2)), [], [], [])
        np.testing.assert_allclose(open_ended.marginal(NEW), nothing.marginal(NEW), atol=1e-3 * SD)

    def test_learning_without_bounds_is_learning_from_exact_readings(self):
        y, noise = np.array([-9.0, -8.0, -9.5, -8.6, -9.1, -8.8]), np.full(6, 0.1)
        evidence = Evidence.of(Points.of(X), lower=y, upper=y, noise_sd=noise, groups={})
        np.testing.assert_array_equal(
            process().fit_evidence(evidence).marginal(NEW), process().fit(X, y, noise).marginal(NEW)
        )

    def test_a_lower_bound_mirrors_an_upper_one(self):
        below = conditioned(X, [-INF] * 6, np.full(6, CENTRE - 1), np.full(6, 0.1)).marginal(NEW)
        above = conditioned(X, np.full(6, CENTRE + 1), [INF] * 6, np.full(6, 0.1)).marginal(NEW)
        np.testing.assert_allclose(above[0] - CENTRE, CENTRE - below[0], atol=1e-3 * SD)
        np.testing.assert_allclose(above[1], below[1], rtol=2e-3)


class TestDraws:
    @pytest.fixture
    def fitted(self):
        return conditioned(X, *CASES["mixed"], np.full(6, 0.1))

    def test_joint_and_marginal_agree(self, fitted):
        mean, covariance = fitted.joint(NEW)
        np.testing.assert_allclose(mean, fitted.marginal(NEW)[0], rtol=1e-10)
        np.testing.assert_allclose(np.sqrt(np.diagonal(covariance)), fitted.marginal(NEW)[1])

    def test_joint_covariance_agrees_with_brute_force(self, fitted):
        _, covariance = fitted.joint(NEW)
        _, expected = brute_force(X, *CASES["mixed"], np.full(6, 0.1), NEW)
        sd = np.sqrt(np.diagonal(expected))
        np.testing.assert_array_less(np.abs(covariance - expected) / np.outer(sd, sd), 0.05)

    def test_joint_samples_have_the_joint_moments(self, fitted):
        mean, covariance = fitted.joint(NEW)
        draws = fitted.sample(NEW, 40_000, np.random.default_rng(0))
        sd = np.sqrt(np.diagonal(covariance))
        np.testing.assert_array_less(np.abs(draws.mean(axis=0) - mean) / sd, 0.02)
        np.testing.assert_allclose(
            np.cov(draws.T) / np.outer(sd, sd), covariance / np.outer(sd, sd), atol=0.03
        )

    def test_drawn_readings_respect_their_bounds_and_leave_exact_ones_alone(self, fitted):
        lower, upper = (np.array(side) for side in CASES["mixed"])
        draws = fitted.readings(500, np.random.default_rng(0))
        assert draws.shape == (500, 6)
        assert (draws >= lower - 1e-9).all()
        assert (draws <= upper + 1e-9).all()
        assert np.ptp(draws, axis=0)[[0, 4]] == pytest.approx([0, 0])

    def test_an_exact_process_on_drawn_readings_gives_the_same_mean(self, fitted):
        draws = fitted.readings(2000, np.random.default_rng(0))
        readings, cross, _ = covariances(X, np.full(6, 0.1), NEW)
        means = CENTRE + (draws - CENTRE) @ np.linalg.solve(readings, cross)
        mean, sd = fitted.marginal(NEW)
        np.testing.assert_array_less(np.abs(means.mean(axis=0) - mean) / sd, 0.05)


class TestLearning:
    @pytest.mark.parametrize("kernel", ["matern52", "matern32", "rbf"])
    def test_gradient_of_everything_together_matches_finite_differences(self, kernel):
        """Bounds, jars, unstated errors, temperatures, slopes and uncertain prior means."""
        rng, n = np.random.default_rng(2), 14
        exact = rng.random(n) < 0.4
        level = (np.arange(n) % 5 > 0).astype(float)
        points = Points.of(
            rng.random((n, 2)),
            level=level,
            tilt=np.where(level == 1, rng.normal(0, 0.3, n), 1.0),
            offset=rng.standard_normal(n),
            basis=0.3 * rng.standard_normal((n, 2)),
        )
        lower = rng.standard_normal(n)
        upper = np.where(exact, lower, np.where(rng.random(n) < 0.5, lower + 0.4, INF))
        evidence = Evidence.of(
            points,
            lower=lower,
            upper=upper,
            noise_sd=np.where(rng.random(n) < 0.3, np.nan, 0.2),
            groups={"jar": rng.integers(0, 4, n), "pellet": rng.integers(0, 8, n)},
        )
        told = Units(0.2, 1.1, 0.1, 0.7).told(evidence, ["jar", "pellet"], learn_reading=True)
        theta = np.log([0.5, 0.8, 0.7, 0.3, 0.2, 0.15])
        # a fresh one each time: the search for sites must not depend on the last one
        numeric = approx_fprime(theta, lambda t: LogLikelihood(told, kernel)(t)[0], 1e-5)
        np.testing.assert_allclose(
            LogLikelihood(told, kernel)(theta)[1], numeric, atol=2e-4, rtol=1e-3
        )

    def test_likelihood_of_bounds_alone_is_their_probability(self):
        evidence = Evidence.of(
            Points.of([[0.5]]), lower=[0.0], upper=[INF], noise_sd=[0.1], groups={}
        )
        told = Units(0.0, 1.0, 0.0, 1.0).told(evidence, ["sample"], learn_reading=False)
        value, _ = LogLikelihood(told)(np.log([0.6, 0.7, 0.1]))
        assert value == pytest.approx(np.log(0.5), abs=1e-8)

    def test_bounds_teach_the_mean_what_dropping_them_does_not(self):
        x = np.linspace(0, 1, 12)[:, None]
        truth = CENTRE + 2.0 - 5.0 * x[:, 0]
        below = truth < CENTRE - 1
        bound = Evidence.of(
            Points.of(x),
            lower=np.where(below, -INF, truth),
            upper=np.where(below, CENTRE - 1, truth),
            noise_sd=np.full(12, 0.05),
            groups={},
        )
        with_bounds = process().fit_evidence(bound).marginal(x[-1:])
        without = process().fit(x[~below], truth[~below], np.full((~below).sum(), 0.05))
        typed = process().fit(x, np.maximum(truth, CENTRE - 1), np.full(12, 0.05))
        error = abs(with_bounds[0][0] - truth[-1])
        assert error < abs(typed.marginal(x[-1:])[0][0] - truth[-1])
        assert error < 2 * with_bounds[1][0]
        assert with_bounds[1][0] < without.marginal(x[-1:])[1][0]
