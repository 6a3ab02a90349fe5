"""How much samples of one recipe differ, level by level, and whether the readings can tell."""

from dataclasses import dataclass
from math import exp, log
from typing import Any, Final, final

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array
from scipy.sparse.csgraph import connected_components
from scipy.spatial.distance import cdist

from models.evidence import Evidence
from models.told import READING

Z_90: Final = 1.645

SAME_RECIPE: Final = 0.0125
"""Share of a range by which two jars of one recipe may differ: 0.0075 of 0.6 in x, as they weigh
out (domain notes 6.6)."""

_LEARNED: Final = 0.85
"""The readings have a say once the posterior of ln sd is narrower than this share of the prior,
or its centre lies a prior standard deviation away."""

_PARENT: Final = {"pellet": "jar"}
_REPEATS: Final = {
    "jar": ("recipe", "made in two jars or more"),
    "pellet": ("jar", "with two pellets or more"),
    READING: ("specimen", "read twice or more without a stated error"),
}
_MADE_TWICE: Final = ("recipe", "made twice or more")
"""What is counted, and what makes it count."""


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class Scatter:
    """Standard deviation of one level of scatter.

    Attributes:
        level: Such as ``jar``, ``pellet`` or ``reading``.
        sd: Most probable value, on the property's scale.
        lower: Lower end of the 90 % interval.
        upper: Upper end.
        prior_lower: Lower end of the prior's 90 % interval.
        prior_upper: Upper end.
        n_repeated: Groups of which there are repeats, which alone tell this level apart.
        determined: Whether the readings say more than the prior.
    """

    level: str
    sd: float
    lower: float
    upper: float
    prior_lower: float
    prior_upper: float
    n_repeated: int
    determined: bool

    def in_words(self, unit: str) -> str:
        """One line for people.

        Args:
            unit: Unit of the standard deviation.

        Returns:
            The value with its interval, or that these data do not determine it.
        """
        noun, how = _REPEATS.get(self.level, _MADE_TWICE)
        repeats = f"{self.n_repeated} {noun}{'' if self.n_repeated == 1 else 's'} {how}"
        if not self.determined:
            return f"{self.level}: not determined by these data: {repeats}"
        return (
            f"{self.level}: {self.sd:.2g} {unit} "
            f"(90 %: {self.lower:.2g} to {self.upper:.2g}); {repeats}"
        )

    def to_dict(self) -> dict[str, Any]:
        """Plain JSON types."""
        return {name: getattr(self, name) for name in self.__slots__}


def scatter_of(
    level: str,
    n_repeated: int,
    *,
    sd: float,
    ln_sd: float,
    prior_sd: float,
    prior_ln_sd: float,
) -> Scatter:
    """What is known of one level.

    Args:
        level: Its name.
        n_repeated: As ``repeats_of`` counts them.
        sd: Most probable standard deviation.
        ln_sd: Posterior standard deviation of its natural logarithm.
        prior_sd: Prior median.
        prior_ln_sd: Prior standard deviation of the logarithm.

    Returns:
        Value, intervals and whether the data have a say.
    """
    moved = abs(log(sd / prior_sd)) > prior_ln_sd
    return Scatter(
        level=level,
        sd=sd,
        lower=sd * exp(-Z_90 * ln_sd),
        upper=sd * exp(Z_90 * ln_sd),
        prior_lower=prior_sd * exp(-Z_90 * prior_ln_sd),
        prior_upper=prior_sd * exp(Z_90 * prior_ln_sd),
        n_repeated=n_repeated,
        determined=n_repeated > 0 and (ln_sd < _LEARNED * prior_ln_sd or moved),
    )


def repeats_of(level: str, evidence: Evidence) -> int:
    """Number of recipes, jars or specimens with two or more of this level below them.

    Args:
        level: Name of the level.
        evidence: The readings.
    """
    n = len(evidence)
    if not n:
        return 0
    recipe = _recipes(evidence.points.x)
    alone = np.arange(n)
    if level == READING:
        unstated = np.isnan(evidence.noise_sd)
        parent = evidence.groups.get("pellet", recipe)[unstated]
        child = alone[unstated]
    else:
        parent = evidence.groups.get(_PARENT.get(level, ""), recipe)
        child = evidence.groups.get(level, alone)
    pairs = np.unique(np.column_stack([parent, child]), axis=0)
    _, counts = np.unique(pairs[:, 0], return_counts=True)
    return int((counts > 1).sum())


def _recipes(x: NDArray[np.float64]) -> NDArray[np.intp]:
    """Number of the recipe of each row: those within a weighing error of each other are one."""
    near = csr_array(cdist(x, x, "chebyshev") <= SAME_RECIPE)
    _, recipe = connected_components(near, directed=False)
    return np.asarray(recipe, dtype=np.intp)
