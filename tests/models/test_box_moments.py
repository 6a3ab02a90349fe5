import numpy as np
import pytest
from scipy.integrate import quad
from scipy.special import log_ndtr, ndtr, ndtri
from scipy.stats import multivariate_normal, norm

from models.box_moments import MOST_SIDES, box_draws, box_moments
from models.truncated import truncated_moments

INF = np.inf


def problem(m, seed=0, correlated=0.7):
    rng = np.random.default_rng(seed)
    root = rng.standard_normal((m, m))
    covariance = correlated * root @ root.T / m + np.diag(rng.uniform(0.1, 0.5, m))
    return 0.5 * rng.standard_normal(m), covariance


def gibbs(mean, covariance, low, high, n_chains=4000, n_sweeps=150, seed=0):
    """Mean and covariance by a long Gibbs sampler, started inside the box."""
    rng, m = np.random.default_rng(seed), len(mean)
    precision = np.linalg.inv(covariance)
    start = np.clip(
        mean, np.where(np.isfinite(low), low, -30), np.where(np.isfinite(high), high, 30)
    )
    h = np.tile(start, (n_chains, 1))
    kept = []
    for sweep in range(n_sweeps):
        for i in range(m):
            sd = precision[i, i] ** -0.5
            off = (h - mean) @ precision[:, i] - precision[i, i] * (h[:, i] - mean[i])
            centre = mean[i] - off / precision[i, i]
            a, b = (low[i] - centre) / sd, (high[i] - centre) / sd
            flip = a > 0
            a, b = np.where(flip, -b, a), np.where(flip, -a, b)
            z = ndtri(ndtr(a) + rng.random(n_chains) * (ndtr(b) - ndtr(a)))
            h[:, i] = centre + sd * np.where(flip, -z, z)
        if sweep >= n_sweeps // 3:
            kept.append(h.copy())
    draws = np.concatenate(kept)
    return draws.mean(axis=0), np.cov(draws.T)


def relative_errors(ours, expected_mean, expected):
    """Largest error of a mean in sd, and of a sd as a share."""
    sd = np.sqrt(np.diagonal(expected))
    return (
        (np.abs(ours.mean - expected_mean) / sd).max(),
        np.abs(np.sqrt(np.diagonal(ours.covariance)) / sd - 1).max(),
    )


def test_no_bound_changes_nothing():
    ours = box_moments(np.zeros(0), np.zeros((0, 0)), np.zeros(0), np.zeros(0))
    assert ours.log_probability == 0
    assert ours.mean.shape == (0,)
    assert ours.covariance.shape == (0, 0)
    none = np.zeros(0)
    drawn = box_draws(none, np.zeros((0, 0)), none, none, 3, np.random.default_rng(0))
    assert drawn.shape == (3, 0)


@pytest.mark.parametrize(
    ("low", "high"),
    [(1.0, INF), (-INF, -8.0), (2.0, 2.1), (-INF, INF)],
    ids=["above", "below", "between", "open"],
)
def test_one_bound_is_exact(low, high):
    ours = box_moments(np.array([0.5]), np.array([[4.0]]), np.array([low]), np.array([high]))
    log_mass, moved, squeezed = truncated_moments(
        np.array([(low - 0.5) / 2]), np.array([(high - 0.5) / 2])
    )
    assert ours.log_probability == pytest.approx(log_mass[0], rel=1e-12)
    assert ours.mean[0] == pytest.approx(0.5 + 2 * moved[0], rel=1e-12)
    assert ours.covariance[0, 0] == pytest.approx(4 * squeezed[0], rel=1e-12)


@pytest.mark.parametrize("m", [2, 3, 5, 10])
def test_probability_agrees_with_scipy(m):
    mean, covariance = problem(m)
    upper = mean + np.linspace(-1, 1.5, m)
    expected = multivariate_normal(
        mean, covariance, maxpts=200_000 * m, abseps=1e-7, releps=1e-7
    ).cdf(upper, rng=np.random.default_rng(0))
    ours = box_moments(mean, covariance, np.full(m, -INF), upper)
    assert np.exp(ours.log_probability) == pytest.approx(expected, rel=3e-3)


@pytest.mark.parametrize("seed", range(4), ids="seed={}".format)
@pytest.mark.parametrize("m", [2, 4, 8])
def test_mean_and_spread_agree_with_a_gibbs_sampler(m, seed):
    mean, covariance = problem(m, seed)
    rng = np.random.default_rng(100 + seed)
    sd = np.sqrt(np.diagonal(covariance))
    low = mean + sd * rng.uniform(-2, 2.0, m)
    high = np.where(rng.random(m) < 0.5, INF, low + sd * rng.uniform(0.1, 2, m))
    below = rng.random(m) < 0.3
    low, high = np.where(below, -INF, low), np.where(below, low, high)
    ours = box_moments(mean, covariance, low, high)
    off, wide = relative_errors(ours, *gibbs(mean, covariance, low, high))
    assert off < 0.02
    assert wide < 0.02


@pytest.mark.parametrize("shift", [0.0, 4.0, 8.0], ids="{}-sd-out".format)
@pytest.mark.parametrize("m", [2, 3, 6])
@pytest.mark.parametrize("error_sd", [0.3, 0.06, 0.005])
def test_pellets_of_one_jar_below_one_floor(shift, m, error_sd):
    """y_i = f + e_i, all below the floor: an integral in one variable."""
    floor = -shift
    grid = np.linspace(-14, 6, 200_001)
    log_density = norm.logpdf(grid) + m * log_ndtr((floor - grid) / error_sd)
    top = log_density.max()
    weight = np.exp(log_density - top)
    step = grid[1] - grid[0]
    mean = (weight @ grid) / weight.sum()
    sd = np.sqrt(weight @ (grid - mean) ** 2 / weight.sum())
    covariance = np.ones((m, m)) + error_sd**2 * np.eye(m)
    ours = box_moments(np.zeros(m), covariance, np.full(m, -INF), np.full(m, floor))
    gain = np.linalg.solve(covariance, np.ones(m))
    f_mean = gain @ ours.mean
    f_sd = np.sqrt(1 - gain @ np.ones(m) + gain @ ours.covariance @ gain)
    assert ours.log_probability == pytest.approx(top + np.log(weight.sum() * step), abs=0.02)
    assert abs(f_mean - mean) < 0.02 * sd
    assert f_sd == pytest.approx(sd, rel=0.02)


@pytest.mark.parametrize("gap", [0.0, 1.0, 4.0])
def test_bounds_that_contradict_each_other(gap):
    """Two readings of one sample, one above and one below: the error must explain the gap."""
    error_sd, covariance = 0.5, np.ones((2, 2)) + 0.25 * np.eye(2)
    half = gap * error_sd

    def weight(f, power=0):
        sides = log_ndtr((f - half) / error_sd) + log_ndtr((-half - f) / error_sd)
        return f**power * np.exp(norm.logpdf(f) + sides + 20)

    total, _ = quad(weight, -6, 6, epsrel=1e-10)
    second, _ = quad(weight, -6, 6, args=(2,), epsrel=1e-10)
    ours = box_moments(np.zeros(2), covariance, np.array([half, -INF]), np.array([INF, -half]))
    gain = np.linalg.solve(covariance, np.ones(2))
    sd = np.sqrt(1 - gain @ np.ones(2) + gain @ ours.covariance @ gain)
    assert ours.log_probability == pytest.approx(np.log(total) - 20, abs=0.02)
    assert sd == pytest.approx(np.sqrt(second / total), rel=0.02)
    assert gain @ ours.mean == pytest.approx(0, abs=0.02 * sd)


def test_every_reading_4_sd_beyond_its_bound():
    m = 8
    mean, covariance = problem(m, seed=3)
    low = mean + 4 * np.sqrt(np.diagonal(covariance))
    ours = box_moments(mean, covariance, low, np.full(m, INF))
    off, wide = relative_errors(ours, *gibbs(mean, covariance, low, np.full(m, INF), n_sweeps=300))
    assert off < 0.03
    assert wide < 0.03


def test_order_of_the_sides_does_not_matter():
    mean, covariance = problem(6)
    low, high, order = mean - 0.3, mean + 0.8, np.array([4, 2, 0, 5, 1, 3])
    straight = box_moments(mean, covariance, low, high)
    mixed = box_moments(mean[order], covariance[np.ix_(order, order)], low[order], high[order])
    np.testing.assert_allclose(mixed.mean, straight.mean[order], atol=1e-12)
    np.testing.assert_allclose(mixed.covariance, straight.covariance[np.ix_(order, order)])


def test_draws_lie_in_the_box_and_have_its_moments():
    mean, covariance = problem(4)
    low, high = np.array([0.5, -INF, -0.2, -INF]), np.array([INF, -0.5, 0.2, INF])
    draws = box_draws(mean, covariance, low, high, 20_000, np.random.default_rng(0))
    expected = box_moments(mean, covariance, low, high)
    sd = np.sqrt(np.diagonal(expected.covariance))
    assert draws.shape == (20_000, 4)
    assert (draws >= low - 1e-9).all()
    assert (draws <= high + 1e-9).all()
    np.testing.assert_array_less(np.abs(draws.mean(axis=0) - expected.mean) / sd, 0.03)
    np.testing.assert_allclose(np.cov(draws.T), expected.covariance, atol=0.03 * sd.max() ** 2)


@pytest.mark.parametrize("m", [MOST_SIDES, MOST_SIDES + 1], ids=["most", "one-more"])
def test_at_the_switch_nothing_jumps(m):
    """Many bounds along a line: the same answer by both methods."""
    at = np.linspace(0, 1, m)
    covariance = np.exp(-((at[:, None] - at) ** 2) / 0.18) + 0.04 * np.eye(m)
    low = np.where(np.arange(m) % 2, np.sin(6 * at) - 0.3, -INF)
    high = np.where(np.arange(m) % 2, INF, np.sin(6 * at) + 0.3)
    ours = box_moments(np.zeros(m), covariance, low, high)
    gain = np.linalg.solve(covariance, covariance - 0.04 * np.eye(m))
    centre, spread = gain.T @ ours.mean, gain.T @ ours.covariance @ gain
    sd = np.sqrt(
        np.diagonal(covariance) - 0.04 - np.einsum("ij,ij->j", covariance - 0.04 * np.eye(m), gain)
        + np.diagonal(spread)
    )  # fmt: skip
    assert np.isfinite(ours.log_probability)
    assert (np.abs(centre - np.sin(6 * at)) < 4 * sd).all()
    assert ((sd > 0.02) & (sd < 0.3)).all()


def test_equal_problems_have_equal_answers():
    mean, covariance = problem(5)
    one, two = (box_moments(mean, covariance, mean, np.full(5, INF)) for _ in range(2))
    np.testing.assert_array_equal(one.covariance, two.covariance)
