"""``glassloop propose --draft`` and ``glassloop draft``: the whole way by the command line."""

import json

import pytest
from typer.testing import CliRunner

from experiments.cli import app
from experiments.draft_options import edits_of
from features.errors import CampaignError, ConflictError

pytest_plugins = ["tests.experiments.drafted_campaign"]

RUN = CliRunner()


@pytest.fixture
def said(campaign):
    """What a command prints; mistakes are raised."""

    def run(*words):
        result = RUN.invoke(app, [*words, "-c", str(campaign.folder)], catch_exceptions=False)
        assert result.exit_code == 0
        return result.stdout

    return run


def test_a_draft_is_shown_with_keys_reasons_gain_and_hours(said):
    text = said("draft", "show", "D01")
    assert "draft D01, version 1 (open), of c" in text
    assert "control: chosen as control" in text
    assert "Gain: as proposed" in text
    assert "Hours: " in text
    assert "glassloop draft accept D01 --campaign" in text


def test_a_draft_is_edited_and_accepted_by_the_command_line(said, campaign):
    text = said("draft", "edit", "--drop", "G1", "--set", "G3:x=0.32", "--by", "Bo")
    assert "Dropped: G1; --keep G1 takes it back." in text
    assert "Dropped: C1, with G1 that it is built from." in text
    assert "by hand: changed by Bo: x 0.30 to 0.32" in text
    assert "dropping G1 and changing G3" in text
    assert json.loads(said("draft", "show", "--json"))["person"] == "Bo"
    round_ = json.loads(said("draft", "accept", "D01", "--json"))
    assert (round_["round"], len(round_["glasses"])) == ("R01", 2)
    assert "It was accepted as round R01 by" in said("draft", "show", "D01")


def test_a_draft_is_discarded_and_another_proposed(said):
    with pytest.raises(ConflictError, match="draft D01 of Ada is open"):
        said("propose", "--draft")
    assert json.loads(said("propose", "--draft", "--unless-open", "--json"))["id"] == "D01"
    assert "Draft D01 is discarded" in said("draft", "discard")
    with pytest.raises(CampaignError, match="draft: none is open"):
        said("draft", "show")
    plain = json.loads(said("propose", "--draft", "--json", "--glasses", "1", "--trilayers", "0"))
    assert (plain["id"], plain["state"], len(plain["rows"])) == ("D02", "open", 1)


def test_options_become_edits():
    assert edits_of(
        drop=["G1"], keep=["G2"], restore=["G3"], values=["C1:core=J1", "C1:skin_mass_mg=20"],
        add=["x=0.2,milling_media=agate"],
    ) == [
        {"row": "G2", "drop": False},
        {"row": "G3", "restore": True},
        {"add": {"x": 0.2, "milling_media": "agate"}},
        {"row": "C1", "set": {"core": "J1", "skin_mass_mg": 20.0}},
        {"row": "G1", "drop": True},
    ]  # fmt: skip


@pytest.mark.parametrize("text", ["x=0.2", "G1:x", "G1"])
def test_a_value_without_row_or_column_is_refused(text):
    with pytest.raises(CampaignError, match=r"--set: must be ROW:COLUMN=VALUE such as G1:x=0.2"):
        edits_of(values=[text])


def test_a_glass_to_add_needs_columns():
    with pytest.raises(CampaignError, match=r"--add: must have COLUMN=VALUE, got 'agate'"):
        edits_of(add=["x=0.2,agate"])
