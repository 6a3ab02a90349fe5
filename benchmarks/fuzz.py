"""Fuzzing of every parser: coverage-guided where atheris is installed, else random bytes.

    .venv/bin/pip install atheris
    .venv/bin/python benchmarks/fuzz.py                    # all targets, a million cases
    .venv/bin/python benchmarks/fuzz.py --target config --cases 5000 --method random

Every case is some bytes that decide what is built: a value, a row, a file, a body
(``benchmarks/fuzzing``). Each target runs in a child of this process; a finding is noted with the
bytes that show it, and the run goes on. Exit code 1 if there is any.
"""

import argparse
import json
import os
import random
import sys
import tempfile
from collections.abc import Sequence
from contextlib import ExitStack
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from time import perf_counter
from typing import Any, Final

ROOT: Final = Path(__file__).resolve().parents[1]
RESULTS: Final = ROOT / "benchmarks" / "results" / "fuzz.json"
sys.path.insert(0, str(ROOT))

from benchmarks.fuzzing.targets import TARGETS

LONGEST: Final = 1024
"""Bytes that decide a case; a few of them decide most of it."""

N_SEEDS: Final = 200
"""Random cases a coverage-guided run begins with."""


def main() -> int:
    """Run all targets, each in a child of this process that has imported everything."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("--target", action="append", help="only this one; several are allowed")
    parser.add_argument("--cases", type=int, help="of each target instead of its usual number")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--method", choices=("atheris", "random"))
    parser.add_argument("--out", type=Path, default=RESULTS)
    given = parser.parse_args()
    method = given.method or ("atheris" if find_spec("atheris") else "random")
    targets: Sequence[str] = given.target or list(TARGETS)
    _import(method, targets)
    done = []
    for name in targets:
        done.append(_in_child(name, given.cases or TARGETS[name].cases, given.seed, method))
        one = done[-1]
        said = f"{one['cases']:,} cases, {one['per_s']:,.0f}/s, {one['crashes']} findings"
        print(f"{name}: {said}", flush=True)
        _write(given.out, method, given.seed, done)
    return 1 if any(one["crashes"] for one in done) else 0


def _import(method: str, targets: Sequence[str]) -> None:
    """Import what the targets need, counting branches where atheris is to be guided by them."""
    modules = [f"benchmarks.fuzzing.{TARGETS[name].where.partition('.')[0]}" for name in targets]
    with ExitStack() as stack:
        if method == "atheris":
            import atheris

            stack.enter_context(atheris.instrument_imports(include=["features", "experiments"]))
        for module in dict.fromkeys((*modules, "benchmarks.fuzzing.case")):
            import_module(module)
        if "study" in targets:
            import_module("experiments.study_spec")


def _in_child(name: str, cases: int, seed: int, method: str) -> dict[str, Any]:
    """A target in a child; one that dies has a finding."""
    with tempfile.TemporaryDirectory(prefix="fuzz-") as scratch:
        begun = perf_counter()
        child = os.fork()
        if child == 0:
            try:
                _run(name, cases, seed, method, Path(scratch))
            finally:
                os._exit(0)
        _, status = os.waitpid(child, 0)
        wall = perf_counter() - begun
        told, log = Path(scratch) / "told.json", Path(scratch) / "log"
        found = json.loads(told.read_text()) if told.exists() else {"cases": 0, "found": {}}
        if found["cases"] < cases:
            said = f"ended with status {status}: {log.read_text(errors='replace')[-1500:]}"
            found["found"]["died"] = {"times": 1, "said": said, "case": ""}
    seconds = found.get("seconds", 0.0)
    return {
        "target": name,
        "cases": found["cases"],
        "processor_s": round(seconds, 1),
        "wall_s": round(wall, 1),
        "per_s": round(found["cases"] / max(seconds, 1e-9), 1),
        "slowest_s": round(found.get("slowest", 0.0), 3),
        "peak_mb": found.get("peak_mb"),
        "crashes": len(found["found"]),
        "found": found["found"],
        "corpus": found.get("corpus", 0),
    }


def _run(name: str, cases: int, seed: int, method: str, scratch: Path) -> None:
    """Run cases of a target and write what happened; in the child."""
    log = os.open(scratch / "log", os.O_WRONLY | os.O_CREAT)
    os.dup2(log, 1)
    os.dup2(log, 2)
    tempfile.tempdir = str(scratch)
    told, corpus = scratch / "told.json", scratch / "corpus"
    corpus.mkdir()
    from benchmarks.fuzzing.case import Tally, peak_mb  # imports parsers: not before they count

    tally = Tally(name)
    rng = random.Random(f"{name} {seed}")

    def one(data: bytes) -> None:
        tally.run(data)
        if tally.cases == cases or tally.cases % 1000 == 0:
            happened = {
                "cases": tally.cases,
                "seconds": tally.seconds,
                "slowest": tally.slowest,
                "found": tally.found,
                "corpus": sum(1 for _ in corpus.iterdir()),
                "peak_mb": round(peak_mb()),
            }
            told.write_text(json.dumps(happened))

    if method == "atheris":
        import atheris

        for i in range(N_SEEDS):
            raw = rng.randbytes(rng.choice((24, 64, 200, 600)))
            (corpus / f"seed{i:03}").write_bytes(raw)
        options = [
            f"-runs={cases}", f"-seed={seed + 1}", f"-max_len={LONGEST}", "-len_control=0",
            "-rss_limit_mb=4096", "-timeout=120", "-verbosity=0", f"-artifact_prefix={scratch}/",
        ]  # fmt: skip
        atheris.Setup([sys.argv[0], *options, str(corpus)], one)
        atheris.Fuzz()
    while tally.cases < cases:
        one(rng.randbytes(rng.choice((16, 40, 120, 400, LONGEST))))


def _write(path: Path, method: str, seed: int, done: Sequence[dict[str, Any]]) -> None:
    total = {
        "cases": sum(one["cases"] for one in done),
        "processor_s": round(sum(one["processor_s"] for one in done), 1),
        "wall_s": round(sum(one["wall_s"] for one in done), 1),
        "crashes": sum(one["crashes"] for one in done),
    }
    about = {"command": f"python benchmarks/fuzz.py --seed {seed}", "method": method, "seed": seed,
             "python": sys.version.split()[0]}  # fmt: skip
    path.write_text(json.dumps({**about, "total": total, "targets": list(done)}, indent=1) + "\n")


if __name__ == "__main__":
    sys.exit(main())
