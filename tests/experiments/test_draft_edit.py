"""Editing a draft: what may be changed, what is refused, and what the edits do."""

import json
import shutil

import pytest

from experiments import success_words
from experiments.acting import acting
from experiments.campaign import Campaign
from experiments.complaint import Complaint
from experiments.draft import edit_draft
from features.errors import ConflictError
from tests.experiments.drafted_campaign import current, edit, refused, row

pytest_plugins = ["tests.experiments.drafted_campaign"]


@pytest.fixture(scope="module")
def untouched(drafted_folder, tmp_path_factory):
    """For refusals, which leave it as it is."""
    folder = tmp_path_factory.mktemp("untouched") / "c"
    shutil.copytree(drafted_folder, folder)
    with Campaign.open(folder) as opened:
        yield opened


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"row": "G1", "set": {"x": "0.2"}}, "row G1, column x: must be a number, got '0.2'"),
        ({"row": "G1", "set": {"x": True}}, "row G1, column x: must be a number, got True"),
        ({"row": "G1", "set": {"x": float("nan")}}, "column x: must be a finite number, got nan"),
        ({"row": "G1", "set": {"x": 10**400}}, "column x: must be a finite number, got inf"),
        ({"row": "G1", "set": {"x": 2.6}}, "row G1, column x: x: 2.6 is above the usual 0 to 0.6"),
        ({"row": "G1", "set": {"x": -0.1}}, "row G1, column x: x: -0.1 is below"),
        ({"row": "G1", "set": {"milling_media": "teflon"}}, "must be one of stainless_steel"),
        ({"row": "G1", "set": {"milling_media": 3}}, "column milling_media: must be the id of a"),
        ({"row": "G1", "set": {"colour": 1}}, "row G1, column colour: is unknown, got 1; columns"),
        (
            {"row": "G1", "set": {"milling_time_h": 6}},
            "row G1, column milling_time_h: is 5 for all jars of the run, got 6",
        ),
        ({"row": "G1", "set": {}}, "row G1: must get values by column"),
        ({"row": "G1", "drop": "yes"}, "row G1: drop must be true or false, got 'yes'"),
        ({"row": "G1", "restore": False}, "row G1: restore must be true, got False"),
        ({"row": "G9", "drop": True}, "edit 1: must name a row of this draft, got 'G9'; rows: G1"),
        ({"row": "G1", "remove": True}, "edit 1: got row, remove; an edit must hold"),
        ("drop G1", "edit 1: got 'drop G1'; an edit must hold"),
        ({"run": {"milling_time_h": 300}}, "run, column milling_time_h: milling time: 300 h"),
        ({"run": {"x": 0.2}}, "run, column x: is unknown, got 0.2; columns: milling_time_h"),
        (
            {"row": "G1", "set": {"pressing_pressure_mpa": 520}},
            "row G1, column pressing_pressure_mpa: must not exceed the die's rating of 500 MPa",
        ),
        (
            {"row": "C1", "set": {"skin_mass_mg": 10}},
            "row C1, column skin_mass_mg: skin_mass_mg must be at least 15 mg",
        ),
        ({"row": "C1", "set": {"skin": "G1"}}, "row C1, column skin: skin_x must be at least 0.3"),
        ({"row": "C1", "set": {"core": "J9"}}, "row C1, column core: must be a glass of this"),
        (
            {"row": "C1", "set": {"temperature_c": 80}},
            "row C1, column temperature_c: is the same in all cells",
        ),
        (
            {"row": "C2", "set": {"core": "G1"}},
            "row C2, column core: 300 mg of G1 are wanted for C1 and C2, there are 275 mg",
        ),
        ({"add": {"x": 0.2}}, "row G4, column milling_media: is needed for a glass"),
    ],
)
def test_what_cannot_be_made_is_refused_with_row_and_column(untouched, change, said):
    problems = refused(untouched, change)
    assert any(said in problem for problem in problems), problems


def test_all_problems_are_said_at_once_and_know_their_place(untouched):
    problems = refused(
        untouched,
        {"row": "G1", "set": {"x": 9, "milling_media": "teflon"}},
        {"row": "C1", "set": {"skin_mass_mg": 10}},
    )
    assert [(p.specimen, p.column) for p in problems if isinstance(p, Complaint)] == [
        ("G1", "x"),
        ("G1", "milling_media"),
        ("C1", "skin_mass_mg"),
    ]


def test_no_more_jars_of_a_medium_than_owned(untouched):
    wanted = {"milling_media": "agate"}
    problems = refused(untouched, *({"row": key, "set": wanted} for key in ("G1", "G2")))
    assert problems == [
        "row G2, column milling_media: is jar 3 of agate in this run, 2 are owned (jars_owned in "
        "campaign.yaml); choose another medium, or drop a row"
    ]
    problems = refused(untouched, {"row": "G1", "set": {"milling_media": "alumina"}})
    assert "is jar 1 of alumina in this run, 0 are owned" in problems[0]


def test_the_last_glass_stays(untouched):
    problems = refused(untouched, *({"row": key, "drop": True} for key in ("G1", "G2", "G3")))
    assert problems == ["draft: no glass would be left; keep one, or discard the draft"]


def test_edits_must_be_a_list_with_something_in_it(untouched):
    assert "none were given" in refused(untouched)[0]


def test_a_stale_version_is_refused(campaign):
    edit(campaign, {"row": "G1", "set": {"x": 0.2}})
    with pytest.raises(ConflictError, match=r"D01: is at version 2, changed by Bo at .* version 1"):
        edit_draft(campaign, "D01", 1, [{"row": "G1", "set": {"x": 0.3}}])


def test_a_row_changed_by_hand_says_who_what_and_why_it_was_proposed(campaign):
    draft = edit(campaign, {"row": "G2", "set": {"x": 0.5, "pressing_pressure_mpa": 400}})
    changed = row(draft, "G2")
    assert (changed["role"], changed["edited_by"]) == ("by_hand", "Bo")
    assert changed["why"].startswith(
        "changed by Bo: x 0.60 to 0.50, pressing pressure 350 to 400 MPa; it was proposed as "
    )
    assert (changed["recipe"]["x"], changed["proposed"]["x"]) == (0.5, 0.6)
    assert changed["explanation"] is not None  # what it is in for is still foreseen
    draft = edit(campaign, {"row": "G2", "set": {"x": 0.55}}, by="Cy")
    assert row(draft, "G2")["edited_by"] == "Bo and Cy"
    assert row(draft, "G1")["edited_by"] == ""


def test_a_row_restored_is_as_proposed_again(campaign):
    before = current(campaign)
    edit(campaign, {"row": "G2", "set": {"x": 0.5}}, {"row": "C2", "drop": True})
    draft = edit(campaign, {"row": "G2", "restore": True}, {"row": "C2", "restore": True})
    assert draft.rows == before.rows
    assert draft.gain == before.gain


def test_setting_what_was_proposed_leaves_no_mark(campaign):
    draft = edit(campaign, {"row": "G1", "set": {"x": 0.15}})
    assert (row(draft, "G1")["role"], row(draft, "G1")["edited_by"]) == ("control", "")


def test_cells_go_with_the_glass_they_are_built_from_and_keys_stay(campaign):
    draft = edit(campaign, {"row": "G1", "drop": True})
    gone, kept = row(draft, "C1"), row(draft, "C2")
    assert (gone["dropped"], gone["dropped_with"], gone["id"]) == (True, ["G1"], None)
    assert (kept["dropped"], kept["id"], kept["recipe"]["core"]) == (False, "R01-C1", "G3")
    assert [each["id"] for each in draft.rows[:3]] == [None, "R01-G1", "R01-G2"]
    assert "C1 is dropped with G1, which it is built from" in draft.warnings
    draft = edit(campaign, {"row": "G1", "drop": False})
    assert not any(each["dropped"] for each in draft.rows)


def test_a_cell_cannot_be_kept_or_built_from_a_glass_that_is_dropped(campaign):
    drop = {"row": "G1", "drop": True}
    problems = refused(campaign, drop, {"row": "C1", "drop": False})
    assert "row C1: is built from G1, which is dropped; take G1 back" in problems[0]
    problems = refused(campaign, drop, {"row": "C2", "set": {"core": "G1"}})
    assert "row C2, column core: G1 is dropped; take it back" in problems[0]
    draft = edit(campaign, drop, {"row": "C1", "set": {"core": "J1"}})
    assert not row(draft, "C1")["dropped"]


def test_the_run_is_changed_for_all_jars(campaign):
    draft = edit(campaign, {"run": {"milling_time_h": 8}})
    glasses = [each for each in draft.rows if each["kind"] == "glass"]
    assert {each["recipe"]["milling_time_h"] for each in glasses} == {8.0}
    assert {each["role"] for each in glasses} == {"by_hand"}
    assert "changed by Bo: milling time 5 to 8 h" in glasses[0]["why"]
    assert draft.run["proposed"]["milling_time_h"] == 5.0
    assert draft.run["why"].startswith("changed by Bo from 5 h at 500 rpm")
    assert draft.cost["now_h"] == pytest.approx(draft.cost["proposed_h"] + 3.0)
    draft = edit(campaign, {"run": {"milling_time_h": 5}})
    assert (row(draft, "G1")["role"], draft.run["edited_by"]) == ("control", "")


def test_a_glass_is_added_under_the_next_key(campaign):
    recipe = {"x": 0.4, "milling_media": "zirconia", "pressing_pressure_mpa": 300}
    draft = edit(campaign, {"row": "G3", "drop": True}, {"add": recipe})
    added = row(draft, "G4")
    assert (added["id"], added["role"], added["why"]) == ("R01-G3", "by_hand", "added by Bo")
    assert added["recipe"]["milling_time_h"] == 5.0
    assert added["proposed"] is None
    draft = edit(campaign, {"row": "G4", "drop": True}, {"add": recipe})
    assert row(draft, "G5")["id"] == "R01-G3"
    assert (
        "was added by hand and never proposed"
        in refused(campaign, {"row": "G5", "restore": True})[0]
    )


def test_a_cell_that_is_as_proposed_says_that_its_glass_is_not(campaign):
    draft = edit(campaign, {"row": "G1", "set": {"x": 0.2}})
    assert row(draft, "C1")["role"] in ("exploit", "explore")  # by what is foreseen of it now
    assert row(draft, "C1")["recipe"]["core_recipe"]["x"] == 0.2
    assert row(draft, "C1")["proposed"]["core"] == "G1"


def test_what_is_not_searched_is_warned_of_and_allowed(campaign):
    draft = edit(campaign, {"row": "G2", "set": {"x": 0.7}}, {"run": {"milling_speed_rpm": 450}})
    said = [str(warning) for warning in draft.warnings]
    assert (
        "row G2, column x: 0.7 is outside the 0 to 0.6 that this campaign searches; little is "
        "known there"
    ) in said
    assert any(s.startswith("run, column milling_speed_rpm: 450 is not the 500") for s in said)
    assert "a jar stays empty" in said  # said of the batch as proposed, and still true


def test_the_gain_of_a_draft_falls_when_a_row_is_dropped(campaign):
    before = current(campaign)
    draft = edit(campaign, {"row": "G2", "drop": True})
    for part in draft.gain.values():
        assert part["change"]["mean"] < 0
        assert part["change"]["upper"] < 0
        assert part["now"]["mean"] >= 0
    glasses = draft.gain["glasses"]
    assert glasses["proposed"] == before.gain["glasses"]["proposed"]
    assert glasses["in_words"].startswith("dropping G2 loses ")
    assert draft.gain["trilayers"]["in_words"].startswith("dropping C1 and C2 loses 100 %")


def test_the_error_of_a_change_is_much_smaller_than_that_of_a_gain(campaign):
    before = current(campaign).gain
    draft = edit(campaign, {"row": "G2", "set": {"x": 0.59}})
    for part in draft.gain.values():
        assert 0 < part["change"]["se"] < 0.1 * part["proposed"]["se"]
        assert 0 < abs(part["change"]["share"]["mean"]) < 0.1
    assert "changing G2" in draft.gain["glasses"]["in_words"]
    assert "changing C1 and C2" in draft.gain["trilayers"]["in_words"]  # by their skin
    for name, part in draft.gain.items():  # the same number whatever it is compared with
        assert part["proposed"] == before[name]["proposed"]


def test_cells_changed_by_hand_say_what_they_are_in_for(campaign):
    mass = {"skin_mass_mg": 26}
    draft = edit(campaign, *({"row": key, "set": mass} for key in ("C1", "C2")))
    for key in ("C1", "C2"):
        assert row(draft, key)["role"] == "by_hand"
        assert row(draft, key)["explanation"]["nearest"]


def test_warnings_call_rows_by_their_keys(campaign, monkeypatch):
    monkeypatch.setattr(success_words, "LEAST_SUCCESS", 0.999)
    draft = edit(campaign, {"row": "G1", "drop": True})
    named = [said.split()[0] for said in draft.warnings if " succeeds with " in said]
    assert named == ["G2", "G3", "C2"]


def test_an_edit_is_plain_json_and_signed(campaign):
    draft = current(campaign)
    edits = json.loads(json.dumps([{"row": "G1", "set": {"x": 0.2}}]))
    with acting("Ada", "API"):
        draft = edit_draft(campaign, draft.id, draft.version, edits)
    assert (draft.version, draft.person, draft.state) == (2, "Ada", "open")
    assert json.loads(json.dumps(draft.to_dict(), allow_nan=False))["rows"][0]["recipe"]["x"] == 0.2
