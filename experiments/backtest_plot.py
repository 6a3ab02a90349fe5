"""A backtest as a picture: the best so far, and how many experiments each goal took."""

from pathlib import Path
from textwrap import wrap
from typing import Final

import numpy as np
import pandas as pd
from matplotlib import rc_context
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Patch

from experiments.backtest import Backtest, Spread
from experiments.display import typeset_unit
from experiments.plots import MEASURED, QUIET, TRUTH
from features.properties import CATALOGUE

CHANCE: Final = "#999999"
"""Random order; black of the palette, lightened."""

_SIZE_IN: Final = (7.6, 3.5)
_GOAL_IN: Final = 0.55
_FRAME_IN: Final = 1.55
_LABEL: Final = 20
_BESIDE: Final = 0.22
"""How far above and below a goal's line the others are drawn, in rows."""


def backtest_figure(backtest: Backtest) -> Figure:
    """Best so far by number of experiments, and experiments until each goal.

    Args:
        backtest: What came of it.

    Returns:
        A figure that belongs to no window.
    """
    below_in = _GOAL_IN * len(backtest.found)
    height_in = _SIZE_IN[1] + below_in + _FRAME_IN
    figure = Figure(figsize=(_SIZE_IN[0], height_in), facecolor="white", layout="constrained")
    FigureCanvasAgg(figure)
    upper, lower = figure.subplots(
        2, 1, sharex=True, gridspec_kw={"height_ratios": [_SIZE_IN[1], below_in]}
    )
    _draw_curves(upper, backtest)
    _draw_goals(lower, backtest)
    figure.legend(handles=_legend(backtest), loc="outside upper left", frameon=False, ncols=2)
    return figure


def save_figure(figure: Figure, path: Path) -> None:
    """Write a figure; the same figure gives the same bytes.

    Args:
        figure: The figure.
        path: The file, ending in ``.png``, ``.svg`` or ``.pdf``.
    """
    kind = path.suffix[1:].lower()
    metadata = {"png": {"Software": None}, "svg": {"Date": None}, "pdf": {"CreationDate": None}}
    with rc_context({"svg.hashsalt": "backtest"}):
        figure.savefig(path, dpi=150, format=kind, metadata=metadata[kind])


def _draw_curves(axes: Axes, backtest: Backtest) -> None:
    curves = backtest.curves
    for name, color, alpha in (("chance", CHANCE, 0.25), ("planner", TRUTH, 0.3)):
        low, high = curves[f"{name}_lower"], curves[f"{name}_upper"]
        axes.fill_between(
            curves.index, low, high, step="post", color=color, alpha=alpha, lw=0, zorder=1
        )
    _step(axes, curves["chance_median"], CHANCE, "--")
    _step(axes, curves["real"], MEASURED, "-")
    _step(axes, curves["planner_median"], TRUTH, "-")
    objectives = backtest.history.objectives
    if len(objectives) == 1 and objectives[0].scale == "log10":
        axes.set_yscale("log")
    axes.set_ylabel(_best_label(backtest))
    axes.axvline(backtest.n_start, color=QUIET, lw=0.8, ls=":")
    if len(objectives) > 1:
        axes.set_ylim(0.0, 1.03)
    axes.annotate(
        f" first {backtest.n_start}: given to all",
        (backtest.n_start, 0.02), xycoords=("data", "axes fraction"), fontsize=8, color=QUIET,
    )  # fmt: skip
    axes.set_title(f"{backtest.history.file}, replayed", loc="left", fontsize=10, fontweight="bold")
    _tidy(axes)


def _draw_goals(axes: Axes, backtest: Backtest) -> None:
    size = backtest.history.size
    for row, found in enumerate(backtest.found):
        _bar(axes, row + _BESIDE, found.chance, size, CHANCE, "s", middle=found.chance_mean)
        real = Spread(found.real, found.real_earliest, found.real_latest)
        _bar(axes, row, real, size, MEASURED, "D")
        _bar(axes, row - _BESIDE, found.planner, size, TRUTH, "o", most=backtest.most)
    axes.set_yticks(
        range(len(backtest.found)), ["\n".join(wrap(f.label, _LABEL)) for f in backtest.found]
    )
    axes.set_ylim(len(backtest.found) - 0.5, -0.5)
    axes.set_xlim(0, size * 1.02)
    axes.set_xlabel("experiments (different recipes made)")
    axes.tick_params(axis="y", length=0)
    _tidy(axes)
    axes.spines["left"].set_visible(False)


def _bar(
    axes: Axes,
    row: float,
    spread: Spread,
    size: int,
    color: str,
    marker: str,
    *,
    middle: float | None = None,
    most: int | None = None,
) -> None:
    """A middle and its 90 %; what was not found in time ends in an arrow at the most."""
    end = most or size
    low, high = (min(value, end) for value in (spread.lower, spread.upper))
    axes.plot([low, high], [row, row], color=color, lw=2.2, solid_capstyle="butt")
    at = spread.median if middle is None else middle
    if np.isfinite(at):
        axes.plot(at, row, marker=marker, ms=6.5, color=color, mec="white", mew=0.8)
    if not np.isfinite(spread.upper):
        axes.plot(end, row, marker=">", ms=7, color=color)


def _step(axes: Axes, curve: "pd.Series[float]", color: str, style: str) -> None:
    axes.step(curve.index, curve, where="post", color=color, ls=style, lw=1.8, zorder=3)


def _best_label(backtest: Backtest) -> str:
    objectives = backtest.history.objectives
    if len(objectives) > 1:
        return "share of the hypervolume\nof all recipes"
    name = objectives[0].name
    if name not in CATALOGUE:
        return f"best {name} so far"
    unit = typeset_unit(name)
    return f"best {CATALOGUE[name].label} so far" + (f", {unit}" if unit else "")


def _legend(backtest: Backtest) -> list[Line2D | Patch]:
    def line(color: str, style: str, marker: str, label: str) -> Line2D:
        return Line2D([], [], color=color, ls=style, marker=marker, mec="white", lw=2, label=label)

    order = backtest.history.order or "row"
    return [
        line(TRUTH, "-", "o", f"planner, {backtest.seeds} seeds: median and 90 %"),
        line(MEASURED, "-", "D", f"really, by {order} (bar: ties)"),
        line(CHANCE, "--", "s", "random order: median (below: mean) and 90 %"),
    ]


def _tidy(axes: Axes) -> None:
    axes.grid(axis="x", color="#dddddd", lw=0.8)
    axes.set_axisbelow(True)
    axes.spines[["top", "right"]].set_visible(False)
