"""What is imported is declared, and what is declared is imported."""

import ast
import sys
import tomllib
from collections.abc import Iterable, Iterator
from importlib.metadata import packages_distributions
from pathlib import Path

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).parents[1]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
EXTRAS = PROJECT["optional-dependencies"]
OURS = {"features", "models", "optimizer", "experiments", "tests", "benchmarks", "conftest"}

NOT_IMPORTED = {
    "plotly": "the server hands out the JavaScript that lies in this package",
    "psycopg": "SQLAlchemy loads it by the name in a URL",
    "python-multipart": "FastAPI reads forms and uploads with it",
}
COME_ALONG = {
    "distributed": "part of dask[distributed]",
    "pydantic-core": "pydantic pins one exact version of it",
    "tornado": "part of what distributed is made of",
}
TOOLS = {
    "httpx2": "Starlette's TestClient talks by it",
    "pytest-xdist": "pytest loads it",
}


def imported(folders: Iterable[str]) -> set[str]:
    """Distributions that the code of some folders imports, also inside functions."""
    homes = packages_distributions()
    found: set[str] = set()
    for folder in folders:
        for path in (ROOT / folder).rglob("*.py"):
            for name in roots(ast.parse(path.read_text(encoding="utf-8"))):
                if name not in sys.stdlib_module_names and name not in OURS:
                    found.add(canonicalize_name(min(homes.get(name, [name]), key=len)))
    return found


def roots(tree: ast.AST) -> Iterator[str]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name.partition(".")[0] for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.level == 0 and node.module:
            yield node.module.partition(".")[0]


def declared(*groups: Iterable[str]) -> set[str]:
    lines = [line for group in groups for line in group if not line.startswith("glassloop[")]
    return {canonicalize_name(Requirement(line).name) for line in lines}


RUN = declared(PROJECT["dependencies"])
OPTIONAL = declared(EXTRAS["dask"], EXTRAS["postgresql"])
FOR_TESTS = declared(EXTRAS["test"])
IMPORTED = imported(["features", "models", "optimizer", "experiments"])


def test_what_is_imported_is_declared():
    assert set(COME_ALONG) == IMPORTED - RUN - OPTIONAL


def test_what_is_declared_is_imported():
    assert set(NOT_IMPORTED) == (RUN | OPTIONAL) - IMPORTED


def test_what_tests_import_is_declared():
    assert imported(["tests"]) - RUN - OPTIONAL - FOR_TESTS - set(COME_ALONG) == set()


def test_what_is_declared_for_tests_is_imported_by_them():
    assert FOR_TESTS - imported(["tests"]) == set(TOOLS)


def test_an_import_inside_a_function_counts():
    code = "def f():\n    import torch.nn\n    from numpy.linalg import inv\nfrom . import here"
    assert set(roots(ast.parse(code))) == {"torch", "numpy"}
