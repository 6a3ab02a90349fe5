"""Does one property learn from the others? Correlated processes against one process a property.

    .venv/bin/python benchmarks/correlated.py --tables 60

Paired: the same tables fitted both ways, scored on the noise-free truth at 40 recipes not made.
``few``: the property was read on the first 5 glasses only, all others on all 20. ``all``: every
property on all 20. World ``synthetic``: conductivity and modulus drawn from two processes
that correlate by 0.9, and nothing else is known; E, F and G are the virtual lab, where nobody
promised a correlation. 95 % intervals by bootstrap over tables.
"""

import os

for _name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ.setdefault(_name, "1")

from typing import Any, Final

import numpy as np
import pandas as pd
from runs import markdown, options, run
from scored import interval_text, mean_and_interval, percent_text, truth_scores
from virtual_tables import PELLET_PROPERTIES, Design, draw

from features.properties import property_of
from models.cholesky import stable_cholesky
from models.correlated import CorrelatedGP
from models.inputs import glass_inputs
from models.matern import correlation
from models.property_gp import PropertyGP

Row = dict[str, Any]

N_GLASSES: Final = 20
N_FEW: Final = 5
N_NEW: Final = 40
TARGETS: Final = ("ionic_conductivity", "youngs_modulus", "electronic_conductivity")
CORRELATION: Final = 0.9
LENGTHSCALE: Final = 0.8
VARYING: Final = 0.7
"""Length scale of the synthetic processes and their sd, in prior sds."""


def table_scores(world: str, seed: int, design: str) -> list[Row]:
    """Scores of both kinds of fit to one table, one row a property and kind."""
    recipes, readings, new, truth = (
        synthetic(seed) if world == "synthetic" else virtual(world, seed)
    )
    rows: list[Row] = []
    for property_id in truth:
        seen = readings
        if design == "few":
            late = readings["specimen"].isin(recipes.index[N_FEW:])
            seen = readings.loc[~(late & (readings["property"] == property_id))]
        others = [name for name in PELLET_PROPERTIES if (readings["property"] == name).any()]
        joined = CorrelatedGP(tuple(others)).fit(recipes, seen)
        predicted = {
            "gp_correlated": joined.predict(new)[property_id],
            "gp": PropertyGP(property_id).fit(recipes, seen).predict(new),
        }
        found = joined.correlations()
        own = found.loc[(found["property"] == property_id) | (found["other"] == property_id)]
        for name, table in predicted.items():
            rows.append(
                {"world": world, "seed": seed, "design": design, "property": property_id}
                | {"fit": name, "determined": float(own["determined"].mean())}
                | {"strongest": float(own["correlation"].abs().max())}
                | truth_scores(table, truth[property_id], property_id)
            )
    return rows


def virtual(world: str, seed: int) -> tuple[pd.DataFrame, pd.DataFrame, pd.DataFrame, Row]:
    """Recipes, readings, new recipes and their truth from the virtual lab."""
    # The finest channel: no bounds, so that only the correlation matters.
    table = draw(world, seed, Design(n_glasses=N_GLASSES, smallest_current_na=1e-3))
    new = draw(world, seed, Design(n_glasses=N_NEW), label="T").recipes
    return table.recipes, table.readings, new, {name: table.truth(new, name) for name in TARGETS}


def synthetic(seed: int) -> tuple[pd.DataFrame, pd.DataFrame, pd.DataFrame, Row]:
    """The same from two correlated processes over the virtual lab's recipes."""
    made = draw("E", seed, Design(n_glasses=N_GLASSES)).recipes
    new = draw("E", seed, Design(n_glasses=N_NEW), label="T").recipes
    unit = PropertyGP("youngs_modulus")
    x = glass_inputs(pd.concat([made, new]), unit.ranges, unit.settings)
    rng = np.random.default_rng(seed)
    factor = stable_cholesky(correlation(x, x, np.full(x.shape[1], LENGTHSCALE)))
    one, two = rng.standard_normal((2, len(x))) @ factor.T
    varying = {
        "ionic_conductivity": one,
        "youngs_modulus": CORRELATION * one + np.sqrt(1 - CORRELATION**2) * two,
    }
    truth: Row = {}
    readings = []
    for name, part in varying.items():
        entry = property_of(name)
        level = entry.prior_centre + VARYING * entry.prior_sd * part
        truth[name] = pd.Series(entry.from_scale(level[len(made) :]), index=new.index)
        noise = np.hypot(entry.scatter_sd, entry.default_se) * rng.standard_normal(len(made))
        value = entry.from_scale(level[: len(made)] + noise)
        readings.append(
            pd.DataFrame({"specimen": made.index, "property": name, "lower": value, "upper": value})
        )
    return made, pd.concat(readings, ignore_index=True).assign(se=np.nan), new, truth


def report(rows: pd.DataFrame) -> str:
    """Both fits side by side, and the paired difference."""
    header = [
        "world", "design", "property", "tables", "CRPS gp", "CRPS difference",
        "NLPD difference", "RMSE difference, %", "truth in 90 %, gp", "truth in 90 %, correlated",
        "pairs determined, %",
    ]  # fmt: skip
    lines = []
    for key, both in rows.groupby(["world", "design", "property"], sort=False):
        gp, joined = (
            both.loc[both["fit"] == name].set_index("seed") for name in ("gp", "gp_correlated")
        )
        joined = joined.loc[gp.index]
        ratio = 100 * (joined["rmse"] - gp["rmse"]) / gp["rmse"].mean()
        lines.append(
            [
                *key, len(gp),
                f"{gp['crps'].mean():.3f}",
                interval_text(mean_and_interval(joined["crps"] - gp["crps"]), "{:+.3f}"),
                interval_text(mean_and_interval(joined["nlpd"] - gp["nlpd"]), "{:+.2f}"),
                interval_text(mean_and_interval(ratio), "{:+.0f}"),
                percent_text(mean_and_interval(gp["inside_90"])),
                percent_text(mean_and_interval(joined["inside_90"])),
                f"{100 * joined['determined'].mean():.0f}",
            ]
        )  # fmt: skip
    return markdown(header, lines)


def main() -> None:
    """Run what was not run yet, and print the table."""
    parser = options(__doc__, "correlated.jsonl")
    parser.add_argument("--tables", type=int, default=60, help="of each world and design")
    parser.add_argument("--worlds", nargs="+", default=["synthetic", *"EFG"])
    given = parser.parse_args()
    tasks = [
        (world, seed, design)
        for world in given.worlds
        for design in ("few", "all")
        for seed in range(given.tables)
    ]
    print(report(pd.DataFrame(run(table_scores, tasks, path=given.out, jobs=given.jobs))))


if __name__ == "__main__":
    main()
