"""Benchmarks that may be stopped and taken up again: one JSON line a task, two processes."""

import json
import sys
from argparse import ArgumentParser
from collections.abc import Callable, Iterable, Sequence
from hashlib import sha256
from pathlib import Path
from typing import Any, Final

from joblib import Parallel, delayed

Row = dict[str, Any]

HERE: Final = Path(__file__).parent
ROOT: Final = HERE.parent


def options(doc: str | None, results: str) -> ArgumentParser:
    """A parser with what every benchmark can be told.

    Args:
        doc: The script's docstring.
        results: Name of its file of results.

    Returns:
        Knows ``--out`` and ``--jobs``.
    """
    parser = ArgumentParser(description=(doc or "").splitlines()[0])
    parser.add_argument("--out", type=Path, default=HERE / "results" / results)
    parser.add_argument("--jobs", type=int, default=2)
    return parser


def code_version() -> str:
    """Fingerprint of all code a result rests on: the packages and the benchmarks' tables."""
    files = [HERE / "virtual_tables.py", *ROOT.glob("models/*.py"), *ROOT.glob("features/*.py")]
    digest = sha256()
    for file in sorted([*files, *ROOT.glob("experiments/virtual_*.py")]):
        digest.update(file.read_bytes())
    return digest.hexdigest()[:8]


def results_in(path: Path) -> list[Row]:
    """Results written so far; a line cut short by a stop is left out."""
    rows: list[Row] = []
    for line in path.read_text().splitlines() if path.exists() else []:
        try:
            rows.append(json.loads(line))
        except json.JSONDecodeError:
            print(f"{path}: left out a line cut short", file=sys.stderr)
    return rows


def run(
    work: Callable[..., list[Row]],
    tasks: Sequence[tuple[Any, ...]],
    *,
    path: Path,
    jobs: int,
) -> list[Row]:
    """Do all tasks that were not done yet, in parallel, writing each as it comes.

    Args:
        work: Called with a task's items; returns its rows.
        tasks: Plain JSON items.
        path: JSON lines of ``task``, ``rows`` and the version of the ``code``.
        jobs: Processes.

    Returns:
        The rows of these tasks, in the order of the tasks.
    """
    wanted = {json.dumps(task): number for number, task in enumerate(tasks)}
    done = {json.dumps(line["task"]) for line in results_in(path)}
    left = [task for key, task in zip(wanted, tasks, strict=True) if key not in done]
    version = code_version()
    path.parent.mkdir(parents=True, exist_ok=True)
    if path.exists() and path.stat().st_size and not path.read_bytes().endswith(b"\n"):
        with path.open("a") as file:
            file.write("\n")
    finished: Iterable[tuple[tuple[Any, ...], list[Row]]] = Parallel(
        n_jobs=jobs, return_as="generator_unordered"
    )(delayed(_with_task)(work, task) for task in left)
    with path.open("a") as file:
        for number, (task, rows) in enumerate(finished, 1):
            file.write(json.dumps({"task": task, "code": version, "rows": rows}) + "\n")
            file.flush()
            if sys.stderr.isatty() or number in {1, len(left)} or number % 20 == 0:
                print(f"{number} of {len(left)} done", file=sys.stderr)
    lines = [line for line in results_in(path) if json.dumps(line["task"]) in wanted]
    versions = sorted({line["code"] for line in lines})
    if versions != [version]:
        print(
            f"\nNote: results of code {', '.join(versions)}; the code now is {version}. "
            f"Delete {path.name} to run all anew.\n"
        )
    lines.sort(key=lambda line: wanted[json.dumps(line["task"])])
    return [row for line in lines for row in line["rows"]]


def markdown(header: Sequence[str], rows: Iterable[Sequence[object]]) -> str:
    """A markdown table."""
    lines = [header, ["---"] * len(header), *rows]
    return "\n".join("| " + " | ".join(str(cell) for cell in line) + " |" for line in lines)


def _with_task(
    work: Callable[..., list[Row]], task: tuple[Any, ...]
) -> tuple[tuple[Any, ...], list[Row]]:
    return task, work(*task)
