"""What a round costs in hours, and how much of it a budget allows."""

from collections.abc import Mapping
from typing import Any, Final

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from experiments.config import CampaignConfig, extremes
from features.errors import CampaignError
from optimizer.rules import Cost

Array = NDArray[np.float64]

LEFT_H: Final = 1e-9
"""Rounding of hours."""


def jar_cost_h(config: CampaignConfig) -> float:
    """Hands for one more jar and its pellet, and its readings, h; the mill not counted."""
    costs = config.costs
    return costs.glass_h + sum(costs.of(name).hours for name in config.glasses.objectives)


def cell_cost_h(config: CampaignConfig) -> float:
    """Assembly of a cell and its readings, days on a channel included, h."""
    costs = config.costs
    return costs.cell_h + sum(costs.of(name).hours for name in config.cells.objectives)


def glass_cost(config: CampaignConfig) -> Cost:
    """What a jar adds to a mill run, h: the first one brings the milling, for all of them.

    Args:
        config: Costs and objectives.

    Returns:
        For ``propose_batch``.
    """
    jar_h = jar_cost_h(config)

    def cost(rows: pd.DataFrame, batch: pd.DataFrame) -> Array:
        milling_h = rows["milling_time_h"].to_numpy(dtype=float)
        return np.asarray(jar_h + (milling_h if batch.empty else 0.0 * milling_h))

    return cost


def glass_costs_h(config: CampaignConfig, recipes: list[Mapping[str, Any]]) -> list[float]:
    """Cost of each glass of a mill run, h, the milling shared equally.

    Args:
        config: Costs and objectives.
        recipes: All of one run.
    """
    share = float(recipes[0]["milling_time_h"]) / len(recipes) if recipes else 0.0
    return [jar_cost_h(config) + share] * len(recipes)


def require_budget(budget_h: float | None) -> None:
    """Refuse a budget that is not a positive number of hours.

    Raises:
        CampaignError: If it is not.
    """
    if budget_h is not None and not 0 < budget_h < float("inf"):
        raise CampaignError(
            f"budget: must be a number of hours above zero, got {budget_h:g}; "
            "leave it out for a round without one"
        )


def require_one_glass(config: CampaignConfig, milling_time_h: float, budget_h: float) -> None:
    """Refuse a budget that not even one jar fits.

    Raises:
        CampaignError: If it is too small.
    """
    least_h = jar_cost_h(config) + milling_time_h
    if budget_h + LEFT_H < least_h:
        raise CampaignError(
            f"budget: {budget_h:g} h do not pay for one glass, got a need of {least_h:g} h "
            f"({milling_time_h:g} h of milling, {jar_cost_h(config):g} h of hands and "
            "measurements); give more, or correct 'costs' in campaign.yaml"
        )


def cells_in_reach(config: CampaignConfig, *, glasses: int, k: int, budget_h: float | None) -> int:
    """How many of k cells are paid for beside the glasses, whatever time they are milled for.

    Glasses are chosen for cells only if these can be built: jars are filled first.

    Args:
        config: Costs, objectives, milling times searched.
        glasses: Jars wanted.
        k: Cells wanted.
        budget_h: The most the round may cost, h; ``None`` is as much as needed.

    Examples:
        >>> config = CampaignConfig(name="t")
        >>> [cells_in_reach(config, glasses=1, k=2, budget_h=hours) for hours in (30.0, None)]
        [0, 2]
    """
    if budget_h is None:
        return k
    longest_h = extremes(config.glasses.milling_time_h)[1]
    return affordable_cells(config, k, budget_h - longest_h - glasses * jar_cost_h(config))[0]


def affordable_cells(config: CampaignConfig, k: int, left_h: float) -> tuple[int, tuple[str, ...]]:
    """How many of k cells a budget still pays for, with a warning if not all.

    Args:
        config: Costs and objectives.
        k: Cells wanted.
        left_h: What the glasses leave.
    """
    each_h = cell_cost_h(config)
    n = min(k, int((left_h + LEFT_H) // each_h)) if left_h > 0 else 0
    if n == k:
        return k, ()
    return n, (
        f"budget: {n} of {k} tri-layers planned; one costs {each_h:g} h with its measurements, and "
        f"{max(0.0, left_h):g} h were left by the glasses",
    )
