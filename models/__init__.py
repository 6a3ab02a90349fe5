"""Surrogates: fit readings, predict properties of recipes with honest intervals."""

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
