"""Panels side by side with common axes, and how a reading is drawn into them."""

from collections.abc import Iterator, Sequence
from math import ceil
from typing import Any, Final, Literal

import numpy as np
from matplotlib.axes import Axes
from matplotlib.axis import Axis
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Patch
from matplotlib.ticker import FuncFormatter, LogLocator, NullLocator

from experiments.display import number_text, scientific
from experiments.plots import MEASURED
from features.properties import Property

SIMULATED: Final = "simulated campaign"
"""Stands in the head of every picture of one; the paper's readings may be among the others."""

_N_COLUMNS: Final = 3
_WIDTH_IN: Final = 7.6  # of two panels and more: the head must fit
_HEAD_IN: Final = 0.62
_LEFT_IN: Final = 1.08
_BELOW_IN: Final = 0.55
_RIGHT_IN: Final = 0.12
_GAP_IN: Final = (0.14, 0.42)
_FEW_DECADES: Final = 60.0  # a ratio; narrower axes get ticks at 2 and 5 too
_ARROW_POINTS: Final = 18


def panels(
    names: Sequence[str], size_in: tuple[float, float]
) -> tuple[Figure, Iterator[tuple[Axes, str]]]:
    """A figure with a titled panel a name, in rows of three with common axes.

    Args:
        names: At least one.
        size_in: Width and height of a panel, inches.

    Returns:
        A figure that belongs to no window, and its panels with their names.
    """
    n_columns = min(_N_COLUMNS, len(names))
    n_rows = ceil(len(names) / n_columns)
    width = _LEFT_IN + n_columns * size_in[0] + (n_columns - 1) * _GAP_IN[0] + _RIGHT_IN
    height = _HEAD_IN + 0.22 + n_rows * size_in[1] + (n_rows - 1) * _GAP_IN[1] + _BELOW_IN
    figure = Figure(figsize=(max(width, _WIDTH_IN), height), facecolor="white")
    FigureCanvasAgg(figure)
    grid = figure.subplots(
        n_rows, n_columns, squeeze=False, sharex=True, sharey=True,
        gridspec_kw={
            "left": _LEFT_IN / figure.get_figwidth(),
            "right": (width - _RIGHT_IN) / figure.get_figwidth(),
            "top": 1 - (_HEAD_IN + 0.22) / height,
            "bottom": _BELOW_IN / height,
            "wspace": _GAP_IN[0] / size_in[0],
            "hspace": _GAP_IN[1] / size_in[1],
        },
    )  # fmt: skip
    for spare in grid.ravel()[len(names) :]:
        spare.set_axis_off()
    for row in range(n_rows - 1):  # a column that ends early keeps its numbers
        for column in range(n_columns):
            if (row + 1) * n_columns + column >= len(names):
                grid[row, column].tick_params(labelbottom=True)
    for axes, name in zip(grid.ravel(), names, strict=False):
        # a height of its own: looking for room above the ticks takes a third of the drawing
        axes.set_title(name, loc="left", fontsize=10, fontweight="bold", y=1.01)
        axes.spines[["top", "right"]].set_visible(False)
    return figure, zip(grid.ravel()[: len(names)], names, strict=True)


def write_head(
    figure: Figure, title: str, handles: list[Line2D | Patch], *, simulated: bool
) -> None:
    """Title and legend above the panels; a simulated campaign is called so.

    Args:
        figure: What ``panels`` made.
        title: One line.
        handles: Of the legend.
        simulated: Whether the campaign is simulated.
    """
    height = figure.get_figheight()
    text = f"{title}  ({SIMULATED})" if simulated else title
    figure.text(0.01, 1 - 0.08 / height, text, va="top", fontsize=11, fontweight="bold")
    figure.legend(
        handles=handles, loc="upper left", bbox_to_anchor=(0.0, 1 - 0.28 / height),
        frameon=False, ncols=len(handles), fontsize=8.5, handlelength=1.6, columnspacing=1.4,
    )  # fmt: skip


def label_outer(figure: Figure, below: str, beside: str) -> None:
    """One label for all abscissae, one for all ordinates.

    Args:
        figure: What ``panels`` made.
        below: With its unit.
        beside: With its unit.
    """
    figure.supxlabel(below, fontsize=10, y=0.08 / figure.get_figheight())
    figure.supylabel(beside, fontsize=10, x=0.08 / figure.get_figwidth())


def set_scale(
    axes: Axes, entry: Property, axis: Literal["x", "y"], limits: tuple[float, float]
) -> None:
    """The scale a property is modelled on, and ticks at round values.

    Args:
        axes: The panel.
        entry: The property on that axis.
        axis: Which one.
        limits: Its ends, physical.
    """
    axes.grid(axis="both", color="#dddddd", lw=0.8)
    axes.set_axisbelow(True)
    if entry.scale != "log10":
        return
    ruler: Axis
    if axis == "x":
        axes.set_xscale("log")
        ruler = axes.xaxis
    else:
        axes.set_yscale("log")
        ruler = axes.yaxis
    is_narrow = limits[1] < _FEW_DECADES * limits[0]
    ruler.set_major_locator(LogLocator(subs=(1.0, 2.0, 5.0) if is_narrow else (1.0,), numticks=7))
    ruler.set_major_formatter(FuncFormatter(_tick_text))
    ruler.set_minor_locator(NullLocator())


def _tick_text(value: float, _position: int | None) -> str:
    """Tenths and hundreds as they are spoken, powers of ten beyond."""
    if 1e-2 <= value < 1e4:
        return number_text(value)
    mantissa, exponent = scientific(value, 1).split("e")
    factor = "" if mantissa == "1" else rf"{mantissa}\times"
    return rf"${factor}10^{{{exponent}}}$"


def draw_reading(
    axes: Axes, point: tuple[float, float], ends: tuple[float, float], *, along: Literal["x", "y"]
) -> None:
    """A reading: a dot, a bar between its ends, or an arrow away from its only end.

    Args:
        axes: The panel.
        point: Where the dot or the foot of the arrow is.
        ends: Lower and upper bound of the reading, physical; an open one is NaN.
        along: Axis the reading is measured on, ``x`` or ``y``.
    """
    low, high = ends
    style: dict[str, Any] = {"color": MEASURED, "zorder": 4}
    if np.isfinite(low) and np.isfinite(high):
        if high > low:
            bar = (ends, (point[1],) * 2) if along == "x" else ((point[0],) * 2, ends)
            axes.plot(*bar, lw=1.4, marker="_" if along == "y" else "|", ms=6, **style)
        axes.plot(*point, marker="o", ms=4.5, ls="", mec="white", mew=0.6, **style)
        return
    away = _ARROW_POINTS if np.isfinite(low) else -_ARROW_POINTS
    axes.plot(*point, marker="|" if along == "x" else "_", ms=8, mew=1.8, ls="", **style)
    axes.annotate(
        "", xy=point, xytext=(away, 0) if along == "x" else (0, away), textcoords="offset points",
        arrowprops={"arrowstyle": "<|-", "color": MEASURED, "lw": 1.4, "shrinkB": 0}, zorder=4,
    )  # fmt: skip
