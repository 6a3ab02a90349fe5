"""Sound specimens of a ledger as the recipes they were really made by, and their true values."""

from collections.abc import Mapping
from typing import Any

from experiments.knowledge import sound_cells, sound_pellets
from experiments.laboratory import Laboratory
from experiments.ledger import Ledger
from features.properties import property_of
from features.recipe import GlassRecipe, PelletRecipe, TrilayerRecipe

_GLASS = ("x", "milling_time_h", "milling_media", "milling_speed_rpm")
_CELL = (
    "core_mass_mg", "skin_mass_mg", "precompaction_pressure_mpa", "pressing_pressure_mpa",
    "stack_pressure_mpa", "temperature_c",
)  # fmt: skip


class TrueValues:
    """True values of a simulated campaign's sound specimens; each is asked for once.

    Args:
        laboratory: Knows the truth.
    """

    def __init__(self, laboratory: Laboratory) -> None:
        self._laboratory = laboratory
        self._known: dict[tuple[str, str], float] = {}

    def of_pellets(self, ledger: Ledger, names: tuple[str, ...]) -> dict[str, dict[str, float]]:
        """By specimen, by property, catalogue units; those of this campaign's rounds only."""
        return {
            name: {p: self._pellet(name, recipe, p) for p in names}
            for name, recipe in pellet_recipes(ledger).items()
        }

    def of_cells(self, ledger: Ledger, names: tuple[str, ...]) -> dict[str, dict[str, float]]:
        """The same of cells; a pellet's property is that of the core, pressed as the cell is."""
        return {
            name: {p: self._cell(name, recipe, p) for p in names}
            for name, recipe in cell_recipes(ledger).items()
        }

    def _pellet(self, specimen: str, recipe: PelletRecipe, name: str) -> float:
        if (specimen, name) not in self._known:
            self._known[specimen, name] = self._laboratory.pellet_truth(recipe, name)
        return self._known[specimen, name]

    def _cell(self, specimen: str, recipe: TrilayerRecipe, name: str) -> float:
        if property_of(name).carrier == "pellet":
            core = PelletRecipe(recipe.core, recipe.pressing_pressure_mpa, recipe.core_mass_mg)
            return self._pellet(specimen, core, name)
        if (specimen, name) not in self._known:
            self._known[specimen, name] = self._laboratory.cell_truth(recipe, name)
        return self._known[specimen, name]


def pellet_recipes(ledger: Ledger) -> dict[str, PelletRecipe]:
    """Sound pellets of the campaign's rounds, oxygen as weighed."""
    pellets = sound_pellets(ledger.pellets())
    own = pellets.loc[pellets["round_id"].notna()]
    return {
        str(specimen): PelletRecipe(
            _glass(row, ""), float(row["pressing_pressure_mpa"]), float(row["mass_mg"])
        )
        for specimen, row in own.to_dict("index").items()
    }


def cell_recipes(ledger: Ledger) -> dict[str, TrilayerRecipe]:
    """Sound cells of the campaign's rounds, oxygen of the layers as weighed."""
    cells = sound_cells(ledger.cells())
    own = cells.loc[cells["round_id"].notna()]
    return {
        str(specimen): TrilayerRecipe(
            core=_glass(row, "core_"),
            skin=_glass(row, "skin_"),
            **{name: float(row[name]) for name in _CELL},
        )
        for specimen, row in own.to_dict("index").items()
    }


def _glass(row: Mapping[Any, Any], prefix: str) -> GlassRecipe:
    x, time_h, media, speed_rpm = (row[prefix + name] for name in _GLASS)
    return GlassRecipe(float(x), float(time_h), str(media), float(speed_rpm))
