"""Strategies on problems, in pairs: the same starts and the same noise for all.

    .venv/bin/python benchmarks/optimizer/run.py --strategies ours botorch --seeds 100-109

One JSON line a run, appended to ``benchmarks/results/optimizer.jsonl``; what stands there is not
run again, except ours when its code has changed. Reported seeds begin at 100; whoever tunes takes
seeds below. ``report.py`` writes the page.
"""

import os

for _name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ.setdefault(_name, "1")

import json
import multiprocessing
import sys
import time
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parents[2]))

from benchmarks.optimizer.strategies import MODULES, NO_POOLS, strategy
from benchmarks.optimizer.trial import ROUNDS, Row, one_run, problems, version_of
from benchmarks.runs import options, results_in

Task = tuple[str, str, int, int]

SCORED = ("pellet", "cell", "zdt1", "dtlz2", "vehicle", "penicillin", "pool")


def key_of(line: Row) -> str:
    """What makes a result that of a task."""
    names = ("problem", "revision", "strategy", "seed", "rounds", "version")
    return json.dumps([line[name] for name in names])


def labelled(task: Task) -> Row:
    """A task with what decides whether it was done."""
    problem, name, seed, rounds = task
    return {
        "problem": problem,
        "revision": problems()[problem].revision,
        "strategy": name,
        "seed": seed,
        "rounds": rounds,
        "version": version_of(name),
    }


def done(task: Task) -> Row:
    """Run a task: its labels and results."""
    problem, name, seed, rounds = task
    return labelled(task) | one_run(problems()[problem], name, seed, rounds=rounds)


def seeds_in(words: Iterable[str]) -> list[int]:
    """``100-102 7`` to 100, 101, 102, 7."""
    found: list[int] = []
    for word in words:
        first, _, last = word.partition("-")
        found += range(int(first), int(last or first) + 1)
    return found


def tasks_for(
    problem_names: Sequence[str], strategies: Sequence[str], seeds: Sequence[int], rounds: int
) -> list[Task]:
    """Strategy by strategy within a problem; those that take no pools are left out of pools."""
    listed = {name for name, problem in problems().items() if problem.pool is not None}
    return [
        (problem, name, seed, rounds)
        for problem in problem_names
        for name in strategies
        for seed in seeds
        if not (problem in listed and name in NO_POOLS)
    ]


def left(tasks: Sequence[Task], path: Path) -> list[Task]:
    """Tasks without a line of today's version."""
    have = {key_of(line) for line in results_in(path)}
    labels = {task: key_of(labelled(task)) for task in tasks}
    return [task for task in tasks if labels[task] not in have]


def append(path: Path, line: Row) -> None:
    """One line, in one write, so that two runs may share the file."""
    path.parent.mkdir(parents=True, exist_ok=True)
    cut = path.exists() and path.stat().st_size and not path.read_bytes().endswith(b"\n")
    with path.open("a") as file:
        file.write(("\n" if cut else "") + json.dumps(line) + "\n")


def main() -> None:
    """Run what is left, each task in a fresh fork, so that its memory is its own."""
    parser = options(__doc__, "optimizer.jsonl")
    parser.set_defaults(jobs=1)
    parser.add_argument("--problems", nargs="+", default=list(SCORED), choices=list(problems()))
    parser.add_argument("--strategies", nargs="+", default=["ours"], choices=list(MODULES))
    parser.add_argument("--seeds", nargs="+", default=["100-109"], help="such as 100-109")
    parser.add_argument("--rounds", type=int, default=ROUNDS, help="batches of four")
    given: Any = parser.parse_args()
    tasks = left(
        tasks_for(given.problems, given.strategies, seeds_in(given.seeds), given.rounds), given.out
    )
    for name in given.strategies:
        strategy(name)  # imported before the fork: memory is counted above it
    print(f"{len(tasks)} runs to do", file=sys.stderr)
    forks = multiprocessing.get_context("fork")
    with forks.Pool(given.jobs, maxtasksperchild=1) as workers:
        for number, line in enumerate(workers.imap_unordered(done, tasks), 1):
            append(given.out, line)
            print(
                f"{time.strftime('%H:%M:%S')} {number}/{len(tasks)} {line['problem']} "
                f"{line['strategy']} {line['seed']}: CPU {sum(line['cpu_s']):.1f} s, volume "
                f"{line['volume'][0]:.4g} -> {line['volume'][-1]:.4g}, {line['memory_mb']} MB",
                file=sys.stderr,
                flush=True,
            )


if __name__ == "__main__":
    main()
