"""Runs read back, and differences between strategies in pairs of one seed."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray

from benchmarks.runs import results_in

Array = NDArray[np.float64]
Row = dict[str, Any]

N_BOOTSTRAP: Final = 10_000
LEAST_SEEDS: Final = 3
"""Fewer tell no interval."""
KEY: Final = ["problem", "strategy", "seed"]


def runs_table(
    lines: Sequence[Row],
    *,
    reachable: Mapping[str, float],
    revisions: Mapping[str, int],
    rounds: int,
    engine: str,
) -> pd.DataFrame:
    """One row a run: those of today's problems; of several versions the one that counts.

    Of ours the runs of today's code count, and where a problem has none, those of the code that
    ran last. Of others the last line counts.

    Args:
        lines: As in the file, oldest first.
        reachable: Largest hypervolume of each problem.
        revisions: Today's revision of each problem.
        rounds: Batches after the start; other runs are left out.
        engine: Fingerprint of today's code.

    Returns:
        problem, strategy, seed, version, shares (hypervolume over the reachable one, after the
        start and each round), auc (their mean over the rounds), final, cpu_s (mean of a batch),
        memory_mb.
    """
    rows = [
        {name: line[name] for name in (*KEY, "version", "memory_mb", "versions")}
        | _shares(line["volume"], reachable[line["problem"]])
        | {"cpu_s": float(np.mean(line["cpu_s"]))}
        for line in lines
        if revisions.get(line["problem"]) == line["revision"] and line["rounds"] == rounds
    ]
    if not rows:
        return pd.DataFrame(columns=[*KEY, "version", "auc"])
    table = pd.DataFrame(rows)
    counted = [_counted(own, engine) for _, own in table.groupby(["problem", "strategy"])]
    return pd.concat(counted, ignore_index=True)


def lines_in(path: Path) -> list[Row]:
    """Lines of a file of results, oldest first."""
    return results_in(path)


def paired_differences(runs: pd.DataFrame, problem: str, ours: str, other: str) -> Array:
    """AUC of ours less that of another, one a seed that both ran."""
    own = runs[runs["problem"] == problem].pivot(index="seed", columns="strategy", values="auc")
    if not {ours, other} <= set(own.columns):
        return np.empty(0)
    return (own[ours] - own[other]).dropna().to_numpy(dtype=float)


def mean_interval(samples: Sequence[ArrayLike]) -> Array:
    """Mean of the means of several samples with its 95 % bootstrap interval.

    Seeds are drawn again within each sample, so every problem keeps its weight.

    Args:
        samples: One a problem, each of one number a seed.

    Returns:
        Mean, lower, upper; the bounds are NaN with fewer than ``LEAST_SEEDS`` seeds of a problem.
    """
    rng = np.random.default_rng(0)
    kept = [np.asarray(sample, dtype=float) for sample in samples]
    if not kept or any(not len(sample) for sample in kept):
        return np.full(3, np.nan)
    means = np.mean(
        [sample[rng.integers(len(sample), size=(N_BOOTSTRAP, len(sample)))].mean(axis=1)
         for sample in kept],
        axis=0,
    )  # fmt: skip
    centre = np.mean([sample.mean() for sample in kept])
    if min(map(len, kept)) < LEAST_SEEDS:
        return np.array([centre, np.nan, np.nan])
    return np.array([centre, *np.quantile(means, [0.025, 0.975])])


def verdict(interval: Array) -> str:
    """Above, level or below, from where a 95 % interval lies."""
    if not np.isfinite(interval[0]):
        return "missing"
    if not np.isfinite(interval).all():
        return "too few seeds"
    return "above" if interval[1] > 0 else "below" if interval[2] < 0 else "level"


def _shares(volumes: Sequence[float], reachable: float) -> Row:
    shares = np.asarray(volumes, dtype=float) / reachable
    return {"shares": shares, "auc": float(shares[1:].mean()), "final": float(shares[-1])}


def _counted(own: pd.DataFrame, engine: str) -> pd.DataFrame:
    if own["strategy"].iloc[0] == "ours":
        today = (own["version"] == engine).any()
        own = own[own["version"] == (engine if today else own["version"].iloc[-1])]
    return own.drop_duplicates("seed", keep="last")
