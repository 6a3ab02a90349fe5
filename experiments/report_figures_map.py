"""Figure: critical current and resistance of cells over core and skin, beside how well known."""

from math import ceil, floor
from typing import Final

import numpy as np
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.colors import LogNorm, Normalize
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Patch
from matplotlib.patheffects import withStroke
from matplotlib.ticker import FixedLocator, FuncFormatter, MaxNLocator, NullFormatter, NullLocator

from experiments.display import number_text, typeset_unit
from experiments.plots import QUIET
from experiments.report_map import CellMap, CellMark
from experiments.report_style import PLANNED, PLATE, drawable, head, panel_title, sheet, write_label
from features.properties import Property, property_of

_STEPS: Final = (1.0, 1.5, 2.0, 3.0, 5.0, 7.0)
"""Mantissas of contours where a property spans no more than a few decades."""

_LEAST_SPAN: Final = 2.0
_FLAT: Final = 1.2
"""Ratios of most to least: colours span at least the first, so that the noise of draws does not
look like a landscape; below the second there are no contours."""

_MANY: Final = 60
"""Marks from which on they are small."""

_MOST_NAMED: Final = 12
"""Cells with their name beside them: those planned, and those entered last."""

_ROOM: Final = 0.035
_LINE_POINTS: Final = 11
_ORDER: Final = ("made", "planned", "failed")
"""Of drawing: what comes later covers what came before."""

_OUTLINE: Final = withStroke(linewidth=2.0, foreground="#303030")


def map_figure(drawn: CellMap, *, simulated: bool) -> Figure:
    """Expected critical current and resistance over core and skin, and how well they are known.

    Args:
        drawn: What to draw.
        simulated: Whether the campaign is simulated; the picture then says so.

    Returns:
        A figure that belongs to no window; a row a property: the expected value, its uncertainty.
    """
    names = list(drawn.centre)
    figure, panels = sheet(2 * len(names), n_columns=2, panel_in=3.35, head_in=0.72)
    for row, name in enumerate(names):
        entry = property_of(name)
        _centre(figure, panels[2 * row], drawn, entry)
        _spread(figure, panels[2 * row + 1], drawn, entry)
        _write_names(panels[2 * row], drawn)
    for axes in panels:
        _dress(axes, drawn)
    head(figure, "Tri-layer cells: core against skin", _handles(drawn), simulated=simulated)
    height = figure.get_figheight()
    figure.text(
        0.008, 1 - 0.54 / height, f"Held: {drawable(drawn.held)}", va="top", fontsize=8.5,
        color=QUIET,
    )  # fmt: skip
    return figure


def _centre(figure: Figure, axes: Axes, drawn: CellMap, entry: Property) -> None:
    values = drawn.centre[entry.id]
    low, high = float(values.min()), float(values.max())
    middle, half = (low * high) ** 0.5, max((high / low) ** 0.5, _LEAST_SPAN**0.5)
    norm: Normalize = LogNorm(middle / half, middle * half)
    good_is_dark = entry.direction == "minimize"
    mesh = axes.pcolormesh(
        drawn.core_x, drawn.skin_x, values, norm=norm,
        cmap="cividis_r" if good_is_dark else "cividis", shading="gouraud", rasterized=True,
    )  # fmt: skip
    levels = _levels(low, high)
    if levels and high > _FLAT * low:
        lines = axes.contour(
            drawn.core_x, drawn.skin_x, values, levels=levels, colors="white", linewidths=0.9
        )
        lines.set_path_effects([_OUTLINE])
        for text in axes.clabel(lines, fmt=number_text, fontsize=8):
            text.set_path_effects([_OUTLINE])
    bar = figure.colorbar(mesh, ax=axes, pad=0.02, aspect=25)
    bar.ax.yaxis.set_major_locator(FixedLocator(levels) if levels else MaxNLocator(3))
    bar.ax.yaxis.set_major_formatter(FuncFormatter(lambda value, _: number_text(value)))
    bar.ax.yaxis.set_minor_locator(NullLocator())
    bar.ax.yaxis.set_minor_formatter(NullFormatter())
    bar.set_label(typeset_unit(entry.id), fontsize=8.5)
    bar.ax.tick_params(labelsize=8)
    panel_title(axes, f"{entry.label}, median", entry.direction)


def _spread(figure: Figure, axes: Axes, drawn: CellMap, entry: Property) -> None:
    factor = 10 ** drawn.sd[entry.id]
    mesh = axes.pcolormesh(
        drawn.core_x, drawn.skin_x, factor, cmap="Greys", shading="gouraud", rasterized=True,
        vmin=1.0, vmax=max(2.0, float(factor.max())),
    )  # fmt: skip
    if factor.max() > _FLAT * factor.min():
        lines = axes.contour(
            drawn.core_x, drawn.skin_x, factor, levels=MaxNLocator(4).tick_values(
                float(factor.min()), float(factor.max())
            ), colors="#0072B2", linewidths=0.9,
        )  # fmt: skip
        axes.clabel(lines, fmt=number_text, fontsize=8)
    bar = figure.colorbar(mesh, ax=axes, pad=0.02, aspect=25)
    bar.set_label("a factor of", fontsize=8.5)
    bar.ax.tick_params(labelsize=8)
    n = drawn.n_readings[entry.id]
    panel_title(axes, f"known to one sd  ({n} reading{'' if n == 1 else 's'})")


def _dress(axes: Axes, drawn: CellMap) -> None:
    """Marks, the skins that sodium attacks, labels."""
    axes.grid(visible=False)
    low, high = float(drawn.core_x[0]), float(drawn.core_x[-1])
    if drawn.least_skin_x > drawn.skin_x[0]:
        axes.fill_between(
            [low, high], float(drawn.skin_x[0]), drawn.least_skin_x, facecolor="none",
            edgecolor="white", hatch="///", lw=0, alpha=0.8,
        )  # fmt: skip
        axes.axhline(drawn.least_skin_x, color="white", lw=1.0, ls="--")
    _draw_marks(axes, drawn)
    room = _ROOM * (high - low)
    axes.set_xlim(low - room, high + room)
    bottom, top = float(drawn.skin_x[0]), float(drawn.skin_x[-1])
    room = _ROOM * (top - bottom)
    axes.set_ylim(bottom - room, top + room)
    axes.set_facecolor("#f4f4f4")
    axes.set_xlabel("core: oxygen x", fontsize=9)
    axes.set_ylabel("skins: oxygen x", fontsize=9)


def _draw_marks(axes: Axes, drawn: CellMap) -> None:
    """A mark a cell, those of a kind together."""
    kinds: dict[tuple[str, bool], list[tuple[float, float]]] = {}
    for mark in drawn.marks:
        kinds.setdefault((mark.state, mark.is_own), []).append((mark.core_x, mark.skin_x))
    size = 1.0 if len(drawn.marks) < _MANY else 0.6
    for place, (state, is_own) in enumerate(sorted(kinds, key=lambda kind: _ORDER.index(kind[0]))):
        face, edge = ("#D55E00", "white") if is_own else ("white", "#D55E00")
        marker, points, face, edge = {
            "planned": ("D", 6.5, PLANNED, "white"),
            "failed": ("X", 7.0, "black", "white"),
        }.get(state, ("o", 7.0, face, edge))
        core_x, skin_x = zip(*kinds[state, is_own], strict=True)
        axes.plot(
            core_x, skin_x, ls="", marker=marker, ms=points * size, mfc=face, mec=edge,
            mew=1.2 * size, zorder=8 + 0.1 * place, clip_on=False,
        )  # fmt: skip


def _write_names(axes: Axes, drawn: CellMap) -> None:
    """Ids below the marks, those of one pair of compositions together, none on another."""
    found: dict[tuple[float, float], list[str]] = {}
    for mark in named_marks(drawn):
        place = (round(mark.core_x, 2), round(mark.skin_x, 2))
        found.setdefault(place, []).append(mark.specimen)
    width = float(drawn.core_x[-1] - drawn.core_x[0])
    height = float(drawn.skin_x[-1] - drawn.skin_x[0])
    written: list[tuple[float, float, int]] = []
    for (core_x, skin_x), names in sorted(found.items()):
        lines = [", ".join(names[start : start + 2]) for start in range(0, len(names), 2)]
        above = sum(
            n for x, y, n in written
            if abs(x - core_x) < 0.4 * width and abs(y - skin_x) < 0.12 * height
        )  # fmt: skip
        to_left = core_x > drawn.core_x[0] + 0.75 * width
        is_low = skin_x < drawn.skin_x[0] + 0.12 * height  # below it there is the axis
        away = (4 if is_low else -4) + _LINE_POINTS * above * (1 if is_low else -1)
        write_label(
            axes, (core_x, skin_x), "\n".join(lines), fontsize=7,
            zorder=7 if len(drawn.marks) < _MANY else 9,
            va="bottom" if is_low else "top", ha="right" if to_left else "left",
            xytext=(-6 if to_left else 6, away), bbox=PLATE,
        )  # fmt: skip
        written.append((core_x, skin_x, len(lines)))
    named, whole = len(named_marks(drawn)), sum(mark.state != "failed" for mark in drawn.marks)
    if named < whole:
        axes.text(
            0.98, 0.03, f"{named} of {whole} named", transform=axes.transAxes,
            ha="right", fontsize=8.5, style="italic", bbox=PLATE, zorder=9,
        )  # fmt: skip


def named_marks(drawn: CellMap) -> list[CellMark]:
    """Cells that are named: all that did not fail, or of many those planned and last entered.

    Args:
        drawn: The map.
    """
    whole = [mark for mark in drawn.marks if mark.state != "failed"]
    planned = [mark for mark in whole if mark.state == "planned"]
    made = [mark for mark in whole if mark.state != "planned"]
    room = max(0, _MOST_NAMED - len(planned))
    return [*made[max(0, len(made) - room) :], *planned[-_MOST_NAMED:]]


def _levels(low: float, high: float) -> list[float]:
    """Round values between two ends, at most eight."""
    first, last = floor(np.log10(low)), ceil(np.log10(high))
    every = [step * 10.0**power for power in range(first, last + 1) for step in _STEPS]
    inside = [value for value in every if low < value < high]
    while len(inside) > 8:
        inside = inside[::2]
    return inside


def _handles(drawn: CellMap) -> list[Artist]:
    kinds = {(mark.state, mark.is_own) for mark in drawn.marks}
    handles: list[Artist] = []
    for key, label, style in (
        (("made", True), "made here", {"marker": "o", "mfc": "#D55E00", "mec": "white"}),
        (("made", False), "made elsewhere", {"marker": "o", "mfc": "white", "mec": "#D55E00"}),
        (("planned", True), "planned", {"marker": "D", "mfc": PLANNED, "mec": "white"}),
        (("failed", True), "failed", {"marker": "X", "mfc": "black", "mec": "white"}),
    ):
        if key in kinds:
            handles.append(Line2D([], [], ls="", ms=7, label=label, **style))  # type: ignore[arg-type]
    if drawn.least_skin_x > drawn.skin_x[0]:
        handles.append(
            Patch(facecolor="#bbbbbb", edgecolor="white", hatch="///", lw=0,
                  label=f"not built: sodium attacks skins below x = {drawn.least_skin_x:.2f}")
        )  # fmt: skip
    return handles
