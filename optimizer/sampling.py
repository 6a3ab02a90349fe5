"""How rows of a search space are drawn: as places, one number a cell, sifted by the constraints."""

from collections.abc import Callable, Mapping, Sequence
from math import prod
from typing import Any, Final, final

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from features.errors import SpaceError
from optimizer.axes import Axis
from optimizer.categorical import Categorical
from optimizer.constraints import Constraint, Known, LinearConstraint
from optimizer.infeasible import none_found
from optimizer.parameters import Continuous, Discrete, Matrix, Parameter, Values
from optimizer.polytope import Polytope
from optimizer.regions import When, inside
from optimizer.rows import repeats, significant

MAX_TRIES: Final = 2**16
"""Points of the Sobol sequence tried before a constraint counts as impossible to meet."""

MIN_TRIES: Final = 2**13
"""Points tried before rows are drawn from the linear constraints themselves."""

MAX_LISTED: Final = 20_000
"""Grids up to this size are listed in full where sampling does not find enough rows."""

MAX_ROUNDS: Final = 8
"""Times the walkers set out for more rows."""

N_SPARE: Final = 16
"""Rows drawn beyond those wanted, as some repeat."""

N_ENOUGH: Final = 2**12
"""Walkers none of whom found a new row: there are few left, if any."""

MAX_KEPT: Final = 64
"""Polytopes remembered, one a set of fixed values and levels."""

Held = Mapping[int, float]


@final
class Sampler:
    """Draws rows that meet every constraint.

    Attributes:
        parameters: Columns, in order.
        constraints: What rows must meet.
        known: Columns as constraints see them.
    """

    __slots__ = ("_axes", "_gates", "_linear", "_polytopes", "constraints", "known", "parameters")

    def __init__(
        self, parameters: Sequence[Parameter], constraints: Sequence[Constraint], known: Known
    ) -> None:
        self.parameters = tuple(parameters)
        self.constraints = tuple(constraints)
        self.known = known
        self._axes = {
            j: Axis.of(p) for j, p in enumerate(parameters) if isinstance(p, Continuous | Discrete)
        }
        self._linear = [c for c in constraints if isinstance(c, LinearConstraint)]
        # constraints of some levels only: levels are chosen before numbers are
        self._gates = [
            (c.condition, c.then)
            for c in constraints
            if isinstance(c, When)
            and isinstance(c.then, LinearConstraint)
            and set(c.condition) <= set(known.levels)
        ]
        self._polytopes: dict[object, Polytope] = {}

    @property
    def linear(self) -> list[LinearConstraint]:
        """Linear constraints, also those of some levels only."""
        return [*self._linear, *(then for _, then in self._gates)]

    def table(self, places: Matrix) -> dict[str, Values]:
        """Places as values, by column."""
        return {p.name: p.at(places[:, j]) for j, p in enumerate(self.parameters)}

    def spread(
        self, n: int, rng: np.random.Generator, fixed: Mapping[str, object] | None
    ) -> Matrix:
        """Up to n distinct rows from all over.

        Args:
            n: Rows wanted.
            rng: Scrambles the Sobol sequence.
            fixed: Values that every row must have.

        Returns:
            Shape (k, d), places.

        Raises:
            SpaceError: If there is no row, or a fixed value is not one of the space.
        """
        from torch import float64  # takes more than a second: only for who draws rows
        from torch.quasirandom import SobolEngine

        seed, held, d = int(rng.integers(2**31)), self._held(fixed), len(self.parameters)
        engine = SobolEngine(d, scramble=True, seed=seed)  # type: ignore[no-untyped-call]
        kept, tried, wanted, size = np.empty((0, d)), 0, n, self._size(held or {})
        while held is not None and len(kept) < n and tried < self._tries(n):
            unit = engine.draw(2 * wanted, dtype=float64).numpy()
            kept = self._sifted([kept, self._placed(unit, held)])
            tried, wanted = tried + 2 * wanted, 2 * wanted
            if size is not None and tried > 4 * size:
                break
        if held is not None and len(kept) < n:
            if size is not None and size <= MAX_LISTED:
                kept = self._sifted([kept, self._listed(rng, held)])
            elif self.linear:
                kept = self._walked(kept, n, rng, held)
        if not len(kept) and n:
            if held is None:
                raise _not_offered(fixed)
            raise none_found(self.constraints, self._verdicts(rng, held), fixed, tried)
        return kept[:n]

    def near(
        self,
        row: Mapping[Any, object] | pd.Series,
        n: int,
        rng: np.random.Generator,
        fixed: Mapping[str, object] | None,
    ) -> Matrix:
        """Up to n distinct neighbours of a row, itself not among them.

        Args:
            row: Any valid row.
            n: Rows wanted.
            rng: Chooses parameters and steps.
            fixed: Values that every row must have.

        Returns:
            Shape (k, d), places.
        """
        itself = np.array([p.place_of(row[p.name]) for p in self.parameters])
        held, centre = self._held(fixed), itself.copy()
        if held is None:
            return np.empty((0, len(centre)))
        centre[list(held)] = list(held.values())
        kept = itself[None]
        if not any(c.is_equality for c in self.linear):
            moved = self._box_moves(centre, 3 * n, rng, held)
            kept = self._sifted([kept, centre[None], moved], first=1)
        if self.linear and len(kept) < n + 1:
            moved = self._guided_moves(centre, 3 * n, rng, held)
            kept = self._sifted([kept, moved], first=1)
        return kept[1 : n + 1]

    def _held(self, fixed: Mapping[str, object] | None) -> Held | None:
        """Places of fixed values, or ``None`` if one may not be proposed."""
        held, names = {}, [p.name for p in self.parameters]
        for name, value in (fixed or {}).items():
            if name not in names:
                raise SpaceError(
                    f"search space: fixed values must be of its parameters, got {name}; "
                    f"it has {', '.join(names)}"
                )
            j = names.index(name)
            parameter = self.parameters[j]
            if not parameter.allows(pd.Series([value]))[0]:
                return None
            held[j] = parameter.place_of(value)
        return held

    def _size(self, held: Held) -> int | None:
        counts = [1 if j in held else p.n_values for j, p in enumerate(self.parameters)]
        return None if None in counts else prod(count for count in counts if count is not None)

    def _tries(self, n: int) -> int:
        if any(c.is_equality for c in self.linear):
            return 0
        return min(MAX_TRIES, max(MIN_TRIES, 16 * n)) if self.linear else MAX_TRIES

    def _placed(self, unit: Matrix, held: Held) -> Matrix:
        places = np.column_stack([p.place_at(unit[:, j]) for j, p in enumerate(self.parameters)])
        for j, place in held.items():
            places[:, j] = place
        return places

    def _listed(self, rng: np.random.Generator, held: Held) -> Matrix:
        counts = [1 if j in held else p.n_values or 1 for j, p in enumerate(self.parameters)]
        index = np.stack(np.unravel_index(rng.permutation(prod(counts)), counts), axis=1)
        return self._placed((index + 0.5) / np.array(counts), held)

    def _sifted(self, parts: Sequence[Matrix], *, first: int = 0) -> Matrix:
        """Distinct rows that meet everything; the ``first`` ones stay whatever they meet."""
        places = np.concatenate(parts)
        words = [
            significant(places[:, j]) if isinstance(p, Continuous) else places[:, j]
            for j, p in enumerate(self.parameters)
        ]
        places = places[~repeats(words)]
        met = np.ones(len(places), dtype=bool)
        met[first:] = self._met(places[first:])
        return places[met]

    def _met(self, places: Matrix) -> NDArray[np.bool_]:
        left = np.arange(len(places))
        for constraint in self.constraints:
            if len(left):
                left = left[constraint.met(self.table(places[left]), self.known)]
        met = np.zeros(len(places), dtype=bool)
        met[left] = True
        return met

    def _verdicts(self, rng: np.random.Generator, held: Held) -> NDArray[np.bool_]:
        """Which constraints are met by which rows, from all over and from the linear ones."""
        places = self._placed(rng.random((MIN_TRIES, len(self.parameters))), held)
        if self.linear:
            some = places[: MIN_TRIES // 8].copy()
            drawn = self._renumbered(some, held, lambda p, size: p.drawn(size, rng))
            places = np.concatenate([places, drawn])
        table = self.table(places)
        verdicts = [constraint.met(table, self.known) for constraint in self.constraints]
        return np.reshape(verdicts, (len(verdicts), len(places)))

    def _walked(self, kept: Matrix, n: int, rng: np.random.Generator, held: Held) -> Matrix:
        """More rows, drawn from the linear constraints."""
        count, no_rules = n - len(kept) + N_SPARE, len(self.constraints) == len(self._linear)
        for _ in range(MAX_ROUNDS):
            before = len(kept)
            places = self._placed(rng.random((count, len(self.parameters))), held)
            drawn = self._renumbered(places, held, lambda p, size: p.drawn(size, rng))
            kept = self._sifted([kept, drawn])
            if len(kept) >= n or (len(kept) == before and (count >= N_ENOUGH or no_rules)):
                break
            count = min(2 * count, max(4 * n, N_ENOUGH))
        return kept

    def _box_moves(
        self, centre: NDArray[np.float64], count: int, rng: np.random.Generator, held: Held
    ) -> Matrix:
        """One or several parameters moved, by steps small and large."""
        free = [j for j, p in enumerate(self.parameters) if j not in held and p.n_values != 1]
        places, d = np.repeat(centre[None], count, axis=0), len(free)
        if not free:
            return places
        share = rng.choice([1.0 / d, 0.5, 1.0], size=(count, 1))
        moved = rng.random((count, d)) < share
        moved[np.arange(count), rng.integers(d, size=count)] = True
        reach = rng.normal(size=(count, d)) * 10.0 ** rng.uniform(-2.3, -0.5, size=(count, 1))
        for k, j in enumerate(free):
            there = self.parameters[j].moved(centre[j], reach[:, k], rng)
            places[:, j] = np.where(moved[:, k], there, centre[j])
        return places

    def _guided_moves(
        self, centre: NDArray[np.float64], count: int, rng: np.random.Generator, held: Held
    ) -> Matrix:
        """Levels moved now and then, numbers along what the linear constraints leave."""
        places = np.repeat(centre[None], count, axis=0)
        for j, parameter in enumerate(self.parameters):
            if j not in self._axes and j not in held:
                there = parameter.moved(centre[j], np.zeros(count), rng)
                places[:, j] = np.where(rng.random(count) < 0.2, there, centre[j])
        at = np.array([axis.coordinate(centre[j]) for j, axis in self._axes.items()])
        # another level with the same numbers is a neighbour too
        level_only = places[(places != centre).any(axis=1)][: count // 12].copy()
        moved = self._renumbered(places, held, lambda p, size: p.around(at, size, rng))
        return np.concatenate([level_only, moved])

    def _grouped(self, places: Matrix, held: Held) -> list[tuple[NDArray[np.intp], Polytope]]:
        """Rows under the same linear constraints, and the polytope these leave."""
        if not self._gates:
            return [(np.arange(len(places)), self._polytope((), held))]
        table = self.table(places)
        open_gates = np.stack([inside(region, table, self.known) for region, _ in self._gates], 1)
        patterns, group = np.unique(open_gates, axis=0, return_inverse=True)
        return [
            (np.flatnonzero(group.ravel() == g), self._polytope(tuple(pattern.tolist()), held))
            for g, pattern in enumerate(patterns)
        ]

    def _polytope(self, pattern: tuple[bool, ...], held: Held) -> Polytope:
        numbers = {j: place for j, place in held.items() if j in self._axes}
        key = (pattern, tuple(sorted(numbers.items())))
        if key not in self._polytopes:
            if len(self._polytopes) >= MAX_KEPT:
                self._polytopes.clear()
            gated = [
                then for (_, then), is_open in zip(self._gates, pattern, strict=True) if is_open
            ]
            at = {self._axes[j].name: self._axes[j].coordinate(p) for j, p in numbers.items()}
            axes = list(self._axes.values())
            self._polytopes[key] = Polytope(axes, [*self._linear, *gated], self.known, at)
        return self._polytopes[key]

    def _renumbered(
        self, places: Matrix, held: Held, source: Callable[[Polytope, int], Matrix]
    ) -> Matrix:
        """Places with their numbers from polytopes; without the rows whose polytope is empty."""
        some = np.zeros(len(places), dtype=bool)
        for rows, polytope in self._grouped(places, held):
            coordinates = source(polytope, len(rows))
            some[rows] = len(coordinates) > 0
            for k, (j, axis) in enumerate(self._axes.items()):
                if len(coordinates):
                    places[rows, j] = axis.place(coordinates[:, k])
        return places[some]


def known_of(parameters: Sequence[Parameter]) -> Known:
    """Columns of a space as its constraints see them.

    Args:
        parameters: Any.

    Returns:
        Numeric columns with their largest magnitude, others with their levels.
    """
    numbers, levels = {}, {}
    for parameter in parameters:
        if isinstance(parameter, Continuous | Discrete):
            numbers[parameter.name] = max(abs(parameter.low), abs(parameter.high))
        elif isinstance(parameter, Categorical):
            levels[parameter.name] = tuple(parameter.levels)
    return Known(numbers, levels)


def _not_offered(fixed: Mapping[str, object] | None) -> SpaceError:
    values = ", ".join(f"{name} = {value}" for name, value in (fixed or {}).items())
    return SpaceError(
        f"search space: fixed values must be within bounds and on the grid, got {values}; "
        "choose others or widen the space"
    )
