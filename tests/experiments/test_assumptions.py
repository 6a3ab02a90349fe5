"""A change of mind re-derives, refits, is logged, and overwrites nothing."""

import shutil

import pandas as pd
import pytest
import yaml

from experiments.acting import acting
from experiments.assumptions import apply_assumptions, assumptions_in_force
from experiments.campaign import Campaign
from experiments.config import CONFIG_NAME, read_config
from experiments.ledger import Ledger
from experiments.paper import paper_data


@pytest.fixture(scope="module")
def fresh(tmp_path_factory):
    folder = tmp_path_factory.mktemp("assumptions") / "fresh"
    Campaign.create(folder).close()
    return folder


@pytest.fixture
def folder(fresh, tmp_path):
    return shutil.copytree(fresh, tmp_path / "campaign")


def assume(folder, **wanted):
    """What a user does: edit ``campaign.yaml``."""
    path = folder / CONFIG_NAME
    body = yaml.safe_load(path.read_text())
    body["assumptions"] |= wanted
    path.write_text(yaml.safe_dump(body))


def trained(campaign):
    rows = campaign.ledger.readings()
    rows = rows.loc[rows["trained"] & rows["source"].str.match(r"S\d\d")]
    return rows.set_index("source")[["lower", "upper", "se", "temperature_c"]].sort_index()


def predictions(campaign):
    """Everything predicted of the paper's pellets, one table."""
    knowledge = campaign.knowledge()
    pellets = knowledge.pellets.loc[knowledge.pellets["origin"] == "paper"].sort_index()
    return pd.concat(knowledge.predict_pellets(pellets), axis=1)


def test_a_new_campaign_writes_down_what_it_assumes(folder):
    with Campaign.open(folder) as campaign:
        assert assumptions_in_force(campaign.ledger) == {
            "paper_temperature_c": 60,
            "paper_skin_mass": "per_side",
        }


def test_another_temperature_re_derives_and_refits(folder):
    with Campaign.open(folder) as campaign:
        before = campaign.knowledge()
    assume(folder, paper_temperature_c=25)
    with Campaign.open(folder) as campaign:
        after, status = campaign.knowledge(), campaign.status()
    rows = after.fitted.set_index("source")
    assert rows.loc[["S01", "S02", "S03"], "temperature_c"].tolist() == [25.0, 60.0, 25.0]
    assert rows.loc["S01", "lower"] == 2.7e-4  # what is printed stays as it is
    recipe = before.pellets.loc[["CHI-015-P"]]
    centres = [k.predict_pellets(recipe)["ionic_conductivity"]["mean"].iloc[0]
               for k in (before, after)]  # fmt: skip
    # 41.5 kJ/mol (S04): 5.8 times more at 60 °C
    assert 3.5 < centres[1] / centres[0] < 8
    assert any("taken at 25 °C" in line for line in status["assumptions"])
    assert before.frozen()[0] != after.frozen()[0]


def test_another_skin_mass_changes_the_cell_and_its_surrogate(folder):
    with Campaign.open(folder) as campaign:
        before = campaign.knowledge()
    assume(folder, paper_skin_mass="total")
    with Campaign.open(folder) as campaign:
        after = campaign.knowledge()
        assert campaign.ledger.cell("CHI-TRI").skin_mass_mg == 12.5
        history = campaign.ledger.history("CHI-TRI")
        assert len(history) == 2
    assert before.frozen()[0] != after.frozen()[0]


def test_a_change_is_logged_and_overwrites_nothing(folder):
    assume(folder, paper_temperature_c=25)
    with Campaign.open(folder) as campaign:
        log = campaign.ledger.assumption_changes().iloc[-1]
        every = campaign.ledger.readings(current=False)
        assert (log["key"], log["old"], log["new"]) == ("paper_temperature_c", 60, 25)
        assert every.loc[every["source"] == "S01", "temperature_c"].tolist() == [60.0, 25.0]
        assert campaign.verify() == []


def test_changing_back_restores_every_value(folder):
    with Campaign.open(folder) as campaign:
        before, predicted = trained(campaign), predictions(campaign)
        notes = campaign.ledger.readings().set_index("source")["note"].to_dict()
    assume(folder, paper_temperature_c=25, paper_skin_mass="total")
    Campaign.open(folder).close()
    assume(folder, paper_temperature_c=60, paper_skin_mass="per_side")
    with Campaign.open(folder) as campaign:
        assert trained(campaign).equals(before)
        pd.testing.assert_frame_equal(predictions(campaign), predicted, rtol=1e-6)
        assert campaign.ledger.readings().set_index("source")["note"].to_dict() == notes
        assert len(campaign.ledger.assumption_changes()) == 6
        assert campaign.verify() == []


def test_opening_without_a_change_writes_nothing(folder):
    with Campaign.open(folder) as campaign:
        assert apply_assumptions(campaign.ledger, campaign.config) == []
        assert len(campaign.ledger.assumption_changes()) == 2
        assert len(campaign.ledger.history("CHI-TRI")) == 1


def test_round_and_sheet_name_the_assumptions_in_force(folder, monkeypatch):
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "http://127.0.0.1:9")
    assume(folder, paper_temperature_c=25, paper_skin_mass="total")
    with Campaign.open(folder) as campaign:
        round_ = campaign.propose(glasses=1, trilayers=0)
    assert "taken at 25 °C" in " ".join(round_["assumptions"])
    sheet = (folder / "rounds/R01/batch_sheet.html").read_text()
    assert "taken at 25 °C" in sheet
    assert "both sides together" in sheet


def test_a_derived_value_at_25_degrees_is_void_when_that_is_the_reading_itself(folder):
    assume(folder, paper_temperature_c=25)
    with Campaign.open(folder) as campaign:
        (line,) = [x for x in campaign.status()["set_aside"] if x.startswith("S05")]
    assert "void" in line


def test_status_shows_both_readings_of_what_is_open(folder):
    with Campaign.open(folder) as campaign:
        both = campaign.status()["both_readings"]
    first = {key: (rows[0]["value"], rows[0]["temperature_c"]) for key, rows in both.items()}
    assert first == {
        "paper_temperature_c = 60": (2.7e-4, 60.0),
        "paper_temperature_c = 25": (2.7e-4, 25.0),
        "paper_skin_mass = per_side": (25.0, 60.0),
        "paper_skin_mass = total": (12.5, 60.0),
    }


def test_status_names_what_is_derived_and_what_waits(folder):
    with Campaign.open(folder) as campaign:
        status = campaign.status()
    assert any(line.startswith("S03") and "derived from S01" in line for line in status["derived"])
    aside = "\n".join(status["set_aside"])
    for source in ("S05", "S06", "S10", "S16", "S17", "S21", "S22"):
        assert f"{source}: " in aside
    assert status["in_fit"]["ionic_conductivity"] == 3
    assert status["in_fit"]["youngs_modulus"] == 1
    assert status["in_fit"]["critical_current_density"] == 1
    assert any(line.startswith("S15: ") for line in status["notes"])


def test_a_campaign_without_the_paper_assumes_nothing_but_logs_the_change(tmp_path):
    folder = tmp_path / "empty"
    with Campaign.create(folder, empty=True) as campaign:
        assert campaign.status()["assumptions"] == []
        assert campaign.ledger.readings().empty
    assume(folder, paper_temperature_c=25, paper_skin_mass="total")
    with Campaign.open(folder) as campaign:
        assert campaign.ledger.readings().empty
        assert campaign.ledger.cells().empty
        assert assumptions_in_force(campaign.ledger)["paper_temperature_c"] == 25


def test_who_comes_by_does_not_sign_for_a_change_in_the_file(folder):
    assume(folder, paper_temperature_c=25)
    with acting("Reader", "page"), Campaign.open(folder) as campaign:
        last = campaign.ledger.changes(most=1).iloc[0]
    assert {"corrected"} <= {one["did"] for one in last["what"]}
    assert (last["person"], last["door"]) == ("glassloop", "page")


def test_of_two_who_apply_a_change_at_once_one_applies_it(folder, monkeypatch):
    assume(folder, paper_temperature_c=25)
    config, theirs = read_config(folder / CONFIG_NAME), []

    def derived(assumptions):
        if not theirs:
            theirs.append(None)
            theirs[:] = apply_assumptions(other, config)
        return paper_data(assumptions)

    monkeypatch.setattr("experiments.assumptions.paper_data", derived)
    with Ledger.open(folder / "ledger.db") as ledger, Ledger.open(folder / "ledger.db") as other:
        assert apply_assumptions(ledger, config) == []
        assert theirs == ["paper_temperature_c"]
        assert len(ledger.assumption_changes()) == 3
