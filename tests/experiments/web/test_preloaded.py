"""Workers are forked with what is slow to import."""

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

LATE = """
import sys
from importlib import import_module
from pathlib import Path

from experiments.campaign import Campaign
from experiments.web.lane import PRELOADED

for name in PRELOADED:
    import_module(name)
before = set(sys.modules)
with Campaign.open(Path(sys.argv[1])) as campaign:
    campaign.propose(glasses=1, trilayers=1)
print(*{name.partition(".")[0] for name in set(sys.modules) - before})
"""

SLOW = {"torch", "botorch", "gpytorch", "matplotlib", "sklearn"}


def test_a_worker_that_proposes_imports_nothing_slow(
    own: Callable[[Path], Path], served_folder: Path
):
    folder = own(served_folder) / "sim"
    done = subprocess.run(
        [sys.executable, "-c", LATE, str(folder)], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    assert not SLOW & {*done.stdout.split()}
