"""Surprising readings are named, each with the slips that would explain it and no others."""

import json
from math import nan

import numpy as np
import pandas as pd
import pytest

from experiments.frozen_model import FrozenModel
from experiments.judged import Judged
from experiments.scoring import score
from experiments.surprises import SURPRISING_Z, as_plain, bare_surprises, surprises_of
from features.properties import property_of
from models.property_gp import PropertyGP

SIGMA, MODULUS, CURRENT = "ionic_conductivity", "youngs_modulus", "critical_current_density"
LEAKAGE, DENSITY, CONTACT = (
    "electronic_conductivity", "relative_density", "charge_transfer_resistance",
)  # fmt: skip
ALONE = "no single slip explains it: repeat the measurement on a second pellet"


def said(name, mean, sd):
    entry = property_of(name)
    centre = float(entry.to_scale(mean))
    ends = [float(entry.from_scale(centre + side * 1.645 * sd)) for side in (-1, 1)]
    return {"mean": mean, "reading_sd": sd, "reading_lower": ends[0], "reading_upper": ends[1]}


def judged(specimen, name, value, mean, sd, **more):
    """A reading (a number, or a pair of bounds) of a specimen that was predicted so."""
    low, high = value if isinstance(value, tuple) else (value, value)
    reading = {"specimen": specimen, "property": name, "lower": low, "upper": high, "se": nan}
    reading |= {"protocol": None, **more}
    prediction = said(name, mean, sd)
    return Judged(reading=reading, prediction=prediction, score=score(reading, prediction))


class Elsewhere:
    """A frozen model that predicts the same whatever is changed, but for what it is told."""

    temperature_c, die_diameter_mm = 60.0, 13.0

    def __init__(self, one, recipe=None, **answers):
        self._same, self._recipe, self._answers = one.prediction, recipe or {}, answers

    def made(self, specimen):
        return self._recipe

    def had_it_been(self, specimen, property_id, changes):
        return [
            next(
                (
                    said(property_id, mean, self._same["reading_sd"])
                    for key, (wanted, mean) in self._answers.items()
                    if change.get(key) == wanted
                ),
                self._same,
            )
            for change in changes
        ]


def causes(*rows, model=None, clusters=None):
    (first, *_) = surprises_of(rows, model or Elsewhere(rows[0]), clusters or {})
    return first.causes


@pytest.mark.parametrize(
    ("name", "value", "mean", "sd", "shown"),
    [
        pytest.param(SIGMA, 2.7e-7, 2.5e-4, 0.1, ["2.7e-4 S/cm", "mS/cm and S/cm"], id="mS/cm"),
        pytest.param(SIGMA, 2.7e-2, 2.5e-4, 0.1, ["2.7e-4 S/cm", "S/m and S/cm"], id="S/m"),
        pytest.param(SIGMA, 2.7e-5, 2.5e-4, 0.1, ["2.7e-4 S/cm", "decimal point"], id="tenfold"),
        pytest.param(MODULUS, 2.0, 20.0, 1.0, ["20.0 GPa", "decimal point"], id="lost-digit"),
        pytest.param(CURRENT, 1.33, 1.0, 0.04, ["1.0 mA/cm²", "not per cm2 (die: 1.33"],
                     id="current-of-the-cell"),
        pytest.param(CURRENT, 10.0, 1.0, 0.1, ["1.0 mA/cm²", "A/m2 and mA/cm2"], id="A/m2"),
        pytest.param(CONTACT, 0.04, 40.0, 0.1, ["40 ohm cm²", "kohm cm2 and ohm cm2"], id="kohm"),
    ],
)  # fmt: skip
def test_a_slip_of_the_unit_is_tried_out(name, value, mean, sd, shown):
    (cause,) = causes(judged("R01-G1-P1", name, value, mean, sd))
    assert cause.startswith("unit: ")
    assert all(part in cause for part in shown)


def test_a_reading_no_slip_explains_is_to_be_repeated():
    assert causes(judged("R01-G1-P1", SIGMA, 2.5e-6, 1e-4, 0.05)) == (ALONE,)
    (cause,) = causes(judged("R01-C1", CURRENT, 0.02, 1.0, 0.05))
    assert cause == ALONE.replace("pellet", "cell")


@pytest.mark.parametrize(
    ("wanted", "note"), [(25.0, "25 °C (room temperature)"), (90.0, "90 °C")], ids=["room", "hot"]
)
def test_another_temperature_is_tried_out(wanted, note):
    one = judged("R01-G1-P1", SIGMA, 4e-5, 2.5e-4, 0.1)
    (cause,) = causes(one, model=Elsewhere(one, temperature_c=(wanted, 4.1e-5)))
    assert cause == f"temperature: it would fit {note} instead of 60 °C (z -0.1)"


def test_the_temperature_follows_from_the_activation_energy_learned():
    recipes = pd.DataFrame(
        {
            "x": [0.1, 0.2, 0.3], "milling_time_h": 3.0, "milling_media": "stainless_steel",
            "milling_speed_rpm": 500.0, "pressing_pressure_mpa": 450.0, "jar": ["A", "B", "C"],
        },
        index=["A-P", "B-P", "C-P"],
    )  # fmt: skip
    sweep = pd.DataFrame(
        [
            {"specimen": name, "property": SIGMA, "temperature_c": t, "se": nan,
             "lower": (value := 2e-4 * 10 ** (-(t != 60) * 0.83)), "upper": value}
            for name in recipes.index
            for t in (25.0, 60.0)
        ]
    )  # fmt: skip
    layer = PropertyGP(SIGMA, {}, 60.0).fit(recipes, sweep)
    model = FrozenModel(
        layers={SIGMA: layer}, trilayer=None, cells=pd.DataFrame(), pellets=recipes,
        temperature_c=60.0, die_diameter_mm=13.0,
    )  # fmt: skip
    prediction = layer.predict(recipes).iloc[1].to_dict()
    reading = {"specimen": "B-P", "property": SIGMA, "lower": 3e-5, "upper": 3e-5, "se": nan}
    one = Judged(reading=reading, prediction=prediction, score=score(reading, prediction))
    found = causes(one, model=model)
    assert [cause for cause in found if cause.startswith("temperature: it would fit 25 °C")]
    elsewhere = model.had_it_been("B-P", SIGMA, [{}, {"temperature_c": 25.0}])
    assert elsewhere[0]["mean"] == pytest.approx(prediction["mean"])
    assert np.log10(elsewhere[0]["mean"] / elsewhere[1]["mean"]) == pytest.approx(0.83, abs=0.1)


def test_a_modulus_knows_no_temperature():
    one = judged("R01-G1-P1", MODULUS, 13.0, 20.0, 1.0)
    assert causes(one, model=Elsewhere(one, temperature_c=(25.0, 13.0))) == (ALONE,)


def test_half_the_pressure_is_tried_out():
    one = judged("R01-G1-P1", MODULUS, 15.0, 20.0, 1.0)
    recipe = {"pressing_pressure_mpa": 450.0}
    model = Elsewhere(one, recipe, pressing_pressure_mpa=(225.0, 15.5))
    (cause,) = causes(one, model=model)
    assert cause == "pressing pressure: it would fit 225 MPa instead of 450 MPa (z -0.5)"
    beyond_any_die = Elsewhere(one, recipe, pressing_pressure_mpa=(900.0, 15.5))
    assert causes(one, model=beyond_any_die) == (ALONE,)


def test_a_prediction_that_is_merely_wider_explains_nothing():
    one = judged("R01-G1-P1", MODULUS, 15.0, 20.0, 1.0)
    assert one.z_explained(said(MODULUS, 20.0, 10.0)) is None
    assert one.z_explained(said(MODULUS, 16.0, 1.0)) == pytest.approx(-1.0)


def test_a_jar_whose_other_readings_are_as_bad_is_named():
    rows = [
        judged("R01-G1-P1", SIGMA, 5e-5, 1e-4, 0.1),  # z -3.0
        judged("R01-G1-P1", DENSITY, 0.75, 0.85, 0.04),  # z -2.5
        judged("R01-G1-P1", CONTACT, 90.0, 50.0, 0.1),  # z +2.6: worse is higher
        judged("R01-G2-P1", MODULUS, 20.0, 20.0, 1.0),
    ]
    jars = {"R01-G1-P1": "R01-G1", "R01-G2-P1": "R01-G2"}
    (cause,) = causes(*rows, clusters=jars)
    assert cause == (
        "batch: other readings of R01-G1 are worse than predicted too (relative density z -2.5, "
        "charge transfer resistance z +2.6): failed reaction, leak or low density?"
    )
    better = [rows[0], judged("R01-G1-P1", DENSITY, 0.95, 0.85, 0.04), *rows[2:]]
    assert causes(*better, clusters=jars) == (ALONE,)
    elsewhere = {"R01-G1-P1": "R01-G2", "R01-G2-P1": "R01-G2"}
    assert causes(rows[0], *rows[3:], clusters=elsewhere) == (ALONE,)


def test_two_specimens_that_were_swapped_are_named():
    rows = [
        judged("R01-G1-P1", MODULUS, 15.2, 20.0, 1.0),
        judged("R01-G2-P1", MODULUS, 20.1, 15.0, 1.0),
        judged("R01-G3-P1", MODULUS, 15.0, 15.0, 1.0),
    ]
    (cause,) = causes(*rows)
    assert cause in {
        "swapped: R01-G1-P1 and R01-G2-P1 would both fit with their readings exchanged "
        "(z +0.2 and +0.1)",
        "swapped: R01-G2-P1 and R01-G1-P1 would both fit with their readings exchanged "
        "(z +0.1 and +0.2)",
    }


def test_a_leakage_at_the_floor_is_a_bound():
    found = causes(judged("R01-G1-P1", LEAKAGE, 3e-9, 8e-11, 0.4))
    assert "floor: if the instrument reads no lower than this, enter <3.0e-9 S/cm" in found
    low = causes(judged("R01-G1-P1", LEAKAGE, 2e-12, 8e-11, 0.4))
    assert not [cause for cause in low if cause.startswith("floor")]


def test_a_current_at_the_end_of_the_programme_is_a_bound():
    protocol = json.dumps({"end_ma_cm2": 3.0})
    reached = judged("R01-C1", CURRENT, 3.0, 6.2, 0.1, protocol=protocol)
    (cause,) = causes(reached)
    assert cause == "end of the programme: if the cell had not failed there, enter >3.0 mA/cm²"
    before = judged("R01-C1", CURRENT, 2.9, 6.2, 0.1, protocol=protocol)
    assert causes(before) == (ALONE.replace("pellet", "cell"),)


@pytest.mark.parametrize(
    ("bounds", "z", "text"),
    [
        pytest.param((nan, 1e-5), -10.0, "<1.0e-5", id="below"),
        pytest.param((1e-3, nan), 10.0, ">1.0e-3", id="above"),
        pytest.param((1e-3, 4e-3), 10.0, "1.0e-3..4.0e-3", id="range"),
    ],
)
def test_a_bound_far_from_its_prediction_is_a_surprise(bounds, z, text):
    one = judged("R01-G1-P1", SIGMA, bounds, 1e-4, 0.1)
    (found,) = surprises_of([one], Elsewhere(one), {})
    assert found.z == pytest.approx(z)
    assert found.measured_text == text
    assert f"{text} S/cm measured, 1.0e-4 (6.8e-5..1.5e-4) S/cm predicted" in found.in_words


def test_a_bound_that_holds_its_prediction_is_none():
    assert one_of(judged("R01-G1-P1", SIGMA, (nan, 1e-3), 1e-4, 0.1)) == []


@pytest.mark.parametrize(("z", "n"), [(2.4, 0), (-2.4, 0), (2.6, 1), (-2.6, 1)])
def test_beyond_two_and_a_half_a_reading_is_a_surprise(z, n):
    assert len(one_of(judged("R01-G1-P1", MODULUS, 20.0 + z, 20.0, 1.0))) == n
    assert SURPRISING_Z == 2.5


def one_of(one):
    return list(bare_surprises([one.score]))


def test_surprises_are_plain_data_the_farthest_first():
    rows = [
        judged("R01-G1-P1", MODULUS, 24.0, 20.0, 1.0),
        judged("R01-G2-P1", MODULUS, 13.0, 20.0, 1.0),
    ]
    found = [as_plain(one) for one in surprises_of(rows, Elsewhere(rows[0]), {})]
    assert [one["specimen"] for one in found] == ["R01-G2-P1", "R01-G1-P1"]
    assert json.loads(json.dumps(found)) == found
    assert found[0] | {"causes": []} == {
        "specimen": "R01-G2-P1", "property": MODULUS, "z": -7.0, "predicted": 20.0,
        "predicted_lower": 20 - 1.645, "predicted_upper": 20 + 1.645, "measured": 13.0,
        "measured_text": "13.0", "unit": "GPa", "causes": [],
        "in_words": "R01-G2-P1: Young's modulus 13.0 GPa measured, 20.0 (18.4..21.6) GPa "
        "predicted, z -7.0",
    }  # fmt: skip
