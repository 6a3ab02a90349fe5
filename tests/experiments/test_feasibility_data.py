"""What the ledger says of success and failure reaches the model, the round and the reader."""

import io
import json

import pandas as pd
import pytest
from rich.console import Console
from typer.testing import CliRunner

from experiments import made_file
from experiments.campaign import Campaign
from experiments.cli import app
from experiments.config import read_config
from experiments.console import round_table
from experiments.feasibility_data import (
    cell_outcomes,
    fit_feasibility,
    jar_outcomes,
    pellet_outcomes,
)
from experiments.knowledge import thawed
from experiments.ledger_rows import JarRow
from experiments.pyfunc_model import SurrogateBundle
from experiments.round_files import round_texts
from experiments.success_words import success_text, success_warnings
from models.feasibility import NOT_COUNTED, REASONS

pytest_plugins = ["tests.experiments.planned_round"]


@pytest.fixture(scope="module", autouse=True)
def _mlflow_away():
    """Nobody listens on that port: what MLflow is to know waits in the outbox."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("MLFLOW_TRACKING_URI", "http://127.0.0.1:9")
        yield


def outcomes(lab):
    ledger = lab.ledger
    jars, pellets, cells = ledger.jars(), ledger.pellets(), ledger.cells()
    found = (jar_outcomes(jars, pellets), pellet_outcomes(pellets), cell_outcomes(cells))
    for specimens, words in found:
        assert specimens.index.equals(words.index)
    return tuple(words.to_dict() for _, words in found)


def test_the_reasons_of_made_csv_are_those_the_model_knows():
    of_a_level = [reason for reasons in REASONS.values() for reason in reasons]
    assert sorted([*of_a_level, *NOT_COUNTED]) == sorted(made_file.REASONS)


def test_nothing_of_the_paper_counts_and_nothing_that_is_only_planned(lab):
    assert outcomes(lab) == ({}, {}, {})


def test_what_was_made_and_what_failed_is_told_by_level(lab):
    lab.record(results=[])
    assert outcomes(lab) == (
        {"R01-G1": "made", "R01-G2": "made"},
        {"R01-G1-P1": "made", "R01-G2-P1": "cracked"},
        {"R01-C1": "made"},
    )


@pytest.mark.parametrize("reason", ["unreacted", "crystallised", "caked"])
def test_a_pellet_that_failed_for_its_powder_tells_of_its_jar(lab, reason):
    lab.record(lab.changed(lab.made, 5, reason=reason), results=[])
    jars, pellets, _ = outcomes(lab)
    assert jars == {"R01-G1": "made", "R01-G2": reason}
    assert pellets == {"R01-G1-P1": "made"}


def test_pellets_and_cells_of_a_failed_jar_say_nothing_of_pressing_or_assembly(lab):
    lab.record(lab.changed(lab.made, 4, status="failed", reason="caked"), results=[])
    jars, pellets, cells = outcomes(lab)
    assert jars["R01-G2"] == "caked"
    assert pellets == {"R01-G1-P1": "made"}
    assert cells == {}


def test_a_leaking_glovebox_is_not_learned_from(lab):
    made = lab.changed(lab.made, 4, status="failed", reason="leaked_air")
    lab.record(made, results=[])
    assert outcomes(lab)[0] == {"R01-G1": "made", "R01-G2": "leaked_air"}
    said = fit_feasibility(lab.ledger, {}).in_words()["jar"]
    assert said == "no failure among 1 jar: the prior decides; 1 failed for other reasons, left out"


def shown(renderable):
    console = Console(file=io.StringIO(), width=80)
    console.print(renderable)
    return console.file.getvalue()


@pytest.fixture(scope="module")
def proposed(tmp_path_factory):
    """A campaign whose first round is proposed, and the round."""
    folder = tmp_path_factory.mktemp("feasibility") / "c"
    with Campaign.create(folder) as campaign:
        round_ = campaign.propose(glasses=3, trilayers=1)
    return folder, round_


def test_every_glass_and_cell_of_a_round_has_its_probability_of_success(proposed):
    folder, round_ = proposed
    items = [*round_["glasses"], *round_["trilayers"]]
    assert len(items) == 4
    for item in items:
        success = item["success"]
        assert 0 < success["lower"] <= success["probability"] <= success["upper"] <= 1
    sheet = (folder / "rounds/R01/batch_sheet.html").read_text()
    assert sheet.count("<b>success ") == 4
    assert shown(round_table(round_)).count("success: ") == 4
    stored = json.loads((folder / "rounds/R01/predictions.json").read_text())
    assert stored["glasses"][0]["success"] == round_["glasses"][0]["success"]
    assert not [line for line in round_["warnings"] if "succeeds with" in line]


def test_the_sheet_and_the_terminal_show_a_round_that_has_no_success_yet(proposed):
    folder, round_ = proposed
    old = {
        **round_,
        **{
            kind: [{k: v for k, v in item.items() if k != "success"} for item in round_[kind]]
            for kind in ("glasses", "trilayers")
        },
    }
    config = read_config(folder / "campaign.yaml")
    assert "<b>success " not in round_texts(old, config)["batch_sheet.html"]
    assert "success: " not in shown(round_table(old))


def test_predict_prints_success_beside_the_properties(proposed):
    folder, _ = proposed
    words = ["predict", "--campaign", str(folder), "--x", "0:0.3:0.1"]
    runner = CliRunner()
    printed = runner.invoke(app, words)
    assert printed.exit_code == 0
    assert "success of jar and pellet, %" in printed.stdout
    answer = json.loads(runner.invoke(app, [*words, "--json"]).stdout)
    assert len(answer["success"]) == len(answer["recipes"]) == 4
    assert set(answer["success"][0]) == {"probability", "lower", "upper", "weakest"}


def test_what_was_learned_of_success_is_frozen_with_the_round_and_served(proposed):
    folder, _ = proposed
    recipe = {"x": 0.15, "milling_time_h": 3.0, "milling_media": "zirconia"}
    recipes = pd.DataFrame(
        {**recipe, "milling_speed_rpm": 500.0, "pressing_pressure_mpa": 450.0}, index=["a"]
    )
    with Campaign.open(folder) as campaign:
        digest = campaign.ledger.proposals("R01")["model_sha256"].iloc[0]
        body = json.loads(campaign.ledger.model(digest))
        now = campaign.predict_success(recipes)
    thawed(body)
    served = SurrogateBundle(body).predict(recipes, {"property": "glass_success"})
    assert list(served.columns) == [
        f"glass_success_{name}" for name in ("probability", "lower", "upper")
    ]
    assert served["glass_success_probability"].tolist() == pytest.approx(
        now["probability"].tolist()
    )


def test_a_model_frozen_before_there_was_feasibility_still_thaws(proposed):
    folder, _ = proposed
    with Campaign.open(folder) as campaign:
        digest = campaign.ledger.proposals("R01")["model_sha256"].iloc[0]
        body = json.loads(campaign.ledger.model(digest))
    del body["success"]
    layers, _ = thawed(body)
    assert "youngs_modulus" in layers


def test_a_proposal_likely_to_fail_is_warned_of_with_what_is_known():
    def item(name, probability):
        success = {"probability": probability, "lower": 0.1, "upper": 0.999, "weakest": "pellet"}
        return {"id": name, "success": success}

    known = {"pellet": "5 pellets, 3 failed (3 cracked)"}
    assert success_warnings([item("G1", 0.69), item("G2", 0.71)], known) == [
        "G1 succeeds with 69 % (10..>99 %), at least 70 % is wanted; weakest: pellet "
        "(5 pellets, 3 failed (3 cracked))"
    ]


def test_a_probability_is_never_printed_as_certain():
    text = success_text({"probability": 0.9999, "lower": 0.0001, "upper": 1.0})
    assert text == ">99 % (<1..>99 %)"


def test_failed_jars_make_the_next_round_warn(tmp_path):
    recipe = {"milling_time_h": 3.0, "milling_media": "stainless_steel", "milling_speed_rpm": 500.0}
    with Campaign.create(tmp_path / "c") as campaign:
        with campaign.ledger.transaction() as tx:
            for i in range(8):
                jar = JarRow(
                    id=f"bad-{i}", origin="lab", x=0.05 * i, **recipe,
                    status="failed", reason="unreacted",
                )  # fmt: skip
                tx.add_jar(jar)
        round_ = campaign.propose(glasses=2, trilayers=0)
        state = campaign.status()["in_words"]
    wanted = [g["id"] for g in round_["glasses"] if g["success"]["probability"] < 0.7]
    warned = [line.split()[0] for line in round_["warnings"] if "succeeds with" in line]
    assert warned == wanted == ["R01-G1", "R01-G2"]
    assert "weakest: jar (8 jars, 8 failed (8 unreacted))" in " ".join(round_["warnings"])
    assert "success: 8 jars, 8 failed (8 unreacted)" in state
