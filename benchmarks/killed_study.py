"""Is a study that was killed and resumed the study that ran undisturbed? SIGKILL at random moments.

    .venv/bin/python benchmarks/killed_study.py --kills 10

Runs a small study once in peace; the same one again in another folder, where its process group is
killed at random moments until it was killed so often, then let finish. Compares the tables.
"""

import argparse
import os
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np

ROOT = Path(__file__).parents[1]
WORDS = [
    "--world", "A", "--world", "E", "--seeds", "0-2", "--strategy", "sobol",
    "--strategy", "glassloop",
    "--batch", "2+1", "--rounds", "3",
]  # fmt: skip
TABLES = ("campaigns.csv", "scores.csv")


def started(folder: Path) -> "subprocess.Popen[bytes]":
    """The command, in a process group of its own."""
    command = [sys.executable, "-m", "experiments.cli", "study", "--out", str(folder), *WORDS]
    environment = {**os.environ, "OMP_NUM_THREADS": "1", "PYTHONPATH": str(ROOT)}
    return subprocess.Popen(
        command, env=environment, start_new_session=True, stdout=subprocess.DEVNULL
    )


def main() -> None:
    """Kill, resume, compare; exit code 1 if a table differs."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--kills", type=int, default=10)
    parser.add_argument("--seed", type=int, default=0)
    given: Any = parser.parse_args()
    rng = np.random.default_rng(given.seed)
    root = Path(tempfile.mkdtemp())
    plain, killed = root / "plain", root / "killed"
    begun = time.monotonic()
    if started(plain).wait():
        sys.exit("the undisturbed study failed")
    alone_s = time.monotonic() - begun
    kills = 0
    while kills < given.kills:
        process = started(killed)
        try:
            process.wait(timeout=float(rng.uniform(0.5, max(12.0, alone_s / 3))))
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()
            kills += 1
            done = len(list((killed / "campaigns").glob("*.json"))) if killed.exists() else 0
            print(f"kill {kills}: {done} campaigns were finished", flush=True)
        else:
            print(f"finished after {kills} kills: begun again", flush=True)
            for file in (killed / "campaigns").glob("*.json"):
                if rng.random() < 0.5:
                    file.unlink()
    if started(killed).wait():
        sys.exit("the resumed study failed")
    same = [(plain / name).read_bytes() == (killed / name).read_bytes() for name in TABLES]
    for name, is_same in zip(TABLES, same, strict=True):
        print(f"{name}: {'the same' if is_same else 'DIFFERS'}")
    sys.exit(0 if all(same) else 1)


if __name__ == "__main__":
    main()
