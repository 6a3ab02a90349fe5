"""BayBE, by its campaign: ``BotorchRecommender`` and a Pareto objective.

Grids and categories make its discrete part (one-hot); of a space that has both parts 5 % of the
discrete part is sampled, as its documentation advises where enumeration is slow. qLogNEHVI with
the problem's reference point.
"""

import warnings
from typing import Any, Final

import numpy as np
import pandas as pd
import torch
from baybe import Campaign
from baybe.acquisition import qLogNoisyExpectedHypervolumeImprovement
from baybe.objectives import ParetoObjective
from baybe.parameters import (
    CategoricalParameter,
    NumericalContinuousParameter,
    NumericalDiscreteParameter,
)
from baybe.recommenders import BotorchRecommender
from baybe.searchspace import SearchSpace
from baybe.targets import NumericalTarget

from benchmarks.optimizer.problems import Problem
from optimizer import Categorical, Discrete

warnings.simplefilter("ignore")

SAMPLED: Final = 0.05


class BayBE:
    """``baybe.Campaign``."""

    def __init__(self, problem: Problem, seed: int) -> None:
        torch.manual_seed(seed)
        np.random.seed(seed)  # noqa: NPY002 - BayBE samples by the global state
        self._problem = problem
        self._names = [f"objective_{j}" for j in range(len(problem.objectives))]
        self._campaign = Campaign(
            searchspace=SearchSpace.from_product([_parameter(p) for p in problem.parameters]),
            objective=ParetoObjective([NumericalTarget(name) for name in self._names]),
            recommender=BotorchRecommender(
                acquisition_function=qLogNoisyExpectedHypervolumeImprovement(
                    reference_point=tuple(problem.reference.tolist())
                ),
                hybrid_sampler="Random",
                sampling_percentage=SAMPLED,
            ),
        )

    def tell(self, table: pd.DataFrame) -> None:
        """Measurements."""
        columns = [objective.name for objective in self._problem.objectives]
        values = self._problem.scaled(table[columns].to_numpy(dtype=float))
        rows = table[self._problem.space.columns]
        self._campaign.add_measurements(
            rows.assign(**{name: values[:, j] for j, name in enumerate(self._names)})
        )

    def ask(self, q: int) -> pd.DataFrame:
        """Recommendations."""
        rows = self._campaign.recommend(batch_size=q)
        return rows[self._problem.space.columns].reset_index(drop=True)


def _parameter(parameter: Any) -> Any:
    if isinstance(parameter, Categorical):
        return CategoricalParameter(parameter.name, list(parameter.levels), encoding="OHE")
    if isinstance(parameter, Discrete):
        values = np.arange(parameter.n_values or 1) * parameter.step + parameter.low
        return NumericalDiscreteParameter(parameter.name, values.tolist())
    return NumericalContinuousParameter(parameter.name, (parameter.low, parameter.high))
