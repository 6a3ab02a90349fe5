"""Whether another round is worth it: what the batch that would be proposed is expected to add."""

from typing import Any, Final

from experiments.config import CampaignConfig
from experiments.explanation import cell_joint, glass_joint
from experiments.frozen_check import lost_rounds
from experiments.knowledge import Knowledge
from experiments.ledger import Ledger
from experiments.progress import hypervolumes
from experiments.round_plan import choose_round
from experiments.success_words import percent_text
from features.errors import CampaignError, SpaceError
from optimizer.stopping import NextRound, gain_in_short

NextRounds = dict[str, dict[str, Any] | None]
"""``glasses`` and ``cells``: see ``next_round``; ``None`` where nothing can be said."""

LIKELY: Final = 0.5
UNLIKELY: Final = 0.1
"""Chances from which, and below which, a round is called worth it or hardly worth it."""


def next_round(
    ledger: Ledger, config: CampaignConfig, knowledge: Knowledge, *, worth: float
) -> NextRounds:
    """What the next round, as it would be proposed now, is expected to add.

    It rests on the surrogates: gains are those of the true values at the recipes as the surrogates
    believe them, failures included. A round of which nothing is expected may still teach.

    Args:
        ledger: What was made, and the powder left.
        config: Size of a round, search space, objectives.
        knowledge: Fitted surrogates.
        worth: Share of the present hypervolume by which a round must raise it.

    Returns:
        ``glasses`` and ``cells``, each with ``expected_gain``, ``error``, ``lower``, ``upper``
        (90 %), ``more_than``, ``probability``, ``probability_error``, ``n`` and ``in_words``; each
        ``None`` while its next batch would be a start, or if none can be proposed.

    Raises:
        CampaignError: If ``worth`` is no share.
    """
    if not 0 <= worth <= 1:
        raise CampaignError(
            f"worth: must be a share of the present hypervolume from 0 to 1, got {worth:g}; "
            "0.01 is one percent"
        )
    nothing: NextRounds = {"glasses": None, "cells": None}
    if lost_rounds(ledger):
        return nothing  # status names them, and propose refuses
    size = config.batch
    try:
        choice = choose_round(
            ledger, config, knowledge, glasses=size.glasses, trilayers=size.trilayers
        )
    except (CampaignError, SpaceError):
        return nothing  # propose says what is in the way
    volumes = hypervolumes(knowledge, config)
    found = nothing
    if choice.glasses_by_surrogates:
        gains = glass_joint(knowledge, config, choice.recipes).gains
        short = gain_in_short(gains, worth * volumes["glasses"]["value"])
        found["glasses"] = _as_data(short, len(choice.recipes), worth, "pellets only; ")
    if choice.cells_by_surrogates:
        whole = choice.whole_cells
        gains = cell_joint(knowledge, config, whole, choice.sound).gains
        short = gain_in_short(gains, worth * volumes["cells"]["value"])
        found["cells"] = _as_data(short, len(whole), worth, "")
    return found


def advice(probability: float) -> str:
    """What a probability of more than the amount wanted suggests; never an order.

    Examples:
        >>> advice(0.7), advice(0.04)
        ('looks worth a round', 'hardly worth a round')
    """
    if probability >= LIKELY:
        return "looks worth a round"
    return "hardly worth a round" if probability < UNLIKELY else "may be worth a round"


def _as_data(short: NextRound, n: int, worth: float, of_what: str) -> dict[str, Any]:
    """Numbers and a sentence; what cells of the glasses would add is not in those of glasses."""
    words = (
        f"hypervolume +{short.expected_gain:.3f} expected "
        f"({of_what}90 %: {short.lower:.3f}..{short.upper:.3f}), "
        f"{percent_text(short.probability)} % chance of more than {short.more_than:.3f} "
        f"({100 * worth:g} % of now), as the surrogates believe: {advice(short.probability)}"
    )
    return {**short.to_dict(), "n": n, "in_words": words}
