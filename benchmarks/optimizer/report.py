"""Write ``docs/benchmarks.md`` and its figure from the files of results.

    .venv/bin/python benchmarks/optimizer/report.py

What was not run is said to be missing.
"""

import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from statistics import median
from typing import Any, Final

import numpy as np
import pandas as pd

sys.path.insert(0, str(Path(__file__).parents[2]))

from benchmarks.optimizer.figure import draw
from benchmarks.optimizer.paired import (
    lines_in,
    mean_interval,
    paired_differences,
    runs_table,
    verdict,
)
from benchmarks.optimizer.problems import Problem
from benchmarks.optimizer.survival_figure import draw_survival
from benchmarks.optimizer.trial import ROOT, ROUNDS, engine_version, problems
from benchmarks.optimizer.worlds_page import SCALED, pairs_table, worlds_text
from benchmarks.runs import markdown

TEMPLATE: Final = Path(__file__).parent / "page.md"
RESULTS: Final = ROOT / "benchmarks" / "results"
SCORED: Final = ("pellet", "cell", "zdt1", "dtlz2", "vehicle", "penicillin", "pool")
WITH_PEERS: Final = ("pellet", "cell")
EVERYWHERE: Final = ("botorch", "optuna_gp", "optuna_tpe", "optuna_nsga2", "sobol", "random")
PEERS: Final = ("ax", "baybe")
OTHERS: Final = (*EVERYWHERE, *PEERS)
WANTED_SEEDS: Final[Mapping[str, int]] = {name: 5 if name in PEERS else 10 for name in OTHERS}
TAKES_POOLS: Final = frozenset({"ours", "botorch", "sobol"})
LABELS: Final[Mapping[str, str]] = {
    "ours": "glassloop",
    "botorch": "BoTorch loop",
    "optuna_gp": "Optuna GP",
    "optuna_tpe": "Optuna TPE",
    "optuna_nsga2": "Optuna NSGA-II",
    "sobol": "Sobol",
    "random": "random",
    "ax": "Ax",
    "baybe": "BayBE",
}
CASE_LABELS: Final[Mapping[str, str]] = {
    "pellet-40": "3 objectives, 4 mixed parameters, n = 40",
    "cell-40": "2 objectives, 6 parameters, n = 40",
    "dtlz2_4-40": "4 objectives, 6 parameters, n = 40",
    "pellet-200": "3 objectives, 4 mixed parameters, n = 200",
    "cell-200": "2 objectives, 6 parameters, n = 200",
    "pool-100000": "pool of 100,000 rows, 2 objectives, n = 40",
}


def applies(name: str, problem: Problem) -> bool:
    """Whether a strategy is meant to be run on a problem."""
    if problem.pool is not None:
        return name in TAKES_POOLS
    return name not in PEERS or problem.name in WITH_PEERS


def differences_table(runs: pd.DataFrame, known: Mapping[str, Problem]) -> str:
    """Ours less each other, problem by problem and over all problems that both ran."""
    lines: list[list[str]] = []
    for other in OTHERS:
        samples = {
            name: paired_differences(runs, name, "ours", other)
            for name in SCORED
            if applies(other, known[name])
        }
        for name, sample in samples.items():
            if len(sample):
                lines.append([LABELS[other], name, str(len(sample)), *_words(sample)])
        there = [sample for sample in samples.values() if len(sample)]
        if len(there) > 1:
            interval = mean_interval(there)
            words = [_interval_text(interval), f"**{verdict(interval)}**"]
            lines.append([LABELS[other], f"mean of {len(there)}", "", *words])
    header = ["ours against", "problem", "seeds", "difference, % (95 %)", "ours is"]
    return markdown(header, lines) if lines else "No pair was run."


def auc_table(runs: pd.DataFrame, known: Mapping[str, Problem]) -> str:
    """Mean AUC of each strategy on each problem, in percent of what is reachable."""
    lines = []
    for name in ("ours", *OTHERS):
        cells = [
            _cell(runs, name, problem) if applies(name, known[problem]) else ""
            for problem in SCORED
        ]
        lines.append([LABELS[name], *cells])
    return markdown(["mean AUC, %", *SCORED], lines)


def effort_table(runs: pd.DataFrame) -> str:
    """CPU seconds and memory of a batch in these runs; medians."""
    lines = []
    for name in ("ours", *OTHERS):
        own = runs[runs["strategy"] == name]
        cells = []
        for problem in SCORED:
            there = own[own["problem"] == problem]
            cells.append(f"{there['cpu_s'].median():.2g}" if len(there) else "")
        memory = f"{own['memory_mb'].median():.0f}" if len(own) else ""
        lines.append([LABELS[name], *cells, memory])
    return markdown(["CPU s a batch", *SCORED, "memory, MB"], lines)


def cost_table(lines: Sequence[Mapping[str, Any]]) -> str:
    """Ours and the BoTorch loop side by side, of the last session that measured a case."""
    rows = []
    for case, label in CASE_LABELS.items():
        own = [line for line in lines if line["case"] == case]
        if not own:
            rows.append([label, "missing", "", "", "", ""])
            continue
        last = [line for line in own if line["session"] == own[-1]["session"]]
        cpu = {n: [r["cpu_s"] for r in last if r["strategy"] == n] for n in ("ours", "botorch")}
        memory = {
            n: [r["memory_mb"] for r in last if r["strategy"] == n] for n in ("ours", "botorch")
        }
        both = cpu["ours"] and cpu["botorch"]
        ratio = f"{median(cpu['ours']) / median(cpu['botorch']):.3f}" if both else ""
        rows.append(
            [
                label,
                *(_median_range(cpu[n]) for n in ("ours", "botorch")),
                ratio,
                *(f"{median(memory[n]):.0f}" if memory[n] else "" for n in ("ours", "botorch")),
            ]
        )
    header = [
        "tell + ask(4)",
        "ours, CPU s",
        "BoTorch loop, CPU s",
        "ratio",
        "ours, MB",
        "loop, MB",
    ]
    return markdown(header, rows)


def missing_text(runs: pd.DataFrame, known: Mapping[str, Problem], newest: bool) -> str:
    """Which of the planned runs are not there."""
    lacking = []
    for name in ("ours", *OTHERS):
        wanted = WANTED_SEEDS.get(name, 10)
        for problem in (known[p] for p in SCORED):
            if not applies(name, problem):
                continue
            own = runs[(runs["strategy"] == name) & (runs["problem"] == problem.name)]
            if len(own) < wanted:
                lacking.append(f"{LABELS[name]} on {problem.name} ({len(own)} of {wanted})")
    parts = [f"Missing: {'; '.join(lacking)}." if lacking else "No planned run is missing."]
    if not newest:
        parts.append("Runs of ours are of earlier code than what stands here now.")
    return " ".join(parts)


def versions_text(runs: pd.DataFrame, lines: Sequence[Mapping[str, Any]]) -> str:
    """Versions that the results rest on."""
    found: dict[str, set[str]] = {}
    for versions in [*runs.get("versions", []), *(line["versions"] for line in lines)]:
        for package, number in versions.items():
            found.setdefault(package, set()).add(number)
    engines = sorted(set(runs.loc[runs["strategy"] == "ours", "version"]))
    text = ", ".join(f"{name} {' and '.join(sorted(n))}" for name, n in sorted(found.items()))
    ours = f"; glassloop's code {', '.join(engines)}" if engines else ""
    processors = sorted({line["processor"] for line in lines})
    return f"{text}{ours}." + (f" Processor: {', '.join(processors)}." if processors else "")


def problems_table(known: Mapping[str, Problem]) -> str:
    """What the problems are."""
    rows = [
        [name, known[name].label, known[name].n_starts, f"{known[name].reachable:.4g}"]
        for name in SCORED
    ]
    return markdown(["problem", "what it is", "start", "reachable volume"], rows)


def page(
    runs: pd.DataFrame,
    costs: Sequence[Mapping[str, Any]],
    *,
    engine: str,
    worlds: Sequence[Mapping[str, Any]] = (),
) -> str:
    """The whole page."""
    known = problems()
    own = runs.loc[runs["strategy"] == "ours", "version"]
    template = TEMPLATE.read_text(encoding="utf-8")
    return template.format(
        problems=problems_table(known),
        differences=differences_table(runs, known),
        auc=auc_table(runs, known),
        effort=effort_table(runs) if len(runs) else "",
        cost=cost_table(costs),
        worlds=worlds_text(worlds),
        missing=missing_text(runs, known, bool((own == engine).all())),
        versions=versions_text(runs, costs),
    )


def _cell(runs: pd.DataFrame, name: str, problem: str) -> str:
    own = runs[(runs["strategy"] == name) & (runs["problem"] == problem)]
    return f"{100 * own['auc'].mean():.1f}" if len(own) else "missing"


def _words(sample: "np.ndarray[Any, np.dtype[np.float64]]") -> list[str]:
    interval = mean_interval([sample])
    return [_interval_text(interval), verdict(interval)]


def _interval_text(interval: "np.ndarray[Any, np.dtype[np.float64]]") -> str:
    mean, lower, upper = 100 * interval
    if np.isfinite(mean) and not np.isfinite(lower):
        return f"{mean:+.1f}"
    return f"{mean:+.1f} ({lower:+.1f} to {upper:+.1f})"


def _median_range(values: Sequence[float]) -> str:
    if not values:
        return ""
    return f"{median(values):.2f} ({min(values):.2f} to {max(values):.2f})"


def main() -> None:
    """Read the files, write page and figure."""
    known = problems()
    runs = runs_table(
        lines_in(RESULTS / "optimizer.jsonl"),
        reachable={name: problem.reachable for name, problem in known.items()},
        revisions={name: problem.revision for name, problem in known.items()},
        rounds=ROUNDS,
        engine=engine_version(),
    )
    runs = runs[runs["seed"] >= 100]  # smaller ones are for development
    costs = lines_in(RESULTS / "optimizer_cost.jsonl")
    worlds = lines_in(RESULTS / "worlds.jsonl")
    text = page(runs, costs, engine=engine_version(), worlds=worlds)
    (ROOT / "docs" / "benchmarks.md").write_text(text, encoding="utf-8")
    draw(
        runs,
        problems=[name for name in SCORED if (runs["problem"] == name).any()],
        others=[name for name in OTHERS if name != "random"],
        labels=LABELS,
        starts={name: known[name].n_starts for name in SCORED},
        path=ROOT / "docs" / "images" / "optimizer-auc.png",
    )
    pairs = pairs_table(worlds)
    if len(pairs):
        path = ROOT / "docs" / "images" / "worlds-survival.png"
        draw_survival(pairs, path, pairs_table(worlds, SCALED))
    print(f"{len(runs)} runs, {len(costs)} costs, {len(pairs)} pairs: docs/benchmarks.md")


if __name__ == "__main__":
    main()
