r"""Virtual worlds A to G: what a glass is like, exactly. Invented for simulation.

The laws are those of domain notes 6.1 to 6.4; their constants (``virtual_constants``) are all
invented and merely pass through the values Chi et al. print. Worlds A to D differ in how
conductivity depends on oxygen and medium only. E, F and G follow other laws:

- **E**: the critical current density is set by the electronic conductivity of the skin
  (``virtual_cells.electronic_limited``); there is no flaw law.
- **F**: it is set by the core's conductivity and the interface resistance
  (``virtual_cells.core_limited``), and R_ct falls to a floor, so oxygen in the skin saturates.
- **G**: above a threshold of the effective milling dose, which rises with oxygen, fine crystals
  lift the conductivity and lower the modulus in a step; and the oxygen at which conductivity
  peaks moves with the density of the medium:

.. math::

    s = \hat\sigma\left(\frac{D_e - D_c - D_x x}{w}\right), \quad
    \sigma \to \sigma (1 + 0.8 s), \quad E \to E (1 - 0.12 s), \quad X_c \to X_c + 0.02 s, \quad
    c \to c\,(7.8/\rho_\mathrm{med})

A seed perturbs every constant by its own spread; then a world no longer passes exactly through
the printed values. Nothing in ``features`` or ``models`` may import this module.
"""

from dataclasses import dataclass, field
from math import exp, log10
from typing import Final, final

from scipy.special import expit

from experiments.virtual_constants import Constants, world_constants
from features.errors import ReadingError
from features.milling import (
    REFERENCE_DENSITY_G_CM3,
    REFERENCE_SPEED_RPM,
    medium,
    relative_dose,
    relative_intensity,
)
from features.recipe import GlassRecipe, PelletRecipe

GAS_KJ_MOL_K: Final = 8.314462618e-3
TEST_TEMPERATURE_C: Final = 60.0
ZERO_C_K: Final = 273.15
PRINTED_X: Final = 0.6
"""Oxygen at which the paper prints most of its values: the laws are anchored there."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Powder:
    """A milled glass powder as it truly is (simulated).

    Attributes:
        x: Oxygen actually in it, dimensionless.
        milling_media: Id of the medium.
        effective_dose: D_e, relative milling energy that did work, dimensionless.
        unreacted: u, fraction of reagents left.
        crystalline_na3ps4: X_c, fraction.
        crystalline_na2s: X_s, fraction.
        debris_wt_pct: Wear of the medium, wt%.
        step: Share of world G's dose step that was passed, 0 to 1; no effect elsewhere.
    """

    x: float
    milling_media: str
    effective_dose: float
    unreacted: float
    crystalline_na3ps4: float
    crystalline_na2s: float
    debris_wt_pct: float
    step: float


def sigmoid(z: float) -> float:
    """1/(1 + e^-z), dimensionless."""
    return float(expit(z))


def arrhenius(activation_kj_mol: float, temperature_c: float) -> float:
    """exp[-(Ea/R)(1/T - 1/333.15 K)], dimensionless; 1 at 60 °C."""
    inverse = 1 / (temperature_c + ZERO_C_K) - 1 / (TEST_TEMPERATURE_C + ZERO_C_K)
    return exp(-activation_kj_mol / GAS_KJ_MOL_K * inverse)


@final
@dataclass(frozen=True, slots=True)
class World:
    """One invented truth: letter A to G, and a seed that perturbs its constants.

    Attributes:
        letter: Which laws.
        seed: Perturbs every constant by its own spread of 5 to 20 %; ``None``: as calibrated.
        constants: The constants that follow.

    Raises:
        CampaignError: If there is no such world, or the seed is negative.

    Examples:
        >>> paper = PelletRecipe(GlassRecipe(0.15, 3, "stainless_steel"), 450)
        >>> f"{World('A').pellet_truth(paper, 'ionic_conductivity'):.2e}"
        '2.70e-04'
    """

    letter: str
    seed: int | None = None
    constants: Constants = field(init=False)

    def __post_init__(self) -> None:
        """Look up and perturb the constants."""
        object.__setattr__(self, "constants", world_constants(self.letter, self.seed))

    @property
    def label(self) -> str:
        """Name for outputs, always saying that it is simulated."""
        seed = "" if self.seed is None else f", world seed {self.seed}"
        return f"simulated world {self.letter}{seed}"

    def powder(self, glass: GlassRecipe, *, relative_ball_load: float = 1.0) -> Powder:
        r"""The powder a mill run yields (domain notes 6.1).

        .. math::

            D_e = 1.10\,D\,w/(w + 0.10), \quad u = e^{-(D_e/(0.22 + 0.20x))^{1.2}}

            X_c = 0.035 e^{-(x/0.30)^2} (1 - e^{-D_e/0.5})
                + 0.25 e^{-x/0.25}\,\hat\sigma((D_e - 8)/1.5)

        Args:
            glass: What is milled; its ``x`` is taken as what is in the jar.
            relative_ball_load: Ball load over that of the reference set, dimensionless.

        Returns:
            The powder.
        """
        k, x, media = self.constants, glass.x, glass.milling_media
        dose = relative_dose(
            media, glass.milling_time_h, glass.milling_speed_rpm,
            relative_ball_load=relative_ball_load,
        )  # fmt: skip
        intensity = relative_intensity(media, glass.milling_speed_rpm)
        effective = dose * k.energy_gain * intensity / (intensity + k.energy_half_intensity)
        needed = k.reaction_dose + k.reaction_dose_per_x * x
        step = sigmoid((effective - k.step_dose - k.step_dose_per_x * x) / k.step_dose_width)
        early = k.early_crystals * exp(-((x / k.early_crystals_x_scale) ** 2))
        late = k.overmilled_crystals * exp(-x / k.overmilled_crystals_x_scale)
        return Powder(
            x=x,
            milling_media=media,
            effective_dose=effective,
            unreacted=exp(-((effective / needed) ** k.reaction_exponent)),
            crystalline_na3ps4=early * (1 - exp(-effective / k.early_crystals_dose))
            + late * sigmoid((effective - k.overmilled_dose) / k.overmilled_dose_width)
            + k.step_crystals * step,
            crystalline_na2s=k.sodium_sulfide_per_x * x,
            debris_wt_pct=float(getattr(k, f"debris_{media}"))
            * dose * glass.milling_speed_rpm / REFERENCE_SPEED_RPM,
            step=step,
        )  # fmt: skip

    def relative_density(self, x: float, pressing_pressure_mpa: float) -> float:
        r"""Relative density of a pressed glass, dimensionless (domain notes 6.2).

        .. math::

            \rho = D_m - (D_m - 0.55) e^{-P/P_y}, \quad D_m = 1 - 0.12 e^{-x/0.08}, \quad
            P_y = 38 + 55 e^{-x/0.15}
        """
        k = self.constants
        densest = 1 - k.density_deficit * exp(-x / k.density_deficit_x_scale)
        yield_mpa = k.yield_pressure_mpa + k.yield_pressure_rise_mpa * exp(
            -x / k.yield_pressure_x_scale
        )
        return densest - (densest - k.density_loose) * exp(-pressing_pressure_mpa / yield_mpa)

    def activation_energy_kj_mol(self, x: float, milling_media: str) -> float:
        r"""Activation energy of ionic conduction, kJ/mol (domain notes 6.3).

        .. math:: E_a = E_0 - B (1 - e^{-x/c}) + S x

        In world G the scale c follows the density of the medium.
        """
        k = self.constants
        lightness = REFERENCE_DENSITY_G_CM3 / medium(milling_media).density_g_cm3
        scale = k.activation_x_scale * lightness**k.optimum_medium_exponent
        return (
            k.activation_kj_mol
            - k.activation_drop_kj_mol * (1 - exp(-x / scale))
            + k.activation_rise_kj_mol * x
        )

    def ionic_conductivity_s_cm(
        self, powder: Powder, pressing_pressure_mpa: float, temperature_c: float
    ) -> float:
        r"""Ionic conductivity, S/cm (domain notes 6.3).

        .. math::

            \sigma = A e^{-E_a/RT} (1-u)^{2.5} \rho^{2.5} (1-X_s)^{1.5} (1+1.5X_c)\,
            (6^{-\kappa} \text{ if agate})\,(1 + 0.8 s \text{ in world G})
        """
        k = self.constants
        energy = self.activation_energy_kj_mol(powder.x, powder.milling_media)
        agate = k.agate_penalty if powder.milling_media == "agate" else 0.0
        return float(
            exp(k.log_prefactor - energy / (GAS_KJ_MOL_K * (temperature_c + ZERO_C_K)))
            * (1 - powder.unreacted) ** k.reagent_exponent
            * self.relative_density(powder.x, pressing_pressure_mpa) ** k.porosity_exponent
            * (1 - powder.crystalline_na2s) ** k.sulfide_exponent
            * (1 + k.crystal_gain * powder.crystalline_na3ps4)
            * k.agate_penalty_base**-agate
            * (1 + k.step_conductivity_gain * powder.step)
        )

    def youngs_modulus_gpa(self, powder: Powder, pressing_pressure_mpa: float) -> float:
        r"""Young's modulus, GPa (domain notes 6.4).

        .. math:: E = (18 + 5.5103x)\,e^{-2\varphi} (1-0.5u)(1-0.3X_s)\,(1 - 0.12 s \text{ in G})
        """
        k = self.constants
        porosity = 1 - self.relative_density(powder.x, pressing_pressure_mpa)
        return (
            (k.modulus_gpa + k.modulus_rise_gpa * powder.x)
            * exp(-k.modulus_porosity * porosity)
            * (1 - k.modulus_reagent_loss * powder.unreacted)
            * (1 - k.modulus_sulfide_loss * powder.crystalline_na2s)
            * (1 - k.step_modulus_loss * powder.step)
        )

    def hardness_gpa(self, powder: Powder, pressing_pressure_mpa: float) -> float:
        """Hardness, GPa: (0.70 + 0.50x) times the modulus over its dense value (6.4)."""
        k = self.constants
        dense = k.modulus_gpa + k.modulus_rise_gpa * powder.x
        share = self.youngs_modulus_gpa(powder, pressing_pressure_mpa) / dense
        return (k.hardness_gpa + k.hardness_rise_gpa * powder.x) * share

    def electronic_conductivity_s_cm(
        self, powder: Powder, pressing_pressure_mpa: float, temperature_c: float
    ) -> float:
        r"""Electronic conductivity, S/cm (domain notes 6.4).

        .. math::

            \log_{10}\sigma_e = -8.70 - 1.4892\frac{1-e^{-x/0.25}}{1-e^{-0.6/0.25}}
            + a_\mathrm{med}\log_{10}(1 + c/0.10) + \varphi + 0.5u

        at 60 °C, with 55 kJ/mol; a is 1 for steel, 0.6 for tungsten carbide, else 0.
        """
        k = self.constants
        debris = {"stainless_steel": k.electronic_steel, "tungsten_carbide": k.electronic_carbide}
        drop = (1 - exp(-powder.x / k.electronic_x_scale)) / (
            1 - exp(-PRINTED_X / k.electronic_x_scale)
        )
        log10_s_cm = (
            k.electronic_log10
            - k.electronic_drop_dex * drop
            + debris.get(powder.milling_media, 0.0)
            * log10(1 + powder.debris_wt_pct / k.electronic_debris_wt_pct)
            + k.electronic_porosity_dex
            * (1 - self.relative_density(powder.x, pressing_pressure_mpa))
            + k.electronic_reagent_dex * powder.unreacted
        )
        return float(10**log10_s_cm * arrhenius(k.electronic_activation_kj_mol, temperature_c))

    def charge_transfer_ohm_cm2(self, x: float, temperature_c: float) -> float:
        r"""Charge transfer resistance of one interface with sodium, ohm cm2 (6.5).

        .. math:: R_{ct} = R_f + (10 - R_f)\,e^{-(x-0.6)/0.25} e^{(50/R)(1/T - 1/333.15)}

        with the floor :math:`R_f` 0, except in world F (5).
        """
        k = self.constants
        above_floor = (k.transfer_ohm_cm2 - k.transfer_floor_ohm_cm2) * exp(
            -(x - PRINTED_X) / k.transfer_x_scale
        )
        activated = arrhenius(-k.transfer_activation_kj_mol, temperature_c)
        return (k.transfer_floor_ohm_cm2 + above_floor) * activated

    def pellet_truth(
        self,
        pellet: PelletRecipe,
        property_id: str,
        temperature_c: float = TEST_TEMPERATURE_C,
    ) -> float:
        """The true value of one pellet property, without any jar or pellet scatter.

        Args:
            pellet: The recipe, followed to the letter.
            property_id: Id from the catalogue.
            temperature_c: Temperature, °C; density, modulus and hardness do not depend on it.

        Returns:
            In the catalogue's unit.

        Raises:
            ReadingError: If no law yields the property.
        """
        powder = self.powder(pellet.glass)
        p, t = pellet.pressing_pressure_mpa, temperature_c
        laws = {
            "ionic_conductivity": lambda: self.ionic_conductivity_s_cm(powder, p, t),
            "youngs_modulus": lambda: self.youngs_modulus_gpa(powder, p),
            "hardness": lambda: self.hardness_gpa(powder, p),
            "electronic_conductivity": lambda: self.electronic_conductivity_s_cm(powder, p, t),
            "relative_density": lambda: self.relative_density(powder.x, p),
            "charge_transfer_resistance": lambda: self.charge_transfer_ohm_cm2(powder.x, t),
            "activation_energy": lambda: self.activation_energy_kj_mol(
                powder.x, powder.milling_media
            ),
        }
        if property_id not in laws:
            raise ReadingError(
                f"the virtual laboratory knows {', '.join(laws)} of a pellet, "
                f"got {property_id!r}; ask for one of these"
            )
        return laws[property_id]()
