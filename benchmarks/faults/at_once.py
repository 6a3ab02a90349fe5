"""Two processes propose at the same moment: one round each, or a clear refusal."""

import shutil
import time
from pathlib import Path
from typing import Any

from benchmarks.faults import warm
from benchmarks.faults.subject import Subject, done, facts, record, verify
from benchmarks.faults.tally import Tally
from benchmarks.faults.wholeness import wrong_in_folder


def proposing_at_once(subject: Subject, place: Path, *, times: int, seed: int = 0) -> Tally:
    """Two propose; every third time somebody records meanwhile."""
    tally = Tally(
        "two processes proposing at once",
        how="both begin at the same moment, every third time a third process records a round too; "
        "each must end with a round of its own or a ConflictError, with no number and no specimen "
        "twice",
    )
    for number in range(times):
        is_recorded = number % 3 == 2
        source = subject.filled if is_recorded else subject.recorded
        folder = subject.copy_of(source, place / f"{seed}-{number}")
        with tally.one_try(seed + number):
            _race(tally, folder, is_recorded=is_recorded)
        shutil.rmtree(folder)
    return tally


def propose_at(folder: Path, moment: float) -> str:
    """Propose a round, all ready to begin at a moment."""
    from experiments.campaign import Campaign

    with Campaign.open(folder) as campaign:
        time.sleep(max(0.0, moment - time.time()))
        return str(campaign.propose(glasses=2, trilayers=1)["round"])


def numbers(folder: Path) -> dict[str, list[Any]]:
    """Rounds, proposed specimens and readings."""
    from experiments.campaign import Campaign

    with Campaign.open(folder) as campaign:
        held = facts(campaign.ledger)
        return {
            "rounds": [*campaign.ledger.rounds()["id"]],
            "specimens": [*campaign.ledger.proposals()["specimen"]],
            "readings": [*held["readings"].elements()],
        }


def _race(tally: Tally, folder: Path, *, is_recorded: bool) -> None:
    before = done(warm.run(numbers, folder))
    moment = time.time() + 1.0
    racing = [warm.start(propose_at, folder, moment) for _ in range(2)]
    if is_recorded:
        racing.append(warm.start(record, folder))
    ended = [one.wait() for one in racing]
    proposed = [one for one in ended[:2] if one.error is None]
    for one in ended[:2]:
        if one.error is not None:
            tally.counts["refused with a ConflictError"] += 1
            tally.insist(one.error.startswith("ConflictError"), f"{folder.name}: {one.error}")
    tally.counts["rounds opened"] += len(proposed)
    tally.insist(len(proposed) >= 1, f"{folder.name}: nobody got a round")
    after = done(warm.run(numbers, folder))
    opened = sorted({*after["rounds"]} - {*before["rounds"]})
    told = sorted(str(one.value) for one in proposed)
    tally.insist(opened == told, f"{folder.name}: told {told}, the ledger has {opened}")
    for kind in ("rounds", "specimens", "readings"):
        tally.doubled += len(after[kind]) - len({*after[kind]})
    if is_recorded:
        tally.insist(ended[2].error is None, f"{folder.name}: {ended[2].error}")
        tally.lost += int(len(after["readings"]) <= len(before["readings"]))
    tally.verified(done(warm.run(verify, folder)))
    for name in opened:
        for wrong in wrong_in_folder(folder / "rounds" / name):
            tally.insist(False, f"{folder.name}: {wrong}")
