"""The loop of many papers as a strategy of a study: BoTorch as it comes, on tables.

    .venv/bin/glassloop study --out STUDY --strategy glassloop \
        --strategy benchmarks/botorch_strategy.py:make

One ``SingleTaskGP`` with default priors an objective, media one-hot, values on the catalogue's
scales and standardised, a bound taken for its value, a failed jar missing; qLogNEHVI over a pool,
one row after the other. The first round is a Sobol set. Of glasses the first row chosen sets the
milling time of the run. Cells are described by the recipes of their layers.

References:
    Daulton, Balandat & Bakshy (2021), arXiv:2105.08195; Ament et al. (2023), arXiv:2310.20708.
"""

import warnings
from collections.abc import Callable, Sequence
from typing import Any, Final

import numpy as np
import pandas as pd
import torch
from botorch import fit_gpytorch_mll
from botorch.acquisition.multi_objective.logei import qLogNoisyExpectedHypervolumeImprovement
from botorch.models.gp_regression import SingleTaskGP
from botorch.models.model_list_gp_regression import ModelListGP
from botorch.sampling.normal import SobolQMCNormalSampler
from gpytorch.mlls import ExactMarginalLogLikelihood
from numpy.typing import NDArray

from experiments.cell_batch import CellBatch, CellProblem, random_cells
from experiments.cell_stock import CONTEXT, Powder
from experiments.config import CampaignConfig
from experiments.glass_batch import GlassBatch, GlassProblem
from experiments.knowledge import GLASS_COLUMNS, Knowledge, sound_cells, sound_pellets
from experiments.ledger import Ledger
from experiments.progress import objectives_of
from experiments.proposed import Proposed
from experiments.round_plan import Choice, choice_of
from experiments.strategies import Sobol
from features.errors import SpaceError
from optimizer.objectives import Objective

Array = NDArray[np.float64]

N_POOL: Final = 1024
N_CELL_POOL: Final = 256
DRAWS: Final = 64
LEAST: Final = 3
"""Readings of each objective without which the round is a Sobol set."""


def make(seed: int) -> "BoTorchLoop":
    """For ``--strategy``."""
    return BoTorchLoop(seed)


class BoTorchLoop:
    """``choose_round`` by BoTorch."""

    def __init__(self, seed: int) -> None:
        self._seed = seed

    def __call__(
        self,
        ledger: Ledger,
        config: CampaignConfig,
        knowledge: Knowledge,
        *,
        glasses: int,
        trilayers: int,
        budget_h: float | None = None,
    ) -> Choice:
        """The next round."""
        torch.set_num_threads(1)
        torch.manual_seed(self._seed)
        rng = np.random.default_rng([self._seed, len(ledger.rounds())])
        first = Sobol(self._seed)(
            ledger, config, knowledge, glasses=glasses, trilayers=trilayers, budget_h=budget_h
        )
        rows = self._glasses(ledger, config, glasses, rng)
        batch = first.batch if rows is None else _batch(rows)
        return choice_of(
            ledger,
            config,
            batch,
            lambda powder: self._cells(ledger, config, powder, trilayers, rng),
        )

    def _glasses(
        self, ledger: Ledger, config: CampaignConfig, q: int, rng: np.random.Generator
    ) -> pd.DataFrame | None:
        problem = GlassProblem.of(config)
        pellets = sound_pellets(ledger.pellets())
        objectives = objectives_of(config.glasses.objectives)
        told = _told(ledger, pellets, objectives)
        if min(told.notna().sum()) < LEAST:
            return None
        columns = list(GLASS_COLUMNS)
        pool = problem.space.spread(N_POOL, rng).assign(**problem.held)[columns]
        encode = _encoder(pd.concat([pool, pellets[columns]]), ("milling_media",))
        worth = _acquisition(
            encode(pellets.loc[told.index, columns]), told, objectives, seed=self._seed
        )
        chosen: list[int] = []
        for _ in range(q):
            order = worth(encode(pool), encode(pool.iloc[chosen]) if chosen else None)
            if chosen:
                time_h = pool["milling_time_h"].iloc[chosen[0]]
                if len(chosen) == 1:  # a run has one time: the pool of the others is of that time
                    own = {"milling_time_h": time_h}
                    more = problem.space.spread(N_POOL, rng, own).assign(**problem.held)[columns]
                    pool = pd.concat([pool.iloc[chosen], more], ignore_index=True)
                    chosen = [0]
                    order = worth(encode(pool), encode(pool.iloc[chosen]))
            order[chosen] = -np.inf
            chosen.append(int(order.argmax()))
        return pool.iloc[chosen].reset_index(drop=True)

    def _cells(
        self,
        ledger: Ledger,
        config: CampaignConfig,
        powder: Powder,
        k: int,
        rng: np.random.Generator,
    ) -> CellBatch:
        cells = sound_cells(ledger.cells())
        objectives = objectives_of(config.cells.objectives)
        told = _told(ledger, cells, objectives)
        if min(told.notna().sum()) < LEAST:
            return random_cells(config, powder, k=k, rng=rng)
        names = [
            "core_x", "skin_x", "core_milling_time_h", "skin_milling_time_h", "core_milling_media",
            "skin_milling_media", "skin_mass_mg", "pressing_pressure_mpa",
        ]  # fmt: skip
        rows: list[Proposed] = []
        taken = pd.DataFrame(columns=names)
        while len(rows) < k:
            try:
                problem = CellProblem(config, powder)
                pool = problem.whole(problem.space.spread(N_CELL_POOL, rng)).reset_index(drop=True)
            except SpaceError:
                break
            encode = _encoder(
                pd.concat([pool[names], cells[names]]),
                ("core_milling_media", "skin_milling_media"),
            )
            worth = _acquisition(
                encode(cells.loc[told.index, names]), told, objectives, seed=self._seed
            )
            order = worth(encode(pool[names]), encode(taken) if len(taken) else None)
            row = pool.iloc[int(order.argmax())]
            taken = pd.concat([taken, row[names].to_frame().T]).infer_objects()
            wanted = ("core", "skin", "core_mass_mg", "skin_mass_mg", "pressing_pressure_mpa")
            recipe = {name: row[name] for name in (*wanted, *CONTEXT)}
            rows.append(Proposed(recipe=recipe, role="explore", why="qLogNEHVI"))
            powder = powder.after(recipe)
        return CellBatch(cells=tuple(rows))


def _told(ledger: Ledger, frame: pd.DataFrame, objectives: Sequence[Objective]) -> pd.DataFrame:
    """Values by specimen and objective, signed so that more is better; NaN where not read."""
    readings = ledger.readings()
    readings = readings[readings["trained"] & readings["specimen"].isin(frame.index)]
    value = readings["lower"].fillna(readings["upper"]).astype(float)
    table = (
        readings.assign(value=value)
        .pivot_table(index="specimen", columns="property", values="value", aggfunc="mean")
        .reindex(columns=[o.name for o in objectives])
        .dropna(how="all")
    )
    for o in objectives:
        known = table[o.name].notna()
        table.loc[known, o.name] = o.sign * o.to_scale(table.loc[known, o.name].to_numpy())
    return table


def _encoder(
    every: pd.DataFrame, media: tuple[str, ...]
) -> Callable[[pd.DataFrame], "torch.Tensor"]:
    """Rows to the unit cube, media one-hot."""
    numbers = [name for name in every if name not in media]
    low = every[numbers].astype(float).min()
    width = (every[numbers].astype(float).max() - low).replace(0.0, 1.0)
    levels = {name: sorted(every[name].astype(str).unique()) for name in media}

    def encode(rows: pd.DataFrame) -> "torch.Tensor":
        parts = [((rows[numbers].astype(float) - low) / width).to_numpy()]
        for name, known in levels.items():
            parts.append(np.stack([(rows[name] == level).to_numpy(float) for level in known], 1))
        return torch.tensor(np.concatenate(parts, axis=1), dtype=torch.float64)

    return encode


def _acquisition(
    x: "torch.Tensor", told: pd.DataFrame, objectives: Sequence[Objective], *, seed: int
) -> Callable[["torch.Tensor", Any], Array]:
    """Value of single rows, given rows that are chosen already."""
    models, centres, widths = [], [], []
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for o in objectives:
            y = told[o.name].to_numpy(dtype=float)
            known = np.isfinite(y)
            centre, width = y[known].mean(), y[known].std(ddof=1) or 1.0
            target = torch.tensor((y[known] - centre) / width)[:, None]
            model = SingleTaskGP(x[torch.tensor(known)], target)
            fit_gpytorch_mll(ExactMarginalLogLikelihood(model.likelihood, model))
            models.append(model)
            centres.append(centre)
            widths.append(width)
        reference = [
            (o.sign * float(o.to_scale(o.reference)) - c) / w
            for o, c, w in zip(objectives, centres, widths, strict=True)
        ]
        value = qLogNoisyExpectedHypervolumeImprovement(
            model=ModelListGP(*models),
            ref_point=reference,
            X_baseline=x,
            sampler=SobolQMCNormalSampler(torch.Size([DRAWS]), seed=seed),
            prune_baseline=True,
            cache_root=False,
        )

    def worth(rows: "torch.Tensor", pending: Any) -> Array:
        with warnings.catch_warnings(), torch.no_grad():
            warnings.simplefilter("ignore")
            value.set_X_pending(pending)
            parts = [value(part[:, None, :]) for part in rows.split(128)]
        return np.asarray(torch.cat(parts).numpy(), dtype=float)

    return worth


def _batch(rows: pd.DataFrame) -> GlassBatch:
    records = [{str(k): v for k, v in row.items()} for row in rows.to_dict("records")]
    return GlassBatch(
        glasses=tuple(Proposed(recipe=r, role="explore", why="qLogNEHVI") for r in records),
        run_why="qLogNEHVI",
    )
