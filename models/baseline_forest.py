"""A random forest, with the spread of its trees as its doubt."""

from dataclasses import dataclass
from functools import cached_property
from typing import Any, Final, final

import numpy as np
from numpy.typing import NDArray
from sklearn.ensemble import RandomForestRegressor

from models.baseline_table import Answer, BaselineTable, TableSurrogate

Array = NDArray[np.float64]

TREES: Final = 100


@final
@dataclass(frozen=True, eq=False)
class ForestSurrogate(TableSurrogate):
    """Mean of bagged trees; variance of the trees plus what they miss out of bag.

    The out-of-bag error less the noise of readings is the misfit, added to each recipe on its
    own. The forest is grown again, from the same seed, where it was read from JSON.

    References:
        Breiman, Mach. Learn. 45 (2001) 5, doi:10.1023/A:1010933404324.

    Examples:
        >>> ForestSurrogate("youngs_modulus").in_words()
        "0 Young's modulus readings: too few to learn from; the prior decides"
    """

    def learn(self, table: BaselineTable) -> dict[str, Any]:
        """Variance of what the forest misses.

        Args:
            table: Readings that show a trend.

        Returns:
            ``misfit_variance``.
        """
        missed = float(np.mean((table.y - _grown(table).oob_prediction_) ** 2))
        noise = float(np.mean(table.noise_sd**2)) + self.entry.scatter_sd**2
        return {"misfit_variance": max(missed - noise, 0.0)}

    def answer(self, x: Array) -> Answer:
        """Mean and covariance over trees, with the misfit.

        Args:
            x: Shape (N, 6), in the unit cube.

        Returns:
            Moments on the property's scale; the noise is the catalogue's.
        """
        said = np.array([tree.predict(x) for tree in self._forest.estimators_])
        apart = said - said.mean(axis=0)
        # Trees may agree to the last digit; the doubt left is that of the catalogue's scatter.
        own = max(self.fitted_numbers["misfit_variance"], self.entry.scatter_sd**2 / len(said))
        return Answer(
            mean=said.mean(axis=0),
            covariance=apart.T @ apart / len(said) + own * np.eye(len(x)),
            noise_variance=self.entry.noise_sd**2,
        )

    @cached_property
    def _forest(self) -> Any:
        return _grown(self.fitted_table)


def _grown(table: BaselineTable) -> Any:
    forest = RandomForestRegressor(TREES, oob_score=True, random_state=0, n_jobs=1)
    return forest.fit(table.x, table.y)
