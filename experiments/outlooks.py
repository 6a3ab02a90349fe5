"""What the campaign's surrogates foresee of glasses and of cells, for the search."""

from collections.abc import Callable, Collection, Mapping
from typing import Final

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from experiments.cell_stock import LAYER
from experiments.config import CampaignConfig, ObjectiveConfig
from experiments.knowledge import GLASS_COLUMNS, Knowledge
from experiments.progress import objectives_of
from features.errors import SpaceError
from models.evidence import Points
from models.gp import GaussianProcess
from optimizer.batch import Outlook
from optimizer.objectives import reference_utilities
from optimizer.rows import stacked
from optimizer.scene import Aim, Forecast, GaussianScene, SampledScene, Scene, Success

Array = NDArray[np.float64]

CELL_ORDER: Final = ("critical_current_density", "area_specific_resistance")
"""Order of what ``TrilayerSurrogate.foresee`` returns."""


def glass_aim(config: CampaignConfig, success: Success | None) -> Aim:
    """What glasses are wanted for.

    Args:
        config: Objectives and reference points.
        success: Probability that jar and pellet succeed, one a row; ``None`` if hurdles tell.

    Raises:
        SpaceError: If a lone objective has no reference.
    """
    return _aim(config.glasses.objectives, success, "glasses")


def cell_aim(config: CampaignConfig, success: Success) -> Aim:
    """What cells are wanted for.

    Args:
        config: Objectives and reference points.
        success: Probability that layers and assembly succeed, one a row.

    Raises:
        SpaceError: If a lone objective has no reference.
    """
    return _aim(config.cells.objectives, success, "cells")


def glass_outlook(knowledge: Knowledge, config: CampaignConfig) -> Outlook:
    """How glasses are foreseen: each objective a Gaussian process, and so each cause of failure.

    Args:
        knowledge: Fitted surrogates.
        config: Objectives and reference points.

    Returns:
        For ``propose_batch``, over the columns of pellets.

    Raises:
        SpaceError: If a lone objective has no reference.
    """
    aim = glass_aim(config, None)
    surrogates = [knowledge.layers[objective.name] for objective in aim.outcomes]

    def ask(rows: pd.DataFrame) -> list[Array | Points]:
        return [surrogate.asked(rows) for surrogate in surrogates]

    def outlook(made: pd.DataFrame, pending: pd.DataFrame, rng: np.random.Generator) -> Scene:
        processes: list[GaussianProcess] = [s.process for s in surrogates if s.process is not None]
        return GaussianScene.of(
            processes,
            aim=aim,
            ask=ask,
            made=made,
            pending=pending,
            rng=rng,
            hurdles=[
                (level.process, level.inputs, level.luck)
                for level in (knowledge.feasibility.jar, knowledge.feasibility.pellet)
                if level.process is not None
            ],
        )

    return outlook


def cell_outlook(
    knowledge: Knowledge,
    config: CampaignConfig,
    whole: Callable[[pd.DataFrame], pd.DataFrame],
    n: int,
) -> Outlook:
    """How cells are foreseen: by joint draws of layers and critical current.

    Args:
        knowledge: Fitted surrogates.
        config: Objectives and reference points.
        whole: Completes choices by the recipes of their layers.
        n: Draws; half of them in a crowded campaign, whose layers are known well.

    Returns:
        For ``propose_batch``.
    """
    sound = sound_jars(knowledge)

    def success(rows: pd.DataFrame) -> Array:
        return cell_probability(knowledge, whole(rows), sound)

    aim = cell_aim(config, success)
    columns = [CELL_ORDER.index(objective.name) for objective in aim.outcomes]

    def foresee(
        context: pd.DataFrame, rows: pd.DataFrame, n: int, source: np.random.Generator
    ) -> Forecast:
        parts = knowledge.trilayer.foresee(whole(context), whole(rows), n, source)
        return Forecast(*(part[..., columns] for part in parts))

    def outlook(made: pd.DataFrame, pending: pd.DataFrame, rng: np.random.Generator) -> Scene:
        context = stacked([made, pending], list(made.columns))
        if not knowledge.is_crowded:
            return SampledScene(aim, foresee, context, len(made), n, rng)
        return SampledScene(aim, foresee, context, len(made), n // 2, rng).relevant()

    return outlook


def sound_jars(knowledge: Knowledge) -> frozenset[str]:
    """Jars that were made and did not fail."""
    pellets = knowledge.pellets
    return frozenset(pellets.loc[pellets["jar_status"] == "made", "jar"].astype(str))


def cell_probability(knowledge: Knowledge, cells: pd.DataFrame, sound: Collection[str]) -> Array:
    """That both jars of a cell, its pressed layers and its assembly succeed.

    Centres of the three levels multiplied, each distinct layer looked up once: of many cells that
    is much quicker than the joint draws of ``Feasibility.cell_success``, from which it differs by
    what layers have in common.

    Args:
        knowledge: Fitted success of jars, pellets and cells.
        cells: N cells with the recipes of their layers, and ``core`` and ``skin``.
        sound: Jars known to be.

    Returns:
        Shape (N,).
    """
    columns = list(GLASS_COLUMNS)
    layers = pd.concat(
        [
            pd.DataFrame({name: cells[f"{side}_{name}"].to_numpy() for name in LAYER}).assign(
                pressing_pressure_mpa=cells["pressing_pressure_mpa"].to_numpy()
            )
            for side in ("core", "skin")
        ],
        ignore_index=True,
    ).infer_objects()
    number = layers.groupby(columns, sort=False).ngroup().to_numpy()
    states = layers[~layers.duplicated()][columns].reset_index(drop=True)
    success = knowledge.feasibility
    jar, pellet = (
        level.predict(states)["probability"].to_numpy(dtype=float)[number]
        for level in (success.jar, success.pellet)
    )
    n, same = len(cells), (cells["core"] == cells["skin"]).to_numpy()
    is_sound = [cells[side].isin(list(sound)).to_numpy() for side in ("core", "skin")]
    jar = np.where(np.concatenate([is_sound[0], is_sound[1] | same]), 1.0, jar)
    built = success.cell.predict(cells)["probability"].to_numpy(dtype=float)
    both = jar * pellet
    return np.asarray(both[:n] * both[n:] * built)


def _aim(wanted: Mapping[str, ObjectiveConfig], success: Success | None, what: str) -> Aim:
    objectives = objectives_of(wanted)
    reference = reference_utilities(objectives)
    if reference is None:
        raise SpaceError(
            f"{what}: a lone objective needs a reference, got none for {objectives[0].name}; give "
            "one in campaign.yaml"
        )
    return Aim(outcomes=objectives, reference=reference, success=success)
