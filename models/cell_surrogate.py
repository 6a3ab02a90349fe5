"""One property of cells behind the protocol of surrogates, so that it can be compared."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, final

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from features.errors import NotFittedError, ReadingError
from features.properties import property_of
from models.trilayer import ASR, CCD, TrilayerSurrogate

Array = NDArray[np.float64]


@final
@dataclass(frozen=True, eq=False)
class CellSurrogate:
    """The critical current or the resistance of cells as the tri-layer surrogate predicts it.

    The layers are fitted already and stay as they are: a cell is predicted from glasses whose
    pellets may be known, without any cell of them.

    Attributes:
        property_id: ``critical_current_density`` or ``area_specific_resistance``.
        trilayer: Composite with fitted layers.

    Raises:
        ReadingError: If the property is not one of cells.
    """

    property_id: str
    trilayer: TrilayerSurrogate

    def __post_init__(self) -> None:
        """Refuse a property of pellets."""
        if self.property_id not in (CCD, ASR):
            raise ReadingError(
                f"CellSurrogate: the property must be {CCD} or {ASR}, got {self.property_id!r}; "
                "use PropertyGP for pellets"
            )

    def fit(self, recipes: pd.DataFrame, readings: pd.DataFrame) -> "CellSurrogate":
        """A copy fitted to the readings of cells.

        Args:
            recipes: One row a cell, index = specimen id; columns as ``TrilayerSurrogate`` needs.
            readings: Columns specimen, property, lower, upper, se, physical units.

        Returns:
            The fitted copy.

        Raises:
            TableError: If a column is missing, a reading is nonsense or its specimen unknown.
        """
        return replace(self, trilayer=self.trilayer.fit(recipes, readings))

    def predict(self, recipes: pd.DataFrame) -> pd.DataFrame:
        """Centre, spread and 90 % intervals for each cell.

        Args:
            recipes: N cells.

        Returns:
            N rows with the index of ``recipes``; columns ``PREDICTION_COLUMNS``.

        Raises:
            NotFittedError: Before ``fit``.
        """
        return self._fitted.predict(recipes)[self.property_id]

    def sample(self, recipes: pd.DataFrame, n: int, rng: np.random.Generator) -> Array:
        """Joint draws of the true values.

        Args:
            recipes: N cells.
            n: Number of draws.
            rng: Source of randomness.

        Returns:
            Shape (n, N), physical units.

        Raises:
            NotFittedError: Before ``fit``.
        """
        return self._fitted.sample(recipes, n, rng)[self.property_id]

    def in_words(self) -> str:
        """What it rests on.

        Returns:
            One line.
        """
        if self.property_id == CCD:
            return self.trilayer.in_words()
        n = self.trilayer.resistance.shape[1]
        label = property_of(ASR).label
        return f"series sum of the layers, corrected by {n} {label} reading{'s' * (n != 1)}"

    def to_dict(self) -> dict[str, Any]:
        """Everything needed to predict again, in plain JSON types."""
        return {"property_id": self.property_id, "trilayer": self.trilayer.to_dict()}

    @classmethod
    def from_dict(cls, plain: Mapping[str, Any]) -> "CellSurrogate":
        """The surrogate that ``to_dict`` wrote."""
        return cls(plain["property_id"], TrilayerSurrogate.from_dict(plain["trilayer"]))

    @property
    def _fitted(self) -> TrilayerSurrogate:
        if self.trilayer.process is None:
            raise NotFittedError(
                f"CellSurrogate: {property_of(self.property_id).label} was asked for before fit, "
                "got no readings; call fit first, with an empty table if nothing was measured"
            )
        return self.trilayer
