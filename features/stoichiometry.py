"""Masses to weigh for a composition, and the composition that weighed masses give."""

from dataclasses import dataclass, fields
from math import isfinite
from typing import Final

import numpy as np
from numpy.typing import ArrayLike, NDArray

from features.errors import RecipeError
from features.recipe import ROUTE_LIMIT_X

ATOMIC_WEIGHT_NA: Final = 22.98977
ATOMIC_WEIGHT_P: Final = 30.97376
ATOMIC_WEIGHT_S: Final = 32.06
ATOMIC_WEIGHT_O: Final = 15.999
"""g/mol; standard atomic weights, CIAAW 2021 (conventional value for S)."""

MOLAR_MASS_NA2S: Final = 2 * ATOMIC_WEIGHT_NA + ATOMIC_WEIGHT_S
MOLAR_MASS_P2S5: Final = 2 * ATOMIC_WEIGHT_P + 5 * ATOMIC_WEIGHT_S
MOLAR_MASS_P2O5: Final = 2 * ATOMIC_WEIGHT_P + 5 * ATOMIC_WEIGHT_O
"""g/mol, of P2O5 and not of the P4O10 molecule: suppliers print either on the bottle."""

MIN_BATCH_G: Final = 0.1
MAX_BATCH_G: Final = 50.0
"""Batch masses a planetary mill takes (domain notes 5.6)."""

MIN_ASSAY: Final = 0.80
"""Below this a reagent is not the compound on its label (domain notes 5.6)."""


@dataclass(frozen=True, slots=True)
class Masses:
    """Masses of the three reagents of one jar.

    Attributes:
        na2s_mg: Sodium sulfide as weighed, impurities included, mg.
        p2s5_mg: Phosphorus pentasulfide, mg.
        p2o5_mg: Phosphorus pentoxide, mg.
    """

    na2s_mg: float
    p2s5_mg: float
    p2o5_mg: float

    @property
    def total_mg(self) -> float:
        """Everything that goes into the jar, mg."""
        return self.na2s_mg + self.p2s5_mg + self.p2o5_mg


@dataclass(frozen=True, slots=True)
class Assays:
    """Mass fraction of the pure compound in each reagent, from the lot's certificate.

    "99 %" on a label is a grade, not an assay. Equal assays leave x unchanged, unequal ones
    change x and Na/P.

    Attributes:
        na2s: Of sodium sulfide, dimensionless, 0.80 to 1.
        p2s5: Of phosphorus pentasulfide, dimensionless, 0.80 to 1.
        p2o5: Of phosphorus pentoxide, dimensionless, 0.80 to 1.

    Raises:
        RecipeError: If one lies outside 0.80 to 1.

    References:
        Domain notes 3.1 and 5.6.

    Examples:
        >>> Assays(na2s=0.985).na2s
        0.985
    """

    na2s: float = 1.0
    p2s5: float = 1.0
    p2o5: float = 1.0

    def __post_init__(self) -> None:
        """Refuse a percentage and an impossible assays."""
        for field in fields(self):
            value = getattr(self, field.name)
            if not MIN_ASSAY <= value <= 1.0:
                raise RecipeError(
                    f"assay of {field.name} must lie between {MIN_ASSAY:.2f} and 1, got {value:g}; "
                    "give a mass fraction, 0.99 and not 99"
                )


PURE: Final = Assays()
"""Every reagent is nothing but its compound."""


@dataclass(frozen=True, slots=True)
class Composition:
    """What a jar really holds, by moles, whatever was aimed at.

    Attributes:
        x: Oxygen per phosphorus, dimensionless; the x of Na3PS(4-x)O(x) when Na/P is 3.
        na_per_p: Sodium per phosphorus, dimensionless.
        s_per_p: Sulfur per phosphorus, dimensionless.
    """

    x: float
    na_per_p: float
    s_per_p: float


def molar_mass(x: ArrayLike) -> NDArray[np.float64]:
    r"""Molar mass of one formula unit Na3PS(4-x)O(x).

    .. math:: M = 228.183 - 16.061\,x

    Args:
        x: Oxygen per formula unit, any shape, dimensionless.

    Returns:
        Same shape, g/mol.

    References:
        Domain notes 3.1.

    Examples:
        >>> molar_mass([0, 0.6]).round(2)
        array([228.18, 218.55])
    """
    oxygen = np.asarray(x, dtype=float)
    cations = 3 * ATOMIC_WEIGHT_NA + ATOMIC_WEIGHT_P
    return cations + (4 - oxygen) * ATOMIC_WEIGHT_S + oxygen * ATOMIC_WEIGHT_O


def masses_for(x: float, batch_mass_g: float, assays: Assays = PURE) -> Masses:
    r"""Masses to weigh for a batch.

    .. math:: 1.5\,\mathrm{Na_2S} + (0.5 - x/5)\,\mathrm{P_2S_5} + (x/5)\,\mathrm{P_2O_5}

    Args:
        x: Oxygen per formula unit, dimensionless, 0 to 2.5.
        batch_mass_g: Glass the pure compounds give, g, 0.1 to 50.
        assays: Mass fractions of pure compound; all 1 unless given.

    Returns:
        Unrounded masses, mg. Their sum exceeds the batch by the impurities.

    Raises:
        RecipeError: If x or the batch mass is out of range.

    References:
        Chi et al., Nat. Commun. 13, 2854 (2022), doi:10.1038/s41467-022-30517-y, Methods;
        domain notes 3.1.

    Examples:
        >>> masses = masses_for(0.15, 2.0)
        >>> round(masses.na2s_mg, 1), round(masses.p2s5_mg, 1), round(masses.p2o5_mg, 1)
        (1037.0, 925.3, 37.7)
    """
    if not 0 <= x <= ROUTE_LIMIT_X:
        raise RecipeError(
            f"x must lie between 0 and {ROUTE_LIMIT_X:g}, got {x:g}; "
            "the P2S5/P2O5 route ends there; if this is a percentage, divide by 100"
        )
    if not MIN_BATCH_G <= batch_mass_g <= MAX_BATCH_G:
        raise RecipeError(
            f"batch_mass_g must lie between {MIN_BATCH_G:g} and {MAX_BATCH_G:g} g, "
            f"got {batch_mass_g:g}; give grams, not milligrams"
        )
    formula_units_mmol = 1000 * batch_mass_g / float(molar_mass(x))
    return Masses(
        na2s_mg=formula_units_mmol * 1.5 * MOLAR_MASS_NA2S / assays.na2s,
        p2s5_mg=formula_units_mmol * (0.5 - x / 5) * MOLAR_MASS_P2S5 / assays.p2s5,
        p2o5_mg=formula_units_mmol * (x / 5) * MOLAR_MASS_P2O5 / assays.p2o5,
    )


def composition_from(masses: Masses, assays: Assays = PURE) -> Composition:
    r"""Composition that weighed masses give.

    .. math:: P = 2(n_2+n_3),\; x = 5n_3/P,\; Na/P = 2n_1/P,\; S/P = (n_1+5n_2)/P

    This x, not the target, is what a surrogate should see.

    Args:
        masses: Masses as weighed.
        assays: Mass fractions of pure compound; all 1 unless given.

    Returns:
        Composition by moles; impurities count as inert.

    Raises:
        RecipeError: If a mass is negative, or there is no phosphorus.

    References:
        Domain notes 3.2.

    Examples:
        >>> round(composition_from(Masses(1037.0, 925.3, 37.7)).x, 3)
        0.15
    """
    for field in fields(masses):
        value = getattr(masses, field.name)
        if not (isfinite(value) and value >= 0):
            raise RecipeError(
                f"{field.name} must be a finite number and not negative, got {value:g}; "
                "give the mass in mg, tare off"
            )
    n_na2s = masses.na2s_mg * assays.na2s / MOLAR_MASS_NA2S
    n_p2s5 = masses.p2s5_mg * assays.p2s5 / MOLAR_MASS_P2S5
    n_p2o5 = masses.p2o5_mg * assays.p2o5 / MOLAR_MASS_P2O5
    phosphorus = 2 * (n_p2s5 + n_p2o5)
    if phosphorus == 0:
        raise RecipeError(
            "masses must hold phosphorus, got 0 mg of both P2S5 and P2O5; "
            "enter the masses of both, one of them above zero"
        )
    return Composition(
        x=5 * n_p2o5 / phosphorus,
        na_per_p=2 * n_na2s / phosphorus,
        s_per_p=(n_na2s + 5 * n_p2s5) / phosphorus,
    )
