"""A virtual laboratory: makes and measures what a recipe says. Everything in it is invented.

It lets optimisers, planners and screens be tried without a glovebox. All constants are made up
for simulation (domain notes 6); whatever it yields is marked ``simulated`` and must never be
shown or stored as a measurement. Nothing in ``features`` or ``models`` may import it.

Each specimen's luck follows from the laboratory's seed and the specimen's id alone: the order of
calls does not matter, the same call gives the same answer, and a specimen of the same id has the
same luck in every world and for every recipe (so that strategies can be compared pairwise).
"""

from dataclasses import dataclass, field, replace
from typing import Final, final

import numpy as np

from experiments.virtual_cells import (
    Layer,
    Stack,
    area_specific_resistance_ohm_cm2,
    cell_truth,
    critical_current_density_ma_cm2,
    layer,
)
from experiments.virtual_constants import generator
from experiments.virtual_failures import (
    Failure,
    cracked_probability,
    crystallised_probability,
    short_probability,
    unreacted_probability,
)
from experiments.virtual_measurement import (
    InstrumentReading,
    cell_resistance_reading,
    critical_current_reading,
    density_reading,
    electronic_floor_s_cm,
    electronic_reading,
    ionic_reading,
    modulus_reading,
    transfer_reading,
)
from experiments.virtual_specimens import Measurement, VirtualCell, VirtualJar, VirtualPellet
from experiments.virtual_worlds import TEST_TEMPERATURE_C, Powder, World
from features.errors import ReadingError, RecipeError
from features.properties import property_of
from features.reading import CcdProtocol
from features.recipe import ROUTE_LIMIT_X, GlassRecipe, PelletRecipe, TrilayerRecipe

WEIGHING_SD_X: Final = 0.002
BATCH_LN_IONIC_SD: Final = 0.12
BATCH_MODULUS_SD: Final = 0.04
BATCH_LOG10_ELECTRONIC_SD: Final = 0.15
PELLET_LN_IONIC_SD: Final = 0.08
RECOVERY: Final = (0.80, 0.95)
ROOM_TEMPERATURE_C: Final = 25.0
SAME_GLASS_X: Final = 0.02
"""Two recipes further apart in x than ten weighing errors are not the same glass."""


@final
@dataclass(frozen=True, slots=True)
class VirtualLab:
    """Makes and measures specimens of an invented world.

    Attributes:
        world: The truth.
        seed: All luck of this laboratory, not negative.
        smallest_current_na: Of the channel for electronic conductivity, nA.
        protocol: Programme of critical current tests; the stack pressure is the cell's own.

    Examples:
        >>> lab = VirtualLab(World("A"), seed=0)
        >>> jar = lab.make_jar("G1", GlassRecipe(0.15, 3, "stainless_steel"))
        >>> pellet = lab.press("G1-P1", jar, pressing_pressure_mpa=450, mass_mg=150)
        >>> lab.measure(pellet, "ionic_conductivity").method
        'simulated impedance'
    """

    world: World
    seed: int = 0
    smallest_current_na: float = 0.1
    protocol: CcdProtocol = field(default_factory=CcdProtocol)

    @property
    def source(self) -> str:
        """Which simulation it is, for outputs."""
        return f"{self.world.label}, laboratory seed {self.seed}"

    def pellet_truth(self, recipe: PelletRecipe, property: str) -> float:  # noqa: A002
        """True value at 60 °C of a pellet followed to the letter, see ``World.pellet_truth``."""
        return self.world.pellet_truth(recipe, property)

    def cell_truth(self, recipe: TrilayerRecipe, property: str) -> float:  # noqa: A002
        """True value of a cell followed to the letter, see ``virtual_cells.cell_truth``."""
        return cell_truth(self.world, recipe, property)

    def make_jar(
        self, jar_id: str, recipe: GlassRecipe, *, relative_ball_load: float = 1.0
    ) -> VirtualJar:
        """Weigh, mill and unload one glass.

        Args:
            jar_id: Specimen id; all luck of the jar follows from it.
            recipe: What to mill.
            relative_ball_load: Ball load over that of the reference set, dimensionless.

        Returns:
            The jar, failed or not.
        """
        rng = generator(self.seed, jar_id, "jar")
        x = float(np.clip(recipe.x + rng.normal(0, WEIGHING_SD_X), 0.0, ROUTE_LIMIT_X))
        powder = self.world.powder(replace(recipe, x=x), relative_ball_load=relative_ball_load)
        return VirtualJar(
            id=jar_id,
            recipe=recipe,
            powder=powder,
            ln_ionic=rng.normal(0, BATCH_LN_IONIC_SD),
            relative_modulus=1 + rng.normal(0, BATCH_MODULUS_SD),
            log10_electronic=rng.normal(0, BATCH_LOG10_ELECTRONIC_SD),
            recovery=rng.uniform(*RECOVERY),
            failure=self._jar_failure(powder, rng),
            source=self.source,
        )

    def press(
        self,
        pellet_id: str,
        jar: VirtualJar,
        pressing_pressure_mpa: float,
        mass_mg: float = 150.0,
    ) -> VirtualPellet:
        """Press a pellet from a jar's powder.

        Args:
            pellet_id: Specimen id; all luck of the pellet follows from it.
            jar: Where the powder is from; a failed one presses like any other.
            pressing_pressure_mpa: Pressure, MPa.
            mass_mg: Mass, mg.

        Returns:
            The pellet, cracked or not.

        Raises:
            RecipeError: If pressure or mass is impossible.
        """
        PelletRecipe(jar.recipe, pressing_pressure_mpa, mass_mg)  # refuses what no die can do
        chance = cracked_probability(self.world, pressing_pressure_mpa)
        cracked = generator(self.seed, pellet_id, "press").random() < chance
        return VirtualPellet(
            id=pellet_id,
            jar=jar,
            pressing_pressure_mpa=pressing_pressure_mpa,
            mass_mg=mass_mg,
            failure="cracked" if cracked else None,
        )

    def measure(
        self,
        pellet: VirtualPellet,
        property: str,  # noqa: A002 - the name of the column it fills
        temperature_c: float = TEST_TEMPERATURE_C,
    ) -> Measurement:
        """Measure one property of a pellet; a failed one gives a biased value.

        Args:
            pellet: The pellet.
            property: Id from the catalogue.
            temperature_c: Temperature, °C; density and modulus are taken at room temperature.

        Returns:
            The measurement; repeating the call repeats the very same measurement.

        Raises:
            ReadingError: If pellets do not carry the property.
        """
        jar = pellet.jar
        own = self._own_layer(
            jar, pellet.id, pellet.mass_mg, pellet.pressing_pressure_mpa, temperature_c
        )
        rng = generator(self.seed, pellet.id, property, f"{temperature_c:g}")
        if property in {"relative_density", "youngs_modulus"}:
            temperature_c = ROOM_TEMPERATURE_C
        match property:
            case "relative_density":
                reading = density_reading(own.relative_density, rng)
            case "ionic_conductivity":
                reading = ionic_reading(own.ionic_conductivity_s_cm, own.thickness_um, rng)
            case "youngs_modulus":
                truth = self.world.youngs_modulus_gpa(jar.powder, pellet.pressing_pressure_mpa)
                reading = modulus_reading(truth * jar.relative_modulus, own.relative_density, rng)
            case "electronic_conductivity":
                floor = electronic_floor_s_cm(self.smallest_current_na, own.thickness_um)
                reading = electronic_reading(own.electronic_conductivity_s_cm, floor, rng)
            case "charge_transfer_resistance":
                truth = self.world.charge_transfer_ohm_cm2(own.x, temperature_c)
                reading = transfer_reading(truth, rng)
            case _:
                raise ReadingError(
                    "a virtual pellet carries relative_density, ionic_conductivity, "
                    "youngs_modulus, electronic_conductivity and charge_transfer_resistance, "
                    f"got {property!r} (pellet {pellet.id}); measure one of these"
                )
        failure = pellet.failure or jar.failure
        return self._measurement(pellet.id, property, reading, temperature_c, failure)

    def make_cell(
        self, cell_id: str, core: VirtualJar, skin: VirtualJar, recipe: TrilayerRecipe
    ) -> VirtualCell:
        """Press core and skins together and put the cell under its stack pressure.

        Args:
            cell_id: Specimen id; all luck of the cell follows from it.
            core: Jar of the core.
            skin: Jar of both skins.
            recipe: Masses, pressures and temperature; its glasses must be those of the jars.

        Returns:
            The cell, shorted or not.

        Raises:
            RecipeError: If a jar does not hold the glass the recipe asks for.
        """
        _require_same_glass("core", cell_id, core, recipe.core)
        _require_same_glass("skin", cell_id, skin, recipe.skin)
        chance = short_probability(self.world, recipe.stack_pressure_mpa)
        shorted = generator(self.seed, cell_id, "assembly").random() < chance
        return VirtualCell(
            id=cell_id,
            core=core,
            skin=skin,
            recipe=recipe,
            failure="short" if shorted else None,
        )

    def measure_cell(
        self,
        cell: VirtualCell,
        property: str,  # noqa: A002 - the name of the column it fills
    ) -> Measurement:
        """Measure one property of a cell at the recipe's temperature.

        A shorted cell has no threshold and no resistance: its readings are upper bounds, unless
        a soft short is misread as a first step passed.

        Args:
            cell: The cell.
            property: ``critical_current_density`` or ``area_specific_resistance``.

        Returns:
            The measurement; repeating the call repeats the very same measurement.

        Raises:
            ReadingError: If cells do not carry the property.
        """
        stack = self._own_stack(cell)
        protocol = replace(self.protocol, stack_pressure_mpa=cell.recipe.stack_pressure_mpa)
        alive = 0.0 if cell.failure == "short" else 1.0
        rng = generator(self.seed, cell.id, property)
        match property:
            case "critical_current_density":
                truth = alive * critical_current_density_ma_cm2(self.world, stack)
                reading = critical_current_reading(truth, protocol, rng)
            case "area_specific_resistance":
                truth = alive * area_specific_resistance_ohm_cm2(self.world, stack)
                reading = cell_resistance_reading(truth, rng)
            case _:
                raise ReadingError(
                    "a virtual cell carries critical_current_density and "
                    f"area_specific_resistance, got {property!r} (cell {cell.id}); "
                    "measure one of these"
                )
        failure = cell.failure or cell.core.failure or cell.skin.failure
        measurement = self._measurement(
            cell.id, property, reading, cell.recipe.temperature_c, failure
        )
        stepped = property == "critical_current_density"
        return replace(measurement, protocol=protocol) if stepped else measurement

    def _jar_failure(self, powder: Powder, rng: np.random.Generator) -> Failure | None:
        chances: tuple[tuple[Failure, float], ...] = (
            ("unreacted", unreacted_probability(self.world, powder)),
            ("crystallised", crystallised_probability(self.world, powder)),
            ("handling", self.world.constants.handling_loss),
        )
        draws = rng.random(len(chances))
        for (reason, chance), draw in zip(chances, draws, strict=True):
            if draw < chance:
                return reason
        return None

    def _own_layer(
        self,
        jar: VirtualJar,
        piece: str,
        mass_mg: float,
        pressing_pressure_mpa: float,
        temperature_c: float,
    ) -> Layer:
        """The law's layer with the luck of this jar and this piece."""
        lawful = layer(
            self.world,
            jar.powder,
            mass_mg=mass_mg,
            pressing_pressure_mpa=pressing_pressure_mpa,
            temperature_c=temperature_c,
        )
        ln_piece = generator(self.seed, piece, "piece").normal(0, PELLET_LN_IONIC_SD)
        return replace(
            lawful,
            ionic_conductivity_s_cm=lawful.ionic_conductivity_s_cm
            * float(np.exp(jar.ln_ionic + ln_piece)),
            electronic_conductivity_s_cm=lawful.electronic_conductivity_s_cm
            * 10**jar.log10_electronic,
        )

    def _own_stack(self, cell: VirtualCell) -> Stack:
        recipe = cell.recipe
        pressure, temperature = recipe.pressing_pressure_mpa, recipe.temperature_c
        return Stack(
            core=self._own_layer(
                cell.core, f"{cell.id}/core", recipe.core_mass_mg, pressure, temperature
            ),
            skin=self._own_layer(
                cell.skin, f"{cell.id}/skin", recipe.skin_mass_mg, pressure, temperature
            ),
            stack_pressure_mpa=recipe.stack_pressure_mpa,
            temperature_c=temperature,
        )

    def _measurement(
        self,
        specimen: str,
        property_id: str,
        reading: InstrumentReading,
        temperature_c: float,
        failure: Failure | None,
    ) -> Measurement:
        return Measurement(
            specimen=specimen,
            property=property_id,
            text=reading.text,
            unit=property_of(property_id).unit,
            se=reading.se,
            n=reading.n,
            method=reading.method,
            temperature_c=temperature_c,
            failure=failure,
            source=self.source,
        )


def _require_same_glass(role: str, cell_id: str, jar: VirtualJar, glass: GlassRecipe) -> None:
    """Refuse swapped or mistaken jars; small differences in x are weighing."""
    same = (
        jar.recipe.milling_media == glass.milling_media
        and abs(jar.recipe.x - glass.x) <= SAME_GLASS_X
    )
    if not same:
        raise RecipeError(
            f"the {role} of cell {cell_id} must be x = {glass.x:g} milled in "
            f"{glass.milling_media}, got jar {jar.id} with x = {jar.recipe.x:g} milled in "
            f"{jar.recipe.milling_media}; give the jar the recipe names"
        )
