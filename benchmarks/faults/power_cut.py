"""The power fails at a random moment: what was not synced is lost, reordered or torn."""

import random
import shutil
import sqlite3
import sys
from collections import Counter
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any, Final

from benchmarks.faults import warm
from benchmarks.faults.subject import Subject, done, look, propose, record, tables
from benchmarks.faults.tally import Facts, Tally
from benchmarks.faults.tape import MODES, Disk, Tape, after_power_cut, compiled, taped
from benchmarks.faults.wholeness import wrong_in_folder

HOW = (
    "every write, truncation, sync and renaming of the process is taped (LD_PRELOAD); cut after a "
    "random step, what was not synced is kept whole, dropped, kept in order up to a torn write, or "
    "kept in part in any order, torn at 512 bytes, in turn; a commit that returned before the cut "
    "counts as acknowledged"
)

CONTINUED_EVERY: Final = 9
"""In so many tries of a campaign the work is done again to its end."""


def cut_ledger(subject: Subject, place: Path, *, times: int, seed: int = 0) -> Tally:
    """Power cut during many transactions, checkpoints of the write-ahead log among them."""
    tape = _taped(subject.recorded, place, "ledger")
    tally = Tally("power cut during transactions and checkpoints", how=HOW)
    return _cut(tally, tape, place, times=times, seed=seed, then=lambda folder: None)


def cut_campaign(subject: Subject, place: Path, *, times: int, seed: int = 0) -> Tally:
    """Power cut during record and propose, with the round's folder."""
    tape = _taped(subject.filled, place, "campaign")
    tally = Tally(
        "power cut during record and propose",
        how=f"{HOW}; after every {CONTINUED_EVERY}th cut both are done again, and must end in the "
        "same ledger and whole folders",
    )
    wanted = look(place / "undisturbed")

    def then(folder: Path) -> None:
        tally.compare(wanted, done(warm.run(to_the_end, folder)))
        for name in ("R02", "R03"):
            for wrong in wrong_in_folder(folder / "rounds" / name):
                tally.insist(False, f"{folder.name}: {wrong}")

    return _cut(tally, tape, place, times=times, seed=seed, then=then)


def to_the_end(folder: Path) -> Facts:
    """Record and propose again, and say what the ledger holds."""
    record(folder)
    return propose(folder)


def _taped(source: Path, place: Path, what: str) -> Tape:
    place.mkdir(parents=True)
    folder = place / "undisturbed"
    shutil.copytree(source, folder)
    command = [sys.executable, "-m", "benchmarks.faults.taped_work", str(folder), what]
    return taped(command, folder, compiled(place), place / "tape")


def _cut(
    tally: Tally, tape: Tape, place: Path, *, times: int, seed: int, then: Callable[[Path], None]
) -> Tally:
    rng = random.Random(seed)
    returned = tape.acknowledged()

    @cache
    def state(acknowledged: int) -> dict[str, Counter[str]]:
        """What was in the ledger when so many commits had returned."""
        ends = [0, *returned, len(tape.steps)]
        disk = after_power_cut(tape, ends[acknowledged], "all", rng)
        folder = _laid_out(disk, place / f"state {acknowledged}")
        return _content(folder)

    for number in range(times):
        cut, mode = rng.randint(0, len(tape.steps)), MODES[number % len(MODES)]
        with tally.one_try(seed + number):
            folder = _laid_out(after_power_cut(tape, cut, mode, rng), place / f"{seed}-{number}")
            _spoil_index(folder, rng)
            acknowledged = sum(place <= cut for place in returned)
            found = _content(folder)
            old, new = state(acknowledged), state(min(acknowledged + 1, len(returned) + 1))
            tally.counts["the one under way was kept" if found == new != old else "as it was"] += 1
            if found not in (old, new):
                tally.compare(old, found)
            tally.verified(_faults(folder))
            if number % CONTINUED_EVERY == 0:
                then(folder)
            shutil.rmtree(folder)
    tally.counts["steps on the tape"] = len(tape.steps)
    tally.counts["of them syncs"] = sum(step.kind in "SD" for step in tape.steps)
    tally.counts["commits on the tape"] = len(returned)
    return tally


def _laid_out(disk: Disk, folder: Path) -> Path:
    folder.mkdir()
    disk.lay_out(folder)
    return folder


def _spoil_index(folder: Path, rng: random.Random) -> None:
    """The shared index of the write-ahead log is memory, never synced: anything may be in it."""
    for index in folder.glob("*-shm"):
        if rng.random() < 0.5:
            index.unlink()
        else:
            index.write_bytes(rng.randbytes(index.stat().st_size))


def _content(folder: Path) -> dict[str, Counter[str]]:
    try:
        held: dict[str, Any] = tables(folder / "ledger.db")
    except sqlite3.Error as error:
        return {"unreadable": Counter([str(error)])}
    return {name: Counter(rows) for name, rows in held.items()}


def _faults(folder: Path) -> list[str]:
    from experiments.ledger import Ledger

    with Ledger.open(folder / "ledger.db") as ledger:
        return ledger.verify()
