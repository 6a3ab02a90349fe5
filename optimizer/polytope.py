"""Rows drawn evenly where linear constraints leave little room: sums, mixtures, narrow bands.

A cell has a *coordinate*: the fraction of its range for a continuum, the position on the grid
otherwise. Linear constraints on values are linear in coordinates. Walkers start at rows found by
integer programming and move along directions that no equality forbids, each time to a point drawn
evenly from the stretch that bounds and inequalities allow (hit-and-run, Smith 1984,
doi:10.1287/opre.32.6.1296). Grid coordinates move by whole steps, and continua give way so that the
equalities hold.
"""

from collections.abc import Mapping, Sequence
from itertools import combinations
from typing import Final, final

import numpy as np
from numpy.typing import NDArray
from scipy.linalg import null_space
from scipy.optimize import Bounds, milp
from scipy.optimize import LinearConstraint as Rows

from optimizer.axes import Axis, rows_of
from optimizer.constraints import Known, LinearConstraint
from optimizer.lattice import whole_kernel
from optimizer.parameters import Matrix, Vector

N_STARTS: Final = 8
"""Rows found by integer programming, each best in another direction."""

N_STEPS: Final = 12
N_STEPS_EACH: Final = 4
"""Moves of a walker before its row counts: some, and some more for each coordinate."""

EPS: Final = 1e-9


@final
class Polytope:
    """The coordinates that bounds, grids and linear constraints leave.

    Attributes:
        axes: p numeric parameters.

    Examples:
        >>> axes = [Axis(name, 0.0, 0.1, 10, True) for name in "abc"]
        >>> mixture = LinearConstraint({"a": 1, "b": 1, "c": 1}, equals=1)
        >>> polytope = Polytope(axes, [mixture], Known(dict.fromkeys("abc", 1.0), {}))
        >>> set(polytope.drawn(5, np.random.default_rng(0)).sum(axis=1).tolist())
        {10.0}
    """

    def __init__(
        self,
        axes: Sequence[Axis],
        constraints: Sequence[LinearConstraint],
        known: Known,
        held: Mapping[str, float] | None = None,
    ) -> None:
        """Write the constraints as rows over coordinates.

        Args:
            axes: p numeric parameters.
            constraints: Linear constraints over them.
            known: Columns of the space.
            held: Column to the coordinate that every row has.
        """
        self.axes = tuple(axes)
        held = held or {}
        self._low = np.array([held.get(a.name, 0.0) for a in axes])
        self._high = np.array([held.get(a.name, a.last) for a in axes])
        self._whole = np.array([a.whole for a in axes])
        self._rows = rows_of(axes, constraints, known)
        matrix, bottom, top = self._rows
        equal = bottom == top
        self._equal, self._sums = matrix[equal], top[equal]
        free = self._high > self._low
        self._soft, grid = np.flatnonzero(free & ~self._whole), np.flatnonzero(free & self._whole)
        self._give = np.linalg.pinv(self._equal[:, self._soft])
        self._slides, self._edges = self._slide_directions()
        self._steps = self._step_directions(grid)
        eye = np.eye(len(axes))
        self._walls = np.vstack([matrix[~equal], -matrix[~equal], eye, -eye])
        self._limits = np.concatenate([top[~equal], -bottom[~equal], self._high, -self._low])
        self._found: Matrix | None = None

    def drawn(self, n: int, rng: np.random.Generator) -> Matrix:
        """Rows drawn evenly, not necessarily distinct.

        Args:
            n: Rows wanted.
            rng: Moves the walkers.

        Returns:
            Shape (n, p), coordinates; no row if there is none.
        """
        starts = self._starts()
        if not len(starts):
            return starts
        walkers = starts[rng.integers(len(starts), size=n)]
        if not len(self._steps):
            # a set without grids holds all that lies between its corners
            shares = rng.exponential(size=(n, len(starts)))
            walkers = shares @ starts / shares.sum(axis=1, keepdims=True)
        gap = self._gap(walkers)
        for _ in range(N_STEPS + len(self.axes) * N_STEPS_EACH):
            for direction, whole in self._chosen(n, rng):
                rate = direction @ self._walls.T
                low, high = _stretch(gap, rate, whole=whole)
                where = rng.random(n)
                if whole:
                    step = np.minimum(low + np.floor(where * (high - low + 1.0)), high)
                else:
                    step = low + where * (high - low)
                walkers = walkers + step[:, None] * direction
                gap = np.maximum(gap - step[:, None] * rate, 0.0)
        return self._tidy(walkers)

    def around(self, centre: Vector, n: int, rng: np.random.Generator) -> Matrix:
        """Neighbours of a row: some moves along what the equalities leave, small and large.

        Args:
            centre: Shape (p,), coordinates; first brought to the nearest row there is.
            n: Rows wanted.
            rng: Chooses directions and steps.

        Returns:
            Shape (n, p), coordinates, not necessarily distinct; no row if there is none.
        """
        start = self.nearest(centre)
        if start is None or not len(self._starts()):
            return np.empty((0, len(self.axes)))
        walkers = np.repeat(start[None], n, axis=0)
        last = np.maximum(self._high, 1.0)
        for chance in (1.0, 0.5, 0.25):
            for direction, whole in self._chosen(n, rng):
                reach = rng.normal(size=n) * 10.0 ** rng.uniform(-2.3, -0.5, size=n)
                step = reach / np.maximum(np.abs(direction / last).max(axis=1), EPS)
                rate = direction @ self._walls.T
                low, high = _stretch(self._gap(walkers), rate, whole=whole)
                if whole:
                    step = np.sign(step) * np.maximum(1.0, np.round(np.abs(step)))
                there, back = np.clip(step, low, high), np.clip(-step, low, high)
                step = np.where(there == 0.0, back, there) * (rng.random(n) < chance)
                walkers = walkers + step[:, None] * direction
        return self._tidy(walkers)

    def nearest(self, centre: Vector) -> Vector | None:
        """The row closest to a point, summed over coordinates.

        Args:
            centre: Shape (p,), coordinates.

        Returns:
            Shape (p,), or ``None`` if there is no row.
        """
        p, (matrix, bottom, top) = len(self.axes), self._rows
        inside = (centre >= self._low).all() and (centre <= self._high).all()
        total = matrix @ centre
        if inside and (total >= bottom - EPS).all() and (total <= top + EPS).all():
            return centre
        # the distance of each coordinate is a variable of its own, no less than either difference
        wide = np.hstack([matrix, np.zeros_like(matrix)])
        away = np.block([[np.eye(p), -np.eye(p)], [-np.eye(p), -np.eye(p)]])
        answer = milp(
            np.concatenate([np.zeros(p), 1.0 / np.maximum(self._high, 1.0)]),
            integrality=np.concatenate([self._whole, np.zeros(p)]),
            bounds=Bounds(
                np.concatenate([self._low, np.zeros(p)]),
                np.concatenate([self._high, np.full(p, np.inf)]),
            ),
            constraints=Rows(
                np.vstack([wide, away]),
                np.concatenate([bottom, np.full(2 * p, -np.inf)]),
                np.concatenate([top, centre, -centre]),
            ),
        )
        return None if answer.x is None else self._tidy(answer.x[None, :p])[0]

    def _starts(self) -> Matrix:
        """Rows that are best in different directions; found once, with the long directions."""
        if self._found is None:
            self._found = self._corners(self._low, self._high)
            if len(self._found) and len(self._slides):
                corners = self._found
                if len(self._steps):
                    first = self._found[0]
                    low, high = (np.where(self._whole, first, b) for b in (self._low, self._high))
                    corners = self._corners(low, high)
                across = np.array([a - b for a, b in combinations(corners, 2)])
                across = across[np.abs(across).max(axis=1, initial=0.0) > 1e-6]
                self._edges = np.vstack([self._edges, across])
        return self._found

    def _corners(self, low: Vector, high: Vector) -> Matrix:
        """Rows within bounds that are best in different directions."""
        rng, rows = np.random.default_rng(0), []
        for _ in range(N_STARTS):
            answer = milp(
                rng.normal(size=len(self.axes)) / np.maximum(self._high, 1.0),
                integrality=self._whole,
                bounds=Bounds(low, high),
                constraints=Rows(*self._rows) if len(self._rows[0]) else (),
            )
            if answer.x is None:
                break
            rows.append(answer.x)
        return self._tidy(np.reshape(rows, (-1, len(self.axes))))

    def _tidy(self, rows: Matrix) -> Matrix:
        """Whole coordinates whole, and equalities met to the last digit where continua can."""
        rows = np.where(self._whole, np.round(rows), rows).clip(self._low, self._high)
        miss = self._sums - rows @ self._equal.T
        rows[:, self._soft] += miss @ self._give.T
        return np.asarray(rows.clip(self._low, self._high))

    def _chosen(self, n: int, rng: np.random.Generator) -> list[tuple[Matrix, bool]]:
        """A direction for each of n walkers, of each kind there is."""
        kinds: list[tuple[Matrix, bool]] = []
        if len(self._slides):
            mixed = rng.normal(size=(n, len(self._slides))) @ self._slides
            if len(self._edges):
                # few coordinates at a time lead out of a corner, corner to corner along a needle
                edges = self._edges[rng.integers(len(self._edges), size=n)]
                mixed = np.where(rng.random((n, 1)) < 0.5, edges, mixed)
            kinds.append((mixed, False))
        if len(self._steps):
            kinds.append((self._steps[rng.integers(len(self._steps), size=n)], True))
        return kinds

    def _gap(self, rows: Matrix) -> Matrix:
        """How far each wall is."""
        return np.asarray(np.maximum(self._limits - rows @ self._walls.T, 0.0))

    def _slide_directions(self) -> tuple[Matrix, Matrix]:
        """Directions of the continua alone that change no equality: a basis, and sparse ones."""
        pull = self._equal[:, self._soft]
        basis = null_space(pull).T if pull.size else np.eye(len(self._soft))
        few = whole_kernel(pull)
        slides, edges = (np.zeros((len(some), len(self.axes))) for some in (basis, few))
        slides[:, self._soft], edges[:, self._soft] = basis, few
        return slides, edges

    def _step_directions(self, grid: NDArray[np.intp]) -> Matrix:
        """Whole steps on the grid, with what the continua give way, that change no equality."""
        pull = self._equal[:, grid]
        give = self._equal[:, self._soft] @ self._give
        steps = whole_kernel(pull - give @ pull)
        directions = np.zeros((len(steps), len(self.axes)))
        directions[:, grid] = steps
        directions[:, self._soft] = -(steps @ pull.T) @ self._give.T
        return directions


def _stretch(gap: Matrix, rate: Matrix, *, whole: bool) -> tuple[Vector, Vector]:
    """Least and largest multiple of a direction that stays inside; 0 is among them."""
    with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
        ratio = gap / rate
    high = np.where(rate > EPS, ratio, np.inf).min(axis=1, initial=np.inf)
    low = np.where(rate < -EPS, ratio, -np.inf).max(axis=1, initial=-np.inf)
    still = ~np.isfinite(low) | ~np.isfinite(high)
    low, high = np.where(still, 0.0, low), np.where(still, 0.0, high)
    if whole:
        low, high = np.ceil(low - EPS), np.floor(high + EPS)
    return low, high
