"""What a virtual laboratory hands over: jars, pellets, cells and measurements, all simulated."""

from dataclasses import dataclass
from typing import ClassVar, Final

from experiments.virtual_failures import Failure
from experiments.virtual_worlds import Powder
from features.reading import CcdProtocol
from features.recipe import GlassRecipe, TrilayerRecipe

XRD_LIMIT: Final = 0.03
"""Smallest crystalline or unreacted fraction a laboratory diffractometer shows."""


@dataclass(frozen=True, slots=True, kw_only=True)
class VirtualJar:
    """A jar of powder (simulated).

    Attributes:
        id: Specimen id.
        recipe: What the laboratory was told to mill.
        powder: What it got; ``powder.x`` is the oxygen actually weighed in.
        ln_ionic: Batch effect on the natural logarithm of the ionic conductivity.
        relative_modulus: Batch effect on the modulus, a factor.
        log10_electronic: Batch effect on log10 of the electronic conductivity.
        recovery: Share of the batch that came out of the jar, 0.80 to 0.95.
        failure: Why it failed, or ``None``.
        source: World and laboratory.
    """

    simulated: ClassVar[bool] = True
    id: str
    recipe: GlassRecipe
    powder: Powder
    ln_ionic: float
    relative_modulus: float
    log10_electronic: float
    recovery: float
    failure: Failure | None
    source: str

    @property
    def x(self) -> float:
        """Oxygen actually weighed in, dimensionless."""
        return self.powder.x

    @property
    def xrd(self) -> str:
        """What a laboratory diffractometer shows; nothing below 3 mol%."""
        reagents = self.powder.crystalline_na2s + self.powder.unreacted
        seen = [
            name
            for name, fraction in (
                ("t-Na3PS4", self.powder.crystalline_na3ps4),
                ("Na2S or other reagents", reagents),
            )
            if fraction > XRD_LIMIT
        ]
        return " and ".join(seen) if seen else "amorphous (<3 mol%)"


@dataclass(frozen=True, slots=True, kw_only=True)
class VirtualPellet:
    """A pellet of a jar's powder (simulated).

    Attributes:
        id: Specimen id.
        jar: Where its powder is from.
        pressing_pressure_mpa: Pressure, MPa.
        mass_mg: Mass, mg.
        failure: ``cracked``, or ``None``; the jar's own failure is the jar's.
    """

    simulated: ClassVar[bool] = True
    id: str
    jar: VirtualJar
    pressing_pressure_mpa: float
    mass_mg: float
    failure: Failure | None


@dataclass(frozen=True, slots=True, kw_only=True)
class VirtualCell:
    """A tri-layer on test (simulated).

    Attributes:
        id: Specimen id.
        core: Jar of the core.
        skin: Jar of both skins.
        recipe: What the laboratory was told to build.
        failure: ``short`` (at assembly), or ``None``.
    """

    simulated: ClassVar[bool] = True
    id: str
    core: VirtualJar
    skin: VirtualJar
    recipe: TrilayerRecipe
    failure: Failure | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Measurement:
    """One simulated measurement, as a laboratory would write it down.

    Attributes:
        specimen: Id of the pellet or cell.
        property: Id from the catalogue.
        text: The value as written down, in ``unit``.
        unit: The catalogue's unit.
        se: Standard error of the value, in ``unit``; ``None`` if censored or an interval.
        n: Repeats the value is the mean of.
        method: How, always beginning with ``simulated``.
        temperature_c: Temperature of the measurement, °C.
        failure: Why the specimen or a jar of it failed: then the value is biased. Or ``None``.
        source: World and laboratory.
        protocol: Programme, of a critical current density; else ``None``.
    """

    simulated: ClassVar[bool] = True
    specimen: str
    property: str
    text: str
    unit: str
    se: float | None
    n: int
    method: str
    temperature_c: float
    failure: Failure | None
    source: str
    protocol: CcdProtocol | None = None
