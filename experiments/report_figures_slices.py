"""Figure: every pellet property along one variable, with bands, readings and what is planned."""

from collections.abc import Sequence
from typing import Final

import numpy as np
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Patch

from experiments.comparison_panels import set_scale
from experiments.display import typeset_unit
from experiments.plots import QUIET, READING, TRUTH
from experiments.report_slices import Curve, Mark, Slice
from experiments.report_style import (
    BLACK,
    PALE,
    PLANNED,
    drawable,
    head,
    medium_style,
    panel_title,
    sheet,
)
from features.milling import MEDIA
from features.properties import Property, property_of

AXES: Final = {
    "x": "oxygen x per formula unit",
    "milling_time_h": "net milling time, h",
    "pressing_pressure_mpa": "pressing pressure, MPa",
}
"""What stands below an axis."""

_TITLES: Final = {
    "x": "oxygen content",
    "milling_time_h": "milling time",
    "pressing_pressure_mpa": "pressing pressure",
}
_ARROW_POINTS: Final = 16
_FOOT: Final = 0.03
_STEP: Final = 0.065
"""Heights of the marks on the axis, as shares of the panel."""


def slice_figure(drawn: Slice, *, simulated: bool) -> Figure:
    """Predictions and readings of every pellet property along one variable.

    Args:
        drawn: What to draw.
        simulated: Whether the campaign is simulated; the picture then says so.

    Returns:
        A figure that belongs to no window; a panel a property, and the key in the last.
    """
    figure, panels = sheet(len(drawn.curves) + 1, head_in=0.48, panel_in=2.45)
    for axes, curve in zip(panels, drawn.curves, strict=False):
        _panel(axes, curve, drawn)
    _key(panels[-1], drawn)
    head(figure, f"Pellet properties along {_TITLES[drawn.variable]}", simulated=simulated)
    height = figure.get_figheight()
    figure.text(
        0.008, 1 - 0.28 / height, f"Curves: {drawable(drawn.held)}", va="top", fontsize=9,
        color=QUIET,
    )  # fmt: skip
    return figure


def _panel(axes: Axes, curve: Curve, drawn: Slice) -> None:
    entry, bands = property_of(curve.property_id), curve.bands
    for lower, upper, color, strength in (
        ("reading_lower", "reading_upper", READING, 0.28),
        ("lower", "upper", TRUTH, 0.35),
    ):
        low, high = bands[lower].to_numpy(float), bands[upper].to_numpy(float)
        axes.fill_between(curve.at, low, high, color=color, alpha=strength, lw=0)
    axes.plot(curve.at, bands["mean"].to_numpy(float), color=TRUTH, lw=1.7)
    _draw_marks(axes, curve.marks)
    limits = _limits(curve, entry)
    set_scale(axes, entry, "y", limits)
    axes.set_ylim(*limits)
    _foot(axes, drawn)
    panel_title(axes, entry.label, entry.direction)
    axes.set_xlabel(AXES[drawn.variable], fontsize=9)
    axes.set_ylabel(typeset_unit(entry.id) or "fraction", fontsize=9)
    if curve.n_hidden:
        axes.text(
            0.98, 0.95, f"{curve.n_hidden} older readings not drawn", transform=axes.transAxes,
            ha="right", va="top", fontsize=8.5, style="italic",
        )  # fmt: skip
    if curve.n_readings == 0:
        axes.text(
            0.98, 0.95, "no reading: prior only", transform=axes.transAxes, ha="right", va="top",
            fontsize=8.5, style="italic",
        )  # fmt: skip


def _draw_marks(axes: Axes, marks: Sequence[Mark]) -> None:
    """Readings, those that look alike together: bar or arrow, and a marker by medium.

    Pale if made otherwise, hollow if not made here.
    """
    kinds: dict[tuple[str, str, bool, bool], list[Mark]] = {}
    for mark in marks:
        color, marker = (QUIET, "*") if mark.is_literature else medium_style(mark.medium)
        kinds.setdefault((color, marker, mark.is_usual, mark.is_own), []).append(mark)
    for (color, marker, is_usual, is_own), alike in kinds.items():
        strength = 1.0 if is_usual else PALE
        whole = [mark for mark in alike if not _is_bound(mark)]
        axes.vlines(
            [mark.at for mark in whole], [mark.low for mark in whole],
            [mark.high for mark in whole], lw=1.2, color=color, alpha=strength,
            zorder=4 + is_usual,
        )  # fmt: skip
        for bound in filter(_is_bound, alike):
            _draw_arrow(axes, bound, color, strength)
        axes.plot(
            [mark.at for mark in alike], [mark.dot for mark in alike], marker=marker, ms=5, ls="",
            mew=1.1, mfc=color if is_own else "white", mec=color, alpha=strength,
            zorder=5 + is_usual,
        )  # fmt: skip


def _is_bound(mark: Mark) -> bool:
    return not (np.isfinite(mark.low) and np.isfinite(mark.high))


def _draw_arrow(axes: Axes, bound: Mark, color: str, strength: float) -> None:
    away = _ARROW_POINTS if np.isfinite(bound.low) else -_ARROW_POINTS
    axes.annotate(
        "", xy=(bound.at, bound.dot), xytext=(0, away), textcoords="offset points",
        arrowprops={
            "arrowstyle": "<|-", "color": color, "lw": 1.2, "shrinkB": 0, "alpha": strength,
        },
    )  # fmt: skip


def _foot(axes: Axes, drawn: Slice) -> None:
    """What is planned and what failed, on the axis: neither has a value."""
    across = axes.get_xaxis_transform()
    axes.plot(
        drawn.planned, [_FOOT] * len(drawn.planned), marker="^", ms=5.5, ls="", color=PLANNED,
        transform=across, zorder=7,
    )  # fmt: skip
    axes.plot(
        drawn.failed, [_FOOT + _STEP] * len(drawn.failed), marker="x", ms=5, mew=1.4, ls="",
        color=BLACK, transform=across, zorder=7,
    )  # fmt: skip


def _limits(curve: Curve, entry: Property) -> tuple[float, float]:
    """Bands and readings with some room, but nothing beyond what is refused as a reading."""
    shown = [curve.bands[name].to_numpy(float) for name in ("reading_lower", "reading_upper")]
    ends = [value for mark in curve.marks for value in (mark.dot, mark.low, mark.high)]
    scaled = entry.to_scale(np.concatenate([*shown, np.array(ends, dtype=float)]))
    scaled = scaled[np.isfinite(scaled)]
    low, high = float(scaled.min()), float(scaled.max())
    room = 0.07 * (high - low) or 0.5
    floor, ceiling = entry.to_scale(np.array(entry.reject))
    shown_to = entry.from_scale(np.array([max(low - room, floor), min(high + room, ceiling)]))
    return float(shown_to[0]), float(shown_to[1])


def _key(axes: Axes, drawn: Slice) -> None:
    """What everything means, in a panel of its own."""
    axes.set_axis_off()
    marks = [mark for curve in drawn.curves for mark in curve.marks]
    handles: list[Artist] = [
        Line2D([], [], color=TRUTH, lw=1.7, label="predicted, centre"),
        Patch(color=TRUTH, alpha=0.5, lw=0, label="90 % of the true value"),
        Patch(color=READING, alpha=0.35, lw=0, label="90 % of a new reading"),
    ]
    if any(mark.is_literature for mark in marks):
        handles.append(
            Line2D([], [], color=QUIET, marker="*", mfc="white", ms=6, ls="", label="literature")
        )
    for medium in dict.fromkeys(mark.medium for mark in marks if not mark.is_literature):
        color, marker = medium_style(medium)
        label = MEDIA[medium].label if medium in MEDIA else drawable(medium)
        handles.append(Line2D([], [], color=color, marker=marker, ms=5, ls="", label=label))
    if any(not (mark.is_own or mark.is_literature) for mark in marks):
        handles.append(
            Line2D([], [], color=QUIET, marker="o", mfc="white", ms=5, ls="",
                   label="hollow: not made here")
        )  # fmt: skip
    if any(not mark.is_usual for mark in marks):
        handles.append(
            Line2D([], [], color=QUIET, marker="o", ms=5, ls="", alpha=PALE,
                   label="pale: made otherwise")
        )  # fmt: skip
    if any(map(_is_bound, marks)):
        handles.append(
            Line2D([], [], color=QUIET, marker=r"$\downarrow$", ms=8, ls="", label="arrow: bound")
        )
    if drawn.planned:
        handles.append(
            Line2D([], [], color=PLANNED, marker="^", ms=6, ls="", label="planned in an open round")
        )
    if drawn.failed:
        handles.append(
            Line2D([], [], color=BLACK, marker="x", ms=5, mew=1.4, ls="", label="failed")
        )
    key = axes.legend(
        handles=handles, loc="center left", frameon=False, fontsize=9, borderaxespad=0
    )
    key.set_in_layout(False)  # or the panels of its column become wider than the others
