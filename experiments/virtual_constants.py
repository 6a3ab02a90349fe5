"""Constants of the virtual laboratory: every one is invented for simulation, none is measured.

They are tuned so that the virtual laboratory passes through the values that Chi et al.
(Nat. Commun. 13, 2854 (2022), doi:10.1038/s41467-022-30517-y) print; between and beyond those
values they are fiction. Nothing in ``features`` or ``models`` may import this module: a
surrogate that knew these numbers would be tested on its own assumptions.
"""

import hashlib
from dataclasses import dataclass, replace
from math import exp
from typing import Annotated, Final, final, get_args, get_type_hints

import numpy as np

from features.errors import CampaignError

Firm = Annotated[float, 0.05]
"""A constant a seed perturbs by 5 %."""

Usual = Annotated[float, 0.10]
"""A constant a seed perturbs by 10 %."""

Loose = Annotated[float, 0.20]
"""A constant a seed perturbs by 20 %."""

LARGEST_PERTURBATION_SD: Final = 2.0
"""Perturbations are clipped here, so that no seed makes a world in which nothing works."""


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class Constants:
    """All constants of a world's laws (domain notes 6.1 to 6.5), dimensionless unless suffixed.

    A constant that is 0 by default switches off a term that only some worlds have; a seed
    leaves it at 0. Exact physics (the gas constant, the molar volume of sodium), handbook
    densities and the paper's true densities are not here: no seed may move them.
    """

    # Milling (6.1)
    energy_gain: Firm = 1.10
    energy_half_intensity: Usual = 0.10
    reaction_dose: Usual = 0.22
    reaction_dose_per_x: Loose = 0.20
    reaction_exponent: Firm = 1.2
    early_crystals: Usual = 0.035
    early_crystals_x_scale: Usual = 0.30
    early_crystals_dose: Usual = 0.5
    overmilled_crystals: Usual = 0.25
    overmilled_crystals_x_scale: Usual = 0.25
    overmilled_dose: Usual = 8.0
    overmilled_dose_width: Usual = 1.5
    sodium_sulfide_per_x: Loose = 0.02 / 0.6
    debris_stainless_steel: Loose = 0.05
    debris_zirconia: Loose = 0.01
    debris_agate: Loose = 0.03
    debris_tungsten_carbide: Loose = 0.02
    debris_alumina: Loose = 0.04
    debris_silicon_nitride: Loose = 0.01

    # Density (6.2)
    density_deficit: Usual = 0.12
    density_deficit_x_scale: Usual = 0.08
    density_loose: Firm = 0.55
    yield_pressure_mpa: Usual = 38.0
    yield_pressure_rise_mpa: Usual = 55.0
    yield_pressure_x_scale: Usual = 0.15

    # Ionic conductivity (6.3)
    log_prefactor: Firm = 6.79569
    activation_kj_mol: Firm = 45.7978
    activation_drop_kj_mol: Usual = 5.9945
    activation_rise_kj_mol: Usual = 8.0309
    activation_x_scale: Loose = 0.06
    agate_penalty: Usual = 0.0
    agate_penalty_base: Usual = 6.0
    reagent_exponent: Usual = 2.5
    porosity_exponent: Usual = 2.5
    sulfide_exponent: Usual = 1.5
    crystal_gain: Usual = 1.5

    # Modulus, hardness, electronic conductivity (6.4)
    modulus_gpa: Firm = 18.0
    modulus_rise_gpa: Usual = 5.5103
    modulus_porosity: Usual = 2.0
    modulus_reagent_loss: Usual = 0.5
    modulus_sulfide_loss: Usual = 0.3
    hardness_gpa: Firm = 0.70
    hardness_rise_gpa: Usual = 0.50
    electronic_log10: Firm = -8.70
    electronic_drop_dex: Usual = 1.4892
    electronic_x_scale: Usual = 0.25
    electronic_debris_wt_pct: Loose = 0.10
    electronic_steel: Usual = 1.0
    electronic_carbide: Usual = 0.6
    electronic_porosity_dex: Usual = 1.0
    electronic_reagent_dex: Usual = 0.5
    electronic_activation_kj_mol: Firm = 55.0

    # Failures (6.4, 6.5)
    unreacted_limit: Usual = 0.06
    unreacted_width: Usual = 0.012
    crystallised_limit: Usual = 0.10
    crystallised_width: Usual = 0.02
    crack_pressure_mpa: Firm = 560.0
    crack_width_mpa: Usual = 30.0
    crumble_pressure_mpa: Usual = 60.0
    crumble_width_mpa: Usual = 12.0
    handling_loss: Loose = 0.03
    short_stack_mpa: Usual = 20.0
    short_width_mpa: Usual = 3.0

    # Interfaces and critical current density (6.5)
    transfer_ohm_cm2: Usual = 10.0
    transfer_floor_ohm_cm2: Usual = 0.0
    transfer_x_scale: Usual = 0.25
    transfer_activation_kj_mol: Firm = 50.0
    sei_ohm_cm2: Loose = 150.0
    sei_x_scale: Usual = 0.15
    sei_weight: Loose = 0.3
    flaw_um: Usual = 1.5
    flaw_per_porosity_um: Loose = 60.0
    toughness_mpa_m05: Firm = 0.27471
    toughness_share_without_oxygen: Firm = 0.8
    void_ma_cm2: Usual = 3.44
    void_activation_ev: Usual = 0.14
    leakage_s_cm: Loose = 3e-9
    coverage_um: Usual = 30.0

    # World E: electronic limit
    electronic_limit_ma_cm2: Usual = 2.460
    electronic_limit_exponent: Usual = 0.6

    # World F: core and interface limit
    core_overpotential_mv: Usual = 68.1
    core_path_um: Loose = 50.0
    stack_exponent: Loose = 0.3

    # World G: step in milling dose, optimum that follows the medium
    step_dose: Usual = 2.6
    step_dose_per_x: Loose = 2.0
    step_dose_width: Usual = 0.08
    step_crystals: Usual = 0.0
    step_conductivity_gain: Usual = 0.0
    step_modulus_loss: Usual = 0.0
    optimum_medium_exponent: Usual = 0.0


WORLD_CONSTANTS: Final[dict[str, dict[str, float]]] = {
    "A": {},
    "B": {
        "activation_x_scale": 0.03,
        "activation_drop_kj_mol": 5.3869,
        "activation_rise_kj_mol": 7.0187,
    },
    "C": {
        "activation_x_scale": 0.10,
        "activation_drop_kj_mol": 7.5904,
        "activation_rise_kj_mol": 10.6599,
    },
    "D": {
        "agate_penalty": 0.5,
        "activation_kj_mol": 43.3162,
        "activation_drop_kj_mol": 3.2080,
        "activation_rise_kj_mol": 7.5229,
    },
    "E": {},
    "F": {"transfer_floor_ohm_cm2": 5.0},
    "G": {
        "step_crystals": 0.02,
        "step_conductivity_gain": 0.8,
        "step_modulus_loss": 0.12,
        "optimum_medium_exponent": 1.0,
    },
}
"""What sets each world apart from A (E differs by its law of the critical current density)."""


SPREADS: Final[dict[str, float]] = {
    name: get_args(hint)[1] for name, hint in get_type_hints(Constants, include_extras=True).items()
}
"""Relative spread a seed gives to each constant, dimensionless."""


def world_constants(letter: str, seed: int | None = None) -> Constants:
    r"""The constants of a world, perturbed if a seed is given.

    .. math:: k \to k\,e^{s z}, \quad z \sim N(0, 1) \text{ clipped to } \pm 2

    with s the constant's own spread. Each z comes from the seed and the constant's name
    alone, so the same seed moves a constant by the same factor in every world.

    Args:
        letter: A to G.
        seed: Not negative; ``None`` leaves the constants as they are.

    Returns:
        The constants.

    Raises:
        CampaignError: If there is no such world, or the seed is negative.

    Examples:
        >>> world_constants("B").activation_x_scale
        0.03
    """
    if letter not in WORLD_CONSTANTS:
        raise CampaignError(
            f"world must be one of {', '.join(WORLD_CONSTANTS)}, got {letter!r}; use one letter"
        )
    constants = replace(Constants(), **WORLD_CONSTANTS[letter])
    if seed is None:
        return constants
    return replace(
        constants,
        **{
            name: getattr(constants, name) * exp(spread * _standard_normal(seed, name))
            for name, spread in SPREADS.items()
        },
    )


def generator(seed: int, *labels: str) -> np.random.Generator:
    """Random generator that depends on the seed and the labels, never on the order of calls.

    Args:
        seed: Not negative.
        labels: For instance a specimen's id and what is drawn for it.

    Returns:
        A fresh generator, the same for the same arguments on every machine.

    Raises:
        CampaignError: If the seed is negative.

    Examples:
        >>> generator(0, "R01-G1").random() == generator(0, "R01-G1").random()
        True
    """
    if seed < 0:
        raise CampaignError(f"seed must not be negative, got {seed}; use 0 or more")
    digest = hashlib.sha256("\x1f".join(labels).encode()).digest()
    return np.random.default_rng(np.random.SeedSequence([seed, int.from_bytes(digest)]))


def _standard_normal(seed: int, name: str) -> float:
    draw = generator(seed, "constant", name).normal()
    return float(np.clip(draw, -LARGEST_PERTURBATION_SD, LARGEST_PERTURBATION_SD))
