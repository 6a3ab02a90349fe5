"""How well predictions match a simulated truth and new readings, and how sure that is."""

from typing import Final

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray
from virtual_tables import records

from experiments.scoring import score
from features.properties import property_of
from models.scores import crps, log_density

Array = NDArray[np.float64]

N_BOOTSTRAP: Final = 4000
Z_50: Final = 0.6744897501960817


def truth_scores(
    predicted: pd.DataFrame, truth: "pd.Series[float]", property_id: str
) -> dict[str, float]:
    """Predictions of the true value against it; means over the rows, on the property's scale.

    The 90 % interval is the one that is printed; the 50 % one is normal about the centre.
    """
    entry = property_of(property_id)
    sd = predicted["sd"].to_numpy(dtype=float)
    error = entry.to_scale(truth) - entry.to_scale(predicted["mean"])
    inside = (predicted["lower"] <= truth) & (truth <= predicted["upper"])
    width = entry.to_scale(predicted["upper"]) - entry.to_scale(predicted["lower"])
    return {
        "n_new": len(error),
        "inside_50": float(np.mean(np.abs(error) <= Z_50 * sd)),
        "inside_90": float(np.mean(inside)),
        "crps": float(np.mean(crps(error, 0.0, sd))),
        "nlpd": float(-np.mean(log_density(error, 0.0, sd))),
        "rmse": float(np.sqrt(np.mean(error**2))),
        "width_90": float(np.mean(width)),
    }


def reading_scores(predicted: pd.DataFrame, readings: pd.DataFrame) -> dict[str, float]:
    """Predictions of new readings against them, as ``glassloop status`` scores them.

    CRPS is over readings that are values; coverage counts bounds too, by a randomised PIT.
    """
    of_each = records(predicted.loc[readings["specimen"]])
    pairs = zip(records(readings), of_each, strict=True)
    scores = [score(row, prediction) for row, prediction in pairs]
    exact = [(s.error, s.z) for s in scores if s.error is not None and s.z]
    errors = np.array([error for error, _ in exact])
    spreads = np.array([error / z for error, z in exact])
    return {
        "reading_n": len(scores),
        "reading_censored": sum(s.censored for s in scores),
        "reading_inside_50": float(np.mean([s.inside_50 for s in scores])),
        "reading_inside_90": float(np.mean([s.inside_90 for s in scores])),
        "reading_nlpd": -float(np.mean([s.log_score for s in scores])),
        "reading_crps": float(crps(errors, 0.0, spreads).mean()) if exact else float("nan"),
    }


def mean_and_interval(values: ArrayLike, weights: ArrayLike | None = None) -> Array:
    """Mean over tables with its 95 % interval: whole tables are drawn again (cluster bootstrap).

    Args:
        values: One a table; NaN counts as not there.
        weights: One a table, default 1; a ratio of sums is a mean with weights.

    Returns:
        Mean, lower, upper.
    """
    all_values = np.asarray(values, dtype=float)
    there = np.isfinite(all_values)
    kept = all_values[there]
    weight = np.ones(len(kept)) if weights is None else np.asarray(weights, dtype=float)[there]
    if not len(kept):
        return np.full(3, np.nan)
    rng = np.random.default_rng(0)
    times = rng.multinomial(len(kept), np.full(len(kept), 1 / len(kept)), size=N_BOOTSTRAP)
    means = (times @ (kept * weight)) / (times @ weight)
    lower, upper = np.quantile(means, [0.025, 0.975])
    return np.array([np.average(kept, weights=weight), lower, upper])


def interval_text(values: Array, form: str = "{:.3f}") -> str:
    """Mean and its interval, as ``0.901 (0.880 to 0.921)``."""
    mean, lower, upper = (form.format(value) for value in values)
    return f"{mean} ({lower} to {upper})"


def percent_text(values: Array) -> str:
    """The same of a share, in percent: ``90.1 (88.0 to 92.1)``."""
    return interval_text(100 * values, "{:.1f}")
