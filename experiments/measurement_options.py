"""What could be measured or made next: which readings, of which specimen, at which price."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import asdict, dataclass
from typing import Any, Final, Literal

import pandas as pd

from experiments.config import CampaignConfig
from experiments.knowledge import GLASS_COLUMNS, Knowledge, sound_cells, sound_pellets
from features.properties import property_of
from models.interval_rows import interval_rows

Kind = Literal["reading", "repeat", "glass", "cell"]

IN_HAND: Final = ("lab", "simulated")
"""Origins of jars whose pellets and cells lie in this laboratory's box."""

CELL_KEYS: Final = ("core", "skin", "core_mass_mg", "skin_mass_mg", "pressing_pressure_mpa")

DESTROYS: Final = frozenset({"critical_current_density"})
"""A cell is driven until a filament crosses it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Option:
    """Readings taken together, of a specimen that exists or is made for them.

    Attributes:
        kind: ``reading`` of what was not read, ``repeat``, a new ``glass`` or a new ``cell``.
        of: Hypervolume it can raise, ``glasses`` or ``cells``.
        specimen: Its id; empty for a glass nobody planned yet.
        properties: Catalogue ids.
        recipe: Values by column.
        hours: Price.
        delay_h: Hours until the last value is there.
        destroys: Whether the specimen is gone afterwards.
        success: Probability that the specimen can be made; 1 where it exists.
    """

    kind: Kind
    of: Literal["glasses", "cells"]
    specimen: str
    properties: tuple[str, ...]
    recipe: Mapping[str, Any]
    hours: float
    delay_h: float
    destroys: bool = False
    success: float = 1.0

    def to_dict(self) -> dict[str, Any]:
        """Plain JSON types."""
        return {**asdict(self), "properties": list(self.properties), "recipe": dict(self.recipe)}


def readable_pellets(knowledge: Knowledge) -> pd.DataFrame:
    """Sound pellets that were pressed in this campaign."""
    pellets = sound_pellets(knowledge.pellets)
    return pellets.loc[pellets["origin"].isin(IN_HAND)]


def pellet_readings(knowledge: Knowledge, config: CampaignConfig) -> list[Option]:
    """Readings of objectives on pellets in hand: what is missing, alone and together, and again.

    A value known only as a bound is not asked for again: it would be a bound again.
    """
    names = tuple(config.glasses.objectives)
    exact = {name: _exactly_read(knowledge, name) for name in names}
    read = _read(knowledge)
    options = []
    for specimen, row in readable_pellets(knowledge).iterrows():
        missing = tuple(name for name in names if (specimen, name) not in read)
        groups: list[tuple[Kind, tuple[str, ...]]] = [
            *(("reading", group) for group in _alone_and_together(missing)),
            *(("repeat", (name,)) for name in names if specimen in exact[name]),
        ]
        options += [
            Option(
                kind=kind,
                of="glasses",
                specimen=str(specimen),
                properties=group,
                recipe=_recipe(row, GLASS_COLUMNS),
                **_price(config, group),
            )
            for kind, group in groups
        ]
    return options


def bounds_not_repeated(knowledge: Knowledge, config: CampaignConfig) -> int:
    """Number of values on pellets in hand that are known as a bound only."""
    hand, read = readable_pellets(knowledge).index, _read(knowledge)
    return sum(
        len({specimen for specimen in hand if (specimen, name) in read} - exact)
        for name in config.glasses.objectives
        for exact in [_exactly_read(knowledge, name)]
    )


def planned_pellets(knowledge: Knowledge) -> pd.DataFrame:
    """Pellets of open rounds that are still to be pressed, of jars that did not fail."""
    pellets = knowledge.pellets
    waits = (pellets["status"] == "planned") & pellets["jar_status"].isin(["planned", "made"])
    return pellets.loc[waits]


def planned_glass(
    config: CampaignConfig, specimen: str, row: Mapping[Any, Any], *, jars: int, success: float
) -> Option:
    """A pellet to be made, read on all objectives.

    Args:
        config: Objectives and costs.
        specimen: The pellet; empty if nobody planned it.
        row: Its recipe.
        jars: Jars that share the mill; 0 if the powder exists.
        success: Probability that jar and pellet are sound.
    """
    names = tuple(config.glasses.objectives)
    price = _price(config, names)
    milling_h = float(row["milling_time_h"]) if jars else 0.0
    made_h = config.costs.glass_h + (milling_h / jars if jars else 0.0)
    return Option(
        kind="glass",
        of="glasses",
        specimen=specimen,
        properties=names,
        recipe=_recipe(row, GLASS_COLUMNS),
        hours=price["hours"] + made_h,
        delay_h=price["delay_h"] + config.costs.glass_h + milling_h,
        success=success,
    )


def cell_frames(knowledge: Knowledge, config: CampaignConfig) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Cells built and still to be read, and cells planned whose glasses exist.

    Returns:
        Rows of ``knowledge.cells``.
    """
    cells, read = sound_cells(knowledge.cells), _read(knowledge)
    told = pd.concat([knowledge.fitted, knowledge.waiting])
    gone = told.loc[told["property"].isin(DESTROYS), "specimen"]
    here = cells.loc[cells["core_origin"].isin(IN_HAND) & ~cells.index.isin(gone)]
    lacks = [
        any((name, wanted) not in read for wanted in config.cells.objectives) for name in here.index
    ]
    waits = knowledge.cells["status"] == "planned"
    for layer in ("core", "skin"):
        waits &= knowledge.cells[f"{layer}_status"] == "made"
    return here.loc[lacks], knowledge.cells.loc[waits]


def cell_readings(
    knowledge: Knowledge, config: CampaignConfig, built: pd.DataFrame
) -> Iterator[Option]:
    """Readings missing on cells that exist, alone and together."""
    read = _read(knowledge)
    for specimen, row in built.iterrows():
        missing = tuple(n for n in config.cells.objectives if (specimen, n) not in read)
        for group in _alone_and_together(missing):
            yield Option(
                kind="reading",
                of="cells",
                specimen=str(specimen),
                properties=group,
                recipe=_recipe(row, CELL_KEYS),
                **_price(config, group),
            )


def planned_cell(
    config: CampaignConfig, specimen: str, row: Mapping[Any, Any], *, success: float
) -> Option:
    """A cell to be built of powder that exists, read on all objectives."""
    names = tuple(config.cells.objectives)
    price = _price(config, names)
    return Option(
        kind="cell",
        of="cells",
        specimen=specimen,
        properties=names,
        recipe=_recipe(row, CELL_KEYS),
        hours=price["hours"] + config.costs.cell_h,
        delay_h=price["delay_h"] + config.costs.cell_h,
        destroys=price["destroys"],
        success=success,
    )


def _price(config: CampaignConfig, properties: tuple[str, ...]) -> dict[str, Any]:
    """Hours add up; what is measured at the same time is waited for once."""
    costs = [config.costs.of(name) for name in properties]
    return {
        "hours": sum(cost.hours for cost in costs),
        "delay_h": max(cost.delay_h for cost in costs),
        "destroys": any(name in DESTROYS for name in properties),
    }


def _alone_and_together(missing: tuple[str, ...]) -> list[tuple[str, ...]]:
    return [*((name,) for name in missing), *([missing] if len(missing) > 1 else [])]


def _read(knowledge: Knowledge) -> set[tuple[str, str]]:
    pairs: Iterable[tuple[str, str]] = knowledge.fitted[["specimen", "property"]].itertuples(
        index=False, name=None
    )
    return set(pairs)


def _exactly_read(knowledge: Knowledge, name: str) -> set[str]:
    rows = interval_rows(knowledge.fitted, property_of(name))
    exact = zip(rows.specimen, rows.low == rows.high, strict=True)
    return {specimen for specimen, is_exact in exact if is_exact}


def _recipe(row: Mapping[Any, Any] | pd.Series, columns: Iterable[str]) -> dict[str, Any]:
    return {
        name: str(row[name]) if isinstance(row[name], str) else float(row[name]) for name in columns
    }
