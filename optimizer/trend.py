"""A straight line in every direction, slopes unknown: the first thing few readings can tell."""

from dataclasses import dataclass
from typing import Final, final

import numpy as np
from numpy.typing import NDArray

from models.evidence import Points

Array = NDArray[np.float64]

TREND_SHARE: Final = 0.25
"""Variance of the trend, averaged over the space, as a share of that of the rest."""


@final
@dataclass(frozen=True, slots=True, eq=False)
class Trend:
    """Linear terms as uncertain parts of a process's prior mean, none steeper than another.

    A process with short length scales alone takes ten rows to see what a line tells at once, and
    one with long ones alone is nearly linear and proposes corners only.

    Attributes:
        centre: Shape (d,), where the terms are 0.
        spread: Root of the mean square distance from there.

    References:
        Rasmussen & Williams, Gaussian Processes for Machine Learning (2006), section 2.7.

    Examples:
        >>> trend = Trend.over(np.array([[0.0], [1.0]]))
        >>> points = trend.of(np.array([[1.0]]), prior_sd=2.0)
        >>> float(points.basis[0, 0])  # half of 2: the root of a quarter
        1.0
    """

    centre: Array
    spread: float

    @classmethod
    def over(cls, x: Array) -> "Trend":
        """The trend of a space of which some rows are given.

        Args:
            x: Shape (n, d), rows from all over the unit cube.

        Returns:
            The trend.
        """
        centre = x.mean(axis=0)
        mean_square = float(((x - centre) ** 2).sum(axis=1).mean())
        return cls(centre, float(np.sqrt(mean_square)) if mean_square > 0 else 1.0)

    def of(self, x: Array, prior_sd: float) -> Points:
        """Rows with their linear terms.

        Args:
            x: Shape (n, d).
            prior_sd: Of the process, on its scale.

        Returns:
            n points.
        """
        return Points.of(x, basis=self.slope(prior_sd) * (x - self.centre))

    def slope(self, prior_sd: float) -> float:
        """Prior standard deviation of each slope, on the scale of the process."""
        return prior_sd * float(np.sqrt(TREND_SHARE)) / self.spread
