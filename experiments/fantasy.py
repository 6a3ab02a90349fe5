"""A laboratory whose truth is drawn from a campaign's own surrogates, to plan in.

Nothing of the virtual lab is in it: what a recipe gives, how far readings scatter and what fails
is what the surrogates believe now, one draw of it. Each specimen's luck follows from the seed and
its id alone, so that two plans tried in one world meet the same luck.
"""

import hashlib
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, replace
from math import floor, log10
from typing import Any, Final, final

import numpy as np
import pandas as pd

from experiments.config import CampaignConfig
from experiments.knowledge import CELL_PROPERTIES, PELLET_PROPERTIES, Knowledge
from experiments.ledger import Ledger
from features.errors import ReadingError
from features.properties import property_of
from features.recipe import ROUTE_LIMIT_X, GlassRecipe, PelletRecipe, TrilayerRecipe
from models.drawn_truth import DrawnTruth
from models.feasibility import REASONS, FeasibilitySurrogate, Level
from models.told import READING

WEIGHING_SD_X: Final = 0.002
"""Of oxygen weighed in (assigned; domain notes 6.6)."""

CURRENT: Final = "critical_current_density"
METHOD: Final = "simulated: drawn from the surrogates"
DIGITS: Final = 4
"""Significant digits of a value: rounding is small against any error of a reading."""


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class FantasyJar:
    """A jar of powder (imagined).

    Attributes:
        id: Specimen id.
        recipe: What the laboratory was told to mill, oxygen as weighed.
        recovery: Share of the batch that came out.
        failure: Why it failed, or ``None``.
    """

    id: str
    recipe: GlassRecipe
    recovery: float
    failure: str | None

    @property
    def x(self) -> float:
        """Oxygen actually weighed in, dimensionless."""
        return self.recipe.x


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class FantasyPellet:
    """A pellet (imagined).

    Attributes:
        id: Specimen id.
        jar: Label of its jar.
        recipe: Oxygen as weighed.
        failure: Why it failed, or ``None``.
    """

    id: str
    jar: str
    recipe: PelletRecipe
    failure: str | None


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class FantasyCell:
    """A cell (imagined).

    Attributes:
        id: Specimen id.
        recipe: Oxygen of its layers as weighed.
        failure: Why it failed, or ``None``.
    """

    id: str
    recipe: TrilayerRecipe
    failure: str | None


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class FantasyReading:
    """A value as a laboratory would write it down (imagined).

    Attributes:
        text: The value in ``unit``, or a bound or range.
        unit: The catalogue's.
        temperature_c: Of the measurement, °C.
        se: Never stated: the surrogates' own error of a reading is in the value.
        n: One reading.
        method: Says that it is imagined.
    """

    text: str
    unit: str
    temperature_c: float
    se: float | None = None
    n: int = 1
    method: str = METHOD


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """What a campaign has made already: it does not fail when it is used again.

    Attributes:
        oxygen: By jar that is sound, x as weighed.
        pieces: Pellets and cells that were made.
    """

    oxygen: Mapping[str, float] = field(default_factory=dict)
    pieces: frozenset[str] = frozenset()

    @classmethod
    def of(cls, ledger: Ledger) -> "Standing":
        """What stands in a ledger now."""
        jars = ledger.jars()
        pieces = [frame.index[frame["status"] == "made"] for frame in _pieces(ledger)]
        sound = jars.loc[jars["status"] == "made", "x"].dropna()
        return cls(
            oxygen={str(jar): float(x) for jar, x in sound.items()},
            pieces=frozenset(str(name) for names in pieces for name in names),
        )


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class FantasyLab:
    """Makes and measures specimens of a world drawn from the surrogates.

    Failures follow one joint draw of the success surfaces of jars, pellets and cells; a specimen
    fails by its own luck against its recipe's chance there. Jars that stand already keep their
    oxygen, but not the part of their luck that their readings show: only new pellets of them
    would tell. A reading outside what the catalogue accepts is held at its limit.

    Attributes:
        truth: The world.
        seed: All luck of the specimens, not negative.
        config: Temperature, programme of critical currents, expected recovery.
        standing: What was made before the plan.

    Examples:
        >>> import tempfile
        >>> from pathlib import Path
        >>> from experiments.campaign import Campaign
        >>> with Campaign.create(Path(tempfile.mkdtemp()) / "first") as campaign:
        ...     lab = FantasyLab.drawn(campaign.knowledge(), campaign.config, seed=0)
        >>> jar = lab.make_jar("G1", GlassRecipe(0.15, 3, "stainless_steel"))
        >>> pellet = lab.press("G1-P1", jar, 450, 150)
        >>> lab.measure(pellet, "ionic_conductivity", 60).method
        'simulated: drawn from the surrogates'
    """

    truth: DrawnTruth
    seed: int
    config: CampaignConfig
    standing: Standing = field(default_factory=Standing)

    @classmethod
    def drawn(
        cls,
        knowledge: Knowledge,
        config: CampaignConfig,
        *,
        seed: int,
        standing: Standing | None = None,
    ) -> "FantasyLab":
        """A laboratory in one world of what the surrogates hold possible.

        Args:
            knowledge: Fitted surrogates.
            config: The campaign's configuration.
            seed: Of the world and of all luck in it; equal seeds give equal worlds.
            standing: What was made already; nothing when left out.

        Returns:
            The laboratory.
        """
        truth = world_of(knowledge, seed)
        return cls(truth=truth, seed=seed, config=config, standing=standing or Standing())

    @property
    def source(self) -> str:
        """Which world it is, for outputs."""
        return f"drawn from the surrogates, seed {self.seed}"

    def make_jar(self, jar_id: str, recipe: GlassRecipe) -> FantasyJar:
        """Weigh, mill and unload one glass.

        Args:
            jar_id: Specimen id; all luck of the jar follows from it.
            recipe: What to mill.

        Returns:
            The jar, failed or not; one that stands already as it is.
        """
        recovery = self.config.equipment.expected_recovery
        if jar_id in self.standing.oxygen:
            made = replace(recipe, x=self.standing.oxygen[jar_id])
            return FantasyJar(id=jar_id, recipe=made, recovery=recovery, failure=None)
        rng = _luck(self.seed, jar_id, "jar")
        x = float(np.clip(recipe.x + rng.normal(0, WEIGHING_SD_X), 0.0, ROUTE_LIMIT_X))
        made = replace(recipe, x=x)
        chance = self.truth.chance("jar", _frame(_glass(made)))[0]
        failure = None if rng.random() < chance else self._reason("jar")
        return FantasyJar(id=jar_id, recipe=made, recovery=recovery, failure=failure)

    def press(
        self, pellet_id: str, jar: FantasyJar, pressing_pressure_mpa: float, mass_mg: float
    ) -> FantasyPellet:
        """Press a pellet from a jar's powder.

        Args:
            pellet_id: Specimen id; all luck of the pellet follows from it.
            jar: Where the powder is from.
            pressing_pressure_mpa: Pressure, MPa.
            mass_mg: Mass, mg.

        Returns:
            The pellet, failed or not.

        Raises:
            RecipeError: If pressure or mass is impossible.
        """
        recipe = PelletRecipe(jar.recipe, pressing_pressure_mpa, mass_mg)
        failure = None
        if pellet_id not in self.standing.pieces:
            failure = self._pressing_failure(pellet_id, jar.recipe, pressing_pressure_mpa)
        return FantasyPellet(id=pellet_id, jar=jar.id, recipe=recipe, failure=failure)

    def measure(
        self,
        pellet: FantasyPellet,
        property: str,  # noqa: A002 - the name of the column it fills
        temperature_c: float,
    ) -> FantasyReading:
        """Measure one property of a pellet.

        Args:
            pellet: The pellet.
            property: Id from the catalogue.
            temperature_c: Temperature, °C.

        Returns:
            Truth, luck of jar and pellet, and an error of the reading as the surrogate knows them.

        Raises:
            ReadingError: If pellets do not carry the property.
        """
        entry, sd = property_of(property), self._scatter(property, PELLET_PROPERTIES)
        truth = self._pellet_truth(pellet.recipe, property, temperature_c)
        luck = {
            "jar": _luck(self.seed, pellet.jar, property),
            "pellet": _luck(self.seed, pellet.id, property),
            READING: _luck(self.seed, pellet.id, property, f"{temperature_c:g}"),
        }
        off = sum(sd[level] * rng.normal() for level, rng in luck.items())
        value = float(entry.from_scale(entry.to_scale(truth) + off))
        return FantasyReading(
            text=_text(_accepted(value, property)), unit=entry.unit, temperature_c=temperature_c
        )

    def make_cell(
        self, cell_id: str, core: FantasyJar, skin: FantasyJar, recipe: TrilayerRecipe
    ) -> FantasyCell:
        """Press core and skins together and put the cell under its stack pressure.

        Args:
            cell_id: Specimen id; all luck of the cell follows from it.
            core: Jar of the core.
            skin: Jar of both skins.
            recipe: Masses, pressures and temperature.

        Returns:
            The cell, failed or not: a layer that cracks, or a short.
        """
        made = replace(recipe, core=core.recipe, skin=skin.recipe)
        failure = None
        if cell_id not in self.standing.pieces:
            failure = self._cell_failure(cell_id, made)
        return FantasyCell(id=cell_id, recipe=made, failure=failure)

    def measure_cell(
        self,
        cell: FantasyCell,
        property: str,  # noqa: A002 - the name of the column it fills
    ) -> FantasyReading:
        """Measure one property of a cell at its recipe's temperature.

        Args:
            cell: The cell.
            property: ``critical_current_density`` or ``area_specific_resistance``.

        Returns:
            The value; of a critical current the last step passed and the first failed, or a bound
            where the programme of ``campaign.yaml`` ends.

        Raises:
            ReadingError: If cells do not carry the property.
        """
        entry, sd = property_of(property), self._scatter(property, CELL_PROPERTIES)
        truth = self.cell_truth(cell.recipe, property)
        off = sum(sd[level] * _luck(self.seed, cell.id, property, level).normal() for level in sd)
        value = float(entry.from_scale(entry.to_scale(truth) + off))
        text = self._stepped(value) if property == CURRENT else _text(_accepted(value, property))
        return FantasyReading(text=text, unit=entry.unit, temperature_c=cell.recipe.temperature_c)

    def pellet_truth(self, recipe: PelletRecipe, property: str) -> float:  # noqa: A002
        """True value of a pellet at the campaign's temperature, without scatter.

        Args:
            recipe: Followed to the letter.
            property: Id from the catalogue.

        Returns:
            Physical units.

        Raises:
            ReadingError: If pellets do not carry the property.
        """
        self._scatter(property, PELLET_PROPERTIES)
        return self._pellet_truth(recipe, property, self.config.temperature_c)

    def cell_truth(self, recipe: TrilayerRecipe, property: str) -> float:  # noqa: A002
        """True value of a cell, without scatter.

        Args:
            recipe: Followed to the letter.
            property: ``critical_current_density`` or ``area_specific_resistance``.

        Returns:
            Physical units.

        Raises:
            ReadingError: If cells do not carry the property.
        """
        self._scatter(property, CELL_PROPERTIES)
        return float(self.truth.cells(_frame(_cell(recipe)))[property][0])

    def _pellet_truth(self, recipe: PelletRecipe, name: str, temperature_c: float) -> float:
        row = _glass(recipe.glass) | {
            "pressing_pressure_mpa": recipe.pressing_pressure_mpa,
            "temperature_c": temperature_c,
        }
        return float(self.truth.pellets(name, _frame(row))[0])

    def _scatter(self, name: str, known: tuple[str, ...]) -> Mapping[str, float]:
        if name not in known:
            raise ReadingError(
                f"a laboratory drawn from surrogates measures what they model, {', '.join(known)}, "
                f"here, got {name!r}; measure one of these"
            )
        return self.truth.scatter(name)

    def _pressing_failure(
        self, piece: str, glass: GlassRecipe, pressing_pressure_mpa: float
    ) -> str | None:
        row = _glass(glass) | {"pressing_pressure_mpa": pressing_pressure_mpa}
        chance = self.truth.chance("pellet", _frame(row))[0]
        sound = _luck(self.seed, piece, "press").random() < chance
        return None if sound else self._reason("pellet")

    def _cell_failure(self, cell_id: str, recipe: TrilayerRecipe) -> str | None:
        for side, glass in (("core", recipe.core), ("skin", recipe.skin)):
            failure = self._pressing_failure(
                f"{cell_id}/{side}", glass, recipe.pressing_pressure_mpa
            )
            if failure is not None:
                return failure
        chance = self.truth.chance("cell", _frame(_cell(recipe)))[0]
        sound = _luck(self.seed, cell_id, "assembly").random() < chance
        return None if sound else self._reason("cell")

    def _reason(self, level: Level) -> str:
        """The reason seen most often so far; the surrogates do not tell reasons apart."""
        surrogate: FeasibilitySurrogate = getattr(self.truth.feasibility, level)
        return max(REASONS[level], key=lambda reason: surrogate.failed.get(reason, 0))

    def _stepped(self, value: float) -> str:
        """What a programme of steps says of a threshold, mA/cm2."""
        programme = self.config.cells.ccd_protocol
        start, step, end = programme.start_ma_cm2, programme.step_ma_cm2, programme.end_ma_cm2
        passed = floor((value - start) / step + 1e-9)
        if passed < 0:
            return f"<{start:g}"
        if start + passed * step >= end - 1e-9:
            return f">{end:g}"
        last, first = start + passed * step, min(start + (passed + 1) * step, end)
        return f"{last:.6g}..{first:.6g}"


def world_of(knowledge: Knowledge, seed: int) -> DrawnTruth:
    """The truth of a world, without anybody to measure it.

    Args:
        knowledge: Fitted surrogates.
        seed: Equal seeds give equal worlds.
    """
    return DrawnTruth.of(knowledge.trilayer, knowledge.feasibility, _luck(seed, "world"))


def _luck(seed: int, *labels: str) -> np.random.Generator:
    """A generator that depends on seed and labels, never on the order of calls."""
    digest = hashlib.sha256("\x1f".join(labels).encode()).digest()
    return np.random.default_rng([seed, int.from_bytes(digest)])


def _pieces(ledger: Ledger) -> tuple[pd.DataFrame, pd.DataFrame]:
    return ledger.pellets(), ledger.cells()


def _glass(recipe: GlassRecipe) -> dict[str, Any]:
    return asdict(recipe)


def _cell(recipe: TrilayerRecipe) -> dict[str, Any]:
    row = {k: v for k, v in asdict(recipe).items() if k not in ("core", "skin")}
    for side, glass in (("core", recipe.core), ("skin", recipe.skin)):
        row |= {f"{side}_{name}": value for name, value in _glass(glass).items()}
    return row


def _frame(row: Mapping[str, Any]) -> pd.DataFrame:
    return pd.DataFrame([dict(row)])


def _accepted(value: float, property_id: str) -> float:
    """Held within what the catalogue accepts, with room for rounding."""
    low, high = property_of(property_id).reject
    return min(max(value, low * 1.001), high * 0.999)


def _text(value: float) -> str:
    """Significant digits; powers of ten only where a chemist would write them."""
    if 1e-3 <= abs(value) < 1e6:
        return f"{value:.{max(0, DIGITS - 1 - floor(log10(abs(value))))}f}"
    return f"{value:.{DIGITS - 1}e}"
