"""What a Gaussian process is asked and told: points, and readings as intervals at points."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, Final, Self

import numpy as np
from numpy.typing import ArrayLike, NDArray

from features.errors import TableError

Array = NDArray[np.float64]
Labels = NDArray[np.intp]

NARROWEST: Final = 1e-6
"""An interval narrower than this share of the prior's spread is an exact reading."""


@dataclass(frozen=True, slots=True, eq=False)
class Points:
    r"""Linear questions put to the process: ``level`` · f(x) + ``tilt`` · g(x).

    f is the value of the property at the reference temperature, g its slope by the tilt. A
    conductivity at another temperature has level 1 and some tilt; an activation energy is the
    slope itself, level 0 and tilt 1.

    Attributes:
        x: Shape (n, d), in the unit cube.
        level: Shape (n,).
        tilt: Shape (n,).
        offset: Shape (n,), prior mean of f at each row, or ``None`` for the process's centre.
        basis: Shape (n, k), uncertain parts of the prior mean of f, one standard deviation each.
    """

    x: Array
    level: Array
    tilt: Array
    offset: Array | None
    basis: Array

    @classmethod
    def of(
        cls,
        x: "ArrayLike | Points",
        *,
        level: ArrayLike | None = None,
        tilt: ArrayLike | None = None,
        offset: ArrayLike | None = None,
        basis: ArrayLike | None = None,
    ) -> "Points":
        """Points, with what is not given at its default; points as they are.

        Args:
            x: Shape (n, d), in the unit cube, d at least 1.
            level: Shape (n,), default 1.
            tilt: Shape (n,), default 0.
            offset: Shape (n,), default the centre of the process.
            basis: Shape (n, k), default k = 0.

        Returns:
            The points.

        Raises:
            TableError: If shapes disagree or a number is not finite.
        """
        if isinstance(x, Points):
            return x
        rows = np.array(x, dtype=float)
        if rows.ndim != 2 or not rows.shape[1]:
            raise TableError(
                f"GaussianProcess: x must have shape (n, d), got {rows.shape}; give one row a "
                "recipe and one column a feature"
            )
        n = len(rows)
        points = cls(
            x=rows,
            level=np.ones(n) if level is None else np.array(level, dtype=float),
            tilt=np.zeros(n) if tilt is None else np.array(tilt, dtype=float),
            offset=None if offset is None else np.array(offset, dtype=float),
            basis=np.zeros((n, 0)) if basis is None else np.array(basis, dtype=float),
        )
        for name in ("x", "level", "tilt", "offset", "basis"):
            part = getattr(points, name)
            if part is None:
                continue
            if len(part) != n:
                raise TableError(
                    f"GaussianProcess: {name} must have {n} rows as x has, got {len(part)}; "
                    "give one a recipe"
                )
            bad = ~np.isfinite(part).all(axis=tuple(range(1, part.ndim)))
            if bad.any():
                row = int(bad.argmax())
                raise TableError(
                    f"GaussianProcess: {name} must be finite, got {part[row]} in row {row}; "
                    "leave out what is not known"
                )
        return points

    def __len__(self) -> int:
        """Number of rows."""
        return len(self.x)

    def take(self, rows: NDArray[Any]) -> "Points":
        """Some of the rows.

        Args:
            rows: Positions, or a mask of shape (n,).

        Returns:
            The points at those rows.
        """
        return Points(
            self.x[rows],
            self.level[rows],
            self.tilt[rows],
            None if self.offset is None else self.offset[rows],
            self.basis[rows],
        )

    def to_dict(self) -> dict[str, Any]:
        """Plain JSON types."""
        return {
            "n_dimensions": self.x.shape[1],
            "n_basis": self.basis.shape[1],
            "x": self.x.tolist(),
            "level": self.level.tolist(),
            "tilt": self.tilt.tolist(),
            "offset": None if self.offset is None else self.offset.tolist(),
            "basis": self.basis.tolist(),
        }

    @classmethod
    def from_dict(cls, plain: Mapping[str, Any]) -> Self:
        """The points that ``to_dict`` wrote."""
        n = len(plain["level"])
        return cls(
            np.array(plain["x"], dtype=float).reshape(n, plain["n_dimensions"]),
            np.array(plain["level"], dtype=float),
            np.array(plain["tilt"], dtype=float),
            None if plain["offset"] is None else np.array(plain["offset"], dtype=float),
            np.array(plain["basis"], dtype=float).reshape(n, plain["n_basis"]),
        )


@dataclass(frozen=True, slots=True, eq=False)
class Evidence:
    """Readings at points: each lies between two bounds, with an error, in groups that share luck.

    Attributes:
        points: n rows.
        lower: Shape (n,), lower bound on the scale; minus infinity if open.
        upper: Shape (n,), upper bound; equal to ``lower`` for an exact reading.
        noise_sd: Shape (n,), stated standard error; NaN where none was stated.
        groups: By level of scatter, such as jar and pellet: shape (n,), number of the group;
            -1 where a reading belongs to none.
    """

    points: Points
    lower: Array
    upper: Array
    noise_sd: Array
    groups: Mapping[str, Labels]

    @classmethod
    def of(
        cls,
        points: Points,
        *,
        lower: ArrayLike,
        upper: ArrayLike,
        noise_sd: ArrayLike,
        groups: Mapping[str, ArrayLike],
    ) -> "Evidence":
        """Checked readings.

        Args:
            points: n rows.
            lower: Shape (n,).
            upper: Shape (n,).
            noise_sd: Shape (n,); NaN if not stated.
            groups: Labels by level, shape (n,) each; an empty text belongs to no group.

        Returns:
            The evidence, its groups numbered by first appearance.

        Raises:
            TableError: If shapes disagree, bounds are crossed or NaN, or an error is negative.
        """
        low, high = np.array(lower, dtype=float), np.array(upper, dtype=float)
        noise = np.array(noise_sd, dtype=float)
        labels = {name: np.asarray(own) for name, own in groups.items()}
        _check(points, low, high, noise, labels)
        numbered = {name: _numbered(own) for name, own in labels.items()}
        return cls(points, low, high, noise, numbered)

    def canonical(self) -> "Evidence":
        """The same readings sorted by all their numbers: the order of a table changes nothing.

        Returns:
            The evidence, its groups numbered by first appearance in the new order.
        """
        points = self.points
        if not len(points):
            return self
        columns = [self.noise_sd, self.upper, self.lower, points.tilt, points.level]
        sorted_ = self.take(np.lexsort([*columns, *points.basis.T, *points.x.T[::-1]]))
        groups = {name: _numbered(own) for name, own in sorted_.groups.items()}
        return replace(sorted_, groups=groups)

    @classmethod
    def exact(cls, x: "ArrayLike | Points", y: ArrayLike, noise_sd: ArrayLike) -> "Evidence":
        """Exact readings, each a sample of its own.

        Args:
            x: Shape (n, d), or points.
            y: Shape (n,).
            noise_sd: Shape (n,).

        Returns:
            The evidence.

        Raises:
            TableError: If shapes disagree or a number is not finite.
        """
        points = Points.of(x)
        return cls.of(points, lower=y, upper=y, noise_sd=noise_sd, groups={})

    def __len__(self) -> int:
        """Number of readings."""
        return len(self.lower)

    def take(self, rows: NDArray[Any]) -> "Evidence":
        """Some of the readings.

        Args:
            rows: Positions, or a mask of shape (n,).

        Returns:
            The evidence of those rows; groups keep their numbers.
        """
        return Evidence(
            self.points.take(rows),
            self.lower[rows],
            self.upper[rows],
            self.noise_sd[rows],
            {name: own[rows] for name, own in self.groups.items()},
        )

    def moved(self, points: Points) -> "Evidence":
        """The same readings at other points, row by row.

        Args:
            points: n rows.

        Returns:
            The evidence there, in this order.
        """
        return replace(self, points=points)

    def to_dict(self) -> dict[str, Any]:
        """Plain JSON types; open bounds and errors not stated are null."""
        return {
            "points": self.points.to_dict(),
            **{
                name: [float(v) if np.isfinite(v) else None for v in getattr(self, name)]
                for name in ("lower", "upper", "noise_sd")
            },
            "groups": {name: own.tolist() for name, own in self.groups.items()},
        }

    @classmethod
    def from_dict(cls, plain: Mapping[str, Any]) -> Self:
        """The evidence that ``to_dict`` wrote."""
        bounds = {
            name: np.array([open_value if v is None else v for v in plain[name]], dtype=float)
            for name, open_value in (("lower", -np.inf), ("upper", np.inf), ("noise_sd", np.nan))
        }
        groups = {name: np.array(own, dtype=np.intp) for name, own in plain["groups"].items()}
        return cls(Points.from_dict(plain["points"]), **bounds, groups=groups)


def _numbered(labels: NDArray[Any]) -> Labels:
    """Groups as numbers, in order of first appearance; an empty text or -1 stays -1."""
    names, first, inverse = np.unique(labels, return_index=True, return_inverse=True)
    counted = names != ("" if names.dtype.kind in "UO" else -1)
    rank = np.full(len(first), -1, dtype=np.intp)
    rank[np.flatnonzero(counted)[np.argsort(first[counted])]] = np.arange(counted.sum())
    numbered: Labels = rank[inverse.reshape(-1)]
    return numbered


def _check(
    points: Points, low: Array, high: Array, noise: Array, groups: Mapping[str, NDArray[Any]]
) -> None:
    n = len(points)
    for name, part in {"y": low, "upper": high, "noise_sd": noise, **groups}.items():
        if part.shape != (n,):
            raise TableError(
                f"GaussianProcess: {name} must have shape ({n},) as x has {n} rows, got "
                f"{part.shape}; give one reading a row"
            )
    rules = (
        (
            np.isnan(low) | np.isnan(high) | (low == np.inf) | (high == -np.inf),
            "a reading must be finite, or open on one side",
        ),
        (~np.isfinite(low) & ~np.isfinite(high), "a reading must have a bound"),
        (low > high, "lower must not be above upper"),
        ((noise < 0) | np.isinf(noise), "noise_sd must be finite and not negative"),
    )
    for bad, rule in rules:
        if bad.any():
            row = int(bad.argmax())
            raise TableError(
                f"GaussianProcess: {rule}, got lower = {low[row]}, upper = {high[row]}, "
                f"noise_sd = {noise[row]} in row {row}; leave out what was not measured"
            )
