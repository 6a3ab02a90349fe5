"""The Gaussian process as a scikit-learn regressor on any table of numbers."""

from collections.abc import Sequence
from typing import Any, Final, Protocol, Self, get_args

import numpy as np
from numpy.typing import ArrayLike, NDArray
from sklearn.base import BaseEstimator, RegressorMixin
from sklearn.utils import check_random_state
from sklearn.utils.validation import check_is_fitted, validate_data

from models.evidence import Evidence, Points
from models.gp import GaussianProcess
from models.matern import Kernel
from models.scores import log_density

Array = NDArray[np.float64]

_HALF: Final = 0.5**0.5
"""Share of the scatter given to groups and to samples before any data: as much to each."""


class GPRegressor(RegressorMixin, BaseEstimator):  # type: ignore[misc]  # scikit-learn is untyped
    """Regressor around ``GaussianProcess``: honest spreads, stated errors, shared luck.

    Columns are scaled so that their ranges become 0 to 1. The prior's centre and spread are mean
    and standard deviation of the targets, as for an objective of the optimizer without a prior.

    Attributes:
        kernel: ``matern52``, ``matern32`` or ``rbf``.
        lengthscale_median: Prior median of each length scale as a share of its column's range.
        scatter_share: Expected scatter of samples, all levels, as a share of the targets' spread;
            the actual one is learned.
        ranges: Low and high end of each column, shape (d, 2); ``None``: those of the data.
        prior: Centre and standard deviation of the targets before data; ``None``: learned.
        process_: The fitted process.
        ranges_: Ranges that were scaled by, shape (d, 2).

    Examples:
        >>> regressor = GPRegressor().fit([[0.0], [0.5], [1.0]], [1.0, 2.0, 3.0])
        >>> mean, sd = regressor.predict([[0.5]], return_std=True)
        >>> bool(abs(mean[0] - 2.0) < 0.1 and sd[0] < 0.5)
        True
    """

    def __init__(
        self,
        *,
        kernel: Kernel = "matern52",
        lengthscale_median: float = 0.6,
        scatter_share: float = 0.1,
        ranges: Sequence[Sequence[float]] | None = None,
        prior: tuple[float, float] | None = None,
    ) -> None:
        self.kernel = kernel
        self.lengthscale_median = lengthscale_median
        self.scatter_share = scatter_share
        self.ranges = ranges
        self.prior = prior

    def fit(
        self,
        X: ArrayLike,
        y: ArrayLike,
        sample_error: ArrayLike | None = None,
        groups: ArrayLike | None = None,
    ) -> Self:
        """Learn from exact targets.

        Args:
            X: Shape (n, d), numbers; n at least 2.
            y: Shape (n,), targets.
            sample_error: Shape (n,), known standard error of each target; default none.
            groups: Shape (n,), labels of what shares luck, such as jar or paper; default: each
                sample is its own.

        Returns:
            Itself.

        Raises:
            ValueError: If ``X`` or ``y`` holds no finite numbers, lengths disagree, or a
                hyper-parameter is out of range.
            TableError: If an error is negative.
        """
        self._check_parameters()
        inputs, targets = validate_data(
            self, X, y, dtype=np.float64, y_numeric=True, ensure_min_samples=2
        )
        self.ranges_ = _ranges(inputs, self.ranges)
        errors = np.zeros(len(targets)) if sample_error is None else sample_error
        labels = {} if groups is None else {"group": np.asarray(groups).astype(str)}
        evidence = Evidence.of(
            Points.of(self._unit(inputs)),
            lower=targets,
            upper=targets,
            noise_sd=errors,
            groups=labels,
        )
        centre, sd = _prior(targets) if self.prior is None else self.prior
        self.process_ = GaussianProcess(
            prior_centre=centre,
            prior_sd=sd,
            scatter_sd=self.scatter_share * sd,
            lengthscale_median=self.lengthscale_median,
            kernel=self.kernel,
            levels={"group": _HALF, "sample": _HALF} if labels else {"sample": 1.0},
            biases={},
        ).fit_evidence(evidence)
        return self

    def predict(self, X: ArrayLike, return_std: bool = False, *, of_reading: bool = False) -> Any:
        """The expected target of each row, and how sure it is.

        Args:
            X: Shape (N, d).
            return_std: Return standard deviations as well.
            of_reading: Of a new sample, in a group of its own, rather than of the true value; its
                own error is not counted.

        Returns:
            Shape (N,); with ``return_std`` a pair of such.

        Raises:
            ValueError: If the columns are not those of the fit.
            sklearn.exceptions.NotFittedError: Before ``fit``.
        """
        unit = self._asked(X)
        process: GaussianProcess = self.process_
        mean, sd = process.predictive(unit) if of_reading else process.marginal(unit)
        return (mean, sd) if return_std else mean

    def sample_y(
        self,
        X: ArrayLike,
        n_samples: int = 1,
        random_state: "int | np.random.RandomState | None" = 0,
    ) -> Array:
        """Joint draws of the true values.

        Args:
            X: Shape (N, d).
            n_samples: How many draws, n.
            random_state: Seed.

        Returns:
            Shape (N, n), as of scikit-learn's own process.

        Raises:
            ValueError: If the columns are not those of the fit.
            sklearn.exceptions.NotFittedError: Before ``fit``.
        """
        unit = self._asked(X)
        rng = np.random.default_rng(check_random_state(random_state).randint(2**31))
        drawn: Array = self.process_.sample(unit, n_samples, rng).T
        return drawn

    def log_density(self, X: ArrayLike, y: ArrayLike) -> Array:
        """Log predictive density of new targets.

        Args:
            X: Shape (N, d).
            y: Shape (N,).

        Returns:
            Shape (N,); higher is better.
        """
        mean, sd = self.predict(X, return_std=True, of_reading=True)
        return log_density(y, mean, sd)

    def _check_parameters(self) -> None:
        """Refuse what ``__init__`` must take as it is."""
        kernels = get_args(Kernel)
        if self.kernel not in kernels:
            raise ValueError(
                f"GPRegressor: kernel must be {', '.join(kernels)}, got {self.kernel!r}; "
                "use one of these"
            )
        for name in ("lengthscale_median", "scatter_share"):
            _refuse_unless_positive(name, getattr(self, name))
        if self.prior is None:
            return
        if np.shape(self.prior) != (2,) or not np.isfinite(self.prior[0]):
            raise ValueError(
                "GPRegressor: prior must be a finite centre and a standard deviation, "
                f"got {self.prior!r}; give such a pair, or None"
            )
        _refuse_unless_positive("the standard deviation of prior", self.prior[1])

    def _asked(self, X: ArrayLike) -> Array:
        check_is_fitted(self)
        return self._unit(validate_data(self, X, dtype=np.float64, reset=False))

    def _unit(self, inputs: Array) -> Array:
        low, high = self.ranges_.T
        unit: Array = (inputs - low) / (high - low)
        return unit


class _Foretelling(Protocol):
    """What tells a density of new targets."""

    def log_density(self, X: Any, y: ArrayLike) -> Array: ...


def mean_log_density(estimator: _Foretelling, X: Any, y: ArrayLike) -> float:
    """Mean log predictive density, for ``scoring=`` of scikit-learn; higher is better.

    Args:
        estimator: A fitted ``GPRegressor`` or ``PropertyRegressor``, not inside a pipeline.
        X: N rows.
        y: Shape (N,).

    Returns:
        The mean.

    Examples:
        >>> regressor = GPRegressor().fit([[0.0], [1.0]], [0.0, 1.0])
        >>> near = mean_log_density(regressor, [[0.5]], [0.5])
        >>> near > mean_log_density(regressor, [[0.5]], [5.0])
        True
    """
    return float(np.mean(estimator.log_density(X, y)))


def _ranges(inputs: Array, given: Sequence[Sequence[float]] | None) -> Array:
    """Ends of each column; a column that never varies keeps its unit."""
    if given is not None:
        ranges = np.array(given, dtype=float)
        fits = ranges.shape == (inputs.shape[1], 2) and np.isfinite(ranges).all()
        if not fits or not (ranges[:, 0] < ranges[:, 1]).all():
            raise ValueError(
                f"GPRegressor: ranges must be {inputs.shape[1]} pairs of a low and a higher end, "
                f"got {given}; give one pair a column, or None"
            )
        return ranges
    low, high = inputs.min(axis=0), inputs.max(axis=0)
    return np.column_stack([low, np.where(high > low, high, low + 1.0)])


def _prior(targets: Array) -> tuple[float, float]:
    """Centre and spread of the targets; constant ones get a thousandth of their value."""
    centre = float(targets.mean())
    if np.ptp(targets) > 0:
        return centre, float(targets.std(ddof=1))
    return centre, max(1e-3 * abs(centre), 1e-9)


def _refuse_unless_positive(name: str, value: float) -> None:
    if not 0 < value < np.inf:
        raise ValueError(
            f"GPRegressor: {name} must be positive and finite, got {value!r}; give such a number"
        )
