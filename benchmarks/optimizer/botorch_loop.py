"""The reference: BoTorch's own multi-objective loop, as its tutorials write it.

One ``SingleTaskGP`` an objective with default priors, ``ModelListGP``, qLogNEHVI with 128 Sobol
draws, pruned baseline and cached root, ``optimize_acqf`` one after the other with 10 restarts and
256 raw points. Categories enter one-hot and are enumerated (``optimize_acqf_mixed``), grids are
rounded to, pools listed (``optimize_acqf_discrete``). Objectives on their scale, as ours.

References:
    Daulton, Balandat & Bakshy (2021), arXiv:2105.08195; Ament et al. (2023), arXiv:2310.20708.
"""

from itertools import product
from typing import Any, Final

import numpy as np
import pandas as pd
import torch
from botorch import fit_gpytorch_mll
from botorch.acquisition.multi_objective.logei import (
    qLogNoisyExpectedHypervolumeImprovement,
)
from botorch.models import ModelListGP, SingleTaskGP
from botorch.optim import optimize_acqf, optimize_acqf_discrete, optimize_acqf_mixed
from botorch.sampling import SobolQMCNormalSampler
from gpytorch.mlls import SumMarginalLogLikelihood
from numpy.typing import NDArray

from benchmarks.optimizer.problems import Problem
from optimizer import Categorical

RESTARTS: Final = 10
RAW_SAMPLES: Final = 256
DRAWS: Final = 128
OPTIONS: Final = {"batch_limit": 5, "maxiter": 200}

Array = NDArray[np.float64]


class Code:
    """Rows to the unit cube and back: one column a number, one a level of a category."""

    def __init__(self, problem: Problem) -> None:
        self._problem = problem
        self.levels: list[list[int]] = []
        self.d = 0
        for parameter in problem.parameters:
            width = len(parameter.levels) if isinstance(parameter, Categorical) else 1
            if isinstance(parameter, Categorical):
                self.levels.append(list(range(self.d, self.d + width)))
            self.d += width

    @property
    def fixed(self) -> list[dict[int, float]]:
        """Every combination of levels, as fixed columns; empty without categories."""
        chosen = product(*self.levels) if self.levels else []
        return [
            {column: float(column in one) for columns in self.levels for column in columns}
            for one in chosen
        ]

    def encode(self, rows: pd.DataFrame) -> "torch.Tensor":
        """Shape (n, d)."""
        if self._problem.pool is not None:
            low, high = self._problem.pool.min(), self._problem.pool.max()
            return torch.tensor(((rows - low) / (high - low)).to_numpy(dtype=float))
        columns: list[Array] = []
        for p in self._problem.parameters:
            if isinstance(p, Categorical):
                columns += [(rows[p.name] == level).to_numpy(dtype=float) for level in p.levels]
            else:
                columns.append((rows[p.name].to_numpy(dtype=float) - p.low) / (p.high - p.low))
        return torch.tensor(np.stack(columns, axis=1))

    def decode(self, points: Array) -> pd.DataFrame:
        """The nearest rows that may be proposed."""
        columns, at = {}, 0
        for p in self._problem.parameters:
            if isinstance(p, Categorical):
                best = points[:, at : at + len(p.levels)].argmax(axis=1)
                columns[p.name] = [p.levels[i] for i in best]
                at += len(p.levels)
            else:
                values = p.low + points[:, at] * (p.high - p.low)
                columns[p.name] = [p.nearest(value) for value in values]
                at += 1
        return pd.DataFrame(columns)


class BoTorchLoop:
    """The reference loop."""

    def __init__(self, problem: Problem, seed: int) -> None:
        torch.manual_seed(seed)
        self._problem, self._seed = problem, seed
        self._code = Code(problem)
        self._rows = pd.DataFrame()
        self._y: Array = np.empty((0, len(problem.objectives)))

    def tell(self, table: pd.DataFrame) -> None:
        """Kept; fitted when asked, as the tutorials do."""
        names = [objective.name for objective in self._problem.objectives]
        rows = table[self._problem.space.columns]
        self._rows = pd.concat([self._rows, rows], ignore_index=True)
        self._y = np.vstack([self._y, self._problem.scaled(table[names].to_numpy(dtype=float))])

    def ask(self, q: int) -> pd.DataFrame:
        """Fit, then choose one after the other."""
        x, y = self._code.encode(self._rows), torch.tensor(self._y)
        model = ModelListGP(*(SingleTaskGP(x, y[:, j : j + 1]) for j in range(y.shape[1])))
        fit_gpytorch_mll(SumMarginalLogLikelihood(model.likelihood, model))
        value = qLogNoisyExpectedHypervolumeImprovement(
            model=model,
            ref_point=self._problem.reference.tolist(),
            X_baseline=x,
            sampler=SobolQMCNormalSampler(torch.Size([DRAWS]), seed=self._seed),
            prune_baseline=True,
            cache_root=True,
        )
        if self._problem.pool is not None:
            return self._from_pool(value, self._problem.pool, q)
        return self._code.decode(self._optimised(value, q).numpy())

    def _optimised(self, value: Any, q: int) -> "torch.Tensor":
        bounds = torch.stack([torch.zeros(self._code.d), torch.ones(self._code.d)]).double()
        common: dict[str, Any] = {
            "bounds": bounds,
            "q": q,
            "num_restarts": RESTARTS,
            "raw_samples": RAW_SAMPLES,
            "options": OPTIONS,
        }
        if self._code.fixed:
            points, _ = optimize_acqf_mixed(value, fixed_features_list=self._code.fixed, **common)
        else:
            points, _ = optimize_acqf(value, sequential=True, **common)
        return points.detach()

    def _from_pool(self, value: Any, pool: pd.DataFrame, q: int) -> pd.DataFrame:
        taken = {tuple(row) for row in self._rows.to_numpy().tolist()}
        left = pool[[tuple(row) not in taken for row in pool.to_numpy().tolist()]]
        choices = self._code.encode(left)
        points, _ = optimize_acqf_discrete(value, q=q, choices=choices, unique=True)
        index = [int((choices - point).abs().sum(dim=1).argmin()) for point in points]
        return left.iloc[index].reset_index(drop=True)
