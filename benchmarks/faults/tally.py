"""What came of doing one fault to a campaign again and again."""

from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from typing import Any

Facts = Mapping[str, Counter[str]]
"""Rows of each table as text, without the times at which they were written."""


@dataclass
class Tally:
    """One row of the table.

    Attributes:
        fault: What was done.
        tried: How often.
        lost: Rows that had been acknowledged, or were there before, and are gone or changed.
        doubled: Rows that are there more often than they should be.
        verify_faults: Sentences of ``verify`` afterwards, over all tries.
        failures: What else should not have been, one sentence a try.
        how: How it was measured.
        command: What repeats it.
        seeds: Of the random moments.
        counts: What happened how often.
    """

    fault: str
    how: str
    tried: int = 0
    lost: int = 0
    doubled: int = 0
    verify_faults: int = 0
    failures: list[str] = field(default_factory=list)
    command: str = ""
    seeds: list[int] = field(default_factory=list)
    counts: Counter[str] = field(default_factory=Counter)

    @property
    def is_clean(self) -> bool:
        """Whether nothing was lost, doubled, unsound or otherwise wrong."""
        return not (self.lost or self.doubled or self.verify_faults or self.failures)

    @contextmanager
    def one_try(self, seed: int) -> Iterator[None]:
        """Count a try; an error in it is a failure and not the end of the others."""
        self.tried += 1
        self.seeds.append(seed)
        try:
            yield
        except Exception as error:  # noqa: BLE001  any of them is what is looked for
            self.failures.append(f"try {seed}: {type(error).__name__}: {error}")

    def compare(self, wanted: Facts, found: Facts) -> None:
        """Count rows that should be there and are not, and rows that are there too often."""
        for table in {*wanted, *found}:
            want, have = wanted.get(table, Counter()), found.get(table, Counter())
            self.lost += (want - have).total()
            self.doubled += (have - want).total()

    def compare_tables(
        self, wanted: Mapping[str, list[str]], found: Mapping[str, list[str]]
    ) -> None:
        """As ``compare``, of whole tables."""
        self.compare(*({k: Counter(v) for k, v in one.items()} for one in (wanted, found)))

    def verified(self, faults: list[str]) -> None:
        """Count what ``verify`` found."""
        self.verify_faults += len(faults)
        self.failures += faults[:3]

    def insist(self, is_so: bool, otherwise: str) -> None:
        """Note what should have been and was not."""
        if not is_so:
            self.failures.append(otherwise)

    def as_row(self) -> dict[str, Any]:
        """Plain data; seeds as first and last."""
        row = asdict(self) | {"counts": dict(sorted(self.counts.items()))}
        row["seeds"] = f"{min(self.seeds)} to {max(self.seeds)}" if self.seeds else ""
        return row
