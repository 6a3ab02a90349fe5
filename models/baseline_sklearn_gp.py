"""scikit-learn's Gaussian process, as many people would set it up."""

import warnings
from dataclasses import dataclass
from functools import cached_property
from typing import Any, final

import numpy as np
from numpy.typing import NDArray
from sklearn.exceptions import ConvergenceWarning
from sklearn.gaussian_process import GaussianProcessRegressor
from sklearn.gaussian_process.kernels import Matern, WhiteKernel

from models.baseline_table import Answer, BaselineTable, TableSurrogate

Array = NDArray[np.float64]


@final
@dataclass(frozen=True, eq=False)
class SklearnGPSurrogate(TableSurrogate):
    """Matérn 5/2 with a length scale a feature, plus white noise, on normalised values.

    Hyperparameters at their largest likelihood; one noise for all readings, whatever they
    state. The amplitude is the standard deviation of the readings.

    References:
        Pedregosa et al., J. Mach. Learn. Res. 12 (2011) 2825.

    Examples:
        >>> SklearnGPSurrogate("youngs_modulus").in_words()
        "0 Young's modulus readings: too few to learn from; the prior decides"
    """

    def learn(self, table: BaselineTable) -> dict[str, Any]:
        """Length scales and noise with the largest likelihood, from one start.

        Args:
            table: Readings that show a trend.

        Returns:
            ``theta``: logs of the length scales and of the noise variance.
        """
        regressor = _regressor(table.x.shape[1])
        with warnings.catch_warnings():
            # A feature that does not matter sends its length scale to the bound: no news.
            warnings.simplefilter("ignore", ConvergenceWarning)
            regressor.fit(table.x, table.y)
        return {"theta": regressor.kernel_.theta.tolist()}

    def answer(self, x: Array) -> Answer:
        """The process without its white noise, and that noise.

        Args:
            x: Shape (N, 6), in the unit cube.

        Returns:
            Moments on the property's scale.
        """
        mean, covariance = self._process.predict(x, return_cov=True)
        unit = float(self.fitted_table.y.std())
        noise = float(self._process.kernel_.k2.noise_level) * unit**2
        latent = covariance - noise * np.eye(len(x))
        # Beside a reading rounding may leave nothing, or less.
        floor = np.finfo(float).eps * unit**2
        latent[np.diag_indices_from(latent)] = np.maximum(np.diagonal(latent), floor)
        return Answer(mean=mean, covariance=latent, noise_variance=noise)

    @cached_property
    def _process(self) -> Any:
        """The process with what was learned; nothing is optimised again."""
        fixed = _regressor(self.fitted_table.x.shape[1])
        kernel = fixed.kernel.clone_with_theta(np.array(self.fitted_numbers["theta"]))
        return fixed.set_params(kernel=kernel, optimizer=None).fit(
            self.fitted_table.x, self.fitted_table.y
        )


def _regressor(n_features: int) -> Any:
    kernel = Matern(length_scale=np.ones(n_features), nu=2.5) + WhiteKernel()
    return GaussianProcessRegressor(kernel, normalize_y=True, random_state=0)
