"""What the terminal shows of a study."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pandas as pd
from rich import box
from rich.console import Console, Group, RenderableType
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    TextColumn,
    TimeElapsedColumn,
    TimeRemainingColumn,
)
from rich.table import Table
from rich.text import Text

from experiments.study_spec import StudySpec
from experiments.study_table import GOALS, differences, goal_table
from experiments.targets import Target

MEASURES = {
    "rounds_to_cells": "rounds to the cells' share",
    "rounds_to_glasses": "rounds to the glasses' share",
    "rounds_to_target": "rounds to the target",
    "share_cells": "share of the cells at the end",
    "share_glasses": "share of the glasses at the end",
    "failed_jars": "jars that failed",
}


@contextmanager
def study_bar() -> Iterator[Callable[[int, int], None]]:
    """A bar on stderr with the time left, and what it is told with."""
    columns = (
        TextColumn("campaigns"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn(),
        TextColumn("left"), TimeRemainingColumn(elapsed_when_finished=True),
    )  # fmt: skip
    console = Console(stderr=True)
    with Progress(*columns, console=console, disable=not console.is_terminal) as bar:
        task: Any = None

        def progress(done: int, total: int) -> None:
            nonlocal task
            if task is None:  # speed is of what is run now, not of what was there
                task = bar.add_task("", total=total, completed=done)
            bar.update(task, completed=done)

        yield progress


def study_report(campaigns: pd.DataFrame, spec: StudySpec) -> Group:
    """How soon each strategy got there, and the differences in pairs; 80 columns."""
    parts: list[RenderableType] = [
        Text("SIMULATED: virtual laboratories, not measurements", style="bold reverse"),
        Text(
            f"seeds of each world: {len(spec.seeds)}; rounds: {spec.rounds}"
            + (f"; late by a round: {', '.join(spec.late)}" if spec.late else "")
        ),
    ]
    goals = ["cells", "glasses", *(["target"] if spec.target else [])]
    for goal in goals:
        title = GOALS[goal].format(percent=100 * spec.share)
        if goal == "target":
            title = Target.of(spec.target).in_words()
        parts += [Text(""), Text(f"To reach {title}:", style="bold"), _goal(campaigns, goal, spec)]
    table = differences(campaigns, spec.share, spec.rounds)
    if len(table):
        first = campaigns.iloc[0]
        base = f"{first['strategy']}, {first['batch']}"
        parts += [
            Text(""),
            Text(f"In pairs of one world and seed, less {base} (95 % interval):", style="bold"),
            _differences(table),
        ]
    return Group(*parts)


def _goal(campaigns: pd.DataFrame, goal: str, spec: StudySpec) -> Table:
    found = goal_table(campaigns, goal, spec.share, spec.rounds)
    table = Table(box=box.SIMPLE_HEAD, show_edge=False, pad_edge=False, padding=(0, 1))
    for name in ("worlds", "strategy", "batch"):
        table.add_column(name, no_wrap=name != "strategy")
    for name in ("reached (95 %)", "round (90 %)", "pellets", "hands h", "weeks"):
        table.add_column(name, justify="right", no_wrap=True)
    for row in found.to_dict("records"):
        reached = f"{row['reached']:.0%} ({row['reached_lower']:.0%}..{row['reached_upper']:.0%})"
        ends = [_round(row[k], spec.rounds) for k in ("median_round", "round_5", "round_95")]
        costs = [row["pellets"], row["hands_on_h"], row["weeks"]]
        table.add_row(
            row["worlds"], str(row["strategy"]).rpartition(":")[2], row["batch"], reached,
            f"{ends[0]} ({ends[1]}..{ends[2]})",
            *("-" if pd.isna(cost) else f"{cost:.0f}" for cost in costs),
        )  # fmt: skip
    return table


def _percent(share: float) -> str:
    return f"{100 * share:.0f} %"


def _round(value: float, rounds: int) -> str:
    return f">{rounds}" if value > rounds else f"{value:.0f}"


def _differences(found: pd.DataFrame) -> Table:
    table = Table(box=box.SIMPLE_HEAD, show_edge=False, pad_edge=False, padding=(0, 1))
    for name in ("worlds", "strategy", "batch", "measure"):
        table.add_column(name)
    table.add_column("difference", justify="right", no_wrap=True)
    for row in found.to_dict("records"):
        digits = 3 if str(row["measure"]).startswith("share") else 1
        mean, low, high = (row[k] for k in ("difference", "lower", "upper"))
        few = f"{row['n']} pairs: too few to say" if row["n"] > 1 else "one pair"
        interval = few if pd.isna(low) else f"{low:+.{digits}f}..{high:+.{digits}f}"
        table.add_row(
            row["worlds"], str(row["strategy"]).rpartition(":")[2], row["batch"],
            MEASURES[str(row["measure"])], f"{mean:+.{digits}f} ({interval})",
        )  # fmt: skip
    return table
