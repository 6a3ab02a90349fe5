r"""Prior of the critical current density: the smaller of a flaw limit and a void limit.

Flaw limit: plated sodium fills a surface flaw of depth a and opens it once the overpotential
of the interface, :math:`j R`, reaches :math:`V_m \sigma_f / F`. Void limit: above it stripped
sodium loses contact. The smaller decides, with a soft transition of unknown sharpness p:

.. math:: j = (j_\mathrm{flaw}^{-p} + j_\mathrm{void}^{-p})^{-1/p}, \qquad
          j_\mathrm{flaw} = \frac{V_m}{F R}\,\frac{K_\mathrm{IC}}{1.12\sqrt{\pi a}}, \quad
          K_\mathrm{IC} = K_0\sqrt{E/20}, \quad a = a_0 + a_\phi\,\phi

Electronic conductivity, thickness and composition are left to what is learned.
"""

from math import log, pi
from typing import Final

import numpy as np
from numpy.typing import ArrayLike, NDArray

from features.errors import TableError
from features.trilayer import CELL_DESCRIPTORS
from models.physics_mean import Constant

Array = NDArray[np.float64]

SODIUM_MOLAR_VOLUME_CM3_MOL: Final = 23.75
"""Of the metal at room temperature (domain notes 4.9)."""

FARADAY_C_MOL: Final = 96485.33212

SURFACE_FLAW_FACTOR: Final = 1.12
"""Stress intensity of a surface crack over that of an inner one."""

TOUGHNESS_MODULUS_GPA: Final = 20.0
"""Modulus of the Li2S-P2S5 glass whose toughness is taken over; toughness goes with sqrt E."""

LEAST_MODULUS_GPA: Final = 1.0
"""A draw of a layer may fall below what any glass has; it counts as this."""

CCD_CONSTANTS: Final = (
    Constant(
        "ln_flaw_um", log(2.2), 0.8, "ln µm",
        "middle of 0.5 to 10 µm, the flaws for which domain notes 4.9 work out a current",
    ),
    Constant(
        "ln_flaw_per_porosity_um", log(25.0), 1.0, "ln µm",
        "a missing particle of 5 µm (Chi et al. 2022: mean 5.3 µm) at a fifth of pores",
    ),
    Constant(
        "ln_toughness_mpa_m05", log(0.23), 0.6, "ln MPa m^1/2",
        "remembered of Li2S-P2S5 glass (McGrogan et al. 2017, doi:10.1002/aenm.201602011), "
        "not checked, another cation",
    ),
    Constant(
        "ln_void_factor", 0.0, 0.7, "ln 1",
        "the void limit is carried over from sodium on ceramics (domain notes 4.9)",
    ),
    Constant(
        "ln_sharpness", log(2.0), 0.5, "ln 1",
        "assigned: nothing says how two limits of the same size combine",
    ),
)  # fmt: skip
"""What the law does not know for certain, in the order of the last axis of ``constants``."""


def central_constants() -> Array:
    """The constants at the centres of their priors.

    Returns:
        Shape (k,), natural logarithms in the order of ``CCD_CONSTANTS``.

    Examples:
        >>> central_constants().shape
        (5,)
    """
    return np.array([constant.centre for constant in CCD_CONSTANTS])


def draw_constants(n: int, rng: np.random.Generator) -> Array:
    """Draws of the constants from their priors: independent, each log-normal.

    Args:
        n: Number of draws.
        rng: Source of randomness.

    Returns:
        Shape (n, k), natural logarithms in the order of ``CCD_CONSTANTS``.

    Examples:
        >>> draw_constants(3, np.random.default_rng(0)).shape
        (3, 5)
    """
    sd = np.array([constant.sd for constant in CCD_CONSTANTS])
    return central_constants() + sd * rng.standard_normal((n, len(sd)))


def critical_current_prior(descriptors: ArrayLike, constants: ArrayLike) -> Array:
    """What the smaller of flaw limit and void limit says, before any cell was measured.

    Args:
        descriptors: Shape (..., d), last axis in the order of ``CELL_DESCRIPTORS``.
        constants: Shape (..., k), last axis in the order of ``CCD_CONSTANTS``; leading axes
            broadcast, so n draws for N cells described n times need shape (n, 1, k).

    Returns:
        Broadcast leading shape, log10 of mA/cm2.

    Raises:
        TableError: If a last axis has another length.

    References:
        Flaw limit: Porz et al., Adv. Energy Mater. 7 (2017) 1701003,
        doi:10.1002/aenm.201701003. Void limit: ``features.trilayer.void_limited_current``.
        Domain notes 4.9 and 5.3.

    Examples:
        >>> papers_cell = [1.0, 0.02, 20.9, -10.0, 0.53, 84.0, 2.63, 0.6, 0.15]
        >>> round(float(10 ** critical_current_prior(papers_cell, central_constants())), 1)
        1.6
    """
    described = _by_name(descriptors, CELL_DESCRIPTORS, "descriptors")
    names = tuple(constant.name for constant in CCD_CONSTANTS)
    c = _by_name(constants, names, "constants")
    flaw = _ln_flaw_limit(described, c)
    void = log(10) * described["log10_void_current"] + c["ln_void_factor"]
    sharpness = np.exp(c["ln_sharpness"])
    smaller: Array = -np.logaddexp(-sharpness * flaw, -sharpness * void) / sharpness
    return smaller / log(10)


def _ln_flaw_limit(described: dict[str, Array], c: dict[str, Array]) -> Array:
    """Natural logarithm of the flaw limit in mA/cm2."""
    porosity = np.maximum(described["skin_porosity"], 0.0)  # a density may read above 1
    modulus = np.maximum(described["skin_youngs_modulus_gpa"], LEAST_MODULUS_GPA)
    flaw_um = np.exp(c["ln_flaw_um"]) + porosity * np.exp(c["ln_flaw_per_porosity_um"])
    ln_toughness = c["ln_toughness_mpa_m05"] + 0.5 * np.log(modulus / TOUGHNESS_MODULUS_GPA)
    ln_stress_mpa = ln_toughness - np.log(SURFACE_FLAW_FACTOR * np.sqrt(pi * flaw_um * 1e-6))
    # cm3/mol x MPa = J/mol, over C/mol = V; V over ohm cm2 = A/cm2
    ln_volts = ln_stress_mpa + log(SODIUM_MOLAR_VOLUME_CM3_MOL / FARADAY_C_MOL)
    limit: Array = ln_volts - log(10) * described["log10_interface_resistance"] + log(1e3)
    return limit


def _by_name(values: ArrayLike, names: tuple[str, ...], where: str) -> dict[str, Array]:
    array = np.asarray(values, dtype=float)
    if array.ndim == 0 or array.shape[-1] != len(names):
        raise TableError(
            f"{where}: the last axis must hold {len(names)} values ({', '.join(names)}), "
            f"got shape {array.shape}; give them in this order"
        )
    return dict(zip(names, np.moveaxis(array, -1, 0), strict=True))
