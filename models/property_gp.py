"""One property of pellets as a Gaussian process over what physically matters of a recipe."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from math import log10
from types import MappingProxyType
from typing import Any, Final, final

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from features.errors import NotFittedError
from features.milling import MEDIA, relative_dose, relative_intensity
from features.properties import Property, property_of
from features.transformers import GLASS_FEATURES, GlassFeatures
from models.gp import GaussianProcess
from models.scaling import Ranges, checked_ranges, in_unit_cube
from models.surrogate import predictions_table
from models.training import rows_of_specimens, training_rows
from models.wording import state_in_words

Array = NDArray[np.float64]

_SHORT_H: Final = 1.0
_LONG_H: Final = 20.0
_SPEED_RPM: Final = 500.0


def _over_media(low: list[float], high: list[float]) -> tuple[float, float]:
    return min(low), max(high)


DEFAULT_RANGES: Final[Ranges] = MappingProxyType(
    {
        "x": (0.0, 0.6),
        "log10_relative_dose": _over_media(
            [log10(relative_dose(media_id, _SHORT_H, _SPEED_RPM)) for media_id in MEDIA],
            [log10(relative_dose(media_id, _LONG_H, _SPEED_RPM)) for media_id in MEDIA],
        ),
        "log10_relative_intensity": _over_media(
            [log10(relative_intensity(media_id, _SPEED_RPM)) for media_id in MEDIA],
            [log10(relative_intensity(media_id, _SPEED_RPM)) for media_id in MEDIA],
        ),
        "medium_hardness_hv": _over_media(
            [medium.hardness_hv for medium in MEDIA.values()],
            [medium.hardness_hv for medium in MEDIA.values()],
        ),
        "metallic_debris": (0.0, 1.0),
        "pressing_pressure_mpa": (75.0, 500.0),
    }
)
"""What becomes 0 to 1: the paper's x; dose and energy per hit over all media, 1 to 20 h at 500
rpm; hardness over all media, HV; pressing pressure from pre-compaction to the usual die limit,
MPa. A recipe outside is allowed, and is far from all readings."""


@final
@dataclass(frozen=True, eq=False)
class PropertyGP:
    """Gaussian process of one pellet property, with the catalogue's prior.

    Repeats on one specimen are pooled first. Log properties are modelled in decades.

    Attributes:
        property_id: Id in the catalogue.
        ranges: Low and high end by feature; those not given keep ``DEFAULT_RANGES``.
        process: The fitted process, ``None`` before ``fit``.
        n_readings: Readings used.
        n_specimens: Specimens they were taken on.
        waiting: Number of readings it could not use, by reason.

    Raises:
        ReadingError: If the catalogue lacks the property.
        SpaceError: If a range is of an unknown feature, or empty.

    Examples:
        >>> recipes = pd.DataFrame(
        ...     {"x": [0.15], "milling_time_h": [3], "milling_media": ["stainless_steel"],
        ...      "milling_speed_rpm": [500], "pressing_pressure_mpa": [450]}, index=["S01"]
        ... )
        >>> readings = pd.DataFrame(
        ...     {"specimen": ["S01"], "property": ["ionic_conductivity"],
        ...      "lower": [2.7e-4], "upper": [2.7e-4], "se": [None]}
        ... )
        >>> surrogate = PropertyGP("ionic_conductivity").fit(recipes, readings)
        >>> surrogate.in_words()
        '1 conductivity reading: too few to learn from; the prior decides'
        >>> bool(2e-4 < surrogate.predict(recipes).loc["S01", "mean"] < 3e-4)
        True
    """

    property_id: str
    ranges: Ranges = field(default_factory=dict)
    process: GaussianProcess | None = None
    n_readings: int = 0
    n_specimens: int = 0
    waiting: Mapping[str, int] = field(default_factory=dict)

    def __post_init__(self) -> None:
        """Refuse an unknown property or feature; complete the ranges."""
        property_of(self.property_id)
        complete = checked_ranges(GLASS_FEATURES, {**DEFAULT_RANGES, **self.ranges})
        object.__setattr__(self, "ranges", complete)

    @property
    def entry(self) -> Property:
        """The property's catalogue entry."""
        return property_of(self.property_id)

    def fit(self, recipes: pd.DataFrame, readings: pd.DataFrame) -> "PropertyGP":
        """A copy fitted to the readings of this property.

        Args:
            recipes: One row a pellet, index = specimen id; columns as for ``GlassFeatures``.
            readings: Columns specimen, property, lower, upper, se, physical units.

        Returns:
            The fitted copy; with no reading it predicts the prior.

        Raises:
            TableError: If a column is missing, a reading is nonsense or its specimen unknown.
            RecipeError: If a medium is unknown.
        """
        rows = training_rows(readings, self.entry)
        rows_of_specimens(recipes, [*map(str, rows.set_aside["specimen"])], "recipes")
        pooled = rows.pooled()
        measured = rows_of_specimens(recipes, pooled.specimen, "recipes")
        process = GaussianProcess(
            self.entry.prior_centre, self.entry.prior_sd, self.entry.scatter_sd
        ).fit(self._features(measured), pooled.y, pooled.noise_sd)
        return replace(
            self,
            process=process,
            n_readings=len(rows.y),
            n_specimens=len(pooled.y),
            waiting=rows.waiting,
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
        process = self._fitted
        mean, sd = process.marginal(self._features(recipes))
        reading_sd = np.sqrt(sd**2 + process.residual_sd**2 + self.entry.default_se**2)
        return predictions_table(self.entry, recipes.index, mean=mean, sd=sd, reading_sd=reading_sd)

    def sample(self, recipes: pd.DataFrame, n: int, rng: np.random.Generator) -> Array:
        """Joint draws of the true values.

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
        return self.entry.from_scale(self._fitted.sample(self._features(recipes), n, rng))

    def joint(self, recipes: pd.DataFrame) -> tuple[Array, Array]:
        """Mean and covariance of the true values, on the property's scale.

        Args:
            recipes: N recipes, columns as for ``fit``.

        Returns:
            Shape (N,) and shape (N, N).

        Raises:
            NotFittedError: Before ``fit``.
            TableError: If a column is missing or holds no number.
            RecipeError: If a medium is unknown.
        """
        return self._fitted.joint(self._features(recipes))

    def in_words(self) -> str:
        """What it rests on: number of readings, and a caution when they are few.

        Returns:
            One line.
        """
        return state_in_words(self.n_readings, self.waiting, self.property_id)

    def to_dict(self) -> dict[str, Any]:
        """Everything needed to predict again, in plain JSON types.

        Returns:
            Property, ranges, counts and, once fitted, the process.
        """
        return {
            "property_id": self.property_id,
            "ranges": {name: list(ends) for name, ends in self.ranges.items()},
            "process": None if self.process is None else self.process.to_dict(),
            "n_readings": self.n_readings,
            "n_specimens": self.n_specimens,
            "waiting": dict(self.waiting),
        }

    @classmethod
    def from_dict(cls, plain: Mapping[str, Any]) -> "PropertyGP":
        """The surrogate that ``to_dict`` wrote.

        Args:
            plain: What ``to_dict`` returned, perhaps through JSON.

        Returns:
            The surrogate.
        """
        process = plain["process"]
        return cls(
            property_id=plain["property_id"],
            ranges={name: (low, high) for name, (low, high) in plain["ranges"].items()},
            process=None if process is None else GaussianProcess.from_dict(process),
            n_readings=plain["n_readings"],
            n_specimens=plain["n_specimens"],
            waiting=plain["waiting"],
        )

    @property
    def _fitted(self) -> GaussianProcess:
        if self.process is None:
            raise NotFittedError(
                f"PropertyGP: {self.entry.label} was asked for before fit, got no readings; "
                "call fit first, with an empty table if nothing was measured"
            )
        return self.process

    def _features(self, recipes: pd.DataFrame) -> Array:
        return in_unit_cube(GlassFeatures().transform(recipes), self.ranges)
