r"""Virtual tri-layers: resistance and critical current density. Invented for simulation.

The laws of domain notes 6.5, and the other laws of the critical current density that worlds E
and F follow. All pass through the paper's cell: 0.60 | 0.15 | 0.60, 25 + 150 + 25 mg, 450 MPa,
7 MPa on the stack, 60 °C, 2.32 mA/cm2.
"""

from collections.abc import Callable
from dataclasses import dataclass
from math import exp, pi, sqrt
from typing import Final

from experiments.virtual_constants import Constants
from experiments.virtual_worlds import PRINTED_X, TEST_TEMPERATURE_C, ZERO_C_K, Powder, World
from features.errors import ReadingError
from features.recipe import TrilayerRecipe

DIE_AREA_CM2: Final = 1.3273
"""Area of the paper's 13 mm die (Chi et al. 2022, Methods)."""

CONTACT_H: Final = 5.0
"""Contact with sodium before a test: the paper's rest (Chi et al. 2022, Fig. 4)."""

SODIUM_MOLAR_VOLUME_M3: Final = 23.75e-6
FARADAY_C_MOL: Final = 96485.33212
BOLTZMANN_EV_K: Final = 8.617333262e-5


@dataclass(frozen=True, slots=True, kw_only=True)
class Layer:
    """One pressed layer, or a pellet, as it truly is (simulated).

    Attributes:
        x: Oxygen actually in it, dimensionless.
        relative_density: Fraction of the true density.
        thickness_um: Thickness, µm.
        ionic_conductivity_s_cm: At the test temperature, S/cm.
        electronic_conductivity_s_cm: At the test temperature, S/cm.
    """

    x: float
    relative_density: float
    thickness_um: float
    ionic_conductivity_s_cm: float
    electronic_conductivity_s_cm: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Stack:
    """Core between two skins of one kind, on test (simulated).

    Attributes:
        core: The core.
        skin: Each of the two skins.
        stack_pressure_mpa: Pressure on the cell, MPa.
        temperature_c: Test temperature, °C.
    """

    core: Layer
    skin: Layer
    stack_pressure_mpa: float
    temperature_c: float


def layer(
    world: World,
    powder: Powder,
    *,
    mass_mg: float,
    pressing_pressure_mpa: float,
    temperature_c: float,
) -> Layer:
    """A powder pressed in the 13 mm die: l = m/(rho_true rho_rel A)."""
    density = world.relative_density(powder.x, pressing_pressure_mpa)
    true_g_cm3 = 2.00 + 0.4667 * powder.x  # 2.00 and 2.28 at x = 0 and 0.60 are the paper's
    return Layer(
        x=powder.x,
        relative_density=density,
        thickness_um=1e4 * 1e-3 * mass_mg / (true_g_cm3 * density * DIE_AREA_CM2),
        ionic_conductivity_s_cm=world.ionic_conductivity_s_cm(
            powder, pressing_pressure_mpa, temperature_c
        ),
        electronic_conductivity_s_cm=world.electronic_conductivity_s_cm(
            powder, pressing_pressure_mpa, temperature_c
        ),
    )


def interphase_ohm_cm2(k: Constants, skin_x: float) -> float:
    r"""Resistance of one interphase (SEI), ohm cm2: :math:`150\,e^{-x_s/0.15}\sqrt{t/5 h}`."""
    return k.sei_ohm_cm2 * exp(-skin_x / k.sei_x_scale) * sqrt(CONTACT_H / 5.0)


def area_specific_resistance_ohm_cm2(world: World, stack: Stack) -> float:
    r"""Area specific resistance, ohm cm2.

    .. math:: l_c/\sigma_c + 2 l_s/\sigma_s + 2R_{ct} + 2R_{SEI}
    """
    core, skin = stack.core, stack.skin
    transfer = world.charge_transfer_ohm_cm2(skin.x, stack.temperature_c)
    return (
        1e-4 * core.thickness_um / core.ionic_conductivity_s_cm
        + 2e-4 * skin.thickness_um / skin.ionic_conductivity_s_cm
        + 2 * transfer
        + 2 * interphase_ohm_cm2(world.constants, skin.x)
    )


def flaw_limited(world: World, stack: Stack) -> float:
    r"""Critical current density of worlds A to D and G, mA/cm2: metal opens a flaw of the skin.

    .. math::

        a = 1.5 + 60\varphi_s\ \mathrm{µm}, \quad K = 0.27471(0.8 + 0.2x_s/0.6), \quad
        \sigma_f = K/(1.12\sqrt{\pi a}), \quad j_d = \frac{V_m\sigma_f/F}{R_{ct}+0.3R_{SEI}}

        j = (j_d^{-4} + j_v^{-4})^{-1/4}\,[1 + \sigma_{e,s}/3\times10^{-9}]^{-1}\,
            [1 - e^{-(l_s/30)^2}]
    """
    k, skin = world.constants, stack.skin
    flaw_m = 1e-6 * (k.flaw_um + k.flaw_per_porosity_um * (1 - skin.relative_density))
    share = k.toughness_share_without_oxygen
    toughness = k.toughness_mpa_m05 * (share + (1 - share) * skin.x / PRINTED_X)
    stress_pa = 1e6 * toughness / (1.12 * sqrt(pi * flaw_m))
    overpotential_mv = 1e3 * SODIUM_MOLAR_VOLUME_M3 * stress_pa / FARADAY_C_MOL
    opened = overpotential_mv / _interface_ohm_cm2(world, stack)
    leakage = 1 + skin.electronic_conductivity_s_cm / k.leakage_s_cm
    return _smaller(opened, _void_limit(k, stack)) / leakage * _coverage(k, skin)


def electronic_limited(world: World, stack: Stack) -> float:
    r"""Critical current density of world E, mA/cm2: electrons leak into the skin; no flaw law.

    .. math::

        j_e = 2.460\,(10^{-10}/\sigma_{e,s})^{0.6}, \quad
        j = (j_e^{-4} + j_v^{-4})^{-1/4}\,[1 - e^{-(l_s/30)^2}]
    """
    k, skin = world.constants, stack.skin
    excess = skin.electronic_conductivity_s_cm / 1e-10
    leak = k.electronic_limit_ma_cm2 * excess**-k.electronic_limit_exponent
    return _smaller(leak, _void_limit(k, stack)) * _coverage(k, skin)


def core_limited(world: World, stack: Stack) -> float:
    r"""Critical current density of world F, mA/cm2: an overpotential over core and interface.

    .. math::

        j = \frac{68.1\ \mathrm{mV}}{R_{ct} + 0.3R_{SEI} + 50\ \mathrm{µm}/\sigma_c}
            \left(\frac{P_\mathrm{stack}}{7}\right)^{0.3} [1 - e^{-(l_s/30)^2}]

    R_ct has a floor in world F and the core's term stays, so that oxygen in the skin saturates.
    """
    k = world.constants
    path_ohm_cm2 = 1e-4 * k.core_path_um / stack.core.ionic_conductivity_s_cm
    driven = k.core_overpotential_mv / (_interface_ohm_cm2(world, stack) + path_ohm_cm2)
    contact = (stack.stack_pressure_mpa / 7.0) ** k.stack_exponent
    return float(driven * contact * _coverage(k, stack.skin))


CRITICAL_CURRENT_LAWS: Final[dict[str, Callable[[World, Stack], float]]] = {
    "A": flaw_limited,
    "B": flaw_limited,
    "C": flaw_limited,
    "D": flaw_limited,
    "E": electronic_limited,
    "F": core_limited,
    "G": flaw_limited,
}


def critical_current_density_ma_cm2(world: World, stack: Stack) -> float:
    """Critical current density by the world's own law, mA/cm2, before the cell's own luck."""
    return CRITICAL_CURRENT_LAWS[world.letter](world, stack)


def cell_truth(world: World, recipe: TrilayerRecipe, property_id: str) -> float:
    """The true value of one cell property, without any jar, layer or cell scatter.

    Args:
        world: The invented truth.
        recipe: The cell, followed to the letter.
        property_id: ``critical_current_density`` or ``area_specific_resistance``.

    Returns:
        In the catalogue's unit.

    Raises:
        ReadingError: If no law yields the property.

    Examples:
        >>> from features.recipe import GlassRecipe
        >>> core, skin = (GlassRecipe(x, 3, "stainless_steel") for x in (0.15, 0.6))
        >>> paper = TrilayerRecipe(core=core, skin=skin, core_mass_mg=150, skin_mass_mg=25)
        >>> round(cell_truth(World("A"), paper, "critical_current_density"), 2)
        2.32
    """
    laws = {
        "critical_current_density": critical_current_density_ma_cm2,
        "area_specific_resistance": area_specific_resistance_ohm_cm2,
    }
    if property_id not in laws:
        raise ReadingError(
            f"the virtual laboratory knows {', '.join(laws)} of a cell, "
            f"got {property_id!r}; ask for one of these"
        )
    core, skin = (
        layer(
            world,
            world.powder(glass),
            mass_mg=mass_mg,
            pressing_pressure_mpa=recipe.pressing_pressure_mpa,
            temperature_c=recipe.temperature_c,
        )
        for glass, mass_mg in (
            (recipe.core, recipe.core_mass_mg),
            (recipe.skin, recipe.skin_mass_mg),
        )
    )
    stack = Stack(
        core=core,
        skin=skin,
        stack_pressure_mpa=recipe.stack_pressure_mpa,
        temperature_c=recipe.temperature_c,
    )
    return laws[property_id](world, stack)


def _interface_ohm_cm2(world: World, stack: Stack) -> float:
    """R_ct + 0.3 R_SEI of one interface, ohm cm2."""
    k, x = world.constants, stack.skin.x
    transfer = world.charge_transfer_ohm_cm2(x, stack.temperature_c)
    return transfer + k.sei_weight * interphase_ohm_cm2(k, x)


def _void_limit(k: Constants, stack: Stack) -> float:
    r"""Current at which voids form under the sodium, mA/cm2.

    .. math:: j_v = 3.44\,(P_\mathrm{stack}/7)\,e^{-(0.14/k_B)(1/T - 1/333.15)}
    """
    inverse = 1 / (stack.temperature_c + ZERO_C_K) - 1 / (TEST_TEMPERATURE_C + ZERO_C_K)
    activated = exp(-k.void_activation_ev / BOLTZMANN_EV_K * inverse)
    return k.void_ma_cm2 * stack.stack_pressure_mpa / 7.0 * activated


def _smaller(first: float, second: float) -> float:
    """A smooth minimum: (a^-4 + b^-4)^(-1/4); 0 if either is 0."""
    if min(first, second) <= 0:
        return 0.0
    return float((first**-4 + second**-4) ** -0.25)


def _coverage(k: Constants, skin: Layer) -> float:
    """Share of the core that a skin of this thickness covers, 0 to 1."""
    return 1 - exp(-((skin.thickness_um / k.coverage_um) ** 2))
