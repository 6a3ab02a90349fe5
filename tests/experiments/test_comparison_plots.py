"""Pictures of a comparison show bands, readings and bounds with units, and what is simulated."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from matplotlib.colors import same_color

from experiments.comparison_page import pictures
from experiments.comparison_plots import (
    calibration_figure,
    curves_figure,
    observed_coverage,
    parity_figure,
)
from experiments.plots import MEASURED, READING, TRUTH

pytest_plugins = ["tests.experiments.compared_campaign"]

MAKERS = {
    "curves": lambda found, simulated: curves_figure(found, "x", simulated=simulated),
    "parity": lambda found, simulated: parity_figure(found, simulated=simulated),
    "calibration": lambda found, simulated: calibration_figure(found, simulated=simulated),
}


@pytest.fixture
def ionic(compared):
    return compared.comparisons["ionic_conductivity"]


@pytest.fixture
def electronic(compared):
    return compared.comparisons["electronic_conductivity"]


def panel(figure, name):
    return next(axes for axes in figure.axes if axes.get_title(loc="left") == name)


def written(figure):
    texts = [text.get_text() for text in figure.texts]
    return " ".join([*texts, *(t.get_text() for t in figure.legends[0].get_texts())])


def dots(axes):
    return [
        (float(line.get_xdata()[0]), float(line.get_ydata()[0]))
        for line in axes.lines
        if line.get_marker() == "o" and same_color(line.get_color(), MEASURED)
    ]


@pytest.mark.parametrize("maker", MAKERS.values(), ids=MAKERS)
def test_every_surrogate_has_a_panel_with_common_axes(ionic, maker):
    figure = maker(ionic, False)
    assert [axes.get_title(loc="left") for axes in figure.axes] == ["mean", "ridge"]
    first, second = figure.axes
    assert first.get_xlim() == second.get_xlim()
    assert first.get_ylim() == second.get_ylim()


@pytest.mark.parametrize("simulated", [True, False], ids=["simulated", "real"])
@pytest.mark.parametrize("maker", MAKERS.values(), ids=MAKERS)
def test_only_pictures_of_a_simulated_campaign_say_so(ionic, maker, simulated):
    assert ("simulated" in written(maker(ionic, simulated))) is simulated


def test_axes_carry_units_and_follow_the_scale(ionic):
    figure = curves_figure(ionic, "x", simulated=False)
    assert figure.get_supylabel() == "ionic conductivity, S/cm"
    assert figure.get_supxlabel() == "oxygen x per formula unit"
    assert figure.axes[0].get_yscale() == "log"
    parity = parity_figure(ionic, simulated=False)
    assert parity.get_supxlabel() == "measured ionic conductivity, S/cm"
    assert (parity.axes[0].get_xscale(), parity.axes[0].get_yscale()) == ("log", "log")


def test_the_band_of_the_true_value_lies_inside_that_of_a_reading(ionic):
    axes = panel(curves_figure(ionic, "x", simulated=False), "ridge")
    found = {}
    for band in axes.collections:
        for name, color in (("truth", TRUTH), ("reading", READING)):
            if same_color(band.get_facecolor()[0][:3], color):
                heights = band.get_paths()[0].vertices[:, 1]
                found[name] = (heights.min(), heights.max())
    assert found["reading"][0] < found["truth"][0] < found["truth"][1] < found["reading"][1]


def test_readings_are_drawn_where_they_were_measured(ionic):
    axes = panel(curves_figure(ionic, "x", simulated=False), "mean")
    data = ionic.data[ionic.data["variable"] == "x"]
    expected = np.sort(data[["value", "lower"]].to_numpy(float), axis=0)
    np.testing.assert_allclose(np.sort(dots(axes), axis=0), expected)


def test_error_bars_are_as_long_as_the_stated_error(ionic):
    errors = dict.fromkeys(ionic.data["specimen"], 0.1)
    axes = panel(curves_figure(ionic, "x", simulated=False, errors=errors), "mean")
    bars = [
        np.log10(line.get_ydata())
        for line in axes.lines
        if line.get_marker() == "_" and len(line.get_ydata()) == 2
    ]
    assert len(bars) == 9
    assert [float(bar[1] - bar[0]) for bar in bars] == pytest.approx([2 * 1.645 * 0.1] * 9)


@pytest.mark.parametrize(
    ("figure_of", "along"),
    [(lambda found: curves_figure(found, "x", simulated=False), "y"),
     (lambda found: parity_figure(found, simulated=False), "x")],
    ids=["curves", "parity"],
)  # fmt: skip
def test_a_bound_is_an_arrow_that_points_to_lower_values(electronic, figure_of, along):
    axes = panel(figure_of(electronic), "ridge")
    arrows = axes.texts
    assert len(arrows) == electronic.n_censored == 3
    for arrow in arrows:
        foot = arrow.xy[0 if along == "x" else 1]
        assert foot == pytest.approx(1e-10)
        assert arrow.get_position()[0 if along == "x" else 1] < 0
    assert len(dots(axes)) == electronic.n_readings - 3


def test_the_legend_explains_arrows_only_where_there_are_some(ionic, electronic):
    assert "arrow" in written(parity_figure(electronic, simulated=False))
    assert "arrow" not in written(parity_figure(ionic, simulated=False))


def test_media_stand_side_by_side_under_short_names(ionic):
    axes = panel(curves_figure(ionic, "milling_media", simulated=False), "mean")
    names = [text.get_text() for text in axes.get_xticklabels()]
    assert names[:2] == ["SS", "ZrO2"]
    assert {at for at, _ in dots(axes)} == {0.0, 1.0}


def test_each_jar_counts_once_in_the_calibration():
    table = pd.DataFrame({"jar": ["A", "A", "A", "B"], "pit": [0.5, 0.5, 0.5, 0.999]})
    np.testing.assert_allclose(observed_coverage(table, np.array([0.0, 0.9, 1.0])), [0.5, 0.5, 1.0])


def test_the_calibration_meets_the_scores_at_50_and_90_percent(electronic):
    for name in electronic.surrogates:
        own = electronic.predictions[electronic.predictions["surrogate"] == name]
        observed = observed_coverage(own, np.array([0.5, 0.9]))
        row = electronic.scores.loc[name]
        np.testing.assert_allclose(observed, [row["coverage_50"], row["coverage_90"]])


@pytest.mark.parametrize("n", [1, 4, 7], ids=["one", "four", "seven"])
def test_any_number_of_surrogates_fits_on_the_picture(ionic, n):
    names = tuple(f"s{number}" for number in range(n))
    mean = ionic.predictions[ionic.predictions["surrogate"] == "mean"]
    many = replace(
        ionic,
        surrogates=names,
        predictions=pd.concat([mean.assign(surrogate=name) for name in names]),
    )
    figure = parity_figure(many, simulated=False)
    shown = [axes.get_title(loc="left") for axes in figure.axes if axes.axison]
    assert shown == list(names)


def test_the_same_comparison_gives_the_same_bytes(compared):
    one = replace(
        compared, comparisons={"ionic_conductivity": compared.comparisons["ionic_conductivity"]}
    )
    first, second = (pictures(one, n_jobs=1)["ionic_conductivity"] for _ in range(2))
    assert list(first) == ["along_x", "along_milling_media", "parity", "calibration"]
    assert first == second
    assert all(png.startswith(b"\x89PNG") for png in first.values())
