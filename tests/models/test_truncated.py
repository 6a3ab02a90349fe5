from itertools import pairwise

import numpy as np
import pytest
from scipy.integrate import quad
from scipy.special import log_ndtr
from scipy.stats import truncnorm

from models.truncated import truncated_moments

INF = np.inf


def moments(low, high):
    log_mass, mean, variance = truncated_moments(np.array([low]), np.array([high]))
    return float(log_mass[0]), float(mean[0]), float(variance[0])


def integrated(low, high):
    """Log mass, mean less the peak and variance by adaptive quadrature from the peak on."""
    peak = float(np.clip(0.0, low, high))
    ends = max(low - peak, -12.0), min(high - peak, 12.0)

    def integral(power, centre=0.0):
        def weighed(step):
            return (step - centre) ** power * np.exp(-0.5 * step * (step + 2 * peak))

        marks = np.clip([0.0, -1 / (1 + abs(peak)), 1 / (1 + abs(peak))], *ends)
        parts = sorted({*ends, *marks.tolist()})
        return sum(
            quad(weighed, a, b, epsabs=0, epsrel=1e-11, limit=200)[0] for a, b in pairwise(parts)
        )

    mass = integral(0)
    shift = integral(1) / mass
    log_mass = np.log(mass) - 0.5 * peak**2 - 0.5 * np.log(2 * np.pi)
    return log_mass, peak + shift, integral(2, shift) / mass


@pytest.mark.parametrize(
    ("low", "high"),
    [
        (-1.0, 2.0),
        (0.0, INF),
        (-INF, -1.5),
        (2.0, 2.5),
        (-0.3, 0.1),
        (-3.0, INF),
        (-5.0, -1.0),
        (-INF, 6.0),
    ],
    ids="{}".format,
)
def test_agree_with_scipy_where_scipy_is_right(low, high):
    log_mass, mean, variance = moments(low, high)
    expected = truncnorm(low, high)
    assert log_mass == pytest.approx(_log_mass(low, high))
    assert mean == pytest.approx(expected.mean(), rel=1e-8, abs=1e-10)
    assert variance == pytest.approx(expected.var(), rel=1e-7)


def _log_mass(low, high):
    return log_ndtr(high) + np.log1p(-np.exp(log_ndtr(low) - log_ndtr(high)))


@pytest.mark.parametrize(
    ("low", "high"),
    [
        pytest.param(30.0, INF, id="30-sd-out"),
        pytest.param(-INF, -30.0, id="30-sd-out-below"),
        pytest.param(30.0, 30.01, id="far-and-narrow"),
        pytest.param(-30.0, 30.0, id="wide"),
        pytest.param(1.0, 1.0 + 1e-5, id="narrow"),
        pytest.param(-8.0 - 1e-5, -8.0, id="narrow-in-the-tail"),
        pytest.param(-40.0, 0.5, id="nearly-one-sided"),
        pytest.param(4.0, 40.0, id="from-4-sd"),
    ],
)
def test_tails_and_narrow_intervals_agree_with_adaptive_quadrature(low, high):
    log_mass, mean, variance = moments(low, high)
    expected_log_mass, expected_mean, expected_variance = integrated(low, high)
    assert log_mass == pytest.approx(expected_log_mass, rel=1e-9)
    assert mean == pytest.approx(expected_mean, rel=1e-9, abs=1e-9)
    assert variance == pytest.approx(expected_variance, rel=1e-5)
    assert low <= mean <= high


def test_a_narrow_interval_has_a_uniform_inside_it():
    log_mass, mean, variance = moments(0.7, 0.7 + 1e-5)
    assert mean == pytest.approx(0.7 + 0.5e-5, abs=1e-10)
    assert variance == pytest.approx(1e-10 / 12, rel=1e-4)
    assert log_mass == pytest.approx(np.log(1e-5) - 0.5 * 0.7**2 - 0.5 * np.log(2 * np.pi))


@pytest.mark.parametrize("out", [1e3, 1e6, 1e9, 1e12], ids="{:g}".format)
def test_far_beyond_everything_an_exponential_is_left(out):
    log_mass, mean, variance = moments(out, INF)
    assert log_mass == pytest.approx(-0.5 * out**2, rel=1e-4)
    assert mean == pytest.approx(out + 1 / out - 2 / out**3, rel=1e-14)
    assert variance == pytest.approx(out**-2, rel=1e-4)


def test_no_bound_at_all_leaves_the_normal_as_it_is():
    log_mass, mean, variance = moments(-INF, INF)
    assert (log_mass, mean, variance) == pytest.approx((0, 0, 1), abs=1e-12)


def test_mirrored_bounds_mirror_the_mean():
    here, there = moments(1.2, 3.4), moments(-3.4, -1.2)
    assert here == pytest.approx((there[0], -there[1], there[2]))
