"""How finely a composition can be weighed out."""

from typing import Final

from features.stoichiometry import Masses, composition_from, masses_for

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
