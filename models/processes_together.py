"""Fitted Gaussian processes of several properties, joined by what they share."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Final, Self, final

import numpy as np
from numpy.typing import NDArray

from features.errors import NotFittedError
from models.coregionalisation import (
    Coregionalised,
    PosteriorTogether,
    Questions,
    ToldTogether,
)
from models.evidence import Evidence, Points
from models.gp import GaussianProcess
from models.hyper_posterior import MANY_READINGS, HyperPosterior
from models.hyperparameters import hyper_prior
from models.loadings import LoadingPosterior, loading_posterior
from models.thinning import spread_rows
from models.told import Units

Array = NDArray[np.float64]

MOST_TOGETHER: Final = 1000
"""Of more readings than these, all properties together, so many are used."""


@final
@dataclass(frozen=True, eq=False)
class ProcessesTogether:
    """P fitted processes over the same inputs, and how much they share.

    Attributes:
        processes: One a property, each fitted to its own readings.
        shared: What the readings of all say of loadings and shared length scales.
    """

    processes: tuple[GaussianProcess, ...]
    shared: LoadingPosterior

    @classmethod
    def of(cls, processes: Sequence[GaussianProcess]) -> Self:
        """Learn what the processes share.

        Args:
            processes: At least one, each fitted.

        Returns:
            The processes, joined.

        Raises:
            NotFittedError: If one is not fitted.
        """
        medians = hyper_prior(
            n_dimensions=len(processes[0].lengthscales),
            lengthscale_median=processes[0].lengthscale_median,
            scatter_medians=[],
        ).medians.lengthscales
        own = [_fitted(process)[1] for process in processes]
        shared = loading_posterior(_told_together(processes, MANY_READINGS), own, medians)
        return cls(tuple(processes), shared)

    def marginal(self, asked: Sequence[Points]) -> list[tuple[Array, Array]]:
        """Mean and standard deviation of the true value at each point.

        Args:
            asked: Points of each property, on its outer scale; some may have none.

        Returns:
            Two arrays a property, as long as its points.
        """
        questions, known, scale = self._questions(asked)
        weights, parts = self._weights, [one.marginal(questions) for one in self._posteriors]
        means = np.array([mean for mean, _ in parts])
        mean = weights @ means
        variance = weights @ np.array([variance for _, variance in parts])
        variance += weights @ (means - mean) ** 2
        value, sd = known + scale * mean, scale * np.sqrt(variance)
        return [(value[rows], sd[rows]) for rows in questions.rows]

    def joint(self, asked: Sequence[Points]) -> tuple[Array, Array]:
        """Mean and covariance of the true values of all properties together.

        Args:
            asked: Points of each property, N in all; some may have none.

        Returns:
            Shape (N,) and shape (N, N), property by property.
        """
        questions, known, scale = self._questions(asked)
        weights = self._weights
        means = np.zeros((len(weights), len(questions)))
        covariance = np.zeros((len(questions), len(questions)))
        for k, posterior in enumerate(self._posteriors):
            means[k], part = posterior.joint(questions)
            covariance += weights[k] * part
        mean = weights @ means
        between = (means - mean) * np.sqrt(weights)[:, None]
        covariance += between.T @ between
        return known + scale * mean, covariance * scale[:, None] * scale[None, :]

    @cached_property
    def _weights(self) -> Array:
        return np.array([weight for weight, _ in self._used])

    @cached_property
    def _used(self) -> list[tuple[float, Coregionalised]]:
        return self.shared.used([_fitted(process)[1] for process in self.processes])

    @cached_property
    def _posteriors(self) -> list[PosteriorTogether]:
        told = _told_together(self.processes, MOST_TOGETHER)
        return [PosteriorTogether.of(hyper, told) for _, hyper in self._used]

    def _questions(self, asked: Sequence[Points]) -> tuple[Questions, Array, Array]:
        """The points in inner units, with prior mean and unit of each, shape (N,)."""
        units = [_units(process) for process in self.processes]
        pairs = list(zip(units, asked, strict=True))
        known = np.concatenate([unit.known(points) for unit, points in pairs])
        scale = np.concatenate([np.full(len(points), unit.sd) for unit, points in pairs])
        inner = [unit.standard(points) for unit, points in pairs]
        return Questions.one_after_the_other(inner), known, scale


def _units(process: GaussianProcess) -> Units:
    return Units(process.prior_centre, process.prior_sd, *process.slope)


def _fitted(process: GaussianProcess) -> tuple[Evidence, HyperPosterior]:
    if process.evidence is None or process.learned is None:
        raise NotFittedError(
            "ProcessesTogether: every process must be fitted, got one that is not; fit it first, "
            "with no readings if nothing was measured"
        )
    return process.evidence, process.learned


def _told_together(processes: Sequence[GaussianProcess], most: int) -> ToldTogether:
    """The readings in inner units; of too many, some of each property, spread over the recipes."""
    evidences = [_fitted(process)[0] for process in processes]
    if sum(map(len, evidences)) > most:
        share = most // len(evidences)
        evidences = [one.take(spread_rows(one.points.x, share)) for one in evidences]
    return ToldTogether.of(
        [
            _units(process).told(
                evidence,
                [*process.levels, *process.biases],
                learn_reading=process.reading_sd is not None,
            )
            for process, evidence in zip(processes, evidences, strict=True)
        ]
    )
