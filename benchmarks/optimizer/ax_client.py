"""Ax, by its client, default generation ("fast": Bayesian optimisation chosen for the problem).

The start is attached as existing trials; the reference point goes in as thresholds.
"""

import logging
import warnings
from typing import Any

import pandas as pd
from ax.api.client import Client
from ax.api.configs import ChoiceParameterConfig, RangeParameterConfig

from benchmarks.optimizer.problems import Problem
from optimizer import Categorical, Discrete

warnings.simplefilter("ignore")
for _name in ("ax", "ax.api.client"):
    logging.getLogger(_name).setLevel(logging.ERROR)


class AxClient:
    """``ax.api.client.Client``."""

    def __init__(self, problem: Problem, seed: int) -> None:
        self._problem = problem
        self._names = [f"objective_{j}" for j in range(len(problem.objectives))]
        self._client = Client(random_seed=seed)
        self._client.configure_experiment(parameters=[_config(p) for p in problem.parameters])
        bounds = zip(self._names, problem.reference, strict=True)
        self._client.configure_optimization(
            objective=", ".join(self._names),
            outcome_constraints=[f"{name} >= {value:.9f}" for name, value in bounds],
        )
        self._client.configure_generation_strategy(
            initialization_budget=problem.n_starts, initialize_with_center=False
        )
        self._running: list[int] = []

    def tell(self, table: pd.DataFrame) -> None:
        """Complete the trials asked, or attach the start."""
        if not self._running:
            rows = table[self._problem.space.columns].to_dict("records")
            self._running = [
                self._client.attach_trial({str(name): _plain(v) for name, v in row.items()})
                for row in rows
            ]
        columns = [objective.name for objective in self._problem.objectives]
        values = self._problem.scaled(table[columns].to_numpy(dtype=float)).tolist()
        for index, value in zip(self._running, values, strict=True):
            self._client.complete_trial(index, dict(zip(self._names, value, strict=True)))
        self._running = []

    def ask(self, q: int) -> pd.DataFrame:
        """Trials; where Ax makes fewer at a time, asked again."""
        rows: list[Any] = []
        while len(rows) < q:
            trials = self._client.get_next_trials(max_trials=q - len(rows))
            self._running += list(trials)
            rows += list(trials.values())
        return pd.DataFrame(rows)[self._problem.space.columns]


def _plain(value: Any) -> str | float:
    return value if isinstance(value, str) else float(value)


def _config(parameter: Any) -> RangeParameterConfig | ChoiceParameterConfig:
    if isinstance(parameter, Categorical):
        return ChoiceParameterConfig(
            name=parameter.name,
            values=list(map(str, parameter.levels)),
            parameter_type="str",
            is_ordered=False,
        )
    return RangeParameterConfig(
        name=parameter.name,
        bounds=(float(parameter.low), float(parameter.high)),
        parameter_type="float",
        step_size=float(parameter.step) if isinstance(parameter, Discrete) else None,
    )
