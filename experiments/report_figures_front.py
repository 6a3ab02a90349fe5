"""Figure: pairs of objectives, what was made, how far it reaches, and what is planned."""

from typing import Any, Final

import numpy as np
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Patch

from experiments.comparison_panels import set_scale
from experiments.display import typeset_unit
from experiments.plots import QUIET, READING, TRUTH
from experiments.report_front import Front, Standing
from experiments.report_labels import Label, write_labels
from experiments.report_slices import MOST_DRAWN
from experiments.report_style import (
    PLANNED,
    drawable,
    head,
    medium_style,
    settle_layout,
    sheet,
)
from features.milling import MEDIA
from features.properties import Property, property_of

NAMED: Final = 0.2
"""Specimens on the front with at least this probability are drawn strong and named."""

_MOST_NAMED: Final = 6
_WISH: Final = {"maximize": "more is better", "minimize": "less is better"}


def front_figure(fronts: tuple[Front, ...], *, simulated: bool) -> Figure:
    """What was made, pair by pair, with 90 % ranges, the reach of all of it, and what is planned.

    Args:
        fronts: At least one pair.
        simulated: Whether the campaign is simulated; the picture then says so.

    Returns:
        A figure that belongs to no window; a panel a pair.
    """
    n_columns = min(2, len(fronts))
    figure, panels = sheet(len(fronts), n_columns=n_columns, panel_in=4.1, head_in=0.78)
    named = [_panel(axes, front) for axes, front in zip(panels, fronts, strict=True)]
    head(
        figure, "Glasses: one objective against another", _handles(fronts), simulated=simulated,
        n_columns=4,
    )  # fmt: skip
    settle_layout(figure)  # labels are placed where the panels have come to lie
    for axes, front, parts in zip(panels, fronts, named, strict=True):
        write_labels(axes, [_label(front, part) for part in (*parts, *front.planned)])
    return figure


def _panel(axes: Axes, front: Front) -> list[Standing]:
    """Draw a pair; returns the specimens to be named."""
    across, up = property_of(front.across), property_of(front.up)
    named = [part for part in front.made[:_MOST_NAMED] if part.on_front >= NAMED]
    for part in reversed(front.made[:MOST_DRAWN]):  # the likeliest on the front come first
        _draw(axes, front, part, is_strong=part in named)
    for part in front.planned:
        _draw(axes, front, part, is_strong=True)
    shown = [*front.made, *front.planned]
    for axis, entry, direction in zip(
        ("x", "y"), (across, up), front.directions, strict=True
    ):  # fmt: skip
        limits = _limits(shown, entry)
        if axis == "x":
            set_scale(axes, entry, "x", limits)
            axes.set_xlim(*limits)
        else:
            set_scale(axes, entry, "y", limits)
            axes.set_ylim(*limits)
        text = f"{entry.label}, {typeset_unit(entry.id) or 'fraction'}  ({_WISH[direction]})"
        (axes.set_xlabel if axis == "x" else axes.set_ylabel)(text, fontsize=9)
    if len(front.made) > MOST_DRAWN:
        right, top = (direction == "minimize" for direction in front.directions)  # the worst corner
        axes.text(
            0.98 if right else 0.02, 0.97 if top else 0.03,
            f"the {MOST_DRAWN} likeliest of {len(front.made)} glasses", transform=axes.transAxes,
            ha="right" if right else "left", va="top" if top else "bottom", fontsize=8.5,
            style="italic",
        )  # fmt: skip
    _draw_reach(axes, front)
    _corner(axes, front)
    return named


def _draw_reach(axes: Axes, front: Front) -> None:
    if not len(front.grid):
        return
    low, mid, high = front.attained
    worst = axes.get_ylim()[0 if front.directions[1] == "maximize" else 1]
    low = np.where(np.isnan(low) & np.isfinite(high), worst, low)  # it may not reach so far
    axes.fill_between(front.grid, low, high, color=READING, alpha=0.3, lw=0, zorder=1)
    axes.plot(front.grid, mid, color=TRUTH, lw=1.7, zorder=2)


def _draw(axes: Axes, front: Front, part: Standing, *, is_strong: bool) -> None:
    here, there = part.values[front.across], part.values[front.up]
    color, marker = (PLANNED, "D") if part.is_planned else medium_style(part.medium)
    strength = 1.0 if is_strong else 0.35
    style: dict[str, Any] = {"color": color, "alpha": 0.75 * strength, "lw": 1.1, "zorder": 3}
    axes.plot([here["lower"], here["upper"]], [there["mean"]] * 2, **style)
    axes.plot([here["mean"]] * 2, [there["lower"], there["upper"]], **style)
    axes.plot(
        here["mean"], there["mean"], marker=marker, ms=5.5, ls="", mew=1.2, alpha=strength,
        mfc=color if part.is_own else "white", mec=color, zorder=6 if part.is_planned else 5,
    )  # fmt: skip


def _label(front: Front, part: Standing) -> Label:
    """The id without what every first pellet's ends in."""
    point = (part.values[front.across]["mean"], part.values[front.up]["mean"])
    color = PLANNED if part.is_planned else "black"
    return Label(point, part.specimen.removesuffix("-P1"), color)


def _corner(axes: Axes, front: Front) -> None:
    """Which corner of the panel everybody wants to be in."""
    right, top = (direction == "maximize" for direction in front.directions)
    axes.text(
        0.985 if right else 0.015, 0.985 if top else 0.015,
        "best corner", transform=axes.transAxes, fontsize=8.5, color=QUIET, style="italic",
        ha="right" if right else "left", va="top" if top else "bottom",
    )  # fmt: skip


def _limits(shown: list[Standing], entry: Property) -> tuple[float, float]:
    """Every centre, and bars as far as what could be measured at all."""
    if not shown:
        return entry.typical
    ends = [part.values[entry.id][end] for part in shown for end in ("mean", "lower", "upper")]
    scaled = entry.to_scale(np.array(ends))
    room = 0.06 * (scaled.max() - scaled.min()) or 0.1
    floor, ceiling = entry.to_scale(np.array(entry.reject))
    ends_shown = (max(scaled.min() - room, floor), min(scaled.max() + room, ceiling))
    low, high = entry.from_scale(np.array(ends_shown))
    return float(low), float(high)


def _handles(fronts: tuple[Front, ...]) -> list[Artist]:
    made = fronts[0].made
    handles: list[Artist] = [
        Line2D([], [], color=TRUTH, lw=1.7, label="reach of all made, median"),
        Patch(color=READING, alpha=0.4, lw=0, label="reach, 90 %"),
    ]
    for medium in dict.fromkeys(part.medium for part in made):
        color, marker = medium_style(medium)
        label = MEDIA[medium].label if medium in MEDIA else drawable(medium)
        handles.append(Line2D([], [], color=color, marker=marker, ms=5, label=label, lw=1.1))
    if any(not part.is_own for part in made):
        handles.append(
            Line2D([], [], color=QUIET, marker="o", mfc="white", ms=5, lw=1.1,
                   label="hollow: not made here")
        )  # fmt: skip
    if fronts[0].planned:
        handles.append(
            Line2D([], [], color=PLANNED, marker="D", ms=5, lw=1.1, label="planned")
        )  # fmt: skip
    return handles
