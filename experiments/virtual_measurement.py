"""What instruments report of a virtual specimen: noise, floors, censoring. Invented for simulation.

The noise of domain notes 6.6. Each function turns a true value and a random generator into an
``InstrumentReading``: a text as a laboratory would write it, and the standard error of that text
alone. The standard error is the method's own (known from many repeats); scatter between jars
and pellets is drawn where they are made and is never part of it.
"""

from dataclasses import dataclass
from math import floor, log, log10, sqrt
from typing import Final

import numpy as np

from experiments.virtual_cells import DIE_AREA_CM2
from features.reading import CcdProtocol

DENSITY_SD: Final = 0.012
CONTACT_SD_OHM: Final = 2.0
THICKNESS_SD_UM: Final = 10.0
RELATIVE_AREA_SD: Final = 0.008
SMALLEST_RESISTANCE_OHM: Final = 5.0
"""Below this the leads' inductance hides the sample."""
SMALLEST_IONIC_S_CM: Final = 1e-9
RELATIVE_INDENT_SD: Final = 0.033
INDENT_POROSITY_FACTOR: Final = 20.0
INDENTS: Final = 9
POLARISATION_SD_DEX: Final = 0.12
POLARISATIONS: Final = 3
POLARISATION_V: Final = 0.5
TRANSFER_SD_DEX: Final = 0.05
"""Of a fitted interface arc; domain notes 6.6 give none, so the catalogue's default se is used."""
WEIBULL_MODULUS: Final = 6.0
SOFT_SHORT_PROBABILITY: Final = 0.05


@dataclass(frozen=True, slots=True)
class InstrumentReading:
    """What an instrument reports (simulated).

    Attributes:
        text: The value as written down: ``2.68e-4``, ``<8.3e-12``, ``2.30..2.35``, ``>3.0``.
        se: Standard error of the value, its own unit; ``None`` if censored or an interval.
        n: Repeats the value is the mean of.
        method: How it was measured, saying that it is simulated.
    """

    text: str
    se: float | None
    n: int
    method: str


def density_reading(truth: float, rng: np.random.Generator) -> InstrumentReading:
    """Relative density from mass and dimensions; it can exceed 1."""
    value = truth + rng.normal(0, DENSITY_SD)
    return InstrumentReading(f"{value:.3f}", DENSITY_SD, 1, "simulated geometric density")


def ionic_reading(
    truth_s_cm: float, thickness_um: float, rng: np.random.Generator
) -> InstrumentReading:
    r"""Ionic conductivity by impedance, S/cm, with :math:`\sigma = l/(RA)`.

    Contact resistance, thickness and area each err. Below 5 ohm only a lower bound and below
    1e-9 S/cm only an upper bound is reported.
    """
    true_ohm = 1e-4 * thickness_um / (truth_s_cm * DIE_AREA_CM2)
    ohm = true_ohm + rng.normal(0, CONTACT_SD_OHM)
    thickness_cm = 1e-4 * (thickness_um + rng.normal(0, THICKNESS_SD_UM))
    area_cm2 = DIE_AREA_CM2 * (1 + rng.normal(0, RELATIVE_AREA_SD))
    method = "simulated impedance"
    if ohm < SMALLEST_RESISTANCE_OHM:
        bound = thickness_cm / (SMALLEST_RESISTANCE_OHM * area_cm2)
        return InstrumentReading(f">{scientific(bound, 2)}", None, 1, method)
    value = thickness_cm / (ohm * area_cm2)
    if value < SMALLEST_IONIC_S_CM:
        return InstrumentReading(f"<{scientific(SMALLEST_IONIC_S_CM, 1)}", None, 1, method)
    relative_sd = sqrt(
        (CONTACT_SD_OHM / ohm) ** 2
        + (1e-4 * THICKNESS_SD_UM / thickness_cm) ** 2
        + RELATIVE_AREA_SD**2
    )
    return InstrumentReading(scientific(value, 3), relative_sd * value, 1, method)


def modulus_reading(
    truth_gpa: float, relative_density: float, rng: np.random.Generator
) -> InstrumentReading:
    """Young's modulus by nanoindentation, GPa: mean of nine indents, porous pellets worse."""
    porosity_factor = 1 + INDENT_POROSITY_FACTOR * (1 - relative_density)
    relative_sd = RELATIVE_INDENT_SD * porosity_factor
    value = truth_gpa * float(np.mean(1 + rng.normal(0, relative_sd, INDENTS)))
    se = relative_sd * value / sqrt(INDENTS)
    return InstrumentReading(f"{value:.1f}", se, INDENTS, "simulated nanoindentation")


def electronic_floor_s_cm(smallest_current_na: float, thickness_um: float) -> float:
    r"""Smallest electronic conductivity a channel can show, S/cm.

    .. math:: \sigma_\mathrm{min} = I_\mathrm{min} l/(V A)

    at 0.5 V on the 13 mm die.

    Examples:
        >>> f"{electronic_floor_s_cm(0.1, 550):.1e}"
        '8.3e-12'
    """
    return 1e-9 * smallest_current_na * 1e-4 * thickness_um / (POLARISATION_V * DIE_AREA_CM2)


def electronic_reading(
    truth_s_cm: float, floor_s_cm: float, rng: np.random.Generator
) -> InstrumentReading:
    """Electronic conductivity by polarisation, S/cm: geometric mean of three, or the floor."""
    value = truth_s_cm * 10 ** float(np.mean(rng.normal(0, POLARISATION_SD_DEX, POLARISATIONS)))
    method = "simulated DC polarisation"
    if value <= floor_s_cm:
        return InstrumentReading(f"<{scientific(floor_s_cm, 2)}", None, POLARISATIONS, method)
    se = value * log(10) * POLARISATION_SD_DEX / sqrt(POLARISATIONS)
    return InstrumentReading(scientific(value, 2), se, POLARISATIONS, method)


def transfer_reading(truth_ohm_cm2: float, rng: np.random.Generator) -> InstrumentReading:
    """Charge transfer resistance of one interface, ohm cm2.

    Half of the charge transfer arc of a symmetric cell; the interphase's arc is not counted.
    """
    value = truth_ohm_cm2 * 10 ** rng.normal(0, TRANSFER_SD_DEX)
    se = value * log(10) * TRANSFER_SD_DEX
    return InstrumentReading(
        significant(value, 3), se, 1, "simulated symmetric cell, per interface"
    )


def critical_current_reading(
    truth_ma_cm2: float, protocol: CcdProtocol, rng: np.random.Generator
) -> InstrumentReading:
    """Critical current density from a stepped programme, mA/cm2.

    The cell's own threshold is the true value times a Weibull draw (modulus 6, median 1). The
    text is the last step passed and the first failed; 5 % of soft shorts pass for one step
    more.

    Args:
        truth_ma_cm2: True value, mA/cm2.
        protocol: The programme.
        rng: Draws the cell's luck.

    Returns:
        ``2.30..2.35``; ``<0.05`` if the first step fails; ``>3.0`` if the last one passes.

    Examples:
        >>> rng = np.random.default_rng(0)
        >>> critical_current_reading(10.0, CcdProtocol(), rng).text
        '>3.0'
    """
    luck = rng.weibull(WEIBULL_MODULUS) / log(2) ** (1 / WEIBULL_MODULUS)
    start, step, end = protocol.start_ma_cm2, protocol.step_ma_cm2, protocol.end_ma_cm2
    passed = floor((truth_ma_cm2 * luck - start) / step + 1e-9)
    if rng.random() < SOFT_SHORT_PROBABILITY:
        passed += 1
    if passed < 0:
        text = f"<{start}"
    elif start + passed * step >= end - 1e-9:
        text = f">{end}"
    else:
        text = f"{start + passed * step:.2f}..{start + (passed + 1) * step:.2f}"
    return InstrumentReading(text, None, 1, "simulated stepped current")


def cell_resistance_reading(truth_ohm_cm2: float, rng: np.random.Generator) -> InstrumentReading:
    """Area specific resistance of a cell by impedance, ohm cm2; below 5 ohm an upper bound."""
    ohm = truth_ohm_cm2 / DIE_AREA_CM2 + rng.normal(0, CONTACT_SD_OHM)
    area_cm2 = DIE_AREA_CM2 * (1 + rng.normal(0, RELATIVE_AREA_SD))
    method = "simulated impedance of the cell"
    if ohm < SMALLEST_RESISTANCE_OHM:
        bound = SMALLEST_RESISTANCE_OHM * area_cm2
        return InstrumentReading(f"<{significant(bound, 2)}", None, 1, method)
    value = ohm * area_cm2
    se = value * sqrt((CONTACT_SD_OHM / ohm) ** 2 + RELATIVE_AREA_SD**2)
    return InstrumentReading(significant(value, 3), se, 1, method)


def significant(value: float, digits: int) -> str:
    """A positive value with that many significant digits, never in powers of ten.

    Examples:
        >>> significant(433.03, 3), significant(10.04, 3), significant(2703.3, 3)
        ('433', '10.0', '2703')
    """
    return f"{value:.{max(0, digits - 1 - floor(log10(value)))}f}"


def scientific(value: float, digits: int) -> str:
    """A value with that many significant digits, as chemists type it.

    Examples:
        >>> scientific(2.6812e-4, 3)
        '2.68e-4'
    """
    mantissa, exponent = f"{value:.{digits - 1}e}".split("e")
    return f"{mantissa}e{int(exponent)}"
