"""What each row of a round is in it for, as plain data: gains, chances, loss, nearest made."""

from collections.abc import Collection, Sequence
from typing import Any, Final, Literal

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from experiments.config import CampaignConfig
from experiments.contenders import contenders
from experiments.knowledge import GLASS_COLUMNS, Knowledge
from experiments.neighbours import Neighbour, nearest_cells, nearest_glasses
from experiments.outlooks import CELL_ORDER, cell_aim, glass_aim
from experiments.progress import objectives_of
from features.properties import property_of
from models.layers import CELL_COLUMNS
from optimizer.contribution import Contribution, contributions
from optimizer.joint import Joint, foreseen_by_processes, joint_scenarios
from optimizer.objectives import reference_utilities
from optimizer.scene import Forecast

Array = NDArray[np.float64]
Explanation = dict[str, Any]
"""``gain_per_objective``, ``probability_on_front``, ``exploration_share``, ``loss_if_left_out``,
``loss_error``, ``loss_share``, ``nearest``."""

SEED: Final = 20241103
"""Fixed, so that the same ledger gives the same numbers."""

N_GLASS: Final = 512
N_CELL: Final = 256


def glass_joint(knowledge: Knowledge, config: CampaignConfig, recipes: pd.DataFrame) -> Joint:
    """Scenarios of the glasses measured, planned and of a batch.

    Args:
        knowledge: Fitted surrogates.
        config: Objectives and reference points.
        recipes: The batch, one row a pellet.

    Returns:
        Failures of jars and pellets included.
    """
    columns, names = list(GLASS_COLUMNS), tuple(config.glasses.objectives)
    surrogates = [knowledge.layers[name] for name in names]
    processes = [surrogate.process for surrogate in surrogates if surrogate.process is not None]

    def success(rows: pd.DataFrame) -> Array:
        table = knowledge.feasibility.glass_success(rows[columns])
        return table["probability"].to_numpy(dtype=float)

    pellets = knowledge.pellets
    return joint_scenarios(
        foreseen_by_processes(processes, lambda rows: [s.asked(rows) for s in surrogates]),
        glass_aim(config, success),
        made=_made(knowledge.measured(pellets, names), knowledge, config, "glasses")[columns],
        pending=pellets.loc[pellets["status"] == "planned", columns],
        rows=recipes[columns],
        rng=np.random.default_rng(SEED),
        n=N_GLASS,
    )


def cell_joint(
    knowledge: Knowledge, config: CampaignConfig, cells: pd.DataFrame, sound: Collection[str]
) -> Joint:
    """Scenarios of the cells measured, planned and of a batch.

    Args:
        knowledge: Fitted surrogates.
        config: Objectives and reference points.
        cells: The batch as ``whole_cells`` gives it.
        sound: Jars known to be sound.

    Returns:
        Failures of jars, layers and assembly included.
    """
    columns = ["core", "skin", *CELL_COLUMNS, "precompaction_pressure_mpa"]
    names = tuple(config.cells.objectives)
    order = [CELL_ORDER.index(name) for name in names]

    def foresee(
        context: pd.DataFrame, rows: pd.DataFrame, n: int, rng: np.random.Generator
    ) -> Forecast:
        parts = knowledge.trilayer.foresee(context, rows, n, rng)
        return Forecast(*(part[..., order] for part in parts))

    def success(rows: pd.DataFrame) -> Array:
        table = knowledge.feasibility.cell_success(rows, sound=sound)
        return table["probability"].to_numpy(dtype=float)

    known = knowledge.cells.dropna(subset=list(CELL_COLUMNS))
    return joint_scenarios(
        foresee,
        cell_aim(config, success),
        made=_made(knowledge.measured(known, names), knowledge, config, "cells")[columns],
        pending=known.loc[known["status"] == "planned", columns],
        rows=cells[columns],
        rng=np.random.default_rng(SEED),
        n=N_CELL,
    )


def _made(
    made: pd.DataFrame,
    knowledge: Knowledge,
    config: CampaignConfig,
    kind: Literal["glasses", "cells"],
) -> pd.DataFrame:
    """Specimens made; in a crowded campaign those that may be among the best."""
    if not knowledge.is_crowded:
        return made
    wanted = config.glasses.objectives if kind == "glasses" else config.cells.objectives
    objectives = objectives_of(wanted)
    reference = reference_utilities(objectives)
    if reference is None:
        return made
    draw = knowledge.draw_pellets if kind == "glasses" else knowledge.draw_cells
    return contenders(made, draw, objectives, reference)


def explain_glasses(
    knowledge: Knowledge, config: CampaignConfig, recipes: pd.DataFrame
) -> list[Explanation]:
    """What each glass of a batch is in it for.

    Args:
        knowledge: Fitted surrogates.
        config: Objectives and reference points.
        recipes: The batch, one row a pellet.

    Returns:
        One a row.
    """
    parts = contributions(glass_joint(knowledge, config, recipes))
    near = nearest_glasses(knowledge, config, recipes)
    names = tuple(config.glasses.objectives)
    return [_explanation(*both, names) for both in zip(parts, near, strict=True)]


def explain_cells(
    knowledge: Knowledge, config: CampaignConfig, cells: pd.DataFrame, sound: Collection[str]
) -> list[Explanation]:
    """What each cell of a batch is in it for.

    Args:
        knowledge: Fitted surrogates.
        config: Objectives and reference points.
        cells: The batch as ``whole_cells`` gives it.
        sound: Jars known to be sound.

    Returns:
        One a row.
    """
    parts = contributions(cell_joint(knowledge, config, cells, sound))
    near = nearest_cells(knowledge, config, cells)
    names = tuple(config.cells.objectives)
    return [_explanation(*both, names) for both in zip(parts, near, strict=True)]


def _explanation(part: Contribution, near: list[Neighbour], names: Sequence[str]) -> Explanation:
    rows = zip(names, part.beyond, part.better, strict=True)
    return {
        "gain_per_objective": {
            name: {
                "expected": expected,
                "unit": property_of(name).sd_unit,
                "probability_better": better,
            }
            for name, expected, better in rows
        },
        "probability_on_front": part.on_front,
        "exploration_share": part.exploration,
        "loss_if_left_out": part.loss,
        "loss_error": part.loss_error,
        "loss_share": part.loss_share,
        "nearest": near,
    }
