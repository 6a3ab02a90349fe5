"""The closed form of leaving a group out equals conditioning on all the others."""

import numpy as np
import pytest
from scipy.stats import multivariate_normal, norm

from models.box_moments import box_moments
from models.evidence import Evidence, Points
from models.exact import readings_covariance
from models.gp import GaussianProcess
from models.hyper_posterior import HyperPosterior
from models.hyperparameters import Hyperparameters
from models.told import Told

INF = np.inf
KNOWN = Hyperparameters(np.array([0.4, 0.8]), 0.7, np.array([0.2, 0.1]))


def process():
    return GaussianProcess(1.0, 2.0, 0.3, levels={"jar": 0.8, "pellet": 0.6})


def table(n=14, seed=0, censored=0):
    rng = np.random.default_rng(seed)
    x = rng.random((n, 2))
    jar = np.sort(rng.integers(0, n // 2, n))
    x = x[jar]
    y = 1 + np.sin(4 * x[:, 0]) + 0.4 * rng.standard_normal(n)
    bound = np.isin(np.arange(n), rng.choice(n, censored, replace=False))
    below = rng.random(n) < 0.5
    return Evidence.of(
        Points.of(x),
        lower=np.where(bound & below, -INF, y),
        upper=np.where(bound & ~below, INF, y),
        noise_sd=rng.uniform(0.05, 0.2, n),
        groups={"jar": jar, "pellet": np.arange(n)},
    )


def conditioned(evidence):
    return process().condition(evidence, HyperPosterior.certain(KNOWN))


def log_density(told: Told):
    """Of all readings together: density of the exact ones, probability of the bounds."""
    covariance, k = readings_covariance(KNOWN, told), told.n_exact
    value, mean, given = 0.0, np.zeros(len(told) - k), covariance[k:, k:]
    if k:
        value = multivariate_normal(np.zeros(k), covariance[:k, :k]).logpdf(told.low[:k])
        gain = np.linalg.solve(covariance[:k, :k], covariance[:k, k:])
        mean, given = told.low[:k] @ gain, given - covariance[k:, :k] @ gain
    return value + box_moments(mean, given, told.low[k:], told.high[k:]).log_probability


def by_removing(evidence, groups):
    fitted = conditioned(evidence)

    def of_rows(rows):
        kept = fitted._told(evidence.take(rows))
        return log_density(kept) - kept.n_exact * np.log(2.0)

    everything = of_rows(np.ones(len(evidence), dtype=bool))
    return np.array([everything - of_rows(groups != group) for group in range(groups.max() + 1)])


@pytest.mark.parametrize("level", ["jar", "pellet"])
@pytest.mark.parametrize("seed", range(3), ids="seed={}".format)
def test_of_exact_readings_it_is_that_of_a_fit_without_them(level, seed):
    evidence = table(seed=seed)
    np.testing.assert_allclose(
        conditioned(evidence).left_out_log_density(level),
        by_removing(evidence, evidence.groups[level]),
        atol=1e-8,
    )


def test_one_reading_left_out_is_what_the_others_predict():
    evidence = table()
    for row, density in enumerate(conditioned(evidence).left_out_log_density("pellet")):
        others = evidence.take(np.arange(len(evidence)) != row)
        same_jar = evidence.groups["jar"] == evidence.groups["jar"][row]
        if same_jar.sum() > 1:
            continue  # then the jar's luck is known in part
        mean, sd = conditioned(others).marginal(evidence.points.take(np.array([row])))
        scatter = 2.0 * np.sqrt((KNOWN.scatter**2).sum())
        spread = np.sqrt(sd[0] ** 2 + scatter**2 + evidence.noise_sd[row] ** 2)
        assert density == pytest.approx(norm.logpdf(evidence.lower[row], mean[0], spread), abs=1e-8)


@pytest.mark.parametrize("level", ["jar", "pellet"])
@pytest.mark.parametrize("seed", range(3), ids="seed={}".format)
def test_with_bounds_it_is_close(level, seed):
    evidence = table(seed=seed, censored=5)
    groups = evidence.groups[level]
    ours, expected = (
        conditioned(evidence).left_out_log_density(level),
        by_removing(evidence, groups),
    )
    error = np.abs(ours - expected)
    assert error.mean() < 0.1  # the others' bounds keep the sites they had beside the group
    if level == "jar":
        assert error.max() < 0.06


def test_with_bounds_only_it_is_close():
    evidence = table(n=8, censored=8)
    ours = conditioned(evidence).left_out_log_density("jar")
    np.testing.assert_allclose(ours, by_removing(evidence, evidence.groups["jar"]), atol=0.1)
    assert (ours < 0).all()


def test_a_block_is_not_the_sum_of_its_readings():
    evidence = table()
    jars = conditioned(evidence).left_out_log_density("jar")
    pellets = conditioned(evidence).left_out_log_density("pellet")
    apart = np.bincount(evidence.groups["jar"], weights=pellets)
    repeated = np.bincount(evidence.groups["jar"]) > 1
    assert (np.abs(jars - apart)[repeated] > 0.01).any()
    np.testing.assert_allclose(jars[~repeated], apart[~repeated], atol=1e-8)


def test_leaving_everything_out_leaves_the_prior():
    evidence = table(n=6, censored=2)
    everything = Evidence.of(
        evidence.points,
        lower=evidence.lower,
        upper=evidence.upper,
        noise_sd=evidence.noise_sd,
        groups={"jar": [0] * 6, "pellet": evidence.groups["pellet"]},
    )
    fitted = conditioned(everything)
    told = fitted._told(everything)
    expected = log_density(told) - told.n_exact * np.log(2.0)
    assert fitted.left_out_log_density("jar") == pytest.approx([expected], abs=0.05)


def test_a_level_without_groups_has_one_reading_each():
    fitted = process().fit([[0.1, 0.1], [0.5, 0.9]], [1.0, 2.0], [0.1, 0.1])
    assert fitted.left_out_log_density("jar").shape == (2,)


def test_without_readings_there_is_nothing_to_leave_out():
    assert process().fit(np.zeros((0, 2)), [], []).left_out_log_density("jar").shape == (0,)


def test_readings_of_no_group_are_never_left_out():
    evidence = table(n=6)
    labels = ["", "a", "a", "", "b", "b"]
    partly = Evidence.of(
        evidence.points,
        lower=evidence.lower,
        upper=evidence.upper,
        noise_sd=evidence.noise_sd,
        groups={"jar": labels, "pellet": evidence.groups["pellet"]},
    )
    np.testing.assert_allclose(
        conditioned(partly).left_out_log_density("jar"),
        by_removing(partly, partly.groups["jar"]),
        atol=1e-8,
    )
