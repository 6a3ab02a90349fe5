"""A campaign from its first batch to its scores, in one process."""

import csv
import json
import shutil
import subprocess
import sys
import warnings
from pathlib import Path

import mlflow
import pandas as pd
import pytest
import yaml

from experiments.campaign import Campaign
from experiments.config import CONFIG_NAME, CampaignConfig
from experiments.knowledge import CELL_PROPERTIES, PELLET_PROPERTIES
from experiments.round_files import ROUND_FILES
from features.cell_limits import Limits, allowed
from features.errors import CampaignError, InputError, LedgerError

NOBODY = "http://127.0.0.1:9"
"""Nobody listens on that port: what MLflow is to know waits in the outbox."""


@pytest.fixture(scope="module", autouse=True)
def _mlflow_away():
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("MLFLOW_TRACKING_URI", NOBODY)
        yield


@pytest.fixture(scope="module")
def proposed(tmp_path_factory):
    """The shipped campaign with its first round open."""
    folder = tmp_path_factory.mktemp("campaign") / "proposed"
    with Campaign.create(folder, CampaignConfig(name="first")) as campaign:
        campaign.propose()
    return folder


@pytest.fixture(scope="module")
def simulated(proposed, tmp_path_factory):
    """The same after one simulated round."""
    folder = shutil.copytree(proposed, tmp_path_factory.mktemp("campaign") / "simulated")
    with Campaign.open(folder) as campaign:
        campaign.simulate()
    return folder


@pytest.fixture
def folder(proposed, tmp_path):
    return shutil.copytree(proposed, tmp_path / "copy")


@pytest.fixture(scope="module")
def round_(proposed):
    with Campaign.open(proposed) as campaign:
        return campaign.show("R01")


def files(folder: Path, round_id="R01"):
    return folder / "rounds" / round_id / "made.csv", folder / "rounds" / round_id / "results.csv"


def read(path):
    with path.open(newline="", encoding="utf-8-sig") as file:
        return list(csv.DictReader(file))


def write(path, rows):
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, rows[0])
        writer.writeheader()
        writer.writerows(rows)


def fill_by_hand(folder):
    """What a chemist types: all made as asked for, some values measured, the rest never."""
    made, results = files(folder)
    rows = read(made)
    for row in rows:
        row |= {"status": "made", "operator": "AB"}
    write(made, rows)
    values = {
        "ionic_conductivity": "0.2 mS/cm",
        "relative_density": "97 %",
        "youngs_modulus": "19,5",
        "area_specific_resistance": "600",
        "critical_current_density": "1.10..1.15",
    }
    rows = read(results)
    for row in rows:
        row["value"] = values.get(row["property"], "not_measured")
        if " " in row["value"]:
            row["value"], row["unit"] = row["value"].split()
    write(results, rows)
    return made, results


def test_the_first_batch_of_the_shipped_campaign(round_):
    rows = [
        (g["id"], g["role"], g["recipe"]["x"], g["recipe"]["milling_media"])
        for g in round_["glasses"]
    ]
    assert rows == [
        ("R01-G1", "control", 0.15, "stainless_steel"),
        ("R01-G2", "confound", 0.0, "stainless_steel"),
        ("R01-G3", "skin", 0.60, "stainless_steel"),
        ("R01-G4", "medium", 0.15, "zirconia"),
    ]
    for glass in round_["glasses"]:
        recipe = glass["recipe"]
        assert recipe["milling_time_h"] == 3.0
        assert recipe["milling_speed_rpm"] == 500.0
        assert recipe["pressing_pressure_mpa"] == 450.0
        assert sum(glass["masses_mg"].values()) == pytest.approx(2000, abs=0.2)
    assert "needs a second mill run" in round_["mill_run"]["why"]


def test_every_row_says_why_and_what_is_expected(round_):
    kinds = (("glasses", PELLET_PROPERTIES), ("trilayers", CELL_PROPERTIES))
    for kind, names in kinds:
        for item in round_[kind]:
            assert len(item["why"]) > 20
            assert set(item["predictions"]) == set(names)
            for part in item["predictions"].values():
                assert part["lower"] < part["mean"] < part["upper"]
                assert part["reading_lower"] < part["lower"]
                assert part["upper"] < part["reading_upper"]
                assert part["unit"]


def test_cells_are_built_from_this_batch_alone_and_keep_the_rules(round_):
    jars = {g["id"]: g["recipe"] for g in round_["glasses"]}
    assert [c["role"] for c in round_["trilayers"]] == ["control", "explore"]
    for cell in round_["trilayers"]:
        recipe = cell["recipe"]
        assert {recipe["core"], recipe["skin"]} <= set(jars)
        assert recipe["core_recipe"]["x"] == jars[recipe["core"]]["x"]
        row = {"core_x": recipe["core_recipe"]["x"], "skin_x": recipe["skin_recipe"]["x"]}
        assert allowed(pd.DataFrame([{**recipe, **row}]), Limits()).all()
    first = round_["trilayers"][0]["recipe"]
    assert (first["core"], first["skin"], first["skin_mass_mg"]) == ("R01-G1", "R01-G3", 25.0)


def test_the_round_and_its_sheet_name_the_assumptions(round_, proposed):
    sheet = (proposed / "rounds/R01/batch_sheet.html").read_text()
    assert [line[:3] for line in round_["assumptions"]] == ["A1:", "A3:", "A5:"]
    for words in ("taken at 60 °C", "skin is taken as each side", "pressed at 450 MPa"):
        assert words in sheet
    assert round_["counts"][0] == "3 conductivity readings"


def test_the_folder_of_a_round_is_complete(proposed, round_):
    assert {path.name for path in (proposed / "rounds/R01").iterdir()} == set(ROUND_FILES)
    printed = json.loads((proposed / "rounds/R01/predictions.json").read_text())
    assert printed["glasses"] == round_["glasses"]


def test_two_campaigns_made_alike_propose_the_same(round_, tmp_path):
    with Campaign.create(tmp_path / "again", CampaignConfig(name="first")) as campaign:
        again = campaign.propose()
    for name in ("glasses", "trilayers", "mill_run", "hypervolume", "warnings"):
        assert again[name] == round_[name]


def test_more_glasses_than_jars_opens_no_round(folder):
    with Campaign.open(folder) as campaign:
        with pytest.raises(CampaignError, match=r"9 glasses .* 7 jars are owned"):
            campaign.propose(glasses=9)
        assert campaign.open_rounds() == ["R01"]


def test_a_campaign_without_the_paper_proposes_too(tmp_path):
    with Campaign.create(tmp_path / "empty", empty=True) as campaign:
        round_ = campaign.propose(glasses=5, trilayers=1)
        assert campaign.verify() == []
    assert len(round_["glasses"]) == 5
    assert round_["glasses"][0]["role"] == "control"
    assert round_["assumptions"] == []
    assert len(round_["trilayers"]) == 1


def test_planned_pellets_and_cells_are_debited_from_the_powder(folder, round_):
    expected = dict.fromkeys((g["id"] for g in round_["glasses"]), 1700.0 - 150.0)
    for cell in round_["trilayers"]:
        recipe = cell["recipe"]
        expected[recipe["core"]] -= recipe["core_mass_mg"]
        expected[recipe["skin"]] -= 2 * recipe["skin_mass_mg"]
    with Campaign.open(folder) as campaign:
        left = {row["jar"]: row["left_mg"] for row in campaign.status()["stock"]}
    assert left == pytest.approx(expected)


def test_a_second_round_beside_an_open_one_repeats_only_the_control(folder, round_):
    with Campaign.open(folder) as campaign:
        second = campaign.propose(trilayers=3)
        assert campaign.open_rounds() == ["R01", "R02"]
    keys = ("x", "milling_time_h", "milling_media", "milling_speed_rpm", "pressing_pressure_mpa")
    past = [tuple(g["recipe"][k] for k in keys) for g in round_["glasses"]]
    new = {tuple(g["recipe"][k] for k in keys): g["role"] for g in second["glasses"]}
    assert not set(new) & set(past)
    assert second["mill_run"]["milling_time_h"] == 20.0
    choice = ("core", "skin", "core_mass_mg", "skin_mass_mg", "pressing_pressure_mpa")
    cells = [tuple(c["recipe"][k] for k in choice)
             for c in (*round_["trilayers"], *second["trilayers"])]  # fmt: skip
    assert len(set(cells)) == len(cells) == 5


def test_a_round_filled_by_hand_is_recorded_scored_and_learned_from(folder):
    made, results = fill_by_hand(folder)
    with Campaign.open(folder) as campaign:
        report = campaign.record(made, results, by="AB")
        assert report.closed == ("R01",)
        assert report.readings_added == 4 * 3 + 2 * 2
        assert campaign.kind == "real"
        status = campaign.status()
        assert status["coverage"]["n"] == report.readings_added
        assert status["in_fit"]["ionic_conductivity"] == 3 + 4
        held = campaign.ledger.readings()
        own = held.loc[held["specimen"] == "R01-G1-P1"].set_index("property")["lower"]
        assert own["ionic_conductivity"] == pytest.approx(2e-4)
        assert own["relative_density"] == pytest.approx(0.97)
        assert own["youngs_modulus"] == pytest.approx(19.5)
        assert campaign.verify() == []
        second = campaign.propose(glasses=2, trilayers=1)
    assert second["round"] == "R02"
    assert not second["simulated"]
    assert second["counts"][0] == "7 conductivity readings"


def test_files_with_a_problem_change_nothing(folder):
    made, results = fill_by_hand(folder)
    rows = read(results)
    rows[1]["value"] = "27 S/cm"
    write(results, rows)
    with Campaign.open(folder) as campaign:
        before = campaign.ledger.readings()
        with pytest.raises(InputError, match=r"nothing was written(.|\n)*R01-G1-P1"):
            campaign.record(made, results)
        pd.testing.assert_frame_equal(campaign.ledger.readings(), before)


def test_a_round_can_be_closed_with_what_is_there(folder):
    made, results = files(folder)
    rows = read(made)
    for row in rows[:2]:
        row["status"] = "made"
    write(made, rows)
    with Campaign.open(folder) as campaign:
        report = campaign.record(made, results, end=True)
        assert report.closed == ("R01",)
        status = campaign.ledger.jars()["status"]
        assert (status["R01-G1"], status["R01-G2"]) == ("made", "not_made")
        assert set(campaign.ledger.cells()["status"]) == {"made", "not_made"}  # paper's, own
        with pytest.raises(CampaignError, match="no open round 'R01'; open: none"):
            campaign.end_round("R01")


def test_a_simulated_campaign_takes_no_results_of_a_lab(simulated, tmp_path):
    folder = shutil.copytree(simulated, tmp_path / "copy")
    with Campaign.open(folder) as campaign:
        assert campaign.kind == "simulated"
        campaign.propose(glasses=1, trilayers=0)
        made, results = files(folder, "R02")
        rows = read(made)
        for row in rows:
            row |= {"status": "made", "operator": "AB"}
        write(made, rows)
        with pytest.raises(CampaignError, match=r"is simulated and takes no results of a lab"):
            campaign.record(made, results)
        with pytest.raises(CampaignError, match=r"takes no results of a lab"):
            campaign.record_notebook(made, {})


def test_a_campaign_with_a_labs_readings_is_not_simulated(folder):
    made, results = fill_by_hand(folder)
    with Campaign.open(folder) as campaign:
        campaign.record(made, results)
        campaign.propose(glasses=1, trilayers=0)
        with pytest.raises(LedgerError, match=r"lab's own data cannot become simulated.*init"):
            campaign.simulate()
        assert campaign.kind == "real"
        assert all(row["status"] == "" for row in read(files(folder, "R02")[0]))


def test_files_filled_in_by_a_lab_are_neither_simulated_nor_overwritten(folder):
    made, results = fill_by_hand(folder)
    before = made.read_text(), results.read_text()
    with Campaign.open(folder) as campaign:
        with pytest.raises(CampaignError, match=r"R01-G1 was filled in by a laboratory"):
            campaign.simulate()
        assert campaign.kind == "real"
        assert (made.read_text(), results.read_text()) == before
        assert campaign.record(made, results).closed == ("R01",)


def test_simulated_files_do_not_enter_a_real_campaign(simulated, folder):
    with Campaign.open(folder) as campaign:
        with pytest.raises(CampaignError, match=r"filled by the virtual lab and this campaign is"):
            campaign.record(*files(simulated))
        assert campaign.kind == "real"


def test_a_round_proposed_as_real_is_printed_again_when_it_is_simulated(simulated):
    folder = simulated / "rounds/R01"
    assert "SIMULATED" in (folder / "batch_sheet.html").read_text()
    assert json.loads((folder / "predictions.json").read_text())["simulated"] is True


def test_filling_only_records_nothing(folder):
    with Campaign.open(folder) as campaign:
        assert campaign.simulate(fill_only=True) is None
        assert campaign.kind == "simulated"
        assert campaign.open_rounds() == ["R01"]
        held = campaign.ledger.readings()
        assert not held["specimen"].str.startswith("R01-").any()
        filled = [path.read_text() for path in files(folder)]
        campaign.simulate(seed=7)  # records what is filled
        assert [path.read_text() for path in files(folder)] == filled
        assert campaign.open_rounds() == []


def test_what_is_not_there_is_named(folder):
    with (
        Campaign.open(folder) as campaign,
        pytest.raises(CampaignError, match="no round 'R07'; rounds: R01"),
    ):
        campaign.show("R07")
    with pytest.raises(CampaignError, match=r"is not a campaign: it holds no campaign.yaml"):
        Campaign.open(folder / "rounds")


def test_without_an_open_round_there_is_nothing_to_simulate(simulated, tmp_path):
    with (
        Campaign.open(shutil.copytree(simulated, tmp_path / "copy")) as campaign,
        pytest.raises(CampaignError, match="no open round to simulate; run 'glassloop propose'"),
    ):
        campaign.simulate()


def test_a_folder_in_use_is_not_overwritten(folder):
    with pytest.raises(CampaignError, match="exists already and is not empty"):
        Campaign.create(folder)


def test_a_lost_file_of_a_round_is_printed_again_and_a_filled_one_kept(folder):
    made, _ = fill_by_hand(folder)
    filled = made.read_text()
    sheet = folder / "rounds/R01/batch_sheet.html"
    content = sheet.read_text()
    sheet.unlink()
    with Campaign.open(folder) as campaign:
        campaign.show("R01")
    assert sheet.read_text() == content
    assert made.read_text() == filled


def test_two_surrogates_predict_side_by_side(simulated):
    recipes = pd.DataFrame(
        {
            "x": [0.1, 0.2],
            "milling_time_h": 3.0,
            "milling_media": "zirconia",
            "milling_speed_rpm": 500.0,
            "pressing_pressure_mpa": 450.0,
        },
        index=["a", "b"],
    )
    with Campaign.open(simulated) as campaign:
        tables = campaign.predict(recipes)
    assert set(tables) == set(PELLET_PROPERTIES)
    for by_surrogate in tables.values():
        assert set(by_surrogate) == {"GP", "mean"}
        for table in by_surrogate.values():
            assert list(table.index) == ["a", "b"]
            assert (table["lower"] < table["mean"]).all()
            assert (table["mean"] < table["upper"]).all()
    sigma = tables["ionic_conductivity"]
    assert sigma["mean"]["mean"].nunique() == 1  # the mean knows no recipe, the process does
    assert sigma["GP"]["mean"].nunique() == 2


def runs_of(store, name):
    with warnings.catch_warnings():  # MLflow 3.17 on SQLAlchemy 2.1: "noload is deprecated"
        warnings.simplefilter("ignore")
        client = mlflow.MlflowClient(tracking_uri=store)
        experiment = client.get_experiment_by_name(name)
        wanted = "tags.`glassloop.kind` = 'round'"
        return [] if experiment is None else client.search_runs([experiment.experiment_id], wanted)


def test_without_mlflow_nothing_is_lost_and_later_all_is_delivered_once(
    folder, tmp_path, monkeypatch
):
    path = folder / CONFIG_NAME
    body = yaml.safe_load(path.read_text())
    body["mlflow"]["folder"] = str(tmp_path / "mlruns")
    path.write_text(yaml.safe_dump(body))
    with Campaign.open(folder) as campaign:
        assert campaign.simulate(seed=1).closed == ("R01",)
        assert campaign.status()["pending_mlflow"] == 3
        assert campaign.show("R01")["mlflow_run_id"] is None
        assert "127.0.0.1" in campaign.where_tracked("R01")
        assert campaign.verify() == []
    monkeypatch.delenv("MLFLOW_TRACKING_URI")
    store = f"sqlite:///{tmp_path}/mlruns/mlflow.db"
    with Campaign.open(folder) as campaign:
        assert campaign.deliver().delivered == 3
        assert campaign.deliver().delivered == 0
        assert campaign.status()["pending_mlflow"] == 0
        run_id = campaign.show("R01")["mlflow_run_id"]
        assert run_id in campaign.where_tracked("R01")
    (run,) = runs_of(store, "first")
    assert run.info.run_id == run_id
    assert run.info.status == "FINISHED"
    assert run.data.tags["glassloop.simulated"] == "true"
    assert run.data.metrics["coverage_90"] <= 1.0
    assert run.data.params["paper_temperature_c"] == "60"


def test_a_campaign_is_opened_and_verified_without_what_only_some_commands_need(simulated):
    code = (
        "import sys\n"
        "from pathlib import Path\n"
        "from experiments.campaign import Campaign\n"
        f"with Campaign.open(Path({str(simulated)!r})) as campaign:\n"
        "    assert campaign.verify() == []\n"
        "heavy = {'torch', 'botorch', 'mlflow', 'matplotlib', 'optuna'}\n"
        "print(sorted(heavy & set(sys.modules)))\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "[]\n"
