"""Who proposes glasses in the virtual worlds: the campaign's own code, and BoTorch as it comes.

Both are bound by the mill run: its four jars share one milling time. Neither proposes a recipe
that was tried before.
"""

from collections.abc import Mapping
from typing import Any, ClassVar, Final, Protocol

import numpy as np
import pandas as pd
import torch
from botorch import fit_gpytorch_mll
from botorch.acquisition.multi_objective.logei import (
    qLogNoisyExpectedHypervolumeImprovement,
)
from botorch.models.gp_regression import SingleTaskGP
from botorch.models.model_list_gp_regression import ModelListGP
from botorch.optim.optimize import optimize_acqf_mixed
from botorch.sampling.normal import SobolQMCNormalSampler
from gpytorch.mlls import SumMarginalLogLikelihood
from numpy.typing import NDArray

from benchmarks.optimizer.glass_world import JARS, MEDIA, GlassWorld
from experiments.feasibility_data import jar_outcomes, pellet_outcomes
from experiments.glass_batch import propose_glasses
from experiments.knowledge import (
    GLASS_COLUMNS,
    PELLET_PROPERTIES,
    Knowledge,
    feature_ranges,
    sound_pellets,
)
from models.batch_success import Feasibility
from models.feasibility import CELL_RANGES, FeasibilitySurrogate
from models.property_gp import PropertyGP
from models.trilayer import TrilayerSurrogate
from optimizer.parameters import Discrete
from optimizer.rows import row_keys

Array = NDArray[np.float64]

RESTARTS: Final = 4
RAW_SAMPLES: Final = 64
DRAWS: Final = 64
OPTIONS: Final[dict[str, bool | float | int | str]] = {"batch_limit": 4, "maxiter": 100}
N_INSTEAD: Final = 256
"""Random recipes among which a proposal that was tried before is replaced."""


class GlassStrategy(Protocol):
    """Proposes the glasses of a mill run."""

    def ask(self, pellets: pd.DataFrame, readings: pd.DataFrame) -> pd.DataFrame:
        """Four whole recipes, given everything made and read so far."""
        ...


class Domain:
    """``propose_glasses`` of the campaign on its own surrogates, at default settings."""

    def __init__(self, world: GlassWorld) -> None:
        self._config, self._rng = world.config, np.random.default_rng(world.lab.seed)

    def ask(self, pellets: pd.DataFrame, readings: pd.DataFrame) -> pd.DataFrame:
        """The campaign's mill run."""
        batch = propose_glasses(
            self._knowledge(pellets, readings),
            self._config,
            q=JARS,
            wants_skin=False,
            rng=self._rng,
        )
        return pd.DataFrame([glass.recipe for glass in batch.glasses])[list(GLASS_COLUMNS)]

    def _knowledge(self, made: pd.DataFrame, readings: pd.DataFrame) -> Knowledge:
        """What ``fit_knowledge`` gives of a ledger with these specimens, the objectives fitted."""
        config = self._config
        bad_jar, bad_pellet = (made["level"] == level for level in ("jar", "pellet"))
        pellets = made.drop(columns=["failure", "level"]).assign(
            origin="made",
            jar_status=np.where(bad_jar, "failed", "made"),
            status=np.where(bad_jar, "not_made", np.where(bad_pellet, "failed", "made")),
            reason=made["failure"].where(bad_pellet, ""),
        )
        jars = pellets.set_index("jar").assign(
            status=pellets["jar_status"].to_numpy(),
            reason=made["failure"].where(bad_jar, "").to_numpy(),
        )
        ranges = feature_ranges(config)
        layers = {
            name: PropertyGP(name, ranges, config.temperature_c, config.settings_of(name)).fit(
                sound_pellets(pellets), readings
            )
            if name in config.glasses.objectives
            else PropertyGP(name, ranges, config.temperature_c)
            for name in PELLET_PROPERTIES
        }
        no_cells = pd.DataFrame(columns=[*CELL_RANGES])
        return Knowledge(
            pellets=pellets,
            cells=no_cells,
            fitted=readings,
            waiting=readings.iloc[:0],
            layers=layers,
            trilayer=TrilayerSurrogate(layers),
            feasibility=Feasibility(
                jar=FeasibilitySurrogate("jar", ranges).fit(*jar_outcomes(jars, pellets)),
                pellet=FeasibilitySurrogate("pellet", ranges).fit(*pellet_outcomes(pellets)),
                cell=FeasibilitySurrogate("cell").fit(no_cells, pd.Series(dtype=object)),
            ),
        )


class OneHotBoTorch:
    """The loop of many papers: one-hot media, values as measured, standardised; qLogNEHVI.

    One ``SingleTaskGP`` with default priors an objective, noise learned; a failed jar is missing,
    and a bound is taken for the value. Rows are chosen one after the other; the first sets the
    milling time of the run. Grids are rounded to; of a recipe that was tried before, the best of
    random untried ones takes the place.

    References:
        Daulton, Balandat & Bakshy (2021), arXiv:2105.08195; Ament et al. (2023), arXiv:2310.20708.
    """

    logs: ClassVar[bool] = False
    """Whether what the catalogue models by its logarithm is, and the reference point with it."""

    def __init__(self, world: GlassWorld) -> None:
        self._world = world
        self._numbers = [p for p in world.problem.space.parameters if isinstance(p, Discrete)]
        self._names = [p.name for p in self._numbers]
        self._time = self._names.index("milling_time_h")
        self._d = len(self._names) + len(MEDIA)
        self._rng = np.random.default_rng(world.lab.seed)
        torch.manual_seed(world.lab.seed)

    def ask(self, pellets: pd.DataFrame, readings: pd.DataFrame) -> pd.DataFrame:
        """Fit, then one row after the other."""
        value = self._acquisition(pellets, readings)
        rows = pd.DataFrame(columns=list(GLASS_COLUMNS))
        chosen = torch.empty((0, self._d), dtype=torch.float64)
        for _ in range(JARS):
            value.set_X_pending(chosen if len(chosen) else None)
            shared = {} if rows.empty else {self._time: float(chosen[0, self._time])}
            row = self._best(value, shared, pd.concat([pellets[list(GLASS_COLUMNS)], rows]))
            rows = pd.concat([rows, row], ignore_index=True)
            chosen = self._encode(rows)
        return rows.infer_objects()

    def _acquisition(self, pellets: pd.DataFrame, readings: pd.DataFrame) -> Any:
        read = readings.assign(value=readings["lower"].fillna(readings["upper"])).pivot(
            index="specimen", columns="property", values="value"
        )
        y = self._told(read[list(self._world.names)].to_numpy(dtype=float))
        centre, width = y.mean(axis=0), y.std(axis=0, ddof=1)
        reference = self._told(np.array([[o.reference for o in self._world.objectives]]))[0]
        x, scaled = self._encode(pellets.loc[read.index]), torch.tensor((y - centre) / width)
        model = ModelListGP(*(SingleTaskGP(x, scaled[:, j : j + 1]) for j in range(y.shape[1])))
        fit_gpytorch_mll(SumMarginalLogLikelihood(model.likelihood, model))
        return qLogNoisyExpectedHypervolumeImprovement(
            model=model,
            ref_point=((reference - centre) / width).tolist(),
            X_baseline=x,
            sampler=SobolQMCNormalSampler(torch.Size([DRAWS]), seed=self._world.seed),
            prune_baseline=True,
            cache_root=True,
        )

    def _told(self, physical: Array) -> Array:
        """Values signed so that more is better, shape (n, m)."""
        columns = [
            o.sign * (o.to_scale(physical[:, j]) if self.logs else physical[:, j])
            for j, o in enumerate(self._world.objectives)
        ]
        return np.stack(columns, axis=1)

    def _best(self, value: Any, shared: Mapping[int, float], tried: pd.DataFrame) -> pd.DataFrame:
        first = len(self._names)
        media = [{first + j: float(i == j) for j in range(len(MEDIA))} for i in range(len(MEDIA))]
        bounds = torch.stack([torch.zeros(self._d), torch.ones(self._d)]).double()
        point, _ = optimize_acqf_mixed(
            value,
            bounds=bounds,
            q=1,
            num_restarts=RESTARTS,
            raw_samples=RAW_SAMPLES,
            fixed_features_list=[{**one, **shared} for one in media],
            options=OPTIONS,
        )
        row = self._decode(point.detach().numpy())
        columns, done = list(GLASS_COLUMNS), set(row_keys(tried, list(GLASS_COLUMNS)))
        if row_keys(row, columns)[0] not in done:
            return row
        anew = self._rng.random((N_INSTEAD, self._d))
        for column, number in shared.items():
            anew[:, column] = number
        others = self._decode(anew)
        others = others[[key not in done for key in row_keys(others, columns)]]
        with torch.no_grad():
            worth = value(self._encode(others)[:, None, :])
        return others.iloc[[int(worth.argmax())]]

    def _encode(self, rows: pd.DataFrame) -> "torch.Tensor":
        numbers = [
            (rows[p.name].to_numpy(dtype=float) - p.low) / (p.high - p.low) for p in self._numbers
        ]
        levels = [(rows["milling_media"] == name).to_numpy(dtype=float) for name in MEDIA]
        return torch.tensor(np.stack([*numbers, *levels], axis=1))

    def _decode(self, points: Array) -> pd.DataFrame:
        columns: dict[str, Any] = {
            p.name: [float(str(p.nearest(v))) for v in p.low + points[:, j] * (p.high - p.low)]
            for j, p in enumerate(self._numbers)
        }
        best = points[:, len(self._names) :].argmax(axis=1)
        columns["milling_media"] = [MEDIA[i] for i in best]
        return pd.DataFrame(columns).assign(**self._world.problem.held)[list(GLASS_COLUMNS)]


class LogBoTorch(OneHotBoTorch):
    """The same loop on the catalogue's scales: it maximises the very hypervolume of the score."""

    logs = True


STRATEGIES: Final[Mapping[str, type[Domain] | type[OneHotBoTorch]]] = {
    "domain": Domain,
    "botorch": OneHotBoTorch,
    "botorch_log": LogBoTorch,
}
