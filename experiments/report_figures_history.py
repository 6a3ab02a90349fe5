"""Figure: hypervolume round by round, with its 90 % range as believed then."""

from collections.abc import Mapping, Sequence
from typing import Final

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from experiments.plots import TRUTH
from experiments.report_history import Volume
from experiments.report_style import drawable, head, panel_title, sheet

_MOST_MARKED: Final = 40
"""Rounds up to which each has a mark; of more there is a line in a band."""

_MOST_NAMED: Final = 12
"""About so many rounds are named."""

_TITLES: Final = {"glasses": "glasses", "cells": "tri-layer cells"}


def volume_figure(found: Mapping[str, Sequence[Volume]], *, simulated: bool) -> Figure:
    """Hypervolume of glasses and of cells after each round.

    Args:
        found: By kind, oldest first.
        simulated: Whether the campaign is simulated; the picture then says so.

    Returns:
        A figure that belongs to no window; a panel a kind.
    """
    shown = {kind: rows for kind, rows in found.items() if rows}
    figure, panels = sheet(len(shown), n_columns=2, panel_in=2.6, head_in=0.56)
    for axes, (kind, rows) in zip(panels, shown.items(), strict=True):
        _panel(axes, rows)
        panel_title(axes, _TITLES[kind], "maximize")
    handle = Line2D([], [], color=TRUTH, marker="o", lw=1.7, label="median, and its 90 % range")
    head(figure, "Hypervolume after each round", [handle], simulated=simulated)
    return figure


def _panel(axes: Axes, rows: Sequence[Volume]) -> None:
    at = range(len(rows))
    values = [row.value for row in rows]
    low, high = [row.lower for row in rows], [row.upper for row in rows]
    if len(rows) <= _MOST_MARKED:
        axes.vlines(at, low, high, color=TRUTH, lw=5, alpha=0.35)
        axes.plot(at, values, color=TRUTH, lw=1.7, marker="o", ms=5.5, mfc="white", mew=1.6)
    else:
        axes.fill_between(at, low, high, color=TRUTH, lw=0, alpha=0.35)
        axes.plot(at, values, color=TRUTH, lw=1.7)
    named = [*at][:: 1 + len(rows) // _MOST_NAMED]
    axes.set_xticks(named, [drawable(rows[place].after) for place in named])
    axes.set_xlim(-0.5, len(rows) - 0.5)
    axes.set_ylim(bottom=0)
    axes.grid(axis="x", visible=False)
    axes.set_xlabel("after the results of", fontsize=9)
    axes.set_ylabel("hypervolume, 1 = plausible best", fontsize=9)
