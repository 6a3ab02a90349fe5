import sys

import numpy as np
import pytest

from optimizer.cells import front_rows, is_front
from optimizer.hypervolume import hypervolume_draws


def draws(n, m, seed=0):
    """Rows with ties, repeats, rows that do not count, and draws in which none does."""
    drawn = np.random.default_rng(seed).standard_normal((12, n, m))
    drawn[:, : n // 8] = np.round(drawn[:, : n // 8])
    drawn[:, n // 2] = drawn[:, -1]
    drawn[3], drawn[4, :, 0] = -5.0, -np.inf
    return drawn


def on_front(rows, reference):
    """Each row compared with each; of equal ones the first."""
    counts = (rows > reference).all(axis=1)
    return [
        bool(counts[i])
        and not any(
            counts[j] and (row <= other).all() and ((row < other).any() or j < i)
            for j, other in enumerate(rows)
        )
        for i, row in enumerate(rows)
    ]


@pytest.mark.parametrize(("n", "m"), [(1, 1), (9, 1), (9, 2), (30, 2), (90, 3), (150, 4)])
def test_the_front_is_what_no_other_row_beats(n, m):
    drawn, reference = draws(n, m), np.full(m, -1.0)
    found = is_front(drawn, reference)
    np.testing.assert_array_equal(found, [on_front(rows, reference) for rows in drawn])
    assert found.sum() > 0


def test_sums_too_large_to_tell_rows_apart_do_not_matter():
    drawn = np.array([[[1e17, 1.0], [1e17, 2.0], [2.0, 1e17]]])
    assert is_front(drawn, np.zeros(2)).tolist() == [[False, True, True]]


@pytest.mark.parametrize("m", [1, 2, 3])
def test_slabs_and_boxes_give_the_same_volume(m, monkeypatch):
    drawn = np.where(np.isfinite(draws(90, m)), draws(90, m), -9.0)
    quick = hypervolume_draws(drawn, np.full(m, -1.0))
    monkeypatch.setattr(sys.modules["optimizer.hypervolume"], "MANY_ROWS", 1000)
    np.testing.assert_allclose(quick, hypervolume_draws(drawn, np.full(m, -1.0)), rtol=1e-12)
    assert quick[3] == 0.0 < quick[0]


def test_rows_of_the_front_hold_its_volume():
    drawn, reference = draws(40, 3, seed=1)[:3], np.full(3, -1.0)
    few = front_rows(drawn, reference)
    assert few.shape[1] < 40
    held = np.where(np.isfinite(few), few, -1.0)
    np.testing.assert_allclose(
        hypervolume_draws(held, reference), hypervolume_draws(drawn, reference)
    )
