"""Readings as chemists type them, with units, errors and test programmes."""

import json
from collections.abc import Mapping
from math import sqrt
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from experiments.bench import Bench
from experiments.csv_files import csv_text, read_table
from experiments.recording import bench
from experiments.results_file import Results, read_result_rows
from experiments.round_folder import RESULT_COLUMNS
from features.properties import CATALOGUE

pytest_plugins = ["tests.experiments.planned_round"]

SIGMA = {
    "specimen": "R01-G1-P1", "property": "ionic_conductivity", "unit": "S/cm",
    "temperature_c": "60",
}  # fmt: skip


@pytest.fixture
def known(lab: Any) -> Bench:
    lab.record(results=[])
    return bench(lab.ledger, lab.config)


def read(lab: Any, known: Bench, *rows: Mapping[str, str]) -> Results:
    return read_result_rows(read_table(lab.write("r.csv", rows), ()).rows, known)


def values(found: Results) -> list[tuple[float | None, float | None, float | None]]:
    assert found.problems == []
    return [(reading.lower, reading.upper, reading.se) for reading in found.readings]


@pytest.mark.parametrize(
    ("cells", "expected"),
    [
        pytest.param({"value": "2.7e-4"}, (2.7e-4, 2.7e-4, None), id="plain"),
        pytest.param({"value": "2,7E-04"}, (2.7e-4, 2.7e-4, None), id="decimal-comma"),
        pytest.param({"value": "0.27", "unit": "mS/cm"}, (2.7e-4, 2.7e-4, None), id="unit-column"),
        pytest.param({"value": "0.27 mS/cm"}, (2.7e-4, 2.7e-4, None), id="unit-in-the-text"),
        pytest.param({"value": "2.7e-4", "unit": ""}, (2.7e-4, 2.7e-4, None), id="no-unit"),
        pytest.param({"value": "<1e-6"}, (None, 1e-6, None), id="bound"),
        pytest.param({"value": "2e-4..3e-4"}, (2e-4, 3e-4, None), id="interval"),
        pytest.param({"value": "2.7e-4", "se": "1e-5"}, (2.7e-4, 2.7e-4, 1e-5), id="se"),
        pytest.param(
            {"value": "2.7e-4", "sd": "3e-5", "n": "9"}, (2.7e-4, 2.7e-4, 1e-5), id="sd-and-n"
        ),
        pytest.param(
            {"value": "0.27", "unit": "mS/cm", "sd": "0.03", "n": "4"},
            (2.7e-4, 2.7e-4, 1.5e-5),
            id="sd-in-the-unit-column's-unit",
        ),
        pytest.param(
            {"value": "0.27 mS/cm", "unit": "", "sd": "0.03", "n": "4"},
            (2.7e-4, 2.7e-4, 1.5e-5),
            id="sd-in-the-only-unit-there-is",
        ),
        pytest.param(
            {"value": "2.7×10⁻⁴ S·cm⁻¹", "sd": "3e-5", "n": "9"},
            (2.7e-4, 2.7e-4, 1e-5),
            id="sd-in-the-same-unit-spelled-otherwise",
        ),
        pytest.param(
            {"value": "2e-4 to 3e-4", "se": "1e-5"}, (2e-4, 3e-4, 1e-5), id="no-unit-in-a-range"
        ),
    ],
)
def test_values_and_errors_become_catalogue_units(
    lab: Any, known: Bench, cells: Mapping[str, str], expected: tuple[float | None, ...]
) -> None:
    (found,) = values(read(lab, known, {**SIGMA, **cells}))
    assert [value is None for value in found] == [value is None for value in expected]
    known_values = [value for value in expected if value is not None]
    assert [v for v in found if v is not None] == pytest.approx(known_values, rel=1e-12)


@pytest.mark.parametrize(("value", "unit"), [("92", "%"), ("92 %", "1"), ("0,92", "1")])
def test_a_relative_density_may_be_a_percentage(
    lab: Any, known: Bench, value: str, unit: str
) -> None:
    row = {"specimen": "R01-G1-P1", "property": "relative_density", "value": value, "unit": unit}
    assert values(read(lab, known, row)) == [(0.92, 0.92, None)]


def test_rows_without_a_value_wait_and_what_is_not_measured_is_said(lab: Any, known: Bench) -> None:
    found = read(lab, known, {**SIGMA, "value": ""}, {**SIGMA, "value": "Not measured"})
    assert values(found) == []
    assert found.not_measured == [("R01-G1-P1", "ionic_conductivity")]


def test_method_note_source_and_text_are_kept(lab: Any, known: Bench) -> None:
    row = {**SIGMA, "value": "0.27", "unit": "mS/cm", "method": "EIS", "note": "Au", "n": "3"}
    (reading,) = read(lab, known, row).readings
    assert (reading.method, reading.note, reading.source, reading.text, reading.n) == (
        "EIS", "Au", "r.csv", "0.27 mS/cm", 3,
    )  # fmt: skip


def test_one_critical_current_is_the_last_step_passed(lab: Any, known: Bench) -> None:
    found = read(lab, known, {**lab.results[3], "value": "2.30"})
    assert values(found) == [(2.3, 2.35, None)]
    assert found.warnings == [
        "r.csv, row 2, column value (R01-C1): one number is taken as the last step passed, "
        "2.3..2.35 mA/cm2; if it is the first step failed write 2.25..2.3"
    ]


def test_the_programme_is_kept_as_json(lab: Any, known: Bench) -> None:
    (reading,) = read(lab, known, lab.results[3]).readings
    assert json.loads(reading.protocol or "") == {
        "start_ma_cm2": 0.05,
        "step_ma_cm2": 0.05,
        "half_cycle_h": 0.5,
        "end_ma_cm2": 3.0,
        "stack_pressure_mpa": 7.0,
    }


def test_a_cell_that_survived_the_programme_is_a_bound(lab: Any, known: Bench) -> None:
    assert values(read(lab, known, {**lab.results[3], "value": ">3"})) == [(3.0, None, None)]


def test_a_result_of_a_failed_specimen_is_kept_with_a_warning(lab: Any, known: Bench) -> None:
    found = read(lab, known, {**SIGMA, "specimen": "R01-G2-P1", "value": "8e-5"})
    assert len(found.readings) == 1
    assert "has failed; its result is kept, nothing is learned from it" in found.warnings[0]


def test_an_electronic_conductivity_that_cannot_be_one_is_questioned(
    lab: Any, known: Bench
) -> None:
    electronic = {**SIGMA, "property": "electronic_conductivity", "value": "9e-6"}
    found = read(lab, known, {**SIGMA, "value": "2e-4"}, electronic)
    assert any(w.startswith("r.csv, row 3 (R01-G1-P1)") for w in found.warnings)
    assert any("blocking" in warning for warning in found.warnings)


def test_a_property_may_be_written_as_words(lab: Any, known: Bench) -> None:
    found = read(lab, known, {**SIGMA, "property": "Ionic conductivity", "value": "2e-4"})
    assert found.readings[0].property == "ionic_conductivity"


@st.composite
def readings(draw: st.DrawFn) -> dict[str, str | float | int | None]:
    entry = CATALOGUE[draw(st.sampled_from([n for n, p in CATALOGUE.items() if _on_pellets(p)]))]
    value = draw(st.floats(*entry.typical, allow_nan=False))
    n = draw(st.integers(1, 9))
    return {
        "specimen": "R01-G1-P1",
        "property": entry.id,
        "value": repr(value),
        "unit": entry.unit,
        "sd": draw(st.none() | st.just(repr(value / 10))),
        "n": n,
        "temperature_c": draw(st.floats(25, 80).map(lambda t: round(t, 1))),
        "note": draw(st.text("abcµ,;\" '", max_size=6)) + str(draw(st.integers(0, 10**9))),
    }


def _on_pellets(entry: Any) -> bool:
    return bool(entry.carrier == "pellet")


@settings(
    max_examples=25,
    deadline=None,
    derandomize=True,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(rows=st.lists(readings(), max_size=4, unique_by=lambda row: row["note"]))
def test_any_valid_readings_survive_writing_and_reading(
    lab: Any, known: Bench, rows: list[dict[str, Any]]
) -> None:
    path = lab.folder / "results.csv"
    path.write_text(csv_text(RESULT_COLUMNS, rows), encoding="utf-8")
    found = read_result_rows(read_table(path, ()).rows, known)
    assert found.problems == []
    for row, reading in zip(rows, found.readings, strict=True):
        value = float(row["value"])
        assert (reading.lower, reading.upper, reading.n) == (value, value, row["n"])
        assert reading.temperature_c == row["temperature_c"]
        assert reading.note == row["note"].strip()
        if row["sd"] is None:
            assert reading.se is None
        else:
            assert reading.se == pytest.approx(value / 10 / sqrt(row["n"]))
