"""Figures of a round: what was predicted, and what was then measured."""

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from textwrap import wrap
from typing import Any, Final

from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.layout_engine import ConstrainedLayoutEngine
from matplotlib.lines import Line2D
from matplotlib.ticker import FuncFormatter, LogLocator, MaxNLocator, NullFormatter

from experiments.display import (
    SHORT_MEDIA,
    is_known,
    number_text,
    predicted_properties,
    scientific,
    short_id,
    typeset_unit,
    x_text,
)
from features.properties import CATALOGUE

Measured = Mapping[str, Mapping[str, tuple[float | None, float | None]]]
"""Specimen id to property id to (lower, upper), physical; ``None`` or NaN is an open bound."""

_Row = tuple[Sequence[Mapping[str, Any]], list[str], list[str]]
"""Items down the side, their labels, the properties of the panels."""

# Okabe and Ito's palette: told apart by colour-blind eyes, and in grey by their lightness.
TRUTH: Final = "#0072B2"
READING: Final = "#56B4E9"
MEASURED: Final = "#D55E00"
QUIET: Final = "#6b6b6b"

_N_COLUMNS: Final = 3
_WIDTH_IN: Final = 12.5
_ITEM_IN: Final = 0.42
_FRAME_IN: Final = 1.15
_TITLE_IN: Final = 0.5
_LINE_IN: Final = 0.2
_NOTE_CHARACTERS: Final = 105  # beside the legend
_FEW_DECADES: Final = 60.0  # a ratio; narrower axes get ticks at 2 and 5 too
_BESIDE: Final = 0.24
"""How far below its prediction a reading is drawn, in rows."""


def glass_label(glass: Mapping[str, Any]) -> str:
    """A glass in a few words.

    Args:
        glass: A glass of a round.

    Examples:
        >>> recipe = {"x": 0.15, "milling_time_h": 3.0, "milling_media": "stainless_steel",
        ...           "milling_speed_rpm": 500, "pressing_pressure_mpa": 450}
        >>> glass_label({"id": "R01-G1", "recipe": recipe})
        'G1 x=0.15 SS 3 h 450 MPa'
    """
    recipe = glass["recipe"]
    media = SHORT_MEDIA.get(recipe["milling_media"], recipe["milling_media"])
    return (
        f"{short_id(glass['id'])} x={x_text(recipe['x'])} {media} "
        f"{number_text(recipe['milling_time_h'])} h "
        f"{number_text(recipe['pressing_pressure_mpa'])} MPa"
    )


def cell_label(cell: Mapping[str, Any]) -> str:
    """A cell in a few words: skin, core, skin, and what they weigh.

    Args:
        cell: A tri-layer of a round.

    Examples:
        >>> recipe = {"core": "R01-G1", "skin": "R01-G4", "core_mass_mg": 150, "skin_mass_mg": 25}
        >>> cell_label({"id": "R01-C1", "recipe": recipe})
        'C1 G4|G1|G4, 25|150|25 mg'
    """
    recipe = cell["recipe"]
    core, skin = short_id(recipe["core"]), short_id(recipe["skin"])
    core_mg, skin_mg = (number_text(recipe[f"{layer}_mass_mg"]) for layer in ("core", "skin"))
    return f"{short_id(cell['id'])} {skin}|{core}|{skin}, {skin_mg}|{core_mg}|{skin_mg} mg"


def round_figure(
    round: Mapping[str, Any],  # noqa: A002 - the word of the domain
    *,
    measured: Measured | None = None,
) -> Figure:
    """Predictions of a round, a panel a property, and what was measured.

    Args:
        round: The round, plain data as ``propose --json`` prints it.
        measured: Readings by pellet or cell id and property; censored ones become arrows.

    Returns:
        A figure that belongs to no window. Its title names the assumptions it rests on.
    """
    rows = _rows(round["glasses"], glass_label) + _rows(round["trilayers"], cell_label)
    notes = _notes(round)
    heights_in = [_FRAME_IN + _ITEM_IN * len(items) for items, _, _ in rows] or [_FRAME_IN]
    head_in = _TITLE_IN + _LINE_IN * len(notes)
    height_in = head_in + sum(heights_in)
    figure = Figure(figsize=(_WIDTH_IN, height_in), facecolor="white")
    FigureCanvasAgg(figure)
    figure.set_layout_engine(
        ConstrainedLayoutEngine(rect=(0, 0, 1, 1 - head_in / height_in), w_pad=0.08, h_pad=0.1)
    )
    _write_head(figure, _title(round), notes)
    figure.legend(handles=_legend(bool(measured)), loc="upper right", frameon=False, ncols=2)
    grid = figure.add_gridspec(len(heights_in), _N_COLUMNS, height_ratios=heights_in)
    for row, (items, labels, names) in enumerate(rows):
        for column, name in enumerate(names):
            axes = figure.add_subplot(grid[row, column])
            _draw_panel(axes, name, items, measured or {})
            axes.set_yticks(range(len(items)), labels if column == 0 else [""] * len(items))
    figure.align_xlabels()
    return figure


def save_png(figure: Figure, path: Path) -> None:
    """Write a figure as PNG; the same figure gives the same bytes.

    Args:
        figure: The figure.
        path: The file; its folder must exist.
    """
    figure.savefig(path, dpi=150, format="png", metadata={"Software": None})


def _rows(
    items: Sequence[Mapping[str, Any]], label: Callable[[Mapping[str, Any]], str]
) -> list[_Row]:
    """Rows of panels for the items: at most ``_N_COLUMNS`` properties each."""
    names = predicted_properties(items)
    labels = [label(item) for item in items]
    return [
        (items, labels, names[start : start + _N_COLUMNS])
        for start in range(0, len(names), _N_COLUMNS)
    ]


def _title(round_: Mapping[str, Any]) -> str:
    title = f"{round_['round']} of {round_['campaign']}: what is expected"
    return f"SIMULATED  {title}" if round_["simulated"] else title


def _notes(round_: Mapping[str, Any]) -> list[str]:
    """Lines below the title: which numbers rest on an assumption."""
    assumptions = "; ".join(round_["assumptions"])
    if not assumptions:
        return ["Rests on no assumption."]
    return wrap(f"Rests on assumptions: {assumptions}.", _NOTE_CHARACTERS)


def _write_head(figure: Figure, title: str, notes: Sequence[str]) -> None:
    height_in = figure.get_figheight()
    left = 0.12 / _WIDTH_IN
    figure.text(left, 1 - 0.12 / height_in, title, va="top", fontsize=14, fontweight="bold")
    for number, line in enumerate(notes):
        down_in = 0.44 + _LINE_IN * number
        figure.text(left, 1 - down_in / height_in, line, va="top", fontsize=9, color=QUIET)


def _legend(with_readings: bool) -> list[Line2D]:
    handles = [
        Line2D([], [], color=TRUTH, lw=6, label="90 % of the true value"),
        Line2D([], [], color=READING, lw=1.8, label="90 % of a new reading"),
    ]
    if with_readings:
        handles += [
            Line2D([], [], color=MEASURED, marker="D", ls="", label="measured"),
            Line2D([], [], color=MEASURED, marker=">", ls="-", label="measured bound"),
        ]
    return handles


def _draw_panel(
    axes: Axes, property_id: str, items: Sequence[Mapping[str, Any]], measured: Measured
) -> None:
    entry = CATALOGUE[property_id]
    if entry.scale == "log10":
        axes.set_xscale("log")
    for row, item in enumerate(items):
        _draw_prediction(axes, row, item["predictions"].get(property_id, {}))
        reading = measured.get(item.get("pellet", item["id"]), {}).get(property_id)
        if reading is not None:
            _draw_reading(axes, row + _BESIDE, *reading)
    wish = {"maximize": ", more is better", "minimize": ", less is better", None: ""}
    axes.set_title(entry.label, loc="left", fontsize=11, fontweight="bold")
    axes.set_xlabel((typeset_unit(property_id) or "fraction") + wish[entry.direction])
    axes.set_ylim(len(items) - 0.4, -0.6)  # the first jar on top
    _tidy(axes, is_log=entry.scale == "log10")


def _tidy(axes: Axes, *, is_log: bool) -> None:
    if is_log:
        low, high = axes.get_xlim()
        steps = (1.0, 2.0, 5.0) if high < _FEW_DECADES * low else (1.0,)
        axes.xaxis.set_major_locator(LogLocator(subs=steps, numticks=6))
        axes.xaxis.set_major_formatter(FuncFormatter(_log_tick_text))
        axes.xaxis.set_minor_formatter(NullFormatter())
    else:
        axes.xaxis.set_major_locator(MaxNLocator(5))
    axes.grid(axis="x", color="#dddddd", lw=0.8)
    axes.set_axisbelow(True)
    axes.tick_params(axis="y", length=0)
    axes.spines[["top", "right", "left"]].set_visible(False)


def _log_tick_text(value: float, _position: int | None) -> str:
    if 1e-2 <= value < 1e5:
        return number_text(value)
    mantissa, exponent = scientific(value, 1).split("e")
    factor = "" if mantissa == "1" else rf"{mantissa}\times"
    return rf"${factor}10^{{{exponent}}}$"


def _draw_prediction(axes: Axes, row: int, prediction: Mapping[str, Any]) -> None:
    if not is_known(prediction.get("mean")):
        axes.text(
            0.02, row, "no prediction", transform=axes.get_yaxis_transform(),
            va="center", fontsize=9, color=QUIET,
        )  # fmt: skip
        return
    for ends, color, width in (
        (("reading_lower", "reading_upper"), READING, 1.8),
        (("lower", "upper"), TRUTH, 7),
    ):
        bounds = [float(prediction[end]) for end in ends if is_known(prediction.get(end))]
        if len(bounds) == 2:
            axes.plot(bounds, [row, row], color=color, lw=width, solid_capstyle="butt")
    axes.plot(prediction["mean"], row, marker="o", ms=6.5, mfc="white", mec=TRUTH, mew=1.6)


def _draw_reading(axes: Axes, row: float, lower: float | None, upper: float | None) -> None:
    ends = [end for end in (lower, upper) if end is not None and is_known(end)]
    if len(ends) == 1:
        away = 30 if ends[0] == lower else -30
        axes.plot(ends, [row], color=MEASURED, marker="|", ms=9, mew=2)
        axes.annotate(
            "", xy=(ends[0], row), xytext=(away, 0), textcoords="offset points",
            arrowprops={"arrowstyle": "<|-", "color": MEASURED, "lw": 1.8, "shrinkB": 0},
        )  # fmt: skip
    elif ends and ends[0] == ends[1]:
        axes.plot(ends[:1], [row], color=MEASURED, marker="D", ms=6)
    elif ends:
        axes.plot(ends, [row, row], color=MEASURED, marker="|", ms=9, mew=2, lw=1.8)
