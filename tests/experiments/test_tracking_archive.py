"""Runs on a server become a store of their own, with their ids, files, models and curves."""

import json
import warnings
from pathlib import Path

import mlflow
import pytest
from mlflow import MlflowClient

from experiments.archive_database import settle_locations
from experiments.pyfunc_model import plain_surrogate
from experiments.tracking import deliver, log_nested
from experiments.tracking_archive import keep_runs
from models.baselines import MeanSurrogate
from tests.experiments.private_servers import MlflowServer
from tests.experiments.told_events import FakeOutbox, closed, home, opened, recorded

NAMES = ("ionic_conductivity", "youngs_modulus")


@pytest.fixture(autouse=True)
def _quiet():
    with warnings.catch_warnings():  # MLflow on SQLAlchemy 2.1 and on its own old names
        warnings.simplefilter("ignore")
        yield


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    folder = tmp_path_factory.mktemp("server")
    started = MlflowServer(f"sqlite:///{folder}/mlflow.db", folder)
    try:
        started.wait()
        yield started
    finally:
        started.kill()


def told(round_id, event_id):
    """An opening with a registered model a property."""
    models = {name: plain_surrogate(MeanSurrogate(name)) for name in NAMES}
    surrogates = [{"name": name, "model": name, "asked": name} for name in NAMES]
    return opened(event_id, round_id, models=models, surrogates=surrogates)


@pytest.fixture(scope="module")
def kept(server, tmp_path_factory):
    """Two rounds and a comparison on the server, copied and settled in a folder; with both."""
    where, folder = home(server.uri), tmp_path_factory.mktemp("kept")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        events = [told("R01", 1), recorded(2), closed(3), told("R02", 4)]
        deliver(FakeOutbox(events), where)
        deliver(FakeOutbox([opened(1)]), home(server.uri, "others"))
        log_nested({"name": "compare", "artifacts": {"page.html": "<p>"}}, [{"name": "gp"}], where)
        done = keep_runs(where, folder)
    settle_locations(folder / "mlflow.db", folder / "artifacts")
    return done, MlflowClient(server.uri), MlflowClient(f"sqlite:///{folder}/mlflow.db"), folder


def runs_of(client):
    (experiment,) = [one for one in client.search_experiments() if one.name == "glasses"]
    return {run.info.run_id: run for run in client.search_runs([experiment.experiment_id])}


def test_every_run_is_kept_as_it_is(kept):
    done, server, store, _ = kept
    expected, found = runs_of(server), runs_of(store)
    assert done.why_not is None
    assert (done.runs, done.versions) == (len(expected), 4)
    assert found.keys() == expected.keys()
    for run_id, run in expected.items():
        copy = found[run_id]
        assert copy.data.to_dictionary() == run.data.to_dictionary()
        assert copy.info.run_name == run.info.run_name
        assert (copy.info.status, copy.info.start_time, copy.info.end_time) == (
            run.info.status, run.info.start_time, run.info.end_time,
        )  # fmt: skip
        for key in run.data.metrics:
            history = [store.get_metric_history(run_id, key) for store in (server, store)]
            points = [[(p.step, p.value, p.timestamp) for p in one] for one in history]
            assert points[0] == points[1]


def test_files_of_runs_are_kept(kept):
    _, server, store, folder = kept
    (round_,) = [run for run in runs_of(store).values() if run.info.run_name == "R01"]
    run_id = round_.info.run_id
    file = Path(store.download_artifacts(run_id, "predictions.json"))
    assert round_.info.artifact_uri.startswith(folder.as_uri())
    assert json.loads(file.read_bytes()) == {"mean": "1 µS/cm"}
    assert [f.path for f in store.list_artifacts(run_id)] == [
        f.path for f in server.list_artifacts(run_id)
    ]


def test_models_are_kept_and_can_be_used(kept):
    _, server, store, folder = kept
    for name in NAMES:
        versions = [c.search_model_versions(f"name = 'glasses.{name}'") for c in (server, store)]
        described = [
            {(int(v.version), v.run_id, json.dumps(v.tags, sort_keys=True)) for v in one}
            for one in versions
        ]
        assert described[0] == described[1]
        newest = store.get_model_version_by_alias(f"glasses.{name}", "newest")
        assert int(newest.version) == 2
        assert newest.source.startswith(folder.as_uri())
        loaded = mlflow.pyfunc.load_model(newest.source)
        assert loaded.metadata.run_id == newest.run_id
    outputs = [runs_of(client) for client in (server, store)]
    for run_id, run in outputs[0].items():
        ids = [
            {one.model_id for one in (held.outputs.model_outputs if held.outputs else [])}
            for held in (run, outputs[1][run_id])
        ]
        assert ids[0] == ids[1]


def test_a_campaign_the_server_does_not_know_is_named(server, tmp_path):
    done = keep_runs(home(server.uri, "nobody"), tmp_path)
    assert done.why_not == f"MLflow at {server.uri}: holds nothing of this campaign"
    assert list(tmp_path.iterdir()) == []
