r"""Laws of the pellets: density, modulus, ionic and electronic conductivity, all uncertain.

The constants come from handbooks, other laboratories and what the paper says in words, with
spreads wide enough to be wrong. Two pieces of evidence may meet a reading that says the same:
the paper's modulus scales Makishima-Mackenzie, and the bound on Na3PS4 glass centres the
conductivity (decision 12). None is from the simulation, which holds constants of its own.
"""

from collections.abc import Mapping
from math import log
from types import MappingProxyType
from typing import Final

import numpy as np
from numpy.typing import NDArray

from features.modulus import makishima_mackenzie_modulus
from models.physics_mean import Constant, Pellets, PhysicsMean

Array = NDArray[np.float64]

ZERO_CELSIUS_K: Final = 273.15
GAS_CONSTANT_KJ_MOL_K: Final = 8.314462618e-3
ROOM_C: Final = 25.0
REFERENCE_C: Final = 60.0

ANCHOR_X: Final = 0.60
"""Oxygen-richest glass of the paper; between 0 and here the compressibility is interpolated."""

SATURATION_X: Final = (0.04, 0.12, 0.36)
"""Oxygen contents over which the first oxygen acts, for conductivities: three, a factor of
three apart, because none is known. Their mixture leaves open where the best x lies."""

_LOOSE_PORES: Final = 0.40
_GLASS_PORES_NO_OXYGEN: Final = 0.19, 510.0
_GLASS_PORES_ANCHOR: Final = 0.05, 150.0


def _ln_compressibility(pores_left: float, pressure_mpa: float) -> float:
    return log(log(_LOOSE_PORES / pores_left) / pressure_mpa**0.5)


_COMPACTION: Final = (
    Constant(
        "ln_loose_porosity", log(_LOOSE_PORES), 0.25, "ln 1",
        "random loose to close packing of spheres has 0.36 to 0.40 pores, angular powder more",
    ),
    Constant(
        "ln_compressibility_no_oxygen", _ln_compressibility(*_GLASS_PORES_NO_OXYGEN), 0.6,
        "ln MPa^-1/2",
        "cold-pressed Na3PS4 has about 81 % at 510 MPa (a weak source, crystal; domain notes 2.2)",
    ),
    Constant(
        "ln_compressibility_x060", _ln_compressibility(*_GLASS_PORES_ANCHOR), 0.4, "ln MPa^-1/2",
        "nearly fully densified at 150 MPa (Chi et al. 2022, in words), read as 5 % pores",
    ),
)  # fmt: skip


def _porosity(pellets: Pellets, c: Mapping[str, float]) -> Array:
    r"""Pores left by pressing, :math:`\phi = \phi_0 e^{-A\sqrt P}`, shape (n,).

    Panelli & Ambrozio Filho, Powder Technol. 114 (2001) 255: the best of five laws there. With
    oxygen ln A goes from one end to the other in a straight line, and beyond 0.60 stays.
    """
    share = np.clip(pellets.x / ANCHOR_X, 0.0, 1.0)
    ln_a = (1 - share) * c["ln_compressibility_no_oxygen"] + share * c["ln_compressibility_x060"]
    pressed: Array = np.exp(c["ln_loose_porosity"] - np.exp(ln_a) * np.sqrt(pellets.pressure_mpa))
    porosity: Array = np.minimum(pressed, 0.99)
    return porosity


def _saturating(pellets: Pellets, c: Mapping[str, float], name: str) -> Array:
    terms = [
        c[f"{name}_{index}"] * -np.expm1(-pellets.x / scale)
        for index, scale in enumerate(SATURATION_X)
    ]
    total: Array = np.sum(terms, axis=0)
    return total


def _saturation_constants(name: str, centre: float, sd: float, source: str) -> tuple[Constant, ...]:
    return tuple(
        Constant(f"{name}_{index}", centre, sd, "dex", f"{source}; over x = {scale:g}")
        for index, scale in enumerate(SATURATION_X)
    )


def _relative_density(pellets: Pellets, c: Mapping[str, float]) -> Array:
    return (1 - _porosity(pellets, c)) * c["true_density_ratio"]


def _youngs_modulus(pellets: Pellets, c: Mapping[str, float]) -> Array:
    tilt = c["oxygen_tilt"] * (pellets.x / ANCHOR_X - 0.5)
    dense = c["modulus_scale"] * makishima_mackenzie_modulus(pellets.x) * np.exp(tilt)
    loss: Array = np.exp(-c["porosity_loss"] * _porosity(pellets, c))
    return dense * loss


def _ionic_conductivity(pellets: Pellets, c: Mapping[str, float]) -> Array:
    room, reference = ROOM_C + ZERO_CELSIUS_K, REFERENCE_C + ZERO_CELSIUS_K
    per_kj_mol = 1 / (GAS_CONSTANT_KJ_MOL_K * log(10))
    warming = c["activation_energy"] * per_kj_mol * (1 / room - 1 / reference)
    falling = c["activation_rise"] * per_kj_mol / reference * pellets.x
    oxygen = _saturating(pellets, c, "oxygen_rise") - falling
    return (
        c["log10_room_conductivity"] + warming + oxygen
        + c["density_exponent"] * np.log10(1 - _porosity(pellets, c))
    )  # fmt: skip


def _electronic_conductivity(pellets: Pellets, c: Mapping[str, float]) -> Array:
    dose = np.log10(1 + pellets.relative_dose)
    return (
        c["log10_conductivity"]
        - _saturating(pellets, c, "oxygen_fall")
        - c["oxygen_slope"] * pellets.x / ANCHOR_X
        + c["porosity_rise"] * _porosity(pellets, c)
        + c["debris_rise"] * pellets.metallic_debris * dose
    )


PHYSICS: Final[Mapping[str, PhysicsMean]] = MappingProxyType(
    {
        mean.property_id: mean
        for mean in (
            PhysicsMean(
                "relative_density",
                (
                    *_COMPACTION,
                    Constant(
                        "true_density_ratio", 1.0, 0.025, "1",
                        "true densities are good to 0.05 g/cm3 of 2 (domain notes C9)",
                    ),
                ),
                _relative_density,
            ),
            PhysicsMean(
                "youngs_modulus",
                (
                    *_COMPACTION,
                    Constant(
                        "modulus_scale", 0.807, 0.15 * 0.807, "1",
                        "the one modulus of Chi et al. 2022 over the estimate, ±15 % "
                        "(domain notes 4.4)",
                    ),
                    Constant(
                        "oxygen_tilt", 0.0, 0.05, "1",
                        "±5 % in the effect of oxygen from 0 to 0.60 (domain notes 4.4)",
                    ),
                    Constant(
                        "porosity_loss", 2.5, 1.0, "1",
                        "Spriggs b: 2 to 4, less by indentation (J. Mater. Sci. 22 (1987) 257; "
                        "domain notes 4.7)",
                    ),
                ),
                _youngs_modulus,
            ),
            PhysicsMean(
                "ionic_conductivity",
                (
                    *_COMPACTION,
                    Constant(
                        "log10_room_conductivity", -5.3, 0.5, "dex of S/cm",
                        "dense glass without oxygen, 25 °C: below 1.1e-5 S/cm (Tsuji et al. 2021, "
                        "doi:10.1039/d0ma00777c; Noi et al. 2014), half of that to a factor 3",
                    ),
                    Constant(
                        "activation_energy", 45.0, 5.0, "kJ/mol",
                        "mid of the usual 35 to 55 kJ/mol (domain notes 5.6)",
                    ),
                    Constant(
                        "activation_rise", 5.0, 5.0, "kJ/mol",
                        "rises with further oxygen (Chi et al. 2022, in words), per unit of x",
                    ),
                    *_saturation_constants(
                        "oxygen_rise", 0.1, 0.35,
                        "the first oxygen raises mixed glasses (Chi et al. 2022, in words)",
                    ),
                    Constant(
                        "density_exponent", 2.5, 0.5, "1",
                        "Archie, 2 to 3 for necks, 1.5 for isolated pores (domain notes 4.7)",
                    ),
                ),
                _ionic_conductivity,
            ),
            PhysicsMean(
                "electronic_conductivity",
                (
                    *_COMPACTION,
                    Constant(
                        "log10_conductivity", -8.5, 1.0, "dex of S/cm",
                        "between the usual 1e-8 S/cm of such electrolytes (domain notes 2.2) and "
                        "the middle of the sane range (5.6)",
                    ),
                    *_saturation_constants(
                        "oxygen_fall", 0.15, 0.3,
                        "oxygen lowers it (Chi et al. 2022, in words)",
                    ),
                    Constant(
                        "oxygen_slope", 0.5, 0.5, "dex",
                        "x = 0.60 lies two decades below the crystallised glass (Chi et al. 2022); "
                        "half of that taken as oxygen's doing, from 0 to 0.60",
                    ),
                    Constant(
                        "porosity_rise", 2.0, 2.0, "dex",
                        "surfaces along pores conduct; assigned, per unit of porosity",
                    ),
                    Constant(
                        "debris_rise", 0.5, 0.7, "dex",
                        "metallic wear conducts, more with dose (domain notes 4.6); assigned, per "
                        "decade of 1 + dose",
                    ),
                ),
                _electronic_conductivity,
            ),
        )
    }
)  # fmt: skip
"""Physical prior mean by property; properties not listed have the catalogue's flat one."""
