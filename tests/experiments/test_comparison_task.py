"""What is compared for one property of a campaign: tables and surrogates."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from experiments.comparison_task import CAMPAIGN, task_of
from experiments.config import CampaignConfig, SurrogateConfig
from models.compare import compare
from models.trilayer import CCD

pytest_plugins = ["tests.experiments.compared_campaign"]


@pytest.fixture(scope="module")
def knowledge(measured):
    return measured.knowledge()


def with_cells(knowledge, n=4):
    """The same knowledge with cells whose skins are n different glasses, two cells each."""
    skins = [f"J{8 - number}" for number in range(n) for _ in range(2)]
    jars = knowledge.pellets.set_index("jar")
    rows = {}
    for number, skin in enumerate(skins):
        own, core = jars.loc[skin], jars.loc["J2"]
        rows[f"C{number}"] = {
            **{
                f"{side}_{name}": glass[name]
                for side, glass in (("core", core), ("skin", own))
                for name in ("x", "milling_time_h", "milling_media", "milling_speed_rpm", "origin")
            },
            "core": "J2", "skin": skin, "core_status": "made", "skin_status": "made",
            "status": "made", "core_mass_mg": 150.0, "skin_mass_mg": 25.0 + number,
            "precompaction_pressure_mpa": 75.0, "pressing_pressure_mpa": 450.0,
            "stack_pressure_mpa": 7.0, "temperature_c": 60.0,
        }  # fmt: skip
    cells = pd.DataFrame.from_dict(rows, orient="index")
    value = 0.5 + 3.0 * cells["skin_x"].to_numpy(dtype=float) ** 2
    read = pd.DataFrame(
        {
            "specimen": cells.index, "property": CCD, "lower": value, "upper": value,
            "se": np.nan, "temperature_c": 60.0,
        }
    )  # fmt: skip
    return replace(knowledge, cells=cells, fitted=pd.concat([knowledge.fitted, read]))


def test_own_glasses_are_one_laboratory_to_the_surrogates_and_two_sources_to_the_folds(knowledge):
    task = task_of("ionic_conductivity", ["gp"], CampaignConfig(name="c"), knowledge)
    assert "source" not in task.recipes
    assert set(task.recipes["made_by"]) == {"lab", "history"}


def test_settings_of_the_campaign_take_part_under_a_name_of_their_own(knowledge):
    chosen = {"ionic_conductivity": SurrogateConfig(kernel="rbf")}
    config = CampaignConfig(name="c", surrogates=chosen)
    task = task_of("ionic_conductivity", ["gp"], config, knowledge)
    assert task.unfitted[CAMPAIGN].settings.kernel == "rbf"
    assert CAMPAIGN not in task_of("youngs_modulus", ["gp"], config, knowledge).unfitted


def test_cells_of_one_skin_are_left_out_together_and_predicted_from_the_others(knowledge):
    task = task_of(CCD, ["gp", "ridge"], CampaignConfig(name="c"), with_cells(knowledge))
    assert list(task.unfitted) == ["mean", "gp"]
    found = compare(CCD, task.recipes, task.readings, task.unfitted, variables=())
    assert found.n_folds == 4
    by_fold = found.predictions.groupby("fold")["jar"].nunique()
    assert (by_fold == 1).all()
    assert np.isfinite(found.scores.loc["gp", "nlpd"])
