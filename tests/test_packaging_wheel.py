"""The sdist builds the wheel, and the wheel carries every file of the four packages."""

import shutil
import subprocess
import sys
import zipfile
from email.message import Message
from email.parser import Parser
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PACKAGES = ("features", "models", "optimizer", "experiments")
BESIDE = ("pyproject.toml", "README.md", "LICENSE", "MANIFEST.in")
BUILD = """
import sys
from setuptools import build_meta
print(getattr(build_meta, sys.argv[1])(sys.argv[2]))
"""


def build(kind: str, where: Path, into: Path) -> Path:
    """Build with the setuptools that is installed; nothing is downloaded."""
    done = subprocess.run(
        [sys.executable, "-c", BUILD, kind, into],
        cwd=where,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-2000:]
    return into / done.stdout.splitlines()[-1]


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> zipfile.ZipFile:
    """Built from the sdist, which is built from a copy of the tree."""
    room = tmp_path_factory.mktemp("build")
    tree = room / "tree"
    unwanted = shutil.ignore_patterns("__pycache__")
    for package in PACKAGES:
        shutil.copytree(ROOT / package, tree / package, ignore=unwanted)
    for name in BESIDE:
        if (ROOT / name).exists():
            shutil.copy(ROOT / name, tree)
    sdist = build("build_sdist", tree, room)
    shutil.unpack_archive(sdist, room / "unpacked", filter="data")
    (source,) = (room / "unpacked").iterdir()
    return zipfile.ZipFile(build("build_wheel", source, room))


@pytest.fixture(scope="module")
def metadata(wheel: zipfile.ZipFile) -> Message:
    (name,) = [name for name in wheel.namelist() if name.endswith(".dist-info/METADATA")]
    return Parser().parsestr(wheel.read(name).decode())


def test_every_file_of_the_packages_is_in_the_wheel_and_nothing_else(wheel):
    here = {
        path.relative_to(ROOT).as_posix()
        for package in PACKAGES
        for path in (ROOT / package).rglob("*")
        if path.is_file() and "__pycache__" not in path.parts
    }
    there = {name for name in wheel.namelist() if ".dist-info/" not in name}
    assert sorted(here - there) == []
    assert sorted(there - here) == []


def test_every_package_says_that_it_is_typed(wheel):
    assert {f"{package}/py.typed" for package in PACKAGES} <= set(wheel.namelist())


def test_licences_go_along(wheel):
    kept = [name for name in wheel.namelist() if "/licenses/" in name]
    assert sorted(name.partition("/licenses/")[2] for name in kept) == [
        "LICENSE",
        "experiments/data/sciglass/LICENSE",
        "experiments/web/static/htmx.LICENSE.txt",
    ]


def test_metadata_name_python_the_licence_and_the_command(wheel, metadata):
    (entry_points,) = [n for n in wheel.namelist() if n.endswith("entry_points.txt")]
    assert metadata["Requires-Python"] == ">=3.11"
    assert metadata["License-Expression"] == "MIT AND ODbL-1.0 AND 0BSD"
    assert "glassloop = experiments.cli:main" in wheel.read(entry_points).decode()
