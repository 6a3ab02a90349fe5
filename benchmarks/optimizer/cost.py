"""What one batch costs: CPU seconds and memory of ``tell`` and ``ask(4)``, fits included.

    .venv/bin/python benchmarks/optimizer/cost.py

Ours and the BoTorch loop in turn, in the same run, on the same tables, one thread, each in a fresh
fork that has warmed up on twelve rows. Readings are values, none a bound. Then ours on a pool of
100,000 rows. Results are of this machine; they are appended to
``benchmarks/results/optimizer_cost.jsonl``.
"""

import os

for _name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ.setdefault(_name, "1")

import multiprocessing
import sys
import time
import warnings
from collections.abc import Mapping
from pathlib import Path
from statistics import median
from typing import Any, Final

import numpy as np
import pandas as pd
import torch
from numpy.typing import NDArray

sys.path.insert(0, str(Path(__file__).parents[2]))

from benchmarks.optimizer.problems import Problem
from benchmarks.optimizer.run import append
from benchmarks.optimizer.strategies import strategy
from benchmarks.optimizer.trial import (
    BATCH,
    Row,
    peak_mb,
    problems,
    resident_mb,
    version_of,
    versions_of,
)
from benchmarks.runs import options
from optimizer import Objective, SearchSpace

Array = NDArray[np.float64]

CASES: Final[Mapping[str, tuple[str, int]]] = {
    "pellet-40": ("pellet", 40),
    "cell-40": ("cell", 40),
    "dtlz2_4-40": ("dtlz2_4", 40),
    "pellet-200": ("pellet", 200),
    "cell-200": ("cell", 200),
    "pool-100000": ("wide_pool", 40),
}
"""Name to problem and number of readings."""

WARM_UP: Final = 12
POOL_ROWS: Final = 100_000
POOL_COLUMNS: Final = 6


def wide_pool() -> Problem:
    """Six random numbers a row, two smooth objectives (the first is a distance to a corner)."""
    numbers = np.random.default_rng(0).random((POOL_ROWS, POOL_COLUMNS))
    names = [f"x{j + 1}" for j in range(POOL_COLUMNS)]

    def truth(rows: pd.DataFrame) -> Array:
        x = rows[names].to_numpy(dtype=float)
        return np.stack([(x**2).sum(axis=1), ((1 - x) ** 2).sum(axis=1)], axis=1)

    return Problem(
        name="wide_pool",
        label="pool of 100,000 rows",
        space=SearchSpace.from_candidates(pd.DataFrame(numbers, columns=names)),
        objectives=tuple(Objective(f"f{j}", "minimize", reference=4.0) for j in (1, 2)),
        truth=truth,
        noise_sd=(0.05, 0.05),
        reachable=1.0,
    )


def batch_cost(case: str, name: str, seed: int) -> Row:
    """One ``tell`` and ``ask(4)``; to be called in a process of its own."""
    torch.set_num_threads(1)
    warnings.simplefilter("ignore")
    imported_mb = resident_mb()
    problem_name, n = CASES[case]
    problem = wide_pool() if problem_name == "wide_pool" else problems()[problem_name]
    told = problem.read(problem.sobol(n, seed), first=0, seed=seed)
    warm = strategy(name)(problem, seed + 1)
    warm.tell(told.head(WARM_UP))
    if problem_name != "wide_pool":
        warm.ask(1)
    cpu, wall = time.process_time(), time.perf_counter()
    own = strategy(name)(problem, seed)
    own.tell(told)
    own.ask(BATCH)
    return {
        "case": case,
        "problem": problem_name,
        "n": n,
        "strategy": name,
        "seed": seed,
        "cpu_s": round(time.process_time() - cpu, 4),
        "wall_s": round(time.perf_counter() - wall, 4),
        "memory_mb": round(peak_mb() - imported_mb, 1),
        "imported_mb": round(imported_mb, 1),
    }


def processor() -> str:
    """The processor's name as the system gives it."""
    info = Path("/proc/cpuinfo")
    lines = info.read_text().splitlines() if info.exists() else []
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else "unknown"


def main() -> None:
    """Measure every case, append, print medians and ratios."""
    parser = options(__doc__, "optimizer_cost.jsonl")
    parser.add_argument("--cases", nargs="+", default=list(CASES), choices=list(CASES))
    parser.add_argument("--strategies", nargs="+", default=["ours", "botorch"])
    parser.add_argument("--repeats", type=int, default=5, help="tables of each case")
    given: Any = parser.parse_args()
    session = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())
    for name in given.strategies:
        strategy(name)
    forks = multiprocessing.get_context("fork")
    for case in given.cases:
        names = [n for n in given.strategies if n == "ours" or not case.startswith("pool")]
        found: dict[str, list[float]] = {name: [] for name in names}
        with forks.Pool(1, maxtasksperchild=1) as worker:
            for seed in range(given.repeats):
                for name in names:
                    row = worker.apply(batch_cost, (case, name, seed))
                    found[name].append(row["cpu_s"])
                    own = {"version": version_of(name), "versions": versions_of(name)}
                    machine = {"session": session, "processor": processor()}
                    append(given.out, row | machine | own)
        text = ", ".join(f"{name} {median(cpu):.2f}" for name, cpu in found.items())
        ratio = ""
        if {"ours", "botorch"} <= set(found):
            ratio = f"; ratio {median(found['ours']) / median(found['botorch']):.3f}"
        print(f"{case}: CPU s {text}{ratio}", flush=True)


if __name__ == "__main__":
    main()
