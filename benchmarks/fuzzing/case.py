"""One case after another: what each target did wrong, counted by where it did it."""

import re
import resource
import traceback
from dataclasses import dataclass, field
from time import process_time
from typing import Any, Final

from benchmarks.fuzzing.oracle import FindingError
from benchmarks.fuzzing.targets import TARGETS

_OURS: Final = re.compile("/(?:features|experiments|models|optimizer)/(?!.*site-packages)")

SLOW_S: Final = 5.0
"""Processor time of a case, s; more is a hang."""

LARGE_MB: Final = 500.0
"""Memory that a case may take beyond what was taken before, MB."""


@dataclass(slots=True)
class Tally:
    """What a target did in its cases.

    Attributes:
        target: Its name.
        cases: How many.
        seconds: Processor time of all, s.
        slowest: Of the slowest, s.
        found: By where and what, an example of each (hexadecimal) and how often.
    """

    target: str
    cases: int = 0
    seconds: float = 0.0
    slowest: float = 0.0
    found: dict[str, dict[str, Any]] = field(default_factory=dict)

    def run(self, data: bytes) -> None:
        """One case; what is wrong is noted, and the next one can come."""
        begun, before = process_time(), peak_mb()
        try:
            TARGETS[self.target].run(data)
        except Exception as error:  # noqa: BLE001 - whatever it is, it is a finding
            self._note(_signature(error), data, f"{type(error).__name__}: {error}")
        took = process_time() - begun
        self.cases += 1
        self.seconds += took
        self.slowest = max(self.slowest, took)
        if took > SLOW_S and self.cases > 1:  # the first one makes the campaign it works on
            self._note("slow", data, f"took {took:.1f} s")
        if peak_mb() - before > LARGE_MB and self.cases > 1:
            self._note("large", data, f"took {peak_mb() - before:.0f} MB")

    def _note(self, signature: str, data: bytes, said: str) -> None:
        known = self.found.setdefault(
            signature, {"times": 0, "said": said[:500], "case": data.hex()}
        )
        known["times"] += 1
        if len(data.hex()) < len(known["case"]):
            known.update(case=data.hex(), said=said[:500])


def _signature(error: Exception) -> str:
    """Where an error came from: the innermost line of ours, or of the oracle's caller."""
    frames = traceback.extract_tb(error.__traceback__)
    ours = [f for f in frames if _OURS.search(f.filename)]
    targets = [f for f in frames if "/fuzzing/" in f.filename and "/oracle.py" not in f.filename]
    place = (targets if isinstance(error, FindingError) or not ours else ours)[-1]
    what = str(error).partition(":")[0] if isinstance(error, FindingError) else ""
    return (
        f"{type(error).__name__} {place.filename.rpartition('/')[2]}:{place.lineno} {what}".strip()
    )


def peak_mb() -> float:
    """The most memory this process ever held, MB."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
