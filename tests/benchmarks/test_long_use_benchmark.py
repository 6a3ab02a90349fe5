"""The campaigns that years of use are measured with can be built, and are sound."""

import subprocess
import sys
from pathlib import Path

from experiments.campaign import Campaign

SCRIPT = Path(__file__).parents[2] / "benchmarks" / "long_use.py"


def test_a_small_one_is_built_and_verifies(tmp_path):
    built = tmp_path / "built"
    words = [sys.executable, str(SCRIPT), "build", "--to", str(built), "--sizes", "2,4"]
    subprocess.run(words, check=True, capture_output=True, text=True)
    for rounds in (2, 4):
        with Campaign.open(built / f"{rounds:04d}" / "years", pictures=False) as campaign:
            assert len(campaign.ledger.rounds()) == rounds
            assert campaign.open_rounds() == []
            assert [said for said in campaign.verify() if "the score of" not in said] == []
