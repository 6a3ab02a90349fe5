"""The figure of rounds to a goal: Kaplan-Meier curves with bands and marks of censoring."""

from collections.abc import Mapping
from pathlib import Path
from typing import Final

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from benchmarks.optimizer.figure import COLOURS
from benchmarks.optimizer.survival import Rounds, kaplan_meier
from benchmarks.optimizer.worlds import ROUNDS, THRESHOLDS, WORLDS
from benchmarks.optimizer.worlds_page import OURS, RIVAL, SCALED, WORLD_LABELS, rounds_of

STYLES: Final[Mapping[str, tuple[str, str]]] = {
    OURS: (COLOURS["ours"], "-"),
    RIVAL: (COLOURS["botorch"], "--"),
    SCALED: (COLOURS["optuna_gp"], "-."),
}
END: Final = ROUNDS + 0.35


def draw_survival(pairs: pd.DataFrame, path: Path, scaled: pd.DataFrame | None = None) -> None:
    """Write the figure: all worlds for each goal above, each world at the first goal below.

    Args:
        pairs: From ``pairs_table``.
        path: PNG.
        scaled: The same with the rival that is told logarithms; drawn above, without a band, if
            it ran in all of the pairs: else its curve is of other campaigns.
    """
    figure = Figure(figsize=(12, 7.2), layout="constrained")
    FigureCanvasAgg(figure)
    panels = figure.subplots(2, 3, sharex=True, sharey=True)
    for axes, threshold in zip(panels[0], THRESHOLDS, strict=True):
        weight = "bold" if threshold == THRESHOLDS[0] else "normal"
        _panel(axes, pairs, threshold)
        if scaled is not None and len(scaled) == len(pairs):
            _curve(axes, rounds_of(scaled, SCALED, threshold), SCALED, band=False)
        axes.set_title(
            f"worlds E to G, to {100 * threshold:.0f} % ({len(pairs)} pairs)",
            fontsize=10, fontweight=weight,
        )  # fmt: skip
    for axes, label in zip(panels[1], WORLDS, strict=True):
        own = pairs[pairs["world"] == label]
        if own.empty:
            axes.set_axis_off()
            continue
        _panel(axes, own, THRESHOLDS[0])
        axes.set_title(
            f"world {label}, to {100 * THRESHOLDS[0]:.0f} % ({len(own)} pairs)", fontsize=10
        )
        axes.set_xlabel("rounds of four glasses after the shared start", fontsize=9)
    for axes in panels[:, 0]:
        axes.set_ylabel("campaigns not there yet, %", fontsize=9)
    handles = panels[0][0].get_legend_handles_labels()
    figure.legend(*handles, loc="outside lower center", ncols=3, frameon=False, fontsize=9)
    figure.suptitle(
        "Simulated: rounds until a share of the reachable hypervolume is reached", fontsize=11
    )
    path.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(path, dpi=110)


def _panel(axes: Axes, pairs: pd.DataFrame, threshold: float) -> None:
    for name in (OURS, RIVAL):
        _curve(axes, rounds_of(pairs, name, threshold), name)
    axes.axhline(50, color="#6b6b6b", lw=0.8, ls=":", label="_half")
    axes.set_xlim(-0.2, END + 0.1)
    axes.set_ylim(-3, 104)
    axes.xaxis.set_major_locator(MaxNLocator(integer=True))
    axes.tick_params(labelsize=8, labelbottom=True)


def _curve(axes: Axes, runs: Rounds, name: str, *, band: bool = True) -> None:
    colour, style = STYLES[name]
    curve = kaplan_meier(runs)
    at = np.concatenate([[-0.2], curve.rounds, [END]])

    def stepped(share: "np.ndarray[tuple[int], np.dtype[np.float64]]") -> list[float]:
        whole = np.concatenate([[1.0], share])
        return [*(100 * whole), 100 * float(whole[-1])]

    axes.step(
        at, stepped(curve.share), where="post", color=colour, ls=style, lw=1.8 if band else 1.2,
        label=WORLD_LABELS[name],
    )  # fmt: skip
    if band:
        axes.fill_between(
            at,
            stepped(curve.lower),
            stepped(curve.upper),
            step="post",
            color=colour,
            alpha=0.14,
            lw=0,
        )
    censored = int((~runs.reached).sum())
    if censored:
        level = 100 * float(curve.share[-1]) if len(curve.share) else 100.0
        axes.plot(ROUNDS, level, "+", color=colour, ms=11, mew=2)
        axes.annotate(
            f"{censored}", (ROUNDS, level), textcoords="offset points", xytext=(-5, -14),
            ha="right", color=colour, fontsize=8,
        )  # fmt: skip
