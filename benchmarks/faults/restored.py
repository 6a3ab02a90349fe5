"""A campaign whose ledger or folder was damaged is taken back from its backup."""

import random
import shutil
from pathlib import Path
from typing import Any, Final

from benchmarks.faults import warm
from benchmarks.faults.flipped import cut_off, sector_of_zeros
from benchmarks.faults.half_folder import next_round
from benchmarks.faults.subject import Subject, done, look, record, verify
from benchmarks.faults.tally import Tally
from benchmarks.faults.wholeness import wrong_in_folder
from experiments.storage import LEDGER_NAME


def restored_campaign(subject: Subject, place: Path, *, times: int, seed: int = 0) -> Tally:
    """Damage a ledger that has a backup, restore it, and work on."""
    tally = Tally(
        "damaged ledger restored from its backup",
        how="'glassloop backup' writes a backup; then the ledger's file is zeroed in 20 places, "
        "cut off, emptied or deleted, or a round is recorded that the backup lacks, in turn; "
        "'glassloop restore' must bring every row back, and the next rounds be recorded and "
        "proposed",
    )
    rng = random.Random(seed)
    for number in range(times):
        harm = _HARMS[number % len(_HARMS)]
        folder = subject.copy_of(subject.filled, place / f"{seed}-{number}")
        with tally.one_try(seed + number):
            backup = place / f"{seed}-{number}.zip"
            tally.verified(done(warm.run(back_up, folder, backup)))
            wanted = look(folder)
            harm(folder / LEDGER_NAME, rng)
            is_newer = harm is newer_than_the_backup
            refused = warm.run(restore, folder, backup, False)
            if is_newer:  # it must be asked for
                tally.insist(
                    "changes that the backup lacks" in str(refused.error),
                    f"try {number}: newer readings were given up unasked",
                )
                done(warm.run(restore, folder, backup, True))
            else:
                done(refused)
            tally.compare(wanted, look(folder))
            tally.compare(subject.settled, done(warm.run(record, folder)))
            following = done(warm.run(next_round, folder))
            tally.verified(done(warm.run(verify, folder)))
            for wrong in wrong_in_folder(folder / "rounds" / following):
                tally.insist(False, f"try {number}: {wrong}")
            tally.counts[harm.__name__.replace("_", " ")] += 1
        shutil.rmtree(folder)
    return tally


def back_up(folder: Path, target: Path) -> list[str]:
    """As the command; gives the faults of the copy."""
    from experiments.backup import back_up as write
    from experiments.campaign import Campaign

    with Campaign.open(folder) as campaign:
        return write(campaign, target)[1]


def restore(folder: Path, backup: Path, give_up_newer: bool) -> Any:
    """As the command."""
    from experiments.backup import restore as take_back

    return take_back(folder, backup, give_up_newer=give_up_newer).to_dict()


def zeroed(file: Path, rng: random.Random) -> None:
    """Sectors in twenty places are zero."""
    content = file.read_bytes()
    for _ in range(20):
        content = sector_of_zeros(content, rng)
    file.write_bytes(content)


def shortened(file: Path, rng: random.Random) -> None:
    """The end is missing."""
    file.write_bytes(cut_off(file.read_bytes(), rng))


def emptied(file: Path, rng: random.Random) -> None:
    """There is no content."""
    file.write_bytes(b"")


def deleted(file: Path, rng: random.Random) -> None:
    """There is no file."""
    file.unlink()


def newer_than_the_backup(file: Path, rng: random.Random) -> None:
    """A round was recorded and the next one proposed since; both are given up."""
    done(warm.run(record, file.parent))
    done(warm.run(next_round, file.parent))


_HARMS: Final = (zeroed, shortened, emptied, deleted, newer_than_the_backup)
