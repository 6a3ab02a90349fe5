"""The surrogate that ignores the recipe: what every other one must beat."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Final, final

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from features.errors import NotFittedError
from features.properties import Property, property_of
from models.hyperparameters import AMPLITUDE_LN_SD, CONSTANT_SHARE
from models.reference_temperature import (
    OTHER_TEMPERATURE,
    REFERENCE_TEMPERATURE_C,
    is_at_reference,
)
from models.surrogate import predictions_table
from models.training import rows_of_specimens, training_rows
from models.wording import state_in_words

Array = NDArray[np.float64]

_GRID_REACH: Final = 4.0
_GRID_POINTS: Final = 161


@dataclass(frozen=True, slots=True)
class Level:
    """What is known of the common level of all glasses, on the property's scale.

    Attributes:
        mean: Centre of the common mean.
        mean_sd: How well that mean is known.
        between_sd: Spread of true values from glass to glass.
    """

    mean: float
    mean_sd: float
    between_sd: float


@final
@dataclass(frozen=True, eq=False)
class MeanSurrogate:
    r"""Normal about one mean, whatever the recipe.

    .. math:: y_i = \mu + b_i + r_i + e_i,\quad \mu \sim N(m_0, v_0/2),\;
              b_i \sim N(0, \tau^2),\; \tau^2 \approx v_0/2

    Every glass has its own b; two rows asked about share the mean and nothing else. The spread
    between glasses is at its maximum a posteriori, the mean is integrated out. Without readings
    it is the catalogue's prior, as for every surrogate.

    Attributes:
        property_id: Id in the catalogue.
        temperature_c: Only readings near this temperature are used, where it matters.
        level: What was learned, ``None`` before ``fit``.
        n_readings: Readings used.
        n_specimens: Specimens they were taken on.
        waiting: Number of readings it could not use, by reason.

    Raises:
        ReadingError: If the catalogue lacks the property.

    Examples:
        >>> none = pd.DataFrame(columns=["specimen", "property", "lower", "upper", "se"])
        >>> surrogate = MeanSurrogate("youngs_modulus").fit(pd.DataFrame(), none)
        >>> float(surrogate.predict(pd.DataFrame(index=["G1"])).loc["G1", "mean"])
        19.0
    """

    property_id: str
    temperature_c: float = REFERENCE_TEMPERATURE_C
    level: Level | None = None
    n_readings: int = 0
    n_specimens: int = 0
    waiting: Mapping[str, int] = field(default_factory=dict)

    def __post_init__(self) -> None:
        """Refuse an unknown property."""
        property_of(self.property_id)

    @property
    def entry(self) -> Property:
        """The property's catalogue entry."""
        return property_of(self.property_id)

    def fit(self, recipes: pd.DataFrame, readings: pd.DataFrame) -> "MeanSurrogate":
        """A copy fitted to the readings of this property.

        Args:
            recipes: Index = specimen id; columns are ignored.
            readings: Columns specimen, property, lower, upper, se, physical units.

        Returns:
            The fitted copy; with no reading it predicts the prior.

        Raises:
            TableError: If a column is missing, a reading is nonsense or its specimen unknown.
        """
        training_rows(readings, self.entry)  # a reading that is not used may be nonsense too
        own = readings.loc[(readings["property"] == self.property_id).to_numpy()]
        rows_of_specimens(recipes, [*map(str, own["specimen"])], "recipes")
        here = is_at_reference(own, self.entry, self.temperature_c)
        rows, elsewhere = training_rows(own.loc[here], self.entry), int((~here).sum())
        pooled = rows.pooled()
        rows_of_specimens(recipes, pooled.specimen, "recipes")
        variance = pooled.noise_sd**2 + self.entry.scatter_sd**2
        return replace(
            self,
            level=_level(pooled.y, variance, self.entry),
            n_readings=len(rows.y),
            n_specimens=len(pooled.y),
            waiting={**rows.waiting, **({OTHER_TEMPERATURE: elsewhere} if elsewhere else {})},
        )

    def predict(self, recipes: pd.DataFrame) -> pd.DataFrame:
        """The same centre, spread and 90 % intervals for each recipe.

        Args:
            recipes: N recipes; only the index is read.

        Returns:
            N rows with the index of ``recipes``; columns ``PREDICTION_COLUMNS``.

        Raises:
            NotFittedError: Before ``fit``.
        """
        level = self._fitted
        sd = np.full(len(recipes), np.hypot(level.mean_sd, level.between_sd))
        return predictions_table(
            self.entry,
            recipes.index,
            mean=np.full(len(recipes), level.mean),
            sd=sd,
            reading_sd=np.hypot(sd, self.entry.noise_sd),
        )

    def sample(self, recipes: pd.DataFrame, n: int, rng: np.random.Generator) -> Array:
        """Joint draws of the true values: one mean a draw, each recipe its own deviation.

        Args:
            recipes: N recipes; only their number is read.
            n: Number of draws.
            rng: Source of randomness.

        Returns:
            Shape (n, N), physical units.

        Raises:
            NotFittedError: Before ``fit``.
        """
        level = self._fitted
        means = level.mean + level.mean_sd * rng.standard_normal((n, 1))
        deviations = level.between_sd * rng.standard_normal((n, len(recipes)))
        return self.entry.from_scale(means + deviations)

    def in_words(self) -> str:
        """What it rests on: number of readings, and a caution when they are few.

        Returns:
            One line.
        """
        return state_in_words(self.n_readings, self.waiting, self.property_id)

    def to_dict(self) -> dict[str, Any]:
        """Everything needed to predict again, in plain JSON types.

        Returns:
            Property, counts and, once fitted, the level.
        """
        level = self.level
        return {
            "property_id": self.property_id,
            "temperature_c": self.temperature_c,
            "level": None if level is None else [level.mean, level.mean_sd, level.between_sd],
            "n_readings": self.n_readings,
            "n_specimens": self.n_specimens,
            "waiting": dict(self.waiting),
        }

    @classmethod
    def from_dict(cls, plain: Mapping[str, Any]) -> "MeanSurrogate":
        """The surrogate that ``to_dict`` wrote.

        Args:
            plain: What ``to_dict`` returned, perhaps through JSON.

        Returns:
            The surrogate.
        """
        level = plain["level"]
        return cls(**{**plain, "level": None if level is None else Level(*level)})

    @property
    def _fitted(self) -> Level:
        if self.level is None:
            raise NotFittedError(
                f"MeanSurrogate: {self.entry.label} was asked for before fit, got no readings; "
                "call fit first, with an empty table if nothing was measured"
            )
        return self.level


def _level(y: Array, variance: Array, entry: Property) -> Level:
    """Posterior of the mean at the most probable spread between glasses, from a fixed grid."""
    prior_variance = CONSTANT_SHARE * entry.prior_sd**2
    steps = np.linspace(-_GRID_REACH, _GRID_REACH, _GRID_POINTS)
    spreads = np.sqrt(1 - CONSTANT_SHARE) * entry.prior_sd * np.exp(AMPLITUDE_LN_SD * steps)
    total = spreads[:, None] ** 2 + variance[None, :]
    precision = 1 / prior_variance + (1 / total).sum(axis=1)
    residual = y - entry.prior_centre
    mean = (residual / total).sum(axis=1) / precision
    log_posterior = 0.5 * (
        mean**2 * precision
        - (residual**2 / total).sum(axis=1)
        - np.log(total).sum(axis=1)
        - np.log(precision)
        - steps**2
    )
    best = int(log_posterior.argmax())
    return Level(
        mean=float(entry.prior_centre + mean[best]),
        mean_sd=float(precision[best] ** -0.5),
        between_sd=float(spreads[best]),
    )
