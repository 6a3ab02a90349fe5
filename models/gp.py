"""An exact Gaussian process for few readings, with honest priors on everything it learns."""

from dataclasses import dataclass, replace
from functools import cached_property
from math import log
from typing import Any, Final, final

import numpy as np
from numpy.typing import ArrayLike, NDArray

from features.errors import NotFittedError, TableError
from models.cholesky import stable_cholesky
from models.exact import ExactPosterior
from models.hyper_posterior import HyperPosterior, hyper_posterior
from models.hyperparameters import hyper_prior, log_marginal_likelihood
from models.matern import squared_differences

Array = NDArray[np.float64]

_UNFITTED: Final = (
    "GaussianProcess: was asked to predict before fit, got no readings; "
    "call fit first, with empty arrays if nothing was measured"
)


@final
@dataclass(frozen=True, eq=False)
class GaussianProcess:
    r"""Exact Gaussian process on the unit cube, with known reading errors and a learned residual.

    .. math:: y_i = c + f(x_i) + r_i + e_i,\quad c \sim N(m_0, v_0/2),\;
              f \sim GP(0, s_f^2 M_{5/2}),\; r_i \sim N(0, s_r^2),\; e_i \sim N(0, \sigma_i^2)

    The true value c + f has the prior N(``prior_centre``, ``prior_sd``²) before any reading. Half
    of that variance is common to all recipes (c, integrated out), half varies with the recipe.
    Length scales, amplitude and residual have log-normal priors; amplitude and residual are taken
    at their maximum a posteriori, the length scales are integrated over a few weighted points.
    Rows are put into a canonical order first, so that the order of a table changes nothing, not
    even the last bit.

    Attributes:
        prior_centre: Centre m_0 of the prior, on the scale of y.
        prior_sd: Its standard deviation √v_0.
        scatter_sd: Median of the residual s_r: jars and pellets of one recipe.
        lengthscale_median: Median of each length scale as a share of its range, for up to four
            dimensions; with d > 4 it is multiplied by √(d/4).
        x: Shape (n, d), the recipes fitted to, ``None`` before ``fit``.
        y: Shape (n,), the readings.
        noise_sd: Shape (n,), their standard errors.
        learned: The hyperparameters, in units of ``prior_sd``.

    Raises:
        TableError: If the prior is not finite, or a spread not positive.

    References:
        Rasmussen & Williams, Gaussian Processes for Machine Learning (2006), chapters 2 and 5.

    Examples:
        >>> gp = GaussianProcess(prior_centre=0.0, prior_sd=1.0, scatter_sd=0.1)
        >>> mean, sd = gp.fit([[0.5]], [1.0], [0.05]).marginal([[0.5], [0.0]])
        >>> bool(sd[0] < 0.2 and sd[1] > 0.6)
        True
    """

    prior_centre: float
    prior_sd: float
    scatter_sd: float
    lengthscale_median: float = 0.6
    x: Array | None = None
    y: Array | None = None
    noise_sd: Array | None = None
    learned: HyperPosterior | None = None

    def __post_init__(self) -> None:
        """Refuse a prior that is none."""
        if not np.isfinite(self.prior_centre):
            raise TableError(
                f"GaussianProcess: prior_centre must be finite, got {self.prior_centre}; "
                "give a value on the surrogate's scale"
            )
        for name in ("prior_sd", "scatter_sd", "lengthscale_median"):
            value = getattr(self, name)
            if not 0 < value < np.inf:
                raise TableError(
                    f"GaussianProcess: {name} must be positive and finite, got {value}; "
                    "give a spread on the surrogate's scale"
                )

    def fit(self, x: ArrayLike, y: ArrayLike, noise_sd: ArrayLike) -> "GaussianProcess":
        """A copy that has learned its hyperparameters from the readings.

        Args:
            x: Shape (n, d), in the unit cube; n may be 0.
            y: Shape (n,), readings.
            noise_sd: Shape (n,), their known standard errors; 0 is allowed.

        Returns:
            The fitted copy.

        Raises:
            TableError: If shapes disagree or a value is not finite.
        """
        x, y, noise_sd = _checked(x, y, noise_sd)
        order = np.lexsort((noise_sd, y, *x.T))
        x, y, noise_sd = x[order], y[order], noise_sd[order]
        prior = hyper_prior(
            n_dimensions=x.shape[1],
            lengthscale_median=self.lengthscale_median,
            residual_median=self.scatter_sd / self.prior_sd,
        )
        learned = hyper_posterior(prior, x, *self._standard(y, noise_sd))
        return replace(self, x=x, y=y, noise_sd=noise_sd, learned=learned)

    def condition(
        self,
        x: ArrayLike,
        y: ArrayLike,
        noise_sd: ArrayLike,
        learned: HyperPosterior | None = None,
    ) -> "GaussianProcess":
        """A copy that holds these readings under given hyperparameters, learning none.

        Args:
            x: Shape (n, d), in the unit cube; n may be 0.
            y: Shape (n,), readings.
            noise_sd: Shape (n,), their standard errors.
            learned: Hyperparameters in units of ``prior_sd``; default: those of an earlier
                ``fit``.

        Returns:
            The conditioned copy.

        Raises:
            NotFittedError: If no hyperparameters are given and none were learned.
            TableError: If shapes disagree or a value is not finite.
        """
        given = self._learned if learned is None else learned
        x, y, noise_sd = _checked(x, y, noise_sd)
        return replace(self, x=x, y=y, noise_sd=noise_sd, learned=given)

    @property
    def residual_sd(self) -> float:
        """Standard deviation between jars and pellets of one recipe, as learned.

        Raises:
            NotFittedError: Before ``fit``.
        """
        return self.prior_sd * self._learned.best.residual_sd

    @property
    def lengthscales(self) -> Array:
        """Most probable length scales, shape (d,), as shares of each column's range.

        Raises:
            NotFittedError: Before ``fit``.
        """
        return self._learned.best.lengthscales

    @property
    def amplitude(self) -> float:
        """Standard deviation of the part that varies with the recipe, as learned.

        Raises:
            NotFittedError: Before ``fit``.
        """
        return self.prior_sd * self._learned.best.amplitude

    @property
    def log_marginal_likelihood(self) -> float:
        """Log density of the readings under the most probable hyperparameters.

        Raises:
            NotFittedError: Before ``fit``.
        """
        theta = self._learned.best.theta
        x, y, noise_sd = self._data
        z, variance = self._standard(y, noise_sd)
        value, _ = log_marginal_likelihood(theta, squared_differences(x), z, variance)
        return value - len(z) * log(self.prior_sd)

    def marginal(self, x: ArrayLike) -> tuple[Array, Array]:
        """Mean and standard deviation of the true value of each recipe.

        Args:
            x: Shape (N, d), in the unit cube.

        Returns:
            Two arrays of shape (N,); the standard deviations are positive.

        Raises:
            NotFittedError: Before ``fit``.
            TableError: If the number of columns is not that of the fit.
        """
        rows, weights = self._rows(x), self._learned.weights
        parts = [posterior.marginal(rows) for posterior in self._posteriors]
        means = np.array([mean for mean, _ in parts])
        mean = weights @ means
        variance = weights @ np.array([variance for _, variance in parts])
        variance += weights @ (means - mean) ** 2
        return self.prior_centre + self.prior_sd * mean, self.prior_sd * np.sqrt(variance)

    def predictive(self, x: ArrayLike) -> tuple[Array, Array]:
        """Mean and standard deviation of the value on a new jar: the residual is added.

        Args:
            x: Shape (N, d), in the unit cube.

        Returns:
            Two arrays of shape (N,), without any error of reading.

        Raises:
            NotFittedError: Before ``fit``.
            TableError: If the number of columns is not that of the fit.
        """
        mean, sd = self.marginal(x)
        return mean, np.hypot(sd, self.residual_sd)

    def joint(self, x: ArrayLike) -> tuple[Array, Array]:
        """Mean and covariance of the true values of all recipes together.

        Args:
            x: Shape (N, d), in the unit cube.

        Returns:
            Shape (N,) and shape (N, N).

        Raises:
            NotFittedError: Before ``fit``.
            TableError: If the number of columns is not that of the fit.
        """
        rows, weights = self._rows(x), self._learned.weights
        means = np.zeros((len(weights), len(rows)))
        covariance = np.zeros((len(rows), len(rows)))
        for k, posterior in enumerate(self._posteriors):
            means[k], part = posterior.joint(rows)
            part *= weights[k]
            covariance += part
        mean = weights @ means
        between = (means - mean) * np.sqrt(weights)[:, None]
        covariance += between.T @ between
        covariance *= self.prior_sd**2
        return self.prior_centre + self.prior_sd * mean, covariance

    def sample(self, x: ArrayLike, n: int, rng: np.random.Generator) -> Array:
        """Joint draws of the true values.

        Args:
            x: Shape (N, d), in the unit cube.
            n: Number of draws.
            rng: Source of randomness.

        Returns:
            Shape (n, N).

        Raises:
            NotFittedError: Before ``fit``.
            TableError: If the number of columns is not that of the fit.
        """
        mean, covariance = self.joint(x)
        draws: Array = rng.standard_normal((n, len(mean))) @ stable_cholesky(covariance).T
        return mean + draws

    def to_dict(self) -> dict[str, Any]:
        """Everything needed to predict again, in plain JSON types.

        Returns:
            Prior and, once fitted, data and hyperparameters.
        """
        plain: dict[str, Any] = {
            name: float(getattr(self, name))
            for name in ("prior_centre", "prior_sd", "scatter_sd", "lengthscale_median")
        }
        if self.learned is not None:
            x, y, noise_sd = self._data
            plain["fitted"] = {
                "n_dimensions": x.shape[1],
                "x": x.tolist(),
                "y": y.tolist(),
                "noise_sd": noise_sd.tolist(),
                "learned": self.learned.to_dict(),
            }
        return plain

    @classmethod
    def from_dict(cls, plain: dict[str, Any]) -> "GaussianProcess":
        """The process that ``to_dict`` wrote; its predictions are the same to the last bit.

        Args:
            plain: What ``to_dict`` returned, perhaps through JSON.

        Returns:
            The process.
        """
        prior = {name: value for name, value in plain.items() if name != "fitted"}
        fitted = plain.get("fitted")
        if fitted is None:
            return cls(**prior)
        return cls(
            **prior,
            x=np.array(fitted["x"], dtype=float).reshape(-1, fitted["n_dimensions"]),
            y=np.array(fitted["y"], dtype=float),
            noise_sd=np.array(fitted["noise_sd"], dtype=float),
            learned=HyperPosterior.from_dict(fitted["learned"]),
        )

    @property
    def _learned(self) -> HyperPosterior:
        if self.learned is None:
            raise NotFittedError(_UNFITTED)
        return self.learned

    @property
    def _data(self) -> tuple[Array, Array, Array]:
        if self.x is None or self.y is None or self.noise_sd is None:
            raise NotFittedError(_UNFITTED)
        return self.x, self.y, self.noise_sd

    def _standard(self, y: Array, noise_sd: Array) -> tuple[Array, Array]:
        """Readings and their variances in units of the prior sd, about its centre."""
        return (y - self.prior_centre) / self.prior_sd, (noise_sd / self.prior_sd) ** 2

    @cached_property
    def _posteriors(self) -> list[ExactPosterior]:
        x, y, noise_sd = self._data
        z, variance = self._standard(y, noise_sd)
        return [ExactPosterior.of(point, x, z, variance) for point in self._learned.points]

    def _rows(self, x: ArrayLike) -> Array:
        d = self._data[0].shape[1]
        rows = np.asarray(x, dtype=float)
        if rows.ndim != 2 or rows.shape[1] != d:
            raise TableError(
                f"GaussianProcess: x must have shape (N, {d}) as in fit, got {rows.shape}; "
                "give the same columns"
            )
        return rows


def _checked(x: ArrayLike, y: ArrayLike, noise_sd: ArrayLike) -> tuple[Array, Array, Array]:
    rows = np.array(x, dtype=float)
    values, noise = np.array(y, dtype=float), np.array(noise_sd, dtype=float)
    if (
        rows.ndim != 2
        or not rows.shape[1]
        or values.shape != (len(rows),)
        or noise.shape != (len(rows),)
    ):
        raise TableError(
            "GaussianProcess: x, y and noise_sd must have shapes (n, d), (n,) and (n,), got "
            f"{rows.shape}, {values.shape} and {noise.shape}; give one reading a row"
        )
    if not (np.isfinite(rows).all() and np.isfinite(values).all()):
        raise TableError(
            f"GaussianProcess: x and y must be finite, got {_first_bad(rows, values)}; "
            "leave out what was not measured"
        )
    if not (np.isfinite(noise).all() and (noise >= 0).all()):
        raise TableError(
            f"GaussianProcess: noise_sd must be finite and not negative, got {noise.min()}; "
            "give standard errors on the surrogate's scale"
        )
    return rows, values, noise


def _first_bad(rows: Array, values: Array) -> str:
    row = int(np.flatnonzero(~(np.isfinite(rows).all(axis=1) & np.isfinite(values)))[0])
    return f"x = {rows[row].tolist()}, y = {values[row]} in row {row}"
