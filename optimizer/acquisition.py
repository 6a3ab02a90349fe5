"""Log noisy expected (hypervolume) improvement, read off joint posterior draws.

The surrogates give joint draws at the rows of interest; BoTorch's acquisition functions are
then evaluated on exactly these draws, through a model that looks its answers up in a table.
So any surrogate that can draw will do, censored readings and derived objectives included.

Everything is maximised; values are utilities (``Objective.utility``). Rows in the making simply
join the baseline: a noisy improvement is the mean, over joint draws, of what a candidate adds to
the rows before it in the same draw, and there an unmeasured row stands as well as a measured one.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from operator import itemgetter
from typing import Any, Final

import numpy as np
import torch
from botorch.acquisition.logei import qLogNoisyExpectedImprovement
from botorch.acquisition.multi_objective import logei
from botorch.acquisition.multi_objective.objective import IdentityMCMultiOutputObjective
from botorch.acquisition.objective import GenericMCObjective
from numpy.typing import ArrayLike, NDArray
from torch import Tensor

from features.errors import TableError
from optimizer._table_model import BoxesPerDraw, TableModel, TableSampler
from optimizer.cells import is_front, open_cells

Vector = NDArray[np.float64]
Draws = NDArray[np.float64]
Index = NDArray[np.intp]

CHUNK: Final = 250_000
"""Numbers held at once; small enough for the processor's cache, where it is twice as fast."""

ETA: Final = 1e-3
TAU_MAX: Final = 1e-3
"""Smoothing of limits and minima, as in BoTorch's noisy acquisition."""


def noisy_improvement(
    draws: ArrayLike,
    baseline: ArrayLike,
    candidates: ArrayLike,
    reference: ArrayLike | None,
    excess: ArrayLike | None = None,
) -> Vector:
    """Mean over draws of the hypervolume each candidate adds to the baseline, not smoothed.

    Cheap, and exact for these draws, but 0 for whatever improves in no draw: for a first sieve.

    Args:
        draws: Shape (S, N, m), utilities, joint over the N rows.
        baseline: Rows that are made or in the making.
        candidates: Rows to be scored.
        reference: Shape (m,); ``None`` (m = 1) is the lowest draw.
        excess: Shape (S, N, k); a row counts in a draw only where all k are at most 0.

    Returns:
        One value a candidate, in products of utility units.

    Raises:
        TableError: If draws are not finite or shapes disagree.

    Examples:
        >>> draws = np.array([[[1.0], [3.0], [0.5]]])
        >>> noisy_improvement(draws, [0], [1, 2], [0.0]).tolist()
        [2.0, 0.0]
    """
    table = _Table.of(draws, baseline, candidates, reference, excess)
    lower, upper = open_cells(table.standing, table.reference)
    values = np.where(table.counts[..., None], table.draws, -np.inf)[:, table.candidates]
    n_draws, count, m = values.shape
    total = np.zeros(count)
    for part in np.array_split(np.arange(count), max(1, lower.size * count // (16 * CHUNK))):
        volume = np.ones((n_draws, len(part), lower.shape[1]))
        for j in range(m):
            reach = np.minimum(values[..., j][:, part, None], upper[:, None, :, j])
            volume *= np.maximum(reach - lower[:, None, :, j], 0.0)
        total[part] = volume.sum(axis=(0, 2)) / n_draws
    return np.asarray(total * np.prod(table.width))


def log_noisy_improvement(
    draws: ArrayLike,
    baseline: ArrayLike,
    candidates: ArrayLike,
    reference: ArrayLike | None,
    excess: ArrayLike | None = None,
) -> Vector:
    """Log of the noisy expected improvement of each candidate, smoothed so that none is -inf.

    For m > 1 this is BoTorch's qLogNEHVI on the given draws (its noisy variant is the plain one
    with the boxes of each draw's own front), for m = 1 its qLogNEI.

    Args:
        draws: Shape (S, N, m), utilities, joint over the N rows.
        baseline: Rows that are made or in the making; may be empty.
        candidates: Rows to be scored, one by one.
        reference: Shape (m,); ``None`` (m = 1) is the lowest draw.
        excess: Shape (S, N, k) for k limits: at most 0 where a row keeps the limit.

    Returns:
        One value a candidate: natural log of products of utility units.

    Raises:
        TableError: If draws are not finite or shapes disagree.

    References:
        Daulton, Balandat & Bakshy 2021, arXiv:2105.08195; Ament et al. 2023, arXiv:2310.20708.

    Examples:
        >>> draws = np.random.default_rng(0).normal([[0.0], [1.0], [-1.0]], 0.1, (64, 3, 1))
        >>> scores = log_noisy_improvement(draws, [0], [1, 2], [0.0])
        >>> bool(scores[0] > scores[1])
        True
    """
    table = _Table.of(draws, baseline, candidates, reference, excess)
    acquisition, n_boxes = _single(table) if table.n_objectives == 1 else _multi(table)
    index = torch.as_tensor(table.candidates, dtype=torch.float64)[:, None, None]
    size = max(1, CHUNK // (len(table.draws) * n_boxes * table.n_objectives))
    with torch.no_grad():
        scores = [acquisition(part) for part in torch.split(index, size)]
    log_unit = float(np.log(table.width).sum())
    return np.asarray(torch.cat(scores).numpy() + log_unit if scores else np.empty(0))


@dataclass(frozen=True, slots=True)
class _Table:
    """Draws in units of their own spread, so that smoothing means the same everywhere."""

    draws: Draws
    excess: Draws
    baseline: Index
    candidates: Index
    reference: Vector
    width: Vector

    @classmethod
    def of(
        cls,
        draws: ArrayLike,
        baseline: ArrayLike,
        candidates: ArrayLike,
        reference: ArrayLike | None,
        excess: ArrayLike | None,
    ) -> "_Table":
        array = np.asarray(draws, dtype=float)
        if array.ndim != 3 or not np.isfinite(array).all():
            raise TableError(
                "acquisition: draws must be finite and of shape (S, N, m), got "
                f"{'NaN or infinity in' if array.ndim == 3 else 'an array of'} shape "
                f"{array.shape}; leave out objectives without a surrogate"
            )
        corner = array.min(axis=(0, 1)) if reference is None else np.asarray(reference, float)
        over = np.empty((*array.shape[:2], 0)) if excess is None else np.asarray(excess, float)
        if corner.shape != array.shape[2:] or over.shape[:2] != array.shape[:2]:
            raise TableError(
                "acquisition: needs one reference an objective and one excess a draw and row, got "
                f"draws {array.shape}, reference {corner.shape}, excess {over.shape}; match them"
            )
        width, limits = array.std(axis=(0, 1)), over.std(axis=(0, 1))
        width, limits = np.where(width > 0, width, 1.0), np.where(limits > 0, limits, 1.0)
        return cls(
            draws=array / width,
            excess=over / limits,
            baseline=np.asarray(baseline, dtype=np.intp),
            candidates=np.asarray(candidates, dtype=np.intp),
            reference=corner / width,
            width=width,
        )

    @property
    def n_objectives(self) -> int:
        return int(self.draws.shape[2])

    @property
    def counts(self) -> NDArray[np.bool_]:
        """Shape (S, N): all limits kept."""
        return np.asarray((self.excess <= 0).all(axis=-1))

    @property
    def standing(self) -> Draws:
        """The baseline's draws, without rows that never make the front."""
        values = np.where(self.counts[..., None], self.draws, -np.inf)[:, self.baseline]
        return np.asarray(values[:, is_front(values, self.reference).any(axis=0)])

    @property
    def outputs(self) -> Draws:
        """Shape (S, N + 1, m + k): what the table model knows; the last row is the reference."""
        known = np.concatenate([self.draws, self.excess], axis=-1)
        kept = np.full(self.excess.shape[2], -1.0)
        last = np.broadcast_to(np.concatenate([self.reference, kept]), known[:, :1].shape)
        return np.concatenate([known, last], axis=1)

    @property
    def constraints(self) -> list[Any] | None:
        """For BoTorch: negative where the limit is kept."""
        m, k = self.n_objectives, self.excess.shape[2]
        return [itemgetter((..., m + i)) for i in range(k)] or None


def _multi(table: _Table) -> tuple[Any, int]:
    """BoTorch's multi-objective acquisition and its number of boxes."""
    boxes = BoxesPerDraw(*open_cells(table.standing, table.reference))
    m = table.n_objectives
    with _no_compiling():
        acquisition = logei.qLogExpectedHypervolumeImprovement(
            model=TableModel(table.outputs),
            ref_point=table.reference.tolist(),
            partitioning=boxes,  # type: ignore[arg-type]
            sampler=TableSampler(torch.Size([len(table.draws)]), seed=0),
            objective=IdentityMCMultiOutputObjective(outcomes=list(range(m)), num_outcomes=m)
            if table.constraints
            else None,
            constraints=table.constraints,
            eta=ETA,
            tau_max=TAU_MAX,
        )
    return acquisition, boxes.lower.shape[1]


def _single(table: _Table) -> tuple[Any, int]:
    """BoTorch's single-objective acquisition; the reference is one more baseline row."""
    rows = np.append(table.baseline, table.draws.shape[1])
    acquisition = qLogNoisyExpectedImprovement(
        model=TableModel(table.outputs),
        X_baseline=torch.as_tensor(rows, dtype=torch.float64)[:, None],
        sampler=TableSampler(torch.Size([len(table.draws)]), seed=0),
        objective=GenericMCObjective(_first),
        constraints=table.constraints,
        eta=ETA,
        prune_baseline=False,
        cache_root=False,
    )
    return acquisition, len(rows)


def _first(outputs: Tensor, X: Tensor | None = None) -> Tensor:
    """The one objective; what follows are limits."""
    return outputs[..., 0]


@contextmanager
def _no_compiling() -> Iterator[None]:
    """Keep BoTorch from compiling a C++ kernel at its first use.

    That takes half a minute and a compiler, writes to the home folder, warns where it fails, and
    gives sums that differ in the last digits between machines; the Python path does not.
    """
    before = getattr(logei, "_load_attempted", False)
    logei._load_attempted = True  # noqa: SLF001
    try:
        yield
    finally:
        logei._load_attempted = before  # noqa: SLF001
