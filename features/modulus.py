"""Young's modulus that composition alone implies: Makishima-Mackenzie for a pore-free glass.

An estimate for the centre of a prior and for display, never a measurement: two of the three
dissociation energies are derived, not tabulated.
"""

from math import pi
from typing import Final

import numpy as np
from numpy.typing import ArrayLike, NDArray

from features.stoichiometry import molar_mass
from features.structure import (
    AVOGADRO_PER_MOL,
    OXIDE_RADIUS_A,
    PHOSPHORUS_RADIUS_A,
    SODIUM_RADIUS_A,
    SULFIDE_RADIUS_A,
    true_density,
)

FloatArray = NDArray[np.float64]

DISSOCIATION_P2O5_KJ_CM3: Final = 28.2
"""Tabulated, of the revised set in current use (with Na2O 31.9; domain notes 4.4)."""

DISSOCIATION_NA2S_KJ_CM3: Final = 20.4
DISSOCIATION_P2S5_KJ_CM3: Final = 10.2
"""Estimates; no table holds sulfides. Enthalpy of atomisation over molar volume gives 20.4 for
both. The method finds 32.2 for Na2O, tabulated 31.9, but 56.8 for P2O5, tabulated 28.2: terminal
doubly bonded anions hold nothing together, so P2S5 counts half (domain notes 4.4)."""

_CM3_PER_A3: Final = 1e-24


def _ion_volume_cm3_mol(n_cations: int, cation_a: float, n_anions: int, anion_a: float) -> float:
    spheres = n_cations * cation_a**3 + n_anions * anion_a**3
    return AVOGADRO_PER_MOL * 4 * pi / 3 * spheres * _CM3_PER_A3


ION_VOLUME_NA2S_CM3_MOL: Final = _ion_volume_cm3_mol(2, SODIUM_RADIUS_A, 1, SULFIDE_RADIUS_A)
ION_VOLUME_P2S5_CM3_MOL: Final = _ion_volume_cm3_mol(2, PHOSPHORUS_RADIUS_A, 5, SULFIDE_RADIUS_A)
ION_VOLUME_P2O5_CM3_MOL: Final = _ion_volume_cm3_mol(2, PHOSPHORUS_RADIUS_A, 5, OXIDE_RADIUS_A)
"""Volume of the ions of a mole of reagent, as spheres of Shannon's radii."""

NA2S_FRACTION: Final = 0.75
P_FRACTION: Final = 0.25
"""Mole fractions of Na2S and of P2S5 with P2O5 on the line Na/P = 3 (domain notes 3.1)."""

MOLES_OF_REAGENT: Final = 2.0
"""Moles of reagents in a mole of Na3PS(4-x)O(x)."""


def packing_density(x: ArrayLike) -> FloatArray:
    r"""Share of the volume of the pore-free glass that its ions fill.

    .. math:: V_t = \frac{\rho}{\bar M} \sum_i y_i V_i

    Args:
        x: Oxygen per formula unit, any shape, dimensionless.

    Returns:
        Same shape, dimensionless.

    References:
        Makishima & Mackenzie, J. Non-Cryst. Solids 12 (1973) 35,
        doi:10.1016/0022-3093(73)90053-7; domain notes 4.4.

    Examples:
        >>> packing_density([0, 0.6]).round(3)
        array([0.621, 0.685])
    """
    ions = _mixed(x, ION_VOLUME_NA2S_CM3_MOL, ION_VOLUME_P2S5_CM3_MOL, ION_VOLUME_P2O5_CM3_MOL)
    return true_density(x) * MOLES_OF_REAGENT / molar_mass(x) * ions


def dissociation_energy(x: ArrayLike) -> FloatArray:
    r"""Energy to take a volume of the glass apart, :math:`\sum_i y_i G_i`.

    Args:
        x: Oxygen per formula unit, any shape, dimensionless.

    Returns:
        Same shape, kJ/cm3.

    References:
        Domain notes 4.4; the values of both sulfides are estimates.

    Examples:
        >>> dissociation_energy([0, 0.6]).round(1)
        array([17.8, 18.9])
    """
    return _mixed(x, DISSOCIATION_NA2S_KJ_CM3, DISSOCIATION_P2S5_KJ_CM3, DISSOCIATION_P2O5_KJ_CM3)


def makishima_mackenzie_modulus(x: ArrayLike) -> FloatArray:
    r"""Young's modulus of the pore-free glass as estimated from its composition.

    .. math:: E = 2\,V_t \sum_i y_i G_i

    Too high for these glasses by about a fifth, as far as one measured modulus tells; what a
    surrogate makes of it carries its own factor and doubt. Above x = 0.60 the density in it is
    extrapolated.

    Args:
        x: Oxygen per formula unit, any shape, dimensionless.

    Returns:
        Same shape, GPa.

    References:
        Makishima & Mackenzie, J. Non-Cryst. Solids 12 (1973) 35,
        doi:10.1016/0022-3093(73)90053-7; domain notes 4.4.

    Examples:
        >>> makishima_mackenzie_modulus([0, 0.6]).round(1)
        array([22.2, 25.9])
    """
    return 2 * packing_density(x) * dissociation_energy(x)  # kJ/cm3 is GPa


def _mixed(x: ArrayLike, na2s: float, p2s5: float, p2o5: float) -> FloatArray:
    """Mean of a quantity over the reagents, by mole fraction."""
    oxide = np.asarray(x, dtype=float) / 10
    mixed: FloatArray = NA2S_FRACTION * na2s + (P_FRACTION - oxide) * p2s5 + oxide * p2o5
    return mixed
