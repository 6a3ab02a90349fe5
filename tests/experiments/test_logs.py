"""The log: each line whole and readable by a machine, no secret and no reading in it."""

import json
import logging
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from experiments import cli, logs
from experiments.access import AccessStore, Role
from experiments.acting import acting
from experiments.campaign import Campaign
from experiments.config import CampaignConfig, MlflowConfig
from experiments.log_format import FIXED, without_secrets, without_values
from features.errors import CampaignError, InputError

ROOT = Path(__file__).parents[2]
PASSWORD = "h4nd5-0ff"
VALUE = "2.345e-4"


@pytest.fixture
def file(tmp_path: Path) -> Iterator[Path]:
    """A log that is written while the test runs."""
    logs.begin(str(tmp_path / "glassloop.log"))
    yield tmp_path / "glassloop.log"
    logs.end()


@pytest.fixture
def command(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Iterator[Callable[..., tuple[int, str, str]]]:
    """Runs a command in this process; gives exit code, stdout and stderr."""

    def call(*words: object) -> tuple[int, str, str]:
        monkeypatch.setattr(sys, "argv", ["glassloop", *map(str, words)])
        code: Any = None
        try:
            cli.main()
        except SystemExit as ended:
            code = ended.code
        told = capsys.readouterr()
        return int(code or 0), told.out, told.err

    yield call
    logs.end()


def lines(file: Path) -> list[dict[str, Any]]:
    """What a log says; each line must be JSON with the fixed fields first."""
    found = []
    for line in file.read_text(encoding="utf-8").splitlines():
        fields = json.loads(line)
        assert tuple(fields)[: len(FIXED)] == FIXED
        assert fields["time"].endswith("Z")
        found.append(fields)
    return found


def test_a_line_says_who_what_and_when(file: Path):
    with acting("Ada", "page"):
        logs.note("round proposed", campaign="lab", round="R01", glasses=4, drift=float("nan"))
    (line,) = lines(file)
    assert line["event"] == "round proposed"
    assert (line["level"], line["person"], line["door"]) == ("info", "Ada", "page")
    assert (line["campaign"], line["round"], line["glasses"]) == ("lab", "R01", 4)
    assert (line["process"], line["drift"]) == (os.getpid(), None)


def test_nothing_is_written_unless_asked_for(capsys: pytest.CaptureFixture[str]):
    logs.note("round proposed", "error", campaign="lab")
    assert capsys.readouterr() == ("", "")


def test_only_what_is_bad_enough_is_written(tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    logs.begin("-", "warning")
    logs.note("request finished")
    logs.note("MLflow not told", "warning", reason="away")
    logs.end()
    told = capsys.readouterr()
    assert told.out == ""
    assert json.loads(told.err)["event"] == "MLflow not told"


def test_a_library_of_the_server_is_written_in_the_same_form(file: Path):
    logging.getLogger("uvicorn.error").warning("Invalid HTTP request of %s", "nobody")
    (line,) = lines(file)
    assert line["event"] == "message of uvicorn.error"
    assert line["reason"] == "Invalid HTTP request of nobody"


def test_a_fault_is_written_with_its_trace_and_without_values(file: Path):
    try:
        try:
            float(f"{VALUE} S")
        except ValueError as error:
            raise RuntimeError(f"reading {VALUE} S lost") from error
    except RuntimeError as error:
        logs.note("fault", "error", error=error, number="1a2b")
    (line,) = lines(file)
    assert (line["error"], line["reason"]) == ("RuntimeError", "reading # S lost")
    assert "test_logs.py" in line["traceback"]
    assert "could not convert string to float: '# S'" in line["traceback"]
    assert VALUE not in file.read_text()


def test_a_complaint_about_what_was_given_is_counted_and_not_repeated(file: Path):
    logs.note("refused", "warning", error=InputError([f"row 3: {VALUE} cubits", "row 4: 15"]))
    logs.note("refused", "warning", error=CampaignError("lab: is simulated; use another"))
    first, second = lines(file)
    assert (first["error"], first["problems"]) == ("InputError", 2)
    assert "reason" not in first
    assert second["reason"] == "lab: is simulated; use another"


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("Bearer glt_1a2b3c4d_Zm9vYmFy-_x of Ana", "Bearer glt_1a2b3c4d_*** of Ana"),
        (f"http://lab:{PASSWORD}@mlflow.lab:5000/x away", "http://lab:***@mlflow.lab:5000/x away"),
        ("postgresql+psycopg://lab:a:b/c@d@db/x", "postgresql+psycopg://lab:***@db/x"),
        (f"host=db password={PASSWORD} user=lab", "host=db password=*** user=lab"),
        (f"{{'PASSWORD': '{PASSWORD}'}}", "{'PASSWORD': '***'}"),
        (f"GET /x?token={PASSWORD}&n=1", "GET /x?token=***&n=1"),
        ("Authorization: Bearer abc.def", "Authorization: Bearer ***"),
        ("lab:R01 at 12:30 by ana@lab.org", "lab:R01 at 12:30 by ana@lab.org"),
    ],
)
def test_secrets_are_starred(text: str, shown: str):
    assert without_secrets(text) == shown


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        (f"x: {VALUE} S/cm", "x: # S/cm"),
        ("<1e-10, >3.0 and 2.30..2.35", "<#, ># and #..#"),
        ("'2.7e-4S/cm' and -19.5GPa, sd .5", "'#S/cm' and #GPa, sd #"),
        ("R01-G1 took 12 of 30. glassloop 0.1.0, 127.0.0.1:80", None),
        ("results.csv, line 12, sha 4e5f00, 12e4ab. In ledger.db", None),
    ],
)
def test_values_of_readings_are_not_written(text: str, shown: str | None):
    assert without_values(text) == (text if shown is None else shown)


_WRITER = """
import sys
from experiments import logs
logs.begin(sys.argv[1])
for number in range(int(sys.argv[3])):
    logs.note("written", writer=sys.argv[2], number=number, filling="x" * (number % 50 * 400))
"""


def test_two_processes_write_one_log_and_tear_no_line(tmp_path: Path):
    file, count = tmp_path / "both.log", 1500
    writers = [
        subprocess.Popen(
            [sys.executable, "-c", _WRITER, file, name, str(count)],
            env=os.environ | {"PYTHONPATH": str(ROOT)},
        )
        for name in ("one", "two")
    ]
    assert [writer.wait(timeout=120) for writer in writers] == [0, 0]
    found = [(line["writer"], line["number"]) for line in lines(file)]
    assert sorted(found) == [(name, n) for name in ("one", "two") for n in range(count)]
    turns = sum(one[0] != two[0] for one, two in pairwise(found))
    assert turns > 1  # they did write at the same time


def test_a_log_rotated_away_is_begun_anew(file: Path):
    logs.note("before")
    file.rename(file.with_suffix(".1"))
    logs.note("after")
    assert [line["event"] for line in lines(file)] == ["after"]
    assert [line["event"] for line in lines(file.with_suffix(".1"))] == ["before"]


def test_a_log_names_people_and_is_not_for_everybody(file: Path):
    assert file.stat().st_mode & 0o007 == 0


def test_a_log_that_cannot_be_begun_is_told_once_and_work_goes_on(
    tmp_path: Path, command: Callable[..., tuple[int, str, str]]
):
    place = tmp_path / "no such folder" / "x.log"
    code, out, err = command("--log", place, "token", "list", "-c", tmp_path)
    assert code == 0
    assert "no tokens yet" in out
    assert err.startswith(f"warning: the log {place} cannot be written (No such file")
    assert err.count("\n") == 1


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="no device that is always full")
def test_a_log_on_a_full_disk_is_told_once_and_work_goes_on(capsys: pytest.CaptureFixture[str]):
    logs.begin("/dev/full")
    for _ in range(3):
        logs.note("round proposed")
    logs.end()
    err = capsys.readouterr().err
    assert err.count("\n") == 1
    assert "No space left on device" in err


def test_a_command_is_written_with_its_end(
    tmp_path: Path, command: Callable[..., tuple[int, str, str]], monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setenv(logs.VARIABLE, str(tmp_path / "x.log"))
    assert command("token", "list", "-c", tmp_path)[0] == 0
    assert command("propose", "-c", tmp_path / "nowhere")[0] == 1
    assert command("propose", "--no-such-option")[0] == 2
    monkeypatch.setattr(AccessStore, "people", lambda store: 1 / 0)
    with pytest.raises(ZeroDivisionError, match="division"):
        command("token", "list", "-c", tmp_path)
    found = lines(tmp_path / "x.log")
    ends = [line for line in found if line["event"] == "command ended"]
    assert [line["command"] for line in ends] == ["token list", "propose", "propose", "token list"]
    assert [line["exit_code"] for line in ends] == [0, 1, 2, 1]
    assert [line["level"] for line in ends] == ["info", "warning", "warning", "error"]
    assert "is not a campaign" in ends[1]["reason"]
    assert ends[3]["error"] == "ZeroDivisionError"
    assert all(line["duration_s"] >= 0 and line["door"] == "command line" for line in ends)
    assert sum(line["event"] == "command begun" for line in found) == 4


def test_what_a_campaign_does_is_written_and_no_secret_with_it(
    tmp_path: Path, command: Callable[..., tuple[int, str, str]], monkeypatch: pytest.MonkeyPatch
):
    log = tmp_path / "glassloop.log"
    monkeypatch.setenv(logs.VARIABLE, str(log))
    monkeypatch.setenv("MLFLOW_TRACKING_URI", f"http://lab:{PASSWORD}@127.0.0.1:9")
    folder = tmp_path / "lab"
    with Campaign.create(folder, CampaignConfig(name="lab"), pictures=False):
        pass
    table = tmp_path / "notebook.csv"
    table.write_text(
        "Sample,O,hours,balls,MPa,sigma,T\n"
        f"A7,0.15,3,stainless_steel,450,{VALUE},60\n", encoding="utf-8"
    )  # fmt: skip
    columns = [
        "Sample=specimen", "O=x", "hours=milling_time_h", "balls=milling_media",
        "MPa=pressing_pressure_mpa", "sigma=ionic_conductivity:S/cm", "T=temperature_c",
    ]  # fmt: skip
    maps = [word for column in columns for word in ("--map", column)]
    assert command("record", table, *maps, "-c", folder)[0] == 0
    table.write_text(table.read_text().replace(VALUE, f"{VALUE} cubits"), encoding="utf-8")
    assert command("record", table, *maps, "-c", folder)[0] == 1
    assert command("propose", "-c", folder, "--glasses", 1, "--trilayers", 0)[0] == 0
    token = command("token", "add", "Ana", "--json", "-c", folder)[1].split('"token": "')[1][:56]
    studies = f"postgresql://lab:{PASSWORD}@127.0.0.1:9/x"
    assert command("export", "--optuna", studies, "-c", folder)[0] == 1
    found = {line["event"]: line for line in lines(log)}
    assert found["results recorded"]["readings"] == 1
    assert (found["round proposed"]["round"], found["round proposed"]["glasses"]) == ("R01", 1)
    assert "http://lab:***@127.0.0.1:9" in found["MLflow not told"]["reason"]
    refused = [line for line in lines(log) if line.get("error") == "InputError"]
    assert [line["problems"] for line in refused] == [1]
    assert AccessStore(folder).person(token).role is Role.READ
    for secret in (PASSWORD, token, token[13:], VALUE, "cubits"):
        assert secret not in log.read_text(), secret


def test_a_folder_of_rounds_is_scored_in_the_log(file: Path, tmp_path: Path):
    config = CampaignConfig(name="sim", mlflow=MlflowConfig(track=False))
    with Campaign.create(tmp_path / "sim", config, pictures=False) as campaign:
        campaign.propose(glasses=1, trilayers=0)
        campaign.simulate()
    found = [line for line in lines(file) if line["event"] == "round scored"]
    assert [(line["round"], line["campaign"]) for line in found] == [("R01", "sim")]
    assert found[0]["person"] == ""
    assert found[0]["readings"] > 0
