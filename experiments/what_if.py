"""What a recipe or a cell would be like, before anybody makes it. Reads only."""

from collections.abc import Mapping, Sequence
from typing import Any, Final

import numpy as np
import pandas as pd

from experiments.complaint import Complaint
from experiments.config import CampaignConfig
from experiments.knowledge import GLASS_COLUMNS, Knowledge
from experiments.report_recipes import usual_cell
from features.cell_limits import Limits, violations
from features.errors import GlassError, InputError
from features.milling import MEDIA
from features.plausibility import check_field
from features.properties import property_of
from features.recipe import ROUTE_LIMIT_X, GlassRecipe, TrilayerRecipe
from features.stoichiometry import Assays, masses_for
from features.trilayer import layer_thickness_um, series_asr
from models.layers import drawn_layers

N_DRAWS: Final = 1000
SEED: Final = 20220513
"""Fixed, so that moving a slider back gives the same numbers."""

_ENDS: Final = (0.05, 0.5, 0.95)
Plain = dict[str, Any]


def what_if_glass(knowledge: Knowledge, config: CampaignConfig, recipe: Mapping[str, Any]) -> Plain:
    """What a pellet of a recipe is expected to be, and what to weigh for it.

    Args:
        knowledge: Fitted surrogates.
        config: Batch mass, assays, temperature.
        recipe: x, milling_time_h, milling_media, milling_speed_rpm, pressing_pressure_mpa.

    Returns:
        ``recipe``, ``predictions`` by property, ``success``, ``masses_mg``, ``batch_mass_g`` and
        ``warnings``.

    Raises:
        InputError: With every value that cannot be.
    """
    refuse_impossible(config, recipe)
    table = pd.DataFrame([{name: recipe[name] for name in GLASS_COLUMNS}], index=["asked"])
    success = knowledge.feasibility.glass_success(table)
    masses = masses_for(
        float(recipe["x"]), config.glasses.batch_mass_g, Assays(**config.assays.model_dump())
    )
    return {
        "recipe": dict(recipe),
        "predictions": _plain(knowledge.predict_pellets(table)),
        "success": _success(success, 0),
        "masses_mg": {
            "na2s": round(masses.na2s_mg, 1),
            "p2s5": round(masses.p2s5_mg, 1),
            "p2o5": round(masses.p2o5_mg, 1),
        },
        "batch_mass_g": config.glasses.batch_mass_g,
        "warnings": _warnings(config, recipe),
        "rests_on": {name: model.in_words() for name, model in knowledge.layers.items()},
    }


def what_if_cell(knowledge: Knowledge, config: CampaignConfig, cell: Mapping[str, Any]) -> Plain:
    """What a tri-layer is expected to be, and which layer resists how much.

    Args:
        knowledge: Fitted surrogates.
        config: What is usual where the cell does not say.
        cell: Any columns of a cell, such as core_x, skin_x, core_mass_mg, skin_mass_mg.

    Returns:
        ``recipe``, ``predictions`` by property, ``budget``: part, lower, median, upper (ohm cm2,
        90 %) and share of the sum, ``thickness_um`` and ``broken_rules``.

    Raises:
        InputError: With every value that cannot be.
    """
    asked = {**usual_cell(config), **cell}
    if problems := _impossible_cell(config, asked):
        raise InputError(problems)
    table = pd.DataFrame([asked], index=["asked"])
    table["precompaction_pressure_mpa"] = asked.get(
        "precompaction_pressure_mpa", config.cells.precompaction_pressure_mpa
    )
    return {
        "recipe": asked,
        "predictions": _plain(knowledge.predict_cells(table)),
        **asr_budget(knowledge, table),
        "broken_rules": broken_rules({str(k): v for k, v in table.iloc[0].items()}, config),
        "rests_on": knowledge.trilayer.in_words(),
    }


def predict_recipes(
    knowledge: Knowledge, config: CampaignConfig, recipes: Sequence[Mapping[str, Any]]
) -> list[Plain]:
    """Predictions of several pellet recipes.

    Args:
        knowledge: Fitted surrogates.
        config: The die's rating.
        recipes: As for ``what_if_glass``; ``temperature_c`` may be given.

    Returns:
        One entry a recipe: ``recipe``, ``predictions`` by property, and ``success``.

    Raises:
        InputError: With every value that cannot be, by row.
    """
    problems: list[str] = []
    for place, recipe in enumerate(recipes, start=1):
        problems += (
            Complaint(f"recipe {place}, {one}", said=str(one), row=place, column=one.column)
            for one in impossible(config, recipe)
        )
    if problems:
        raise InputError(problems)
    table = pd.DataFrame(list(recipes), index=range(len(recipes)))
    success = knowledge.feasibility.glass_success(table)
    predicted = knowledge.predict_pellets(table)
    return [
        {
            "recipe": dict(recipe),
            "predictions": _plain(predicted, place),
            "success": _success(success, place),
        }
        for place, recipe in enumerate(recipes)
    ]


def asr_budget(knowledge: Knowledge, cell: pd.DataFrame) -> Plain:
    """Which part of a cell resists how much, over joint draws of its layers.

    Args:
        knowledge: Fitted surrogates.
        cell: One row, the columns of a cell.

    Returns:
        ``budget``, one entry a part, and ``thickness_um`` of core and one skin.

    References:
        Series sum of domain notes 5.2. Reaction layers are not in it.
    """
    drawn = drawn_layers(knowledge.layers, cell, N_DRAWS, np.random.default_rng(SEED))
    row = cell.iloc[0]
    core, skin = (
        layer_thickness_um(
            float(row[f"{side}_mass_mg"]),
            float(row[f"{side}_x"]),
            drawn[f"{side}_relative_density"],
        )[:, 0]
        for side in ("core", "skin")
    )
    contact = drawn["interface_resistance"][:, 0]
    nothing = np.zeros_like(core)
    ionic_core, ionic_skin = (drawn[f"{side}_conductivity"][:, 0] for side in ("core", "skin"))
    parts = {
        "core": series_asr(core, ionic_core, nothing, ionic_skin, nothing),
        "both skins": series_asr(nothing, ionic_core, skin, ionic_skin, nothing),
        "both sodium contacts": series_asr(nothing, ionic_core, nothing, ionic_skin, contact),
    }
    total = sum(parts.values())
    return {
        "budget": [
            {"part": name, **_range(values), "share": float(np.median(values / total))}
            for name, values in parts.items()
        ],
        "thickness_um": {"core": _range(core), "one skin": _range(skin)},
    }


def broken_rules(cell: Mapping[str, Any], config: CampaignConfig) -> list[str]:
    """Rules of domain notes 5.4 that a cell breaks, one sentence each.

    Args:
        cell: Columns of a cell, pre-compaction included.
        config: The die's rating.
    """
    glass = ("x", "milling_time_h", "milling_media", "milling_speed_rpm")
    rest = (
        "core_mass_mg", "skin_mass_mg", "precompaction_pressure_mpa", "pressing_pressure_mpa",
        "stack_pressure_mpa", "temperature_c",
    )  # fmt: skip
    try:
        recipe = TrilayerRecipe(
            core=GlassRecipe(**{name: cell[f"core_{name}"] for name in glass}),
            skin=GlassRecipe(**{name: cell[f"skin_{name}"] for name in glass}),
            **{name: float(cell[name]) for name in rest},
        )
    except GlassError as error:
        return [str(error)]
    return violations(recipe, Limits(die_rating_mpa=config.equipment.die_rating_mpa))


def impossible(config: CampaignConfig, recipe: Mapping[str, Any]) -> list[Complaint]:
    """What cannot be in a recipe, one sentence a field."""
    problems = []

    def refuse(column: str, said: str) -> None:
        problems.append(Complaint(f"{column}: {said}", said=said, column=column))

    x = float(recipe["x"])
    if not 0 <= x <= ROUTE_LIMIT_X:
        refuse("x", f"must lie between 0 and {ROUTE_LIMIT_X:g}, got {x:g}; correct it")
    for name in ("milling_time_h", "milling_speed_rpm", "pressing_pressure_mpa"):
        verdict = check_field(name, float(recipe[name]))
        if verdict.level == "reject":
            refuse(name, verdict.message)
    rating = config.equipment.die_rating_mpa
    if float(recipe["pressing_pressure_mpa"]) > rating:
        refuse(
            "pressing_pressure_mpa",
            f"{float(recipe['pressing_pressure_mpa']):g} MPa is above the die's rating of "
            f"{rating:g} MPa; press less",
        )
    if recipe["milling_media"] not in MEDIA:
        refuse(
            "milling_media",
            f"must be one of {', '.join(MEDIA)}, got {recipe['milling_media']!r}; use one of them",
        )
    return problems


def refuse_impossible(config: CampaignConfig, recipe: Mapping[str, Any]) -> None:
    """Refuse a recipe that cannot be made.

    Raises:
        InputError: With every value that cannot be.
    """
    if problems := impossible(config, recipe):
        raise InputError(problems)


def _impossible_cell(config: CampaignConfig, cell: Mapping[str, Any]) -> list[Complaint]:
    """What cannot be in a cell, one sentence a column; both layers share their pressing."""
    found: dict[str, Complaint] = {}
    for side in ("core", "skin"):
        layer = {name: cell.get(f"{side}_{name}", cell.get(name)) for name in GLASS_COLUMNS}
        for one in impossible(config, layer):
            shared = one.column == "pressing_pressure_mpa"
            column = str(one.column) if shared else f"{side}_{one.column}"
            found[column] = Complaint(f"{column}: {one.said}", said=one.said, column=column)
        column = f"{side}_mass_mg"
        verdict = check_field(column, float(cell[column]))
        if verdict.level == "reject":
            found[column] = Complaint(
                f"{column}: {verdict.message}", said=verdict.message, column=column
            )
    return list(found.values())


def _warnings(config: CampaignConfig, recipe: Mapping[str, Any]) -> list[str]:
    found = []
    for name in ("milling_time_h", "milling_speed_rpm", "pressing_pressure_mpa"):
        verdict = check_field(name, float(recipe[name]))
        if verdict.level == "warn":
            found.append(f"{name}: {verdict.message}")
    if not config.glasses.jars_owned.get(str(recipe["milling_media"])):
        found.append("no jar of this medium is owned, says campaign.yaml")
    return found


def _plain(tables: Mapping[str, pd.DataFrame], row: int = 0) -> Plain:
    found = {}
    for name, table in tables.items():
        entry = property_of(name)
        values = {str(column): float(table[column].iloc[row]) for column in table.columns}
        found[name] = {**values, "unit": entry.unit, "sd_unit": entry.sd_unit}
    return found


def _success(table: pd.DataFrame, row: int) -> dict[str, float]:
    return {name: float(table[name].iloc[row]) for name in ("probability", "lower", "upper")}


def _range(values: "np.ndarray[Any, np.dtype[np.float64]]") -> dict[str, float]:
    low, middle, high = np.quantile(values, _ENDS)
    return {"lower": float(low), "median": float(middle), "upper": float(high)}
