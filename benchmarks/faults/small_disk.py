"""A file system of its own, so small that it is full at once, or that may only be read."""

import os
import random
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

from benchmarks.faults import warm
from benchmarks.faults.subject import Subject, again, done, look, propose, record
from benchmarks.faults.tally import Facts, Tally
from benchmarks.faults.wholeness import wrong_in_folder

KIB: Final = 1024
MOST_FREE_KIB: Final = 600
NOBODY: Final = 65534
"""The account that owns nothing."""


class NoMountError(RuntimeError):
    """File systems cannot be mounted here; it needs root."""


@contextmanager
def small_disk(folder: Path, size: str) -> Iterator[Path]:
    """A file system in memory.

    Raises:
        NoMountError: Where none may be mounted.
    """
    folder.mkdir(parents=True)
    mount = shutil.which("mount")
    command = [mount or "", "-t", "tmpfs", "-o", f"size={size}", "tmpfs", str(folder)]
    if mount is None or subprocess.run(command, capture_output=True, check=False).returncode:
        raise NoMountError("a small disk cannot be mounted here; it needs root")
    try:
        yield folder
    finally:
        subprocess.run(["umount", "-l", str(folder)], check=False)


def full_disk(subject: Subject, place: Path, *, times: int, seed: int = 0) -> Tally:
    """The disk becomes full somewhere within record or propose."""
    tally = Tally(
        "disk full",
        how=f"a tmpfs with 0 to {MOST_FREE_KIB} KiB left, uniformly random, record and propose in "
        "turn: a sentence or success; then space is made and the same is done again",
    )
    rng = random.Random(seed)
    for number in range(times):
        work, source, wanted = (
            (record, subject.filled, subject.settled),
            (propose, subject.recorded, subject.proposed),
        )[number % 2]
        with small_disk(place / f"{seed}-{number}", "16m") as disk, tally.one_try(seed + number):
            folder = subject.copy_of(source, disk / "c")
            filler = fill(disk, leave=KIB * rng.randint(0, MOST_FREE_KIB))
            outcome = warm.run(work, folder)
            _said(tally, outcome, number)
            filler.unlink()
            if outcome.acknowledged:
                table = "readings" if work is record else "proposals"
                tally.lost += (wanted[table] - look(folder)[table]).total()
            found, faults = done(warm.run(again, work, folder))
            tally.compare(wanted, found)
            tally.verified(faults)
            for wrong in wrong_in_folder(folder / "rounds" / "R02"):
                tally.insist(False, f"try {number}: {wrong}")
    return tally


def fill(disk: Path, *, leave: int) -> Path:
    """Fill a file system but for so many bytes."""
    filler = disk / "filler"
    free = os.statvfs(disk).f_bavail * os.statvfs(disk).f_frsize
    with filler.open("wb", buffering=0) as file:
        left = max(0, free - leave)
        while left > 0:
            left -= file.write(bytes(min(left, 64 * KIB)))
    return filler


def read_only(subject: Subject, place: Path, *, times: int, seed: int = 0) -> Tally:
    """A disk that may only be read, and a folder of somebody else, in turn."""
    tally = Tally(
        "read-only folder",
        how="a tmpfs mounted read-only, or a folder of root used by another account, in turn; "
        "record, propose and status each: a sentence, and no byte of the folder changes",
    )
    for number in range(times):
        with small_disk(place / f"{seed}-{number}", "16m") as disk, tally.one_try(seed + number):
            folder = subject.copy_of(subject.filled, disk / "c")
            before = _bytes_of(folder)
            if number % 2 == 0:
                subprocess.run(["mount", "-o", "remount,ro", str(disk)], check=True)
            for work in (record, propose, _status):
                account = None if number % 2 == 0 else NOBODY
                _said(tally, warm.run(_as, account, work, folder), number)
            tally.insist(_bytes_of(folder) == before, f"try {number}: something was written")
            subprocess.run(["mount", "-o", "remount,rw", str(disk)], check=True)
            found, faults = done(warm.run(again, record, folder))
            tally.compare(subject.settled, found)
            tally.verified(faults)
    return tally


def _as(account: int | None, work: Any, folder: Path) -> Facts:
    """Do something as another account."""
    import encodings.utf_8_sig  # noqa: F401  that account may not be let into Python's own folder

    if account is not None:
        os.setgid(account)
        os.setuid(account)
    found: Facts = work(folder)
    return found


def _status(folder: Path) -> Any:
    from experiments.campaign import Campaign

    with Campaign.open(folder) as campaign:
        return campaign.status()["readings"]


def _said(tally: Tally, outcome: warm.Outcome, number: int) -> None:
    """It ended well or with one of glassloop's own sentences."""
    if outcome.error is None:
        tally.counts["done all the same"] += 1
        return
    tally.counts["refused with a sentence"] += outcome.is_user_error
    tally.insist(outcome.is_user_error, f"try {number}: {outcome.error}")


def _bytes_of(folder: Path) -> dict[str, bytes]:
    return {str(path): path.read_bytes() for path in folder.rglob("*") if path.is_file()}
