"""A reading, its frozen prediction and its score together; and whether it would fit elsewhere."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from experiments.scoring import Score, nearest_z, score

FITS_Z: Final = 1.5
"""A reading fits a prediction no farther away than this many standard deviations."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Judged:
    """A scored reading with what it was scored by.

    Attributes:
        reading: Row of the ledger.
        prediction: At the recipe as made.
        score: Its score.
    """

    reading: Mapping[str, Any]
    prediction: Mapping[str, float]
    score: Score

    @property
    def z(self) -> float:
        """Of the reading; of a censored reading that of the nearest point it allows."""
        return nearest_z(self.score)

    def z_explained(self, prediction: Mapping[str, float]) -> float | None:
        """The z under a prediction that explains the reading; ``None`` where it does not.

        It must lie near it, and less than half as far off: a prediction that is merely wider
        explains nothing.
        """
        other = score(self.reading, prediction)
        z, mine, theirs = nearest_z(other), self.score.error, other.error
        nearer = mine is None or theirs is None or abs(theirs) < 0.5 * abs(mine)
        return z if fits(z) and nearer else None

    def z_times(self, factor: float) -> float:
        """The z, had the reading been so many times what it is."""
        scaled = {
            name: None if (value := self.reading.get(name)) is None else factor * value
            for name in ("lower", "upper", "se")
        }
        return nearest_z(score({**self.reading, **scaled}, self.prediction))


def nearest_end(found: Score) -> float:
    """The value read; of a bound or range, the end nearest to the prediction. Physical unit."""
    ends = (found.measured_lower, found.measured_upper)
    near = [end for end in (ends[::-1] if nearest_z(found) < 0 else ends) if end is not None]
    return near[0]


def fits(z: float) -> bool:
    """Whether a reading that far out is no surprise at all."""
    return abs(z) < FITS_Z


def z_text(z: float) -> str:
    """The text of z, with its sign and a digit.

    Examples:
        >>> z_text(-3.14), z_text(2.6)
        ('-3.1', '+2.6')
    """
    return f"{z:+.1f}"
