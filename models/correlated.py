"""Properties of pellets that learn from each other: what stiffens a glass may make it conduct."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Final, final

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from features.errors import NotFittedError, SpaceError
from features.properties import CATALOGUE, Property, property_of
from features.table import column
from models.cholesky import stable_cholesky
from models.correlations import correlation_table
from models.evidence import Points
from models.gp import GaussianProcess
from models.loadings import LoadingPosterior
from models.processes_together import ProcessesTogether
from models.property_gp import PropertyGP
from models.scaling import Ranges
from models.settings import GPSettings
from models.surrogate import predictions_table
from models.wording import count_in_words

Array = NDArray[np.float64]

PELLET_PROPERTIES: Final = tuple(
    entry.id for entry in CATALOGUE.values() if entry.modelled and entry.carrier == "pellet"
)


@final
@dataclass(frozen=True, eq=False)
class CorrelatedGP:
    """Gaussian processes of several pellet properties that share a part of how they vary.

    Each property is a ``PropertyGP``; one process is common to all, each with a loading of its
    own (linear model of coregionalisation). Specimens may differ from property to property. What
    jars and pellets share stays within a property: only what recipes do is shared.

    Attributes:
        property_ids: Ids in the catalogue.
        ranges: Low and high end by feature; those not given keep ``DEFAULT_RANGES``.
        temperature_c: Reference temperature, °C.
        settings: Features, kernel and whether physics is the prior mean, of all properties.
        members: Each property fitted to its own readings, empty before ``fit``.
        together: The same, joined by what they share, ``None`` before ``fit``.

    Raises:
        ReadingError: If the catalogue lacks a property.
        SpaceError: If there is none, one is there twice or measured on cells, or a range is
            malformed.

    Examples:
        >>> recipes = pd.DataFrame(
        ...     {"x": [0.15], "milling_time_h": [3], "milling_media": ["stainless_steel"],
        ...      "milling_speed_rpm": [500], "pressing_pressure_mpa": [450]}, index=["S01"]
        ... )
        >>> none = pd.DataFrame(columns=["specimen", "property", "lower", "upper", "se"])
        >>> both = CorrelatedGP(("ionic_conductivity", "youngs_modulus")).fit(recipes, none)
        >>> round(float(both.predict(recipes)["youngs_modulus"].loc["S01", "mean"]), 6)
        19.0
        >>> both.correlations()["says"].item()
        'not determined by these data: 0 recipes in common'
    """

    property_ids: tuple[str, ...]
    ranges: Ranges = field(default_factory=dict)
    temperature_c: float = 60.0
    settings: GPSettings = field(default_factory=GPSettings)
    members: tuple[PropertyGP, ...] = ()
    together: ProcessesTogether | None = None

    def __post_init__(self) -> None:
        """Refuse properties that cannot be joined; complete the ranges."""
        ids = tuple(self.property_ids)
        if not ids or len(set(ids)) < len(ids):
            raise SpaceError(
                "CorrelatedGP: there must be one property or more, each once, got "
                f"{', '.join(ids) or 'none'}; name those to be fitted together"
            )
        for property_id in ids:
            if property_of(property_id).carrier != "pellet":
                raise SpaceError(
                    "CorrelatedGP: all properties must be measured on pellets, got "
                    f"{property_id!r}, which is measured on cells; leave it out"
                )
        ranges = PropertyGP(ids[0], self.ranges).ranges
        object.__setattr__(self, "property_ids", ids)
        object.__setattr__(self, "ranges", ranges)

    def fit(self, recipes: pd.DataFrame, readings: pd.DataFrame) -> "CorrelatedGP":
        """A copy fitted to the readings of all its properties.

        Args:
            recipes: One row a pellet, index = specimen id; columns as for ``PropertyGP``.
            readings: Columns specimen, property, lower, upper, se, physical units; optional
                temperature_c. Those of further properties are ignored.

        Returns:
            The fitted copy; a property without a reading predicts its prior.

        Raises:
            TableError: If a column is missing, a reading is nonsense or its specimen unknown.
            RecipeError: If a medium is unknown.
        """
        members = tuple(
            PropertyGP(property_id, self.ranges, self.temperature_c, self.settings).fit(
                recipes, readings
            )
            for property_id in self.property_ids
        )
        together = ProcessesTogether.of([_process(member) for member in members])
        return replace(self, members=members, together=together)

    def predict(self, recipes: pd.DataFrame) -> dict[str, pd.DataFrame]:
        """Centre, spread and 90 % intervals of each property for each recipe.

        Args:
            recipes: N recipes, columns as for ``PropertyGP``; optional ``temperature_c``.

        Returns:
            By property: N rows with the index of ``recipes``; columns ``PREDICTION_COLUMNS``.

        Raises:
            NotFittedError: Before ``fit``.
            TableError: If a column is missing or holds no number.
            RecipeError: If a medium is unknown.
        """
        together = self._fitted
        moments = together.marginal([member.asked(recipes) for member in self.members])
        return {
            member.property_id: _predictions(member, recipes.index, mean, sd)
            for member, (mean, sd) in zip(self.members, moments, strict=True)
        }

    def sample(self, recipes: pd.DataFrame, n: int, rng: np.random.Generator) -> dict[str, Array]:
        """Draws of the true values, joint over recipes and properties.

        Args:
            recipes: N recipes, columns as for ``predict``.
            n: Number of draws.
            rng: Source of randomness.

        Returns:
            By property: shape (n, N), physical units; equal rows belong together.

        Raises:
            NotFittedError: Before ``fit``.
            TableError: If a column is missing or holds no number.
            RecipeError: If a medium is unknown.
        """
        draws = _draws(*self.joint(recipes), n, rng)
        each = np.split(draws, len(self.members), axis=1)
        return {
            member.property_id: member.entry.from_scale(own)
            for member, own in zip(self.members, each, strict=True)
        }

    def joint(self, recipes: pd.DataFrame) -> tuple[Array, Array]:
        """Mean and covariance of the true values, on the properties' scales.

        Args:
            recipes: N recipes, columns as for ``predict``.

        Returns:
            Shape (P N,) and its square, property by property.

        Raises:
            NotFittedError: Before ``fit``.
            TableError: If a column is missing or holds no number.
            RecipeError: If a medium is unknown.
        """
        together = self._fitted
        return together.joint([member.asked(recipes) for member in self.members])

    def correlations(self) -> pd.DataFrame:
        """How far the properties vary together from recipe to recipe, as learned.

        Returns:
            One row a pair: property, other, correlation (median), lower, upper (90 %),
            n_common (recipes at which both were read), determined, says (the same in words).

        Raises:
            NotFittedError: Before ``fit``.
        """
        return correlation_table(self.property_ids, self._fitted)

    def of(self, property_id: str) -> "CorrelatedProperty":
        """One of the properties, as any other surrogate of one.

        Args:
            property_id: One of ``property_ids``.

        Returns:
            The view; fitted if this is.

        Raises:
            SpaceError: If it is none of these.
        """
        if property_id not in self.property_ids:
            raise SpaceError(
                f"CorrelatedGP: the property must be one of {', '.join(self.property_ids)}, got "
                f"{property_id!r}; use one of these, or fit it together with them"
            )
        return CorrelatedProperty(
            property_id,
            self.ranges,
            self.temperature_c,
            self.settings,
            among=self.property_ids,
            fitted=None if self.together is None else self,
        )

    def in_words(self) -> str:
        """What it rests on: number of readings of each property, and what was found shared.

        Returns:
            One line.
        """
        counts = ", ".join(
            count_in_words(member.n_readings, member.property_id) for member in self.members
        )
        if self.together is None:
            return "no readings yet: the prior decides"
        table = self.correlations()
        found = [
            f"{property_of(row['property']).label} with {property_of(row['other']).label}: "
            f"{row['says']}"
            for row in table.loc[table["determined"]].to_dict("records")
        ]
        return "; ".join([counts, *(found or ["no correlation is determined by these data"])])

    def to_dict(self) -> dict[str, Any]:
        """Everything needed to predict again, in plain JSON types.

        Returns:
            Properties, ranges, settings and, once fitted, members and what they share.
        """
        return {
            "property_ids": list(self.property_ids),
            "ranges": {name: list(ends) for name, ends in self.ranges.items()},
            "temperature_c": self.temperature_c,
            "settings": self.settings.to_dict(),
            "members": [member.to_dict() for member in self.members],
            "shared": None if self.together is None else self.together.shared.to_dict(),
        }

    @classmethod
    def from_dict(cls, plain: Mapping[str, Any]) -> "CorrelatedGP":
        """The surrogate that ``to_dict`` wrote.

        Args:
            plain: What ``to_dict`` returned, perhaps through JSON.

        Returns:
            The surrogate.
        """
        members = tuple(PropertyGP.from_dict(member) for member in plain["members"])
        return cls(
            property_ids=tuple(plain["property_ids"]),
            ranges={name: (low, high) for name, (low, high) in plain["ranges"].items()},
            temperature_c=plain["temperature_c"],
            settings=GPSettings(**plain["settings"]),
            members=members,
            together=None
            if plain["shared"] is None
            else ProcessesTogether(
                tuple(_process(member) for member in members),
                LoadingPosterior.from_dict(plain["shared"]),
            ),
        )

    @property
    def _fitted(self) -> ProcessesTogether:
        if self.together is None:
            raise NotFittedError(_unfitted(", ".join(self.property_ids)))
        return self.together


@final
@dataclass(frozen=True, eq=False)
class CorrelatedProperty:
    """One pellet property that learns from others too, as a surrogate of that property.

    Attributes:
        property_id: Id in the catalogue.
        ranges: Low and high end by feature; those not given keep ``DEFAULT_RANGES``.
        temperature_c: Reference temperature, °C.
        settings: As for ``PropertyGP``.
        among: Properties it is fitted with; ``None`` for all modelled ones of pellets of which
            the table holds readings.
        fitted: All of them, ``None`` before ``fit``.

    Raises:
        ReadingError: If the catalogue lacks a property.
        SpaceError: If a range is malformed, or a property is not one of pellets.

    Examples:
        >>> CorrelatedProperty("youngs_modulus").in_words()
        'no readings yet: the prior decides'
    """

    property_id: str
    ranges: Ranges = field(default_factory=dict)
    temperature_c: float = 60.0
    settings: GPSettings = field(default_factory=GPSettings)
    among: tuple[str, ...] | None = None
    fitted: CorrelatedGP | None = None

    def __post_init__(self) -> None:
        """Refuse what cannot be fitted together; complete the ranges."""
        among = self._joined(self.among or ())
        object.__setattr__(self, "ranges", among.ranges)

    @property
    def entry(self) -> Property:
        """The property's catalogue entry."""
        return property_of(self.property_id)

    def fit(self, recipes: pd.DataFrame, readings: pd.DataFrame) -> "CorrelatedProperty":
        """A copy fitted to the readings of this property and of those it is fitted with.

        Args:
            recipes: As for ``CorrelatedGP``.
            readings: As for ``CorrelatedGP``.

        Returns:
            The fitted copy.

        Raises:
            TableError: If a column is missing, a reading is nonsense or its specimen unknown.
            RecipeError: If a medium is unknown.
        """
        there = set(column(readings, "property", where="readings"))
        among = self.among or tuple(name for name in PELLET_PROPERTIES if name in there)
        return replace(self, fitted=self._joined(among).fit(recipes, readings))

    def predict(self, recipes: pd.DataFrame) -> pd.DataFrame:
        """Centre, spread and 90 % intervals for each recipe.

        Args:
            recipes: N recipes, columns as for ``fit``; optional ``temperature_c``.

        Returns:
            N rows with the index of ``recipes``; columns ``PREDICTION_COLUMNS``.

        Raises:
            NotFittedError: Before ``fit``.
            TableError: If a column is missing or holds no number.
            RecipeError: If a medium is unknown.
        """
        own, together, asked = self._asked(recipes)
        mean, sd = (np.concatenate(part) for part in zip(*together.marginal(asked), strict=True))
        return _predictions(own, recipes.index, mean, sd)

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
        _, together, asked = self._asked(recipes)
        return self.entry.from_scale(_draws(*together.joint(asked), n, rng))

    def in_words(self) -> str:
        """What it rests on: number of readings, and what was found shared.

        Returns:
            One line.
        """
        return self._joined(()).in_words() if self.fitted is None else self.fitted.in_words()

    def to_dict(self) -> dict[str, Any]:
        """Everything needed to predict again, in plain JSON types.

        Returns:
            Property, ranges, settings and, once fitted, all properties fitted together.
        """
        return {
            "property_id": self.property_id,
            "ranges": {name: list(ends) for name, ends in self.ranges.items()},
            "temperature_c": self.temperature_c,
            "settings": self.settings.to_dict(),
            "among": None if self.among is None else list(self.among),
            "fitted": None if self.fitted is None else self.fitted.to_dict(),
        }

    @classmethod
    def from_dict(cls, plain: Mapping[str, Any]) -> "CorrelatedProperty":
        """The surrogate that ``to_dict`` wrote.

        Args:
            plain: What ``to_dict`` returned, perhaps through JSON.

        Returns:
            The surrogate.
        """
        among, fitted = plain["among"], plain["fitted"]
        return cls(
            property_id=plain["property_id"],
            ranges={name: (low, high) for name, (low, high) in plain["ranges"].items()},
            temperature_c=plain["temperature_c"],
            settings=GPSettings(**plain["settings"]),
            among=None if among is None else tuple(among),
            fitted=None if fitted is None else CorrelatedGP.from_dict(fitted),
        )

    def _joined(self, among: Sequence[str]) -> CorrelatedGP:
        """The unfitted surrogate of these properties and its own."""
        names = among if self.property_id in among else (self.property_id, *among)
        return CorrelatedGP(tuple(names), self.ranges, self.temperature_c, self.settings)

    def _asked(self, recipes: pd.DataFrame) -> tuple[PropertyGP, ProcessesTogether, list[Points]]:
        """Its own member, all processes, and the recipes as questions about it alone."""
        if self.fitted is None or self.fitted.together is None:
            raise NotFittedError(_unfitted(self.property_id))
        none, names = recipes.iloc[:0], self.fitted.property_ids
        asked = [
            member.asked(recipes if member.property_id == self.property_id else none)
            for member in self.fitted.members
        ]
        return self.fitted.members[names.index(self.property_id)], self.fitted.together, asked


def _process(member: PropertyGP) -> GaussianProcess:
    if member.process is None:
        raise NotFittedError(_unfitted(member.property_id))
    return member.process


def _predictions(member: PropertyGP, index: pd.Index, mean: Array, sd: Array) -> pd.DataFrame:
    process = _process(member)
    reading_sd = np.sqrt(sd**2 + process.residual_sd**2 + process.error_sd**2)
    return predictions_table(member.entry, index, mean=mean, sd=sd, reading_sd=reading_sd)


def _draws(mean: Array, covariance: Array, n: int, rng: np.random.Generator) -> Array:
    draws: Array = rng.standard_normal((n, len(mean))) @ stable_cholesky(covariance).T
    return mean + draws


def _unfitted(what: str) -> str:
    return (
        f"CorrelatedGP: {what} was asked for before fit, got no readings; "
        "call fit first, with an empty table if nothing was measured"
    )
