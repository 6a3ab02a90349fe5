"""A plan as a picture: chance that the target is met, against rounds and against work of hands."""

from typing import Final

import numpy as np
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator, PercentFormatter
from numpy.typing import NDArray

from experiments.plan import Plan, PlannedOption
from experiments.plan_statistics import chance

Array = NDArray[np.float64]

# Okabe and Ito's palette, and a dash each, so that a print in grey tells them apart too.
_COLOURS: Final = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#56B4E9", "#E69F00")
_DASHES: Final = ("-", "--", "-.", ":", (0, (5, 1)), (0, (3, 1, 1, 1, 1, 1)))
_WIDTH_IN: Final = 9.5
_HEIGHT_IN: Final = 4.3


def plan_figure(plan: Plan) -> Figure:
    """Chance that the target is met by round k, and after so many working hours, by option.

    Args:
        plan: One whose campaigns were imagined.

    Returns:
        A figure that belongs to no window; bands are 90 % intervals over the drawn truths.
    """
    figure = Figure(figsize=(_WIDTH_IN, _HEIGHT_IN), facecolor="white", layout="constrained")
    FigureCanvasAgg(figure)
    by_round, by_hours = figure.subplots(1, 2, sharey=True)
    for place, part in enumerate(plan.options):
        runs = plan.runs_of(place)
        rounds = np.append(np.arange(part.rounds + 1.0), part.rounds + 0.5)  # shows the last step
        met_at = np.array([np.inf if run.met_at is None else run.met_at for run in runs])
        _band(by_round, place, part, rounds, met_at)
        met_h = np.array([np.inf if run.met_at is None else run.hours for run in runs])
        hours = np.unique([0.0, *met_h[np.isfinite(met_h)], plan.budget_h])
        _band(by_hours, place, part, hours, met_h)
    by_round.set(xlabel="round", ylabel="chance that the target is met", ylim=(-0.02, 1.02))
    by_round.xaxis.set_major_locator(MaxNLocator(integer=True))
    by_round.yaxis.set_major_formatter(PercentFormatter(xmax=1.0))
    by_hours.set(xlabel="work of hands (h)", xlim=(0, None))
    by_round.set_xlim(0, None)
    for axes in (by_round, by_hours):
        axes.grid(visible=True, color="#dddddd", linewidth=0.6)
        axes.spines[["top", "right"]].set_visible(False)
    by_round.legend(frameon=False, loc="upper left", fontsize=9)
    marked = "SIMULATED data. " if plan.simulated else ""
    figure.suptitle(
        f"{marked}{plan.campaign}: {plan.target.in_words()}\n"
        f"{plan.n_worlds} truths drawn from the surrogates; bands: 90 % over truths",
        fontsize=10,
    )
    return figure


def _band(axes: Axes, place: int, part: PlannedOption, at: Array, met: Array) -> None:
    """A staircase of the share of truths in which the target is met by then, with its interval."""
    found = [chance(int((met <= when + 1e-9).sum()), len(met)) for when in at]
    colour, dash = _COLOURS[place % len(_COLOURS)], _DASHES[place % len(_DASHES)]
    low, high = [e.lower for e in found], [e.upper for e in found]
    axes.fill_between(at, low, high, step="post", color=colour, alpha=0.12, linewidth=0)
    for edge in (low, high):
        axes.step(at, edge, where="post", color=colour, linestyle=dash, linewidth=0.7, alpha=0.7)
    values = [e.value for e in found]
    axes.step(at, values, where="post", color=colour, linestyle=dash, label=part.option.label)
