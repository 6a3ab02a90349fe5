"""What each row of a batch is in it for: gains, chances, and what is lost without it."""

from dataclasses import dataclass
from typing import Final, final

import numpy as np
from numpy.typing import ArrayLike, NDArray

from optimizer.hypervolume import hypervolume
from optimizer.joint import Joint

Array = NDArray[np.float64]

EXPLORING: Final = 0.5
"""From this share of a row's gain on, it is made mainly to learn."""


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class Contribution:
    """One row's part in a batch. All of it is what the surrogates believe.

    Attributes:
        beyond: m numbers: how far the row is expected to lie beyond the best row made, objective
            by objective, in units of the scale; where it does not, nothing is counted.
        better: m probabilities that it lies beyond.
        on_front: Probability that it is on the front of all rows, the batch included.
        exploration: Share of its own gain that comes from not knowing its values: 0 where the
            means alone would gain as much, 1 where they would gain nothing.
        loss: Expected hypervolume lost if this row alone were left out of the batch.
        loss_error: Monte Carlo standard error of the loss.
        loss_share: Loss over the gain expected of the batch; rows that could stand in for one
            another lose little each, so that shares need not sum to 1.
    """

    beyond: tuple[float, ...]
    better: tuple[float, ...]
    on_front: float
    exploration: float
    loss: float
    loss_error: float
    loss_share: float

    @property
    def explores(self) -> bool:
        """Whether most of its gain comes from not knowing."""
        return self.exploration >= EXPLORING


def contributions(joint: Joint) -> list[Contribution]:
    """The part of each row of a batch.

    A row that fails or breaks a limit gains nothing. The best row made is the best that counts in
    the same scenario, or the reference where none is better.

    Args:
        joint: Scenarios of the rows made, in the making and of the batch.

    Returns:
        One a row of the batch, in order.

    Examples:
        >>> from optimizer.objectives import Objective
        >>> from optimizer.scene import Aim
        >>> aim = Aim(outcomes=[Objective("y", "maximize", reference=0.0)], reference=np.zeros(1))
        >>> sure = np.array([[[1.0], [1.5], [1.2]]])
        >>> joint = Joint(aim=aim, outcomes=sure, is_made=np.ones((1, 3), bool), n_made=1,
        ...               n_standing=1)
        >>> [round(part.loss, 6) for part in contributions(joint)]
        [0.3, 0.0]
    """
    beyond = _beyond_best(joint)
    gain = float(joint.gains.mean())
    width = np.array([outcome.width for outcome in joint.aim.outcomes[: beyond.shape[2]]])
    parts = []
    for row in range(joint.n_batch):
        place = joint.n_standing + row
        others = [other for other in range(joint.n_batch) if other != row]
        lost = np.maximum(joint.gains - joint.gains_of(others), 0.0)
        loss = float(lost.mean())
        parts.append(
            Contribution(
                beyond=tuple((beyond[:, row].mean(axis=0) * width).tolist()),
                better=tuple((beyond[:, row] > 0).mean(axis=0).tolist()),
                on_front=float(joint.on_front[:, place].mean()),
                exploration=_exploration(joint, row),
                loss=loss,
                loss_error=standard_error(lost),
                loss_share=loss / gain if gain > 0 else 0.0,
            )
        )
    return parts


def nearest(rows: ArrayLike, made: ArrayLike, k: int = 2) -> list[list[tuple[int, float]]]:
    """The rows made that lie nearest to each row.

    Args:
        rows: Shape (n, d), in the unit cube.
        made: Shape (N, d), in the same cube.
        k: How many at most.

    Returns:
        For each row the positions among ``made`` with their distance, nearest first.

    Examples:
        >>> nearest([[0.0, 0.5]], [[1.0, 0.5], [0.0, 0.25]], k=1)
        [[(1, 0.25)]]
    """
    here, there = np.asarray(rows, dtype=float), np.asarray(made, dtype=float)
    if not len(there):
        return [[] for _ in here]
    gaps = np.sqrt(((here[:, None] - there[None]) ** 2).sum(axis=-1))
    order = np.argsort(gaps, axis=1, kind="stable")[:, :k]
    return [[(int(j), float(gaps[i, j])) for j in found] for i, found in enumerate(order)]


def standard_error(draws: Array) -> float:
    """Standard error of the mean of independent draws; 0 for a single one."""
    return float(draws.std(ddof=1) / np.sqrt(len(draws))) if len(draws) > 1 else 0.0


def _beyond_best(joint: Joint) -> Array:
    """Shape (S, q, m): by how much each row of the batch beats the best made, utilities."""
    made = joint.utilities[:, : joint.n_made]
    held = np.where(joint.counts[:, : joint.n_made, None], made, -np.inf)
    best = np.maximum(held.max(axis=1, initial=-np.inf), joint.aim.reference)
    new = joint.utilities[:, joint.n_standing :]
    beyond = np.maximum(new - best[:, None], 0.0)
    return np.asarray(np.where(joint.counts[:, joint.n_standing :, None], beyond, 0.0))


def _exploration(joint: Joint, row: int) -> float:
    """1 less the gain of the means over the expected gain, for a row by itself."""
    place = joint.n_standing + row
    with_it = np.append(np.arange(joint.n_standing), place)
    expected = float(joint.gains_of([row]).mean())
    reference = joint.aim.reference
    centre = joint.centre
    known = hypervolume(centre[with_it], reference)
    known -= hypervolume(centre[: joint.n_standing], reference)
    known *= float(joint.is_made[:, place].mean())  # a failure is bad luck, not knowledge
    if known <= 0:
        return 1.0
    return float(np.clip(1.0 - known / expected, 0.0, 1.0)) if expected > 0 else 0.0
