"""A round's folder that is not whole, or not its own: completed or named, and the ledger unchanged.

Commands are those of the command line, in a child that calls them in turn.
"""

import os
import random
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

from benchmarks.faults import warm
from benchmarks.faults.subject import FILES, Subject, done, facts, look, record, verify
from benchmarks.faults.tally import Facts, Tally
from benchmarks.faults.wholeness import wrong_in_folder
from experiments.round_files import ROUND_FILES

UNFILLED: Final = tuple(name for name in ROUND_FILES if name not in FILES)
"""Files nobody writes into."""


def half_folder(subject: Subject, place: Path, *, times: int, seed: int = 0) -> Tally:
    """Harm the folder of an open round, show the round, record it, and look at the ledger."""
    tally = Tally(
        "round folder half written",
        how="of an open round's folder some files are deleted, emptied, cut off, zeroed or "
        "replaced by noise, left-over drafts put beside them, the folder deleted, or the folder of "
        "another round put where the next one will be, in turn; then the round is shown, verified, "
        "recorded, and the next one proposed",
    )
    rng = random.Random(seed)
    for number in range(times):
        harm = _HARMS[number % len(_HARMS)]
        folder = subject.copy_of(subject.filled, place / f"{seed}-{number}")
        rounds = folder / "rounds"
        kept = {name: (rounds / "R02" / name).read_bytes() for name in FILES}
        with tally.one_try(seed + number):
            touched = harm(rounds / "R02", rng)
            tally.counts[harm.__name__.replace("_", " ")] += 1
            before = look(folder)
            shown = warm.run(show, folder)
            _fine(tally, shown, number)
            tally.compare(before, look(folder))
            named = " ".join(done(warm.run(verify, folder)))
            for wrong in wrong_in_folder(rounds / "R02"):
                name = wrong.partition("/")[2].partition(" ")[0]
                is_said = name in named or name in FILES
                tally.insist(is_said, f"try {number}, {harm.__name__}: {wrong}, unnoticed")
            _form(tally, harm.__name__, rounds / "R02", touched, kept)
            for name, content in kept.items():
                (rounds / "R02" / name).write_bytes(content)
            recorded = warm.run(record, folder)
            if recorded.error is not None and "predictions.json" in recorded.error:
                (rounds / "R02" / "predictions.json").unlink()  # as the sentence says
                recorded = warm.run(record, folder)
            tally.compare(subject.settled, done(recorded))
            following = done(warm.run(next_round, folder))
            tally.verified(done(warm.run(verify, folder)))
            for wrong in wrong_in_folder(rounds / following):
                tally.insist(False, f"try {number}, {harm.__name__}: {wrong}")
        shutil.rmtree(folder)
    return tally


def show(folder: Path) -> Facts:
    """The open round, its folder completed."""
    from experiments.cli_parts import open_campaign

    with open_campaign(folder) as campaign:
        campaign.show("R02")
        return facts(campaign.ledger)


def next_round(folder: Path) -> str:
    """Propose, and insist that the sheet in the folder is of that round."""
    from experiments.campaign import Campaign

    with Campaign.open(folder) as campaign:
        round_ = campaign.propose(glasses=2, trilayers=1)
        sheet = (campaign.round_folder(round_["round"]) / "batch.csv").read_text()
        for glass in round_["glasses"]:
            wanted = glass["predictions"]["ionic_conductivity"]["mean"]
            if str(wanted) not in sheet:
                raise RuntimeError(f"batch.csv of {round_['round']} is of another round")
        return str(round_["round"])


def _form(
    tally: Tally, harm: str, folder: Path, touched: list[str], kept: dict[str, bytes]
) -> None:
    """Filled forms that were not touched are as they were; those left empty are forms again."""
    for name, content in kept.items():
        held = (folder / name).read_bytes()
        if name not in touched:
            tally.insist(held == content, f"{harm}: {name} was overwritten")
        elif not held.strip(b"\0"):
            tally.insist(False, f"{harm}: {name} stayed empty")


def _fine(tally: Tally, outcome: warm.Outcome, number: int) -> None:
    tally.insist(outcome.error is None or outcome.is_user_error, f"try {number}: {outcome.error}")
    tally.counts["shown" if outcome.error is None else "refused with a sentence"] += 1


def files_missing(folder: Path, rng: random.Random) -> list[str]:
    """Some files are not there."""
    return _each(folder, rng, ROUND_FILES, Path.unlink)


def files_empty(folder: Path, rng: random.Random) -> list[str]:
    """Some files have no content."""
    return _each(folder, rng, ROUND_FILES, lambda path: path.write_bytes(b""))


def files_of_zeros(folder: Path, rng: random.Random) -> list[str]:
    """Some files have their size and no content, as after a power cut."""
    return _each(
        folder, rng, ROUND_FILES, lambda path: path.write_bytes(bytes(path.stat().st_size))
    )


def files_cut_off(folder: Path, rng: random.Random) -> list[str]:
    """Some files have only a beginning."""
    return _each(
        folder, rng, UNFILLED,
        lambda path: os.truncate(path, rng.randrange(max(1, path.stat().st_size - 1))),
    )  # fmt: skip


def files_of_noise(folder: Path, rng: random.Random) -> list[str]:
    """Some files hold anything."""
    return _each(
        folder, rng, UNFILLED, lambda path: path.write_bytes(rng.randbytes(rng.randrange(1, 5000)))
    )


def drafts_left_over(folder: Path, rng: random.Random) -> list[str]:
    """A killed process left drafts, and files are missing."""
    for name in ROUND_FILES:
        (folder / f".{name}.x1y2z3.part").write_bytes(rng.randbytes(100))
    return files_missing(folder, rng)


def folder_missing(folder: Path, rng: random.Random) -> list[str]:
    """There is no folder."""
    shutil.rmtree(folder)
    return [*ROUND_FILES]


def folder_of_another_round(folder: Path, rng: random.Random) -> list[str]:
    """Where the next round's folder will be lies one of a ledger that was since restored."""
    shutil.copytree(folder, folder.with_name("R03"))
    return []


_HARMS: Final[tuple[Callable[[Path, random.Random], list[str]], ...]] = (
    files_cut_off, folder_of_another_round, folder_missing, files_missing, files_empty,
    files_of_zeros, files_of_noise, drafts_left_over,
)  # fmt: skip


def _each(
    folder: Path, rng: random.Random, names: tuple[str, ...], harm: Callable[[Path], Any]
) -> list[str]:
    chosen = rng.sample(names, rng.randint(1, len(names)))
    for name in chosen:
        harm(folder / name)
    return chosen
