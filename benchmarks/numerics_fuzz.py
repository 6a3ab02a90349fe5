"""Thousands of fits on tables that try the arithmetic, and whether ranges still hold what is true.

Every case of ``benchmarks.numerics_cases`` either gives finite numbers, or is refused by a
``GlassError``; NaN, any other exception and any warning of NumPy count as faults. Truths drawn from
the prior, read with errors from 1e-12 to 1e6 of its spread, are then counted within 90 % ranges.

    nice -n 19 python benchmarks/numerics_fuzz.py                 # about twelve minutes of one core
    nice -n 19 python benchmarks/numerics_fuzz.py --cases 20 --out /tmp/numerics.json
"""

import argparse
import json
import sys
import time
import traceback
import warnings
from collections import Counter
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np

sys.path.insert(0, str(Path(__file__).parents[1]))

from benchmarks.numerics_cases import KINDS, SLOW, Case, covered, missing
from features.errors import GlassError

RESULT = Path(__file__).parent / "results" / "numerics_fuzz.json"
COVERAGES = 400
"""Truths drawn for each kind of reading."""


def outcome(case: Case, seed: int) -> tuple[str, str]:
    """What became of a case: ``finite``, ``refused``, ``nan`` or ``exception``, and more of it."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error", RuntimeWarning)
            lost = missing(case(np.random.default_rng(seed)))
    except GlassError as error:
        return "refused", f"{type(error).__name__}: {error}"
    except Exception:  # noqa: BLE001 - whatever it is, it is counted
        return "exception", traceback.format_exc(limit=-2)
    return ("nan", ", ".join(lost)) if lost else ("finite", "")


def tried(name: str, n: int) -> dict[str, Any]:
    """Counts of a kind, and the first fault of each."""
    start, counts = time.process_time(), Counter[str]()
    faults: dict[str, dict[str, Any]] = {}
    refused: set[str] = set()
    for seed in range(n):
        what, more = outcome(KINDS[name], seed)
        counts[what] += 1
        if what == "refused":
            refused.add(more.partition(":")[0])
        if what in ("nan", "exception"):
            faults.setdefault(what, {"seed": seed, "more": more})
    return {
        "cases": n,
        **{what: counts[what] for what in ("finite", "refused", "nan", "exception")},
        "refused_by": sorted(refused),
        "faults": faults,
        "cpu_s": round(time.process_time() - start, 1),
    }


def main() -> None:
    """Run all kinds and write the counts."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--cases", type=int, default=200, help="of each kind, a tenth of slow ones")
    parser.add_argument("--only", nargs="*", choices=KINDS, help="others stay as they were")
    parser.add_argument("--out", type=Path, default=RESULT)
    options = parser.parse_args()
    before: dict[str, Any] = {}
    if options.only:
        before = json.loads(options.out.read_text(encoding="utf-8"))
    found = dict(before.get("kinds", {}))
    for name in options.only or KINDS:
        n = max(3, options.cases // (30 if name in SLOW else 1))
        found[name] = tried(name, n)
        print(name, {k: v for k, v in found[name].items() if k != "faults"}, flush=True)
    shares = before.get("coverage_of_90") or {
        how: covered(how, COVERAGES if options.cases >= 100 else 20)
        for how in ("stated", "extreme", "bounds")
    }
    total = {
        what: sum(kind[what] for kind in found.values())
        for what in ("cases", "finite", "refused", "nan", "exception", "cpu_s")
    }
    print(total, shares)
    result = {
        "command": "python benchmarks/numerics_fuzz.py",
        "total": total,
        "kinds": found,
        "coverage_of_90": shares,
        "versions": {name: version(name) for name in ("glassloop", "numpy", "scipy", "torch")},
    }
    options.out.write_text(json.dumps(result, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
