"""What a recipe or a cell would be, before anybody makes it."""

import numpy as np
import pandas as pd
import pytest

from experiments.campaign import Campaign
from experiments.config import CampaignConfig, MlflowConfig
from experiments.report_recipes import usual_cell, usual_recipe
from experiments.what_if import (
    asr_budget,
    impossible,
    predict_recipes,
    what_if_cell,
    what_if_glass,
)
from features.errors import InputError
from features.trilayer import layer_thickness_um, series_asr
from models.property_gp import PropertyGP

CORE_S_CM, SKIN_S_CM = 2.7e-4, 8.2e-5
DENSITY, CONTACT_OHM_CM2 = 0.95, 12.0


class Constant:
    """Surrogates of layers that are known exactly."""

    def __init__(self, property_id):
        self.property_id = property_id

    def sample(self, states, n, rng):
        """The same value in every draw; the conductivity follows x."""
        value = {
            "relative_density": np.full(len(states), DENSITY),
            "charge_transfer_resistance": np.full(len(states), CONTACT_OHM_CM2),
            "youngs_modulus": np.full(len(states), 20.0),
            "electronic_conductivity": np.full(len(states), 1e-9),
            "ionic_conductivity": np.where(states["x"] < 0.4, CORE_S_CM, SKIN_S_CM),
        }[self.property_id]
        return np.tile(value, (n, 1))


class Layers:
    """A campaign's knowledge, reduced to its layers."""

    def __init__(self, layers):
        self.layers = layers


@pytest.fixture(scope="module")
def campaign(tmp_path_factory):
    config = CampaignConfig(name="c", mlflow=MlflowConfig(track=False))
    with Campaign.create(tmp_path_factory.mktemp("if") / "c", config, pictures=False) as made:
        yield made


def cell_of(campaign, **more):
    pressed = campaign.config.cells.precompaction_pressure_mpa
    return pd.DataFrame(
        [{**usual_cell(campaign.config), "precompaction_pressure_mpa": pressed, **more}],
        index=["asked"],
    )


def test_parts_of_constant_layers_sum_to_the_resistance_of_the_cell(campaign):
    known = Layers({name: Constant(name) for name in campaign.knowledge().layers})
    budget = asr_budget(known, cell_of(campaign))["budget"]
    expected = series_asr(
        layer_thickness_um(150.0, 0.15, DENSITY), CORE_S_CM,
        layer_thickness_um(25.0, 0.6, DENSITY), SKIN_S_CM, CONTACT_OHM_CM2,
    )  # fmt: skip
    assert sum(part["median"] for part in budget) == pytest.approx(float(expected))
    assert [part["lower"] for part in budget] == pytest.approx([p["upper"] for p in budget])
    assert budget[2]["median"] == pytest.approx(2 * CONTACT_OHM_CM2)


def test_shares_of_uncertain_layers_sum_to_about_one(campaign):
    found = what_if_cell(campaign.knowledge(), campaign.config, {})
    assert [part["part"] for part in found["budget"]] == [
        "core", "both skins", "both sodium contacts",
    ]  # fmt: skip
    assert sum(part["share"] for part in found["budget"]) == pytest.approx(1.0, abs=0.1)
    assert all(part["lower"] < part["median"] < part["upper"] for part in found["budget"])


def test_a_thicker_skin_resists_more_and_the_core_as_before(campaign):
    thin, thick = (
        what_if_cell(campaign.knowledge(), campaign.config, {"skin_mass_mg": mass})["budget"]
        for mass in (20.0, 40.0)
    )
    assert thick[1]["median"] == pytest.approx(2 * thin[1]["median"])
    assert thick[0] | {"share": 0} == thin[0] | {"share": 0}


def test_a_slider_moved_back_gives_the_same_numbers(campaign):
    knowledge, config = campaign.knowledge(), campaign.config
    first = what_if_cell(knowledge, config, {"core_x": 0.1})
    what_if_cell(knowledge, config, {"core_x": 0.2})
    assert what_if_cell(knowledge, config, {"core_x": 0.1}) == first


def test_a_glass_is_predicted_as_the_surrogates_do(campaign):
    knowledge, usual = campaign.knowledge(), usual_recipe(campaign.config)
    found = what_if_glass(knowledge, campaign.config, usual)
    model = knowledge.layers["youngs_modulus"]
    assert isinstance(model, PropertyGP)
    expected = model.predict(pd.DataFrame([usual]))
    for key in ("mean", "lower", "upper", "reading_lower", "reading_upper"):
        assert found["predictions"]["youngs_modulus"][key] == pytest.approx(expected[key].iloc[0])
    assert 0 <= found["success"]["lower"] <= found["success"]["probability"] <= 1


def test_masses_to_weigh_make_the_batch(campaign):
    found = what_if_glass(campaign.knowledge(), campaign.config, usual_recipe(campaign.config))
    batch_mg = 1000 * campaign.config.glasses.batch_mass_g
    assert sum(found["masses_mg"].values()) == pytest.approx(batch_mg, abs=0.2)
    assert found["batch_mass_g"] == campaign.config.glasses.batch_mass_g


def test_several_recipes_are_each_predicted_as_alone(campaign):
    usual = usual_recipe(campaign.config)
    recipes = [usual, {**usual, "x": 0.5}]
    together = predict_recipes(campaign.knowledge(), campaign.config, recipes)
    alone = [what_if_glass(campaign.knowledge(), campaign.config, one) for one in recipes]
    assert [one["recipe"]["x"] for one in together] == [0.15, 0.5]
    for both, one in zip(together, alone, strict=True):
        for name, part in one["predictions"].items():
            assert both["predictions"][name]["mean"] == pytest.approx(part["mean"])


def test_every_value_that_cannot_be_is_named(campaign):
    recipe = {
        "x": 3.0, "milling_time_h": 500.0, "milling_media": "wood", "milling_speed_rpm": 5000.0,
        "pressing_pressure_mpa": 600.0,
    }  # fmt: skip
    problems = impossible(campaign.config, recipe)
    assert {one.column: one.said for one in problems}.keys() == recipe.keys()
    with pytest.raises(InputError, match="600 MPa is above the die's rating of 500 MPa") as error:
        what_if_glass(campaign.knowledge(), campaign.config, recipe)
    assert len(error.value.problems) == len(recipe)


def test_every_row_with_a_value_that_cannot_be_is_named(campaign):
    usual = usual_recipe(campaign.config)
    recipes = [{**usual, "x": -1.0}, usual, {**usual, "milling_media": "wood"}]
    with pytest.raises(InputError, match="recipe 1, x: must lie between 0 and") as error:
        predict_recipes(campaign.knowledge(), campaign.config, recipes)
    assert [(one.row, one.column) for one in error.value.problems] == [
        (1, "x"), (3, "milling_media"),
    ]  # fmt: skip


def test_an_unusual_glass_is_warned_of_and_still_predicted(campaign):
    recipe = {
        **usual_recipe(campaign.config), "milling_time_h": 45.0, "milling_media": "alumina",
    }  # fmt: skip
    found = what_if_glass(campaign.knowledge(), campaign.config, recipe)
    assert found["warnings"][0].startswith("milling_time_h: milling time: 45 h is above the usual")
    assert found["warnings"][1] == "no jar of this medium is owned, says campaign.yaml"
    assert found["predictions"]


def test_rules_a_cell_breaks_are_named(campaign):
    found = what_if_cell(campaign.knowledge(), campaign.config, {"skin_x": 0.05})
    assert any("skin_x must be at least 0.3 against sodium" in one for one in found["broken_rules"])
    assert what_if_cell(campaign.knowledge(), campaign.config, {})["broken_rules"] == []


def test_every_value_of_a_cell_that_cannot_be_is_named(campaign):
    cell = {"core_x": 3.0, "skin_x": -1.0, "core_mass_mg": -5.0, "pressing_pressure_mpa": 600.0}
    with pytest.raises(InputError, match=r"core_x: must lie between 0 and 2\.5, got 3") as error:
        what_if_cell(campaign.knowledge(), campaign.config, cell)
    assert {one.column for one in error.value.problems} == cell.keys()
