"""What a reading is worth: the expected rise of the hypervolume of the posterior means.

A reading changes no specimen, only what is known of it. Of a jointly normal belief its outcome is
one standard normal number z, and all posterior means move along a known line, mean + z * shift.
So the hypervolume afterwards is a function of z, and its expectation an integral over z.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Final

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.linalg import solve_triangular
from scipy.stats import norm, qmc

from features.errors import SpaceError, TableError
from optimizer.objectives import Objective
from optimizer.sliced_hypervolume import sliced_hypervolume

Vector = NDArray[np.float64]
Mask = NDArray[np.bool_]

REACH: Final = 6.0
CELL: Final = 0.125
"""The normal is cut into cells this wide from -REACH to REACH, and two tails."""

SCRAMBLES: Final = 8
POINTS: Final = 64
SEED: Final = 20080604
"""Several readings: as many scrambles of as many Sobol points, each with its mirror image. The
same points for every option, so that luck does not rank them."""


@dataclass(frozen=True, slots=True)
class Rise:
    """Expected rise of a hypervolume.

    Attributes:
        value: In products of utility units.
        se: Standard error of the numbers behind it; 0 where they are exact but for rounding.
    """

    value: float
    se: float


@dataclass(frozen=True, slots=True, eq=False)
class Counted:
    """From where on a row of means counts.

    Attributes:
        reference: Shape (m,), utilities.
        lower: Shape (m,), utilities below which a row counts for nothing; -inf for no limit.
        upper: Shape (m,), utilities above which it counts for nothing; inf for no limit.
    """

    reference: Vector
    lower: Vector
    upper: Vector

    @classmethod
    def of(cls, objectives: Sequence[Objective]) -> "Counted":
        """Reference point and limits of the objectives.

        Args:
            objectives: m objectives.

        Returns:
            The same in utilities.

        Raises:
            SpaceError: If an objective has no reference.

        Examples:
            >>> wanted = Objective("cost", "minimize", reference=10.0, at_most=8.0)
            >>> Counted.of([wanted]).lower.tolist()
            [-8.0]
        """
        lacking = [objective.name for objective in objectives if objective.reference is None]
        if lacking or not objectives:
            raise SpaceError(
                "objectives: the worth of a reading needs a reference each, got none for "
                f"{', '.join(lacking) or 'no objective at all'}; give the worst value that "
                "still counts"
            )
        ends = []
        for objective in objectives:
            least, most = objective.at_least, objective.at_most
            low, high = (least, most) if objective.sign > 0 else (most, least)
            ends.append(
                (
                    float(objective.utility(float(objective.reference or 0.0))),
                    -np.inf if low is None else float(objective.utility(low)),
                    np.inf if high is None else float(objective.utility(high)),
                )
            )
        reference, lower, upper = np.array(ends).T
        return cls(reference, lower, upper)

    @property
    def has_limits(self) -> bool:
        """Whether there is any besides the reference."""
        return bool(np.isfinite(self.lower).any() or np.isfinite(self.upper).any())

    def hypervolume(self, means: Vector) -> Vector:
        """Hypervolume of posterior means.

        Args:
            means: Shape (S, n, m), utilities.

        Returns:
            Shape (S,).
        """
        if self.has_limits:
            kept = np.asarray((means >= self.lower) & (means <= self.upper))
            means = np.where(kept.all(axis=-1, keepdims=True), means, self.reference)
        return sliced_hypervolume(means, self.reference)


def reading_shifts(covariance: ArrayLike, weights: ArrayLike, noise_sd: ArrayLike) -> Vector:
    r"""How far k readings taken together move K posterior means.

    .. math:: S = C W^T (W C W^T + \mathrm{diag}(\sigma^2))^{-T/2}, \qquad
              m' = m + S z, \quad z \sim N(0, 1)^k

    Args:
        covariance: Shape (K, K), C, of the true values before the readings.
        weights: Shape (k, K), W: what each reading is of; one 1 in a row for a plain one.
        noise_sd: Shape (k,), of a reading about what it is of; infinite tells nothing.

    Returns:
        Shape (k, K), one row for each z.

    Raises:
        TableError: If shapes disagree, or a number is NaN or a spread negative.

    References:
        Frazier, Powell & Dayanik 2009, doi:10.1287/ijoc.1080.0314.

    Examples:
        >>> reading_shifts([[4.0, 2.0], [2.0, 1.0]], [[1.0, 0.0]], [0.0]).round(6).tolist()
        [[2.0, 1.0]]
    """
    belief = np.asarray(covariance, dtype=float)
    of, noise = np.asarray(weights, dtype=float), np.asarray(noise_sd, dtype=float)
    k, size = len(noise), len(belief)
    if belief.shape != (size, size) or of.shape != (k, size) or noise.shape != (k,):
        raise TableError(
            "reading_shifts: k readings of K values need shapes (K, K), (k, K) and (k,), got "
            f"{belief.shape}, {of.shape} and {noise.shape}; give one row of weights a reading"
        )
    if not (np.isfinite(belief).all() and np.isfinite(of).all() and (noise >= 0).all()):
        raise TableError(
            "reading_shifts: belief and weights must be finite and noise not negative, got "
            f"noise {noise.tolist()}; leave out what is not known"
        )
    found = np.zeros((k, size))
    telling = np.isfinite(noise)
    across = belief @ of[telling].T
    own = of[telling] @ across
    # what is known already has variance 0 but for rounding, and tells nothing
    least = 1e-12 * max(1e-300, float(np.abs(np.diag(belief)).max(initial=0.0)))
    spread = own + np.diag(noise[telling] ** 2 + least)
    if telling.any():
        found[telling] = solve_triangular(np.linalg.cholesky(spread), across.T, lower=True)
    return found


def expected_rise(
    means: ArrayLike, shifts: ArrayLike, counted: Counted, made: ArrayLike | None = None
) -> Rise:
    """How much the hypervolume of posterior means is expected to rise by k readings.

    Readings of one objective, independent of the others, never lower it: along one objective the
    hypervolume is a Choquet integral of a coverage function, so convex, and Jensen's inequality
    holds, in the cells used here too.

    Args:
        means: Shape (n, m), posterior means now, utilities.
        shifts: Shape (k, n, m): by how much a reading one standard deviation above its
            expectation moves them.
        counted: Reference and limits.
        made: Shape (n,), rows that count already; the others are made with these readings and
            count afterwards only. All when left out.

    Returns:
        One reading: integrated over the cells of the normal, off by less than a thousandth of
            the shift for each change of front it can bring about.
        Several: by quasi Monte Carlo, with its standard error.

    Raises:
        TableError: If shapes disagree.

    References:
        Frazier, Powell & Dayanik 2009, doi:10.1287/ijoc.1080.0314; Daulton, Balandat & Bakshy
        2023 (hypervolume knowledge gradient), https://proceedings.mlr.press/v202/daulton23a.html;
        Lovasz 1983, doi:10.1007/978-3-642-68874-4_10 (convexity).

    Examples:
        >>> counted = Counted.of([Objective("y", "maximize", reference=0.0)])
        >>> rise = expected_rise([[1.0], [1.0]], [[[0.0], [1.0]]], counted)
        >>> round(rise.value, 3)            # of a tie: the density of the normal at 0
        0.399
    """
    centre, move = np.asarray(means, dtype=float), np.asarray(shifts, dtype=float)
    n, m = len(centre), len(counted.reference)
    already = np.ones(n, dtype=bool) if made is None else np.asarray(made, dtype=bool)
    if centre.shape != (n, m) or move.shape[1:] != (n, m) or already.shape != (n,):
        raise TableError(
            f"expected_rise: n rows of {m} objectives need shapes (n, {m}), (k, n, {m}) and (n,), "
            f"got {centre.shape}, {move.shape} and {already.shape}; give one row a specimen"
        )
    k = len(move)
    if k == 0 or not move.any():
        move, points, weight = np.zeros((1, n, m)), np.zeros((1, 1)), np.ones(1)
    elif k == 1:
        cells, weight = normal_cells()
        points = cells[:, None]
    else:
        points = _points(k)
        weight = np.full(len(points), 1 / len(points))
    means_after = centre + np.einsum("sk,knm->snm", points, move)
    if not counted.has_limits:  # under a limit a dominated row may outlive the better one
        kept = _may_count(means_after, counted.reference) | (~already).any()
        centre, means_after, already = centre[kept], means_after[:, kept], already[kept]
    before = counted.hypervolume(centre[None, already])[0]
    rises = counted.hypervolume(means_after) - before
    if k <= 1:
        return Rise(float(weight @ rises), 0.0)
    by_scramble = rises.reshape(SCRAMBLES, -1).mean(axis=1)
    return Rise(float(weight @ rises), float(by_scramble.std(ddof=1) / SCRAMBLES**0.5))


@lru_cache(maxsize=1)
def normal_cells() -> tuple[Vector, Vector]:
    """The standard normal as points: the mean of each cell, weighed by its probability.

    A function that is linear within every cell is integrated exactly, and a convex one never
    below its value at 0.

    Returns:
        Points and weights, symmetric about 0.
    """
    edges = np.concatenate([[-np.inf], np.arange(-REACH, CELL / 2, CELL)])
    weight = np.diff(norm.cdf(edges))
    point = -np.diff(norm.pdf(edges)) / weight
    weight = weight / (2 * weight.sum())
    return np.concatenate([point, -point[::-1]]), np.concatenate([weight, weight[::-1]])


@lru_cache(maxsize=32)
def _points(k: int) -> Vector:
    """Standard normal points, shape (SCRAMBLES * 2 * POINTS, k), scramble by scramble."""
    parts = []
    for scramble in range(SCRAMBLES):
        rng = np.random.default_rng([SEED, scramble])
        unit = qmc.Sobol(k, scramble=True, rng=rng).random(POINTS)
        normal = norm.ppf(np.clip(unit, 1e-9, 1 - 1e-9))
        parts += [normal, -normal]
    return np.concatenate(parts)


def _may_count(means: Vector, reference: Vector) -> Mask:
    """Rows that are, for some z, better than the reference, and not always dominated by one row.

    Args:
        means: Shape (S, n, m).
        reference: Shape (m,).
    """
    low, high = means.min(axis=0), means.max(axis=0)
    alive = np.asarray((high > reference).all(axis=1))
    sure = low[alive]
    beaten = np.zeros(len(low), dtype=bool)
    for row in np.flatnonzero(alive):
        better = (sure >= high[row]).all(axis=1) & (sure > high[row]).any(axis=1)
        beaten[row] = bool(better.any())
    return np.asarray(alive & ~beaten)
