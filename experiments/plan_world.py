"""One campaign lived through in one imagined world, in a copy of the ledger that is thrown away."""

import csv
import io
import tempfile
from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Literal, final

import pandas as pd

from experiments.campaign import Campaign
from experiments.clock import WEEK_H
from experiments.closed_loop import LATE, run_loop
from experiments.config import CampaignConfig, write_config
from experiments.csv_files import csv_text
from experiments.fantasy import FantasyCell, FantasyLab, FantasyPellet, Standing
from experiments.ledger import Ledger
from experiments.made_recipes import TrueValues, cell_recipes, pellet_recipes
from experiments.plan_options import PlanOption
from experiments.round_folder import MADE_COLUMNS, RESULT_COLUMNS
from experiments.round_plan import JAR_COLUMNS
from experiments.simulation import VirtualChemist
from experiments.storage import LEDGER_NAME
from experiments.targets import Target
from experiments.undecided import undecided
from features.recipe import GlassRecipe
from features.stoichiometry import Assays

Ending = Literal["target", "rounds", "budget", "nothing left"]

LEFT_H: Final = 1e-9
"""Rounding of hours."""


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class Snapshot:
    """A campaign as it stands, to be imagined on; it can be sent to another computer.

    Attributes:
        ledger: Bytes of a simulated copy of its ledger.
        config: Its configuration.
    """

    ledger: bytes
    config: CampaignConfig

    @classmethod
    def of(cls, ledger: Ledger, config: CampaignConfig) -> "Snapshot":
        """The campaign now; nothing in it changes."""
        with tempfile.TemporaryDirectory(prefix="glassloop-plan-") as folder:
            copy = Path(folder) / LEDGER_NAME
            ledger.fantasy_copy(copy)
            alone = config.model_copy(update={"database": None})
            return cls(ledger=copy.read_bytes(), config=alone)

    def unpacked(self, folder: Path, option: PlanOption) -> Campaign:
        """The copy as an open campaign that goes on by an option.

        Args:
            folder: Empty; whoever made it deletes it.
            option: Its measurements.
        """
        (folder / LEDGER_NAME).write_bytes(self.ledger)
        write_config(option.applied(self.config), folder)
        return Campaign.open(folder, pictures=False)


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class PlannedRound:
    """A round of an imagined campaign, all before it included.

    Attributes:
        hours: Work of hands so far, h.
        weeks: Time since the first morning, weeks.
        pellets: Test pellets pressed so far.
        cells: Cells built so far.
        met: Whether a sound specimen made so far truly meets the target.
    """

    hours: float
    weeks: float
    pellets: int
    cells: int
    met: bool


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """An imagined campaign.

    Attributes:
        world: Seed of the world.
        option: Position of the option.
        met_before: Whether what stands already, open rounds included, truly meets the target.
        rounds: Rounds made, up to the one that met the target.
        ended: Why it went no further.
    """

    world: int
    option: int
    met_before: bool
    rounds: tuple[PlannedRound, ...]
    ended: Ending

    @property
    def met_at(self) -> int | None:
        """Round that met the target, 0 for what stands already; ``None`` if none did."""
        if self.met_before:
            return 0
        return len(self.rounds) if self.ended == "target" else None

    @property
    def hours(self) -> float:
        """Work of hands until it ended, h."""
        return self.rounds[-1].hours if self.rounds else 0.0


def lived_through(
    snapshot: Snapshot,
    option: PlanOption,
    target: Target,
    *,
    world: int,
    position: int = 0,
    rounds: int,
    budget_h: float,
    late: Collection[str] = LATE,
) -> Run:
    """An imagined campaign from now on until the target, the last round or the last hour.

    A round is begun only if its work, were nothing to fail, still fits the budget. Rounds that
    stand open now are finished first; their hours are not counted.

    Args:
        snapshot: The campaign now.
        option: How it goes on.
        target: What ends it.
        world: Seed of the imagined world; equal seeds are the same world in every option.
        position: Of the option, for the result.
        rounds: The most there are.
        budget_h: Work of hands there is, h.
        late: Properties whose results come a round later.

    Returns:
        What happened.
    """
    with (
        tempfile.TemporaryDirectory(prefix="glassloop-plan-") as folder,
        snapshot.unpacked(Path(folder), option) as campaign,
    ):
        laboratory = FantasyLab.drawn(
            campaign.knowledge(), campaign.config, seed=world, standing=Standing.of(campaign.ledger)
        )
        finish_open_rounds(campaign, laboratory)
        watch = _Watch(campaign.ledger, target, TrueValues(laboratory))
        done: list[PlannedRound] = []
        met_before = watch.is_met()
        ended: Ending = "target" if met_before else "nothing left"
        full_h = option.round_hours(campaign.config)
        loop = run_loop(
            campaign, laboratory, rounds=0 if met_before else rounds, glasses=option.glasses,
            trilayers=option.trilayers, late=late, without=option.without,
        )  # fmt: skip
        for step in loop:
            hours = (done[-1].hours if done else 0.0) + step.hands_on_h
            done.append(watch.seen(hours, step.ends_h / WEEK_H))
            if done[-1].met:
                ended = "target"
            elif step.number == rounds:
                ended = "rounds"
            elif hours + full_h > budget_h + LEFT_H:
                ended = "budget"
            else:
                continue
            break
        return Run(
            world=world, option=position, met_before=met_before, rounds=tuple(done), ended=ended
        )


def finish_open_rounds(campaign: Campaign, laboratory: FantasyLab) -> list[str]:
    """Make and measure what open rounds still wait for; what is recorded stays as it is.

    Args:
        campaign: A copy of a campaign.
        laboratory: Where it is made.

    Returns:
        The rounds.
    """
    waiting = campaign.open_rounds()
    for round_id in waiting:
        campaign.show(round_id)
        folder = campaign.round_folder(round_id)
        made, results = folder / "made.csv", folder / "results.csv"
        _fill_made(campaign, laboratory, made)
        asked = results.read_text()
        results.write_text(csv_text(RESULT_COLUMNS, []))
        campaign.record(made, results)
        results.write_text(_filled_results(campaign.ledger, laboratory, round_id, asked))
        campaign.record(made, results)
    return waiting


def _fill_made(campaign: Campaign, laboratory: FantasyLab, made: Path) -> None:
    """Only what nobody has told of yet."""
    ledger, config = campaign.ledger, campaign.config
    frames = (ledger.jars(), ledger.pellets(), ledger.cells())
    planned = {str(n) for frame in frames for n in frame.index[frame["status"] == "planned"]}
    rows = [row for row in csv.DictReader(io.StringIO(made.read_text()))
            if row["specimen"] in planned]  # fmt: skip
    assays = Assays(**config.assays.model_dump())
    chemist = VirtualChemist(laboratory, lambda jar: _recipe(ledger, jar), assays)
    text = csv_text(MADE_COLUMNS, [row | {"status": ""} for row in rows])
    made.write_text(chemist.fill_made(text, config.glasses.batch_mass_g))


def _filled_results(ledger: Ledger, laboratory: FantasyLab, round_id: str, asked: str) -> str:
    """Values of what the round still waits for, as CSV."""
    waits = set(undecided(ledger, round_id))
    jar_of = ledger.pellets()["jar"]
    pellets, cells = pellet_recipes(ledger), cell_recipes(ledger)
    rows = []
    for row in csv.DictReader(io.StringIO(asked)):
        specimen, name = row["specimen"], row["property"]
        if f"{name} of {specimen}" not in waits:
            continue
        if specimen in cells:
            cell = FantasyCell(id=specimen, recipe=cells[specimen], failure=None)
            reading = laboratory.measure_cell(cell, name)
        else:
            pellet = FantasyPellet(
                id=specimen, jar=str(jar_of[specimen]), recipe=pellets[specimen], failure=None
            )
            reading = laboratory.measure(pellet, name, float(row["temperature_c"]))
        rows.append(
            row
            | {
                "value": reading.text,
                "unit": reading.unit,
                "n": str(reading.n),
                "temperature_c": f"{reading.temperature_c:g}",
                "method": reading.method,
            }
        )
    return csv_text(RESULT_COLUMNS, rows)


def _recipe(ledger: Ledger, jar: str) -> GlassRecipe:
    made = ledger.jar(jar)
    return GlassRecipe(**{name: getattr(made, name) for name in JAR_COLUMNS})


class _Watch:
    """Looks after each round what there is, and whether it meets the target."""

    def __init__(self, ledger: Ledger, target: Target, truth: TrueValues) -> None:
        self._ledger, self._target, self._truth = ledger, target, truth
        self._before = {name: _n_made(frame) for name, frame in self._frames().items()}

    def is_met(self) -> bool:
        """Whether a sound specimen of this campaign truly meets the target."""
        of = self._truth.of_cells if self._target.is_of_cells else self._truth.of_pellets
        values = of(self._ledger, self._target.properties)
        return any(self._target.is_met(value) for value in values.values())

    def seen(self, hours: float, weeks: float) -> PlannedRound:
        """What there is now; specimens from before the plan are not counted."""
        made = {name: _n_made(f) - self._before[name] for name, f in self._frames().items()}
        return PlannedRound(
            hours=hours,
            weeks=weeks,
            pellets=made["pellets"],
            cells=made["cells"],
            met=self.is_met(),
        )

    def _frames(self) -> dict[str, pd.DataFrame]:
        return {"pellets": self._ledger.pellets(), "cells": self._ledger.cells()}


def _n_made(frame: pd.DataFrame) -> int:
    return int(frame["status"].isin(["made", "failed"]).sum())
