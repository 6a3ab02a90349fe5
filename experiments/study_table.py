"""A study in numbers: rounds to a goal, chance of reaching it, and strategies compared in pairs."""

from collections.abc import Mapping, Sequence
from typing import Any, Final

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.stats import norm

from experiments.study_spec import SHARED_LAW

Array = NDArray[np.float64]

ARM: Final = ("strategy", "batch")
PAIR: Final = ("world", "seed")
N_BOOTSTRAP: Final = 4000
FEWEST_PAIRS: Final = 8
LEVEL: Final = 0.95
"""Of every interval here."""

GOALS: Final[Mapping[str, str]] = {
    "cells": "{percent:.0f} % of the reachable hypervolume of the cells",
    "glasses": "{percent:.0f} % of the reachable hypervolume of the glasses",
    "target": "the target",
}


def groups(worlds: Sequence[str]) -> dict[str, tuple[str, ...]]:
    """Pools of worlds, by label: those that share their law with the physics priors, and others.

    Examples:
        >>> groups(["A", "E", "F"])
        {'A': ('A',), 'E to F': ('E', 'F')}
    """
    shared = tuple(w for w in worlds if w in SHARED_LAW)
    other = tuple(w for w in worlds if w not in SHARED_LAW)
    return {_label(pool): pool for pool in (shared, other) if pool}


def rounds_to(campaigns: pd.DataFrame, goal: str, share: float) -> pd.DataFrame:
    """First round by which each campaign reached a goal, and what it had cost.

    Args:
        campaigns: As ``Study.campaigns`` gives them.
        goal: ``cells``, ``glasses`` or ``target``.
        share: Of the reachable hypervolume.

    Returns:
        One row a campaign: world, seed, strategy, batch; ``round``, ``pellets``, ``hands_on_h`` and
        ``ends_h`` then, NaN where it was not reached. Worlds in which no recipe at all beats the
        reference point are left out: nobody can reach a share of nothing.
    """
    if goal != "target":
        campaigns = campaigns[campaigns[f"share_{goal}"].notna()]
    ok = campaigns["target"] if goal == "target" else campaigns[f"share_{goal}"] >= share
    keys = [*PAIR, *ARM]
    first = campaigns[ok & (campaigns["round"] > 0)].groupby(keys, sort=False)["round"].min()
    every = campaigns[keys].drop_duplicates().set_index(keys)
    there = every.join(first).reset_index()
    costs = campaigns[[*keys, "round", "pellets", "hands_on_h", "ends_h"]]
    return there.merge(costs, on=[*keys, "round"], how="left")


def reaching(campaigns: pd.DataFrame, goal: str, share: float, rounds: int) -> pd.DataFrame:
    """Chance of having reached a goal by each round, arm by arm, worlds pooled.

    Returns:
        One row an arm and round: ``n``, ``chance``, ``lower``, ``upper`` (Wilson).
    """
    first = rounds_to(campaigns, goal, share)
    rows = []
    for arm, part in first.groupby(list(ARM), sort=False):
        for number in range(1, rounds + 1):
            n, k = len(part), int((part["round"] <= number).sum())
            low, high = wilson(k, n)
            rows.append(
                {**dict(zip(ARM, arm, strict=True)), "round": number, "n": n, "chance": k / n,
                 "lower": low, "upper": high}
            )  # fmt: skip
    return pd.DataFrame(rows, columns=[*ARM, "round", "n", "chance", "lower", "upper"])


def goal_table(campaigns: pd.DataFrame, goal: str, share: float, rounds: int) -> pd.DataFrame:
    """How soon each arm reached a goal, pool by pool.

    A campaign that did not reach it counts as later than the last round: medians stay true.

    Returns:
        One row a pool and arm: ``n``, ``reached`` and its interval, ``median_round`` with its
        5th and 95th percentile over campaigns (``rounds + 1`` is "not within"), and the medians of
        ``pellets``, ``hands_on_h`` and ``weeks`` of those that reached it.
    """
    rows = []
    for label, pool in groups(list(campaigns["world"].unique())).items():
        first = rounds_to(campaigns[campaigns["world"].isin(pool)], goal, share)
        for arm, part in first.groupby(list(ARM), sort=False):
            when = part["round"].fillna(rounds + 1).to_numpy(dtype=float)
            k, n = int(part["round"].notna().sum()), len(part)
            low, high = wilson(k, n)
            ends = np.quantile(when, [0.05, 0.5, 0.95], method="inverted_cdf")
            rows.append(
                {
                    "worlds": label, **dict(zip(ARM, arm, strict=True)), "n": n,
                    "reached": k / n, "reached_lower": low, "reached_upper": high,
                    "round_5": ends[0], "median_round": ends[1], "round_95": ends[2],
                    "pellets": float(part["pellets"].median()),
                    "hands_on_h": float(part["hands_on_h"].median()),
                    "weeks": float(part["ends_h"].median()) / 168,
                }
            )  # fmt: skip
    return pd.DataFrame(rows)


def differences(campaigns: pd.DataFrame, share: float, rounds: int) -> pd.DataFrame:
    """Every arm against the first one, in pairs of the same world and seed.

    Returns:
        One row a pool, arm and measure: ``n`` pairs, mean ``difference`` (arm less the first) and
        its bootstrap interval over pairs. Measures: ``rounds_to_cells`` and so on, a campaign that
        did not reach the goal counted as one round more than there were, which makes differences
        too small; ``share_cells`` and ``share_glasses`` at the end, and ``failed_jars``.
    """
    first_arm = tuple(campaigns[list(ARM)].iloc[0])
    wide = _by_campaign(campaigns, share, rounds)
    rows = []
    for label, pool in groups(list(campaigns["world"].unique())).items():
        part = wide[wide["world"].isin(pool)]
        is_first = (part["strategy"] == first_arm[0]) & (part["batch"] == first_arm[1])
        base = part[is_first].set_index(list(PAIR))
        for arm, other in part.groupby(list(ARM), sort=False):
            if tuple(arm) == first_arm:
                continue
            mine = other.set_index(list(PAIR))
            both = base.index.intersection(mine.index)
            for measure in [c for c in wide.columns if c not in (*PAIR, *ARM)]:
                gap = (mine.loc[both, measure] - base.loc[both, measure]).dropna().to_numpy(float)
                if not len(gap):
                    continue
                low, high = bootstrap(gap)
                rows.append(
                    {
                        "worlds": label, **dict(zip(ARM, arm, strict=True)), "measure": measure,
                        "n": len(gap), "difference": float(gap.mean()),
                        "lower": low, "upper": high,
                    }
                )  # fmt: skip
    return pd.DataFrame(
        rows,
        columns=["worlds", *ARM, "measure", "n", "difference", "lower", "upper"],
    )


def _by_campaign(campaigns: pd.DataFrame, share: float, rounds: int) -> pd.DataFrame:
    keys = [*PAIR, *ARM]
    end = campaigns[campaigns["round"] == campaigns.groupby(keys)["round"].transform("max")]
    wide = end[[*keys, "share_cells", "share_glasses", "failed_jars"]].reset_index(drop=True)
    goals = ["cells", "glasses", *(["target"] if "target" in campaigns else [])]
    for goal in goals:
        when = rounds_to(campaigns, goal, share)[[*keys, "round"]]
        when = when.assign(round=when["round"].fillna(rounds + 1))
        wide = wide.merge(when.rename(columns={"round": f"rounds_to_{goal}"}), on=keys, how="left")
    return wide


def wilson(k: int, n: int) -> tuple[float, float]:
    """Interval of a share, k of n.

    References:
        Wilson, J. Am. Stat. Assoc. 22 (1927) 209.

    Examples:
        >>> [round(end, 2) for end in wilson(0, 10)]
        [0.0, 0.28]
    """
    z = float(norm.ppf(0.5 + LEVEL / 2))
    p, width = k / n, z * z / n
    centre = (p + width / 2) / (1 + width)
    half = z * ((p * (1 - p) + width / 4) / n) ** 0.5 / (1 + width)
    return max(0.0, centre - half), min(1.0, centre + half)


def bootstrap(values: Array, seed: int = 0) -> tuple[float, float]:
    """Percentile interval of a mean; NaN with fewer than ``FEWEST_PAIRS`` values.

    Of five values it would hold the truth in 83 % of cases, not 95.
    """
    if len(values) < FEWEST_PAIRS:
        return float("nan"), float("nan")
    picks = np.random.default_rng(seed).integers(len(values), size=(N_BOOTSTRAP, len(values)))
    ends = np.quantile(values[picks].mean(axis=1), [(1 - LEVEL) / 2, (1 + LEVEL) / 2])
    return float(ends[0]), float(ends[1])


def _label(pool: tuple[str, ...]) -> str:
    return pool[0] if len(pool) == 1 else f"{pool[0]} to {pool[-1]}"


def study_json(campaigns: pd.DataFrame, spec: Mapping[str, Any], n_done: int) -> dict[str, Any]:
    """Everything for machines."""
    share, rounds = float(spec["share"]), int(spec["rounds"])
    goals = ["cells", "glasses", *(["target"] if "target" in campaigns else [])]
    return {
        "simulated": True,
        "study": dict(spec),
        "campaigns_done": n_done,
        "goals": {
            goal: goal_table(campaigns, goal, share, rounds).to_dict("records") for goal in goals
        },
        "differences": differences(campaigns, share, rounds).to_dict("records"),
    }
