"""The engine against BoTorch: the same acquisition value, and a point at least as good."""

import warnings

import numpy as np
import pandas as pd
import pytest
import torch
from botorch.acquisition.multi_objective import logei
from botorch.acquisition.multi_objective.logei import (
    qLogNoisyExpectedHypervolumeImprovement,
)
from botorch.models import ModelListGP, SingleTaskGP
from botorch.optim import optimize_acqf
from botorch.sampling import SobolQMCNormalSampler
from gpytorch.kernels import ConstantKernel, MaternKernel, ScaleKernel
from gpytorch.means import ZeroMean

from models.gp import GaussianProcess
from models.hyper_posterior import HyperPosterior
from models.hyperparameters import CONSTANT_SHARE, Hyperparameters
from optimizer.batch import propose_batch
from optimizer.objectives import Objective
from optimizer.parameters import Continuous
from optimizer.scene import Aim, GaussianScene
from optimizer.space import SearchSpace

NOISE_SD = 0.1


@pytest.fixture(autouse=True)
def _without_a_compiler(monkeypatch: pytest.MonkeyPatch) -> None:
    """BoTorch would compile a kernel, and wait for ever where another one was killed at it."""
    monkeypatch.setattr(logei, "_load_attempted", True)


class Case:
    """A posterior known to both sides."""

    def __init__(self, seed: int) -> None:
        rng = np.random.default_rng(seed)
        self.d, self.m, n = 2 + seed % 3, 2 + seed % 2, 6 + 3 * (seed % 4)
        self.x = rng.random((n, self.d))
        self.names = [f"x{i}" for i in range(self.d)]
        self.scales = rng.uniform(0.3, 1.0, (self.m, self.d))
        self.y = np.stack(
            [np.sin(3 * self.x @ rng.normal(size=self.d) + j) for j in range(self.m)], axis=1
        ) + NOISE_SD * rng.normal(size=(n, self.m))
        self.reference = np.full(self.m, -1.2)
        self.frame = pd.DataFrame(self.x, columns=self.names)

    def scene(self, n: int, seed: int = 0) -> GaussianScene:
        """Ours, with n scenarios."""
        processes = []
        for j in range(self.m):
            known = HyperPosterior.certain(
                Hyperparameters(self.scales[j], np.sqrt(0.5), np.array([NOISE_SD]))
            )
            gp = GaussianProcess(0.0, 1.0, 0.1).fit(self.x, self.y[:, j], np.zeros(len(self.x)))
            assert gp.evidence is not None
            processes.append(gp.condition(gp.evidence, known))
        objectives = [Objective(f"y{j}", "maximize", reference=-1.2) for j in range(self.m)]
        return GaussianScene.of(
            processes,
            aim=Aim(outcomes=objectives, reference=self.reference),
            ask=lambda rows: [rows[self.names].to_numpy(dtype=float)] * self.m,
            made=self.frame,
            pending=self.frame.iloc[:0],
            rng=np.random.default_rng(seed),
            n=n,
        )

    def botorch(self, n: int) -> qLogNoisyExpectedHypervolumeImprovement:
        """BoTorch's, with n Monte Carlo samples."""
        models = []
        x = torch.as_tensor(self.x)
        for j in range(self.m):
            kernel = ScaleKernel(MaternKernel(nu=2.5, ard_num_dims=self.d))
            kernel.outputscale = 0.5
            kernel.base_kernel.lengthscale = torch.as_tensor(self.scales[j])
            constant = ConstantKernel()
            constant.constant = torch.tensor(CONSTANT_SHARE, dtype=torch.float64)
            y = torch.as_tensor(self.y[:, [j]])
            # half of the inner units' variance is amplitude, as above; no outcome transform
            model = SingleTaskGP(
                x, y, torch.full_like(y, NOISE_SD**2 + 1e-8), covar_module=kernel + constant,
                mean_module=ZeroMean(), outcome_transform=None,
            )  # fmt: skip
            model.to(torch.float64).eval()
            models.append(model)
        return qLogNoisyExpectedHypervolumeImprovement(
            model=ModelListGP(*models),
            ref_point=self.reference.tolist(),
            X_baseline=x,
            sampler=SobolQMCNormalSampler(torch.Size([n]), seed=0),
            prune_baseline=True,
        )


def value(acquisition: qLogNoisyExpectedHypervolumeImprovement, x: np.ndarray) -> np.ndarray:
    with torch.no_grad():
        return np.asarray(acquisition(torch.as_tensor(x)[:, None, :]))


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("seed", [0, 1, 2, 3])
def test_value_is_that_of_botorch_within_monte_carlo_error(seed: int) -> None:
    case = Case(seed)
    x = np.random.default_rng(seed).random((40, case.d))
    ours = np.array(
        [case.scene(256, seed=s).look(pd.DataFrame(x, columns=case.names)).log_gain for s in (1, 2)]
    )
    theirs = value(case.botorch(2048), x)
    top = np.argsort(-theirs)[:20]  # log of a sampled mean says little where hardly any draw gains
    gap = np.exp(ours.mean(axis=0)[top]) - np.exp(theirs[top])
    assert np.abs(gap).max() < 0.05 * np.exp(theirs.max())


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("seed", range(20))
def test_point_is_at_least_as_good_as_that_of_botorch(seed: int) -> None:
    case = Case(seed)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        torch.manual_seed(seed)
        theirs, _ = optimize_acqf(
            case.botorch(128),
            bounds=torch.stack([torch.zeros(case.d), torch.ones(case.d)]).double(),
            q=1, num_restarts=10, raw_samples=256,
        )  # fmt: skip
    space = SearchSpace([Continuous(name, 0.0, 1.0) for name in case.names])
    ours = propose_batch(
        lambda made, pending, rng: case.scene(64),
        space,
        1,
        baseline=case.frame,
        pending=case.frame.iloc[:0],
        rng=np.random.default_rng(seed),
        slope=space,
    )
    both = np.vstack([ours[case.names].to_numpy(dtype=float), theirs.numpy()])
    # judged by neither side's own few draws
    judge = case.scene(1024, seed=99).look(pd.DataFrame(both, columns=case.names)).log_gain
    assert judge[0] > judge[1] - 0.03
