"""Was the model right? Each reading against what was predicted before it was measured."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from hashlib import sha256
from math import inf, isnan, log, sqrt
from typing import Any, Final

import numpy as np
import pandas as pd
from scipy.stats import norm

from features.properties import Property, property_of
from features.reading import scale_error

NARROW: Final = 0.3
"""An interval narrower than this share of the noise is scored by its midpoint."""

Z_90: Final = 1.6448536269514722
Z_50: Final = 0.6744897501960817


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


def score(
    reading: Mapping[str, Any],
    prediction: Mapping[str, float],
    *,
    as_proposed: Mapping[str, float] | None = None,
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

    Returns:
        The score.

    References:
        Gneiting, Balabdaoui & Raftery, J. R. Stat. Soc. B 69 (2007) 243; randomised PIT:
        Czado, Gneiting & Held, Biometrics 65 (2009) 1254.
    """
    entry = property_of(str(reading["property"]))
    low, high = _bounds(reading, entry)
    centre, spread = float(entry.to_scale(prediction["mean"])), _spread(reading, prediction, entry)
    exact = high - low < NARROW * entry.noise_sd
    if exact:
        error = 0.5 * (low + high) - centre
        z: float | None = error / spread
        pit = float(norm.cdf(error / spread))
        log_score = float(norm.logpdf(error / spread)) - log(spread)
    else:
        error, z = inf, None
        pit, log_score = _censored((low - centre) / spread, (high - centre) / spread, reading)
    return Score(
        specimen=str(reading["specimen"]),
        property=entry.id,
        predicted=float(prediction["mean"]),
        reading_lower=float(prediction["reading_lower"]),
        reading_upper=float(prediction["reading_upper"]),
        measured_lower=_physical(reading["lower"]),
        measured_upper=_physical(reading["upper"]),
        error=error if exact else None,
        z=z,
        inside_50=abs(pit - 0.5) <= 0.25,
        inside_90=abs(pit - 0.5) <= 0.45,
        log_score=log_score,
        pit=pit,
        censored=not exact,
        z_as_proposed=_z_at(reading, as_proposed, entry) if exact and as_proposed else None,
    )


def summary(scores: Sequence[Score]) -> dict[str, Any]:
    """Scores of a round in a few numbers.

    Args:
        scores: Of one round, or of several.

    Returns:
        ``n``, ``coverage`` (at 50 and 90 %, with ``n``), ``mean_log_score``, and per property
        the root mean square error on its scale with its unit and count. Empty for no scores.
    """
    if not scores:
        return {"n": 0}
    by_property = {}
    for name in sorted({s.property for s in scores}):
        errors = [s.error for s in scores if s.property == name and s.error is not None]
        if errors:
            rmse = float(np.sqrt(np.mean(np.square(errors))))
            by_property[name] = {
                "rmse": rmse,
                "unit": property_of(name).sd_unit,
                "n": len(errors),
            }
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


def _z_at(reading: Mapping[str, Any], prediction: Mapping[str, float], entry: Property) -> float:
    low, high = _bounds(reading, entry)
    centre = float(entry.to_scale(prediction["mean"]))
    return (0.5 * (low + high) - centre) / _spread(reading, prediction, entry)


def _censored(low: float, high: float, reading: Mapping[str, Any]) -> tuple[float, float]:
    """PIT and log probability of an interval in standard units, stable in both tails."""
    if low > 0:  # work in the tail where the digits are
        low, high, mirrored = -high, -low, True
    else:
        mirrored = False
    log_high, log_low = norm.logcdf(high), norm.logcdf(low)
    log_probability = float(log_high + np.log1p(-np.exp(min(log_low - log_high, -1e-300))))
    key = f"{reading['specimen']}|{reading['property']}|{reading['lower']}|{reading['upper']}"
    seed = int.from_bytes(sha256(key.encode()).digest()[:8], "big")
    share = float(np.random.default_rng(seed).random())
    pit = float(np.exp(log_low) + share * (np.exp(log_high) - np.exp(log_low)))
    return (1.0 - pit if mirrored else pit), log_probability
