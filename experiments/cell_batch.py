"""Which tri-layers to build next: from powder in stock or of this batch, and only from that."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from experiments.cell_stock import CONTEXT, LAYER, Powder, whole_cells
from experiments.config import CampaignConfig, ControlConfig, Range, extremes
from experiments.held_space import HeldSpace
from experiments.knowledge import Knowledge
from experiments.outlooks import cell_outlook
from experiments.proposed import Proposed
from features.cell_limits import Limits, allowed
from features.errors import SpaceError
from features.transformers import GlassFeatures
from optimizer.batch import propose_batch
from optimizer.categorical import Categorical
from optimizer.parameters import Discrete
from optimizer.space import SearchSpace

CHOICE: Final = ("core", "skin", "core_mass_mg", "skin_mass_mg", "pressing_pressure_mpa")
"""What tells two cells apart; the rest is context."""

ENOUGH_CELLS: Final = 1
"""With critical currents of fewer cells than this the batch is a start. Resistance is foreseen by
the layers, and one critical current places the rest."""

WELL_KNOWN: Final = 3
"""With critical currents of as many cells, the reference cell is not built to compare with."""

CHOSEN_WHY: Final = "the largest expected gain in the hypervolume of the cells"
"""Of a cell that surrogates chose; its explanation says more, and its role."""

N_DRAWS: Final = 64
N_SPREAD: Final = 160
N_NEAR: Final = 48
N_START: Final = 400
CONTROL_X_TOLERANCE: Final = 0.05
CONTROL_CORE_MASS_MG: Final = 150.0
"""Core of the paper's cell (Methods)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CellBatch:
    """The tri-layers of a round.

    Attributes:
        cells: Each recipe names its jars as ``core`` and ``skin``.
        learned: Whether surrogates chose them, whatever their roles have become since.
        warnings: What the chemist should know.
    """

    cells: tuple[Proposed, ...]
    learned: bool = False
    warnings: tuple[str, ...] = field(default=())


def propose_cells(
    knowledge: Knowledge,
    config: CampaignConfig,
    powder: Powder,
    *,
    k: int,
    rng: np.random.Generator,
) -> CellBatch:
    """The next k tri-layers.

    Args:
        knowledge: Specimens and fitted surrogates.
        config: Search space, context, control and die.
        powder: What cells can be built from.
        k: Cells wanted.
        rng: Source of randomness.

    Returns:
        Up to k cells; fewer, with a warning, when powder or rules allow no more.

    References:
        Domain notes 5.3 (descriptors) and 5.4 (rules).
    """
    rows: list[Proposed] = []
    warnings: list[str] = []
    names = tuple(config.cells.objectives)
    start = not enough_cells(knowledge)
    wants_control = _n_known(knowledge) < WELL_KNOWN and not _has_own(knowledge)
    while len(rows) < k:
        taken = pd.DataFrame([row.recipe for row in rows])
        try:
            problem = CellProblem(config, powder)
            control = _control(problem) if wants_control and not rows else None
            if control is not None:
                row = control
            elif start:
                row = _farthest(knowledge, problem, taken, rng)
            else:
                row = _best(knowledge, problem, names, taken, rng)
        except SpaceError:
            missing = k - len(rows)
            warnings.append(
                f"{missing} tri-layer{'s' if missing > 1 else ''} could not be planned: no powder "
                "in stock or in this batch makes another cell within the rules (skin x of at least "
                f"0.30 and not below the core's, at most {config.equipment.die_rating_mpa:g} MPa, "
                "pre-compaction below a third of the co-press)"
            )
            break
        rows.append(row)
        powder = powder.after(row.recipe)
    return CellBatch(cells=tuple(rows), warnings=tuple(warnings))


def random_cells(
    config: CampaignConfig, powder: Powder, *, k: int, rng: np.random.Generator
) -> CellBatch:
    """Up to k cells spread over what powder and rules allow, by no model.

    Args:
        config: Search space, context and die.
        powder: What cells can be built from.
        k: Cells wanted.
        rng: Source of randomness.
    """
    rows: list[Proposed] = []
    while len(rows) < k:
        try:
            problem = CellProblem(config, powder)
            pool = problem.whole(problem.space.spread(N_SPREAD, rng))
        except SpaceError:
            break
        row = pool.iloc[int(rng.integers(len(pool)))]
        recipe = {name: row[name] for name in (*CHOICE, *CONTEXT)}
        rows.append(Proposed(recipe=recipe, role="space_filling", why="drawn at random"))
        powder = powder.after(recipe)
    return CellBatch(cells=tuple(rows))


def reference_cell(config: CampaignConfig, powder: Powder, **changed: float) -> Proposed | None:
    """The cell of the configuration's control, of the jars nearest to it; ``None`` without powder.

    Args:
        config: Control, search space and die.
        powder: What it can be built from.
        changed: Other masses (``skin_mass_mg``) or pressures than the control's.
    """
    try:
        return _control(CellProblem(config, powder), changed)
    except SpaceError:
        return None


def enough_cells(knowledge: Knowledge) -> bool:
    """Whether critical currents of enough distinct cells are known to choose by them."""
    return _n_known(knowledge) >= ENOUGH_CELLS


def _n_known(knowledge: Knowledge) -> int:
    """Distinct cells of which a critical current was read."""
    measured = knowledge.measured(knowledge.cells, ("critical_current_density",))
    return len(measured[list(CHOICE)].drop_duplicates())


def _has_own(knowledge: Knowledge) -> bool:
    """Whether a cell of this campaign was made or is planned."""
    own = knowledge.cells.loc[knowledge.cells["round_id"].notna(), "status"]
    return bool(own.isin(["made", "planned"]).any())


class CellProblem:
    """Search space of the cells that the powder left allows."""

    def __init__(self, config: CampaignConfig, powder: Powder) -> None:
        self.config = config
        self.powder = powder
        self.limits = Limits(die_rating_mpa=config.equipment.die_rating_mpa)
        cells = config.cells
        held: dict[str, float] = {name: float(getattr(cells, name)) for name in CONTEXT}
        known = powder.jars[list(LAYER)].notna().all(axis=1)
        ids = [jar for jar, left in powder.left_mg.items() if left > 0 and known[jar]]
        if not ids:
            raise SpaceError("cells: no powder is left in any jar; mill some first")
        free: list[Any] = [
            Categorical(layer, ids, descriptors=_described(powder.jars.loc[ids]))
            for layer in ("core", "skin")
        ]
        for name in ("core_mass_mg", "skin_mass_mg", "pressing_pressure_mpa"):
            setting = getattr(cells, name)
            if isinstance(setting, Range):
                high = min(setting.high, self.limits.die_rating_mpa) if "pressure" in name else None
                free.append(_grid(name, setting, high))
            else:
                held[name] = float(setting)
        self.held = held
        self.space = SearchSpace(free, constraint=self.possible)

    def whole(self, choice: pd.DataFrame) -> pd.DataFrame:
        """Choices as whole cells; cells of the past keep their own context."""
        held = {name: value for name, value in self.held.items() if name not in choice}
        return whole_cells(choice.assign(**held), self.powder.jars)

    def possible(self, choice: pd.DataFrame) -> NDArray[np.bool_]:
        """Which choices the rules and the powder left allow."""
        cells = self.whole(choice)
        left = pd.Series(dict(self.powder.left_mg), dtype=float)
        skins = 2 * cells["skin_mass_mg"].to_numpy(dtype=float)
        cores = cells["core_mass_mg"].to_numpy(dtype=float)
        core_left = left.reindex(cells["core"]).fillna(0.0).to_numpy()
        skin_left = left.reindex(cells["skin"]).fillna(0.0).to_numpy()
        same = (cells["core"] == cells["skin"]).to_numpy()
        enough = np.where(
            same, cores + skins <= core_left, (cores <= core_left) & (skins <= skin_left)
        )
        return np.asarray(allowed(cells, self.limits) & enough, dtype=bool)


def _grid(name: str, setting: Range, high: float | None) -> Discrete:
    top = setting.high if high is None else high
    steps = max(1, int((top - setting.low) / setting.step + 1e-9))
    return Discrete(name, setting.low, setting.low + steps * setting.step, step=setting.step)


def _described(jars: pd.DataFrame) -> pd.DataFrame:
    """Numbers by which jars are near or far: oxygen, time, and medium by hardness and debris."""
    features = (
        GlassFeatures()
        .set_output(transform="pandas")
        .fit_transform(jars.assign(pressing_pressure_mpa=0.0))
    )
    varied = pd.DataFrame(features.loc[:, features.nunique() > 1])
    # Two jars of one recipe are two jars: without a number of their own they would be one.
    return varied.assign(jar=np.arange(len(jars), dtype=float))


def _control(problem: CellProblem, changed: Mapping[str, float] | None = None) -> Proposed | None:
    """The reference cell, of the jars nearest to it in composition."""
    control, cells = problem.config.control, problem.config.cells
    core = _nearest(problem.powder, control.x, control)
    skin = _nearest(problem.powder, control.skin_x, control)
    if core is None or skin is None:
        return None
    wanted = {
        "core_mass_mg": CONTROL_CORE_MASS_MG,
        "skin_mass_mg": control.skin_mass_mg,
        "pressing_pressure_mpa": min(control.pressing_pressure_mpa, problem.limits.die_rating_mpa),
        **(changed or {}),
    }
    recipe: dict[str, Any] = {
        "core": core,
        "skin": skin,
        **{name: _within(getattr(cells, name), value) for name, value in wanted.items()},
        **{name: float(getattr(cells, name)) for name in CONTEXT},
    }
    if not problem.possible(pd.DataFrame([recipe]))[0]:
        return None
    return Proposed(
        recipe=recipe,
        role="control",
        why="the reference cell, to see whether this lab gets the paper's value",
    )


def _within(setting: Range | float, wanted: float) -> float:
    """What is held, or the value searched that lies nearest to the one wanted."""
    low, high = extremes(setting)
    return min(max(wanted, low), high)


def _nearest(powder: Powder, x: float, control: ControlConfig) -> str | None:
    """The jar of that composition milled most like the control, with powder for a cell."""
    usable = powder.jars.loc[[jar for jar, left in powder.left_mg.items() if left >= 200.0]]
    gap = (usable["x"].astype(float) - x).abs()
    alike = usable.loc[gap <= CONTROL_X_TOLERANCE]
    if alike.empty:
        return None
    order = pd.DataFrame(
        {
            "medium": alike["milling_media"] != control.milling_media,
            "time": (alike["milling_time_h"].astype(float) - control.milling_time_h).abs(),
            "x": gap[alike.index].round(2),
        }
    )
    return str(order.sort_values(["medium", "time", "x"], kind="stable").index[0])


def _known(knowledge: Knowledge, powder: Powder) -> pd.DataFrame:
    """Cells made or planned whose jars are known."""
    cells = knowledge.cells.loc[knowledge.cells["status"] != "not_made"]
    jars = set(powder.jars.index)
    return cells.loc[cells["core"].isin(jars) & cells["skin"].isin(jars)]


def _farthest(
    knowledge: Knowledge, problem: CellProblem, taken: pd.DataFrame, rng: np.random.Generator
) -> Proposed:
    """The cell farthest from every cell known, in the numbers that describe it."""
    known = _known(knowledge, problem.powder)
    pool = problem.whole(_new(problem.space.spread(N_START, rng), [known, taken]))
    columns = ["core_x", "skin_x", "core_mass_mg", "skin_mass_mg", "pressing_pressure_mpa"]
    others = [known[columns]] if len(known) else []
    if len(taken):
        others.append(problem.whole(taken)[columns])
    there = pool[columns].to_numpy(dtype=float)
    width = np.ptp(there, axis=0)
    width[width == 0] = 1.0
    if others:
        here = pd.concat(others).to_numpy(dtype=float)
        gaps = np.sqrt((((there[:, None] - here[None]) / width) ** 2).sum(-1)).min(axis=1)
    else:
        gaps = np.zeros(len(pool))
    row = pool.iloc[int(gaps.argmax())]
    return Proposed(
        recipe={name: row[name] for name in (*CHOICE, *CONTEXT)},
        role="space_filling",
        why="far from every cell built so far, too few critical currents are known to predict",
    )


def _new(pool: pd.DataFrame, told: Sequence[pd.DataFrame]) -> pd.DataFrame:
    """Rows of the pool that no cell told of repeats.

    Raises:
        SpaceError: If there is none.
    """
    names = [name for name in CHOICE if name in pool]
    seen = {
        tuple(row)
        for frame in told
        if len(frame)
        for row in frame[names].itertuples(index=False, name=None)
    }
    fresh = pool[[row not in seen for row in pool[names].itertuples(index=False, name=None)]]
    if fresh.empty:
        raise SpaceError("cells: every cell of the search space is built or planned already")
    return fresh


def _best(
    knowledge: Knowledge,
    problem: CellProblem,
    names: tuple[str, ...],
    taken: pd.DataFrame,
    rng: np.random.Generator,
) -> Proposed:
    """The cell with the largest noisy expected hypervolume improvement."""
    columns = [*CHOICE, *CONTEXT]
    known = _known(knowledge, problem.powder)
    pending = known.loc[known["status"] == "planned", columns]
    if len(taken):
        pending = pd.concat([pending, taken[columns]], ignore_index=True)
    measured = knowledge.measured(known, names)
    chosen = propose_batch(
        cell_outlook(knowledge, problem.config, problem.whole, N_DRAWS),
        HeldSpace(problem.space, problem.held),
        1,
        baseline=measured[columns],
        pending=pending,
        exclude=known[columns],
        rng=rng,
        n_spread=N_SPREAD,
        n_near=N_NEAR,
    )
    recipe = {name: chosen[name].iloc[0] for name in columns}
    return Proposed(recipe=recipe, role="exploit", why=CHOSEN_WHY)
