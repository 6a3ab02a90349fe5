"""The surrogates of one round as MLflow serves them: this file travels with the logged model.

``experiments.tracking`` copies it beside ``features`` and ``models`` into the model's ``code``
folder and names it as MLflow's *loader module*; the data are one JSON file. So there is no
pickle anywhere, and the model runs where neither the campaign nor the rest of glassloop is
installed. It imports nothing of ``experiments`` and nothing of MLflow for the same reason.
"""

import json
from collections.abc import Mapping
from importlib import import_module
from pathlib import Path
from typing import Any, Final

import pandas as pd

from features.errors import ReadingError, TableError
from features.properties import Carrier, property_of

HOMES: Final = {
    "PropertyGP": "models.property_gp",
    "MeanSurrogate": "models.baselines",
    "TrilayerSurrogate": "models.trilayer",
}
"""Module of each kind of surrogate. Only the kinds at hand are imported, so that a model of
plain Gaussian processes loads without whatever another kind needs."""

COLUMNS: Final[Mapping[Carrier, tuple[str, ...]]] = {
    "pellet": (
        "x",
        "milling_time_h",
        "milling_media",
        "milling_speed_rpm",
        "pressing_pressure_mpa",
    ),
    "cell": (
        *(
            f"{layer}_{column}"
            for layer in ("core", "skin")
            for column in ("x", "milling_time_h", "milling_media", "milling_speed_rpm")
        ),
        "core_mass_mg",
        "skin_mass_mg",
        "precompaction_pressure_mpa",
        "pressing_pressure_mpa",
        "stack_pressure_mpa",
        "temperature_c",
    ),
}
"""Columns a table needs for predictions of pellets and of cells."""

EXAMPLE: Final[Mapping[str, Any]] = {
    "x": 0.15,
    "milling_time_h": 3.0,
    "milling_media": "stainless_steel",
    "milling_speed_rpm": 500.0,
    "pressing_pressure_mpa": 450.0,
}
"""A pellet to try the model with."""


class SurrogateBundle:
    """All surrogates of one round behind one ``predict``.

    Args:
        plain: ``{property id: {"kind": "PropertyGP" | ..., ...}}``, as ``to_dict`` of the
            surrogates gave it.

    Raises:
        ReadingError: If a kind of surrogate is unknown.
    """

    def __init__(self, plain: Mapping[str, Mapping[str, Any]]) -> None:
        self._surrogates = {
            property_id: _surrogate_of(property_id, entry) for property_id, entry in plain.items()
        }

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
            ``_reading_sd``, ``_reading_lower``, ``_reading_upper``. Physical units, but ``sd``
            in decades for properties on a log10 scale.

        Raises:
            ReadingError: If the model holds no surrogate of the property asked for.
            TableError: If columns are missing.
        """
        asked = str((params or {}).get("property") or "")
        if asked and asked not in self._surrogates:
            raise ReadingError(
                f"property must be one of {', '.join(self._surrogates)}, got {asked!r}; "
                "use one of these ids"
            )
        blocks: list[pd.DataFrame] = [
            self._surrogates[property_id].predict(model_input).add_prefix(f"{property_id}_")
            for property_id in ([asked] if asked else self._surrogates)
            if not _missing_columns(property_id, model_input)
        ]
        if not blocks:
            lacking = _missing_columns(asked or next(iter(self._surrogates)), model_input)
            raise TableError(
                f"the table needs the columns {', '.join(lacking)}, got "
                f"{', '.join(map(str, model_input.columns)) or 'none'}; add them"
            )
        return pd.concat(blocks, axis="columns")


def _missing_columns(property_id: str, table: pd.DataFrame) -> list[str]:
    return [c for c in COLUMNS[property_of(property_id).carrier] if c not in table.columns]


def _surrogate_of(property_id: str, plain: Mapping[str, Any]) -> Any:  # a Surrogate
    kind = plain.get("kind")
    if kind not in HOMES:
        raise ReadingError(
            f"{property_id}: kind of surrogate must be one of {', '.join(HOMES)}, got {kind!r}; "
            "log the model anew with this version"
        )
    return getattr(import_module(HOMES[kind]), kind).from_dict(dict(plain))


def _load_pyfunc(data_path: str) -> SurrogateBundle:
    """What MLflow calls to load the model; the name is MLflow's."""
    return SurrogateBundle(json.loads(Path(data_path).read_text(encoding="utf-8")))
