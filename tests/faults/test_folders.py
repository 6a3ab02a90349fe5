"""A round's folder that is half written, or another round's."""

import pytest

from benchmarks.faults.half_folder import half_folder
from experiments.campaign import Campaign
from experiments.config import CampaignConfig, MlflowConfig
from experiments.round_folder import lacking, set_aside, write_folder
from features.errors import CampaignError
from tests.faults.needs import clean

SHEET = "<html>" + "weigh 1037 mg " * 20 + "</html>\n"
FORM = "specimen,kind,status\nR01-G1,jar,\nR01-G2,jar,\n"
FILES = {"batch_sheet.html": SHEET, "made.csv": FORM}


def test_a_half_written_folder_is_completed_or_named_and_the_ledger_stays(subject, tmp_path):
    assert clean(half_folder(subject, tmp_path, times=3))


@pytest.mark.parametrize(
    "held",
    [
        pytest.param(b"", id="empty"),
        pytest.param(SHEET.encode()[:100], id="cut-off"),
        pytest.param(bytes(300), id="zeros"),
        pytest.param(SHEET.encode()[:100] + bytes(100), id="cut-off-and-zeros"),
        pytest.param(b"noise", id="noise"),
    ],
)
def test_a_sheet_that_is_not_whole_is_written_again(tmp_path, held):
    (tmp_path / "batch_sheet.html").write_bytes(held)
    assert lacking(tmp_path, ["batch_sheet.html"]) == ["batch_sheet.html"]
    write_folder(tmp_path, FILES)
    assert (tmp_path / "batch_sheet.html").read_text() == SHEET
    assert lacking(tmp_path, FILES) == []


@pytest.mark.parametrize(
    ("held", "is_kept"),
    [
        pytest.param(FORM.replace("jar,\n", "jar,made\n"), True, id="filled-in"),
        pytest.param("Probe;Art\nG1;jar\n", True, id="another-table"),
        pytest.param(FORM.replace("jar,\n", "jar,made\n")[:40], True, id="filled-in-and-cut-off"),
        pytest.param(FORM[:40], False, id="cut-off-form"),
        pytest.param("", False, id="empty"),
        pytest.param("\0" * 60, False, id="zeros"),
    ],
)
def test_what_a_chemist_wrote_is_kept_and_what_nobody_wrote_is_not(tmp_path, held, is_kept):
    (tmp_path / "made.csv").write_text(held)
    write_folder(tmp_path, FILES)
    assert (tmp_path / "made.csv").read_text() == (held if is_kept else FORM)


def test_drafts_of_a_killed_process_are_cleared_away(tmp_path):
    (tmp_path / ".made.csv.x7.part").write_text("half")
    (tmp_path / ".made.csv.part").write_text("half, of an older version")
    write_folder(tmp_path, FILES)
    assert sorted(path.name for path in tmp_path.iterdir()) == sorted(FILES)


def test_a_folder_that_cannot_be_written_names_the_way_on(tmp_path):
    (tmp_path / "rounds").write_text("a file")
    with pytest.raises(CampaignError, match=r"round itself is in the ledger.*--unless-open"):
        write_folder(tmp_path / "rounds" / "R01", FILES)


def test_the_folder_of_another_round_is_moved_away_and_kept(tmp_path):
    for number in (1, 2):
        (tmp_path / "R01").mkdir()
        (tmp_path / "R01" / "made.csv").write_text(f"of before {number}")
        set_aside(tmp_path / "R01")
    set_aside(tmp_path / "R01")  # nothing is there
    assert (tmp_path / "R01-before-1" / "made.csv").read_text() == "of before 1"
    assert (tmp_path / "R01-before-2" / "made.csv").read_text() == "of before 2"


def test_a_new_round_never_takes_the_sheet_of_another(tmp_path):
    config = CampaignConfig(name="c", mlflow=MlflowConfig(track=False))
    with Campaign.create(tmp_path / "c", config, pictures=False) as campaign:
        stale = campaign.round_folder("R01")
        write_folder(stale, {"batch_sheet.html": SHEET, "made.csv": "of another ledger\n"})
        campaign.propose(glasses=1, trilayers=0)
        assert "weigh 1037 mg" not in (stale / "batch_sheet.html").read_text()
        assert "R01-G1" in (stale / "made.csv").read_text()
        assert (tmp_path / "c/rounds/R01-before-1/made.csv").read_text() == "of another ledger\n"
