"""docs/licences.md lists what is locked, says what packages say, and nothing forbids MIT."""

import re
import tomllib
from importlib.metadata import PackageNotFoundError, distribution
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).parents[1]
PAGE = (ROOT / "docs/licences.md").read_text(encoding="utf-8")
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
ROWS = {
    canonicalize_name(name): (version, said.strip("*"))
    for name, version, said in re.findall(r"^\| (\S+) \| (\d\S*) \| (.*?) \|", PAGE, re.MULTILINE)
}
VENDORED = ("experiments/web/static/htmx.min.js", "experiments/data/sciglass")


@pytest.fixture(scope="module")
def licences():
    """The script that writes the page."""
    spec = spec_from_file_location("licences", ROOT / ".ci/licences.py")
    module = module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def direct() -> list[str]:
    lines = [*PROJECT["dependencies"], *PROJECT["optional-dependencies"]["postgresql"]]
    return [Requirement(line).name for line in lines]


def test_every_locked_package_is_on_the_page_in_its_version(licences):
    missing = [
        f"{name} {version}"
        for name, version in licences.locked().items()
        if ROWS.get(canonicalize_name(name), ("",))[0] != version
        and f"{name} {version}" not in PAGE.splitlines()[-1]
    ]
    assert not missing, "run make licences"


@pytest.mark.parametrize("name", direct())
def test_the_page_says_what_a_direct_dependency_says(licences, name):
    try:
        found = distribution(name)
    except PackageNotFoundError:
        pytest.skip("not installed")
    assert ROWS[canonicalize_name(name)][1] == licences.licence(found), "run make licences"


def test_no_licence_forbids_use_under_mit_and_none_is_unknown(licences):
    assert len(ROWS) > 100
    assert not [name for name, (_, said) in ROWS.items() if licences.FORBIDDEN.search(said)]
    assert not [name for name, (_, said) in ROWS.items() if said == "not said"]


@pytest.mark.parametrize(
    ("said", "forbidden"),
    [
        ("GPL-3.0-only", True),
        ("AGPL-3.0", True),
        ("GNU General Public License v3 (GPLv3)", True),
        ("GNU Affero General Public License v3", True),
        ("CC-BY-NC-4.0", True),
        ("LGPL-3.0-only", False),
        ("GNU Lesser General Public License v3 (LGPLv3)", False),
        ("Mozilla Public License 2.0 (MPL 2.0)", False),
    ],
)
def test_which_licences_are_forbidden(licences, said, forbidden):
    assert bool(licences.FORBIDDEN.search(said)) is forbidden


@pytest.mark.parametrize("place", VENDORED)
def test_what_lies_in_the_tree_is_listed_with_its_licence_beside_it(place):
    folder = ROOT / place if (ROOT / place).is_dir() else (ROOT / place).parent
    assert place in PAGE
    assert list(folder.glob("*LICENSE*"))
