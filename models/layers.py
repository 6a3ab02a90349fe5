"""Joint draws of what the layers of a cell are, so that a glass used twice has one value."""

from collections.abc import Callable, Mapping
from typing import Final

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from features.errors import TableError
from features.table import column, numbers
from models.property_gp import PropertyGP

Array = NDArray[np.float64]

LAYER_PROPERTIES: Final = (
    "ionic_conductivity",
    "relative_density",
    "charge_transfer_resistance",
    "youngs_modulus",
    "electronic_conductivity",
)
"""What must be known of the layers (domain notes 5.2 and 5.3)."""

CELL_COLUMNS: Final = (
    *(
        f"{layer}_{name}"
        for layer in ("core", "skin")
        for name in ("x", "milling_time_h", "milling_media", "milling_speed_rpm", "mass_mg")
    ),
    "pressing_pressure_mpa",
    "stack_pressure_mpa",
    "temperature_c",
)
"""Columns of a table of cells that are read here."""

DENSITY_LIMITS: Final = (0.4, 1.02)
"""A drawn relative density is held within these: a layer is neither air nor denser than glass."""

_GLASS: Final = ("x", "milling_time_h", "milling_media", "milling_speed_rpm")


def checked_layers(layers: Mapping[str, PropertyGP]) -> dict[str, PropertyGP]:
    """The layer surrogates in their fixed order.

    Args:
        layers: Surrogate by property.

    Returns:
        One for each of ``LAYER_PROPERTIES``.

    Raises:
        TableError: If one is missing or not of the property it is filed under.
    """
    missing = [name for name in LAYER_PROPERTIES if name not in layers]
    if missing:
        raise TableError(
            f"layers: a surrogate is needed for each of {', '.join(LAYER_PROPERTIES)}, "
            f"got none for {', '.join(missing)}; fit one, with an empty table if nothing was "
            "measured"
        )
    for name in LAYER_PROPERTIES:
        if layers[name].property_id != name:
            raise TableError(
                f"layers: {name} needs a surrogate of that property, "
                f"got one of {layers[name].property_id}; file it under its own name"
            )
    return {name: layers[name] for name in LAYER_PROPERTIES}


def drawn_layers(
    layers: Mapping[str, PropertyGP], cells: pd.DataFrame, n: int, rng: np.random.Generator
) -> dict[str, Array]:
    """Joint draws of every layer of every cell, at the cell's own pressure and temperature.

    Distinct layers are drawn once.

    Args:
        layers: Fitted surrogate by property.
        cells: N cells.
        n: Number of draws.
        rng: Source of randomness.

    Returns:
        Keyword arguments of ``features.trilayer.cell_descriptors``, each of shape (n, N).

    Raises:
        NotFittedError: If a layer surrogate was not fitted.
        TableError: If a column is missing or holds no number.
        RecipeError: If a medium is unknown.
    """
    return layers_by(cells, lambda name, states: layers[name].sample(states, n, rng))


def central_layers(layers: Mapping[str, PropertyGP], cells: pd.DataFrame) -> dict[str, Array]:
    """The centre of every layer's prediction, in place of a draw.

    Args:
        layers: Fitted surrogate by property.
        cells: N cells.

    Returns:
        As ``drawn_layers`` with n = 1.

    Raises:
        NotFittedError: If a layer surrogate was not fitted.
        TableError: If a column is missing or holds no number.
        RecipeError: If a medium is unknown.
    """
    return layers_by(
        cells, lambda name, states: layers[name].predict(states)["mean"].to_numpy(float)[None, :]
    )


def layers_by(
    cells: pd.DataFrame, value_of: Callable[[str, pd.DataFrame], Array]
) -> dict[str, Array]:
    """Every layer of every cell by whatever says what a layer is.

    Args:
        cells: N cells.
        value_of: Of a property and the distinct layers, with ``pressing_pressure_mpa`` and
            ``temperature_c`` of their cells, gives shape (n, number of layers), physical units.

    Returns:
        As ``drawn_layers``.

    Raises:
        TableError: If a column is missing or holds no number.
    """
    states, core, skin = _layer_states(cells)
    values = {name: value_of(name, states) for name in LAYER_PROPERTIES}
    return _of_cells(values, core, skin)


def _layer_states(
    cells: pd.DataFrame,
) -> tuple[pd.DataFrame, NDArray[np.intp], NDArray[np.intp]]:
    """Distinct layers at their pressures and temperatures, and where each cell's are among them."""
    shared = {
        name: numbers(cells, name, where="cells")
        for name in ("pressing_pressure_mpa", "temperature_c")
    }
    parts = [
        pd.DataFrame(
            {name: column(cells, f"{layer}_{name}", where="cells").to_numpy() for name in _GLASS}
            | shared
        )
        for layer in ("core", "skin")
    ]
    both = pd.concat(parts, ignore_index=True)
    number = both.groupby(list(both.columns), sort=False).ngroup()
    group: NDArray[np.intp] = np.asarray(number, dtype=np.intp)
    states = both[~both.duplicated()].reset_index(drop=True)
    return states, group[: len(cells)], group[len(cells) :]


def _of_cells(
    drawn: Mapping[str, Array], core: NDArray[np.intp], skin: NDArray[np.intp]
) -> dict[str, Array]:
    density = np.clip(drawn["relative_density"], *DENSITY_LIMITS)
    return {
        "core_relative_density": density[:, core],
        "skin_relative_density": density[:, skin],
        "core_conductivity": drawn["ionic_conductivity"][:, core],
        "skin_conductivity": drawn["ionic_conductivity"][:, skin],
        "interface_resistance": drawn["charge_transfer_resistance"][:, skin],
        "skin_youngs_modulus_gpa": drawn["youngs_modulus"][:, skin],
        "skin_electronic_conductivity": drawn["electronic_conductivity"][:, skin],
    }
