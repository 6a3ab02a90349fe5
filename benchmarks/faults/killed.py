"""SIGKILL at random moments of record and propose, of the library and of the command line."""

import itertools
import os
import random
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

from benchmarks.faults import warm
from benchmarks.faults.subject import (
    FILES,
    Subject,
    again,
    done,
    look,
    propose,
    record,
    usual_s,
)
from benchmarks.faults.tally import Facts, Tally
from benchmarks.faults.wholeness import wrong_in_folder

ROOT: Final = Path(__file__).parents[2]
LEADING: Final = {record: "readings", propose: "proposals"}
"""The table that says whether it was written."""


def killed_record(subject: Subject, place: Path, *, times: int, seed: int = 0) -> Tally:
    """SIGKILL while a round's files are recorded."""
    return _killed("SIGKILL during record", record, subject, place, times=times, seed=seed)


def killed_propose(subject: Subject, place: Path, *, times: int, seed: int = 0) -> Tally:
    """SIGKILL while a round is proposed."""
    return _killed("SIGKILL during propose", propose, subject, place, times=times, seed=seed)


def killed_command(subject: Subject, place: Path, *, times: int, seed: int = 0) -> Tally:
    """SIGKILL of ``glassloop record`` with its process group, start-up included."""
    tally = Tally(
        "SIGKILL of the command 'glassloop record'",
        how="process group killed at a uniformly random moment of the command's usual time, "
        "start-up included; then recorded again",
    )
    rng = random.Random(seed)
    took_s = _command_s(subject, place / "usual")
    for copy in itertools.count():
        if tally.tried == times:
            break
        folder = subject.copy_of(subject.filled, place / f"{seed}-{copy}")
        process = _command(folder)
        try:
            process.wait(timeout=rng.uniform(0.0, took_s))
        except subprocess.TimeoutExpired:
            pass
        else:
            continue  # it was quicker: not a try, and its copy is used up
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()
        with tally.one_try(seed + tally.tried):
            aftermath(tally, record, folder, subject.settled, acknowledged=False)
    return tally


def _killed(
    fault: str, work: Callable[[Path], Facts], subject: Subject, place: Path, *, times: int,
    seed: int,
) -> Tally:  # fmt: skip
    tally = Tally(
        fault,
        how="half of the kills uniformly over the usual duration, half while a transaction is "
        "open or has just been committed; a commit that returned counts as acknowledged; then "
        "the same again in a fresh process",
    )
    rng = random.Random(seed)
    source = subject.filled if work is record else subject.recorded
    wanted = subject.settled if work is record else subject.proposed
    took_s, moments = usual_s(work, source, place / "usual")
    longest_s = max(b - a for a, b in zip(moments[::2], moments[1::2], strict=False))
    for copy in itertools.count():
        if (number := tally.tried) == times:
            break
        folder = subject.copy_of(source, place / f"{seed}-{copy}")
        if number % 2:
            event = rng.randrange(1, len(moments) + 1)
            after_s = rng.uniform(0.0, 1.2 * longest_s)
            outcome = warm.run_and_kill(work, folder, after_s=after_s, event=event)
        else:
            outcome = warm.run_and_kill(work, folder, after_s=rng.uniform(0.0, 0.95 * took_s))
        if outcome.is_over:
            continue  # it was quicker: not a try, and its copy is used up
        with tally.one_try(seed + number):
            tally.counts[f"killed after {outcome.acknowledged} commits"] += 1
            aftermath(tally, work, folder, wanted, acknowledged=outcome.acknowledged > 0)
    return tally


def aftermath(
    tally: Tally, work: Callable[[Path], Facts], folder: Path, wanted: Facts, *,
    acknowledged: bool,
) -> None:  # fmt: skip
    """What is there at once, and after the next command."""
    table = LEADING[work]
    at_once = look(folder)[table]
    is_written = at_once == wanted[table]
    tally.counts["written" if is_written else "not written"] += 1
    if acknowledged and not is_written:
        tally.lost += (wanted[table] - at_once).total()
    found, faults = done(warm.run(again, work, folder))
    tally.compare(wanted, found)
    tally.verified(faults)
    for wrong in wrong_in_folder(folder / "rounds" / "R02"):
        tally.insist(False, f"{folder.name}: {wrong}")


def _command(folder: Path) -> "subprocess.Popen[bytes]":
    files = (folder / "rounds" / "R02" / name for name in FILES)
    words = ["record", *files, "-c", folder, "--by", "me"]
    settings: dict[str, Any] = {"PYTHONPATH": str(ROOT), "MLFLOW_DISABLE_TELEMETRY": "true"}
    return subprocess.Popen(
        [sys.executable, "-W", "ignore", "-m", "experiments.cli", *map(str, words)],
        env=os.environ | settings, start_new_session=True,
        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
    )  # fmt: skip


def _command_s(subject: Subject, place: Path) -> float:
    import time

    folder = subject.copy_of(subject.filled, place)
    begun = time.monotonic()
    if _command(folder).wait():
        raise RuntimeError("the undisturbed command failed")
    return time.monotonic() - begun
