"""A ledger's file with flipped bits, lost sectors or a lost end: it must not be believed."""

import random
import sqlite3
from pathlib import Path

from benchmarks.faults.subject import Subject, tables
from benchmarks.faults.tally import Tally
from experiments.ledger import Ledger
from features.errors import LedgerError

SECTOR = 512


def flipped_ledger(subject: Subject, place: Path, *, times: int, seed: int = 0) -> Tally:
    """Damage a ledger's file somewhere, and see whether that is found.

    ``counts`` says how each was found: refused when opened, named by ``verify``, or harmless,
    which is that every row and the schema read as before.
    """
    tally = Tally(
        "ledger with flipped bits or lost sectors, or truncated",
        how="one to three bits anywhere in the file, a sector of zeros or of another place, or the "
        "file cut off, in turn; it must be refused or named by verify unless every row reads as "
        "before",
    )
    place.mkdir(parents=True)
    sound = (subject.recorded / "ledger.db").read_bytes()
    wanted = tables(subject.recorded / "ledger.db")
    rng = random.Random(seed)
    for number in range(times):
        harm = _HARMS[number % len(_HARMS)]
        file = place / f"{seed}-{number}.db"
        with tally.one_try(seed + number):
            file.write_bytes(harm(sound, rng))
            found_by = _found_by(file)
            if found_by == "nobody":
                found_by = _read_as(file, wanted)
                tally.insist(
                    found_by == "harmless", f"try {number}, {harm.__name__}: {found_by}, unnoticed"
                )
            tally.counts[f"{harm.__name__.replace('_', ' ')}: {found_by}"] += 1
        for left in place.glob(f"{file.name}*"):
            left.unlink()
    return tally


def _found_by(file: Path) -> str:
    """Who found the damage; any other error than a complaint is passed on."""
    try:
        with Ledger.open(file) as ledger:
            return "verify" if ledger.verify() else "nobody"
    except LedgerError:
        return "refused"


def _read_as(file: Path, wanted: dict[str, list[str]]) -> str:
    """Whether all reads as before."""
    try:
        found = tables(file)
    except sqlite3.Error as error:
        return f"unreadable ({error})"
    changed = [name for name in {*found, *wanted} if found.get(name) != wanted.get(name)]
    return f"changed: {', '.join(sorted(changed))}" if changed else "harmless"


def bits_flipped(sound: bytes, rng: random.Random) -> bytes:
    """One to three bits."""
    found = bytearray(sound)
    for _ in range(rng.randint(1, 3)):
        found[rng.randrange(len(found))] ^= 1 << rng.randrange(8)
    return bytes(found)


def sector_of_zeros(sound: bytes, rng: random.Random) -> bytes:
    """A sector that was never written."""
    at = SECTOR * rng.randrange(len(sound) // SECTOR)
    return sound[:at] + bytes(SECTOR) + sound[at + SECTOR :]


def sector_of_elsewhere(sound: bytes, rng: random.Random) -> bytes:
    """A sector that was written to the wrong place."""
    at, source = (SECTOR * rng.randrange(len(sound) // SECTOR) for _ in range(2))
    return sound[:at] + sound[source : source + SECTOR] + sound[at + SECTOR :]


def cut_off(sound: bytes, rng: random.Random) -> bytes:
    """The end is missing; often to whole pages."""
    size = rng.randrange(len(sound))
    return sound[: size if rng.random() < 0.5 else size // 4096 * 4096]


_HARMS = (bits_flipped, bits_flipped, sector_of_zeros, sector_of_elsewhere, cut_off)
