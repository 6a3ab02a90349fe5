"""A cell needs two sound jars, two sound layers and a sound assembly."""

import json

import numpy as np
import pandas as pd
import pytest

from features.errors import TableError
from models.batch_success import Feasibility, success_table
from models.feasibility import FeasibilitySurrogate

GLASS = {"x": 0.3, "milling_time_h": 3.0, "milling_media": "zirconia", "milling_speed_rpm": 500.0}
NOTHING = pd.Series(dtype=object)


@pytest.fixture
def recipes():
    return pd.DataFrame({**GLASS, "pressing_pressure_mpa": 450.0}, index=["G1"])


@pytest.fixture
def cell():
    sides = {f"{side}_{name}": value for side in ("core", "skin") for name, value in GLASS.items()}
    numbers = {"core_mass_mg": 150.0, "skin_mass_mg": 25.0, "pressing_pressure_mpa": 450.0}
    return pd.DataFrame(
        {**sides, **numbers, "stack_pressure_mpa": 7.0, "core": "G1", "skin": "G2"}, index=["C1"]
    )


@pytest.fixture
def prior(recipes, cell):
    return Feasibility(
        jar=FeasibilitySurrogate("jar").fit(recipes, NOTHING),
        pellet=FeasibilitySurrogate("pellet").fit(recipes, NOTHING),
        cell=FeasibilitySurrogate("cell").fit(cell, NOTHING),
    )


def chance(table):
    return float(table["probability"].iloc[0])


def test_a_cell_is_less_likely_to_succeed_than_either_of_its_glasses(prior, recipes, cell):
    assert chance(prior.cell_success(cell)) < chance(prior.glass_success(recipes)) < 0.9


def test_jars_that_are_sound_already_need_not_succeed_again(prior, cell):
    none, one, both = (
        chance(prior.cell_success(cell, sound=sound)) for sound in ([], ["G2"], ["G1", "G2"])
    )
    assert none < one < both
    pressed = prior.pellet.sample(
        pd.DataFrame({**GLASS, "pressing_pressure_mpa": 450.0}, index=["a"]),
        20_000,
        np.random.default_rng(1),
    )
    # Both layers are of one recipe: what is not known of it counts twice.
    assert both == pytest.approx(float((pressed**2).mean()) * 0.95, abs=0.01)


def test_one_jar_for_core_and_skins_must_succeed_once(prior, cell):
    assert chance(prior.cell_success(cell.assign(skin="G1"))) == pytest.approx(
        chance(prior.cell_success(cell, sound=["G2"]))
    )


def test_jars_without_labels_are_two(prior, cell):
    unlabelled = cell.drop(columns=["core", "skin"])
    pd.testing.assert_frame_equal(prior.cell_success(unlabelled), prior.cell_success(cell))


def test_the_weakest_level_is_named(prior, recipes, cell):
    assert prior.glass_success(recipes)["weakest"].tolist() == ["jar"]
    assert prior.cell_success(cell, sound=["G1", "G2"])["weakest"].isin(["pellet", "cell"]).all()


def test_the_range_holds_the_probability():
    draws = np.concatenate([np.zeros((1, 1)), np.ones((999, 1))])
    table = success_table({"jar": draws}, pd.Index(["G1"]))
    assert table.loc["G1", "lower"] <= table.loc["G1", "probability"] == pytest.approx(0.999)


def test_it_survives_json(prior, recipes, cell):
    again = Feasibility.from_dict(json.loads(json.dumps(prior.to_dict())))
    pd.testing.assert_frame_equal(again.glass_success(recipes), prior.glass_success(recipes))
    pd.testing.assert_frame_equal(again.cell_success(cell), prior.cell_success(cell))
    assert again.in_words()["cell"] == "no cell tried yet: the prior decides"


def test_a_surrogate_in_the_wrong_place_is_refused(prior):
    with pytest.raises(
        TableError, match="jar must be a surrogate of that level, got one of a cell"
    ):
        Feasibility(jar=prior.cell, pellet=prior.pellet, cell=prior.cell)
