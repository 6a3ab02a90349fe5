"""What some faults need of the machine: they are skipped without it, but never silently in CI.

``.ci/run`` sets ``CI_REQUIRE_FAULTS`` where it is root: then what is missing is an error.
"""

import os
import shutil
from pathlib import Path

import pytest

from benchmarks.faults.small_disk import NoMountError, small_disk
from benchmarks.faults.tally import Tally
from tests.experiments.private_servers import postgres_programs


def clean(tally: Tally) -> bool:
    """Whether nothing went wrong, all that did being shown."""
    assert tally.failures == []
    assert (tally.lost, tally.doubled, tally.verify_faults) == (0, 0, 0)
    return tally.tried > 0


def a_compiler() -> None:
    if shutil.which("gcc") is None:
        _without("gcc: apt-get install gcc")


def mounting(folder: Path) -> None:
    try:
        with small_disk(folder / "probe", "64k"):
            return
    except NoMountError:
        _without("the right to mount: be root")


def postgres() -> None:
    if postgres_programs() is None and not os.environ.get("CI_REQUIRE_POSTGRES"):
        pytest.skip("this fault needs PostgreSQL: apt-get install postgresql")


def _without(what: str) -> None:
    if os.environ.get("CI_REQUIRE_FAULTS"):
        pytest.fail(f"CI_REQUIRE_FAULTS is set, but this machine lacks {what}")
    pytest.skip(f"this fault needs {what}")
