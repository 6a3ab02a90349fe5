"""Which glasses to mill next: one mill run, jars by medium, a control, and a reason for each."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from experiments.config import CampaignConfig, Range, extremes
from experiments.first_round import first_glasses, owned_media
from experiments.held_space import HeldSpace
from experiments.knowledge import GLASS_COLUMNS, Knowledge
from experiments.progress import objectives_of
from experiments.reasons import glass_reason
from features.errors import CampaignError, SpaceError
from features.milling import MEDIA
from optimizer.batch import propose_batch
from optimizer.categorical import Categorical
from optimizer.parameters import Discrete
from optimizer.space import SearchSpace

FREE: Final = ("x", "milling_time_h", "milling_speed_rpm", "pressing_pressure_mpa")
RUN_COLUMNS: Final = ("milling_time_h", "milling_speed_rpm")
"""What all jars of one mill run share (domain notes 7.1)."""

USUAL_SPEED_RPM: Final = 500.0
"""Speed of the paper's mill, for a start where the speed is free."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Proposed:
    """A recipe with its part in the batch.

    Attributes:
        recipe: Values by column.
        role: control, confound, skin, medium, exploit, explore or space_filling.
        why: One sentence for the chemist.
    """

    recipe: Mapping[str, Any]
    role: str
    why: str


@dataclass(frozen=True, slots=True, kw_only=True)
class GlassBatch:
    """The glasses of a mill run.

    Attributes:
        glasses: One a jar.
        run_why: Why this time and speed.
        warnings: What the chemist should know.
    """

    glasses: tuple[Proposed, ...]
    run_why: str
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
        return cls(config, SearchSpace(free), held)

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
) -> GlassBatch:
    """The next mill run.

    With too little data the batch is a start that breaks known confounds and fills the space;
    else it maximises noisy expected hypervolume improvement over the joint posterior. One jar
    is a control unless the configuration says otherwise.

    Args:
        knowledge: Specimens and fitted surrogates.
        config: Search space, jars owned, control.
        q: Jars in the run.
        wants_skin: Whether tri-layers are asked for and no skin powder is in stock.
        rng: Source of randomness.

    Returns:
        The batch.

    Raises:
        CampaignError: If more jars are asked for than are owned.
        SpaceError: If nothing new can be proposed.
    """
    problem = GlassProblem.of(config)
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
        return GlassBatch(
            glasses=tuple(Proposed(recipe=r, role=role, why=why) for r, role, why in rows),
            run_why=run_why,
            warnings=(*_missing(q - len(rows)), *_warnings([r for r, _, _ in rows])),
        )
    return _model_based(knowledge, problem, names, q=q, rng=rng)


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
) -> GlassBatch:
    config = problem.config
    control = problem.control()
    n_control = min(config.batch.controls, q - 1)
    capacity = dict(config.glasses.jars_owned)
    capacity[control["milling_media"]] -= n_control
    planned = knowledge.pellets.loc[knowledge.pellets["status"] == "planned"]

    def draw(frame: pd.DataFrame, n: int, source: np.random.Generator) -> NDArray[np.float64]:
        return knowledge.draw_pellets(frame, names, n, source)

    chosen = propose_batch(
        draw,
        HeldSpace(problem.space, problem.held),
        objectives_of(config.glasses.objectives),
        q - n_control,
        baseline=knowledge.measured(knowledge.pellets, names)[list(GLASS_COLUMNS)],
        pending=planned[list(GLASS_COLUMNS)],
        exclude=_done(knowledge, problem.space),
        shared=problem.shared,
        capacity={"milling_media": capacity},
        rng=rng,
    )
    recipes = chosen[list(GLASS_COLUMNS)]
    run = {name: float(recipes[name].iloc[0]) for name in RUN_COLUMNS}
    rows = [
        Proposed(recipe=recipe, role=role, why=why)
        for recipe, (role, why) in (
            (recipe, glass_reason(knowledge, recipe, config)) for recipe in _records(recipes)
        )
    ]
    if n_control:
        rows.insert(0, _control(config, control, run))
    return GlassBatch(
        glasses=tuple(rows),
        run_why=(
            f"{run['milling_time_h']:g} h at {run['milling_speed_rpm']:g} rpm gave the batch with "
            "the largest expected gain in hypervolume"
        ),
        warnings=_warnings([row.recipe for row in rows]),
    )


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


def _missing(count: int) -> tuple[str, ...]:
    if not count:
        return ()
    return (
        f"{count} of the jars asked for stay{'s' if count == 1 else ''} empty: the search space "
        "holds no further recipe that is new",
    )


def _records(frame: pd.DataFrame) -> list[dict[str, Any]]:
    return [{str(k): v for k, v in row.items()} for row in frame.to_dict("records")]


def _warnings(recipes: Sequence[Mapping[str, Any]]) -> tuple[str, ...]:
    media = sorted({str(recipe["milling_media"]) for recipe in recipes})
    return tuple(
        f"{MEDIA[name].label}: {MEDIA[name].warning}" for name in media if MEDIA[name].warning
    )
