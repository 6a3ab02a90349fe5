"""What MLflow is told of a round: numbers that are true, models of real rounds only."""

import json
from pathlib import Path

import pytest

from experiments.knowledge import CELL_PROPERTIES, PELLET_PROPERTIES
from experiments.ledger import Ledger
from experiments.ledger_rows import JarRow, PelletRow
from experiments.round_messages import (
    models_message,
    opened_message,
    recorded_tags,
    standing,
    surrogate_runs,
)
from models.property_gp import PropertyGP
from models.settings import GPSettings

pytest_plugins = ["tests.experiments.compared_campaign"]


@pytest.fixture(scope="module")
def learned(measured):
    return measured.knowledge()


@pytest.fixture(scope="module")
def round_():
    return json.loads(Path(__file__).with_name("sample_round.json").read_text(encoding="utf-8"))


def runs_of(told):
    return {run["name"]: run for run in told["surrogates"]}


@pytest.fixture(scope="module")
def told(measured, learned, round_):
    _, body = learned.frozen()
    return opened_message(measured.config, learned, round_, body)


def test_every_property_has_a_run_and_a_model_and_so_has_success(told):
    runs = runs_of(told)
    assert set(runs) == {*PELLET_PROPERTIES, *CELL_PROPERTIES, "success"}
    assert {run["model"] for run in runs.values()} == set(told["models"])
    assert runs["critical_current_density"]["model"] == "trilayer"
    assert runs["critical_current_density"]["asked"] == "critical_current_density"


def test_a_surrogates_run_says_what_it_rests_on_and_how_it_did_on_glasses_left_out(told):
    metrics = runs_of(told)["ionic_conductivity"]["metrics"]
    assert metrics["n_readings"] == told["metrics"]["n_readings_ionic_conductivity"] == 9
    assert metrics["lengthscale_x"] > 0
    assert metrics["loo_rmse_gp"] < metrics["loo_rmse_mean"]  # conductivity falls with oxygen
    assert not [name for name in runs_of(told)["youngs_modulus"]["metrics"] if "loo" in name]


def test_of_a_simulated_round_the_models_wait_for_the_end(measured, learned, round_):
    _, body = learned.frozen()
    told = opened_message(measured.config, learned, {**round_, "simulated": True}, body)
    assert told["models"] == {}
    assert len(told["surrogates"]) == len(PELLET_PROPERTIES) + len(CELL_PROPERTIES) + 1
    assert told["tags"]["glassloop.simulated"] == "true"
    at_the_end = models_message(learned, number=3, tags=told["tags"])
    assert set(at_the_end["models"]) == set(body)
    assert json.loads(json.dumps(at_the_end)) == at_the_end


def test_length_scales_of_categories_are_left_out():
    body = {"trilayer": {"kind": "TrilayerSurrogate"}, "success": {"kind": "Feasibility"}}
    raw = PropertyGP("youngs_modulus", settings=GPSettings(features="raw"))
    body["youngs_modulus"] = {"kind": "PropertyGP", **raw.to_dict()}
    run = surrogate_runs(body, {"youngs_modulus": 0}, {})[0]
    assert run["metrics"] == {"n_readings": 0.0}
    assert run["params"]["features"] == "raw"


@pytest.fixture
def ledger(tmp_path):
    with Ledger.create(tmp_path / "ledger.db", campaign="made up") as ledger:
        yield ledger


@pytest.mark.parametrize(
    ("operator", "tags"),
    [
        pytest.param(
            "virtual lab: simulated world E, laboratory seed 1",
            {
                "glassloop.laboratory": "simulated world E, laboratory seed 1",
                "glassloop.world": "E",
            },
            id="a-virtual-lab",
        ),
        pytest.param(
            "virtual lab: my own", {"glassloop.laboratory": "my own"}, id="a-simulator-of-the-user"
        ),
        pytest.param("AB", {}, id="a-chemist"),
    ],
)
def test_the_laboratory_and_its_world_are_tags(ledger, operator, tags):
    with ledger.transaction() as tx:
        tx.set_kind("simulated")
        tx.add_round("R01", number=1, seed=0, config={})
        tx.add_jar(jar("R01-G1", operator=operator, origin="simulated", round_id="R01"))
    found = recorded_tags(ledger, "R01")
    assert found.pop("glassloop.simulated") == "true"
    assert found.pop("glassloop.version")
    assert found == tags


def test_standing_counts_what_is_sound_and_what_failed(ledger):
    with ledger.transaction() as tx:
        for name, status in (("G1", "made"), ("G2", "failed")):
            tx.add_jar(jar(name, status=status))
            tx.add_pellet(PelletRow(id=f"{name}-P", jar=name, pressing_pressure_mpa=450.0))
    assert standing(ledger) == {
        "readings_so_far": 0.0,
        "pellets_made_so_far": 1.0,
        "cells_made_so_far": 0.0,
        "failures_so_far": 1.0,
    }


def jar(name, *, origin="lab", **more):
    return JarRow(
        id=name, origin=origin, x=0.15, milling_time_h=3.0, milling_media="stainless_steel",
        milling_speed_rpm=500.0, **more,
    )  # fmt: skip
