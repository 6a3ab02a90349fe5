"""Where the campaign stands: hypervolume of what was made, with its uncertainty."""

from collections.abc import Mapping
from typing import Any, Final

import numpy as np

from experiments.canonical import digest_of
from experiments.config import CampaignConfig, ObjectiveConfig
from experiments.contenders import contenders
from experiments.knowledge import Knowledge
from features.properties import property_of
from optimizer.hypervolume import hypervolume_draws
from optimizer.objectives import Objective, reference_utilities, utilities

N_DRAWS: Final = 512
VOLUMES: Final = "volumes"
"""Name of the hypervolumes on the shelf."""

HYPERVOLUME_SEED: Final = 20220513
"""Fixed, so that the same ledger gives the same number: the draws are an integral, not luck."""


def objectives_of(wanted: Mapping[str, ObjectiveConfig]) -> list[Objective]:
    """Objectives of the optimizer from those of the configuration.

    Args:
        wanted: By catalogue id.

    Returns:
        Normalised by the distance from reference to plausible best of the catalogue.
    """
    found = []
    for name, part in wanted.items():
        entry = property_of(name)
        own_way = part.direction == entry.direction
        found.append(
            Objective(
                name,
                part.direction,
                reference=entry.reference if part.reference is None else part.reference,
                scale=entry.scale,
                prior=(entry.prior_centre, entry.prior_sd),
                at_least=part.at_least,
                at_most=part.at_most,
                best=entry.plausible_best if own_way else None,
            )
        )
    return found


def hypervolumes(knowledge: Knowledge, config: CampaignConfig) -> dict[str, dict[str, float]]:
    """Hypervolume of the glasses and of the cells made so far.

    Args:
        knowledge: Specimens and fitted surrogates.
        config: Objectives and reference points.

    Returns:
        ``glasses`` and ``cells``, each with ``value`` (median over joint posterior draws at the
        measured specimens) and a 90 % interval ``lower`` to ``upper``; 0 when nothing was made. In
        a crowded campaign, of the specimens that may be among the best.

    References:
        Zitzler & Thiele, IEEE Trans. Evol. Comput. 3 (1999) 257; reference points: domain notes
        7.6.
    """
    shelf, wanted_now = knowledge.shelf, digest_of(_objectives(config))
    if shelf is not None and (kept := (shelf.get(VOLUMES) or {}).get(wanted_now)) is not None:
        return dict(kept)
    parts = (
        ("glasses", config.glasses.objectives, knowledge.pellets, knowledge.draw_pellets),
        ("cells", config.cells.objectives, knowledge.cells, knowledge.draw_cells),
    )
    found = {}
    for label, wanted, frame, draw in parts:
        objectives, names = objectives_of(wanted), tuple(wanted)
        made = knowledge.measured(frame, names)
        reference = reference_utilities(objectives)
        if made.empty or reference is None:
            found[label] = {"value": 0.0, "lower": 0.0, "upper": 0.0}
            continue
        if knowledge.is_crowded:
            made = contenders(made, draw, objectives, reference)
        draws = draw(made, names, N_DRAWS, np.random.default_rng(HYPERVOLUME_SEED))
        volumes = hypervolume_draws(utilities(objectives, draws), reference)
        low, mid, high = np.quantile(volumes, [0.05, 0.5, 0.95])
        found[label] = {"value": float(mid), "lower": float(low), "upper": float(high)}
    if shelf is not None:
        shelf.keep(VOLUMES, {wanted_now: found})
    return found


def _objectives(config: CampaignConfig) -> dict[str, Any]:
    """What hypervolumes are measured by."""
    kinds = {"glasses": config.glasses.objectives, "cells": config.cells.objectives}
    return {
        kind: {name: part.model_dump(mode="json") for name, part in wanted.items()}
        for kind, wanted in kinds.items()
    }


def flat_hypervolumes(volumes: Mapping[str, Mapping[str, Any]]) -> dict[str, float]:
    """Hypervolumes as metrics: ``hypervolume_glasses`` and its bounds."""
    return {
        f"hypervolume_{label}" + ("" if part == "value" else f"_{part}"): float(value)
        for label, values in volumes.items()
        for part, value in values.items()
    }
