"""What the usual regressors have in common: a matrix of pooled readings, and when to use it."""

from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Final, Self

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from features.errors import NotFittedError
from features.properties import Property, property_of
from features.transformers import GLASS_FEATURES, GlassFeatures
from models.baselines import MeanSurrogate
from models.cholesky import stable_cholesky
from models.property_gp import DEFAULT_RANGES
from models.reference_temperature import (
    OTHER_TEMPERATURE,
    REFERENCE_TEMPERATURE_C,
    is_at_reference,
)
from models.scaling import Ranges, checked_ranges, in_unit_cube
from models.surrogate import predictions_table
from models.training import rows_of_specimens, training_rows
from models.wording import state_in_words

Array = NDArray[np.float64]

FEWEST_RECIPES: Final = 3
"""With fewer different recipes no regressor can tell a trend from an offset."""


@dataclass(frozen=True, slots=True, eq=False)
class BaselineTable:
    """Pooled readings as a regressor wants them, rows in an order that depends on nothing else.

    Attributes:
        x: Shape (n, 6), features of the recipes in the unit cube.
        y: Shape (n,), values on the property's scale.
        noise_sd: Shape (n,), standard errors on that scale.
    """

    x: Array
    y: Array
    noise_sd: Array

    def shows_a_trend(self, entry: Property) -> bool:
        """Whether there is anything to regress on.

        Args:
            entry: The property.

        Returns:
            False with fewer than three different recipes, or when the values differ by less
            than readings of one recipe usually do.

        Examples:
            >>> flat = BaselineTable(np.eye(6), np.full(6, 20.0), np.full(6, 0.2))
            >>> flat.shows_a_trend(property_of("youngs_modulus"))
            False
        """
        n_recipes = len(np.unique(self.x, axis=0))
        return n_recipes >= FEWEST_RECIPES and float(self.y.std()) > entry.noise_sd

    def to_dict(self) -> dict[str, Any]:
        """The three arrays as lists."""
        return {"x": self.x.tolist(), "y": self.y.tolist(), "noise_sd": self.noise_sd.tolist()}

    @classmethod
    def from_dict(cls, plain: Mapping[str, Any]) -> "BaselineTable":
        """The table that ``to_dict`` wrote."""
        x = np.array(plain["x"], dtype=float).reshape(-1, len(GLASS_FEATURES))
        return cls(x, np.array(plain["y"], dtype=float), np.array(plain["noise_sd"], dtype=float))


@dataclass(frozen=True, slots=True, eq=False)
class Answer:
    """What a regressor says of N recipes, on the property's scale.

    Attributes:
        mean: Shape (N,).
        covariance: Shape (N, N), of the true values.
        noise_variance: Of a reading about its true value, as learned; the catalogue's usual
            noise is the least that is believed.
    """

    mean: Array
    covariance: Array
    noise_variance: float


@dataclass(frozen=True, eq=False)
class TableSurrogate(ABC):
    """A regressor on the matrix of features behind the protocol of surrogates.

    Readings at the reference temperature are pooled, one row a specimen; features are scaled to
    the unit cube by fixed ranges. Where no trend can be told it answers as ``MeanSurrogate``.
    Predictions are for the reference temperature, whatever ``temperature_c`` says.

    Attributes:
        property_id: Id in the catalogue.
        ranges: Low and high end by feature; those not given keep ``DEFAULT_RANGES``.
        temperature_c: Reference temperature, of predictions and of readings that give none.
        table: What it was fitted to, ``None`` before ``fit``.
        mean: The surrogate that ignores the recipe, ``None`` before ``fit``.
        learned: Fitted numbers in plain JSON types; ``None`` where ``mean`` answers.
        n_readings: Readings used.
        waiting: Number of readings it could not use, by reason.

    Raises:
        ReadingError: If the catalogue lacks the property.
        SpaceError: If a range is of an unknown feature, or empty.
    """

    property_id: str
    ranges: Ranges = field(default_factory=dict)
    temperature_c: float = REFERENCE_TEMPERATURE_C
    table: BaselineTable | None = None
    mean: MeanSurrogate | None = None
    learned: Mapping[str, Any] | None = None
    n_readings: int = 0
    waiting: Mapping[str, int] = field(default_factory=dict)

    def __post_init__(self) -> None:
        """Refuse an unknown property or feature; complete the ranges."""
        property_of(self.property_id)
        complete = checked_ranges(GLASS_FEATURES, {**DEFAULT_RANGES, **self.ranges})
        object.__setattr__(self, "ranges", complete)

    @abstractmethod
    def learn(self, table: BaselineTable) -> dict[str, Any]:
        """Fitted numbers in plain JSON types, which with the table suffice to answer.

        Args:
            table: Readings that show a trend.

        Returns:
            What ``learned`` becomes.
        """

    @abstractmethod
    def answer(self, x: Array) -> Answer:
        """What the fitted regressor says.

        Args:
            x: Shape (N, 6), in the unit cube.

        Returns:
            Moments on the property's scale.
        """

    @property
    def entry(self) -> Property:
        """The property's catalogue entry."""
        return property_of(self.property_id)

    @property
    def fitted_table(self) -> BaselineTable:
        """What it was fitted to.

        Raises:
            NotFittedError: Before ``fit``.
        """
        if self.table is None:
            raise self._unfitted()
        return self.table

    @property
    def fitted_numbers(self) -> Mapping[str, Any]:
        """What was learned.

        Raises:
            NotFittedError: Before ``fit``, or where ``mean`` answers.
        """
        if self.learned is None:
            raise self._unfitted()
        return self.learned

    def fit(self, recipes: pd.DataFrame, readings: pd.DataFrame) -> Self:
        """A copy fitted to the readings of this property.

        Args:
            recipes: One row a pellet, index = specimen id; columns as for ``GlassFeatures``.
            readings: Columns specimen, property, lower, upper, se, physical units;
                ``temperature_c`` if known.

        Returns:
            The fitted copy; with no reading it predicts the prior.

        Raises:
            TableError: If a column is missing, a reading is nonsense or its specimen unknown.
            RecipeError: If a medium is unknown.
        """
        rows = training_rows(readings, self.entry)
        own = readings.loc[(readings["property"] == self.property_id).to_numpy()]
        rows_of_specimens(recipes, [*map(str, own["specimen"])], "recipes")
        here = is_at_reference(own, self.entry, self.temperature_c)
        rows = training_rows(own.loc[here], self.entry)
        pooled = rows.pooled()
        measured = rows_of_specimens(recipes, pooled.specimen, "recipes")
        table = _in_fixed_order(self._features(measured), pooled.y, pooled.noise_sd)
        elsewhere = int((~here).sum())
        return replace(
            self,
            table=table,
            mean=MeanSurrogate(self.property_id, self.temperature_c).fit(recipes, own.loc[here]),
            learned=self.learn(table) if table.shows_a_trend(self.entry) else None,
            n_readings=len(rows.y),
            waiting={**rows.waiting, **({OTHER_TEMPERATURE: elsewhere} if elsewhere else {})},
        )

    def predict(self, recipes: pd.DataFrame) -> pd.DataFrame:
        """Centre, spread and 90 % intervals for each recipe.

        Args:
            recipes: N recipes, columns as for ``fit``.

        Returns:
            N rows with the index of ``recipes``; columns ``PREDICTION_COLUMNS``.

        Raises:
            NotFittedError: Before ``fit``.
            TableError: If a column is missing or holds no number.
            RecipeError: If a medium is unknown.
        """
        if self.mean is None:
            raise self._unfitted()
        x = self._features(recipes)
        if self.learned is None or not len(x):
            return self.mean.predict(recipes)
        said = self.answer(x)
        variance = np.diagonal(said.covariance)
        noise = max(said.noise_variance, self.entry.noise_sd**2)
        return predictions_table(
            self.entry,
            recipes.index,
            mean=said.mean,
            sd=np.sqrt(variance),
            reading_sd=np.sqrt(variance + noise),
        )

    def sample(self, recipes: pd.DataFrame, n: int, rng: np.random.Generator) -> Array:
        """Joint normal draws of the true values.

        Args:
            recipes: N recipes, columns as for ``fit``.
            n: Number of draws.
            rng: Source of randomness.

        Returns:
            Shape (n, N), physical units.

        Raises:
            NotFittedError: Before ``fit``.
            TableError: If a column is missing or holds no number.
            RecipeError: If a medium is unknown.
        """
        if self.mean is None:
            raise self._unfitted()
        x = self._features(recipes)
        if self.learned is None or not len(x):
            return self.mean.sample(recipes, n, rng)
        said = self.answer(x)
        factor = stable_cholesky(said.covariance)
        return self.entry.from_scale(said.mean + rng.standard_normal((n, len(x))) @ factor.T)

    def in_words(self) -> str:
        """What it rests on: number of readings, and a caution when they are few or flat.

        Returns:
            One line.
        """
        said = state_in_words(self.n_readings, self.waiting, self.property_id)
        if self.n_readings and self.learned is None:
            return f"{said}; no trend to be told, it answers as the mean does"
        return said

    def to_dict(self) -> dict[str, Any]:
        """Everything needed to predict again, in plain JSON types.

        Returns:
            Property, ranges, counts and, once fitted, the table and what was learned.
        """
        return {
            "property_id": self.property_id,
            "ranges": {name: list(ends) for name, ends in self.ranges.items()},
            "temperature_c": self.temperature_c,
            "table": None if self.table is None else self.table.to_dict(),
            "mean": None if self.mean is None else self.mean.to_dict(),
            "learned": None if self.learned is None else dict(self.learned),
            "n_readings": self.n_readings,
            "waiting": dict(self.waiting),
        }

    @classmethod
    def from_dict(cls, plain: Mapping[str, Any]) -> Self:
        """The surrogate that ``to_dict`` wrote.

        Args:
            plain: What ``to_dict`` returned, perhaps through JSON.

        Returns:
            The surrogate.
        """
        table, mean = plain["table"], plain["mean"]
        return cls(
            property_id=plain["property_id"],
            ranges={name: (low, high) for name, (low, high) in plain["ranges"].items()},
            temperature_c=plain["temperature_c"],
            table=None if table is None else BaselineTable.from_dict(table),
            mean=None if mean is None else MeanSurrogate.from_dict(mean),
            learned=plain["learned"],
            n_readings=plain["n_readings"],
            waiting=plain["waiting"],
        )

    def _unfitted(self) -> NotFittedError:
        return NotFittedError(
            f"{type(self).__name__}: {self.entry.label} was asked for before fit, got no "
            "readings; call fit first, with an empty table if nothing was measured"
        )

    def _features(self, recipes: pd.DataFrame) -> Array:
        return in_unit_cube(GlassFeatures().transform(recipes), self.ranges)


def _in_fixed_order(x: Array, y: Array, noise_sd: Array) -> BaselineTable:
    """Rows sorted by what they hold: optimisers and trees feel the order of rows."""
    order = np.lexsort((noise_sd, *x.T, y))
    return BaselineTable(x[order], y[order], noise_sd[order])
