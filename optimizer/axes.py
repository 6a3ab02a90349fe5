"""Numeric parameters as coordinates in which linear constraints stay linear."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import final

import numpy as np

from optimizer.constraints import Known, LinearConstraint
from optimizer.parameters import Continuous, Discrete, Matrix, Vector


@final
@dataclass(frozen=True, slots=True)
class Axis:
    """A numeric parameter as a coordinate.

    Attributes:
        name: Column.
        low: Value at coordinate 0.
        unit: Difference of values from one coordinate to the next whole one.
        last: Largest coordinate.
        whole: Whether only whole coordinates exist.
    """

    name: str
    low: float
    unit: float
    last: float
    whole: bool

    @classmethod
    def of(cls, parameter: Continuous | Discrete) -> "Axis":
        """The axis of a parameter; a held number has ``last`` 0."""
        if isinstance(parameter, Discrete):
            return cls(parameter.name, parameter.low, parameter.step, parameter.n_values - 1, True)
        width = parameter.high - parameter.low
        return cls(parameter.name, parameter.low, width or 1.0, 1.0 if width else 0.0, False)

    def place(self, coordinate: Vector) -> Vector:
        """What ``Parameter.at`` takes."""
        return coordinate if self.whole else self.low + coordinate * self.unit

    def coordinate(self, place: float) -> float:
        """The inverse of ``place``."""
        return place if self.whole else (place - self.low) / self.unit


def rows_of(
    axes: Sequence[Axis], constraints: Sequence[LinearConstraint], known: Known
) -> tuple[Matrix, Vector, Vector]:
    """Linear constraints over coordinates, each divided by its scale.

    Args:
        axes: p numeric parameters.
        constraints: m linear constraints.
        known: Columns of the space.

    Returns:
        Shape (m, p), and the smallest and largest sum of each row.
    """
    weights = np.array(
        [[c.coefficients.get(a.name, 0.0) for a in axes] for c in constraints], dtype=float
    ).reshape(len(constraints), len(axes))
    scale = np.array([c.scale(known) for c in constraints])
    offset = weights @ np.array([a.low for a in axes], dtype=float)
    matrix = weights * np.array([a.unit for a in axes]) / scale[:, None]
    bottom = (np.array([c.low for c in constraints]) - offset) / scale
    top = (np.array([c.high for c in constraints]) - offset) / scale
    return matrix, bottom, top
