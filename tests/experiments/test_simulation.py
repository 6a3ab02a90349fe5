"""The virtual chemist fills what is blank, the same way every time, and says that it is virtual."""

import csv
import io

import pytest

from experiments.campaign import Campaign
from experiments.config import CampaignConfig, MlflowConfig
from experiments.csv_files import csv_text
from experiments.outbox import LedgerOutbox
from experiments.round_folder import MADE_COLUMNS, RESULT_COLUMNS, made_rows, result_rows
from experiments.simulation import VirtualChemist, is_simulated
from experiments.virtual_lab import VirtualLab
from experiments.virtual_worlds import World
from features.errors import CampaignError
from features.recipe import GlassRecipe

PROTOCOL = {"start_ma_cm2": 0.05, "step_ma_cm2": 0.05, "half_cycle_h": 0.5, "end_ma_cm2": 3.0}
STEEL = {"milling_time_h": 3.0, "milling_media": "stainless_steel", "milling_speed_rpm": 500.0}


def glass(number, x):
    recipe = {"x": x, **STEEL, "pressing_pressure_mpa": 450.0, "mass_mg": 150.0}
    return {"id": f"R01-G{number}", "pellet": f"R01-G{number}-P1", "recipe": recipe}


ROUND = {
    "glasses": [glass(1, 0.15), glass(2, 0.60)],
    "trilayers": [
        {
            "id": "R01-C1",
            "recipe": {
                "core": "R01-G1",
                "skin": "R01-G2",
                "core_mass_mg": 150.0,
                "skin_mass_mg": 25.0,
                "precompaction_pressure_mpa": 75.0,
                "pressing_pressure_mpa": 450.0,
                "stack_pressure_mpa": 7.0,
                "temperature_c": 60.0,
            },
        }
    ],
}


def no_past(jar):
    raise AssertionError(jar)


def chemist(seed=0, world="A", past=no_past):
    return VirtualChemist(VirtualLab(World(world), seed=seed), past)


@pytest.fixture(scope="module")
def files():
    """``made.csv`` and ``results.csv`` as they are proposed."""
    made = csv_text(MADE_COLUMNS, made_rows(ROUND))
    results = csv_text(
        RESULT_COLUMNS, result_rows(ROUND, temperature_c=60.0, ccd_protocol=PROTOCOL)
    )
    return made, results


def rows(text):
    return list(csv.DictReader(io.StringIO(text)))


def filled(files, **kwargs):
    worker = chemist(**kwargs)
    return worker.fill_made(files[0], 2.0), worker.fill_results(files[1])


def test_every_row_is_decided_and_names_the_virtual_lab(files):
    made, results = (rows(text) for text in filled(files))
    assert {row["status"] for row in made} <= {"made", "failed", "not_made"}
    operators = {row["operator"] for row in made}
    assert operators == {"virtual lab: simulated world A, laboratory seed 0"}
    assert all(is_simulated(row["operator"]) for row in made)
    assert all(row["value"] for row in results)
    measured = [row for row in results if row["value"] != "not_measured"]
    assert len(measured) >= 10
    assert all(row["method"].startswith("simulated") for row in measured)


def test_masses_are_weighed_and_powder_is_recovered(files):
    jars = [row for row in rows(filled(files)[0]) if row["kind"] == "jar"]
    for jar in jars:
        assert sum(float(jar[name]) for name in ("na2s_mg", "p2s5_mg", "p2o5_mg")) == pytest.approx(
            2000, abs=1
        )
        assert 0 < float(jar["recovered_mass_mg"]) <= 2000


def test_the_same_seed_gives_the_same_files(files):
    assert filled(files, seed=4) == filled(files, seed=4)


@pytest.mark.parametrize("other", [{"seed": 5}, {"world": "B", "seed": 4}], ids=["seed", "world"])
def test_another_seed_or_world_gives_other_values(files, other):
    assert filled(files, seed=4)[1] != filled(files, **other)[1]


def test_filling_again_changes_nothing(files):
    made, results = filled(files)
    worker = chemist(seed=9)
    assert worker.fill_made(made, 2.0) == made
    assert worker.fill_results(results) == results


def test_results_left_blank_can_be_filled_later(files):
    made, results = filled(files)
    worker = chemist()
    worker.fill_made(made, 2.0)
    assert worker.fill_results(files[1]) == results


def test_rows_of_a_laboratory_are_not_touched(files):
    made = rows(files[0])
    made[0] |= {"status": "made", "operator": "AB", "na2s_mg": "1036.8"}
    with pytest.raises(CampaignError, match=r"R01-G1 was filled in by a laboratory.*of its own"):
        chemist().fill_made(csv_text(MADE_COLUMNS, made), 2.0)


def test_a_cell_of_powder_from_an_earlier_round_knows_its_jar(files):
    recipe = GlassRecipe(0.6, 3.0, "stainless_steel")
    made = rows(files[0])
    cell = {**made[-1], "specimen": "R02-C1", "skin": "R00-G1"}
    asked = []

    def past(jar):
        asked.append(jar)
        return recipe

    worker = chemist(past=past)
    text = worker.fill_made(csv_text(MADE_COLUMNS, [*made[:2], cell]), 2.0)
    assert asked == ["R00-G1"]
    assert rows(text)[-1]["status"] in ("made", "failed", "not_made")


def test_an_operator_of_a_laboratory_is_not_virtual():
    assert not is_simulated("Vera Lab")
    assert not is_simulated("")


def test_rounds_are_rehearsed_one_after_the_other_and_models_come_last(tmp_path, monkeypatch):
    config = CampaignConfig(name="t", mlflow=MlflowConfig(track=False))
    told = []
    with Campaign.create(tmp_path / "c", config, pictures=False) as campaign:
        monkeypatch.setattr(
            LedgerOutbox, "log_models",
            lambda self, knowledge, config, folder: told.append(len(knowledge.fitted)),
        )  # fmt: skip
        campaign.propose(glasses=2, trilayers=0)
        campaign.rehearse(2, world="B", seed=3)
        rounds = campaign.ledger.rounds()
        known = len(campaign.knowledge().fitted)
    assert list(rounds["state"]) == ["closed", "closed"]
    assert told == [known]
