"""A draft from its beginning to the round it becomes, or does not."""

import json
from dataclasses import replace

import pytest

from experiments.acting import acting
from experiments.draft import (
    accept_draft,
    begin_draft,
    discard_draft,
    open_draft,
    read_draft,
)
from experiments.ledger_rows import JarRow
from features.errors import CampaignError, ConflictError, InputError
from tests.experiments.drafted_campaign import GLASSES, Chosen, current, edit, row

pytest_plugins = ["tests.experiments.drafted_campaign"]


def never(*args, **more):
    raise AssertionError("asked to choose")


def accepted(campaign):
    draft = current(campaign)
    return accept_draft(campaign, draft.id, draft.version)


def test_a_draft_is_what_would_be_proposed_and_no_round(campaign):
    draft = current(campaign)
    assert (draft.id, draft.version, draft.state, draft.person) == ("D01", 1, "open", "Ada")
    assert campaign.ledger.rounds().empty
    assert [(r["key"], r["id"]) for r in draft.rows] == [
        ("G1", "R01-G1"), ("G2", "R01-G2"), ("G3", "R01-G3"), ("C1", "R01-C1"), ("C2", "R01-C2"),
    ]  # fmt: skip
    assert row(draft, "C1")["recipe"]["core"] == "G1"
    round_ = campaign.propose(choose=Chosen())
    for item, key in zip(round_["glasses"], GLASSES, strict=True):
        assert item["predictions"] == row(draft, key)["predictions"]
        assert item["masses_mg"] == row(draft, key)["masses_mg"]


def test_nothing_is_gained_or_lost_before_anything_is_changed(campaign):
    for part in current(campaign).gain.values():
        assert part["now"] == part["proposed"]
        assert (part["change"]["mean"], part["change"]["se"]) == (0.0, 0.0)
        assert part["in_words"].startswith("as proposed")


def test_of_a_start_no_gain_is_said(campaign):
    discard_draft(campaign, "D01", 1)
    draft = begin_draft(campaign, choose=Chosen(learned=False))
    edited = edit(campaign, {"row": "G1", "set": {"x": 0.2}})
    for part in (*draft.gain.values(), *edited.gain.values()):
        assert part["now"] is part["proposed"] is part["change"] is None
        assert "too little is known" in part["in_words"]
    changed = row(edited, "C1")
    assert changed["why"] == "chosen for a test; its G1 was changed by Bo"
    assert changed["explanation"] is None


def test_a_second_draft_is_refused_before_anything_is_computed(campaign):
    with pytest.raises(ConflictError, match=r"draft D01 of Ada is open since .*; accept or"):
        begin_draft(campaign, choose=never)


def test_keys_are_not_taken_from_jars_of_the_ledger(campaign):
    with campaign.ledger.transaction() as tx:
        tx.add_jar(
            JarRow(
                id="G2", origin="stock", status="made", x=0.3, milling_time_h=3.0,
                milling_media="agate", milling_speed_rpm=500.0, recovered_mass_mg=900.0,
            )
        )  # fmt: skip
    discard_draft(campaign, "D01", 1)
    draft = begin_draft(campaign, choose=Chosen())
    assert [r["key"] for r in draft.rows] == ["G1", "G3", "G4", "C1", "C2"]
    assert row(draft, "C1")["recipe"]["skin"] == "G3"
    draft = edit(campaign, {"row": "C1", "set": {"skin": "G2"}})
    assert row(draft, "C1")["recipe"]["skin_recipe"]["milling_time_h"] == 3.0


def test_a_draft_accepted_is_a_sound_round_of_its_rows(campaign):
    edit(campaign, {"row": "G1", "drop": True}, {"row": "G3", "set": {"x": 0.32}})
    with acting("Cy", "page"):
        round_ = accepted(campaign)
    assert [g["id"] for g in round_["glasses"]] == ["R01-G1", "R01-G2"]
    assert [g["recipe"]["x"] for g in round_["glasses"]] == [0.6, 0.32]
    assert [g["role"] for g in round_["glasses"]][1] == "by_hand"
    (cell,) = round_["trilayers"]
    assert (cell["id"], cell["recipe"]["core"], cell["recipe"]["skin"]) == (
        "R01-C1", "R01-G2", "R01-G1",
    )  # fmt: skip
    assert campaign.verify() == []
    stored = json.loads((campaign.round_folder("R01") / "predictions.json").read_text())
    assert (stored["draft"], stored["sha256"]) == ("D01", round_["frozen_sha256"])
    draft = read_draft(campaign.ledger, "D01")
    assert (draft.state, draft.accepted_as, draft.version) == ("accepted", "R01", 3)
    assert draft.person == "Cy"
    assert row(draft, "G3")["id"] == "R01-G2"
    assert open_draft(campaign.ledger) is None


def test_reasons_and_warnings_of_a_round_speak_of_its_own_rows(campaign):
    edit(
        campaign,
        {"row": "G1", "drop": True},
        {"row": "C1", "set": {"core": "G3"}},
        {"row": "C2", "drop": True},
        {"row": "G2", "set": {"x": 0.7}},
    )
    round_ = accepted(campaign)
    assert "core G1 of draft D01 to R01-G2;" in round_["trilayers"][0]["why"]
    assert any(said.startswith("row R01-G1, column x: 0.7") for said in round_["warnings"])


def test_a_draft_is_accepted_once(campaign):
    accepted(campaign)
    with pytest.raises(ConflictError, match="D01: was accepted as round R01 by somebody at"):
        accept_draft(campaign, "D01", 2)
    with pytest.raises(ConflictError, match="was accepted as round R01"):
        discard_draft(campaign, "D01", 2)


def test_an_old_version_is_not_accepted(campaign):
    edit(campaign, {"row": "G1", "set": {"x": 0.2}})
    with pytest.raises(ConflictError, match=r"is at version 2, changed by Bo at .*, got a change"):
        accept_draft(campaign, "D01", 1)


def test_two_who_accept_at_once_get_one_round(campaign, monkeypatch):
    draft = current(campaign)
    accepted(campaign)
    monkeypatch.setattr("experiments.draft.current_draft", lambda *args: draft)  # read before
    with pytest.raises(ConflictError, match="draft D01: was accepted by"):
        accept_draft(campaign, "D01", 1)
    assert len(campaign.ledger.rounds()) == 1


def test_a_crash_while_accepting_leaves_neither_round_nor_accepted_draft(campaign):
    told = []

    def crash(tx, name):
        told.append(name)
        raise OSError("the power failed")

    with pytest.raises(OSError, match="the power failed"):
        accept_draft(campaign, "D01", 1, also=crash)
    assert told == ["R01"]
    assert campaign.ledger.rounds().empty
    assert (current(campaign).version, current(campaign).state) == (1, "open")
    assert campaign.verify() == []


def test_what_else_is_written_is_told_the_drafts_id(campaign):
    told = []
    discard_draft(campaign, "D01", 1, also=lambda tx, name: told.append(name))
    begin_draft(campaign, choose=Chosen(), also=lambda tx, name: told.append(name))
    assert told == ["D01", "D02"]


def test_a_discarded_draft_makes_room_and_stays_in_the_ledger(campaign):
    with acting("Bo", "page"):
        gone = discard_draft(campaign, "D01", 1)
    assert (gone.state, gone.version, gone.person) == ("discarded", 2, "Bo")
    assert gone.rows == read_draft(campaign.ledger, "D01").rows
    assert begin_draft(campaign, choose=Chosen()).id == "D02"


def test_a_draft_nobody_made_is_said_to_be_missing(campaign):
    with pytest.raises(CampaignError, match="there is no draft 'D07'; drafts: D01; make one with"):
        read_draft(campaign.ledger, "D07")


def test_what_happened_since_is_said_in_the_round(campaign, add_glass):
    add_glass(
        campaign.ledger, "J9", x=0.302, milling_media="agate", milling_time_h=5.0,
        pressing_pressure_mpa=300.0, ionic_conductivity=2e-4,
    )  # fmt: skip
    before = current(campaign)
    round_ = accepted(campaign)
    assert round_["warnings"][0].startswith("the ledger changed since the draft was begun")
    assert "R01-G3: its recipe was made since the draft was begun, as J9-P" in round_["warnings"]
    assert not any("R01-G2: its" in said for said in round_["warnings"])
    new = round_["glasses"][2]["predictions"]["ionic_conductivity"]["sd"]
    assert new < row(before, "G3")["predictions"]["ionic_conductivity"]["sd"]  # frozen as of now


def test_a_quiet_ledger_is_not_said_to_have_changed(campaign):
    assert not any("since the draft" in said for said in accepted(campaign)["warnings"])


def test_what_can_no_longer_be_made_is_not_accepted(campaign):
    owned = {"stainless_steel": 3, "zirconia": 2}
    glasses = campaign.config.glasses.model_copy(update={"jars_owned": owned})
    campaign.config = campaign.config.model_copy(update={"glasses": glasses})
    with pytest.raises(InputError, match="row G3, column milling_media: is jar 1 of agate"):
        accepted(campaign)
    assert campaign.ledger.rounds().empty


def test_powder_used_up_meanwhile_is_noticed(campaign):
    edit(campaign, {"row": "C1", "set": {"core": "J1"}})
    jar = campaign.ledger.jar("J1")
    with campaign.ledger.transaction() as tx:
        tx.correct_jar(replace(jar, recovered_mass_mg=200.0))
    with pytest.raises(InputError, match="row C1, column core: 150 mg of J1 are wanted for C1, th"):
        accepted(campaign)


def test_more_hours_than_were_allowed_are_warned_of(campaign):
    discard_draft(campaign, "D01", 1)
    begin_draft(campaign, choose=Chosen(), budget_h=200.0)
    draft = edit(campaign, {"run": {"milling_time_h": 20}})
    assert draft.cost["now_h"] > 200
    assert any(said.startswith("budget: the rows as they are take") for said in draft.warnings)


def test_a_draft_is_plain_json(campaign):
    plain = current(campaign).to_dict()
    assert json.loads(json.dumps(plain, allow_nan=False)) == plain
    assert {"id", "version", "state", "person", "recorded_at", "rows", "run", "warnings"} <= {
        *plain
    }
    assert {"assumptions", "counts", "gain", "cost"} <= {*plain}
