"""Cells by the oxygen of core and skin: what is expected of each, and how well it is known."""

from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from experiments.config import CampaignConfig, extremes
from experiments.display import number_text
from experiments.knowledge import CELL_PROPERTIES, Knowledge, sound_cells
from experiments.report_recipes import usual_cell
from experiments.report_slices import NOT_MADE_HERE
from features.cell_limits import SAME_X, Limits
from features.milling import MEDIA

Array = NDArray[np.float64]

N_GRID: Final = 25


@dataclass(frozen=True, slots=True, kw_only=True)
class CellMark:
    """A cell on the map.

    Attributes:
        specimen: Its id.
        core_x: Oxygen of the core.
        skin_x: Oxygen of the skins.
        state: ``made``, ``planned`` or ``failed``.
        is_own: Whether this campaign built it.
    """

    specimen: str
    core_x: float
    skin_x: float
    state: str
    is_own: bool


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class CellMap:
    """Predictions over core and skin composition, the rest as usual.

    Attributes:
        core_x: Shape (k,), abscissa.
        skin_x: Shape (l,), ordinate.
        centre: By property, shape (l, k), physical: median of the true value.
        sd: By property, shape (l, k), of the true value, in the property's ``sd_unit``.
        held: What is held, in words.
        least_skin_x: Skins with less are not put against sodium.
        marks: Cells made, planned and failed.
        n_readings: By property, readings in the fit.
    """

    core_x: Array
    skin_x: Array
    centre: dict[str, Array]
    sd: dict[str, Array]
    held: str
    least_skin_x: float
    marks: tuple[CellMark, ...]
    n_readings: dict[str, int]


def cell_map(knowledge: Knowledge, config: CampaignConfig) -> CellMap | None:
    """What is expected of a cell of each core and each skin.

    Args:
        knowledge: Specimens and fitted surrogates.
        config: What is searched; masses, pressures and processing are the usual ones.

    Returns:
        The map; ``None`` where x is held, so that there is nothing to map.
    """
    low, high = extremes(config.glasses.x)
    made = sound_cells(knowledge.cells)
    for column in ("core_x", "skin_x"):
        known = made[column].dropna()
        low, high = min([low, *known]), max([high, *known])
    if not high > low:
        return None
    least = Limits().min_skin_x_against_sodium
    thin = [value for value in made["skin_x"].dropna() if value < least - SAME_X]
    lowest = min([max(low, min(least, high)), *thin])
    core_axis = np.linspace(low, high, N_GRID)
    skin_axis = np.linspace(lowest if lowest < high else low, high, N_GRID)
    usual = usual_cell(config)
    core, skin = np.meshgrid(core_axis, skin_axis)
    rows = pd.DataFrame({**usual, "core_x": core.ravel(), "skin_x": skin.ravel()})
    tables = knowledge.predict_cells(rows)
    counts = knowledge.fitted["property"].value_counts()
    return CellMap(
        core_x=core_axis,
        skin_x=skin_axis,
        centre={
            name: tables[name]["mean"].to_numpy(float).reshape(core.shape)
            for name in CELL_PROPERTIES
        },
        sd={
            name: tables[name]["sd"].to_numpy(float).reshape(core.shape)
            for name in CELL_PROPERTIES
        },
        held=_held(usual),
        least_skin_x=least,
        marks=_marks(knowledge.cells),
        n_readings={name: int(counts.get(name, 0)) for name in CELL_PROPERTIES},
    )  # fmt: skip


def _held(usual: dict[str, Any]) -> str:
    medium = usual["core_milling_media"]
    label = MEDIA[medium].label if medium in MEDIA else medium
    return (
        f"core {number_text(usual['core_mass_mg'])} mg, skins {number_text(usual['skin_mass_mg'])} "
        f"mg each, both milled {number_text(usual['core_milling_time_h'])} h at "
        f"{number_text(usual['core_milling_speed_rpm'])} rpm in {label}, pressed at "
        f"{number_text(usual['pressing_pressure_mpa'])} MPa, stack "
        f"{number_text(usual['stack_pressure_mpa'])} MPa, "
        f"{number_text(usual['temperature_c'])} °C"
    )


def _marks(cells: pd.DataFrame) -> tuple[CellMark, ...]:
    """Cells that stand, that are planned and that failed, jars' failures aside."""
    found = []
    for name, row in cells.dropna(subset=["core_x", "skin_x"]).iterrows():
        if row["status"] == "not_made" or "failed" in (row["core_status"], row["skin_status"]):
            continue
        found.append(
            CellMark(
                specimen=str(name),
                core_x=float(row["core_x"]),
                skin_x=float(row["skin_x"]),
                state=str(row["status"]),
                is_own=str(row["core_origin"]) not in NOT_MADE_HERE,
            )
        )
    return tuple(found)
