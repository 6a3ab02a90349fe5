"""Whether the probability of success is worth more than the share of successes so far.

    .venv/bin/python benchmarks/feasibility.py --tables 70

A simulated lab mills random recipes, failures and all; what was handled badly is left out, as in a
campaign. At 100 recipes that were not milled the Brier score is taken against the noise-free
probability that a jar is neither unreacted nor crystallised (expected score, so no luck is in it).
Beside it: the share of successes in the same table (with one pseudo-jar at the prior's rate), the
prior alone, and the truth itself, which no forecast can beat. ``inside`` is how often the true
probability lies in the 90 % range, to within 0.01. Paired; 95 % intervals by bootstrap over
tables. Table i is of world A to G in turn; the prior was chosen on A to D with other seeds.
"""

import os
from dataclasses import asdict

for _name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ.setdefault(_name, "1")

from typing import Any, Final

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from runs import markdown, options, run
from scored import interval_text, mean_and_interval, percent_text
from virtual_tables import LONGEST_H, MEDIA_SHARES, SHORTEST_H

from experiments.virtual_constants import generator
from experiments.virtual_failures import crystallised_probability, unreacted_probability
from experiments.virtual_lab import VirtualLab
from experiments.virtual_worlds import World
from features.recipe import GlassRecipe
from models.feasibility import BASE_RATE, MADE, REASONS, FeasibilitySurrogate

Row = dict[str, Any]
Array = NDArray[np.float64]

N_TEST: Final = 100
TOLERANCE: Final = 0.01
FORECASTS: Final = ("process", "share", "prior", "truth")


def random_jars(lab: VirtualLab, n: int, label: str) -> tuple[list[GlassRecipe], "pd.Series[str]"]:
    """Recipes as a lab might try them, without knowing which fail, and what became of them."""
    rng = generator(lab.seed, "recipes", label)
    recipes, outcomes = [], {}
    for number in range(n):
        time_h = SHORTEST_H * (LONGEST_H / SHORTEST_H) ** rng.random()
        media = str(rng.choice(list(MEDIA_SHARES), p=list(MEDIA_SHARES.values())))
        recipes.append(GlassRecipe(0.01 * int(rng.integers(0, 61)), round(2 * time_h) / 2, media))
        jar = lab.make_jar(f"{label}{number}", recipes[-1])
        outcomes[jar.id] = jar.failure or MADE
    return recipes, pd.Series(outcomes)


def table_of(recipes: list[GlassRecipe]) -> pd.DataFrame:
    """The recipes as a surrogate takes them."""
    return pd.DataFrame([asdict(recipe) for recipe in recipes])


def true_success(world: World, recipes: list[GlassRecipe]) -> Array:
    """Probability that a jar of each recipe has no failure that the recipe causes."""
    powders = [world.powder(recipe) for recipe in recipes]
    unreacted = np.array([unreacted_probability(world, powder) for powder in powders])
    crystallised = np.array([crystallised_probability(world, powder) for powder in powders])
    return np.asarray((1 - unreacted) * (1 - crystallised))


def brier(forecast: Array, truth: Array) -> float:
    """Expected Brier score: squared error of the forecast and what luck adds to it."""
    return float(((forecast - truth) ** 2 + truth * (1 - truth)).mean())


def table_scores(letter: str, seed: int, sizes: list[int]) -> list[Row]:
    """Scores of one lab's table, one row a size; a smaller table is the first rows of a larger."""
    lab = VirtualLab(World(letter, seed), seed)
    recipes, outcomes = random_jars(lab, max(sizes), "G")
    known = table_of(recipes).set_axis(outcomes.index)
    new, _ = random_jars(lab, N_TEST, "T")
    asked, truth = table_of(new), true_success(lab.world, new)
    rows: list[Row] = []
    for n in sizes:
        seen = outcomes.iloc[:n]
        fitted = FeasibilitySurrogate("jar").fit(known.iloc[:n], seen)
        counted = seen.isin([MADE, *REASONS["jar"]])
        share = ((seen == MADE).sum() + BASE_RATE["jar"]) / (counted.sum() + 1)
        predicted = fitted.predict(asked)
        forecasts = (
            predicted["probability"].to_numpy(),
            np.full(N_TEST, share),
            np.full(N_TEST, BASE_RATE["jar"]),
            truth,
        )
        inside = (predicted["lower"] - TOLERANCE <= truth) & (
            truth <= predicted["upper"] + TOLERANCE
        )
        rows.append(
            {"world": letter, "seed": seed, "jars": n, "failed": sum(fitted.failed.values())}
            | {"inside": float(inside.mean())}
            | {
                name: brier(forecast, truth)
                for name, forecast in zip(FORECASTS, forecasts, strict=True)
            }
        )
    return rows


def report(rows: pd.DataFrame) -> str:
    """Brier scores by size, and the paired difference to the share."""
    header = [
        "worlds", "jars", "tables", "failed", *FORECASTS, "process - share", "better in", "inside"
    ]  # fmt: skip
    lines = []
    for (group, jars), own in rows.groupby(
        [rows["world"].isin(list("ABCD")).map({True: "A to D", False: "E to G"}), "jars"]
    ):
        difference = own["process"] - own["share"]
        lines.append(
            [
                group, jars, len(own), f"{own['failed'].mean():.1f}",
                *(f"{own[name].mean():.3f}" for name in FORECASTS),
                interval_text(mean_and_interval(difference), "{:+.3f}"),
                f"{(difference < 0).mean():.0%}",
                percent_text(mean_and_interval(own["inside"])),
            ]
        )  # fmt: skip
    return markdown(header, lines)


def main() -> None:
    """Run what was not run yet, and print the table."""
    parser = options(__doc__, "feasibility.jsonl")
    parser.add_argument("--tables", type=int, default=70)
    parser.add_argument("--worlds", nargs="+", default=list("ABCDEFG"), help="taken in turn")
    parser.add_argument("--sizes", nargs="+", type=int, default=[6, 12, 20, 30], help="jars")
    given = parser.parse_args()
    tasks = [
        (given.worlds[i % len(given.worlds)], 100 + i, given.sizes) for i in range(given.tables)
    ]
    print(report(pd.DataFrame(run(table_scores, tasks, path=given.out, jobs=given.jobs))))


if __name__ == "__main__":
    main()
