"""The figure of a round shows what was predicted and what was measured, in any terminal."""

import json
import sys
from pathlib import Path

import numpy as np
import pytest
from matplotlib.colors import same_color

from experiments.plots import MEASURED, READING, TRUTH, round_figure, save_png


@pytest.fixture
def sample():
    text = Path(__file__).with_name("sample_round.json").read_text(encoding="utf-8")
    return json.loads(text)


def panel(figure, title):
    return next(axes for axes in figure.axes if axes.get_title(loc="left") == title)


def lines(axes, color):
    return [line for line in axes.lines if same_color(line.get_color(), color)]


def test_each_predicted_property_has_a_panel_with_its_unit(sample):
    figure = round_figure(sample)
    labels = {axes.get_title(loc="left"): axes.get_xlabel() for axes in figure.axes}
    assert list(labels) == [
        "ionic conductivity",
        "Young's modulus",
        "electronic conductivity",
        "relative density",
        "charge transfer resistance",
        "critical current density",
        "area specific resistance",
    ]
    assert labels["ionic conductivity"] == "S/cm, more is better"
    assert labels["area specific resistance"] == "Ω cm², less is better"


def test_glasses_and_cells_are_named_down_the_side(sample):
    figure = round_figure(sample)
    glasses = [text.get_text() for text in panel(figure, "ionic conductivity").get_yticklabels()]
    cells = [
        text.get_text() for text in panel(figure, "critical current density").get_yticklabels()
    ]
    assert glasses[0] == "G1 x=0.15 SS 3 h 450 MPa"
    assert glasses[2] == "G3 x=0.15 ZrO2 3 h 450 MPa"
    assert cells == ["C1 G4|G1|G4, 25|150|25 mg", "C2 G4|G3|G4, 18|150|18 mg"]


@pytest.mark.parametrize(
    ("title", "scale"),
    [("ionic conductivity", "log"), ("Young's modulus", "linear")],
    ids=["log", "linear"],
)
def test_axes_follow_the_scale_of_the_property(sample, title, scale):
    assert panel(round_figure(sample), title).get_xscale() == scale


def test_the_true_value_is_thick_and_a_new_reading_thin(sample):
    axes = panel(round_figure(sample), "Young's modulus")
    prediction = sample["glasses"][0]["predictions"]["youngs_modulus"]
    reading, truth = lines(axes, READING)[0], lines(axes, TRUTH)[0]
    np.testing.assert_allclose(truth.get_xdata(), [prediction["lower"], prediction["upper"]])
    np.testing.assert_allclose(
        reading.get_xdata(), [prediction["reading_lower"], prediction["reading_upper"]]
    )
    assert truth.get_linewidth() > 2 * reading.get_linewidth()


@pytest.mark.parametrize(
    ("bounds", "drawn", "n_arrows"),
    [
        pytest.param((18.0, 18.0), [18.0], 0, id="exact"),
        pytest.param((17.0, 19.0), [17.0, 19.0], 0, id="interval"),
        pytest.param((None, 15.0), [15.0], 1, id="below"),
        pytest.param((25.0, float("nan")), [25.0], 1, id="above"),
    ],
)
def test_a_reading_is_drawn_as_what_is_known_of_it(sample, bounds, drawn, n_arrows):
    figure = round_figure(sample, measured={"R01-G2-P1": {"youngs_modulus": bounds}})
    axes = panel(figure, "Young's modulus")
    (line,) = lines(axes, MEASURED)
    np.testing.assert_allclose(line.get_xdata(), drawn)
    arrows = [text for text in axes.texts if getattr(text, "arrow_patch", None) is not None]
    assert len(arrows) == n_arrows


@pytest.mark.parametrize(
    ("bounds", "side"),
    [pytest.param((None, 15.0), -1, id="below"), pytest.param((25.0, None), 1, id="above")],
)
def test_the_arrow_of_a_censored_reading_points_to_where_the_value_may_be(sample, bounds, side):
    figure = round_figure(sample, measured={"R01-G2-P1": {"youngs_modulus": bounds}})
    (arrow,) = panel(figure, "Young's modulus").texts
    assert np.sign(arrow.xyann[0]) == side


def test_nothing_measured_leaves_no_measured_marks(sample):
    assert not any(lines(axes, MEASURED) for axes in round_figure(sample).axes)


def test_the_title_says_what_rests_on_an_assumption(sample):
    text = " ".join(part.get_text() for part in round_figure(sample).texts)
    assert "R01 of oxysulfide-2026" in text
    assert "taken at 60 °C (the paper does not say; A1)" in text
    assert "SIMULATED" not in text


def test_a_simulated_round_says_so(sample):
    texts = [part.get_text() for part in round_figure(sample | {"simulated": True}).texts]
    assert texts[0].startswith("SIMULATED")


def test_a_missing_prediction_is_said_in_words(sample):
    sample["glasses"][1]["predictions"]["youngs_modulus"]["mean"] = float("nan")
    texts = [text.get_text() for text in panel(round_figure(sample), "Young's modulus").texts]
    assert texts == ["no prediction"]


def test_the_png_is_written_without_a_window_and_twice_the_same(sample, tmp_path):
    for name in ("a.png", "b.png"):
        save_png(round_figure(sample), tmp_path / name)
    first, second = ((tmp_path / name).read_bytes() for name in ("a.png", "b.png"))
    assert first.startswith(b"\x89PNG")
    assert first == second


def test_a_round_without_cells_has_glass_panels_only(sample):
    assert len(round_figure(sample | {"trilayers": []}).axes) == 5


def test_plots_do_not_use_pyplot():
    module = sys.modules["experiments.plots"]
    assert "pyplot" not in Path(str(module.__file__)).read_text(encoding="utf-8")
