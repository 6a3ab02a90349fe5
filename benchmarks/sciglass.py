"""Surrogates on measured glasses of the literature: each paper left out, predicted by the others.

    .venv/bin/python benchmarks/sciglass.py

Four properties of 155 to 180 glasses in 31 to 34 papers, from SciGlass ((c) 2019 EPAM Systems, Open
Database License 1.0). Inputs are mol% of the components, rare ones summed; all surrogates get the
same, scaled to the unit cube by the papers learned from. Every glass counts once; intervals are
95 % of a paired bootstrap over papers. ``gp`` is ``GPRegressor``, ``gp_papers`` the same told which
glasses are of one paper.
"""

import os

for _name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ.setdefault(_name, "1")

import time
import warnings
from collections.abc import Callable
from typing import Any, Final

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from runs import markdown, options, run
from sklearn.ensemble import RandomForestRegressor
from sklearn.exceptions import ConvergenceWarning
from sklearn.gaussian_process import GaussianProcessRegressor
from sklearn.gaussian_process.kernels import Matern, WhiteKernel
from sklearn.linear_model import BayesianRidge
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import MinMaxScaler

from experiments.sciglass import TARGETS, measured_glasses
from models.gp_regressor import GPRegressor
from models.held_out import by_jar, score_table
from models.mol_percent import MolPercent
from models.paired_differences import differences_of, verdict_of, winner_of
from models.scores import crps, log_density, pit

Array = NDArray[np.float64]
Row = dict[str, Any]
Foretold = tuple[Array, Array]
"""Centre and standard deviation of a new reading."""


def _mean(x: Array, y: Array, new: Array, _papers: NDArray[Any]) -> Foretold:
    n = len(y)
    return np.full(len(new), y.mean()), np.full(len(new), y.std(ddof=1) * (1 + 1 / n) ** 0.5)


def _ridge(x: Array, y: Array, new: Array, _papers: NDArray[Any]) -> Foretold:
    mean, sd = BayesianRidge().fit(x, y).predict(new, return_std=True)
    return mean, sd


def _forest(x: Array, y: Array, new: Array, _papers: NDArray[Any]) -> Foretold:
    forest = RandomForestRegressor(300, oob_score=True, random_state=0).fit(x, y)
    trees = np.array([tree.predict(new) for tree in forest.estimators_])
    missed = np.mean((y - forest.oob_prediction_) ** 2)
    return trees.mean(axis=0), np.sqrt(trees.var(axis=0) + missed)


def _sklearn_gp(x: Array, y: Array, new: Array, _papers: NDArray[Any]) -> Foretold:
    kernel = Matern(length_scale=np.ones(x.shape[1]), nu=2.5) + WhiteKernel()
    regressor = GaussianProcessRegressor(kernel, normalize_y=True, random_state=0)
    with warnings.catch_warnings():
        # A component that does not matter sends its length scale to the bound.
        warnings.simplefilter("ignore", ConvergenceWarning)
        mean, sd = regressor.fit(x, y).predict(new, return_std=True)
    return mean, sd


def _gp(x: Array, y: Array, new: Array, _papers: NDArray[Any]) -> Foretold:
    mean, sd = GPRegressor().fit(x, y).predict(new, return_std=True, of_reading=True)
    return mean, sd


def _gp_papers(x: Array, y: Array, new: Array, papers: NDArray[Any]) -> Foretold:
    regressor = GPRegressor().fit(x, y, groups=papers)
    mean, sd = regressor.predict(new, return_std=True, of_reading=True)
    return mean, sd


SURROGATES: Final[dict[str, Callable[[Array, Array, Array, NDArray[Any]], Foretold]]] = {
    "mean": _mean,
    "ridge": _ridge,
    "random_forest": _forest,
    "sklearn_gp": _sklearn_gp,
    "gp": _gp,
    "gp_papers": _gp_papers,
}


def held_out_rows(target_id: str, name: str) -> list[Row]:
    """One row a glass: foretold by a surrogate that saw no glass of its paper.

    Args:
        target_id: Of the literature's targets.
        name: Of the surrogate.

    Returns:
        Rows with all scores.
    """
    glasses = measured_glasses(target_id)
    y, papers = glasses.value.to_numpy(), glasses.paper.to_numpy()
    start = time.process_time()
    centre, sd = np.empty(len(y)), np.empty(len(y))
    for paper in np.unique(papers):
        new = papers == paper
        features = make_pipeline(MolPercent(), MinMaxScaler())
        x = features.fit_transform(glasses.composition[~new])
        asked = features.transform(glasses.composition[new])
        centre[new], sd[new] = SURROGATES[name](x, y[~new], asked, papers[~new])
    seconds = time.process_time() - start
    transform = pit(y, centre, sd)
    table = pd.DataFrame(
        {
            "target": target_id,
            "surrogate": name,
            "fold": papers,
            "jar": glasses.value.index,
            "centre": centre,
            "reading_sd": sd,
            "error": y - centre,
            "log_score": log_density(y, centre, sd),
            "crps": crps(y, centre, sd),
            "inside_50": np.abs(transform - 0.5) <= 0.25,
            "inside_90": np.abs(transform - 0.5) <= 0.45,
            "cpu_s": seconds,
        }
    )
    rows: list[Row] = table.astype(object).to_dict("records")
    return [{name: _plain(value) for name, value in row.items()} for row in rows]


def _plain(value: Any) -> Any:
    return value.item() if isinstance(value, np.generic) else value


def report(rows: pd.DataFrame) -> list[str]:
    """Scores, differences and the verdict of one target."""
    names = tuple(rows["surrogate"].unique())
    scores, differences = score_table(rows, names), differences_of(by_jar(rows), names, 0)
    n_papers = rows["fold"].nunique()
    seconds = rows.groupby("surrogate")["cpu_s"].first()
    header = ["surrogate", "RMSE", "NLPD", "CRPS", "inside 50 %", "inside 90 %", "width of 90 %"]
    lines = [
        [
            name,
            *(f"{scores.loc[name, s]:.3f}" for s in ("rmse", "nlpd", "crps")),
            *(f"{100 * scores.loc[name, s]:.0f} %" for s in ("coverage_50", "coverage_90")),
            f"{scores.loc[name, 'sharpness']:.2f}",
            *(_difference(differences, name, "mean", score) for score in ("rmse", "nlpd")),
            f"{seconds[name]:.0f}",
        ]
        for name in names
    ]
    verdict = verdict_of(
        differences,
        names,
        winner=winner_of(differences, names, n_papers),
        n_groups=n_papers,
        of_what="papers",
    )
    pairs = [
        [name, other, *(_difference(differences, name, other, s) for s in ("rmse", "nlpd"))]
        for name in ("gp", "gp_papers")
        for other in names
        if name in names and other not in {"mean", name}
    ]
    return [
        f"## {TARGETS[rows['target'].iloc[0]].label}: {len(rows) // len(names)} glasses, "
        f"{n_papers} papers",
        markdown([*header, "RMSE less the mean's", "NLPD less the mean's", "CPU s"], lines),
        markdown(["surrogate", "against", "RMSE", "NLPD"], pairs),
        f"Verdict: {verdict}.",
    ]


def _difference(differences: pd.DataFrame, name: str, against: str, score: str) -> str:
    rows = differences.loc[
        (differences["surrogate"] == name)
        & (differences["against"] == against)
        & (differences["score"] == score)
    ]
    if rows.empty:
        return "-"
    row = rows.iloc[0]
    return f"{row['difference']:+.2f} ({row['lower']:+.2f} to {row['upper']:+.2f})"


def main() -> None:
    """Run what was not run yet, and print the tables."""
    parser = options(__doc__, "sciglass.jsonl")
    parser.add_argument("--targets", nargs="+", default=list(TARGETS), choices=list(TARGETS))
    parser.add_argument("--surrogates", nargs="+", default=list(SURROGATES))
    given = parser.parse_args()
    tasks = [(target, name) for target in given.targets for name in given.surrogates]
    rows = pd.DataFrame(run(held_out_rows, tasks, path=given.out, jobs=given.jobs))
    for _, own in rows.groupby("target", sort=False):
        print(*report(own), sep="\n\n", end="\n\n")


if __name__ == "__main__":
    main()
