"""What the composition alone says of density and network: plain functions of x.

All take x of any shape and give an array of that shape. On the one-variable line
Na3PS(4-x)O(x) they add no information to x, they only bend its axis; they are for display,
for other routes and for transfer (domain notes 4.1). They check no range of x: recipes do.
"""

from typing import Final

import numpy as np
from numpy.typing import ArrayLike, NDArray

from features.errors import RecipeError
from features.stoichiometry import molar_mass

FloatArray = NDArray[np.float64]

MAX_BRIDGING_FRACTION: Final = 0.9
"""Largest share of oxygen taken as bridging (domain notes 4.2)."""

MAX_BRIDGING_OXYGEN: Final = 0.5
"""Bridges per P when every P is in a dimer; more would need P2 units (domain notes C2)."""

DENSITY_NA3PS4_G_CM3: Final = 2.00
DENSITY_X060_G_CM3: Final = 2.28
"""True densities that Chi et al. 2022 (Methods) print for x = 0 and x = 0.60, g/cm3."""

DENSITY_SD_G_CM3: Final = 0.05
"""Assigned: ideal mixing with Na3PO4 would give 2.05 at x = 0.60 (domain notes C9)."""

SODIUM_RADIUS_A: Final = 1.02
PHOSPHORUS_RADIUS_A: Final = 0.17
SULFIDE_RADIUS_A: Final = 1.84
OXIDE_RADIUS_A: Final = 1.40
"""Å; Shannon, Acta Cryst. A32 (1976) 751, doi:10.1107/S0567739476001551."""

AVOGADRO_PER_MOL: Final = 6.02214076e23


def p2o5_mol_percent(x: ArrayLike) -> FloatArray:
    """Mole percent of P2O5 among the three reagents, 10 x.

    Args:
        x: Oxygen per formula unit, any shape, dimensionless.

    Returns:
        Same shape, mol%.

    References:
        Domain notes 4.1.

    Examples:
        >>> float(p2o5_mol_percent(0.6))
        6.0
    """
    return 10 * np.asarray(x, dtype=float)


def anion_oxygen_percent(x: ArrayLike) -> FloatArray:
    """Share of anions that are oxygen, 25 x; what the paper calls "mol.%".

    Args:
        x: Oxygen per formula unit, any shape, dimensionless.

    Returns:
        Same shape, percent of anions.

    References:
        Domain notes 4.1 and C12.

    Examples:
        >>> float(anion_oxygen_percent(0.6))
        15.0
    """
    return 25 * np.asarray(x, dtype=float)


def bridging_oxygen(x: ArrayLike, bridging_fraction: float = 0.5) -> FloatArray:
    r"""Bridging oxygens per phosphorus.

    .. math:: n_\mathrm{BO} = \min(f x,\ 0.5)

    The share f of oxygen that bridges is not known: O 1s XPS says above 0.9 at x = 0.60, which
    the composition cannot hold, and NMR says mostly terminal.

    Args:
        x: Oxygen per formula unit, any shape, dimensionless.
        bridging_fraction: f, dimensionless, 0 to 0.9.

    Returns:
        Same shape, dimensionless; 0 when no oxygen bridges.

    Raises:
        RecipeError: If f is outside 0 to 0.9.

    References:
        Domain notes 4.2 and C2.

    Examples:
        >>> bridging_oxygen([0.0, 0.6, 2.0])
        array([0. , 0.3, 0.5])
    """
    if not 0 <= bridging_fraction <= MAX_BRIDGING_FRACTION:
        raise RecipeError(
            f"bridging_fraction must lie between 0 and {MAX_BRIDGING_FRACTION:g}, "
            f"got {bridging_fraction:g}; give the share of oxygen that bridges, 0.5 if unknown"
        )
    return np.minimum(bridging_fraction * np.asarray(x, dtype=float), MAX_BRIDGING_OXYGEN)


def p1_fraction(x: ArrayLike, bridging_fraction: float = 0.5) -> FloatArray:
    """Share of phosphorus in dimers (P1 units): each P-O-P bridge makes two.

    Args:
        x: Oxygen per formula unit, any shape, dimensionless.
        bridging_fraction: Share of oxygen that bridges, dimensionless, 0 to 0.9.

    Returns:
        Same shape, dimensionless, at most 1. It is also the mean connectivity.

    Raises:
        RecipeError: If ``bridging_fraction`` is outside 0 to 0.9.

    References:
        Domain notes 4.2.

    Examples:
        >>> float(p1_fraction(0.6))
        0.6
    """
    return 2 * bridging_oxygen(x, bridging_fraction)


def free_na2s(x: ArrayLike, bridging_fraction: float = 0.5) -> FloatArray:
    """Sulfide per phosphorus that the network sets free: 2 P0 -> 2 P1 + Na2S.

    An upper bound of the insulating phase: its crystalline part is below 5 mol%.

    Args:
        x: Oxygen per formula unit, any shape, dimensionless.
        bridging_fraction: Share of oxygen that bridges, dimensionless, 0 to 0.9.

    Returns:
        Same shape, mol Na2S per mol P.

    Raises:
        RecipeError: If ``bridging_fraction`` is outside 0 to 0.9.

    References:
        Domain notes 4.2.

    Examples:
        >>> float(free_na2s(0.6))
        0.3
    """
    return bridging_oxygen(x, bridging_fraction)


def p_o_bonds(x: ArrayLike, bridging_fraction: float = 0.5) -> FloatArray:
    """P-O bonds per phosphorus; a bridging oxygen has two.

    Args:
        x: Oxygen per formula unit, any shape, dimensionless.
        bridging_fraction: Share of oxygen that bridges, dimensionless, 0 to 0.9.

    Returns:
        Same shape, bonds per P.

    Raises:
        RecipeError: If ``bridging_fraction`` is outside 0 to 0.9.

    References:
        Domain notes 4.2.

    Examples:
        >>> round(float(p_o_bonds(0.6)), 3)
        0.9
    """
    return np.asarray(x, dtype=float) + bridging_oxygen(x, bridging_fraction)


def true_density(x: ArrayLike) -> FloatArray:
    """Density of the pore-free glass, linear between the two values printed in the paper.

    Above x = 0.60 this is extrapolation that no measurement supports.

    Args:
        x: Oxygen per formula unit, any shape, dimensionless.

    Returns:
        Same shape, g/cm3.

    References:
        Chi et al., Nat. Commun. 13, 2854 (2022), doi:10.1038/s41467-022-30517-y, Methods (2.00
        and 2.28 g/cm3); domain notes 4.1.

    Examples:
        >>> true_density([0, 0.3, 0.6]).round(2)
        array([2.  , 2.14, 2.28])
    """
    slope = (DENSITY_X060_G_CM3 - DENSITY_NA3PS4_G_CM3) / 0.60
    return DENSITY_NA3PS4_G_CM3 + slope * np.asarray(x, dtype=float)


def true_density_sd(x: ArrayLike) -> FloatArray:
    """Standard deviation to put on ``true_density``, the same at every x.

    Args:
        x: Oxygen per formula unit, any shape, dimensionless.

    Returns:
        Same shape, g/cm3.

    References:
        Domain notes C9 and 4.1 (assigned, not measured).

    Examples:
        >>> float(true_density_sd(0.6))
        0.05
    """
    return np.full(np.shape(x), DENSITY_SD_G_CM3)


def molar_volume(x: ArrayLike) -> FloatArray:
    """Volume of a mole of formula units without pores.

    Args:
        x: Oxygen per formula unit, any shape, dimensionless.

    Returns:
        Same shape, cm3/mol.

    References:
        Domain notes 4.1.

    Examples:
        >>> molar_volume([0, 0.6]).round(1)
        array([114.1,  95.9])
    """
    return molar_mass(x) / true_density(x)


def oxygen_density(x: ArrayLike) -> FloatArray:
    """Oxygen per volume of pore-free glass.

    Args:
        x: Oxygen per formula unit, any shape, dimensionless.

    Returns:
        Same shape, mmol/cm3.

    References:
        Domain notes 4.1.

    Examples:
        >>> round(float(oxygen_density(0.6)), 1)
        6.3
    """
    return 1000 * np.asarray(x, dtype=float) / molar_volume(x)


def sodium_number_density(x: ArrayLike) -> FloatArray:
    """Sodium ions per volume of pore-free glass: how many there are to carry current.

    Args:
        x: Oxygen per formula unit, any shape, dimensionless.

    Returns:
        Same shape, 1e22 per cm3.

    References:
        Domain notes 4.1.

    Examples:
        >>> round(float(sodium_number_density(0.0)), 2)
        1.58
    """
    return 3 * AVOGADRO_PER_MOL / molar_volume(x) / 1e22


def mean_field_strength(x: ArrayLike) -> FloatArray:
    r"""Field strength of the cations, averaged over the three Na and the one P.

    .. math:: \bar F = \frac{1}{4}\sum_c \frac{z_c}{(r_c + r_a)^2}

    with the anion radius averaged over sulfide and oxide.

    Args:
        x: Oxygen per formula unit, any shape, dimensionless.

    Returns:
        Same shape, 1/Å2.

    References:
        Dietzel, Z. Elektrochem. 48 (1942) 9; domain notes 4.3.

    Examples:
        >>> mean_field_strength([0, 0.6]).round(3)
        array([0.401, 0.427])
    """
    oxygen_share = np.asarray(x, dtype=float) / 4
    anion = (1 - oxygen_share) * SULFIDE_RADIUS_A + oxygen_share * OXIDE_RADIUS_A
    sodium = 1 / (SODIUM_RADIUS_A + anion) ** 2
    phosphorus = 5 / (PHOSPHORUS_RADIUS_A + anion) ** 2
    return (3 * sodium + phosphorus) / 4
