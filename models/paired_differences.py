"""Which surrogate is better, and whether the readings can tell: a paired bootstrap over folds."""

from itertools import permutations
from typing import Final

import numpy as np
import pandas as pd
from numpy.typing import NDArray

Array = NDArray[np.float64]

SCORES: Final = ("nlpd", "crps", "rmse")
RESAMPLES: Final = 2000
FEWEST_GLASSES: Final = 8
"""With fewer no winner is named: a bootstrap over so few folds has intervals too narrow."""

BASELINE: Final = "mean"


def differences_of(jars: pd.DataFrame, surrogates: tuple[str, ...], seed: int) -> pd.DataFrame:
    """Differences between surrogates with 95 % intervals, from folds drawn with replacement.

    Both surrogates of a pair see the same folds, so what is hard for both cancels.

    Args:
        jars: Scores of ``by_jar``.
        surrogates: Names, in the order wanted.
        seed: Of the resampling.

    Returns:
        Columns surrogate, against, score, difference (negative: ``surrogate`` is better), lower,
        upper. NaN where all readings are censored and the score has no value.

    References:
        Efron & Tibshirani, An Introduction to the Bootstrap, Chapman & Hall 1993, chapter 13.

    Examples:
        >>> jars = pd.DataFrame(
        ...     {"surrogate": ["a", "a", "b", "b"], "fold": [1, 2, 1, 2], "nlpd": [0, 1, 2, 3],
        ...      "crps": 1.0, "mse": 1.0}
        ... )
        >>> differences_of(jars, ("a", "b"), 0).query("score == 'nlpd'")["difference"].tolist()
        [-2.0, 2.0]
    """
    folds = list(dict.fromkeys(jars["fold"]))
    rng = np.random.default_rng(seed)
    drawn = rng.multinomial(len(folds), np.full(len(folds), 1 / len(folds)), size=RESAMPLES)
    weights = np.vstack([np.ones(len(folds)), drawn])  # the first row is the data themselves
    values = {
        (name, score): _statistic(jars.loc[jars["surrogate"] == name], folds, score, weights)
        for name in surrogates
        for score in SCORES
    }
    rows = []
    for name, against in permutations(surrogates, 2):
        for score in SCORES:
            difference = values[name, score] - values[against, score]
            resampled = difference[1:][np.isfinite(difference[1:])]
            lower, upper = (
                np.quantile(resampled, [0.025, 0.975]) if len(resampled) else (np.nan, np.nan)
            )
            rows.append((name, against, score, difference[0], lower, upper))
    columns = ["surrogate", "against", "score", "difference", "lower", "upper"]
    table = pd.DataFrame(rows, columns=columns)
    return table.astype(dict.fromkeys(("difference", "lower", "upper"), float))


def winner_of(differences: pd.DataFrame, surrogates: tuple[str, ...], n_groups: int) -> str | None:
    """The surrogate whose log score is better than that of every other, beyond doubt.

    Args:
        differences: Of ``differences_of``.
        surrogates: Names.
        n_groups: Glasses, or sources if fewer, that were left out in turn.

    Returns:
        Its name; ``None`` with fewer than eight groups or where an interval holds zero.
    """
    if n_groups < FEWEST_GLASSES or len(surrogates) < 2:
        return None
    for name in surrogates:
        if set(_beaten(differences, name)) == set(surrogates) - {name}:
            return name
    return None


def verdict_of(
    differences: pd.DataFrame,
    surrogates: tuple[str, ...],
    *,
    winner: str | None,
    n_groups: int,
    of_what: str,
) -> str:
    """What the comparison says, in plain words.

    Args:
        differences: Of ``differences_of``.
        surrogates: Names.
        winner: Of ``winner_of``.
        n_groups: Glasses, or sources if fewer, that were left out in turn.
        of_what: ``glasses`` or ``sources``.

    Returns:
        One or two clauses, without a full stop.
    """
    if n_groups < FEWEST_GLASSES:
        return f"{n_groups} {of_what}: too few to name a winner ({FEWEST_GLASSES} needed)"
    rivals = [name for name in surrogates if name != BASELINE]
    if not rivals:
        return "only the mean was compared"
    better = [name for name in rivals if BASELINE in _beaten(differences, name)]
    if not better:
        return f"nothing beats the mean: {_against_the_mean(differences, rivals)}"
    if winner is not None:
        return f"{winner} is better than every other: {_interval(differences, winner, BASELINE)}"
    best = min(surrogates, key=lambda name: _nlpd_minus(differences, name, BASELINE))
    alike = [name for name in surrogates if name not in {best, *_beaten(differences, best)}]
    return (
        f"{_listed(better)} {'beats' if len(better) == 1 else 'beat'} the mean; no winner: "
        f"{best} did best, but these readings cannot tell it from {_listed(alike)}"
    )


def _statistic(rows: pd.DataFrame, folds: list[object], score: str, weights: Array) -> Array:
    """The score of each resample: mean over the jars of the folds drawn."""
    column = "mse" if score == "rmse" else score
    by_fold = rows.groupby("fold")[column].agg(["sum", "count"]).reindex(folds)
    total = weights @ by_fold["sum"].to_numpy(dtype=float)
    count = weights @ by_fold["count"].to_numpy(dtype=float)
    mean: Array = np.divide(total, count, out=np.full(len(weights), np.nan), where=count > 0)
    return np.asarray(np.sqrt(mean)) if score == "rmse" else mean


def _nlpd_minus(differences: pd.DataFrame, name: str, against: str) -> float:
    """Difference of the log score from another's; zero from itself."""
    rows = differences.loc[
        (differences["surrogate"] == name)
        & (differences["against"] == against)
        & (differences["score"] == "nlpd"),
        "difference",
    ]
    return float(rows.iloc[0]) if len(rows) else 0.0


def _beaten(differences: pd.DataFrame, name: str) -> list[str]:
    """Those whose log score is worse, with zero outside the interval."""
    rows = differences.loc[
        (differences["surrogate"] == name)
        & (differences["score"] == "nlpd")
        & (differences["upper"] < 0)
    ]
    return [str(other) for other in rows["against"]]


def _against_the_mean(differences: pd.DataFrame, rivals: list[str]) -> str:
    rows = differences.loc[
        (differences["score"] == "nlpd")
        & (differences["against"] == BASELINE)
        & differences["surrogate"].isin(rivals)
    ].sort_values("difference", kind="stable")
    best = str(rows["surrogate"].iloc[0])
    return f"of the others {best} comes nearest, {_interval(differences, best, BASELINE)}"


def _interval(differences: pd.DataFrame, name: str, against: str) -> str:
    row = differences.loc[
        (differences["surrogate"] == name)
        & (differences["against"] == against)
        & (differences["score"] == "nlpd")
    ].iloc[0]
    return (
        f"NLPD {row['difference']:+.2f} against the {against} "
        f"(95 % {row['lower']:+.2f} to {row['upper']:+.2f}; lower is better)"
    )


def _listed(names: list[str]) -> str:
    return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} and {names[-1]}"
