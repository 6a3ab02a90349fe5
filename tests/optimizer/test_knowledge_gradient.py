"""What a reading is worth: against refitting for every outcome, and what must hold whatever."""

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import norm

from features.errors import SpaceError, TableError
from models.evidence import Evidence
from models.gp import GaussianProcess
from models.hyper_posterior import HyperPosterior
from optimizer.drawn_rise import drawn_rise, shrunk_covariance
from optimizer.hypervolume import hypervolume_draws
from optimizer.knowledge_gradient import Counted, expected_rise, normal_cells, reading_shifts
from optimizer.objectives import Objective
from optimizer.sliced_hypervolume import sliced_hypervolume

ROWS = np.array([[0.1], [0.35], [0.6], [0.9]])
NOISE = 0.1


def two(**limits):
    return Counted.of(
        [Objective("a", "maximize", reference=-2.0), Objective("b", "maximize", reference=-2.0)]
        if not limits
        else [
            Objective("a", "maximize", reference=-2.0, **limits),
            Objective("b", "maximize", reference=-2.0),
        ]
    )


def process(rows, values):
    """A process of known hyperparameters: learning more would move them in the fantasies too."""
    prior = GaussianProcess(prior_centre=0.0, prior_sd=1.0, scatter_sd=0.1)
    fitted = prior.fit(rows, values, [NOISE] * len(rows))
    return fitted.condition(fitted.evidence, HyperPosterior.certain(fitted.learned.best))


@pytest.fixture(scope="module")
def processes():
    return [
        process([[0.1], [0.9]], [0.5, -0.5]),
        process([[0.1], [0.35]], [-0.4, 0.1]),
    ]


@pytest.fixture(scope="module")
def means(processes):
    return np.stack([gp.joint(ROWS)[0] for gp in processes], axis=1)


def shift(processes, row, objective, noise_sd):
    """Shape (1, 4, 2)."""
    covariance = processes[objective].joint(ROWS)[1]
    moved = np.zeros((1, len(ROWS), 2))
    moved[0, :, objective] = reading_shifts(covariance, np.eye(len(ROWS))[[row]], [noise_sd])[0]
    return moved


def reading_noise(gp):
    return float(np.hypot(NOISE, gp.residual_sd))


def refitted(gp, row, value):
    """Means at all rows once this was read too."""
    told = gp.evidence
    rows = np.vstack([told.points.x, ROWS[[row]]])
    more = Evidence.exact(rows, [*told.lower, value], [*told.noise_sd, NOISE])
    return gp.condition(more).joint(ROWS)[0]


@pytest.mark.parametrize(("row", "objective"), [(2, 0), (3, 1), (0, 0)])
def test_a_value_is_that_of_refitting_for_many_outcomes(processes, means, row, objective):
    gp, counted, rng = processes[objective], two(), np.random.default_rng(0)
    mean, covariance = gp.joint(ROWS)
    noise = reading_noise(gp)
    outcomes = rng.normal(mean[row], np.hypot(covariance[row, row] ** 0.5, noise), size=600)
    after = np.repeat(means[None], len(outcomes), axis=0)
    after[:, :, objective] = [refitted(gp, row, value) for value in outcomes]
    rises = counted.hypervolume(after) - counted.hypervolume(means[None])[0]
    found = expected_rise(means, shift(processes, row, objective, noise), counted)
    assert found.se == 0
    assert found.value == pytest.approx(rises.mean(), abs=4 * rises.std() / len(rises) ** 0.5)


def test_two_readings_together_are_integrated_over_both(processes, means):
    counted = two()
    both = np.concatenate([shift(processes, 2, 0, 0.1), shift(processes, 3, 1, 0.1)])
    z, weight = normal_cells()
    grid = np.array(np.meshgrid(z, z)).reshape(2, -1).T
    volumes = counted.hypervolume(means + np.einsum("sk,knm->snm", grid, both))
    exact = np.outer(weight, weight).ravel() @ volumes - counted.hypervolume(means[None])[0]
    found = expected_rise(means, both, counted)
    assert 0 < found.se < 0.02 * exact
    assert found.value == pytest.approx(exact, abs=4 * found.se)


def test_readings_of_one_value_together_tell_what_one_with_less_noise_does():
    covariance = np.array([[1.0, 0.5], [0.5, 1.0]])
    twice = reading_shifts(covariance, [[1, 0], [1, 0]], [0.4, 0.4])
    better = reading_shifts(covariance, [[1, 0]], [0.4 / 2**0.5])
    assert twice.T @ twice == pytest.approx(better.T @ better, abs=1e-9)


def test_a_tie_is_worth_the_mean_of_a_half_normal():
    counted = Counted.of([Objective("y", "maximize", reference=0.0)])
    found = expected_rise([[1.0], [1.0]], [[[0.0], [0.3]]], counted)
    assert found.value == pytest.approx(0.3 * norm.pdf(0), abs=3e-4)


@pytest.mark.parametrize("noise_sd", [1e6, np.inf])
def test_a_reading_that_is_all_noise_is_worth_nothing(processes, means, noise_sd):
    found = expected_rise(means, shift(processes, 2, 0, noise_sd), two())
    assert found.value == pytest.approx(0.0, abs=1e-6)


@pytest.mark.parametrize("noise_sd", [0.0, 0.1])
def test_a_reading_of_what_is_known_is_worth_nothing(noise_sd):
    shifts = reading_shifts([[0.0, 0.0], [0.0, 1.0]], [[1.0, 0.0]], [noise_sd])
    assert shifts.tolist() == [[0.0, 0.0]]
    counted = Counted.of([Objective("y", "maximize", reference=0.0)])
    assert expected_rise([[1.0], [1.0]], shifts[..., None], counted).value == 0.0


def test_a_value_falls_with_noise(processes, means):
    noises = (0.0, 0.1, 0.3, 1.0)
    values = [expected_rise(means, shift(processes, 2, 0, sd), two()).value for sd in noises]
    assert all(more > less > 0 for more, less in pairwise(values))


def test_a_row_near_the_front_is_worth_more_than_one_far_below():
    means = np.array([[1.0, 1.0], [0.9, 0.9], [-1.5, -1.5]])
    counted = two()
    one = [np.zeros((1, 3, 2)) for _ in means]
    for row, moved in enumerate(one):
        moved[0, row, 0] = 0.3
    near, far = (expected_rise(means, one[row], counted).value for row in (1, 2))
    assert near > 0.01
    assert far == pytest.approx(0.0, abs=1e-9)


@given(seed=st.integers(0, 10_000), n=st.integers(1, 6), m=st.integers(1, 3))
@settings(max_examples=40, deadline=None)
def test_a_reading_of_one_objective_never_costs(seed, n, m):
    rng = np.random.default_rng(seed)
    counted = Counted.of([Objective(f"y{j}", "maximize", reference=-0.5) for j in range(m)])
    moved = np.zeros((1, n, m))
    moved[0, :, rng.integers(m)] = rng.normal(size=n)
    assert expected_rise(rng.normal(size=(n, m)), moved, counted).value >= -1e-12


@given(seed=st.integers(0, 10_000))
@settings(max_examples=30, deadline=None)
def test_leaving_out_rows_that_cannot_count_changes_nothing(seed):
    rng = np.random.default_rng(seed)
    counted, means = two(), rng.normal(size=(7, 2))
    moved = 0.3 * rng.normal(size=(1, 7, 2))
    z, weight = normal_cells()
    volumes = counted.hypervolume(means + np.einsum("s,nm->snm", z, moved[0]))
    whole = weight @ volumes - counted.hypervolume(means[None])[0]
    assert expected_rise(means, moved, counted).value == pytest.approx(whole, abs=1e-12)


@pytest.mark.parametrize("m", [1, 2, 3, 4])
def test_slices_and_boxes_fill_the_same_volume(m):
    rng = np.random.default_rng(m)
    points = rng.normal(size=(40, 9, m))
    points[:, 3] = points[:, 1]  # a row twice
    points[:, 5, 0] = points[:, 2, 0]  # a tie
    reference = np.full(m, -0.3)
    boxes = hypervolume_draws(points, reference)
    assert sliced_hypervolume(points, reference) == pytest.approx(boxes, abs=1e-12)
    assert sliced_hypervolume(points[:, :0], reference).tolist() == [0.0] * 40


def test_a_new_row_counts_only_once_it_is_made():
    counted = two()
    nothing = np.zeros((0, 2, 2))
    means = np.array([[0.0, 0.0], [1.0, -1.0]])
    found = expected_rise(means, nothing, counted, made=[True, False])
    both, first = counted.hypervolume(means[None])[0], counted.hypervolume(means[None, :1])[0]
    assert found.value == pytest.approx(both - first)
    assert expected_rise(means, nothing, counted).value == 0.0


def test_alike_options_are_worth_the_same_to_the_last_digit():
    means = np.array([[1.0, 1.0], [0.8, 0.8], [0.8, 0.8]])
    values = []
    for row in (1, 2):
        moved = np.zeros((2, 3, 2))
        moved[0, row, 0], moved[1, row, 1] = 0.4, 0.4
        values.append(expected_rise(means, moved, two()).value)
    assert values[0] == pytest.approx(values[1], rel=1e-12)


@pytest.mark.parametrize(
    ("limits", "count"),
    [({"at_least": 0.5}, 1), ({"at_most": 0.5}, 1), ({"at_least": -1.0, "at_most": 2.0}, 2)],
    ids=["at least", "at most", "both kept"],
)
def test_a_row_beyond_a_limit_counts_for_nothing(limits, count):
    means = np.array([[[0.0, 1.0], [1.0, 0.0]]])
    rows = [3.0 * 2.0, 2.0 * 3.0]
    kept = {1: 6.0, 2: sum(rows) - 2.0 * 2.0}
    assert two(**limits).hypervolume(means)[0] == pytest.approx(kept[count])


def test_limits_of_an_objective_made_small_swap_sides():
    counted = Counted.of([Objective("y", "minimize", reference=9.0, at_least=1.0, at_most=4.0)])
    assert (counted.lower[0], counted.upper[0]) == (-4.0, -1.0)


def test_the_cells_of_the_normal_hold_its_moments():
    z, weight = normal_cells()
    assert weight.sum() == pytest.approx(1.0, abs=1e-14)
    assert weight @ z == pytest.approx(0.0, abs=1e-15)
    assert weight @ z**2 == pytest.approx(1.0, abs=2e-3)


def test_draws_give_what_the_normal_they_come_from_gives():
    rng = np.random.default_rng(1)
    means = np.array([[1.0, 1.0], [0.8, 0.9], [0.2, 1.4]])
    root = 0.3 * np.eye(6)
    root[2, 4] = 0.2  # the first objective of two rows hangs together
    covariance = root @ root.T
    shifts = reading_shifts(covariance, np.eye(6)[[2]], [0.1]).reshape(1, 3, 2)
    exact = expected_rise(means, shifts, two()).value
    draws = means + (rng.standard_normal((1024, 6)) @ root.T).reshape(-1, 3, 2)
    found = drawn_rise(draws, [(1, 0)], [0.1], two())
    assert 0 < found.se < 0.2 * exact
    assert found.value == pytest.approx(exact, abs=4 * found.se)


def test_correlations_that_may_be_luck_are_shrunk_and_others_kept():
    rng = np.random.default_rng(0)
    draws = rng.standard_normal((500, 6))
    draws[:, 1] = draws[:, 0] + 0.1 * draws[:, 1]
    plain, found = np.cov(draws.T), shrunk_covariance(draws)
    assert np.diag(found) == pytest.approx(np.diag(plain), rel=0.02)
    assert found[0, 1] == pytest.approx(plain[0, 1], rel=0.02)
    spurious = np.triu_indices(4, k=1)
    assert np.abs(found[2:, 2:][spurious]).sum() < 0.6 * np.abs(plain[2:, 2:][spurious]).sum()
    assert np.linalg.eigvalsh(found).min() > -1e-12


@pytest.mark.parametrize(
    ("call", "error", "says"),
    [
        (
            lambda: Counted.of([Objective("y", "maximize")]),
            SpaceError,
            "needs a reference each, got none for y; give the worst value",
        ),
        (
            lambda: reading_shifts(np.eye(2), [[1.0]], [0.1]),
            TableError,
            r"need shapes \(K, K\), \(k, K\) and \(k,\), got \(2, 2\), \(1, 1\)",
        ),
        (
            lambda: reading_shifts(np.eye(1), [[1.0]], [-0.1]),
            TableError,
            r"noise not negative, got noise \[-0.1\]",
        ),
        (
            lambda: expected_rise(np.zeros((2, 3)), np.zeros((1, 2, 3)), two()),
            TableError,
            r"n rows of 2 objectives need shapes \(n, 2\)",
        ),
        (
            lambda: drawn_rise(np.zeros((10, 2, 2)), [(0, 0)], [0.1], two()),
            TableError,
            r"S at least 64, got shape \(10, 2, 2\); draw more",
        ),
    ],
    ids=["no reference", "shapes of weights", "noise", "shapes of means", "few draws"],
)
def test_what_makes_no_sense_is_refused(call, error, says):
    with pytest.raises(error, match=says):
        call()
