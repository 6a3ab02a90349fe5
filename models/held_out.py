"""Readings that were predicted without their own glass, and how good the predictions were."""

from dataclasses import dataclass
from math import inf, log
from typing import Final

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from features.errors import TableError
from features.properties import Property
from models import scores
from models.reference_temperature import is_at_reference

Array = NDArray[np.float64]

NARROW: Final = 0.3
"""An interval narrower than this share of a reading's noise is scored by its midpoint."""

Z_90: Final = 1.6448536269514722


@dataclass(frozen=True, slots=True, eq=False)
class ScoredReadings:
    """Readings to be predicted, on the property's scale; n of them.

    Attributes:
        specimen: Shape (n,), ids.
        low: Shape (n,), lower bounds; minus infinity when open.
        high: Shape (n,), upper bounds; infinity when open.
        stated_se: Shape (n,), standard errors; NaN when not stated.
        censored: Shape (n,), whether it is a bound or a wide interval.
        share: Shape (n,), the uniform draw of a randomised transform.
    """

    specimen: NDArray[np.object_]
    low: Array
    high: Array
    stated_se: Array
    censored: NDArray[np.bool_]
    share: Array

    @property
    def middle(self) -> Array:
        """Shape (n,), the value; NaN when censored."""
        with np.errstate(invalid="ignore"):
            return np.where(self.censored, np.nan, 0.5 * (self.low + self.high))


def scored_readings(
    readings: pd.DataFrame, entry: Property, seed: int, temperature_c: float
) -> ScoredReadings:
    """The readings of a property that a prediction at the reference temperature is scored by.

    Args:
        readings: Columns specimen, property, lower, upper, se, physical units, already checked.
        entry: The property.
        seed: Of the randomised transforms.
        temperature_c: The reference temperature, °C.

    Returns:
        The readings, in the order of the table; without those that say nothing, such as a lower
        bound of zero on a log scale.
    """
    own = readings.loc[(readings["property"] == entry.id).to_numpy()]
    own = own.loc[is_at_reference(own, entry, temperature_c)]
    lower, upper, se = (
        pd.to_numeric(own[name]).to_numpy(dtype=float, na_value=np.nan)
        for name in ("lower", "upper", "se")
    )
    low, high = entry.to_scale(lower), entry.to_scale(upper)
    low, high = np.where(np.isnan(low), -inf, low), np.where(np.isnan(high), inf, high)
    says_something = np.isfinite(low) | np.isfinite(high)
    specimen = own["specimen"].map(str).to_numpy(dtype=object)[says_something]
    low, high, se = low[says_something], high[says_something], se[says_something]
    keys = (f"{seed}|{s}|{a}|{b}" for s, a, b in zip(specimen, low, high, strict=True))
    return ScoredReadings(
        specimen=specimen,
        low=low,
        high=high,
        stated_se=_error_on_scale(se, low, high, entry),
        censored=~(high - low < NARROW * entry.noise_sd),
        share=np.array([scores.share_of(key) for key in keys], dtype=float),
    )


def scored_predictions(
    held: ScoredReadings, rows: NDArray[np.intp], predicted: pd.DataFrame, entry: Property
) -> pd.DataFrame:
    """One row a reading: measured, predicted, and every score.

    Args:
        held: All readings.
        rows: Positions of those predicted.
        predicted: Predictions, one row a position, columns ``PREDICTION_COLUMNS``.
        entry: The property.

    Returns:
        Columns specimen, measured_lower, measured_upper, centre, reading_sd, error, log_score,
        crps, pit, inside_50, inside_90, censored; on the property's scale. An error stated above
        the catalogue's usual one widens ``reading_sd``.

    Raises:
        TableError: If a prediction is not finite.
    """
    centre = entry.to_scale(predicted["mean"].to_numpy(dtype=float))
    usual = predicted["reading_sd"].to_numpy(dtype=float)
    if not (np.isfinite(centre).all() and np.isfinite(usual).all() and (usual > 0).all()):
        raise TableError(
            f"compare, {entry.label}: a prediction must be finite with a spread above zero, got "
            f"{centre} with spread {usual}; this surrogate cannot be compared on these readings"
        )
    low, high, censored = held.low[rows], held.high[rows], held.censored[rows]
    stated = np.where(np.isnan(held.stated_se[rows]), 0.0, held.stated_se[rows])
    sd = np.sqrt(usual**2 + np.maximum(stated**2 - entry.default_se**2, 0.0))
    y = held.middle[rows]
    # An exact value has no interval to be in; any stands in for it, and is not used.
    ends = np.where(censored, low, -inf), np.where(censored, high, inf)
    pit = np.where(
        censored,
        scores.randomised_pit(*ends, centre, sd, held.share[rows]),
        scores.pit(y, centre, sd),
    )
    return pd.DataFrame(
        {
            "specimen": held.specimen[rows],
            "measured_lower": low,
            "measured_upper": high,
            "centre": centre,
            "reading_sd": sd,
            "error": y - centre,
            "log_score": np.where(
                censored,
                scores.log_interval_probability(*ends, centre, sd),
                scores.log_density(y, centre, sd),
            ),
            "crps": scores.crps(y, centre, sd),
            "pit": pit,
            "inside_50": np.abs(pit - 0.5) <= 0.25,
            "inside_90": np.abs(pit - 0.5) <= 0.45,
            "censored": censored,
        }
    )


def by_jar(predictions: pd.DataFrame) -> pd.DataFrame:
    """Scores of each jar: means over its readings, so that a jar read often counts once.

    Args:
        predictions: Rows of ``scored_predictions`` with columns surrogate, fold and jar.

    Returns:
        One row a surrogate, fold and jar; columns nlpd, crps, mse, mae, coverage_50,
        coverage_90, sharpness. NaN where all readings of a jar are censored.
    """
    rows = pd.DataFrame(
        {
            "nlpd": -predictions["log_score"],
            "crps": predictions["crps"],
            "mse": predictions["error"] ** 2,
            "mae": predictions["error"].abs(),
            "coverage_50": predictions["inside_50"].astype(float),
            "coverage_90": predictions["inside_90"].astype(float),
            "sharpness": 2 * Z_90 * predictions["reading_sd"],
        }
    )
    keys = [predictions[name] for name in ("surrogate", "fold", "jar")]
    return rows.groupby(keys, sort=False).mean().reset_index()


def score_table(predictions: pd.DataFrame, surrogates: tuple[str, ...]) -> pd.DataFrame:
    """Scores of each surrogate, every jar counting once.

    Args:
        predictions: As for ``by_jar``.
        surrogates: Names, in the order wanted.

    Returns:
        Index surrogate; columns n (readings), rmse, mae, nlpd, crps, coverage_50, coverage_90,
        sharpness (mean width of the 90 % interval of a reading); on the property's scale.
    """
    means = by_jar(predictions).drop(columns=["fold", "jar"]).groupby("surrogate").mean()
    table = means.assign(
        n=predictions.groupby("surrogate").size(), rmse=np.sqrt(means["mse"])
    ).reindex(list(surrogates))
    order = ["n", "rmse", "mae", "nlpd", "crps", "coverage_50", "coverage_90", "sharpness"]
    return table[order]


def _error_on_scale(se: Array, low: Array, high: Array, entry: Property) -> Array:
    """Stated errors on the scale, at the middle of an interval or at its only bound."""
    if entry.scale == "linear":
        return se
    with np.errstate(invalid="ignore"):
        middle = np.where(np.isfinite(low) & np.isfinite(high), 0.5 * (low + high), np.nan)
    value = np.where(np.isfinite(middle), middle, np.where(np.isfinite(high), high, low))
    return se / (entry.from_scale(value) * log(10))
