"""Do the intervals hold what they say? Coverage and CRPS over simulated tables.

    .venv/bin/python benchmarks/calibration.py --tables 100

Each table is of a simulated lab of its own: n glasses, one further jar of the first glass for every
eight, one pellet a jar, one cell for every two glasses. Predictions are of 40 recipes (and 40 cells
of their jars) that were not made: against the noise-free truth, and against one reading on a fresh
jar. Headline: worlds E, F and G, which nothing was tuned on. Intervals: cluster bootstrap over
tables, 95 %. All surrogates see the same tables.
"""

import os

for _name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ.setdefault(_name, "1")

import time
from collections.abc import Iterable
from typing import Any, Final

import pandas as pd
from runs import markdown, options, run
from scored import interval_text, mean_and_interval, percent_text, reading_scores, truth_scores
from virtual_tables import CELL_PROPERTIES, PELLET_PROPERTIES, Design, VirtualTable, draw

from features.properties import property_of
from models.baselines import MeanSurrogate
from models.property_gp import PropertyGP
from models.registry import SURROGATES, surrogate_named
from models.trilayer import TrilayerSurrogate

Row = dict[str, Any]

PROPERTIES: Final = (
    "ionic_conductivity",
    "youngs_modulus",
    "electronic_conductivity",
    "critical_current_density",
    "area_specific_resistance",
)
UNTUNED: Final = ("E", "F", "G")
N_NEW: Final = 40
WITH_CELLS: Final = ("gp", "gp_physics", "mean")
"""Surrogates that also speak of cells: the composite with their own layers, and the mean."""


def table_scores(letter: str, seed: int, glasses: int, name: str) -> list[Row]:
    """Scores of one surrogate on one table, one row a property.

    Args:
        letter: World.
        seed: Of the table.
        glasses: How many.
        name: Of the surrogate.

    Returns:
        Means over the 40 new recipes.
    """
    table = draw(letter, seed, _design(glasses))
    new = draw(letter, seed, Design(n_glasses=N_NEW, n_cells=N_NEW), label="T")
    start = time.process_time()
    predictions = predicted(name, table, new)
    seconds = time.process_time() - start
    return [
        {
            "world": letter, "seed": seed, "glasses": glasses, "surrogate": name,
            "property": property_id,
            "n_readings": len(table.by_property[property_id]),
            "n_bounds": int(
                table.by_property[property_id][["lower", "upper"]].isna().any(axis=1).sum()
            ),
            "cpu_s_all_properties": round(seconds, 3),
        }
        | truth_scores(
            given,
            new.truth(new.cells if property_id in CELL_PROPERTIES else new.recipes, property_id),
            property_id,
        )
        | reading_scores(given, new.by_property[property_id])
        for property_id, given in predictions.items()
    ]  # fmt: skip


def _design(glasses: int) -> Design:
    return Design(n_glasses=glasses, n_repeats=glasses // 8, n_cells=glasses // 2)


def predicted(name: str, table: VirtualTable, new: VirtualTable) -> dict[str, pd.DataFrame]:
    """Predictions for the new recipes and cells by property, after a fit to the table."""
    fitted = {
        property_id: surrogate_named(name, property_id, {}).fit(table.recipes, table.readings)
        for property_id in (PELLET_PROPERTIES if name in WITH_CELLS else PROPERTIES[:3])
    }
    given: dict[str, pd.DataFrame] = {
        p: fitted[p].predict(new.recipes) for p in PROPERTIES if p in fitted
    }
    if name == "mean":
        given |= {
            p: MeanSurrogate(p).fit(table.cells, table.readings).predict(new.cells)
            for p in CELL_PROPERTIES
        }
    elif name in WITH_CELLS:
        layers = {p: f for p, f in fitted.items() if isinstance(f, PropertyGP)}
        cells = TrilayerSurrogate(layers, physics=name == "gp_physics")
        given |= cells.fit(table.cells, table.readings).predict(new.cells)
    return given


def pooled_table(rows: pd.DataFrame) -> str:
    """All worlds of the rows pooled: one line a size, surrogate and property, and pools.

    CRPS is pooled over properties in units of each one's prior sd, so that all weigh alike.
    """
    header = [
        "glasses", "surrogate", "property", "tables", "truth in 90 %", "truth in 50 %",
        "CRPS of truth", "CRPS / mean's", "reading in 90 %", "reading in 50 %",
        "CRPS of reading", "width of 90 %",
    ]  # fmt: skip
    lines = []
    for (glasses, name), of_group in rows.groupby(["glasses", "surrogate"], sort=False):
        of_cells = of_group["property"].isin(CELL_PROPERTIES)
        pools = {"pellets, all": of_group[~of_cells]}
        if of_cells.any():
            pools["pellets and cells, all"] = of_group
        for property_id, own in of_group.groupby("property", sort=False):
            lines.append([glasses, name, property_id, *_cells(own, pooled=False)])
        for label, own in pools.items():
            lines.append([glasses, name, label, *_cells(own, pooled=True)])
    return markdown(header, lines)


def world_table(rows: pd.DataFrame) -> str:
    """Coverage of the truth by 90 % intervals, and CRPS over the mean's, world by world."""
    worlds = sorted(rows["world"].unique())
    lines = []
    for keys, own in rows.groupby(["glasses", "surrogate", "property"], sort=False):
        cells = [_cells(own[own["world"] == letter], pooled=False) for letter in worlds]
        lines.append([*keys, *(f"{cell[1]}; {cell[4].split()[0]}" for cell in cells)])
    return markdown(["glasses", "surrogate", "property", *worlds], lines)


def with_ratio(rows: pd.DataFrame) -> pd.DataFrame:
    """Adds the CRPS of the mean on the same table, and all CRPS in units of the prior sd."""
    keys = ["world", "seed", "glasses", "property"]
    mean = rows[rows["surrogate"] == "mean"].set_index(keys)["crps"].rename("crps_of_mean")
    joined = rows.join(mean, on=keys)
    prior_sd = joined["property"].map(lambda name: property_of(name).prior_sd)
    return joined.assign(
        shared_crps=joined["crps"] / prior_sd,
        shared_crps_of_mean=joined["crps_of_mean"] / prior_sd,
        shared_reading_crps=joined["reading_crps"] / prior_sd,
        shared_width=joined["width_90"] / prior_sd,
    )


def _cells(rows: pd.DataFrame, *, pooled: bool) -> list[str]:
    by_table = rows.groupby(["world", "seed"])[
        [name for name in rows if pd.api.types.is_numeric_dtype(rows[name])]
    ].mean()
    scale = "shared_" if pooled else ""
    ratio = by_table["shared_crps"] / by_table["shared_crps_of_mean"]
    return [
        str(len(by_table)),
        percent_text(mean_and_interval(by_table["inside_90"])),
        percent_text(mean_and_interval(by_table["inside_50"])),
        interval_text(mean_and_interval(by_table[f"{scale}crps"])),
        interval_text(mean_and_interval(ratio, by_table["shared_crps_of_mean"]), "{:.2f}"),
        percent_text(mean_and_interval(by_table["reading_inside_90"])),
        percent_text(mean_and_interval(by_table["reading_inside_50"])),
        interval_text(mean_and_interval(by_table[f"{scale}reading_crps"])),
        f"{by_table['shared_width' if pooled else 'width_90'].mean():.3f}",
    ]


def main() -> None:
    """Run what was not run yet, and print the tables."""
    parser = options(__doc__, "calibration.jsonl")
    parser.add_argument("--tables", type=int, default=100, help="of each world and size")
    parser.add_argument("--worlds", nargs="+", default=list("ABCDEFG"))
    parser.add_argument("--sizes", nargs="+", type=int, default=[8, 16, 32], help="glasses")
    parser.add_argument("--surrogates", nargs="+", default=["gp", "mean"], choices=list(SURROGATES))
    given = parser.parse_args()
    tasks = [
        (letter, seed, glasses, name)
        for seed in range(given.tables)
        for glasses in given.sizes
        for letter in given.worlds
        for name in given.surrogates
    ]
    rows = pd.DataFrame(run(table_scores, tasks, path=given.out, jobs=given.jobs))
    print(*_report(with_ratio(rows)), sep="\n\n")


def _report(rows: pd.DataFrame) -> Iterable[str]:
    untuned = rows[rows["world"].isin(UNTUNED)]
    if len(untuned):
        letters = ", ".join(sorted(untuned["world"].unique()))
        yield f"## Worlds not used for tuning, pooled ({letters})"
        yield pooled_table(untuned)
    yield "## Each world: truth in 90 %, %; CRPS over the mean's"
    yield world_table(rows)
    yield "## CPU seconds of all fits and predictions of one table"
    seconds = rows.groupby(["glasses", "surrogate"], as_index=False)[
        ["cpu_s_all_properties"]
    ].mean()
    yield markdown(list(seconds.columns), seconds.round(2).to_numpy().tolist())


if __name__ == "__main__":
    main()
