"""Why a row was chosen, in one sentence a chemist can check."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd

from experiments.config import CampaignConfig
from experiments.knowledge import GLASS_COLUMNS, Knowledge
from experiments.progress import objectives_of
from features.milling import MEDIA
from features.properties import property_of
from optimizer.objectives import utilities


def glass_reason(
    knowledge: Knowledge, recipe: Mapping[str, Any], config: CampaignConfig
) -> tuple[str, str]:
    """Role and sentence of a glass chosen by the acquisition.

    Exploit when its predicted centre would itself extend the front of what was made; explore
    when it pays only because of what is not known.
    """
    names = tuple(config.glasses.objectives)
    predicted = knowledge.predict_pellets(pd.DataFrame([recipe], index=["new"]))
    made = knowledge.measured(knowledge.pellets, names)
    front = knowledge.predict_pellets(made[list(GLASS_COLUMNS)]) if len(made) else None
    tried = made["milling_media"].isin([recipe["milling_media"]]).any()
    aside = (
        ""
        if tried
        else f"; nothing milled in {MEDIA[str(recipe['milling_media'])].label} was measured yet"
    )
    role, text = _reason(predicted, front, names, config.glasses.objectives)
    return role, text + aside


def cell_reason(
    knowledge: Knowledge, cell: pd.DataFrame, config: CampaignConfig
) -> tuple[str, str]:
    """Role and sentence of a cell chosen by the acquisition."""
    names = tuple(config.cells.objectives)
    made = knowledge.measured(knowledge.cells, names)
    front = knowledge.predict_cells(made) if len(made) else None
    return _reason(knowledge.predict_cells(cell), front, names, config.cells.objectives)


def _reason(
    predicted: Mapping[str, pd.DataFrame],
    front: Mapping[str, pd.DataFrame] | None,
    names: Sequence[str],
    wanted: Mapping[str, Any],
) -> tuple[str, str]:
    objectives = objectives_of(wanted)
    mine = utilities(objectives, np.array([[predicted[n]["mean"].iloc[0] for n in names]]))[0]
    if front is None:
        return "explore", f"nothing was measured yet; {_widest(predicted, names)}"
    theirs = utilities(objectives, np.column_stack([front[n]["mean"].to_numpy() for n in names]))
    beaten = bool((theirs >= mine - 1e-12).all(axis=1).any())
    if beaten:
        return "explore", _widest(predicted, names)
    gains = mine - theirs.max(axis=0)
    best = int(gains.argmax())
    entry = property_of(names[best])
    row = predicted[names[best]].iloc[0]
    centre = (
        f"{entry.label} of {row['mean']:.2g} {entry.unit} "
        f"(90 %: {row['lower']:.2g} to {row['upper']:.2g})"
    )
    if gains[best] > 0:
        return "exploit", f"predicted best {centre} of all made so far"
    return "exploit", (
        f"a compromise that nothing made so far is predicted to beat in everything, with {centre}"
    )


def _widest(predicted: Mapping[str, pd.DataFrame], names: Sequence[str]) -> str:
    """The property least known there, measured by its prior."""
    shares = {
        name: float(predicted[name]["sd"].iloc[0]) / property_of(name).prior_sd for name in names
    }
    name = max(shares, key=lambda key: shares[key])
    entry, row = property_of(name), predicted[name].iloc[0]
    return (
        f"least is known of its {entry.label}, 90 %: {row['lower']:.2g} to {row['upper']:.2g} "
        f"{entry.unit}, and much could be gained"
    )
