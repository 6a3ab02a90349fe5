"""Every fault, done for real, again and again; what came of it as one table.

    .venv/bin/python benchmarks/faults/run.py
    .venv/bin/python benchmarks/faults/run.py --only killed_record --times 1000

Writes ``benchmarks/results/faults.json``: a row a fault. A later run of that fault replaces the row
and keeps what the earlier ones found under ``earlier``. A run whose code was changed meanwhile
compares what two programs did and is not clean, whatever it found: run it in a copy of the tree.
Exit code 1 if anything was lost, doubled, unsound or otherwise not as it should be. Mounts small
disks (root), compiles a library (gcc), and starts PostgreSQL and MLflow of its own.
"""

import os

for _name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ.setdefault(_name, "1")
os.environ.setdefault("MPLBACKEND", "Agg")
os.environ.setdefault("MLFLOW_DISABLE_TELEMETRY", "true")
os.environ.pop("MLFLOW_TRACKING_URI", None)

import argparse
import hashlib
import json
import platform
import shutil
import sqlite3
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

sys.path.insert(0, str(Path(__file__).parents[2]))

from benchmarks.faults.at_once import proposing_at_once
from benchmarks.faults.clock_back import clock_back
from benchmarks.faults.flipped import flipped_ledger
from benchmarks.faults.half_folder import half_folder
from benchmarks.faults.killed import killed_command, killed_propose, killed_record
from benchmarks.faults.locked import locked_ledger
from benchmarks.faults.power_cut import cut_campaign, cut_ledger
from benchmarks.faults.restored import restored_campaign
from benchmarks.faults.server_gone import database_gone, mlflow_gone
from benchmarks.faults.small_disk import full_disk, read_only
from benchmarks.faults.subject import made_subject
from benchmarks.faults.tally import Tally

ROOT: Final = Path(__file__).parents[2]
RESULTS: Final = ROOT / "benchmarks" / "results" / "faults.json"

FAULTS: Final[dict[str, tuple[Callable[..., Tally], int]]] = {
    "killed_record": (killed_record, 100),
    "killed_propose": (killed_propose, 100),
    "killed_command": (killed_command, 6),
    "full_disk": (full_disk, 20),
    "read_only": (read_only, 6),
    "locked": (locked_ledger, 8),
    "database_gone": (database_gone, 40),
    "mlflow_gone": (mlflow_gone, 3),
    "clock_back": (clock_back, 5),
    "at_once": (proposing_at_once, 12),
    "power_cut_ledger": (cut_ledger, 400),
    "power_cut_campaign": (cut_campaign, 200),
    "flipped": (flipped_ledger, 1000),
    "restored": (restored_campaign, 12),
    "half_folder": (half_folder, 24),
}
"""Every fault, and how often it is tried."""


def main() -> None:
    """Do them, and write the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--only", nargs="*", choices=FAULTS, default=[*FAULTS])
    parser.add_argument("--times", type=int, help="how often, instead of the usual number")
    parser.add_argument("--seed", type=int, default=1000)
    parser.add_argument("--out", type=Path, default=RESULTS)
    given: Any = parser.parse_args()
    place = Path(tempfile.mkdtemp(prefix="glassloop-faults-"))
    code = code_sha256()
    try:
        subject = made_subject(place / "subject")
        clean = True
        for name in given.only:
            fault, usual = FAULTS[name]
            begun = time.monotonic()
            tally = fault(subject, place / name, times=given.times or usual, seed=given.seed)
            tally.command = f".venv/bin/python benchmarks/faults/run.py --only {name}"
            if given.times:
                tally.command += f" --times {given.times}"
            if code_sha256() != code:
                tally.failures.append("the code was changed while this ran; it must run again")
            keep(given.out, name, tally, code)
            clean &= tally.is_clean
            took_s = time.monotonic() - begun
            said = "clean" if tally.is_clean else "NOT CLEAN"
            print(
                f"{tally.fault}: {tally.tried} times, {said}, {took_s:.0f} s; lost {tally.lost}, "
                f"doubled {tally.doubled}, verify faults {tally.verify_faults}",
                flush=True,
            )
            print(*(f"  {one}" for one in tally.failures[:5]), sep="\n", end="", flush=True)
    finally:
        shutil.rmtree(place, ignore_errors=True)
    sys.exit(0 if clean else 1)


def code_sha256() -> str:
    """Hash of all Python and C the faults run on."""
    folders = ("features", "models", "optimizer", "experiments", "benchmarks/faults")
    paths = (p for name in folders for p in (ROOT / name).rglob("*") if p.suffix in (".py", ".c"))
    digest = hashlib.sha256()
    for path in sorted(paths):
        digest.update(path.relative_to(ROOT).as_posix().encode() + b"\0" + path.read_bytes())
    return digest.hexdigest()


def keep(file: Path, name: str, tally: Tally, code: str) -> None:
    """Put a row into the table, in the order of ``FAULTS``; earlier results of it stay with it."""
    held = json.loads(file.read_text())["faults"] if file.exists() else {}
    before = held.get(name, {})
    told = ("tried", "lost", "doubled", "verify_faults", "failures", "code_sha256")
    earlier = before.get("earlier", []) + ([{k: before.get(k) for k in told}] if before else [])
    held[name] = tally.as_row() | {"code_sha256": code, "earlier": earlier}
    rows = {key: held[key] for key in FAULTS if key in held}
    machine = {"python": platform.python_version(), "sqlite": sqlite3.sqlite_version,
               "system": platform.system()}  # fmt: skip
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(json.dumps({"machine": machine, "faults": rows}, indent=1) + "\n")


if __name__ == "__main__":
    main()
