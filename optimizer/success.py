"""Whether a recipe can be made at all, learned from those that failed."""

from dataclasses import dataclass
from typing import Final, final

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtr

from models.evidence import Evidence, Points
from models.gp import GaussianProcess

Array = NDArray[np.float64]

USUAL: Final = 1.2
"""Centre of the prior in probits: four recipes in five can be made."""


@final
@dataclass(frozen=True, slots=True, eq=False)
class SuccessModel:
    """Probit Gaussian process: a recipe fails where a hidden margin, with noise, is negative.

    Attributes:
        process: Of the margin; a success says that it was positive.

    References:
        Rasmussen & Williams, Gaussian Processes for Machine Learning (2006), section 3.9.

    Examples:
        >>> x = np.array([[0.0], [0.1], [0.9], [1.0]])
        >>> learned = SuccessModel.of(x, np.array([True, True, False, False]))
        >>> low, high = learned.probability(np.array([[0.0], [1.0]]))
        >>> bool(low > 0.7 > 0.6 > high)
        True
    """

    process: GaussianProcess

    @classmethod
    def of(cls, x: Array, succeeded: NDArray[np.bool_]) -> "SuccessModel":
        """Learned from outcomes.

        Args:
            x: Shape (n, d), in the unit cube.
            succeeded: Shape (n,).

        Returns:
            The model.
        """
        evidence = Evidence.of(
            Points.of(x),
            lower=np.where(succeeded, 0.0, -np.inf),
            upper=np.where(succeeded, np.inf, 0.0),
            noise_sd=np.ones(len(x)),
            groups={},
        )
        unfitted = GaussianProcess(prior_centre=USUAL, prior_sd=1.0, scatter_sd=0.1)
        return cls(unfitted.fit_evidence(evidence))

    def probability(self, x: Array) -> Array:
        """Probability that each recipe can be made.

        Args:
            x: Shape (N, d), in the unit cube.

        Returns:
            Shape (N,).
        """
        mean, sd = self.process.marginal(x)
        return np.asarray(ndtr(mean / np.hypot(self.luck, sd)))

    @property
    def luck(self) -> float:
        """Spread of one trial's luck: its own, which is 1, and the process's scatter."""
        return float(np.hypot(1.0, self.process.residual_sd))
