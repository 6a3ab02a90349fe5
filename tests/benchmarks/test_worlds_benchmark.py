"""Glasses of the virtual worlds: starts, luck and noise are shared, and the page says what was."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from botorch.acquisition.multi_objective import logei

from benchmarks.optimizer import world_strategies
from benchmarks.optimizer.glass_world import JARS, GlassWorld
from benchmarks.optimizer.survival_figure import draw_survival
from benchmarks.optimizer.world_strategies import STRATEGIES, OneHotBoTorch
from benchmarks.optimizer.worlds import (
    REVISION,
    ROUNDS,
    THRESHOLDS,
    WORLDS,
    labelled,
    left,
    tasks_for,
)
from benchmarks.optimizer.worlds_page import pairs_table, worlds_text
from experiments.knowledge import GLASS_COLUMNS
from features.properties import property_of

WORLD = GlassWorld("G", 1)


@pytest.fixture(autouse=True)
def _without_a_compiler(monkeypatch: pytest.MonkeyPatch) -> None:
    """BoTorch compiles a kernel when a process first asks: 30 s, and a warning where it cannot."""
    monkeypatch.setattr(logei, "_load_attempted", True)


def line(world: str, seed: int, strategy: str, shares: list[float], **other: Any) -> dict[str, Any]:
    return {
        "world": world,
        "seed": seed,
        "strategy": strategy,
        "rounds": ROUNDS,
        "revision": REVISION,
        "version": "v1",
        "shares": shares,
        "failed": [1] * (ROUNDS + 1),
        "cpu_s": [1.0] * ROUNDS,
        "versions": {"numpy": "2"},
    } | other


def campaign(strategy: str, world: str, seed: int, there: int) -> dict[str, Any]:
    return line(world, seed, strategy, [0.8] * there + [0.99] * (ROUNDS + 1 - there))


def test_the_start_is_two_mill_runs_of_one_time_each_and_the_same_when_asked_again() -> None:
    start = WORLD.start()
    assert start["milling_time_h"].groupby(np.arange(len(start)) // JARS).nunique().max() == 1
    pd.testing.assert_frame_equal(start, GlassWorld("G", 1).start())
    assert not start.equals(GlassWorld("G", 2).start())


def test_worlds_of_one_law_share_no_seed() -> None:
    assert len({GlassWorld(letter, 100).lab.seed for letter in WORLDS}) == len(WORLDS)


def test_luck_and_noise_follow_the_number_of_the_jar() -> None:
    start = WORLD.start()
    whole, readings = WORLD.made(start, first=0)
    later, read = WORLD.made(start.iloc[4:], first=4)
    pd.testing.assert_frame_equal(whole.iloc[4:], later)
    again = readings[readings["specimen"].isin(later.index)].reset_index(drop=True)
    pd.testing.assert_frame_equal(again, read)
    assert not readings["specimen"].isin(whole.index[whole["failure"] != ""]).any()


def test_a_jar_errs_alike_in_two_recipes() -> None:
    first, second = WORLD.start().iloc[[4]], WORLD.start().iloc[[4]].assign(x=0.30)
    errors = []
    for rows in (first, second):
        _, read = WORLD.made(rows, first=40)
        reading = read.set_index("property").loc["electronic_conductivity", "lower"]
        errors.append(np.log10(reading / WORLD.truth(rows)[0, 2]))
    assert errors[0] == pytest.approx(errors[1], abs=0.05)  # weighing moves x, digits are few


def test_references_are_those_of_the_catalogue() -> None:
    for objective in WORLD.objectives:
        assert objective.reference == property_of(objective.name).reference


def test_no_sound_recipe_beats_what_is_reachable() -> None:
    rng = np.random.default_rng(0)
    world = GlassWorld("E", 1)
    rows = world.problem.space.spread(200, rng).assign(**world.problem.held)[list(GLASS_COLUMNS)]
    made, _ = world.made(rows, first=1000)
    assert 0.5 < world.volume(rows[(made["failure"] == "").to_numpy()]) / world.reachable <= 1.0


@pytest.mark.parametrize("name", list(STRATEGIES))
def test_a_proposal_is_one_mill_run_of_new_recipes(
    name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(world_strategies, "RESTARTS", 1)
    monkeypatch.setattr(world_strategies, "RAW_SAMPLES", 8)
    monkeypatch.setattr(world_strategies, "OPTIONS", {"maxiter": 5})
    pellets, readings = WORLD.made(WORLD.start(), first=0)
    rows = STRATEGIES[name](WORLD).ask(pellets, readings)
    assert len(rows) == JARS
    assert rows["milling_time_h"].nunique() == 1
    free = [*WORLD.problem.space.columns]
    WORLD.problem.space.check(rows[free])
    both = pd.concat([pellets[free], rows[free]])
    assert not both.duplicated().any()


def test_the_rival_is_told_values_as_measured_and_nothing_of_failures() -> None:
    pellets, readings = WORLD.made(WORLD.start(), first=0)
    acquisition = OneHotBoTorch(WORLD)._acquisition(pellets, readings)
    x = acquisition.X_baseline
    assert x.shape[1] == 3 + 3  # three numbers, three media
    assert len(acquisition.model.models[0].train_targets) == readings["specimen"].nunique()


def test_with_logarithms_the_reference_is_a_logarithm_too() -> None:
    pellets, readings = WORLD.made(WORLD.start(), first=0)
    plain, scaled = (
        STRATEGIES[name](WORLD)._acquisition(pellets, readings)  # type: ignore[union-attr]
        for name in ("botorch", "botorch_log")
    )
    values = readings[readings["property"] == "ionic_conductivity"].set_index("specimen")["lower"]
    for acquisition, told, reference in (
        (plain, values, 1e-6),
        (scaled, np.log10(values), -6.0),
    ):
        expected = (reference - told.mean()) / told.std()
        assert float(acquisition.ref_point[0]) == pytest.approx(expected, rel=1e-6)


def test_what_stands_in_the_file_is_not_run_again(tmp_path: Path) -> None:
    tasks = tasks_for(["E", "G"], [100], ["domain", "botorch"])
    path = tmp_path / "worlds.jsonl"
    path.write_text(json.dumps(labelled(tasks[0])) + "\n")
    assert left(tasks, path) == tasks[1:]
    path.write_text(json.dumps(labelled(tasks[0]) | {"version": "earlier"}) + "\n")
    assert left(tasks, path) == tasks


def test_only_pairs_of_reported_seeds_count_and_the_last_line_of_a_run() -> None:
    lines = [
        campaign("domain", "E", 100, 1),
        campaign("botorch", "E", 100, 4),
        campaign("domain", "E", 101, 1),  # no rival
        *(campaign(name, "E", 99, 1) for name in STRATEGIES),  # development
        campaign("domain", "E", 100, 2),
    ]
    pairs = pairs_table(lines)
    assert pairs["seed"].tolist() == [100]
    assert pairs["domain"][0].tolist() == lines[-1]["shares"]


def test_the_page_says_above_below_and_missing() -> None:
    ahead = [
        campaign(name, world, seed, there)
        for world in WORLDS
        for seed in (100, 101)
        for name, there in (("domain", 1), ("botorch", 4))
    ]
    text = worlds_text(ahead)
    assert "is supported" in text
    assert "it is **above**" in text
    assert "Missing seeds: E (2 of 10)" in text
    swapped = {"domain": "botorch", "botorch": "domain"}
    behind = worlds_text([row | {"strategy": swapped[row["strategy"]]} for row in ahead])
    assert "is refuted" in behind
    assert "it is **below**" in behind
    assert worlds_text([]) == "No pair was run."


def test_the_rival_with_logarithms_gets_a_table_of_its_own() -> None:
    lines = [
        campaign(name, world, 100, there)
        for world in WORLDS
        for name, there in (("domain", 2), ("botorch", 4), ("botorch_log", 1))
    ]
    text = worlds_text(lines)
    first, second = text.split("How much of that is the logarithm?")
    assert "**above**" in first
    assert "**below**" in second


def test_the_figure_is_drawn_with_a_world_missing_and_with_nobody_there(tmp_path: Path) -> None:
    lines = [
        line("E", seed, name, [0.5] * (ROUNDS + 1)) for seed in (100, 101) for name in STRATEGIES
    ]
    draw_survival(pairs_table(lines), tmp_path / "survival.png")
    assert (tmp_path / "survival.png").stat().st_size > 10_000


def test_the_goal_of_the_hypothesis_comes_first() -> None:
    assert THRESHOLDS[0] == 0.9
