"""Another process holds the ledger's lock longer than anybody waits, or dies holding it."""

import shutil
import sqlite3
import time
from contextlib import closing
from pathlib import Path

from benchmarks.faults import warm
from benchmarks.faults.subject import Subject, again, done, look, propose, record
from benchmarks.faults.tally import Facts, Tally

WAIT_S = 0.5


def locked_ledger(
    subject: Subject, place: Path, *, times: int, seed: int = 0, wait_s: float = WAIT_S
) -> Tally:
    """Record and propose while the ledger is locked.

    Args:
        subject: The campaigns.
        place: Where copies are made.
        times: How often.
        seed: Number of the first try.
        wait_s: How long commands wait for the lock instead of the usual 30 s.
    """
    tally = Tally(
        "ledger locked by another process",
        how=f"another process holds SQLite's write lock, record and propose wait {wait_s:g} s for "
        "it: a sentence, nothing written; it is then let go, or its holder killed by SIGKILL",
    )
    for number in range(times):
        work, source, wanted = (
            (record, subject.filled, subject.settled),
            (propose, subject.recorded, subject.proposed),
        )[number % 2]
        folder = subject.copy_of(source, place / f"{seed}-{number}")
        with tally.one_try(seed + number):
            before = look(folder)
            holder = warm.start(hold, folder, wait_s)
            while not (folder / "held").exists():
                time.sleep(0.01)
            outcome = warm.run(impatient, work, folder, wait_s)
            tally.insist(
                outcome.error is not None
                and outcome.is_user_error
                and "another process is writing" in outcome.error,
                f"try {number}: {outcome.error}",
            )
            if number % 4 < 2:
                holder.kill()
            else:
                (folder / "held").unlink()
                holder.wait()
            tally.compare(before, look(folder))
            found, faults = done(warm.run(again, work, folder))
            tally.compare(wanted, found)
            tally.verified(faults)
        shutil.rmtree(folder)
    return tally


def hold(folder: Path, wait_s: float) -> None:
    """Keep the write lock, with something written and not committed, until told otherwise."""
    with closing(sqlite3.connect(folder / "ledger.db", isolation_level=None)) as connection:
        connection.execute("BEGIN IMMEDIATE")
        connection.execute("UPDATE meta SET value = 'broken' WHERE key = 'campaign'")
        (folder / "held").touch()
        while (folder / "held").exists():
            time.sleep(0.02)
        connection.execute("ROLLBACK")


def impatient(work: object, folder: Path, wait_s: float) -> Facts:
    """Do something, waiting less long for the lock than usual."""
    from experiments import ledger_database

    ledger_database.BUSY_TIMEOUT_S = wait_s  # type: ignore[misc]
    found: Facts = work(folder)  # type: ignore[operator]
    return found
