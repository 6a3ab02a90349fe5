import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import models.gp
from models.evidence import Evidence, Points
from models.gp import GaussianProcess
from models.thinning import spread_rows


def test_repeats_come_only_when_all_recipes_are_taken():
    x = np.repeat(np.random.default_rng(0).random((7, 2)), 3, axis=0)
    assert len(np.unique(x[spread_rows(x, 7)], axis=0)) == 7
    assert len(np.unique(x[spread_rows(x, 9)], axis=0)) == 7


def test_each_row_is_close_to_one_that_was_taken():
    x = np.random.default_rng(0).random((400, 2))
    taken = x[spread_rows(x, 40)]
    distance = np.linalg.norm(x[:, None] - taken, axis=2)
    between = np.linalg.norm(taken[:, None] - taken, axis=2) + 9 * np.eye(40)
    assert distance.min(axis=1).max() <= between.min() + 1e-12  # no hole wider than the mesh


@given(n_rows=st.integers(0, 12), n=st.integers(0, 15), seed=st.integers(0, 50))
def test_rows_are_sorted_and_taken_once(n_rows, n, seed):
    x = np.random.default_rng(seed).integers(0, 3, (n_rows, 2)).astype(float)
    rows = spread_rows(x, n)
    assert len(rows) == min(n, n_rows)
    assert (np.diff(rows) > 0).all()


class TestOfAProcess:
    @pytest.fixture
    def fewer(self, monkeypatch):
        monkeypatch.setattr(models.gp, "MOST_READINGS", 30)
        monkeypatch.setattr(models.gp, "MANY_READINGS", 20)

    def fit(self, n, order=None):
        x = np.linspace(0, 1, n)[:, None]
        rows = np.arange(n) if order is None else order
        y = np.sin(5 * x[:, 0])
        return GaussianProcess(0, 1, 0.05).fit(x[rows], y[rows], np.full(n, 0.01))

    @pytest.mark.usefixtures("fewer")
    def test_above_the_limit_so_many_readings_are_used_and_it_is_said(self):
        assert self.fit(25).n_used == 25
        assert self.fit(100).n_used == 30

    @pytest.mark.usefixtures("fewer")
    def test_above_the_switch_one_point_of_length_scales_is_enough(self):
        assert len(self.fit(20).learned.points) > 1
        assert len(self.fit(21).learned.points) == 1

    @pytest.mark.usefixtures("fewer")
    def test_the_function_is_still_found_with_honest_width(self):
        x = np.linspace(0, 1, 41)[:, None]
        mean, sd = self.fit(100).marginal(x)
        np.testing.assert_allclose(mean, np.sin(5 * x[:, 0]), atol=0.05)
        assert ((sd > 0.002) & (sd < 0.1)).all()

    @pytest.mark.usefixtures("fewer")
    def test_the_order_of_the_table_changes_nothing(self):
        order = np.random.default_rng(0).permutation(100)
        np.testing.assert_array_equal(
            self.fit(100).marginal([[0.3]]), self.fit(100, order).marginal([[0.3]])
        )

    @pytest.mark.usefixtures("fewer")
    def test_groups_and_bounds_stay_with_their_rows(self):
        n = 60
        x = np.repeat(np.linspace(0, 1, n // 2), 2)[:, None]
        told = Evidence.of(
            Points.of(x),
            lower=np.where(np.arange(n) % 4, x[:, 0], -np.inf),
            upper=x[:, 0],
            noise_sd=np.full(n, 0.01),
            groups={"jar": np.arange(n) // 2},
        )
        fitted = GaussianProcess(0, 1, 0.05, levels={"jar": 1.0}).fit_evidence(told)
        assert len(fitted.evidence) <= 30
        assert fitted.n_used == 34  # readings behind these rows
        mean, sd = fitted.marginal(x[::4])
        assert (np.abs(mean - x[::4, 0]) < 4 * sd).all()
