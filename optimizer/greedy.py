"""The search behind one row of a batch: sieve many candidates, then look around the best."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, Protocol, final

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from optimizer.acquisition import log_noisy_improvement, noisy_improvement
from optimizer.cells import is_front, open_cells
from optimizer.objectives import Objective, excesses, utilities
from optimizer.rows import is_among, is_repeated, row_keys, stacked
from optimizer.rules import BatchRules, too_few

Vector = NDArray[np.float64]
Draw = Callable[[pd.DataFrame, int, np.random.Generator], NDArray[np.float64]]

N_SHORT: Final = 8
"""Candidates that reach the smoothed score; the rest are sieved by the plain one, which ranks
alike wherever it is above 0."""

MAX_BOXES: Final = 10_000
MIN_DRAWS: Final = 64
"""Boxes over all draws: fronts of four or more objectives have so many boxes that fewer draws
must do, at least ``MIN_DRAWS``."""

N_SURVIVORS: Final = 128
"""Spread candidates kept after the first row. A row's improvement can only shrink as others
join the batch, so that the lower ranks need not be looked at again."""

N_LOW: Final = 32
"""With fewer candidates left, more are drawn."""

N_REFINE: Final = 2
"""Times the neighbours of the best are searched before a row is chosen."""

N_OPTIONS: Final = 4
"""Values of the shared columns compared by the batches they allow."""


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


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class GreedySearch:
    """What stays the same while a batch is chosen."""

    draw: Draw
    candidates: CandidateSource
    objectives: Sequence[Objective]
    reference: Vector | None
    known: pd.DataFrame
    rules: BatchRules
    rng: np.random.Generator
    n_draws: int
    n_spread: int
    n_near: int

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
        self, pool: pd.DataFrame, batch: pd.DataFrame, fixed: Mapping[str, object], take: int
    ) -> tuple[pd.DataFrame, pd.DataFrame]:
        """The ``take`` best rows to add with their scores, and the pool's survivors."""
        promising = self._promising(batch)
        everything = self._admissible([pool, self._near(promising, fixed)], batch)
        ranking, scores = self._ranked(everything, batch, max(take, N_SHORT))
        survivors = everything.iloc[ranking[: max(N_SURVIVORS, 4 * take)]]
        best = everything.iloc[ranking[: len(scores)]].assign(acquisition=scores)
        keep = max(take, N_SHORT)
        for _ in range(N_REFINE):
            local = self._admissible(
                [best.head(keep)[self.columns], self._near(best.head(3), fixed)], batch
            )
            ranking, scores = self._ranked(local, batch, max(take, N_SHORT))
            best = local.iloc[ranking[: len(scores)]].assign(acquisition=scores)
        return best.head(take), survivors[self.columns]

    def best_shared(self, pool: pd.DataFrame, batch: pd.DataFrame, q: int) -> dict[str, object]:
        """Values of the shared columns that allow the most valuable batch.

        The best single rows name a few values; for each a batch is built greedily from a coarse
        pool, all on the same joint draws, and the values of the best batch win.
        """
        shared = list(self.rules.shared)
        pool = self._admissible([pool, self._near(self._promising(batch), {})], batch)
        if pool.empty:
            raise too_few(q, 0)
        ranking, _ = self._ranked(pool, batch, N_SHORT)
        ranked = pool.iloc[ranking]
        first = ranked[~is_repeated(ranked, shared)]
        options = first[shared].head(N_OPTIONS).to_dict("records")
        if q == 1 or len(options) == 1:
            return {str(name): value for name, value in options[0].items()}
        pools = [self._coarse(ranked, option, batch) for option in options]
        context = stacked([self.known, batch], self.columns)
        values, excess = self._drawn(stacked([context, *pools], self.columns), self.n_draws // 2)
        worth, offset = [], len(context)
        for rows in pools:
            index = np.arange(offset, offset + len(rows))
            worth.append(self._greedy_worth(rows, index, batch, q, values, excess))
            offset += len(rows)
        winner = options[int(np.argmax(worth))]
        return {str(name): value for name, value in winner.items()}

    def _coarse(
        self, ranked: pd.DataFrame, option: Mapping[Any, object], batch: pd.DataFrame
    ) -> pd.DataFrame:
        fixed = {str(name): value for name, value in option.items()}
        wanted = row_keys(pd.DataFrame([fixed]), list(fixed))
        matching = ranked[is_among(ranked, list(fixed), wanted)]
        spread = self.candidates.spread(self.n_spread // N_OPTIONS, self.rng, fixed)
        return self._admissible([matching.head(N_LOW), spread], batch)

    def _greedy_worth(
        self,
        rows: pd.DataFrame,
        index: NDArray[np.intp],
        batch: pd.DataFrame,
        q: int,
        values: Vector,
        excess: Vector,
    ) -> float:
        """Hypervolume a greedy batch of these rows adds: increments sum to the joint value."""
        base, worth = list(range(len(self.known) + len(batch))), 0.0
        for _ in range(q):
            admitted = np.flatnonzero(self.rules.admits(rows, batch))
            if not len(admitted):
                break
            gain = noisy_improvement(values, base, index[admitted], self.reference, excess)
            best = int(np.argmax(gain))
            worth += float(gain[best])
            base.append(int(index[admitted[best]]))
            batch = stacked([batch, rows.iloc[[admitted[best]]]], self.columns)
        return worth

    def _ranked(
        self, pool: pd.DataFrame, batch: pd.DataFrame, n_short: int
    ) -> tuple[NDArray[np.intp], Vector]:
        """Positions in the pool, best first, and log scores of the first ``n_short``."""
        context = stacked([self.known, batch], self.columns)
        values, excess = self._drawn(stacked([context, pool], self.columns), self.n_draws)
        base, rows = np.arange(len(context)), np.arange(len(context), len(context) + len(pool))
        n_boxes = open_cells(values[:16, base], self._floor(values))[0].shape[1]
        n_draws = max(MIN_DRAWS, MAX_BOXES // n_boxes)
        values, excess = values[:n_draws], excess[:n_draws]
        plain = noisy_improvement(values, base, rows, self.reference, excess)
        order = np.lexsort((-self._promise(values[:, rows]), -plain))
        short = order[:n_short]
        scores = log_noisy_improvement(values, base, rows[short], self.reference, excess)
        best_first = np.argsort(-scores, kind="stable")
        return np.concatenate([short[best_first], order[n_short:]]), scores[best_first]

    def _promise(self, values: Vector) -> Vector:
        """Mean margin over the reference in the worst objective: orders rows that add nothing."""
        width = values.std(axis=(0, 1))
        margin = (values - self._floor(values)) / np.where(width > 0, width, 1.0)
        return np.asarray(margin.min(axis=-1).mean(axis=0))

    def _promising(self, batch: pd.DataFrame) -> pd.DataFrame:
        """Rows known or chosen that are most often on the front, at most four."""
        context = stacked([self.known, batch], self.columns)
        if context.empty:
            return context
        values, _ = self._drawn(context, 64)
        often = is_front(values, self._floor(values)).mean(axis=0)
        order = np.argsort(-often, kind="stable")[:4]
        often_first: pd.DataFrame = context.iloc[order[often[order] > 0]]
        return often_first

    def _floor(self, values: Vector) -> Vector:
        """The reference, or for a lone objective without one the lowest draw."""
        return np.asarray(values.min(axis=(0, 1)) if self.reference is None else self.reference)

    def _near(self, rows: pd.DataFrame, fixed: Mapping[str, object]) -> pd.DataFrame:
        n = self.n_near // max(1, len(rows))
        near = [self.candidates.near(row, n, self.rng, fixed) for _, row in rows.iterrows()]
        return stacked(near, self.columns)

    def _admissible(self, frames: Sequence[pd.DataFrame], batch: pd.DataFrame) -> pd.DataFrame:
        pool = stacked(frames, self.columns)
        pool = pool[self.rules.admits(pool, batch)]
        return pool.reset_index(drop=True)

    def _drawn(self, frame: pd.DataFrame, n: int) -> tuple[Vector, Vector]:
        physical = self.draw(frame, n, self.rng)
        return utilities(self.objectives, physical), excesses(self.objectives, physical)
