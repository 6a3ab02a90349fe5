"""Tables of simulated glasses, cells and readings, with the truth behind them, for benchmarks.

Everything here is invented by the virtual lab. A seed perturbs the constants of its world
(domain notes 6), so that every table is of a lab of its own; worlds that share a law do not share a
seed, so that no table is there twice.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from itertools import count
from typing import Any, Final

import numpy as np
import pandas as pd

from experiments.virtual_cells import cell_truth
from experiments.virtual_constants import WORLD_CONSTANTS, generator
from experiments.virtual_lab import VirtualLab
from experiments.virtual_specimens import Measurement, VirtualJar
from experiments.virtual_worlds import World
from features.properties import property_of
from features.reading import CcdProtocol, parse_value
from features.recipe import GlassRecipe, PelletRecipe, TrilayerRecipe

Row = dict[str, Any]

GLASS: Final = ("x", "milling_time_h", "milling_media", "milling_speed_rpm")
SIDES: Final = ("core", "skin")
CELL_NUMBERS: Final = (
    "core_mass_mg",
    "skin_mass_mg",
    "precompaction_pressure_mpa",
    "pressing_pressure_mpa",
    "stack_pressure_mpa",
    "temperature_c",
)
PELLET_PROPERTIES: Final = (
    "ionic_conductivity",
    "youngs_modulus",
    "electronic_conductivity",
    "relative_density",
    "charge_transfer_resistance",
)
CELL_PROPERTIES: Final = ("critical_current_density", "area_specific_resistance")

MEDIA_SHARES: Final = {
    "stainless_steel": 0.35,
    "zirconia": 0.30,
    "tungsten_carbide": 0.12,
    "alumina": 0.09,
    "agate": 0.07,
    "silicon_nitride": 0.07,
}
"""What a lab would mostly take (assumed)."""

USUAL_PRESSURE_MPA: Final = 450.0
SHORTEST_H, LONGEST_H = 1.0, 20.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Design:
    """What is made and measured.

    Attributes:
        n_glasses: Glasses, each of a recipe of its own.
        n_repeats: Further jars of the first glass, the control.
        pellets_per_jar: Pellets of each jar, all at the jar's pressure.
        n_cells: Cells built from those jars.
        temperatures_c: At which conductivities of pellets are read, °C.
        smallest_current_na: Of the channel for electronic conductivity, nA; its floor follows.
        ccd_end_ma_cm2: Where the programme of the critical current ends, mA/cm2.
        fixed: Columns of a pellet recipe held at a value.
        only_skin_varies: Whether cells differ in their skin's glass alone.
    """

    n_glasses: int
    n_repeats: int = 0
    pellets_per_jar: int = 1
    n_cells: int = 0
    temperatures_c: tuple[float, ...] = (60.0,)
    smallest_current_na: float = 1.0
    ccd_end_ma_cm2: float = 3.0
    fixed: Mapping[str, Any] = field(default_factory=dict)
    only_skin_varies: bool = False


@dataclass(frozen=True)
class VirtualTable:
    """One simulated lab's tables, as surrogates take them.

    Attributes:
        lab: The lab, with its world.
        recipes: One row a pellet, index = specimen id; ``jar`` names the jar.
        cells: One row a cell, index = specimen id; ``core_jar`` and ``skin_jar`` name the jars.
        readings: specimen, property, lower, upper, se, n, temperature_c, method; physical units.
    """

    lab: VirtualLab
    recipes: pd.DataFrame
    cells: pd.DataFrame
    readings: pd.DataFrame

    def truth(
        self, rows: pd.DataFrame, property_id: str, temperature_c: float = 60.0
    ) -> "pd.Series[float]":
        """The noise-free value of each recipe followed to the letter, physical unit.

        Args:
            rows: Recipes of pellets, or of cells for a property that cells carry.
            property_id: Id in the catalogue.
            temperature_c: Of pellets, °C; cells carry their own.

        Returns:
            One value a row. Of a critical current it is the median over cells.
        """
        world = self.lab.world
        of_cell = property_of(property_id).carrier == "cell"
        values = [
            cell_truth(world, cell_recipe(row), property_id)
            if of_cell
            else world.pellet_truth(pellet_recipe(row), property_id, temperature_c)
            for row in records(rows)
        ]
        return pd.Series(values, index=rows.index, dtype=float)

    @cached_property
    def by_property(self) -> dict[str, pd.DataFrame]:
        """Readings by property."""
        return {str(name): own for name, own in self.readings.groupby("property", sort=False)}


def draw(letter: str, seed: int, design: Design, label: str = "G") -> VirtualTable:
    """One simulated lab makes and measures what the design says.

    What failed is made anew at once, from another recipe if the recipe failed, so that all rows
    were measured. Luck follows from seed and label alone: a design with fewer glasses gives the
    first rows of one with more, and two labels give two independent sets from one lab.

    Args:
        letter: World, A to G.
        seed: Of the lab and its world.
        design: What is made.
        label: Begins every specimen id.

    Returns:
        The tables.
    """
    own_seed = 10_000 * list(WORLD_CONSTANTS).index(letter) + seed
    lab = VirtualLab(
        World(letter, own_seed),
        own_seed,
        smallest_current_na=design.smallest_current_na,
        protocol=CcdProtocol(end_ma_cm2=design.ccd_end_ma_cm2),
    )
    made = list(_made_jars(lab, design, label))
    pellets, readings = _pellets(lab, design, made)
    cells, cell_readings = _cells(lab, design, [jar for jar, _ in made], label)
    return VirtualTable(
        lab,
        pd.DataFrame.from_dict(pellets, orient="index"),
        pd.DataFrame.from_dict(cells, orient="index"),
        pd.DataFrame(readings + cell_readings),
    )


def records(table: pd.DataFrame) -> list[Row]:
    """The rows of a table, by column."""
    return [{str(name): value for name, value in row.items()} for row in table.to_dict("records")]


def pellet_recipe(row: Mapping[str, Any]) -> PelletRecipe:
    """The recipe in a row of ``recipes``."""
    glass = GlassRecipe(*(row[name] for name in GLASS))
    return PelletRecipe(glass, row["pressing_pressure_mpa"])


def cell_recipe(row: Mapping[str, Any]) -> TrilayerRecipe:
    """The recipe in a row of ``cells``."""
    core, skin = (GlassRecipe(*(row[f"{side}_{name}"] for name in GLASS)) for side in SIDES)
    return TrilayerRecipe(core=core, skin=skin, **{name: row[name] for name in CELL_NUMBERS})


def _random_pellet(rng: np.random.Generator) -> Row:
    """A sensible recipe: x by 0.01, time even in its logarithm, every other one at 450 MPa."""
    time_h = SHORTEST_H * (LONGEST_H / SHORTEST_H) ** rng.random()
    usual = rng.random() < 0.5
    other = 75.0 + 25.0 * float(rng.integers(0, 18))
    return {
        "x": round(0.01 * int(rng.integers(0, 61)), 2),
        "milling_time_h": round(2 * time_h) / 2,
        "milling_media": str(rng.choice(list(MEDIA_SHARES), p=list(MEDIA_SHARES.values()))),
        "milling_speed_rpm": 500.0,
        "pressing_pressure_mpa": USUAL_PRESSURE_MPA if usual else other,
    }


def _made_jars(lab: VirtualLab, design: Design, label: str) -> Iterator[tuple[VirtualJar, Row]]:
    """Jars that did not fail, the control's repeats last."""
    rng = generator(lab.seed, "recipes", label)
    first: Row = {}
    number = count(1)
    for _ in range(design.n_glasses):
        while True:
            recipe = _random_pellet(rng) | dict(design.fixed)
            jar = lab.make_jar(f"{label}{next(number)}", pellet_recipe(recipe).glass)
            if not jar.failure:
                break
        first = first or recipe
        yield jar, recipe
    attempt = count(1)
    for _ in range(design.n_repeats):
        while True:
            jar = lab.make_jar(f"{label}control{next(attempt)}", pellet_recipe(first).glass)
            if not jar.failure:
                break
        yield jar, first


def _pellets(
    lab: VirtualLab, design: Design, made: list[tuple[VirtualJar, Row]]
) -> tuple[dict[str, Row], list[Row]]:
    rows: dict[str, Row] = {}
    readings: list[Row] = []
    for jar, recipe in made:
        number = count(1)
        for _ in range(design.pellets_per_jar):
            while True:
                name = f"{jar.id}-P{next(number)}"
                pellet = lab.press(name, jar, recipe["pressing_pressure_mpa"])
                if not pellet.failure:
                    break
            rows[name] = recipe | {"jar": jar.id}
            for property_id in PELLET_PROPERTIES:
                swept = property_id in {"ionic_conductivity", "electronic_conductivity"}
                readings += [
                    _reading(lab.measure(pellet, property_id, temperature))
                    for temperature in (design.temperatures_c if swept else (60.0,))
                ]
    return rows, readings


def _cells(
    lab: VirtualLab, design: Design, jars: list[VirtualJar], label: str
) -> tuple[dict[str, Row], list[Row]]:
    """Cells as the loop plans them: 150 mg of core, 15 to 40 mg of skin, 2 to 14 MPa."""
    rng = generator(lab.seed, "cells", label)
    rows: dict[str, Row] = {}
    readings: list[Row] = []
    number = count(1)
    for index in range(design.n_cells):
        while True:
            core, skin = (jars[int(i)] for i in rng.integers(0, len(jars), 2))
            skin_mg, stack_mpa = float(rng.integers(3, 9)) * 5, float(rng.integers(2, 15))
            pressing_mpa = float(rng.choice([300.0, 450.0], p=[0.25, 0.75]))
            if design.only_skin_varies:
                core, skin = jars[0], jars[index % len(jars)]
                skin_mg, stack_mpa, pressing_mpa = 25.0, 7.0, USUAL_PRESSURE_MPA
            recipe = TrilayerRecipe(
                core=core.recipe,
                skin=skin.recipe,
                core_mass_mg=150.0,
                skin_mass_mg=skin_mg,
                pressing_pressure_mpa=pressing_mpa,
                stack_pressure_mpa=stack_mpa,
            )
            cell = lab.make_cell(f"{label}C{next(number)}", core, skin, recipe)
            if not cell.failure:
                break
        glasses = zip(SIDES, (recipe.core, recipe.skin), strict=True)
        rows[cell.id] = (
            {f"{side}_{name}": getattr(glass, name) for side, glass in glasses for name in GLASS}
            | {name: getattr(recipe, name) for name in CELL_NUMBERS}
            | {"core_jar": core.id, "skin_jar": skin.id}
        )
        readings += [_reading(lab.measure_cell(cell, name)) for name in CELL_PROPERTIES]
    return rows, readings


def _reading(measured: Measurement) -> Row:
    bounds = parse_value(measured.text, measured.property, measured.unit)
    return {
        "specimen": measured.specimen,
        "property": measured.property,
        "lower": np.nan if bounds.lower is None else bounds.lower,
        "upper": np.nan if bounds.upper is None else bounds.upper,
        "se": np.nan if measured.se is None else measured.se,
        "n": measured.n,
        "temperature_c": measured.temperature_c,
        "method": measured.method,
    }


def along(table: VirtualTable, column: str, values: "np.ndarray[Any, Any]") -> pd.DataFrame:
    """Recipes like the first pellet's, or the first cell's, with one column varied."""
    source = table.recipes if column in table.recipes else table.cells
    rows = pd.concat([source.iloc[[0]]] * len(values)).assign(**{column: values})
    return rows.set_axis([f"{column} = {value:g}" for value in values])
