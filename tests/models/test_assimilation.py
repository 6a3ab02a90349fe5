import numpy as np
import pytest

from models.assimilation import corrected_draws

N = 60_000


@pytest.fixture
def gaussian():
    """Five normals, the last two of them foretold values of the first three, and more."""
    rng = np.random.default_rng(0)
    root = rng.standard_normal((5, 5))
    mean = rng.standard_normal(5)
    return mean, root @ root.T, mean + rng.standard_normal((N, 5)) @ root.T


def test_moments_are_those_of_gaussian_conditioning(gaussian):
    mean, covariance, draws = gaussian
    measured, error_sd = mean[3:] + np.array([1.0, -0.5]), np.array([0.3, 0.8])
    corrected = corrected_draws(
        draws[:, :3], draws[:, 3:], measured, error_sd, np.random.default_rng(1)
    )
    spread = covariance[3:, 3:] + np.diag(error_sd**2)
    gain = np.linalg.solve(spread, covariance[3:, :3])
    expected = covariance[:3, :3] - covariance[:3, 3:] @ gain
    sd = np.sqrt(np.diagonal(expected))
    expected_mean = mean[:3] + (measured - mean[3:]) @ gain
    np.testing.assert_array_less(np.abs(corrected.mean(axis=0) - expected_mean) / sd, 0.03)
    np.testing.assert_allclose(
        np.cov(corrected.T) / np.outer(sd, sd), expected / np.outer(sd, sd), atol=0.03
    )


def test_a_nearly_exact_measurement_of_the_state_itself_is_met(gaussian):
    _, _, draws = gaussian
    corrected = corrected_draws(
        draws[:, :2],
        draws[:, :2],
        np.array([2.0, -1.0]),
        np.full(2, 1e-3),
        np.random.default_rng(1),
    )
    np.testing.assert_allclose(corrected, np.tile([2.0, -1.0], (N, 1)), atol=0.02)


def test_a_useless_measurement_changes_nothing(gaussian):
    mean, _, draws = gaussian
    corrected = corrected_draws(
        draws[:, :3], draws[:, 3:], mean[3:] + 5, np.full(2, 1e6), np.random.default_rng(1)
    )
    np.testing.assert_allclose(corrected, draws[:, :3], atol=1e-2)


def test_shape_of_the_state_is_kept_and_dimensions_do_not_mix(gaussian):
    mean, _, draws = gaussian
    state = draws[:, [0, 1, 2, 0]].reshape(N, 2, 2)
    flat = corrected_draws(
        draws[:, [0, 1, 2, 0]], draws[:, 3:], mean[3:], np.full(2, 0.5), np.random.default_rng(1)
    )
    cube = corrected_draws(state, draws[:, 3:], mean[3:], np.full(2, 0.5), np.random.default_rng(1))
    assert cube.shape == (N, 2, 2)
    np.testing.assert_allclose(cube.reshape(N, 4), flat)
    np.testing.assert_allclose(cube[:, 0, 0], cube[:, 1, 1])
