"""Surrogates on tables that try the arithmetic: finite, or refused; and still calibrated."""

import warnings

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from benchmarks.numerics_cases import KINDS, SLOW, covered, missing
from features.errors import GlassError
from models.box import box_sites, site_moments
from models.evidence import Evidence, Points
from models.gp import GaussianProcess
from models.truncated import truncated_moments

INF = np.inf
OF_MODELS = [
    name for name in KINDS
    if name not in SLOW and not name.startswith("optimizer") and name != "fronts"
]  # fmt: skip


def lost_of(kind: str, seed: int) -> list[str]:
    """What of a case is no number; nothing if it was refused in one sentence."""
    try:
        return missing(KINDS[kind](np.random.default_rng(seed)))
    except GlassError as error:
        return ["many sentences"] if "\n" in str(error) else []


@settings(
    max_examples=4, deadline=None, derandomize=True, database=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture],
)  # fmt: skip
@pytest.mark.parametrize("kind", OF_MODELS)
@given(seed=st.integers(0, 10_000))
def test_what_is_predicted_is_a_number_or_refused(kind, seed):
    assert lost_of(kind, seed) == []


@pytest.mark.parametrize(
    ("kind", "seed"),
    [
        ("contradicting_bounds", 1),  # the curvature of the hyperparameters was no number
        ("contradicting_bounds", 5),
        ("contradicting_bounds", 7),
        ("narrow_intervals", 0),  # overflow in expectation propagation
        ("narrow_intervals", 2),
        ("narrow_intervals", 3),
        ("only_bounds", 20),  # a site lost its last precision in a step
    ],
)
def test_cases_that_failed_once(kind, seed):
    assert missing(KINDS[kind](np.random.default_rng(seed))) == []


@pytest.mark.parametrize("gap", [1.0, 450.0, 1e5])
def test_bounds_that_contradict_each_other_meet_in_the_middle(gap):
    """Each reading is pressed against its bound, and the truth lies between, by symmetry."""
    covariance = 1.0 + 1e-4 * np.eye(2)
    low, high = np.array([-INF, gap]), np.array([-gap, INF])
    sites = box_sites(np.zeros(2), covariance, low, high)
    mean, posterior = site_moments(np.zeros(2), covariance, sites)
    assert mean == pytest.approx([-gap, gap], rel=1e-3)
    assert np.isfinite(posterior).all()
    # the density of the least contradicting pair of readings decides how improbable they are
    assert sites.log_probability == pytest.approx(-((2 * gap) ** 2) / (4 * 1e-4), rel=1e-2)


def test_narrow_intervals_are_as_good_as_exact_readings():
    """Of sites that are sharper than differences of large numbers can tell."""
    covariance = 0.5 + 0.5 * np.eye(3)
    at = np.array([0.3, -0.2, 1.1])
    sites = box_sites(np.zeros(3), covariance, at - 1e-5, at + 1e-5)
    density = -0.5 * at @ np.linalg.solve(covariance, at) - 0.5 * np.log(
        np.linalg.det(2 * np.pi * covariance)
    )
    assert sites.log_probability == pytest.approx(density + 3 * np.log(2e-5), abs=1e-3)
    assert sites.precision == pytest.approx(np.full(3, 12 / (2e-5) ** 2), rel=1e-3)


@pytest.mark.parametrize("far", [1e3, 1e8, 1e15])
@pytest.mark.parametrize("side", [-1.0, 1.0])
def test_an_interval_that_rounding_closes_far_out_keeps_a_width(far, side):
    low = np.array([side * far])
    log_mass, mean, variance = truncated_moments(low, low)
    assert np.isfinite(log_mass).all()
    assert mean == pytest.approx(low)
    assert (variance > 0).all()


def test_a_reading_of_a_huge_error_leaves_the_prior():
    process = GaussianProcess(prior_centre=0.0, prior_sd=1.0, scatter_sd=0.1)
    blind = process.fit([[0.5]], [3.0], [1e6])
    mean, sd = blind.marginal([[0.5]])
    assert abs(mean[0]) < 1e-6
    assert sd[0] == pytest.approx(process.fit(np.zeros((0, 1)), [], []).marginal([[0.5]])[1][0])


def test_hundreds_of_readings_of_one_glass_say_what_their_mean_says():
    """And do not make the scatter between jars smaller than it is known to be."""
    rng = np.random.default_rng(0)
    y = 0.7 + 0.1 * rng.standard_normal(600)
    evidence = Evidence.of(
        Points.of(np.full((600, 2), 0.5)), lower=y, upper=y, noise_sd=np.full(600, 0.1),
        groups={"sample": np.zeros(600, dtype=int)},
    )  # fmt: skip
    process = GaussianProcess(prior_centre=0.0, prior_sd=1.0, scatter_sd=0.1)
    mean, sd = process.fit_evidence(evidence).marginal([[0.5, 0.5]])
    assert mean[0] == pytest.approx(0.7, abs=0.03)
    assert 0.05 < sd[0] < 0.3  # all of one jar: its luck is not known from itself


@pytest.mark.parametrize("how", ["stated", "extreme", "bounds"])
def test_ranges_hold_truths_drawn_from_the_prior(how):
    found = covered(how, 40)
    assert 0.8 < found["share"] < 0.99, found


def test_no_arithmetic_overflows_in_a_few_cases_of_each_kind():
    with warnings.catch_warnings():
        warnings.simplefilter("error", RuntimeWarning)
        for kind in ("contradicting_bounds", "narrow_intervals", "twelve_decades", "constant"):
            for seed in range(3):
                assert missing(KINDS[kind](np.random.default_rng(seed))) == []
