"""What cells can be built from, and a cell written out with the recipes of its layers."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

import pandas as pd

LAYER: Final = ("x", "milling_time_h", "milling_media", "milling_speed_rpm")
"""What is known of a jar that a layer is pressed from."""

CONTEXT: Final = ("precompaction_pressure_mpa", "stack_pressure_mpa", "temperature_c")
"""What is the same in all cells proposed."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Powder:
    """Jars that cells can be built from.

    Attributes:
        jars: Recipe columns by jar id, all jars that ever went into a cell included.
        left_mg: Powder left, by jar id; only these can be used.
    """

    jars: pd.DataFrame
    left_mg: Mapping[str, float]

    def after(self, cell: Mapping[str, Any]) -> "Powder":
        """What is left once a cell was built."""
        left = dict(self.left_mg)
        left[cell["core"]] -= float(cell["core_mass_mg"])
        left[cell["skin"]] -= 2 * float(cell["skin_mass_mg"])
        return Powder(jars=self.jars, left_mg=left)


def whole_cells(choice: pd.DataFrame, jars: pd.DataFrame) -> pd.DataFrame:
    """Cells with the recipes of their layers, as the surrogate wants them.

    Args:
        choice: Columns core, skin and the cell's own masses and pressures.
        jars: Recipe columns by jar id.

    Returns:
        The same rows with ``core_x``, ``skin_x`` and so on.
    """
    parts = {
        f"{layer}_{name}": jars[name].reindex(choice[layer]).to_numpy()
        for layer in ("core", "skin")
        for name in LAYER
    }
    return choice.assign(**parts)
