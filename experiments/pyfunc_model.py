"""The surrogates of one round as MLflow serves them: this file travels with the logged model.

``experiments.tracking_models`` packs it beside ``features`` and ``models`` into the archive that
``experiments.model_code`` opens, MLflow's *loader module*; the data are one JSON file. So there is
no pickle anywhere, and the model runs where neither the campaign nor the rest of glassloop is
installed. For the same reason it imports nothing of ``experiments``, of ``optimizer`` or of
MLflow.
"""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

import pandas as pd

from features.errors import ReadingError, TableError
from features.properties import Carrier, property_of
from models.baseline_botorch import BotorchSurrogate
from models.baseline_forest import ForestSurrogate
from models.baseline_ridge import RidgeSurrogate
from models.baseline_sklearn_gp import SklearnGPSurrogate
from models.baselines import MeanSurrogate
from models.batch_success import Feasibility
from models.correlated import CorrelatedProperty
from models.feasibility import SUCCESS_COLUMNS
from models.layers import CELL_COLUMNS
from models.property_gp import PropertyGP
from models.trilayer import TrilayerSurrogate

Servable = (
    PropertyGP
    | MeanSurrogate
    | TrilayerSurrogate
    | RidgeSurrogate
    | SklearnGPSurrogate
    | ForestSurrogate
    | BotorchSurrogate
    | CorrelatedProperty
    | Feasibility
)

SERVABLE: Final[Mapping[str, type[Servable]]] = {
    kind.__name__: kind
    for kind in (
        PropertyGP,
        MeanSurrogate,
        TrilayerSurrogate,
        RidgeSurrogate,
        SklearnGPSurrogate,
        ForestSurrogate,
        BotorchSurrogate,
        CorrelatedProperty,
        Feasibility,
    )
}
"""Surrogates that can be logged, by the name that stands as ``kind`` in their JSON."""

COLUMNS: Final[Mapping[Carrier, tuple[str, ...]]] = {
    "pellet": (
        "x",
        "milling_time_h",
        "milling_media",
        "milling_speed_rpm",
        "pressing_pressure_mpa",
    ),
    "cell": CELL_COLUMNS,
}
"""Columns a table needs for predictions of pellets and of cells."""

SUCCESS: Final[Mapping[str, Carrier]] = {"glass_success": "pellet", "cell_success": "cell"}
"""What stands where a property does for the probability of success, and what it is asked of."""

EXAMPLE: Final[Mapping[str, Any]] = {
    "x": 0.15,
    "milling_time_h": 3.0,
    "milling_media": "stainless_steel",
    "milling_speed_rpm": 500.0,
    "pressing_pressure_mpa": 450.0,
}
"""A pellet to try the model with."""


def plain_surrogate(surrogate: Servable) -> dict[str, Any]:
    """A surrogate as plain JSON that says its own kind.

    Args:
        surrogate: A fitted surrogate.

    Returns:
        Its ``to_dict`` and ``kind``; one entry of an event's ``models``.

    Examples:
        >>> plain_surrogate(MeanSurrogate("youngs_modulus"))["kind"]
        'MeanSurrogate'
    """
    return {"kind": type(surrogate).__name__, **surrogate.to_dict()}


def surrogate_of(plain: Mapping[str, Any]) -> Servable:
    """The surrogate that ``plain_surrogate`` wrote down.

    Args:
        plain: What ``plain_surrogate`` returned, perhaps through JSON.

    Returns:
        The surrogate.

    Raises:
        ReadingError: If its kind is unknown.

    Examples:
        >>> surrogate_of(plain_surrogate(MeanSurrogate("youngs_modulus"))).property_id
        'youngs_modulus'
    """
    kind = str(plain.get("kind"))
    if kind not in SERVABLE:
        raise ReadingError(
            f"kind of surrogate must be one of {', '.join(SERVABLE)}, got {kind!r}; "
            "log the model anew with this version"
        )
    return SERVABLE[kind].from_dict({key: plain[key] for key in plain if key != "kind"})


class SurrogateBundle:
    """All surrogates of one round behind one ``predict``.

    Args:
        plain: Surrogates by any name, as ``plain_surrogate`` gave them; one property each, but
            the tri-layer surrogate answers for all properties of a cell.

    Raises:
        ReadingError: If a kind of surrogate is unknown.
    """

    def __init__(self, plain: Mapping[str, Mapping[str, Any]]) -> None:
        self._surrogates: dict[str, Servable] = {}
        for entry in plain.values():
            surrogate = surrogate_of(entry)
            self._surrogates |= dict.fromkeys(_properties_of(surrogate), surrogate)

    def predict(
        self, model_input: pd.DataFrame, params: Mapping[str, Any] | None = None
    ) -> pd.DataFrame:
        """Predictions of every property the table has the columns for.

        Args:
            model_input: One row a pellet or a cell, with the columns of ``COLUMNS``; more are
                ignored.
            params: ``{"property": id}`` restricts the answer to one property.

        Returns:
            Index as given; columns ``<property>_mean``, ``_sd``, ``_lower``, ``_upper``,
            ``_reading_sd``, ``_reading_lower``, ``_reading_upper``. Physical units, but the two
            sds in decades for properties on a log10 scale. Of ``glass_success`` and
            ``cell_success``: ``_probability``, ``_lower``, ``_upper``.

        Raises:
            ReadingError: If the model holds no surrogate of the property asked for.
            TableError: If columns are missing.
        """
        wanted = self._wanted(str((params or {}).get("property") or ""))
        tables: dict[str, pd.DataFrame] = {}
        for property_id in wanted:
            if property_id not in tables and not _lacking(property_id, model_input):
                tables |= _tables(property_id, self._surrogates[property_id], model_input)
        if not tables:
            raise TableError(
                f"the table lacks {', '.join(_lacking(wanted[0], model_input))}, got "
                f"{', '.join(map(str, model_input.columns)) or 'no columns'}; add them to "
                f"predict {', '.join(wanted)}"
            )
        return pd.concat(
            [tables[name].add_prefix(f"{name}_") for name in wanted if name in tables],
            axis="columns",
        )

    def _wanted(self, asked: str) -> list[str]:
        if asked and asked not in self._surrogates:
            raise ReadingError(
                f"property must be one of {', '.join(self._surrogates)}, got {asked!r}; "
                "use one of these ids"
            )
        return [asked] if asked else [*self._surrogates]


def _properties_of(surrogate: Servable) -> tuple[str, ...]:
    if isinstance(surrogate, TrilayerSurrogate):
        return ("critical_current_density", "area_specific_resistance")
    if isinstance(surrogate, Feasibility):
        return tuple(SUCCESS)
    return (surrogate.property_id,)


def _lacking(property_id: str, table: pd.DataFrame) -> list[str]:
    carrier = SUCCESS.get(property_id) or property_of(property_id).carrier
    return [name for name in COLUMNS[carrier] if name not in table]


def _tables(
    property_id: str, surrogate: Servable, table: pd.DataFrame
) -> Mapping[str, pd.DataFrame]:
    if isinstance(surrogate, TrilayerSurrogate):
        return surrogate.predict(table)
    if isinstance(surrogate, Feasibility):
        of_glass = SUCCESS[property_id] == "pellet"
        success = surrogate.glass_success(table) if of_glass else surrogate.cell_success(table)
        return {property_id: success[[*SUCCESS_COLUMNS]]}
    return {property_id: surrogate.predict(table)}


def load_bundle(data_path: str) -> SurrogateBundle:
    """The surrogates in a file; what ``model_code`` calls when MLflow loads the model."""
    return SurrogateBundle(json.loads(Path(data_path).read_text(encoding="utf-8")))
