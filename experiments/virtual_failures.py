r"""How virtual syntheses, pellets and cells fail: probabilities. Invented for simulation.

.. math::

    p_u = \hat\sigma\left(\tfrac{u - 0.06}{0.012}\right), \quad
    p_c = \hat\sigma\left(\tfrac{X_c - 0.10}{0.02}\right), \quad
    p_k = 1 - \left[1 - \hat\sigma\left(\tfrac{P - 560}{30}\right)\right]
              \left[1 - \hat\sigma\left(\tfrac{60 - P}{12}\right)\right]

    p_\mathrm{fail} = 1 - (1 - p_u)(1 - p_c)(1 - p_k)\,0.97, \quad
    p_\mathrm{short} = \hat\sigma\left(\tfrac{P_\mathrm{stack} - 20}{3}\right)

(domain notes 6.4 and 6.5).
"""

from typing import Literal

from experiments.virtual_worlds import Powder, World, sigmoid
from features.recipe import PelletRecipe

Failure = Literal["unreacted", "crystallised", "handling", "cracked", "short"]


def unreacted_probability(world: World, powder: Powder) -> float:
    """Chance that too much reagent is left in such a jar."""
    k = world.constants
    return sigmoid((powder.unreacted - k.unreacted_limit) / k.unreacted_width)


def crystallised_probability(world: World, powder: Powder) -> float:
    """Chance that such a jar has crystallised."""
    k = world.constants
    return sigmoid((powder.crystalline_na3ps4 - k.crystallised_limit) / k.crystallised_width)


def cracked_probability(world: World, pressing_pressure_mpa: float) -> float:
    """Chance that a pellet cracks (high pressure) or crumbles (low pressure)."""
    k, p = world.constants, pressing_pressure_mpa
    holds = 1 - sigmoid((p - k.crack_pressure_mpa) / k.crack_width_mpa)
    coheres = 1 - sigmoid((k.crumble_pressure_mpa - p) / k.crumble_width_mpa)
    return 1 - holds * coheres


def short_probability(world: World, stack_pressure_mpa: float) -> float:
    """Chance that sodium is squeezed through while the cell is assembled."""
    k = world.constants
    return sigmoid((stack_pressure_mpa - k.short_stack_mpa) / k.short_width_mpa)


def failure_probability(world: World, pellet: PelletRecipe) -> float:
    """Chance that jar or pellet fails for any reason, handling included.

    Examples:
        >>> from features.recipe import GlassRecipe
        >>> paper = PelletRecipe(GlassRecipe(0.6, 3, "stainless_steel"), 450)
        >>> round(failure_probability(World("A"), paper), 2)
        0.11
    """
    powder = world.powder(pellet.glass)
    return 1 - (
        (1 - unreacted_probability(world, powder))
        * (1 - crystallised_probability(world, powder))
        * (1 - cracked_probability(world, pellet.pressing_pressure_mpa))
        * (1 - world.constants.handling_loss)
    )


def homogeneity(world: World, pellet: PelletRecipe) -> float:
    """Homogeneous-glass score (1-u)(1-X_c-X_s) rho_rel, 0 to 1."""
    powder = world.powder(pellet.glass)
    crystals = powder.crystalline_na3ps4 + powder.crystalline_na2s
    density = world.relative_density(powder.x, pellet.pressing_pressure_mpa)
    return (1 - powder.unreacted) * (1 - crystals) * density
