"""The figure of the benchmarks: hypervolume by evaluations, and differences of AUC in pairs."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Final

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from benchmarks.optimizer.paired import mean_interval, paired_differences, verdict
from benchmarks.optimizer.trial import BATCH

COLOURS: Final[Mapping[str, str]] = {
    "ours": "#D55E00",
    "botorch": "#0072B2",
    "optuna_gp": "#009E73",
    "optuna_tpe": "#56B4E9",
    "optuna_nsga2": "#CC79A7",
    "sobol": "#6b6b6b",
    "random": "#b0b0b0",
    "ax": "#E69F00",
    "baybe": "#000000",
}
"""Okabe and Ito's palette."""

DASHED: Final = frozenset({"sobol", "random", "optuna_nsga2"})
VERDICT_COLOURS: Final = {
    "above": "#009E73",
    "level": "#6b6b6b",
    "below": "#D55E00",
    "too few seeds": "#bbbbbb",
}
N_COLUMNS: Final = 4


def draw(
    runs: pd.DataFrame,
    *,
    problems: Sequence[str],
    others: Sequence[str],
    labels: Mapping[str, str],
    starts: Mapping[str, int],
    path: Path,
) -> None:
    """Write the figure.

    Args:
        runs: From ``runs_table``.
        problems: Panels, in order.
        others: Strategies ours is compared with.
        labels: Strategies as a person says them.
        starts: Rows of each problem's start.
        path: PNG.
    """
    n_rows = max(1, -(-len(problems) // N_COLUMNS))
    rows = forest_rows(runs, problems, others, labels)
    forest_in = 1.2 + 0.2 * len(rows)
    figure = Figure(figsize=(13, 2.9 * n_rows + forest_in), layout="constrained")
    FigureCanvasAgg(figure)
    top, bottom = figure.subfigures(2, 1, height_ratios=[2.9 * n_rows, forest_in])
    panels = list(top.subplots(n_rows, N_COLUMNS).flat)
    for axes, problem in zip(panels, problems, strict=False):
        _curves(axes, runs[runs["problem"] == problem], starts[problem], problem)
    for axes in panels[len(problems) :]:
        axes.set_axis_off()
    handles = {
        name: line
        for axes in top.axes
        for line in axes.get_lines()
        if (name := str(line.get_label())) in labels
    }
    order = [name for name in ("ours", *others) if name in handles]
    top.legend(
        [handles[name] for name in order],
        [labels[name] for name in order],
        loc="outside lower center",
        ncols=len(order) or 1,
        frameon=False,
    )
    _forest(bottom.subplots(), rows)
    path.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(path, dpi=110)


def forest_rows(
    runs: pd.DataFrame, problems: Sequence[str], others: Sequence[str], labels: Mapping[str, str]
) -> list[tuple[str, "np.ndarray[tuple[int], np.dtype[np.float64]]"]]:
    """Label and interval of each pair that was run; over all problems first."""
    rows = []
    for other in others:
        samples = {name: paired_differences(runs, name, "ours", other) for name in problems}
        there = {name: sample for name, sample in samples.items() if len(sample)}
        if len(there) > 1:
            rows.append(
                (f"{labels[other]}: mean of {len(there)}", mean_interval([*there.values()]))
            )
        rows += [(f"{labels[other]}: {n}", mean_interval([s])) for n, s in there.items()]
    return rows


def _curves(axes: Axes, runs: pd.DataFrame, n_starts: int, title: str) -> None:
    for name, own in runs.groupby("strategy"):
        shares = 100 * np.stack(own["shares"].to_list())
        at = n_starts + BATCH * np.arange(shares.shape[1])
        bands = np.array([mean_interval([column]) for column in shares.T])
        colour, style = COLOURS[str(name)], "--" if name in DASHED else "-"
        above = 3 if name == "ours" else 2
        axes.plot(at, bands[:, 0], style, color=colour, label=str(name), lw=1.6, zorder=above)
        if name in {"ours", "botorch"}:
            axes.fill_between(at, bands[:, 1], bands[:, 2], color=colour, alpha=0.15, lw=0)
    axes.set_title(title, fontsize=10)
    axes.set_xlabel("evaluations", fontsize=8)
    axes.set_ylabel("hypervolume, % of reachable", fontsize=8)
    axes.tick_params(labelsize=8)


def _forest(
    axes: Axes, rows: "Sequence[tuple[str, np.ndarray[tuple[int], np.dtype[np.float64]]]]"
) -> None:
    for height, (_, interval) in enumerate(reversed(rows)):
        mean, lower, upper = 100 * interval
        colour = VERDICT_COLOURS[verdict(interval)]
        axes.plot([lower, upper], [height, height], color=colour, lw=1.4)
        axes.plot(mean, height, "o", color=colour, ms=4)
    axes.axvline(0, color="#6b6b6b", lw=0.8)
    axes.set_yticks(range(len(rows)), [label for label, _ in reversed(rows)], fontsize=8)
    axes.set_ylim(-0.7, max(len(rows), 1) - 0.3)
    axes.set_xlabel(
        "AUC of glassloop less that of another, % of reachable; mean and 95 %", fontsize=8
    )
    axes.tick_params(labelsize=8)
