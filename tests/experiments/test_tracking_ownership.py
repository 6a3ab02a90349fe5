"""Whose runs, experiments and registered models: campaigns of one store never mix."""

import re

import pytest
from mlflow.exceptions import MlflowException

from experiments.pyfunc_model import plain_surrogate
from experiments.tracking import deliver
from models.baselines import MeanSurrogate
from tests.experiments.told_events import (
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


@pytest.fixture
def other(experiment):
    """The id of another campaign of the same name."""
    return id_of(f"{experiment}, hers")


def fitted(event_id=1, round_id="R01", kind="round_opened", **more):
    """An event with one surrogate that has a model and one that has none."""
    modulus = plain_surrogate(MeanSurrogate("youngs_modulus"))
    surrogates = [
        {
            "name": "youngs_modulus",
            "model": "youngs_modulus",
            "asked": "youngs_modulus",
            "params": {"kind": "MeanSurrogate"},
            "metrics": {"n_readings": 2.0, "loo_rmse_gp": None},
        },
        {"name": "hardness", "model": "hardness", "metrics": {"n_readings": 0.0}},
    ]
    told = {"models": {"youngs_modulus": modulus}, "surrogates": surrogates}
    event = opened(event_id, round_id, **{**told, **more})
    return Event(event_id, kind, round_id, event.payload)


def nested_in(client, run_id):
    experiment_id = client.get_run(run_id).info.experiment_id
    found = client.search_runs([experiment_id], f"tags.`mlflow.parentRunId` = '{run_id}'")
    return {run.info.run_name: run for run in found}


def test_two_campaigns_of_one_name_have_an_experiment_each(send, client, experiment, other):
    mine = send(FakeOutbox([opened(models={})]))
    hers = send(FakeOutbox([opened(models={})]), campaign_id=other)
    again = send(FakeOutbox([recorded()]), campaign_id=other)
    assert client.get_experiment(mine.experiment_id).name == experiment
    assert client.get_experiment(hers.experiment_id).name == f"{experiment} ({other[:8]})"
    assert again.run_ids == hers.run_ids != mine.run_ids
    assert len(rounds_of(client, mine.experiment_id)) == 1


def test_an_experiment_that_was_renamed_is_still_the_campaigns(send, client, experiment):
    mine = send(FakeOutbox([opened(models={})]))
    client.rename_experiment(mine.experiment_id, f"{experiment}, first year")
    assert send(FakeOutbox([recorded()])).run_ids == mine.run_ids


@pytest.mark.parametrize("holds", ["nothing", "my-run", "her-run", "a-run-of-something-else"])
def test_an_experiment_without_an_owner_is_taken_only_if_no_run_is_anothers(
    send, client, experiment, other, store, holds
):
    found = client.create_experiment(experiment, store[1])
    owners = {"my-run": id_of(experiment), "her-run": other}
    if holds != "nothing":
        tags = {"glassloop.campaign_id": owners[holds]} if holds in owners else {}
        client.create_run(found, tags={**tags, "glassloop.round": "R01"})
    outcome = send(FakeOutbox([opened(models={})]))
    is_taken = holds in ("nothing", "my-run")
    assert (outcome.experiment_id == found) == is_taken
    known = client.get_experiment(outcome.experiment_id)
    assert known.tags["glassloop.campaign_id"] == id_of(experiment)
    # A run of before there were kinds is the round's run, and gets its kind.
    assert len(rounds_of(client, outcome.experiment_id)) == 1


def test_a_deleted_experiment_is_left_alone(send, client, experiment):
    mine = send(FakeOutbox([opened(models={})]))
    client.delete_experiment(mine.experiment_id)
    anew = send(FakeOutbox([opened(models={})]))
    assert anew.error is None
    name = client.get_experiment(anew.experiment_id).name
    assert name == f"{experiment} ({id_of(experiment)[:8]})"
    client.delete_experiment(anew.experiment_id)
    third = send(FakeOutbox([opened(models={})]))
    assert third.waiting == 1
    assert re.search(
        r"the experiment must be this campaign's own, got .*, both deleted or another's; restore "
        "or rename one in MLflow, or set mlflow.folder",
        third.error,
    )


@pytest.mark.parametrize(
    "event",
    [
        pytest.param(opened(1, models={}, params={"seed": "1"}), id="same-number"),
        pytest.param(opened(7, models={}), id="other-number"),
    ],
)
def test_a_copied_campaign_cannot_write_into_its_originals_rounds(send, client, event):
    mine = send(FakeOutbox([opened(models={})]))
    copy = FakeOutbox([event])
    outcome = send(copy)
    assert (outcome.delivered, outcome.waiting) == (0, 1)
    assert "the run of round R01 must be of this ledger, got one of a copy of it" in outcome.error
    assert "give each copy of a campaign a store of its own" in outcome.error
    (run,) = rounds_of(client, mine.experiment_id)
    assert run.data.params["seed"] == "0"


def test_every_surrogate_is_a_nested_run_with_what_was_learned(send, client):
    run_id = send(FakeOutbox([fitted()])).run_ids["R01"]
    nested = nested_in(client, run_id)
    assert set(nested) == {"youngs_modulus", "hardness"}
    run = nested["youngs_modulus"]
    assert run.data.params == {"kind": "MeanSurrogate"}
    assert run.data.metrics == {"n_readings": 2.0}
    assert run.info.status == "FINISHED"
    tags = run.data.tags
    assert (tags["glassloop.kind"], tags["glassloop.round"]) == ("surrogate", "R01")
    assert (tags["glassloop.fit"], tags["glassloop.simulated"]) == ("proposed", "false")
    (output,) = run.outputs.model_outputs
    assert client.get_logged_model(output.model_id).name == "youngs_modulus"
    assert not nested["hardness"].outputs.model_outputs


def test_progress_is_one_run_with_a_point_a_round(send, client):
    events = [
        opened(models={}),
        recorded(2, step=1),
        opened(3, "R02", models={}, step=2, metrics={"hypervolume_glasses": 0.5}),
    ]
    outcome = send(FakeOutbox(events))
    assert send(FakeOutbox(events)).progress_run_id == outcome.progress_run_id
    run = client.get_run(outcome.progress_run_id)
    assert (run.info.run_name, run.info.status) == ("progress", "RUNNING")
    assert run.data.tags["glassloop.kind"] == "progress"
    points = client.get_metric_history(outcome.progress_run_id, "hypervolume_glasses")
    assert sorted((point.step, point.value) for point in points) == [
        *((1, 0.25), (1, 0.4), (2, 0.5))
    ]


def test_a_version_a_round_is_registered_and_the_newest_has_the_alias(send, client, experiment):
    name = f"{experiment}.youngs_modulus"
    outcome = send(FakeOutbox([fitted(), fitted(4, "R02", step=2)]))
    versions = {v.version: v for v in client.search_model_versions(f"name = '{name}'")}
    assert {v: known.tags["glassloop.round"] for v, known in versions.items()} == {
        1: "R01",
        2: "R02",
    }
    newest = client.get_model_version_by_alias(name, "newest")
    assert newest.tags["glassloop.round"] == "R02"
    assert newest.run_id == nested_in(client, outcome.run_ids["R02"])["youngs_modulus"].info.run_id
    home_of_it = client.get_registered_model(name)
    assert home_of_it.tags["glassloop.campaign_id"] == id_of(experiment)
    with pytest.raises(MlflowException, match="not found"):
        client.get_registered_model(f"{experiment}.hardness")


def test_registering_writes_nothing_to_the_folder_one_happens_to_be_in(send, monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    assert send(FakeOutbox([fitted()])).error is None
    assert not list(tmp_path.iterdir())


def test_the_alias_stays_with_the_newest_when_an_older_round_is_told_again(
    send, client, experiment
):
    first = send(FakeOutbox([fitted(), fitted(4, "R02", step=2)]))
    client.delete_run(first.run_ids["R01"])
    for run in nested_in(client, first.run_ids["R01"]).values():
        client.delete_run(run.info.run_id)
    send(FakeOutbox([fitted()]))
    name = f"{experiment}.youngs_modulus"
    assert len(client.search_model_versions(f"name = '{name}'")) == 3
    newest = client.get_model_version_by_alias(name, "newest")
    assert newest.tags["glassloop.round"] == "R02"


def test_models_at_the_end_are_told_apart_from_those_that_proposed(send, client, experiment):
    run_id = send(FakeOutbox([fitted(), closed(), fitted(4, kind="models")])).run_ids["R01"]
    runs = client.search_runs(
        [client.get_run(run_id).info.experiment_id],
        f"tags.`mlflow.parentRunId` = '{run_id}' and tags.`glassloop.fit` = 'final'",
    )
    assert {run.info.run_name for run in runs} == {"youngs_modulus", "hardness"}
    newest = client.get_model_version_by_alias(f"{experiment}.youngs_modulus", "newest")
    assert newest.tags["glassloop.fit"] == "final"
    assert client.get_run(run_id).info.status == "FINISHED"


def test_a_registered_model_of_another_campaign_is_not_touched(send, client, experiment, other):
    send(FakeOutbox([fitted()]))
    send(FakeOutbox([fitted()]), campaign_id=other)
    assert len(client.search_model_versions(f"name = '{experiment}.youngs_modulus'")) == 1
    hers = client.get_registered_model(f"{experiment}-{other[:8]}.youngs_modulus")
    assert hers.tags["glassloop.campaign_id"] == other
    assert [*hers.aliases] == ["newest"]


def test_when_both_names_are_anothers_the_event_waits_and_says_so(send, client, experiment):
    for name in (experiment, f"{experiment}-{id_of(experiment)[:8]}"):
        client.create_registered_model(f"{name}.youngs_modulus")
    outcome = send(FakeOutbox([fitted()]))
    assert outcome.waiting == 1
    assert "the registered model must be this campaign's own, got" in outcome.error


def test_a_campaigns_name_may_hold_what_mlflow_refuses_in_a_models(store, client):
    where = home(store[0], "glass 1/2: a", artifact_root=store[1])
    assert deliver(FakeOutbox([fitted()]), where).error is None
    assert client.get_registered_model("glass 1-2- a.youngs_modulus").aliases


@pytest.mark.parametrize("step", ["log_batch", "log_outputs", "create_model_version", "set_tag"])
def test_a_power_cut_anywhere_doubles_nothing(send, client, experiment, monkeypatch, step):
    def cut(*_, **__):
        raise RuntimeError("power cut")

    outbox = FakeOutbox([fitted()])
    with monkeypatch.context() as patch:
        patch.setattr(f"mlflow.MlflowClient.{step}", cut)
        with pytest.raises(RuntimeError, match="power cut"):
            send(outbox)
    outcome = send(outbox)
    assert (outcome.delivered, outcome.error) == (1, None)
    runs = client.search_runs([outcome.experiment_id])
    assert sorted(run.info.run_name for run in runs) == [
        *("R01", "hardness", "progress", "youngs_modulus")
    ]
    assert len(client.search_logged_models([outcome.experiment_id])) == 2
    assert len(client.search_model_versions(f"name = '{experiment}.youngs_modulus'")) == 1


def test_models_told_twice_of_one_round_are_two_fits_and_the_last_is_newest(
    send, client, experiment
):
    """Two open rounds whose results come in one after the other belong to one newest round."""
    first, second = (fitted(number, kind="models") for number in (4, 5))
    run_id = send(FakeOutbox([fitted(), first, second])).run_ids["R01"]
    runs = client.search_runs(
        [client.get_run(run_id).info.experiment_id],
        f"tags.`mlflow.parentRunId` = '{run_id}' and tags.`glassloop.fit` = 'final'",
    )
    assert len(runs) == 4
    newest = client.get_model_version_by_alias(f"{experiment}.youngs_modulus", "newest")
    assert newest.tags["glassloop.event"] == "5"
    assert send(FakeOutbox([fitted(), first, second])).error is None
    assert len(client.search_model_versions(f"name = '{experiment}.youngs_modulus'")) == 3
