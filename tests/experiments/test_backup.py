"""Backups are read again, and bring back what was lost: on SQLite and on a server."""

import gzip
import re
import shutil
import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from zipfile import ZipFile

import pytest
from mlflow import MlflowClient

from experiments.backup import BACKUPS, back_up, restore
from experiments.campaign import Campaign
from experiments.config import CampaignConfig, MlflowConfig
from experiments.ledger import Ledger, NoteRow
from experiments.outbox import LedgerOutbox
from experiments.tracking_home import home_of
from features.errors import CampaignError, LedgerError
from tests.experiments.sealed import seals_of
from tests.experiments.shared_database import place, server  # noqa: F401

pytestmark = pytest.mark.sqlite_file  # a copy, and what is restored, is such a file

SILENT = MlflowConfig(track=False)


@pytest.fixture(scope="module")
def kept(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A simulated campaign with a closed and an open round, and its backup."""
    folder = tmp_path_factory.mktemp("backup") / "lab"
    config = CampaignConfig(name="lab", mlflow=SILENT)
    with Campaign.create(folder, config, pictures=False) as campaign:
        campaign.propose(glasses=1, trilayers=0)
        campaign.simulate()
        campaign.propose(glasses=1, trilayers=0)
        back_up(campaign, folder.parent / "lab.zip")
    return folder


@pytest.fixture
def lab(kept: Path, tmp_path: Path) -> Path:
    shutil.copy(kept.parent / "lab.zip", tmp_path / "lab.zip")
    return Path(shutil.copytree(kept, tmp_path / "lab"))


def add_note(folder: Path, name: str, text: str = "later") -> None:
    with Campaign.open(folder) as campaign, campaign.ledger.transaction() as tx:
        tx.add_note(NoteRow(id=name, text=text))


def test_a_backup_says_what_it_holds_and_lies_beside_the_campaign(lab):
    with Campaign.open(lab) as campaign:
        done, faults = back_up(campaign)
    assert faults == []
    assert done.path.parent == lab / BACKUPS
    assert done.manifest.rounds == 2
    assert done.manifest.kind == "simulated"
    assert {"ledger.db", "campaign.yaml"} <= done.manifest.files.keys()
    assert not any(name.startswith(BACKUPS) for name in done.manifest.files)


def test_a_damaged_ledger_comes_back_and_is_kept_aside(lab):
    with Ledger.open(lab / "ledger.db") as ledger:
        before = ledger.readings()
    (lab / "ledger.db").write_bytes(b"SQLite format 3\0" + b"\xff" * 5000)
    with pytest.raises(LedgerError, match="damaged"):
        Campaign.open(lab)
    done = restore(lab, lab.parent / "lab.zip")
    assert done.changes_given_up is None
    assert (Path(done.set_aside) / "ledger.db").stat().st_size == 5016
    with Campaign.open(lab) as campaign:
        assert campaign.verify() == []
        assert campaign.ledger.readings().equals(before)
        assert campaign.open_rounds() == ["R02"]


def test_a_ledger_set_aside_is_not_replaced_by_one_set_aside_in_the_same_second(lab, monkeypatch):
    monkeypatch.setattr("experiments.backup._moment", lambda: "20300101T000000Z")
    add_note(lab, "N1")
    once = restore(lab, lab.parent / "lab.zip", give_up_newer=True)
    again = restore(lab, lab.parent / "lab.zip")
    assert once.set_aside != again.set_aside
    with Ledger.open(Path(once.set_aside) / "ledger.db") as ledger:
        assert "N1" in set(ledger.notes()["id"])


def test_a_lost_folder_comes_back_whole_and_what_is_there_is_left_alone(lab):
    shutil.rmtree(lab / "rounds/R01")
    (lab / "rounds/R02/made.csv").write_text("mine", encoding="utf-8")
    (lab / "ledger.db").unlink()
    (lab / "campaign.yaml").unlink()
    done = restore(lab, lab.parent / "lab.zip")
    assert "rounds/R01/batch.csv" in done.files
    assert "campaign.yaml" in done.files
    assert done.set_aside is None
    assert (lab / "rounds/R02/made.csv").read_text(encoding="utf-8") == "mine"


def test_newer_changes_are_not_given_up_by_mistake(lab):
    add_note(lab, "N1")
    with pytest.raises(CampaignError, match="holds 1 changes that the backup lacks, the newest of"):
        restore(lab, lab.parent / "lab.zip")
    with Campaign.open(lab) as campaign:
        assert "N1" in set(campaign.ledger.notes()["id"])
    done = restore(lab, lab.parent / "lab.zip", give_up_newer=True)
    assert done.changes_given_up == 1
    with Campaign.open(lab) as campaign:
        assert "N1" not in set(campaign.ledger.notes()["id"])
    with Ledger.open(Path(done.set_aside) / "ledger.db") as aside:
        assert "N1" in set(aside.notes()["id"])


def test_a_history_of_its_own_is_not_given_up_by_mistake_however_short(lab):
    older = lab.parent / "older.zip"
    shutil.copy(lab.parent / "lab.zip", older)
    for name in ("N1", "N2", "N3"):
        add_note(lab, name)
    with Campaign.open(lab) as campaign:
        back_up(campaign, lab.parent / "newer.zip")
    restore(lab, older, give_up_newer=True)
    add_note(lab, "N1", "another text of that name")
    with pytest.raises(CampaignError, match="holds 1 changes that the backup lacks"):
        restore(lab, lab.parent / "newer.zip")


def test_a_backup_without_a_password_lacks_nothing(tmp_path):
    address = "http://lab:geheim@127.0.0.1:9"
    folder = tmp_path / "lab"
    config = CampaignConfig(name="lab", mlflow=MlflowConfig(tracking_uri=address))
    with Campaign.create(folder, config, pictures=False) as campaign:
        campaign.propose(glasses=1, trilayers=0)
        done, faults = back_up(campaign)
        before = campaign.ledger.proposals()
    assert faults == []
    assert b"geheim" not in ZipFile(done.path).read("ledger.db")
    assert restore(folder, done.path).changes_given_up == 0
    add_note(folder, "N1")
    with pytest.raises(CampaignError, match="holds 1 changes"):
        restore(folder, done.path)
    with Campaign.open(folder) as campaign:
        assert campaign.ledger.proposals().equals(before)


def test_a_file_with_what_sqlite_has_not_put_into_it_yet_comes_back_whole(lab, tmp_path):
    taken = tmp_path / "taken.db"
    with closing(sqlite3.connect(lab / "ledger.db")) as reader:  # so the log stays beside the file
        reader.execute("SELECT count(*) FROM notes")
        add_note(lab, "N1")
        for ending in ("", "-wal"):
            shutil.copy(lab / f"ledger.db{ending}", f"{taken}{ending}")
    restore(lab, taken)
    with Campaign.open(lab) as campaign:
        assert "N1" in set(campaign.ledger.notes()["id"])
        assert campaign.verify() == []


def test_a_ledger_of_another_schema_is_not_replaced_by_mistake(lab):
    old = Path(__file__).parent / "old_ledgers" / "schema_3.sql.gz"
    for file in lab.glob("ledger.db*"):
        file.unlink()
    with closing(sqlite3.connect(lab / "ledger.db")) as connection:
        connection.executescript(gzip.decompress(old.read_bytes()).decode())
    with pytest.raises(CampaignError, match=r"of schema 3, the backup of 4.* 'glassloop migrate'"):
        restore(lab, lab.parent / "lab.zip")
    done = restore(lab, lab.parent / "lab.zip", give_up_newer=True)
    assert done.changes_given_up is None
    with Ledger(Path(done.set_aside) / "ledger.db") as aside:
        assert aside.schema_version == 3


def test_a_ledger_stays_where_the_copy_could_not_be_put(lab, monkeypatch):
    add_note(lab, "N1")
    rename = Path.rename

    def full(self: Path, target: Path) -> Path:
        if self.parent.name.startswith(".restore-"):
            raise OSError(28, "No space left on device")
        return rename(self, target)

    monkeypatch.setattr(Path, "rename", full)
    with pytest.raises(CampaignError, match=r"not be replaced .No space left.*it is as it was"):
        restore(lab, lab.parent / "lab.zip", give_up_newer=True)
    with Campaign.open(lab) as campaign:
        assert "N1" in set(campaign.ledger.notes()["id"])
        assert campaign.verify() == []


def test_mlflow_keeps_what_was_given_up_and_is_told_anew(tmp_path):
    folder = tmp_path / "lab"
    with Campaign.create(folder, CampaignConfig(name="told"), pictures=False) as campaign:
        campaign.propose(glasses=1, trilayers=0)
        done, _ = back_up(campaign)
        campaign.simulate()
        campaign.propose(glasses=1, trilayers=0)
        old = {name: LedgerOutbox(campaign.ledger).run_id(name) for name in ("R01", "R02")}
        assert len(campaign.ledger.outbox()) == 0
    back = restore(folder, done.path, give_up_newer=True)
    assert back.trouble is None
    with Campaign.open(folder, pictures=False) as campaign:
        assert len(campaign.ledger.outbox()) == 0
        again = campaign.propose(glasses=1, trilayers=0)["mlflow_run_id"]
        assert again not in (None, old["R02"])
        assert campaign.show("R01")["mlflow_run_id"] not in (None, old["R01"])
        assert len(campaign.ledger.outbox()) == 0
        store = home_of(campaign.config, folder, campaign.ledger.id).tracking_uri
    client = MlflowClient(tracking_uri=store)
    for name, run_id in old.items():
        assert client.get_run(run_id).data.tags["glassloop.round"].startswith(f"{name} (given up")


def test_another_campaign_s_backup_is_refused(lab, tmp_path):
    other = CampaignConfig(name="lab", mlflow=SILENT)
    with Campaign.create(tmp_path / "other", other, empty=True) as campaign:
        done, _ = back_up(campaign)
    shutil.rmtree(lab / "rounds/R02")
    (lab / "campaign.yaml").unlink()
    before = {file for file in lab.rglob("*") if file.is_file()}
    with pytest.raises(CampaignError, match=r"its ledger is of campaign \w+, the backup of"):
        restore(lab, done.path)
    assert {file for file in lab.rglob("*") if file.is_file()} == before


def edited(archive: Path) -> None:
    """One byte in the middle."""
    data = bytearray(archive.read_bytes())
    data[len(data) // 2] ^= 0xFF
    archive.write_bytes(data)


def emptied(archive: Path) -> None:
    with ZipFile(archive, "w") as written:
        written.writestr("a.txt", "a")


@pytest.mark.parametrize(
    ("damage", "said"),
    [
        (Path.unlink, "is no backup"),
        (edited, r"lab\.zip"),
        (emptied, r"lab\.zip"),
        (lambda file: file.write_bytes(file.read_bytes()[:-500]), r"lab\.zip"),
        (
            lambda file: file.write_bytes(b"SQLite format 3\0" + b"\xff" * 5000),
            r"lab\.zip: its ledger cannot be used as an SQLite file",
        ),
    ],
    ids=["missing", "bit", "other archive", "cut off", "damaged file"],
)
def test_a_backup_that_is_none_changes_nothing(lab, damage: Callable[[Path], object], said):
    before = {file: file.read_bytes() for file in lab.rglob("*") if file.is_file()}
    damage(lab.parent / "lab.zip")
    with pytest.raises((CampaignError, LedgerError), match=said):
        restore(lab, lab.parent / "lab.zip", give_up_newer=True)
    assert {file: file.read_bytes() for file in lab.rglob("*") if file.is_file()} == before


def test_a_campaign_moves_from_a_file_to_a_server(tmp_path, server):  # noqa: F811
    folder = tmp_path / "lab"
    with Campaign.create(folder, CampaignConfig(name="moves"), pictures=False) as campaign:
        campaign.propose(glasses=1, trilayers=0)
        done, _ = back_up(campaign)
        before, seals = campaign.ledger.proposals(), seals_of(campaign.ledger)
    (folder / "ledger.db").rename(tmp_path / "old.db")
    text = (folder / "campaign.yaml").read_text(encoding="utf-8")
    text = text.replace("seed: 0", f"seed: 0\ndatabase: {server}", 1)
    (folder / "campaign.yaml").write_text(text, encoding="utf-8")
    assert restore(folder, done.path).set_aside is None
    with Campaign.open(folder) as campaign:
        assert campaign.ledger.where.startswith("postgresql")
        assert campaign.verify() == []
        assert campaign.ledger.proposals().equals(before)
        assert len(seals_of(campaign.ledger)) == len(seals) + 1  # the run in the new store
        assert "glassloop_mlflow" in campaign.where_tracked("R01")  # told to the new store


def test_a_ledger_on_a_server_comes_back_and_is_kept_aside(tmp_path, server, monkeypatch):  # noqa: F811
    config = CampaignConfig(name="taken back", database=server, mlflow=SILENT)
    folder = tmp_path / "lab"
    with Campaign.create(folder, config, pictures=False) as campaign:
        campaign.propose(glasses=1, trilayers=0)
        done, faults = back_up(campaign)
        before = campaign.ledger.proposals()
    assert faults == []
    add_note(folder, "N1")
    with pytest.raises(CampaignError, match="holds 1 changes"):
        restore(folder, done.path)
    back = restore(folder, done.path, give_up_newer=True)
    assert re.fullmatch(r"schema glassloop_campaign_taken_back_\w+ of the database", back.set_aside)
    with Campaign.open(folder) as campaign:
        assert campaign.verify() == []
        assert campaign.ledger.proposals().equals(before)
        assert "N1" not in set(campaign.ledger.notes()["id"])
        with campaign.ledger.transaction() as tx:
            tx.add_note(NoteRow(id="N2", text="goes on"))
        assert campaign.verify() == []
    add_note(folder, "N3")
    monkeypatch.setattr("experiments.backup._moment", lambda: "20300101T000000Z")
    once, again = (restore(folder, done.path, give_up_newer=True) for _ in range(2))
    assert "_20300101t000000z of" in once.set_aside
    assert again.set_aside == once.set_aside.replace("z of", "z_2 of")
    with Campaign.open(folder) as campaign:
        assert campaign.verify() == []
