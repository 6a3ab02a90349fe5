"""Figure: how much jars, pellets and readings of one recipe differ, and how well that is known."""

from collections.abc import Mapping
from typing import Any, Final

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Patch

from experiments.display import significant
from experiments.plots import QUIET, TRUTH
from experiments.report_style import SECOND, THIRD, head, panel_title, sheet
from features.properties import property_of

Levels = Mapping[str, Mapping[str, Any]]
"""By level: sd, lower, upper, prior_lower, prior_upper, determined, unit."""

LEVEL_STYLE: Final = {
    "jar": (TRUTH, ""),
    "cell": (TRUTH, ""),
    "pellet": (SECOND, "//"),
    "reading": (THIRD, ".."),
    "source": ("#009E73", "xx"),
    "foreign_jar": ("#6b6b6b", "--"),
}
"""Colour and hatch: told apart in grey too."""

LEVEL_WORDS: Final = {
    "jar": "between jars",
    "cell": "between cells",
    "pellet": "between pellets of a jar",
    "reading": "between readings of a pellet",
    "source": "between other sources",
    "foreign_jar": "between others' jars",
}
_OTHER: Final = ("#6b6b6b", "")


def scatter_figure(scatter: Mapping[str, Levels], *, simulated: bool) -> Figure:
    """Share of each level in the variance as a stacked bar, and its standard deviation below.

    Args:
        scatter: By property and level, as ``status`` has it; at least one property.
        simulated: Whether the campaign is simulated; the picture then says so.

    Returns:
        A figure that belongs to no window; a panel a property.
    """
    figure, panels = sheet(len(scatter), panel_in=2.25, head_in=0.78)
    for axes, (name, levels) in zip(panels, scatter.items(), strict=True):
        _panel(axes, name, levels)
    present = [level for level in LEVEL_WORDS if any(level in part for part in scatter.values())]
    handles = [
        *(
            Patch(
                facecolor=LEVEL_STYLE[level][0], hatch=LEVEL_STYLE[level][1], edgecolor="white",
                label=LEVEL_WORDS[level],
            )
            for level in present
        ),
        Line2D([], [], color="black", marker="o", lw=2.2, label="sd with 90 % range"),
        Line2D([], [], color="black", marker="o", mfc="white", lw=0, label="not determined"),
        Line2D([], [], color=QUIET, lw=6, alpha=0.3, label="prior, 90 %"),
    ]  # fmt: skip
    head(
        figure, "What differs between samples of one recipe", handles, simulated=simulated,
        n_columns=4,
    )  # fmt: skip
    return figure


def _panel(axes: Axes, name: str, levels: Levels) -> None:
    total = sum(part["sd"] ** 2 for part in levels.values())
    most = max(max(part["upper"], part["prior_upper"]) for part in levels.values())
    left, rows = 0.0, len(levels)
    for level, part in levels.items():
        color, hatch = LEVEL_STYLE.get(level, _OTHER)
        share = part["sd"] ** 2 / total if total else 0.0
        axes.barh(rows, share * most, left=left * most, height=0.62, color=color, hatch=hatch,
                  edgecolor="white", lw=0.8)  # fmt: skip
        if share > 0.1:
            axes.text(
                (left + share / 2) * most, rows, f"{100 * share:.0f} %", ha="center", va="center",
                fontsize=8, bbox={"boxstyle": "round,pad=0.12", "fc": "white", "ec": "none"},
            )  # fmt: skip
        left += share
    for row, (level, part) in enumerate(levels.items()):
        at = rows - 1 - row
        color, _ = LEVEL_STYLE.get(level, _OTHER)
        axes.plot([part["prior_lower"], part["prior_upper"]], [at] * 2, color=QUIET, alpha=0.3,
                  lw=7, solid_capstyle="butt")  # fmt: skip
        axes.plot([part["lower"], part["upper"]], [at] * 2, color=color, lw=2.2)
        axes.plot(part["sd"], at, marker="o", ms=6, color=color, mew=1.6,
                  mfc=color if part["determined"] else "white")  # fmt: skip
    axes.set_yticks([rows, *range(rows - 1, -1, -1)], ["share of\nvariance", *levels], fontsize=8.5)
    axes.axhline(rows - 0.55, color=QUIET, lw=0.7)
    axes.set_ylim(-0.6, rows + 0.5)
    axes.set_xlim(0, 1.03 * most)
    axes.grid(axis="y", visible=False)
    axes.tick_params(axis="y", length=0)
    unit = next(iter(levels.values()))["unit"].replace("ohm", "Ω")
    axes.set_xlabel(f"sd, {unit if unit != '1' else 'fraction'}", fontsize=9)
    panel_title(axes, property_of(name).label)


def scatter_table(scatter: Mapping[str, Levels]) -> dict[str, Any]:
    """The same as a table: a row a property, a column a level.

    Args:
        scatter: As for ``scatter_figure``.

    Returns:
        ``levels``, the heads of the columns, and ``rows``: property, unit and cells with ``sd``,
        ``range``, ``repeats`` (what tells the level apart) and whether it is ``determined``;
        ``None`` where a property lacks a level. Empty without readings.
    """
    present = [level for level in LEVEL_WORDS if any(level in part for part in scatter.values())]
    rows = []
    for name, levels in scatter.items():
        unit = next(iter(levels.values()))["unit"].replace("ohm", "\N{GREEK CAPITAL LETTER OMEGA}")
        cells = [_cell(levels[level]) if level in levels else None for level in present]
        rows.append(
            {
                "property": property_of(name).label,
                "unit": "" if unit == "1" else unit,
                "cells": cells,
            }
        )
    return {"levels": [LEVEL_WORDS[level] for level in present], "rows": rows} if rows else {}


def _cell(part: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "sd": significant(part["sd"], 2),
        "range": f"{significant(part['lower'], 2)} to {significant(part['upper'], 2)}",
        "repeats": str(part["in_words"]).rsplit("; ", 1)[-1].rsplit(": ", 1)[-1],
        "determined": bool(part["determined"]),
    }
