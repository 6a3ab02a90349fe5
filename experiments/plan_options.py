"""Ways to go on that a plan compares: how many glasses and cells a round, and what is measured."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from typing import Final, final

from experiments.config import CampaignConfig
from experiments.round_folder import ASKED_OF_CELLS, ASKED_OF_PELLETS
from experiments.targets import Target
from features.errors import CampaignError
from features.properties import property_of

_BATCH: Final = re.compile(r"\s*([0-9]{1,9})\s*(?:\+\s*([0-9]{1,9})\s*)?")

USUALLY_SPARED: Final = "youngs_modulus"
"""Nanoindentation is done by appointment (domain notes 7.1): a plan asks first whether it pays."""


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class PlanOption:
    """A batch size and a set of measurements.

    Attributes:
        glasses: Jars a round.
        trilayers: Cells a round.
        without: Properties that are never measured, and no objective.
    """

    glasses: int
    trilayers: int
    without: tuple[str, ...] = ()

    @property
    def label(self) -> str:
        """Such as ``4+2`` or ``4+2 without Young's modulus``."""
        batch = f"{self.glasses}+{self.trilayers}"
        if not self.without:
            return batch
        return f"{batch} without {' and '.join(property_of(p).label for p in self.without)}"

    def round_hours(self, config: CampaignConfig) -> float:
        """Work of hands in a round of which nothing fails, h, late measurements included."""
        costs = config.costs
        hours = costs.glass_h * self.glasses + costs.cell_h * self.trilayers
        for names, n in ((ASKED_OF_PELLETS, self.glasses), (ASKED_OF_CELLS, self.trilayers)):
            asked = (name for name in names if name not in self.without)
            hours += n * sum(costs.of(name).hands_h for name in asked)
        return hours

    def applied(self, config: CampaignConfig) -> CampaignConfig:
        """The configuration of a campaign that goes on like this, untracked.

        Raises:
            CampaignError: If no objective is left.
        """
        parts = {}
        for name in ("glasses", "cells"):
            part = getattr(config, name)
            kept = {k: v for k, v in part.objectives.items() if k not in self.without}
            if not kept:
                raise CampaignError(
                    f"plan: {self.label} leaves no objective of {name}, got all of them left out; "
                    "measure one at least"
                )
            parts[name] = part.model_copy(update={"objectives": kept})
        untracked = config.mlflow.model_copy(update={"track": False})
        return config.model_copy(update={**parts, "mlflow": untracked})


def options_of(
    config: CampaignConfig,
    target: Target,
    *,
    batches: Sequence[str] = (),
    without: Sequence[str] = (),
) -> tuple[PlanOption, ...]:
    """What is compared: the batches asked for, and the first of them with less measured.

    Args:
        config: Its own batch, that of half the size and, if the target allows, its own without
            nanoindentation stand in where nothing is asked for.
        target: What it asks for must be measured.
        batches: Such as ``4+2``: glasses and cells; ``3`` is pellets only.
        without: Catalogue ids, several of one option joined by commas.

    Returns:
        Options, each once; the first is what others are compared with.

    Raises:
        CampaignError: If a batch cannot be read, is empty or larger than the jars owned, makes no
            cell though the target is of cells; or a property is unknown or the target's own.
    """
    own = PlanOption(glasses=config.batch.glasses, trilayers=config.batch.trilayers)
    named = [_batch(text, config) for text in batches]
    first = named[0] if named else own
    spared = [_properties(text, target) for text in without]
    found = named or [own]
    if not named and not spared:
        half = PlanOption(glasses=(own.glasses + 1) // 2, trilayers=(own.trilayers + 1) // 2)
        found.append(half)
        if USUALLY_SPARED not in target.properties:
            spared.append((USUALLY_SPARED,))
    found += [
        PlanOption(glasses=first.glasses, trilayers=first.trilayers, without=names)
        for names in spared
    ]
    for option in found:
        if target.is_of_cells and not option.trilayers:
            raise CampaignError(
                f"plan: the target is of cells, got a batch {option.label} that makes none; "
                "plan with cells, such as --batch 4+2"
            )
        option.applied(config)
    return tuple(dict.fromkeys(found))


def _batch(text: str, config: CampaignConfig) -> PlanOption:
    found = _BATCH.fullmatch(text)
    if found is None:
        raise CampaignError(
            f"plan: a batch is glasses and cells, such as 4+2, got {text!r}; write it like that"
        )
    glasses, trilayers = int(found[1]), int(found[2] or 0)
    owned = sum(config.glasses.jars_owned.values())
    if not 1 <= glasses <= owned:
        raise CampaignError(
            f"plan: a batch takes 1 to {owned} glasses, as many jars as are owned, got {text!r}; "
            "make it smaller, or correct glasses.jars_owned in campaign.yaml"
        )
    return PlanOption(glasses=glasses, trilayers=trilayers)


def _properties(text: str, target: Target) -> tuple[str, ...]:
    known = [*ASKED_OF_PELLETS, *ASKED_OF_CELLS]
    names = tuple(dict.fromkeys(name.strip() for name in text.split(",")))
    for name in names:
        if name not in known:
            near = get_close_matches(name, known, n=1, cutoff=0.5)
            hint = f"did you mean {near[0]}?" if near else f"known: {', '.join(known)}"
            raise CampaignError(
                f"plan: only what a round measures can be left out, got {name!r}; {hint}"
            )
        if name in target.properties:
            raise CampaignError(
                f"plan: what the target asks for must be measured, got --without {name}; "
                "leave out another property"
            )
    return names
