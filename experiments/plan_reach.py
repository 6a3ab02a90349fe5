"""Whether a target can be reached at all, as the surrogates believe, before anything is imagined.

Many recipes within the search space, glasses and cells that nobody has made yet, are looked at in
many worlds drawn from the surrogates. What fails is not asked here: a recipe that would fail
counts as long as its value would do. A recipe between those looked at may be a little better.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final, final

import numpy as np
import pandas as pd
from joblib import Parallel, delayed
from numpy.typing import NDArray

from experiments.config import CampaignConfig, Parameter, Range, extremes
from experiments.fantasy import world_of
from experiments.knowledge import Knowledge
from experiments.targets import Target
from features.cell_limits import Limits, allowed
from features.properties import property_of

Array = NDArray[np.float64]

N_WORLDS: Final = 128
N_RECIPES: Final = 256
POOL_SEED: Final = 20220513
"""Fixed, so that the same campaign gives the same answer."""

HARDLY: Final = 0.02
"""Chance below which a target is called out of reach."""

_GLASS: Final = ("x", "milling_time_h", "milling_media", "milling_speed_rpm")
_MOST_TRIES: Final = 64

WORLDS_AT_A_TIME: Final = 32
N_PARTS: Final = 4
"""Pieces these are looked at in, so that several processes can help."""

ENOUGH: Final = 8
"""Worlds within reach after which nobody doubts it."""

END_SHARE: Final = 0.3
"""Of a parameter's values this share lies at an end of its range: there the best often is."""


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class Best:
    """The best value of one property among the recipes looked at, over the worlds.

    Attributes:
        property: Catalogue id.
        median: Catalogue unit.
        lower: Lower end of the 90 % interval.
        upper: Upper end.
        wanted: The condition in words.
        probability: Share of worlds in which some recipe fulfils this condition.
    """

    property: str
    median: float
    lower: float
    upper: float
    wanted: str
    probability: float


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class Reach:
    """What the surrogates hold to be reachable.

    Attributes:
        n_worlds: Worlds looked at.
        n_recipes: Recipes looked at in each.
        n_within: Worlds in which some recipe meets the whole target.
        best: One entry a condition, each for itself.
    """

    n_worlds: int
    n_recipes: int
    n_within: int
    best: tuple[Best, ...]

    @property
    def probability(self) -> float:
        """Chance that some recipe meets the target."""
        return self.n_within / self.n_worlds

    @property
    def is_hopeless(self) -> bool:
        """Whether the target is out of reach as far as the surrogates know."""
        return self.probability < HARDLY


def reach_of(
    knowledge: Knowledge,
    config: CampaignConfig,
    target: Target,
    *,
    n_worlds: int = N_WORLDS,
    first_world: int = 0,
) -> Reach:
    """How likely any recipe of the search space meets the target, and the best there is.

    Args:
        knowledge: Fitted surrogates.
        config: Search space and die.
        target: What is wanted.
        n_worlds: How many draws at most; fewer once it is clear that the target is in reach.
        first_world: Seed of the first; a plan with this seed lives through the same ones.

    Returns:
        Shares and best values.
    """
    pool = cell_pool(config) if target.is_of_cells else glass_pool(config, N_RECIPES)
    central = knowledge.trilayer.central(pool) if target.is_of_cells else None
    worlds = np.arange(first_world, first_world + n_worlds)
    found: list[dict[str, Array]] = []
    for some in np.array_split(worlds, max(1, n_worlds // WORLDS_AT_A_TIME)):
        found += Parallel()(
            delayed(_values)(knowledge, config, target, pool, central, [int(w) for w in part])
            for part in np.array_split(some, N_PARTS)
            if len(part)
        )
        values = {name: np.vstack([part[name] for part in found]) for name in target.properties}
        reach = _reach(target, values)
        if reach.n_within >= ENOUGH:
            break
    return reach


def _reach(target: Target, values: Mapping[str, Array]) -> Reach:
    """From values by property, shape (number of worlds, number of recipes)."""
    holds = [np.vectorize(c.holds, otypes=[bool])(values[c.property]) for c in target.conditions]
    met = np.logical_and.reduce(holds)
    best = []
    for condition, own in zip(target.conditions, holds, strict=True):
        value = values[condition.property]
        top = value.max(axis=1) if condition.is_least else value.min(axis=1)
        low, middle, high = np.quantile(top, [0.05, 0.5, 0.95])
        best.append(
            Best(
                property=condition.property,
                median=float(middle),
                lower=float(low),
                upper=float(high),
                wanted=condition.in_words(),
                probability=float(own.any(axis=1).mean()),
            )
        )
    return Reach(
        n_worlds=len(met),
        n_recipes=met.shape[1],
        n_within=int(met.any(axis=1).sum()),
        best=tuple(best),
    )


def glass_pool(config: CampaignConfig, n: int, seed: int = POOL_SEED) -> pd.DataFrame:
    """Recipes of pellets spread over the search space.

    Args:
        config: Search space, jars and die.
        n: How many.
        seed: Of the draws.

    Returns:
        One row a recipe, columns as the surrogates need.
    """
    rng, glasses = np.random.default_rng(seed), config.glasses
    media = [name for name, owned in glasses.jars_owned.items() if owned]
    return pd.DataFrame(
        {
            "x": _spread(glasses.x, n, rng),
            "milling_time_h": _spread(glasses.milling_time_h, n, rng),
            "milling_media": rng.choice(media, n),
            "milling_speed_rpm": _spread(glasses.milling_speed_rpm, n, rng),
            "pressing_pressure_mpa": np.minimum(
                _spread(glasses.pressing_pressure_mpa, n, rng), config.equipment.die_rating_mpa
            ),
        }
    )


def cell_pool(config: CampaignConfig) -> pd.DataFrame:
    """Cells spread over what glasses, masses and pressures are searched and the rules allow.

    Args:
        config: Search space, context and die.

    Returns:
        One row a cell, columns as the surrogates need; fewer if the rules allow few.
    """
    rng, cells = np.random.default_rng(POOL_SEED), config.cells
    limits = Limits(die_rating_mpa=config.equipment.die_rating_mpa)
    parts: list[pd.DataFrame] = []
    for attempt in range(_MOST_TRIES):
        sides = {
            side: glass_pool(config, N_RECIPES, seed=POOL_SEED + 2 * attempt + place)
            for place, side in enumerate(("core", "skin"))
        }
        columns: dict[str, Any] = {
            f"{side}_{name}": frame[name] for side, frame in sides.items() for name in _GLASS
        }
        pressure_mpa = _spread(cells.pressing_pressure_mpa, N_RECIPES, rng)
        drawn = pd.DataFrame(columns).assign(
            core_mass_mg=_spread(cells.core_mass_mg, N_RECIPES, rng),
            skin_mass_mg=_spread(cells.skin_mass_mg, N_RECIPES, rng),
            pressing_pressure_mpa=np.minimum(pressure_mpa, config.equipment.die_rating_mpa),
            precompaction_pressure_mpa=cells.precompaction_pressure_mpa,
            stack_pressure_mpa=cells.stack_pressure_mpa,
            temperature_c=cells.temperature_c,
        )
        parts.append(drawn.loc[allowed(drawn, limits)])
        if sum(map(len, parts)) >= N_RECIPES:
            break
    return pd.concat(parts, ignore_index=True).iloc[:N_RECIPES]


def _values(
    knowledge: Knowledge,
    config: CampaignConfig,
    target: Target,
    pool: pd.DataFrame,
    central: Array | None,
    worlds: list[int],
) -> dict[str, Array]:
    """By property of the target, shape (number of worlds, number of recipes)."""
    pellets = _cores(pool) if target.is_of_cells else pool
    pellets = pellets.assign(temperature_c=config.temperature_c)
    found: dict[str, list[Array]] = {name: [] for name in target.properties}
    for world in worlds:
        truth = world_of(knowledge, world)
        of_cells: Mapping[str, Array] = {}
        if target.is_of_cells:
            of_cells = truth.cells(pool, central)
        for name, rows in found.items():
            is_cell = property_of(name).carrier == "cell"
            rows.append(of_cells[name] if is_cell else truth.pellets(name, pellets))
    return {name: np.array(rows) for name, rows in found.items()}


def _cores(cells: pd.DataFrame) -> pd.DataFrame:
    """The core's glass of each cell, pressed as the cell is."""
    columns = {name: cells[f"core_{name}"] for name in _GLASS}
    return pd.DataFrame({**columns, "pressing_pressure_mpa": cells["pressing_pressure_mpa"]})


def _spread(parameter: Parameter, n: int, rng: np.random.Generator) -> Array:
    """Values of a parameter over its range, some of them at its ends."""
    low, high = extremes(parameter)
    if not isinstance(parameter, Range):
        return np.full(n, low)
    inside = low + (high - low) * rng.random(n)
    return np.where(rng.random(n) < END_SHARE, np.where(rng.random(n) < 0.5, low, high), inside)
