"""All figures of a report, drawn and described."""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from matplotlib.figure import Figure

from experiments.knowledge import CELL_PROPERTIES, PELLET_PROPERTIES, Knowledge
from experiments.report_captions import (
    calibration_alt,
    calibration_caption,
    front_alt,
    front_caption,
    map_alt,
    map_caption,
    parity_alt,
    parity_caption,
    scatter_alt,
    scatter_caption,
    slice_alt,
    slice_caption,
    volume_alt,
    volume_caption,
)
from experiments.report_figures_calibration import calibration_figure, parity_figure
from experiments.report_figures_front import front_figure
from experiments.report_figures_history import volume_figure
from experiments.report_figures_map import map_figure
from experiments.report_figures_scatter import scatter_figure
from experiments.report_figures_slices import slice_figure
from experiments.report_front import Front
from experiments.report_history import Coverage, Volume
from experiments.report_map import CellMap
from experiments.report_slices import Slice
from experiments.report_style import picture
from models.layers import LAYER_PROPERTIES

FIGURES: Final = (
    "property_vs_x", "property_vs_pressure", "property_vs_time", "pareto", "cell_map",
    "hypervolume", "calibration", "measured_vs_predicted", "scatter",
)  # fmt: skip
"""Every figure a report may hold, in its order; also the names of the files."""

_SLICES: Final = {
    "property_vs_x": "x",
    "property_vs_pressure": "pressing_pressure_mpa",
    "property_vs_time": "milling_time_h",
}
_CODE: Final = re.compile(r"\(A\d+\)")


@dataclass(frozen=True, slots=True, kw_only=True)
class Drawing:
    """One figure with all that is said about it.

    Attributes:
        name: Stem of its files.
        png: Content of its PNG.
        svg: Content of its SVG.
        caption: What it shows.
        alt: The same for who cannot see it.
        rests_on: Codes of the assumptions that touch it.
    """

    name: str
    png: bytes
    svg: bytes
    caption: str
    alt: str
    rests_on: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Shown:
    """Plain data of all figures.

    Attributes:
        slices: By variable; ``None`` where there is nothing to draw.
        fronts: Pairs of objectives.
        cells: The map of cells, if there is one.
        volumes: Hypervolume by kind.
        scores: Scored readings.
        coverages: By round and over all.
        scatter: By property and level.
        simulated: Whether the campaign is simulated.
    """

    slices: Mapping[str, Slice | None]
    fronts: Sequence[Front]
    cells: CellMap | None
    volumes: Mapping[str, Sequence[Volume]]
    scores: Sequence[dict[str, Any]]
    coverages: Sequence[Coverage]
    scatter: Mapping[str, Mapping[str, Any]]
    simulated: bool


def drawings(shown: Shown, codes: Mapping[str, Sequence[str]]) -> dict[str, Drawing]:
    """Every figure there is something to draw for.

    Args:
        shown: What to draw.
        codes: Codes of the assumptions that touch each property.

    Returns:
        By name, in the order of ``FIGURES``.
    """
    return {
        name: Drawing(
            name=name,
            png=picture(figure, "png"),
            svg=picture(figure, "svg"),
            caption=caption,
            alt=alt,
            rests_on=tuple(sorted({code for prop in touched for code in codes.get(prop, ())})),
        )
        for name, figure, caption, alt, touched in _figures(shown)
    }


def assumption_codes(knowledge: Knowledge, in_force: Sequence[str]) -> dict[str, tuple[str, ...]]:
    """Codes of the assumptions that readings in the fit rest on, by property.

    Args:
        knowledge: Readings, whose notes name what they rest on.
        in_force: Assumptions, one sentence each, beginning with their code.

    Returns:
        Such as ``{"ionic_conductivity": ("A1",)}``; those not in force are left out.
    """
    known = {sentence.partition(":")[0] for sentence in in_force}
    found: dict[str, set[str]] = {}
    for row in knowledge.fitted[["property", "note"]].to_dict("records"):
        codes = {code.strip("()") for code in _CODE.findall(str(row["note"]))} & known
        found.setdefault(str(row["property"]), set()).update(codes)
    return {name: tuple(sorted(codes)) for name, codes in found.items() if codes}


def _figures(
    shown: Shown,
) -> Iterator[tuple[str, Figure, str, str, tuple[str, ...]]]:
    """Name, figure, caption, alternative text and the properties it draws."""
    simulated = shown.simulated
    for name, variable in _SLICES.items():
        part = shown.slices.get(variable)
        if part is not None:
            yield (
                name, slice_figure(part, simulated=simulated), slice_caption(part),
                slice_alt(part), PELLET_PROPERTIES,
            )  # fmt: skip
    fronts = tuple(shown.fronts)
    if fronts and (fronts[0].made or fronts[0].planned):
        touched = tuple({name for front in fronts for name in (front.across, front.up)})
        yield (
            "pareto", front_figure(fronts, simulated=simulated), front_caption(fronts),
            front_alt(fronts), touched,
        )  # fmt: skip
    if shown.cells is not None:
        yield (
            "cell_map", map_figure(shown.cells, simulated=simulated), map_caption(shown.cells),
            map_alt(shown.cells), (*CELL_PROPERTIES, *LAYER_PROPERTIES),
        )  # fmt: skip
    if any(shown.volumes.values()):
        yield (
            "hypervolume", volume_figure(shown.volumes, simulated=simulated), volume_caption(),
            volume_alt(shown.volumes), (*PELLET_PROPERTIES, *CELL_PROPERTIES),
        )  # fmt: skip
    if shown.scores:
        yield (
            "calibration", calibration_figure(shown.scores, simulated=simulated),
            calibration_caption(), calibration_alt(shown.coverages), (),
        )  # fmt: skip
        yield (
            "measured_vs_predicted", parity_figure(shown.scores, simulated=simulated),
            parity_caption(), parity_alt(shown.scores), (),
        )  # fmt: skip
    if shown.scatter:
        yield (
            "scatter", scatter_figure(shown.scatter, simulated=simulated), scatter_caption(),
            scatter_alt(shown.scatter), (),
        )  # fmt: skip
