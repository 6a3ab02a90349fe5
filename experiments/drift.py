r"""Whether predictions have stopped being right: a test one may look at after every round.

A right model's 90 % ranges miss one reading in ten, whatever else is true. Each jar bets on more
misses than that; a bet is fair, so what it wins has expectation 1, and it seldom grows large:

.. math:: E = \sum_s w_s \frac{1}{4} \sum_\lambda \prod_{r \ge s} \prod_{j \in r}
          [1 + \lambda (m_{rj} - 0.1)],\qquad w_s = \frac{1}{s (s + 1)}

with m the share of readings of jar j of round r outside their range, s the round since which
ranges are too narrow. By Ville's inequality E reaches 20 in at most one of 20 campaigns whose
ranges are right, however often one looks, if the jars of a round miss independently; readings
of one jar may hang together as they like.
A second bet is on readings of one property all lying on one side of the prediction.

References:
    Ramdas, Grünwald, Vovk & Shafer, Game-theoretic statistics and safe anytime-valid inference,
    arXiv:2210.01948.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from experiments.scoring import Score
from features.properties import property_of

ALARM: Final = 20.0
"""E from which drift is said: at most one campaign in 20 with right ranges reaches it."""

EXPECTED_MISSES: Final = 0.1

_MISS_STAKES: Final = np.array([1.0, 2.0, 4.0, 7.0])
_SIDE_STAKES: Final = np.array([0.5, 1.0, 1.7])

Array = NDArray[np.float64]
Round = tuple[str, Sequence[Score]]


@dataclass(frozen=True, slots=True)
class Evidence:
    """What a bet won.

    Attributes:
        value: E; 1 is nothing, large is against the model.
        since: Place of the round since which it won most.
    """

    value: float
    since: int


def drift_of(rounds: Sequence[Round], clusters: Mapping[str, str]) -> dict[str, Any] | None:
    """The warning, if coverage has fallen or readings of a property lie to one side.

    Args:
        rounds: Id and scores of each scored round, oldest first.
        clusters: Of each specimen; readings of one cluster of a round count as one observation.

    Returns:
        ``None`` without a warning; else ``since`` (round), ``n`` and ``inside`` (readings since
        then, and how many lay in their 90 % range), ``evidence``, ``properties`` that lie to one
        side, and ``in_words``.
    """
    full = [(name, scores) for name, scores in rounds if scores]
    if not full:
        return None
    missed = misses(full, clusters)
    sided = sides(full)
    n_sides = max(1, len(sided))
    to_one_side = sum(found.value for found in sided.values()) / n_sides
    total = 0.5 * (missed.value + to_one_side)
    if total < ALARM:
        return None
    strongest = max(sided, key=lambda key: sided[key].value)
    by_misses = missed.value >= to_one_side
    start = missed.since if by_misses else sided[strongest].since
    later = [score for _, scores in full[start:] for score in scores]
    inside = sum(score.inside_90 for score in later)
    leaning = [key for key, found in sided.items() if found.value >= ALARM]
    since = full[start][0]
    return {
        "since": since,
        "n": len(later),
        "inside": inside,
        "evidence": total,
        "properties": [f"{name} {side}" for name, side in leaning],
        "in_words": _in_words(since, inside, later, leaning),
    }


def misses(rounds: Sequence[Round], clusters: Mapping[str, str]) -> Evidence:
    """Evidence that more readings than one in ten lie outside their 90 % range."""
    shares = [
        _by_cluster(scores, clusters, lambda score: float(not score.inside_90))
        for _, scores in rounds
    ]
    return _bet(shares, EXPECTED_MISSES, _MISS_STAKES)


def sides(rounds: Sequence[Round]) -> dict[tuple[str, str], Evidence]:
    """Evidence that readings lie to one side, by property and ``higher`` or ``lower``.

    A round is one bet: its readings of a property share what the surrogate did not know, so
    they lie on one side together even when it is right.
    """
    found = {}
    for name in sorted({score.property for _, scores in rounds for score in scores}):
        own = [[score.pit for score in scores if score.property == name] for _, scores in rounds]
        means = [np.array([np.mean(part)] if part else []) for part in own]
        found[name, "higher"] = _bet(means, 0.5, _SIDE_STAKES)
        found[name, "lower"] = _bet(means, 0.5, -_SIDE_STAKES)
    return found


def _by_cluster(
    scores: Sequence[Score], clusters: Mapping[str, str], value: Callable[[Score], float]
) -> Array:
    """Mean of a value in each cluster of a round."""
    groups = dict[str, list[float]]()
    for score in scores:
        groups.setdefault(clusters.get(score.specimen, score.specimen), []).append(value(score))
    return np.array([np.mean(group) for group in groups.values()])


def _bet(rounds: Sequence[Array], fair: float, stakes: Array) -> Evidence:
    """What was won by betting that the means exceed the fair one, since each round."""
    log_gains = np.array(
        [np.log1p(stakes * (means[:, None] - fair)).sum(axis=0) for means in rounds]
    )
    since = np.exp(log_gains[::-1].cumsum(axis=0)[::-1]).mean(axis=1)
    start = np.arange(1, len(rounds) + 1)
    weighted = since / (start * (start + 1))
    return Evidence(float(weighted.sum() + 1 / (len(rounds) + 1)), int(weighted.argmax()))


def _in_words(
    since: str, inside: int, later: Sequence[Score], leaning: Sequence[tuple[str, str]]
) -> str:
    expected = (1 - EXPECTED_MISSES) * len(later)
    said = (
        f"since {since}, {inside} of {len(later)} readings lie in their 90 % range "
        f"({expected:.0f} expected)"
    )
    for name, side in leaning:
        own = [score for score in later if score.property == name]
        beyond = sum((score.pit > 0.5) == (side == "higher") for score in own)
        label = property_of(name).label
        said += f"; {label} reads {side} than predicted in {beyond} of {len(own)}"
    return (
        f"{said}. Right ranges cause this warning in at most 1 campaign of 20, if the jars of a "
        "round miss independently of each other. Until it is "
        "understood take proposed ranges as too narrow: check the surprises, what changed "
        "(raw material, mill, electrodes, operator), make the control again, and see "
        "'glassloop compare'."
    )
