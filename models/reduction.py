"""What a process does with very many readings: puts repeats together, learns from whole jars."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, final

import numpy as np
from numpy.typing import NDArray

from models.evidence import Evidence
from models.pooling import Leftover, pooled
from models.scatter import repeats_of
from models.thinning import spread_groups, spread_rows
from models.told import READING

Rows = NDArray[np.intp]


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class Reduction:
    """How many readings a process of very many rests on.

    Attributes:
        n_readings: Readings it was told.
        n_used: Of them, those its predictions rest on.
        n_taught: Of them, those its length scales and scatter were learned from; of readings
            without a stated error all repeats count besides.
        n_repeated: Samples read twice or more without a stated error.
    """

    n_readings: int
    n_used: int
    n_taught: int
    n_repeated: int

    @property
    def in_words(self) -> str:
        """What to know of it, as a clause."""
        if self.n_taught == self.n_readings:
            return "length scales taken at their most probable values"
        learned = f"length scales and scatter learned from {self.n_taught} of {self.n_readings}"
        if self.n_used == self.n_readings:
            return learned
        return f"{learned}, predictions from {self.n_used}"

    def to_dict(self) -> dict[str, int]:
        """Plain JSON types."""
        return {name: getattr(self, name) for name in self.__slots__}

    @classmethod
    def from_dict(cls, plain: Mapping[str, Any]) -> "Reduction":
        """What ``to_dict`` wrote."""
        return cls(**{name: int(value) for name, value in plain.items()})


@dataclass(frozen=True, slots=True, eq=False)
class Reduced:
    """Very many readings, made fewer.

    Attributes:
        used: What predictions rest on.
        taught: What the hyperparameters are learned from.
        leftover: What repeats say of errors that were not stated.
        reduction: Counts.
    """

    used: Evidence
    taught: Evidence
    leftover: Leftover
    reduction: Reduction


def reduced(
    evidence: Evidence, *, levels: Sequence[str], prior_sd: float, most: int, taught: int
) -> Reduced:
    """Repeats put together, which loses nothing; of what is still too much, whole groups.

    Groups are those of the first level, jars: a jar comes with all its pellets and readings, or
    the scatter between them could not be learned. They are chosen one after the other, each the
    farthest from those before.

    Args:
        evidence: n readings in canonical order.
        levels: Levels of scatter, the outermost first.
        prior_sd: Of the process, on the scale of the readings.
        most: Rows that predictions rest on.
        taught: Rows that the hyperparameters are learned from.

    Returns:
        The readings, fewer.
    """
    whole = pooled(evidence, levels=list(levels), prior_sd=prior_sd)
    rows, counts = whole.evidence, whole.counts
    used = _some(rows, levels, most)
    learned = _some(rows, levels, taught)
    return Reduced(
        used=rows.take(used),
        taught=rows.take(learned),
        leftover=whole.leftover,
        reduction=Reduction(
            n_readings=len(evidence),
            n_used=int(counts[used].sum()),
            n_taught=int(counts[learned].sum()),
            n_repeated=repeats_of(READING, evidence),
        ),
    )


def _some(evidence: Evidence, levels: Sequence[str], most: int) -> Rows:
    """Positions of at most so many rows."""
    if len(evidence) <= most:
        return np.arange(len(evidence))
    group = next((evidence.groups[name] for name in levels if name in evidence.groups), None)
    x = evidence.points.x
    return spread_rows(x, most) if group is None else spread_groups(x, group, most)
