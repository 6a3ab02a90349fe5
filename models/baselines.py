"""The surrogate that ignores the recipe: what every other one must beat."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Final, final

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.linalg import solve_triangular

from features.errors import NotFittedError
from features.properties import Property, property_of
from models.box_moments import box_moments
from models.cholesky import stable_cholesky
from models.hyperparameters import CONSTANT_SHARE, conditional
from models.interval_rows import IntervalRows, interval_rows
from models.reference_temperature import (
    OTHER_TEMPERATURE,
    REFERENCE_TEMPERATURE_C,
    is_at_reference,
)
from models.surrogate import predictions_table
from models.training import rows_of_specimens
from models.wording import state_in_words

Array = NDArray[np.float64]

_GRID_REACH: Final = 4.0
_GRID_POINTS: Final = 41
_LEAST_ERROR: Final = 1e-3

_SPREAD_LN_SD: Final = 1.0
"""Prior of the spread between glasses, a wide one: where recipes make no difference the mean must
be able to find that out, or anything would beat it."""


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

    Every glass has its own b; two rows asked about share the mean and nothing else. Mean and spread
    between glasses are integrated out; bounds and intervals count as such. Without readings
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
        interval_rows(readings, self.entry)  # a reading that is not used may be nonsense too
        own = readings.loc[(readings["property"] == self.property_id).to_numpy()]
        rows_of_specimens(recipes, [*map(str, own["specimen"])], "recipes")
        here = is_at_reference(own, self.entry, self.temperature_c)
        rows, elsewhere = interval_rows(own.loc[here], self.entry), int((~here).sum())
        return replace(
            self,
            level=_level(rows, self.entry),
            n_readings=len(rows.specimen),
            n_specimens=len(set(rows.specimen)),
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


MANY_ROWS: Final = 200
"""Of more readings the exact ones of a specimen are first put together, which says the same."""


def _level(rows: IntervalRows, entry: Property) -> Level:
    """The common level, averaged over a grid of spreads between glasses."""
    if len(rows.specimen) > MANY_ROWS:
        rows = _pooled(rows, entry)
    n, prior_variance = len(rows.specimen), CONSTANT_SHARE * entry.prior_sd**2
    steps = np.linspace(-_GRID_REACH, _GRID_REACH, _GRID_POINTS)
    spreads = np.exp(_SPREAD_LN_SD * steps)
    prior = np.exp(-0.5 * steps**2)
    share = (1 - CONSTANT_SHARE) * prior.sum() / (prior @ spreads**2)
    spreads *= entry.prior_sd * np.sqrt(share)  # on average the catalogue's variance
    exact = rows.low == rows.high
    order = np.argsort(~exact, kind="stable")
    n_exact = int(exact.sum())
    low, high = rows.low[order] - entry.prior_centre, rows.high[order] - entry.prior_centre
    noise = np.where(np.isnan(rows.noise_sd), entry.default_se, rows.noise_sd)[order]
    noise = np.maximum(noise, _LEAST_ERROR * entry.prior_sd)
    name = np.array(rows.specimen, dtype=object)[order]
    if n_exact == n == len(set(name)):  # thousands of glasses take no longer than one
        own = spreads[:, None] ** 2 + entry.scatter_sd**2 + noise**2
        log_likelihood, mean, variance = _one_level(low, own, prior_variance)
        return _averaged(log_likelihood - 0.5 * steps**2, mean, variance, spreads, entry)
    same = (name[:, None] == name[None, :]).astype(float)
    log_posterior, mean, variance = -0.5 * steps**2, np.zeros(len(steps)), np.zeros(len(steps))
    for k, spread in enumerate(spreads):
        covariance = prior_variance + (spread**2 + entry.scatter_sd**2) * same
        covariance += np.diag(noise**2)
        y, doubt = low.copy(), np.zeros((n, n))
        if n_exact:
            factor = stable_cholesky(covariance[:n_exact, :n_exact])
            white = solve_triangular(factor, low[:n_exact], lower=True)
            log_posterior[k] -= 0.5 * white @ white + np.log(np.diagonal(factor)).sum()
        if n_exact < n:
            within = box_moments(
                *conditional(covariance, n_exact, low[:n_exact]), low[n_exact:], high[n_exact:]
            )
            y[n_exact:], doubt[n_exact:, n_exact:] = within.mean, within.covariance
            log_posterior[k] += within.log_probability
        gain = np.linalg.solve(covariance, np.full(n, prior_variance)) if n else np.zeros(0)
        mean[k] = gain @ y
        variance[k] = prior_variance - prior_variance * gain.sum() + gain @ doubt @ gain
    return _averaged(log_posterior, mean, variance, spreads, entry)


def _one_level(y: Array, own: Array, prior_variance: float) -> tuple[Array, Array, Array]:
    """Log likelihood, posterior mean and variance of a level that n glasses share.

    Of a covariance that is a diagonal and one constant determinant and inverse are known in
    closed form (Sherman and Morrison, Ann. Math. Stat. 21 (1950) 124,
    doi:10.1214/aoms/1177729893).

    Args:
        y: Shape (n,), one exact reading a glass, less the prior centre.
        own: Shape (k, n), variance of each about the level, for k spreads.
        prior_variance: Of the level.

    Returns:
        Three arrays of shape (k,); the likelihood up to a constant.
    """
    precision, pull = (1 / own).sum(axis=1), (y / own).sum(axis=1)
    share = 1 + prior_variance * precision
    misfit = (y**2 / own).sum(axis=1) - prior_variance * pull**2 / share
    log_determinant = np.log(own).sum(axis=1) + np.log(share)
    mean = prior_variance * pull / share
    return -0.5 * (misfit + log_determinant), mean, prior_variance / share


def _averaged(
    log_posterior: Array, mean: Array, variance: Array, spreads: Array, entry: Property
) -> Level:
    """The level averaged over a grid of k spreads between glasses."""
    weights = np.exp(log_posterior - log_posterior.max())
    weights /= weights.sum()
    centre = float(weights @ mean)
    return Level(
        mean=entry.prior_centre + centre,
        mean_sd=float(np.sqrt(weights @ (variance + (mean - centre) ** 2))),
        between_sd=float(np.sqrt(weights @ spreads**2)),
    )


def _pooled(rows: IntervalRows, entry: Property) -> IntervalRows:
    """Exact readings of a specimen as their mean, weighted by precision; bounds as they are."""
    noise = np.where(np.isnan(rows.noise_sd), entry.default_se, rows.noise_sd)
    noise = np.maximum(noise, _LEAST_ERROR * entry.prior_sd)
    exact = rows.low == rows.high
    names, place = np.unique(np.array(rows.specimen, dtype=str)[exact], return_inverse=True)
    precision = np.bincount(place, weights=noise[exact] ** -2)
    mean = np.bincount(place, weights=rows.low[exact] * noise[exact] ** -2) / precision
    bounds = np.flatnonzero(~exact)
    return IntervalRows(
        (*map(str, names), *(rows.specimen[row] for row in bounds)),
        np.concatenate([mean, rows.low[bounds]]),
        np.concatenate([mean, rows.high[bounds]]),
        np.concatenate([precision**-0.5, noise[bounds]]),
        np.full(len(names) + len(bounds), np.nan),
        rows.set_aside,
    )
