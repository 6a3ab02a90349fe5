r"""Is another round worth it: how much hypervolume the best batch known is expected to add.

In scenario s of everything that is not known, the rows that stand have hypervolume
:math:`V_s(C)` and with the batch :math:`V_s(C \cup B)`. The difference is never negative and is
distributed over scenarios; its mean is the expected gain, and the share of scenarios in which it
exceeds a chosen amount is the probability that the round is worth it. A row that may fail fails in
some of the scenarios. All of it is what the surrogates believe of true values: a batch chosen for
its expected gain tends to disappoint where the surrogates are too sure.

References:
    Wilson, Stopping Bayesian optimization with probabilistic regret bounds, NeurIPS 2024,
    arXiv:2402.16811; here the gain of one more round stands in for the regret.
"""

from dataclasses import asdict, dataclass
from typing import Any, Final, final

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from features.errors import SpaceError
from optimizer.contribution import standard_error
from optimizer.hypervolume import hypervolume_draws
from optimizer.scene import Scene

Array = NDArray[np.float64]

WORTH: Final = 0.01
"""A gain of this share of the present hypervolume is worth a round, unless told otherwise."""


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class NextRound:
    """The gain of a batch, as the surrogates believe.

    Attributes:
        expected_gain: Mean gain in hypervolume, products of utility units.
        error: Its Monte Carlo standard error.
        lower: The gain is larger with a probability of 95 %.
        upper: The gain is smaller with a probability of 95 %.
        more_than: The amount that makes a round worth it.
        probability: That the gain exceeds it.
        probability_error: Monte Carlo standard error of the probability.
    """

    expected_gain: float
    error: float
    lower: float
    upper: float
    more_than: float
    probability: float
    probability_error: float

    def to_dict(self) -> dict[str, Any]:
        """Plain numbers by name."""
        return asdict(self)


def next_round_gain(
    scene: Scene, rows: pd.DataFrame, *, reference: Array, more_than: float | None = None
) -> NextRound:
    """What a batch would add to a scene.

    Args:
        scene: Scenarios of the rows made and in the making; 256 and more tell enough.
        rows: The batch, as ``propose_batch`` would choose it.
        reference: Shape (m,), utilities.
        more_than: Gain that makes a round worth it, products of utility units; left out, ``WORTH``
            of the median hypervolume of what stands.

    Returns:
        Expected gain, 90 % interval and probability of more.

    Raises:
        SpaceError: If ``more_than`` is negative or not finite.
    """
    before, gains = _before_and_gains(scene, rows, reference)
    wanted = WORTH * float(np.median(before)) if more_than is None else more_than
    return gain_in_short(gains, wanted)


def gain_in_short(gains: Array, more_than: float) -> NextRound:
    """A distribution of gains in a few numbers.

    Args:
        gains: Shape (S,), one a scenario.
        more_than: Gain that makes a round worth it.

    Returns:
        Expected gain, 90 % interval and probability of more.

    Raises:
        SpaceError: If ``more_than`` is negative or not finite.

    Examples:
        >>> short = gain_in_short(np.array([0.0, 0.0, 0.1, 0.3]), 0.05)
        >>> short.expected_gain, short.probability
        (0.1, 0.5)
    """
    if not (np.isfinite(more_than) and more_than >= 0):
        raise SpaceError(
            f"stopping: more_than must be a finite gain of at least 0, got {more_than!r}; "
            "say what makes a round worth it, in units of hypervolume"
        )
    n = len(gains)
    lower, upper = np.quantile(gains, [0.05, 0.95])
    hits = int((gains > more_than).sum())
    careful = (hits + 1) / (n + 2)  # none of n scenarios does not mean never
    return NextRound(
        expected_gain=float(gains.mean()),
        error=standard_error(gains),
        lower=float(lower),
        upper=float(upper),
        more_than=float(more_than),
        probability=hits / n,
        probability_error=float(np.sqrt(careful * (1 - careful) / n)),
    )


def _before_and_gains(scene: Scene, rows: pd.DataFrame, reference: Array) -> tuple[Array, Array]:
    """Hypervolume without the batch and what it adds, both of shape (S,), scenario by scenario."""
    joined = scene.joined(rows)
    n_standing = len(scene.context)
    values = joined.values
    # a scene that draws afresh keeps all rows, and its draws before and after are not the same
    before = values[:, :n_standing] if values.shape[1] == n_standing + len(rows) else scene.values
    volumes = [
        hypervolume_draws(np.where(np.isfinite(part), part, reference), reference)
        for part in (before, values)
    ]
    return volumes[0], np.maximum(volumes[1] - volumes[0], 0.0)
