"""Recipes: what a laboratory is told to make. Frozen, and possible once built."""

from dataclasses import dataclass
from typing import Final

from features.errors import RecipeError
from features.milling import medium

ROUTE_LIMIT_X: Final = 2.5
"""Largest x of the P2S5/P2O5 route: there no P2S5 is left (domain notes 3.1)."""

MAX_TEMPERATURE_WITH_SODIUM_C: Final = 90.0
"""Hard stop for any test with sodium metal, which melts at 97.8 °C (domain notes 5.4)."""


def _require(name: str, value: float, low: float, high: float, unit: str, remedy: str) -> None:
    if not low <= value <= high:  # also refuses NaN
        raise RecipeError(
            f"{name} must lie between {low:g} and {high:g} {unit}".rstrip()
            + f", got {value:g}; {remedy}"
        )


@dataclass(frozen=True, slots=True)
class GlassRecipe:
    """One composition Na3PS(4-x)O(x), milled in one way: one jar of powder.

    Attributes:
        x: Oxygen per formula unit, dimensionless, 0 to 2.5.
        milling_time_h: Net milling time, h.
        milling_media: Id of the medium of jar and balls.
        milling_speed_rpm: Speed of the disc, rpm.

    Raises:
        RecipeError: If a value is outside what can be weighed or milled.

    References:
        Chi et al., Nat. Commun. 13, 2854 (2022), Methods; domain notes 3.1 and 5.6.

    Examples:
        >>> GlassRecipe(0.15, 3, "stainless_steel").milling_speed_rpm
        500.0
    """

    x: float
    milling_time_h: float
    milling_media: str
    milling_speed_rpm: float = 500.0

    def __post_init__(self) -> None:
        """Refuse an impossible glass now rather than at the balance."""
        _require(
            "x", self.x, 0.0, ROUTE_LIMIT_X, "",
            "the P2S5/P2O5 route ends at x = 2.5; if this is a percentage, divide by 100",
        )  # fmt: skip
        _require(
            "milling_time_h", self.milling_time_h, 0.1, 100.0, "h",
            "give the net milling time in hours, not minutes",
        )  # fmt: skip
        _require(
            "milling_speed_rpm", self.milling_speed_rpm, 50.0, 1100.0, "rpm",
            "give the speed of the disc in rpm",
        )  # fmt: skip
        medium(self.milling_media)


@dataclass(frozen=True, slots=True)
class PelletRecipe:
    """A piece of one glass pressed at one pressure.

    Attributes:
        glass: The glass it is pressed from.
        pressing_pressure_mpa: Uniaxial pressure on the pellet, MPa.
        mass_mg: Powder pressed, mg.

    Raises:
        RecipeError: If pressure or mass is outside what a 13 mm die takes.

    References:
        Domain notes 5.6.

    Examples:
        >>> PelletRecipe(GlassRecipe(0.6, 3, "zirconia"), 450).mass_mg
        150.0
    """

    glass: GlassRecipe
    pressing_pressure_mpa: float
    mass_mg: float = 150.0

    def __post_init__(self) -> None:
        """Refuse an impossible pellet."""
        _require(
            "pressing_pressure_mpa", self.pressing_pressure_mpa, 1.0, 1000.0, "MPa",
            "give MPa on the sample, not tonnes or bar on the gauge",
        )  # fmt: skip
        _require("mass_mg", self.mass_mg, 5.0, 1000.0, "mg", "give the pellet's mass in mg")


@dataclass(frozen=True, slots=True, kw_only=True)
class TrilayerRecipe:
    """A cell: skin | core | skin pressed together, between sodium.

    Attributes:
        core: Glass of the core.
        skin: Glass of both skins.
        core_mass_mg: Mass of the core, mg.
        skin_mass_mg: Mass of each skin, mg.
        precompaction_pressure_mpa: Pressure on the core before the skins go on, MPa.
        pressing_pressure_mpa: Co-press pressure, MPa.
        stack_pressure_mpa: Pressure on the cell during the test, MPa.
        temperature_c: Test temperature, °C, at most 90 (sodium).

    Raises:
        RecipeError: If a value is impossible, or the test is above 90 °C.

    References:
        Chi et al., Nat. Commun. 13, 2854 (2022), Methods; domain notes 5.4 and 5.6.

    Examples:
        >>> glass = GlassRecipe(0.6, 3, "stainless_steel")
        >>> TrilayerRecipe(core=glass, skin=glass, core_mass_mg=150, skin_mass_mg=25).temperature_c
        60.0
    """

    core: GlassRecipe
    skin: GlassRecipe
    core_mass_mg: float
    skin_mass_mg: float
    precompaction_pressure_mpa: float = 75.0
    pressing_pressure_mpa: float = 450.0
    stack_pressure_mpa: float = 7.0
    temperature_c: float = 60.0

    def __post_init__(self) -> None:
        """Refuse an impossible or dangerous cell."""
        _require("core_mass_mg", self.core_mass_mg, 20.0, 600.0, "mg", "give mg of core powder")
        _require(
            "skin_mass_mg", self.skin_mass_mg, 2.0, 200.0, "mg", "give mg of powder on each side"
        )
        for name in ("precompaction_pressure_mpa", "pressing_pressure_mpa"):
            _require(name, getattr(self, name), 1.0, 1000.0, "MPa", "give MPa on the sample")
        _require(
            "stack_pressure_mpa", self.stack_pressure_mpa, 0.0, 100.0, "MPa",
            "give the pressure on the cell",
        )  # fmt: skip
        _require(
            "temperature_c", self.temperature_c, -20.0, MAX_TEMPERATURE_WITH_SODIUM_C, "°C",
            "sodium melts at 97.8 °C: a cell with sodium is never tested above 90 °C",
        )  # fmt: skip
