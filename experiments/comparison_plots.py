"""Pictures of a comparison: predictions side by side, parity, calibration. A panel a surrogate."""

from collections.abc import Mapping
from typing import Final

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Patch
from numpy.typing import NDArray
from scipy.stats import binom

from experiments.comparison_panels import draw_reading, label_outer, panels, set_scale, write_head
from experiments.display import SHORT_MEDIA, typeset_unit
from experiments.plots import MEASURED, QUIET, READING, TRUTH
from features.properties import Property, property_of
from models.compare import Comparison
from models.curves import CATEGORY
from models.surrogate import Z_90

Array = NDArray[np.float64]

VARIABLES: Final = {
    "x": "oxygen x per formula unit",
    "milling_time_h": "net milling time, h",
    "milling_speed_rpm": "milling speed, rpm",
    "pressing_pressure_mpa": "pressing pressure, MPa",
    "milling_media": "milling medium",
}
"""What stands below an axis."""

_PANEL_IN: Final = (3.1, 2.35)
_SQUARE_IN: Final = (3.1, 2.9)
_BANDS: Final = (
    (("reading_lower", "reading_upper"), READING, 0.28),
    (("lower", "upper"), TRUTH, 0.35),
)
_LEVELS: Final = np.linspace(0.0, 1.0, 41)


def curves_figure(
    comparison: Comparison,
    variable: str,
    *,
    simulated: bool,
    errors: Mapping[str, float] | None = None,
) -> Figure:
    """Predictions of every surrogate fitted to all readings, along one variable.

    Args:
        comparison: Of one property.
        variable: A variable its curves were drawn along.
        simulated: Whether the campaign is simulated; the picture then says so.
        errors: Standard errors of the readings on the scale by specimen, for their bars; the
            usual one where there is none.

    Returns:
        A figure that belongs to no window; a panel a surrogate, common axes.
    """
    entry = property_of(comparison.property_id)
    curves = comparison.curves[comparison.curves["variable"] == variable]
    data = comparison.data[comparison.data["variable"] == variable]
    figure, drawn = panels(comparison.surrogates, _PANEL_IN)
    places = _places(curves) if variable == CATEGORY else None
    data = _with_bars(data, entry, errors or {})
    limits = _value_limits(curves, data, entry)
    if places is not None:
        data = data.assign(value=data["value"].map(places))
    for axes, name in drawn:
        own = curves[curves["surrogate"] == name]
        if places is None:
            _draw_bands(axes, own.sort_values("value"))
        else:
            _draw_columns(axes, own.assign(value=own["value"].map(places)))
            axes.set_xticks(list(places.values()), [SHORT_MEDIA.get(m, m) for m in places])
        columns = (data[key].to_numpy(float) for key in ("value", "dot", "bar_low", "bar_high"))
        for value, dot, low, high in zip(*columns, strict=True):
            draw_reading(axes, (value, dot), (low, high), along="y")
        set_scale(axes, entry, "y", limits)
        axes.set_ylim(*limits)
    title = VARIABLES.get(variable, variable)
    label_outer(figure, title, _value_axis(entry))
    write_head(
        figure,
        f"{entry.label}, predicted along {title.split(',')[0]}",
        [
            Line2D([], [], color=TRUTH, lw=1.8, label="centre"),
            Patch(color=TRUTH, alpha=0.5, lw=0, label="90 % of the true value"),
            Patch(color=READING, alpha=0.35, lw=0, label="90 % of a new reading"),
            _reading_handle(comparison),
        ],
        simulated=simulated,
    )
    return figure


def parity_figure(comparison: Comparison, *, simulated: bool) -> Figure:
    """Left-out readings against what was predicted of them, with 90 % bars of a new reading.

    Args:
        comparison: Of one property.
        simulated: Whether the campaign is simulated; the picture then says so.

    Returns:
        A figure that belongs to no window; a panel a surrogate, common axes.
    """
    entry = property_of(comparison.property_id)
    table = comparison.predictions
    figure, drawn = panels(comparison.surrogates, _SQUARE_IN)
    limits = _parity_limits(table, entry)
    for axes, name in drawn:
        own = table[table["surrogate"] == name]
        centre, half = own["centre"].to_numpy(float), Z_90 * own["reading_sd"].to_numpy(float)
        low, high = (own[f"measured_{end}"].to_numpy(float) for end in ("lower", "upper"))
        axes.plot(limits, limits, color=QUIET, lw=0.9, zorder=1)
        at, y = entry.from_scale(_middle(low, high)), entry.from_scale(centre)
        axes.vlines(
            at, entry.from_scale(centre - half), entry.from_scale(centre + half),
            color=READING, lw=1.4, zorder=2,
        )  # fmt: skip
        bounds = (_open_as_nan(low, entry), _open_as_nan(high, entry))
        for middle, predicted, lower, upper in zip(at, y, *bounds, strict=True):
            draw_reading(axes, (middle, predicted), (lower, upper), along="x")
        set_scale(axes, entry, "x", limits)
        set_scale(axes, entry, "y", limits)
        axes.set_xlim(*limits)
        axes.set_ylim(*limits)
    label_outer(figure, f"measured {_value_axis(entry)}", f"predicted unseen, {_unit(entry)}")
    write_head(
        figure,
        f"{entry.label}: left-out readings against their predictions",
        [
            Line2D([], [], color=QUIET, lw=0.9, label="equal"),
            Line2D([], [], color=READING, lw=1.4, label="90 % of a new reading"),
            _reading_handle(comparison),
        ],
        simulated=simulated,
    )
    return figure


def calibration_figure(comparison: Comparison, *, simulated: bool) -> Figure:
    """Share of left-out readings inside central intervals, against what it should be.

    Each jar counts once. The band is where a calibrated surrogate would lie nine times in ten,
    at each level, if its jars were independent: so wide is chance with so few.

    Args:
        comparison: Of one property.
        simulated: Whether the campaign is simulated; the picture then says so.

    Returns:
        A figure that belongs to no window; a panel a surrogate.

    References:
        Gneiting, Balabdaoui & Raftery 2007, doi:10.1111/j.1467-9868.2007.00587.x.
    """
    entry = property_of(comparison.property_id)
    figure, drawn = panels(comparison.surrogates, _SQUARE_IN)
    for axes, name in drawn:
        own = comparison.predictions[comparison.predictions["surrogate"] == name]
        n_jars = own["jar"].nunique()
        low, high = binom.interval(0.9, n_jars, _LEVELS)
        axes.fill_between(
            100 * _LEVELS, 100 * low / n_jars, 100 * high / n_jars,
            color=QUIET, alpha=0.18, lw=0, step=None,
        )  # fmt: skip
        axes.plot([0, 100], [0, 100], color=QUIET, lw=0.9)
        observed = observed_coverage(own, _LEVELS)
        axes.step(100 * _LEVELS, 100 * observed, where="post", color=TRUTH, lw=1.8)
        for level in (0.5, 0.9):
            at = float(observed_coverage(own, np.array([level]))[0])
            axes.plot(100 * level, 100 * at, marker="o", ms=5.5, mfc="white", mec=TRUTH, mew=1.6)
        axes.set_xlim(0, 100)
        axes.set_ylim(0, 103)
        axes.set_xticks([0, 50, 90])
        axes.set_yticks([0, 50, 90])
        axes.grid(color="#dddddd", lw=0.8)
        axes.set_axisbelow(True)
    label_outer(figure, "central interval, % of the prediction", "left-out readings inside, %")
    write_head(
        figure,
        f"{entry.label}: calibration of left-out readings",
        [
            Line2D([], [], color=QUIET, lw=0.9, label="calibrated"),
            Patch(color=QUIET, alpha=0.25, lw=0, label="chance, 90 %, at so many jars"),
            Line2D([], [], color=TRUTH, lw=1.8, marker="o", mfc="white", label="observed"),
        ],
        simulated=simulated,
    )
    return figure


def observed_coverage(predictions: pd.DataFrame, levels: Array) -> Array:
    """Share of readings inside the central interval of each level, each jar counting once.

    Args:
        predictions: Columns ``jar`` and ``pit``; of one surrogate.
        levels: Shape (k,), nominal coverage, 0 to 1.

    Returns:
        Shape (k,), 0 to 1.

    Examples:
        >>> table = pd.DataFrame({"jar": ["A", "A", "B"], "pit": [0.5, 0.99, 0.6]})
        >>> observed_coverage(table, np.array([0.5, 1.0])).tolist()
        [0.75, 1.0]
    """
    away = 2 * np.abs(predictions["pit"].to_numpy(float) - 0.5)
    inside = pd.DataFrame((away[:, None] <= levels[None, :]).astype(float))
    by_jar = inside.groupby(predictions["jar"].to_numpy()).mean()
    return np.asarray(by_jar.mean().to_numpy(), dtype=float)


def _reading_handle(comparison: Comparison) -> Line2D:
    label = "reading (arrow: bound)" if comparison.n_censored else "reading"
    return Line2D([], [], color=MEASURED, marker="o", ms=4.5, ls="", label=label)


def _value_axis(entry: Property) -> str:
    return f"{entry.label}, {_unit(entry)}"


def _unit(entry: Property) -> str:
    return typeset_unit(entry.id) or "fraction"


def _value_limits(curves: pd.DataFrame, data: pd.DataFrame, entry: Property) -> tuple[float, float]:
    """What all panels show: readings and bands, but nothing beyond what is refused as a reading."""
    shown = np.concatenate(
        [
            entry.to_scale(table[name].to_numpy(float))
            for table, names in (
                (curves, ("reading_lower", "reading_upper")),
                (data, ("bar_low", "bar_high")),
            )
            for name in names
        ]
    )
    low, high = _with_room(shown, share=0.06)
    floor, ceiling = entry.to_scale(np.array(entry.reject))
    low, high = entry.from_scale(np.array([max(low, floor), min(high, ceiling)]))
    return float(low), float(high)


def _parity_limits(table: pd.DataFrame, entry: Property) -> tuple[float, float]:
    """Every reading and every centre, physical; bars as far as the panel goes."""
    names = ("measured_lower", "measured_upper", "centre")
    ends = _with_room(np.concatenate([table[name].to_numpy(float) for name in names]), share=0.15)
    low, high = entry.from_scale(np.array(ends))
    return float(low), float(high)


def _with_room(values: Array, share: float) -> tuple[float, float]:
    known = values[np.isfinite(values)]
    low, high = float(known.min()), float(known.max())
    room = share * (high - low) or 0.5
    return low - room, high + room


def _places(curves: pd.DataFrame) -> dict[str, int]:
    return {str(name): place for place, name in enumerate(dict.fromkeys(curves["value"]))}


def _draw_bands(axes: Axes, curve: pd.DataFrame) -> None:
    at = curve["value"].to_numpy(float)
    for (lower, upper), color, strength in _BANDS:
        low, high = curve[lower].to_numpy(float), curve[upper].to_numpy(float)
        axes.fill_between(at, low, high, color=color, alpha=strength, lw=0)
    axes.plot(at, curve["mean"].to_numpy(float), color=TRUTH, lw=1.8)


def _draw_columns(axes: Axes, curve: pd.DataFrame) -> None:
    """Bands of a variable without an order: a column each."""
    at = curve["value"].to_numpy(float)
    for (lower, upper), color, strength in _BANDS:
        low, high = curve[lower].to_numpy(float), curve[upper].to_numpy(float)
        axes.bar(at, high - low, bottom=low, width=0.7, color=color, alpha=strength, lw=0)
    axes.hlines(curve["mean"].to_numpy(float), at - 0.35, at + 0.35, color=TRUTH, lw=1.8)


def _with_bars(data: pd.DataFrame, entry: Property, errors: Mapping[str, float]) -> pd.DataFrame:
    """Readings with ``dot``, ``bar_low``, ``bar_high``: 90 % by their own error where exact."""
    se = data["specimen"].map(lambda name: errors.get(str(name), entry.default_se))
    half = Z_90 * se.to_numpy(float)
    low, high = (entry.to_scale(data[end].to_numpy(float)) for end in ("lower", "upper"))
    half = np.where(data["censored"].to_numpy(bool), 0.0, half)
    return data.assign(
        bar_low=entry.from_scale(low - half),
        bar_high=entry.from_scale(high + half),
        dot=entry.from_scale(_middle(low, high)),
    )


def _middle(low: Array, high: Array) -> Array:
    """Shape (n,), middle of each reading on the scale, or its only end."""
    inner = np.where(np.isfinite(low), low, high)
    return np.where(np.isfinite(high), (inner + high) / 2, inner)


def _open_as_nan(ends: Array, entry: Property) -> Array:
    """Shape (n,), bounds in physical units; 10 to the minus infinity is no bound of zero."""
    return np.where(np.isfinite(ends), entry.from_scale(ends), np.nan)
