"""The die: area, force for a pressure, and the density a pressed pellet reached."""

from math import pi
from typing import Final

import numpy as np
from numpy.typing import ArrayLike, NDArray

from features.errors import ReadingError, RecipeError
from features.structure import true_density

DIE_DIAMETER_MM: Final = 13.0
"""Bore of the die (Chi et al. 2022, Methods)."""

KN_PER_TONNE_FORCE: Final = 9.80665
"""Standard gravity; presses read tonnes-force."""


def die_area_cm2(diameter_mm: float = DIE_DIAMETER_MM) -> float:
    """Area of the bore, which is the area of pellet and electrode.

    Args:
        diameter_mm: Bore, mm.

    Returns:
        cm2.

    Raises:
        RecipeError: If the bore is not above zero.

    References:
        Domain notes 5.1.

    Examples:
        >>> round(die_area_cm2(), 4)
        1.3273
    """
    if not diameter_mm > 0:
        raise RecipeError(
            f"diameter_mm must be above zero, got {diameter_mm:g}; give the bore of the die in mm"
        )
    return pi * (diameter_mm / 10) ** 2 / 4


def press_force_kn(
    pressure_mpa: ArrayLike, diameter_mm: float = DIE_DIAMETER_MM
) -> NDArray[np.float64]:
    """Force on the piston that gives a pressure on the sample.

    Args:
        pressure_mpa: Pressure on the sample, any shape, MPa.
        diameter_mm: Bore, mm.

    Returns:
        Same shape, kN.

    Raises:
        RecipeError: If the bore is not above zero.

    References:
        Domain notes 5.1.

    Examples:
        >>> round(float(press_force_kn(450)), 1)
        59.7
    """
    # MPa x cm2 = 100 N
    return np.asarray(pressure_mpa, dtype=float) * die_area_cm2(diameter_mm) / 10


def press_force_tonnes(
    pressure_mpa: ArrayLike, diameter_mm: float = DIE_DIAMETER_MM
) -> NDArray[np.float64]:
    """The same force as a press gauge shows it.

    Args:
        pressure_mpa: Pressure on the sample, any shape, MPa.
        diameter_mm: Bore, mm.

    Returns:
        Same shape, tonnes-force.

    Raises:
        RecipeError: If the bore is not above zero.

    References:
        Domain notes 5.1.

    Examples:
        >>> round(float(press_force_tonnes(450)), 2)
        6.09
    """
    return press_force_kn(pressure_mpa, diameter_mm) / KN_PER_TONNE_FORCE


def relative_density(
    mass_mg: ArrayLike,
    thickness_um: ArrayLike,
    x: ArrayLike,
    diameter_mm: float = DIE_DIAMETER_MM,
) -> NDArray[np.float64]:
    """Geometric density of a pellet over the true density of its glass.

    Args:
        mass_mg: Mass of the pellet, mg.
        thickness_um: Its thickness, µm; shapes broadcast.
        x: Oxygen per formula unit of its glass, dimensionless.
        diameter_mm: Its diameter, mm.

    Returns:
        Broadcast shape, dimensionless. Above 1.02 it is the true density that is in doubt.

    Raises:
        ReadingError: If a mass or thickness is not above zero.
        RecipeError: If the diameter is not above zero.

    References:
        Chi et al., Nat. Commun. 13, 2854 (2022), Methods; domain notes 4.7 and C9.

    Examples:
        >>> round(float(relative_density(150, 575, 0.15)), 2)
        0.95
    """
    mass = _above_zero("mass_mg", mass_mg, "give the pellet's mass in mg")
    thickness = _above_zero("thickness_um", thickness_um, "give the thickness in µm")
    volume_cm3 = die_area_cm2(diameter_mm) * thickness * 1e-4
    return mass * 1e-3 / volume_cm3 / true_density(x)


def porosity(relative_density: ArrayLike) -> NDArray[np.float64]:
    """Share of pores, one less the relative density.

    Args:
        relative_density: Any shape, dimensionless.

    Returns:
        Same shape, dimensionless. Negative, and left so, where the density reads above 1.

    References:
        Domain notes 4.7.

    Examples:
        >>> round(float(porosity(0.95)), 2)
        0.05
    """
    return 1 - np.asarray(relative_density, dtype=float)


def _above_zero(name: str, value: ArrayLike, remedy: str) -> NDArray[np.float64]:
    array = np.asarray(value, dtype=float)
    if not (array > 0).all():
        raise ReadingError(f"{name} must be above zero, got {array.min():g}; {remedy}")
    return array
