"""Readings: what people type becomes an interval, or one clear sentence."""

import math
from contextlib import suppress

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from features.errors import ReadingError
from features.properties import CATALOGUE
from features.reading import (
    CcdProtocol,
    Interval,
    Reading,
    parse_value,
    scale_error,
    standard_error,
)

PROPERTIES = st.sampled_from(sorted(CATALOGUE))
POSITIVE = st.floats(min_value=1e-300, max_value=1e300)


@st.composite
def intervals(draw):
    """Exact, left-open, right-open and two-sided, about equally often."""
    kind = draw(st.sampled_from(["exact", "left", "right", "two-sided"]))
    low, high = sorted((draw(POSITIVE), draw(POSITIVE)))
    return {
        "exact": Interval(low, low),
        "left": Interval(None, high),
        "right": Interval(low, None),
        "two-sided": Interval(low, high),
    }[kind]


@settings(deadline=None)
@given(intervals(), PROPERTIES, st.booleans())
def test_text_of_any_interval_reads_back_as_the_same_interval(interval, property_id, with_unit):
    text = interval.text(CATALOGUE[property_id].unit if with_unit else "")
    assert parse_value(text, property_id) == interval


@settings(max_examples=400, deadline=None)
@given(st.text(), PROPERTIES, st.none() | st.text(max_size=5))
def test_no_text_whatever_raises_anything_but_a_reading_error(text, property_id, unit):
    with suppress(ReadingError):
        assert isinstance(parse_value(text, property_id, unit), Interval)


@settings(max_examples=600, deadline=None)
@given(st.text(alphabet="0123456789.,eE+-−–<>≤×x*^⁻⁴ Scm/kΩ%to", max_size=14), PROPERTIES)
def test_no_text_made_of_number_characters_raises_anything_but_a_reading_error(text, property_id):
    with suppress(ReadingError):
        assert isinstance(parse_value(text, property_id), Interval)


@settings(deadline=None)
@given(st.from_regex(r"[1-9][0-9]{0,5}(\.[0-9]{1,5})?([eE][+-]?[0-9]{1,2})?", fullmatch=True))
def test_what_python_reads_as_a_float_is_read_as_that_float(text):
    value = parse_value(text, "ionic_conductivity")
    assert value == Interval(float(text), float(text))


@pytest.mark.parametrize(
    "text",
    [
        "2.7e-4", "2.7E-4", "2,7e-4", "+2.7e-4", "2.7e−4", "2.7e–4", "2.7 e-4", ".27e-3",
        "2.7×10⁻⁴", "2.7×10⁻⁴ S/cm", "2.7x10^-4", "2.7 x 10^(-4)", "2.7*10^-4", "2.7·10-4",
        "2.7x10−4", "2,7·10⁻⁴ S·cm⁻¹", "2.7*10**-4", "0.27 mS/cm", "0.27mS cm-1", "270 µS/cm",
        "0.027 S/m", "2.7e-4\u00a0S/cm", "2.7\u2009×\u200910⁻⁴\u202fS/cm", "  2.7e-4  ",
        "\ufeff2.7e-4", "２.７e-4",
    ],
)  # fmt: skip
def test_one_value_is_read_however_it_is_written(text):
    assert parse_value(text, "ionic_conductivity") == Interval(2.7e-4, 2.7e-4)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        pytest.param("<1e-10", Interval(None, 1e-10), id="left"),
        pytest.param("< 1e-10 S/cm", Interval(None, 1e-10), id="left-with-unit"),
        pytest.param("≤10⁻¹⁰", Interval(None, 1e-10), id="bare-power-of-ten"),
        pytest.param("<= 1×10^-10", Interval(None, 1e-10), id="left-or-equal"),
        pytest.param("<0.1 nS/cm", Interval(None, 1e-10), id="left-converted"),
        pytest.param(">3.0", Interval(3.0, None), id="right"),
        pytest.param("≥3", Interval(3.0, None), id="right-or-equal"),
        pytest.param(">= 3", Interval(3.0, None), id="right-or-equal-ascii"),
        pytest.param("2.30..2.35", Interval(2.3, 2.35), id="dots"),
        pytest.param("2.30…2.35", Interval(2.3, 2.35), id="ellipsis"),
        pytest.param("2.30–2.35", Interval(2.3, 2.35), id="en-dash"),
        pytest.param("2.30 - 2.35", Interval(2.3, 2.35), id="hyphen"),
        pytest.param("2,30 to 2,35 S/cm", Interval(2.3, 2.35), id="to-with-decimal-commas"),
        pytest.param("1e-4-2e-4", Interval(1e-4, 2e-4), id="hyphen-between-exponents"),
        pytest.param("1×10⁻⁴–2×10⁻⁴", Interval(1e-4, 2e-4), id="powers-at-both-ends"),
        pytest.param("1,234", Interval(1.234, 1.234), id="one-comma-is-a-decimal-comma"),
        pytest.param("100", Interval(100, 100), id="no-power-of-ten-inside-a-number"),
        pytest.param("10", Interval(10, 10), id="ten"),
    ],
)
def test_bounds_and_ranges_are_read(text, expected):
    assert parse_value(text, "electronic_conductivity") == expected


@pytest.mark.parametrize(
    "number", [2, 2.0, np.float64(2), np.float32(2), np.int64(2), np.int8(2)], ids=repr
)
def test_numbers_are_taken_as_they_are(number):
    value = parse_value(number, "youngs_modulus")
    assert value == Interval(2.0, 2.0)
    assert value.text() == "2.0"


def test_the_unit_argument_is_used_when_the_text_has_none():
    assert parse_value("0.27", "ionic_conductivity", "mS/cm") == Interval(2.7e-4, 2.7e-4)
    assert parse_value("95", "relative_density", "%") == Interval(0.95, 0.95)
    assert parse_value(0.27, "ionic_conductivity", " ") == Interval(0.27, 0.27)


def test_the_unit_in_the_text_wins_over_the_argument():
    assert parse_value("0.27 mS/cm", "ionic_conductivity", "S/cm") == Interval(2.7e-4, 2.7e-4)


@pytest.mark.parametrize(
    ("text", "unit"),
    [pytest.param("10 Ω", None, id="text"), pytest.param("10 ohm cm2", "Ω", id="argument")],
)
def test_both_units_must_measure_the_property(text, unit):
    with pytest.raises(ReadingError, match=r"charge transfer resistance: .* multiply by the elec"):
        parse_value(text, "charge_transfer_resistance", unit)


NO_NUMBER = r"ionic conductivity: value must be a number, got '.*'; leave the row out if nothing"
ROUGHLY = r"value must be stated without 'about', got '.*'; write the number alone and its standard"
WITH_ERROR = r"value must be one number, got '.*'; put the error in the se column"
THOUSANDS = r"value must be written without thousands separators, got '.*'; write 1234.5"
NOT_A_VALUE = r"value must be a number, bound or range, got '.*'; use a number such as 2.7e-4"
RANGE = r"range must run from low to high, each end in full, got '.*'; write it like 1e-4..2e-4"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        *[(text, NO_NUMBER) for text in ["", " ", "nan", "NaN", "inf", "-inf", "n/a", "-", "n.d."]],
        *[(text, ROUGHLY) for text in ["~2.7e-4", "≈3", "ca. 3", "ca 3", "approx 3"]],
        *[(text, WITH_ERROR) for text in ["2.7e-4 ± 0.2e-4", "2.7 +/- 0.2", "2.7(2)e-4"]],
        *[(text, THOUSANDS) for text in ["1,234.5", "1.234,5", "1,234,567", "1 234", "2.3,2.4,2"]],
        *[(text, NOT_A_VALUE) for text in ["high", "2.7×104", "2.3 2.4", "<2..3", "3*10", "1e5.5"]],
        *[(text, RANGE) for text in ["2.35..2.30", "10-4", "2.3–2.4×10⁻⁴", "1-2×10³"]],
        ("1e999", r"value must be a finite number, got '1e999'; check the exponent"),
        ("9" * 50 + "!", r"got '9{37}\.\.\.'"),
        ("1" * 10**6, r"value must be at most 100 characters, got '1{37}\.\.\.'; use a number"),
        ("1 " + "S" * 70, r"unit must be at most 60 characters, got 'S{60}'\.\.\.; write for"),
    ],
)
def test_what_is_no_value_gets_one_clear_sentence(text, message):
    with pytest.raises(ReadingError, match=message):
        parse_value(text, "ionic_conductivity")


@pytest.mark.parametrize(
    ("number", "message"),
    [
        pytest.param(float("nan"), NO_NUMBER, id="nan"),
        pytest.param(float("inf"), NO_NUMBER, id="inf"),
        pytest.param(True, "value must be text or a number, got bool", id="bool"),
        pytest.param(None, "value must be text or a number, got NoneType", id="none"),
        pytest.param(10**400, "value must be a finite number, got a huge one", id="huge"),
    ],
)
def test_what_is_no_number_is_refused(number, message):
    with pytest.raises(ReadingError, match=message):
        parse_value(number, "ionic_conductivity")


@pytest.mark.parametrize(
    ("text", "property_id", "message"),
    [
        pytest.param(
            "−3.57", "ionic_conductivity",
            r"ionic conductivity: value must be above zero, got -3.57; did you enter log10\? "
            r"10\^-3.57 is 0.000269 S/cm", id="logarithm",
        ),
        pytest.param(
            "-0.57 mS/cm", "ionic_conductivity", r"10\^-0.57 is 0.269 mS/cm", id="log-with-unit"
        ),
        pytest.param(
            "0", "electronic_conductivity",
            "value must be above zero, got 0; below the instrument's floor give a bound such as "
            "<1e-12", id="zero-on-a-log-scale",
        ),
        pytest.param(
            "-20", "ionic_conductivity", "above zero, got -20; check the sign", id="no-logarithm"
        ),
        pytest.param(
            "0..2.3", "critical_current_density", "must be above zero, got 0", id="bound-at-zero"
        ),
        pytest.param(
            "-20.9", "youngs_modulus",
            "Young's modulus: value must not be below zero, got -20.9; check the sign",
            id="negative-modulus",
        ),
    ],
)  # fmt: skip
def test_a_value_the_property_cannot_have_is_refused(text, property_id, message):
    with pytest.raises(ReadingError, match=message):
        parse_value(text, property_id)


def test_an_unknown_property_is_refused():
    with pytest.raises(ReadingError, match="property must be one of ionic_conductivity"):
        parse_value("1", "colour")


@pytest.mark.parametrize(
    ("lower", "upper", "message"),
    [
        pytest.param(None, None, "at least one bound must be known, got none", id="no-bound"),
        pytest.param(2.0, 1.0, r"lower must not exceed upper, got 2.0 and 1.0; swap", id="swapped"),
        pytest.param(math.nan, 1.0, "lower must be finite, got nan; use None", id="nan"),
        pytest.param(1.0, math.inf, "upper must be finite, got inf; use None", id="inf"),
    ],
)
def test_an_impossible_interval_is_refused(lower, upper, message):
    with pytest.raises(ReadingError, match=f"interval: {message}"):
        Interval(lower, upper)


def test_an_interval_knows_its_kind():
    assert Interval(2, 2).is_exact
    assert not Interval(2, 3).is_exact
    assert not Interval(2, 3).is_open
    assert Interval(None, 3).is_open
    assert not Interval(None, 3).is_exact
    assert Interval(2, None).bounds == (2.0,)


def test_the_midpoint_is_geometric_on_a_log_scale_and_arithmetic_on_a_linear_one():
    assert Interval(1e-4, 1e-2).midpoint("log10") == pytest.approx(1e-3)
    assert Interval(10, 20).midpoint("linear") == 15
    assert Interval(0.1, 0.1).midpoint("log10") == 0.1


@given(POSITIVE, POSITIVE, st.sampled_from(["linear", "log10"]))
def test_the_midpoint_lies_inside(one, other, scale):
    low, high = sorted((one, other))
    assert low <= Interval(low, high).midpoint(scale) <= high


@pytest.mark.parametrize(
    ("interval", "message"),
    [
        pytest.param(Interval(None, 1e-10), "needs two bounds, got <1e-10", id="open"),
        pytest.param(Interval(0, 1), "on a log scale needs bounds above zero", id="zero"),
    ],
)
def test_there_is_no_midpoint_of_an_open_interval(interval, message):
    with pytest.raises(ReadingError, match=message):
        interval.midpoint("log10")


def test_scale_error_is_the_slope_of_the_logarithm():
    value, se = 2.7e-4, 1e-8
    slope = (math.log10(value + se) - math.log10(value - se)) / 2
    assert scale_error(value, se, "ionic_conductivity") == pytest.approx(slope, rel=1e-6)
    assert scale_error(20.9, 0.23, "youngs_modulus") == 0.23


@pytest.mark.parametrize("missing", [None, math.nan])
def test_a_missing_se_is_the_catalogues_default(missing):
    expected = CATALOGUE["ionic_conductivity"].default_se
    assert scale_error(2.7e-4, missing, "ionic_conductivity") == expected


@pytest.mark.parametrize(
    ("value", "se", "message"),
    [
        pytest.param(1e-4, 0.0, "se must be above zero and finite, got 0; leave it", id="se"),
        pytest.param(0.0, 1e-5, "value must be above zero and finite, got 0", id="value"),
    ],
)
def test_scale_error_needs_positive_numbers(value, se, message):
    with pytest.raises(ReadingError, match=f"ionic conductivity: {message}"):
        scale_error(value, se, "ionic_conductivity")


def test_standard_error_is_sd_over_root_n():
    assert standard_error(sd=0.7, n=9) == pytest.approx(0.7 / 3)
    assert standard_error(se=0.2) == 0.2
    assert standard_error(se=0.2, n=9) == 0.2
    assert standard_error(n=9) is None
    assert standard_error() is None


@pytest.mark.parametrize(
    ("given_errors", "message"),
    [
        pytest.param({"sd": 0.7}, "an sd needs n, got sd 0.7 alone; give the number", id="no-n"),
        pytest.param(
            {"sd": 0.7, "n": 9, "se": 0.2},
            r"give sd with n, or se, got both \(sd 0.7, se 0.2\); drop one", id="both",
        ),
        pytest.param({"sd": 0.7, "n": 0}, "n must be at least 1, got 0; count", id="n-zero"),
        pytest.param({"sd": -0.7, "n": 9}, "sd must be above zero and finite, got -0.7", id="sd"),
        pytest.param({"se": 0.0}, "se must be above zero and finite, got 0; leave it", id="se"),
    ],
)  # fmt: skip
def test_an_impossible_standard_error_is_refused(given_errors, message):
    with pytest.raises(ReadingError, match=f"error of the value: {message}"):
        standard_error(**given_errors)


def test_a_reading_is_a_value_with_conditions():
    reading = Reading(
        "C1", "critical_current_density", Interval(2.3, 2.35), temperature_c=60.0,
        protocol=CcdProtocol(),
    )  # fmt: skip
    assert (reading.n, reading.se, reading.method, reading.note) == (1, None, "", "")
    assert reading.scale_se() == CATALOGUE["critical_current_density"].default_se


def test_the_error_of_an_open_reading_is_taken_at_its_bound():
    reading = Reading("P1", "electronic_conductivity", Interval(None, 1e-10), se=1e-11)
    assert reading.scale_se() == pytest.approx(0.1 / math.log(10))


@pytest.mark.parametrize(
    ("change", "message"),
    [
        pytest.param({"property": "colour"}, "property must be one of", id="property"),
        pytest.param({"specimen": " "}, "a reading needs a specimen, got ' '; give", id="specimen"),
        pytest.param({"se": 0.0}, "ionic conductivity of P1: se must be above zero", id="se-zero"),
        pytest.param({"se": math.nan}, "se must be above zero and finite, got nan", id="se-nan"),
        pytest.param({"n": 0}, "of P1: n must be at least 1, got 0; count", id="n"),
        pytest.param(
            {"temperature_c": 333.0},
            "temperature must lie between -20 and 120 °C, got 333; give degrees Celsius",
            id="kelvin",
        ),
        pytest.param({"temperature_c": math.nan}, "temperature must lie between", id="nan-celsius"),
        pytest.param({"interval": Interval(-3.5, -3.5)}, r"did you enter log10\?", id="log10"),
        pytest.param(
            {"protocol": CcdProtocol()}, "only a critical current density has a CCD protocol",
            id="protocol",
        ),
    ],
)  # fmt: skip
def test_an_impossible_reading_is_refused(change, message):
    fields = {
        "specimen": "P1",
        "property": "ionic_conductivity",
        "interval": Interval(2.7e-4, 2.7e-4),
    }
    with pytest.raises(ReadingError, match=message):
        Reading(**fields | change)


def test_protocols_are_comparable_whatever_their_end():
    assert CcdProtocol().comparable_with(CcdProtocol(end_ma_cm2=6.0))


@pytest.mark.parametrize(
    ("change", "difference"),
    [
        ({"start_ma_cm2": 0.1}, "start 0.05 vs 0.1 mA/cm2"),
        ({"step_ma_cm2": 0.1}, "step 0.05 vs 0.1 mA/cm2"),
        ({"half_cycle_h": 1.0}, "half cycle 0.5 vs 1 h"),
        ({"stack_pressure_mpa": 5.0}, "stack pressure 7 vs 5 MPa"),
    ],
)
def test_protocols_say_what_keeps_them_apart(change, difference):
    assert CcdProtocol().differences(CcdProtocol(**change)) == (difference,)
    assert not CcdProtocol().comparable_with(CcdProtocol(**change))


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"step_ma_cm2": 0.0}, "step_ma_cm2 must be above zero and finite, got 0; copy it from"),
        ({"half_cycle_h": math.nan}, "half_cycle_h must be above zero and finite, got nan"),
        ({"end_ma_cm2": 0.01}, "end_ma_cm2 must not be below start_ma_cm2, got 0.01 and 0.05"),
        ({"stack_pressure_mpa": 101.0}, "must lie between 0 and 100 MPa, got 101; give MPa"),
    ],
)
def test_an_impossible_protocol_is_refused(change, message):
    with pytest.raises(ReadingError, match=f"CCD protocol: .*{message}"):
        CcdProtocol(**change)
