"""Pictures of a study: hypervolume against rounds, pellets and weeks, and chances of a goal."""

from typing import Any, Final

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from experiments.study_spec import StudySpec
from experiments.study_table import ARM, groups, reaching

COLOURS: Final = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#000000")
"""Okabe and Ito's palette."""

STYLES: Final = ("-", "--", "-.", ":", (0, (5, 1)), (0, (1, 1)), (0, (3, 1, 1, 1)))

SIDES: Final = (
    ("round", "round", 1.0),
    ("pellets", "pellets pressed", 1.0),
    ("hands_on_h", "work of hands (h)", 1.0),
    ("ends_h", "weeks", 1 / 168),
)

NOTE: Final = "SIMULATED: virtual laboratories, not measurements"


def volume_figure(campaigns: pd.DataFrame, spec: StudySpec, what: str) -> Figure:
    """Share of the reachable hypervolume by round, world by world, and by what rounds cost.

    Args:
        campaigns: As ``Study.campaigns`` gives them.
        spec: The study.
        what: ``cells`` or ``glasses``.

    Returns:
        Upper row: each world against rounds. Lower row: worlds of other laws than the priors'
        pooled (or all, if there are none), against rounds, pellets, hours and weeks. Lines are
        medians over seeds, bands the middle 80 %.
    """
    worlds = list(spec.worlds)
    n = max(len(worlds), len(SIDES))
    figure = Figure(figsize=(3.1 * n, 6.6), layout="constrained")
    axes = figure.subplots(2, n, squeeze=False)
    for column, world in enumerate(worlds):
        part = campaigns[campaigns["world"] == world]
        _panel(axes[0, column], part, what, "round", "round", 1.0)
        axes[0, column].set_title(f"world {world}" if ":" not in world else world, fontsize=10)
    label, pool = list(groups(worlds).items())[-1]
    part = campaigns[campaigns["world"].isin(pool)]
    for column, (name, title, factor) in enumerate(SIDES):
        _panel(axes[1, column], part, what, name, title, factor)
        axes[1, column].set_title(f"worlds {label}", fontsize=10)
    for ax in [*axes[0, len(worlds) :], *axes[1, len(SIDES) :]]:
        ax.set_visible(False)
    for ax in axes.flat:
        ax.axhline(spec.share, color="#6b6b6b", linewidth=0.8, linestyle=":")
        ax.set_ylim(0, 1.05)
        ax.grid(color="#eeeeee")
    for ax in axes[:, 0]:
        ax.set_ylabel(f"share of the reachable\nhypervolume of the {what}")
    _legend(figure, axes[0, 0])
    return figure


def chance_figure(campaigns: pd.DataFrame, spec: StudySpec) -> Figure:
    """Chance of having reached each goal by each round, with 95 % intervals, pool by pool."""
    goals = ["cells", "glasses", *(["target"] if spec.target else [])]
    pools = groups(list(spec.worlds))
    figure = Figure(figsize=(4.0 * len(goals), 3.2 * len(pools)), layout="constrained")
    axes = figure.subplots(len(pools), len(goals), squeeze=False, sharey=True)
    for i, (label, pool) in enumerate(pools.items()):
        part = campaigns[campaigns["world"].isin(pool)]
        for j, goal in enumerate(goals):
            ax = axes[i, j]
            table = reaching(part, goal, spec.share, spec.rounds)
            for number, (arm, rows) in enumerate(table.groupby(list(ARM), sort=False)):
                colour, style = _look(number)
                ax.plot(rows["round"], rows["chance"], color=colour, linestyle=style,
                        marker="o", markersize=3, label=_name(arm, campaigns))  # fmt: skip
                ax.fill_between(rows["round"], rows["lower"], rows["upper"], color=colour,
                                alpha=0.12, linewidth=0)  # fmt: skip
            words = (
                " and ".join(spec.target)
                if goal == "target"
                else f"{100 * spec.share:.0f} % ({goal})"
            )
            ax.set_title(f"worlds {label}: {words}", fontsize=9)
            ax.set_xlabel("by round")
            ax.set_ylim(-0.02, 1.02)
            ax.grid(color="#eeeeee")
    for ax in axes[:, 0]:
        ax.set_ylabel("chance of having reached it")
    _legend(figure, axes[0, 0])
    return figure


def _panel(
    ax: Axes, campaigns: pd.DataFrame, what: str, name: str, title: str, factor: float
) -> None:
    for number, (arm, rows) in enumerate(campaigns.groupby(list(ARM), sort=False)):
        colour, style = _look(number)
        by_round = rows.groupby("round")
        x = by_round[name].median() if name != "round" else pd.Series(
            np.asarray(list(by_round.groups), dtype=float), index=list(by_round.groups)
        )  # fmt: skip
        low, mid, high = (by_round[f"share_{what}"].quantile(q) for q in (0.1, 0.5, 0.9))
        ax.plot(x * factor, mid, color=colour, linestyle=style, label=_name(arm, campaigns))
        ax.fill_between(x * factor, low, high, color=colour, alpha=0.12, linewidth=0)
    ax.set_xlabel(title)


def _look(number: int) -> tuple[str, Any]:
    return COLOURS[number % len(COLOURS)], STYLES[number % len(STYLES)]


def _name(arm: Any, campaigns: pd.DataFrame) -> str:
    strategy, batch = arm
    name = str(strategy).rpartition(":")[2].replace("_", " ")
    return f"{name}, {batch}" if campaigns["batch"].nunique() > 1 else name


def _legend(figure: Figure, ax: Axes) -> None:
    handles, labels = ax.get_legend_handles_labels()
    figure.legend(handles, labels, loc="outside upper center", ncols=min(4, len(labels)),
                  frameon=False, fontsize=9, title=NOTE, title_fontsize=8)  # fmt: skip
