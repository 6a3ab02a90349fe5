"""How right the predictions were, over all scored rounds: what status and report show."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from experiments.clusters import clusters_of
from experiments.drift import drift_of
from experiments.ledger import Ledger
from experiments.rivals import RIVALS
from experiments.scoring import Score
from experiments.surprises import as_plain, bare_surprises
from features.properties import property_of
from models.cluster_share import share_interval
from models.cluster_skill import FEWEST_CLUSTERS, skill_over

Details = Mapping[str, Mapping[str, Any]]
"""By round, what was last written of it: ``scores`` and, perhaps, ``surprises``."""


def scored_rounds(ledger: Ledger) -> dict[str, Mapping[str, Any]]:
    """What was last written of each scored round, oldest round first.

    Args:
        ledger: The campaign's ledger.

    Returns:
        By round, ``scores`` and, unless a version before scored it, ``surprises``.
    """
    events = ledger.round_events()
    scored = events.loc[events["event"] == "scored"]
    latest = scored.groupby("round_id")["detail"].last()
    return {str(name): latest[name] for name in ledger.rounds()["id"] if name in latest.index}


def scores_of(details: Details) -> dict[str, list[Score]]:
    """Scores of each round.

    Args:
        details: As ``scored_rounds`` gives them.
    """
    return {name: [Score(**row) for row in part["scores"]] for name, part in details.items()}


def scorecard(ledger: Ledger, details: Details | None = None) -> dict[str, Any]:
    """Coverage, skill, surprises and drift, as plain data.

    Args:
        ledger: The campaign's ledger.
        details: As ``scored_rounds`` gives them, if they were read already.

    Returns:
        ``coverage_by_round`` and ``coverage_by_property`` (shares inside the 50 and 90 % range,
        with the 95 % interval of the latter), ``coverage_pooled`` (the same of all readings,
        ``None`` without any), ``skill`` by property and ``skill_pooled`` (error and CRPS against
        the baselines), ``surprises``, ``drift``.
    """
    details = scored_rounds(ledger) if details is None else details
    rounds = list(scores_of(details).items())
    clusters = clusters_of(ledger)
    scores = [score for _, part in rounds for score in part]
    names = sorted({score.property for score in scores})
    by_property = {name: [s for s in scores if s.property == name] for name in names}
    skill = {name: skill_of(part, clusters) for name, part in by_property.items()}
    return {
        "coverage_by_round": [
            {"round": name, **coverage_of(part, clusters)} for name, part in rounds if part
        ],
        "coverage_by_property": {
            name: coverage_of(part, clusters) for name, part in by_property.items()
        },
        "coverage_pooled": coverage_of(scores, clusters) if scores else None,
        "skill": {name: found for name, found in skill.items() if found is not None},
        "skill_pooled": skill_of(scores, clusters),
        "surprises": [
            {"round": name, **surprise}
            for name, part in details.items()
            for surprise in _surprises(part)
        ],
        "drift": drift_of(rounds, clusters),
    }


def coverage_of(scores: Sequence[Score], clusters: Mapping[str, str]) -> dict[str, Any]:
    """Shares of readings inside their ranges.

    Args:
        scores: At least one.
        clusters: Of each specimen.

    Returns:
        ``n``, ``n_clusters``, shares ``50`` and ``90``, and of both the 95 % interval that minds
        clusters: ``lower_50``, ``upper_50``, ``lower_90``, ``upper_90``.
    """
    names = [clusters.get(score.specimen, score.specimen) for score in scores]
    _, place = np.unique(names, return_inverse=True)
    counts = np.bincount(place)
    found: dict[str, Any] = {"n": len(scores), "n_clusters": len(counts)}
    for level in ("50", "90"):
        inside = np.array([getattr(score, f"inside_{level}") for score in scores], dtype=float)
        hits = np.bincount(place, inside)
        low, high = share_interval([*map(int, hits)], [*map(int, counts)])
        share = float(inside.mean())
        found |= {level: share, f"lower_{level}": low, f"upper_{level}": high}
    return found


def skill_of(scores: Sequence[Score], clusters: Mapping[str, str]) -> dict[str, Any] | None:
    """Errors of the surrogates against those of the baselines frozen with the same rounds.

    All three are compared at the recipe as proposed, for exact readings: a bound has no error.

    Args:
        scores: Of one property, or of several; then each is counted in parts of the usual
            spread of its readings.
        clusters: Of each specimen.

    Returns:
        ``n``, ``unit``, ``rmse`` and ``crps`` of ``gp``, ``mean`` and ``linear``; ``over_mean``
        and ``over_linear``, the share by which the CRPS of the surrogates is smaller, with its
        95 % interval (``None`` with fewer than eight clusters); ``in_words``. ``None`` where no
        reading has baselines.
    """
    kept = [s for s in scores if s.crps is not None and s.crps_mean is not None]
    if not kept:
        return None
    names = {score.property for score in kept}
    scale = np.array([1.0 if len(names) == 1 else property_of(s.property).noise_sd for s in kept])
    of = {"gp": ("error_as_proposed", "crps"), **{r: (f"error_{r}", f"crps_{r}") for r in RIVALS}}
    errors = {who: np.array([getattr(s, e) for s in kept]) / scale for who, (e, _) in of.items()}
    crps = {who: np.array([getattr(s, c) for s in kept]) / scale for who, (_, c) in of.items()}
    jars = [clusters.get(score.specimen, score.specimen) for score in kept]
    found: dict[str, Any] = {
        "n": len(kept),
        "n_clusters": len(set(jars)),
        "unit": property_of(names.pop()).sd_unit if len(names) == 1 else "usual spreads",
        "rmse": {who: float(np.sqrt(np.mean(part**2))) for who, part in errors.items()},
        "crps": {who: float(part.mean()) for who, part in crps.items()},
    }
    for rival in RIVALS:
        value, low, high = skill_over(crps["gp"], crps[rival], jars)
        found[f"over_{rival}"] = {"value": value, "lower": low, "upper": high}
    return found | {"in_words": skill_in_words(found)}


def skill_in_words(skill: Mapping[str, Any]) -> str:
    """How much smaller the error is than that of the baselines, in one sentence.

    Examples:
        >>> over = {"value": 0.31, "lower": 0.12, "upper": 0.47}
        >>> skill_in_words({"over_mean": over, "over_linear": over, "n_clusters": 12})
        'CRPS 31 % below the plain mean (12 to 47 %), 31 % below the linear fit (12 to 47 %)'
    """
    parts = []
    for rival, label in RIVALS.items():
        over = skill[f"over_{rival}"]
        share, side = abs(over["value"]), "below" if over["value"] >= 0 else "above"
        said = f"{100 * share:.0f} % {side} the {label}"
        if over["lower"] is not None:
            ends = sorted(
                (end if side == "below" else -end) for end in (over["lower"], over["upper"])
            )
            said += f" ({100 * ends[0]:.0f} to {100 * ends[1]:.0f} %)"
        parts.append(said)
    few = skill["n_clusters"] < FEWEST_CLUSTERS
    note = f"; {skill['n_clusters']} independent jars, too few for an interval" if few else ""
    return f"CRPS {', '.join(parts)}{note}"


def _surprises(detail: Mapping[str, Any]) -> list[dict[str, Any]]:
    if "surprises" in detail:
        return list(detail["surprises"])
    return [as_plain(one) for one in bare_surprises([Score(**row) for row in detail["scores"]])]
