"""How long fits and predictions take: CPU seconds on one thread.

    .venv/bin/python benchmarks/speed.py

Four properties at n = 60 readings and d = 8 features, exact and with every fifth reading a bound;
then one property at n = 10 to 2000. Random smooth data. Results are of this machine, so they are
printed and appended, never taken from the file.
"""

import os

for _name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ.setdefault(_name, "1")

import json
import time
from collections.abc import Callable
from functools import partial
from statistics import median
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray
from runs import code_version, markdown, options

from models.evidence import Evidence, Points
from models.gp import GaussianProcess

Array = NDArray[np.float64]

N_READINGS, N_FEATURES, N_PROPERTIES = 60, 8, 4
N_NEW: Final = 1000
CENSORED: Final = 0.2
NOISE_SD: Final = 0.05
TARGET_S: Final = {"exact": 0.5, "20 % bounds": 2.0}


def cpu_seconds(call: Callable[[], Any]) -> tuple[float, Any]:
    """CPU time of one call, s, and what it returned."""
    start = time.process_time()
    result = call()
    return time.process_time() - start, result


def evidence(n: int, *, censored: float, seed: int) -> Evidence:
    """Readings of a smooth function of a few features, a share of them bounds.

    The bounds are those below a floor, as an instrument would give them.
    """
    rng = np.random.default_rng(seed)
    x = rng.random((n, N_FEATURES))
    weights = rng.standard_normal(3)
    smooth: Array = np.sin(3 * x[:, 0] + weights[0]) + weights[1] * x[:, 1] + weights[2] * x[:, 2]
    y = smooth + rng.normal(0, 0.1, n)
    floor = np.quantile(y, censored) if censored else -np.inf
    below = y <= floor
    return Evidence.of(
        Points.of(x),
        lower=np.where(below, -np.inf, y),
        upper=np.where(below, floor, y),
        noise_sd=np.full(n, NOISE_SD),
        groups={},
    )


def four_properties(*, censored: float, seed: int) -> tuple[float, float]:
    """CPU seconds of four fits at n = 60, d = 8, and of leaving each reading out in turn."""
    tables = [
        evidence(N_READINGS, censored=censored, seed=100 * seed + index)
        for index in range(N_PROPERTIES)
    ]
    fit_s, fitted = cpu_seconds(lambda: [process().fit_evidence(table) for table in tables])
    left_out_s, _ = cpu_seconds(lambda: [one.left_out_log_density("sample") for one in fitted])
    return fit_s, left_out_s


def process() -> GaussianProcess:
    """An unfitted process with a usual prior."""
    return GaussianProcess(prior_centre=0.0, prior_sd=1.0, scatter_sd=0.1)


def costs(n: int, *, censored: float, repeats: int) -> dict[str, float]:
    """CPU seconds of a fit and of the first and second call for 1000 predictions; medians."""
    new = np.random.default_rng(1).random((N_NEW, N_FEATURES))
    rows = []
    for seed in range(repeats):
        table = evidence(n, censored=censored, seed=seed)
        fit_s, fitted = cpu_seconds(partial(process().fit_evidence, table))
        first_s, _ = cpu_seconds(partial(fitted.marginal, new))
        again_s, _ = cpu_seconds(partial(fitted.marginal, new))
        rows.append({"fit_s": fit_s, "predict_first_s": first_s, "predict_again_s": again_s})
    return {name: median(row[name] for row in rows) for name in rows[0]}


def main() -> None:
    """Time everything, print two tables, append the numbers to the file."""
    parser = options(__doc__, "speed.jsonl")
    parser.add_argument("--sizes", nargs="+", type=int, default=[10, 30, 100, 300, 1000, 2000])
    parser.add_argument("--repeats", type=int, default=5, help="of the four properties")
    parser.add_argument("--most-s", type=float, default=120.0, help="no larger n after this")
    given = parser.parse_args()
    found: list[dict[str, Any]] = []
    process().fit_evidence(evidence(10, censored=CENSORED, seed=0))  # imports, caches
    lines = []
    for kind, censored in (("exact", 0.0), ("20 % bounds", CENSORED)):
        seconds = [four_properties(censored=censored, seed=seed) for seed in range(given.repeats)]
        fits, left_out = zip(*seconds, strict=True)
        found.append(
            {"kind": kind, "what": "four properties", "n": N_READINGS}
            | {"fit_s": fits, "left_out_s": left_out}
        )
        lines.append(
            [
                kind,
                *(f"{value:.2f}" for value in (median(fits), max(fits))),
                TARGET_S[kind],
                f"{median(left_out):.3f}",
            ]
        )
    header = ["four properties, n = 60, d = 8", "fit, median s", "worst s", "goal s"]
    print(markdown([*header, "leave-one-out s"], lines))
    lines = []
    for kind, censored in (("exact", 0.0), ("20 % bounds", CENSORED)):
        for n in given.sizes:
            spent = costs(n, censored=censored, repeats=3 if n <= 100 else 1)
            found.append({"kind": kind, "what": "curve", "n": n, **spent})
            lines.append([kind, n, *(f"{value:.3f}" for value in spent.values())])
            if sum(spent.values()) > given.most_s:
                break
    print()
    print(markdown(["readings", "n", "fit s", f"{N_NEW} predictions, first s", "again s"], lines))
    given.out.parent.mkdir(parents=True, exist_ok=True)
    version = code_version()
    with given.out.open("a") as file:
        file.write("".join(json.dumps(row | {"code": version}) + "\n" for row in found))


if __name__ == "__main__":
    main()
