"""The optimizer's benchmarks: pairs are fair, results are resumed, a loss is a loss."""

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from benchmarks.optimizer.botorch_loop import Code
from benchmarks.optimizer.figure import draw, forest_rows
from benchmarks.optimizer.paired import mean_interval, paired_differences, runs_table, verdict
from benchmarks.optimizer.problems import Problem
from benchmarks.optimizer.report import (
    CASE_LABELS,
    cost_table,
    differences_table,
    missing_text,
    page,
)
from benchmarks.optimizer.run import (
    SCORED,
    append,
    key_of,
    labelled,
    left,
    seeds_in,
    tasks_for,
)
from benchmarks.optimizer.strategies import Sobol
from benchmarks.optimizer.trial import one_run, problems

KNOWN = problems()


def line(**changes: object) -> dict[str, object]:
    row: dict[str, object] = {
        "problem": "cell",
        "revision": 1,
        "strategy": "ours",
        "seed": 100,
        "rounds": 2,
        "version": "old",
        "volume": [1.0, 2.0, 3.0],
        "cpu_s": [1.0, 3.0],
        "memory_mb": 10.0,
        "versions": {"numpy": "2"},
    }
    return row | changes


def table(lines: list[dict[str, object]], *, engine: str = "now") -> pd.DataFrame:
    return runs_table(
        lines, reachable={"cell": 4.0}, revisions={"cell": 1}, rounds=2, engine=engine
    )


@pytest.mark.parametrize("name", SCORED)
def test_a_seed_has_one_start_and_a_longer_sequence_begins_with_it(name: str) -> None:
    problem = KNOWN[name]
    start = problem.start(100)
    assert len(start) == 10
    assert problem.space.allows(start).all()
    pd.testing.assert_frame_equal(problem.sobol(40, 100).head(10), start)
    assert not problem.start(101).equals(start)


@pytest.mark.parametrize("name", ["pellet", "cell", "dtlz2"])
def test_the_kth_evaluation_of_a_seed_has_the_same_noise_whatever_is_evaluated(name: str) -> None:
    problem = KNOWN[name]

    def noise(rows: pd.DataFrame, first: int, seed: int) -> np.ndarray:
        read = problem.read(rows, first=first, seed=seed)
        names = [objective.name for objective in problem.objectives]
        return problem.scaled(read[names].to_numpy()) - problem.scaled(problem.truth(rows))

    some, others = problem.start(0), problem.start(1)
    np.testing.assert_allclose(noise(some, 4, 100), noise(others, 4, 100), atol=1e-9)
    np.testing.assert_allclose(noise(some, 4, 100)[2:], noise(some[2:], 6, 100), atol=1e-9)
    assert not np.allclose(noise(some, 4, 100), noise(some, 4, 101))


@pytest.mark.parametrize("name", SCORED)
def test_no_sample_beats_the_reachable_volume(name: str) -> None:
    problem = KNOWN[name]
    n = len(problem.pool) if problem.pool is not None else 64
    assert 0 < problem.volume(problem.sobol(n, 0)) <= problem.reachable * (1 + 1e-6)


def test_the_reachable_volume_of_the_pool_is_that_of_all_its_rows() -> None:
    pool = KNOWN["pool"].pool
    assert pool is not None
    assert KNOWN["pool"].volume(pool) == pytest.approx(KNOWN["pool"].reachable)


def test_the_reference_loop_gets_back_the_rows_it_encodes() -> None:
    problem = KNOWN["pellet"]
    rows, code = problem.start(0), Code(problem)
    assert len(code.fixed) == 3
    back = code.decode(code.encode(rows).numpy())
    assert list(back.milling_media) == list(rows.milling_media)
    numbers = ["x", "milling_time_h", "pressing_pressure_mpa"]
    np.testing.assert_allclose(back[numbers].astype(float), rows[numbers].astype(float))


def test_a_run_counts_evaluations_and_its_volume_never_falls() -> None:
    found = one_run(KNOWN["cell"], "sobol", 100, rounds=3)
    assert found["n"] == [10, 14, 18, 22]
    assert found["volume"] == sorted(found["volume"])
    assert found["volume"][-1] == KNOWN["cell"].volume(KNOWN["cell"].sobol(22, 100))
    assert len(found["cpu_s"]) == 3


def test_sobol_continues_the_start() -> None:
    problem: Problem = KNOWN["dtlz2"]
    own = Sobol(problem, 100)
    own.tell(problem.start(100))
    pd.testing.assert_frame_equal(own.ask(4), problem.sobol(14, 100)[10:].reset_index(drop=True))


def test_seeds_are_read_from_ranges() -> None:
    assert seeds_in(["100-102", "7"]) == [100, 101, 102, 7]


def test_strategies_without_pools_are_not_run_on_pools() -> None:
    tasks = tasks_for(["pool"], ["sobol", "optuna_tpe", "botorch"], [100], 5)
    assert [task[1] for task in tasks] == ["sobol", "botorch"]


def test_what_stands_in_the_file_is_not_run_again_unless_the_version_changed(
    tmp_path: Path,
) -> None:
    path = tmp_path / "results" / "runs.jsonl"
    tasks = tasks_for(["cell"], ["sobol"], [100, 101], 5)
    append(path, labelled(tasks[0]))
    path.write_text(path.read_text() + '{"problem": "ce')  # cut short by a stop
    assert left(tasks, path) == tasks[1:]
    append(path, labelled(tasks[1]) | {"version": "another"})
    assert left(tasks, path) == tasks[1:]
    assert key_of(json.loads(path.read_text().splitlines()[-1])) != key_of(labelled(tasks[1]))


def test_auc_is_the_mean_share_over_the_rounds_without_the_start() -> None:
    row = table([line()]).iloc[0]
    assert row["auc"] == pytest.approx((0.5 + 0.75) / 2)
    assert row["final"] == pytest.approx(0.75)
    assert row["cpu_s"] == pytest.approx(2.0)


def test_of_ours_the_runs_of_todays_code_count_or_else_of_the_last() -> None:
    lines = [line(version="now"), line(seed=101, version="now"), line(version="old")]
    assert set(table(lines).version) == {"now"}
    assert list(table(lines, engine="newer").version) == ["old"]


def test_runs_of_another_revision_or_length_are_left_out() -> None:
    assert table([line(revision=2), line(rounds=5)]).empty


def test_pairs_are_of_one_seed() -> None:
    lines = [
        line(version="now"),
        line(version="now", seed=101),
        line(strategy="sobol", volume=[1.0, 1.0, 1.0], version="1"),
    ]
    np.testing.assert_allclose(paired_differences(table(lines), "cell", "ours", "sobol"), [0.375])
    assert not len(paired_differences(table(lines), "cell", "ours", "ax"))


@pytest.mark.parametrize(
    ("sample", "word"),
    [
        ([0.1, 0.2, 0.15], "above"),
        ([-0.1, 0.2, 0.0], "level"),
        ([-0.1, -0.2, -0.1], "below"),
        ([0.1], "too few seeds"),
    ],
    ids=["above", "level", "below", "one seed"],
)
def test_the_verdict_follows_the_interval(sample: list[float], word: str) -> None:
    assert verdict(mean_interval([sample])) == word


def test_without_a_pair_the_verdict_is_missing() -> None:
    assert verdict(mean_interval([])) == "missing"


def test_the_interval_of_a_mean_over_problems_keeps_each_problems_weight() -> None:
    interval = mean_interval([[0.0] * 20, [1.0] * 3])
    np.testing.assert_allclose(interval, 0.5)


def test_a_loss_is_reported_as_a_loss() -> None:
    lines = [line(version="now", seed=seed) for seed in range(100, 105)]
    lines += [line(strategy="botorch", seed=s, volume=[1.0, 3.0, 3.5]) for s in range(100, 105)]
    text = differences_table(table(lines), KNOWN)
    assert "| BoTorch loop | cell | 5 | -18.8 (-18.8 to -18.8) | below |" in text


def test_what_was_not_run_is_said_to_be_missing() -> None:
    runs = table([line(version="now")])
    assert "glassloop on cell (1 of 10)" in missing_text(runs, KNOWN, newest=True)
    assert "BayBE on pellet (0 of 5)" in missing_text(runs, KNOWN, newest=True)
    assert "BayBE on zdt1" not in missing_text(runs, KNOWN, newest=True)
    assert "earlier code" in missing_text(runs, KNOWN, newest=False)
    assert cost_table([]).count("missing") == len(CASE_LABELS)


def test_the_ratio_is_of_medians_of_the_last_session() -> None:
    def cost(session: str, strategy: str, cpu_s: float) -> dict[str, object]:
        own = {"case": "cell-40", "session": session, "strategy": strategy, "cpu_s": cpu_s}
        return own | {"memory_mb": 50.0}

    costs = [cost("1", "ours", 9.0), cost("1", "botorch", 9.0)]
    costs += [cost("2", "ours", value) for value in (0.1, 0.2, 0.9)] + [cost("2", "botorch", 4.0)]
    text = cost_table(costs)
    assert "0.20 (0.10 to 0.90) | 4.00 (4.00 to 4.00) | 0.050 |" in text


def test_the_page_is_written_with_no_results_at_all() -> None:
    text = page(table([]), [], engine="now")
    assert "No pair was run." in text
    assert "{" not in text


def test_the_figure_has_a_row_for_each_pair_that_was_run(tmp_path: Path) -> None:
    lines = [line(version="now", seed=seed) for seed in (100, 101)]
    lines += [line(strategy="sobol", seed=seed, volume=[1.0, 1.0, 2.0]) for seed in (100, 101)]
    runs, labels = table(lines), {"ours": "glassloop", "sobol": "Sobol", "ax": "Ax"}
    assert [label for label, _ in forest_rows(runs, ["cell"], ["sobol", "ax"], labels)] == [
        "Sobol: cell"
    ]
    path = tmp_path / "images" / "figure.png"
    draw(
        runs, problems=["cell"], others=["sobol", "ax"], labels=labels, starts={"cell": 10},
        path=path,
    )  # fmt: skip
    assert path.read_bytes().startswith(b"\x89PNG")
