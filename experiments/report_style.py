"""How the figures of a report look: colours, marks by medium, sheets of panels, files."""

import re
from collections.abc import Sequence
from io import BytesIO
from math import ceil
from typing import Any, Final

import matplotlib as mpl
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.font_manager import FontProperties, findfont, get_font

from experiments.comparison_panels import SIMULATED
from experiments.plots import QUIET
from features.properties import Direction

# With those of experiments.plots the palette of Okabe and Ito, doi of its use in figures:
# Wong, Nat. Methods 8 (2011) 441, doi:10.1038/nmeth.1618.
PLANNED: Final = "#009E73"
SECOND: Final = "#E69F00"
THIRD: Final = "#CC79A7"
BLACK: Final = "#000000"
GRID: Final = "#dddddd"

MEDIUM_STYLE: Final[dict[str, tuple[str, str]]] = {
    "stainless_steel": ("#D55E00", "o"),
    "zirconia": ("#000000", "s"),
    "agate": ("#CC79A7", "^"),
    "tungsten_carbide": ("#E69F00", "D"),
    "alumina": ("#6b6b6b", "v"),
    "silicon_nitride": ("#8C6D1F", "P"),
}
"""Colour and marker: told apart by either alone."""

OTHER_STYLE: Final = ("#6b6b6b", "X")
"""Of a medium that is not in the table."""

PALE: Final = 0.3
"""Opacity of what was made otherwise than the curve says."""

PLATE: Final[dict[str, Any]] = {
    "boxstyle": "round,pad=0.1", "fc": "white", "ec": "none", "alpha": 0.7,
}  # fmt: skip
"""Behind a label that lies on lines."""

WIDTH_IN: Final = 9.2
_HEAD_IN: Final = 0.62
_DPI: Final = {"png": 150, "svg": 72}
"""Of an SVG's rasters only."""

_TAIL: Final = re.compile(rb"([1-9]\d*\.\d\d)\d+")
"""Digits of a place below a hundredth of a point: nobody sees them, and they are a third of a
file. Factors below one keep theirs."""

_FONT_PT: Final = 9.5


def sheet(
    n: int,
    *,
    n_columns: int = 3,
    panel_in: float = 2.3,
    head_in: float = _HEAD_IN,
    share_x: bool = False,
) -> tuple[Figure, list[Axes]]:
    """A sheet as wide as a page with room for a head, and its panels row by row.

    Args:
        n: Panels, at least one.
        n_columns: In a row.
        panel_in: Height of a panel with its labels, inches.
        head_in: Height of title and legend, inches.
        share_x: Whether all panels have one abscissa.

    Returns:
        A figure that belongs to no window, and n axes; what is left of the last row stays empty.
    """
    n_rows = ceil(n / n_columns)
    height = head_in + n_rows * panel_in
    figure = Figure(figsize=(WIDTH_IN, height), facecolor="white", layout="constrained")
    FigureCanvasAgg(figure)
    engine: Any = figure.get_layout_engine()
    engine.set(rect=(0, 0, 1, 1 - head_in / height), w_pad=0.06, h_pad=0.06)
    with mpl.rc_context({"font.size": _FONT_PT}):
        grid = figure.subplots(n_rows, n_columns, squeeze=False, sharex=share_x).ravel()
    for spare in grid[n:]:
        spare.set_axis_off()
    for axes in grid[:n]:
        axes.spines[["top", "right"]].set_visible(False)
        axes.tick_params(labelsize=8.5)
        axes.grid(color=GRID, lw=0.7)
        axes.set_axisbelow(True)
    return figure, list(grid[:n])


def head(
    figure: Figure,
    title: str,
    handles: Sequence[Artist] = (),
    *,
    simulated: bool,
    n_columns: int | None = None,
) -> None:
    """Title and legend at the top of a sheet; a simulated campaign is called so.

    Args:
        figure: What ``sheet`` made.
        title: One line.
        handles: Of the legend, in one row unless ``n_columns`` says otherwise.
        simulated: Whether the campaign is simulated.
        n_columns: Of the legend.
    """
    height = figure.get_figheight()
    text = f"{title}  ({SIMULATED})" if simulated else title
    figure.text(0.008, 1 - 0.07 / height, text, va="top", fontsize=11, fontweight="bold")
    if handles:
        figure.legend(
            handles=list(handles), loc="upper left", bbox_to_anchor=(0.0, 1 - 0.27 / height),
            frameon=False, ncols=n_columns or len(handles), fontsize=8.5, handlelength=1.7,
            columnspacing=1.3, borderaxespad=0.2,
        )  # fmt: skip


def panel_title(axes: Axes, text: str, direction: Direction | None = None) -> None:
    """What a panel shows, above it on the left, and on the right which way is better."""
    axes.set_title(text, loc="left", fontsize=9.5, fontweight="bold")
    if direction is not None:
        arrow = "\u2191" if direction == "maximize" else "\u2193"
        axes.set_title(f"{arrow} better", loc="right", fontsize=8.5, color=QUIET)


def medium_style(medium: str) -> tuple[str, str]:
    """Colour and marker of a medium."""
    return MEDIUM_STYLE.get(medium, OTHER_STYLE)


def drawable(text: str) -> str:
    r"""A user's text with signs the figures' font lacks as a question mark.

    Args:
        text: Such as a specimen's id.

    Examples:
        >>> drawable("R01-G1 µ"), drawable("\u6db2-1")
        ('R01-G1 µ', '?-1')
    """
    font = get_font(findfont(FontProperties()))
    return "".join(sign if font.get_char_index(ord(sign)) else "?" for sign in text)


def write_label(axes: Axes, point: tuple[float, float], text: str, **style: Any) -> None:
    """A user's text beside a point, never read as a formula.

    Args:
        axes: The panel.
        point: Where, in data.
        text: What a user may have called a specimen.
        **style: As for ``Axes.annotate``.
    """
    usual: dict[str, Any] = {
        "xytext": (4, 4), "textcoords": "offset points", "fontsize": 7.5, "annotation_clip": True,
    }  # fmt: skip
    axes.annotate(_lines(text), xy=point, **{**usual, **style}, parse_math=False)


def _lines(text: str) -> str:
    return "\n".join(drawable(line) for line in text.split("\n"))


def settle_layout(figure: Figure) -> None:
    """Place the panels once and for all: finding room for them is half of the drawing.

    Args:
        figure: What ``sheet`` made, with everything in it that needs room.
    """
    engine = figure.get_layout_engine()
    if engine is not None:
        engine.execute(figure)
        figure.set_layout_engine("none")


def picture(figure: Figure, kind: str) -> bytes:
    """A figure as a file; the same figure gives the same bytes.

    Args:
        figure: The figure.
        kind: ``png`` or ``svg``.

    Returns:
        The content of the file. Text in an SVG is drawn, so that it needs no font.
    """
    settle_layout(figure)
    held = BytesIO()
    metadata: dict[str, Any] = {"Software": None} if kind == "png" else {"Date": None}
    with mpl.rc_context({"svg.hashsalt": "report", "svg.fonttype": "path"}):
        figure.savefig(held, format=kind, dpi=_DPI[kind], metadata=metadata)
    return held.getvalue() if kind == "png" else _TAIL.sub(rb"\1", held.getvalue())
