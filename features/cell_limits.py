"""Which cells can be built and tested: the rules of domain notes 5.4, one sentence each."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, fields
from typing import Any, Final

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from features.errors import SpaceError
from features.recipe import MAX_TEMPERATURE_WITH_SODIUM_C, TrilayerRecipe
from features.table import numbers

BoolArray = NDArray[np.bool_]

RICH_SKIN_X: Final = 0.30
"""Skins with this much oxygen need ``min_pressing_rich_skin_mpa`` (domain notes 5.4)."""

POOR_CORE_X: Final = 0.15
"""Cores with less oxygen need ``min_pressing_poor_core_mpa`` to densify (domain notes 5.4)."""

SAME: Final = 1e-9
"""A grid's 0.30 may be off in the last digit; that breaks no rule."""

SAME_X: Final = 0.005
"""A glass meant to have x = 0.30 may weigh in at 0.2985; that breaks no rule either (weighing to
1 mg moves x by about 0.003; domain notes 3.2)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """What this laboratory's die and cells allow. All are settings, none is a measurement.

    Attributes:
        die_rating_mpa: Pressure the die is rated for, MPa; from its equipment record.
        max_powder_mg: Powder of all layers together that fits the die, mg.
        min_skin_mass_mg: Least mass of each skin that covers the core, mg.
        max_precompaction_mpa: Above this the layers do not interlock, MPa.
        max_precompaction_share: Pre-compaction must stay below this share of the co-press
            pressure, dimensionless.
        min_pressing_rich_skin_mpa: Least co-press pressure with a skin of x >= 0.30, MPa.
        min_pressing_poor_core_mpa: Least co-press pressure with a core of x < 0.15, MPa.
        min_skin_x_against_sodium: Least x that sodium leaves alone, dimensionless.
        min_stack_mpa: Least pressure on the cell during the test, MPa.
        max_stack_mpa: Above this sodium creeps round the pellet, MPa.
        max_temperature_c: Hottest test, °C, at most 90.

    Raises:
        SpaceError: If a limit is not above zero, or a temperature above 90 °C is asked for.

    References:
        Domain notes 5.4; coverage from the particle sizes that Chi et al. 2022 print.

    Examples:
        >>> Limits(die_rating_mpa=400).max_stack_mpa
        20.0
    """

    die_rating_mpa: float = 500.0
    max_powder_mg: float = 500.0
    min_skin_mass_mg: float = 15.0
    max_precompaction_mpa: float = 100.0
    max_precompaction_share: float = 1 / 3
    min_pressing_rich_skin_mpa: float = 150.0
    min_pressing_poor_core_mpa: float = 300.0
    min_skin_x_against_sodium: float = 0.30
    min_stack_mpa: float = 1.0
    max_stack_mpa: float = 20.0
    max_temperature_c: float = MAX_TEMPERATURE_WITH_SODIUM_C

    def __post_init__(self) -> None:
        """Refuse limits that are slips, and any that melts sodium."""
        for field in fields(self):
            value = getattr(self, field.name)
            if not value > 0:
                raise SpaceError(
                    f"limits: {field.name} must be above zero, got {value:g}; "
                    "leave it out to keep the default"
                )
        if self.max_temperature_c > MAX_TEMPERATURE_WITH_SODIUM_C:
            raise SpaceError(
                f"limits: max_temperature_c must not exceed {MAX_TEMPERATURE_WITH_SODIUM_C:g} °C, "
                f"got {self.max_temperature_c:g}; sodium melts at 97.8 °C"
            )


def violations(recipe: TrilayerRecipe, limits: Limits) -> list[str]:
    """One sentence for each rule that a cell breaks.

    Args:
        recipe: The cell.
        limits: What die and cell allow.

    Returns:
        Sentences naming rule, value and remedy; empty when the cell can be built.

    References:
        Domain notes 5.4.

    Examples:
        >>> from features.recipe import GlassRecipe
        >>> core = GlassRecipe(0.15, 3, "stainless_steel")
        >>> skin = GlassRecipe(0.60, 3, "stainless_steel")
        >>> cell = TrilayerRecipe(core=core, skin=skin, core_mass_mg=150, skin_mass_mg=10)
        >>> violations(cell, Limits())
        ['skin_mass_mg must be at least 15 mg to cover the core, got 10; use more skin powder']
    """
    cell = {name: _READ[name](recipe) for name in _READ}
    return [says(cell, limits) for keeps, says in _RULES if not keeps(cell, limits)]


def allowed(cells: pd.DataFrame, limits: Limits) -> BoolArray:
    """Whether each cell breaks no rule; the same rules as ``violations``.

    Args:
        cells: N cells; columns core_x, skin_x, core_mass_mg, skin_mass_mg,
            precompaction_pressure_mpa, pressing_pressure_mpa, stack_pressure_mpa and
            temperature_c are read.
        limits: What die and cell allow.

    Returns:
        Shape (N,).

    Raises:
        TableError: If a column is missing or holds no number.

    References:
        Domain notes 5.4.

    Examples:
        >>> cell = {"core_x": 0.15, "skin_x": 0.6, "core_mass_mg": 150, "skin_mass_mg": 25,
        ...         "precompaction_pressure_mpa": 75, "pressing_pressure_mpa": 450,
        ...         "stack_pressure_mpa": 7, "temperature_c": 60}
        >>> allowed(pd.DataFrame([cell, cell | {"skin_x": 0.1}]), Limits())
        array([ True, False])
    """
    columns = {name: numbers(cells, name, where="cells") for name in _READ}
    kept = np.stack([keeps(columns, limits) for keeps, _ in _RULES])
    return np.asarray(kept.all(axis=0), dtype=np.bool_)


_READ: Final[Mapping[str, Callable[[TrilayerRecipe], float]]] = {
    "core_x": lambda recipe: recipe.core.x,
    "skin_x": lambda recipe: recipe.skin.x,
    "core_mass_mg": lambda recipe: recipe.core_mass_mg,
    "skin_mass_mg": lambda recipe: recipe.skin_mass_mg,
    "precompaction_pressure_mpa": lambda recipe: recipe.precompaction_pressure_mpa,
    "pressing_pressure_mpa": lambda recipe: recipe.pressing_pressure_mpa,
    "stack_pressure_mpa": lambda recipe: recipe.stack_pressure_mpa,
    "temperature_c": lambda recipe: recipe.temperature_c,
}
"""What the rules read, by the column of the cells table that holds the same."""


def _reaches(value: Any, least: Any) -> Any:
    return np.asarray(value) >= np.asarray(least) - SAME


def _has_x(x: Any, least: Any) -> Any:
    return np.asarray(x) >= np.asarray(least) - SAME_X


def _powder_mg(cell: Mapping[str, Any]) -> Any:
    return cell["core_mass_mg"] + 2 * cell["skin_mass_mg"]


_Rule = tuple[
    Callable[[Mapping[str, Any], Limits], Any], Callable[[Mapping[str, Any], Limits], str]
]

# Each rule is read twice, for one cell and for a column of cells, so that the two cannot differ.
_RULES: Final[tuple[_Rule, ...]] = (
    (
        lambda cell, limits: _reaches(cell["skin_mass_mg"], limits.min_skin_mass_mg),
        lambda cell, limits: (
            f"skin_mass_mg must be at least {limits.min_skin_mass_mg:g} mg to cover the core, "
            f"got {cell['skin_mass_mg']:g}; use more skin powder"
        ),
    ),
    (
        lambda cell, limits: _reaches(limits.max_powder_mg, _powder_mg(cell)),
        lambda cell, limits: (
            f"core and both skins must not exceed the {limits.max_powder_mg:g} mg the die holds, "
            f"got {_powder_mg(cell):g}; use less powder"
        ),
    ),
    (
        lambda cell, limits: _reaches(limits.die_rating_mpa, cell["pressing_pressure_mpa"]),
        lambda cell, limits: (
            f"pressing_pressure_mpa must not exceed the die's rating of "
            f"{limits.die_rating_mpa:g} MPa, got {cell['pressing_pressure_mpa']:g}; press less"
        ),
    ),
    (
        lambda cell, limits: _reaches(
            limits.max_precompaction_mpa, cell["precompaction_pressure_mpa"]
        ),
        lambda cell, limits: (
            f"precompaction_pressure_mpa must not exceed {limits.max_precompaction_mpa:g} MPa so "
            f"that the layers interlock, got {cell['precompaction_pressure_mpa']:g}; "
            "pre-compact the core less"
        ),
    ),
    (
        lambda cell, limits: (
            ~_reaches(
                cell["precompaction_pressure_mpa"],
                limits.max_precompaction_share * cell["pressing_pressure_mpa"],
            )
        ),
        lambda cell, limits: (
            f"precompaction_pressure_mpa must stay below "
            f"{limits.max_precompaction_share * cell['pressing_pressure_mpa']:g} MPa, a share of "
            f"{limits.max_precompaction_share:.2f} of the co-press pressure, "
            f"got {cell['precompaction_pressure_mpa']:g}; pre-compact less or co-press harder"
        ),
    ),
    (
        lambda cell, limits: (
            ~_reaches(cell["skin_x"], RICH_SKIN_X)
            | _reaches(cell["pressing_pressure_mpa"], limits.min_pressing_rich_skin_mpa)
        ),
        lambda cell, limits: (
            f"pressing_pressure_mpa must be at least {limits.min_pressing_rich_skin_mpa:g} MPa "
            f"with a skin of x >= {RICH_SKIN_X:g}, got {cell['pressing_pressure_mpa']:g}; "
            "co-press harder"
        ),
    ),
    (
        lambda cell, limits: (
            _has_x(cell["core_x"], POOR_CORE_X)
            | _reaches(cell["pressing_pressure_mpa"], limits.min_pressing_poor_core_mpa)
        ),
        lambda cell, limits: (
            f"pressing_pressure_mpa must be at least {limits.min_pressing_poor_core_mpa:g} MPa "
            f"with a core of x < {POOR_CORE_X:g}, got {cell['pressing_pressure_mpa']:g}; "
            "co-press harder or give the core more oxygen"
        ),
    ),
    (
        lambda cell, limits: _has_x(cell["skin_x"], cell["core_x"]),
        lambda cell, limits: (
            f"skin_x must not be below core_x = {cell['core_x']:g}, got {cell['skin_x']:g}; "
            "swap core and skin, or make them equal as a control"
        ),
    ),
    (
        lambda cell, limits: _has_x(cell["skin_x"], limits.min_skin_x_against_sodium),
        lambda cell, limits: (
            f"skin_x must be at least {limits.min_skin_x_against_sodium:g} against sodium, "
            f"got {cell['skin_x']:g}; choose a skin with more oxygen"
        ),
    ),
    (
        lambda cell, limits: (
            _reaches(cell["stack_pressure_mpa"], limits.min_stack_mpa)
            & _reaches(limits.max_stack_mpa, cell["stack_pressure_mpa"])
        ),
        lambda cell, limits: (
            f"stack_pressure_mpa must lie between {limits.min_stack_mpa:g} and "
            f"{limits.max_stack_mpa:g} MPa, got {cell['stack_pressure_mpa']:g}; "
            "less loses contact, more squeezes the sodium out"
        ),
    ),
    (
        lambda cell, limits: _reaches(limits.max_temperature_c, cell["temperature_c"]),
        lambda cell, limits: (
            f"temperature_c must not exceed {limits.max_temperature_c:g} °C, "
            f"got {cell['temperature_c']:g}; test cooler"
        ),
    ),
)
