"""Recipes to numbers, as scikit-learn transformers that learn nothing.

``fit`` only looks whether the columns are there. Whatever must learn, such as a scaling,
belongs to the models.
"""

from typing import Any, Final, Self

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from sklearn.base import BaseEstimator, TransformerMixin
from sklearn.utils import Tags
from sklearn.utils.validation import validate_data

from features import structure
from features.errors import RecipeError
from features.milling import MEDIA, Medium, medium, relative_dose, relative_intensity
from features.stoichiometry import molar_mass
from features.table import column, numbers, positive_numbers

FloatArray = NDArray[np.float64]

GLASS_FEATURES: Final = (
    "x",
    "log10_relative_dose",
    "log10_relative_intensity",
    "medium_hardness_hv",
    "metallic_debris",
    "pressing_pressure_mpa",
)

COMPOSITION_FEATURES: Final = (
    "p2o5_mol_percent",
    "anion_oxygen_percent",
    "molar_mass_g_mol",
    "true_density_g_cm3",
    "molar_volume_cm3_mol",
    "oxygen_density_mmol_cm3",
    "sodium_number_density_1e22_cm3",
    "mean_field_strength_per_a2",
    "bridging_oxygen",
    "p1_fraction",
    "free_na2s",
    "p_o_bonds",
)


class _Stateless(TransformerMixin, BaseEstimator):  # type: ignore[misc]  # scikit-learn is untyped
    """A transformer that may transform before it was fitted."""

    def __sklearn_is_fitted__(self) -> bool:
        return True

    def __sklearn_tags__(self) -> Tags:
        tags = super().__sklearn_tags__()
        tags.requires_fit = False
        return tags


class GlassFeatures(_Stateless):
    """What physically matters of a glass and its pressing; no category, so a new medium works.

    Output columns: ``x``; log10 of the milling dose and of the energy per hit, both relative
    to steel, 500 rpm, 3 h; Vickers hardness of the medium, HV; whether its wear conducts
    electrons, 0 or 1; pressing pressure, MPa.

    References:
        Domain notes 4.5 and 4.6.

    Examples:
        >>> recipes = pd.DataFrame(
        ...     {"x": [0.15], "milling_time_h": [3], "milling_media": ["stainless_steel"],
        ...      "milling_speed_rpm": [500], "pressing_pressure_mpa": [450]}, index=["S01"]
        ... )
        >>> GlassFeatures().set_output(transform="pandas").fit_transform(recipes).loc["S01", "x"]
        np.float64(0.15)
    """

    def fit(self, X: pd.DataFrame, y: object = None) -> Self:
        """Look whether the columns hold what is needed; learn nothing.

        Args:
            X: Recipes, n rows; columns x, milling_time_h, milling_media, milling_speed_rpm,
                pressing_pressure_mpa.
            y: Ignored.

        Returns:
            Itself.

        Raises:
            TableError: If a column is missing or a value is not the number it should be.
            RecipeError: If a medium is unknown; names the row.
        """
        self.transform(X)
        return self

    def transform(self, X: pd.DataFrame) -> FloatArray:
        """The features of each recipe.

        Args:
            X: Recipes, n rows, as for ``fit``; other columns are ignored.

        Returns:
            Shape (n, 6), in the order of ``get_feature_names_out``.

        Raises:
            TableError: If a column is missing or a value is not the number it should be.
            RecipeError: If a medium is unknown; names the row.
        """
        x = numbers(X, "x", where="recipes")
        time_h = positive_numbers(X, "milling_time_h", where="recipes")
        speed_rpm = positive_numbers(X, "milling_speed_rpm", where="recipes")
        pressure_mpa = numbers(X, "pressing_pressure_mpa", where="recipes")
        media = _media(X)
        milled = [
            (
                relative_dose(used.id, time, speed),
                relative_intensity(used.id, speed),
                used.hardness_hv,
                float(used.metallic_debris),
            )
            for used, time, speed in zip(media, time_h, speed_rpm, strict=True)
        ]
        dose, intensity, hardness, debris = np.array(milled, dtype=float).reshape(-1, 4).T
        return np.column_stack(
            [x, np.log10(dose), np.log10(intensity), hardness, debris, pressure_mpa]
        )

    def get_feature_names_out(self, input_features: object = None) -> NDArray[np.object_]:
        """Names of the six output columns; ``input_features`` is ignored."""
        return np.array(GLASS_FEATURES, dtype=object)


class MediumCategory(_Stateless):
    """The milling medium as a plain category: one column for each medium there is.

    A medium never tried has a column of zeros in the data, so nothing is learned of it; use
    ``GlassFeatures`` to predict it.

    References:
        Domain notes 4.6.

    Examples:
        >>> MediumCategory().transform(pd.DataFrame({"milling_media": ["zirconia"]}))
        array([[0., 1., 0., 0., 0., 0.]])
    """

    def fit(self, X: pd.DataFrame, y: object = None) -> Self:
        """Look whether every medium is known; learn nothing.

        Args:
            X: Recipes, n rows; column milling_media.
            y: Ignored.

        Returns:
            Itself.

        Raises:
            TableError: If the column is missing.
            RecipeError: If a medium is unknown; names the row.
        """
        _media(X)
        return self

    def transform(self, X: pd.DataFrame) -> FloatArray:
        """One-hot medium of each recipe.

        Args:
            X: Recipes, n rows; column milling_media, other columns are ignored.

        Returns:
            Shape (n, number of media), 0 or 1, media in the order of the table of media.

        Raises:
            TableError: If the column is missing.
            RecipeError: If a medium is unknown; names the row.
        """
        rows = [[used.id == media_id for media_id in MEDIA] for used in _media(X)]
        return np.array(rows, dtype=float).reshape(-1, len(MEDIA))

    def get_feature_names_out(self, input_features: object = None) -> NDArray[np.object_]:
        """One name for each medium; ``input_features`` is ignored."""
        return np.array([f"milling_media_{media_id}" for media_id in MEDIA], dtype=object)


class CompositionFeatures(_Stateless):
    """Density, network and field strength that x alone implies, for display.

    A table gives its column ``x``. A plain array is taken as columns of x, each described in
    turn; with more than one the names get a prefix, ``x0_``, ``x1_`` and so on.

    Attributes:
        bridging_fraction: Share of oxygen taken as bridging, dimensionless, 0 to 0.9.

    References:
        Domain notes 4.1 to 4.3.

    Examples:
        >>> described = CompositionFeatures().set_output(transform="pandas").transform([[0.6]])
        >>> float(described["anion_oxygen_percent"].item())
        15.0
    """

    def __init__(self, bridging_fraction: float = 0.5) -> None:
        self.bridging_fraction = bridging_fraction

    def fit(self, X: Any, y: object = None) -> Self:
        """Look whether there is an x; learn nothing.

        Args:
            X: Table with column x, or array of x, shape (n, k).
            y: Ignored.

        Returns:
            Itself.

        Raises:
            TableError: If a table lacks x or holds no number there.
        """
        validate_data(self, _oxygen(X), dtype=np.float64)
        return self

    def transform(self, X: Any) -> FloatArray:
        """What each x implies.

        Args:
            X: Table with column x, or array of x, shape (n, k).

        Returns:
            Shape (n, 12 k), in the order of ``get_feature_names_out``.

        Raises:
            TableError: If a table lacks x or holds no number there.
            RecipeError: If ``bridging_fraction`` is outside 0 to 0.9.
        """
        x = validate_data(self, _oxygen(X), dtype=np.float64, reset=False)
        share = self.bridging_fraction
        described = [
            structure.p2o5_mol_percent(x),
            structure.anion_oxygen_percent(x),
            molar_mass(x),
            structure.true_density(x),
            structure.molar_volume(x),
            structure.oxygen_density(x),
            structure.sodium_number_density(x),
            structure.mean_field_strength(x),
            structure.bridging_oxygen(x, share),
            structure.p1_fraction(x, share),
            structure.free_na2s(x, share),
            structure.p_o_bonds(x, share),
        ]
        stacked: FloatArray = np.stack(described, axis=-1)
        return stacked.reshape(len(x), -1)

    def get_feature_names_out(self, input_features: object = None) -> NDArray[np.object_]:
        """Twelve names for each column of x; ``input_features`` is ignored."""
        n_columns = getattr(self, "n_features_in_", 1)
        prefixes = [""] if n_columns == 1 else [f"x{index}_" for index in range(n_columns)]
        names = [prefix + name for prefix in prefixes for name in COMPOSITION_FEATURES]
        return np.array(names, dtype=object)


def _media(recipes: pd.DataFrame) -> list[Medium]:
    ids = column(recipes, "milling_media", where="recipes")
    return [_medium_of(label, media_id) for label, media_id in ids.items()]


def _medium_of(label: object, media_id: Any) -> Medium:
    try:
        return medium(media_id)
    except RecipeError as error:
        raise RecipeError(f"recipes, row {label}: {error}") from error


def _oxygen(X: Any) -> Any:
    """The x column of a table, as a one-column matrix; anything else as it is."""
    if isinstance(X, pd.DataFrame):
        return numbers(X, "x", where="recipes")[:, np.newaxis]
    return X
