"""Figures of a large campaign are still legible: few names, each inside its panel."""

import warnings

import numpy as np
import pytest

from experiments.report_figures_map import map_figure, named_marks
from experiments.report_labels import Label, write_labels
from experiments.report_map import CellMap, CellMark
from experiments.report_style import picture, settle_layout, sheet

GRID = np.linspace(0.0, 0.6, 5)


NAMES = ("critical_current_density", "area_specific_resistance")
EDGES = [(0.02, 0.5), (0.98, 0.5), (0.5, 0.02), (0.5, 0.98), (0.99, 0.99)]


def cells(n, *, planned=2):
    rng = np.random.default_rng(0)
    states = ["made"] * (n - planned - 1) + ["failed"] + ["planned"] * planned
    return tuple(
        CellMark(
            specimen=f"R{row:03d}-C1", core_x=float(rng.uniform(0, 0.6)),
            skin_x=float(rng.uniform(0, 0.6)), state=state, is_own=True,
        )
        for row, state in enumerate(states)
    )  # fmt: skip


def drawn(marks):
    values = {name: np.geomspace(0.1, 2.0, 25).reshape(5, 5) for name in NAMES}
    return CellMap(
        core_x=GRID, skin_x=GRID, centre=values, sd=values, held="all held", least_skin_x=0.3,
        marks=marks, n_readings=dict.fromkeys(values, len(marks)),
    )  # fmt: skip


def test_few_cells_are_all_named_unless_they_failed():
    marks = cells(9)
    assert {mark.specimen for mark in named_marks(drawn(marks))} == {
        mark.specimen for mark in marks if mark.state != "failed"
    }


def test_of_many_cells_those_planned_and_entered_last_are_named():
    named = [mark.specimen for mark in named_marks(drawn(cells(400)))]
    assert named == [f"R{row:03d}-C1" for row in (*range(387, 397), 398, 399)]


def test_of_many_planned_cells_those_entered_last_are_named():
    named = [mark.specimen for mark in named_marks(drawn(cells(25, planned=20)))]
    assert named == [f"R{row:03d}-C1" for row in range(13, 25)]


def test_a_map_of_many_cells_keeps_its_layout_and_says_what_is_named():
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        figure = map_figure(drawn(cells(400)), simulated=False)
        settle_layout(figure)
        picture(figure, "png")
    panel = figure.axes[0]
    assert panel.get_window_extent().height > 0.25 * figure.bbox.height
    assert "12 of 399 named" in [text.get_text() for text in panel.texts]


@pytest.mark.parametrize("point", EDGES)
def test_a_name_beside_the_edge_is_written_inside_the_panel(point):
    figure, (axes,) = sheet(1)
    settle_layout(figure)
    write_labels(axes, [Label(point, "R105-G1, R274-G2")])
    drawn_at, panel = axes.texts[0].get_window_extent(), axes.get_window_extent()
    assert panel.x0 <= drawn_at.x0
    assert drawn_at.x1 <= panel.x1
    assert panel.y0 <= drawn_at.y0
    assert drawn_at.y1 <= panel.y1
