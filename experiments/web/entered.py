"""A reading as somebody entered it, taken apart for a form."""

from collections.abc import Mapping
from typing import Any

from experiments.reading_values import value_and_unit
from features.errors import GlassError
from features.properties import CATALOGUE
from features.units import to_catalogue_unit


def as_entered(reading: Mapping[str, Any]) -> dict[str, str]:
    """Value, unit, standard error and n of a reading, in the unit it was entered in.

    Args:
        reading: A row of the ledger.
    """
    entry = CATALOGUE.get(str(reading["property"]))
    value, unit = value_and_unit(str(reading["text"]))
    unit = unit or (entry.unit if entry is not None else "")
    se = ""
    if reading["se"] is not None and entry is not None:
        try:
            se = f"{float(reading['se']) / to_catalogue_unit(1.0, unit, entry.id):.4g}"
        except GlassError:  # a unit of an older version: the catalogue's is understood
            unit, se = entry.unit, f"{float(reading['se']):.4g}"
    return {"value": value, "unit": unit, "se": se, "n": str(reading["n"])}
