r"""Writes docs/rehearsed.md and its pictures: what simulated campaigns reached, and coverage.

    .venv/bin/glassloop study --out S1 --world A --world E --world F --world G --seeds 100-109 \
        --target "critical_current_density>3" --target "ionic_conductivity>1e-4"
    (the same with --strategy one_at_a_time --strategy sobol, and with BoTorch, into S2 and S3)
    .venv/bin/python benchmarks/rehearsed.py --take S1 S2 S3     # into benchmarks/results
    .venv/bin/python benchmarks/rehearsed.py                     # the page, from there

Studies of the same worlds and seeds are pairs, wherever they ran. Reported seeds begin at 100;
smaller ones are for development.
"""

import argparse
import json
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

sys.path.insert(0, str(Path(__file__).parents[1]))

import numpy as np
import pandas as pd
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from experiments.study import Study
from experiments.study_plot import chance_figure, volume_figure
from experiments.study_spec import StudySpec
from experiments.study_table import differences, goal_table
from features.properties import CATALOGUE

ROOT: Final = Path(__file__).parents[1]
RESULTS: Final = ROOT / "benchmarks/results"
CAMPAIGNS: Final = RESULTS / "rehearsed_campaigns.csv"
SCORES: Final = RESULTS / "rehearsed_scores.csv.gz"
SPEC: Final = RESULTS / "rehearsed.json"
PAGE: Final = ROOT / "docs/rehearsed.md"
IMAGES: Final = ROOT / "docs/images"

KEPT: Final = [
    "world", "seed", "strategy", "batch", "round", "property", "censored", "inside_50",
    "inside_90", "pit", "crps", "crps_mean", "crps_linear",
]  # fmt: skip
OURS: Final = "glassloop"
NAMES: Final = {
    OURS: "glassloop", "one_at_a_time": "one at a time", "sobol": "Sobol", "botorch": "BoTorch",
}  # fmt: skip
MEASURES: Final = {
    "rounds_to_cells": "rounds to 90 % of the cells",
    "rounds_to_glasses": "rounds to 90 % of the glasses",
    "rounds_to_target": "rounds to the target",
    "share_cells": "share of the cells after 8 rounds",
    "share_glasses": "share of the glasses after 8 rounds",
    "failed_jars": "jars that failed",
}


def take(folders: Sequence[Path]) -> None:
    """Copy what studies found to the results; of one cut short, seeds whose strategies all ran."""
    campaigns, scores, specs = [], [], []
    for folder in folders:
        study = Study.open(folder)
        specs.append(study.spec.to_dict())
        found = study.campaigns()
        n = found.groupby(["world", "seed"])["strategy"].transform("nunique")
        whole = found[n == len(study.spec.strategies)]
        campaigns.append(_named(whole))
        scores.append(_named(study.scores())[KEPT])
    spec = {**specs[0], "strategies": list(NAMES)}
    SPEC.write_text(json.dumps(spec, indent=1) + "\n")
    pd.concat(campaigns).round(6).to_csv(CAMPAIGNS, index=False)
    pd.concat(scores).round(5).to_csv(
        SCORES, index=False, compression={"method": "gzip", "mtime": 0}
    )


def _named(frame: pd.DataFrame) -> pd.DataFrame:
    own = frame["strategy"].where(~frame["strategy"].str.contains(":"), "botorch")
    return frame.assign(strategy=own)


def clustered(values: pd.DataFrame, name: str) -> tuple[float, float, float]:
    """Mean of a column and its 95 % interval, whole campaigns drawn.

    All jars of a campaign share its surrogates, so that the campaign is the cluster: wider than
    clusters of jars.
    """
    sums = values.groupby(["world", "seed", "strategy"])[name].agg(["sum", "count"]).to_numpy(float)
    picks = np.random.default_rng(0).integers(len(sums), size=(2000, len(sums)))
    drawn = sums[picks].sum(axis=1)
    ends = np.quantile(drawn[:, 0] / drawn[:, 1], [0.025, 0.975])
    return float(values[name].mean()), float(ends[0]), float(ends[1])


def skill(values: pd.DataFrame, other: str) -> tuple[float, float, float]:
    """1 - CRPS / CRPS of a baseline, with its 95 % interval, whole campaigns drawn."""
    known = values.dropna(subset=["crps", other])
    sums = known.groupby(["world", "seed", "strategy"])[["crps", other]].sum().to_numpy(float)
    picks = np.random.default_rng(0).integers(len(sums), size=(2000, len(sums)))
    drawn = sums[picks].sum(axis=1)
    ends = np.quantile(1 - drawn[:, 0] / drawn[:, 1], [0.025, 0.975])
    return float(1 - known["crps"].sum() / known[other].sum()), float(ends[0]), float(ends[1])


def _percent(parts: Sequence[float]) -> str:
    mid, low, high = (f"{100 * part:.0f}" for part in parts)
    return f"{mid} % ({low} to {high})"


def coverage_rows(scores: pd.DataFrame, by: str) -> list[str]:
    """Lines of a table: coverage and skill by one column."""
    lines = []
    for label, part in scores.groupby(by, sort=by == "round"):
        lines.append(
            f"| {_labelled(str(label))} | {len(part)} | "
            f"{_percent(clustered(part, 'inside_90'))} | "
            f"{_percent(clustered(part, 'inside_50'))} | "
            f"{_percent(skill(part, 'crps_mean'))} | {_percent(skill(part, 'crps_linear'))} |"
        )
    return lines


def _labelled(name: str) -> str:
    return CATALOGUE[name].label if name in CATALOGUE else NAMES.get(name, name)


HEAD: Final = (
    "| {} | readings | in 90 % | in 50 % | CRPS below the mean's | below the line's |",
    "|---|---|---|---|---|---|",
)


def coverage_figure(scores: pd.DataFrame) -> Figure:
    """Coverage of the 90 % interval by round and property, world by world."""
    worlds = list(dict.fromkeys(scores["world"]))
    properties = list(dict.fromkeys(scores["property"]))
    figure = Figure(figsize=(2.6 * len(properties), 5.6), layout="constrained")
    axes = figure.subplots(2, (len(properties) + 1) // 2, sharex=True, sharey=True).ravel()
    colours = dict(zip(worlds, ("#0072B2", "#D55E00", "#009E73", "#CC79A7"), strict=False))
    for ax, name in zip(axes, properties, strict=False):
        for shift, world in enumerate(worlds):
            part = scores[(scores["property"] == name) & (scores["world"] == world)]
            rows = [
                (number, *clustered(of_round, "inside_90"))
                for number, of_round in part.groupby("round")
            ]
            x, mid, low, high = (
                np.array(column, dtype=float) for column in zip(*rows, strict=True)
            )
            ax.errorbar(
                x + 0.12 * (shift - 1.5), mid, np.clip([mid - low, high - mid], 0, None), fmt="o-",
                color=colours[world], markersize=3, linewidth=0.9, label=f"world {world}",
            )  # fmt: skip
        ax.axhline(0.9, color="#6b6b6b", linestyle=":")
        ax.set_title(CATALOGUE[name].label, fontsize=9)
        ax.set_ylim(0.4, 1.02)
    for ax in axes[len(properties) :]:
        ax.set_visible(False)
    figure.supxlabel("round", fontsize=9)
    figure.supylabel("readings inside the 90 % interval", fontsize=9)
    handles, labels = axes[0].get_legend_handles_labels()
    figure.legend(handles, labels, loc="outside upper center", ncols=4, frameon=False)
    return figure


def page() -> str:
    """The page as text; pictures are written beside."""
    spec_plain = json.loads(SPEC.read_text())
    spec = StudySpec.from_dict({**spec_plain, "strategies": [OURS]})
    campaigns = pd.read_csv(CAMPAIGNS)
    present = list(dict.fromkeys(campaigns["strategy"]))
    scores = pd.read_csv(SCORES)
    figures = {
        "rehearsed_cells": volume_figure(campaigns, spec, "cells"),
        "rehearsed_glasses": volume_figure(campaigns, spec, "glasses"),
        "rehearsed_chance": chance_figure(campaigns, spec),
        "rehearsed_coverage": coverage_figure(scores),
    }
    for name, figure in figures.items():
        FigureCanvasAgg(figure)
        figure.savefig(IMAGES / f"{name}.png", dpi=80)
    text = (Path(__file__).parent / "rehearsed.md.in").read_text()
    n = campaigns.drop_duplicates(["world", "seed", "strategy"]).shape[0]
    filled = {
        "n_campaigns": str(n),
        "goals": "\n".join(_goal_rows(campaigns, spec, present)),
        "worlds": "\n".join(_world_rows(campaigns, spec)),
        "differences": "\n".join(_difference_rows(campaigns, spec)),
        "n_readings": str(len(scores)),
        "n_scored": str(scores.drop_duplicates(["world", "seed", "strategy"]).shape[0]),
        "by_property": "\n".join(
            [HEAD[0].format("property"), HEAD[1], *coverage_rows(scores, "property")]
        ),
        "by_world": "\n".join([HEAD[0].format("world"), HEAD[1], *coverage_rows(scores, "world")]),
        "by_round": "\n".join([HEAD[0].format("round"), HEAD[1], *coverage_rows(scores, "round")]),
        "by_strategy": "\n".join(
            [HEAD[0].format("strategy"), HEAD[1], *coverage_rows(scores, "strategy")]
        ),
        "untuned": _percent(clustered(scores[scores["world"].isin(["E", "F", "G"])], "inside_90")),
    }
    for key, value in filled.items():
        text = text.replace("{{" + key + "}}", value)
    return text


def _gap(row: Any, digits: int) -> str:
    """A difference with its interval, or how many pairs there are where they are too few."""
    mean = f"{row['difference']:+.{digits}f}"
    if pd.isna(row["lower"]):
        return f"{mean} ({row['n']} pairs)"
    return f"{mean} ({row['lower']:+.{digits}f} to {row['upper']:+.{digits}f})"


def _goal_rows(campaigns: pd.DataFrame, spec: StudySpec, present: Sequence[str]) -> list[str]:
    lines = [
        "| worlds | goal | strategy | reached | in round, median (90 %) | pellets | weeks |",
        "|---|---|---|---|---|---|---|",
    ]
    for goal, words in (("cells", "cells"), ("glasses", "glasses"), ("target", "target")):
        for row in goal_table(campaigns, goal, spec.share, spec.rounds).to_dict("records"):
            ends = [
                f">{spec.rounds}" if v > spec.rounds else f"{v:.0f}"
                for v in (row["median_round"], row["round_5"], row["round_95"])
            ]
            costs = ["-" if pd.isna(row[k]) else f"{row[k]:.0f}" for k in ("pellets", "weeks")]
            lines.append(
                f"| {row['worlds']} | {words} | {NAMES[row['strategy']]} | "
                f"{_percent([row[k] for k in ('reached', 'reached_lower', 'reached_upper')])} "
                f"of {row['n']} | "
                f"{ends[0]} ({ends[1]} to {ends[2]}) | {costs[0]} | {costs[1]} |"
            )
    return lines


def _difference_rows(campaigns: pd.DataFrame, spec: StudySpec) -> list[str]:
    lines = ["| worlds | strategy | measure | pairs | less glassloop |", "|---|---|---|---|---|"]
    for row in differences(campaigns, spec.share, spec.rounds).to_dict("records"):
        digits = 3 if str(row["measure"]).startswith("share") else 2
        lines.append(
            f"| {row['worlds']} | {NAMES[row['strategy']]} | {MEASURES[row['measure']]} | "
            f"{row['n']} | {_gap(row, digits)} |"
        )
    return lines


def _world_rows(campaigns: pd.DataFrame, spec: StudySpec) -> list[str]:
    """World by world: mean rounds to the cells' goal, and paired differences."""
    lines = [
        "| world | strategy | reached 90 % of the cells | rounds to it less glassloop's | share "
        "after 8 rounds less glassloop's |",
        "|---|---|---|---|---|",
    ]
    for world in dict.fromkeys(campaigns["world"]):
        part = campaigns[campaigns["world"] == world]
        gaps = differences(part, spec.share, spec.rounds).set_index(["strategy", "measure"])
        for row in goal_table(part, "cells", spec.share, spec.rounds).to_dict("records"):
            name = row["strategy"]
            cells = []
            for measure, digits in (("rounds_to_cells", 2), ("share_cells", 3)):
                if name == OURS:
                    cells.append("")
                    continue
                gap = gaps.loc[(name, measure)]
                cells.append(_gap(gap, digits))
            lines.append(
                f"| {world} | {NAMES[name]} | {100 * row['reached']:.0f} % of {row['n']} | "
                f"{cells[0]} | {cells[1]} |"
            )
    return lines


def main() -> None:
    """Take results, or write the page."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--take", nargs="+", type=Path, help="folders of finished studies")
    given: Any = parser.parse_args()
    if given.take:
        take(given.take)
        return
    PAGE.write_text(page())


if __name__ == "__main__":
    main()
