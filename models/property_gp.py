"""One property of pellets as a Gaussian process over what physically matters of a recipe."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from types import MappingProxyType
from typing import Any, Final, final

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from features.arrhenius import arrhenius_tilt
from features.errors import NotFittedError, TableError
from features.properties import Property, property_of
from features.table import column, numbers
from features.transformers import GLASS_FEATURES
from models.evidence import Evidence, Points
from models.gp import GaussianProcess
from models.hyper_posterior import MANY_READINGS
from models.inputs import DEFAULT_RANGES, glass_inputs
from models.interval_rows import IntervalRows, interval_rows
from models.physics import PHYSICS
from models.scaling import Ranges, checked_ranges
from models.scatter import Scatter
from models.settings import GPSettings
from models.surrogate import Z_90, predictions_table
from models.training import rows_of_specimens
from models.wording import limits_in_words, state_in_words

__all__ = ["DEFAULT_RANGES", "PropertyGP"]

Array = NDArray[np.float64]

LEVELS: Final[Mapping[str, float]] = MappingProxyType({"jar": 0.8, "pellet": 0.6})
"""How the usual scatter between samples of one recipe is thought to split before any data: what
happens while milling is shared by all pellets of the jar (assigned)."""

SOURCE_BIAS: Final = 2.5
"""Median of what all readings of one foreign source share, in units of the usual scatter: papers
differ by 0.15 decades where jars differ by 0.06 (domain notes 6.6)."""

FOREIGN_SCATTER: Final = 1.5
"""Median of what each jar of a foreign source scatters more than an own one, in the same units:
its recipe is known from a page of methods."""

DISCREPANCY: Final = 0.5
"""With physics on, what the laws leave unexplained, as a share of the catalogue's prior sd."""

SWEPT_C: Final = 20.0
"""Conductivities of one pellet over at least this range determine its activation energy; a stated
energy was then computed from them and says nothing new."""

ENERGY: Final = "activation_energy"
ENERGY_OF: Final = "ionic_conductivity"
"""The property whose slope by temperature the readings of activation energy are."""


@final
@dataclass(frozen=True, eq=False)
class PropertyGP:
    """Gaussian process of one pellet property, with the catalogue's prior.

    Every reading is used as it is: bounds and intervals as such, any temperature by an Arrhenius
    law whose slope depends on the recipe, pellets of one jar as sharers of that jar's luck.
    Log properties are modelled in decades.

    Attributes:
        property_id: Id in the catalogue.
        ranges: Low and high end by feature; those not given keep ``DEFAULT_RANGES``.
        temperature_c: Reference temperature: of predictions, and of readings that give none.
        settings: Features, kernel and whether physics is the prior mean.
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
    temperature_c: float = 60.0
    settings: GPSettings = field(default_factory=GPSettings)
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

    @property
    def uses_physics(self) -> bool:
        """Whether a law of the domain is the prior mean: switched on, and there is one."""
        return self.settings.physics and self.property_id in PHYSICS

    def fit(self, recipes: pd.DataFrame, readings: pd.DataFrame) -> "PropertyGP":
        """A copy fitted to the readings of this property.

        For ionic conductivity, readings of ``activation_energy`` are learned from too, unless the
        specimen's conductivity was itself read over 20 °C or more: then they say nothing new.

        Args:
            recipes: One row a pellet, index = specimen id; columns as for ``GlassFeatures``;
                optional ``jar``, the label of the jar a pellet is from (else each is its own),
                and ``source``, empty for this laboratory.
            readings: Columns specimen, property, lower, upper, se, physical units; optional
                temperature_c.

        Returns:
            The fitted copy; with no reading it predicts the prior.

        Raises:
            TableError: If a column is missing, a reading is nonsense or its specimen unknown.
            RecipeError: If a medium is unknown.
        """
        rows = interval_rows(readings, self.entry)
        rows_of_specimens(recipes, [*map(str, rows.set_aside["specimen"])], "recipes")
        energies = self._energies(rows, readings)
        specimens = [*rows.specimen, *energies.specimen]
        measured = rows_of_specimens(recipes, specimens, "recipes")
        n_own = len(rows.specimen)
        tilt = np.ones(len(specimens))
        tilt[:n_own] = self._tilt(rows.temperature_c)
        energy_se = property_of(ENERGY).default_se
        evidence = Evidence.of(
            self._points(measured, level=np.arange(len(specimens)) < n_own, tilt=tilt),
            lower=np.concatenate([rows.low, energies.low]),
            upper=np.concatenate([rows.high, energies.high]),
            noise_sd=np.concatenate(
                [rows.noise_sd, np.where(np.isnan(energies.noise_sd), energy_se, energies.noise_sd)]
            ),
            groups=_groups(measured, specimens),
        )
        return replace(
            self,
            process=self._unfitted(evidence).fit_evidence(
                evidence, crowded=len(readings) > MANY_READINGS
            ),
            n_readings=n_own,
            n_specimens=len(set(rows.specimen)),
            waiting=rows.waiting,
        )

    def predict(self, recipes: pd.DataFrame) -> pd.DataFrame:
        """Centre, spread and 90 % intervals for each recipe.

        Args:
            recipes: N recipes, columns as for ``fit``; optional ``temperature_c``, else the
                reference temperature.

        Returns:
            N rows with the index of ``recipes``; columns ``PREDICTION_COLUMNS``.

        Raises:
            NotFittedError: Before ``fit``.
            TableError: If a column is missing or holds no number.
            RecipeError: If a medium is unknown.
        """
        process = self._fitted
        mean, sd = process.marginal(self.asked(recipes))
        reading_sd = np.sqrt(sd**2 + process.residual_sd**2 + process.error_sd**2)
        return predictions_table(self.entry, recipes.index, mean=mean, sd=sd, reading_sd=reading_sd)

    def sample(self, recipes: pd.DataFrame, n: int, rng: np.random.Generator) -> Array:
        """Joint draws of the true values.

        Args:
            recipes: N recipes, columns as for ``predict``.
            n: Number of draws.
            rng: Source of randomness.

        Returns:
            Shape (n, N), physical units.

        Raises:
            NotFittedError: Before ``fit``.
            TableError: If a column is missing or holds no number.
            RecipeError: If a medium is unknown.
        """
        return self.entry.from_scale(self._fitted.sample(self.asked(recipes), n, rng))

    def joint(self, recipes: pd.DataFrame) -> tuple[Array, Array]:
        """Mean and covariance of the true values, on the property's scale.

        Args:
            recipes: N recipes, columns as for ``predict``.

        Returns:
            Shape (N,) and shape (N, N).

        Raises:
            NotFittedError: Before ``fit``.
            TableError: If a column is missing or holds no number.
            RecipeError: If a medium is unknown.
        """
        return self._fitted.joint(self.asked(recipes))

    def asked(self, recipes: pd.DataFrame) -> Points:
        """What a prediction for each recipe asks the process.

        Args:
            recipes: N recipes, columns as for ``predict``.

        Returns:
            N points.

        Raises:
            TableError: If a column is missing or holds no number.
            RecipeError: If a medium is unknown.
        """
        known = "temperature_c" in recipes
        temperature_c = (
            numbers(recipes, "temperature_c", where="recipes")
            if known
            else np.full(len(recipes), self.temperature_c)
        )
        return self._points(recipes, level=np.ones(len(recipes)), tilt=self._tilt(temperature_c))

    def activation_energy(self, recipes: pd.DataFrame) -> pd.DataFrame:
        """Activation energy of each recipe, kJ/mol: how fast the property grows with temperature.

        Args:
            recipes: N recipes, columns as for ``predict``.

        Returns:
            N rows with the index of ``recipes``; columns mean, sd, lower, upper (90 %), kJ/mol.

        Raises:
            NotFittedError: Before ``fit``.
            TableError: If the property has no such law, or a column is missing.
            RecipeError: If a medium is unknown.
        """
        if self.entry.activation_kj_mol is None:
            raise TableError(
                f"activation_energy: {self.entry.label} has no law of temperature, got a request "
                "for its energy; ask for that of a conductivity"
            )
        n = len(recipes)
        points = self._points(recipes, level=np.zeros(n), tilt=np.ones(n))
        mean, sd = self._fitted.marginal(points)
        return pd.DataFrame(
            {"mean": mean, "sd": sd, "lower": mean - Z_90 * sd, "upper": mean + Z_90 * sd},
            index=recipes.index,
        )

    def scatter(self) -> tuple[Scatter, ...]:
        """Standard deviation between jars, between pellets and of readings, with intervals.

        Returns:
            One entry a level, on the property's scale.

        Raises:
            NotFittedError: Before ``fit``.
        """
        return self._fitted.scatter()

    def in_words(self) -> str:
        """What it rests on: number of readings, a caution when they are few, limits of many.

        Returns:
            One line.
        """
        return state_in_words(
            self.n_readings, self.waiting, self.property_id, limits_in_words(self.process)
        )

    def to_dict(self) -> dict[str, Any]:
        """Everything needed to predict again, in plain JSON types.

        Returns:
            Property, ranges, settings, counts and, once fitted, the process.
        """
        return {
            "property_id": self.property_id,
            "ranges": {name: list(ends) for name, ends in self.ranges.items()},
            "temperature_c": self.temperature_c,
            "settings": self.settings.to_dict(),
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
            temperature_c=plain["temperature_c"],
            settings=GPSettings(**plain["settings"]),
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

    def _unfitted(self, evidence: Evidence) -> GaussianProcess:
        entry = self.entry
        foreign = {"source": SOURCE_BIAS, "foreign_jar": FOREIGN_SCATTER}
        return GaussianProcess(
            prior_centre=entry.prior_centre,
            prior_sd=entry.prior_sd * (DISCREPANCY if self.uses_physics else 1.0),
            scatter_sd=entry.scatter_sd,
            lengthscale_median=self.settings.lengthscale_median,
            kernel=self.settings.kernel,
            levels=LEVELS,
            reading_sd=entry.default_se,
            slope=entry.activation_kj_mol or (0.0, 1.0),
            biases={
                name: share * entry.scatter_sd
                for name, share in foreign.items()
                if name in evidence.groups
            },
        )

    def _energies(self, rows: IntervalRows, readings: pd.DataFrame) -> IntervalRows:
        """Readings of the activation energy that the conductivities do not hold already."""
        energies = interval_rows(
            readings if self.property_id == ENERGY_OF else readings.iloc[:0], property_of(ENERGY)
        )
        read = pd.DataFrame({"specimen": rows.specimen, "temperature_c": rows.temperature_c})
        read = read.fillna({"temperature_c": self.temperature_c})
        swept = read.groupby("specimen")["temperature_c"].agg(np.ptp)
        known = set(swept.index[swept >= SWEPT_C])
        new = np.array([name not in known for name in energies.specimen], dtype=bool)
        return IntervalRows(
            tuple(name for name in energies.specimen if name not in known),
            energies.low[new],
            energies.high[new],
            energies.noise_sd[new],
            energies.temperature_c[new],
            energies.set_aside,
        )

    def _tilt(self, temperature_c: Array) -> Array:
        """Decades a kJ/mol at each temperature; nothing for a property without such a law."""
        if self.entry.activation_kj_mol is None:
            return np.zeros(len(temperature_c))
        given = np.where(np.isnan(temperature_c), self.temperature_c, temperature_c)
        return arrhenius_tilt(given, self.temperature_c)

    def _points(self, recipes: pd.DataFrame, *, level: NDArray[Any], tilt: Array) -> Points:
        physics = PHYSICS[self.property_id] if self.uses_physics else None
        return Points.of(
            glass_inputs(recipes, self.ranges, self.settings),
            level=level,
            tilt=tilt,
            offset=None if physics is None else physics.offset(recipes),
            basis=None if physics is None else physics.basis(recipes),
        )


def _groups(measured: pd.DataFrame, specimens: list[str]) -> dict[str, NDArray[Any]]:
    """Who shares luck with whom: pellet, jar and, if there is a foreign one, source."""
    pellet = np.array(specimens, dtype=str)
    jar = pellet
    if "jar" in measured:
        label = column(measured, "jar", where="recipes").fillna("").map(str).to_numpy(dtype=str)
        jar = np.where(label == "", pellet, label)  # no label: a jar of its own
    groups: dict[str, NDArray[Any]] = {"pellet": pellet, "jar": jar}
    if "source" in measured:
        source = measured["source"].fillna("").map(str).to_numpy(dtype=str)
        if (source != "").any():
            groups["source"] = source
            groups["foreign_jar"] = np.where(source == "", "", jar)
    return groups
