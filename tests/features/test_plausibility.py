"""Plausibility: the slip is found and put as a question."""

import math

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from features.errors import ReadingError
from features.plausibility import (
    FIELDS,
    check_conductivity_pair,
    check_field,
    check_masses,
    check_property,
)
from features.properties import CATALOGUE
from features.reading import Interval

TARGETS_MG = {"na2s": 1047.4, "p2s5": 934.7, "p2o5": 38.1}


def exact(value):
    return Interval(value, value)


@pytest.mark.parametrize(
    ("property_id", "value", "level", "message"),
    [
        pytest.param(
            "ionic_conductivity", 0.27, "reject",
            "ionic conductivity: 0.27 S/cm is above any known sodium sulfide; "
            "did you mean 0.27 mS/cm?", id="mS-as-S",
        ),
        pytest.param(
            "ionic_conductivity", 0.01, "warn",
            "ionic conductivity: 0.01 S/cm is above the usual 1e-06 to 0.001 S/cm; "
            "did you mean 0.01 mS/cm?", id="high-ionic",
        ),
        pytest.param(
            "ionic_conductivity", 500, "reject",
            "ionic conductivity: 500 S/cm is above any known sodium sulfide; "
            "did you mean 500 µS/cm?", id="µS-as-S",
        ),
        pytest.param(
            "ionic_conductivity", 1e-12, "reject",
            "ionic conductivity: 1e-12 S/cm is below the usual 1e-06 to 0.001 S/cm; "
            "check the unit and the decimal point", id="low-ionic",
        ),
        pytest.param(
            "youngs_modulus", 20900, "reject",
            "Young's modulus: 20900 GPa is above the usual 12 to 24 GPa; "
            "did you mean 20900 MPa?", id="MPa-as-GPa",
        ),
        pytest.param(
            "youngs_modulus", 35, "warn",
            "Young's modulus: 35 GPa is above the usual 12 to 24 GPa; "
            "check the unit and the decimal point", id="high-modulus",
        ),
        pytest.param(
            "hardness", 95, "reject",
            "hardness: 95 GPa is above the usual 0.5 to 1.3 GPa; did you mean 95 HV?", id="HV",
        ),
        pytest.param(
            "electronic_conductivity", 1e-5, "warn",
            "electronic conductivity: 1e-05 S/cm is above the usual 1e-10 to 1e-08 S/cm; "
            "was the blocking electrode in place?", id="leaky-electrode",
        ),
        pytest.param(
            "electronic_conductivity", 0.5, "reject",
            "electronic conductivity: 0.5 S/cm is above the usual 1e-10 to 1e-08 S/cm; "
            "did you mean 0.5 nS/cm?", id="nS-as-S",
        ),
        pytest.param(
            "relative_density", 95, "reject",
            "relative density: 95 is above the usual 0.7 to 1; did you mean 95 %?", id="percent",
        ),
        pytest.param(
            "charge_transfer_resistance", 0.02, "reject",
            "charge transfer resistance: 0.02 ohm cm2 is below the usual 5 to 200 ohm cm2; "
            "did you mean 0.02 kohm cm2?", id="kohm",
        ),
        pytest.param(
            "charge_transfer_resistance", 2e4, "warn",
            "charge transfer resistance: 20000 ohm cm2 is above the usual 5 to 200 ohm cm2; "
            "did you forget to multiply by the area?", id="no-area",
        ),
        pytest.param(
            "critical_current_density", 23, "warn",
            "critical current density: 23 mA/cm2 is above the usual 0.1 to 3 mA/cm2; "
            "did you mean 23 A/m2?", id="A/m2",
        ),
        pytest.param(
            "critical_current_density", 50, "reject",
            "critical current density: 50 mA/cm2 is above the usual 0.1 to 3 mA/cm2; "
            "did you enter mA for the whole cell, or A/m2?", id="whole-cell",
        ),
        pytest.param(
            "area_specific_resistance", 0.42, "reject",
            "area specific resistance: 0.42 ohm cm2 is below the usual 150 to 1500 ohm cm2; "
            "did you mean 0.42 kohm cm2?", id="kohm-asr",
        ),
        pytest.param(
            "activation_energy", 0.43, "reject",
            "activation energy: 0.43 kJ/mol is below the usual 35 to 55 kJ/mol; "
            "did you mean 0.43 eV?", id="eV",
        ),
        pytest.param(
            "activation_energy", 430, "reject",
            "activation energy: 430 kJ/mol is above the usual 35 to 55 kJ/mol; "
            "did you mean 430 meV?", id="meV",
        ),
        pytest.param(
            "cycling_life", 30000, "warn",
            "cycling life: 30000 h is above the usual 50 to 1000 h; did you mean 30000 min?",
            id="min-as-h",
        ),
        pytest.param(
            "full_cell_capacity", 0.9, "reject",
            "full cell capacity: 0.9 mAh/g is below the usual 300 to 1300 mAh/g; "
            "did you mean 0.9 Ah/g?", id="Ah/g",
        ),
        pytest.param(
            "full_cell_capacity", 2500, "reject",
            "full cell capacity: 2500 mAh/g is above the 1675 mAh/g that sulfur can give; "
            "check the unit and the decimal point", id="more-than-sulfur-holds",
        ),
        pytest.param(
            "area_specific_resistance", 1e307, "reject",
            "area specific resistance: 1e+307 ohm cm2 is above the usual 150 to 1500 ohm cm2; "
            "did you enter ohm of the whole cell?", id="no-float-in-another-unit",
        ),
    ],
)  # fmt: skip
def test_a_strange_value_is_questioned_with_its_likely_slip(property_id, value, level, message):
    verdict = check_property(property_id, exact(value))
    assert (verdict.level, verdict.message) == (level, message)


@pytest.mark.parametrize("entry", CATALOGUE.values(), ids=lambda entry: entry.id)
def test_levels_follow_the_catalogues_ranges(entry):
    for edge in (*entry.typical, *entry.warn):
        assert check_property(entry.id, exact(edge)).level == "ok"
        assert check_property(entry.id, exact(edge)).message == ""
    assert check_property(entry.id, exact(entry.warn[0] * 0.999)).level == "warn"
    assert check_property(entry.id, exact(entry.reject[0] * 0.999)).level == "reject"
    assert check_property(entry.id, exact(entry.warn[1] * 1.001)).level == "warn"
    assert check_property(entry.id, exact(entry.reject[1] * 1.001)).level == "reject"


@pytest.mark.parametrize(
    ("property_id", "interval", "level"),
    [
        pytest.param("electronic_conductivity", Interval(None, 1e-10), "ok", id="floor"),
        pytest.param("electronic_conductivity", Interval(None, 1e-13), "warn", id="too-low"),
        pytest.param("electronic_conductivity", Interval(None, 1e-16), "reject", id="impossible"),
        pytest.param("electronic_conductivity", Interval(None, 1e-5), "ok", id="true-but-vague"),
        pytest.param("electronic_conductivity", Interval(None, 1.0), "warn", id="true-but-useless"),
        pytest.param("critical_current_density", Interval(3, None), "ok", id="programme-end"),
        pytest.param("critical_current_density", Interval(0.01, None), "ok", id="vague-lower"),
        pytest.param("critical_current_density", Interval(0.001, None), "warn", id="useless-lower"),
        pytest.param("critical_current_density", Interval(50, None), "reject", id="too-high"),
        pytest.param("critical_current_density", Interval(2.3, 2.35), "ok", id="range"),
        pytest.param("critical_current_density", Interval(2.3, 7), "warn", id="one-end-off"),
        pytest.param("critical_current_density", Interval(0.04, 235), "reject", id="worst-counts"),
    ],
)
def test_of_an_interval_only_what_is_known_is_judged(property_id, interval, level):
    assert check_property(property_id, interval).level == level


def test_a_property_must_be_in_the_catalogue():
    with pytest.raises(ReadingError, match="property must be one of ionic_conductivity"):
        check_property("colour", exact(1.0))


@pytest.mark.parametrize(
    ("name", "value", "level", "message"),
    [
        ("x", 15, "reject", "x: 15 is above the usual 0 to 0.6; 15 % of the anions is x = 0.60; "
         "did you mean that, or 0.15?"),
        ("x", 60, "reject", "x: 60 is above the usual 0 to 0.6; did you mean 0.60?"),
        ("x", 1.5, "warn", "x: 1.5 is above the usual 0 to 0.6; 1.5 % of the anions is x = 0.06; "
         "did you mean that, or 0.015?"),
        ("x", 99, "reject", "x: 99 is above the usual 0 to 0.6; give oxygen per formula unit"),
        ("x", -0.1, "reject", "x: -0.1 is below the usual 0 to 0.6; give oxygen per formula unit"),
        ("batch_mass_g", 2000, "reject", "batch mass: 2000 g is above the usual 1 to 4 g; "
         "did you mean 2000 mg (2 g)?"),
        ("assay_percent", 0.99, "reject", "assay: 0.99 % is below the usual 97 to 99.99 %; "
         "did you mean 0.99 as a fraction (99 %)?"),
        ("milling_time_h", 180, "reject", "milling time: 180 h is above the usual 1 to 20 h; "
         "did you mean 180 min (3 h)?"),
        ("milling_speed_rpm", 8, "reject", "milling speed: 8 rpm is below the usual 300 to "
         "600 rpm; did you mean 8 rps (Hz) (480 rpm)?"),
        ("pressing_pressure_mpa", 4.5, "warn", "pressing pressure: 4.5 MPa is below the usual "
         "75 to 450 MPa; did you mean 4.5 t on a 13 mm die (332 MPa)?"),
        ("pressing_pressure_mpa", 4500, "reject", "pressing pressure: 4500 MPa is above the usual "
         "75 to 450 MPa; did you mean 4500 bar (450 MPa)?"),
        ("hold_time_min", 300, "warn", "hold time: 300 min is above the usual 1 to 10 min; "
         "did you mean 300 s (5 min)?"),
        ("pellet_thickness_um", 0.6, "reject", "pellet thickness: 0.6 µm is below the usual 300 "
         "to 1200 µm; did you mean 0.6 mm (600 µm)?"),
        ("pellet_mass_mg", 0.15, "reject", "pellet mass: 0.15 mg is below the usual 60 to 250 mg; "
         "did you mean 0.15 g (150 mg)?"),
        ("relative_density", 95, "reject", "relative density: 95 is above the usual 0.7 to 1; "
         "did you mean 95 % (0.95)?"),
        ("temperature_c", 333, "reject", "test temperature: 333 °C is above the usual 25 to 90 °C; "
         "did you mean 333 K (60 °C)?"),
        ("temperature_c", 298, "reject", "test temperature: 298 °C is above the usual 25 to 90 °C; "
         "did you mean 298 K (25 °C)?"),
        ("temperature_c", 10, "warn", "test temperature: 10 °C is below the usual 25 to 90 °C; "
         "give °C at the sample"),
        ("stack_pressure_mpa", 70, "warn", "stack pressure: 70 MPa is above the usual 1 to 15 MPa; "
         "did you mean 70 bar (7 MPa)?"),
        ("skin_mass_mg", 100, "warn", "skin mass: 100 mg is above the usual 15 to 40 mg; "
         "did you mean 100 mg for both sides (50 mg)?"),
        ("core_mass_mg", 0.15, "reject", "core mass: 0.15 mg is below the usual 80 to 200 mg; "
         "did you mean 0.15 g (150 mg)?"),
        ("core_mass_mg", 700, "reject", "core mass: 700 mg is above the usual 80 to 200 mg; "
         "check the decimal point"),
        ("x", math.nan, "reject", "x: value must be a number, got nan; leave it empty"),
    ],
    ids=lambda value: str(value) if not isinstance(value, str) else None,
)  # fmt: skip
def test_a_strange_field_is_questioned_with_its_likely_slip(name, value, level, message):
    verdict = check_field(name, value)
    assert (verdict.level, verdict.message) == (level, message)


@pytest.mark.parametrize("name", FIELDS)
def test_ranges_of_a_field_are_nested_and_its_edges_pass(name):
    row = FIELDS[name]
    for inner, outer in ((row.typical, row.warn), (row.warn, row.reject)):
        assert outer[0] <= inner[0] < inner[1] <= outer[1]
    assert check_field(name, row.warn[0]).level == "ok"
    assert check_field(name, row.warn[1]).level == "ok"


def test_the_papers_own_recipe_is_believed():
    paper = {
        "x": 0.15, "batch_mass_g": 2, "milling_time_h": 3, "milling_speed_rpm": 500,
        "pressing_pressure_mpa": 450, "temperature_c": 60, "stack_pressure_mpa": 7,
        "skin_mass_mg": 25, "core_mass_mg": 150,
    }  # fmt: skip
    assert {check_field(name, value).level for name, value in paper.items()} == {"ok"}


def test_a_field_must_exist():
    with pytest.raises(ReadingError, match=r"field must be one of x, .*, got 'colour'; use one of"):
        check_field("colour", 1.0)


@settings(deadline=None)
@given(st.sampled_from(sorted(CATALOGUE)), st.sampled_from(sorted(FIELDS)), st.floats())
def test_any_number_gets_a_verdict(property_id, name, value):
    assert (check_field(name, value).level == "ok") == (check_field(name, value).message == "")
    if math.isfinite(value):
        verdict = check_property(property_id, exact(value))
        assert (verdict.level == "ok") == (verdict.message == "")


@pytest.mark.parametrize(
    ("weighed", "level", "message"),
    [
        ({"na2s": 1050.0}, "ok", ""),
        ({"na2s": 1030.0}, "warn", "na2s: 1030 mg is -1.7% off the target 1047.4 mg; weigh again, "
         "or enter it as weighed so that the real x is used"),
        ({"p2s5": 38.2}, "reject", "p2s5: 38.2 mg is -95.9% off the target 934.7 mg; "
         "did you swap p2s5 and p2o5?"),
        ({"p2o5": 76.2}, "reject", "p2o5: 76.2 mg is +100.0% off the target 38.1 mg; "
         "was it calculated with the molar mass of P4O10?"),
        ({"p2o5": 0.0381}, "reject", "p2o5: 0.0381 mg is -99.9% off the target 38.1 mg; "
         "did you mean 0.0381 g?"),
        ({"p2o5": 381.0}, "reject", "p2o5: 381 mg is +900.0% off the target 38.1 mg; "
         "did the decimal point shift?"),
    ],
    ids=["close", "off", "swapped", "p4o10", "grams", "decimal-point"],
)  # fmt: skip
def test_a_mass_off_its_target_is_questioned(weighed, level, message):
    (verdict,) = check_masses(weighed, TARGETS_MG).values()
    assert (verdict.level, verdict.message) == (level, message)


def test_a_component_the_recipe_lacks_is_refused():
    oxygen_free = {"na2s": 1080.0, "p2o5": 0.0}
    verdicts = check_masses({"na2s": 1080.0, "p2o5": 38.1}, oxygen_free)
    assert verdicts["na2s"].level == "ok"
    assert verdicts["p2o5"].level == "reject"
    assert "38.1 mg weighed, but the recipe has none; check the jar" in verdicts["p2o5"].message
    assert check_masses({"p2o5": 0.0}, oxygen_free)["p2o5"].level == "ok"


def test_a_component_without_a_target_is_refused():
    with pytest.raises(ReadingError, match="components must be among na2s, p2s5, p2o5, got P2S5"):
        check_masses({"P2S5": 934.7}, TARGETS_MG)


def test_an_electronic_share_above_one_percent_is_questioned():
    verdict = check_conductivity_pair(exact(1e-4), exact(2e-6))
    assert verdict.level == "warn"
    assert verdict.message == (
        "electronic conductivity: 2e-06 S/cm is more than 1% of the ionic 0.0001 S/cm; "
        "not a blocking measurement? Check electrodes and waiting time"
    )


@pytest.mark.parametrize(
    ("ionic", "electronic"),
    [
        pytest.param(exact(1e-4), exact(1e-6), id="exactly-one-percent"),
        pytest.param(exact(1e-4), Interval(None, 1e-5), id="electronic-may-be-lower"),
        pytest.param(Interval(1e-4, None), exact(1e-5), id="ionic-may-be-higher"),
        pytest.param(Interval(1e-5, 1e-3), exact(1e-6), id="ionic-range-allows-it"),
    ],
)
def test_a_share_that_may_be_small_passes(ionic, electronic):
    assert check_conductivity_pair(ionic, electronic).level == "ok"
