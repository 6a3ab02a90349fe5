"""The ledger's outbox: told once whoever tells, rebuilt when lost, models at the end."""

import shutil
import sqlite3
import warnings

import mlflow
import pytest

from experiments.campaign import Campaign
from experiments.config import CampaignConfig, MlflowConfig
from experiments.outbox import LOCK_NAME, LedgerOutbox
from experiments.tracked_report import track_report

NOBODY = "http://127.0.0.1:9"


@pytest.fixture(autouse=True)
def _quiet(monkeypatch):
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)
    with warnings.catch_warnings():  # MLflow on SQLAlchemy 2.1
        warnings.simplefilter("ignore")
        yield


@pytest.fixture(scope="module")
def proposed(tmp_path_factory):
    """A campaign with a round, of which MLflow was not told, and an empty store."""
    folder = tmp_path_factory.mktemp("outbox") / "lab" / "glasses"
    config = CampaignConfig(name="glasses", mlflow=MlflowConfig(folder="../mlruns"))
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("MLFLOW_TRACKING_URI", NOBODY)
        with Campaign.create(folder, config) as campaign:
            campaign.propose(glasses=1, trilayers=0)
            (folder / "../mlruns").mkdir()
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                client_of(campaign).search_experiments()  # making a store takes seconds
    return folder


@pytest.fixture
def campaign(proposed, tmp_path):
    shutil.copytree(proposed.parent, tmp_path / "lab")
    with Campaign.open(tmp_path / "lab/glasses") as campaign:
        yield campaign


def client_of(campaign):
    return mlflow.MlflowClient(tracking_uri=f"sqlite:///{campaign.folder}/../mlruns/mlflow.db")


def runs_of(client, kind):
    homes = [home.experiment_id for home in client.search_experiments()]
    return client.search_runs(homes, f"tags.`glassloop.kind` = '{kind}'")


def test_while_another_command_tells_mlflow_this_one_does_not(campaign, monkeypatch):
    monkeypatch.setattr("experiments.outbox._PATIENCE_S", 0.05)
    other = sqlite3.connect(campaign.folder / LOCK_NAME, isolation_level=None)
    other.execute("BEGIN EXCLUSIVE")
    assert campaign.deliver().waiting == 1
    assert not runs_of(client_of(campaign), "round")
    other.close()  # as when the process ends, in whatever way
    assert campaign.deliver().delivered == 1


def test_the_picture_is_kept_with_the_round_once_it_is_drawn(campaign):
    campaign.deliver()
    client = client_of(campaign)
    (run,) = runs_of(client, "round")
    assert "predictions.png" in {info.path for info in client.list_artifacts(run.info.run_id)}


def test_a_progress_run_that_was_deleted_is_rebuilt_from_all_rounds(campaign):
    campaign.deliver()
    client = client_of(campaign)
    (lost,) = runs_of(client, "progress")
    client.delete_run(lost.info.run_id)
    campaign.end_round("R01")
    (anew,) = runs_of(client, "progress")
    assert anew.data.metrics["hypervolume_glasses"] == lost.data.metrics["hypervolume_glasses"]
    assert len(runs_of(client, "round")) == 1


def test_the_ledger_keeps_no_password_of_the_store(campaign):
    campaign.deliver()
    (seen,) = LedgerOutbox(campaign.ledger)._tracked("R01")
    assert set(seen) == {"run_id", "uri", "progress_run_id"}
    assert seen["uri"].endswith("mlruns/mlflow.db")


def test_models_at_the_end_are_told_once_until_something_is_learned(campaign, monkeypatch):
    monkeypatch.setenv("MLFLOW_TRACKING_URI", NOBODY)
    outbox, knowledge = LedgerOutbox(campaign.ledger), campaign.knowledge()
    for _ in range(2):
        done = outbox.log_models(knowledge, campaign.config, campaign.folder)
    assert "could not write round_opened of round R01" in done.error
    assert campaign.ledger.outbox()["kind"].tolist() == ["round_opened", "models"]
    told = campaign.ledger.outbox()["payload"].iloc[1]
    assert set(told["models"]) == {*knowledge.layers, "trilayer", "success"}


def test_models_of_a_campaign_without_rounds_are_not_told(tmp_path):
    with Campaign.create(tmp_path / "empty", CampaignConfig(name="empty"), empty=True) as campaign:
        LedgerOutbox(campaign.ledger).log_models(
            campaign.knowledge(), campaign.config, campaign.folder
        )
        assert campaign.ledger.outbox(pending=False).empty


def test_a_campaign_that_is_not_tracked_tells_nothing(campaign):
    config = campaign.config.model_copy(update={"mlflow": MlflowConfig(track=False)})
    outbox = LedgerOutbox(campaign.ledger)
    assert outbox.deliver(config, campaign.folder).waiting == 0
    outbox.log_models(campaign.knowledge(), config, campaign.folder)
    assert campaign.ledger.outbox()["kind"].tolist() == ["round_opened"]
    files = {"report.html": "<html>"}
    told = track_report(files, config=config, folder=campaign.folder, campaign_id="c0ffee")
    assert told.run_id is None
    assert "mlflow.track is false" in told.where
    assert not runs_of(client_of(campaign), "progress")


def report_of(campaign, files):
    return track_report(
        files,
        config=campaign.config,
        folder=campaign.folder,
        campaign_id=str(campaign.ledger.id),
    )


def test_a_report_lies_with_the_progress_run_and_replaces_the_former(campaign, tmp_path):
    campaign.deliver()
    first = report_of(campaign, {"report.html": "<html>old", "figures/front.png": b"\x89PNG"})
    second = report_of(campaign, {"report.html": "<html>new"})
    client = client_of(campaign)
    (run,) = runs_of(client, "progress")
    assert first.run_id == second.run_id == run.info.run_id
    assert f"run {run.info.run_id}; look with: mlflow ui" in second.where
    client.download_artifacts(run.info.run_id, "report", str(tmp_path))
    assert (tmp_path / "report/report.html").read_text() == "<html>new"
    assert (tmp_path / "report/figures/front.png").read_bytes() == b"\x89PNG"


def test_a_report_that_cannot_be_stored_costs_only_a_sentence(campaign, monkeypatch):
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "http://me:secret@127.0.0.1:9")
    told = report_of(campaign, {"report.html": "<html>"})
    assert told.run_id is None
    assert told.where.startswith("MLflow at http://me:***@127.0.0.1:9: the report was not stored (")
    assert "secret" not in told.where
