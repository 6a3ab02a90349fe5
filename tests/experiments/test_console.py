"""What the terminal shows is complete, fits 80 columns, and survives a dumb terminal."""

import io
import json
import re
from pathlib import Path

import pandas as pd
import pytest
from rich.console import Console

from experiments.console import predictions_table, round_table
from experiments.status_console import status_panel


@pytest.fixture
def sample():
    text = Path(__file__).with_name("sample_round.json").read_text(encoding="utf-8")
    return json.loads(text)


@pytest.fixture
def status(sample):
    opened = {"opened_at": "2026-11-22T17:00:00Z", "n_glasses": 4, "n_trilayers": 2}
    return {
        "campaign": "oxysulfide-2026",
        "kind": "real",
        "rounds": [
            {"id": "R01", "state": "scored", "scored": {"n": 11, "rmse_dex": 0.21}, **opened},
            {"id": "R02", "state": "open", "scored": None, **opened},
        ],
        "readings": {"ionic_conductivity": 3, "youngs_modulus": 1},
        "in_words": ["R02 waits for results."],
        "scatter": {
            "youngs_modulus": {"jar": {"in_words": "jar: 0.6 GPa (90 %: 0.3 to 1.1)"}},
        },
        "assumptions": sample["assumptions"],
        "notes": ["x = 0 of the paper was milled otherwise"],
        "hypervolume": sample["hypervolume"],
        **scored_status(),
        "altered": ["round R01: the frozen prediction of R01-G1 was altered"],
        "stock": [{"jar": "R01-G1", "left_mg": 1223.44}],
        "pending_mlflow": 2,
        "set_aside": ["R01-G2-P1: cracked"],
        "literature": {"in_words": ["1 value of 1 source, off"]},
    }


def scored_status():
    """How right predictions were, as ``scorecard`` says it."""
    coverage = {"n": 11, "50": 0.46, "90": 0.92, "lower_90": 0.6, "upper_90": 0.98}
    skill = {
        "n": 9,
        "over_mean": {"value": 0.31, "lower": 0.12, "upper": 0.47},
        "over_linear": {"value": -0.05, "lower": None, "upper": None},
    }
    return {
        "coverage_by_round": [{"round": "R01", **coverage}],
        "coverage_by_property": {"ionic_conductivity": coverage},
        "coverage_pooled": coverage,
        "skill": {"ionic_conductivity": skill, "youngs_modulus": skill},
        "skill_pooled": skill,
        "surprises": [{"in_words": "R01-G1-P1: low, z -7.2", "causes": ["unit: mS/cm?"]}],
        "drift": {"in_words": "since R01, 3 of 11 readings lie in their 90 % range"},
    }


@pytest.fixture
def tables():
    row = {"lower": 1.2e-4, "upper": 3.8e-4, "reading_lower": 1e-4, "reading_upper": 4.4e-4}
    gp = pd.DataFrame([{"mean": 2.1e-4, **row}, {"mean": 3.1e-4, **row}], index=["a", "b"])
    return {"gp": gp, "ridge": gp.assign(mean=[5.5e-5, float("nan")])}


def shown(renderable, width=80, encoding="utf-8"):
    raw = io.BytesIO()
    file = io.TextIOWrapper(raw, encoding=encoding, errors="strict")
    Console(file=file, width=width, force_terminal=False).print(renderable)
    file.flush()
    return raw.getvalue().decode(encoding)


def words(text):
    return re.sub(r"\s+", " ", text)


@pytest.mark.parametrize("width", [80, 100])
@pytest.mark.parametrize(
    "phrase",
    [
        pytest.param("R01 of oxysulfide-2026", id="round"),
        pytest.param("3 h at 500 rpm", id="mill-run"),
        pytest.param("R01-G1 0.15 stainless steel 3 450 1047.4 934.7 38.1", id="glass"),
        pytest.param("medium: same glass as G1 without iron", id="role-and-why"),
        pytest.param("2.4e-4 18.6 8.1e-10 0.93 21", id="centres"),
        pytest.param("(1.5e-4..3.9e-4) (13.0..24.2) (2.3e-11..2.9e-8)", id="ranges"),
        pytest.param("S/cm GPa S/cm", id="units"),
        pytest.param("R01-C2 R01-G3 150.0 R01-G4 18.0 75 450 7 60", id="cell"),
        pytest.param("explore: thinner skins lower the resistance", id="why-of-a-cell"),
        pytest.param("(285..655)", id="range-of-a-cell"),
        pytest.param("Trained on 3 conductivity readings", id="counts"),
        pytest.param("Too few to learn from: all of them", id="too-few"),
        pytest.param("Assumption: S09: modulus pellet", id="assumption"),
        pytest.param("Warning: stainless steel: iron", id="warning"),
        pytest.param("Hypervolume of the glasses: 0.231 (90 %: 0.142..0.305)", id="hypervolume"),
    ],
)
def test_the_round_shows(sample, width, phrase):
    assert phrase in words(shown(round_table(sample), width))


@pytest.mark.parametrize("width", [80, 100])
def test_no_digit_is_cut_off(sample, status, tables, width):
    for renderable in (
        round_table(sample),
        status_panel(status),
        predictions_table(tables, "ionic_conductivity"),
    ):
        text = shown(renderable, width)
        assert "…" not in text
        assert max(len(line) for line in text.splitlines()) <= width


def test_a_latin_1_terminal_shows_everything(sample, status, tables):
    assert "mA/cm²" in shown(round_table(sample), encoding="latin-1")
    assert "Rounds" in shown(status_panel(status), encoding="latin-1")
    assert "ridge" in shown(predictions_table(tables, "ionic_conductivity"), encoding="latin-1")


def test_square_brackets_are_text_and_not_markup(sample):
    sample["glasses"][0]["why"] = "see [red] note [/]"
    sample["assumptions"] = ["[bold]S01"]
    text = shown(round_table(sample))
    assert "see [red] note [/]" in text
    assert "[bold]S01" in text


@pytest.mark.parametrize("mean", [None, float("nan")], ids=["none", "nan"])
def test_a_missing_prediction_is_a_dash(sample, mean):
    sample["glasses"][0]["predictions"]["youngs_modulus"]["mean"] = mean
    del sample["glasses"][1]["predictions"]["youngs_modulus"]
    text = words(shown(round_table(sample)))
    assert "2.4e-4 - 8.1e-10" in text
    assert "7.9e-5 - 1.0e-9" in text
    assert "nan" not in text


@pytest.mark.parametrize("simulated", [True, False], ids=["simulated", "real"])
def test_only_a_simulated_round_says_so(sample, simulated):
    text = shown(round_table(sample | {"simulated": simulated}))
    assert text.startswith("SIMULATED") is simulated


def test_a_round_without_cells_shows_no_tri_layers(sample):
    assert "Tri-layers" not in shown(round_table(sample | {"trilayers": []}))


EXPLANATION = {
    "gain_per_objective": {
        "ionic_conductivity": {"expected": 0.08, "unit": "dex", "probability_better": 0.4}
    },
    "probability_on_front": 0.77, "exploration_share": 0.6, "loss_share": 0.3,
    "loss_if_left_out": 0.01, "loss_error": 0.001,
    "nearest": [
        {"specimen": "S01", "distance": 0.1, "recipe": "x 0.15, 3 h, SS", "differs": "x +0.05"}
    ],
}  # fmt: skip


def test_a_row_that_surrogates_chose_says_what_it_is_in_for(sample):
    sample["glasses"][1] |= {"role": "explore", "explanation": EXPLANATION}
    text = words(shown(round_table(sample)))
    assert "why this one: front 77 %; beyond the best: ionic conductivity 0.08 dex (40 %)" in text
    assert "nearest S01 (x 0.15, 3 h, SS): x +0.05" in text


@pytest.mark.parametrize(
    "change",
    [
        pytest.param({}, id="older-round"),
        pytest.param({"explanation": None}, id="start"),
        pytest.param({"explanation": EXPLANATION, "role": "control"}, id="control"),
    ],
)
def test_other_rows_have_no_such_line(sample, change):
    sample["glasses"][0] |= change
    assert "why this one" not in shown(round_table(sample))


@pytest.mark.parametrize("role", ["core", "skin", "replicate"])
def test_glasses_with_a_part_of_their_own_say_what_they_are_in_for_too(sample, role):
    sample["glasses"][1] |= {"role": role, "explanation": EXPLANATION}
    text = words(shown(round_table(sample)))
    assert "why this one: front 77 %" in text
    assert ("loss if left out 30 % (pellets only)" in text) is (role in ("core", "skin"))


def test_cells_say_what_they_are_in_for_in_brief(sample):
    sample["trilayers"][0] |= {"role": "explore", "explanation": EXPLANATION}
    assert "nearest S01: x +0.05" in words(shown(round_table(sample)))


@pytest.mark.parametrize("width", [80, 100])
def test_a_budget_is_shown_with_the_hours_of_each_row(sample, width):
    for item in [*sample["glasses"], *sample["trilayers"]]:
        item["cost_h"] = 11.5 if "pellet" in item else 79.0
    assert "cost:" not in shown(round_table(sample | {"budget": None}), width)
    text = shown(round_table(sample | {"budget": {"allowed_h": 220.0, "planned_h": 204.0}}), width)
    assert "Budget: 204 of 220 h" in text
    assert (text.count("cost: 11.5 h"), text.count("cost: 79 h")) == (4, 2)


def test_surrogates_stand_side_by_side_for_each_recipe(tables):
    text = shown(predictions_table(tables, "ionic_conductivity", labels=["first", "second"]))
    rows = [words(line).strip() for line in text.splitlines() if "e-" in line or "ridge" in line]
    assert "ionic conductivity S/cm" in text
    assert "90 % of the glass" in text
    assert rows == [
        "first gp 2.1e-4 1.2e-4..3.8e-4 1.0e-4..4.4e-4",
        "ridge 5.5e-5 1.2e-4..3.8e-4 1.0e-4..4.4e-4",
        "second gp 3.1e-4 1.2e-4..3.8e-4 1.0e-4..4.4e-4",
        "ridge - 1.2e-4..3.8e-4 1.0e-4..4.4e-4",
    ]


def test_a_property_of_a_cell_is_not_called_one_of_a_glass(tables):
    assert "90 % of the cell" in shown(predictions_table(tables, "area_specific_resistance"))


@pytest.mark.parametrize(
    "phrase",
    [
        pytest.param("oxysulfide-2026 (real)", id="campaign"),
        pytest.param("R02 waits for results.", id="in-words"),
        pytest.param("R01 scored 2026-11-22 17:00 4 2 11 readings", id="scored-round"),
        pytest.param("R02 open 2026-11-22 17:00 4 2 not yet", id="open-round"),
        pytest.param("Young's modulus 1", id="readings"),
        pytest.param("R01-G1 1223.4 mg", id="stock"),
        pytest.param("R01 11 46 % 92 % 60 to 98 %", id="coverage"),
        pytest.param("ionic conductivity 9 31 % (12 to 47 %) -5 % (too few jars)", id="skill"),
        pytest.param("- R01-G1-P1: low, z -7.2 unit: mS/cm?", id="surprise"),
        pytest.param("DRIFT: since R01, 3 of 11", id="drift"),
        pytest.param("ALTERED: round R01: the frozen prediction of R01-G1", id="altered"),
        pytest.param("Assumption: S01", id="assumption"),
        pytest.param("x = 0 of the paper", id="note"),
        pytest.param("R01-G2-P1: cracked", id="set-aside"),
        pytest.param("- 1 value of 1 source, off", id="literature"),
        pytest.param("MLflow: 2 records wait", id="pending"),
        pytest.param("Hypervolume of the cells: 0.118", id="hypervolume"),
    ],
)
def test_the_status_shows(status, phrase):
    assert phrase in words(shown(status_panel(status)))


def test_a_fresh_campaign_has_a_status_too(status):
    fresh = status | {
        "rounds": [], "readings": {}, "stock": [], "hypervolume": {}, "coverage_by_round": [],
        "pending_mlflow": 0, "set_aside": [],
    }  # fmt: skip
    text = shown(status_panel(fresh))
    assert "no round has been scored yet" in text
    assert "MLflow" not in text
    assert "Powder left" not in text


def test_a_simulated_campaign_says_so(status):
    assert shown(status_panel(status | {"kind": "simulated"})).startswith("SIMULATED")


def test_status_says_what_another_round_would_bring(status):
    gain = {"n": 4, "in_words": "hypervolume +0.020 expected (90 %: 0.000..0.075)"}
    scored = status | {"rounds": status["rounds"][:1]}
    text = words(shown(status_panel(scored | {"next_round": {"glasses": gain, "cells": None}})))
    assert "Next round (4 glasses): hypervolume +0.020 expected (90 %: 0.000..0.075)" in text
    assert text.count("Next round") == 1


def test_the_next_round_is_the_one_after_an_open_one(status):
    gain = {"n": 1, "in_words": "hypervolume +0.020 expected"}
    text = words(shown(status_panel(status | {"next_round": {"glasses": None, "cells": gain}})))
    assert "Next round (1 cell, after R02): hypervolume" in text


@pytest.mark.parametrize(
    "left_out",
    [pytest.param({}, id="never-asked"), pytest.param({"next_round": None}, id="left-out")],
)
def test_status_without_the_next_round_is_shown_too(status, left_out):
    assert "Next round" not in shown(status_panel(status | left_out))
