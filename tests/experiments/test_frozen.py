"""Frozen predictions stay as they were: what was altered is named, refused, and nothing else."""

import json
import shutil
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from experiments.campaign import Campaign
from experiments.canonical import digest_of
from experiments.config import CampaignConfig, MlflowConfig
from experiments.frozen import PARTS, TOTAL, frozen_header
from experiments.frozen_check import altered_in_ledger
from experiments.knowledge import CELL_PROPERTIES, PELLET_PROPERTIES
from experiments.settling import settle, unsettled
from features.errors import CampaignError, LedgerError


@pytest.fixture(scope="module")
def filled(tmp_path_factory):
    """R01 is recorded, R02 is filled in by the virtual lab and not recorded; MLflow is left out."""
    folder = tmp_path_factory.mktemp("frozen") / "filled"
    config = CampaignConfig(name="filled", mlflow=MlflowConfig(track=False))
    with Campaign.create(folder, config) as campaign:
        campaign.propose(glasses=3, trilayers=1)
        campaign.simulate()
        campaign.propose(glasses=2, trilayers=0)
        campaign.simulate(fill_only=True)
    return folder


@pytest.fixture
def folder(filled, tmp_path):
    return shutil.copytree(filled, tmp_path / "copy")


def files(folder: Path, round_id: str = "R01"):
    return folder / f"rounds/{round_id}/made.csv", folder / f"rounds/{round_id}/results.csv"


def tamper(folder: Path, *statements: str) -> None:
    with closing(sqlite3.connect(folder / "ledger.db")) as raw:
        triggers = raw.execute("SELECT name FROM sqlite_master WHERE type = 'trigger'").fetchall()
        for (name,) in triggers:
            raw.execute(f"DROP TRIGGER {name}")
        for statement in statements:
            assert raw.execute(statement).rowcount > 0
        raw.commit()


def prediction_of(specimen: str, change: str) -> str:
    return f"UPDATE proposals SET prediction = {change} WHERE specimen = '{specimen}'"


LOWERED = prediction_of("R01-G2", "json_set(prediction, '$.ionic_conductivity.mean', 1e-9)")


def test_a_round_is_frozen_with_a_hash_in_ledger_and_file(folder):
    printed = json.loads((folder / "rounds/R01/predictions.json").read_text())
    with Campaign.open(folder) as campaign:
        header = campaign.ledger.rounds()["config"].iloc[0]["round"]
        digest = campaign.ledger.proposals("R01")["model_sha256"].iloc[0]
        shown = campaign.show("R01")
        assert campaign.verify() == []
    items = [*printed["glasses"], *printed["trilayers"]]
    assert len(header[TOTAL]) == 64
    assert printed["sha256"] == header[TOTAL] == shown["frozen_sha256"]
    assert header[PARTS] == {item["id"]: digest_of(item) for item in items}
    assert frozen_header("R01", items, digest) == {TOTAL: header[TOTAL], PARTS: header[PARTS]}


def test_the_hash_does_not_know_whether_the_round_became_simulated(folder):
    printed = json.loads((folder / "rounds/R01/predictions.json").read_text())
    with Campaign.open(folder) as campaign:
        header = campaign.ledger.rounds()["config"].iloc[0]["round"]
    assert (printed["simulated"], header["simulated"]) == (True, False)
    assert printed["sha256"] == header[TOTAL]


@pytest.mark.parametrize(
    "change",
    [{"predictions": {"a": 1.1}}, {"baselines": {}}, {"recipe": {"x": 0.2}}, {"id": "R01-G2"}],
    ids=lambda change: next(iter(change)),
)
def test_the_hash_depends_on_what_was_said_of_a_specimen(change):
    item = {"id": "R01-G1", "recipe": {"x": 0.1}, "predictions": {"a": 1.0}, "baselines": {"b": 1}}
    before = frozen_header("R01", [item], "f" * 64)
    assert frozen_header("R01", [{**item, **change}], "f" * 64)[TOTAL] != before[TOTAL]
    assert frozen_header("R02", [item], "f" * 64)[TOTAL] != before[TOTAL]
    assert frozen_header("R01", [item], "e" * 64)[TOTAL] != before[TOTAL]


ALTERED = {
    "prediction": (LOWERED, "the frozen prediction of R01-G2 was altered"),
    "recipe": (
        "UPDATE proposals SET recipe = json_set(recipe, '$.recipe.x', 0.5) "
        "WHERE specimen = 'R01-C1'",
        "the frozen prediction of R01-C1 was altered",
    ),
    "baseline": (
        "UPDATE proposals SET recipe = json_set(recipe, "
        "'$.baselines.youngs_modulus.mean.mean', 99.0) WHERE specimen = 'R01-G1'",
        "the frozen prediction of R01-G1 was altered",
    ),
    "gone": (
        "DELETE FROM proposals WHERE specimen = 'R01-G3'",
        "the frozen prediction of R01-G3 is no longer there",
    ),
    "hash": (
        "UPDATE rounds SET config = json_set(config, '$.round.frozen_sha256', 'abc') "
        "WHERE id = 'R01'",
        "the record of its frozen predictions was altered",
    ),
    "hash of a specimen": (
        "UPDATE rounds SET config = json_remove(config, '$.round.frozen_items.R01-G1') "
        "WHERE id = 'R01'",
        "the frozen prediction of R01-G1 was added later",
    ),
}


@pytest.mark.parametrize(("statement", "message"), ALTERED.values(), ids=ALTERED)
def test_an_altered_ledger_opens_and_names_what_was_altered(folder, statement, message):
    tamper(
        folder, statement.replace("$.round.frozen_items.R01-G1", '$.round.frozen_items."R01-G1"')
    )
    with Campaign.open(folder) as campaign:
        said = f"round R01: {message}; restore ledger.db from a backup"
        assert said in campaign.verify()
        assert altered_in_ledger(campaign.ledger, "R01") == [said]
        with pytest.raises(LedgerError, match=message):
            campaign.record(*files(folder))


@pytest.mark.parametrize("rounds", ["R01", "R01 R02"])
def test_a_ledger_that_lost_rounds_says_which_and_proposes_nothing(folder, rounds, tmp_path):
    said = "round R01: is no longer in the ledger, though what it proposed is; restore ledger.db"
    tamper(folder, *(f"DELETE FROM rounds WHERE id = '{name}'" for name in rounds.split()))
    with Campaign.open(folder) as campaign:
        assert [f for f in campaign.verify() if f.startswith(said)]
        state = campaign.status(worth=0.02)
        assert [f for f in state["altered"] if f.startswith(said)]
        assert state["next_round"] == {"glasses": None, "cells": None}
        report = tmp_path / "report"
        for refused in (campaign.propose, campaign.measure, lambda: campaign.report(report)):
            with pytest.raises(LedgerError, match=f"ledger: {said}"):
                refused()
        with pytest.raises(LedgerError, match=said):
            campaign.record(*files(folder))


def test_only_the_altered_round_is_refused(folder):
    tamper(folder, LOWERED)
    with Campaign.open(folder) as campaign:
        report = campaign.record(*files(folder, "R02"))
        assert report.closed == ("R02",)
        assert [entry["round"] for entry in campaign.status()["coverage_by_round"]] == [
            "R01",
            "R02",
        ]


def test_nothing_is_written_to_a_round_that_is_refused(folder):
    made, results = files(folder)
    assert ",9,25.0" in results.read_text()
    results.write_text(results.read_text().replace(",9,25.0", ",8,25.0"))
    tamper(folder, LOWERED)
    with Campaign.open(folder) as campaign:
        before = campaign.ledger.readings(current=False)
        with pytest.raises(LedgerError, match=r"round R01: .*R01-G2 was altered; restore ledger"):
            campaign.record(made, results)
        assert len(campaign.ledger.readings(current=False)) == len(before)


def test_an_altered_round_is_not_scored_and_the_others_are(folder):
    tamper(folder, LOWERED)
    with Campaign.open(folder) as campaign, campaign.ledger.transaction() as tx:
        tx.add_round_event("R01", "recorded", {"not_measured": []})
    with Campaign.open(folder) as campaign:
        assert unsettled(campaign.ledger) == ["R01"]
        assert settle(campaign.ledger, campaign.config) == []
        events = campaign.ledger.round_events("R01")["event"].tolist()
    assert events[-1] == "recorded"


@pytest.mark.parametrize(
    ("statement", "fault"),
    [
        pytest.param(
            "UPDATE models SET body = json_set(body, '$.more', 1)", "has another hash", id="altered"
        ),
        pytest.param("DELETE FROM models", "a row of models that is missing", id="gone"),
    ],
)
def test_scores_need_the_model_that_was_frozen(folder, statement, fault):
    tamper(folder, statement)
    with Campaign.open(folder) as campaign:
        assert any(fault in said for said in campaign.verify())
        with pytest.raises(LedgerError, match="round R01: the model frozen with it was altered"):
            campaign.record(*files(folder))


def altered_file(folder: Path, change) -> Path:
    path = folder / "rounds/R01/predictions.json"
    plain = json.loads(path.read_text())
    change(plain)
    path.write_text(json.dumps(plain, indent=1))
    return path


def lower(plain):
    plain["glasses"][1]["predictions"]["ionic_conductivity"]["mean"] = 1e-9


IN_FILE = {
    "prediction": (lower, "what it says of R01-G2 was altered since round R01 was proposed"),
    "specimen gone": (lambda plain: plain["trilayers"].clear(), "what it says of R01-C1 was"),
    "hash": (lambda plain: plain.update(sha256="abc"), "its sha256 was altered"),
    "hash gone": (lambda plain: plain.pop("sha256"), "its sha256 was altered"),
    "glasses gone": (lambda plain: plain.pop("glasses"), "is no round as JSON any more"),
}


@pytest.mark.parametrize(("change", "message"), IN_FILE.values(), ids=IN_FILE)
def test_an_altered_file_is_named_and_refused(folder, change, message):
    path = altered_file(folder, change)
    with Campaign.open(folder) as campaign:
        (fault,) = campaign.verify()
        assert fault.startswith(str(path))
        assert message in fault
        with pytest.raises(CampaignError, match=r"predictions\.json.*delete the file and record"):
            campaign.record(*files(folder))


def test_a_file_deleted_as_the_message_says_is_written_anew(folder):
    path = folder / "rounds/R01/predictions.json"
    before = path.read_text()
    altered_file(folder, lower)
    with Campaign.open(folder) as campaign:
        assert campaign.status()["altered"] == campaign.verify() != []
        path.unlink()
        campaign.record(*files(folder))
        assert campaign.verify() == []
    assert path.read_text() == before


def test_a_file_that_is_no_json_is_named_too(folder):
    path = folder / "rounds/R02/predictions.json"
    path.write_text("{")
    with Campaign.open(folder) as campaign:
        with pytest.raises(CampaignError, match="is no round as JSON any more, so it was altered"):
            campaign.simulate()
        assert len(campaign.verify()) == 1


def test_no_report_is_made_of_altered_predictions(folder, tmp_path):
    altered_file(folder, lower)
    with Campaign.open(folder) as campaign:
        with pytest.raises(CampaignError, match="what it says of R01-G2 was altered"):
            campaign.report(tmp_path / "report")
        tamper(folder, LOWERED)
        with pytest.raises(LedgerError, match="frozen prediction of R01-G2 was altered; restore"):
            campaign.report(tmp_path / "report")
    assert not (tmp_path / "report").exists()


def test_other_formatting_of_the_file_is_no_change(folder):
    altered_file(folder, lambda plain: plain.update(mlflow_run_id="1", warnings=[]))
    with Campaign.open(folder) as campaign:
        assert campaign.verify() == []


def test_rounds_frozen_before_there_were_hashes_stay_valid(folder):
    for key in (TOTAL, PARTS):
        tamper(folder, f"UPDATE rounds SET config = json_remove(config, '$.round.{key}')")
    tamper(folder, "UPDATE proposals SET recipe = json_remove(recipe, '$.baselines')")
    altered_file(folder, lambda plain: plain.pop("sha256"))
    with Campaign.open(folder) as campaign:
        # those rounds had no seals either; here the seals of this version say what was taken out
        said = [fault for fault in campaign.verify() if "is not as it was written" not in fault]
        assert said == [
            "rules: tables or append-only triggers are not as glassloop made them; restore a backup"
        ]
        assert campaign.record(*files(folder, "R02")).closed == ("R02",)
        status = campaign.status()
        assert status["coverage_pooled"]["n"] > 15
        assert campaign.show("R02")["round"] == "R02"


def test_baselines_of_every_property_are_frozen_with_the_round(folder):
    with Campaign.open(folder) as campaign:
        round_ = campaign.show("R02")
        first = campaign.show("R01")
    for item in (*first["glasses"], *round_["glasses"]):
        assert tuple(item["baselines"]) == PELLET_PROPERTIES
    (cell,) = first["trilayers"]
    assert tuple(cell["baselines"]) == CELL_PROPERTIES
    modulus = first["glasses"][0]["baselines"]["youngs_modulus"]
    assert modulus["linear"].pop("as_mean")  # one reading shows no trend
    assert modulus["linear"] == modulus["mean"]
    later = round_["glasses"][0]["baselines"]["ionic_conductivity"]["linear"]
    assert set(later) == {"mean", "reading_sd", "reading_lower", "reading_upper"}
    assert later["reading_lower"] < later["mean"] < later["reading_upper"]


def test_a_report_is_refused_before_anything_is_made_of_what_was_altered(folder, tmp_path):
    tamper(folder, "UPDATE proposals SET recipe = '{}' WHERE specimen = 'R01-G1'")
    with (
        Campaign.open(folder) as campaign,
        pytest.raises(LedgerError, match="the frozen prediction of R01-G1 was altered"),
    ):
        campaign.report(tmp_path / "report")
