"""Are the masses weighed those that were asked for?"""

from collections.abc import Mapping
from math import isclose
from typing import Final

from features._verdict import Verdict, level_of
from features.errors import ReadingError

MASS_LIMITS: Final = (0.01, 0.10)
"""Relative deviation from the target mass that is questioned, and refused (5.6)."""


def check_masses(
    weighed_mg: Mapping[str, float], target_mg: Mapping[str, float]
) -> dict[str, Verdict]:
    """Whether the masses weighed are those that were asked for.

    Args:
        weighed_mg: Component to mass weighed, mg.
        target_mg: Component to mass wanted, mg; 0 when the recipe lacks it.

    Returns:
        Component to verdict, one for each mass weighed.

    Raises:
        ReadingError: If a component has no target.

    References:
        Domain notes 5.6.

    Examples:
        >>> check_masses({"p2o5": 38.2}, {"p2o5": 38.1})["p2o5"].level
        'ok'
    """
    if unknown := sorted(set(weighed_mg) - set(target_mg)):
        raise ReadingError(
            f"weighed masses: components must be among {', '.join(target_mg)}, got "
            f"{', '.join(unknown)}; use the names on the batch sheet"
        )
    return {name: _mass_verdict(name, mass, target_mg) for name, mass in weighed_mg.items()}


def _mass_verdict(name: str, mass_mg: float, target_mg: Mapping[str, float]) -> Verdict:
    """The verdict on one mass, trying the slips of a tired weigher."""
    target = target_mg[name]
    if target == 0:
        if mass_mg == 0:
            return Verdict()
        return Verdict(
            "reject", f"{name}: {mass_mg:g} mg weighed, but the recipe has none; check the jar"
        )
    deviation = mass_mg / target - 1
    questioned, refused = MASS_LIMITS
    level = level_of(deviation, (-questioned, questioned), (-refused, refused))
    if level == "ok":
        return Verdict()
    return Verdict(
        level,
        f"{name}: {mass_mg:g} mg is {deviation:+.1%} off the target {target:g} mg; "
        + _mass_slip(name, mass_mg, target_mg),
    )


def _mass_slip(name: str, mass_mg: float, target_mg: Mapping[str, float]) -> str:
    """The question that explains a mass far off, or a plain request."""

    def near(wanted: float) -> bool:
        return isclose(mass_mg, wanted, rel_tol=MASS_LIMITS[0])

    target = target_mg[name]
    for other, others_target in target_mg.items():
        if other != name and near(others_target):
            return f"did you swap {name} and {other}?"
    if near(target / 1000):
        return f"did you mean {mass_mg:g} g?"
    if near(target / 10) or near(target * 10):
        return "did the decimal point shift?"
    if name == "p2o5" and (near(target / 2) or near(target * 2)):
        return "was it calculated with the molar mass of P4O10?"
    return "weigh again, or enter it as weighed so that the real x is used"
