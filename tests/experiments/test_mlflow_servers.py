"""A campaign on real MLflow servers, with SQLite and PostgreSQL: nothing lost, nothing doubled.

The campaign is made while no server is there. Each server is killed while it is told, started
again and told the rest; what it then holds is compared with a store that was never disturbed.
"""

import os
import shutil
import warnings
from contextlib import ExitStack

import mlflow
import pandas as pd
import pytest

from experiments.campaign import Campaign
from experiments.config import CampaignConfig
from experiments.knowledge import CELL_PROPERTIES, PELLET_PROPERTIES
from experiments.outbox import LedgerOutbox
from experiments.tracking import deliver
from experiments.tracking_home import home_of
from tests.experiments.private_servers import MlflowServer, postgres_programs, private_postgres
from tests.experiments.told_events import FakeOutbox

NOBODY = "http://127.0.0.1:9"
BACKENDS = ("sqlite", "postgresql")
SURROGATES = {*PELLET_PROPERTIES, *CELL_PROPERTIES, "success"}
PELLETS = pd.DataFrame(
    {
        "x": [0.15, 0.30],
        "milling_time_h": [3, 5],
        "milling_media": ["stainless_steel", "zirconia"],
        "milling_speed_rpm": [500, 500],
        "pressing_pressure_mpa": [450, 375],
    }
)


@pytest.fixture(autouse=True)
def _quiet():
    with warnings.catch_warnings():  # MLflow on SQLAlchemy 2.1 and on its own old names
        warnings.simplefilter("ignore")
        yield


@pytest.fixture(scope="module")
def address():
    """Sets where MLflow is, for all of the module."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("MLFLOW_TRACKING_URI", NOBODY)
        yield lambda uri: patch.setenv("MLFLOW_TRACKING_URI", uri)


@pytest.fixture(scope="module")
def servers(tmp_path_factory):
    """Both servers, started side by side; on a laptop without PostgreSQL only the one."""
    with ExitStack() as running:
        stores = {"sqlite": f"sqlite:///{tmp_path_factory.mktemp('sqlite')}/mlflow.db"}
        if postgres_programs() is not None or os.environ.get("CI_REQUIRE_POSTGRES"):
            stores["postgresql"] = running.enter_context(private_postgres())
        started = {}
        for backend, store in stores.items():
            started[backend] = MlflowServer(store, tmp_path_factory.mktemp(backend))
            running.callback(started[backend].kill)
        yield started


@pytest.fixture(scope="module")
def folder(servers, address, tmp_path_factory):
    """Two rounds while MLflow is away: one proposed in earnest, both simulated, then the end."""
    folder = tmp_path_factory.mktemp("campaign") / "glasses"
    address(NOBODY)
    with Campaign.create(folder, CampaignConfig(name="glasses")) as campaign:
        for _ in range(2):
            campaign.propose(glasses=2, trilayers=1)
            campaign.simulate(world="B", seed=3)
        outbox = LedgerOutbox(campaign.ledger)
        for _ in range(2):  # the second time nothing is new
            outbox.log_models(campaign.knowledge(), campaign.config, folder)
    return folder


@pytest.fixture(scope="module")
def undisturbed(folder, tmp_path_factory):
    """What a store holds that was told everything at once."""
    kept = tmp_path_factory.mktemp("undisturbed")
    uri = f"sqlite:///{kept}/mlflow.db"
    with (
        Campaign.open(_copy(folder, kept)) as campaign,
        pytest.MonkeyPatch.context() as patch,
        warnings.catch_warnings(),
    ):
        warnings.simplefilter("ignore")
        patch.setenv("MLFLOW_TRACKING_URI", uri)
        done = campaign.deliver()
        assert (done.delivered, done.waiting, done.error) == (7, 0, None)
        return contents(mlflow.MlflowClient(tracking_uri=uri))


@pytest.fixture(scope="module", params=BACKENDS)
def told(request, servers, folder, address, tmp_path_factory):
    """A campaign and its server, which was killed in the middle and came back."""
    if request.param not in servers:
        pytest.skip("PostgreSQL is not installed: apt-get install postgresql")
    server = servers[request.param]
    server.wait()
    address(server.uri)
    with (
        Campaign.open(_copy(folder, tmp_path_factory.mktemp(request.param))) as campaign,
        warnings.catch_warnings(),
    ):
        warnings.simplefilter("ignore")
        interrupted = deliver_until_killed(campaign, server)
        server.start()
        server.wait()
        assert campaign.deliver().error is None
        yield campaign, mlflow.MlflowClient(tracking_uri=server.uri), interrupted


def _copy(folder, where):
    return shutil.copytree(folder, where / folder.name)


def deliver_until_killed(campaign, server):
    """Tell a server that is killed in the middle of its third surrogate."""
    create, count = mlflow.MlflowClient.create_model_version, []

    def killed(*given, **named):
        count.append(1)
        if len(count) == 3:
            server.kill()
        return create(*given, **named)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(mlflow.MlflowClient, "create_model_version", killed)
        return campaign.deliver()


def contents(client):
    """All a store holds, without the numbers it gives itself."""
    (home,) = client.search_experiments(filter_string="name = 'glasses'")
    runs = client.search_runs([home.experiment_id])
    names = {run.info.run_id: run.info.run_name for run in runs}
    models = client.search_logged_models([home.experiment_id], max_results=200)
    return {
        "owner": home.tags["glassloop.campaign_id"],
        "runs": sorted((told_by(client, run, names) for run in runs), key=repr),
        "models": sorted((model.name, names[model.source_run_id]) for model in models),
        "registered": {
            known.name: [
                sorted(repr(sorted(v.tags.items())) for v in versions_of(client, known.name)),
                client.get_model_version_by_alias(known.name, "newest").tags,
            ]
            for known in client.search_registered_models(max_results=200)
        },
    }


def versions_of(client, name):
    return client.search_model_versions(f"name = '{name}'")


def told_by(client, run, names):
    histories = {}
    if run.data.tags["glassloop.kind"] in ("round", "progress"):
        for key in run.data.metrics:
            points = client.get_metric_history(run.info.run_id, key)
            histories[key] = sorted((p.step, p.timestamp, p.value) for p in points)
    return (
        run.info.run_name,
        names.get(run.data.tags.get("mlflow.parentRunId")),
        (run.info.status, run.info.start_time, run.info.end_time),
        sorted(run.data.params.items()),
        sorted((k, v) for k, v in run.data.tags.items() if k.startswith("glassloop.")),
        sorted(histories.items()) or sorted(run.data.metrics.items()),
        [seen.dataset.digest for seen in run.inputs.dataset_inputs],
        len(run.outputs.model_outputs),
        sorted(info.path for info in client.list_artifacts(run.info.run_id)),
    )


def test_a_server_killed_in_the_middle_leaves_the_rest_waiting(told):
    campaign, _, interrupted = told
    assert "could not write round_opened of round R01" in interrupted.error
    assert (interrupted.delivered, interrupted.waiting) == (0, 7)
    assert campaign.status()["pending_mlflow"] == 0


def test_after_the_kill_nothing_is_lost_and_nothing_doubled(told, undisturbed):
    _, client, _ = told
    found = contents(client)
    for part in undisturbed:
        assert found[part] == undisturbed[part], part


def test_the_whole_outbox_told_twice_changes_nothing(told, undisturbed):
    campaign, client, _ = told
    events = LedgerOutbox(campaign.ledger, campaign.folder).events({"R01", "R02"})
    home = home_of(campaign.config, campaign.folder, str(campaign.ledger.id))
    again = deliver(FakeOutbox(events), home)
    assert (again.delivered, again.error) == (7, None)
    assert again.run_ids == {name: campaign.show(name)["mlflow_run_id"] for name in ("R01", "R02")}
    assert contents(client) == undisturbed


def test_rounds_hold_nested_surrogates_and_only_the_real_one_holds_models(told):
    campaign, client, _ = told
    for round_id, n_models in (("R01", 1), ("R02", 0)):
        run = client.get_run(campaign.show(round_id)["mlflow_run_id"])
        assert run.info.status == "FINISHED"
        assert run.data.tags["glassloop.world"] == "B"
        assert len(run.data.tags["glassloop.frozen_sha256"]) == 64
        nested = client.search_runs(
            [run.info.experiment_id],
            f"tags.`mlflow.parentRunId` = '{run.info.run_id}' "
            "and tags.`glassloop.fit` = 'proposed'",
        )
        assert {part.info.run_name for part in nested} == SURROGATES
        assert {len(part.outputs.model_outputs) for part in nested} == {n_models}
        (ionic,) = (part for part in nested if part.info.run_name == "ionic_conductivity")
        assert ionic.data.params["kernel"] == "matern52"
        assert ionic.data.metrics["lengthscale_x"] > 0
        assert ionic.data.metrics["n_readings"] == run.data.metrics["n_readings_ionic_conductivity"]


def test_progress_has_a_point_a_round(told):
    _, client, _ = told
    (run,) = client.search_runs(
        [home.experiment_id for home in client.search_experiments()],
        "tags.`glassloop.kind` = 'progress'",
    )
    for key in ("hypervolume_glasses", "after_hypervolume_cells_upper", "pellets_made_so_far"):
        points = client.get_metric_history(run.info.run_id, key)
        assert [point.step for point in points] == [1, 2], key
    made = client.get_metric_history(run.info.run_id, "readings_so_far")
    assert made[0].value < made[1].value


def test_the_newest_model_of_a_property_predicts_as_the_campaign_does(told):
    campaign, client, _ = told
    newest = client.get_model_version_by_alias("glasses.ionic_conductivity", "newest")
    assert (newest.tags["glassloop.round"], newest.tags["glassloop.fit"]) == ("R02", "final")
    assert [int(v.version) for v in versions_of(client, "glasses.ionic_conductivity")] == [2, 1]
    before = mlflow.get_tracking_uri()
    mlflow.set_tracking_uri(client.tracking_uri)
    try:
        model = mlflow.pyfunc.load_model("models:/glasses.ionic_conductivity@newest")
    finally:
        mlflow.set_tracking_uri(before)
    expected = campaign.predict(PELLETS)["ionic_conductivity"]["GP"]
    found = model.predict(PELLETS)
    assert [*found] == [f"ionic_conductivity_{name}" for name in expected]
    pd.testing.assert_frame_equal(
        found, expected.add_prefix("ionic_conductivity_"), check_dtype=False
    )
