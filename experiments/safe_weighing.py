"""Whether the masses on a sheet give the glass on it: stoichiometry worked out a second time.

Nothing of ``features.stoichiometry`` is used here, not even its constants, so that a slip there is
seen before anybody weighs by it.
"""

from collections.abc import Iterator, Mapping
from typing import Any, Final

_NA, _P, _S, _O = 22.98977, 30.97376, 32.06, 15.999

REAGENTS: Final[Mapping[str, tuple[int, int, int, int]]] = {
    "na2s": (2, 0, 1, 0),
    "p2s5": (0, 2, 5, 0),
    "p2o5": (0, 2, 0, 5),
}
"""Atoms of Na, P, S and O in one formula unit of each reagent."""

PRINTED_TO_MG: Final = 0.1
"""Sheets print masses to this, so a mass may be off by half of it."""

SLACK_MG: Final = 0.002
"""Room for the last digit of atomic weights, at 50 g."""


def wrong_masses(
    masses_mg: Mapping[str, Any],
    *,
    x: float,
    batch_mass_g: float,
    assays: Mapping[str, float],
    balance_mg: float,
) -> Iterator[str]:
    """What is wrong with masses to weigh.

    Args:
        masses_mg: By ``na2s``, ``p2s5`` and ``p2o5``, mg; finite numbers.
        x: Oxygen per formula unit of Na3PS(4-x)O(x), dimensionless.
        batch_mass_g: Glass that the pure compounds give, g.
        assays: Mass fraction of pure compound, by reagent.
        balance_mg: The least that the balance tells from nothing, mg.

    Yields:
        A sentence for each mass that does not give that glass, or cannot be weighed.

    References:
        Chi et al., Nat. Commun. 13, 2854 (2022), Methods; domain notes 3.1.

    Examples:
        >>> masses = {"na2s": 1037.0, "p2s5": 37.7, "p2o5": 925.3}
        >>> found = wrong_masses(masses, x=0.15, batch_mass_g=2, balance_mg=0.1,
        ...                      assays={"na2s": 1, "p2s5": 1, "p2o5": 1})
        >>> next(found)
        'masses_mg.p2s5 must be 925.3 mg for 2 g of x = 0.15 at an assay of 1, got 37.7 mg'
    """
    phosphorus_mmol = 1000 * batch_mass_g / (3 * _NA + _P + (4 - x) * _S + x * _O)
    wanted_mmol = {
        "na2s": 3 * phosphorus_mmol / 2,  # all sodium, three a phosphorus
        "p2s5": phosphorus_mmol / 2 - x * phosphorus_mmol / 5,  # the phosphorus P2O5 leaves
        "p2o5": x * phosphorus_mmol / 5,  # all oxygen
    }
    for name, atoms in REAGENTS.items():
        molar = sum(n * weight for n, weight in zip(atoms, (_NA, _P, _S, _O), strict=True))
        wanted_mg = wanted_mmol[name] * molar / assays[name]
        given_mg = float(masses_mg[name])
        if not abs(given_mg - wanted_mg) <= PRINTED_TO_MG / 2 + SLACK_MG:
            yield (
                f"masses_mg.{name} must be {wanted_mg:.1f} mg for {batch_mass_g:g} g of x = {x:g} "
                f"at an assay of {assays[name]:g}, got {given_mg:g} mg"
            )
        elif 0 < given_mg < balance_mg * (1 - 1e-9):
            yield (
                f"masses_mg.{name} must be 0 or at least the {balance_mg:g} mg of the balance, got "
                f"{given_mg:g} mg; make more (glasses.batch_mass_g), or leave that x out"
            )
