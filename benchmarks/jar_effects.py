"""Three pellets of one jar are not three experiments: what the hierarchy does to the intervals.

    .venv/bin/python benchmarks/jar_effects.py --tables 100

The same tables fitted twice: with the column ``jar``, and without it, when every pellet counts as
a jar of its own. Coverage of the noise-free truth by 50 and 90 % intervals, at 40 recipes that
were not made and at those that were; paired. 95 % intervals by bootstrap over tables. Table i is
of world E, F or G in turn.
"""

import os

for _name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ.setdefault(_name, "1")

from typing import Any, Final

import pandas as pd
from runs import markdown, options, run
from scored import interval_text, mean_and_interval, percent_text, truth_scores
from virtual_tables import Design, draw

from models.property_gp import PropertyGP

Row = dict[str, Any]

PELLETS_PER_JAR: Final = 3
PROPERTIES: Final = ("ionic_conductivity", "youngs_modulus", "electronic_conductivity")
FITS: Final = ("with jars", "without")


def table_scores(letter: str, seed: int, jars: int) -> list[Row]:
    """Scores of both fits to one table, one row a property, fit and kind of recipe."""
    # The finest channel: no bounds, so that only the jars matter.
    design = Design(n_glasses=jars, pellets_per_jar=PELLETS_PER_JAR, smallest_current_na=1e-3)
    table = draw(letter, seed, design)
    asked = {
        "not made": draw(letter, seed, Design(n_glasses=40), label="T").recipes,
        "made": table.recipes.drop_duplicates("jar"),
    }
    rows: list[Row] = []
    for property_id in PROPERTIES:
        for fit in FITS:
            known = table.recipes if fit == "with jars" else table.recipes.drop(columns="jar")
            fitted = PropertyGP(property_id).fit(known, table.readings)
            for recipes, new in asked.items():
                truth = table.truth(new, property_id)
                scores = truth_scores(fitted.predict(new), truth, property_id)
                rows.append(
                    {"world": letter, "seed": seed, "jars": jars, "property": property_id}
                    | {"fit": fit, "recipes": recipes}
                    | scores
                )
    return rows


def report(rows: pd.DataFrame) -> str:
    """Coverage and scores with and without the hierarchy, and the paired difference."""
    header = [
        "jars", "recipes", "property", "fit", "tables", "truth in 90 %", "truth in 50 %",
        "CRPS", "width of 90 %", "NLPD, with - without",
    ]  # fmt: skip
    lines = []
    for (jars, recipes, property_id), both in rows.groupby(
        ["jars", "recipes", "property"], sort=False
    ):
        by_fit = {fit: own.set_index(["world", "seed"]) for fit, own in both.groupby("fit")}
        without = by_fit["without"]["nlpd"]
        for fit in FITS:
            own = by_fit[fit].loc[without.index]
            difference = interval_text(mean_and_interval(own["nlpd"] - without), "{:+.2f}")
            lines.append(
                [
                    jars, recipes, property_id, fit, len(own),
                    percent_text(mean_and_interval(own["inside_90"])),
                    percent_text(mean_and_interval(own["inside_50"])),
                    interval_text(mean_and_interval(own["crps"])),
                    f"{own['width_90'].mean():.3f}",
                    difference if fit == "with jars" else "",
                ]
            )  # fmt: skip
    return markdown(header, lines)


def main() -> None:
    """Run what was not run yet, and print the table."""
    parser = options(__doc__, "jar_effects.jsonl")
    parser.add_argument("--tables", type=int, default=100, help="of each size")
    parser.add_argument("--worlds", nargs="+", default=list("EFG"), help="taken in turn")
    parser.add_argument("--sizes", nargs="+", type=int, default=[6, 10, 16], help="jars")
    given = parser.parse_args()
    tasks = [
        (given.worlds[seed % len(given.worlds)], seed, jars)
        for seed in range(given.tables)
        for jars in given.sizes
    ]
    print(report(pd.DataFrame(run(table_scores, tasks, path=given.out, jobs=given.jobs))))


if __name__ == "__main__":
    main()
