r"""A law of physics with uncertain constants, as the mean and part of the covariance of a prior.

The law :math:`g(r; c)` is linearised in its constants at their centres, so that the prior of
the property stays Gaussian:

.. math:: y(r) = g(r; \bar c) + \sum_j \frac{\partial g}{\partial c_j}\,s_j\,\delta_j
          + \text{discrepancy}(r), \qquad \delta_j \sim N(0, 1)

Readings move the constants, and whatever the law cannot say is left to the discrepancy.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final, final

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from features.table import positive_numbers
from features.transformers import GLASS_FEATURES, GlassFeatures

Array = NDArray[np.float64]

STEP_SD: Final = 1e-3
"""Half width of the central differences, in standard deviations of the constant."""


@dataclass(frozen=True, slots=True)
class Constant:
    """A constant of a law, known roughly. Positive ones enter as natural logarithms, ``ln_``.

    Attributes:
        name: Its name in the law.
        centre: Where its prior is centred, in ``unit``.
        sd: Standard deviation of its prior, in ``unit``.
        unit: Its unit; ``ln X`` for the logarithm of a number of X.
        source: Where centre and spread come from.
    """

    name: str
    centre: float
    sd: float
    unit: str
    source: str


@dataclass(frozen=True, slots=True, eq=False)
class Pellets:
    """What the laws read of n recipes.

    Attributes:
        x: Shape (n,), oxygen per formula unit, dimensionless.
        relative_dose: Shape (n,), milling energy per gram relative to steel, 500 rpm, 3 h.
        metallic_debris: Shape (n,), 1 where the wear of the medium conducts electrons, else 0.
        pressure_mpa: Shape (n,), pressing pressure, MPa.
    """

    x: Array
    relative_dose: Array
    metallic_debris: Array
    pressure_mpa: Array


Law = Callable[[Pellets, Mapping[str, float]], Array]


@final
@dataclass(frozen=True, slots=True, eq=False)
class PhysicsMean:
    """Prior mean of one property of pellets, at 60 °C, with its constants' share of the doubt.

    Attributes:
        property_id: Id in the catalogue.
        constants: What the law does not know for certain; independent a priori.
        law: From pellets and constants by name to the property's scale, shape (n,).
    """

    property_id: str
    constants: tuple[Constant, ...]
    law: Law

    def offset(self, recipes: pd.DataFrame) -> Array:
        """The law at the centres of its constants.

        Args:
            recipes: n recipes; columns x, milling_time_h, milling_media, milling_speed_rpm,
                pressing_pressure_mpa.

        Returns:
            Shape (n,), on the property's scale.

        Raises:
            TableError: If a column is missing or a value is not the number it should be.
            RecipeError: If a medium is unknown; names the row.
        """
        return self.law(pellets_of(recipes), self.centres)

    def basis(self, recipes: pd.DataFrame) -> Array:
        """Change of the law by one standard deviation of each constant, to first order.

        Args:
            recipes: n recipes, columns as for ``offset``.

        Returns:
            Shape (n, k), on the property's scale; ``basis @ basis.T`` is the covariance that
            the constants bring.

        Raises:
            TableError: If a column is missing or a value is not the number it should be.
            RecipeError: If a medium is unknown; names the row.
        """
        pellets = pellets_of(recipes)
        columns = [self._slope(pellets, constant) for constant in self.constants]
        return np.stack(columns, axis=-1)

    def value(self, recipes: pd.DataFrame, constants: Mapping[str, float]) -> Array:
        """The law itself, not linearised.

        Args:
            recipes: n recipes, columns as for ``offset``.
            constants: Value by name; those not given are at their centres.

        Returns:
            Shape (n,), on the property's scale.

        Raises:
            TableError: If a column is missing or a value is not the number it should be.
            RecipeError: If a medium is unknown; names the row.
        """
        return self.law(pellets_of(recipes), {**self.centres, **constants})

    @property
    def centres(self) -> dict[str, float]:
        """Centre of each constant's prior, by name."""
        return {constant.name: constant.centre for constant in self.constants}

    def _slope(self, pellets: Pellets, constant: Constant) -> Array:
        step = STEP_SD * constant.sd
        above = self.law(pellets, {**self.centres, constant.name: constant.centre + step})
        below = self.law(pellets, {**self.centres, constant.name: constant.centre - step})
        return (above - below) / (2 * STEP_SD)


def pellets_of(recipes: pd.DataFrame) -> Pellets:
    """What the laws read of a table of recipes.

    Args:
        recipes: n recipes; columns x, milling_time_h, milling_media, milling_speed_rpm,
            pressing_pressure_mpa.

    Returns:
        The pellets, in the table's order.

    Raises:
        TableError: If a column is missing or a value is not the number it should be.
        RecipeError: If a medium is unknown; names the row.
    """
    features = dict(zip(GLASS_FEATURES, GlassFeatures().transform(recipes).T, strict=True))
    return Pellets(
        x=features["x"],
        relative_dose=10.0 ** features["log10_relative_dose"],
        metallic_debris=features["metallic_debris"],
        pressure_mpa=positive_numbers(recipes, "pressing_pressure_mpa", where="recipes"),
    )
