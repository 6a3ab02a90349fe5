"""What the told rows say of all others: one Gaussian process an outcome."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, final

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from models.evidence import Evidence, Points
from models.gp import GaussianProcess
from optimizer.limits import Limit
from optimizer.objectives import Objective, reference_utilities
from optimizer.scene import N_SCENARIOS, Aim, GaussianScene
from optimizer.space import Space
from optimizer.success import SuccessModel
from optimizer.told import scale_bounds
from optimizer.trend import TREND_SHARE, Trend

Vector = NDArray[np.float64]

SCATTER_SHARE: Final = 0.1
"""Expected residual as a share of the prior's spread; each process learns its own."""

FEW: Final = 4.0
"""Two readings count as spread over twice what they show, ten as over 4 % more."""

N_TREND: Final = 128
"""Rows by which the middle and the size of the space are judged."""

LOWEST: Final = 4.0
"""Prior standard deviations below the centre where a lone objective starts to count."""

Z_90: Final = 1.6448536269514722
"""A normal variable lies within this many standard deviations with 90 %."""


@final
@dataclass(frozen=True, slots=True)
class Belief:
    """Surrogates over a space, physical units out.

    Attributes:
        space: Encodes the rows.
        objectives: m objectives.
        limits: Outcomes that are kept within a range.
        surrogates: One an objective, then one a limit; ``None`` where there is neither data nor a
            prior.
        trend: What every surrogate knows of a straight line.
        success: Whether rows can be made; ``None`` while none failed.
    """

    space: Space
    objectives: Sequence[Objective]
    limits: Sequence[Limit]
    surrogates: Sequence[GaussianProcess | None]
    trend: Trend
    success: SuccessModel | None = None

    @classmethod
    def of(
        cls,
        space: Space,
        objectives: Sequence[Objective],
        limits: Sequence[Limit],
        recipes: pd.DataFrame,
        readings: pd.DataFrame,
        failed: NDArray[np.bool_],
    ) -> "Belief":
        """Surrogates fitted to what was told.

        Args:
            space: Encodes the rows.
            objectives: m objectives.
            limits: Outcomes that are kept within a range.
            recipes: n rows, made or tried in vain.
            readings: As from ``told_readings``; ``row`` counts the recipes.
            failed: Shape (n,), which could not be made.

        Returns:
            The belief.
        """
        encoded = space.encode(recipes) if len(recipes) else None
        everywhere = space.encode(space.spread(N_TREND, np.random.default_rng(0)))
        trend, width = Trend.over(everywhere), everywhere.shape[1]
        surrogates: list[GaussianProcess | None] = []
        for objective in (*objectives, *(limit.outcome for limit in limits)):
            own = readings[readings["objective"] == objective.name]
            told = scale_bounds(own, objective)
            is_closed = np.isfinite(told[["low", "high"]].to_numpy()).all(axis=1)
            prior = _prior(objective, told["value"].to_numpy(), only_bounds=not is_closed.any())
            if prior is None:
                surrogates.append(None)
                continue
            at = np.empty((0, width)) if encoded is None else encoded[own["row"].to_numpy(int)]
            evidence = Evidence.of(
                trend.of(at, prior[1]),
                lower=told["low"].to_numpy(),
                upper=told["high"].to_numpy(),
                noise_sd=told["se"].to_numpy(),
                groups={},
            )
            process = GaussianProcess(*prior, SCATTER_SHARE * prior[1])
            surrogates.append(process.fit_evidence(evidence))
        success = None
        if encoded is not None and failed.any():
            success = SuccessModel.of(encoded, ~failed)
        return cls(space, objectives, limits, surrogates, trend, success)

    def predict(self, rows: pd.DataFrame) -> pd.DataFrame:
        """Predictions of the true values.

        Args:
            rows: n valid rows.

        Returns:
            Index of ``rows``; per objective ``_mean``, ``_sd``, ``_lower``, ``_upper`` (90 %),
            physical units; on ``log10`` the mean is the median and the sd in decades. NaN
            without data and prior.
        """
        at, columns = self.space.encode(rows), {}
        for objective, surrogate in zip(self._outcomes, self.surrogates, strict=True):
            if surrogate is None:
                mean = sd = np.full(len(rows), np.nan)
            else:
                mean, sd = surrogate.marginal(self.trend.of(at, surrogate.prior_sd))
            parts = {"mean": mean, "lower": mean - Z_90 * sd, "upper": mean + Z_90 * sd}
            physical = {name: objective.from_scale(part) for name, part in parts.items()}
            for name in ("mean", "sd", "lower", "upper"):
                columns[f"{objective.name}_{name}"] = sd if name == "sd" else physical[name]
        if self.success is not None:
            columns["success"] = self.success.probability(at)
        return pd.DataFrame(columns, index=rows.index)

    def scene(
        self,
        made: pd.DataFrame,
        pending: pd.DataFrame,
        rng: np.random.Generator,
        n: int = N_SCENARIOS,
    ) -> GaussianScene:
        """What is foreseen of rows that stand; every objective must have a surrogate.

        Args:
            made: Rows made.
            pending: Rows in the making.
            rng: Source of randomness.
            n: Number of scenarios.

        Returns:
            The scene; limits without a surrogate are left out.
        """
        known = [
            (outcome, process)
            for outcome, process in zip(self._outcomes, self.surrogates, strict=True)
            if process is not None
        ]
        outcomes = [outcome for outcome, _ in known]
        processes = [process for _, process in known]
        reference = reference_utilities(self.objectives)
        if reference is None:  # a lone objective: what nothing falls below counts as nothing
            sign, process = outcomes[0].sign, processes[0]
            low = process.prior_centre - sign * LOWEST * process.prior_sd
            reference = np.atleast_1d(sign * low / outcomes[0].width)
        aim = Aim(outcomes=outcomes, reference=reference)
        model = self.success
        return GaussianScene.of(
            processes,
            aim=aim,
            ask=self._ask,
            made=made,
            pending=pending,
            rng=rng,
            n=n,
            plain=self._plain,
            hurdles=[] if model is None else [(model.process, self.space.encode, model.luck)],
        )

    @property
    def _outcomes(self) -> list[Objective]:
        return [*self.objectives, *(limit.outcome for limit in self.limits)]

    def _ask(self, rows: pd.DataFrame) -> list[Vector | Points]:
        return [points for points, _ in self._plain(self.space.encode(rows))]

    def _plain(self, at: Vector) -> list[tuple[Vector | Points, Vector | None]]:
        d = at.shape[1]
        return [
            (self.trend.of(at, own.prior_sd), self.trend.slope(own.prior_sd) * np.eye(d))
            for own in self.surrogates
            if own is not None
        ]

    def draw(self, rows: pd.DataFrame, n: int, rng: np.random.Generator) -> NDArray[np.float64]:
        """Joint draws of the true values.

        Args:
            rows: N valid rows.
            n: Number of draws.
            rng: Source of randomness.

        Returns:
            Shape (n, N, m), physical units; NaN without data and prior.
        """
        at = self.space.encode(rows)
        return np.stack(
            [
                np.full((n, len(rows)), np.nan)
                if surrogate is None
                else objective.from_scale(
                    surrogate.sample(self.trend.of(at, surrogate.prior_sd), n, rng)
                )
                for objective, surrogate in zip(self.objectives, self.surrogates, strict=False)
            ],
            axis=-1,
        )


def _prior(
    objective: Objective, values: Vector, *, only_bounds: bool
) -> tuple[float, float] | None:
    """The stated prior, else centre and spread of the data; ``None`` without either.

    Bounds alone say where the truth is not: the spread is then a decade, or as large as the bounds.
    """
    if objective.prior is not None:
        centre, sd = objective.prior  # over the whole space, trend included
        return centre, sd / float(np.sqrt(1.0 + TREND_SHARE))
    if not len(values):
        return None
    centre = float(values.mean())
    n = len(values)
    # the spread of two or three readings says little of that of the truth
    spread = float(values.std(ddof=1)) * (1.0 + FEW / n**2) if n > 1 else 0.0
    # constant data say little of the spread: the way to the reference gives a floor
    way = (
        0.0
        if objective.reference is None
        else abs(centre - float(objective.to_scale(objective.reference)))
    )
    if only_bounds or n == 1:
        widest = 1.0 if objective.scale == "log10" else abs(centre) or 1.0
        return centre, max(spread, way, widest, 1e-9)
    floor = 0.1 * way if way > 0 or spread > 0 else 1e-3 * abs(centre)
    return centre, max(spread, floor, 1e-9)
