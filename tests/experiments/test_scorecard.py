"""Coverage, skill, surprises and drift over all rounds of a campaign."""

import json
import shutil

import numpy as np
import pandas as pd
import pytest

from experiments.campaign import Campaign
from experiments.clusters import joined_jars
from experiments.config import CampaignConfig, MlflowConfig
from experiments.scorecard import coverage_of, scorecard, skill_of
from experiments.scoring import score
from models.scores import crps


@pytest.fixture(scope="module")
def simulated(tmp_path_factory):
    folder = tmp_path_factory.mktemp("scorecard") / "two"
    config = CampaignConfig(name="two", mlflow=MlflowConfig(track=False))
    with Campaign.create(folder, config) as campaign:
        for glasses, trilayers in ((3, 1), (2, 0)):
            campaign.propose(glasses=glasses, trilayers=trilayers)
            campaign.simulate()
    return folder


def prediction(mean, reading_sd):
    half = 1.6448536 * reading_sd
    ends = {"reading_lower": mean - half, "reading_upper": mean + half}
    return {"mean": mean, "reading_sd": reading_sd, **ends}


def scored(specimen, value, *, gp=20.0, mean=18.0, linear=19.0):
    reading = {"specimen": specimen, "property": "youngs_modulus", "lower": value, "upper": value}
    return score(
        reading,
        prediction(gp, 1.0),
        as_proposed=prediction(gp, 1.0),
        baselines={"mean": prediction(mean, 1.0), "linear": prediction(linear, 1.0)},
    )


def test_rivals_are_scored_by_hand():
    found = scored("G1-P1", 21.0)
    assert (found.error_as_proposed, found.error_mean, found.error_linear) == (1.0, 3.0, 2.0)
    assert found.crps == pytest.approx(float(crps(21.0, 20.0, 1.0)))
    assert found.crps_mean == pytest.approx(float(crps(21.0, 18.0, 1.0)))
    assert found.crps_linear == pytest.approx(float(crps(21.0, 19.0, 1.0)))


def test_a_bound_has_coverage_and_no_error():
    reading = {"specimen": "G1-P1", "property": "youngs_modulus", "lower": 25.0, "upper": None}
    found = score(
        reading, prediction(20.0, 1.0), as_proposed=prediction(20.0, 1.0),
        baselines={"mean": prediction(18.0, 1.0)},
    )  # fmt: skip
    assert (found.crps, found.crps_mean, found.error_mean) == (None, None, None)
    assert found.z_bound == pytest.approx(5.0)
    assert coverage_of([found], {})["90"] == 0.0
    assert skill_of([found], {}) is None


def test_skill_says_how_much_smaller_the_error_is():
    rng = np.random.default_rng(0)
    rows = [scored(f"G{i}-P1", 20.0 + rng.standard_normal()) for i in range(20)]
    found = skill_of(rows, {})
    assert found["crps"]["gp"] < found["crps"]["linear"] < found["crps"]["mean"]
    assert found["rmse"]["mean"] == pytest.approx(np.hypot(2.0, found["rmse"]["gp"]), rel=0.3)
    over = found["over_mean"]
    assert over["value"] == pytest.approx(1 - found["crps"]["gp"] / found["crps"]["mean"])
    assert over["lower"] < over["value"] < over["upper"]
    assert found["in_words"].startswith(f"CRPS {100 * over['value']:.0f} % below the plain mean (")


def test_readings_of_one_jar_leave_no_interval():
    rows = [scored(f"G1-P{i}", 20.5) for i in range(20)]
    found = skill_of(rows, {f"G1-P{i}": "G1" for i in range(20)})
    assert found["over_mean"]["lower"] is None
    assert "1 independent jars, too few for an interval" in found["in_words"]


def test_a_worse_surrogate_is_said_to_be_worse():
    rows = [scored(f"G{i}-P1", 18.0 + 0.1 * i) for i in range(10)]
    assert "above the plain mean" in skill_of(rows, {})["in_words"]


def test_a_cell_joins_its_jars():
    cells = pd.DataFrame({"core": ["G1", "G3"], "skin": ["G2", "G2"]}, index=["C1", "C2"])
    pellets = {"G1-P1": "G1", "G2-P1": "G2", "G4-P1": "G4", "G4-P2": "G4"}
    found = joined_jars(["G1", "G2", "G3", "G4"], pellets, cells)
    assert {found[name] for name in ("G1-P1", "G2-P1", "G3", "C1", "C2")} == {"G1"}
    assert found["G4-P1"] == found["G4-P2"] == "G4"


def test_the_scorecard_of_a_campaign_is_plain_and_adds_up(simulated):
    with Campaign.open(simulated) as campaign:
        found = scorecard(campaign.ledger)
        status = campaign.status()
    assert json.loads(json.dumps(found)) == found
    assert status["skill"] == found["skill"]
    rounds = found["coverage_by_round"]
    assert [entry["round"] for entry in rounds] == ["R01", "R02"]
    pooled = found["coverage_pooled"]
    assert pooled["n"] == sum(entry["n"] for entry in rounds) == status["coverage"]["n"]
    assert pooled["n"] == sum(entry["n"] for entry in found["coverage_by_property"].values())
    for entry in (*rounds, pooled):
        assert entry["lower_90"] < entry["90"] or entry["90"] == 0
        assert entry["upper_90"] > 0.5
    assert set(found["skill"]) <= set(found["coverage_by_property"])
    assert found["skill_pooled"]["n"] == sum(part["n"] for part in found["skill"].values())
    assert found["skill_pooled"]["unit"] == "usual spreads"


def test_a_slip_of_the_unit_is_named_as_soon_as_it_is_recorded(simulated, tmp_path):
    folder = shutil.copytree(simulated, tmp_path / "copy")
    made, results = (folder / "rounds/R01" / name for name in ("made.csv", "results.csv"))
    lines = results.read_text().splitlines(keepends=True)
    place = next(i for i, line in enumerate(lines) if ",ionic_conductivity," in line)
    specimen = lines[place].split(",")[0]
    lines[place] = lines[place].replace(",S/cm,", ",mS/cm,")
    results.write_text("".join(lines))
    with Campaign.open(folder) as campaign:
        report = campaign.record(made, results)
        (found,) = [one for one in campaign.status()["surprises"] if one["specimen"] == specimen]
    assert report.readings == ((specimen, "ionic_conductivity"),)
    assert (found["round"], found["property"]) == ("R01", "ionic_conductivity")
    assert found["causes"][0].startswith("unit: ")
    assert "mS/cm and S/cm" in found["causes"][0]


def test_rounds_scored_before_there_were_causes_still_name_their_surprises(simulated, tmp_path):
    folder = shutil.copytree(simulated, tmp_path / "copy")
    with Campaign.open(folder) as campaign:
        events = campaign.ledger.round_events("R01")
        detail = events.loc[events["event"] == "scored", "detail"].iloc[-1]
        old = {name: detail["scores"][0][name] for name in OLD_FIELDS} | {"z": 4.0}
        with campaign.ledger.transaction() as tx:
            tx.add_round_event("R01", "scored", {"scores": [old], "summary": {}})
        found = scorecard(campaign.ledger)
    (surprise,) = [one for one in found["surprises"] if one["round"] == "R01"]
    assert surprise["causes"] == []
    assert found["skill_pooled"]["n"] < 20


OLD_FIELDS = (
    "specimen", "property", "predicted", "reading_lower", "reading_upper", "measured_lower",
    "measured_upper", "error", "z", "inside_50", "inside_90", "log_score", "pit", "censored",
    "z_as_proposed",
)  # fmt: skip
