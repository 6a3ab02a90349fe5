"""Hypervolume and the boxes of what is not dominated."""

import numpy as np
import pytest
import torch
from botorch.utils.multi_objective.box_decompositions import DominatedPartitioning

from features.errors import SpaceError
from optimizer.cells import is_front, open_cells
from optimizer.hypervolume import hypervolume, hypervolume_draws


@pytest.mark.parametrize(
    ("points", "reference", "expected"),
    [
        pytest.param([[3.0]], [1.0], 2.0, id="a-length"),
        pytest.param([[2.0, 3.0]], [0.0, 0.0], 6.0, id="a-rectangle"),
        pytest.param([[1.0, 3.0], [2.0, 2.0], [3.0, 1.0]], [0.0, 0.0], 6.0, id="a-staircase"),
        pytest.param([[1.0, 2.0, 3.0]], [0.0, 0.0, 1.0], 4.0, id="a-block"),
        pytest.param([[2, 1, 1], [1, 2, 1], [1, 1, 2]], [0, 0, 0], 4.0, id="three-arms"),
        pytest.param([[1.0, 1.0], [1.0, 1.0]], [0.0, 0.0], 1.0, id="twice-the-same"),
        pytest.param([[5.0, -1.0]], [0.0, 0.0], 0.0, id="worse-than-the-reference"),
        pytest.param([], [0.0, 0.0], 0.0, id="nothing"),
    ],
)
def test_hypervolume_matches_hand_count(points, reference, expected):
    assert hypervolume(points, reference) == pytest.approx(expected)
    draws = np.asarray(points, dtype=float).reshape(1, -1, len(reference))
    assert hypervolume_draws(draws, reference) == pytest.approx([expected])


@pytest.mark.parametrize("m", [1, 2, 3, 4, 5], ids="m={}".format)
def test_draws_agree_with_one_at_a_time_and_with_box_decomposition(m):
    draws = np.random.default_rng(0).normal(0.4, 0.5, (20, 7, m))
    reference = np.full(m, -0.1)
    singly = [hypervolume(points, reference) for points in draws]
    np.testing.assert_allclose(hypervolume_draws(draws, reference), singly, atol=1e-12)
    if m > 1:
        boxes = [
            DominatedPartitioning(torch.as_tensor(reference), torch.as_tensor(points))
            for points in draws
        ]
        theirs = [float(box.compute_hypervolume()) for box in boxes]
        np.testing.assert_allclose(singly, theirs, atol=1e-12)


@pytest.mark.parametrize("m", [2, 3, 4], ids="m={}".format)
def test_every_point_that_is_not_dominated_lies_in_exactly_one_box(m):
    rng = np.random.default_rng(0)
    front, probes = rng.random((1, 6, m)), rng.random((500, m)) * 1.2 - 0.1
    lower, upper = open_cells(front, np.zeros(m))
    inside = ((probes[:, None] > lower[0]) & (probes[:, None] <= upper[0])).all(axis=-1).sum(axis=1)
    dominated = (front[0][None] >= probes[:, None]).all(axis=-1).any(axis=1)
    expected = (probes > 0).all(axis=1) & ~dominated
    assert 50 < expected.sum() < 450
    np.testing.assert_array_equal(inside, expected)


def test_of_equal_rows_the_first_is_on_the_front():
    draws = np.array([[[1.0, 1.0], [1.0, 1.0], [0.5, 2.0]]])
    assert is_front(draws, np.zeros(2)).tolist() == [[True, False, True]]


def test_volume_grows_with_every_row_and_scales_with_units():
    draws = np.random.default_rng(0).random((10, 6, 3))
    fewer, more = (
        hypervolume_draws(draws[:, :3], np.zeros(3)),
        hypervolume_draws(draws, np.zeros(3)),
    )
    assert (more >= fewer).all()
    scaled = hypervolume_draws(draws * [1, 10, 100], np.zeros(3))
    np.testing.assert_allclose(scaled, 1000 * more)


def test_another_number_of_objectives_is_refused():
    with pytest.raises(
        SpaceError, match=r"points of shape \(1, 2\) and a reference of shape \(3,\)"
    ):
        hypervolume([[1.0, 2.0]], [0.0, 0.0, 0.0])


def test_gaps_are_refused():
    with pytest.raises(SpaceError, match=r"utilities must be finite, got NaN"):
        hypervolume_draws([[[np.nan, 1.0]]], [0.0, 0.0])
