"""Delivery of the outbox to MLflow: complete, in order, once, and never in the way."""

import contextlib
import json
import os
import socket
import subprocess
import sys
import time
import urllib.request
from contextlib import contextmanager
from pathlib import Path
from zipfile import ZipFile

import mlflow
import pandas as pd
import pytest
from mlflow.exceptions import MlflowException

from experiments.pyfunc_model import SurrogateBundle, plain_surrogate
from experiments.tracking import Delivery, deliver
from experiments.tracking_home import resolve_tracking_uri, run_in_words
from experiments.tracking_store import reason
from features.errors import ReadingError, TableError
from models.baselines import MeanSurrogate
from models.property_gp import PropertyGP
from models.trilayer import TrilayerSurrogate
from tests.experiments.told_events import (
    CSV,
    SHA256,
    Event,
    FakeOutbox,
    closed,
    home,
    id_of,
    opened,
    recorded,
    rounds_of,
)

pytest_plugins = ["tests.experiments.told_events"]


def closed_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@contextmanager
def mlflow_server(port: int, folder: Path):
    # What "mlflow server" starts, without its job runners: a second instead of ten.
    command = [sys.executable, "-W", "ignore", "-m", "flask", "--app", "mlflow.server:app", "run"]
    settings = {
        "MLFLOW_DISABLE_TELEMETRY": "true",
        "_MLFLOW_SERVER_FILE_STORE": f"sqlite:///{folder}/server.db",
        "_MLFLOW_SERVER_ARTIFACT_ROOT": "mlflow-artifacts:/",
        "_MLFLOW_SERVER_ARTIFACT_DESTINATION": str(folder / "kept"),
        "_MLFLOW_SERVER_SERVE_ARTIFACTS": "true",
    }
    with (folder / "server.log").open("wb") as log:
        server = subprocess.Popen(
            [*command, "--port", str(port)],
            stdout=log,
            stderr=log,
            cwd=folder,
            env=os.environ | settings,
        )
    try:
        for _ in range(600):
            time.sleep(0.1)
            with contextlib.suppress(OSError):
                urllib.request.urlopen(f"http://127.0.0.1:{port}/health", timeout=2).close()
                break
        yield
    finally:
        server.kill()
        server.wait(timeout=120)


def artifacts_of(client, run_id, path=None):
    for info in client.list_artifacts(run_id, path):
        if info.is_dir:
            yield from artifacts_of(client, run_id, info.path)
        else:
            yield info.path


def test_nothing_pending_touches_no_store():
    assert deliver(FakeOutbox([]), home("http://x")) == Delivery()


def test_an_opened_round_is_a_running_run_with_all_it_was_given(send, client, experiment):
    outbox = FakeOutbox([opened()])
    outcome = send(outbox)
    assert (outcome.delivered, outcome.waiting, outcome.error) == (1, 0, None)
    assert not outbox.events
    run = client.get_run(outcome.run_ids["R01"])
    assert run.info.status == "RUNNING"
    assert run.info.run_name == "R01"
    assert run.info.experiment_id == outcome.experiment_id
    assert run.info.start_time == 1_790_000_000_000
    assert run.data.params["seed"] == "0"
    assert run.data.metrics["hypervolume_glasses"] == 0.25
    assert run.data.tags["glassloop.round"] == "R01"
    assert run.data.tags["glassloop.campaign_id"] == id_of(experiment)
    assert run.data.tags["glassloop.kind"] == "round"
    assert run.data.tags["glassloop.simulated"] == "false"
    files = set(artifacts_of(client, run.info.run_id))
    assert files == {"predictions.json", "sheets/batch.csv", "data/readings.csv"}


def test_files_keep_their_letters_whatever_the_locale(send, client, tmp_path):
    run_id = send(FakeOutbox([opened()])).run_ids["R01"]
    file = Path(client.download_artifacts(run_id, "predictions.json", str(tmp_path)))
    assert json.loads(file.read_bytes().decode("utf-8")) == {"mean": "1 µS/cm"}


def test_the_data_seen_are_the_run_s_input_with_their_hash(send, client):
    run = client.get_run(send(FakeOutbox([opened()])).run_ids["R01"])
    (seen,) = run.inputs.dataset_inputs
    assert seen.dataset.name == "readings"
    assert SHA256.startswith(seen.dataset.digest)
    assert {tag.key: tag.value for tag in seen.tags}["sha256"] == SHA256
    assert json.loads(seen.dataset.profile)["num_rows"] == 2
    assert Path(mlflow.data.get_source(seen.dataset).load()).read_text() == CSV


def test_results_go_to_the_same_run_at_their_own_step(send, client):
    send(FakeOutbox([opened()]))
    outcome = send(FakeOutbox([recorded(), recorded(3, step=3, metrics={"coverage_90": 0.8})]))
    run_id = outcome.run_ids["R01"]
    history = client.get_metric_history(run_id, "coverage_90")
    assert [(point.step, point.value) for point in history] == [(2, 0.9), (3, 0.8)]
    assert len(client.get_metric_history(run_id, "hypervolume_glasses")) == 2
    assert client.get_run(run_id).info.status == "RUNNING"
    assert "scores.csv" in set(artifacts_of(client, run_id))


@pytest.mark.parametrize("has_time", [True, False], ids=["same-second", "no-time-given"])
def test_the_later_of_two_results_is_the_current_one_even_if_smaller(send, client, has_time):
    events = [opened(models={}), recorded(2), recorded(3, metrics={"coverage_90": 0.5})]
    if not has_time:
        events = [
            Event(e.id, e.kind, e.round_id, {k: v for k, v in e.payload.items() if k != "time_ms"})
            for e in events
        ]
    run_id = send(FakeOutbox(events)).run_ids["R01"]
    assert client.get_run(run_id).data.metrics["coverage_90"] == 0.5


def test_closing_ends_the_run_at_its_time(send, client):
    run_id = send(FakeOutbox([opened(), recorded(), closed()])).run_ids["R01"]
    info = client.get_run(run_id).info
    assert (info.status, info.end_time) == ("FINISHED", 1_790_000_900_000)


@pytest.mark.parametrize("is_marked", [True, False], ids=["after-the-mark", "before-the-mark"])
def test_a_crash_before_ticking_off_doubles_nothing(send, client, experiment, is_marked):
    outbox = FakeOutbox([opened(), recorded()], crashes=1)
    with pytest.raises(RuntimeError, match="power cut"):
        send(outbox)
    assert len(outbox.events) == 2
    if not is_marked:
        (run,) = rounds_of(client, client.get_experiment_by_name(experiment).experiment_id)
        client.delete_tag(run.info.run_id, "glassloop.event.1")
    outcome = send(outbox)
    assert (outcome.delivered, outcome.waiting) == (2, 0)
    (run,) = rounds_of(client, outcome.experiment_id)
    assert len(run.inputs.dataset_inputs) == 1
    assert len(run.outputs.model_outputs) == 1
    assert len(client.search_logged_models([outcome.experiment_id])) == 1
    points = client.get_metric_history(run.info.run_id, "hypervolume_glasses")
    assert [(point.step, point.value) for point in points] == [(1, 0.25), (2, 0.4)]


def test_a_failing_event_holds_up_its_own_round_only(send, client, monkeypatch):
    def disk_full(*_: object, **__: object) -> None:
        raise MlflowException("disk full")

    outbox = FakeOutbox([opened(), recorded(), opened(4, "R02", models={})])
    with monkeypatch.context() as patch:
        patch.setattr(mlflow.MlflowClient, "log_model_artifacts", disk_full)
        outcome = send(outbox)
    assert (outcome.delivered, outcome.waiting) == (1, 2)
    assert "could not write round_opened of round R01 (disk full)" in outcome.error
    assert outbox.failures == [(1, outcome.error)]
    assert [event.id for event in outbox.events] == [1, 2]

    again = send(outbox)
    assert (again.delivered, again.waiting, again.error) == (2, 0, None)
    (model,) = client.search_logged_models([again.experiment_id])
    assert str(model.status) == "READY"
    assert len(rounds_of(client, again.experiment_id)) == 2


def test_a_server_that_is_away_loses_nothing_and_costs_little_time(send, client):
    outbox = FakeOutbox([opened(), recorded(), opened(4, "R02")])
    away = f"http://127.0.0.1:{closed_port()}"
    start = time.monotonic()
    outcome = send(outbox, uri=away)
    assert time.monotonic() - start < 5
    assert (outcome.delivered, outcome.waiting, outcome.run_ids) == (0, 3, {})
    assert away in outcome.error
    assert "the next command tries again" in outcome.error
    assert outbox.failures == [(1, outcome.error)]

    back = send(outbox)
    assert (back.delivered, back.waiting, back.error) == (3, 0, None)
    assert {run.info.run_name for run in rounds_of(client, back.experiment_id)} == {"R01", "R02"}


def test_a_database_that_is_none_is_reported_at_once(send, tmp_path):
    (tmp_path / "mlflow.db").write_text("this is a shopping list " * 100)
    start = time.monotonic()
    outcome = send(FakeOutbox([opened()]), uri=f"sqlite:///{tmp_path}/mlflow.db")
    assert time.monotonic() - start < 5
    assert outcome.waiting == 1
    assert "file is not a database" in outcome.error


def test_a_missing_database_driver_is_reported(send):
    outcome = send(FakeOutbox([opened()]), uri="postgresql+pg8000://ada:s3cret@127.0.0.1/ml")
    assert outcome.waiting == 1
    assert "pg8000" in outcome.error
    assert "s3cret" not in outcome.error


def test_a_server_that_comes_back_gets_everything_once(experiment, tmp_path, capfd):
    port = closed_port()
    uri = f"http://127.0.0.1:{port}"
    outbox = FakeOutbox([opened(), recorded(), closed()])

    def send() -> Delivery:
        return deliver(outbox, home(uri, experiment))

    assert send().waiting == 3
    with mlflow_server(port, tmp_path):
        capfd.readouterr()
        outcome = send()
        assert (outcome.delivered, outcome.waiting, outcome.error) == (3, 0, None)
        assert capfd.readouterr().out == ""
        outbox.events = [opened(), recorded(), closed()]
        assert send().delivered == 3
        client = mlflow.MlflowClient(tracking_uri=uri)
        (run,) = rounds_of(client, outcome.experiment_id)
        assert run.info.status == "FINISHED"
        assert len(run.outputs.model_outputs) == 1
        assert len(client.get_metric_history(run.info.run_id, "hypervolume_glasses")) == 2
        (seen,) = run.inputs.dataset_inputs
        assert Path(mlflow.data.get_source(seen.dataset).load()).read_text() == CSV


def test_an_event_of_a_newer_glassloop_waits(send):
    outcome = send(FakeOutbox([Event(1, "round_melted", "R01", {})]))
    assert outcome.waiting == 1
    assert "kind must be one of round_opened, round_recorded, round_closed" in outcome.error
    assert "got 'round_melted'" in outcome.error


def test_results_of_a_round_whose_run_was_lost_are_kept_and_the_opening_completes_it(send, client):
    first = send(FakeOutbox([recorded()])).run_ids["R01"]
    second = send(FakeOutbox([opened()])).run_ids["R01"]
    assert first == second
    assert client.get_run(first).data.params["seed"] == "0"


def test_more_parameters_than_mlflow_takes_at_once_all_arrive(send, client):
    many = {f"setting_{i}": str(i) for i in range(230)}
    outbox = FakeOutbox([opened(params=many, tags=many, models={})])
    run = client.get_run(send(outbox).run_ids["R01"])
    assert run.data.params == many
    assert many.items() <= run.data.tags.items()


def test_environment_and_logging_are_left_as_they_were(send, monkeypatch):
    monkeypatch.setenv("MLFLOW_HTTP_REQUEST_TIMEOUT", "77")
    before, uri = dict(os.environ), mlflow.get_tracking_uri()
    send(FakeOutbox([opened()]))
    assert dict(os.environ) == before
    assert mlflow.get_tracking_uri() == uri


def test_nothing_is_written_to_the_folder_one_happens_to_be_in(send, monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    assert send(FakeOutbox([opened()])).error is None
    assert not list(tmp_path.iterdir())


def test_a_second_delivery_is_quick(send):
    send(FakeOutbox([opened()]))
    start = time.monotonic()
    assert send(FakeOutbox([opened(2, "R02"), recorded(3, "R02")])).delivered == 2
    assert time.monotonic() - start < 4


@pytest.mark.parametrize(
    ("configured", "root"),
    [
        pytest.param(None, "mlruns/artifacts", id="none-given"),
        pytest.param("http://mlflow.lab:5000", None, id="a-server-decides-itself"),
        pytest.param("postgresql+psycopg2://h/ml", "mlruns/artifacts", id="a-shared-database"),
    ],
)
@pytest.mark.parametrize("by_environment", [True, False], ids=["environment", "configuration"])
def test_the_store_is_the_one_that_was_named(
    monkeypatch, tmp_path, configured, root, by_environment
):
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)
    if by_environment and configured:
        monkeypatch.setenv("MLFLOW_TRACKING_URI", configured)
    given = "http://overruled:1" if by_environment and configured else configured
    uri, artifacts = resolve_tracking_uri(tmp_path / "mlruns", given)
    assert uri == (configured or f"sqlite:///{tmp_path}/mlruns/mlflow.db")
    assert artifacts == (root and (tmp_path / root).as_uri())


@pytest.mark.parametrize(
    ("uri", "words"),
    [
        pytest.param(
            "postgresql://ada:s3cret@lab/ml",
            "run 0f; look with: mlflow ui --backend-store-uri postgresql://ada:***@lab/ml",
            id="database",
        ),
        pytest.param(
            "https://ada:s3cret@mlflow.lab",
            "run 0f; open https://ada:***@mlflow.lab in a browser",
            id="server",
        ),
        pytest.param(
            "https://ada:s3@cr[et@mlflow.lab",
            "run 0f; open https://ada:***@mlflow.lab in a browser",
            id="odd-password",
        ),
        pytest.param(
            "postgresql://ada@lab/ml?sslmode=require&password=s3cret",
            "run 0f; look with: mlflow ui --backend-store-uri "
            "'postgresql://ada@lab/ml?sslmode=require&password=***'",
            id="setting",
        ),
    ],
)
def test_a_run_is_named_with_the_way_to_look_and_without_a_password(tmp_path, uri, words):
    assert run_in_words("0f", tracking_uri=uri, mlruns_dir=tmp_path) == words


@pytest.mark.parametrize(
    ("uri", "shown"),
    [
        ("postgresql://ada:s3@cr[et@lab/ml", "no store at postgresql://ada:***@lab/ml (key ***)"),
        ("http://lab/ml?token=s3cr'et", "no store at http://lab/ml?token=*** (key s3@cr[et)"),
    ],
)
def test_why_mlflow_was_not_told_shows_no_password(uri, shown):
    assert reason(uri, MlflowException(f"no store at {uri} (key s3@cr[et)\nmore")) == shown


def test_the_store_in_the_folder_is_named_as_seen_from_here(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    uri, _ = resolve_tracking_uri(tmp_path / "mlruns", None)
    told = run_in_words("0f", tracking_uri=uri, mlruns_dir=tmp_path / "mlruns")
    assert told.endswith("--backend-store-uri sqlite:///mlruns/mlflow.db")


PELLETS = pd.DataFrame(
    {
        "x": [0.0, 0.15, 0.3, 0.6],
        "milling_time_h": [3, 3, 5, 3],  # whole numbers, as people type them
        "milling_media": ["stainless_steel", "stainless_steel", "zirconia", "agate"],
        "milling_speed_rpm": [500, 500, 500, 400],
        "pressing_pressure_mpa": [450, 450, 375, 300],
        "operator": ["ada"] * 4,
    },
    index=["P1", "P2", "P3", "P4"],
)
READINGS = pd.DataFrame(
    {
        "specimen": ["P1", "P2", "P3", "P1", "P2"],
        "property": ["ionic_conductivity"] * 3 + ["youngs_modulus"] * 2,
        "lower": [5e-5, 2.7e-4, 1e-4, 16.0, 17.5],
        "upper": [5e-5, 2.7e-4, 1e-4, 16.0, 17.5],
        "se": [None] * 5,
    }
)


@pytest.fixture(scope="module")
def surrogates():
    return {
        "ionic_conductivity": PropertyGP("ionic_conductivity").fit(PELLETS, READINGS),
        "youngs_modulus": MeanSurrogate("youngs_modulus").fit(PELLETS, READINGS),
    }


@pytest.mark.sqlite_file
def test_the_logged_model_predicts_the_same_far_from_the_campaign(
    send, client, store, surrogates, tmp_path
):
    plain = {name: plain_surrogate(surrogate) for name, surrogate in surrogates.items()}
    outcome = send(FakeOutbox([opened(models=plain)]))
    (output,) = client.get_run(outcome.run_ids["R01"]).outputs.model_outputs
    PELLETS.to_json(tmp_path / "pellets.json", orient="split")
    script = f"""
import sys
class Blocked:
    names = {{"experiments", "optimizer", "torch", "botorch", "gpytorch", "pint", "typer"}}
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in self.names:
            raise ImportError(name + " must not be needed")
sys.meta_path.insert(0, Blocked())
import warnings
warnings.simplefilter("ignore")
import mlflow, pandas as pd
mlflow.set_tracking_uri({store[0]!r})
model = mlflow.pyfunc.load_model("models:/{output.model_id}")
pellets = pd.read_json("pellets.json", orient="split")
model.predict(pellets).to_json("all.json", orient="split", double_precision=15)
one = model.predict(pellets, params={{"property": "youngs_modulus"}})
one.to_json("one.json", orient="split", double_precision=15)
import features, models
print(features.__file__, models.__file__, sep="\\n")
"""
    done = subprocess.run(
        [sys.executable, "-c", script], cwd=tmp_path, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    assert all("artifacts" in Path(line).parts for line in done.stdout.splitlines())  # its own code

    found = pd.read_json(tmp_path / "all.json", orient="split")
    for name, surrogate in surrogates.items():
        expected = surrogate.predict(PELLETS).add_prefix(f"{name}_")
        pd.testing.assert_frame_equal(found[expected.columns], expected, check_dtype=False)
    one = pd.read_json(tmp_path / "one.json", orient="split")
    assert {column.split("_modulus_")[0] for column in one} == {"youngs"}


def test_no_pickle_is_in_the_logged_model_and_its_requirements_are_exact(send, client, surrogates):
    plain = {name: plain_surrogate(surrogate) for name, surrogate in surrogates.items()}
    outcome = send(FakeOutbox([opened(models=plain)]))
    (output,) = client.get_run(outcome.run_ids["R01"]).outputs.model_outputs
    files = list(model_files(client, output.model_id))
    assert "data/surrogates.json" in files
    assert {Path(file).suffix for file in files} <= {".json", ".yaml", ".txt", ".py", ".zip", ""}
    assert [file for file in files if not Path(file).suffix] == ["MLmodel"]
    assert [file for file in files if file.startswith("code/")] == [
        "code/glassloop.zip",
        "code/model_code.py",
    ]
    folder = Path(
        mlflow.artifacts.download_artifacts(artifact_uri=artifact_root_of(client, output))
    )
    with ZipFile(folder / "code/glassloop.zip") as archive:
        assert {Path(name).suffix for name in archive.namelist()} == {".py"}
        assert {name.partition("/")[0] for name in archive.namelist()} == {
            *("features", "models", "pyfunc_model.py")
        }
    needed = (folder / "requirements.txt").read_text().split()
    assert {line.partition("==")[0] for line in needed} == {
        *("mlflow", "numpy", "pandas", "scikit-learn", "scipy")
    }
    assert all("==" in line for line in needed)


def model_files(client, model_id, path=None):
    for info in client.list_logged_model_artifacts(model_id, path):
        if info.is_dir:
            yield from model_files(client, model_id, info.path)
        else:
            yield info.path


def artifact_root_of(client, output):
    return client.get_logged_model(output.model_id).artifact_location


def test_the_bundle_answers_for_cells_through_the_trilayer_surrogate(surrogates):
    none = READINGS[:0]
    layers = {
        name: PropertyGP(name).fit(PELLETS, none)
        for name in (
            "relative_density",
            "charge_transfer_resistance",
            "youngs_modulus",
            "electronic_conductivity",
        )
    } | {"ionic_conductivity": surrogates["ionic_conductivity"]}
    glass = {"x": 0.3, "milling_time_h": 3, "milling_media": "zirconia", "milling_speed_rpm": 500}
    cell = pd.DataFrame(
        [
            {f"{layer}_{key}": value for layer in ("core", "skin") for key, value in glass.items()}
            | {"core_mass_mg": 150, "skin_mass_mg": 25, "precompaction_pressure_mpa": 75}
            | {"pressing_pressure_mpa": 450, "stack_pressure_mpa": 7, "temperature_c": 60}
        ],
        index=["C1"],
    )
    trilayer = TrilayerSurrogate(layers).fit(cell, none)
    plain = json.loads(json.dumps({"cells": plain_surrogate(trilayer)}))
    bundle = SurrogateBundle(plain | {"k": plain_surrogate(surrogates["ionic_conductivity"])})
    answer = bundle.predict(cell)
    expected = trilayer.predict(cell)["area_specific_resistance"]["mean"]
    assert answer["area_specific_resistance_mean"].tolist() == pytest.approx(expected.tolist())
    assert "critical_current_density_lower" in answer
    assert not [column for column in answer if column.startswith("ionic")]


def test_the_bundle_says_which_properties_it_knows(surrogates):
    bundle = SurrogateBundle({"k": plain_surrogate(surrogates["ionic_conductivity"])})
    with pytest.raises(ReadingError, match="one of ionic_conductivity, got 'hardness'"):
        bundle.predict(PELLETS, {"property": "hardness"})


def test_the_bundle_says_which_columns_it_lacks(surrogates):
    bundle = SurrogateBundle({"k": plain_surrogate(surrogates["ionic_conductivity"])})
    with pytest.raises(
        TableError, match=r"lacks milling_speed_rpm, got x, .*; add them to predict"
    ):
        bundle.predict(PELLETS.drop(columns="milling_speed_rpm"))


def test_the_bundle_refuses_a_surrogate_of_unknown_kind():
    with pytest.raises(
        ReadingError, match=r"kind of surrogate must be one of PropertyGP, .*'Oracle'"
    ):
        SurrogateBundle({"k": {"kind": "Oracle"}})
