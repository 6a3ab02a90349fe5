"""Slips that would explain a surprising reading, each tried out (domain notes 5.6 and 7.4)."""

import json
from collections.abc import Iterator, Mapping, Sequence
from math import isclose, nan
from typing import Any, Final

from experiments.display import number_text, unit_text, value_text
from experiments.frozen_model import FrozenModel
from experiments.judged import Judged, fits, nearest_end, z_text
from features.compaction import die_area_cm2
from features.plausibility import check_field, field, unit_factors
from features.properties import TEMPERATURE_DEPENDENT, property_of

NOTHING_FITS: Final = "no single slip explains it"

SWEEP_C: Final = (25.0, 40.0, 60.0, 75.0, 90.0)
"""Temperatures of a usual sweep (domain notes 7.1)."""

_SAME_C: Final = 2.5
_POWERS_OF_TEN: Final = (10.0, 0.1, 100.0, 0.01)
_PER_AREA: Final = frozenset(
    {"critical_current_density", "area_specific_resistance", "charge_transfer_resistance"}
)
_PRESSURES: Final = ("pressing_pressure_mpa", "stack_pressure_mpa")
_WORSE: Final = {
    "ionic_conductivity": -1,
    "youngs_modulus": -1,
    "relative_density": -1,
    "charge_transfer_resistance": 1,
    "critical_current_density": -1,
    "area_specific_resistance": 1,
}
"""Side on which a bad jar lies. Electronic conductivity is left out: pores lower it too."""


def causes_of(
    one: Judged, judged: Sequence[Judged], model: FrozenModel, clusters: Mapping[str, str]
) -> tuple[str, ...]:
    """What to check first: only what would bring the reading within 1.5 of its prediction.

    Args:
        one: The surprising reading.
        judged: All scored readings of its round.
        model: The surrogates frozen with the round.
        clusters: Of each specimen.

    Returns:
        One clause each; empty if no single slip explains it.
    """
    return (
        *_unit(one, model.die_diameter_mm),
        *_temperature(one, model),
        *_pressure(one, model),
        *_batch(one, judged, clusters),
        *_swapped(one, judged),
        *_floor(one),
    )


def _unit(one: Judged, die_diameter_mm: float) -> Iterator[str]:
    """Another unit, an area forgotten, a decimal point: the one that fits best."""
    name = one.score.property
    entry, slips = property_of(name), dict[float, str]()
    for unit, factor in unit_factors(name):
        slips |= dict.fromkeys((factor, 1 / factor), f"were {unit} and {entry.unit} mixed up?")
    if name in _PER_AREA:
        area = die_area_cm2(die_diameter_mm)
        why = f"was it taken per cell and not per cm2 (die: {area:.2f} cm2)?"
        slips |= dict.fromkeys((area, 1 / area), why)
    tens = [
        power for power in _POWERS_OF_TEN if not any(isclose(power, factor) for factor in slips)
    ]
    for tried in (slips, dict.fromkeys(tens, "is the decimal point or the power of ten right?")):
        found = {factor: one.z_times(factor) for factor in tried}
        best = min(found, key=lambda factor: abs(found[factor]), default=None)
        if best is not None and fits(found[best]):
            shown = value_text(best * nearest_end(one.score), name)
            unit = unit_text(name)
            yield (
                f"unit: {shown} {unit}".rstrip()
                + f" would fit (z {z_text(found[best])}): "
                + (tried[best])
            )
            return


def _temperature(one: Judged, model: FrozenModel) -> Iterator[str]:
    """Measured at another temperature than was entered, by the activation energy learned."""
    entry = property_of(one.score.property)
    if entry.id not in TEMPERATURE_DEPENDENT:
        return
    stated = model.temperature_c
    others = [t for t in SWEEP_C if abs(t - stated) > _SAME_C]
    predicted = model.had_it_been(
        one.score.specimen, entry.id, [{"temperature_c": t} for t in others]
    )
    best = _best(one, predicted)
    if best is not None:
        place, z = best
        room = " (room temperature)" if others[place] == SWEEP_C[0] else ""
        yield (
            f"temperature: it would fit {others[place]:g} °C{room} instead of {stated:g} °C "
            f"(z {z_text(z)})"
        )


def _pressure(one: Judged, model: FrozenModel) -> Iterator[str]:
    """Pressed or stacked at half or twice the pressure that was entered."""
    recipe = model.made(one.score.specimen)
    for column in _PRESSURES:
        entered = float(recipe.get(column, nan))
        others = [p for p in (entered / 2, entered * 2) if check_field(column, p).level == "ok"]
        predicted = model.had_it_been(
            one.score.specimen, one.score.property, [{column: p} for p in others]
        )
        best = _best(one, predicted)
        if best is not None:
            place, z = best
            yield (
                f"{field(column).label}: it would fit {number_text(others[place])} MPa instead of "
                f"{number_text(entered)} MPa (z {z_text(z)})"
            )


def _batch(one: Judged, judged: Sequence[Judged], clusters: Mapping[str, str]) -> Iterator[str]:
    """The other readings of the same jar are worse than predicted too, by as much."""
    side, cluster = _WORSE.get(one.score.property), clusters.get(one.score.specimen)
    if side is None or side * one.z < 0 or cluster is None:
        return
    others = [
        other
        for other in judged
        if other is not one
        and other.score.property in _WORSE
        and clusters.get(other.score.specimen) == cluster
    ]
    worse = [_WORSE[other.score.property] * other.z for other in others]
    if not worse:
        return
    common = sum(worse) / len(worse)
    enough = len(worse) > 1 or others[0].score.property == "relative_density"
    if not (enough and common > 1 and fits(abs(one.z) - common)):
        return
    shown = ", ".join(
        f"{property_of(other.score.property).label} z {z_text(other.z)}"
        for other, z in zip(others, worse, strict=True)
        if z > 1
    )
    yield (
        f"batch: other readings of {cluster} are worse than predicted too ({shown}): failed "
        "reaction, leak or low density?"
    )


def _swapped(one: Judged, judged: Sequence[Judged]) -> Iterator[str]:
    """Two specimens whose readings fit each other's predictions."""
    for other in judged:
        if other.score.property != one.score.property or other.score.specimen == one.score.specimen:
            continue
        mine, theirs = one.z_explained(other.prediction), other.z_explained(one.prediction)
        if mine is not None and theirs is not None:
            yield (
                f"swapped: {one.score.specimen} and {other.score.specimen} would both fit with "
                f"their readings exchanged (z {z_text(mine)} and {z_text(theirs)})"
            )


def _floor(one: Judged) -> Iterator[str]:
    """A value where the instrument or the programme ends is a bound and no value."""
    name, shown = one.score.property, value_text(nearest_end(one.score), one.score.property)
    unit = unit_text(name)
    if one.score.censored:
        return
    if name == "electronic_conductivity" and one.z > 0:
        yield f"floor: if the instrument reads no lower than this, enter <{shown} {unit}"
    end = _programme_end(one.reading)
    reached = end is not None and (
        nearest_end(one.score) >= end or isclose(nearest_end(one.score), end)
    )
    if name == "critical_current_density" and one.z < 0 and reached:
        yield f"end of the programme: if the cell had not failed there, enter >{shown} {unit}"


def _programme_end(reading: Mapping[str, Any]) -> float | None:
    text = reading.get("protocol")
    end = json.loads(text).get("end_ma_cm2") if isinstance(text, str) else None
    return None if end is None else float(end)


def _best(one: Judged, predicted: Sequence[Mapping[str, float]]) -> tuple[int, float] | None:
    """Place and z of the prediction the reading fits best; ``None`` if it fits none."""
    found = [(place, one.z_explained(other)) for place, other in enumerate(predicted)]
    fitting = [(place, z) for place, z in found if z is not None]
    return min(fitting, key=lambda pair: abs(pair[1]), default=None)
