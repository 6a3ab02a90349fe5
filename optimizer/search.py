"""The search behind one row of a batch: sieve many candidates, look around the best, climb."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final, Protocol, final

import numpy as np
import pandas as pd
from joblib import Parallel, delayed
from numpy.typing import NDArray

from optimizer.ascent import ascended
from optimizer.cells import is_front
from optimizer.rows import is_among, row_keys, stacked
from optimizer.rules import BatchRules
from optimizer.scene import GaussianScene, Look, Scene

Array = NDArray[np.float64]

N_SURVIVORS: Final = 64
"""Candidates kept after the first row. A row's improvement can only shrink as others join the
batch, so that the lower ranks need not be looked at again."""

N_LOW: Final = 32
"""With fewer candidates left, more are drawn."""

N_REFINE: Final = 2
"""Times the neighbours of the best are searched before a row is chosen."""

N_BEST: Final = 4
"""Rows whose neighbours are searched, and that climb."""

BLOCK: Final = 4096
"""Rows looked at together."""


class CandidateSource(Protocol):
    """Where candidates come from; ``SearchSpace`` and ``CandidatePool`` are two.

    Both methods return distinct feasible rows with the same columns, and with the values of
    ``fixed`` in every row; fewer than n where there are no more.
    """

    def spread(
        self, n: int, rng: np.random.Generator, fixed: Mapping[str, object] | None = None
    ) -> pd.DataFrame:
        """Up to n rows from all over."""
        ...

    def near(
        self,
        row: Mapping[Any, object] | pd.Series,
        n: int,
        rng: np.random.Generator,
        fixed: Mapping[str, object] | None = None,
    ) -> pd.DataFrame:
        """Up to n neighbours of a row."""
        ...


class Slope(Protocol):
    """Where numbers may take any value, so that a gradient can be followed."""

    @property
    def continuous(self) -> Mapping[str, int]:
        """Numbers free to move, with their column in the unit cube."""
        ...

    def encode(self, frame: pd.DataFrame) -> Array:
        """Rows in the unit cube."""
        ...

    def moved(self, rows: pd.DataFrame, unit: Array) -> pd.DataFrame:
        """Rows with their free numbers at other places of the unit cube."""
        ...

    def allows(self, frame: pd.DataFrame) -> NDArray[np.bool_]:
        """Which rows may be proposed."""
        ...


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class Search:
    """What stays the same while a batch is chosen.

    Attributes:
        candidates: Where rows come from.
        rules: What a batch may hold.
        rng: Source of randomness.
        n_spread: Candidates from all over.
        n_near: Neighbours at each look.
        slope: For a climb; ``None`` without numbers that may take any value.
    """

    candidates: CandidateSource
    rules: BatchRules
    rng: np.random.Generator
    n_spread: int
    n_near: int
    slope: Slope | None = None

    @property
    def columns(self) -> list[str]:
        """Columns of the recipe."""
        return list(self.rules.columns)

    def replenished(
        self, pool: pd.DataFrame, batch: pd.DataFrame, fixed: Mapping[str, object], take: int
    ) -> pd.DataFrame:
        """What is admissible of the pool, filled up from the source when it runs low."""
        for n in (0, self.n_spread, 16 * self.n_spread):
            if n:
                pool = stacked([pool, self.candidates.spread(n, self.rng, fixed)], self.columns)
            pool = pool[self.rules.admits(pool, batch)]
            if len(pool) >= max(2 * take, N_LOW) or (n and len(pool)):
                break
        return pool

    def best_rows(
        self,
        scene: Scene,
        pool: pd.DataFrame,
        batch: pd.DataFrame,
        fixed: Mapping[str, object],
        take: int,
    ) -> tuple[pd.DataFrame, pd.DataFrame]:
        """The rows worth most to a scene.

        Args:
            scene: What stands, the batch included.
            pool: Admissible candidates.
            batch: Rows in the batch.
            fixed: Values every row must have.
            take: How many.

        Returns:
            Up to ``take`` rows, best first, with ``acquisition`` (log expected improvement) and
            ``score`` (the same per unit of cost); and what of the pool is worth another look.
        """
        around = self._around(self._leaders(scene), batch, fixed)
        everything = stacked([pool, around[~self._known(around, pool)]], self.columns)
        ranked = self._ranked(scene, everything, batch)
        survivors = ranked[self.columns].head(max(N_SURVIVORS, 4 * take))
        for _ in range(N_REFINE):
            best = ranked.head(N_BEST)
            around = self._around(best, batch, fixed)
            around = around[~self._known(around, ranked)]
            if around.empty:
                break
            keep = ranked.head(max(take, N_SURVIVORS))
            ranked = _in_order(pd.concat([keep, self._ranked(scene, around, batch)]))
        ranked = self._apart(self._climbed(scene, ranked, batch), batch)
        return ranked.head(take).reset_index(drop=True), survivors

    def _ranked(self, scene: Scene, rows: pd.DataFrame, batch: pd.DataFrame) -> pd.DataFrame:
        """The rows best first, with what they are worth."""
        look = look_at(scene, rows)
        score = look.log_gain - np.log(self.rules.marginal_cost(rows, batch))
        return _in_order(rows.assign(acquisition=look.log_gain, score=score, promise=look.promise))

    def _climbed(self, scene: Scene, ranked: pd.DataFrame, batch: pd.DataFrame) -> pd.DataFrame:
        """The same with what is uphill of the best."""
        slope = self.slope
        free = {} if slope is None else dict(slope.continuous)
        if slope is None or not free or not isinstance(scene, GaussianScene) or not scene.can_climb:
            return ranked
        best = ranked[np.isfinite(ranked["acquisition"])].head(N_BEST)
        if best.empty:
            return ranked
        start = slope.encode(best)
        end = ascended(scene.log_gain_and_slopes, start, np.array([*free.values()]))
        found = []
        for share in (1.0, 0.5, 0.25):  # a limit of the space may cut the way short
            rows = slope.moved(best[self.columns], start + share * (end - start))
            allowed = slope.allows(rows)
            found.append(rows[allowed])
            if allowed.all():
                break
        rows = stacked(found, self.columns)
        rows = rows[self.rules.admits(rows, batch)]
        rows = rows[~self._known(rows, ranked)].reset_index(drop=True)
        if rows.empty:
            return ranked
        return _in_order(pd.concat([self._ranked(scene, rows, batch), ranked]))

    def _apart(self, ranked: pd.DataFrame, batch: pd.DataFrame) -> pd.DataFrame:
        """Where nothing is gained, of the most promising rows those far from the batch first."""
        slope = self.slope
        if slope is None or batch.empty or np.isfinite(ranked["acquisition"].iloc[0]):
            return ranked
        best, rest = ranked.iloc[:N_SURVIVORS], ranked.iloc[N_SURVIVORS:]
        gap = slope.encode(best)[:, None, :] - slope.encode(batch)[None, :, :]
        distance = np.sqrt((gap**2).sum(axis=-1)).min(axis=1)
        return pd.concat([best.iloc[np.argsort(-distance, kind="stable")], rest])

    def _leaders(self, scene: Scene) -> pd.DataFrame:
        """Rows that stand and are most often on the front, at most four."""
        values = scene.values
        if not values.shape[1]:
            return scene.context
        often = is_front(values, np.full(values.shape[2], -np.inf)).mean(axis=0)
        order = np.argsort(-often, kind="stable")[:N_BEST]
        leaders: pd.DataFrame = scene.context.iloc[order[often[order] > 0]]
        return leaders

    def _around(
        self, rows: pd.DataFrame, batch: pd.DataFrame, fixed: Mapping[str, object]
    ) -> pd.DataFrame:
        """Admissible neighbours of some rows."""
        n = self.n_near // max(1, len(rows))
        centres: list[dict[Any, Any]] = rows[self.columns].to_dict("records")
        near = [self.candidates.near(row, n, self.rng, fixed) for row in centres]
        found = stacked(near, self.columns)
        return found[self.rules.admits(found, batch)].reset_index(drop=True)

    def _known(self, rows: pd.DataFrame, others: pd.DataFrame) -> NDArray[np.bool_]:
        return is_among(rows, self.columns, set(row_keys(others, self.columns)))


def look_at(scene: Scene, rows: pd.DataFrame) -> Look:
    """What rows would add, block by block.

    Blocks go to joblib's active workers, if ``joblib.parallel_config`` names some; the result is
    the same.

    Args:
        scene: What stands.
        rows: N rows, N may be large.

    Returns:
        As ``scene.look``.
    """
    blocks = [rows.iloc[first : first + BLOCK] for first in range(0, len(rows), BLOCK)]
    if not blocks:
        return Look(np.empty(0), np.empty(0))
    if len(blocks) > 1 and isinstance(scene, GaussianScene):  # looks without drawing
        parts = Parallel()(delayed(scene.look)(block) for block in blocks)
    else:
        parts = [scene.look(block) for block in blocks]
    return Look(*(np.concatenate(part) for part in zip(*parts, strict=True)))


def _in_order(rows: pd.DataFrame) -> pd.DataFrame:
    """Best first; rows that add nothing by their promise."""
    order = np.lexsort((-rows["promise"].to_numpy(), -rows["score"].to_numpy()))
    ordered: pd.DataFrame = rows.iloc[order].reset_index(drop=True)
    return ordered
