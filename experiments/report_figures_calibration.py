"""Figures: were the predictions right? Coverage by round, PIT, readings against predictions."""

from collections.abc import Sequence
from typing import Any, Final

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Patch
from matplotlib.ticker import LogLocator

from experiments.comparison_panels import draw_reading, set_scale
from experiments.display import typeset_unit
from experiments.plots import MEASURED, QUIET, READING, TRUTH
from experiments.report_history import Coverage, coverages, pit_bins
from experiments.report_slices import MOST_DRAWN
from experiments.report_style import PLATE, SECOND, drawable, head, panel_title, sheet
from features.properties import CATALOGUE, Property, property_of

_LEVEL_STYLE: Final = {90: (TRUTH, "o"), 50: (SECOND, "s")}
_MOST_ROUNDS: Final = 8
_THREE_COLUMNS: Final = 6
_POWERS: Final = 1e-2
"""Below it ticks are written as powers of ten, and few of them have room side by side."""

_FEW: Final = (1.0, 3.0)


def calibration_figure(rows: Sequence[dict[str, Any]], *, simulated: bool) -> Figure:
    """Coverage by round beside what chance allows, and the histogram of PITs.

    Args:
        rows: Scored readings, at least one.
        simulated: Whether the campaign is simulated; the picture then says so.

    Returns:
        A figure that belongs to no window; two panels.

    References:
        Gneiting, Balabdaoui & Raftery 2007, doi:10.1111/j.1467-9868.2007.00587.x.
    """
    figure, (left, right) = sheet(2, n_columns=2, panel_in=2.9, head_in=0.56)
    _coverage(left, coverages(rows))
    _pit(right, rows)
    handles = [
        *(
            Line2D([], [], color=color, marker=marker, ls="", ms=6, label=f"in the {level} % range")
            for level, (color, marker) in sorted(_LEVEL_STYLE.items())
        ),
        Patch(color=QUIET, alpha=0.25, lw=0, label="chance, 90 %, if the ranges are right"),
    ]
    head(figure, "Readings against predictions frozen before them", handles, simulated=simulated)
    return figure


def parity_figure(rows: Sequence[dict[str, Any]], *, simulated: bool) -> Figure:
    """Every scored reading against its prediction, a panel a property.

    Args:
        rows: Scored readings, at least one.
        simulated: Whether the campaign is simulated; the picture then says so.

    Returns:
        A figure that belongs to no window.
    """
    names = [name for name in CATALOGUE if any(row["property"] == name for row in rows)]
    columns = 3 if len(names) <= _THREE_COLUMNS else 4
    figure, panels = sheet(len(names), n_columns=columns, panel_in=2.6, head_in=0.56)
    for axes, name in zip(panels, names, strict=True):
        _parity(axes, property_of(name), [row for row in rows if row["property"] == name])
    handles = [
        Line2D([], [], color=MEASURED, marker="o", ms=4.5, ls="", label="reading (arrow: bound)"),
        Line2D([], [], color=READING, lw=1.6, label="90 % of a new reading, as predicted"),
        Line2D([], [], color=QUIET, lw=0.9, label="equal"),
    ]
    head(figure, "Measured against predicted, reading by reading", handles, simulated=simulated)
    return figure


def _coverage(axes: Axes, found: Sequence[Coverage]) -> None:
    labels = list(dict.fromkeys(part.label for part in found))
    labels = [*labels[-_MOST_ROUNDS - 1 :]]
    for part in (part for part in found if part.label in labels):
        at = labels.index(part.label) + (0.14 if part.level == 90 else -0.14)
        color, marker = _LEVEL_STYLE[part.level]
        if part.n:
            axes.bar(
                at, 100 * (part.high - part.low) / part.n, bottom=100 * part.low / part.n,
                width=0.2, color=QUIET, alpha=0.22, lw=0,
            )  # fmt: skip
            axes.plot(at, 100 * part.inside / part.n, marker=marker, ms=6.5, ls="", color=color)
        axes.plot([at - 0.13, at + 0.13], [part.level] * 2, color=color, lw=1.1)
    counts = {part.label: part.n for part in found}
    axes.set_xticks(
        range(len(labels)), [f"{drawable(label)}\nn = {counts[label]}" for label in labels]
    )
    axes.tick_params(axis="x", labelsize=8.5 if len(labels) < _MOST_ROUNDS else 7.5)
    axes.set_xlim(-0.5, len(labels) - 0.5)
    axes.set_ylim(0, 103)
    axes.set_yticks([0, 25, 50, 75, 90, 100])
    axes.grid(axis="x", visible=False)
    axes.set_ylabel("readings inside, %", fontsize=9)
    panel_title(axes, "coverage by round")


def _pit(axes: Axes, rows: Sequence[dict[str, Any]]) -> None:
    edges, counts, (low, high) = pit_bins(rows)
    axes.axhspan(low, high, color=QUIET, alpha=0.2, lw=0)
    axes.axhline(len(rows) / len(counts), color=QUIET, lw=0.9)
    axes.bar(
        edges[:-1], counts, width=np.diff(edges), align="edge", color=READING, alpha=0.8,
        edgecolor=TRUTH, lw=1.0,
    )  # fmt: skip
    axes.set_xlim(0, 1)
    axes.set_ylim(0, 1.15 * max(counts.max(), high))
    axes.grid(visible=False)
    axes.set_xlabel("place of the reading in its prediction (PIT)", fontsize=9)
    axes.set_ylabel("readings", fontsize=9)
    panel_title(axes, f"PIT: level if the ranges are right, n = {len(rows)}")


def _parity(axes: Axes, entry: Property, rows: Sequence[dict[str, Any]]) -> None:
    shown = [
        value
        for row in rows
        for value in (row["predicted"], row["measured_lower"], row["measured_upper"])
        if value is not None and (value > 0 or entry.scale == "linear")
    ]
    scaled = entry.to_scale(np.array(shown, dtype=float))
    room = 0.12 * (scaled.max() - scaled.min()) or 0.1
    ends = entry.from_scale(np.array([scaled.min() - room, scaled.max() + room]))
    limits = (float(ends[0]), float(ends[1]))
    axes.plot(limits, limits, color=QUIET, lw=0.9, zorder=1)
    drawn, places = rows[-MOST_DRAWN:], []
    for row in drawn:
        bounds = tuple(
            float("nan") if row[f"measured_{end}"] is None else float(row[f"measured_{end}"])
            for end in ("lower", "upper")
        )
        low, high = (float(value) for value in bounds)
        at = _middle(low, high, entry)
        places.append(at)
        draw_reading(axes, (at, row["predicted"]), (low, high), along="x")
    lower, upper = ([row[f"reading_{end}"] for row in drawn] for end in ("lower", "upper"))
    axes.vlines(places, lower, upper, color=READING, lw=1.6, zorder=2)
    set_scale(axes, entry, "x", limits)
    set_scale(axes, entry, "y", limits)
    if entry.scale == "log10" and limits[0] < _POWERS and limits[1] < 100 * limits[0]:
        axes.xaxis.set_major_locator(LogLocator(subs=_FEW, numticks=7))
    axes.set_xlim(*limits)
    axes.set_ylim(*limits)
    panel_title(axes, entry.label)
    said = f"n = {len(rows)}" if drawn == rows else f"newest {len(drawn)} of {len(rows)}"
    axes.text(
        0.97, 0.04, said, transform=axes.transAxes, ha="right", fontsize=8.5,
        color=QUIET, bbox=PLATE,
    )  # fmt: skip
    unit = typeset_unit(entry.id) or "fraction"
    axes.set_xlabel(f"measured, {unit}", fontsize=9)
    axes.set_ylabel(f"predicted, {unit}", fontsize=9)


def _middle(low: float, high: float, entry: Property) -> float:
    if np.isfinite(low) and np.isfinite(high) and (low > 0 or entry.scale == "linear"):
        return float(entry.from_scale(entry.to_scale([low, high]).mean()))
    return high if np.isfinite(high) else low
