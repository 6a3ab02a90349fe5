"""Units as chemists write them, and what is said to those who write another quantity's."""

import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from threading import Barrier

import pint
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from features import units
from features.errors import ReadingError
from features.properties import CATALOGUE
from features.units import UNIT_EXAMPLES, plain_text, to_catalogue_unit, to_unit

SPELLINGS = {
    "ionic_conductivity": {
        1.0: ["S/cm", "S cm-1", "S·cm⁻¹", "S cm^-1", "S cm−1", "S.cm-1", "S*cm**-1", "[S/cm]"],
        1e-3: ["mS/cm", "mS cm⁻¹", "(mS/cm)"],
        1e-6: ["µS/cm", "\u03bcS/cm", "uS/cm"],
        1e-2: ["S/m", "S m-1", "1/(Ω m)", "Ω⁻¹m⁻¹"],
    },
    "youngs_modulus": {1.0: ["GPa"], 1e-3: ["MPa", "N/mm²"]},
    "critical_current_density": {
        1.0: ["mA/cm2", "mA/cm²", "mA cm-2", "mA/cm^2", "mA/(cm²)", "mA\u00a0cm⁻²"],
        0.1: ["A/m2", "A m⁻²"],
    },
    "area_specific_resistance": {
        1.0: ["ohm cm2", "Ω cm²", "Ω·cm2", "ohm*cm2", "Ωcm²", "\u2126 cm2", "Ohm cm2", "ohm-cm2"],
        1e3: ["kΩ cm²", "kohm cm2"],
    },
    "activation_energy": {1.0: ["kJ/mol", "kJ mol-1"], 96.4853321233: ["eV"], 1e-3: ["J/mol"]},
    "relative_density": {1.0: ["1", "-", "–"], 0.01: ["%", "percent"]},
    "cycling_life": {1.0: ["h"], 1 / 60: ["min"], 24.0: ["d"]},
    "full_cell_capacity": {1.0: ["mAh/g", "mAh g⁻¹", "mA h/g", "Ah/kg"], 1e3: ["Ah/g"]},
    "hardness": {1.0: ["GPa"], 9.80665e-3: ["HV", "kgf/mm2"]},
}


@pytest.mark.parametrize(
    ("property_id", "unit", "factor"),
    [
        pytest.param(property_id, unit, factor, id=f"{property_id}-{unit}")
        for property_id, spellings in SPELLINGS.items()
        for factor, units in spellings.items()
        for unit in units
    ],
)
def test_every_spelling_is_converted(property_id, unit, factor):
    assert to_catalogue_unit(2.5, unit, property_id) == pytest.approx(2.5 * factor, rel=1e-11)


@pytest.mark.parametrize("entry", CATALOGUE.values(), ids=lambda entry: entry.id)
def test_the_catalogues_own_unit_leaves_every_digit_alone(entry):
    value = 0.1 + 0.2
    assert to_catalogue_unit(value, entry.unit, entry.id) == value
    assert entry.unit in UNIT_EXAMPLES[entry.unit]


def test_conversion_leaves_no_binary_dust():
    assert to_catalogue_unit(0.27, "mS/cm", "ionic_conductivity") == 2.7e-4


@pytest.mark.parametrize(
    ("property_id", "unit", "remedy"),
    [
        pytest.param(
            "area_specific_resistance", "Ω",
            r"area specific resistance: the unit must measure the same as ohm cm2, got 'Ω'; "
            "multiply by the electrode area in cm2", id="ohm-for-asr",
        ),
        pytest.param(
            "critical_current_density", "mA",
            r"same as mA/cm2, got 'mA'; divide by the electrode area in cm2", id="mA-for-ccd",
        ),
        pytest.param(
            "ionic_conductivity", "S", "multiply by the thickness and divide by the electrode",
            id="conductance",
        ),
        pytest.param(
            "ionic_conductivity", "ohm cm", "take the reciprocal", id="resistivity"
        ),
        pytest.param(
            "ionic_conductivity", "kΩ", "divide the thickness by the resistance and by",
            id="resistance",
        ),
        pytest.param("full_cell_capacity", "mAh", "divide by the mass of sulfur", id="charge"),
        pytest.param("cycling_life", "cycles", "multiply by the hours of one cycle", id="cycles"),
        pytest.param("relative_density", "g/cm3", "divide by the true density", id="density"),
        pytest.param("activation_energy", "kJ", "give it per mole", id="energy"),
        pytest.param("activation_energy", "K", "write it in kJ/mol or eV", id="no-known-slip"),
        pytest.param("ionic_conductivity", "ms/cm", "got 'ms/cm'; write it in S/cm", id="case"),
    ],
)  # fmt: skip
def test_a_unit_of_another_quantity_is_refused_with_a_remedy(property_id, unit, remedy):
    with pytest.raises(ReadingError, match=remedy):
        to_catalogue_unit(1.0, unit, property_id)


@pytest.mark.parametrize("unit", ["foo", "S//cm", "S/cm/", "cm^", "S cm^12", "mpa", "5"])
def test_an_unknown_unit_is_refused_with_examples(unit):
    with pytest.raises(
        ReadingError,
        match=r"ionic conductivity: unit must be a product of known symbols, got '.*'; "
        r"write for example S/cm, mS/cm",
    ):
        to_catalogue_unit(1.0, unit, "ionic_conductivity")


def test_an_unknown_property_is_refused():
    with pytest.raises(ReadingError, match="property must be one of ionic_conductivity"):
        to_catalogue_unit(1.0, "S/cm", "colour")


@pytest.mark.parametrize("value", [float("nan"), float("inf"), 1e308])
def test_a_value_that_does_not_stay_finite_is_refused(value):
    with pytest.raises(ReadingError, match=r"kohm cm2: must be a finite number; check the value"):
        to_catalogue_unit(value, "kohm cm2", "area_specific_resistance")


@pytest.mark.parametrize(
    ("value", "from_unit", "wanted", "expected"),
    [
        pytest.param(0.6, "mm", "um", 600.0, id="length"),
        pytest.param(25.0, "degC", "K", 298.15, id="celsius-has-an-offset"),
        pytest.param(333.15, "K", "°C", 60.0, id="kelvin"),
        pytest.param(25.0, "C", "degC", 25.0, id="bare-C-is-celsius"),
        pytest.param(4500.0, "bar", "MPa", 450.0, id="pressure"),
        pytest.param(180.0, "min", "h", 3.0, id="time"),
        pytest.param(0.15, "g", "mg", 150.0, id="mass"),
    ],
)
def test_columns_are_converted(value, from_unit, wanted, expected):
    assert to_unit(value, from_unit, wanted) == pytest.approx(expected, rel=1e-12)


@pytest.mark.parametrize(
    ("from_unit", "message"),
    [
        pytest.param("g", r"unit must measure the same as um, got 'g'; write the column", id="dim"),
        pytest.param("foo", r"got 'foo'; write it in um or a multiple", id="unknown"),
        pytest.param("Ym^9", r"unit must measure the same as um", id="power"),
    ],
)
def test_a_column_of_another_quantity_is_refused(from_unit, message):
    with pytest.raises(ReadingError, match=message):
        to_unit(1.0, from_unit, "um")


def test_a_product_with_degrees_celsius_cannot_be_converted():
    with pytest.raises(ReadingError, match="cannot be converted; write it in another unit"):
        to_unit(1.0, "S/cm/°C", "S/cm/K")


def test_plain_text_has_one_kind_of_each_character():
    pasted = "\u202f2.7\u00a0×\u200910⁻⁴ \u2126⁻¹·cm⁻¹\u200b "
    assert plain_text(pasted) == "2.7 * 10^-4 ohm^-1*cm^-1"


@pytest.fixture
def unused(monkeypatch):
    """Units as they are before anybody used one; their registry takes its time to be built."""

    class Slow(pint.UnitRegistry):
        def __init__(self):
            time.sleep(0.2)
            super().__init__()

    monkeypatch.setattr(pint, "UnitRegistry", Slow)
    units._built.cache_clear()
    units._unit.cache_clear()
    yield
    units._built.cache_clear()
    units._unit.cache_clear()


def test_threads_that_convert_first_at_the_same_time_understand_each_other(unused):
    together = Barrier(4)

    def convert(unit):
        together.wait()
        return to_catalogue_unit(1.0, unit, "ionic_conductivity")

    with ThreadPoolExecutor(4) as threads:
        found = list(threads.map(convert, ["S/cm", "mS/cm", "S/m", "S cm-1"]))
    assert found == pytest.approx([1.0, 1e-3, 1e-2, 1.0])
    assert to_catalogue_unit(20.0, "GPa", "youngs_modulus") == 20.0


@settings(max_examples=300, deadline=None)
@given(st.text(), st.sampled_from(sorted(CATALOGUE)))
def test_no_text_whatever_raises_anything_but_a_reading_error(text, property_id):
    with suppress(ReadingError):
        assert isinstance(to_catalogue_unit(1.0, text, property_id), float)


@settings(max_examples=500, deadline=None)
@given(st.text(alphabet="SΩmµkcAhgVePaol°C%12^-/*() .QY", max_size=12))
def test_no_text_made_of_unit_characters_raises_anything_but_a_reading_error(text):
    with suppress(ReadingError):
        assert isinstance(to_unit(1.0, text, text), float)
