"""What a replay is to find, and how soon an order of experiments finds it."""

from collections.abc import Sequence
from dataclasses import dataclass
from math import ceil, inf
from typing import Final, Protocol

import numpy as np
from numpy.typing import NDArray
from scipy.stats import hypergeom

from experiments.backtest_table import History
from features.errors import SpaceError
from optimizer import hypervolume
from optimizer.objectives import reference_utilities

Vector = NDArray[np.float64]

TOP_SHARE: Final = 0.05
"""Share of the recipes that count as the best ones, with one objective."""

VOLUME_SHARE: Final = 0.95
"""Share of the hypervolume of all recipes that is enough, with several."""

N_ORDERS: Final = 200
"""Random orders drawn where their distribution has no closed form."""


class Goal(Protocol):
    """Something to find."""

    @property
    def label(self) -> str:
        """In words, as the end of a sentence: ``to <label>``."""
        ...

    def found_after(self, order: Sequence[int]) -> float:
        """Recipes made up to and including the one that meets it; infinite if none does."""
        ...

    def by_chance(self, start: Sequence[int], size: int, rng: np.random.Generator) -> Vector:
        """Probability that a random order after a start has met it after 0, 1, ... size recipes."""
        ...


@dataclass(frozen=True, slots=True)
class Hits:
    """So many of certain recipes.

    Attributes:
        label: In words.
        hits: The recipes that count, as positions.
        needed: How many of them.
    """

    label: str
    hits: frozenset[int]
    needed: int

    def found_after(self, order: Sequence[int]) -> float:
        """Recipes made up to and including the last one needed; infinite if too few come.

        Examples:
            >>> Hits("a pair", frozenset({1, 2, 3}), 2).found_after([0, 3, 4, 1, 2])
            4.0
        """
        places = [place for place, recipe in enumerate(order, start=1) if recipe in self.hits]
        return float(places[self.needed - 1]) if len(places) >= self.needed else inf

    def by_chance(self, start: Sequence[int], size: int, rng: np.random.Generator) -> Vector:
        """Exact: what comes after the start is drawn without replacement.

        Args:
            start: Recipes made first, in order.
            size: Recipes in all.
            rng: Not needed here.

        Returns:
            Shape (size + 1,).

        References:
            Negative hypergeometric distribution: Johnson, Kemp & Kotz, Univariate Discrete
            Distributions, 3rd ed. (2005), chapter 6.

        Examples:
            >>> goal = Hits("the best", frozenset({3}), 1)
            >>> goal.by_chance([0], 5, np.random.default_rng(0)).round(2).tolist()
            [0.0, 0.0, 0.25, 0.5, 0.75, 1.0]
        """
        early = self.found_after(start)
        if early <= len(start):
            return (np.arange(size + 1) >= early).astype(float)
        left = len(self.hits - set(start))
        lacking = self.needed - (len(self.hits) - left)
        drawn = np.arange(size + 1 - len(start))
        chance = hypergeom.sf(lacking - 1, size - len(start), left, drawn)
        return np.concatenate([np.zeros(len(start)), chance])


@dataclass(frozen=True, slots=True, eq=False)
class Volume:
    """A share of the hypervolume of all recipes.

    Attributes:
        label: In words.
        values: Shape (n, m), utilities; rows with NaN never count.
        reference: Shape (m,), utilities.
        share: Of the hypervolume of all.
        whole: That hypervolume, above 0.
    """

    label: str
    values: Vector
    reference: Vector
    share: float
    whole: float

    def found_after(self, order: Sequence[int]) -> float:
        """Recipes made until the share is reached; infinite if it is not."""
        reached = self.shares(order) >= self.share - 1e-12
        return float(np.argmax(reached) + 1) if reached.any() else inf

    def by_chance(self, start: Sequence[int], size: int, rng: np.random.Generator) -> Vector:
        """From ``N_ORDERS`` random orders of what comes after the start.

        Args:
            start: Recipes made first, in order.
            size: Recipes in all.
            rng: Draws the orders.

        Returns:
            Shape (size + 1,).
        """
        found = [self.found_after(order) for order in random_orders(start, size, N_ORDERS, rng)]
        return np.asarray(
            np.searchsorted(np.sort(found), np.arange(size + 1), side="right") / N_ORDERS
        )

    def shares(self, order: Sequence[int]) -> Vector:
        """Share of the hypervolume of all after each recipe, shape (len(order),)."""
        front = np.empty((0, len(self.reference)))
        volume, shares = 0.0, []
        for recipe in order:
            value = self.values[recipe]
            if (value > self.reference).all() and not (front >= value).all(axis=1).any():
                front = np.vstack([front[~(value >= front).all(axis=1)], value])
                volume = hypervolume(front, self.reference)
            shares.append(volume / self.whole)
        return np.array(shares)


def random_orders(
    start: Sequence[int], size: int, n: int, rng: np.random.Generator
) -> list[list[int]]:
    """Orders of all recipes: the start, then all others at random.

    Args:
        start: Recipes made first, in order.
        size: Recipes in all.
        n: Orders.
        rng: Draws them.

    Returns:
        n orders.
    """
    others = np.setdiff1d(np.arange(size), list(start))
    return [[*start, *rng.permutation(others).tolist()] for _ in range(n)]


def goals_of(history: History) -> tuple[Goal, ...]:
    """What is to be found in a history.

    Args:
        history: Of one objective or several.

    Returns:
        With one objective the best recipe, one of the best 5 % and half of them; with several
        95 % of the hypervolume of all recipes.

    Raises:
        SpaceError: If with several objectives no recipe is better than the reference in all.
    """
    if len(history.objectives) > 1:
        return (_volume(history),)
    values = history.values[:, 0]
    known = int(np.isfinite(values).sum())
    n_top = max(1, ceil(TOP_SHARE * known))
    edge = np.sort(values[np.isfinite(values)])[-n_top]
    best = frozenset(np.flatnonzero(values == np.nanmax(values)).tolist())
    top = frozenset(np.flatnonzero(values >= edge).tolist())
    goals = [Hits("the best recipe", best, 1)]
    if len(top) > len(best):
        goals.append(Hits(f"one of the best {len(top)} (top 5 %)", top, 1))
        half = ceil(len(top) / 2)
        if half > 1:
            goals.append(Hits(f"{half} of the best {len(top)}", top, half))
    return tuple(goals)


def best_so_far(history: History, order: Sequence[int]) -> Vector:
    """How good what was made is, after each recipe.

    Args:
        history: Of one objective or several.
        order: Positions of recipes.

    Returns:
        Shape (len(order),): the best value so far in the unit of its column, NaN before the first;
        with several objectives the share of the hypervolume of all recipes.
    """
    if len(history.objectives) > 1:
        return _volume(history).shares(order)
    objective = history.objectives[0]
    values = history.values[list(order), 0]
    best = np.maximum.accumulate(np.where(np.isnan(values), -np.inf, values))
    best = np.where(np.isfinite(best), best, np.nan)
    return objective.from_scale(best * objective.sign * objective.width)


def _volume(history: History) -> Volume:
    reference = reference_utilities(history.objectives)
    if reference is None or not (history.values > reference).all(axis=1).any():
        worst = ", ".join(f"{o.name} {o.reference:g}" for o in history.objectives)
        raise SpaceError(
            f"{history.file}: at least one recipe must be better than the reference in every "
            f"objective, got none of {history.size} (reference {worst}); give references that are "
            "worse"
        )
    names = " and ".join(objective.name for objective in history.objectives)
    return Volume(
        f"{VOLUME_SHARE:.0%} of the hypervolume of {names}".replace("%", " %"),
        history.values,
        reference,
        VOLUME_SHARE,
        hypervolume(history.values[np.isfinite(history.values).all(axis=1)], reference),
    )
