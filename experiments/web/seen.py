"""What a plot shows, in one sentence: for who cannot see it, and for who looks first."""

from collections.abc import Mapping, Sequence
from typing import Any, Final

from experiments.display import counted, number_text, scientific, significant, typeset_unit, x_text
from experiments.report_recipes import UNITS
from experiments.typeset import printed_numbers
from features.properties import CATALOGUE, property_of

PELLETS: Final = tuple(
    entry.id for entry in CATALOGUE.values() if entry.modelled and entry.carrier == "pellet"
)
CELLS: Final = tuple(
    entry.id for entry in CATALOGUE.values() if entry.modelled and entry.carrier == "cell"
)
VARIABLES: Final[Mapping[str, str]] = {
    "x": "oxygen x",
    "pressing_pressure_mpa": "pressing pressure",
    "milling_time_h": "milling time",
}
"""What a slice can be drawn along, as a chemist says it."""

SURROGATES: Final[Mapping[str, str]] = {
    "gp": "this campaign's model (Gaussian process)",
    "mean": "nothing learned (average and spread of the readings)",
    "ridge": "straight lines",
    "sklearn_gp": "Gaussian process of scikit-learn",
    "random_forest": "random forest (averaged decision trees)",
    "botorch": "Gaussian process of BoTorch",
    "gp_physics": "Gaussian process that begins at physical laws",
    "gp_correlated": "Gaussian process that learns all properties together",
}
"""Surrogates in the order they are offered, in words."""

PRESET: Final = ("gp", "mean")


def capital(text: str) -> str:
    """A text that begins a sentence; what follows its first letter stays.

    Examples:
        >>> capital("milling time in ZrO2")
        'Milling time in ZrO2'
    """
    return text[:1].upper() + text[1:]


def axis(label: str, unit: str) -> str:
    """Title of an axis: what and in which unit.

    Examples:
        >>> axis("milling time", "h"), axis("relative density", "")
        ('milling time (h)', 'relative density')
    """
    return f"{label} ({unit})" if unit else label


def variable_axis(variable: str) -> str:
    """Title of an axis along a variable of the recipe.

    Examples:
        >>> variable_axis("x"), variable_axis("milling_time_h")
        ('oxygen x in Na₃PS₄₋ₓOₓ', 'milling time (h)')
    """
    if variable == "x":
        return "oxygen x in Na₃PS₄₋ₓOₓ"
    return axis(VARIABLES[variable], UNITS[variable])


def property_axis(property_id: str) -> str:
    """Title of an axis of a property.

    Examples:
        >>> property_axis("area_specific_resistance")
        'area specific resistance (Ω cm²)'
    """
    return axis(property_of(property_id).label, typeset_unit(property_id))


def spread_axis(property_id: str) -> str:
    """Title of the scale of a property's uncertainty.

    Examples:
        >>> spread_axis("critical_current_density")
        'sd (decades)'
    """
    unit = "decades" if property_of(property_id).scale == "log10" else typeset_unit(property_id)
    return axis("sd", unit)


def value_words(value: float, property_id: str) -> str:
    """A value with its unit, as a sentence says it.

    Examples:
        >>> value_words(2.13e-4, "ionic_conductivity"), value_words(0.83, "relative_density")
        ('2.1×10⁻⁴ S/cm', '0.83')
    """
    is_small = value != 0 and not 1e-3 <= abs(value) < 1e5
    text = scientific(value) if is_small else significant(value, 3)
    shown = significant(value, 2) if typeset_unit(property_id) == "" else text
    return f"{printed_numbers(shown)} {typeset_unit(property_id)}".rstrip()


def slice_seen(found: Mapping[str, Any], surrogate: str) -> str:
    """What one plot of a slice shows.

    Args:
        found: What ``slices_plain`` gave.
        surrogate: One of its curves.
    """
    curve, at, name = found["curves"][surrogate], found["at"], found["property"]
    highest = max(range(len(at)), key=lambda place: curve["mean"][place])
    lowest = min(range(len(at)), key=lambda place: curve["mean"][place])
    where = VARIABLES[found["variable"]]
    ends = (
        f"{value_words(curve['mean'][highest], name)} everywhere"
        if curve["mean"][highest] == curve["mean"][lowest]
        else f"highest {value_words(curve['mean'][highest], name)} at {_place(found, highest)}, "
        f"lowest {value_words(curve['mean'][lowest], name)} at {_place(found, lowest)}"
    )
    return (
        f"{capital(found['label'])} along {where} by {SURROGATES[surrogate]}: centre with its 90 % "
        f"range, {ends}; {counted(len(found['marks']), 'reading')} drawn, "
        f"{counted(len(found['planned']), 'planned pellet')} marked"
    )


def front_seen(front: Mapping[str, Any]) -> str:
    """What a plot of two objectives shows.

    Args:
        front: One entry of what ``fronts_plain`` gave.
    """
    wanted = " and ".join(
        f"{'high' if front[side]['direction'] == 'maximize' else 'low'} {front[side]['label']}"
        for side in ("across", "up")
    )
    best = sorted(front["made"], key=lambda point: -float(point["on_front"]))[:3]
    likely = ", ".join(point["specimen"] for point in best if point["on_front"] > 0)
    return (
        f"{counted(len(front['made']), 'glass')} made and "
        f"{counted(len(front['planned']), 'glass')} planned where {wanted} are wanted"
        + (f"; most likely unbeaten: {likely}" if likely else "")
    )


def map_seen(found: Mapping[str, Any], property_id: str) -> tuple[str, str]:
    """What the map of a property and that of its uncertainty show.

    Args:
        found: What ``cell_map_plain`` gave.
        property_id: Of cells.
    """
    label, counts = found["axes"][property_id]["label"], found["n_readings"]
    best = "maximize" if property_of(property_id).direction == "maximize" else "minimize"
    grid = found["centre"][property_id]
    value, core, skin = _extreme(grid, found, most=best == "maximize")
    doubt, doubt_core, doubt_skin = _extreme(found["sd"][property_id], found, most=True)
    unit = spread_axis(property_id).partition("(")[2].rstrip(")")
    return (
        f"{capital(label)} expected over the oxygen of core and skin: best "
        f"{value_words(value, property_id)} at core x {core}, skin x {skin}; it rests on "
        f"{counted(counts[property_id], 'reading')}",
        f"Uncertainty of the {label} over the oxygen of core and skin: largest "
        f"{significant(doubt, 2)} {unit}".rstrip()
        + f" at core x {doubt_core}, skin x {doubt_skin}",
    )


def _place(found: Mapping[str, Any], place: int) -> str:
    value, variable = float(found["at"][place]), found["variable"]
    if variable == "x":
        return f"x {x_text(round(value, 2))}"
    return f"{number_text(round(value, 1))} {UNITS[variable]}"


def _extreme(
    grid: Sequence[Sequence[float]], found: Mapping[str, Any], *, most: bool
) -> tuple[float, str, str]:
    sign = 1 if most else -1
    value, row, column = max(
        ((value, i, j) for i, line in enumerate(grid) for j, value in enumerate(line)),
        key=lambda part: sign * part[0],
    )
    return (
        float(value),
        x_text(round(float(found["core_x"][column]), 2)),
        x_text(round(float(found["skin_x"][row]), 2)),
    )
