"""Recipes as points of the unit cube, by the feature set that was chosen."""

from collections.abc import Mapping
from math import log10
from types import MappingProxyType
from typing import Final

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from features.milling import MEDIA, relative_dose, relative_intensity
from features.table import numbers, positive_numbers
from features.transformers import GLASS_FEATURES, GlassFeatures, MediumCategory
from models.scaling import Ranges, in_unit_cube
from models.settings import GPSettings

Array = NDArray[np.float64]

_SHORT_H: Final = 1.0
_LONG_H: Final = 20.0
_SPEED_RPM: Final = 500.0


def _over_media(values: list[float]) -> tuple[float, float]:
    return min(values), max(values)


DEFAULT_RANGES: Final[Ranges] = MappingProxyType(
    {
        "x": (0.0, 0.6),
        "log10_relative_dose": _over_media(
            [
                log10(relative_dose(media_id, time_h, _SPEED_RPM))
                for media_id in MEDIA
                for time_h in (_SHORT_H, _LONG_H)
            ]
        ),
        "log10_relative_intensity": _over_media(
            [log10(relative_intensity(media_id, _SPEED_RPM)) for media_id in MEDIA]
        ),
        "medium_hardness_hv": _over_media([medium.hardness_hv for medium in MEDIA.values()]),
        "metallic_debris": (0.0, 1.0),
        "pressing_pressure_mpa": (75.0, 500.0),
    }
)
"""What becomes 0 to 1: the paper's x; dose and energy per hit over all media, 1 to 20 h at 500
rpm; hardness over all media, HV; pressing pressure from pre-compaction to the usual die limit,
MPa. A recipe outside is allowed, and is far from all readings."""

_RAW_RANGES: Final[Ranges] = MappingProxyType(
    {"log10_time_h": (log10(_SHORT_H), log10(_LONG_H)), "speed_rpm": (300.0, 600.0)}
)


def glass_inputs(
    recipes: pd.DataFrame, ranges: Mapping[str, tuple[float, float]], settings: GPSettings
) -> Array:
    """The inputs of a process over glasses and their pressing.

    Args:
        recipes: N recipes, columns as for ``GlassFeatures``.
        ranges: Low and high end by feature of ``GlassFeatures``.
        settings: Feature set and scale of oxygen.

    Returns:
        Shape (N, 6) for descriptors, (N, 4 + number of media) for raw columns; what lies within
        the ranges lies within the unit cube.

    Raises:
        TableError: If a column is missing or holds no number.
        RecipeError: If a medium is unknown.
    """
    described = in_unit_cube(GlassFeatures().transform(recipes), ranges)
    if settings.oxygen_scale is not None:
        x, high = numbers(recipes, "x", where="recipes"), ranges["x"][1]
        scale = settings.oxygen_scale
        described[:, 0] = np.expm1(-x / scale) / np.expm1(-high / scale)
    if settings.features == "descriptors":
        return described
    raw = np.column_stack(
        [
            np.log10(positive_numbers(recipes, "milling_time_h", where="recipes")),
            positive_numbers(recipes, "milling_speed_rpm", where="recipes"),
        ]
    )
    return np.column_stack(
        [
            described[:, 0],
            described[:, GLASS_FEATURES.index("pressing_pressure_mpa")],
            in_unit_cube(raw, _RAW_RANGES),
            MediumCategory().transform(recipes),
        ]
    )
