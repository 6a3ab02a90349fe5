"""The cell skin | core | skin: thickness, resistance and what decides its critical current."""

from typing import Final

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray

from features.cell_limits import Limits, allowed, violations
from features.compaction import die_area_cm2, porosity
from features.structure import true_density
from features.table import numbers

__all__ = [
    "CELL_DESCRIPTORS",
    "ELECTRODE_AREA_CM2",
    "Limits",
    "allowed",
    "cell_asr",
    "cell_descriptors",
    "layer_thickness_um",
    "series_asr",
    "violations",
    "void_limited_current",
]

FloatArray = NDArray[np.float64]

ELECTRODE_AREA_CM2: Final = die_area_cm2()
"""The cell is as wide as the 13 mm die (domain notes 5.1)."""

BOLTZMANN_EV_K: Final = 8.617333262e-5
ZERO_CELSIUS_K: Final = 273.15

VOID_CURRENT_MA_CM2: Final = 2.5
VOID_PRESSURE_MPA: Final = 9.0
VOID_TEMPERATURE_C: Final = 25.0
"""Sodium on beta''-alumina at room temperature keeps contact at 2.5 mA/cm2 above 9 MPa:
Spencer Jolly et al., ACS Appl. Mater. Interfaces 12 (2020) 678, doi:10.1021/acsami.9b17786."""

VOID_ACTIVATION_EV: Final = 0.14
"""Activation energy of that current: Lowack et al., arXiv:2603.23340, 0.13 to 0.15 eV."""

LEAST_STACK_MPA: Final = 0.1
"""A looser cell counts as this in a logarithm (domain notes 5.6 question anything below)."""

CELL_DESCRIPTORS: Final = (
    "log10_interface_resistance",
    "skin_porosity",
    "skin_youngs_modulus_gpa",
    "log10_skin_electronic_conductivity",
    "log10_void_current",
    "skin_thickness_um",
    "log10_asr",
    "skin_x",
    "core_x",
)
"""Order of the last axis of ``cell_descriptors`` (domain notes 5.3)."""


def layer_thickness_um(
    mass_mg: ArrayLike,
    x: ArrayLike,
    relative_density: ArrayLike,
    area_cm2: float = ELECTRODE_AREA_CM2,
) -> FloatArray:
    r"""Thickness of a pressed layer.

    .. math:: t = m / (\rho_\mathrm{true}\,\rho_\mathrm{rel}\,A)

    Args:
        mass_mg: Mass of the layer, mg.
        x: Oxygen per formula unit of its glass, dimensionless; shapes broadcast.
        relative_density: Of the layer at the cell's co-press pressure, dimensionless.
        area_cm2: Area of the die, cm2.

    Returns:
        Broadcast shape, µm.

    References:
        Domain notes 5.1.

    Examples:
        >>> round(float(layer_thickness_um(150, 0.15, 1.0)))
        546
    """
    density = true_density(x) * np.asarray(relative_density, dtype=float)
    thickness: FloatArray = 10 * np.asarray(mass_mg, dtype=float) / (density * area_cm2)
    return thickness


def series_asr(
    core_thickness_um: ArrayLike,
    core_conductivity: ArrayLike,
    skin_thickness_um: ArrayLike,
    skin_conductivity: ArrayLike,
    interface_resistance: ArrayLike,
    sei_resistance: ArrayLike = 0.0,
) -> FloatArray:
    r"""Area specific resistance of the cell, layers and interfaces in series.

    .. math:: R = t_c/\sigma_c + 2\,t_s/\sigma_s + 2 R_\mathrm{ct} + 2 R_\mathrm{SEI}

    The glass-glass interface counts as zero: none was seen in the paper's micrographs.

    Args:
        core_thickness_um: Core, µm; all shapes broadcast.
        core_conductivity: Ionic, at the cell's temperature, S/cm.
        skin_thickness_um: One skin, µm.
        skin_conductivity: Ionic, at the cell's temperature, S/cm.
        interface_resistance: Charge transfer of one side, ohm cm2.
        sei_resistance: Reaction layer of one side, ohm cm2.

    Returns:
        Broadcast shape, ohm cm2.

    References:
        Domain notes 5.2.

    Examples:
        >>> round(float(series_asr(546.2, 2.7e-4, 82.6, 8.2e-5, 10.0)))
        424
    """
    core = _layer_resistance(core_thickness_um, core_conductivity)
    skin = _layer_resistance(skin_thickness_um, skin_conductivity)
    charge_transfer: FloatArray = np.asarray(interface_resistance, dtype=float)
    sei: FloatArray = np.asarray(sei_resistance, dtype=float)
    return core + 2 * (skin + charge_transfer + sei)


def void_limited_current(stack_pressure_mpa: ArrayLike, temperature_c: ArrayLike) -> FloatArray:
    r"""Estimated current density above which stripped sodium leaves voids.

    .. math:: j = 2.5\,\frac{P}{9}\,\exp\left[-\frac{0.14}{k_B}\left(\frac{1}{T} -
              \frac{1}{298.15}\right)\right]

    An estimate carried over from sodium on ceramics, for use as a descriptor and not as a
    prediction: about 3.4 mA/cm2 at 7 MPa and 60 °C, where 0.13 to 0.15 eV allow 3.3 to 3.6.

    Args:
        stack_pressure_mpa: Pressure on the cell, MPa; shapes broadcast.
        temperature_c: Test temperature, °C.

    Returns:
        Broadcast shape, mA/cm2; 0 without pressure.

    References:
        Linear in pressure: Spencer Jolly et al., ACS Appl. Mater. Interfaces 12 (2020) 678,
        doi:10.1021/acsami.9b17786. Activation: Lowack et al., arXiv:2603.23340.
        Domain notes 2.2 and 4.9.

    Examples:
        >>> round(float(void_limited_current(7, 60)), 1)
        3.4
    """
    kelvin = np.asarray(temperature_c, dtype=float) + ZERO_CELSIUS_K
    room = 1 / (VOID_TEMPERATURE_C + ZERO_CELSIUS_K)
    faster = np.exp(-VOID_ACTIVATION_EV / BOLTZMANN_EV_K * (1 / kelvin - room))
    pressure = np.asarray(stack_pressure_mpa, dtype=float)
    return VOID_CURRENT_MA_CM2 / VOID_PRESSURE_MPA * pressure * faster


def cell_asr(
    cells: pd.DataFrame,
    *,
    core_relative_density: ArrayLike,
    skin_relative_density: ArrayLike,
    core_conductivity: ArrayLike,
    skin_conductivity: ArrayLike,
    interface_resistance: ArrayLike,
    sei_resistance: ArrayLike = 0.0,
) -> FloatArray:
    """Area specific resistance of each cell, from its masses and its layers' properties.

    Args:
        cells: N cells; columns core_x, skin_x, core_mass_mg, skin_mass_mg are read.
        core_relative_density: Shape (..., N) or broadcastable to it, dimensionless; leading
            axes are draws.
        skin_relative_density: The same of the skin.
        core_conductivity: Ionic, at the cell's temperature, S/cm.
        skin_conductivity: The same of the skin.
        interface_resistance: Charge transfer of one side, ohm cm2.
        sei_resistance: Reaction layer of one side, ohm cm2.

    Returns:
        Shape (..., N), ohm cm2.

    Raises:
        TableError: If a column is missing or holds no number.

    References:
        Domain notes 5.1 and 5.2.

    Examples:
        >>> cells = pd.DataFrame(
        ...     {"core_x": [0.15], "skin_x": [0.6], "core_mass_mg": [150], "skin_mass_mg": [25]}
        ... )
        >>> cell_asr(
        ...     cells, core_relative_density=1, skin_relative_density=1,
        ...     core_conductivity=2.7e-4, skin_conductivity=8.2e-5, interface_resistance=10,
        ... ).round()
        array([424.])
    """
    return series_asr(
        _thickness_um(cells, "core", core_relative_density),
        core_conductivity,
        _thickness_um(cells, "skin", skin_relative_density),
        skin_conductivity,
        interface_resistance,
        sei_resistance,
    )


def cell_descriptors(
    cells: pd.DataFrame,
    *,
    core_relative_density: ArrayLike,
    skin_relative_density: ArrayLike,
    core_conductivity: ArrayLike,
    skin_conductivity: ArrayLike,
    interface_resistance: ArrayLike,
    skin_youngs_modulus_gpa: ArrayLike,
    skin_electronic_conductivity: ArrayLike,
    sei_resistance: ArrayLike = 0.0,
) -> FloatArray:
    """What decides the critical current density of each cell, derived from its layers.

    Args:
        cells: N cells; columns core_x, skin_x, core_mass_mg, skin_mass_mg,
            stack_pressure_mpa, temperature_c are read.
        core_relative_density: Shape (..., N) or broadcastable to it, dimensionless; leading
            axes are draws, so that the layers' uncertainty is carried through.
        skin_relative_density: The same of the skin.
        core_conductivity: Ionic, at the cell's temperature, S/cm.
        skin_conductivity: The same of the skin.
        interface_resistance: Charge transfer of skin on sodium, one side, ohm cm2.
        skin_youngs_modulus_gpa: Young's modulus of the skin, GPa.
        skin_electronic_conductivity: Of the skin, S/cm.
        sei_resistance: Reaction layer of one side, ohm cm2; enters the ASR only.

    Returns:
        Shape (..., N, 9), last axis in the order of ``CELL_DESCRIPTORS``: log10 of ohm cm2,
        dimensionless, GPa, log10 of S/cm, log10 of mA/cm2, µm, log10 of ohm cm2, and x twice.

    Raises:
        TableError: If a column is missing or holds no number.

    References:
        Domain notes 5.3.

    Examples:
        >>> cells = pd.DataFrame(
        ...     {"core_x": [0.15], "skin_x": [0.6], "core_mass_mg": [150], "skin_mass_mg": [25],
        ...      "stack_pressure_mpa": [7], "temperature_c": [60]}
        ... )
        >>> draws = np.full((100, 1), 0.98)
        >>> cell_descriptors(
        ...     cells, core_relative_density=draws, skin_relative_density=draws,
        ...     core_conductivity=2.7e-4, skin_conductivity=8.2e-5, interface_resistance=10,
        ...     skin_youngs_modulus_gpa=20.9, skin_electronic_conductivity=1e-10,
        ... ).shape
        (100, 1, 9)
    """
    asr = cell_asr(
        cells,
        core_relative_density=core_relative_density,
        skin_relative_density=skin_relative_density,
        core_conductivity=core_conductivity,
        skin_conductivity=skin_conductivity,
        interface_resistance=interface_resistance,
        sei_resistance=sei_resistance,
    )
    stack = np.maximum(numbers(cells, "stack_pressure_mpa", where="cells"), LEAST_STACK_MPA)
    void = void_limited_current(stack, numbers(cells, "temperature_c", where="cells"))
    described: dict[str, ArrayLike] = {
        "log10_interface_resistance": np.log10(interface_resistance),
        "skin_porosity": porosity(skin_relative_density),
        "skin_youngs_modulus_gpa": skin_youngs_modulus_gpa,
        "log10_skin_electronic_conductivity": np.log10(skin_electronic_conductivity),
        "log10_void_current": np.log10(void),
        "skin_thickness_um": _thickness_um(cells, "skin", skin_relative_density),
        "log10_asr": np.log10(asr),
        "skin_x": numbers(cells, "skin_x", where="cells"),
        "core_x": numbers(cells, "core_x", where="cells"),
    }
    ordered = (np.asarray(described[name], dtype=float) for name in CELL_DESCRIPTORS)
    return np.stack(np.broadcast_arrays(*ordered), axis=-1)


def _layer_resistance(thickness_um: ArrayLike, conductivity: ArrayLike) -> FloatArray:
    resistance: FloatArray = (
        np.asarray(thickness_um, dtype=float) * 1e-4 / np.asarray(conductivity, dtype=float)
    )
    return resistance


def _thickness_um(cells: pd.DataFrame, layer: str, relative_density: ArrayLike) -> FloatArray:
    mass = numbers(cells, f"{layer}_mass_mg", where="cells")
    return layer_thickness_um(mass, numbers(cells, f"{layer}_x", where="cells"), relative_density)
