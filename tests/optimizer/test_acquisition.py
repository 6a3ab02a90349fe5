"""The acquisition on joint draws agrees with BoTorch's own on a model."""

import numpy as np
import pytest
import torch
from botorch.acquisition.logei import qLogNoisyExpectedImprovement
from botorch.acquisition.multi_objective.logei import qLogNoisyExpectedHypervolumeImprovement
from botorch.models import ModelListGP, SingleTaskGP
from botorch.sampling.normal import SobolQMCNormalSampler

from features.errors import TableError
from optimizer._table_model import TableModel, TablePosterior, TableSampler
from optimizer.acquisition import _no_compiling, log_noisy_improvement, noisy_improvement
from optimizer.hypervolume import hypervolume

N_BASELINE, N_CANDIDATES = 5, 12


class _WholePosterior(TablePosterior):
    """With the shape that BoTorch's noisy acquisition asks for."""

    def _extended_shape(self, sample_shape=torch.Size()):  # noqa: B008
        return sample_shape + self.values.shape[1:]


class _WholeModel(TableModel):
    def posterior(self, X, *args, **kwargs):
        return _WholePosterior(super().posterior(X).values)


class _WholeSampler(TableSampler):
    def _update_base_samples(self, posterior, base_sampler):
        pass


def gp_posterior(m):
    """Rows, a GP of m outputs, and joint draws at the rows."""
    rng = np.random.default_rng(0)
    rows = torch.as_tensor(rng.random((N_BASELINE + N_CANDIDATES, 2)))
    at = rows[:N_BASELINE]
    values = [torch.sin(5 * at[:, :1] + j) + at[:, 1:] ** (j + 1) for j in range(m)]
    models = [
        SingleTaskGP(
            at,
            (value - value.mean()) / value.std(),
            torch.full((N_BASELINE, 1), 0.01, dtype=torch.float64),
            outcome_transform=None,
        )
        for value in values
    ]
    model = ModelListGP(*models) if m > 1 else models[0]
    model.eval()
    with torch.no_grad():
        posterior = model.posterior(rows)
        draws = SobolQMCNormalSampler(torch.Size([1024]), seed=1)(posterior).numpy()
    assert draws.shape == (1024, N_BASELINE + N_CANDIDATES, m)
    return rows, model, draws


def botorch_scores(model, rows, reference):
    # BoTorch cuts each draw's front in Python: fewer draws where that takes milliseconds
    n_draws = 1024 if len(reference) < 3 else 256
    sampler = SobolQMCNormalSampler(torch.Size([n_draws]), seed=2)
    baseline, candidates = rows[:N_BASELINE], rows[N_BASELINE:, None, :]
    with _no_compiling(), torch.no_grad():
        if len(reference) == 1:
            acquisition = qLogNoisyExpectedImprovement(
                model, baseline, sampler=sampler, prune_baseline=False
            )
        else:
            acquisition = qLogNoisyExpectedHypervolumeImprovement(
                model, reference, baseline, sampler=sampler
            )
        return acquisition(candidates).numpy()


@pytest.mark.parametrize("m", [1, 2, 3, 4], ids="m={}".format)
def test_scores_agree_with_botorch_on_a_gp_within_monte_carlo_error(m):
    rows, model, draws = gp_posterior(m)
    reference = np.full(m, -1.5)
    ours = log_noisy_improvement(
        draws, range(N_BASELINE), range(N_BASELINE, N_BASELINE + N_CANDIDATES), reference
    )
    theirs = botorch_scores(model, rows, reference.tolist())
    assert np.ptp(theirs) > 0.5
    np.testing.assert_allclose(np.exp(ours), np.exp(theirs), rtol=0.1, atol=0.03)


@pytest.mark.parametrize("m", [2, 3, 4], ids="m={}".format)
def test_scores_equal_botorch_on_the_same_draws(m):
    rng = np.random.default_rng(0)
    draws = rng.normal(0.3, 0.5, (64, 16, m))
    reference = np.zeros(m)
    ours = log_noisy_improvement(draws, range(10), range(10, 16), reference)
    with _no_compiling(), torch.no_grad():
        acquisition = qLogNoisyExpectedHypervolumeImprovement(
            _WholeModel(draws),
            reference.tolist(),
            torch.arange(10.0, dtype=torch.float64)[:, None],
            sampler=_WholeSampler(torch.Size([64]), seed=0),
            cache_root=False,
        )
        theirs = acquisition(torch.arange(10.0, 16.0, dtype=torch.float64)[:, None, None])
    np.testing.assert_allclose(ours, theirs.numpy(), atol=0.01)


@pytest.mark.parametrize("m", [1, 2, 3], ids="m={}".format)
def test_log_scores_are_the_log_of_the_plain_improvement(m):
    draws = np.random.default_rng(0).normal(0.5, 0.5, (128, 12, m))
    arguments = (draws, range(6), range(6, 12), np.zeros(m))
    plain = noisy_improvement(*arguments)
    assert (plain > 0.01).all()
    np.testing.assert_allclose(np.exp(log_noisy_improvement(*arguments)), plain, rtol=0.02)


@pytest.mark.parametrize("m", [1, 2, 3, 4], ids="m={}".format)
def test_plain_improvement_is_the_hypervolume_added(m):
    draws = np.random.default_rng(0).normal(0.5, 0.5, (8, 6, m))
    reference = np.zeros(m)
    added = [
        hypervolume(draw[[0, 1, 2, 3, 5]], reference) - hypervolume(draw[:4], reference)
        for draw in draws
    ]
    scores = noisy_improvement(draws, range(4), [5], reference)
    assert scores == pytest.approx([np.mean(added)])


@pytest.mark.parametrize("m", [1, 2, 3], ids="m={}".format)
def test_without_a_baseline_all_improvement_is_over_the_reference(m):
    draws = np.random.default_rng(0).normal(1.0, 0.3, (128, 4, m))
    volume = np.maximum(draws, 0).prod(axis=-1).mean(axis=0)
    scores = np.exp(log_noisy_improvement(draws, [], range(4), np.zeros(m)))
    np.testing.assert_allclose(scores, volume, rtol=0.02)


def test_a_row_of_no_use_still_gets_a_finite_score_and_the_closer_of_two_the_higher():
    draws = np.full((32, 3, 2), 0.0) + np.array([[1.0, 1.0], [0.9, 0.9], [0.1, 0.1]])
    scores = log_noisy_improvement(draws, [0], [1, 2], np.zeros(2))
    assert np.isfinite(scores).all()
    assert scores[0] > scores[1]


@pytest.mark.parametrize("m", [1, 2], ids="m={}".format)
def test_limits_weigh_a_candidate_by_its_chance_to_keep_them(m):
    rng = np.random.default_rng(0)
    draws = np.repeat(rng.normal(1.0, 0.2, (400, 1, m)), 3, axis=1)
    excess = np.stack([np.full(400, -1.0), np.full(400, -1.0), rng.choice([-1, 1], 400)], axis=1)
    scores = np.exp(
        log_noisy_improvement(draws, [], [1, 2], np.zeros(m), excess[..., None].astype(float))
    )
    assert scores[1] / scores[0] == pytest.approx((excess[:, 2] < 0).mean(), abs=0.05)


def test_a_baseline_row_that_breaks_a_limit_does_not_hide_a_candidate():
    draws = np.tile(np.array([[2.0, 2.0], [1.0, 1.0]]), (8, 1, 1))
    excess = np.tile(np.array([[1.0], [-1.0]]), (8, 1, 1))
    hidden = noisy_improvement(draws, [0], [1], np.zeros(2))
    shown = noisy_improvement(draws, [0], [1], np.zeros(2), excess)
    assert hidden.tolist() == [0.0]
    assert shown == pytest.approx([1.0])


def test_units_shift_all_scores_alike():
    draws = np.random.default_rng(0).normal(0.5, 0.5, (64, 8, 2))
    scores = log_noisy_improvement(draws, range(4), range(4, 8), np.zeros(2))
    small = log_noisy_improvement(draws * [1.0, 1e-9], range(4), range(4, 8), np.zeros(2))
    np.testing.assert_allclose(small - scores, np.log(1e-9), atol=1e-6)


def test_threads_and_random_state_of_torch_are_left_alone():
    torch.manual_seed(0)
    before = torch.get_rng_state().clone(), torch.get_num_threads()
    log_noisy_improvement(np.ones((4, 2, 2)), [0], [1], np.zeros(2))
    assert torch.equal(torch.get_rng_state(), before[0])
    assert torch.get_num_threads() == before[1]


def test_draws_with_gaps_are_refused():
    with pytest.raises(TableError, match=r"draws must be finite .* NaN or infinity in shape"):
        log_noisy_improvement(np.full((4, 2, 2), np.nan), [0], [1], np.zeros(2))


def test_a_reference_of_another_length_is_refused():
    with pytest.raises(TableError, match=r"one reference an objective .* reference \(3,\)"):
        log_noisy_improvement(np.ones((4, 2, 2)), [0], [1], np.zeros(3))
