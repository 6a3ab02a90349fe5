"""Recording is all or nothing, can be repeated, and later files add or correct."""

import shutil
from pathlib import Path
from typing import Any

import pytest

from experiments.campaign import Campaign
from experiments.ledger import Ledger
from experiments.ledger_transaction import Transaction
from experiments.recording import not_measured, record_files
from features.errors import CampaignError, InputError, LedgerError

pytest_plugins = ["tests.experiments.planned_round"]


def sigma(lab: Any, **cells: str) -> dict[str, str]:
    return {**lab.results[1], **cells}


def readings(lab: Any, name: str = "ionic_conductivity") -> list[tuple[float, str]]:
    frame = lab.ledger.readings()
    own = frame[(frame["property"] == name) & frame["specimen"].str.startswith("R01")]
    return list(zip(own["lower"], own["note"], strict=True))


def test_recording_the_same_files_again_changes_nothing(lab: Any) -> None:
    first = lab.record()
    assert (first.specimens, first.readings_added, first.unchanged) == (5, 4, 0)
    before = lab.content()
    again = lab.record()
    assert (again.specimens, again.readings_added, again.readings_corrected) == (0, 0, 0)
    assert (again.unchanged, again.rounds) == (9, ())
    assert lab.content() == before


def test_readings_say_who_recorded_them_and_from_which_file(lab: Any) -> None:
    lab.record()
    ledger = lab.ledger
    own = ledger.readings().query("source == 'results.csv'")
    digests = dict(zip(ledger.files()["name"], ledger.files()["sha256"], strict=True))
    assert set(own["file_sha256"]) == {digests["results.csv"]}
    assert set(own["recorded_by"]) == {"me"}


def test_results_may_come_for_specimens_of_the_same_made_file(lab: Any) -> None:
    extra = {**lab.made[1], "specimen": "mine-1"}
    result = sigma(lab, specimen="mine-1")
    report = lab.record([*lab.made, extra], [result])
    assert (report.specimens, report.readings_added, report.rounds) == (6, 1, ("R01",))


def test_partial_results_come_one_file_after_another(lab: Any) -> None:
    assert lab.record(results=[]).readings_added == 0
    assert lab.record(results=lab.results[:1]).readings_added == 1
    assert lab.record(results=lab.results).readings_added == 3
    assert lab.record(results=lab.results).unchanged == 9


def test_a_corrected_value_supersedes_and_the_history_stays(lab: Any) -> None:
    lab.record()
    report = lab.record(results=lab.changed(lab.results, 3, value="2.5e-4"))
    assert (report.readings_added, report.readings_corrected) == (0, 1)
    assert report.warnings == (
        "results.csv, row 3 (R01-G1-P1): 2.5e-4 S/cm replaces 2.6e-4 S/cm recorded before; if it "
        "is a second measurement, keep both rows and say so in the note",
    )
    assert readings(lab) == [(2.5e-4, "")]
    every = lab.ledger.readings(current=False)
    own = every[(every["specimen"] == "R01-G1-P1") & (every["property"] == "ionic_conductivity")]
    assert list(own["lower"]) == [2.6e-4, 2.5e-4]
    assert own["supersedes"].iloc[1] == own["version_id"].iloc[0]


def test_replicates_stay_two_readings_however_often_they_are_recorded(lab: Any) -> None:
    both = [sigma(lab), sigma(lab, value="2.4e-4", note="remounted")]
    assert lab.record(results=both).readings_added == 2
    before = lab.content()
    assert lab.record(results=both).unchanged == 7
    assert lab.content() == before
    swapped = lab.record(results=both[::-1])
    assert (swapped.readings_added, swapped.readings_corrected) == (0, 0)
    assert readings(lab) == [(2.6e-4, ""), (2.4e-4, "remounted")]


def test_each_replicate_is_corrected_by_its_own_note(lab: Any) -> None:
    lab.record(results=[sigma(lab), sigma(lab, value="2.4e-4", note="remounted")])
    lab.record(results=[sigma(lab, value="2.3e-4", note="remounted"), sigma(lab)])
    assert sorted(readings(lab)) == [(2.3e-4, "remounted"), (2.6e-4, "")]


def test_a_second_measurement_added_to_the_file_is_a_reading_of_its_own(lab: Any) -> None:
    lab.record()
    again = [sigma(lab, value="2.4e-4", note="remounted"), *lab.results]
    report = lab.record(results=again)
    assert (report.readings_added, report.readings_corrected) == (1, 0)
    assert len(readings(lab)) == 2


def test_a_second_measurement_in_a_file_of_its_own_is_a_reading_of_its_own(lab: Any) -> None:
    lab.record()
    made, _ = lab.files()
    later = lab.write("december.csv", [sigma(lab, value="2.4e-4", note="remounted")])
    report = record_files(lab.ledger, lab.config, made, later)
    assert (report.readings_added, report.readings_corrected) == (1, 0)


def test_a_note_that_explains_a_correction_does_not_make_it_a_replicate(lab: Any) -> None:
    lab.record()
    mended = lab.changed(lab.results, 3, value="2.7e-4", note="was misread")
    assert lab.record(results=mended).readings_corrected == 1
    assert readings(lab) == [(2.7e-4, "was misread")]


def test_another_temperature_is_another_reading(lab: Any) -> None:
    lab.record()
    report = lab.record(results=[sigma(lab, value="4e-5", temperature_c="25")])
    assert (report.readings_added, report.readings_corrected) == (1, 0)


def test_a_reading_can_be_withdrawn_once(lab: Any) -> None:
    lab.record()
    gone = [sigma(lab, value="withdrawn", note="wrong pellet")]
    assert lab.record(results=gone).readings_corrected == 1
    assert readings(lab) == []
    assert "2.6e-4 S/cm" in list(lab.ledger.readings(current=False)["text"])
    before = lab.content()
    assert lab.record(results=gone).readings_corrected == 0
    assert lab.content() == before


def test_a_withdrawal_of_nothing_or_of_one_of_several_is_refused(lab: Any) -> None:
    lab.record(results=[sigma(lab), sigma(lab, value="2.4e-4", note="remounted")])
    (several,) = lab.refused(results=[sigma(lab, value="withdrawn", note="which?")])
    assert "results.csv, row 2, column value (R01-G1-P1): 2 readings could be" in several
    (nothing,) = lab.refused(results=[sigma(lab, value="withdrawn", temperature_c="25")])
    assert "there is no reading to withdraw; check specimen, property and temperature" in nothing


def test_what_is_not_measured_is_remembered_once(lab: Any) -> None:
    skipped = [sigma(lab, value="not_measured")]
    assert lab.record(results=skipped).rounds == ("R01",)
    assert not_measured(lab.ledger, "R01") == {("R01-G1-P1", "ionic_conductivity")}
    before = lab.content()
    assert lab.record(results=skipped).rounds == ()
    assert lab.content() == before


def test_all_problems_of_both_files_come_in_one_go_and_in_file_order(lab: Any) -> None:
    made = lab.changed(lab.made, 2, x="15", milling_time_h="three", milling_media="steal")
    made = lab.changed(made, 6, temperature_c="95", core="G9")
    made[1]["status"] = "mad"
    results = lab.changed(lab.results, 3, value="0.26", temperature_c="")
    results = lab.changed(results, 5, property="ccd", unit="mA")
    problems = lab.refused(made, results)
    places = [problem.partition(" (")[0] for problem in problems]
    assert places == [
        "made.csv, row 2, column x",
        "made.csv, row 2, column milling_time_h",
        "made.csv, row 2, column milling_media",
        "made.csv, row 3, column status",
        "made.csv, row 6, column core",
        "made.csv, row 6, column temperature_c",
        "results.csv, row 3, column temperature_c",
        "results.csv, row 3, column value",
        "results.csv, row 5, column property",
    ]


def test_a_bad_row_in_one_file_draws_no_echo_in_the_other(lab: Any) -> None:
    made = lab.changed(lab.made, 2, milling_time_h="three")
    assert [problem.partition(":")[0] for problem in lab.refused(made)] == [
        "made.csv, row 2, column milling_time_h (R01-G1)"
    ]


def test_a_write_that_breaks_half_way_leaves_nothing(
    lab: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = lab.content()

    def full(self: Transaction, round_id: str, event: str, detail: object = None) -> None:
        raise LedgerError("the disk is full")

    monkeypatch.setattr(Transaction, "add_round_event", full)
    with pytest.raises(LedgerError, match="the disk is full"):
        lab.record()
    assert lab.content() == before


def test_simulated_values_never_enter_a_lab_s_ledger(lab: Any) -> None:
    before = lab.content()
    with pytest.raises(CampaignError, match="filled by the virtual lab and this campaign is real"):
        lab.record(lab.changed(lab.made, 2, operator="virtual lab A seed 0"))
    with pytest.raises(CampaignError, match="filled by the virtual lab and this campaign is real"):
        lab.record(results=lab.changed(lab.results, 3, method="simulated impedance"))
    assert lab.content() == before


def test_a_lab_s_values_never_enter_a_simulated_ledger(lab: Any) -> None:
    with lab.ledger.transaction() as tx:
        tx.set_kind("simulated")
    before = lab.content()
    with pytest.raises(CampaignError, match="simulated and takes no results of a lab"):
        lab.record()
    assert lab.content() == before


@pytest.fixture(scope="module")
def proposed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A real campaign with its first round proposed."""
    folder = tmp_path_factory.mktemp("proposed") / "c"
    with pytest.MonkeyPatch.context() as patch, Campaign.create(folder) as campaign:
        patch.setattr(Campaign, "deliver", lambda self: None)  # MLflow has tests of its own
        campaign.propose(glasses=2, trilayers=0)
    return folder


def test_close_ends_a_round_with_what_is_there(
    proposed: Path, tmp_path: Path, lab: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Campaign, "deliver", lambda self: None)
    shutil.copytree(proposed, tmp_path / "p")
    made = lab.write("made.csv", [{"specimen": "R01-G1", "kind": "jar", "status": "made"}])
    results = lab.write("results.csv", [{"specimen": "", "property": "", "value": ""}])
    with Campaign.open(tmp_path / "p") as campaign:
        assert campaign.record(made, results).closed == ()
        report = campaign.record(made, results, end=True, by="me")
        assert report.closed == ("R01",)
        assert campaign.open_rounds() == []
        assert campaign.ledger.pellet("R01-G1-P1").status == "not_made"
        assert campaign.verify() == []


def test_a_specimen_given_up_can_still_be_told_of(
    proposed: Path, tmp_path: Path, lab: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Campaign, "deliver", lambda self: None)
    shutil.copytree(proposed, tmp_path / "p")
    rows = [
        {"specimen": "R01-G1", "kind": "jar", "status": "made"},
        {"specimen": "R01-G1-P1", "kind": "pellet", "status": "made"},
    ]
    made, results = lab.write("made.csv", rows), lab.write("results.csv", [lab.results[1]])
    with Campaign.open(tmp_path / "p") as campaign:
        campaign.end_round("R01")
        assert campaign.record(made, results).readings_added == 1
        pellet = campaign.ledger.pellet("R01-G1-P1")
        assert (pellet.status, pellet.note) == ("made", "")


def test_the_prefilled_files_of_a_round_are_taken_as_they_are(
    proposed: Path, tmp_path: Path, lab: Any
) -> None:
    shutil.copytree(proposed, tmp_path / "p")
    folder = tmp_path / "p" / "rounds" / "R01"
    with Ledger.open(tmp_path / "p" / "ledger.db") as ledger:
        report = record_files(ledger, lab.config, folder / "made.csv", folder / "results.csv")
    assert (report.specimens, report.readings_added, report.warnings) == (0, 0, ())
    assert report.is_empty


def test_a_report_is_empty_only_when_the_files_say_nothing(lab: Any) -> None:
    assert lab.record([], []).is_empty
    assert not lab.record([], [sigma(lab, value="not_measured")]).is_empty
    assert not lab.record([], [sigma(lab, value="not_measured")]).is_empty
    assert not lab.record().is_empty
    assert not lab.record().is_empty


def test_a_file_that_is_missing_is_named_along_with_the_other_s_problems(lab: Any) -> None:
    made = lab.write("made.csv", lab.changed(lab.made, 2, x="15"))
    with pytest.raises(InputError, match=r"(?s)2 problems.*row 2, column x.*none\.csv: no such"):
        record_files(lab.ledger, lab.config, made, lab.folder / "none.csv")
