"""Figures of a round: what was predicted, and what was then measured."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from textwrap import wrap
from typing import Any, Final

from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.ticker import LogLocator, MaxNLocator, NullFormatter

from experiments.display import (
    SHORT_MEDIA,
    is_known,
    number_text,
    predicted_properties,
    short_id,
    typeset_unit,
    x_text,
)
from features.properties import CATALOGUE

Measured = Mapping[str, Mapping[str, tuple[float | None, float | None]]]
"""Specimen id to property id to (lower, upper), physical; ``None`` or NaN is an open bound."""

# Okabe and Ito's palette: told apart by colour-blind eyes, and in grey by their lightness.
TRUTH: Final = "#0072B2"
READING: Final = "#56B4E9"
MEASURED: Final = "#D55E00"
QUIET: Final = "#6b6b6b"

_N_COLUMNS: Final = 3
_ROW_IN: Final = 0.42
_PANEL_IN: Final = 1.15
_HEAD_IN: Final = 0.22
_BAR_OFFSET: Final = 0.14


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
    """A cell in a few words, skin mass per side.

    Args:
        cell: A tri-layer of a round.

    Examples:
        >>> recipe = {"core": "R01-G1", "skin": "R01-G4", "core_mass_mg": 150, "skin_mass_mg": 25}
        >>> cell_label({"id": "R01-C1", "recipe": recipe})
        'C1 G4|G1|G4 25|150|25 mg'
    """
    recipe = cell["recipe"]
    core, skin = short_id(recipe["core"]), short_id(recipe["skin"])
    masses = [number_text(recipe[name]) for name in ("core_mass_mg", "skin_mass_mg")]
    return (
        f"{short_id(cell['id'])} {skin}|{core}|{skin} {masses[1]}|{masses[0]}|{masses[1]} mg"
    )


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
    readings = measured or {}
    groups = [
        (items, labels, predicted_properties(items))
        for items, labels in (
            (round["glasses"], [glass_label(glass) for glass in round["glasses"]]),
            (round["trilayers"], [cell_label(cell) for cell in round["trilayers"]]),
        )
        if predicted_properties(items)
    ]
    rows = [
        (items, labels, names[start : start + _N_COLUMNS])
        for items, labels, names in groups
        for start in range(0, len(names), _N_COLUMNS)
    ]
    title = _title(round)
    heights = [_PANEL_IN + _ROW_IN * len(items) for items, _, _ in rows] or [1.0]
    head_in = 0.75 + _HEAD_IN * len(title)
    height_in = sum(heights) + head_in
    figure = Figure(figsize=(12.5, height_in), layout="constrained", facecolor="white")
    FigureCanvasAgg(figure)
    top = 1 - head_in / height_in
    figure.get_layout_engine().set(rect=(0, 0, 1, top), w_pad=0.08, h_pad=0.1)  # type: ignore[union-attr]
    _write_title(figure, round, title, height_in)
    grid = figure.add_gridspec(max(1, len(rows)), _N_COLUMNS, height_ratios=heights)
    for row, (items, labels, names) in enumerate(rows):
        for column, name in enumerate(names):
            axes = figure.add_subplot(grid[row, column])
            _panel(axes, items, name, readings)
            axes.set_yticks(range(len(items)), labels if column == 0 else [""] * len(items))
    return figure


def save_png(figure: Figure, path: Path) -> None:
    """Write a figure as PNG, the same bytes for the same figure.

    Args:
        figure: The figure.
        path: The file; its folder must exist.
    """
    figure.savefig(path, dpi=150, format="png", metadata={"Software": None})
