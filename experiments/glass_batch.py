"""Which glasses to mill next: one mill run, jars by medium, a control, and a reason for each."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from experiments.cell_batch import enough_cells
from experiments.cell_prospect import Prospect
from experiments.cell_stock import Powder
from experiments.config import CampaignConfig, Range, extremes
from experiments.costs import glass_cost, jar_cost_h, require_budget, require_one_glass
from experiments.first_round import first_glasses, owned_media
from experiments.held_space import HeldSpace
from experiments.joint_scene import JointScene, oxygen_grid
from experiments.knowledge import GLASS_COLUMNS, Knowledge
from experiments.outlooks import glass_outlook
from experiments.proposed import Proposed
from experiments.replicates import replicate_instead
from experiments.weighing import too_little_to_weigh, weighing_resolution
from features.errors import CampaignError, SpaceError
from features.milling import MEDIA
from features.stoichiometry import Assays
from optimizer.batch import propose_batch
from optimizer.categorical import Categorical
from optimizer.parameters import Discrete
from optimizer.rows import stacked
from optimizer.scene import Scene
from optimizer.space import SearchSpace

FREE: Final = ("x", "milling_time_h", "milling_speed_rpm", "pressing_pressure_mpa")
RUN_COLUMNS: Final = ("milling_time_h", "milling_speed_rpm")
"""What all jars of one mill run share (domain notes 7.1)."""

CURRENT: Final = "critical_current_density"
CHOSEN_WHY: Final = "the largest expected gain in hypervolume"
"""Of a glass that surrogates chose; its explanation says more, and its role."""

PAPER_TIME_H: Final = 3.0
"""Shortest milling in the paper, net; after less unreacted powder was seen (domain notes 1.1)."""

USUAL_SPEED_RPM: Final = 500.0
"""Speed of the paper's mill, for a start where the speed is free."""


@dataclass(frozen=True, slots=True, kw_only=True)
class GlassBatch:
    """The glasses of a mill run.

    Attributes:
        glasses: One a jar.
        run_why: Why this time and speed.
        learned: Whether surrogates chose them, so that it is no start.
        warnings: What the chemist should know.
    """

    glasses: tuple[Proposed, ...]
    run_why: str
    learned: bool = False
    warnings: tuple[str, ...] = field(default=())


@dataclass(frozen=True, slots=True)
class GlassProblem:
    """Search space of the glasses, and what is held.

    Attributes:
        config: The campaign's configuration.
        space: The free parameters.
        held: Values of the parameters that are not free.
    """

    config: CampaignConfig
    space: SearchSpace
    held: Mapping[str, float]

    @classmethod
    def of(cls, config: CampaignConfig) -> "GlassProblem":
        """The problem a configuration poses.

        Raises:
            CampaignError: If the die's rating leaves no pressing pressure to choose.
        """
        glasses = config.glasses
        _require_die(glasses.pressing_pressure_mpa, config.equipment.die_rating_mpa)
        free: list[Any] = []
        held: dict[str, float] = {}
        for name in FREE:
            setting = getattr(glasses, name)
            if isinstance(setting, Range):
                free.append(_grid(name, setting, config.equipment.die_rating_mpa))
            else:
                held[name] = setting
        owned = [media for media, count in glasses.jars_owned.items() if count]
        free.append(Categorical("milling_media", owned, descriptors=_descriptors(owned)))
        return cls(config, SearchSpace(free, constraint=_weighable(free, config)), held)

    @property
    def shared(self) -> tuple[str, ...]:
        """Free columns that a mill run shares."""
        return tuple(name for name in RUN_COLUMNS if name in self.space.columns)

    def control(self) -> dict[str, Any]:
        """Recipe of the reference glass, as near as search space, jars and die allow."""
        control, glasses = self.config.control, self.config.glasses
        low, high = extremes(glasses.pressing_pressure_mpa)
        high = min(high, self.config.equipment.die_rating_mpa)
        owned = owned_media(self.config)
        return {
            "x": control.x,
            "milling_time_h": self._nearest("milling_time_h", control.milling_time_h),
            "milling_media": (
                control.milling_media if control.milling_media in owned else owned[0]
            ),
            "milling_speed_rpm": self._nearest("milling_speed_rpm", USUAL_SPEED_RPM),
            "pressing_pressure_mpa": min(max(control.pressing_pressure_mpa, low), high),
        }

    def controls(self) -> pd.DataFrame:
        """The reference glass at every time and speed of a mill run: it is in the batch anyway."""
        rows = pd.DataFrame([self.control()])[list(GLASS_COLUMNS)]
        for parameter in self.space.parameters:
            if parameter.name in RUN_COLUMNS and isinstance(parameter, Discrete):
                values = pd.DataFrame({parameter.name: _values(parameter)})
                rows = rows.drop(columns=parameter.name).merge(values, how="cross")
        return rows[list(GLASS_COLUMNS)]

    def _nearest(self, name: str, value: float) -> float:
        """What is held, or the value searched that lies nearest to the one wanted."""
        if name in self.held:
            return self.held[name]
        searched = {p.name: p for p in self.space.parameters}
        return float(str(searched[name].nearest(value)))


def _require_die(pressure: Range | float, die_rating_mpa: float) -> None:
    """Refuse a pressing pressure of which the die bears nothing."""
    low, high = extremes(pressure)
    step = pressure.step if isinstance(pressure, Range) else 0.0
    if low + step > min(high, die_rating_mpa) + 1e-9:
        raise CampaignError(
            f"campaign.yaml: glasses.pressing_pressure_mpa starts at {low:g} MPa, the die's "
            f"rating is {die_rating_mpa:g} MPa; lower the one or raise the other"
        )


def _grid(name: str, setting: Range, die_rating_mpa: float) -> Discrete:
    high = min(setting.high, die_rating_mpa) if "pressure" in name else setting.high
    steps = int((high - setting.low) / setting.step + 1e-9)
    return Discrete(name, setting.low, setting.low + steps * setting.step, step=setting.step)


def _weighable(
    free: Sequence[Any], config: CampaignConfig
) -> Callable[[pd.DataFrame], NDArray[np.bool_]] | None:
    """Which recipes the balance can weigh out; ``None`` where it can all that are searched."""
    batch_mass_g, balance_mg = config.glasses.batch_mass_g, config.equipment.balance_mg
    assays = Assays(**config.assays.model_dump())

    def weighs(x: float) -> bool:
        return too_little_to_weigh(x, batch_mass_g, balance_mg, assays) is None

    # The least P2O5 but none is at the low end, the least P2S5 but none at the high end.
    ends = [
        x
        for grid in free
        if grid.name == "x"
        for x in (grid.low, grid.low + grid.step, grid.high - grid.step, grid.high)
    ]
    if all(weighs(x) for x in ends):
        return None
    return lambda rows: np.array([weighs(float(x)) for x in rows["x"]], dtype=bool)


def _values(parameter: Discrete) -> NDArray[np.float64]:
    return np.asarray(parameter.low + parameter.step * np.arange(parameter.n_values), dtype=float)


def _descriptors(media: Sequence[str]) -> pd.DataFrame:
    return pd.DataFrame(
        {
            "density_g_cm3": [MEDIA[name].density_g_cm3 for name in media],
            "hardness_hv": [MEDIA[name].hardness_hv for name in media],
            "metallic_debris": [float(MEDIA[name].metallic_debris) for name in media],
        },
        index=list(media),
    )


def propose_glasses(
    knowledge: Knowledge,
    config: CampaignConfig,
    *,
    q: int,
    wants_skin: bool,
    rng: np.random.Generator,
    powder: Powder | None = None,
    trilayers: int = 0,
    budget_h: float | None = None,
) -> GlassBatch:
    """The next mill run.

    With too little data the batch is a start that breaks known confounds and fills the space;
    else it maximises noisy expected hypervolume improvement over the joint posterior, of pellets
    and of the cells that the glasses make possible. One jar is a control unless the configuration
    says otherwise, and one may go to a replicate.

    Args:
        knowledge: Specimens and fitted surrogates.
        config: Search space, jars owned, control, costs.
        q: Jars in the run.
        wants_skin: Whether tri-layers are asked for and no skin powder is in stock.
        rng: Source of randomness.
        powder: Stock that new glasses may meet in a cell; with none, cells do not count.
        trilayers: Cells of the round; with none, cells do not count.
        budget_h: The most the run may cost, h; fewer glasses are proposed then.

    Returns:
        The batch.

    Raises:
        CampaignError: If more jars are asked for than are owned, or the budget pays for none.
        SpaceError: If nothing new can be proposed.
    """
    problem = GlassProblem.of(config)
    require_budget(budget_h)
    owned = sum(config.glasses.jars_owned.values())
    if q > owned:
        raise CampaignError(
            f"{q} glasses are asked for and {owned} jars are owned (jars_owned in campaign.yaml); "
            "ask for fewer, or enter the jars"
        )
    names = tuple(config.glasses.objectives)
    if _too_little(knowledge, problem, names):
        rows, run_why = first_glasses(
            knowledge,
            config,
            problem.space,
            problem.held,
            problem.control(),
            q=q,
            wants_skin=wants_skin,
            rng=rng,
        )
        if not rows:
            raise SpaceError(
                "glasses: every recipe of the search space was made or is planned, got none that "
                "is new; free a parameter or widen a range in campaign.yaml"
            )
        missing = _missing(q - len(rows))
        if budget_h is not None:
            milling_h = float(rows[0][0]["milling_time_h"])
            require_one_glass(config, milling_h, budget_h)
            n = int((budget_h - milling_h + 1e-9) // jar_cost_h(config))
            missing = (*missing, *_unpaid(len(rows) - n, len(rows), budget_h))
            rows = rows[:n]
        return GlassBatch(
            glasses=tuple(Proposed(recipe=r, role=role, why=why) for r, role, why in rows),
            run_why=run_why,
            warnings=(*missing, *run_warnings([r for r, _, _ in rows])),
        )
    cells = _Cells(powder, trilayers) if powder is not None else None
    return _model_based(knowledge, problem, names, q=q, rng=rng, cells=cells, budget_h=budget_h)


@dataclass(frozen=True, slots=True)
class _Cells:
    """What the round's cells are made of besides its glasses, and how many there are to be."""

    powder: Powder
    wanted: int


def counts_cells(knowledge: Knowledge, config: CampaignConfig, trilayers: int) -> bool:
    """Whether the cells a glass makes possible count when it is chosen.

    They do when cells are wanted, ``batch.cell_weight`` is above 0, and there is something to
    foresee them by: the critical current of a cell, or the physics of the critical current.

    Args:
        knowledge: Specimens.
        config: Weight, and whether physics is on.
        trilayers: Cells wanted.
    """
    if not trilayers or not config.batch.cell_weight:
        return False
    return enough_cells(knowledge) or config.settings_of(CURRENT).physics


def _too_little(knowledge: Knowledge, problem: GlassProblem, names: Sequence[str]) -> bool:
    """Whether an objective was read on fewer distinct recipes than there are free parameters."""
    wanted = max(3, len(problem.space.columns))
    for name in names:
        made = knowledge.measured(knowledge.pellets, (name,))
        if len(made[list(GLASS_COLUMNS)].drop_duplicates()) < wanted:
            return True
    return False


def _model_based(
    knowledge: Knowledge,
    problem: GlassProblem,
    names: tuple[str, ...],
    *,
    q: int,
    rng: np.random.Generator,
    cells: _Cells | None,
    budget_h: float | None,
) -> GlassBatch:
    config = problem.config
    control = problem.control()
    n_control = min(config.batch.controls, q - 1)
    if budget_h is not None:
        shortest_h = extremes(config.glasses.milling_time_h)[0]
        require_one_glass(config, shortest_h, budget_h)
        n_control *= int(budget_h >= shortest_h + (1 + n_control) * jar_cost_h(config))
    capacity = dict(config.glasses.jars_owned)
    capacity[control["milling_media"]] -= n_control
    planned = knowledge.pellets.loc[knowledge.pellets["status"] == "planned"]
    # The control of this run is in the making too. Its time is not known before the others are
    # chosen; the reference time, or the nearest searched, stands for it.
    own = pd.DataFrame([control] * n_control, columns=list(GLASS_COLUMNS))
    pending = stacked([planned, own], list(GLASS_COLUMNS))
    outlook = _Outlook(knowledge, config, cells)
    chosen = propose_batch(
        outlook,
        HeldSpace(problem.space, problem.held),
        q - n_control,
        baseline=knowledge.measured(knowledge.pellets, names)[list(GLASS_COLUMNS)],
        pending=pending,
        exclude=pd.concat([_done(knowledge, problem.space), problem.controls()]),
        shared=problem.shared,
        capacity={"milling_media": capacity},
        cost=None if budget_h is None else glass_cost(config),
        budget=None if budget_h is None else budget_h - n_control * jar_cost_h(config),
        resolution={
            "x": weighing_resolution(config.glasses.batch_mass_g, config.equipment.balance_mg)
        },
        rng=rng,
    )
    recipes = chosen[list(GLASS_COLUMNS)]
    run = {name: float(recipes[name].iloc[0]) for name in RUN_COLUMNS}
    rows = outlook.in_roles(recipes)
    if n_control:
        rows.insert(0, _control(config, control, run))
    rows = _with_replicate(knowledge, config, rows, chosen["acquisition"].to_numpy())
    return GlassBatch(
        glasses=tuple(rows),
        run_why=(
            f"{run['milling_time_h']:g} h at {run['milling_speed_rpm']:g} rpm gave the batch with "
            "the largest expected gain in hypervolume"
            + ("" if budget_h is None else " for its cost")
        ),
        learned=True,
        warnings=(
            *(() if budget_h is None else _unpaid(q - len(rows), q, budget_h)),
            *run_warnings([row.recipe for row in rows]),
        ),
    )


class _Outlook:
    """How the glasses are foreseen, and afterwards, what each was chosen for."""

    def __init__(self, knowledge: Knowledge, config: CampaignConfig, cells: _Cells | None) -> None:
        self._knowledge, self._config = knowledge, config
        counts = cells is not None and counts_cells(knowledge, config, cells.wanted)
        self._cells = cells if counts else None
        self._scene: JointScene | None = None

    def __call__(
        self, made: pd.DataFrame, pending: pd.DataFrame, rng: np.random.Generator
    ) -> Scene:
        knowledge, config = self._knowledge, self._config
        glasses = glass_outlook(knowledge, config)(made, pending, rng)
        if self._cells is None:
            return glasses
        cells = self._cells
        prospect = Prospect.of(knowledge, config, cells.powder, k=cells.wanted, rng=rng)
        grid = oxygen_grid(*extremes(config.glasses.x))
        self._scene = JointScene(glasses, prospect, config.batch.cell_weight, grid)
        return self._scene

    def in_roles(self, recipes: pd.DataFrame) -> list[Proposed]:
        """The glasses with their roles: skin or core where cells count for most of the gain."""
        rows, scene = [], self._scene
        for position, recipe in enumerate(_records(recipes)):
            role, why = "exploit", CHOSEN_WHY
            if scene is not None:
                row = recipes.iloc[[position]]
                part = scene.part_in_cells(row)
                if part is not None:
                    role, why = part
                if position + 1 < len(recipes):
                    scene = scene.joined(row)
            rows.append(Proposed(recipe=recipe, role=role, why=why))
        return rows


def _with_replicate(
    knowledge: Knowledge,
    config: CampaignConfig,
    rows: list[Proposed],
    log_gains: NDArray[np.float64],
) -> list[Proposed]:
    """The rows, the least valuable new glass replaced by a replicate if that tells more."""
    chosen = [place for place, row in enumerate(rows) if row.role == "exploit"]
    if config.batch.replicates == 0 or len(rows) < 2 or not chosen:
        return rows
    first = len(rows) - len(log_gains)
    place = min(chosen, key=lambda i: log_gains[i - first])
    others = [row.recipe for i, row in enumerate(rows) if i != place]
    media = [
        name
        for name, count in config.glasses.jars_owned.items()
        if sum(recipe["milling_media"] == name for recipe in others) < count
    ]
    again = replicate_instead(
        knowledge, config, rows[place].recipe, others=pd.DataFrame(others), media=media
    )
    if again is None:
        return rows
    return [*rows[:place], *rows[place + 1 :], again]


def _done(knowledge: Knowledge, space: SearchSpace) -> pd.DataFrame:
    """Recipes tried: as they became by weighing, and as the grid would name them."""
    made = knowledge.tried[list(GLASS_COLUMNS)]
    grid = {p.name: p for p in space.parameters}
    if "x" not in grid:
        return made
    named = made.assign(x=[float(str(grid["x"].nearest(x))) for x in made["x"]])
    return pd.concat([made, named])


def _control(
    config: CampaignConfig, control: Mapping[str, Any], run: Mapping[str, float]
) -> Proposed:
    same = abs(run["milling_time_h"] - config.control.milling_time_h) < 1e-9
    why = (
        "the reference glass again, which tells how much two jars of one recipe differ"
        if same
        else f"the reference composition and medium at this run's "
        f"{run['milling_time_h']:g} h, which tells time apart from composition"
    )
    return Proposed(recipe={**control, **run}, role="control", why=why)


def _unpaid(count: int, q: int, budget_h: float) -> tuple[str, ...]:
    if count <= 0:
        return ()
    return (f"budget: {budget_h:g} h pay for {q - count} of {q} glasses",)


def _missing(count: int) -> tuple[str, ...]:
    if not count:
        return ()
    return (
        f"{count} of the jars asked for stay{'s' if count == 1 else ''} empty: the search space "
        "holds no further recipe that is new",
    )


def _records(frame: pd.DataFrame) -> list[dict[str, Any]]:
    return [{str(k): v for k, v in row.items()} for row in frame.to_dict("records")]


def run_warnings(recipes: Sequence[Mapping[str, Any]]) -> tuple[str, ...]:
    """What to know before these are milled: of their media, and of a short time."""
    media = sorted({str(recipe["milling_media"]) for recipe in recipes})
    of_media = [
        f"{MEDIA[name].label}: {MEDIA[name].warning}" for name in media if MEDIA[name].warning
    ]
    shortest = min((float(recipe["milling_time_h"]) for recipe in recipes), default=PAPER_TIME_H)
    if shortest >= PAPER_TIME_H:
        return tuple(of_media)
    return (
        *of_media,
        f"{shortest:g} h is shorter than the paper milled (at least {PAPER_TIME_H:g} h); earlier "
        "work it cites saw unreacted Na2S and P2S5 after shorter milling, which the probability of "
        "success does not know: look at the powder before you press",
    )
