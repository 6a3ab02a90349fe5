"""What is known before a file is read: the specimens of the ledger and the configuration."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from difflib import get_close_matches
from itertools import count
from typing import Any, Final

import pandas as pd

from experiments.config import CampaignConfig
from experiments.ledger_rows import Origin
from experiments.table_limits import MAX_COMPLAINTS

_ROUND: Final = re.compile(r"(R\d+)(?:-|$)", re.IGNORECASE)


@dataclass(frozen=True, slots=True, kw_only=True)
class Bench:
    """What is known before a file is read.

    Attributes:
        jars: Current jars, index specimen.
        pellets: Current pellets, index specimen.
        cells: Current cells, index specimen.
        config: The campaign's configuration.
        origin: What new specimens are: ``lab`` or ``simulated``.
    """

    jars: pd.DataFrame
    pellets: pd.DataFrame
    cells: pd.DataFrame
    config: CampaignConfig
    origin: Origin
    _known: Mapping[str, str] = field(init=False, repr=False, compare=False)
    _rounds: tuple[str, ...] = field(init=False, repr=False, compare=False)
    _asked: Iterator[int] = field(init=False, repr=False, compare=False, default_factory=count)

    def __post_init__(self) -> None:
        """Names by their letters, and rounds, once: a file may hold thousands of unknown names."""
        known = {_letters(name): str(name) for f in self._frames().values() for name in f.index}
        rounds = {*self.jars["round_id"].dropna(), *self.cells["round_id"].dropna()}
        object.__setattr__(self, "_known", known)
        object.__setattr__(self, "_rounds", tuple(sorted(rounds)))

    def kind_of(self, specimen: str) -> str | None:
        """``jar``, ``pellet`` or ``cell``; ``None`` when unknown."""
        for kind, frame in self._frames().items():
            if specimen in frame.index:
                return kind
        return None

    def held(self, specimen: str) -> Mapping[str, Any]:
        """What the ledger holds of a specimen, without what is unknown; empty when it is new."""
        kind = self.kind_of(specimen)
        if kind is None:
            return {}
        row = self._frames()[kind].loc[specimen]
        return {str(name): value for name, value in row.items() if pd.notna(value)}

    def is_of_the_paper(self, specimen: str) -> bool:
        """Whether a specimen is the literature's and not the laboratory's."""
        held = self.held(specimen)
        return "paper" in {held.get("origin"), held.get("core_origin")}

    def meant(self, specimen: str) -> str:
        """A hint at the specimen that was perhaps meant; empty when none is near.

        Looking for it takes milliseconds, so only the first hundred are looked for: whoever has
        more has one mistake in a whole column.
        """
        if next(self._asked) >= MAX_COMPLAINTS:
            return ""
        near = get_close_matches(_letters(specimen), self._known, n=1, cutoff=0.6)
        return f"; did you mean {self._known[near[0]]}?" if near else ""

    def unproposed(self, specimen: str) -> str:
        """Why an unknown id cannot be that of a new specimen; empty when it can."""
        if _letters(specimen) in self._known:
            return f"there is no {specimen}{self.meant(specimen)}"
        match = _ROUND.match(specimen)
        if match is None:
            return ""
        round_id = match[1].upper()
        if round_id in self._rounds:
            said = f"round {round_id} proposed no {specimen}{self.meant(specimen)}"
        else:
            said = f"there is no round {round_id}; rounds: {', '.join(self._rounds) or 'none yet'}"
        return and_then(said, "what you made besides needs a name that is not R and a number")

    def _frames(self) -> dict[str, pd.DataFrame]:
        return {"jar": self.jars, "pellet": self.pellets, "cell": self.cells}


def and_then(said: str, remedy: str) -> str:
    """A clause after another, which may have ended in a question."""
    if not said.endswith("?"):
        return f"{said}; {remedy}"
    return f"{said} {remedy[0].upper()}{remedy[1:]}"


def _letters(specimen: str) -> str:
    """An id as people mix it up: without case, hyphens and blanks."""
    return re.sub(r"[\W_]+", "", str(specimen)).casefold()
