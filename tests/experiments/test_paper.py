"""The paper's data: what is a reading, what is a note, and what hangs on an assumption."""

from math import log, sqrt

import pytest

from experiments.config import AssumptionConfig
from experiments.paper import PaperData, paper_data


@pytest.fixture(scope="module")
def data() -> PaperData:
    return paper_data(AssumptionConfig())


def by_source(data):
    return {reading.source: reading for reading in data.readings}


def test_exactly_six_values_are_trained_on(data):
    trained = {r.source: (r.specimen, r.property) for r in data.readings if r.trained}
    assert trained == {
        "S01": ("CHI-015-P", "ionic_conductivity"),
        "S02": ("CHI-060-P", "ionic_conductivity"),
        "S03": ("CHI-000-P", "ionic_conductivity"),
        "S04": ("CHI-015-P", "activation_energy"),
        "S09": ("CHI-060-P", "youngs_modulus"),
        "S20": ("CHI-TRI", "critical_current_density"),
    }


def test_ratios_and_order_statements_are_notes_and_never_readings(data):
    notes = {note.id for note in data.notes}
    assert {"S07", "S08", "S11", "S12", "S13", "S15"} <= notes
    assert not notes & {reading.source for reading in data.readings}


def test_every_statement_of_the_paper_is_kept(data):
    kept = {note.id for note in data.notes} | {reading.source for reading in data.readings}
    assert kept == {f"S{number:02d}" for number in range(1, 26)}


@pytest.mark.parametrize(
    ("source", "name", "value"),
    [
        pytest.param("S10", "hardness", 1.0, id="hardness"),
        pytest.param("S21", "charge_transfer_resistance", 10.0, id="interface"),
    ],
)
def test_what_is_only_shown_is_kept_with_its_value(data, source, name, value):
    reading = by_source(data)[source]
    assert (reading.property, reading.lower, reading.upper) == (name, value, value)
    assert not reading.trained


def test_the_value_of_x_0_is_derived_from_that_of_x_015(data):
    readings = by_source(data)
    assert readings["S03"].derived_from == "S01"
    assert readings["S01"].derived_from == ""
    assert readings["S03"].lower == pytest.approx(readings["S01"].lower / 6)


def test_the_critical_current_is_the_interval_between_two_steps(data):
    reading = by_source(data)["S20"]
    assert (reading.lower, reading.upper) == (2.30, 2.35)
    assert '"step_ma_cm2": 0.05' in (reading.protocol or "")


def test_nine_indents_give_the_standard_error_of_their_mean(data):
    assert by_source(data)["S09"].se == pytest.approx(0.7 / sqrt(9))


def test_errors_in_decades_become_errors_in_the_unit(data):
    assert by_source(data)["S01"].se == pytest.approx(0.06 * 2.7e-4 * log(10))


def test_one_sided_statements_keep_their_open_end(data):
    life = by_source(data)["S22"]
    assert (life.lower, life.upper) == (200.0, None)


def test_at_25_degrees_the_values_stay_as_printed_at_the_other_temperature():
    there, here = (by_source(paper_data(AssumptionConfig(paper_temperature_c=t))) for t in (25, 60))
    for name in ("S01", "S03"):
        assert (there[name].temperature_c, here[name].temperature_c) == (25.0, 60.0)
        assert (there[name].lower, there[name].se) == (here[name].lower, here[name].se)
    assert there["S02"].temperature_c == 60.0


@pytest.mark.parametrize(
    ("skin", "mass_mg"), [("per_side", 25.0), ("total", 12.5)], ids=["each-side", "both"]
)
def test_the_stated_skin_is_each_side_or_both_together(skin, mass_mg):
    (cell,) = paper_data(AssumptionConfig(paper_skin_mass=skin)).cells
    assert cell.skin_mass_mg == mass_mg


def test_no_glass_of_the_paper_is_stock(data):
    assert {jar.origin for jar in data.jars} == {"paper"}


def test_the_oxygen_free_glass_was_milled_longer_and_in_another_medium(data):
    jars = {jar.id: jar for jar in data.jars}
    assert (jars["CHI-000"].milling_media, jars["CHI-000"].milling_time_h) == ("agate", 20.0)
    assert {(jars[f"CHI-{n}"].milling_media, jars[f"CHI-{n}"].milling_time_h)
            for n in ("015", "030", "060")} == {("stainless_steel", 3.0)}  # fmt: skip


def test_sentences_name_what_is_assumed_and_the_other_reading():
    at_60, at_25 = (
        " ".join(paper_data(AssumptionConfig(paper_temperature_c=t)).assumptions) for t in (60, 25)
    )
    assert "taken at 60 °C" in at_60
    assert "25 °C is the other reading" in at_60
    assert "taken at 25 °C" in at_25
    assert "450 MPa" in at_60
