"""A campaign's glasses in one virtual world: start, noise, truth and what is reachable.

Everything is simulated. A seed gives a world with constants of its own, its laboratory's luck and
the first glasses; the k-th jar of a seed has the same luck and noise whatever is milled in it, so
that strategies are compared in pairs.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import product
from typing import Any, Final

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.stats import qmc

from experiments.config import BatchConfig, CampaignConfig, GlassConfig
from experiments.glass_batch import GlassProblem
from experiments.knowledge import GLASS_COLUMNS
from experiments.progress import objectives_of
from experiments.virtual_constants import WORLD_CONSTANTS, generator
from experiments.virtual_failures import cracked_probability, failure_probability
from experiments.virtual_lab import VirtualLab
from experiments.virtual_worlds import TEST_TEMPERATURE_C, World
from features.errors import SpaceError
from features.reading import parse_value
from features.recipe import GlassRecipe, PelletRecipe
from optimizer.cells import is_front
from optimizer.hypervolume import hypervolume
from optimizer.objectives import Objective, reference_utilities, utilities
from optimizer.parameters import Discrete

Array = NDArray[np.float64]
Row = dict[str, Any]

JARS: Final = 4
"""Glasses of a mill run."""

START_RUNS: Final = 2
"""Mill runs of the shared start."""

MEDIA: Final = ("stainless_steel", "zirconia", "agate")
"""Those a campaign owns jars of unless it says otherwise."""

SOUND_SHARE: Final = 0.5
"""A recipe counts as reachable if at least this share of its jars and pellets is sound."""


def campaign_config() -> CampaignConfig:
    """A campaign as shipped, except that no jar goes to a control or a replicate.

    Neither adds to the hypervolume of what was made, and the rival knows of neither. Of every
    medium a full mill run of jars is owned.
    """
    return CampaignConfig(
        name="worlds",
        glasses=GlassConfig(jars_owned=dict.fromkeys(MEDIA, JARS)),
        batch=BatchConfig(glasses=JARS, trilayers=0, controls=0, replicates=0),
    )


@dataclass(frozen=True)
class GlassWorld:
    """One world and its laboratory.

    Attributes:
        letter: A to G.
        seed: Of constants, luck and start; worlds of one law share none.
    """

    letter: str
    seed: int

    @cached_property
    def config(self) -> CampaignConfig:
        """What is searched, and for what."""
        return campaign_config()

    @cached_property
    def problem(self) -> GlassProblem:
        """The search space."""
        return GlassProblem.of(self.config)

    @cached_property
    def lab(self) -> VirtualLab:
        """Makes and measures."""
        own_seed = 10_000 * list(WORLD_CONSTANTS).index(self.letter) + self.seed
        return VirtualLab(World(self.letter, own_seed), own_seed)

    @property
    def names(self) -> tuple[str, ...]:
        """Ids of the objectives."""
        return tuple(self.config.glasses.objectives)

    @cached_property
    def objectives(self) -> list[Objective]:
        """Objectives with the catalogue's reference points."""
        return objectives_of(self.config.glasses.objectives)

    def start(self) -> pd.DataFrame:
        """The first glasses: a Sobol set of two mill runs, each of one milling time."""
        space = self.problem.space
        engine = qmc.Sobol(len(space.columns), rng=generator(self.lab.seed, "start"))
        unit = engine.random_base2(int(np.log2(JARS * START_RUNS)))
        rows = pd.DataFrame(
            {p.name: p.value_at(unit[:, j]) for j, p in enumerate(space.parameters)}
        ).assign(**self.problem.held)
        firsts = rows["milling_time_h"].to_numpy()[::JARS]
        return rows.assign(milling_time_h=np.repeat(firsts, JARS))[list(GLASS_COLUMNS)]

    def made(self, rows: pd.DataFrame, *, first: int) -> tuple[pd.DataFrame, pd.DataFrame]:
        """Mill, press and measure rows.

        Args:
            rows: Whole recipes.
            first: Number of the first jar; all luck follows from seed and number.

        Returns:
            Recipes with ``jar``, ``failure`` (empty: sound) and ``level`` of the failure, index
            specimen; and readings of the sound ones, physical units.
        """
        pellets: dict[str, Row] = {}
        readings: list[Row] = []
        for number, row in enumerate(_records(rows), first):
            recipe = _recipe(row)
            jar = self.lab.make_jar(f"J{number}", recipe.glass)
            pellet = self.lab.press(f"J{number}-P1", jar, recipe.pressing_pressure_mpa)
            level = "jar" if jar.failure else "pellet" if pellet.failure else ""
            failure = jar.failure or pellet.failure or ""
            pellets[pellet.id] = row | {"jar": jar.id, "failure": failure, "level": level}
            if not failure:
                readings += [self._reading(pellet, name) for name in self.names]
        columns = ["specimen", "property", "lower", "upper", "se", "temperature_c"]
        return pd.DataFrame.from_dict(pellets, orient="index"), pd.DataFrame(
            readings, columns=columns
        )

    def truth(self, rows: pd.DataFrame) -> Array:
        """True values of recipes followed to the letter, shape (n, m), physical units."""
        world = self.lab.world
        values = [
            [world.pellet_truth(_recipe(row), name) for name in self.names]
            for row in _records(rows)
        ]
        return np.array(values, dtype=float).reshape(len(rows), len(self.names))

    def volume(self, rows: pd.DataFrame) -> float:
        """Hypervolume of the true values of rows, at the catalogue's reference points."""
        return self._volume_of(self.truth(rows))

    @cached_property
    def reachable(self) -> float:
        """Hypervolume of all recipes of the grid of which most jars and pellets are sound."""
        world, space = self.lab.world, self.problem.space
        grids = {
            p.name: p.low + p.step * np.arange(p.n_values)
            for p in space.parameters
            if isinstance(p, Discrete)
        }
        pressures = [
            float(p)
            for p in grids["pressing_pressure_mpa"]
            if cracked_probability(world, float(p)) < SOUND_SHARE
        ]
        speed = self.problem.held["milling_speed_rpm"]
        kept = np.empty((0, len(self.names)))
        for media, x in product(MEDIA, grids["x"]):
            values = []
            for time_h in grids["milling_time_h"]:
                glass = GlassRecipe(float(x), float(time_h), media, speed)
                usual = PelletRecipe(glass, pressures[len(pressures) // 2])
                if failure_probability(world, usual) > SOUND_SHARE:
                    continue
                powder = world.powder(glass)
                values += [
                    (
                        world.ionic_conductivity_s_cm(powder, p, TEST_TEMPERATURE_C),
                        world.youngs_modulus_gpa(powder, p),
                        world.electronic_conductivity_s_cm(powder, p, TEST_TEMPERATURE_C),
                    )
                    for p in pressures
                ]
            if values:
                kept = self._front(np.vstack([kept, np.array(values)]))
        return self._volume_of(kept)

    def _front(self, values: Array) -> Array:
        gained = utilities(self.objectives, values)
        return np.asarray(values[is_front(gained[None], self._reference)[0]])

    def _volume_of(self, values: Array) -> float:
        if not len(values):
            return 0.0
        return hypervolume(utilities(self.objectives, values), self._reference)

    @cached_property
    def _reference(self) -> Array:
        reference = reference_utilities(self.objectives)
        if reference is None:
            raise SpaceError("glasses: the hypervolume needs a reference, got none; give one")
        return reference

    def _reading(self, pellet: Any, name: str) -> Row:
        measured = self.lab.measure(pellet, name)
        bounds = parse_value(measured.text, name, measured.unit)
        return {
            "specimen": pellet.id,
            "property": name,
            "lower": np.nan if bounds.lower is None else bounds.lower,
            "upper": np.nan if bounds.upper is None else bounds.upper,
            "se": np.nan if measured.se is None else measured.se,
            "temperature_c": TEST_TEMPERATURE_C,
        }


def _records(rows: pd.DataFrame) -> Sequence[Row]:
    return [{name: row[name] for name in GLASS_COLUMNS} for row in rows.to_dict("records")]


def _recipe(row: Mapping[str, Any]) -> PelletRecipe:
    glass = GlassRecipe(
        float(row["x"]),
        float(row["milling_time_h"]),
        str(row["milling_media"]),
        float(row["milling_speed_rpm"]),
    )
    return PelletRecipe(glass, float(row["pressing_pressure_mpa"]))
