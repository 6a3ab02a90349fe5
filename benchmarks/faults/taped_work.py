"""What is done while the power may fail; run as a process of its own under ``tape.c``.

python -m benchmarks.faults.taped_work FOLDER campaign|ledger
"""

import random
import sys
from pathlib import Path
from typing import Final

from benchmarks.faults.tape import ACKNOWLEDGED

NOTES: Final = 90
LONG: Final = 120_000
"""Characters of a note: so many that the write-ahead log is folded in and begun again meanwhile."""


def campaign(folder: Path) -> None:
    """Record a round, which scores and closes it, and propose the next."""
    from benchmarks.faults.subject import FILES
    from experiments.campaign import Campaign

    with Campaign.open(folder) as opened:
        place = opened.round_folder("R02")
        opened.record(*(place / name for name in FILES), by="me")
        opened.propose(glasses=2, trilayers=1)


def ledger(folder: Path) -> None:
    """Many transactions, long ones among them, while somebody else has the ledger open."""
    from experiments.ledger import Ledger
    from experiments.ledger_rows import NoteRow

    rng = random.Random(0)
    with (
        Ledger.open(folder / "ledger.db") as reader,
        reader.kept(),
        Ledger.open(folder / "ledger.db") as writer,
    ):
        for number in range(NOTES):
            size = rng.choice((10, 1000, LONG))
            letters = rng.choices("abcdefgh", k=size)
            with writer.transaction() as tx:
                tx.add_note(NoteRow(id=f"N{number}", text="".join(letters), source="me"))
            if number % 3 == 0:
                reader.notes()


def main(words: list[str]) -> None:
    """Do it, and write a byte for each commit that has returned."""
    from benchmarks.faults.warm import telling_of_transactions

    folder, what = Path(words[0]), words[1]
    with (folder / ACKNOWLEDGED.lstrip("/")).open("ab", buffering=0) as witness:

        def tell(name: str) -> None:
            if name == "committed":
                witness.write(b"c")

        with telling_of_transactions(tell):
            {"campaign": campaign, "ledger": ledger}[what](folder)


if __name__ == "__main__":
    main(sys.argv[1:])
