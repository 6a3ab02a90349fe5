"""Compositions in mol% as few columns: components that are hardly ever used share one."""

from typing import Any, Self

import numpy as np
from numpy.typing import NDArray
from sklearn.base import BaseEstimator, TransformerMixin
from sklearn.utils.validation import check_is_fitted, validate_data

Array = NDArray[np.float64]


class MolPercent(TransformerMixin, BaseEstimator):  # type: ignore[misc]  # scikit-learn is untyped
    """Keeps the components that several glasses hold; all others are summed into ``other``.

    Of a component that one or two glasses hold nothing can be learned but those glasses.

    Attributes:
        fewest: Glasses that must hold a component for it to keep a column of its own.
        kept_: Shape (d,), which columns are kept.

    Examples:
        >>> import pandas as pd
        >>> glasses = pd.DataFrame({"Na2S": [60, 50, 70], "P2S5": [40, 50, 0], "GeS2": [0, 0, 30]})
        >>> MolPercent(fewest=2).set_output(transform="pandas").fit_transform(glasses)
           Na2S  P2S5  other
        0  60.0  40.0    0.0
        1  50.0  50.0    0.0
        2  70.0   0.0   30.0
    """

    def __init__(self, fewest: int = 3) -> None:
        self.fewest = fewest

    def fit(self, X: Any, y: object = None) -> Self:
        """Count the glasses that hold each component.

        Args:
            X: Shape (n, d), mol%.
            y: Ignored.

        Returns:
            Itself.

        Raises:
            ValueError: If X holds no finite numbers.
        """
        shares = validate_data(self, X, dtype=np.float64)
        self.kept_ = (shares != 0).sum(axis=0) >= self.fewest
        return self

    def transform(self, X: Any) -> Array:
        """The kept components and the sum of all others.

        Args:
            X: Shape (n, d), mol%, columns as in ``fit``.

        Returns:
            Shape (n, number kept), one column more if not all are.

        Raises:
            ValueError: If the columns are not those of the fit.
            sklearn.exceptions.NotFittedError: Before ``fit``.
        """
        check_is_fitted(self)
        shares = validate_data(self, X, dtype=np.float64, reset=False)
        kept: Array = shares[:, self.kept_]
        if self.kept_.all():
            return kept
        return np.column_stack([kept, shares[:, ~self.kept_].sum(axis=1)])

    def get_feature_names_out(self, input_features: Any = None) -> NDArray[np.object_]:
        """Names of the kept components, and ``other``."""
        check_is_fitted(self)
        given = getattr(self, "feature_names_in_", input_features)
        names = (
            np.array([f"x{i}" for i in range(len(self.kept_))], dtype=object)
            if given is None
            else np.asarray(given, dtype=object)
        )
        other = [] if self.kept_.all() else ["other"]
        return np.array([*names[self.kept_], *other], dtype=object)
