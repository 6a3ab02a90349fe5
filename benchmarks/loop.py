"""How long the parts of the loop take: fit, propose, status, at round 1, 2 and 3 of a simulation.

    .venv/bin/python benchmarks/loop.py

Prints CPU seconds on one thread; nothing here is a test.
"""

import os

for _name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ.setdefault(_name, "1")

import tempfile
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from experiments.campaign import Campaign
from experiments.config import CampaignConfig
from experiments.round_plan import plan_round


def cpu_seconds(call: Callable[[], Any]) -> float:
    """CPU time of one call, s."""
    start = time.process_time()
    call()
    return time.process_time() - start


def main() -> None:
    """Time three rounds."""
    folder = Path(tempfile.mkdtemp()) / "bench"
    print(f"{'':8}{'readings':>10}{'fit':>8}{'plan':>8}{'cells draw':>12}{'status':>8}   CPU s")
    with Campaign.create(folder, CampaignConfig(name="bench")) as campaign:
        for number in (1, 2, 3):
            knowledge = campaign.knowledge()
            fit = cpu_seconds(campaign.knowledge)
            plan = cpu_seconds(
                lambda: plan_round(
                    campaign.ledger, campaign.config, campaign.knowledge(), glasses=4, trilayers=2
                )
            )
            cells = knowledge.cells.sample(400, replace=True, random_state=0)
            cells.index = [f"{name}-{i}" for i, name in enumerate(cells.index)]
            rng = np.random.default_rng(0)
            draw = cpu_seconds(partial(knowledge.trilayer.sample, cells, 128, rng))
            status = cpu_seconds(campaign.status)
            count = len(knowledge.fitted)
            print(f"round {number:<2}{count:>10}{fit:8.2f}{plan:8.2f}{draw:12.2f}{status:8.2f}")
            campaign.propose()
            campaign.simulate()


if __name__ == "__main__":
    main()
