"""What a row must pass to count at all, scenario by scenario: a hidden margin, and luck."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import final

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.special import ndtr

from models.evidence import Points
from models.gp import GaussianProcess
from models.scenarios import GPScenarios

Array = NDArray[np.float64]
Mask = NDArray[np.bool_]
Inputs = Callable[[pd.DataFrame], Array | Points]


@final
@dataclass(frozen=True, slots=True, eq=False)
class Hurdle:
    """A margin that must be positive, luck included, for a row to be made.

    Since the margin is drawn like any other property, a row that fails in a scenario takes its
    neighbours with it, and a batch does not bet twice on the same doubt.

    Attributes:
        scenarios: Of the margin, with the rows that stand as context.
        inputs: Rows to what they ask of the margin's process.
        luck: Standard deviation of one trial's luck.
    """

    scenarios: GPScenarios
    inputs: Inputs
    luck: float

    @classmethod
    def of(
        cls,
        process: GaussianProcess,
        inputs: Inputs,
        luck: float,
        rows: pd.DataFrame,
        *,
        n: int,
        rng: np.random.Generator,
    ) -> tuple["Hurdle", Mask]:
        """Scenarios of the margin at some rows, and where these pass.

        Args:
            process: Of the margin, fitted.
            inputs: Rows to what they ask of it.
            luck: Standard deviation of one trial's luck.
            rows: C rows that stand.
            n: S.
            rng: Source of randomness.

        Returns:
            The hurdle, and shape (S, C).
        """
        scenarios = GPScenarios.of(process, inputs(rows), n, rng)
        thrown = scenarios.values + luck * rng.standard_normal(scenarios.values.shape)
        return cls(scenarios, inputs, luck), thrown > 0.0

    def chance(self, rows: pd.DataFrame) -> Array:
        """Probability that each row passes in each scenario, shape (S, N)."""
        mean, sd = self.scenarios.forecast(self.inputs(rows))
        return np.asarray(ndtr(mean / np.hypot(self.luck, sd)))

    def extended(self, row: pd.DataFrame, rng: np.random.Generator) -> tuple["Hurdle", Mask]:
        """The hurdle with one more row standing, and where that passes, shape (S, 1)."""
        n = len(self.scenarios.values)
        scenarios = self.scenarios.extended(self.inputs(row), rng.standard_normal(n))
        thrown = scenarios.values[:, -1:] + self.luck * rng.standard_normal((n, 1))
        return replace(self, scenarios=scenarios), thrown > 0.0

    def restricted(self, rows: NDArray[np.intp]) -> "Hurdle":
        """The hurdle with part of the rows standing."""
        return replace(self, scenarios=self.scenarios.restricted(rows))
