"""pyproject.toml, constraints.txt and the locks name the same packages in the same versions."""

import re
import tomllib
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).parents[1]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
EXTRAS = PROJECT["optional-dependencies"]
NOT_LOCKED = ("bench", "peers")
"""Extras for benchmarks that are run by hand."""


def requirements(lines: list[str]) -> list[Requirement]:
    return [Requirement(line) for line in lines if not line.startswith("glassloop[")]


def names(lines: list[str]) -> set[str]:
    return {canonicalize_name(found.name) for found in requirements(lines)}


def pins(text: str) -> dict[str, str]:
    found = re.findall(r"^([A-Za-z0-9._-]+)==([^\s;\\]+)", text, re.MULTILINE)
    return {canonicalize_name(name): version for name, version in found}


CONSTRAINTS = pins((ROOT / "constraints.txt").read_text(encoding="utf-8"))
LOCK_TEXT = (ROOT / "requirements.lock").read_text(encoding="utf-8")
TORCH_LOCK_TEXT = (ROOT / "requirements-torch.lock").read_text(encoding="utf-8")
LOCK = pins(LOCK_TEXT + TORCH_LOCK_TEXT)
DIRECT = [
    *PROJECT["dependencies"],
    *[line for extra, lines in EXTRAS.items() if extra not in NOT_LOCKED for line in lines],
]


def test_each_direct_dependency_is_locked_in_a_version_that_pyproject_allows():
    wrong = [
        f"{found} is locked as {LOCK.get(canonicalize_name(found.name))}"
        for found in requirements(DIRECT)
        if not found.specifier.contains(LOCK.get(canonicalize_name(found.name), "0"))
    ]
    assert not wrong


def test_each_pin_of_the_constraints_is_in_the_lock():
    by_hand = {name for extra in NOT_LOCKED for name in names(EXTRAS[extra])} - names(DIRECT)
    locked = {name: LOCK.get(name) for name in CONSTRAINTS if name not in by_hand}
    assert locked == {name: CONSTRAINTS[name] for name in locked}


def test_each_direct_dependency_has_a_pin():
    assert names(DIRECT) <= set(CONSTRAINTS)


@pytest.mark.parametrize("text", [LOCK_TEXT, TORCH_LOCK_TEXT], ids=["lock", "torch"])
def test_each_package_of_a_lock_has_hashes(text):
    lines = [line for line in text.splitlines() if not line.startswith("#")]
    bare = [
        line
        for line, following in zip(lines, [*lines[1:], ""], strict=True)
        if "==" in line and "--hash=sha256:" not in following
    ]
    assert lines
    assert not bare


def test_torch_and_what_its_cuda_build_needs_stand_apart():
    def of_cuda(name: str) -> bool:
        return name in {"torch", "triton"} or name.startswith(("nvidia-", "cuda-"))

    assert not [name for name in pins(LOCK_TEXT) if of_cuda(name)]
    assert [name for name in pins(TORCH_LOCK_TEXT) if not of_cuda(name)] == []
