"""How finely a composition can be weighed out, and whether it can at all."""

from dataclasses import astuple
from typing import Final

from features.stoichiometry import Assays, Masses, composition_from, masses_for

_COMPOSITIONS: Final = (0.05, 0.6)
"""Ends between which the answer hardly changes."""


def weighing_resolution(batch_mass_g: float, balance_mg: float) -> float:
    """The smallest difference of x that two jars can be told apart by.

    Each jar's x is off by what the balance is off in P2S5 and in P2O5 (sodium sulfide does not
    change it); nearer than both errors together, two compositions are one.

    Args:
        batch_mass_g: Powder of a jar, g.
        balance_mg: Error of the balance, mg.

    Returns:
        Difference of x, dimensionless.

    References:
        Domain notes 3.2: 1 mg of P2O5 in 2 g moves x by 0.0037 at x = 0.15.

    Examples:
        >>> round(weighing_resolution(2.0, 0.1), 4)
        0.0008
    """
    errors = []
    for x in _COMPOSITIONS:
        right = masses_for(x, batch_mass_g)
        off = (
            Masses(right.na2s_mg, right.p2s5_mg - balance_mg, right.p2o5_mg),
            Masses(right.na2s_mg, right.p2s5_mg, right.p2o5_mg + balance_mg),
        )
        errors.append(sum(composition_from(masses).x - x for masses in off))
    return 2 * max(errors)


def too_little_to_weigh(
    x: float, batch_mass_g: float, balance_mg: float, assays: Assays
) -> float | None:
    """The reagent mass of a glass that a balance cannot tell from nothing.

    Args:
        x: Oxygen per formula unit, dimensionless.
        batch_mass_g: Powder of a jar, g.
        balance_mg: Error of the balance, mg.
        assays: Mass fractions of pure compound.

    Returns:
        The mass as it is printed, mg; ``None`` if all can be weighed, or are left out.

    Examples:
        >>> too_little_to_weigh(0.01, 0.5, 1.0, Assays())
        0.6
        >>> too_little_to_weigh(0.01, 2.0, 0.1, Assays()) is None
        True
    """
    printed = [round(mass, 1) for mass in astuple(masses_for(x, batch_mass_g, assays))]
    return next((mass for mass in printed if 0 < mass < balance_mg * (1 - 1e-9)), None)
