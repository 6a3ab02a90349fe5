"""Surrogates of pellet properties by the name a person types."""

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Final

from features.errors import SpaceError
from models.baseline_botorch import BotorchSurrogate
from models.baseline_forest import ForestSurrogate
from models.baseline_ridge import RidgeSurrogate
from models.baseline_sklearn_gp import SklearnGPSurrogate
from models.baselines import MeanSurrogate
from models.correlated import CorrelatedProperty
from models.property_gp import PropertyGP
from models.reference_temperature import REFERENCE_TEMPERATURE_C
from models.scaling import Ranges
from models.settings import GPSettings
from models.surrogate import Surrogate

Maker = Callable[[str, Ranges, float], Surrogate]


def _mean(property_id: str, _ranges: Ranges, temperature_c: float) -> Surrogate:
    return MeanSurrogate(property_id, temperature_c)


def _physics(property_id: str, ranges: Ranges, temperature_c: float) -> Surrogate:
    return PropertyGP(property_id, ranges, temperature_c, GPSettings(physics=True))


SURROGATES: Final[Mapping[str, Maker]] = MappingProxyType(
    {
        "mean": _mean,
        "ridge": RidgeSurrogate,
        "sklearn_gp": SklearnGPSurrogate,
        "random_forest": ForestSurrogate,
        "botorch": BotorchSurrogate,
        "gp": PropertyGP,
        "gp_physics": _physics,
        "gp_correlated": CorrelatedProperty,
    }
)
"""What makes an unfitted surrogate of a property, with the ranges that become 0 to 1."""


def surrogate_named(
    name: str,
    property_id: str,
    ranges: Ranges,
    temperature_c: float = REFERENCE_TEMPERATURE_C,
) -> Surrogate:
    """An unfitted surrogate.

    Args:
        name: One of ``SURROGATES``.
        property_id: Id in the catalogue.
        ranges: Low and high end by feature; those not given keep the shipped ones.
        temperature_c: Reference temperature, °C.

    Returns:
        The surrogate.

    Raises:
        SpaceError: If there is no surrogate of that name, or a range is malformed.
        ReadingError: If the catalogue lacks the property.

    Examples:
        >>> surrogate_named("gp", "youngs_modulus", {}).property_id
        'youngs_modulus'
    """
    if name not in SURROGATES:
        raise SpaceError(
            f"surrogate: the name must be one of {', '.join(SURROGATES)}, got {name!r}; "
            "use one of these"
        )
    return SURROGATES[name](property_id, ranges, temperature_c)
