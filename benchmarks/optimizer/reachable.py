"""The largest hypervolume that a problem's truth allows: what a run is measured by.

    .venv/bin/python benchmarks/optimizer/reachable.py pellet cell

Prints what was found by evolution on the true values, without noise and without counting. The
numbers stand in the problems; for BoTorch's functions those it ships are taken, for a pool the
volume of all its rows.
"""

import sys
from pathlib import Path
from typing import Any, Final

import numpy as np
import torch
from botorch.utils.multi_objective.pareto import is_non_dominated
from numpy.typing import NDArray

sys.path.insert(0, str(Path(__file__).parents[2]))

from benchmarks.optimizer.problems import Problem
from optimizer import Categorical

Array = NDArray[np.float64]

FIRST: Final = 2**13
CHILDREN: Final = 3000
GENERATIONS: Final = 40
MOST_KEPT: Final = 300


def evolved_volume(problem: Problem, seed: int = 0) -> float:
    """Hypervolume of the front that mutation and crossing of a large Sobol set lead to."""
    rng = np.random.default_rng(seed)
    unit: Array = rng.random((FIRST, len(problem.parameters)))
    choices = [isinstance(p, Categorical) for p in problem.parameters]
    values = problem.scaled(problem.truth(problem.rows_at(unit)))
    unit, values = _front(problem, unit, values)
    for generation in range(GENERATIONS):
        children = _children(rng, unit, np.array(choices), 0.2 * 0.88**generation)
        theirs = problem.scaled(problem.truth(problem.rows_at(children)))
        unit, values = _front(problem, np.vstack([unit, children]), np.vstack([values, theirs]))
    return problem.volume_of(values)


def _children(rng: np.random.Generator, unit: Array, choices: Any, step: float) -> Array:
    first, second = (unit[rng.integers(len(unit), size=CHILDREN)] for _ in range(2))
    crossed = np.where(rng.random(first.shape) < 0.3, second, first)
    moved = crossed + step * rng.normal(size=crossed.shape) * (rng.random(crossed.shape) < 0.5)
    anew = rng.random(moved.shape)
    is_anew = choices & (rng.random(moved.shape) < 0.3)
    return np.clip(np.where(choices, np.where(is_anew, anew, crossed), moved), 0, 1 - 1e-12)


def _front(problem: Problem, unit: Array, values: Array) -> tuple[Array, Array]:
    counts = (values > problem.reference).all(axis=1)
    unit, values = unit[counts], values[counts]
    best = is_non_dominated(torch.tensor(values), deduplicate=True).numpy()
    unit, values = unit[best], values[best]
    while len(values) > MOST_KEPT:
        scaled = (values - values.min(axis=0)) / np.ptp(values, axis=0)
        distance = np.linalg.norm(scaled[:, None] - scaled[None], axis=2)
        np.fill_diagonal(distance, np.inf)
        crowded = np.argsort(np.sort(distance, axis=1)[:, :2].sum(axis=1))
        drop = crowded[: max(1, (len(values) - MOST_KEPT) // 4)]
        kept = np.setdiff1d(np.arange(len(values)), drop)
        kept = np.union1d(kept, values.argmax(axis=0))
        if len(kept) == len(values):
            break
        unit, values = unit[kept], values[kept]
    return unit, values


if __name__ == "__main__":
    from benchmarks.optimizer.trial import problems

    for name in sys.argv[1:]:
        print(name, [evolved_volume(problems()[name], seed) for seed in (0, 1)])
