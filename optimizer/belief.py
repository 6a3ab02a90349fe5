"""What the told rows say of all others: one Gaussian process an objective."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, final

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from models.evidence import Evidence, Points
from models.gp import GaussianProcess
from optimizer.objectives import Objective
from optimizer.space import Space
from optimizer.told import scale_bounds

Vector = NDArray[np.float64]

SCATTER_SHARE: Final = 0.1
"""Expected residual as a share of the prior's spread; each process learns its own."""

Z_90: Final = 1.6448536269514722
"""A normal variable lies within this many standard deviations with 90 %."""


@final
@dataclass(frozen=True, slots=True)
class Belief:
    """Surrogates over a space, physical units out.

    Attributes:
        space: Encodes the rows.
        objectives: m objectives.
        surrogates: One each; ``None`` where there is neither data nor a prior.
    """

    space: Space
    objectives: Sequence[Objective]
    surrogates: Sequence[GaussianProcess | None]

    @classmethod
    def of(
        cls,
        space: Space,
        objectives: Sequence[Objective],
        recipes: pd.DataFrame,
        readings: pd.DataFrame,
    ) -> "Belief":
        """Surrogates fitted to what was told.

        Args:
            space: Encodes the rows.
            objectives: m objectives.
            recipes: Rows made.
            readings: As from ``told_readings``; ``row`` counts the recipes.

        Returns:
            The belief.
        """
        encoded = space.encode(recipes) if len(recipes) else None
        width = space.encode(space.spread(1, np.random.default_rng(0))).shape[1]
        surrogates: list[GaussianProcess | None] = []
        for objective in objectives:
            own = readings[readings["objective"] == objective.name]
            told = scale_bounds(own, objective)
            is_closed = np.isfinite(told[["low", "high"]].to_numpy()).all(axis=1)
            prior = _prior(objective, told["value"].to_numpy(), only_bounds=not is_closed.any())
            if prior is None:
                surrogates.append(None)
                continue
            at = np.empty((0, width)) if encoded is None else encoded[own["row"].to_numpy(int)]
            evidence = Evidence.of(
                Points.of(at),
                lower=told["low"].to_numpy(),
                upper=told["high"].to_numpy(),
                noise_sd=told["se"].to_numpy(),
                groups={},
            )
            process = GaussianProcess(*prior, SCATTER_SHARE * prior[1])
            surrogates.append(process.fit_evidence(evidence))
        return cls(space, objectives, surrogates)

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
        for objective, surrogate in zip(self.objectives, self.surrogates, strict=True):
            if surrogate is None:
                mean = sd = np.full(len(rows), np.nan)
            else:
                mean, sd = surrogate.marginal(at)
            parts = {"mean": mean, "lower": mean - Z_90 * sd, "upper": mean + Z_90 * sd}
            physical = {name: objective.from_scale(part) for name, part in parts.items()}
            for name in ("mean", "sd", "lower", "upper"):
                columns[f"{objective.name}_{name}"] = sd if name == "sd" else physical[name]
        return pd.DataFrame(columns, index=rows.index)

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
                else objective.from_scale(surrogate.sample(at, n, rng))
                for objective, surrogate in zip(self.objectives, self.surrogates, strict=True)
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
        return objective.prior
    if not len(values):
        return None
    centre = float(values.mean())
    spread = float(values.std(ddof=1)) if len(values) > 1 else 0.0
    # constant data say little of the spread: the way to the reference gives a floor
    way = (
        0.0
        if objective.reference is None
        else abs(centre - float(objective.to_scale(objective.reference)))
    )
    if only_bounds:
        widest = 1.0 if objective.scale == "log10" else abs(centre)
        return centre, max(spread, way, widest, 1e-9)
    floor = 0.1 * way if way > 0 or spread > 0 else 1e-3 * abs(centre)
    return centre, max(spread, floor, 1e-9)
