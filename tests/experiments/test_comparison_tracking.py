"""MLflow's copy of a comparison: nested runs, pictures, models; never in the way of the rest."""

import json
import re
import sys
import warnings
from dataclasses import replace

import mlflow
import pandas as pd
import pytest

from experiments import cli
from experiments.comparison_record import nested_runs, parent_run
from experiments.pyfunc_model import EXAMPLE
from experiments.tracking import log_nested
from experiments.tracking_home import Home
from features.errors import LedgerError

pytest_plugins = ["tests.experiments.compared_campaign"]

PICTURES = {"ionic_conductivity": {"along_x": b"\x89PNG 1", "parity": b"\x89PNG 2"}}
COMMANDS = ("compare", "--surrogate", "ridge", "--property", "ionic_conductivity", "--jobs", "1")


@pytest.fixture(autouse=True)
def quiet():
    with warnings.catch_warnings():  # MLflow on SQLAlchemy 2.1 and on its own old names
        warnings.simplefilter("ignore")
        yield


@pytest.fixture(scope="module")
def stored(measured, compared):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        told = measured.track(compared, page="<html>", pictures=PICTURES)
        uri = f"sqlite:///{(measured.folder / '../mlruns/mlflow.db').resolve().as_posix()}"
        client = mlflow.MlflowClient(tracking_uri=uri)
        parent = client.get_run(told.run_id)
        runs = client.search_runs(
            [parent.info.experiment_id], f"tags.`mlflow.parentRunId` = '{told.run_id}'"
        )
    return told, client, parent, {run.info.run_name: run for run in runs}


@pytest.fixture
def command(measured, monkeypatch, capsys):
    def call(*words):
        arguments = ["glassloop", *map(str, words), "--campaign", str(measured.folder)]
        monkeypatch.setattr(sys, "argv", arguments)
        code = None
        try:
            cli.main()
        except SystemExit as ended:
            code = ended.code
        told = capsys.readouterr()
        return code or 0, told.out, told.err

    return call


def test_one_run_holds_a_run_for_each_surrogate(stored, compared):
    told, _, parent, nested = stored
    assert set(nested) == {"mean", "ridge"}
    assert {run.info.status for run in (parent, *nested.values())} == {"FINISHED"}
    assert parent.info.run_name == "compare"
    assert parent.data.tags["glassloop.kind"] == "comparison"
    assert {r.data.tags["glassloop.kind"] for r in nested.values()} == {"compared_surrogate"}
    assert parent.data.params["surrogates"] == "mean,ridge"
    assert parent.data.params["folds"] == "glass"
    verdict = compared.comparisons["ionic_conductivity"].verdict
    assert parent.data.tags["ionic_conductivity.verdict"] == verdict
    assert parent.data.tags["glassloop.simulated"] == "false"
    assert told.run_id in told.where


def test_scores_and_differences_are_metrics_of_the_nested_runs(stored, compared):
    _, _, _, nested = stored
    found = compared.comparisons["ionic_conductivity"]
    metrics = nested["ridge"].data.metrics
    assert metrics["ionic_conductivity.nlpd"] == pytest.approx(found.scores.loc["ridge", "nlpd"])
    assert "electronic_conductivity.coverage_90" in metrics
    assert (
        metrics["ionic_conductivity.nlpd_minus_mean_lower"]
        <= (metrics["ionic_conductivity.nlpd_minus_mean"])
    )
    assert "ionic_conductivity.nlpd_minus_mean" not in nested["mean"].data.metrics


def test_page_pictures_and_tables_are_artifacts(stored, tmp_path):
    told, client, _, _ = stored
    folder = client.download_artifacts(told.run_id, "", str(tmp_path))
    assert (tmp_path / "compare.html").read_text() == "<html>", folder
    assert (tmp_path / "ionic_conductivity/along_x.png").read_bytes() == b"\x89PNG 1"
    predictions = pd.read_csv(tmp_path / "ionic_conductivity/predictions.csv")
    assert set(predictions["surrogate"]) == {"mean", "ridge"}


def test_the_fitted_surrogates_can_be_loaded_and_predict(stored, compared):
    _, client, parent, nested = stored
    models = client.search_logged_models([parent.info.experiment_id])
    by_name = {model.name: model for model in models}
    assert set(by_name) == {"mean", "ridge"}
    assert by_name["ridge"].source_run_id == nested["ridge"].info.run_id
    loaded = mlflow.pyfunc.load_model(by_name["ridge"].artifact_location)
    row = pd.DataFrame([EXAMPLE])
    predicted = loaded.predict(row, params={"property": "ionic_conductivity"})
    own = compared.fitted["ionic_conductivity"]["ridge"].predict(row)
    assert predicted["ionic_conductivity_mean"].item() == pytest.approx(own["mean"].item())


def test_scores_without_value_are_left_out(compared):
    found = compared.comparisons["ionic_conductivity"]
    empty = replace(found, scores=found.scores.assign(crps=float("nan")))
    told = replace(compared, comparisons={"ionic_conductivity": empty})
    metrics = nested_runs(told)[1]["metrics"]
    assert "ionic_conductivity.crps" not in metrics
    assert "ionic_conductivity.nlpd" in metrics


def test_a_run_that_breaks_off_is_marked_failed_and_said(compared, tmp_path, monkeypatch):
    uri = f"sqlite:///{tmp_path}/mlflow.db"

    def broken(*_args, **_kwargs):
        raise LedgerError("disk full")

    monkeypatch.setattr("experiments.tracking_models._save_model", broken)
    done = log_nested(
        parent_run(compared, page="", pictures={}), nested_runs(compared),
        Home(
            tracking_uri=uri, artifact_root=(tmp_path / "artifacts").as_uri(),
            campaign="glasses", campaign_id="c0ffee",
        ),
    )  # fmt: skip
    assert re.search(r"compare was stored in part only, run \w+ is marked FAILED", done.error)
    assert "disk full" in done.error
    runs = mlflow.MlflowClient(tracking_uri=uri).search_runs([done.experiment_id])
    assert {run.info.status for run in runs} == {"FAILED"}


def test_the_command_prints_writes_the_page_and_names_the_run(command, measured):
    code, out, err = command(*COMMANDS)
    assert (code, err) == (0, "")
    html = (measured.folder / "compare.html").read_text(encoding="utf-8")
    assert "data:image/png;base64," in html
    assert f"Page:    {measured.folder / 'compare.html'}" in out
    assert re.search(r"MLflow:  run \w{32}; look with: mlflow ui", out)
    assert "ridge" in out


def test_json_is_one_object_and_nothing_else_is_printed(command, tmp_path):
    target = tmp_path / "new" / "page.html"
    code, out, err = command(*COMMANDS, "--json", "--no-mlflow", "--html", target)
    assert (code, err) == (0, "")
    plain = json.loads(out)
    assert plain["html"] == str(target)
    assert plain["mlflow_run_id"] is None
    assert set(plain["properties"]) == {"ionic_conductivity"}
    assert target.exists()


def test_a_server_that_is_away_costs_only_a_warning(command, monkeypatch):
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "http://me:secret@127.0.0.1:9")
    code, out, err = command(*COMMANDS)
    assert code == 0
    assert "ridge" in out
    assert "Page:" in out
    assert err.startswith("warning: MLflow at http://me:***@127.0.0.1:9: compare was not stored")
    assert "secret" not in err


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("compare", "--surrogate", "oracle"), "got 'oracle'"),
        (("compare", "--property", "colour"), "colour"),
        (("compare", "--property", "hardness"), "no property can be compared"),
        (("compare", "--property", "youngs_modulus"), "3 glasses or more, got 1"),
    ],
    ids=["surrogate", "property", "not-modelled", "too-few"],
)
def test_a_users_mistake_is_one_message(command, words, message):
    code, out, err = command(*words)
    assert (code, out) == (1, "")
    assert err.startswith("error: ")
    assert message in err
