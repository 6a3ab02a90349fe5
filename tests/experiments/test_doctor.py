"""The doctor finds each fault that is really there, and says how to mend it."""

import json
import os
import shutil
import sqlite3
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from experiments import cli, doctor_machine, tracking_check
from experiments.campaign import Campaign
from experiments.config import CampaignConfig
from experiments.doctor import examine, has_fault
from experiments.doctor_folder import file_system, file_system_of, rights
from experiments.doctor_ledger import clocks_apart
from experiments.doctor_machine import needs, pins
from experiments.findings import Case, Finding, looked_at, ok
from experiments.ledger import Ledger
from experiments.ledger_rows import OutboxRow
from experiments.ledger_schema import SCHEMA_VERSION
from experiments.round_files import PICTURE, ROUND_FILES
from tests.experiments.private_servers import postgres_programs, private_postgres

ROOT = Path(__file__).parents[2]

pytestmark = pytest.mark.sqlite_file


@pytest.fixture(scope="module")
def shipped(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A campaign whose round R01 waits, laid out, with nothing to be told to MLflow."""
    folder = tmp_path_factory.mktemp("doctor") / "lab"
    with (
        Campaign.create(folder, CampaignConfig(name="lab"), empty=True) as campaign,
        campaign.ledger.transaction() as tx,
    ):
        tx.add_round("R01", number=1, seed=0, config={})
    place = folder / "rounds" / "R01"
    place.mkdir(parents=True)
    for name in ROUND_FILES:
        (place / name).write_text("x")
    (folder / "backups").mkdir()
    (folder / "backups" / "lab.zip").write_bytes(b"x")
    return folder


@pytest.fixture
def lab(shipped: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A copy of it to be broken; the environment is sound."""
    for name in doctor_machine.THREADS:
        monkeypatch.setenv(name, "1")
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))  # others' leftovers are not ours
    return Path(shutil.copytree(shipped, tmp_path / "campaigns" / "lab"))


def found(folder: Path | None, check: str) -> Finding:
    """The worst the doctor says of one thing."""
    order = ("ok", "warning", "fault")
    about = [one for one in examine(folder) if one.check == check]
    return max(about, key=lambda one: order.index(one.level))


def sql(folder: Path, *statements: str) -> None:
    """Change a ledger behind its back."""
    with closing(sqlite3.connect(folder / "ledger.db", isolation_level=None)) as connection:
        for name in ("meta", "rounds", "round_events", "outbox"):
            for event in ("update", "delete"):
                connection.execute(f"DROP TRIGGER IF EXISTS {name}_no_{event}")
        triggers = connection.execute("SELECT name FROM sqlite_master WHERE type = 'trigger'")
        for (name,) in triggers.fetchall():
            connection.execute(f'DROP TRIGGER "{name}"')
        for statement in statements:
            connection.execute(statement)


def test_a_sound_campaign_is_found_sound(lab: Path):
    bad = [one for one in examine(lab) if one.level != "ok"]
    own = ("python", "packages", "disk")  # of who runs the tests
    bad = [one for one in bad if one.check not in own]
    assert bad == []


def test_every_finding_that_is_bad_says_how_to_mend_it(lab: Path):
    (lab / "campaign.yaml").write_text("name: [")
    (lab / "ledger.db").write_bytes(b"no database" * 100)
    shutil.rmtree(lab / "backups")
    bad = [one for one in examine(lab) if one.level != "ok"]
    assert {"campaign.yaml", "ledger", "backups"} <= {one.check for one in bad}
    for one in bad:
        assert one.mend
        assert "\n" not in one.found + one.mend
        assert not one.found.endswith(".")


def test_without_a_campaign_the_computer_is_looked_at(tmp_path: Path):
    checks = {one.check for one in examine(None)}
    assert {"python", "packages", "threads", "disk", "clock", "rights"} <= checks
    assert "ledger" not in checks


def test_a_folder_that_is_no_campaign_is_a_fault(tmp_path: Path):
    assert found(tmp_path / "nowhere", "campaign.yaml").level == "fault"
    assert "glassloop init" in found(tmp_path / "nowhere", "campaign.yaml").mend
    assert found(tmp_path / "nowhere", "rights").level == "fault"
    assert not (tmp_path / "nowhere").exists()


def test_a_configuration_that_cannot_be_read_hides_nothing_else(lab: Path):
    (lab / "campaign.yaml").write_text("name: lab\ncels: {}\n")
    assert "cels" in found(lab, "campaign.yaml").found
    assert found(lab, "ledger").level == "ok"
    assert found(lab, "round folders").level == "ok"


def test_a_ledger_that_is_gone_damaged_or_none_is_a_fault(lab: Path):
    raw = (lab / "ledger.db").read_bytes()
    size = len(raw)
    (lab / "ledger.db").write_bytes(raw[: size // 2])
    assert found(lab, "ledger").level == "fault"
    (lab / "ledger.db").write_bytes(b"no database" * 100)
    assert "backup" in found(lab, "ledger").mend
    (lab / "ledger.db").unlink()
    assert "no such file" in found(lab, "ledger").found
    assert not (lab / "ledger.db").exists()
    with closing(sqlite3.connect(lab / "ledger.db")) as connection:
        connection.execute("CREATE TABLE outing (place)")
    assert "something else" in found(lab, "ledger").found


def test_pages_of_a_ledger_that_were_overwritten_are_found(lab: Path):
    raw = bytearray((lab / "ledger.db").read_bytes())
    for page in range(4096, len(raw) - 4096, 8192):
        raw[page : page + 64] = os.urandom(64)
    (lab / "ledger.db").write_bytes(raw)
    assert found(lab, "ledger").level == "fault"


@pytest.mark.parametrize(
    ("version", "mend"),
    [(SCHEMA_VERSION + 1, "upgrade glassloop"), (SCHEMA_VERSION - 1, "run 'glassloop migrate'")],
)
def test_a_ledger_of_another_schema_is_a_fault(lab: Path, version: int, mend: str):
    sql(lab, f"UPDATE meta SET value = '{version}' WHERE key = 'schema_version'")
    assert found(lab, "ledger").level == "fault"
    assert found(lab, "ledger").mend.startswith(mend)


def test_a_ledger_without_a_write_ahead_log_is_told(lab: Path):
    sql(lab, "PRAGMA journal_mode = DELETE")
    assert found(lab, "ledger's journal").level == "warning"


def test_entries_of_the_future_are_a_fault(lab: Path):
    soon = datetime.now(UTC) + timedelta(days=2)
    sql(lab, f"UPDATE rounds SET opened_at = '{soon:%Y-%m-%dT%H:%M:%SZ}'")
    assert found(lab, "clock").level == "fault"
    assert f"{soon:%Y-%m-%d}" in found(lab, "clock").found


def test_a_year_that_cannot_be_is_a_fault(monkeypatch: pytest.MonkeyPatch):
    class Then(datetime):
        @classmethod
        def now(cls, tz=None):
            return cls(1970, 1, 1, tzinfo=tz)

    monkeypatch.setattr(doctor_machine, "datetime", Then)
    assert "1970-01-01" in found(None, "clock").found


@pytest.mark.parametrize(("seconds", "level"), [(0.3, "ok"), (-4.0, "ok"), (61.0, "warning")])
def test_a_server_with_another_time_is_told(seconds: float, level: str):
    assert clocks_apart(seconds).level == level


def test_messages_that_wait_are_told_with_why(lab: Path):
    with Ledger.open(lab / "ledger.db") as ledger:
        with ledger.transaction() as tx:
            for _ in range(3):
                tx.add_outbox(OutboxRow(kind="round_closed", round_id="R01", payload={}))
        ledger.mark_failed(int(ledger.outbox()["id"].iloc[0]), "http://lab:s3cret@x refused")
    outbox = found(lab, "outbox")
    assert outbox.level == "warning"
    assert outbox.found.startswith("3 messages wait")
    assert "http://lab:***@x refused" in outbox.found


def test_a_store_of_mlflow_that_is_gone_is_told_when_there_was_one(lab: Path):
    assert found(lab, "MLflow").level == "ok"
    with Ledger.open(lab / "ledger.db") as ledger:
        with ledger.transaction() as tx:
            tx.add_outbox(OutboxRow(kind="round_closed", round_id="R01", payload={}))
        ledger.mark_delivered(int(ledger.outbox()["id"].iloc[0]))
    assert "is gone" in found(lab, "MLflow").found
    assert not (lab.parent / "mlruns").exists()


def test_a_store_of_another_mlflow_is_told(lab: Path):
    (lab.parent / "mlruns").mkdir()
    with closing(sqlite3.connect(lab.parent / "mlruns" / "mlflow.db")) as connection:
        connection.execute("CREATE TABLE alembic_version (version_num TEXT)")
        connection.execute("INSERT INTO alembic_version VALUES ('451aebb31d03')")
        connection.commit()
    store = found(lab, "MLflow")
    assert store.level == "warning"
    assert "451aebb31d03" in store.found
    assert "mlflow db upgrade" in store.mend


def test_a_server_of_mlflow_that_is_away_is_told_without_its_password(
    lab: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "http://lab:s3cret@127.0.0.1:9")
    store = found(lab, "MLflow")
    assert store.level == "warning"
    assert "cannot be used" in store.found
    assert "s3cret" not in store.found + store.mend


def test_a_database_server_that_is_away_is_a_fault(lab: Path):
    pytest.importorskip("psycopg")
    (lab / "ledger.db").unlink()
    text = (lab / "campaign.yaml").read_text()
    (lab / "campaign.yaml").write_text(f"{text}database: postgresql://lab@127.0.0.1:9/lab\n")
    ledger = found(lab, "ledger")
    assert ledger.level == "fault"
    assert "does not answer" in ledger.found


def test_what_looks_at_a_store_makes_none(tmp_path: Path):
    state = tracking_check.store_state(f"sqlite:///{tmp_path}/mlruns/mlflow.db")
    assert not state.is_there
    assert list(tmp_path.iterdir()) == []


def test_a_round_without_its_files_is_told(lab: Path):
    (lab / "rounds" / "R01" / PICTURE).unlink()
    assert found(lab, "round folders").level == "ok"
    (lab / "rounds" / "R01" / "made.csv").unlink()
    assert "R01 lacks made.csv" in found(lab, "round folders").found
    shutil.rmtree(lab / "rounds" / "R01")
    (lab / "rounds" / "R07").mkdir()
    about = [one.found for one in examine(lab) if one.check == "round folders"]
    assert about == ["R01 lacks its folder", "R07 are of no round of this ledger"]


def test_leftovers_of_broken_runs_are_told_when_they_are_old(lab: Path, tmp_path: Path):
    left = [
        lab.parent / ".lab-a1b2c3d4",
        lab / ".export.zip-a1b2c3d4",
        lab / "rounds" / "R01" / ".made.csv.part",
        tmp_path / "glassloop-plan-x",
    ]
    for path in left:
        path.mkdir()
    assert found(lab, "leftovers").level == "ok"  # somebody may be at work
    for path in left:
        os.utime(path, (time.time() - 90_000, time.time() - 90_000))
    assert found(lab, "leftovers").found.startswith("4 of runs that were broken off")


def test_backups_that_are_old_or_missing_are_told(lab: Path):
    assert found(lab, "backups").level == "ok"
    file = lab / "backups" / "lab.zip"
    os.utime(file, (time.time() - 20 * 86_400,) * 2)
    assert "20 days old" in found(lab, "backups").found
    file.unlink()
    assert "glassloop backup" in found(lab, "backups").mend


def test_tokens_that_others_may_read_are_a_fault(lab: Path):
    (lab / "access.db").write_bytes(b"")
    (lab / "access.db").chmod(0o644)
    assert found(lab, "rights").level == "fault"
    assert "chmod 600" in found(lab, "rights").mend


@pytest.fixture
def read_only(lab: Path) -> Iterator[Path]:
    """The campaign on a mount that is for reading only, if this computer lets us make one."""
    mount, umount = shutil.which("mount"), shutil.which("umount")
    if mount is None or umount is None or os.name != "posix" or os.geteuid() != 0:
        pytest.skip("only root can mount")
    if subprocess.run([mount, "--bind", lab, lab], check=False, capture_output=True).returncode:
        pytest.skip("no right to mount")
    try:
        subprocess.run([mount, "-o", "remount,ro,bind", lab], check=True)
        yield lab
    finally:
        subprocess.run([umount, lab], check=True)


def test_a_mount_that_is_for_reading_only_is_a_fault(read_only: Path):
    assert found(read_only, "rights").level == "fault"
    assert "Read-only file system" in found(read_only, "rights").found
    assert "cannot be opened" in found(read_only, "ledger").found
    assert found(read_only, "backups").level == "ok"


@pytest.mark.skipif(not Path("/proc/self").exists(), reason="no /proc")
def test_a_folder_that_cannot_be_written_is_a_fault():
    about = [one for one in rights(Case(Path("/proc/self"))) if one.level == "fault"]
    assert len(about) == 1


@pytest.mark.parametrize(
    ("kind", "level"),
    [("nfs4", "fault"), ("cifs", "fault"), ("fuse.sshfs", "fault"), ("fuseblk", "warning"),
     ("ext4", "ok"), ("xfs", "ok")],
)  # fmt: skip
def test_a_ledger_on_another_computers_disk_is_told(
    lab: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, kind: str, level: str
):
    mounts = tmp_path / "mounts"
    mounts.write_text(f"/dev/sda1 / ext4 rw 0 0\nnas:/x {lab.resolve().parent} {kind} rw 0 0\n")
    monkeypatch.setattr("experiments.doctor_folder._MOUNTS", mounts)
    assert [one.level for one in file_system(Case(lab))] == [level]


def test_the_mount_over_another_counts():
    text = "a / ext4 rw 0 0\nb /srv nfs rw 0 0\nc /srv/lab xfs rw 0 0\nd /srv/lab tmpfs rw 0 0\n"
    assert file_system_of(Path("/srv/lab/x"), text) == "tmpfs"
    assert file_system_of(Path("/srv/labor"), text) == "nfs"
    assert file_system_of(Path("/home"), text) == "ext4"


def test_threads_that_get_in_each_others_way_are_told(lab: Path, monkeypatch: pytest.MonkeyPatch):
    assert found(None, "threads").level == "ok"
    monkeypatch.setenv("OMP_NUM_THREADS", "8")
    assert "OMP_NUM_THREADS is 8" in found(None, "threads").found


@pytest.mark.parametrize(
    ("version", "level"), [("3.9.2", "fault"), ("3.11.7", "ok"), ("3.14.0rc1", "warning")]
)
def test_another_python_is_told(monkeypatch: pytest.MonkeyPatch, version: str, level: str):
    monkeypatch.setattr("platform.python_version", lambda: version)
    assert found(None, "python").level == level


def test_a_full_disk_is_a_fault(monkeypatch: pytest.MonkeyPatch):
    for free, level in ((10_000_000, "fault"), (500_000_000, "warning"), (10**11, "ok")):
        usage = shutil.disk_usage("/")._replace(free=free)
        monkeypatch.setattr("shutil.disk_usage", lambda _, usage=usage: usage)
        assert found(None, "disk").level == level


def test_packages_that_are_missing_old_or_other_are_told(monkeypatch: pytest.MonkeyPatch):
    real = doctor_machine.version

    def version(name: str) -> str:
        if name == "pint":
            raise doctor_machine.PackageNotFoundError(name)
        return {"numpy": "1.9.0", "pandas": "99.1"}.get(name) or real(name)

    monkeypatch.setattr(doctor_machine, "version", version)
    told = [one for one in examine(None) if one.check == "packages"]
    assert [one.level for one in told] == ["fault", "fault", "warning"]
    assert {one.found.split()[0] for one in told[:2]} == {"pint", "numpy"}
    assert "pandas 99.1 (tested with" in told[2].found


def test_versions_tested_are_those_of_the_constraints():
    """Copy constraints.txt to experiments/data/tested_versions.txt when it changes."""
    shipped = pins((ROOT / "constraints.txt").read_text(encoding="utf-8"))
    assert dict(doctor_machine.tested_versions()) == shipped
    assert {"torch", "pandas", "sqlalchemy"} <= set(shipped)
    assert {"torch", "pandas", "sqlalchemy"} <= set(needs())


_WITHOUT = """
import json, sys
from pathlib import Path
from experiments.doctor import examine
sys.modules["sqlalchemy"] = sys.modules["pandas"] = None
print(json.dumps([one.to_dict() for one in examine(Path(sys.argv[1]))]))
"""


def test_a_package_that_cannot_be_imported_stops_no_other_check(lab: Path):
    done = subprocess.run(
        [sys.executable, "-c", _WITHOUT, lab], capture_output=True, text=True, check=True,
        env=os.environ | {"PYTHONPATH": str(ROOT)},
    )  # fmt: skip
    told = {one["check"]: one for one in json.loads(done.stdout)}
    assert "sqlalchemy" in told["ledger"]["found"]
    assert told["backups"]["level"] == "ok"
    assert told["rights"]["level"] == "ok"


def test_a_check_that_breaks_is_a_finding_and_stops_no_other():
    def broken(case: Case) -> Iterator[Finding]:
        yield ok("x", "begun")
        raise KeyError("postgresql://lab:s3cret@db/x")

    (finding,) = looked_at("x", broken, Case())
    assert finding.level == "fault"
    assert finding.found == "could not be looked at (KeyError: 'postgresql://lab:***@db/x')"


@pytest.fixture
def command(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Callable[..., tuple[int, str]]:
    """Runs the command in this process; gives exit code and stdout."""

    def call(*words: object) -> tuple[int, str]:
        monkeypatch.setattr(sys, "argv", ["glassloop", "doctor", *map(str, words)])
        code: object = None
        try:
            cli.main()
        except SystemExit as ended:
            code = ended.code
        return int(str(code or 0)), capsys.readouterr().out

    return call


def test_the_command_fails_for_faults_only(
    lab: Path, command: Callable[..., tuple[int, str]], monkeypatch: pytest.MonkeyPatch
):
    shutil.rmtree(lab / "backups")
    code, out = command("-c", lab)
    assert code == 0
    assert "warning  backups: there is none" in out
    assert "-> run 'glassloop backup'" in out
    (lab / "campaign.yaml").write_text("name: [")
    code, out = command("-c", lab, "--json")
    told = json.loads(out)
    assert (code, told["sound"]) == (1, False)
    assert {"check", "level", "found", "mend"} == set(told["findings"][0])
    monkeypatch.chdir(lab.parent)
    code, out = command()
    assert code == 0
    assert "campaign: none looked at" in out
    monkeypatch.chdir(lab)
    assert command()[0] == 1


def test_faults_decide():
    assert not has_fault([ok("x", "y"), Finding("x", "warning", "y", "z")])
    assert has_fault([Finding("x", "fault", "y", "z")])


def test_a_ledger_in_postgresql_is_looked_at_as_well(tmp_path: Path):
    pytest.importorskip("psycopg")
    if postgres_programs() is None:
        pytest.skip("no PostgreSQL on this computer")
    with private_postgres() as address:
        folder = tmp_path / "shared"
        config = CampaignConfig(name="shared", database=address)
        with (
            Campaign.create(folder, config, empty=True) as campaign,
            campaign.ledger.transaction() as tx,
        ):
            tx.add_round("R01", number=1, seed=0, config={})
        told = [one for one in examine(folder) if one.level != "ok"]
        assert {one.check for one in told} - {"python", "packages", "threads"} == {
            "backups",
            "round folders",
        }
        assert found(folder, "database server").found.startswith("PostgreSQL ")
        assert found(folder, "ledger").found.endswith(f"schema {SCHEMA_VERSION}")
        apart = [one for one in examine(folder) if "clock is" in one.found]
        assert [one.level for one in apart] == ["ok"]
