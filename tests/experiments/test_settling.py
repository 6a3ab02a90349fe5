"""After results: scores by the model frozen before, once, also after a crash."""

import json
import shutil
from dataclasses import replace
from pathlib import Path

import pytest

from experiments.acting import acting
from experiments.campaign import Campaign
from experiments.knowledge import PELLET_PROPERTIES, thawed
from experiments.ledger import Ledger
from experiments.ledger_rows import PelletRow, ReadingRow
from experiments.recording import record_files
from experiments.score_check import wrong_scores
from experiments.settling import last_summary, score_round, settle, unsettled
from experiments.surprises import surprises_of
from experiments.undecided import undecided


@pytest.fixture(scope="module", autouse=True)
def _mlflow_away():
    """Nobody listens on that port: what MLflow is to know waits in the outbox."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("MLFLOW_TRACKING_URI", "http://127.0.0.1:9")
        yield


@pytest.fixture(scope="module")
def filled(tmp_path_factory):
    """A campaign whose first round is simulated in the files and not recorded yet."""
    folder = tmp_path_factory.mktemp("settling") / "filled"
    with Campaign.create(folder) as campaign:
        campaign.propose(glasses=3, trilayers=1)
        campaign.simulate(fill_only=True)
    return folder


@pytest.fixture
def folder(filled, tmp_path):
    return shutil.copytree(filled, tmp_path / "copy")


def files(folder: Path):
    return folder / "rounds/R01/made.csv", folder / "rounds/R01/results.csv"


def events(campaign, kind):
    log = campaign.ledger.round_events("R01")
    return log.loc[log["event"] == kind, "detail"].tolist()


@pytest.fixture
def meanwhile(monkeypatch):
    """Has something done, once, while a round is judged and before its scores are written."""

    def let(do):
        waiting = [do]

        def judged(*args):
            if waiting:
                waiting.pop()()
            return surprises_of(*args)

        monkeypatch.setattr("experiments.settling.surprises_of", judged)

    return let


def test_recording_scores_every_reading_once_and_closes(folder):
    with Campaign.open(folder) as campaign:
        report = campaign.record(*files(folder))
        assert report.closed == ("R01",)
        (scored,) = events(campaign, "scored")
        own = campaign.ledger.readings()["specimen"].str.startswith("R01-").sum()
        assert len(scored["scores"]) == own > 10
        assert scored["summary"]["coverage"]["n"] == own
        assert set(scored["hypervolume"]) == {"glasses", "cells"}
        assert undecided(campaign.ledger, "R01") == []


def test_opening_again_scores_nothing_new(folder):
    with Campaign.open(folder) as campaign:
        campaign.record(*files(folder))
    for _ in range(2):
        with Campaign.open(folder) as campaign:
            assert unsettled(campaign.ledger) == []
            assert settle(campaign.ledger, campaign.config) == []
            assert len(events(campaign, "scored")) == len(events(campaign, "closed")) == 1


def test_recording_the_same_files_again_scores_nothing_new(folder):
    with Campaign.open(folder) as campaign:
        campaign.record(*files(folder))
        again = campaign.record(*files(folder))
        assert (again.specimens, again.readings_added, again.rounds) == (0, 0, ())
        assert len(events(campaign, "scored")) == 1


def test_a_crash_between_writing_and_scoring_is_healed(folder):
    with Campaign.open(folder) as campaign:
        record_files(campaign.ledger, campaign.config, *files(folder))  # and the power goes
        assert unsettled(campaign.ledger) == ["R01"]
        assert events(campaign, "scored") == []
    with Campaign.open(folder) as campaign:
        assert len(events(campaign, "scored")) == 1
        assert campaign.open_rounds() == []
        kinds = campaign.ledger.outbox()["kind"].tolist()
        assert kinds == ["round_opened", "round_recorded", "round_closed"]


def test_scores_are_those_of_the_model_frozen_when_the_round_was_proposed(folder):
    with Campaign.open(folder) as campaign:
        campaign.record(*files(folder))
        scores = {(s.specimen, s.property): s for s in score_round(campaign.ledger, "R01")}
        digest = campaign.ledger.proposals("R01")["model_sha256"].iloc[0]
        layers, _ = thawed(json.loads(campaign.ledger.model(digest)))
        pellets = campaign.ledger.pellets().loc[["R01-G1-P1"]]
        now = campaign.knowledge().frozen()[0]
    assert now != digest
    for name in PELLET_PROPERTIES:
        predicted = layers[name].predict(pellets).iloc[0]
        assert scores["R01-G1-P1", name].predicted == pytest.approx(predicted["mean"])
        assert scores["R01-G1-P1", name].reading_upper == pytest.approx(predicted["reading_upper"])


def test_scores_at_the_recipe_made_and_proposed_differ_by_the_weighing(folder):
    with Campaign.open(folder) as campaign:
        campaign.record(*files(folder))
        made = campaign.ledger.jars().loc["R01-G3", "x"]
        assert made != 0.60
        scores = {(s.specimen, s.property): s for s in score_round(campaign.ledger, "R01")}
        asked = campaign.show("R01")["glasses"][2]["predictions"]["ionic_conductivity"]
    found = scores["R01-G3-P1", "ionic_conductivity"]
    assert found.z_as_proposed is not None
    assert found.z != pytest.approx(found.z_as_proposed, abs=1e-9)
    assert found.predicted != pytest.approx(asked["mean"], rel=1e-9)


def test_a_second_pellet_was_not_proposed_so_it_has_no_score_as_proposed(folder):
    with Campaign.open(folder) as campaign:
        campaign.record(*files(folder))
        with campaign.ledger.transaction() as tx:
            tx.add_pellet(
                PelletRow(
                    id="R01-G1-P2",
                    jar="R01-G1",
                    round_id="R01",
                    pressing_pressure_mpa=150.0,
                    mass_mg=100.0,
                    operator="virtual lab A seed 0",
                )
            )
            tx.add_reading(
                ReadingRow(
                    specimen="R01-G1-P2",
                    property="ionic_conductivity",
                    lower=1e-4,
                    upper=1e-4,
                    temperature_c=60.0,
                    method="simulated EIS",
                )
            )
        scores = {s.specimen: s for s in score_round(campaign.ledger, "R01")}
    assert scores["R01-G1-P2"].z is not None
    assert scores["R01-G1-P2"].z_as_proposed is None


def test_a_conductivity_at_another_temperature_is_not_scored(folder):
    with Campaign.open(folder) as campaign:
        campaign.record(*files(folder))
        before = len(score_round(campaign.ledger, "R01"))
        for temperature, more in ((25.0, 0), (61.0, 1)):
            with campaign.ledger.transaction() as tx:
                tx.add_reading(
                    ReadingRow(
                        specimen="R01-G1-P1",
                        property="ionic_conductivity",
                        lower=1e-4,
                        upper=1e-4,
                        temperature_c=temperature,
                        method="simulated EIS",
                    )
                )
            assert len(score_round(campaign.ledger, "R01")) == before + more


def test_a_partly_recorded_round_stays_open_and_says_what_it_waits_for(folder):
    made, results = files(folder)
    lines = results.read_text().splitlines(keepends=True)
    results.write_text("".join(lines[:3]))
    with Campaign.open(folder) as campaign:
        report = campaign.record(made, results)
        waits = undecided(campaign.ledger, "R01")
        assert report.closed == ()
        assert campaign.open_rounds() == ["R01"]
        assert "youngs_modulus of R01-G1-P1" in waits
        assert len(events(campaign, "scored")[0]["scores"]) == 2
        results.write_text("".join(lines))
        assert campaign.record(made, results).closed == ("R01",)
        assert len(events(campaign, "scored")) == 2
        total = last_summary(campaign.ledger, "R01")
        assert total["n"] == len(events(campaign, "scored")[1]["scores"]) > 2


def test_a_round_proposed_waits_for_everything(folder):
    with Campaign.open(folder) as campaign:
        waits = undecided(campaign.ledger, "R01")
        assert "whether R01-G1 was made" in waits
        assert "whether R01-C1 was made" in waits
        assert last_summary(campaign.ledger) is None
        assert campaign.status()["coverage"] is None


def test_mlflow_is_told_that_the_round_became_simulated(folder):
    with Campaign.open(folder) as campaign:
        campaign.record(*files(folder))
        outbox = campaign.ledger.outbox().set_index("kind")["payload"]
    recorded = outbox["round_recorded"]
    assert recorded["tags"]["glassloop.simulated"] == "true"
    assert {"coverage_50", "coverage_90", "mean_log_score", "after_hypervolume_glasses"} <= set(
        recorded["metrics"]
    )
    assert recorded["artifacts"]["scores.csv"].count("\n") > 10


def test_of_two_who_settle_at_once_one_settles(folder, meanwhile):
    with Campaign.open(folder) as campaign, Ledger.open(folder / "ledger.db") as other:
        record_files(campaign.ledger, campaign.config, *files(folder))
        theirs = []
        meanwhile(lambda: theirs.extend(settle(other, campaign.config)))
        assert settle(campaign.ledger, campaign.config) == []
        assert theirs == ["R01"]
        assert len(events(campaign, "scored")) == len(events(campaign, "closed")) == 1


def test_a_round_closed_by_hand_while_it_is_judged_gets_its_scores(folder, meanwhile):
    with Campaign.open(folder) as campaign:
        record_files(campaign.ledger, campaign.config, *files(folder))
        meanwhile(lambda: campaign.end_round("R01"))
        assert settle(campaign.ledger, campaign.config) == []
        assert len(events(campaign, "scored")) == len(events(campaign, "closed")) == 1


def test_results_recorded_while_a_round_is_judged_are_not_left_unscored(folder, meanwhile):
    made, results = files(folder)
    whole = results.read_text()
    results.write_text("".join(whole.splitlines(keepends=True)[:3]))
    with Campaign.open(folder) as campaign, Ledger.open(folder / "ledger.db") as other:
        record_files(campaign.ledger, campaign.config, made, results)
        results.write_text(whole)
        meanwhile(lambda: record_files(other, campaign.config, made, results))
        settle(campaign.ledger, campaign.config)
        assert settle(other, campaign.config) == ["R01"]
        own = other.readings()["specimen"].str.startswith("R01-").sum()
        assert last_summary(other, "R01")["n"] == own > 2


def test_who_comes_by_does_not_sign_for_closing_a_complete_round(folder):
    with Campaign.open(folder) as campaign:
        record_files(campaign.ledger, campaign.config, *files(folder))
    with acting("Reader", "page"), Campaign.open(folder) as campaign:
        assert campaign.open_rounds() == []
        last = campaign.ledger.changes(most=1).iloc[0]
    assert last["what"] == [{"did": "closed", "what": "round", "id": "R01"}]
    assert (last["person"], last["door"]) == ("glassloop", "page")


def test_who_closes_a_round_by_hand_signs_for_it(folder):
    with acting("Ana", "page"), Campaign.open(folder) as campaign:
        campaign.end_round("R01")
        last = campaign.ledger.changes(most=1).iloc[0]
    assert {"did": "closed", "what": "round", "id": "R01"} in last["what"]
    assert (last["person"], last["door"]) == ("Ana", "page")


@pytest.mark.parametrize(
    ("name", "factor", "more", "is_wrong"),
    [
        ("predicted", 1.0001, 0.0, True),  # of 1e-4 S/cm that is little
        ("predicted", 1 + 1e-9, 0.0, False),
        ("reading_lower", 0.99, 0.0, True),
        ("z", 1.0, 1e-9, False),  # the difference of nearly equal numbers
        ("z", 1.0, 1e-4, True),
    ],
)
def test_scores_are_compared_by_what_a_number_is_worth(
    folder, monkeypatch, name, factor, more, is_wrong
):
    def otherwise(ledger, round_id):
        scores = score_round(ledger, round_id)
        conductivity = [one for one in scores if one.property == "ionic_conductivity"]
        assert conductivity
        return [
            replace(one, **{name: getattr(one, name) * factor + more})
            if one in conductivity
            else one
            for one in scores
        ]

    with Campaign.open(folder) as campaign:
        campaign.record(*files(folder))
        assert [*wrong_scores(campaign.ledger)] == []
        monkeypatch.setattr("experiments.score_check.score_round", otherwise)
        assert bool([*wrong_scores(campaign.ledger)]) is is_wrong
