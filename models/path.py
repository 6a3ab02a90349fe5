r"""One draw of a Gaussian process as a function: the same wherever, whenever and in whatever order.

Values drawn row by row need all earlier rows, and so depend on the order of the questions. Here a
function is drawn from the prior by random Fourier features :math:`\varphi` and then moved to the
readings y by Matheron's rule,

.. math:: f(x) = \hat f(x) + k(x, X)\,K^{-1} (y - \hat f(X) - \hat\varepsilon),\quad
          \hat f(x) = \varphi(x)^\top w,\quad w \sim N(0, 1)

with :math:`\hat\varepsilon` a draw of all that is in readings besides the truth. The frequencies
are drawn anew for every path, so that over many paths mean and covariance are exactly those of
the process: they are linear in the covariance of the features, whose expectation is the kernel.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Final, final

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.linalg import cho_solve

from models.cholesky import stable_cholesky
from models.evidence import Evidence, Points
from models.exact import readings_covariance
from models.gp import GaussianProcess
from models.hyper_posterior import HyperPosterior
from models.hyperparameters import CONSTANT_SHARE, Hyperparameters, prior_covariance
from models.matern import Kernel
from models.told import READING, Units

Array = NDArray[np.float64]

N_FREQUENCIES: Final = 512
"""Of one path, a sine and a cosine each: within a path correlations are off by about 0.03."""

_DEGREES: Final[Mapping[Kernel, float | None]] = {"matern52": 5.0, "matern32": 3.0, "rbf": None}
"""Frequencies of a Matern correlation have a Student's t distribution with 2 nu degrees."""


@final
@dataclass(frozen=True, eq=False)
class Path:
    """A function drawn from a fitted process, with the scatter that belongs to the same draw.

    Attributes:
        scatter: By level of scatter, and ``reading`` where errors are learned: standard
            deviation on the scale of the process.
    """

    scatter: Mapping[str, float]
    _units: Units
    _hyperparameters: Hyperparameters
    _read: Points
    _pull: Array
    _features: "_Features"

    @classmethod
    def of(cls, process: GaussianProcess, rng: np.random.Generator) -> "Path":
        """Draw a path.

        Args:
            process: Fitted. Its length scales are drawn by their weights, and readings known only
                to lie between bounds are drawn within them.
            rng: Source of randomness.

        Returns:
            The path.

        Raises:
            NotFittedError: If the process is not fitted.

        References:
            Wilson et al., Efficiently sampling functions from Gaussian process posteriors, ICML
            2020 (arXiv:2002.09309); Rahimi & Recht, NIPS 2007, for the features.

        Examples:
            >>> process = GaussianProcess(0.0, 1.0, 0.1).fit([[0.5]], [1.0], [0.05])
            >>> path = Path.of(process, np.random.default_rng(0))
            >>> bool(np.isclose(path([[0.2], [0.9]])[1], path([[0.9]])[0], rtol=1e-12))
            True
        """
        units, told, learned = settled(process, rng).inner
        drawn = learned.best
        features = _Features.drawn(drawn, told.points.basis.shape[1], rng)
        pull = np.zeros(0)
        if len(told):
            covariance = readings_covariance(drawn, told)
            besides = covariance - prior_covariance(drawn, told.points, told.points)
            noise = stable_cholesky(besides) @ rng.standard_normal(len(told))
            surprise = told.low - features(told.points) - noise
            pull = cho_solve((stable_cholesky(covariance), True), surprise, check_finite=False)
        names = [*process.levels, *process.biases]
        names += [] if process.reading_sd is None else [READING]
        scatter = process.prior_sd * drawn.scatter
        return cls(
            scatter=dict(zip(names, map(float, scatter), strict=True)),
            _units=units,
            _hyperparameters=drawn,
            _read=told.points,
            _pull=pull,
            _features=features,
        )

    def __call__(self, x: ArrayLike | Points) -> Array:
        """The true values at N rows.

        Args:
            x: Shape (N, d), in the unit cube; or points.

        Returns:
            Shape (N,), on the scale of the process.
        """
        points = Points.of(x)
        inner = self._units.standard(points)
        value = self._features(inner)
        if len(self._pull):
            value += prior_covariance(self._hyperparameters, inner, self._read) @ self._pull
        found: Array = self._units.known(points) + self._units.sd * value
        return found


@dataclass(frozen=True, slots=True, eq=False)
class _Features:
    """A function drawn from the prior, in units of its standard deviation.

    Attributes:
        frequencies: Shape (d, m).
        level: Shape (2m + 1 + k,), weights of features, constant and basis in f.
        tilt: Shape (2m + 1,), of features and constant in g.
        amplitude: Of the part of f that varies.
    """

    frequencies: Array
    level: Array
    tilt: Array
    amplitude: float

    @classmethod
    def drawn(
        cls, hyperparameters: Hyperparameters, n_basis: int, rng: np.random.Generator
    ) -> "_Features":
        d, m = len(hyperparameters.lengthscales), N_FREQUENCIES
        frequencies = rng.standard_normal((d, m)) / hyperparameters.lengthscales[:, None]
        degrees = _DEGREES[hyperparameters.kernel]
        if degrees is not None:
            frequencies /= np.sqrt(rng.chisquare(degrees, m) / degrees)
        return cls(
            frequencies,
            rng.standard_normal(2 * m + 1 + n_basis),
            rng.standard_normal(2 * m + 1),
            hyperparameters.amplitude,
        )

    def __call__(self, points: Points) -> Array:
        """Values at N points in inner units, shape (N,)."""
        phase = points.x @ self.frequencies
        waves = np.hstack([np.cos(phase), np.sin(phase)]) / np.sqrt(self.frequencies.shape[1])
        m, constant = waves.shape[1], np.sqrt(CONSTANT_SHARE)
        of_level = self.amplitude * (waves @ self.level[:m]) + constant * self.level[m]
        of_level += points.basis @ self.level[m + 1 : m + 1 + points.basis.shape[1]]
        value: Array = points.level * of_level
        if points.tilt.any():
            varying = np.sqrt(1 - CONSTANT_SHARE) * (waves @ self.tilt[:m])
            value += points.tilt * (varying + constant * self.tilt[m])
        return value


def settled(process: GaussianProcess, rng: np.random.Generator) -> GaussianProcess:
    """The process once all but the function is drawn.

    Args:
        process: Fitted.
        rng: Draws the hyperparameters by their weights, and readings within their bounds.

    Returns:
        The process of certain hyperparameters and exact readings; one that is so already comes
        back as it is.

    Raises:
        NotFittedError: If the process is not fitted.
    """
    _, told, learned = process.inner
    evidence = process.evidence
    if evidence is None or (len(learned.points) == 1 and told.n_exact == len(told)):
        return process
    point = learned.points[rng.choice(len(learned.points), p=learned.weights)]
    certain = process.condition(evidence, HyperPosterior.certain(point))
    if told.n_exact == len(told):
        return certain
    value = certain.readings(1, rng)[0]
    return certain.condition(replace(evidence, lower=value, upper=value))


def with_values(process: GaussianProcess, points: Points, values: Array) -> GaussianProcess:
    """The process once true values at some points are known too.

    Args:
        process: Fitted.
        points: N points, as it is asked.
        values: Shape (N,), on its scale.

    Returns:
        The process, its hyperparameters as they were.

    Raises:
        NotFittedError: If the process is not fitted.
    """
    process.inner  # noqa: B018 - refuses one that was not fitted
    read = process.evidence
    if read is None or not len(points):
        return process
    n = len(points)
    parts = (read.points, points)
    old, new = read.points.offset, points.offset
    both = Points(
        np.vstack([part.x for part in parts]),
        np.concatenate([part.level for part in parts]),
        np.concatenate([part.tilt for part in parts]),
        None if old is None or new is None else np.concatenate([old, new]),
        np.vstack([part.basis for part in parts]),
    )
    nobody = np.full(n, -1, dtype=np.intp)  # a true value shares nobody's luck
    alone = np.arange(len(read), dtype=np.intp)
    levels = [*process.levels, *process.biases]
    return process.condition(
        Evidence(
            both,
            np.concatenate([read.lower, values]),
            np.concatenate([read.upper, values]),
            np.concatenate([read.noise_sd, np.zeros(n)]),
            {name: np.concatenate([read.groups.get(name, alone), nobody]) for name in levels},
        )
    )
