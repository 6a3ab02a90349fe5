"""Joint scenarios of rows made, rows in the making and the rows of a batch.

A scene (``optimizer.scene``) forgets what cannot change the worth of one more row. Here every row
is kept, so that the worth of each part of a batch can be read off, and what it beats.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Final, final

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from models.gp import GaussianProcess
from models.scenarios import GPScenarios
from optimizer.cells import front_rows, is_front
from optimizer.hypervolume import hypervolume_draws
from optimizer.rows import is_among, is_repeated, row_keys, stacked
from optimizer.scene import Aim, Ask, Forecast, Foresee

Array = NDArray[np.float64]
Mask = NDArray[np.bool_]

N_JOINT: Final = 512
"""Scenarios: a chance of one half is known to 0.02 then, and they cost little."""


@final
@dataclass(frozen=True, eq=False, kw_only=True)
class Joint:
    """S joint scenarios of N rows: made, in the making, then those of a batch.

    Attributes:
        aim: What counts.
        outcomes: Shape (S, N, m + c), true values as utilities, whether or not a row counts.
        is_made: Shape (S, N), whether the row could be made.
        n_made: Rows made.
        n_standing: Rows made or in the making.
    """

    aim: Aim
    outcomes: Array
    is_made: Mask
    n_made: int
    n_standing: int

    @property
    def n_batch(self) -> int:
        """Rows of the batch."""
        return int(self.outcomes.shape[1]) - self.n_standing

    @property
    def utilities(self) -> Array:
        """Shape (S, N, m), of the objectives."""
        return self.outcomes[..., : len(self.aim.reference)]

    @cached_property
    def values(self) -> Array:
        """Shape (S, N, m): utilities; at the reference, so worth nothing, if a row does not count.

        A row counts if it could be made and keeps all limits.
        """
        return self._worth(self.outcomes, self.is_made)

    @cached_property
    def counts(self) -> Mask:
        """Shape (S, N), whether a row could be made and keeps all limits."""
        standing = self.aim.standing(self.outcomes, self.is_made)
        return np.asarray(np.isfinite(standing).all(axis=-1))

    @cached_property
    def centre(self) -> Array:
        """Shape (N, m): utilities as they would be if every row had its mean."""
        mean = self.outcomes.mean(axis=0, keepdims=True)
        worth: Array = self._worth(mean, np.ones(mean.shape[:2], dtype=bool))[0]
        return worth

    @cached_property
    def on_front(self) -> Mask:
        """Shape (S, N), whether a row is on the front of all rows."""
        return is_front(self.values, self.aim.reference)

    @cached_property
    def standing_front(self) -> Array:
        """Shape (S, f, m): what stands and is not beaten, filled up with the reference."""
        front = front_rows(self.values[:, : self.n_standing], self.aim.reference)
        return np.where(np.isfinite(front), front, self.aim.reference)

    @cached_property
    def standing_volumes(self) -> Array:
        """Shape (S,): hypervolume without the batch."""
        return np.asarray(hypervolume_draws(self.standing_front, self.aim.reference))

    @cached_property
    def gains(self) -> Array:
        """Shape (S,): hypervolume that the batch adds."""
        return self.gains_of(range(self.n_batch))

    def gains_of(self, places: Sequence[int]) -> Array:
        """Hypervolume that some rows of the batch add to what stands.

        Args:
            places: Their positions in the batch.

        Returns:
            Shape (S,), in products of utility units.
        """
        rows = self.n_standing + np.asarray(places, dtype=np.intp)
        both = np.concatenate([self.standing_front, self.values[:, rows]], axis=1)
        volumes = hypervolume_draws(both, self.aim.reference)
        return np.asarray(np.maximum(volumes - self.standing_volumes, 0.0))

    def _worth(self, outcomes: Array, is_made: Mask) -> Array:
        standing = self.aim.standing(outcomes, is_made)
        return np.where(np.isfinite(standing), standing, self.aim.reference)


def joint_scenarios(
    foresee: Foresee,
    aim: Aim,
    *,
    made: pd.DataFrame,
    pending: pd.DataFrame,
    rows: pd.DataFrame,
    rng: np.random.Generator,
    n: int = N_JOINT,
) -> Joint:
    """Scenarios of all rows together.

    Args:
        foresee: Gives joint scenarios, as of a ``SampledScene`` or ``foreseen_by_processes``.
        aim: What counts.
        made: Rows that could be made; repeats of a recipe are dropped.
        pending: Rows in the making; those made already are dropped.
        rows: The batch.
        rng: Source of randomness.
        n: S.

    Returns:
        The scenarios.
    """
    columns = list(rows.columns)
    known = made[columns][~is_repeated(made, columns)] if len(made) else made
    waiting = pending
    if len(known) and len(pending):
        waiting = pending[~is_among(pending, columns, set(row_keys(known, columns)))]
    context = stacked([known, waiting, rows], columns)
    values = foresee(context, context.iloc[:0], n, rng).values
    outcomes, _ = aim.to_utility(values, values)
    is_made = np.ones(outcomes.shape[:2], dtype=bool)
    n_made = len(known)
    if aim.success is not None and len(context) > n_made:
        chance = aim.success(context.iloc[n_made:])
        is_made[:, n_made:] = rng.random((len(outcomes), len(chance))) < chance
    return Joint(
        aim=aim,
        outcomes=outcomes,
        is_made=is_made,
        n_made=n_made,
        n_standing=n_made + len(waiting),
    )


def foreseen_by_processes(processes: Sequence[GaussianProcess], ask: Ask) -> Foresee:
    """Scenarios of independent Gaussian processes.

    Args:
        processes: Fitted, one an outcome.
        ask: What rows ask of each process.

    Returns:
        Draws rows that stand, and gives further ones by mean and standard deviation.
    """

    def foresee(
        context: pd.DataFrame, rows: pd.DataFrame, n: int, rng: np.random.Generator
    ) -> Forecast:
        asked = zip(processes, ask(context), strict=True)
        scenarios = [GPScenarios.of(process, points, n, rng) for process, points in asked]
        values = np.stack([scenario.values for scenario in scenarios], axis=-1)
        if not len(rows):
            nothing = np.empty((n, 0, len(scenarios)))
            return Forecast(values, nothing, nothing)
        parts = [
            scenario.forecast(points) for scenario, points in zip(scenarios, ask(rows), strict=True)
        ]
        mean, sd = (np.stack([part[i] for part in parts], axis=-1) for i in range(2))
        return Forecast(values, mean, sd)

    return foresee
