"""Readings far from their prediction, and which slip would explain each: tried, not guessed.

A cause is named only if it would bring the reading near its prediction: the value in another
unit, the prediction at another temperature or pressure, another specimen's prediction.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from experiments.causes import NOTHING_FITS, causes_of
from experiments.display import range_text, unit_text, value_text
from experiments.frozen_model import FrozenModel
from experiments.judged import Judged, nearest_end, z_text
from experiments.scoring import Score, nearest_z
from features.properties import property_of

SURPRISING_Z: Final = 2.5
"""Farther out lies 1 reading in 81 of a right model: two-sided normal tail 0.0124."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Surprise:
    """A reading that was not expected.

    Attributes:
        specimen: Specimen id.
        property: Catalogue id.
        z: Of the reading, or of the nearest point it allows when it is a bound.
        predicted: Centre, catalogue unit.
        predicted_lower: Lower end of the 90 % range of a new reading.
        predicted_upper: Upper end.
        measured: The value; of a bound or range, the end nearest to the prediction.
        measured_text: The value as read, a bound with its sign.
        unit: Of both.
        causes: What to check, one clause each.
        in_words: The surprise in one clause, without its causes.
    """

    specimen: str
    property: str
    z: float
    predicted: float
    predicted_lower: float
    predicted_upper: float
    measured: float
    measured_text: str
    unit: str
    causes: tuple[str, ...]
    in_words: str


def surprises_of(
    judged: Sequence[Judged], model: FrozenModel, clusters: Mapping[str, str]
) -> list[Surprise]:
    """Surprising readings of a round, the farthest first, each with its possible causes.

    Args:
        judged: All scored readings of the round.
        model: The surrogates frozen with it.
        clusters: Of each specimen.

    Returns:
        Readings with |z| above 2.5.
    """
    found = [
        _surprise(one.score, causes_of(one, judged, model, clusters) or (_repeat(one.score),))
        for one in judged
        if is_surprise(one.score)
    ]
    return sorted(found, key=lambda one: -abs(one.z))


def is_surprise(score: Score) -> bool:
    """Whether a reading lies farther out than one in 81 does when the model is right."""
    return abs(nearest_z(score)) > SURPRISING_Z


def bare_surprises(scores: Sequence[Score]) -> Iterator[Surprise]:
    """Surprises of a round scored by a version that looked for no causes."""
    return (_surprise(score, ()) for score in scores if is_surprise(score))


def _surprise(score: Score, causes: tuple[str, ...]) -> Surprise:
    entry = property_of(score.property)
    unit = unit_text(score.property)
    measured = measured_text(score)
    expected = value_text(score.predicted, score.property)
    ends = range_text(score.reading_lower, score.reading_upper, score.property)
    z = nearest_z(score)
    return Surprise(
        specimen=score.specimen,
        property=score.property,
        z=z,
        predicted=score.predicted,
        predicted_lower=score.reading_lower,
        predicted_upper=score.reading_upper,
        measured=nearest_end(score),
        measured_text=measured,
        unit=entry.unit,
        causes=causes,
        in_words=(
            f"{score.specimen}: {entry.label} {measured} {unit}".rstrip()
            + f" measured, {expected} ({ends}) {unit}".rstrip()
            + f" predicted, z {z_text(z)}"
        ),
    )


def measured_text(score: Score) -> str:
    """A reading as it was: a value, a bound with its sign, or a range; without unit."""
    low, high = score.measured_lower, score.measured_upper
    if low is None or high is None:
        sign, bound = ("<", high) if low is None else (">", low)
        return f"{sign}{value_text(bound, score.property)}"
    ends = [value_text(end, score.property) for end in (low, high)]
    return ends[0] if ends[0] == ends[1] else "..".join(ends)


def _repeat(score: Score) -> str:
    carrier = property_of(score.property).carrier
    return f"{NOTHING_FITS}: repeat the measurement on a second {carrier}"


def as_plain(surprise: Surprise) -> dict[str, Any]:
    """A surprise as JSON has it."""
    return {
        name: list(value) if isinstance(value := getattr(surprise, name), tuple) else value
        for name in Surprise.__slots__
    }
