"""What is optimised in the benchmarks: a space, objectives, the truth and the noise of a reading.

A problem hands the same start to every strategy, and the k-th evaluation of a seed has the same
noise whatever is evaluated, so that strategies are compared in pairs.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Final
from zlib import crc32

import numpy as np
import pandas as pd
import torch
from botorch.test_functions.multi_objective import DTLZ2, ZDT1, Penicillin, VehicleSafety
from botorch.utils.multi_objective.hypervolume import Hypervolume
from botorch.utils.multi_objective.pareto import is_non_dominated
from numpy.typing import NDArray
from scipy.stats import qmc

from optimizer import Continuous, Objective, SearchSpace
from optimizer.pool import CandidatePool

Array = NDArray[np.float64]

MOST_STARTS: Final = 10


@dataclass(frozen=True, kw_only=True)
class Problem:
    """One problem.

    Attributes:
        name: As in tables.
        label: What it is, for a person.
        space: What may be proposed.
        objectives: Direction, reference and scale; no prior.
        truth: Rows to true values, shape (n, m), physical units.
        noise_sd: Of a reading, one an objective, on its scale; 0: readings are exact.
        reachable: Largest hypervolume that the truth allows, as far as known (``reachable.py``).
        revision: Raised by hand when the definition changes; results of another are not used.
    """

    name: str
    label: str
    space: SearchSpace | CandidatePool
    objectives: tuple[Objective, ...]
    truth: Callable[[pd.DataFrame], Array]
    noise_sd: tuple[float, ...]
    reachable: float
    revision: int = 1

    @property
    def pool(self) -> pd.DataFrame | None:
        """The rows that may be proposed, where they are listed."""
        return self.space.frame if isinstance(self.space, CandidatePool) else None

    @property
    def parameters(self) -> Sequence[Any]:
        """What is varied; none of a pool."""
        return self.space.parameters if isinstance(self.space, SearchSpace) else ()

    @property
    def n_starts(self) -> int:
        """2(d + 1), at most ten."""
        return min(2 * (len(self.space.columns) + 1), MOST_STARTS)

    def start(self, seed: int) -> pd.DataFrame:
        """The first rows of a seed, the same for all strategies: Sobol, or random of a pool."""
        return self.sobol(self.n_starts, seed)

    def sobol(self, n: int, seed: int) -> pd.DataFrame:
        """The first n rows of a seed's sequence; a longer one begins with a shorter one."""
        if self.pool is not None:
            order = self.generator(seed).permutation(len(self.pool))
            return self.pool.iloc[order[:n]].reset_index(drop=True)
        engine = qmc.Sobol(len(self.space.columns), rng=self.generator(seed))
        return self.rows_at(engine.random_base2(int(np.ceil(np.log2(n))))[:n])

    def rows_at(self, unit: Array) -> pd.DataFrame:
        """Rows at points of the unit cube, on the grid where there is one."""
        columns = {p.name: p.value_at(unit[:, j]) for j, p in enumerate(self.parameters)}
        return pd.DataFrame(columns)

    def generator(self, *labels: int) -> np.random.Generator:
        """Random numbers that depend on the problem and the labels alone."""
        return np.random.default_rng([crc32(self.name.encode()), *labels])

    def scaled(self, physical: Array) -> Array:
        """Physical values on the scale, signed so that more is better; shape (n, m)."""
        columns = [o.sign * o.to_scale(physical[:, j]) for j, o in enumerate(self.objectives)]
        return np.stack(columns, axis=1)

    @property
    def reference(self) -> Array:
        """Worst values that count, scaled and signed; shape (m,)."""
        return self.scaled(np.array([[o.reference for o in self.objectives]], dtype=float))[0]

    def read(self, rows: pd.DataFrame, *, first: int, seed: int) -> pd.DataFrame:
        """The rows with a reading of each objective, physical units.

        Args:
            rows: Parameter columns.
            first: Number of the first evaluation; noise follows from number and seed.
            seed: Of the run.
        """
        truth, table = self.truth(rows), rows.copy()
        m = len(self.objectives)
        noise = np.stack(
            [self.generator(seed, 1 + first + k).normal(size=m) for k in range(len(rows))]
        )
        for j, objective in enumerate(self.objectives):
            exact = objective.to_scale(truth[:, j])
            table[objective.name] = objective.from_scale(exact + self.noise_sd[j] * noise[:, j])
        return table

    def volume(self, rows: pd.DataFrame) -> float:
        """Hypervolume of the true values of rows, in products of units of the scales."""
        return self.volume_of(self.scaled(self.truth(rows)))

    def volume_of(self, scaled: Array) -> float:
        """Hypervolume of scaled and signed values above the reference; shape (n, m)."""
        reference = torch.tensor(self.reference)
        values = torch.tensor(scaled)
        values = values[(values > reference).all(dim=1)]
        if not len(values):
            return 0.0
        return float(Hypervolume(reference).compute(values[is_non_dominated(values)]))


def of_botorch(function: Any, name: str, label: str, noise_sd: float = 0.0) -> Problem:
    """A test function of BoTorch, its bounds and reference point as shipped.

    Args:
        function: To be minimised, as shipped.
        name: Of the problem.
        label: For a person.
        noise_sd: Of each objective.
    """
    low, high = function.bounds.tolist()
    reference = function.ref_point.tolist()
    columns = [f"x{j + 1}" for j in range(len(low))]

    def truth(rows: pd.DataFrame) -> Array:
        points = torch.tensor(rows[columns].to_numpy(dtype=float))
        return np.asarray(function.evaluate_true(points).numpy(), dtype=float)

    return Problem(
        name=name,
        label=label,
        space=SearchSpace(
            [Continuous(c, lo, hi) for c, lo, hi in zip(columns, low, high, strict=True)]
        ),
        objectives=tuple(
            Objective(f"f{j + 1}", "minimize", reference=value) for j, value in enumerate(reference)
        ),
        truth=truth,
        noise_sd=(noise_sd,) * len(reference),
        reachable=float(function.max_hv),
    )


def botorch_problems() -> Sequence[Problem]:
    """The test functions."""
    exact: Any = {"dtype": torch.float64}
    return [
        of_botorch(ZDT1(dim=6, **exact), "zdt1", "ZDT1, exact readings"),
        of_botorch(DTLZ2(dim=6, num_objectives=2, **exact), "dtlz2", "DTLZ2, noise 0.05", 0.05),
        of_botorch(VehicleSafety(**exact), "vehicle", "VehicleSafety, exact readings"),
        of_botorch(Penicillin(**exact), "penicillin", "Penicillin, exact readings"),
        of_botorch(DTLZ2(dim=6, num_objectives=4, **exact), "dtlz2_4", "DTLZ2 of four objectives"),
    ]
