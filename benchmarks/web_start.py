"""How long the server takes to its first page, and what that page weighs.

    python benchmarks/web_start.py [--runs 5]

Makes a campaign with the paper's data in a temporary folder, starts ``glassloop serve`` as often
as asked, and asks for the overview until it comes. Prints the median and the range, in seconds
from the start of the process.
"""

import argparse
import os
import signal
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.request
from pathlib import Path

from experiments.campaign import Campaign
from experiments.config import CampaignConfig, MlflowConfig


def first_page(root: Path) -> tuple[float, int]:
    """Seconds to the first page, and its bytes."""
    begun = time.perf_counter()
    process = subprocess.Popen(
        [sys.executable, "-m", "experiments.cli", "serve", "--campaign", str(root), "--port", "0"],
        stdout=subprocess.PIPE, text=True, env={**os.environ, "PYTHONUNBUFFERED": "1"},
    )  # fmt: skip
    try:
        lines = process.stdout or ()
        address = next(line.split()[1] for line in lines if line.startswith("Page:"))
        with urllib.request.urlopen(f"{address}c/start/", timeout=60) as answer:
            size = len(answer.read())
        return time.perf_counter() - begun, size
    finally:
        process.send_signal(signal.SIGTERM)
        process.communicate(timeout=60)


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--runs", type=int, default=5)
    runs = parser.parse_args().runs
    with tempfile.TemporaryDirectory() as place:
        root = Path(place)
        config = CampaignConfig(name="start", mlflow=MlflowConfig(track=False))
        Campaign.create(root / "start", config, pictures=False).close()
        first_page(root)  # warms the disk
        found = [first_page(root) for _ in range(runs)]
    seconds = [one[0] for one in found]
    print(
        f"first page after {statistics.median(seconds):.2f} s (median of {runs}, "
        f"{min(seconds):.2f} to {max(seconds):.2f}), {found[0][1]} bytes of HTML"
    )


if __name__ == "__main__":
    main()
