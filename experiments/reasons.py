"""Why a row was chosen, in one sentence a chemist can check."""

from collections.abc import Mapping, Sequence
from typing import Any, Final

import numpy as np
import pandas as pd

from experiments.config import CampaignConfig
from experiments.display import range_text, significant, unit_text, value_text
from experiments.knowledge import GLASS_COLUMNS, Knowledge
from experiments.progress import objectives_of
from experiments.success_words import percent_text
from features.milling import MEDIA
from features.properties import property_of
from optimizer.contribution import EXPLORING
from optimizer.objectives import utilities

CHOSEN: Final = frozenset({"exploit", "explore"})
"""Roles that only a batch chosen by surrogates has."""

WORTH_SAYING: Final = 0.05
"""A smaller chance to beat the best made is not printed; JSON has it."""


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
    role, text = _reason(predicted, front, names, config.glasses.objectives)
    return role, text + untried_medium(knowledge, recipe, config)


def untried_medium(knowledge: Knowledge, recipe: Mapping[str, Any], config: CampaignConfig) -> str:
    """A clause for a glass of a medium in which none was measured; else empty."""
    made = knowledge.measured(knowledge.pellets, tuple(config.glasses.objectives))
    if made["milling_media"].isin([recipe["milling_media"]]).any():
        return ""
    return f"; nothing milled in {MEDIA[str(recipe['milling_media'])].label} was measured yet"


def cell_reason(
    knowledge: Knowledge, cell: pd.DataFrame, config: CampaignConfig
) -> tuple[str, str]:
    """Role and sentence of a cell chosen by the acquisition."""
    names = tuple(config.cells.objectives)
    made = knowledge.measured(knowledge.cells, names)
    front = knowledge.predict_cells(made) if len(made) else None
    return _reason(knowledge.predict_cells(cell), front, names, config.cells.objectives)


def role_and_reason(
    explanation: Mapping[str, Any], predictions: Mapping[str, Mapping[str, Any]]
) -> tuple[str, str]:
    """Role and sentence of a row from what it is in the batch for.

    Explore when at least half of its gain comes from not knowing its properties
    (``optimizer.contribution``), exploit when the predicted centres alone would gain more.

    Args:
        explanation: As ``explain_glasses`` gives it.
        predictions: By property, with mean, sd, lower and upper.

    Returns:
        Role, and one sentence a chemist can check.
    """
    gains = explanation["gain_per_objective"]
    chances = {name: gain["probability_better"] for name, gain in gains.items()}
    if explanation["exploration_share"] >= EXPLORING:
        shares = {name: predictions[name]["sd"] / property_of(name).prior_sd for name in gains}
        name = max(shares, key=lambda key: shares[key])
        words = _range(name, predictions[name])
        return "explore", f"least is known of its {words}, and much could be gained"
    best = max(chances, key=lambda name: chances[name])
    centre = f"{value_text(predictions[best]['mean'], best)} {unit_text(best)}".strip()
    expected = f"{centre} expected, 90 %: {range_text(*_ends(predictions[best]), best)}"
    label = property_of(best).label
    if chances[best] >= EXPLORING:
        chance = percent_text(chances[best])
        return "exploit", f"best {label} made so far with a chance of {chance} %, {expected}"
    return "exploit", (
        "a compromise that nothing made so far is likely to beat in everything; "
        f"{label}: {expected}"
    )


def explanation_words(explanation: Mapping[str, Any], *, brief: bool = False) -> str:
    """What a row is in the batch for, in one compact line.

    Args:
        explanation: As ``explain_glasses`` gives it.
        brief: For paper: only the likeliest property, only the nearest specimen.

    Returns:
        Chance to be on the front; how far beyond the best made it is expected to lie and with what
        chance; share of exploration; share of the batch's gain lost without the row; nearest made.
    """
    gains = [
        (name, gain)
        for name, gain in explanation["gain_per_objective"].items()
        if gain["probability_better"] >= WORTH_SAYING
    ]
    gains.sort(key=lambda each: -each[1]["probability_better"])
    better = [
        f"{property_of(name).label} {significant(gain['expected'], 1)} {gain['unit']} "
        f"({percent_text(gain['probability_better'])} %)"
        for name, gain in gains[: 1 if brief else None]
    ]
    near = [_neighbour(each, brief=brief) for each in explanation["nearest"]]
    parts = [
        f"front {percent_text(explanation['probability_on_front'])} %",
        f"beyond the best: {', '.join(better) or 'hardly in anything'}",
        f"exploration {percent_text(explanation['exploration_share'])} %",
        f"loss if left out {percent_text(explanation['loss_share'])} %",
        *([f"nearest {' and '.join(near[: 1 if brief else None])}"] if near else []),
    ]
    return "; ".join(parts)


def _neighbour(near: Mapping[str, Any], *, brief: bool) -> str:
    name = near["specimen"] if brief else f"{near['specimen']} ({near['recipe']})"
    differs = near["differs"].split(", ")
    shown = differs[:3] if not brief else differs[: 1 if len(differs) > 3 else 2]
    more = f" and {len(differs) - len(shown)} more" if len(differs) > len(shown) else ""
    return f"{name}: {', '.join(shown)}{more}"


def _range(name: str, row: Mapping[str, Any]) -> str:
    words = f"{property_of(name).label}, 90 %: {range_text(*_ends(row), name)} {unit_text(name)}"
    return words.strip()


def _ends(row: Mapping[str, Any]) -> tuple[float, float]:
    return row["lower"], row["upper"]


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
