"""Who proposes: this project's optimizer, and the two that learn nothing."""

from collections.abc import Mapping
from importlib import import_module
from typing import Final, Protocol

import pandas as pd

from benchmarks.optimizer.problems import Problem
from optimizer import Optimizer


class Strategy(Protocol):
    """Proposes rows and is told readings. Built from a problem and a seed."""

    def tell(self, table: pd.DataFrame) -> None:
        """Rows with a reading of each objective, physical units."""
        ...

    def ask(self, q: int) -> pd.DataFrame:
        """The next q rows; parameter columns only."""
        ...


class Ours:
    """``optimizer.Optimizer`` with default settings, no priors."""

    def __init__(self, problem: Problem, seed: int) -> None:
        self._optimizer = Optimizer(problem.space, problem.objectives, seed=seed)

    def tell(self, table: pd.DataFrame) -> None:
        """As told."""
        self._optimizer.tell(table)

    def ask(self, q: int) -> pd.DataFrame:
        """As asked."""
        return self._optimizer.ask(q)[self._optimizer.space.columns]


class Sobol:
    """The start's Sobol sequence, continued; random rows of a pool."""

    def __init__(self, problem: Problem, seed: int) -> None:
        self._problem, self._seed, self._n = problem, seed, 0

    def tell(self, table: pd.DataFrame) -> None:
        """Counted only."""
        self._n += len(table)

    def ask(self, q: int) -> pd.DataFrame:
        """The next q of the sequence."""
        rows = self._problem.sobol(self._n + q, self._seed)
        return rows.iloc[self._n :].reset_index(drop=True)


class Random:
    """Uniform rows."""

    def __init__(self, problem: Problem, seed: int) -> None:
        self._problem, self._rng = problem, problem.generator(seed, 0)

    def tell(self, table: pd.DataFrame) -> None:
        """Not heard."""

    def ask(self, q: int) -> pd.DataFrame:
        """Uniform rows."""
        return self._problem.rows_at(self._rng.random((q, len(self._problem.parameters))))


MODULES: Final[Mapping[str, tuple[str, str]]] = {
    "ours": ("strategies", "Ours"),
    "sobol": ("strategies", "Sobol"),
    "random": ("strategies", "Random"),
    "botorch": ("botorch_loop", "BoTorchLoop"),
    "optuna_gp": ("optuna_samplers", "OptunaGP"),
    "optuna_tpe": ("optuna_samplers", "OptunaTPE"),
    "optuna_nsga2": ("optuna_samplers", "OptunaNSGA2"),
    "ax": ("ax_client", "AxClient"),
    "baybe": ("baybe_campaign", "BayBE"),
}
"""Strategy to the module of this folder and its class; a peer is imported only when asked for."""

PACKAGES: Final[Mapping[str, tuple[str, ...]]] = {
    "ours": (),
    "sobol": (),
    "random": (),
    "botorch": ("botorch", "gpytorch", "torch"),
    "optuna_gp": ("optuna", "torch"),
    "optuna_tpe": ("optuna",),
    "optuna_nsga2": ("optuna",),
    "ax": ("ax-platform", "botorch", "torch"),
    "baybe": ("baybe", "botorch", "torch"),
}
"""What a strategy's results rest on, besides numpy."""

NO_POOLS: Final = frozenset({"random", "optuna_gp", "optuna_tpe", "optuna_nsga2", "ax", "baybe"})
"""These take no fixed list of candidates (``random`` would equal ``sobol``)."""


def strategy(name: str) -> "type[Strategy]":
    """The class of a strategy, imported now."""
    module, class_name = MODULES[name]
    found: type[Strategy] = getattr(import_module(f"benchmarks.optimizer.{module}"), class_name)
    return found
