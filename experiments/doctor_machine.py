"""Whether this computer can run glassloop: Python, packages, threads, disk, clock."""

import os
import platform
import re
import shutil
import tempfile
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, metadata, requires, version
from importlib.resources import files
from pathlib import Path
from typing import Final

from experiments.findings import Case, Finding, fault, ok, warning

TESTED: Final = "tested_versions.txt"
"""In ``experiments/data``: what ``constraints.txt`` pins, for who has the wheel only."""

TESTED_PYTHON: Final = (3, 11)
"""With it all tests ran, see ``docs/supply_chain.md``."""

THREADS: Final = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")
OPTIONAL: Final = ("psycopg", "dask", "playwright")
LEAST_FREE: Final = 100_000_000
GOOD_FREE: Final = 1_000_000_000
"""Bytes. A round with its models and pictures takes some MB, a backup as much as the campaign."""

_NEEDS: Final = re.compile(r"(?P<name>[A-Za-z0-9._-]+)[^>;]*(?:>=\s*(?P<least>[0-9.]+))?")
_YEARS: Final = range(2026, 2100)


def glassloop(case: Case) -> Iterator[Finding]:
    """Its version, and where it lies."""
    del case
    where = Path(str(files("experiments"))).parent
    try:
        yield ok("glassloop", f"{version('glassloop')} in {where}")
    except PackageNotFoundError:
        yield fault(
            "glassloop", f"runs from {where} and is not installed",
            f"install it: pip install -e {where}",
        )  # fmt: skip


def python(case: Case) -> Iterator[Finding]:
    """Python's version against what glassloop needs."""
    del case
    have = platform.python_version()
    least = str(metadata("glassloop")["Requires-Python"] or "").removeprefix(">=")
    if _parts(have) < _parts(least):
        yield fault("python", f"{have}, glassloop needs {least} or newer", f"install {least}")
        return
    if _parts(have)[:2] != TESTED_PYTHON:
        yield warning(
            "python", f"{have}, the tests ran with {TESTED_PYTHON[0]}.{TESTED_PYTHON[1]}",
            "if something is odd, try that one",
        )  # fmt: skip
        return
    yield ok("python", f"{have} on {platform.system()} {platform.machine()}")


def packages(case: Case) -> Iterator[Finding]:
    """Packages it needs against what it was tested with."""
    del case
    tested, other = tested_versions(), []
    wanted = needs()
    for name, least in wanted.items():
        try:
            have = version(name)
        except PackageNotFoundError:
            yield fault("packages", f"{name} is missing", f"pip install '{name}>={least or 0}'")
            continue
        if least and _parts(have) < _parts(least):
            yield fault(
                "packages", f"{name} is {have}, glassloop needs {least} or newer",
                f"pip install '{name}>={least}'",
            )  # fmt: skip
        elif (known := tested.get(_key(name), have)) != have.partition("+")[0]:
            other.append(f"{name} {have} (tested with {known})")
    if other:
        yield warning(
            "packages", f"{len(other)} of {len(wanted)} are not those tested: {', '.join(other)}",
            "if something is odd, install the tested ones: pip install -c constraints.txt",
        )  # fmt: skip
    else:
        yield ok("packages", f"{len(wanted)} as tested")


def optional_packages(case: Case) -> Iterator[Finding]:
    """What only some need."""
    del case
    found = []
    for name in OPTIONAL:
        try:
            found.append(f"{name} {version(name)}")
        except PackageNotFoundError:
            found.append(f"no {name}")
    yield ok("optional packages", ", ".join(found))


def threads(case: Case) -> Iterator[Finding]:
    """Threads of the numerical libraries: many small matrices want one."""
    del case
    said = {name: os.environ.get(name, "") for name in THREADS}
    odd = {name: text for name, text in said.items() if text != "1"}
    cores = os.cpu_count() or 1
    if not odd:
        yield ok("threads", f"one a process, {cores} cores")
        return
    shown = ", ".join(f"{name} is {text or 'not set'}" for name, text in odd.items())
    yield warning(
        "threads", f"{shown}, with {cores} cores: threads of small matrices wait for each other",
        f"export {' '.join(f'{name}=1' for name in odd)}",
    )  # fmt: skip


def clock(case: Case) -> Iterator[Finding]:
    """Whether the year can be true."""
    del case
    now = datetime.now(UTC)
    if now.year not in _YEARS:
        yield fault(
            "clock", f"says {now:%Y-%m-%d %H:%M} UTC, which cannot be",
            "set the clock before anything is recorded: every row carries the time",
        )  # fmt: skip
        return
    yield ok("clock", f"{now:%Y-%m-%d %H:%M:%S} UTC")


def disk(case: Case) -> Iterator[Finding]:
    """Free space where glassloop writes."""
    for what, folder in places(case).items():
        there = next(one for one in (folder, *folder.parents) if one.exists())
        free = shutil.disk_usage(there).free
        said = f"{free / 1e9:.1f} GB free for {what} ({there})"
        if free < LEAST_FREE:
            yield fault("disk", said, "free some space before anything else: nothing can be kept")
        elif free < GOOD_FREE:
            yield warning("disk", said, "free some space soon")
        else:
            yield ok("disk", said)


def places(case: Case) -> dict[str, Path]:
    """Folders that are written to, by what for."""
    found = {"temporary files": Path(tempfile.gettempdir())}
    if case.folder is not None:
        found = {"the campaign": case.folder.absolute()} | found
    if case.mlruns is not None:
        found["MLflow"] = case.mlruns
    return found


def needs() -> dict[str, str]:
    """Packages that glassloop cannot do without, with the least version."""
    found = {}
    for text in requires("glassloop") or ():
        if "extra" not in text and (match := _NEEDS.match(text)):
            found[match["name"]] = match["least"] or ""
    return found


def tested_versions() -> Mapping[str, str]:
    """Versions glassloop was tested with, by name in small letters."""
    text = files("experiments").joinpath("data", TESTED).read_text(encoding="utf-8")
    return pins(text)


def pins(text: str) -> dict[str, str]:
    r"""Versions of a file of constraints, by name in small letters.

    Examples:
        >>> pins("# tested\ntorch==2.13.0\nPyYAML==6.0.3  # strict\n")
        {'torch': '2.13.0', 'pyyaml': '6.0.3'}
    """
    lines = (line.partition("#")[0].strip() for line in text.splitlines())
    pairs = (line.partition("==") for line in lines)
    return {_key(name): pinned for name, _, pinned in pairs if pinned}


def _key(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


def _parts(text: str) -> tuple[int, ...]:
    """A version to compare by; what comes after its numbers is left out."""
    numbers = re.match(r"[0-9.]*", text)
    return tuple(int(part) for part in (numbers[0] if numbers else "").split(".") if part)
