"""Closed forms of the expected hypervolume improvement."""

import numpy as np
import pytest

from optimizer.hypervolume import hypervolume
from optimizer.improvement import Improvement
from optimizer.limits import EVERYTHING
from optimizer.scalarised import LineImprovement

LIMITS = [EVERYTHING, (-0.3, np.inf), (-np.inf, 0.8), (-0.4, 0.9)]
LIMIT_IDS = ["free", "at least", "at most", "between"]


def situation(m, s=3, c=6, n=4, seed=0, outcomes=0):
    rng = np.random.default_rng([seed, m])
    standing = rng.normal(0.0 if m > 1 else -0.8, 0.7 if m > 1 else 0.2, (s, c, m))
    mean = rng.normal(0.3, 0.6, (s, n, m + outcomes))
    sd = rng.uniform(0.1, 0.6, mean.shape)
    return standing, np.full(m, -1.0), mean, sd


@pytest.mark.parametrize("limit", LIMITS, ids=LIMIT_IDS)
@pytest.mark.parametrize("m", [1, 2, 3, 4])
def test_it_is_the_mean_of_what_draws_add(m, limit):
    standing, reference, mean, sd = situation(m, n=1)
    found = np.exp(Improvement(standing, reference, [limit] * m).log_expected(mean, sd))[0]
    rng, gains = np.random.default_rng(1), []
    for s in range(len(standing)):
        before = hypervolume(standing[s], reference)
        for draw in mean[s, 0] + sd[s, 0] * rng.standard_normal((700, m)):
            counts = ((draw >= limit[0]) & (draw <= limit[1])).all()
            after = hypervolume(np.vstack([standing[s], draw]), reference) if counts else before
            gains.append(after - before)
    error = np.std(gains) / np.sqrt(len(gains))
    assert abs(found - np.mean(gains)) < 4 * error + 1e-6


@pytest.mark.parametrize("m", [1, 2, 3, 5])
def test_without_spread_it_is_what_the_value_adds(m):
    standing, reference, mean, _ = situation(m)
    found = Improvement(standing, reference, [EVERYTHING] * m).log_expected(mean, 0 * mean)
    for row in range(mean.shape[1]):
        added = [
            hypervolume(np.vstack([standing[s], mean[s, row]]), reference)
            - hypervolume(standing[s], reference)
            for s in range(len(standing))
        ]
        assert np.exp(found[row]) == pytest.approx(np.mean(added), abs=1e-9)


@pytest.mark.parametrize("limit", LIMITS, ids=LIMIT_IDS)
@pytest.mark.parametrize("m", [1, 2, 4])
def test_slopes_are_derivatives(m, limit):
    standing, reference, mean, sd = situation(m, outcomes=1)
    gain = Improvement(standing, reference, [limit] * m + [(-0.5, 1.5)])
    value, by_mean, by_sd = gain.log_expected_and_slopes(mean, sd)
    assert value == pytest.approx(gain.log_expected(mean, sd))
    for s in range(len(standing)):
        for j in range(m + 1):
            step = np.zeros_like(mean)
            step[s, :, j] = 1e-6
            change = gain.log_expected(mean + step, sd) - gain.log_expected(mean - step, sd)
            assert by_mean[s, :, j] == pytest.approx(change / 2e-6, abs=1e-5)
            change = gain.log_expected(mean, sd + step) - gain.log_expected(mean, sd - step)
            assert by_sd[s, :, j] == pytest.approx(change / 2e-6, abs=1e-5)


def test_an_outcome_that_is_only_limited_weighs_by_its_probability():
    standing, reference, mean, sd = situation(2, outcomes=1)
    mean[..., 2], sd[..., 2] = 1.0, 1.0
    free = Improvement(standing, reference, [EVERYTHING] * 3).log_expected(mean, sd)
    half = Improvement(standing, reference, [EVERYTHING] * 2 + [(1.0, np.inf)])
    assert half.log_expected(mean, sd) == pytest.approx(free + np.log(0.5))


def test_far_tails_are_still_ordered():
    standing, reference = np.full((1, 1, 2), 1.0), np.zeros(2)
    mean = np.array([[[-3.0, -3.0], [-2.0, -3.0], [-30.0, -30.0]]])
    gain = Improvement(standing, reference, [EVERYTHING] * 2)
    found = gain.log_expected(mean, np.full_like(mean, 0.2))
    assert found[1] > found[0] > -np.inf
    assert found[2] == -np.inf


def test_nothing_standing_and_many_rows_in_chunks_will_do():
    gain = Improvement(np.empty((4, 0, 3)), np.zeros(3), [EVERYTHING] * 3)
    rng = np.random.default_rng(0)
    mean = rng.normal(1.0, 0.3, (4, 40_000, 3))
    found = gain.log_expected(mean, np.full_like(mean, 1e-15))
    assert np.exp(found) == pytest.approx(np.maximum(mean, 0).prod(axis=2).mean(axis=0), abs=1e-9)


@pytest.mark.parametrize("m", [2, 4])
def test_lines_estimate_what_boxes_know(m):
    standing, reference, mean, sd = situation(m, s=64, n=60)
    limits = [(-0.8, np.inf)] * m
    exact = np.exp(Improvement(standing, reference, limits).log_expected(mean, sd))
    along = np.exp(LineImprovement(standing, reference, limits).log_expected(mean, sd))
    assert along.mean() == pytest.approx(exact.mean(), rel=0.1)
    assert np.corrcoef(along, exact)[0, 1] > 0.9


def test_lines_know_the_hypervolume():
    standing, reference, _, _ = situation(3, s=1)
    along = LineImprovement(np.repeat(standing, 64, axis=0), reference, []).volumes()
    assert along.mean() == pytest.approx(hypervolume(standing[0], reference), rel=0.02)


@pytest.mark.parametrize("distance", [1.0, 3.0, 8.0, 30.0])
def test_far_beyond_a_limit_is_a_number_and_ever_less(distance):
    standing, reference = np.full((2, 1, 2), 0.2), np.zeros(2)
    gain = Improvement(standing, reference, [(-np.inf, 0.8), EVERYTHING])
    mean = np.tile([[[0.8 + distance, 1.0], [0.9 + distance, 1.0]]], (2, 1, 1))
    near, far = gain.log_expected(mean, np.full_like(mean, 0.5))
    assert not np.isnan([near, far]).any()
    assert near > far or np.isneginf([near, far]).all()
