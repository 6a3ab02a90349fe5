"""A study runs whole campaigns by the campaign's own code, resumes, and compares in pairs."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from experiments.campaign import Campaign
from experiments.closed_loop import run_loop
from experiments.config import CampaignConfig
from experiments.strategies import STRATEGIES
from experiments.study import Study
from experiments.study_campaign import study_config
from experiments.study_plot import chance_figure
from experiments.study_spec import Batch, StudySpec, Task, numbers_in
from experiments.study_table import bootstrap, differences, goal_table, groups, reaching, wilson
from experiments.workers import workers
from features.errors import CampaignError, SpaceError

TOY = f"{Path(__file__).with_name('toy_lab.py')}:make"
CONFIG = CampaignConfig(name="study")


def spec(**changed):
    small = {
        "worlds": (TOY,), "seeds": (0,), "strategies": ("sobol",),
        "batches": (Batch(glasses=2, trilayers=1),), "rounds": 2,
        "target": ("critical_current_density>1.5",),
    }  # fmt: skip
    return StudySpec(**{**small, **changed})


@pytest.fixture(scope="module")
def finished(tmp_path_factory):
    """Three strategies in a laboratory of a user's own."""
    folder = tmp_path_factory.mktemp("study") / "s"
    study = Study.begin(folder, spec(strategies=("paper", "sobol", "one_at_a_time")), CONFIG)
    told = []
    with workers(1):
        study.run(lambda done, total: told.append((done, total)))
    return study, told


def test_every_campaign_is_run_and_counted(finished):
    study, told = finished
    assert told[0] == (0, 4)  # three campaigns and one search of the world's truth
    assert told[-1] == (4, 4)
    assert study.n_done == 3
    table = study.campaigns()
    assert list(table["round"]) == [0, 1, 2] * 3
    last = table[table["round"] == 2]
    assert (last["jars"] == 4).all()
    assert (last["pellets"] == 4).all()
    assert last["cells"].between(1, 2).all()
    assert (last["hands_on_h"] > table.loc[table["round"] == 1, "hands_on_h"].to_numpy()).all()
    assert not (study.folder / "work").exists()


def test_shares_are_of_what_is_reachable_and_never_fall(finished):
    table = finished[0].campaigns()
    for _, part in table.groupby("strategy"):
        for name in ("share_cells", "share_glasses"):
            assert (np.diff(part[name]) >= -1e-12).all()
            assert 0 < part[name].iloc[-1] <= 1.02


def test_the_target_is_judged_by_the_truth(finished):
    table = finished[0].campaigns()
    # Toy cells carry 0.2 + 3 x: the paper's skin of 0.60 reaches 2.0 in the first round.
    paper = table[table["strategy"] == "paper"]
    assert list(paper["target"]) == [False, True, True]


def test_every_reading_was_predicted_before_late_ones_too(finished):
    scores = finished[0].scores()
    paper = scores[scores["strategy"] == "paper"]
    assert set(paper["round"]) == {1, 2}
    assert (paper["property"] == "critical_current_density").sum() == 2
    assert paper["pit"].between(0, 1).all()


def test_late_results_are_not_there_when_the_next_round_is_proposed(tmp_path):
    known = []

    def spying(ledger, config, knowledge, **kwargs):
        known.append(int((knowledge.fitted["property"] == "critical_current_density").sum()))
        return STRATEGIES["paper"](0)(ledger, config, knowledge, **kwargs)

    own = study_config(CONFIG, spec(), 0)
    laboratory = Task(world=TOY, seed=0, strategy="paper", batch=Batch.of("2+1")).laboratory()
    with Campaign.create(tmp_path / "c", own, pictures=False) as campaign:
        rounds = list(
            run_loop(campaign, laboratory, rounds=3, glasses=2, trilayers=1, choose=spying)
        )
        states = list(campaign.ledger.rounds()["state"])
        pending = len(campaign.ledger.outbox())
    assert known == [1, 1, 2]  # the paper's; the first round's comes while the second is made
    assert states == ["closed"] * 3
    assert pending == 0
    assert [made.number for made in rounds] == [1, 2, 3]


def test_what_nobody_measures_is_not_learned_from(tmp_path):
    study = Study.begin(
        tmp_path / "s", spec(rounds=1, without=("youngs_modulus",)), CONFIG
    )  # fmt: skip
    with workers(1):
        study.run()
    assert "youngs_modulus" not in set(study.scores()["property"])


def test_the_same_study_goes_on_and_another_is_refused(tmp_path):
    folder = tmp_path / "s"
    Study.begin(folder, spec(), CONFIG)
    Study.begin(folder, spec(seeds=(0, 1)), CONFIG)
    with pytest.raises(CampaignError, match="holds another study: rounds must be 2 as there"):
        Study.begin(folder, spec(seeds=(0, 1), rounds=3), CONFIG)
    with pytest.raises(CampaignError, match="holds another study: seed must be 0 as there, got 7"):
        Study.begin(folder, spec(seeds=(0, 1)), CONFIG.model_copy(update={"seed": 7}))
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "notes.txt").write_text("mine")
    with pytest.raises(CampaignError, match="exists and is no study"):
        Study.begin(tmp_path / "full", spec(), CONFIG)
    with pytest.raises(CampaignError, match="is no study"):
        Study.open(tmp_path / "full")


def test_a_study_killed_while_it_was_begun_is_begun_again(tmp_path):
    Study.begin(tmp_path / "s", spec(), CONFIG)
    (tmp_path / "s" / "study.json").rename(tmp_path / "s" / ".study.json.123")
    assert Study.begin(tmp_path / "s", spec(), CONFIG).n_done == 0
    (tmp_path / "s" / "study.json").unlink()
    (tmp_path / "s" / "campaigns" / "mine.json").write_text("{}")
    with pytest.raises(CampaignError, match="exists and is no study"):
        Study.begin(tmp_path / "s", spec(), CONFIG)


def test_a_study_runs_once_at_a_time(tmp_path):
    import fcntl

    study = Study.begin(tmp_path / "s", spec(), CONFIG)
    with (study.folder / ".lock").open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        with pytest.raises(CampaignError, match="another process runs this study now"):
            study.run()


RUN = """
import sys
from pathlib import Path
from experiments.study import Study
from experiments.workers import workers
with workers(1):
    Study.open(Path(sys.argv[1])).run()
"""


def test_killed_and_resumed_it_gives_the_table_of_an_undisturbed_run(tmp_path):
    wanted = spec(seeds=(0, 1, 2), rounds=1)
    plain, killed = (Study.begin(tmp_path / name, wanted, CONFIG) for name in ("a", "b"))
    with workers(1):
        plain.run()
    command = [sys.executable, "-c", RUN, str(killed.folder)]
    environment = {**os.environ, "OMP_NUM_THREADS": "1", "PYTHONPATH": os.getcwd()}
    process = subprocess.Popen(command, env=environment)
    deadline = time.monotonic() + 240
    while killed.n_done < 1 and process.poll() is None and time.monotonic() < deadline:
        time.sleep(0.02)
    process.send_signal(signal.SIGKILL)
    process.wait()
    assert 1 <= killed.n_done < 3
    with workers(1):
        killed.run()
    for name in ("campaigns.csv", "scores.csv"):
        assert (killed.folder / name).read_bytes() == (plain.folder / name).read_bytes()


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        pytest.param({"worlds": ("Q",)}, "world must be one of A", id="world"),
        pytest.param({"worlds": ("lab.py:make",)}, "no file 'lab.py'", id="no-file"),
        pytest.param({"worlds": (f"{TOY}x",)}, "needs a function makex, got none", id="no-name"),
        pytest.param({"strategies": ("luck",)}, "strategy must be one of", id="strategy"),
        pytest.param({"seeds": ()}, "seeds must be at least one, each once, got none", id="none"),
        pytest.param({"seeds": (1, 1)}, "each once, got 1, 1", id="twice"),
        pytest.param({"rounds": 0}, "rounds must be 1 to 100, got 0", id="rounds"),
        pytest.param({"share": 1.5}, "at most 1, got 1.5", id="share"),
        pytest.param({"late": ("hardness",)}, "got 'hardness'", id="late"),
        pytest.param({"target": ("x>1",)}, "no property with a surrogate", id="target"),
    ],
)
def test_what_cannot_be_run_is_refused_before_anything_is(changed, message):
    with pytest.raises(CampaignError, match=message):
        spec(**changed)


@pytest.mark.parametrize("text", ["4", "4+", "0+2", "4+99", "four+2"])
def test_a_batch_that_means_nothing_is_refused(text):
    with pytest.raises(CampaignError, match="batch"):
        Batch.of(text)


def test_seeds_that_mean_nothing_are_refused():
    with pytest.raises(CampaignError, match="got 'one'"):
        numbers_in(["one"])


def made_up(reached_by):
    """A table of campaigns by what each strategy reached, and when."""
    rows = []
    for strategy, rounds in reached_by.items():
        for seed, when in enumerate(rounds):
            rows += [
                {
                    "world": "E", "seed": seed, "strategy": strategy, "batch": "4+2",
                    "round": number, "pellets": 4 * number, "hands_on_h": 10.0 * number,
                    "ends_h": 168.0 * number, "failed_jars": 0,
                    "share_cells": 0.95 if number >= when else 0.5, "share_glasses": 0.5,
                }
                for number in range(5)
            ]  # fmt: skip
    return pd.DataFrame(rows)


def test_a_goal_not_reached_counts_as_later_than_the_last_round():
    table = goal_table(made_up({"a": [1, 2, 9]}), "cells", 0.9, 4).iloc[0]
    assert table["reached"] == pytest.approx(2 / 3)
    assert table["median_round"] == 2
    assert table["round_95"] == 5  # not within the four
    assert table["pellets"] == 6.0


def test_a_world_in_which_nothing_counts_is_left_out():
    table = made_up({"a": [1, 2], "b": [2, 2]})
    table.loc[table["seed"] == 0, "share_cells"] = np.nan
    assert list(goal_table(table, "cells", 0.9, 4)["n"]) == [1, 1]
    found = differences(table, 0.9, 4).set_index("measure")["n"]
    assert found["rounds_to_cells"] == 1
    assert found["rounds_to_glasses"] == 2


def test_chances_grow_by_round():
    found = reaching(made_up({"a": [1, 2, 9, 9]}), "cells", 0.9, 4)
    assert list(found["chance"]) == [0.25, 0.5, 0.5, 0.5]
    assert (found["lower"] < found["chance"]).all()


def test_differences_are_of_pairs():
    found = differences(made_up({"a": [1, 2, 3, 4] * 2, "b": [2, 3, 4, 9] * 2}), 0.9, 4)
    row = found[found["measure"] == "rounds_to_cells"].iloc[0]
    assert row["strategy"] == "b"
    assert row["difference"] == 1.0
    assert (row["lower"], row["upper"]) == (1.0, 1.0)


def test_worlds_of_the_priors_own_laws_are_kept_apart():
    assert groups(["A", "D", "E", "G"]) == {"A to D": ("A", "D"), "E to G": ("E", "G")}


def test_an_interval_of_a_share_holds_what_it_says():
    rng, inside = np.random.default_rng(0), 0
    for _ in range(2000):
        low, high = wilson(int(rng.binomial(20, 0.8)), 20)
        inside += low <= 0.8 <= high
    assert 0.93 <= inside / 2000 <= 0.98


def test_few_pairs_have_no_interval():
    assert np.isnan(bootstrap(np.arange(7.0))).all()
    assert np.isfinite(bootstrap(np.arange(8.0))).all()


def test_where_nothing_can_be_reached_there_is_a_picture_all_the_same():
    table = made_up({"a": [1, 2]}).assign(share_cells=np.nan, target=False)
    assert reaching(table, "cells", 0.9, 4).empty
    chance_figure(table, StudySpec(worlds=("E",), rounds=4, target=("youngs_modulus>1",)))


def test_late_results_come_although_nothing_new_is_left(tmp_path):
    own = study_config(CONFIG, spec(), 0)
    laboratory = Task(world=TOY, seed=0, strategy="paper", batch=Batch.of("2+1")).laboratory()

    def once(ledger, config, knowledge, **kwargs):
        if len(ledger.rounds()):
            raise SpaceError("nothing is left")
        return STRATEGIES["paper"](0)(ledger, config, knowledge, **kwargs)

    with Campaign.create(tmp_path / "c", own, pictures=False) as campaign:
        made = list(run_loop(campaign, laboratory, rounds=3, glasses=2, trilayers=1, choose=once))
        assert list(campaign.ledger.rounds()["state"]) == ["closed"]
    assert len(made) == 1


@pytest.mark.parametrize(
    ("text", "message"),
    [
        pytest.param('{"hello": 1}', "is of no study", id="foreign"),
        pytest.param('{"study": {"wor', "is damaged", id="cut-short"),
        pytest.param("[]", "must hold an object, got list", id="a-list"),
    ],
)
def test_a_damaged_study_is_named(tmp_path, text, message):
    (tmp_path / "study.json").write_text(text)
    with pytest.raises(CampaignError, match=message):
        Study.open(tmp_path)
    with pytest.raises(CampaignError, match=message):
        Study.begin(tmp_path, spec(), CONFIG)


@pytest.mark.parametrize(
    ("code", "message"),
    [
        pytest.param("def make(seed)\n    return 1\n", r"cannot be run \(SyntaxError", id="syntax"),
        pytest.param("import no_such_thing\n", "ModuleNotFoundError: No module", id="import"),
        pytest.param("def make(seed):\n    return 1\n", "got a int without source", id="no-lab"),
    ],
)
def test_a_simulator_that_is_none_is_refused_before_anything_runs(tmp_path, code, message):
    (tmp_path / "lab.py").write_text(code)
    with pytest.raises(CampaignError, match=message):
        spec(worlds=(f"{tmp_path / 'lab.py'}:make",))


def test_a_simulator_changed_under_way_is_not_mixed_in(tmp_path):
    file = tmp_path / "lab.py"
    file.write_text(Path(__file__).with_name("toy_lab.py").read_text())
    wanted = spec(worlds=(f"{file}:make",))
    Study.begin(tmp_path / "s", wanted, CONFIG)
    file.write_text(file.read_text() + "# changed\n")
    with pytest.raises(CampaignError, match="was changed since the study began"):
        Study.begin(tmp_path / "s", wanted, CONFIG)


def test_the_command_prints_the_table_and_json(tmp_path):
    words = [
        sys.executable, "-m", "experiments.cli", "study", "--out", str(tmp_path / "s"),
        "--world", TOY, "--seeds", "0", "--strategy", "paper", "--strategy", "sobol",
        "--batch", "2+1", "--rounds", "1", "--jobs", "1",
    ]  # fmt: skip
    said = subprocess.run(words, capture_output=True, text=True, check=True)
    assert "SIMULATED" in said.stdout
    assert "less paper, 2+1" in said.stdout
    assert (tmp_path / "s" / "cells.png").stat().st_size > 10_000
    again = subprocess.run([*words, "--json"], capture_output=True, text=True, check=True)
    told = json.loads(again.stdout)
    assert told["simulated"] is True
    assert {row["strategy"] for row in told["goals"]["cells"]} == {"paper", "sobol"}


def test_a_user_s_own_strategy_takes_part(tmp_path):
    file = tmp_path / "mine.py"
    file.write_text(
        "from experiments.strategies import Sobol\n\n\n"
        "def make(seed):\n    return Sobol(seed + 1)\n"
    )
    study = Study.begin(tmp_path / "s", spec(strategies=(f"{file}:make",), rounds=1), CONFIG)
    with workers(1):
        study.run()
    assert study.n_done == 1
