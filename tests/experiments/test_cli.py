"""The loop by the command line alone: three rounds in a row, scores, and what MLflow holds."""

import csv
import json
import os
import shutil
import subprocess
import sys
import warnings
from importlib.metadata import version
from pathlib import Path

import mlflow
import pytest
import typer

from experiments import cli

ROOT = Path(__file__).parents[2]
COMMANDS = typer.main.get_command(cli.app).commands


def run(*words, cwd, ok=True):
    """One command in a process of its own, with nothing of the tests' set-up in it."""
    environment = {k: v for k, v in os.environ.items() if k != "MLFLOW_TRACKING_URI"}
    done = subprocess.run(
        [sys.executable, "-m", "experiments.cli", *words],
        cwd=cwd,
        env=environment | {"PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode == 0) is ok, done.stderr
    assert "Traceback" not in done.stderr
    return done


@pytest.fixture(scope="module")
def home(tmp_path_factory):
    return tmp_path_factory.mktemp("cli")


@pytest.fixture(scope="module")
def said(home):
    """What was printed while three rounds were proposed and two of them simulated."""
    printed = {"init": run("init", "loop", cwd=home).stdout}
    settings = home / "loop/campaign.yaml"  # shorter milling fails here, jar by jar
    text = settings.read_text()
    assert text.count("    low: 1.0\n    high: 20.0") == 1
    settings.write_text(
        text.replace("    low: 1.0\n    high: 20.0", "    low: 3.0\n    high: 20.0")
    )
    for number in (1, 2, 3):
        proposed = run("propose", "--campaign", "loop", "--json", cwd=home)
        printed[f"R0{number}"] = json.loads(proposed.stdout)
        if number < 3:
            done = run("simulate", "--campaign", "loop", "--seed", str(number), cwd=home)
            printed[f"simulated R0{number}"] = done.stdout
    printed["status"] = json.loads(run("status", "-c", "loop", "--json", cwd=home).stdout)
    return printed


@pytest.fixture
def here(said, home, tmp_path, monkeypatch):
    """A copy of the looped campaign to play with; commands run in this process."""
    shutil.copytree(home / "loop", tmp_path / "loop")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "http://127.0.0.1:9")
    return tmp_path / "loop"


@pytest.fixture
def command(monkeypatch, capsys):
    """Runs a command in this process; gives exit code, stdout and stderr."""

    def call(*words):
        monkeypatch.setattr(sys, "argv", ["glassloop", *map(str, words)])
        code = None
        try:
            cli.main()
        except SystemExit as ended:
            code = ended.code
        told = capsys.readouterr()
        return code or 0, told.out, told.err

    return call


def test_init_says_what_is_known_and_what_to_do_next(said):
    assert "3 conductivity readings" in said["init"]
    assert "glassloop propose --campaign loop" in said["init"]


def test_a_proposal_is_one_object_with_what_scripts_need(said):
    round_ = said["R01"]
    assert {"round", "glasses", "trilayers", "mlflow_run_id"} <= set(round_)
    assert round_["round"] == "R01"
    assert len(round_["glasses"]) == 4
    assert len(round_["trilayers"]) == 2
    for item in (*round_["glasses"], *round_["trilayers"]):
        assert item["recipe"]
        assert item["why"]
        for prediction in item["predictions"].values():
            assert {"mean", "sd", "lower", "upper", "unit"} <= set(prediction)


def test_rounds_follow_one_another_and_learn(said):
    rounds = [said[name] for name in ("R01", "R02", "R03")]
    assert [r["round"] for r in rounds] == ["R01", "R02", "R03"]
    assert [r["simulated"] for r in rounds] == [False, True, True]
    counts = [int(r["counts"][0].split()[0]) for r in rounds]
    assert counts[0] == 3
    assert counts[0] < counts[1] < counts[2]
    assert {g["role"] for g in said["R03"]["glasses"]} <= {
        "control",
        "core",
        "exploit",
        "explore",
        "replicate",
        "skin",
    }
    recipes = [
        tuple(g["recipe"][k] for k in ("x", "milling_time_h", "milling_media",
                                       "milling_speed_rpm", "pressing_pressure_mpa"))
        for r in rounds for g in r["glasses"] if g["role"] != "control"
    ]  # fmt: skip
    assert len(set(recipes)) == len(recipes)


def test_what_is_simulated_is_said_everywhere(said, home):
    for number in (1, 2):
        assert said[f"simulated R0{number}"].startswith("SIMULATED")
        assert f"Round R0{number} is closed." in said[f"simulated R0{number}"]
    for number in (1, 2, 3):
        folder = home / "loop/rounds" / f"R0{number}"
        assert "SIMULATED" in (folder / "batch_sheet.html").read_text()
        assert json.loads((folder / "predictions.json").read_text())["simulated"] is True
    assert said["status"]["kind"] == "simulated"


def test_status_counts_readings_and_tells_hypervolume_and_coverage(said):
    status = said["status"]
    assert [r["state"] for r in status["rounds"]] == ["closed", "closed", "open"]
    assert status["readings"]["ionic_conductivity"] >= 5 + 4
    assert status["hypervolume"]["glasses"]["value"] > 0
    assert 0 <= status["coverage"]["50"] <= status["coverage"]["90"] <= 1
    assert status["coverage"]["n"] == sum(r["scored"]["n"] for r in status["rounds"] if r["scored"])
    assert status["coverage"]["n"] > 30
    assert status["pending_mlflow"] == 0


def test_every_reading_of_the_files_is_in_the_ledger(said, home, here):
    from experiments.campaign import Campaign

    asked = 0
    for name in ("R01", "R02"):
        with (home / "loop/rounds" / name / "results.csv").open() as file:
            asked += sum(row["value"] != "not_measured" for row in csv.DictReader(file))
    with Campaign.open(here) as campaign:
        held = campaign.ledger.readings()
    own = held.loc[~held["source"].str.fullmatch(r"S\d\d")]
    assert len(own) == asked == said["status"]["coverage"]["n"]


def test_mlflow_holds_three_runs_two_of_them_finished_with_scores(said, home):
    with warnings.catch_warnings():  # MLflow 3.17 on SQLAlchemy 2.1: "noload is deprecated"
        warnings.simplefilter("ignore")
        client = mlflow.MlflowClient(tracking_uri=f"sqlite:///{home}/mlruns/mlflow.db")
        experiment = client.get_experiment_by_name("loop")
        rounds = client.search_runs([experiment.experiment_id], "tags.`glassloop.kind` = 'round'")
        runs = {r.info.run_name: r for r in rounds}
        files = {f.path for f in client.list_artifacts(runs["R01"].info.run_id)}
    assert {name: r.info.status for name, r in runs.items()} == {
        "R01": "FINISHED",
        "R02": "FINISHED",
        "R03": "RUNNING",
    }
    for name in ("R01", "R02"):
        metrics = runs[name].data.metrics
        assert {"coverage_50", "coverage_90", "mean_log_score"} <= set(metrics)
        assert metrics["readings_scored"] > 10
    assert {"predictions.json", "batch.csv", "scores.csv", "results.csv"} <= files
    assert "coverage_90" not in runs["R03"].data.metrics
    assert {r.data.tags["glassloop.simulated"] for r in runs.values()} == {"true"}
    for name, r in runs.items():
        assert said[name]["mlflow_run_id"] == r.info.run_id


def test_a_sound_ledger_verifies(here, command):
    assert command("verify", "-c", here) == (0, "The ledger is sound.\n", "")
    code, out, _ = command("verify", "-c", here, "--json")
    assert (code, json.loads(out)) == (0, {"sound": True, "faults": []})


def test_an_open_round_is_shown_instead_of_a_new_one_when_asked(here, command, said):
    code, out, _ = command("propose", "-c", here, "--unless-open", "--json")
    assert code == 0
    assert json.loads(out)["glasses"] == said["R03"]["glasses"]


def test_filling_only_leaves_the_round_open(here, command):
    code, out, _ = command("simulate", "-c", here, "--fill-only")
    assert code == 0
    assert out.startswith("SIMULATED: ")
    assert "not recorded" in out
    code, out, _ = command("status", "-c", here, "--json")
    state = json.loads(out)
    assert [r["state"] for r in state["rounds"]] == ["closed", "closed", "open"]
    folder = here / "rounds/R03"
    code, out, _ = command("record", folder / "made.csv", folder / "results.csv", "-c", here)
    assert code == 0
    assert out.startswith("SIMULATED: ")
    assert "Round R03 is closed." in out


def test_a_simulated_campaign_refuses_the_files_of_a_lab(here, command):
    path = here / "rounds/R03/made.csv"
    text = path.read_text().replace("R03-G1,jar,,", "R03-G1,jar,made,")
    assert "jar,made" in text
    path.write_text(text)
    code, out, err = command("record", path, path.with_name("results.csv"), "-c", here)
    assert (code, out) == (1, "")
    assert "error: this campaign is simulated and takes no results of a lab" in err


@pytest.mark.parametrize("as_json", [False, True], ids=["table", "json"])
def test_predict_shows_two_surrogates_and_says_what_is_simulated(here, command, as_json):
    words = ["predict", "-c", here, "--x", "0:0.6:0.3", "--media", "zirconia"]
    code, out, _ = command(*words, *(["--json"] if as_json else []))
    assert code == 0
    if as_json:
        found = json.loads(out)
        assert found["simulated"] is True
        assert [row["x"] for row in found["recipes"]] == [0.0, 0.3, 0.6]
        assert set(found["predictions"]["ionic_conductivity"]) == {"GP", "mean"}
    else:
        assert out.startswith("SIMULATED")
        assert "GP" in out
        assert "mean" in out


@pytest.mark.parametrize(
    ("words", "message"),
    [
        pytest.param(("propose", "-c", "nowhere"), "nowhere is not a campaign", id="no-campaign"),
        pytest.param(("propose", "-c", "loop", "--glasses", 9), "7 jars are owned", id="jars"),
        pytest.param(("predict", "-c", "loop", "--x", "0:1"), "sweep low:high:step", id="sweep"),
        pytest.param(("predict", "-c", "loop", "--media", "granite"), "granite", id="medium"),
        pytest.param(
            ("record", "notes.csv", "--map", "sigma", "-c", "loop"),
            "--map needs 'column=target', got 'sigma'",
            id="map",
        ),
        pytest.param(("init", "loop"), "loop exists already", id="taken"),
    ],
)
def test_a_users_mistake_is_one_message_and_exit_code_1(here, command, words, message):
    code, out, err = command(*words)
    assert (code, out) == (1, "")
    assert err.startswith("error: ")
    assert message in err


@pytest.mark.parametrize("name", sorted(COMMANDS))
def test_every_command_has_help_with_an_example(name):
    assert "Example: glassloop " + name in (COMMANDS[name].help or "")


def test_the_version_is_that_of_the_installed_package(command):
    assert command("--version") == (0, f"glassloop {version('glassloop')}\n", "")


def test_help_loads_nothing_heavy(tmp_path):
    code = (
        "import sys\n"
        "from experiments.cli import main\n"
        f"for name in {[None, *sorted(COMMANDS)]!r}:\n"
        "    sys.argv = ['glassloop', *([name] if name else []), '--help']\n"
        "    try:\n"
        "        main()\n"
        "    except SystemExit as ended:\n"
        "        assert not ended.code\n"
        "heavy = {'torch', 'mlflow', 'pandas', 'numpy', 'scipy', 'sqlalchemy', 'matplotlib'}\n"
        "sys.exit(', '.join(sorted(heavy & set(sys.modules))) or 0)\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", code],
        cwd=tmp_path,
        env=os.environ | {"PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.count("Usage:") == 1 + len(COMMANDS)
