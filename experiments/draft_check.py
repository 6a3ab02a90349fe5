"""Whether a draft can be made: jars, die, cell rules and powder, all rows together."""

from collections import Counter
from collections.abc import Iterator, Mapping
from typing import Any, Final

import pandas as pd

from experiments.cell_stock import LAYER, Powder
from experiments.config import CampaignConfig, Range
from experiments.draft_sheet import LAYERS, OWN, Line, Names, Sheet, complaint, names_text
from experiments.glass_batch import RUN_COLUMNS
from experiments.weighing import too_little_to_weigh
from features.cell_limits import Limits, violations
from features.errors import RecipeError
from features.plausibility import check_field
from features.recipe import GlassRecipe, TrilayerRecipe
from features.stoichiometry import Assays

TEXT: Final = frozenset({"milling_media", *LAYERS})
"""Columns that hold no number."""

ROUNDING_MG: Final = 1e-6


def sheet_problems(
    sheet: Sheet, config: CampaignConfig, powder: Powder, ids: Mapping[str, str]
) -> list[str]:
    """Why the rows of a draft cannot be made as they are, one sentence each.

    Args:
        sheet: The draft.
        config: Jars owned, and the die's rating.
        powder: What cells can be built from, the draft's glasses included.
        ids: Id of each row to be made, by key; of the draft's glasses in ``powder``.
    """
    return [
        *_too_many_jars(sheet, config),
        *_above_rating(sheet, config),
        *_too_little_to_weigh(sheet, config),
        *_cell_problems(sheet, config, powder, ids),
        *_too_little_powder(sheet, powder, ids),
    ]


def sheet_warnings(sheet: Sheet, config: CampaignConfig, names: Names) -> list[str]:
    """What a person should know of the rows as they are; they can be made.

    Args:
        sheet: The draft.
        config: What is searched.
        names: What rows are called.
    """
    return [
        *(
            f"{names(line.key)} is dropped with {names.text(lost)}, which it is built from"
            for line in sheet.of("cell")
            if not line.is_dropped and (lost := sheet.dropped_with(line))
        ),
        *(
            complaint("run", name, said)
            for name in RUN_COLUMNS
            if sheet.run.is_changed
            for said in _doubts(name, sheet.run.values[name], getattr(config.glasses, name))
        ),
        *(
            complaint(names(line.key), name, said)
            for line in (*sheet.kept("glass"), *sheet.kept("cell"))
            for name, setting in _changed(line, config)
            for said in _doubts(name, line.recipe[name], setting)
        ),
    ]


def _changed(line: Line, config: CampaignConfig) -> Iterator[tuple[str, Any]]:
    """Numbers of a row that a person gave, with what is searched."""
    searched = config.glasses if line.kind == "glass" else config.cells
    for name in OWN[line.kind]:
        as_proposed = line.proposed is not None and line.recipe[name] == line.proposed[name]
        if name not in TEXT and not as_proposed:
            yield name, getattr(searched, name)


def _doubts(name: str, value: float, searched: Range | float) -> Iterator[str]:
    verdict = check_field(name, value)
    if verdict.level == "warn":
        yield verdict.message
    if isinstance(searched, Range):
        if not searched.low <= value <= searched.high:
            yield (
                f"{value:g} is outside the {searched.low:g} to {searched.high:g} that this "
                "campaign searches; little is known there"
            )
    elif value != searched:
        yield f"{value:g} is not the {searched:g} that this campaign holds; little is known there"


def _too_many_jars(sheet: Sheet, config: CampaignConfig) -> Iterator[str]:
    """A sentence for each jar beyond those owned, rows that a person changed last."""
    counts: Counter[str] = Counter()
    for line in sorted(sheet.kept("glass"), key=lambda line: line.is_changed):
        media = str(line.recipe["milling_media"])
        counts[media] += 1
        owned = config.glasses.jars_owned.get(media, 0)
        if counts[media] > owned:
            yield complaint(
                line.key,
                "milling_media",
                f"is jar {counts[media]} of {media} in this run, {owned} are owned (jars_owned in "
                "campaign.yaml); choose another medium, or drop a row",
            )


def _above_rating(sheet: Sheet, config: CampaignConfig) -> Iterator[str]:
    rating_mpa = config.equipment.die_rating_mpa
    for line in sheet.kept("glass"):
        pressure_mpa = line.recipe["pressing_pressure_mpa"]
        if pressure_mpa > rating_mpa:
            yield complaint(
                line.key,
                "pressing_pressure_mpa",
                f"must not exceed the die's rating of {rating_mpa:g} MPa, got {pressure_mpa:g}; "
                "press less",
            )


def _too_little_to_weigh(sheet: Sheet, config: CampaignConfig) -> Iterator[str]:
    balance_mg, batch_mass_g = config.equipment.balance_mg, config.glasses.batch_mass_g
    assays = Assays(**config.assays.model_dump())
    for line in sheet.kept("glass"):
        mass_mg = too_little_to_weigh(line.recipe["x"], batch_mass_g, balance_mg, assays)
        if mass_mg is not None:
            yield complaint(
                line.key,
                "x",
                f"{line.recipe['x']:g} takes {mass_mg:g} mg of a reagent, the balance weighs "
                f"{balance_mg:g} mg at least (equipment.balance_mg); choose another x",
            )


def _cell_problems(
    sheet: Sheet, config: CampaignConfig, powder: Powder, ids: Mapping[str, str]
) -> Iterator[str]:
    limits = Limits(die_rating_mpa=config.equipment.die_rating_mpa)
    for line in sheet.kept("cell"):
        recipe = sheet.full(line)
        jars = {layer: ids.get(recipe[layer], recipe[layer]) for layer in LAYERS}
        lost = [layer for layer in LAYERS if jars[layer] not in powder.left_mg]
        for layer in lost:
            yield complaint(
                line.key, layer, f"{jars[layer]} is not in stock any more; choose another jar"
            )
        if lost:
            continue
        try:
            layers = {layer: _glass(powder.jars, jar) for layer, jar in jars.items()}
            cell = TrilayerRecipe(**{**recipe, **layers})
        except RecipeError as error:
            yield complaint(line.key, None, error)
            continue
        for said in violations(cell, limits):
            first = said.split()[0]
            column = {"core_x": "core", "skin_x": "skin"}.get(first, first)
            yield complaint(line.key, column if column in recipe else None, said)


def _glass(jars: pd.DataFrame, jar: str) -> GlassRecipe:
    return GlassRecipe(**{name: jars[name].loc[jar] for name in LAYER})


def _too_little_powder(sheet: Sheet, powder: Powder, ids: Mapping[str, str]) -> Iterator[str]:
    """A sentence for each jar of which the cells together want more than there is."""
    wanted: dict[str, dict[str, float]] = {}
    for line in sorted(sheet.kept("cell"), key=lambda line: line.is_changed):
        recipe = line.recipe
        for layer, mass_mg in (
            ("core", recipe["core_mass_mg"]),
            ("skin", 2 * recipe["skin_mass_mg"]),
        ):
            takers = wanted.setdefault(recipe[layer], {})
            takers[line.key] = takers.get(line.key, 0.0) + mass_mg
    for jar, takers in wanted.items():
        left_mg = powder.left_mg.get(ids.get(jar, jar))
        total_mg = sum(takers.values())
        if left_mg is None or total_mg <= left_mg + ROUNDING_MG:
            continue
        last = list(takers)[-1]
        line = next(line for line in sheet.lines if line.key == last)
        yield complaint(
            last,
            "core" if line.recipe["core"] == jar else "skin",
            f"{total_mg:g} mg of {jar} are wanted for {names_text(list(takers))}, there are "
            f"{max(0.0, left_mg):.0f} mg; use less powder, another jar, or fewer cells",
        )
