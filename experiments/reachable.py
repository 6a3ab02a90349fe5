"""How much of the hypervolume a simulated laboratory lets anybody reach: a search of its truth."""

from collections.abc import Callable, Mapping
from typing import Any, Final

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from experiments.cell_stock import CONTEXT, LAYER
from experiments.config import CampaignConfig, ObjectiveConfig, Range, extremes
from experiments.glass_batch import GlassProblem
from experiments.laboratory import Laboratory
from experiments.progress import objectives_of
from features.cell_limits import Limits, allowed
from features.recipe import GlassRecipe, PelletRecipe, TrilayerRecipe
from optimizer.hypervolume import hypervolume
from optimizer.objectives import reference_utilities, utilities

Array = NDArray[np.float64]
Row = dict[str, Any]

N_GLASSES: Final = 500
N_CELLS: Final = 800
N_REFINED: Final = 500
REFINEMENTS: Final = 5
N_NEAR: Final = 8
"""Good cells whose layers' neighbours are tried."""

N_NEIGHBOURS: Final = 4
PRESSURE: Final = "pressing_pressure_mpa"
N_PROBES: Final = 5
"""Jars made of a recipe to see whether most of them are sound."""


def volume(wanted: Mapping[str, ObjectiveConfig], values: Array) -> float:
    """Hypervolume of true values at the configuration's reference point.

    Args:
        wanted: Objectives by property.
        values: Shape (n, m), physical units, columns in their order.
    """
    objectives = objectives_of(wanted)
    reference = reference_utilities(objectives)
    if reference is None or not len(values):
        return 0.0
    return hypervolume(utilities(objectives, values), reference)


def reachable(laboratory: Laboratory, config: CampaignConfig, seed: int = 0) -> dict[str, float]:
    """Hypervolume of the best glasses and cells a search of the truth finds.

    Recipes of which most jars fail do not count. It is a search, so what is truly reachable may
    be a little more: a share of it can exceed 1.

    Args:
        laboratory: Knows the truth.
        config: Search space, rules and objectives.
        seed: Of the search.

    Returns:
        ``glasses`` and ``cells``.
    """
    rng = np.random.default_rng(seed)
    problem = GlassProblem.of(config)
    space = problem.space

    def sound(rows: pd.DataFrame) -> pd.DataFrame:
        kept = [_is_sound(laboratory, row) for row in rows.to_dict("records")]
        return rows[kept].reset_index(drop=True)

    def values(rows: pd.DataFrame) -> Array:
        names = tuple(config.glasses.objectives)
        return _table(rows, lambda r: [laboratory.pellet_truth(_pellet(r), n) for n in names])

    glasses = sound(space.spread(N_GLASSES, rng).assign(**problem.held))
    truth = values(glasses)
    near = [
        space.near(glasses.iloc[i], N_REFINED // 50, rng).assign(**problem.held)
        for i in _best(config.glasses.objectives, truth, 50)
    ]
    more = sound(pd.concat(near, ignore_index=True)) if near else glasses.iloc[:0]
    found = np.vstack([truth, values(more)]) if len(more) else truth
    powders = pd.concat([glasses, more], ignore_index=True)

    def near_layers(cells: pd.DataFrame) -> pd.DataFrame:
        """Sound glasses near those of the layers of cells."""
        rows = [
            space.near({name: row[f"{layer}_{name}"] for name in LAYER} | {PRESSURE: row[PRESSURE]},
                       N_NEIGHBOURS, rng).assign(**problem.held)
            for row in cells.to_dict("records") for layer in ("core", "skin")
        ]  # fmt: skip
        return sound(pd.concat(rows, ignore_index=True))

    return {
        "glasses": volume(config.glasses.objectives, found),
        "cells": _cells(laboratory, config, powders, near_layers, rng),
    }


def _cells(
    laboratory: Laboratory,
    config: CampaignConfig,
    glasses: pd.DataFrame,
    near: Callable[[pd.DataFrame], pd.DataFrame],
    rng: np.random.Generator,
) -> float:
    if glasses.empty:
        return 0.0
    names = tuple(config.cells.objectives)

    def values(rows: pd.DataFrame) -> Array:
        return _table(rows, lambda r: [laboratory.cell_truth(_cell(r), n) for n in names])

    cores, skins = (rng.integers(len(glasses), size=2 * N_CELLS) for _ in range(2))
    rows = _paired(config, glasses.iloc[cores], glasses.iloc[skins], rng)[:N_CELLS]
    truth = values(rows)
    for _ in range(REFINEMENTS):
        best = _best(config.cells.objectives, truth, 40)
        kept = rows.iloc[rng.choice(best, size=N_REFINED)].reset_index(drop=True)
        pool = pd.concat([near(kept.iloc[:N_NEAR]), glasses], ignore_index=True)
        # Half of the glasses swapped in are neighbours of those in good cells.
        weight = np.where(np.arange(len(pool)) < len(pool) - len(glasses), len(glasses), 1.0)
        picks = rng.choice(len(pool), size=(2, N_REFINED), p=weight / weight.sum())
        other = _paired(config, pool.iloc[picks[0]], pool.iloc[picks[1]], rng, check=False)
        swapped = _mixed(kept, other, rng)
        swapped = swapped[allowed(swapped, Limits(die_rating_mpa=config.equipment.die_rating_mpa))]
        rows = pd.concat([rows, swapped], ignore_index=True)
        truth = np.vstack([truth, values(swapped)])
    return volume(config.cells.objectives, truth)


def _mixed(kept: pd.DataFrame, other: pd.DataFrame, rng: np.random.Generator) -> pd.DataFrame:
    """Good cells with one of their parts taken from another: core, skin, a mass, the pressure."""
    groups = (
        [f"core_{name}" for name in LAYER],
        [f"skin_{name}" for name in LAYER],
        ["core_mass_mg"],
        ["skin_mass_mg"],
        ["pressing_pressure_mpa"],
    )
    mixed, part = kept.copy(), rng.integers(len(groups), size=len(kept))
    for number, names in enumerate(groups):
        for name in names:
            mixed[name] = kept[name].where(part != number, other[name])
    return mixed


def _paired(
    config: CampaignConfig,
    cores: pd.DataFrame,
    skins: pd.DataFrame,
    rng: np.random.Generator,
    *,
    check: bool = True,
) -> pd.DataFrame:
    """Cells of pairs of glasses, masses and pressures drawn; only those the rules allow."""
    n = len(cores)
    parts: dict[str, Any] = {
        f"{layer}_{name}": frame[name].to_numpy()
        for layer, frame in (("core", cores), ("skin", skins))
        for name in LAYER
    }
    for name in ("core_mass_mg", "skin_mass_mg", "pressing_pressure_mpa"):
        setting = getattr(config.cells, name)
        low, high = extremes(setting)
        if "pressure" in name:
            high = min(high, config.equipment.die_rating_mpa)
        steps = (
            rng.integers(int((high - low) / setting.step + 1e-9) + 1, size=n) * setting.step
            if isinstance(setting, Range)
            else np.zeros(n)
        )
        parts[name] = low + steps
    held = {name: float(getattr(config.cells, name)) for name in CONTEXT}
    rows = pd.DataFrame(parts).assign(**held)
    if not check:
        return rows
    return rows[allowed(rows, Limits(die_rating_mpa=config.equipment.die_rating_mpa))].reset_index(
        drop=True
    )


def _best(wanted: Mapping[str, ObjectiveConfig], values: Array, n: int) -> NDArray[np.intp]:
    """Rows that no other row beats in every objective, at most n of them."""
    gained = utilities(objectives_of(wanted), values)
    beaten = np.asarray([bool((gained > one).all(axis=1).any()) for one in gained], dtype=bool)
    return np.flatnonzero(~beaten)[:n]


def _table(rows: pd.DataFrame, of: Callable[[Row], list[float]]) -> Array:
    return np.array([of({str(k): v for k, v in row.items()}) for row in rows.to_dict("records")])


def _is_sound(laboratory: Laboratory, row: Mapping[Any, Any]) -> bool:
    glass = _glass(row, "")
    jars = [laboratory.make_jar(f"probe-{i}", glass) for i in range(N_PROBES)]
    pellets = [
        laboratory.press(f"probe-{i}-P1", jar, float(row["pressing_pressure_mpa"]), 150.0)
        for i, jar in enumerate(jars)
    ]
    lost = sum(bool(j.failure or p.failure) for j, p in zip(jars, pellets, strict=True))
    return 2 * lost <= N_PROBES


def _glass(row: Mapping[Any, Any], prefix: str) -> GlassRecipe:
    return GlassRecipe(
        float(row[f"{prefix}x"]),
        float(row[f"{prefix}milling_time_h"]),
        str(row[f"{prefix}milling_media"]),
        float(row[f"{prefix}milling_speed_rpm"]),
    )


def _pellet(row: Row) -> PelletRecipe:
    return PelletRecipe(_glass(row, ""), float(row["pressing_pressure_mpa"]))


def _cell(row: Row) -> TrilayerRecipe:
    names = ("core_mass_mg", "skin_mass_mg", "precompaction_pressure_mpa",
             "pressing_pressure_mpa", "stack_pressure_mpa", "temperature_c")  # fmt: skip
    return TrilayerRecipe(
        core=_glass(row, "core_"),
        skin=_glass(row, "skin_"),
        **{name: float(row[name]) for name in names},
    )
