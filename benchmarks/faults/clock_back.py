"""The clock steps backwards and forwards between transactions: order comes from numbers."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

from benchmarks.faults.subject import Subject
from benchmarks.faults.tally import Tally
from benchmarks.faults.tape import compiled


def clock_back(subject: Subject, place: Path, *, times: int, seed: int = 1) -> Tally:
    """A campaign's life with a jumping clock, against the same with a steady one."""
    tally = Tally(
        "clock stepping backwards",
        how="clock_gettime of the process is shifted (LD_PRELOAD) by up to 400 days back or forth "
        "before each transaction of record, propose, correct and close; readings, rounds, status, "
        "scores and drift must be those of a steady clock, and verify clean",
    )
    place.mkdir(parents=True)
    folder = subject.copy_of(subject.filled, place / "campaign")
    seeds = [0, *range(seed, seed + times)]
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-m", "benchmarks.faults.clock_work", str(folder),
         *map(str, seeds)],
        env=os.environ | {"LD_PRELOAD": str(compiled(place))}, capture_output=True, text=True,
        check=False,
    )  # fmt: skip
    if done.returncode:
        raise RuntimeError(f"the work under a jumping clock failed: {done.stderr[-3000:]}")
    steady, *jumping = map(json.loads, done.stdout.splitlines())
    for number, found in zip(seeds[1:], jumping, strict=True):
        with tally.one_try(number):
            _compare(tally, steady, found)
    return tally


def _compare(tally: Tally, steady: dict[str, Any], found: dict[str, Any]) -> None:
    tally.counts["clock went back"] += found["clock went back"]
    tally.compare_tables(steady["facts"], found["facts"])
    tally.verified(found["verify"])
    for key in ("reading order", "rounds", "status"):
        tally.insist(steady[key] == found[key], f"{key}: differs from that of a steady clock")
    tally.insist(found["report"] > 0, "report: has no figures")
    tally.insist(found["MLflow is told in order"], "MLflow: messages are dated before earlier ones")
