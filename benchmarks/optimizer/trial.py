"""One run: a strategy on a problem with a seed, its hypervolume, CPU time and memory."""

import os
import platform
import resource
import time
import warnings
from collections.abc import Mapping
from functools import cache
from hashlib import sha256
from importlib.metadata import version
from pathlib import Path
from typing import Any, Final

import torch

from benchmarks.optimizer.glass_problems import cell, pellet, pool
from benchmarks.optimizer.problems import Problem, botorch_problems
from benchmarks.optimizer.strategies import PACKAGES, strategy

Row = dict[str, Any]

ROOT: Final = Path(__file__).parents[2]
ROUNDS: Final = 5
BATCH: Final = 4
COMMON: Final = ("numpy", "scipy", "pandas")


@cache
def problems() -> Mapping[str, Problem]:
    """All problems by name."""
    found = [pellet(), cell(), *botorch_problems(), pool()]
    return {problem.name: problem for problem in found}


@cache
def engine_version() -> str:
    """Fingerprint of the code our own results rest on, as it was when first asked for.

    The runner asks before it forks: an edit while it runs does not relabel what it imported.
    """
    digest = sha256()
    for folder in ("optimizer", "models", "features"):
        for file in sorted((ROOT / folder).glob("*.py")):
            digest.update(file.read_bytes())
    return digest.hexdigest()[:8]


def version_of(name: str) -> str:
    """What decides whether a result is still of this strategy: the engine, or the package."""
    if name == "ours":
        return engine_version()
    return " ".join(f"{package} {version(package)}" for package in PACKAGES[name][:1]) or "1"


def versions_of(name: str) -> dict[str, str]:
    """Versions of everything a run rests on."""
    found = {package: version(package) for package in (*PACKAGES[name], *COMMON)}
    found["python"] = platform.python_version()
    return found if name != "ours" else found | {"torch": version("torch")}


def resident_mb() -> float:
    """Memory of this process now, MB."""
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGESIZE") / 2**20


def peak_mb() -> float:
    """Largest memory of this process so far, MB."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def one_run(problem: Problem, name: str, seed: int, *, rounds: int = ROUNDS) -> Row:
    """Run a strategy from the shared start; to be called in a process of its own.

    Args:
        problem: What is optimised.
        name: The strategy.
        seed: Of start, noise and strategy.
        rounds: Batches of four after the start.

    Returns:
        Number of evaluations and hypervolume after the start and each round, CPU seconds of
        ``tell`` and ``ask`` of each round, and the peak of memory above the imported process.
    """
    torch.set_num_threads(1)
    warnings.simplefilter("ignore")
    imported_mb = resident_mb()
    rows = problem.start(seed)
    told = problem.read(rows, first=0, seed=seed)
    own = strategy(name)(problem, seed)
    counts, volumes, cpu_s, wall_s = [len(rows)], [problem.volume(rows)], [], []
    made = rows
    for _ in range(rounds):
        cpu, wall = time.process_time(), time.perf_counter()
        own.tell(told)
        rows = own.ask(BATCH)
        cpu_s.append(time.process_time() - cpu)
        wall_s.append(time.perf_counter() - wall)
        rows = problem.space.check(rows).reset_index(drop=True)
        told = problem.read(rows, first=counts[-1], seed=seed)
        made = type(made)({c: [*made[c], *rows[c]] for c in problem.space.columns})
        counts.append(len(made))
        volumes.append(problem.volume(made))
    return {
        "n": counts,
        "volume": volumes,
        "cpu_s": [round(value, 4) for value in cpu_s],
        "wall_s": [round(value, 4) for value in wall_s],
        "memory_mb": round(max(0.0, peak_mb() - imported_mb), 1),
        "imported_mb": round(imported_mb, 1),
        "versions": versions_of(name),
    }
