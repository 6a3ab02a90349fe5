"""What a review found by using the program; each was wrong once."""

from dataclasses import replace

import pytest

from experiments.campaign import Campaign
from experiments.config import CampaignConfig, CellConfig, GlassConfig
from experiments.knowledge import fit_knowledge
from experiments.ledger_rows import ReadingRow
from experiments.settling import score_round
from features.recipe import GlassRecipe


@pytest.fixture
def folder(tmp_path):
    return tmp_path / "first"


def make_all(campaign, round_id):
    """Every specimen of a round made as asked, with no masses typed."""
    ledger = campaign.ledger
    frames = (ledger.jars(), ledger.pellets(), ledger.cells())
    jars, pellets, cells = ([*f.index[f["round_id"] == round_id]] for f in frames)
    rows = [ledger.jar(n) for n in jars], [ledger.pellet(n) for n in pellets]
    rows_of_cells = [ledger.cell(n) for n in cells]
    with ledger.transaction() as tx:
        for row in rows[0]:
            tx.correct_jar(replace(row, status="made", recovered_mass_mg=1700.0))
        for row in rows[1]:
            tx.correct_pellet(replace(row, status="made"))
        for row in rows_of_cells:
            tx.correct_cell(replace(row, status="made"))


def add_reading(campaign, specimen, name, low, high=None, temperature_c=60.0):
    row = ReadingRow(
        specimen=specimen,
        property=name,
        lower=low,
        upper=low if high is None else high,
        temperature_c=temperature_c,
    )
    with campaign.ledger.transaction() as tx:
        tx.add_reading(row)


def test_two_jars_of_one_recipe_do_not_stop_the_cells(folder):
    glasses = GlassConfig(milling_time_h=3.0)
    with Campaign.create(folder, CampaignConfig(name="first", glasses=glasses)) as campaign:
        for _ in range(2):  # the control is made twice alike
            round_ = campaign.propose()
            make_all(campaign, round_["round"])
        jars = campaign.ledger.jars()
        assert jars.duplicated(["x", "milling_time_h", "milling_media"]).any()
        assert len(campaign.propose()["trilayers"]) == 2


def test_low_critical_currents_are_learned_from_as_high_ones_are(folder):
    with Campaign.create(folder) as campaign:
        campaign.propose()
        make_all(campaign, "R01")
        before = campaign.knowledge()
        for cell in ("R01-C1", "R01-C2"):
            add_reading(campaign, cell, "critical_current_density", 0.40, 0.45)
        after = campaign.knowledge()
        assert after.trilayer.n_readings == before.trilayer.n_readings + 2
        asked = after.cells.loc[["R01-C2"]]
        name = "critical_current_density"
        low = after.predict_cells(asked)[name]["mean"].item()
        assert low < 0.7 * before.predict_cells(asked)[name]["mean"].item()


def test_readings_of_a_jar_found_failed_later_leave_the_fit_and_the_scores(folder):
    with Campaign.create(folder) as campaign:
        campaign.propose()
        make_all(campaign, "R01")
        add_reading(campaign, "R01-G1-P1", "ionic_conductivity", 2.7e-4)
        add_reading(campaign, "R01-C1", "critical_current_density", 2.3, 2.35)
        assert len(score_round(campaign.ledger, "R01")) == 2
        jar = campaign.ledger.jar("R01-G1")
        with campaign.ledger.transaction() as tx:
            tx.correct_jar(replace(jar, status="failed", reason="crystallised"))
        knowledge = campaign.knowledge()
        assert "R01-G1-P1" not in set(knowledge.fitted["specimen"])
        assert "R01-C1" not in set(knowledge.fitted["specimen"])
        waiting = knowledge.waiting.set_index("specimen")["why_not"]
        assert waiting["R01-G1-P1"] == "the specimen, or a jar of it, failed"
        assert score_round(campaign.ledger, "R01") == []


def test_a_round_is_scored_at_the_temperature_it_was_proposed_for(folder):
    with Campaign.create(folder) as campaign:
        campaign.propose()
        make_all(campaign, "R01")
        add_reading(campaign, "R01-G1-P1", "ionic_conductivity", 4.65e-5, temperature_c=25.0)
        campaign.config = campaign.config.model_copy(
            update={"cells": CellConfig(temperature_c=25.0)}
        )
        assert score_round(campaign.ledger, "R01") == []
        assert "R01-G1-P1" in set(
            fit_knowledge(campaign.ledger, campaign.config).fitted["specimen"]
        )


@pytest.mark.filterwarnings("ignore")
def test_a_store_that_lost_its_runs_is_rebuilt_with_the_frozen_predictions(
    folder, tmp_path, monkeypatch
):
    from mlflow import MlflowClient

    with Campaign.create(folder) as campaign:
        first = campaign.propose()["mlflow_run_id"]
        empty = f"sqlite:///{tmp_path / 'empty.db'}"
        monkeypatch.setenv("MLFLOW_TRACKING_URI", empty)
        make_all(campaign, "R01")
        campaign.end_round("R01")
        again = campaign.show("R01")["mlflow_run_id"]
        assert again != first
    client = MlflowClient(empty)
    names = {item.path for item in client.list_artifacts(again)}
    assert {"predictions.json", "batch.csv", "batch_sheet.html"} <= names
    assert client.get_run(again).info.status == "FINISHED"


def test_the_virtual_lab_weighs_with_the_assays_of_the_campaign(folder):
    config = CampaignConfig.model_validate({"name": "first", "assays": {"na2s": 0.9}})
    with Campaign.create(folder, config) as campaign:
        campaign.propose(glasses=2, trilayers=0)
        report = campaign.simulate()
        assert report.readings_added > 0
        made = campaign.ledger.jar("R01-G1")
        assert made.x == pytest.approx(0.15, abs=0.02)
        assert GlassRecipe(made.x, 3, "stainless_steel").x == made.x


def test_a_skin_that_weighed_in_a_little_low_is_still_a_skin():
    import pandas as pd

    from features.cell_limits import Limits, allowed

    cell = {
        "core_x": 0.3003, "skin_x": 0.2985, "core_mass_mg": 150, "skin_mass_mg": 25,
        "precompaction_pressure_mpa": 75, "pressing_pressure_mpa": 450, "stack_pressure_mpa": 7,
        "temperature_c": 60,
    }  # fmt: skip
    assert allowed(pd.DataFrame([cell, {**cell, "skin_x": 0.28}]), Limits()).tolist() == [
        True,
        False,
    ]
