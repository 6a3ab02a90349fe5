"""Was the model right? Each reading against what was predicted before it was measured."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from math import inf, isnan, sqrt
from typing import Any, Final

import numpy as np
import pandas as pd

from features.properties import Property, property_of
from features.reading import scale_error
from models.scores import (
    crps,
    log_density,
    log_interval_probability,
    pit,
    randomised_pit,
    share_of,
)

NARROW: Final = 0.3
"""An interval narrower than this share of the noise is scored by its midpoint."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Score:
    """One reading against its prediction; on the catalogue's scale where nothing else is said.

    Attributes:
        specimen: Specimen id.
        property: Catalogue id.
        predicted: Predicted centre, physical unit.
        reading_lower: Lower end of the 90 % interval of a new reading, physical unit.
        reading_upper: Upper end.
        measured_lower: Lower bound of the reading, physical; ``None`` when open.
        measured_upper: Upper bound; ``None`` when open.
        error: Measured minus predicted (dex on log scales); ``None`` when censored.
        z: Error over the standard deviation of a new reading; ``None`` when censored.
        inside_50: Whether the reading lies in the central 50 %.
        inside_90: Whether it lies in the central 90 %.
        log_score: Log predictive density, or log probability of the interval when censored.
        pit: Probability integral transform; drawn within the interval (seeded) when censored.
        censored: Whether the reading is a bound or a wide interval.
        z_as_proposed: The same z at the recipe as proposed; ``None`` when censored or unknown.
        z_bound: Of a censored reading, z of the point of its interval nearest to the predicted
            centre, 0 when that lies inside; ``None`` when not censored.
        error_as_proposed: Error at the recipe as proposed; ``None`` as ``z_as_proposed``.
        crps: Continuous ranked probability score there, in units of the scale.
        error_mean: The same error of the plain mean frozen with the round; ``None`` without one.
        crps_mean: Its score.
        error_linear: The same error of the linear fit frozen with the round.
        crps_linear: Its score.
    """

    specimen: str
    property: str
    predicted: float
    reading_lower: float
    reading_upper: float
    measured_lower: float | None
    measured_upper: float | None
    error: float | None
    z: float | None
    inside_50: bool
    inside_90: bool
    log_score: float
    pit: float
    censored: bool
    z_as_proposed: float | None = None
    z_bound: float | None = None
    error_as_proposed: float | None = None
    crps: float | None = None
    error_mean: float | None = None
    crps_mean: float | None = None
    error_linear: float | None = None
    crps_linear: float | None = None


def score(
    reading: Mapping[str, Any],
    prediction: Mapping[str, float],
    *,
    as_proposed: Mapping[str, float] | None = None,
    baselines: Mapping[str, Mapping[str, float]] | None = None,
) -> Score:
    """Score a reading against the prediction of the model that was frozen before it.

    A censored reading (a bound, or an interval wider than 0.3 of the noise) has no z; its PIT is
    drawn uniformly between the distribution function at its ends, seeded by the reading, so
    that PITs of a calibrated model are uniform whatever is censored.

    Args:
        reading: specimen, property, lower, upper in physical units; NaN is an open bound.
        prediction: mean (physical centre), reading_sd (on the scale), reading_lower and
            reading_upper at the recipe as made. A stated error above the usual one widens it.
        as_proposed: The same at the recipe as proposed.
        baselines: What ``mean`` and ``linear`` expected there; compared with ``as_proposed``.

    Returns:
        The score. A censored reading has no error and no CRPS: both need its value.

    References:
        Gneiting, Balabdaoui & Raftery, J. R. Stat. Soc. B 69 (2007) 243; randomised PIT:
        Czado, Gneiting & Held, Biometrics 65 (2009) 1254.
    """
    entry = property_of(str(reading["property"]))
    low, high = _bounds(reading, entry)
    centre, spread = float(entry.to_scale(prediction["mean"])), _spread(reading, prediction, entry)
    exact = high - low < NARROW * entry.noise_sd
    middle = 0.5 * (low + high)
    if exact:
        place = float(pit(middle, centre, spread))
        log_score = float(log_density(middle, centre, spread))
    else:
        key = f"{reading['specimen']}|{reading['property']}|{reading['lower']}|{reading['upper']}"
        place = float(randomised_pit(low, high, centre, spread, share_of(key)))
        log_score = float(log_interval_probability(low, high, centre, spread))
    rivals = {"": as_proposed, **{f"_{k}": v for k, v in (baselines or {}).items()}}
    compared = {
        name: _against(reading, middle, rival, entry)
        for name, rival in rivals.items()
        if exact and rival is not None
    }
    asked = compared.get("", _NOTHING)
    mean, linear = compared.get("_mean", _NOTHING), compared.get("_linear", _NOTHING)
    return Score(
        specimen=str(reading["specimen"]),
        property=entry.id,
        predicted=float(prediction["mean"]),
        reading_lower=float(prediction["reading_lower"]),
        reading_upper=float(prediction["reading_upper"]),
        measured_lower=_physical(reading["lower"]),
        measured_upper=_physical(reading["upper"]),
        error=middle - centre if exact else None,
        z=(middle - centre) / spread if exact else None,
        inside_50=abs(place - 0.5) <= 0.25,
        inside_90=abs(place - 0.5) <= 0.45,
        log_score=log_score,
        pit=place,
        censored=not exact,
        z_bound=None if exact else (min(max(centre, low), high) - centre) / spread,
        z_as_proposed=asked.z,
        error_as_proposed=asked.error,
        crps=asked.crps,
        error_mean=mean.error,
        crps_mean=mean.crps,
        error_linear=linear.error,
        crps_linear=linear.crps,
    )


def nearest_z(found: Score) -> float:
    """The z of a score; of a censored reading, that of the nearest point its interval allows.

    Twice the normal tail beyond it is the probability of a reading that far out, on that side
    or the other.
    """
    return found.z if found.z is not None else (found.z_bound or 0.0)


def summary(scores: Sequence[Score]) -> dict[str, Any]:
    """Scores of a round in a few numbers.

    Args:
        scores: Of one round, or of several.

    Returns:
        ``n``, ``coverage`` (at 50 and 90 %, with ``n``), ``mean_log_score``, and per property
        the root mean square error on its scale with its unit and count, and the mean CRPS of
        the surrogates and of the baselines frozen with them. Empty for no scores.
    """
    if not scores:
        return {"n": 0}
    names = sorted({s.property for s in scores if s.error is not None})
    by_property = {name: _of_property([s for s in scores if s.property == name]) for name in names}
    return {
        "n": len(scores),
        "n_censored": sum(s.censored for s in scores),
        "coverage": {
            "50": float(np.mean([s.inside_50 for s in scores])),
            "90": float(np.mean([s.inside_90 for s in scores])),
            "n": len(scores),
        },
        "mean_log_score": float(np.mean([s.log_score for s in scores])),
        "properties": by_property,
    }


def _of_property(scores: Sequence[Score]) -> dict[str, Any]:
    """Errors of one property on its scale; CRPS also of the baselines, where they were frozen."""
    errors = [s.error for s in scores if s.error is not None]
    found = {
        "rmse": float(np.sqrt(np.mean(np.square(errors)))),
        "unit": property_of(scores[0].property).sd_unit,
        "n": len(errors),
    }
    for name in ("crps", "crps_mean", "crps_linear"):
        values = [value for s in scores if (value := getattr(s, name)) is not None]
        if values:
            found[name] = float(np.mean(values))
    return found


def scores_frame(scores: Sequence[Score]) -> pd.DataFrame:
    """Scores as a table, one row a reading."""
    return pd.DataFrame([asdict(s) for s in scores])


def _spread(reading: Mapping[str, Any], prediction: Mapping[str, float], entry: Property) -> float:
    """Standard deviation of this reading: the prediction's, widened when it states a larger error.

    The prediction of a new reading counts with the catalogue's default error.
    """
    usual = float(prediction["reading_sd"])
    value = _physical(reading["upper"]) or _physical(reading["lower"])
    se = _physical(reading.get("se"))
    if se is None or value is None:
        return usual
    stated = scale_error(value, se, entry.id)
    return sqrt(usual**2 + max(0.0, stated**2 - entry.default_se**2))


def _bounds(reading: Mapping[str, Any], entry: Property) -> tuple[float, float]:
    lower, upper = _physical(reading["lower"]), _physical(reading["upper"])
    return (
        -inf if lower is None else float(entry.to_scale(lower)),
        inf if upper is None else float(entry.to_scale(upper)),
    )


def _physical(value: object) -> float | None:
    return None if value is None or isnan(float(str(value))) else float(str(value))


@dataclass(frozen=True, slots=True)
class _Against:
    """An exact reading against one prediction, on the scale."""

    error: float | None = None
    z: float | None = None
    crps: float | None = None


_NOTHING: Final = _Against()


def _against(
    reading: Mapping[str, Any], value: float, prediction: Mapping[str, float], entry: Property
) -> _Against:
    centre, spread = float(entry.to_scale(prediction["mean"])), _spread(reading, prediction, entry)
    error = value - centre
    return _Against(error, error / spread, float(crps(value, centre, spread)))
