r"""Repeats of one sample put together without losing anything: fewer rows, the same posterior.

Readings of one pellet differ only in what they ask, :math:`y_i = a_i u + t_i v + e_i` with u the
value (luck included) and v the slope by the tilt. Whatever their number they say of u and v no
more than two rows do: with :math:`A = (a, t)` divided by the errors and :math:`A = QR` the rows
:math:`Q^\top y` ask R, with independent errors, and what is left of y tells of the errors alone.
"""

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from models.evidence import NARROWEST, Evidence, Points
from models.told import LEAST_ERROR

Array = NDArray[np.float64]
Counts = NDArray[np.intp]

_NOTHING: Final = 1e-9
"""Below this share of a column the rest of it is rounding: both ask the same."""


@dataclass(frozen=True, slots=True)
class Leftover:
    """What readings without a stated error say of that error beyond the rows they became.

    Attributes:
        n: Independent differences between repeats.
        squares: Sum of their squares, on the scale of the readings.
    """

    n: int = 0
    squares: float = 0.0

    def in_units_of(self, sd: float) -> "Leftover":
        """The same on a scale on which ``sd`` is 1."""
        return Leftover(self.n, self.squares / sd**2)


@dataclass(frozen=True, slots=True, eq=False)
class Pooled:
    """Readings with repeats of one sample put together.

    Attributes:
        evidence: m rows; a bound, or a reading that is alone, is as it was.
        counts: Shape (m,), readings behind each row; a second row of a sample counts none.
        leftover: What is known of errors that were not stated.
    """

    evidence: Evidence
    counts: Counts
    leftover: Leftover


def pooled(evidence: Evidence, *, levels: list[str], prior_sd: float) -> Pooled:
    """Exact readings of one sample as at most two rows each, stated errors apart from unstated.

    Args:
        evidence: n readings in canonical order.
        levels: Levels of scatter; where one has no groups, every reading is a sample of its own
            and stays as it is.
        prior_sd: Of the process, on the scale of the readings: the unit of the least error.

    Returns:
        The rows, first those that stayed.
    """
    n = len(evidence)
    exact = np.isfinite(evidence.lower) & np.isfinite(evidence.upper)
    width = np.where(exact, 1.0, np.inf)
    np.subtract(evidence.upper, evidence.lower, out=width, where=exact)
    exact &= width < NARROWEST * prior_sd
    if not all(name in evidence.groups for name in levels):
        return Pooled(evidence, np.ones(n, dtype=np.intp), Leftover())
    sample = _samples(evidence)
    sample[~exact] = -1
    repeated = np.bincount(sample[exact], minlength=1)[sample] > 1
    repeated &= exact
    stay = np.flatnonzero(~repeated)
    order = np.flatnonzero(repeated)
    order = order[np.argsort(sample[order], kind="stable")]
    ends = np.flatnonzero(np.diff(sample[order])) + 1
    parts, first, counts = [], [], []
    n_left, squares = 0, 0.0
    for rows in np.split(order, ends) if len(order) else ():
        found = _together(evidence, rows, prior_sd)
        parts.append(found.rows)
        first += [rows[0]] * len(found.rows)
        counts += [len(rows), *[0] * (len(found.rows) - 1)]
        n_left, squares = n_left + found.n_left, squares + found.squares
    if not parts:
        return Pooled(evidence, np.ones(n, dtype=np.intp), Leftover())
    level, tilt, value, noise = np.concatenate(parts).T
    held, whole = evidence.take(stay), evidence.take(np.array(first, dtype=np.intp))
    points = Points(
        np.vstack([held.points.x, whole.points.x]),
        np.concatenate([held.points.level, level]),
        np.concatenate([held.points.tilt, tilt]),
        _joined(held.points.offset, whole.points.offset),
        np.vstack([held.points.basis, whole.points.basis]),
    )
    together = Evidence(
        points,
        np.concatenate([held.lower, value]),
        np.concatenate([held.upper, value]),
        np.concatenate([held.noise_sd, noise]),
        {name: np.concatenate([held.groups[name], whole.groups[name]]) for name in held.groups},
    )
    tally = np.concatenate([np.ones(len(stay), dtype=np.intp), np.array(counts, dtype=np.intp)])
    return Pooled(together, tally, Leftover(n_left, squares))


@dataclass(frozen=True, slots=True, eq=False)
class _Rows:
    """Rows of one sample: level, tilt, value and error; and what they leave over."""

    rows: Array
    n_left: int
    squares: float


def _together(evidence: Evidence, rows: Counts, prior_sd: float) -> _Rows:
    points = evidence.points
    asked = np.column_stack([points.level[rows], points.tilt[rows]])
    y = 0.5 * (evidence.lower[rows] + evidence.upper[rows])
    stated = not np.isnan(evidence.noise_sd[rows[0]])
    error = np.ones(len(rows))
    if stated:
        error = np.maximum(evidence.noise_sd[rows], LEAST_ERROR * prior_sd)
    basis, found = _orthonormal(asked / error[:, None])
    whitened = y / error
    values = basis.T @ whitened
    left = whitened - basis @ values
    noise = np.full(len(values), np.nan)
    if stated:  # the leading question of each row is asked once, so that its error is an error
        lead = np.where(found[:, 0] > 0, found[:, 0], found[:, 1])
        found, values, noise = found / lead[:, None], values / lead, 1.0 / lead
    return _Rows(
        np.column_stack([found, values, noise]),
        0 if stated else len(rows) - len(values),
        0.0 if stated else float(left @ left),
    )


def _orthonormal(asked: Array) -> tuple[Array, Array]:
    """Q with one column an independent question, and R with positive leading entries."""
    columns: list[Array] = []
    for place in range(asked.shape[1]):
        rest = asked[:, place].copy()
        for column in columns:
            rest -= column * (column @ rest)
        size = float(np.linalg.norm(rest))
        if size > _NOTHING * max(float(np.linalg.norm(asked[:, place])), np.finfo(float).tiny):
            columns.append(rest / size)
    basis = np.column_stack(columns)
    rows = basis.T @ asked
    for number in range(len(rows)):
        rows[number, : _leading(rows[number])] = 0.0
    return basis, rows


def _leading(row: Array) -> int:
    """Place of the first entry that is more than rounding."""
    return int((np.abs(row) > _NOTHING * np.abs(row).max()).argmax())


def _samples(evidence: Evidence) -> Counts:
    """Number of the sample of each reading: recipe, groups, and whether an error is stated."""
    points = evidence.points
    columns = [points.x, points.basis, np.isnan(evidence.noise_sd)[:, None]]
    columns += [own[:, None] for own in evidence.groups.values()]
    if points.offset is not None:
        columns.append(points.offset[:, None])
    _, number = np.unique(np.hstack(columns), axis=0, return_inverse=True)
    return np.asarray(number.reshape(-1), dtype=np.intp)


def _joined(one: Array | None, other: Array | None) -> Array | None:
    return None if one is None or other is None else np.concatenate([one, other])
