"""What is not done in full in a campaign of very many readings, in words."""

from typing import Final

from experiments.knowledge import Knowledge
from models.wording import count_in_words

NEXT_ROUND_LEFT_OUT: Final = (
    "Next round: left out, because it takes as long as to propose in a campaign of this size; "
    "'glassloop status --worth 0.01' says it"
)


def limits_of_size(knowledge: Knowledge) -> list[str]:
    """What the surrogates of a large campaign rest on a part of the readings for.

    Args:
        knowledge: Fitted surrogates.

    Returns:
        One sentence; nothing in a campaign of usual size.
    """
    if not knowledge.is_crowded:
        return []
    parts = [
        (name, layer.process.reduction)
        for name, layer in knowledge.layers.items()
        if layer.process is not None
    ]
    shown = [
        f"{found.n_taught} of {count_in_words(found.n_readings, name)}"
        for name, found in parts
        if found is not None and found.n_taught < found.n_readings
    ]
    clauses = []
    if shown:
        learned = f"length scales and scatter are learned from {', '.join(shown)}"
        clauses.append(learned)
    if knowledge.trilayer.is_standing:
        clauses.append("measured cells are taken at the centre of their layers")
    clauses += [
        "fronts and hypervolumes count only specimens that may be among the best",
    ]
    return [f"large campaign: {', '.join(clauses)} (docs/long_use.md)"]
