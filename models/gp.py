"""A Gaussian process for few readings of a laboratory, with honest priors on all it learns."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from math import log
from typing import Any, Final, final

import numpy as np
from numpy.typing import ArrayLike, NDArray

from features.errors import NotFittedError, TableError
from models.cholesky import stable_cholesky
from models.evidence import Evidence, Points
from models.exact import ExactPosterior
from models.hyper_posterior import MANY_READINGS, HyperPosterior, hyper_posterior
from models.hyperparameters import SCATTER_LN_SD, LogLikelihood, hyper_prior
from models.left_out import left_out_log_density
from models.matern import Kernel
from models.reduction import Reduction, reduced
from models.scatter import Scatter, repeats_of, scatter_of
from models.told import READING, Told, Units

Array = NDArray[np.float64]

CROWDED: Final = 200
"""The same limit in a campaign that as a whole holds many: there it has a dozen processes."""

TAUGHT_ROWS: Final = 256
"""Rows that the hyperparameters are learned from where there are many readings: each look at them
costs the cube of this."""

MOST_READINGS: Final = 2000
"""Of more rows than these, repeats put together, predictions rest on this many."""

_UNFITTED: Final = (
    "GaussianProcess: was asked to predict before fit, got no readings; "
    "call fit first, with empty arrays if nothing was measured"
)


@final
@dataclass(frozen=True, eq=False)
class GaussianProcess:
    r"""Gaussian process on the unit cube that knows errors, shared luck, bounds and slopes.

    .. math:: y_i = a_i (m + c + f(x_i)) + t_i (g_0 + g(x_i)) + \sum_l b_{l, i} + e_i,\quad
              l_i \le y_i \le u_i

    A reading is exact, or known to lie between two bounds. The true value c + f has the prior
    N(``prior_centre``, ``prior_sd``²) before any reading; half of that variance is common to all
    recipes (c, integrated out), half varies with the recipe. The same holds for the slope g by
    the tilt t, if there is one. b are normal effects shared by the readings of one group, a jar
    or a pellet; e is the error of the reading, as stated or learned. Length scales, amplitude
    and scatter have log-normal priors; amplitude and scatter are taken at their maximum a
    posteriori, the length scales are integrated over a few weighted points. Above
    ``MANY_READINGS`` readings repeats of one sample are put together, which loses nothing
    (``models.pooling``); all hyperparameters are then learned from ``TAUGHT_ROWS`` rows of whole
    jars and taken at their maximum; above ``MOST_READINGS`` rows only so many are used
    (``reduction`` counts). Rows are put into a canonical order first, so that the order of a
    table changes nothing.

    Attributes:
        prior_centre: Centre of the prior, on the scale of y.
        prior_sd: Its standard deviation.
        scatter_sd: Median of the standard deviation between samples of one recipe, all levels.
        lengthscale_median: Median of each length scale as a share of its range, for up to four
            dimensions; with d > 4 it is multiplied by √(d/4).
        kernel: Smoothness: ``matern52``, ``matern32`` or ``rbf``.
        levels: Levels of scatter and the share of ``scatter_sd`` each has; squares sum to 1.
        reading_sd: Median of the error of a reading that states none; ``None`` if all do.
        slope: Centre and standard deviation of the prior of g.
        biases: Levels that only readings from elsewhere have, with the median of each standard
            deviation: what is shared by all readings of one paper, for instance.
        evidence: The readings fitted to, ``None`` before ``fit``.
        learned: The hyperparameters, in units of ``prior_sd``.
        reduction: What was done with very many readings; ``None`` when nothing was.

    Raises:
        TableError: If the prior is not finite, or a spread not positive.

    References:
        Rasmussen & Williams, Gaussian Processes for Machine Learning (2006), chapters 2, 3 and 5.

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
    kernel: Kernel = "matern52"
    levels: Mapping[str, float] = field(default_factory=lambda: {"sample": 1.0})
    reading_sd: float | None = None
    slope: tuple[float, float] = (0.0, 1.0)
    biases: Mapping[str, float] = field(default_factory=dict)
    evidence: Evidence | None = None
    learned: HyperPosterior | None = None
    reduction: Reduction | None = None

    def __post_init__(self) -> None:
        """Refuse a prior that is none."""
        for name in ("levels", "biases"):  # plain ones can be sent to another process
            object.__setattr__(self, name, dict(getattr(self, name)))
        for name, value in (("prior_centre", self.prior_centre), ("slope centre", self.slope[0])):
            if not np.isfinite(value):
                raise TableError(
                    f"GaussianProcess: {name} must be finite, got {value}; "
                    "give a value on the surrogate's scale"
                )
        spreads = {
            "prior_sd": self.prior_sd,
            "scatter_sd": self.scatter_sd,
            "lengthscale_median": self.lengthscale_median,
            "reading_sd": 1.0 if self.reading_sd is None else self.reading_sd,
            "slope sd": self.slope[1],
            **{f"share of {name}": share for name, share in self.levels.items()},
            **{f"sd of {name}": sd for name, sd in self.biases.items()},
        }
        for name, value in spreads.items():
            if not 0 < value < np.inf:
                raise TableError(
                    f"GaussianProcess: {name} must be positive and finite, got {value}; "
                    "give a spread on the surrogate's scale"
                )

    def fit(self, x: ArrayLike, y: ArrayLike, noise_sd: ArrayLike) -> "GaussianProcess":
        """A copy that has learned from exact readings, each of a sample of its own.

        Args:
            x: Shape (n, d), in the unit cube; n may be 0.
            y: Shape (n,), readings.
            noise_sd: Shape (n,), their known standard errors; 0 is allowed.

        Returns:
            The fitted copy.

        Raises:
            TableError: If shapes disagree or a value is not finite.
        """
        return self.fit_evidence(Evidence.exact(x, y, noise_sd))

    def fit_evidence(self, evidence: Evidence, *, crowded: bool = False) -> "GaussianProcess":
        """A copy that has learned its hyperparameters from the readings.

        Args:
            evidence: n readings, n may be 0.
            crowded: Whether more than ``CROWDED`` readings are many already, not only more than
                ``MANY_READINGS``.

        Returns:
            The fitted copy.

        Raises:
            TableError: If an error is not stated and ``reading_sd`` is not either.
        """
        self._check_errors(evidence)
        used = evidence.canonical()
        taught, leftover, reduction = used, None, None
        if len(used) > (CROWDED if crowded else MANY_READINGS):
            fewer = reduced(
                used, levels=[*self.levels, *self.biases], prior_sd=self.prior_sd,
                most=MOST_READINGS, taught=min(TAUGHT_ROWS, MOST_READINGS),
            )  # fmt: skip
            used, taught, reduction = fewer.used, fewer.taught, fewer.reduction
            leftover = fewer.leftover.in_units_of(self.prior_sd)
        prior = hyper_prior(
            n_dimensions=evidence.points.x.shape[1],
            lengthscale_median=self.lengthscale_median,
            scatter_medians=[median / self.prior_sd for median in self._scatter_medians.values()],
            kernel=self.kernel,
        )
        learned = hyper_posterior(prior, self._told(taught), leftover)
        return replace(self, evidence=used, learned=learned, reduction=reduction)

    def condition(
        self, evidence: Evidence, learned: HyperPosterior | None = None
    ) -> "GaussianProcess":
        """A copy that holds these readings under given hyperparameters, learning none.

        Args:
            evidence: n readings, n may be 0.
            learned: Hyperparameters in units of ``prior_sd``; default: those of an earlier
                ``fit``.

        Returns:
            The conditioned copy.

        Raises:
            NotFittedError: If no hyperparameters are given and none were learned.
            TableError: If an error is not stated and ``reading_sd`` is not either.
        """
        self._check_errors(evidence)
        given = self._learned if learned is None else learned
        return replace(self, evidence=evidence, learned=given, reduction=None)

    @property
    def inner(self) -> tuple[Units, Told, HyperPosterior]:
        """Units, readings and hyperparameters as the process works with them.

        Raises:
            NotFittedError: Before ``fit``.
        """
        return self._units, self._told(self._evidence), self._learned

    def posterior(self, number: int) -> ExactPosterior:
        """The posterior at one point of the hyperparameters, solved once.

        Args:
            number: Position among the points.

        Raises:
            NotFittedError: Before ``fit``.
        """
        return self._posteriors[number]

    @property
    def n_used(self) -> int:
        """Readings the predictions rest on.

        Raises:
            NotFittedError: Before ``fit``.
        """
        return len(self._evidence) if self.reduction is None else self.reduction.n_used

    @property
    def residual_sd(self) -> float:
        """Standard deviation between samples of one recipe, all levels, as learned.

        Raises:
            NotFittedError: Before ``fit``.
        """
        scatter = self._learned.best.scatter[: len(self.levels)]
        return self.prior_sd * float(np.sqrt((scatter**2).sum()))

    @property
    def error_sd(self) -> float:
        """Error of a reading that states none, as learned; 0 if all state theirs.

        Raises:
            NotFittedError: Before ``fit``.
        """
        learned = self._learned.best.scatter
        return 0.0 if self.reading_sd is None else self.prior_sd * float(learned[-1])

    def scatter(self) -> tuple[Scatter, ...]:
        """What is known of the scatter, level by level, with 90 % intervals.

        Returns:
            One entry a level, the error of the reading last if it is learned.

        Raises:
            NotFittedError: Before ``fit``.
        """
        learned = self._learned
        return tuple(
            scatter_of(
                name,
                self._repeats(name),
                sd=self.prior_sd * float(sd),
                ln_sd=float(ln_sd),
                prior_sd=median,
                prior_ln_sd=SCATTER_LN_SD,
            )
            for (name, median), sd, ln_sd in zip(
                self._scatter_medians.items(),
                learned.best.scatter,
                learned.scatter_ln_sd,
                strict=True,
            )
        )

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

        That of bounds is a probability; the density of exact readings counts the unit.

        Raises:
            NotFittedError: Before ``fit``.
        """
        told = self._told(self._evidence)
        value, _ = LogLikelihood(told, self.kernel)(self._learned.best.theta)
        return value - told.n_exact * log(self.prior_sd)

    def left_out_log_density(self, level: str) -> Array:
        """Log density of each group's readings given all the others, in closed form.

        The hyperparameters stay those of all readings, at their most probable values.

        Args:
            level: Level whose groups are left out one at a time, such as ``jar``; readings of
                none are always among the others.

        Returns:
            One value a group, in order of the groups' numbers.

        Raises:
            NotFittedError: Before ``fit``.
        """
        evidence = self._evidence
        groups = evidence.groups.get(level, np.arange(len(evidence)))
        told = self._told(evidence)
        density = left_out_log_density(self._learned.best, told, groups[told.row])
        exact = groups[told.row[: told.n_exact]]  # each counts the unit
        counts = np.bincount(exact[exact >= 0], minlength=len(density))
        result: Array = density - counts * log(self.prior_sd)
        return result

    def readings(self, n: int, rng: np.random.Generator) -> Array:
        """Draws of what was read: exact readings as they are, bounds replaced by values in them.

        Given such a draw the process is an exact one (data augmentation).

        Args:
            n: Number of draws.
            rng: Source of randomness.

        Returns:
            Shape (n, number of readings), in the order of the evidence, errors included.

        Raises:
            NotFittedError: Before ``fit``.
        """
        evidence = self._evidence
        told = self._told(evidence)
        inner = np.empty((n, len(told)))
        inner[:, told.row] = ExactPosterior.of(self._learned.best, told).readings(n, rng)
        drawn: Array = self._units.known(evidence.points) + self.prior_sd * inner
        return drawn

    def marginal(self, x: ArrayLike | Points) -> tuple[Array, Array]:
        """Mean and standard deviation of the true value of each recipe.

        Args:
            x: Shape (N, d), in the unit cube; or points.

        Returns:
            Two arrays of shape (N,); the standard deviations are positive.

        Raises:
            NotFittedError: Before ``fit``.
            TableError: If the number of columns is not that of the fit.
        """
        points, weights = self.checked(x), self._learned.weights
        known, inner = self._units.known(points), self._units.standard(points)
        parts = [posterior.marginal(inner) for posterior in self._posteriors]
        means = np.array([mean for mean, _ in parts])
        mean = weights @ means
        variance = weights @ np.array([variance for _, variance in parts])
        variance += weights @ (means - mean) ** 2
        return known + self.prior_sd * mean, self.prior_sd * np.sqrt(variance)

    def predictive(self, x: ArrayLike | Points) -> tuple[Array, Array]:
        """Mean and standard deviation of the value on a new sample: the scatter is added.

        Args:
            x: Shape (N, d), in the unit cube; or points.

        Returns:
            Two arrays of shape (N,), without any error of reading.

        Raises:
            NotFittedError: Before ``fit``.
            TableError: If the number of columns is not that of the fit.
        """
        mean, sd = self.marginal(x)
        return mean, np.hypot(sd, self.residual_sd)

    def joint(self, x: ArrayLike | Points) -> tuple[Array, Array]:
        """Mean and covariance of the true values of all recipes together.

        Args:
            x: Shape (N, d), in the unit cube; or points.

        Returns:
            Shape (N,) and shape (N, N).

        Raises:
            NotFittedError: Before ``fit``.
            TableError: If the number of columns is not that of the fit.
        """
        points, weights = self.checked(x), self._learned.weights
        known, inner = self._units.known(points), self._units.standard(points)
        means = np.zeros((len(weights), len(points)))
        covariance = np.zeros((len(points), len(points)))
        for k, posterior in enumerate(self._posteriors):
            means[k], part = posterior.joint(inner)
            part *= weights[k]
            covariance += part
        mean = weights @ means
        between = (means - mean) * np.sqrt(weights)[:, None]
        covariance += between.T @ between
        covariance *= self.prior_sd**2
        return known + self.prior_sd * mean, covariance

    def sample(self, x: ArrayLike | Points, n: int, rng: np.random.Generator) -> Array:
        """Joint draws of the true values.

        Args:
            x: Shape (N, d), in the unit cube; or points.
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
        plain["kernel"] = self.kernel
        plain["levels"] = dict(self.levels)
        plain["biases"] = dict(self.biases)
        plain["reading_sd"] = self.reading_sd
        plain["slope"] = list(self.slope)
        if self.learned is not None:
            plain["fitted"] = {
                "evidence": self._evidence.to_dict(),
                "learned": self.learned.to_dict(),
            }
            if self.reduction is not None:
                plain["fitted"]["reduction"] = self.reduction.to_dict()
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
        prior["slope"] = tuple(prior["slope"])
        fitted = plain.get("fitted")
        if fitted is None:
            return cls(**prior)
        return cls(
            **prior,
            evidence=Evidence.from_dict(fitted["evidence"]),
            learned=HyperPosterior.from_dict(fitted["learned"]),
            reduction=Reduction.from_dict(many) if (many := fitted.get("reduction")) else None,
        )

    @property
    def _scatter_medians(self) -> dict[str, float]:
        """Median of the sd of each level, on the outer scale; that of a reading last."""
        medians = {name: share * self.scatter_sd for name, share in self.levels.items()}
        medians |= self.biases
        return medians if self.reading_sd is None else {**medians, READING: self.reading_sd}

    def _repeats(self, level: str) -> int:
        if self.reduction is not None and level == READING:
            return self.reduction.n_repeated  # repeats were put together since
        return repeats_of(level, self._evidence)

    @property
    def _units(self) -> Units:
        return Units(self.prior_centre, self.prior_sd, *self.slope)

    @property
    def _learned(self) -> HyperPosterior:
        if self.learned is None:
            raise NotFittedError(_UNFITTED)
        return self.learned

    @property
    def _evidence(self) -> Evidence:
        if self.evidence is None:
            raise NotFittedError(_UNFITTED)
        return self.evidence

    def _told(self, evidence: Evidence) -> Told:
        return self._units.told(
            evidence, [*self.levels, *self.biases], learn_reading=self.reading_sd is not None
        )

    @cached_property
    def _posteriors(self) -> list[ExactPosterior]:
        told = self._told(self._evidence)
        return [ExactPosterior.of(point, told) for point in self._learned.points]

    def _check_errors(self, evidence: Evidence) -> None:
        if self.reading_sd is None and np.isnan(evidence.noise_sd).any():
            row = int(np.isnan(evidence.noise_sd).argmax())
            raise TableError(
                f"GaussianProcess: noise_sd must be finite and not negative, got nan in row {row}; "
                "give standard errors on the surrogate's scale, or reading_sd to learn them"
            )

    def checked(self, x: ArrayLike | Points) -> Points:
        """Rows to be asked about, as points.

        Args:
            x: Shape (N, d), in the unit cube; or points.

        Returns:
            N points.

        Raises:
            NotFittedError: Before ``fit``.
            TableError: If the number of columns is not that of the fit.
        """
        d = self._evidence.points.x.shape[1]
        shape = np.shape(x.x if isinstance(x, Points) else x)
        if len(shape) != 2 or shape[1] != d:
            raise TableError(
                f"GaussianProcess: x must have shape (N, {d}) as in fit, got {shape}; "
                "give the same columns"
            )
        return Points.of(x)
