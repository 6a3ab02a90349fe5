"""Length scales integrated out, or taken at their most probable value: coverage and cost.

Both modes see the same tables of the virtual laboratory; the only difference is the number of
points the predictions are averaged over. Run: python benchmarks/marginalised.py
"""

import os

os.environ.setdefault("OMP_NUM_THREADS", "1")

import argparse
from dataclasses import replace
from time import process_time

import numpy as np
import pandas as pd
from joblib import Parallel, delayed
from virtual_tables import Design, draw

from features.properties import property_of
from models.gp import GaussianProcess
from models.property_gp import PropertyGP
from models.scores import crps

PROPERTIES = ("ionic_conductivity", "youngs_modulus", "electronic_conductivity")
Z_90 = 1.645


def point_estimate(process: GaussianProcess) -> GaussianProcess:
    """The same process at its most probable length scales."""
    if process.learned is None:
        raise ValueError("fit first")
    learned = process.learned
    return replace(process, learned=replace(learned, points=(learned.best,), weights=np.ones(1)))


def table_scores(letter: str, seed: int, n_glasses: int) -> list[dict[str, object]]:
    """Coverage, CRPS and CPU of both modes on one table."""
    design = Design(n_glasses=n_glasses, n_repeats=n_glasses // 8, pellets_per_jar=1, n_cells=0)
    table = draw(letter, seed, design)
    new = draw(letter, seed, Design(n_glasses=40, n_repeats=0, n_cells=0), label="N").recipes
    rows: list[dict[str, object]] = []
    for name in PROPERTIES:
        entry = property_of(name)
        truth = entry.to_scale(table.truth(new, name))
        fitted = PropertyGP(name).fit(table.recipes, table.readings)
        if fitted.process is None:
            raise ValueError("not fitted")
        modes = {"integrated": fitted.process, "most probable": point_estimate(fitted.process)}
        for mode, process in modes.items():
            start = process_time()
            predicted = replace(fitted, process=process).predict(new)
            cpu = process_time() - start
            error = truth - entry.to_scale(predicted["mean"].to_numpy())
            sd = predicted["sd"].to_numpy()
            rows.append(
                {
                    "world": letter, "seed": seed, "glasses": n_glasses, "property": name,
                    "mode": mode, "in_90": float(np.mean(np.abs(error) <= Z_90 * sd)),
                    "crps": float(np.mean(crps(error, 0.0, sd))) / entry.prior_sd, "predict_s": cpu,
                }
            )  # fmt: skip
    return rows


def main() -> None:
    """Print one row a size and mode, with bootstrap intervals over tables."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--tables", type=int, default=34, help="a world")
    parser.add_argument("--sizes", type=int, nargs="+", default=[8, 16, 32])
    given = parser.parse_args()
    worlds = {"E": 40000, "F": 50000, "G": 60000}
    tasks = [(w, s0 + s, n) for w, s0 in worlds.items() for s in range(given.tables)
             for n in given.sizes]  # fmt: skip
    found = Parallel(n_jobs=2)(delayed(table_scores)(*task) for task in tasks)
    table = pd.DataFrame([row for rows in found for row in rows])
    per_table = table.groupby(["glasses", "mode", "world", "seed"])[
        ["in_90", "crps", "predict_s"]
    ].mean()
    rng = np.random.default_rng(0)
    print("| glasses | mode | truth in 90 % | CRPS, prior sd | predictions, CPU s |")
    print("| --- | --- | --- | --- | --- |")
    for (glasses, mode), part in per_table.groupby(level=[0, 1]):
        pick = rng.integers(len(part), size=(2000, len(part)))
        cells = []
        for name, unit, digits in (("in_90", 100.0, 1), ("crps", 1.0, 4)):
            values = part[name].to_numpy()
            low, high = np.quantile(values[pick].mean(axis=1), [0.025, 0.975])
            centre = values.mean()
            cells.append(
                f"{unit * centre:.{digits}f} ({unit * low:.{digits}f} to {unit * high:.{digits}f})"
            )
        seconds = part["predict_s"].mean()
        print(f"| {glasses} | {mode} | {cells[0]} | {cells[1]} | {seconds:.4f} |")


if __name__ == "__main__":
    main()
