"""A campaign in one file: whole, checked, opened elsewhere, and nothing in it trusted."""

import hashlib
import json
import shutil
import sqlite3
import stat
import warnings
from contextlib import closing
from pathlib import Path
from urllib.parse import unquote, urlsplit
from zipfile import ZIP_DEFLATED, ZipFile, ZipInfo

import pandas as pd
import pytest
from mlflow import MlflowClient
from typer.testing import CliRunner

from experiments import archive as archive_module
from experiments import archive_database
from experiments.archive import freeze, thaw
from experiments.archive_database import settle_locations
from experiments.archive_zip import MANIFEST
from experiments.campaign import Campaign
from experiments.cli import app
from experiments.config import CampaignConfig, MlflowConfig, read_config
from experiments.export_tables import tables
from experiments.ledger import Ledger
from experiments.outbox import LedgerOutbox
from features.errors import CampaignError

pytestmark = pytest.mark.sqlite_file  # a copy, and what is restored, is such a file

OF_ANOTHER = "0f" * 16


@pytest.fixture(autouse=True)
def _quiet():
    with warnings.catch_warnings():  # MLflow on SQLAlchemy 2.1: "noload is deprecated"
        warnings.simplefilter("ignore")
        yield


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """A simulated campaign with a closed and an open round; another one is in its MLflow store."""
    folder = tmp_path_factory.mktemp("frozen") / "rehearsal"
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        with Campaign.create(folder, pictures=False) as campaign:
            campaign.propose(glasses=2, trilayers=1)
            campaign.simulate(world="A", seed=1)
            campaign.propose(glasses=1, trilayers=0)
        store = f"sqlite:///{folder.parent / 'mlruns/mlflow.db'}"
        client = MlflowClient(tracking_uri=store)
        other = client.create_experiment("another", tags={"glassloop.campaign_id": OF_ANOTHER})
        client.create_run(other, tags={"glassloop.campaign_id": OF_ANOTHER})
        client.create_registered_model("another.model")
    (folder / "campaign.yaml").open("a").write("# our own remark\n")
    return folder


@pytest.fixture(scope="module")
def frozen(folder, tmp_path_factory):
    """The campaign and its archive."""
    target = tmp_path_factory.mktemp("post") / "rehearsal.zip"
    with Campaign.open(folder, pictures=False) as campaign:
        return freeze(campaign, target)


@pytest.fixture
def thawed(frozen, tmp_path):
    """Opened where the original's folders are not."""
    place = tmp_path / "Labor Mü" / "copy"
    thaw(frozen.path, place)
    return place


@pytest.fixture
def small(tmp_path):
    """A campaign without rounds, and its archive, quick to make."""
    config = CampaignConfig(name="small", mlflow=MlflowConfig(track=False))
    with Campaign.create(tmp_path / "small", config) as campaign:
        (campaign.folder / "rounds/R01").mkdir(parents=True)
        (campaign.folder / "rounds/R01/made.csv").write_text("specimen\n" * 100)
        freeze(campaign, tmp_path / "small.zip")
    return tmp_path / "small.zip"


def altered(path, target, change):
    """A copy of an archive whose entries, by name, were changed."""
    with ZipFile(path) as source:
        entries = {info.filename: source.read(info) for info in source.infolist()}
    change(entries)
    with ZipFile(target, "w", ZIP_DEFLATED) as written:
        for name, content in entries.items():
            written.writestr(name, content)
    return target


def client_of(folder):
    return MlflowClient(tracking_uri=f"sqlite:///{folder / 'mlruns/mlflow.db'}")


def test_the_manifest_names_every_file_with_its_hash(frozen):
    with ZipFile(frozen.path) as held:
        manifest = json.loads(held.read(MANIFEST))
        for name, entry in manifest["files"].items():
            content = held.read(name)
            assert entry == {"sha256": hashlib.sha256(content).hexdigest(), "size": len(content)}
        assert {*held.namelist()} == {*manifest["files"], MANIFEST}
    assert {"ledger.db", "campaign.yaml", "campaign.schema.json", "mlruns/mlflow.db"} <= set(
        manifest["files"]
    )
    assert (manifest["kind"], manifest["rounds"], manifest["left_out"]) == ("simulated", 2, [])
    assert manifest["mlflow"]["why_not"] is None
    assert frozen.in_words().startswith("SIMULATED: campaign 'rehearsal', 2 rounds")
    assert frozen.sha256 == hashlib.sha256(frozen.path.read_bytes()).hexdigest()


def test_the_models_in_it_are_those_of_the_ledger(frozen, folder):
    with Ledger.open(folder / "ledger.db") as ledger, ZipFile(frozen.path) as held:
        digests = set(ledger.proposals()["model_sha256"])
        assert digests
        for digest in digests:
            assert held.read(f"models/{digest}.json").decode() == ledger.model(digest)


def test_an_opened_archive_is_the_same_campaign(folder, thawed):
    with Campaign.open(thawed, pictures=False) as copy, Campaign.open(folder) as original:
        assert copy.verify() == []
        assert copy.ledger.id == original.ledger.id
        assert copy.status()["readings"] == original.status()["readings"]
        expected = tables(original.ledger, original.config)
        for name, table in tables(copy.ledger, copy.config).items():
            pd.testing.assert_frame_equal(table, expected[name])
    for file in (folder / "rounds").rglob("*.csv"):
        assert (thawed / file.relative_to(folder)).read_bytes() == file.read_bytes()


def test_its_runs_are_found_where_the_ledger_says(folder, thawed):
    with Campaign.open(thawed, pictures=False) as copy:
        run_id = LedgerOutbox(copy.ledger).run_id("R01")
        where = copy.where_tracked("R01")
    assert run_id in where
    assert Path(where.partition("sqlite:///")[2]).resolve() == thawed / "mlruns/mlflow.db"
    client, before = client_of(thawed), client_of(folder.parent)
    run, original = client.get_run(run_id), before.get_run(run_id)
    assert run.data.to_dictionary() == original.data.to_dictionary()
    assert (run.info.status, run.info.end_time) == ("FINISHED", original.info.end_time)
    for key in original.data.metrics:
        old, new = (store.get_metric_history(run_id, key) for store in (before, client))
        assert [(p.step, p.value, p.timestamp) for p in new] == [
            (p.step, p.value, p.timestamp) for p in old
        ]
    file = client.download_artifacts(run_id, "predictions.json")
    assert run.info.artifact_uri.startswith((thawed / "mlruns").as_uri())
    assert "glasses" in json.loads(Path(file).read_text())
    assert [seen.dataset.digest for seen in run.inputs.dataset_inputs] == [
        seen.dataset.digest for seen in original.inputs.dataset_inputs
    ]
    source = json.loads(run.inputs.dataset_inputs[0].dataset.source)["uri"]
    assert source.startswith((thawed / "mlruns").as_uri())


def test_nested_runs_and_registered_models_come_along(folder, thawed):
    client, before = client_of(thawed), client_of(folder.parent)
    (mine,) = [one for one in client.search_experiments() if one.name == "rehearsal"]
    (old,) = [one for one in before.search_experiments() if one.name == "rehearsal"]
    runs = client.search_runs([mine.experiment_id])
    expected = before.search_runs([old.experiment_id])
    assert {r.info.run_id for r in runs} == {r.info.run_id for r in expected}
    assert {r.data.tags.get("mlflow.parentRunId") for r in runs} > {None}
    models = {model.name: model for model in client.search_registered_models()}
    assert "rehearsal.ionic_conductivity" in models
    newest = client.get_model_version_by_alias("rehearsal.ionic_conductivity", "newest")
    described = before.get_model_version_by_alias("rehearsal.ionic_conductivity", "newest")
    assert (newest.run_id, newest.tags) == (described.run_id, described.tags)
    place = Path(unquote(urlsplit(newest.source).path))
    assert place.is_relative_to(thawed)
    assert (place / "data/surrogates.json").is_file()


def test_nothing_of_another_campaign_is_in_it(frozen, thawed):
    client = client_of(thawed)
    assert {one.name for one in client.search_experiments()} == {"rehearsal", "Default"}
    assert "another.model" not in {model.name for model in client.search_registered_models()}
    assert OF_ANOTHER.encode() not in (thawed / "mlruns/mlflow.db").read_bytes()


def test_a_further_round_is_proposed_and_told_to_the_store_that_came_along(folder, thawed):
    before = client_of(folder.parent).search_experiments()
    with Campaign.open(thawed, pictures=False) as copy:
        copy.simulate(world="A", seed=1)
        proposed = copy.propose(glasses=1, trilayers=0)
        assert proposed["round"] == "R03"
        assert len(copy.ledger.outbox()) == 0
        run = client_of(thawed).get_run(LedgerOutbox(copy.ledger).run_id("R03"))
    assert run.info.artifact_uri.startswith((thawed / "mlruns").as_uri())
    assert len(client_of(folder.parent).search_experiments()) == len(before)


def test_the_configuration_keeps_its_remarks_and_gets_a_store_of_its_own(folder, thawed):
    text = (thawed / "campaign.yaml").read_text()
    assert "# our own remark" in text
    config, original = (read_config(place / "campaign.yaml") for place in (thawed, folder))
    assert config.mlflow == MlflowConfig(track=True, folder="mlruns")
    assert config.model_copy(update={"mlflow": original.mlflow}) == original


@pytest.mark.parametrize(
    "section",
    [
        "mlflow: {track: false, tracking_uri: 'http://lab'}\nseed: 3\n",
        "mlflow:\n  # where\n\n  track: false\nseed: 3\n",
        "seed: 3\n",
        '"mlflow":\n  track: false\nseed: 3\n',
    ],
    ids=["in braces", "with a remark", "none", "quoted"],
)
def test_a_section_of_mlflow_is_replaced_however_it_is_written(tmp_path, section):
    file = tmp_path / "campaign.yaml"
    file.write_text(f"name: any\n{section}")
    archive_module._own_store(file)
    config = read_config(file)
    assert (config.seed, config.mlflow.folder, config.mlflow.tracking_uri) == (3, "mlruns", None)
    assert config.mlflow.track is ("mlflow" not in section)


def test_a_changed_file_is_named(small, tmp_path):
    path = altered(
        small, tmp_path / "bad.zip", lambda held: held.update({"rounds/R01/made.csv": b"specimem"})
    )
    with pytest.raises(CampaignError, match=r"rounds/R01/made.csv is not what the manifest says"):
        thaw(path, tmp_path / "new")
    assert not (tmp_path / "new").exists()


def test_a_damaged_byte_is_named(small, tmp_path):
    raw = bytearray(small.read_bytes())
    with ZipFile(small) as held:
        info = held.getinfo("rounds/R01/made.csv")
    raw[info.header_offset + 30 + len(info.filename) + info.compress_size // 2] ^= 0xFF
    (tmp_path / "bad.zip").write_bytes(raw)
    with pytest.raises(CampaignError, match=r"rounds/R01/made.csv is (damaged|not what)"):
        thaw(tmp_path / "bad.zip", tmp_path / "new")
    assert [name.name for name in tmp_path.iterdir() if name.name.startswith(".new")] == []


@pytest.mark.parametrize("kept", [0, 100, 0.5, 0.999], ids=["nothing", "head", "half", "no end"])
def test_a_file_cut_short_is_refused(small, tmp_path, kept):
    raw = small.read_bytes()
    (tmp_path / "bad.zip").write_bytes(raw[: int(kept if kept > 1 else kept * len(raw))])
    with pytest.raises(CampaignError, match=r"bad.zip: is no zip archive, or damaged"):
        thaw(tmp_path / "bad.zip", tmp_path / "new")


@pytest.mark.parametrize(
    "name", ["../evil", "rounds/../../evil", "/evil", "c:evil", "rounds\\evil", "rounds//evil"]
)
def test_a_name_that_leads_out_of_the_folder_is_refused(small, tmp_path, name):
    entry = ZipInfo("placeholder")
    entry.filename = name  # ZipInfo mends some names, somebody else's program may not
    with ZipFile(small, "a") as held:
        held.writestr(entry, b"evil")
    with pytest.raises(CampaignError, match=r"is not unpacked, '.*evil' leads out of the folder"):
        thaw(small, tmp_path / "deep/new")
    assert not (tmp_path / "deep").exists()


def test_a_name_of_the_manifest_that_leads_out_is_refused(small, tmp_path):
    def change(held):
        plain = json.loads(held[MANIFEST])
        plain["files"]["../evil"] = plain["files"]["campaign.yaml"]
        held[MANIFEST] = json.dumps(plain).encode()

    with pytest.raises(CampaignError, match=r"lacks ../evil"):
        thaw(altered(small, tmp_path / "bad.zip", change), tmp_path / "new")


def test_a_link_is_refused(small, tmp_path):
    link = ZipInfo("rounds/link")
    link.external_attr = (stat.S_IFLNK | 0o777) << 16
    with ZipFile(small, "a") as held:
        held.writestr(link, "/etc/passwd")
    with pytest.raises(CampaignError, match="'rounds/link' is no plain file"):
        thaw(small, tmp_path / "new")


def test_a_file_nobody_named_is_refused(small, tmp_path):
    with ZipFile(small, "a") as held:
        held.writestr("rounds/more.csv", "x")
    with pytest.raises(CampaignError, match=r"'rounds/more.csv' is not in its manifest"):
        thaw(small, tmp_path / "new")


def test_a_name_that_stands_twice_is_refused(small, tmp_path):
    with ZipFile(small, "a") as held, warnings.catch_warnings():
        warnings.simplefilter("ignore")
        held.writestr("campaign.yaml", "name: evil\n")
    with pytest.raises(CampaignError, match="is not unpacked, a name stands twice"):
        thaw(small, tmp_path / "new")


def test_a_file_that_would_fill_the_disk_is_refused(small, tmp_path):
    with ZipFile(small, "a", ZIP_DEFLATED) as held:
        held.writestr("rounds/zeros", bytes(40 << 20))
    with pytest.raises(CampaignError, match=r"its \d+ bytes would unpack to \d+"):
        thaw(small, tmp_path / "new")


def test_a_missing_file_is_named(small, tmp_path):
    path = altered(small, tmp_path / "bad.zip", lambda held: held.pop("ledger.db"))
    with pytest.raises(CampaignError, match=r"bad.zip: lacks ledger.db; get the archive again"):
        thaw(path, tmp_path / "new")


@pytest.mark.parametrize(
    ("manifest", "message"),
    [
        (None, "is no archive of glassloop, it holds no manifest.json; give a file written by"),
        (b"[1]", "its manifest.json cannot be read"),
        (b"\xff{", "its manifest.json cannot be read"),
        (b'{"format": "glassloop archive", "format_version": 1}', "cannot be read .Field required"),
        (
            b'{"format": "glassloop archive", "format_version": 2, "glassloop": "9.9"}',
            r"was written by a newer glassloop \(9.9\); upgrade glassloop",
        ),
    ],
    ids=["none", "list", "no text", "too little", "newer"],
)
def test_a_zip_of_something_else_is_refused(small, tmp_path, manifest, message):
    def change(held):
        held.pop(MANIFEST)
        if manifest is not None:
            held[MANIFEST] = manifest

    with pytest.raises(CampaignError, match=message):
        thaw(altered(small, tmp_path / "bad.zip", change), tmp_path / "new")


def test_a_ledger_of_another_campaign_is_refused(small, tmp_path):
    def change(held):
        plain = json.loads(held[MANIFEST])
        plain["campaign_id"] = OF_ANOTHER
        held[MANIFEST] = json.dumps(plain).encode()

    with pytest.raises(CampaignError, match=f"must hold the ledger of campaign {OF_ANOTHER}, got"):
        thaw(altered(small, tmp_path / "bad.zip", change), tmp_path / "new")
    assert not (tmp_path / "new").exists()


def test_a_missing_archive_is_named(tmp_path):
    with pytest.raises(CampaignError, match=r"none.zip: no such file; check the name"):
        thaw(tmp_path / "none.zip", tmp_path / "new")


def test_a_folder_that_is_taken_is_left_as_it_is(small, tmp_path):
    (tmp_path / "new").mkdir()
    (tmp_path / "new/mine.txt").write_text("mine")
    with pytest.raises(CampaignError, match="new exists already and is not empty"):
        thaw(small, tmp_path / "new")
    assert [file.name for file in (tmp_path / "new").iterdir()] == ["mine.txt"]


def test_a_failure_half_way_leaves_nothing(small, tmp_path, monkeypatch):
    def failing(path):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(archive_module, "write_example", failing)
    before = sorted(tmp_path.iterdir())
    with pytest.raises(CampaignError, match=r"new: cannot be written .No space left on device"):
        thaw(small, tmp_path / "new")
    assert sorted(tmp_path.iterdir()) == before


def test_a_store_that_points_outside_the_archive_is_refused(frozen, tmp_path):
    with ZipFile(frozen.path) as held:
        held.extract("mlruns/mlflow.db", tmp_path)
    store = tmp_path / "mlruns/mlflow.db"
    for evil in ("file:///etc", "mlruns/artifacts/../../x", "mlruns/artifacts/%2e%2e/x", "/etc"):
        copy = tmp_path / "copy.db"
        shutil.copy(store, copy)
        with closing(sqlite3.connect(copy)) as database:
            database.execute("UPDATE runs SET artifact_uri = ?", [evil])
            database.commit()
        with pytest.raises(CampaignError, match="artifact_uri of runs must lie in the archive"):
            settle_locations(copy, tmp_path / "artifacts")


EVIL = "UPDATE model_versions SET source = 'file:///etc'"


def store_with(frozen, folder, script):
    """The store of an archive, altered."""
    with ZipFile(frozen.path) as held:
        store = Path(held.extract("mlruns/mlflow.db", folder))
    with closing(sqlite3.connect(store)) as database:
        database.executescript(script)
    return store


@pytest.mark.parametrize(
    "script",
    [
        f"CREATE TRIGGER evil AFTER UPDATE ON datasets BEGIN {EVIL}; END",
        "CREATE TRIGGER evil BEFORE UPDATE ON secrets WHEN 1 "
        f"BEGIN {EVIL}; SELECT RAISE(ABORT, ''); END",
        "CREATE TRIGGER evil BEFORE UPDATE ON secrets WHEN (SELECT 1) "
        "BEGIN SELECT RAISE(ABORT, ''); END",
        "CREATE TRIGGER evil BEFORE UPDATE ON runs BEGIN SELECT RAISE(ABORT, ''); END",
        "create /* TABLE */ view evil as select 1",
        "ALTER TABLE runs RENAME TO evil_runs; CREATE VIEW evil AS SELECT * FROM evil_runs",
        "CREATE VIRTUAL TABLE evil USING fts5(a)",
    ],
    ids=[
        "trigger",
        "trigger on secrets that writes",
        "trigger on secrets that reads",
        "trigger on runs",
        "view",
        "view for a table",
        "virtual table",
    ],
)
def test_a_store_that_does_anything_by_itself_is_refused(frozen, tmp_path, script):
    store = store_with(frozen, tmp_path, script)
    with pytest.raises(CampaignError, match=r"mlflow.db: must hold no trigger or view.*got 'evil'"):
        settle_locations(store, tmp_path / "artifacts")


def test_locations_are_looked_at_again_once_they_were_written(frozen, tmp_path, monkeypatch):
    monkeypatch.setattr(archive_database, "_refuse_foreign_parts", lambda *_: None)
    script = f"CREATE TRIGGER evil AFTER UPDATE ON datasets BEGIN {EVIL}; END"
    store = store_with(frozen, tmp_path, script)
    with pytest.raises(CampaignError, match=r"source of model_versions must lie .*'file:///etc'"):
        settle_locations(store, tmp_path / "artifacts")
    with closing(sqlite3.connect(store)) as database:  # and nothing of it is kept
        ((source,),) = database.execute("SELECT DISTINCT substr(source, 1, 7) FROM model_versions")
    assert source == "mlruns/"


def test_a_location_that_is_no_text_is_refused(frozen, tmp_path):
    store = store_with(frozen, tmp_path, "UPDATE runs SET artifact_uri = x'2f657463'")
    with pytest.raises(CampaignError, match=r"artifact_uri of runs must lie .* got b'/etc'"):
        settle_locations(store, tmp_path / "artifacts")


def with_ledger(path, target, script):
    """A copy of an archive whose ledger was altered, and whose manifest says so."""
    ledger = target.with_suffix(".db")

    def change(held):
        ledger.write_bytes(held["ledger.db"])
        with closing(sqlite3.connect(ledger)) as database:
            database.executescript(script)
            database.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        held["ledger.db"] = content = ledger.read_bytes()
        plain = json.loads(held[MANIFEST])
        digest = hashlib.sha256(content).hexdigest()
        plain["files"]["ledger.db"] = {"sha256": digest, "size": len(content)}
        held[MANIFEST] = json.dumps(plain).encode()

    return altered(path, target, change)


@pytest.mark.parametrize(
    ("script", "message"),
    [
        (
            "CREATE TRIGGER evil AFTER INSERT ON readings BEGIN DELETE FROM outbox; END",
            r"its ledger must hold no trigger or view of others, got 'evil'; the archive was",
        ),
        ("CREATE VIEW evil AS SELECT 1", "must hold no trigger or view of others, got 'evil'"),
        (
            "DROP TRIGGER jars_no_update; CREATE TRIGGER jars_no_update BEFORE UPDATE ON jars "
            "BEGIN DELETE FROM outbox; END",
            "must hold no trigger or view of others, got 'jars_no_update'",
        ),
        (
            "UPDATE meta SET value = '1' WHERE key = 'schema_version'; "
            "CREATE TRIGGER evil AFTER UPDATE ON meta BEGIN DELETE FROM outbox; END",
            "must hold no trigger or view of others, got 'evil'",
        ),
        ("DROP TRIGGER jars_no_update", r"must be append-only, but lacks 'jars_no_update'; get it"),
    ],
    ids=["trigger", "view", "other trigger", "older ledger", "no trigger"],
)
def test_a_ledger_that_is_not_as_it_was_written_is_refused(small, tmp_path, script, message):
    path = with_ledger(small, tmp_path / "bad.zip", script)
    with pytest.raises(CampaignError, match=message):
        thaw(path, tmp_path / "new")
    assert not (tmp_path / "new").exists()


def test_a_fault_of_the_ledger_is_said_and_the_archive_opened_all_the_same(small, tmp_path):
    script = "INSERT INTO models VALUES ('0f', 'a body', '2026-05-02T00:00:00Z')"
    path = with_ledger(small, tmp_path / "odd.zip", script)
    done = command("init", str(tmp_path / "new"), "--archive", str(path))
    assert "warning: its ledger has a fault: model 0f: its body has another hash" in done.stderr


def test_an_existing_file_is_only_replaced_when_asked(small, tmp_path):
    with Campaign.open(tmp_path / "small") as campaign:
        before = small.read_bytes()
        with pytest.raises(CampaignError, match=r"small.zip: exists already; add --replace"):
            freeze(campaign, small)
        assert small.read_bytes() == before
        freeze(campaign, small, replace=True)
    assert thaw(small, tmp_path / "new").campaign == "small"


def test_links_in_a_round_s_folder_are_left_out_and_named(small, tmp_path):
    rounds = tmp_path / "small/rounds/R01"
    (rounds / "spectra").symlink_to(tmp_path)
    (rounds / "raw.txt").symlink_to("/etc/hostname")
    with Campaign.open(tmp_path / "small") as campaign:
        done = freeze(campaign, tmp_path / "linked.zip")
    assert [line.partition(":")[0] for line in done.manifest.left_out] == [
        "rounds/R01/raw.txt", "rounds/R01/spectra",
    ]  # fmt: skip
    assert thaw(done.path, tmp_path / "new").campaign == "small"


def test_a_server_that_is_away_is_named_and_no_password_goes_along(tmp_path):
    uri = "http://lab:geheim@127.0.0.1:9"
    config = CampaignConfig(name="away", mlflow=MlflowConfig(tracking_uri=uri))
    with Campaign.create(tmp_path / "away", config) as campaign:
        with campaign.ledger.transaction() as tx:
            tx.add_round("R01", number=1, seed=0, config={"campaign": config.model_dump()})
        done = freeze(campaign, tmp_path / "away.zip")
    why_not = done.manifest.mlflow.why_not
    assert "MLflow at http://lab:***@127.0.0.1:9: its runs could not be read" in why_not
    with ZipFile(done.path) as held:
        assert [name for name in held.namelist() if b"geheim" in held.read(name)] == []
        assert b"lab:***@" in held.read("ledger.db")
    thaw(done.path, tmp_path / "new")
    with (
        closing(sqlite3.connect(tmp_path / "new/ledger.db")) as database,
        pytest.raises(sqlite3.IntegrityError, match="rounds is append-only"),
    ):
        database.execute("DELETE FROM rounds")
    with Campaign.open(tmp_path / "new") as campaign:
        assert campaign.verify() == []
        assert campaign.config.mlflow.tracking_uri is None


def test_a_store_that_was_deleted_is_named_and_not_made_again(tmp_path):
    with Campaign.create(tmp_path / "lone") as campaign:
        done = freeze(campaign, tmp_path / "lone.zip")
    assert "there is no store yet" in done.manifest.mlflow.why_not
    assert not (tmp_path / "mlruns").exists()


def command(*words):
    return CliRunner().invoke(app, list(words))


def test_the_commands_freeze_and_open_an_archive(small, tmp_path):
    out = tmp_path / "by-command.zip"
    done = command(
        "export", "-c", str(tmp_path / "small"), "--format", "archive", "--out", str(out), "--json"
    )
    said = json.loads(done.stdout)
    assert said["sha256"] == hashlib.sha256(out.read_bytes()).hexdigest()
    opened = command("init", str(tmp_path / "new"), "--archive", str(out))
    assert opened.exit_code == 0
    assert f"Campaign small is in {tmp_path / 'new'}, as it stood at" in opened.stdout
    assert "without MLflow's runs: mlflow.track is false" in opened.stderr
    verified = command("verify", "-c", str(tmp_path / "new"))
    (fault,) = verified.stderr.splitlines()  # of the folder that was put there by hand
    assert fault.endswith("restore the ledger it belongs to")


def test_the_command_refuses_an_empty_archive(small, tmp_path):
    done = command("init", str(tmp_path / "new"), "--archive", str(small), "--empty")
    with pytest.raises(CampaignError, match="got --empty too; give the one or the other"):
        raise done.exception
