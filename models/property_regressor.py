"""One property of pellets as a scikit-learn regressor on a table of recipes."""

from collections.abc import Mapping
from typing import Any, Self

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray
from sklearn.base import BaseEstimator, RegressorMixin
from sklearn.metrics import r2_score
from sklearn.utils import check_random_state
from sklearn.utils.validation import check_is_fitted

from features.errors import TableError
from features.properties import property_of
from models.matern import Kernel
from models.property_gp import PropertyGP
from models.scores import log_density
from models.settings import FeatureSet, GPSettings

Array = NDArray[np.float64]

_OF_READING = ("temperature_c",)
"""Columns that may differ between readings of one pellet."""


class PropertyRegressor(RegressorMixin, BaseEstimator):  # type: ignore[misc]  # scikit-learn is untyped
    """``PropertyGP`` with scikit-learn's manners: recipes in, physical values out.

    A row is a reading. Rows with the same index are readings of one pellet. Optional columns are
    ``jar`` (pellets of a jar share its luck; leave jars out together, with ``GroupKFold``),
    ``source`` and ``temperature_c``. Recipes hold words, so those of scikit-learn's estimator
    checks that feed arrays of numbers do not apply; ``GPRegressor`` passes all of them.

    Attributes:
        property_id: Id in the catalogue.
        ranges: Low and high end by feature; ``None`` keeps the shipped ones.
        temperature_c: Reference temperature.
        features: As in ``GPSettings``, like all below.
        kernel: Smoothness.
        lengthscale_median: Prior median of each length scale.
        oxygen_scale: Warping of x, or ``None``.
        physics: Whether the domain's laws are the prior mean.
        surrogate_: The fitted ``PropertyGP``.

    Examples:
        >>> recipes = pd.DataFrame(
        ...     {"x": [0.0, 0.15], "milling_time_h": 3, "milling_media": "zirconia",
        ...      "milling_speed_rpm": 500, "pressing_pressure_mpa": 450}
        ... )
        >>> regressor = PropertyRegressor("youngs_modulus").fit(recipes, [15.0, 18.0])
        >>> bool(15.0 < regressor.predict(recipes)[0] < regressor.predict(recipes)[1])
        True
    """

    def __init__(
        self,
        property_id: str,
        *,
        ranges: Mapping[str, tuple[float, float]] | None = None,
        temperature_c: float = 60.0,
        features: FeatureSet = "descriptors",
        kernel: Kernel = "matern52",
        lengthscale_median: float = 0.6,
        oxygen_scale: float | None = None,
        physics: bool = False,
    ) -> None:
        self.property_id = property_id
        self.ranges = ranges
        self.temperature_c = temperature_c
        self.features = features
        self.kernel = kernel
        self.lengthscale_median = lengthscale_median
        self.oxygen_scale = oxygen_scale
        self.physics = physics

    def fit(self, X: pd.DataFrame, y: ArrayLike, se: ArrayLike | None = None) -> Self:
        """Learn from exact readings; for bounds and intervals use ``PropertyGP`` itself.

        Args:
            X: n recipes, columns as for ``GlassFeatures``.
            y: Shape (n,), physical values in the catalogue's unit.
            se: Shape (n,), standard errors in that unit, NaN where not stated; default: none is.

        Returns:
            Itself.

        Raises:
            TableError: If X is no table, lacks a column, a value is nonsense or missing, lengths
                disagree, or one pellet has two recipes.
            RecipeError: If a medium is unknown.
            ReadingError: If the catalogue lacks the property.
            SpaceError: If a setting is impossible.
        """
        table = _table(X)
        values = _column("y", y, len(table))
        errors = np.full(len(table), np.nan) if se is None else _column("se", se, len(table))
        readings = pd.DataFrame(
            {
                "specimen": table.index,
                "property": self.property_id,
                "lower": values,
                "upper": values,
                "se": errors,
            }
        )
        if "temperature_c" in table:
            readings["temperature_c"] = table["temperature_c"].to_numpy()
        settings = GPSettings(
            features=self.features,
            kernel=self.kernel,
            lengthscale_median=self.lengthscale_median,
            oxygen_scale=self.oxygen_scale,
            physics=self.physics,
        )
        surrogate = PropertyGP(
            self.property_id,
            ranges={} if self.ranges is None else self.ranges,
            temperature_c=self.temperature_c,
            settings=settings,
        )
        self.surrogate_ = surrogate.fit(_pellets(table), readings)
        self.feature_names_in_ = np.array(table.columns, dtype=object)
        self.n_features_in_ = len(table.columns)
        return self

    def predict(self, X: pd.DataFrame, return_std: bool = False) -> Any:
        """The expected value of each recipe; on a log scale the median.

        Args:
            X: N recipes.
            return_std: Return the standard deviations of the true values as well.

        Returns:
            Shape (N,), physical; with ``return_std`` a pair, the second on the property's scale
            (decades on a log scale).

        Raises:
            sklearn.exceptions.NotFittedError: Before ``fit``.
            TableError: If a column is missing or holds no number.
            RecipeError: If a medium is unknown.
        """
        table = self.predict_table(X)
        mean = table["mean"].to_numpy()
        return (mean, table["sd"].to_numpy()) if return_std else mean

    def predict_table(self, X: pd.DataFrame) -> pd.DataFrame:
        """Centre, spread and 90 % intervals, of the true value and of a new reading.

        Args:
            X: N recipes.

        Returns:
            N rows, columns ``PREDICTION_COLUMNS``.

        Raises:
            sklearn.exceptions.NotFittedError: Before ``fit``.
            TableError: If a column is missing or holds no number.
            RecipeError: If a medium is unknown.
        """
        check_is_fitted(self)
        surrogate: PropertyGP = self.surrogate_
        return surrogate.predict(_table(X))

    def sample_y(
        self,
        X: pd.DataFrame,
        n_samples: int = 1,
        random_state: "int | np.random.RandomState | None" = 0,
    ) -> Array:
        """Joint draws of the true values.

        Args:
            X: N recipes.
            n_samples: How many draws, n.
            random_state: Seed.

        Returns:
            Shape (N, n), physical.

        Raises:
            sklearn.exceptions.NotFittedError: Before ``fit``.
        """
        check_is_fitted(self)
        rng = np.random.default_rng(check_random_state(random_state).randint(2**31))
        drawn: Array = self.surrogate_.sample(_table(X), n_samples, rng).T
        return drawn

    def log_density(self, X: pd.DataFrame, y: ArrayLike) -> Array:
        """Log predictive density of new readings, each on a new jar.

        Args:
            X: N recipes.
            y: Shape (N,), physical.

        Returns:
            Shape (N,), per unit of the property's scale; higher is better.
        """
        table, entry = self.predict_table(X), property_of(self.property_id)
        values = _column("y", y, len(table))
        return log_density(
            entry.to_scale(values), entry.to_scale(table["mean"]), table["reading_sd"]
        )

    def score(self, X: pd.DataFrame, y: ArrayLike) -> float:
        """R² on the property's scale: a decade is a decade, high or low.

        Args:
            X: N recipes.
            y: Shape (N,), physical.

        Returns:
            1 is perfect, 0 as good as the mean of ``y``.
        """
        entry = property_of(self.property_id)
        measured = entry.to_scale(_column("y", y, len(X)))
        return float(r2_score(measured, entry.to_scale(self.predict(X))))


def _table(X: pd.DataFrame) -> pd.DataFrame:
    if not isinstance(X, pd.DataFrame):
        raise TableError(
            f"PropertyRegressor: X must be a table of recipes, got {type(X).__name__}; "
            "give a pandas DataFrame, or use GPRegressor on numbers"
        )
    return X


def _column(name: str, values: ArrayLike, n: int) -> Array:
    array = np.asarray(values, dtype=float)
    if array.shape != (n,):
        raise TableError(
            f"PropertyRegressor: {name} must have shape ({n},) as X has {n} rows, got "
            f"{array.shape}; give one number a row"
        )
    return array


def _pellets(table: pd.DataFrame) -> pd.DataFrame:
    """One row a pellet; readings of one pellet must agree on its recipe."""
    recipes = table.drop(columns=[name for name in _OF_READING if name in table])
    first = recipes.loc[~recipes.index.duplicated()]
    same = recipes.reset_index().drop_duplicates()
    if len(same) > len(first):
        labels = same[same.columns[0]]
        raise TableError(
            f"PropertyRegressor: readings of one pellet must have one recipe, got two of "
            f"{labels[labels.duplicated()].iloc[0]!r}; give each pellet an index of its own"
        )
    return first
