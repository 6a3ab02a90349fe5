"""The example of a robot: two rounds, with a server that dies in the middle."""

import json
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from experiments.campaign import Campaign
from experiments.client import Client
from tests.experiments.web.running import ended, running, started

ROOT = Path(__file__).parents[3]
PATIENCE_S = 240.0


def robot(there: str, campaign: str, folder: Path, rounds: int) -> "subprocess.Popen[str]":
    return subprocess.Popen(
        [sys.executable, "-c", f"import sys; sys.path.insert(0, {str(ROOT)!r}); sys.argv[0] = 'r'; "
         "from examples.robot import main; sys.exit(main())",
         "--address", there, "--campaign", campaign, "--rounds", str(rounds), "--glasses", "1",
         "--trilayers", "1"],
        cwd=folder, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
    )  # fmt: skip


def closed_rounds(client: Client, n: int) -> list[dict[str, Any]]:
    """All rounds, once so many are closed: the last is scored after the robot went."""
    end = time.monotonic() + PATIENCE_S
    while True:
        rounds = list(client.campaign("sim").rounds())
        if sum(one["state"] == "closed" for one in rounds) >= n or time.monotonic() > end:
            return rounds
        time.sleep(0.5)


def test_a_robot_does_two_rounds_and_nothing_twice_when_the_server_dies_in_the_middle(
    own: Callable[[Path], Path], served_folder: Path, tmp_path: Path
):
    root = own(served_folder)
    with Campaign.open(root / "sim") as campaign:
        campaign.end_round("R02")
    process, there = started(root)
    port = int(there.rpartition(":")[2])
    loop = robot(there, "sim", tmp_path, rounds=2)
    deaths, said = 0, []
    try:
        assert loop.stdout is not None
        for line in loop.stdout:
            said.append(line.rstrip())
            dies = (deaths == 0 and "asked for a round" in line) or (
                deaths == 1 and line.startswith("R03-G1: measured")
            )
            if dies:  # while it chooses, and again while results are sent
                deaths += 1
                ended(process, signal.SIGKILL)
                process, _ = started(root, port)
        assert loop.wait(timeout=PATIENCE_S) == 0, "\n".join(said)
        with Client(there) as client:
            rounds = closed_rounds(client, 4)
            readings = [(r["specimen"], r["property"]) for r in client.campaign("sim").readings()]
    finally:
        loop.kill()
        loop.communicate()
        ended(process)
    assert deaths == 2
    assert said[-1] == "ended"
    assert [(one["id"], one["state"]) for one in rounds] == [
        (name, "closed") for name in ("R01", "R02", "R03", "R04")
    ]
    ours = [pair for pair in readings if pair[0].startswith(("R03", "R04"))]
    assert len(ours) == len(set(ours)) >= 10
    with Campaign.open(root / "sim") as campaign:
        assert campaign.verify() == []
        for glass in ("R03-G1", "R04-G1"):
            states = list(campaign.ledger.history(glass)["status"])
            assert states == ["planned", "made"]


def test_a_robot_that_is_stopped_goes_on_where_it_was(
    own: Callable[[Path], Path], served_folder: Path, tmp_path: Path
):
    root = own(served_folder)
    with Campaign.open(root / "sim") as campaign:
        campaign.end_round("R02")
    with running(root) as there:
        loop = robot(there, "sim", tmp_path, rounds=1)
        assert loop.stdout is not None
        for line in loop.stdout:
            if line.startswith("R03-G1: made"):
                loop.send_signal(signal.SIGTERM)
                break
        rest = loop.communicate(timeout=PATIENCE_S)[0]
        assert loop.returncode == 0, rest
        assert rest.endswith("ended\n")
        memory = json.loads((tmp_path / "robot.json").read_text(encoding="utf-8"))
        assert (memory["round_id"], list(memory["made"])) == ("R03", ["R03-G1"])
        said = robot(there, "sim", tmp_path, rounds=1).communicate(timeout=PATIENCE_S)[0]
        assert "R03-G1: made" not in said
        assert "R03: done\nended\n" in said
        with Client(there) as client:
            assert [one["id"] for one in client.campaign("sim").rounds()] == ["R01", "R02", "R03"]


def test_a_robot_with_an_invented_laboratory_refuses_a_real_campaign(
    own: Callable[[Path], Path], real_folder: Path, tmp_path: Path
):
    with running(own(real_folder)) as there:
        loop = robot(there, "lab", tmp_path, rounds=1)
        said = loop.communicate(timeout=PATIENCE_S)[0]
        assert loop.returncode == 1
        assert "campaign lab is real and this laboratory invents its numbers" in said
        with Client(there) as client:
            assert [one["id"] for one in client.campaign("lab").rounds()] == ["R01"]
