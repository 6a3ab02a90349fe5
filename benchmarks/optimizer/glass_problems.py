"""Problems of glasses: two of the virtual lab, one pool of measured glasses of the literature.

The two worlds are invented (domain notes 6); the pool's values were measured (SciGlass).
"""

from typing import Any, Final

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from benchmarks.optimizer.problems import Problem
from experiments.sciglass import measured_glasses
from experiments.virtual_cells import cell_truth
from experiments.virtual_worlds import World
from features.recipe import GlassRecipe, PelletRecipe, TrilayerRecipe
from optimizer import Categorical, Continuous, Discrete, Objective, SearchSpace

Array = NDArray[np.float64]

WORLD_SEED: Final = 5
PELLET_REACHABLE: Final = 1.868
CELL_REACHABLE: Final = 0.1977
POOL_REACHABLE: Final = 117.028526
"""Hypervolumes; the first two found by ``reachable.py``, the last of all rows together."""

MEDIA: Final = ("stainless_steel", "zirconia", "tungsten_carbide")


def pellet() -> Problem:
    """World C: three properties of a pellet over x, time, medium and pressure."""
    world = World("C", WORLD_SEED)
    names = ("ionic_conductivity", "youngs_modulus", "electronic_conductivity")

    def truth(rows: pd.DataFrame) -> Array:
        return np.array([_pellet_values(world, row, names) for row in rows.to_dict("records")])

    return Problem(
        name="pellet",
        label="virtual pellet, world C, 3 objectives, 4 mixed parameters, noisy",
        space=SearchSpace(
            [
                Continuous("x", 0.0, 0.6),
                Discrete("milling_time_h", 1, 20, step=1),
                Categorical("milling_media", MEDIA),
                Discrete("pressing_pressure_mpa", 100, 500, step=50),
            ]
        ),
        objectives=(
            Objective("ionic_conductivity", "maximize", reference=5e-5, scale="log10"),
            Objective("youngs_modulus", "maximize", reference=16.0),
            Objective("electronic_conductivity", "minimize", reference=5e-10, scale="log10"),
        ),
        truth=truth,
        noise_sd=(0.06, 0.6, 0.10),
        reachable=PELLET_REACHABLE,
    )


def cell() -> Problem:
    """World F: current and resistance of a tri-layer cell over six numbers."""
    world = World("F", WORLD_SEED)
    names = ("critical_current_density", "area_specific_resistance")

    def truth(rows: pd.DataFrame) -> Array:
        return np.array([_cell_values(world, row, names) for row in rows.to_dict("records")])

    return Problem(
        name="cell",
        label="virtual cell, world F, 2 objectives, 6 parameters, noisy",
        space=SearchSpace(
            [
                Continuous("core_x", 0.0, 0.3),
                Continuous("skin_x", 0.3, 0.6),
                Continuous("core_mass_mg", 100.0, 200.0),
                Continuous("skin_mass_mg", 15.0, 60.0),
                Continuous("pressing_pressure_mpa", 300.0, 500.0),
                Continuous("milling_time_h", 1.0, 20.0),
            ]
        ),
        objectives=(
            Objective("critical_current_density", "maximize", reference=0.5, scale="log10"),
            Objective("area_specific_resistance", "minimize", reference=1500.0, scale="log10"),
        ),
        truth=truth,
        noise_sd=(0.04, 0.03),
        reachable=CELL_REACHABLE,
    )


def pool() -> Problem:
    """Sodium glasses of the literature: conductivity at 150 °C and Young's modulus."""
    glasses = measured_glasses("sodium_conductivity_150c")
    moduli = measured_glasses("sodium_youngs_modulus").value
    both = glasses.composition.index.intersection(moduli.index)
    table = glasses.composition.loc[both].round(1)
    table = table[~table.duplicated()]
    table = table.loc[:, table.nunique() > 1]
    measured = pd.DataFrame(
        {"log10_conductivity": glasses.value[table.index], "youngs_modulus": moduli[table.index]}
    )
    by_composition = measured.set_axis(_keys(table), axis=0)

    def truth(rows: pd.DataFrame) -> Array:
        return by_composition.loc[_keys(rows[table.columns])].to_numpy(dtype=float)

    return Problem(
        name="pool",
        label=f"pool of {len(table)} measured sodium glasses, 2 objectives",
        space=SearchSpace.from_candidates(table),
        objectives=(
            Objective("log10_conductivity", "maximize", reference=-8.0),
            Objective("youngs_modulus", "maximize", reference=40.0),
        ),
        truth=truth,
        noise_sd=(0.0, 0.0),
        reachable=POOL_REACHABLE,
    )


def _keys(table: pd.DataFrame) -> list[str]:
    return ["/".join(f"{value:.1f}" for value in row) for row in table.to_numpy(dtype=float)]


def _pellet_values(world: World, row: dict[Any, Any], names: tuple[str, ...]) -> list[float]:
    glass = GlassRecipe(row["x"], row["milling_time_h"], row["milling_media"])
    recipe = PelletRecipe(glass, row["pressing_pressure_mpa"])
    return [world.pellet_truth(recipe, name) for name in names]


def _cell_values(world: World, row: dict[Any, Any], names: tuple[str, ...]) -> list[float]:
    core, skin = (
        GlassRecipe(row[f"{side}_x"], row["milling_time_h"], "zirconia")
        for side in ("core", "skin")
    )
    recipe = TrilayerRecipe(
        core=core,
        skin=skin,
        core_mass_mg=row["core_mass_mg"],
        skin_mass_mg=row["skin_mass_mg"],
        pressing_pressure_mpa=row["pressing_pressure_mpa"],
    )
    return [cell_truth(world, recipe, name) for name in names]
