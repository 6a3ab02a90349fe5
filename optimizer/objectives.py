"""Objectives: what is good, on which scale, and how good counts at all."""

from collections.abc import Sequence
from dataclasses import dataclass
from math import isfinite
from typing import Final, Literal, final

import numpy as np
from numpy.typing import ArrayLike, NDArray

from features.errors import SpaceError

Direction = Literal["maximize", "minimize"]
Scale = Literal["linear", "log10"]
Vector = NDArray[np.float64]

DIRECTIONS: Final = ("maximize", "minimize")
SCALES: Final = ("linear", "log10")


@final
@dataclass(frozen=True, slots=True)
class Objective:
    """One property to be made large or small.

    Utility is what the optimizer sees: the value on ``scale``, signed so that larger is better,
    divided by ``|reference - best|`` (on the scale) where ``best`` is given.

    Attributes:
        name: Column of readings.
        direction: What is better.
        reference: Worst value that still counts, physical units; hypervolume starts there.
        scale: Scale of the surrogate.
        prior: Centre and standard deviation expected with no data, on the scale (``log10``:
            decades).
        at_least: A proposal should not fall below it, physical units.
        at_most: A proposal should not exceed it, physical units.
        best: Plausible best value, physical units; normalises utilities and hypervolume.

    Raises:
        SpaceError: If the parts contradict each other.

    Examples:
        >>> sigma = Objective("sigma", "maximize", reference=1e-6, scale="log10", best=1e-3)
        >>> sigma.utility([1e-6, 1e-3]).tolist()
        [-2.0, -1.0]
    """

    name: str
    direction: Direction
    reference: float | None = None
    scale: Scale = "linear"
    prior: tuple[float, float] | None = None
    at_least: float | None = None
    at_most: float | None = None
    best: float | None = None

    def __post_init__(self) -> None:
        """Refuse an objective that contradicts itself."""
        self._require_words()
        for field in ("reference", "at_least", "at_most", "best"):
            self._require_on_scale(field, getattr(self, field))
        if self.prior is not None and not (
            len(self.prior) == 2 and all(map(isfinite, self.prior)) and self.prior[1] > 0
        ):
            raise SpaceError(
                f"objective {self.name!r}: prior must be (centre, sd) with sd > 0, "
                f"got {self.prior}; give both on the {self.scale} scale"
            )
        if None not in (self.at_least, self.at_most) and self.at_least > self.at_most:  # type: ignore[operator]
            raise SpaceError(
                f"objective {self.name!r}: at_least must not exceed at_most, got "
                f"{self.at_least:g} and {self.at_most:g}; swap them"
            )
        self._require_best()

    @property
    def sign(self) -> int:
        """1 to maximise, -1 to minimise."""
        return 1 if self.direction == "maximize" else -1

    @property
    def width(self) -> float:
        """Change on the scale that makes one unit of utility."""
        if self.best is None or self.reference is None:
            return 1.0
        return float(abs(self.to_scale(self.reference) - self.to_scale(self.best)))

    def to_scale(self, values: ArrayLike) -> Vector:
        """Physical values on the surrogate's scale.

        Args:
            values: Any shape; 0 becomes minus infinity on ``log10``.

        Returns:
            Same shape.
        """
        array = np.asarray(values, dtype=float)
        if self.scale == "linear":
            return array
        with np.errstate(divide="ignore"):
            return np.asarray(np.log10(array))

    def from_scale(self, values: ArrayLike) -> Vector:
        """Values on the surrogate's scale in physical units.

        Args:
            values: Any shape.

        Returns:
            Same shape.
        """
        array = np.asarray(values, dtype=float)
        return array if self.scale == "linear" else np.asarray(10.0**array)

    def utility(self, values: ArrayLike) -> Vector:
        """How good physical values are; larger is better.

        Args:
            values: Any shape, physical units.

        Returns:
            Same shape, dimensionless with ``best``, else in units of the scale.
        """
        return np.asarray(self.sign * self.to_scale(values) / self.width)

    def _require_words(self) -> None:
        if not isinstance(self.name, str) or not self.name:
            raise SpaceError(
                f"objective: name must be a non-empty text, got {self.name!r}; "
                "name the column of its readings"
            )
        if self.direction not in DIRECTIONS:
            raise SpaceError(
                f"objective {self.name!r}: direction must be 'maximize' or 'minimize', "
                f"got {self.direction!r}; say what is better"
            )
        if self.scale not in SCALES:
            raise SpaceError(
                f"objective {self.name!r}: scale must be 'linear' or 'log10', "
                f"got {self.scale!r}; use log10 for values over several decades"
            )

    def _require_on_scale(self, field: str, value: float | None) -> None:
        if value is None:
            return
        if not isfinite(value) or (self.scale == "log10" and value <= 0):
            raise SpaceError(
                f"objective {self.name!r}: {field} must be finite"
                f"{' and positive on a log10 scale' if self.scale == 'log10' else ''}, "
                f"got {value!r}; give it in physical units"
            )

    def _require_best(self) -> None:
        if self.best is None:
            return
        if self.reference is None:
            raise SpaceError(
                f"objective {self.name!r}: best needs a reference, got best {self.best:g} alone; "
                "give the worst value that still counts as reference"
            )
        if self.sign * (self.to_scale(self.best) - self.to_scale(self.reference)) <= 0:
            raise SpaceError(
                f"objective {self.name!r}: best must be better than reference, got best "
                f"{self.best:g} and reference {self.reference:g} to {self.direction}; swap them"
            )


def reference_utilities(objectives: Sequence[Objective]) -> Vector | None:
    """Utilities of the reference point.

    Args:
        objectives: m objectives.

    Returns:
        Shape (m,), or ``None`` for a single objective without a reference.

    Raises:
        SpaceError: If there is no objective, a name repeats, or one of several has no reference.

    Examples:
        >>> reference_utilities([Objective("cost", "minimize", reference=10.0)]).tolist()
        [-10.0]
    """
    names = [objective.name for objective in objectives]
    if not names or len(set(names)) < len(names):
        raise SpaceError(
            f"objectives: need at least one and each name once, got {', '.join(names) or 'none'}; "
            "name every column of readings once"
        )
    lacking = [objective.name for objective in objectives if objective.reference is None]
    if lacking and len(names) > 1:
        raise SpaceError(
            "objectives: each of several needs a reference, got none for "
            f"{', '.join(lacking)}; give the worst value that still counts"
        )
    if lacking:
        return None
    return np.array([float(objective.utility(objective.reference)) for objective in objectives])  # type: ignore[arg-type]


def utilities(objectives: Sequence[Objective], physical: ArrayLike) -> Vector:
    """Utilities of physical values, objective by objective.

    Args:
        objectives: m objectives.
        physical: Shape (..., m).

    Returns:
        Shape (..., m).
    """
    array = np.asarray(physical, dtype=float)
    return np.stack([o.utility(array[..., j]) for j, o in enumerate(objectives)], axis=-1)
