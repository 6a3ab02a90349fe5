"""Hypervolume of what was made: it grows with a dominating reading and comes out the same twice."""

import shutil

import pytest

from experiments.campaign import Campaign
from experiments.config import CampaignConfig, ObjectiveConfig
from experiments.ledger_rows import CellRow, ReadingRow
from experiments.progress import flat_hypervolumes, hypervolumes, objectives_of

GOOD = {"ionic_conductivity": 1e-3, "youngs_modulus": 25.0, "electronic_conductivity": 1e-11}
POOR = {"ionic_conductivity": 1e-5, "youngs_modulus": 15.0, "electronic_conductivity": 1e-8}


@pytest.fixture(scope="module")
def measured(tmp_path_factory, add_glass):
    """A campaign in which one glass was measured in full."""
    folder = tmp_path_factory.mktemp("progress") / "measured"
    with Campaign.create(folder) as campaign:
        add_glass(campaign.ledger, "A", x=0.3, **POOR)
    return folder


@pytest.fixture
def campaign(measured, tmp_path):
    with Campaign.open(shutil.copytree(measured, tmp_path / "copy")) as opened:
        yield opened


def volumes(campaign):
    return hypervolumes(campaign.knowledge(), campaign.config)


def test_the_same_ledger_gives_the_same_hypervolume(campaign):
    assert volumes(campaign) == volumes(campaign)


def test_a_dominating_glass_raises_the_hypervolume(campaign, add_glass):
    before = volumes(campaign)["glasses"]
    add_glass(campaign.ledger, "B", x=0.45, **GOOD)
    after = volumes(campaign)["glasses"]
    assert after["value"] > before["value"] + 0.05
    assert after["lower"] > before["lower"]


def test_a_dominated_glass_adds_next_to_nothing(campaign, add_glass):
    add_glass(campaign.ledger, "B", x=0.45, **GOOD)
    before = volumes(campaign)["glasses"]["value"]
    worse = {"ionic_conductivity": 2e-6, "youngs_modulus": 11.0, "electronic_conductivity": 9e-8}
    add_glass(campaign.ledger, "C", x=0.05, milling_media="agate", **worse)
    assert volumes(campaign)["glasses"]["value"] < before + 0.05


def test_a_dominating_cell_raises_the_hypervolume_of_the_cells(campaign, add_glass):
    before = volumes(campaign)
    add_glass(campaign.ledger, "B", x=0.15, ionic_conductivity=1e-3)
    middle = volumes(campaign)
    with campaign.ledger.transaction() as tx:
        tx.add_cell(
            CellRow(
                id="K",
                core="B",
                skin="B",
                core_mass_mg=150.0,
                skin_mass_mg=25.0,
                precompaction_pressure_mpa=75.0,
                pressing_pressure_mpa=450.0,
                stack_pressure_mpa=7.0,
                temperature_c=60.0,
            )
        )
        tx.add_reading(
            ReadingRow(
                specimen="K",
                property="critical_current_density",
                lower=5.0,
                upper=5.0,
                temperature_c=60.0,
            )
        )
    after = volumes(campaign)
    assert after["cells"]["value"] > middle["cells"]["value"]
    assert before["cells"]["value"] > 0  # the paper's cell


def test_bounds_enclose_the_value(campaign):
    for part in volumes(campaign).values():
        assert 0 <= part["lower"] <= part["value"] <= part["upper"]


def test_with_nothing_made_there_is_no_hypervolume(tmp_path):
    with Campaign.create(tmp_path / "empty", empty=True) as empty:
        found = volumes(empty)
    nothing = {"value": 0.0, "lower": 0.0, "upper": 0.0}
    assert found == {"glasses": nothing, "cells": nothing}


def test_metrics_are_flat():
    parts = {"value": 0.2, "lower": 0.1, "upper": 0.3}
    assert flat_hypervolumes({"glasses": parts}) == {
        "hypervolume_glasses": 0.2,
        "hypervolume_glasses_lower": 0.1,
        "hypervolume_glasses_upper": 0.3,
    }


def test_objectives_take_what_is_not_said_from_the_catalogue():
    (objective,) = objectives_of({"youngs_modulus": ObjectiveConfig(direction="maximize")})
    assert (objective.reference, objective.best, objective.scale) == (10.0, 30.0, "linear")


def test_a_soft_glass_wanted_has_no_plausible_best_of_the_catalogue():
    wanted = {"youngs_modulus": ObjectiveConfig(direction="minimize", reference=30.0)}
    (objective,) = objectives_of(wanted)
    assert objective.best is None
    assert objective.direction == "minimize"


def test_one_objective_alone_has_a_hypervolume_too(campaign):
    config = CampaignConfig.model_validate(
        {
            "name": "t",
            "glasses": {
                "objectives": {"ionic_conductivity": {"direction": "maximize", "reference": 1e-6}}
            },
        }
    )
    assert hypervolumes(campaign.knowledge(), config)["glasses"]["value"] > 0
