"""A round is planned with the data that are in the ledger before it, whoever writes meanwhile."""

import json
from dataclasses import replace

import pytest

from experiments.campaign import Campaign
from experiments.draft import accept_draft, begin_draft, discard_draft, round_of
from experiments.knowledge import thawed
from experiments.ledger import Ledger
from experiments.ledger_rows import ReadingRow
from experiments.round_ledger import CAME_MEANWHILE, PLANNED_AGAIN
from features.errors import ConflictError, InputError
from tests.experiments.drafted_campaign import Chosen, current, edit

pytest_plugins = ["tests.experiments.drafted_campaign"]


class Interrupted:
    """A ``Chooser`` after whose first choice something else is done."""

    def __init__(self, do):
        self.do, self.calls = do, 0

    def __call__(self, *args, **more):
        self.calls += 1
        chosen = Chosen()(*args, **more)
        if self.calls == 1:
            self.do()
        return chosen


@pytest.fixture
def other(campaign):
    """The same ledger, as another process has it open."""
    with Ledger.open(campaign.folder / "ledger.db") as opened:
        yield opened


@pytest.fixture
def while_accepting(monkeypatch):
    """Has something done, once, after the surrogates of a draft's round are fitted."""

    def let(do):
        waiting = [do]

        def predicted(*args):
            found = round_of(*args)
            if waiting:
                waiting.pop()()
            return found

        monkeypatch.setattr("experiments.draft.round_of", predicted)

    return let


def learned_from(campaign, round_id):
    """Conductivity readings in the model frozen with a round."""
    digest = campaign.ledger.proposals(round_id)["model_sha256"].iloc[0]
    layers, _ = thawed(json.loads(campaign.ledger.model(digest)))
    return layers["ionic_conductivity"].n_readings


def learned_from_now(campaign):
    return campaign.knowledge().layers["ionic_conductivity"].n_readings


def test_a_reading_recorded_while_a_round_is_planned_is_in_its_frozen_model(
    campaign, other, add_glass
):
    before = learned_from_now(campaign)
    choose = Interrupted(lambda: add_glass(other, "J9", ionic_conductivity=2e-4))
    round_ = campaign.propose(choose=choose)
    assert choose.calls == 2
    assert learned_from(campaign, "R01") == before + 1
    assert round_["counts"][0].startswith(f"{before + 1} conductivity")
    assert campaign.verify() == []


def test_a_round_is_planned_once_when_nobody_writes_meanwhile(campaign):
    choose = Interrupted(lambda: None)
    campaign.propose(choose=choose)
    assert choose.calls == 1


def test_two_who_propose_at_once_get_two_rounds(campaign):
    def propose():
        with Campaign.open(campaign.folder, pictures=False) as other:
            assert other.propose(choose=Chosen())["round"] == "R01"

    round_ = campaign.propose(choose=Interrupted(propose))
    assert round_["round"] == "R02"
    assert [g["id"] for g in round_["glasses"]] == ["R02-G1", "R02-G2", "R02-G3"]
    assert campaign.open_rounds() == ["R01", "R02"]
    assert campaign.verify() == []


def test_a_round_is_given_up_when_others_write_whenever_it_is_planned(campaign, other, add_glass):
    calls = []

    def choose(*args, **more):
        calls.append(add_glass(other, f"J{9 + len(calls)}", ionic_conductivity=2e-4))
        return Chosen()(*args, **more)

    with pytest.raises(ConflictError, match=r"was planned 4 times and each time .*; try again wh"):
        campaign.propose(choose=choose, also=lambda tx, name: calls.append("written"))
    assert len(calls) == 1 + PLANNED_AGAIN
    assert campaign.ledger.rounds().empty


def test_who_records_without_a_pause_does_not_keep_a_round_from_being_opened(
    campaign, other, add_glass
):
    pellet = add_glass(other, "J9", ionic_conductivity=2e-4)
    calls = []

    def choose(*args, **more):
        calls.append(len(calls))
        value = 2e-4 + 1e-6 * len(calls)
        with other.transaction() as tx:
            tx.add_reading(
                ReadingRow(specimen=pellet, property="ionic_conductivity", lower=value,
                           upper=value, temperature_c=60.0, note=f"{len(calls)}")
            )  # fmt: skip
        return Chosen()(*args, **more)

    round_ = campaign.propose(choose=choose)
    assert len(calls) == 1 + PLANNED_AGAIN
    assert CAME_MEANWHILE in round_["warnings"]
    assert learned_from(campaign, "R01") == learned_from_now(campaign) - 1
    assert campaign.verify() == []


@pytest.mark.parametrize("readings", [1, 2])
def test_a_draft_begun_or_changed_while_another_proposes_rests_on_one_moment(
    campaign, monkeypatch, readings
):
    stock, looked = Ledger.stock, []

    def after_a_rival(ledger, **more):
        if ledger is campaign.ledger:
            looked.append(ledger)
            if len(looked) == readings:
                with Campaign.open(campaign.folder, pictures=False) as other:
                    other.propose(choose=Chosen())
        return stock(ledger, **more)

    monkeypatch.setattr(Ledger, "stock", after_a_rival)
    draft = edit(campaign, {"row": "C1", "set": {"core": "J1"}})
    assert len(looked) > readings
    assert draft.planned["round"] == "R01"
    looked.clear()
    discard_draft(campaign, draft.id, draft.version)
    again = begin_draft(campaign, choose=Chosen())
    assert again.planned["round"] == "R02"
    assert campaign.open_rounds() == ["R01", "R02"]


def test_a_reading_recorded_while_a_draft_is_accepted_is_in_the_frozen_model(
    campaign, other, add_glass, while_accepting
):
    before = learned_from_now(campaign)
    while_accepting(lambda: add_glass(other, "J9", ionic_conductivity=2e-4))
    told = []
    round_ = accept_draft(campaign, "D01", 1, also=lambda tx, name: told.append(name))
    assert told == ["R01"]
    assert learned_from(campaign, "R01") == before + 1
    assert any("the ledger changed since the draft" in said for said in round_["warnings"])


def test_powder_used_up_while_a_draft_is_accepted_is_noticed(campaign, other, while_accepting):
    draft = edit(campaign, {"row": "C1", "set": {"core": "J1"}})

    def use_up():
        with other.transaction() as tx:
            tx.correct_jar(replace(other.jar("J1"), recovered_mass_mg=200.0))

    while_accepting(use_up)
    with pytest.raises(InputError, match="row C1, column core: 150 mg of J1 are wanted for C1, th"):
        accept_draft(campaign, "D01", draft.version)
    assert campaign.ledger.rounds().empty
    assert current(campaign).version == draft.version


def test_a_draft_accepted_while_another_proposes_is_the_round_after(campaign, while_accepting):
    while_accepting(lambda: campaign.propose(choose=Chosen()))
    assert accept_draft(campaign, "D01", 1)["round"] == "R02"
    assert campaign.open_rounds() == ["R01", "R02"]


def test_a_draft_accepted_twice_at_once_is_one_round(campaign, while_accepting):
    while_accepting(lambda: accept_draft(campaign, "D01", 1))
    with pytest.raises(ConflictError, match="D01: was accepted as round R01 by"):
        accept_draft(campaign, "D01", 1)
    assert campaign.open_rounds() == ["R01"]


def test_a_draft_discarded_while_it_is_accepted_is_no_round(campaign, while_accepting):
    while_accepting(lambda: discard_draft(campaign, "D01", 1))
    with pytest.raises(ConflictError, match="D01: was discarded by"):
        accept_draft(campaign, "D01", 1)
    assert campaign.ledger.rounds().empty


def test_a_round_opened_in_the_midst_of_planning_is_in_no_part_of_the_plan(campaign, monkeypatch):
    """Own and foreign R01-G1 in one table would be two rows of one name."""
    stock, looked = Ledger.stock, []

    def after_a_rival(ledger, **more):
        if ledger is campaign.ledger:
            looked.append(ledger)
            if len(looked) == 2:  # the round was numbered, its glasses are being put in stock
                with Campaign.open(campaign.folder, pictures=False) as other:
                    assert other.propose(choose=Chosen())["round"] == "R01"
        return stock(ledger, **more)

    monkeypatch.setattr(Ledger, "stock", after_a_rival)
    round_ = campaign.propose(glasses=2, trilayers=1)
    assert len(looked) > 2
    assert round_["round"] == "R02"
    assert campaign.open_rounds() == ["R01", "R02"]
    assert campaign.verify() == []
