"""Batches that learn: one mill run, the jars there are, a control, and a reason for each row."""

import shutil

import numpy as np
import pandas as pd
import pytest
import yaml

from experiments import glass_batch, round_plan
from experiments.campaign import Campaign
from experiments.config import CONFIG_NAME, CampaignConfig
from experiments.costs import glass_costs_h
from experiments.glass_batch import propose_glasses, run_warnings
from experiments.weighing import weighing_resolution
from features.errors import CampaignError, SpaceError
from optimizer.batch import propose_batch

KEYS = ["x", "milling_time_h", "milling_media", "milling_speed_rpm", "pressing_pressure_mpa"]
MADE = {
    "A": {"x": 0.15},
    "B": {"x": 0.0, "milling_media": "agate"},
    "C": {"x": 0.60},
    "D": {"x": 0.15, "milling_media": "zirconia"},
    "E": {"x": 0.30, "milling_time_h": 10.0, "pressing_pressure_mpa": 300.0},
}


@pytest.fixture(scope="module")
def learned(tmp_path_factory, add_glass):
    """A campaign that knows enough for the model to choose."""
    folder = tmp_path_factory.mktemp("glass") / "learned"
    with Campaign.create(folder) as campaign:
        for number, (name, recipe) in enumerate(MADE.items()):
            add_glass(
                campaign.ledger,
                name,
                **recipe,
                ionic_conductivity=1e-4 * (1 + number),
                youngs_modulus=18.0 + number,
                electronic_conductivity=1e-9 / (1 + number),
            )
    return folder


@pytest.fixture
def batch_of(learned, tmp_path):
    """Proposes with the configuration changed; gives the batch and the configuration."""

    def propose(q=3, *, seed=0, budget_h=None, **parts):
        folder = shutil.copytree(learned, tmp_path / f"c{len(list(tmp_path.iterdir()))}")
        path = folder / CONFIG_NAME
        body = yaml.safe_load(path.read_text())
        for room, changes in parts.items():
            body[room] |= changes
        path.write_text(yaml.safe_dump(body))
        with Campaign.open(folder) as campaign:
            knowledge, config = campaign.knowledge(), campaign.config
        batch = propose_glasses(
            knowledge,
            config,
            q=q,
            wants_skin=False,
            rng=np.random.default_rng(seed),
            budget_h=budget_h,
        )
        return batch, config, knowledge

    return propose


def recipes(batch):
    return pd.DataFrame([dict(g.recipe) for g in batch.glasses])[KEYS]


def test_a_batch_is_one_mill_run_within_the_jars_owned(batch_of):
    owned = {"stainless_steel": 2, "zirconia": 1, "agate": 1}
    batch, _, knowledge = batch_of(4, glasses={"jars_owned": owned})
    rows = recipes(batch)
    assert len(rows) == 4
    assert rows["milling_time_h"].nunique() == 1
    assert rows["milling_media"].value_counts().to_dict() == owned
    assert not rows.duplicated().any()
    assert batch.glasses[0].role == "control"
    assert {g.role for g in batch.glasses[1:]} <= {"exploit", "replicate"}
    assert batch.learned
    assert (rows["x"][0], rows["milling_media"][0]) == (0.15, "stainless_steel")
    told = knowledge.pellets[KEYS].assign(x=knowledge.pellets["x"].round(2))
    assert pd.concat([rows[1:], told.drop_duplicates()]).duplicated().sum() == 0


def test_every_row_has_a_reason_and_the_run_too(batch_of):
    batch, *_ = batch_of(3)
    assert all(len(g.why) > 20 for g in batch.glasses)
    assert "largest expected gain in hypervolume" in batch.run_why


def test_the_same_seed_gives_the_same_batch(batch_of):
    first, second = (recipes(batch_of(2, seed=3)[0]) for _ in range(2))
    pd.testing.assert_frame_equal(first, second)


def test_a_single_jar_is_no_control(batch_of):
    batch, *_ = batch_of(1)
    assert [g.role for g in batch.glasses] == ["exploit"]


def test_without_controls_every_jar_is_chosen(batch_of):
    batch, *_ = batch_of(2, batch={"controls": 0})
    assert "control" not in [g.role for g in batch.glasses]
    assert len(batch.glasses) == 2


def test_media_no_longer_owned_do_not_stop_the_learning(batch_of):
    batch, *_ = batch_of(2, glasses={"jars_owned": {"zirconia": 2, "agate": 0}})
    assert set(recipes(batch)["milling_media"]) == {"zirconia"}


def test_a_held_time_and_a_freed_speed(batch_of):
    speeds = {"low": 400.0, "high": 600.0, "step": 50.0}
    batch, *_ = batch_of(3, glasses={"milling_time_h": 5.0, "milling_speed_rpm": speeds})
    rows = recipes(batch)
    assert set(rows["milling_time_h"]) == {5.0}
    assert rows["milling_speed_rpm"].nunique() == 1
    assert rows["milling_speed_rpm"].isin([400, 450, 500, 550, 600]).all()


def test_the_rating_of_the_die_binds_control_and_choice(batch_of):
    batch, *_ = batch_of(3, equipment={"die_rating_mpa": 300.0})
    assert recipes(batch)["pressing_pressure_mpa"].max() <= 300.0


def test_limits_of_the_search_are_kept(batch_of):
    ranges = {
        "x": {"low": 0.2, "high": 0.4, "step": 0.05},
        "pressing_pressure_mpa": {"low": 150.0, "high": 250.0, "step": 50.0},
    }
    batch, *_ = batch_of(4, glasses=ranges)
    rows = recipes(batch)[1:]
    assert rows["x"].round(6).isin([0.2, 0.25, 0.3, 0.35, 0.4]).all()
    assert rows["pressing_pressure_mpa"].isin([150, 200, 250]).all()


def test_a_caution_is_given_for_media_that_need_one(batch_of):
    batch, *_ = batch_of(2, glasses={"jars_owned": {"agate": 2}})
    assert len(batch.warnings) == 1
    assert batch.warnings[0].startswith("agate: ")


def test_more_jars_than_owned_are_refused(batch_of):
    with pytest.raises(CampaignError, match="3 glasses are asked for and 2 jars are owned"):
        batch_of(3, glasses={"jars_owned": {"zirconia": 2}})


def test_the_control_is_in_the_batch_once(batch_of):
    batch, *_ = batch_of(
        2,
        glasses={
            "x": 0.15,
            "pressing_pressure_mpa": 450.0,
            "jars_owned": {"stainless_steel": 2, "agate": 1},
        },
    )
    assert not recipes(batch).duplicated().any()


def test_a_step_finer_than_the_balance_gives_no_two_jars_of_one_composition(batch_of):
    fine = {"low": 0.3, "high": 0.3024, "step": 0.0002}
    batch, *_ = batch_of(
        3,
        glasses={"x": fine, "pressing_pressure_mpa": 450.0, "jars_owned": {"agate": 3}},
        batch={"controls": 0, "replicates": 0},
    )
    x = np.sort(recipes(batch)["x"])
    assert np.diff(x).min() >= weighing_resolution(2.0, 0.1) * (1 - 1e-9)


@pytest.mark.parametrize(("controls", "n"), [(1, 1), (0, 0)], ids=["control", "none"])
def test_the_control_is_in_the_making_when_the_others_are_chosen(
    batch_of, monkeypatch, controls, n
):
    asked = {}

    def chosen(*args, **options):
        asked.update(options)
        return propose_batch(*args, **options)

    monkeypatch.setattr(glass_batch, "propose_batch", chosen)
    batch, *_ = batch_of(2, batch={"controls": controls, "replicates": 0})
    assert len(asked["pending"]) == n
    if n:
        control = pd.DataFrame([dict(batch.glasses[0].recipe)])
        same = ["x", "milling_media", "milling_speed_rpm", "pressing_pressure_mpa"]
        pd.testing.assert_frame_equal(asked["pending"][same], control[same])


@pytest.mark.parametrize(("budget_h", "wanted"), [(30.0, 0), (None, 2)], ids=["budget", "none"])
def test_no_glass_is_chosen_for_cells_that_the_budget_does_not_pay(
    learned, monkeypatch, budget_h, wanted
):
    asked = {}

    def asked_for(*args, **options):
        asked.update(options)
        raise SpaceError("enough seen")

    monkeypatch.setattr(round_plan, "propose_glasses", asked_for)
    with Campaign.open(learned) as campaign, pytest.raises(SpaceError, match="enough seen"):
        round_plan.choose_round(
            campaign.ledger, campaign.config, campaign.knowledge(),
            glasses=4, trilayers=2, budget_h=budget_h,
        )  # fmt: skip
    assert (asked["trilayers"], asked["wants_skin"]) == (wanted, False)


def test_a_budget_limits_the_jars(batch_of):
    batch, config, _ = batch_of(4, budget_h=30.0, batch={"replicates": 0})
    hours = sum(glass_costs_h(config, [g.recipe for g in batch.glasses]))
    assert len(batch.glasses) == 2
    assert hours <= 30.0
    assert "budget: 30 h pay for 2 of 4 glasses" in batch.warnings[0]
    assert "for its cost" in batch.run_why


def test_a_budget_for_no_glass_says_what_one_costs(batch_of):
    with pytest.raises(CampaignError, match=r"5 h do not pay for one glass, got a need of 12 h"):
        batch_of(2, budget_h=5.0)


@pytest.mark.parametrize("hours", [0.0, -40.0, float("inf")])
def test_a_budget_is_a_positive_number_of_hours(batch_of, hours):
    with pytest.raises(CampaignError, match="must be a number of hours above zero"):
        batch_of(2, budget_h=hours)


def test_no_jar_at_all_is_refused_when_the_configuration_is_read():
    with pytest.raises(ValueError, match="holds no jar at all"):
        CampaignConfig.model_validate({"name": "t", "glasses": {"jars_owned": {"agate": 0}}})


@pytest.mark.parametrize(("hours", "said"), [(1.5, True), (3.0, False)], ids=["short", "usual"])
def test_milling_shorter_than_the_paper_is_warned_of(hours, said):
    recipe = {"milling_media": "zirconia", "milling_time_h": hours}
    words = " ".join(run_warnings([recipe]))
    assert ("shorter than the paper milled" in words) is said
