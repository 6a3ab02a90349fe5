"""Why a row was chosen, in one sentence a chemist can check."""

from collections.abc import Mapping
from typing import Any, Final

from experiments.config import CampaignConfig
from experiments.display import range_text, significant, unit_text, value_text
from experiments.knowledge import Knowledge
from experiments.success_words import percent_text
from features.milling import MEDIA
from features.properties import property_of
from optimizer.contribution import EXPLORING

CHOSEN: Final = frozenset({"exploit", "explore"})
"""Roles that only a batch chosen by surrogates has."""

FOR_CELLS: Final = frozenset({"core", "skin"})
"""Roles of glasses that are made for cells more than for their pellets."""

LIKELY: Final = 0.5
"""From this chance on a row is called the best made so far; below it a compromise."""

WORTH_SAYING: Final = 0.05
"""A smaller chance to beat the best made is not printed; JSON has it."""


def untried_medium(knowledge: Knowledge, recipe: Mapping[str, Any], config: CampaignConfig) -> str:
    """A clause for a glass of a medium in which none was measured; else empty."""
    made = knowledge.measured(knowledge.pellets, tuple(config.glasses.objectives))
    if made["milling_media"].isin([recipe["milling_media"]]).any():
        return ""
    return f"; nothing milled in {MEDIA[str(recipe['milling_media'])].label} was measured yet"


def role_and_reason(
    explanation: Mapping[str, Any], predictions: Mapping[str, Mapping[str, Any]]
) -> tuple[str, str]:
    """Role and sentence of a row from what it is in the batch for.

    Explore when at least half of its gain comes from not knowing its properties
    (``optimizer.contribution``), exploit when the predicted centres alone gain more than half.

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
    if chances[best] >= LIKELY:
        chance = percent_text(chances[best])
        return "exploit", f"best {label} made so far with a chance of {chance} %, {expected}"
    return "exploit", (
        "a compromise that nothing made so far is likely to beat in everything; "
        f"{label}: {expected}"
    )


def item_explanation(item: Mapping[str, Any], *, brief: bool = False) -> str | None:
    """What a glass or cell of a round is in it for, in one compact line.

    Args:
        item: Of a round, plain data.
        brief: As in ``explanation_words``.

    Returns:
        ``None`` for a control, which is not made for hypervolume, in a start, and in rounds of
        older versions.
    """
    explanation = item.get("explanation")
    if explanation is None or item["role"] == "control":
        return None
    return explanation_words(explanation, brief=brief, pellets_only=item["role"] in FOR_CELLS)


def explanation_words(
    explanation: Mapping[str, Any], *, brief: bool = False, pellets_only: bool = False
) -> str:
    """What a row is in the batch for, in one compact line.

    Args:
        explanation: As ``explain_glasses`` gives it.
        brief: For paper: only the likeliest property, only the nearest specimen.
        pellets_only: Of a glass made for cells: its loss is that of its pellet alone, and says so.

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
        f"loss if left out {percent_text(explanation['loss_share'])} %"
        + (" (pellets only)" if pellets_only else ""),
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
