"""Surrogates: fit readings, predict properties of recipes with honest intervals.

What is named here is loaded when it is asked for: whoever needs only the settings of a surrogate,
as the configuration and the server do, does not wait for the libraries that fit one.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from models.baselines import MeanSurrogate
    from models.gp import GaussianProcess
    from models.property_gp import PropertyGP
    from models.surrogate import PREDICTION_COLUMNS, Surrogate
    from models.trilayer import TrilayerSurrogate

__all__ = [
    "PREDICTION_COLUMNS",
    "GaussianProcess",
    "MeanSurrogate",
    "PropertyGP",
    "Surrogate",
    "TrilayerSurrogate",
]

_HOMES: Final = {
    "PREDICTION_COLUMNS": "models.surrogate",
    "GaussianProcess": "models.gp",
    "MeanSurrogate": "models.baselines",
    "PropertyGP": "models.property_gp",
    "Surrogate": "models.surrogate",
    "TrilayerSurrogate": "models.trilayer",
}


def __getattr__(name: str) -> Any:
    """What the package offers, from where it lives."""
    if name in _HOMES:
        return getattr(import_module(_HOMES[name]), name)
    raise AttributeError(f"module 'models' has no attribute {name!r}")
