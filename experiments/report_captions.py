"""Captions and alternative texts of a report's figures, from what they show."""

from collections.abc import Mapping, Sequence
from typing import Any, Final

import numpy as np

from experiments.display import counted, unit_text, value_text
from experiments.report_front import Front
from experiments.report_history import Coverage, Volume
from experiments.report_map import CellMap
from experiments.report_slices import Curve, Slice
from experiments.report_words import calibration_words
from features.properties import property_of

_ALONG: Final = {
    "x": "oxygen x",
    "milling_time_h": "net milling time",
    "pressing_pressure_mpa": "pressing pressure",
}


def slice_caption(drawn: Slice) -> str:
    """What the figure of a slice shows and what to mind."""
    elsewhere = sum(curve.n_elsewhere for curve in drawn.curves)
    off = (
        f" {counted(elsewhere, 'reading')} at other temperatures are learned from, not drawn."
        if elsewhere else ""
    )  # fmt: skip
    return (
        f"Pellet properties along {_ALONG[drawn.variable]}; the rest is held: {drawn.held}. Dark: "
        "90 % of the true value; light: 90 % of a new reading on a new jar. Bars: 90 % by the "
        f"reading's own error; arrows: bounds.{off} Pale marks differ from the slice in "
        "something else and need not lie on the curve."
    )


def slice_alt(drawn: Slice) -> str:
    """The figure of a slice in words, for who cannot see it."""
    parts = [_curve_words(curve, drawn.variable) for curve in drawn.curves]
    return f"{counted(len(parts), 'panel')} along {_ALONG[drawn.variable]}. {' '.join(parts)}"


def front_caption(fronts: Sequence[Front]) -> str:
    """What the figure of pairs of objectives shows."""
    made, planned = len(fronts[0].made), len(fronts[0].planned)
    later = f"; diamonds: {counted(planned, 'glass')} of the open round" if planned else ""
    return (
        f"{counted(made, 'pellet')} made, each at the centre of what is known of it, with 90 % "
        f"ranges of the true values{later}. Line and band: the best of the ordinate that a glass "
        "made reaches at so much of the abscissa or better, median and 90 % of joint draws. "
        "Named: those likely to be beaten by no other in everything."
    )


def front_alt(fronts: Sequence[Front]) -> str:
    """The same in words."""
    parts = []
    for front in fronts:
        across, up = property_of(front.across).label, property_of(front.up).label
        best = [part.specimen for part in front.made[:3]]
        parts.append(
            f"{up} against {across}: {counted(len(front.made), 'pellet')} made, "
            f"{counted(len(front.planned), 'glass')} planned"
            + (f"; most likely on the front: {', '.join(best)}." if best else ".")
        )
    return " ".join(parts)


def map_caption(drawn: CellMap) -> str:
    """What the map of cells shows."""
    return (
        f"Left: median of the true value of a cell of that core and skin, held: {drawn.held}. "
        "Right: one standard deviation of it, as the factor by which it may be larger or smaller; "
        "dark is little known. Cells made and planned are marked, also where their masses, "
        f"pressures or milling differ. Skins start at x = {drawn.skin_x[0]:.2f}: sodium attacks "
        f"those below {drawn.least_skin_x:.2f}."
    )


def map_alt(drawn: CellMap) -> str:
    """The same in words."""
    parts = []
    for name, values in drawn.centre.items():
        entry = property_of(name)
        best = values.max() if entry.direction == "maximize" else values.min()
        skin, core = np.argwhere(values == best)[0]
        low, high = (value_text(float(end), name) for end in (values.min(), values.max()))
        unit = unit_text(name)
        parts.append(
            f"{entry.label} from {low} to {high} {unit}, best at core x = "
            f"{drawn.core_x[core]:.2f} and skin x = {drawn.skin_x[skin]:.2f}, known there to a "
            f"factor of {10 ** drawn.sd[name][skin, core]:.1f}."
        )
    return "Maps over oxygen of core and skins. " + " ".join(parts)


def volume_caption() -> str:
    """What the figure of hypervolumes shows."""
    return (
        "Hypervolume of everything made, as it was believed when the results of a round were in; "
        "bars: 90 %. It can fall when readings show that something was thought too good."
    )


def volume_alt(found: Mapping[str, Sequence[Volume]]) -> str:
    """The same in words."""
    parts = [
        f"{kind}: "
        + ", ".join(
            f"{row.after} {row.value:.2f} ({row.lower:.2f} to {row.upper:.2f})" for row in rows
        )
        for kind, rows in found.items()
        if rows
    ]
    return f"Hypervolume after each round. {'; '.join(parts)}."


def calibration_caption() -> str:
    """What the figure of coverage shows."""
    return (
        "Left: share of readings inside the 50 and 90 % ranges of the prediction frozen before "
        "them; lines: what it should be; grey: chance, 90 %, were all readings independent "
        "(those of one jar are not quite, so chance is somewhat wider). Right: where in its "
        "prediction each reading fell; a hump in the middle means ranges wider than need be, "
        "full ends mean ranges too narrow, a slope means predictions to one side."
    )


def calibration_alt(found: Sequence[Coverage]) -> str:
    """The same in words."""
    by_round = "; ".join(
        f"{part.label}: {part.inside} of {part.n} in the {part.level} % range" for part in found
    )
    return f"Coverage by round: {by_round}. Overall {calibration_words(found[-1])}."


def parity_caption() -> str:
    """What the figure of readings against predictions shows."""
    return (
        "Every scored reading against the prediction frozen before it, at the recipe as made. "
        "Bars: 90 % of a new reading; those that cross the diagonal held. Arrows: bounds."
    )


def parity_alt(rows: Sequence[Mapping[str, Any]]) -> str:
    """The same in words."""
    names = list(dict.fromkeys(str(row["property"]) for row in rows))
    parts = []
    for name in names:
        own = [row for row in rows if row["property"] == name]
        inside = sum(bool(row["inside_90"]) for row in own)
        parts.append(f"{property_of(name).label}: {inside} of {len(own)} in the 90 % range")
    return f"Measured against predicted. {'; '.join(parts)}."


def scatter_caption() -> str:
    """What the figure of scatter shows."""
    return (
        "Bars: how the variance between samples of one recipe splits, at the most probable "
        "values. Below: each standard deviation with its 90 % range, over the prior's in grey. "
        "Hollow: repeats do not determine it yet, so it is the prior."
    )


def scatter_alt(scatter: Mapping[str, Mapping[str, Any]]) -> str:
    """The same in words."""
    parts = [
        f"{property_of(name).label}: {'; '.join(part['in_words'] for part in levels.values())}."
        for name, levels in scatter.items()
    ]
    return f"Scatter by level. {' '.join(parts)}"


def _curve_words(curve: Curve, variable: str) -> str:
    entry, bands = property_of(curve.property_id), curve.bands
    unit = unit_text(entry.id)
    first, last = (
        f"{value_text(float(bands['mean'].iloc[place]), entry.id)} {unit} "
        f"(90 %: {value_text(float(bands['lower'].iloc[place]), entry.id)} to "
        f"{value_text(float(bands['upper'].iloc[place]), entry.id)})"
        for place in (0, -1)
    )
    start, stop = float(curve.at[0]), float(curve.at[-1])
    return (
        f"{entry.label}, {counted(curve.n_readings, 'reading')}: {first} at {start:g}, {last} at "
        f"{stop:g}."
    )
