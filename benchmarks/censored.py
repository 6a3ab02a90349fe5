"""Bounds as bounds, against leaving them out and against typing the limit as a value.

    .venv/bin/python benchmarks/censored.py --tables 90 --plot docs/images/censored.png

Electronic conductivity below the instrument's floor, and critical currents of cells that outlived
the programme. Two problems each: one variable alone (oxygen in the glass, or in the skin), and the
whole recipe. Score: negative log predictive density of the simulator's noise-free truth, over
recipes on both sides of the limit, and over those beyond it. Paired: all three fits see one
table; 95 % intervals by bootstrap over tables. Table i is of world E, F or G in turn.
A table in which nothing was a bound counts as a tie.
"""

import os

for _name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ.setdefault(_name, "1")

from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from runs import markdown, options, run
from scored import interval_text, mean_and_interval, percent_text, truth_scores
from virtual_tables import GLASS, PELLET_PROPERTIES, Design, VirtualTable, along, draw

from experiments.virtual_measurement import electronic_floor_s_cm
from features.properties import property_of
from models.property_gp import PropertyGP
from models.trilayer import TrilayerSurrogate

Row = dict[str, Any]

CCD: Final = "critical_current_density"
ELECTRONIC: Final = "electronic_conductivity"

FITS: Final = ("as bounds", "dropped", "typed as values")
N_GLASSES: Final = 14
GRID: Final = np.round(np.linspace(0.0, 0.6, 61), 2)
CCD_END_MA_CM2: Final = 1.0
SMALLEST_CURRENT_NA: Final = 2.0
"""A coarse channel: its floor lies among the glasses' electronic conductivities."""

USUAL_THICKNESS_UM: Final = 560.0
"""Of 150 mg in the die; a pellet's own floor follows its own thickness."""

ONE_VARIABLE: Final = {
    "milling_time_h": 10.0,
    "milling_media": "zirconia",
    "pressing_pressure_mpa": 450.0,
}


@dataclass(frozen=True)
class Problem:
    """One property over one variable, or over whole recipes."""

    property_id: str
    one_variable: bool

    @property
    def column(self) -> str:
        """The variable."""
        return "skin_x" if self.property_id == CCD else "x"

    def table(self, letter: str, seed: int, label: str = "G") -> VirtualTable:
        """Glasses, and cells of them where cells are asked about."""
        new = label != "G"
        design = Design(
            n_glasses=40 if new else N_GLASSES,
            n_cells=(40 if new else N_GLASSES) if self.property_id == CCD else 0,
            smallest_current_na=SMALLEST_CURRENT_NA,
            ccd_end_ma_cm2=CCD_END_MA_CM2,
            fixed=ONE_VARIABLE if self.one_variable else {},
            only_skin_varies=self.one_variable,
        )
        return draw(letter, seed, design, label)

    def asked(self, table: VirtualTable, letter: str, seed: int) -> pd.DataFrame:
        """Recipes to predict: a line over the variable, or recipes that were not made."""
        if self.one_variable:
            return along(table, self.column, GRID)
        new = self.table(letter, seed, "T")
        return new.cells if self.property_id == CCD else new.recipes

    def predicted(
        self, table: VirtualTable, readings: pd.DataFrame, asked: pd.DataFrame
    ) -> pd.DataFrame:
        """What a fit to these readings predicts."""
        if self.property_id == CCD and not self.one_variable:
            layers = {p: PropertyGP(p).fit(table.recipes, readings) for p in PELLET_PROPERTIES}
            return TrilayerSurrogate(layers).fit(table.cells, readings).predict(asked)[CCD]
        known, new = (
            (skins(table.cells), skins(asked))
            if self.property_id == CCD
            else (table.recipes, asked)
        )
        return PropertyGP(self.property_id).fit(known, readings).predict(new)

    def beyond(self, truth: "pd.Series[float]") -> "pd.Series[bool]":
        """Which recipes lie below the usual floor, or outlive the programme."""
        if self.property_id == CCD:
            return truth > CCD_END_MA_CM2
        return truth < electronic_floor_s_cm(SMALLEST_CURRENT_NA, USUAL_THICKNESS_UM)


PROBLEMS: Final = {
    "electronic, over x": Problem(ELECTRONIC, one_variable=True),
    "electronic, whole recipe": Problem(ELECTRONIC, one_variable=False),
    "critical current, over x of the skin": Problem(CCD, one_variable=True),
    "critical current, whole cell": Problem(CCD, one_variable=False),
}


def skins(cells: pd.DataFrame) -> pd.DataFrame:
    """Cells as if they were pellets of their skin."""
    own = {name: cells[f"skin_{name}"] for name in GLASS}
    jars = {"jar": cells["skin_jar"]}
    return pd.DataFrame(own | jars).assign(pressing_pressure_mpa=cells["pressing_pressure_mpa"])


def treated(readings: pd.DataFrame, property_id: str, fit: str) -> pd.DataFrame:
    """Readings with this property's bounds left alone, dropped, or typed as values."""
    own = (readings["property"] == property_id).to_numpy()
    bound = own & readings[["lower", "upper"]].isna().any(axis=1).to_numpy()
    if fit == "dropped":
        return readings[~bound]
    if fit == "typed as values":
        stated = readings["lower"].fillna(readings["upper"])
        return readings.assign(
            lower=readings["lower"].where(~bound, stated),
            upper=readings["upper"].where(~bound, stated),
        )
    return readings


def table_scores(problem: str, letter: str, seed: int) -> list[Row]:
    """Scores of the three fits to one table."""
    task = PROBLEMS[problem]
    table = task.table(letter, seed)
    own = table.by_property[task.property_id]
    n_bounds = int(own[["lower", "upper"]].isna().any(axis=1).sum())
    asked = task.asked(table, letter, seed)
    truth = table.truth(asked, task.property_id)
    beyond = task.beyond(truth)
    rows: list[Row] = []
    for fit in FITS:
        given = task.predicted(table, treated(table.readings, task.property_id, fit), asked)
        row: Row = {
            "problem": problem, "world": letter, "seed": seed, "fit": fit, "n": len(own),
            "n_bounds": n_bounds, "n_beyond": int(beyond.sum()),
        }  # fmt: skip
        for name, rule in (("all", truth > 0), ("beyond", beyond), ("within", ~beyond)):
            if rule.any():
                scores = truth_scores(given[rule], truth[rule], task.property_id)
                row |= {f"{key}_{name}": scores[key] for key in ("nlpd", "rmse", "inside_90")}
        rows.append(row)
    return rows


def report(rows: pd.DataFrame) -> str:
    """Scores and paired differences, one line a problem and fit."""
    header = [
        "problem", "fit", "tables", "bounds", "NLPD", "NLPD beyond", "truth in 90 %",
        "beyond, in 90 %", "ours - this, NLPD", "ours - this, NLPD beyond", "ours better : worse",
    ]  # fmt: skip
    lines = []
    for problem, of_problem in rows.groupby("problem", sort=False):
        by_fit = {fit: own.set_index(["world", "seed"]) for fit, own in of_problem.groupby("fit")}
        ours = by_fit["as bounds"]
        for fit in FITS:
            own = by_fit[fit].loc[ours.index]
            difference = ours["nlpd_all"] - own["nlpd_all"]
            counts = f"{(difference < 0).sum()} : {(difference > 0).sum()}"
            differences = [
                "" if fit == "as bounds" else interval_text(
                    mean_and_interval(ours[name] - own[name]), "{:+.2f}"
                )
                for name in ("nlpd_all", "nlpd_beyond")
            ]  # fmt: skip
            lines.append(
                [
                    problem, fit, len(own), f"{own['n_bounds'].sum() / own['n'].sum():.0%}",
                    *(interval_text(mean_and_interval(own[name]), "{:.2f}")
                      for name in ("nlpd_all", "nlpd_beyond")),
                    *(percent_text(mean_and_interval(own[name]))
                      for name in ("inside_90_all", "inside_90_beyond")),
                    *differences,
                    "" if fit == "as bounds" else counts,
                ]
            )  # fmt: skip
    return markdown(header, lines)


def plot(path: Path, letter: str, seed: int) -> None:
    """The three fits of both one-variable problems, with readings and truth."""
    figure = Figure(figsize=(11, 6.4), layout="constrained")
    FigureCanvasAgg(figure)
    axes = figure.subplots(2, 3, sharex=True, sharey="row")
    titles = ("bounds as bounds", "bounds dropped", "limit typed as a value")
    problems = (PROBLEMS["electronic, over x"], PROBLEMS["critical current, over x of the skin"])
    for line, problem in zip(axes, problems, strict=True):
        table = problem.table(letter, seed)
        asked = problem.asked(table, letter, seed)
        for ax, fit, title in zip(line, FITS, titles, strict=True):
            readings = treated(table.readings, problem.property_id, fit)
            given = problem.predicted(table, readings, asked)
            _panel(ax, problem, table, asked, given, fit)
            ax.set_title(title if problem is problems[0] else "", fontsize=11, loc="left")
        entry = property_of(problem.property_id)
        line[0].set_ylabel(f"{entry.label}, {entry.unit.replace('cm2', 'cm²')}")
        for ax in line:
            skin = " of the skin" if problem.property_id == CCD else ""
            ax.set_xlabel(f"oxygen x{skin}")
    drawn = [ax.get_legend_handles_labels() for ax in axes.flat]
    keys = {label: handle for own in drawn for handle, label in zip(*own, strict=True)}
    figure.legend(
        list(keys.values()), list(keys), loc="outside lower center", ncols=7, frameon=False
    )
    figure.suptitle(
        f"Readings and truth: {table.lab.world.label}",
        x=0.01,
        ha="left",
        fontsize=10,
        color="#6b6b6b",
    )
    path.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(path, dpi=110)


def _panel(
    ax: Axes,
    problem: Problem,
    table: VirtualTable,
    asked: pd.DataFrame,
    given: pd.DataFrame,
    fit: str,
) -> None:
    entry = property_of(problem.property_id)
    own = table.by_property[entry.id]
    rows = table.cells if problem.property_id == CCD else table.recipes
    at = rows.loc[own["specimen"], problem.column].to_numpy(dtype=float)
    lower, upper = own["lower"].to_numpy(dtype=float), own["upper"].to_numpy(dtype=float)
    bound = np.isnan(lower) | np.isnan(upper)
    x = asked[problem.column].to_numpy(dtype=float)
    ax.fill_between(
        x, given["lower"], given["upper"], color="#56B4E9", alpha=0.4, lw=0,
        label="90 % of the true value",
    )  # fmt: skip
    ax.plot(x, given["mean"], color="#0072B2", lw=1.8, label="prediction")
    ax.plot(x, table.truth(asked, entry.id), color="black", lw=1.3, ls="--", label="truth")
    ax.plot(
        at[~bound], np.sqrt(lower * upper)[~bound], "o", ms=4.5, color="#D55E00", label="reading"
    )
    if fit != "dropped":
        typed = fit == "typed as values"
        for marker, name, own_bound, value in (
            ("v", "upper bound", np.isnan(lower), upper),
            ("^", "lower bound", np.isnan(upper), lower),
        ):
            ax.plot(
                at[own_bound], value[own_bound], "o" if typed else marker, ms=5.5, mfc="none",
                color="#D55E00", label="typed limit" if typed else name,
            )  # fmt: skip
    ax.set_yscale("log")
    ax.spines[["top", "right"]].set_visible(False)


def main() -> None:
    """Run what was not run yet, print the table, draw the figure."""
    parser = options(__doc__, "censored.jsonl")
    parser.add_argument("--tables", type=int, default=90, help="of each problem")
    parser.add_argument("--worlds", nargs="+", default=list("EFG"), help="taken in turn")
    parser.add_argument("--problems", nargs="+", default=list(PROBLEMS), choices=list(PROBLEMS))
    parser.add_argument("--plot", type=Path, help="where to draw the figure; default: nowhere")
    parser.add_argument("--plot-seed", type=int, default=0)
    given = parser.parse_args()
    tasks = [
        (problem, given.worlds[seed % len(given.worlds)], seed)
        for problem in given.problems
        for seed in range(given.tables)
    ]
    rows = pd.DataFrame(run(table_scores, tasks, path=given.out, jobs=given.jobs))
    print(report(rows))
    if given.plot:
        plot(given.plot, given.worlds[-1], given.plot_seed)


if __name__ == "__main__":
    main()
