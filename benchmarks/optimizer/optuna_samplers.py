"""Optuna's samplers by ask and tell: Gaussian process, TPE, NSGA-II.

Batches are four running trials (TPE with the constant liar, which is its default; the Gaussian
process counts running trials itself). The start is enqueued, so that it counts as made by the
sampler. NSGA-II has a population of the size of the start: with its default of 50 these runs
would all be random.
"""

import warnings
from typing import Any

import optuna
import pandas as pd
from optuna.samplers import BaseSampler, GPSampler, NSGAIISampler, TPESampler

from benchmarks.optimizer.problems import Problem
from optimizer import Categorical, Discrete

optuna.logging.set_verbosity(optuna.logging.WARNING)
warnings.simplefilter("ignore", optuna.exceptions.ExperimentalWarning)


class _Sampler:
    """A study with one of the samplers."""

    def __init__(self, problem: Problem, seed: int) -> None:
        self._problem = problem
        self._distributions = {p.name: _distribution(p) for p in problem.parameters}
        self._study = optuna.create_study(
            directions=["maximize"] * len(problem.objectives), sampler=self._sampler(seed)
        )
        self._running: list[optuna.Trial] = []

    def _sampler(self, seed: int) -> BaseSampler:
        raise NotImplementedError

    def tell(self, table: pd.DataFrame) -> None:
        """Results of the trials asked, or of the start."""
        names = [objective.name for objective in self._problem.objectives]
        values = self._problem.scaled(table[names].to_numpy(dtype=float)).tolist()
        if not self._running:
            for row in table[self._problem.space.columns].to_dict("records"):
                self._study.enqueue_trial({str(name): value for name, value in row.items()})
            self.ask(len(table))
        for trial, value in zip(self._running, values, strict=True):
            self._study.tell(trial, value)
        self._running = []

    def ask(self, q: int) -> pd.DataFrame:
        """Trials, all running until told."""
        self._running = [self._study.ask(self._distributions) for _ in range(q)]
        rows = pd.DataFrame([trial.params for trial in self._running])
        return rows[self._problem.space.columns]


class OptunaGP(_Sampler):
    """``GPSampler``."""

    def _sampler(self, seed: int) -> BaseSampler:
        return GPSampler(seed=seed)


class OptunaTPE(_Sampler):
    """``TPESampler``."""

    def _sampler(self, seed: int) -> BaseSampler:
        return TPESampler(seed=seed)


class OptunaNSGA2(_Sampler):
    """``NSGAIISampler``."""

    def _sampler(self, seed: int) -> BaseSampler:
        return NSGAIISampler(seed=seed, population_size=self._problem.n_starts)


def _distribution(parameter: Any) -> optuna.distributions.BaseDistribution:
    if isinstance(parameter, Categorical):
        return optuna.distributions.CategoricalDistribution(list(map(str, parameter.levels)))
    step = parameter.step if isinstance(parameter, Discrete) else None
    return optuna.distributions.FloatDistribution(parameter.low, parameter.high, step=step)
