"""Steps on a grid that leave sums as they are."""

from fractions import Fraction
from itertools import combinations
from math import gcd, lcm
from typing import Final

import numpy as np
from numpy.typing import NDArray

from optimizer.parameters import Matrix, Vector

Whole = NDArray[np.int64]

EPS: Final = 1e-9

MAX_STEP: Final = 10**6
"""Longest step looked at; numbers without a common measure have none."""


def whole_kernel(matrix: Matrix) -> Matrix:
    """Short whole-number vectors that a matrix takes to zero.

    A basis, and the sums and differences of its pairs.

    Args:
        matrix: Shape (m, g), ratios of its entries rational.

    Returns:
        Shape (k, g); each entry whole.

    Examples:
        >>> whole_kernel(np.array([[1.0, 2.0]])).tolist()
        [[-2.0, 1.0]]
    """
    basis = _kernel_basis(matrix)
    some = list(basis)
    if len(matrix):
        for a, b in combinations(basis, 2):
            some += [a - b, a + b]
    short = {tuple((v // max(1, gcd(*v.tolist()))).tolist()) for v in some if np.any(v)}
    steps = np.array(sorted(short), dtype=float).reshape(len(short), matrix.shape[1])
    exact = np.abs(steps @ matrix.T).max(axis=1, initial=0.0) <= EPS * np.abs(steps).max(
        axis=1, initial=1.0
    )
    return np.asarray(steps[exact])


def _kernel_basis(matrix: Matrix) -> list[Whole]:
    """By elimination over fractions; each vector multiplied until it is whole."""
    width = matrix.shape[1]
    rows = [_fractions(row) for row in matrix if np.abs(row).max(initial=0.0) > EPS]
    pivots: list[int] = []
    for column in range(width):
        done = len(pivots)
        lead = next((i for i in range(done, len(rows)) if rows[i][column]), None)
        if lead is None:
            continue
        rows[done], rows[lead] = rows[lead], rows[done]
        rows[done] = [value / rows[done][column] for value in rows[done]]
        for i, row in enumerate(rows):
            if i != done and row[column]:
                rows[i] = [v - row[column] * w for v, w in zip(row, rows[done], strict=True)]
        pivots.append(column)
    basis = []
    for column in (c for c in range(width) if c not in pivots):
        vector = [Fraction(int(c == column)) for c in range(width)]
        for row, pivot in zip(rows, pivots, strict=False):
            vector[pivot] = -row[column]
        whole = lcm(*(value.denominator for value in vector))
        if whole < MAX_STEP:
            basis.append(np.array([int(value * whole) for value in vector], dtype=np.int64))
    return basis


def _fractions(row: Vector) -> list[Fraction]:
    largest = row[np.argmax(np.abs(row))]
    return [Fraction(float(value / largest)).limit_denominator(10**4) for value in row]
