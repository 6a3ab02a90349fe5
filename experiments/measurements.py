"""Which measurement next: options ranked by the hypervolume they are expected to add an hour."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import pandas as pd

from experiments.config import CampaignConfig
from experiments.glass_batch import propose_glasses
from experiments.knowledge import GLASS_COLUMNS, Knowledge, sound_cells, sound_pellets
from experiments.ledger import Ledger
from experiments.measurement_options import (
    Option,
    bounds_not_repeated,
    cell_frames,
    cell_readings,
    pellet_readings,
    planned_cell,
    planned_glass,
    planned_pellets,
)
from experiments.measurement_words import assumptions_of, ranking_in_words
from experiments.pellet_belief import PelletBelief
from experiments.progress import HYPERVOLUME_SEED, objectives_of
from experiments.round_plan import next_number
from features.errors import SpaceError
from features.properties import property_of
from optimizer.drawn_rise import drawn_rise
from optimizer.knowledge_gradient import Counted, Rise, expected_rise
from optimizer.objectives import utilities

N_DRAWS: Final = 1024
"""Joint draws of the cells; more would change the third digit."""

NEW: Final = "new glass"


@dataclass(frozen=True, slots=True, kw_only=True)
class Measurement:
    """An option and what it is worth.

    Attributes:
        option: What is read, of what, at which price.
        rise: Expected rise of the hypervolume of posterior means, times the chance of success.
        rise_se: Standard error of the numbers behind it.
    """

    option: Option
    rise: float
    rise_se: float

    @classmethod
    def of(cls, option: Option, rise: Rise) -> "Measurement":
        """An option with the rise it brings if it succeeds."""
        return cls(
            option=option, rise=option.success * rise.value, rise_se=option.success * rise.se
        )

    @property
    def rise_per_hour(self) -> float:
        """What the options are ranked by."""
        return self.rise / self.option.hours

    def to_dict(self) -> dict[str, Any]:
        """Plain JSON types."""
        worth = {"rise": self.rise, "rise_se": self.rise_se, "rise_per_hour": self.rise_per_hour}
        return {**self.option.to_dict(), **worth}


@dataclass(frozen=True, slots=True, kw_only=True)
class Ranking:
    """All options, the most worth an hour first.

    Attributes:
        campaign: Its name.
        simulated: Whether it learned from the virtual lab.
        measurements: The options with their worth.
        assumptions: What the numbers rest on, a sentence each.
        in_words: What it comes to, a sentence each.
    """

    campaign: str
    simulated: bool
    measurements: tuple[Measurement, ...]
    assumptions: tuple[str, ...]
    in_words: tuple[str, ...]

    def to_dict(self) -> dict[str, Any]:
        """The object ``propose --measure --json`` prints."""
        return {
            "campaign": self.campaign,
            "simulated": self.simulated,
            "measurements": [row.to_dict() for row in self.measurements],
            "assumptions": list(self.assumptions),
            "in_words": list(self.in_words),
        }


def rank_measurements(ledger: Ledger, config: CampaignConfig, knowledge: Knowledge) -> Ranking:
    """Every reading that could be taken, beside new specimens; writes nothing.

    Args:
        ledger: The rounds that are open.
        config: Objectives, costs and search space.
        knowledge: Specimens and fitted surrogates.

    Returns:
        The ranking; ties in the order of specimens.

    Raises:
        SpaceError: If an objective has no reference.
    """
    readings = pellet_readings(knowledge, config)
    glasses = _new_glasses(ledger, config, knowledge)
    rows = _glass_rises(config, knowledge, readings, glasses)
    rows += _cell_rises(config, knowledge)
    rows.sort(key=lambda row: (-row.rise_per_hour, row.option.specimen, row.option.properties))
    return Ranking(
        campaign=config.name,
        simulated=ledger.kind == "simulated",
        measurements=tuple(rows),
        assumptions=assumptions_of(
            config,
            [row.option for row in rows],
            bounds=bounds_not_repeated(knowledge, config),
        ),
        in_words=ranking_in_words([(row.option, row.rise, row.rise_se) for row in rows]),
    )


def _new_glasses(ledger: Ledger, config: CampaignConfig, knowledge: Knowledge) -> pd.DataFrame:
    """Planned pellets with recipe, jar and ``jars`` sharing the mill; else the best new one."""
    number = next_number(ledger)  # refuses a ledger that lost a round
    planned = planned_pellets(knowledge)
    if len(planned):
        in_mill = planned["jar"].where(planned["jar_status"] == "planned")
        shared = in_mill.groupby(planned["round_id"]).transform("nunique")
        return planned.assign(jars=np.where(in_mill.notna(), shared, 0))
    rng = np.random.default_rng([config.seed, number])
    try:
        batch = propose_glasses(knowledge, config, q=1, wants_skin=False, rng=rng)
    except SpaceError:  # everything the space holds was made: then there is nothing new to rank
        return planned.assign(jars=0)
    new = pd.DataFrame([dict(batch.glasses[0].recipe)], index=[NEW])
    return new.assign(jar=NEW, jars=config.batch.glasses)


def _glass_rises(
    config: CampaignConfig,
    knowledge: Knowledge,
    readings: Sequence[Option],
    glasses: pd.DataFrame,
) -> list[Measurement]:
    made = sound_pellets(knowledge.pellets)
    columns = [*GLASS_COLUMNS, "jar"]
    belief = PelletBelief.of(
        knowledge, config, pd.concat([made[columns], glasses[columns]]).infer_objects()
    )
    counted, means, n = Counted.of(belief.objectives), belief.means, len(made)
    rows = []
    for option in readings:
        shifts = belief.shifts(option.specimen, option.properties)[:, :n]
        rows.append(Measurement.of(option, expected_rise(means[:n], shifts, counted)))
    if glasses.empty:
        return rows
    success = knowledge.feasibility.glass_success(glasses[list(GLASS_COLUMNS)])["probability"]
    for position, (name, row) in enumerate(glasses.iterrows()):
        option = planned_glass(
            config,
            "" if name == NEW else str(name),
            row.to_dict(),
            jars=int(row["jars"]),
            success=float(success.iloc[position]),
        )
        among = [*range(n), n + position]
        shifts = belief.shifts(str(name), option.properties)[:, among]
        already = np.arange(n + 1) < n
        rise = expected_rise(means[among], shifts, counted, made=already)
        rows.append(Measurement.of(option, rise))
    return rows


def _cell_rises(config: CampaignConfig, knowledge: Knowledge) -> list[Measurement]:
    built, planned = cell_frames(knowledge, config)
    if built.empty and planned.empty:
        return []
    names = tuple(config.cells.objectives)
    objectives = objectives_of(config.cells.objectives)
    counted = Counted.of(objectives)
    made = sound_cells(knowledge.cells)
    everything = pd.concat([made, planned]) if len(made) else planned
    rng = np.random.default_rng(HYPERVOLUME_SEED)
    draws = utilities(objectives, knowledge.draw_cells(everything, names, N_DRAWS, rng))
    noise = _cell_noise(knowledge)
    width = {objective.name: objective.width for objective in objectives}
    place = {str(name): position for position, name in enumerate(everything.index)}

    def worth(option: Option) -> Measurement:
        rows = [*range(len(made))]
        if option.specimen not in made.index:
            rows.append(place[option.specimen])
        readings = [(rows.index(place[option.specimen]), names.index(p)) for p in option.properties]
        sd = [noise[name] / width[name] for name in option.properties]
        already = np.array([everything.index[row] in made.index for row in rows], dtype=bool)
        return Measurement.of(option, drawn_rise(draws[:, rows], readings, sd, counted, already))

    options = list(cell_readings(knowledge, config, built))
    if len(planned):
        jars = {*planned["core"], *planned["skin"]}
        success = knowledge.feasibility.cell_success(planned, sound=jars)["probability"]
        options += [
            planned_cell(config, str(name), row.to_dict(), success=float(chance))
            for (name, row), chance in zip(planned.iterrows(), success, strict=True)
        ]
    return [worth(option) for option in options]


def _cell_noise(knowledge: Knowledge) -> Mapping[str, float]:
    """Standard deviation of a new reading about the recipe's value, by property, on its scale."""
    levels = knowledge.trilayer.scatter()
    current = float(np.sqrt(sum(level.sd**2 for level in levels)))
    resistance = property_of("area_specific_resistance").noise_sd
    return {"critical_current_density": current, "area_specific_resistance": resistance}
