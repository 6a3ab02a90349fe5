"""Every row that surrogates chose says what it is in for, and status whether to go on."""

import json
import shutil

import pandas as pd
import pytest

from experiments.campaign import Campaign
from experiments.config import ObjectiveConfig
from experiments.explanation import explain_cells, explain_glasses
from experiments.knowledge import GLASS_COLUMNS
from experiments.ledger_rows import CellRow, ReadingRow
from experiments.neighbours import CELL_TEXTS, differences, nearest_glasses
from experiments.next_round import next_round
from experiments.outlooks import cell_aim, glass_aim
from experiments.reasons import explanation_words, role_and_reason
from experiments.round_ledger import write_round
from experiments.round_plan import plan_round
from experiments.status import status_of
from experiments.stored_round import stored_round
from features.errors import CampaignError, SpaceError
from features.properties import property_of

GLASSES = (
    (0.15, 2.7e-4, 18.0, 1e-9, "stainless_steel", 450.0),
    (0.3, 2.0e-4, 19.0, 5e-10, "stainless_steel", 450.0),
    (0.45, 1.2e-4, 20.0, 4e-10, "zirconia", 450.0),
    (0.6, 8.0e-5, 21.0, 2e-10, "zirconia", 300.0),
    (0.05, 1.0e-4, 17.0, 2e-9, "stainless_steel", 400.0),
)
KEYS = {
    "gain_per_objective", "probability_on_front", "exploration_share", "loss_if_left_out",
    "loss_error", "loss_share", "nearest",
}  # fmt: skip


@pytest.fixture(scope="module")
def measured(tmp_path_factory, add_glass):
    """A campaign with enough glasses and cells to choose by surrogates."""
    folder = tmp_path_factory.mktemp("explained") / "measured"
    with Campaign.create(folder) as campaign:
        ledger = campaign.ledger
        for number, (x, sigma, modulus, leak, media, pressure) in enumerate(GLASSES, start=1):
            add_glass(
                ledger, f"A{number}", x=x, milling_media=media, pressing_pressure_mpa=pressure,
                ionic_conductivity=sigma, youngs_modulus=modulus, electronic_conductivity=leak,
            )  # fmt: skip
        for number, (skin, current) in enumerate((("A3", 1.5), ("A4", 2.0)), start=1):
            with ledger.transaction() as tx:
                tx.add_cell(
                    CellRow(
                        id=f"K{number}", core="A1", skin=skin, core_mass_mg=150.0,
                        skin_mass_mg=25.0, precompaction_pressure_mpa=75.0,
                        pressing_pressure_mpa=450.0, stack_pressure_mpa=7.0, temperature_c=60.0,
                    )
                )  # fmt: skip
                tx.add_reading(
                    ReadingRow(
                        specimen=f"K{number}", property="critical_current_density",
                        lower=current, upper=current, temperature_c=60.0,
                    )
                )  # fmt: skip
    return folder


@pytest.fixture(scope="module")
def opened(measured):
    with Campaign.open(measured) as campaign:
        yield campaign


@pytest.fixture(scope="module")
def knowledge(opened):
    return opened.knowledge()


@pytest.fixture(scope="module")
def round_(opened, knowledge):
    return plan_round(opened.ledger, opened.config, knowledge, glasses=3, trilayers=1)


def test_every_row_of_a_batch_by_surrogates_is_explained(round_):
    for item in [*round_["glasses"], *round_["trilayers"]]:
        found = item["explanation"]
        assert set(found) == KEYS
        for share in ("probability_on_front", "exploration_share", "loss_share"):
            assert 0 <= found[share] <= 1
        assert len(found["nearest"]) == 2
    assert set(round_["glasses"][0]["explanation"]["gain_per_objective"]) == {
        "ionic_conductivity", "youngs_modulus", "electronic_conductivity",
    }  # fmt: skip
    json.dumps(round_, allow_nan=False)


def test_gains_have_the_unit_of_their_scale(round_):
    for name, gain in round_["glasses"][1]["explanation"]["gain_per_objective"].items():
        assert gain["unit"] == property_of(name).sd_unit
        assert (gain["expected"] > 0) == (gain["probability_better"] > 0)


def test_the_role_follows_from_the_share_of_exploration(round_):
    with_a_part = ("control", "core", "skin", "replicate")
    glasses = [item for item in round_["glasses"] if item["role"] not in with_a_part]
    chosen = [*glasses, *round_["trilayers"]]
    assert chosen
    for item in chosen:
        explores = item["explanation"]["exploration_share"] >= 0.5
        assert item["role"] == ("explore" if explores else "exploit")


def test_a_start_has_no_explanation(tmp_path):
    with Campaign.create(tmp_path / "fresh", empty=True) as fresh:
        known = fresh.knowledge()
        start = plan_round(fresh.ledger, fresh.config, known, glasses=3, trilayers=1)
        going_on = next_round(fresh.ledger, fresh.config, known, worth=0.01)
    assert [i["explanation"] for i in [*start["glasses"], *start["trilayers"]]] == [None] * 4
    assert going_on == {"glasses": None, "cells": None}


def test_a_recipe_made_already_adds_nothing_and_is_its_own_neighbour(opened, knowledge):
    again = knowledge.pellets.loc[["A1-P"], list(GLASS_COLUMNS)]
    far = again.assign(x=0.45, milling_media="agate", milling_time_h=12.0)
    same, new = explain_glasses(knowledge, opened.config, pd.concat([again, far]))
    assert same["loss_share"] < 0.05 < new["loss_share"]
    assert same["nearest"][0]["distance"] == pytest.approx(0.0, abs=1e-6)
    assert same["nearest"][0]["differs"] == "the same recipe"


def test_what_differs_from_the_nearest_is_said(opened, knowledge):
    changed = knowledge.pellets.loc[["A3-P"], list(GLASS_COLUMNS)].assign(
        x=0.47, pressing_pressure_mpa=400.0
    )
    ((first, _),) = nearest_glasses(knowledge, opened.config, changed)
    assert first["specimen"] == "A3-P"
    assert first["recipe"] == "x 0.45, 3 h, ZrO2"
    assert first["differs"] == "x +0.02, -50 MPa"


def test_a_cell_built_already_is_its_own_neighbour(opened, knowledge):
    built = knowledge.cells.loc[["K1"]]
    ((first, _),) = [
        found["nearest"] for found in explain_cells(knowledge, opened.config, built, ["A1", "A3"])
    ]
    assert (first["specimen"], first["differs"]) == ("K1", "the same recipe")


@pytest.fixture(scope="module")
def status(opened, knowledge):
    return status_of(opened.ledger, opened.config, knowledge, worth=0.02)


def test_status_says_what_the_next_round_would_bring(status, opened):
    glasses, cells = status["next_round"]["glasses"], status["next_round"]["cells"]
    assert (glasses["n"], cells["n"]) == (opened.config.batch.glasses, 2)
    for kind, found in status["next_round"].items():
        assert 0 <= found["lower"] <= found["expected_gain"] <= found["upper"]
        assert 0 < found["error"] < found["expected_gain"]
        assert found["more_than"] == pytest.approx(0.02 * status["hypervolume"][kind]["value"])
        assert "(2 % of now)" in found["in_words"]
        assert ("(pellets only; 90 %" in found["in_words"]) is (kind == "glasses")
    json.dumps(status["next_round"], allow_nan=False)


def test_the_next_round_is_the_same_when_asked_again(status, opened, knowledge):
    assert next_round(opened.ledger, opened.config, knowledge, worth=0.02) == status["next_round"]


def test_status_is_quick_unless_asked(opened, knowledge):
    assert status_of(opened.ledger, opened.config, knowledge)["next_round"] is None


@pytest.mark.parametrize("worth", [pytest.param(-0.1, id="negative"), pytest.param(2.0, id="200%")])
def test_worth_must_be_a_share(opened, knowledge, worth):
    with pytest.raises(CampaignError, match="worth: must be a share of the present hypervolume"):
        next_round(opened.ledger, opened.config, knowledge, worth=worth)


def test_when_nothing_can_be_proposed_nothing_is_expected(opened, knowledge):
    config = opened.config
    none = config.glasses.model_copy(update={"jars_owned": {"agate": 1}})
    few = config.model_copy(update={"glasses": none})
    found = next_round(opened.ledger, few, knowledge, worth=0.01)
    assert found == {"glasses": None, "cells": None}


def test_an_explained_round_is_kept_in_the_ledger(measured, knowledge, round_, tmp_path):
    with Campaign.open(shutil.copytree(measured, tmp_path / "copy")) as campaign:
        write_round(campaign.ledger, campaign.config, knowledge, round_)
        kept = stored_round(campaign.ledger, round_["round"])
    assert kept["glasses"][1]["explanation"] == round_["glasses"][1]["explanation"]
    assert kept["trilayers"][0]["explanation"] == round_["trilayers"][0]["explanation"]


EXPLANATION = {
    "gain_per_objective": {
        "ionic_conductivity": {"expected": 0.083, "unit": "dex", "probability_better": 0.62},
        "youngs_modulus": {"expected": 0.2, "unit": "GPa", "probability_better": 0.21},
        "electronic_conductivity": {"expected": 0.0, "unit": "dex", "probability_better": 0.001},
    },
    "probability_on_front": 0.77,
    "exploration_share": 0.3,
    "loss_if_left_out": 0.006,
    "loss_error": 0.0004,
    "loss_share": 0.44,
    "nearest": [
        {
            "specimen": "S01", "distance": 0.1, "recipe": "x 0.15, 3 h, SS",
            "differs": "x +0.05, -200 MPa",
        },
        {"specimen": "S02", "distance": 0.3, "recipe": "x 0.30, 3 h, SS", "differs": "x -0.10"},
    ],
}  # fmt: skip
PREDICTIONS = {
    "ionic_conductivity": {"mean": 3e-4, "sd": 0.2, "lower": 1.3e-4, "upper": 7.2e-4},
    "youngs_modulus": {"mean": 20.0, "sd": 3.0, "lower": 15.1, "upper": 24.8},
    "electronic_conductivity": {"mean": 1e-9, "sd": 0.2, "lower": 5e-10, "upper": 2e-9},
}


@pytest.mark.parametrize(
    ("change", "role", "phrase"),
    [
        pytest.param(
            {}, "exploit",
            "best ionic conductivity made so far with a chance of 62 %, 3.0e-4 S/cm expected, "
            "90 %: 1.3e-4..7.2e-4", id="best-of-all",
        ),
        pytest.param(
            {"gain_per_objective": {
                name: gain | {"probability_better": 0.1}
                for name, gain in EXPLANATION["gain_per_objective"].items()
            }},
            "exploit", "a compromise that nothing made so far is likely to beat in everything; "
            "ionic conductivity: 3.0e-4 S/cm expected", id="compromise",
        ),
        pytest.param(
            {"exploration_share": 0.5}, "explore",
            "least is known of its Young's modulus, 90 %: 15.1..24.8 GPa", id="explore",
        ),
    ],
)  # fmt: skip
def test_the_reason_can_be_checked(change, role, phrase):
    found, words = role_and_reason(EXPLANATION | change, PREDICTIONS)
    assert found == role
    assert words.startswith(phrase)


def test_the_compact_line_says_all_of_it():
    assert explanation_words(EXPLANATION) == (
        "front 77 %; beyond the best: ionic conductivity 0.08 dex (62 %), Young's modulus 0.2 GPa "
        "(21 %); exploration 30 %; loss if left out 44 %; nearest S01 (x 0.15, 3 h, SS): x +0.05, "
        "-200 MPa and S02 (x 0.30, 3 h, SS): x -0.10"
    )


def test_the_loss_of_a_glass_made_for_cells_counts_its_pellet_only():
    assert "loss if left out 44 % (pellets only); nearest" in explanation_words(
        EXPLANATION, pellets_only=True
    )


def test_hours_of_milling_are_said_to_be_that():
    cell = {"core_milling_time_h": 3.0, "skin_milling_time_h": 3.0}
    other = pd.Series({name: value + 2.5 for name, value in cell.items()})
    texts = [each for each in CELL_TEXTS if each[0] in cell]
    assert differences(other, pd.Series(cell), texts) == [
        "core milled +2.5 h", "skin milled +2.5 h",
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("aim", "part"), [(glass_aim, "glasses"), (cell_aim, "cells")], ids=["glasses", "cells"]
)
def test_what_is_wanted_follows_from_the_configuration(opened, aim, part):
    whole = aim(opened.config, success=None)
    wanted = getattr(opened.config, part).objectives
    assert [outcome.name for outcome in whole.outcomes] == list(wanted)
    lone = {"relative_density": ObjectiveConfig(direction="maximize")}
    one = getattr(opened.config, part).model_copy(update={"objectives": lone})
    with pytest.raises(SpaceError, match=f"{part}: a lone objective needs a reference, got none"):
        aim(opened.config.model_copy(update={part: one}), success=None)


def test_paper_gets_the_likeliest_and_the_nearest_alone():
    assert explanation_words(EXPLANATION, brief=True) == (
        "front 77 %; beyond the best: ionic conductivity 0.08 dex (62 %); exploration 30 %; "
        "loss if left out 44 %; nearest S01: x +0.05, -200 MPa"
    )


def test_a_row_that_is_the_best_in_nothing_says_so():
    gains = {
        name: gain | {"probability_better": 0.01}
        for name, gain in EXPLANATION["gain_per_objective"].items()
    }
    words = explanation_words(EXPLANATION | {"gain_per_objective": gains, "nearest": []})
    assert "beyond the best: hardly in anything" in words
    assert "nearest" not in words
