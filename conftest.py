"""What all tests share: one thread a process, no windows, no telemetry; where ledgers lie."""

import os
import sqlite3
from collections import Counter
from collections.abc import Generator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest

for _name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ.setdefault(_name, "1")
os.environ.setdefault("MPLBACKEND", "Agg")
os.environ.setdefault("MLFLOW_DISABLE_TELEMETRY", "true")
for _name in ("MLFLOW_TRACKING_URI", "GLASSLOOP_DATABASE_URL", "GLASSLOOP_LOG"):
    os.environ.pop(_name, None)


@pytest.fixture
def optuna_closed(monkeypatch: pytest.MonkeyPatch) -> Generator[None]:
    """Closes what Optuna opens by URL and leaves open; from 3.13 on Python warns of it."""
    from optuna.storages import RDBStorage

    opened: list[RDBStorage] = []
    make = RDBStorage.__init__

    def made(storage: RDBStorage, *args: Any, **given: Any) -> None:
        opened.append(storage)
        make(storage, *args, **given)

    monkeypatch.setattr(RDBStorage, "__init__", made)
    yield
    for storage in opened:
        if hasattr(storage, "scoped_session"):
            storage.remove_session()
        if hasattr(storage, "engine"):
            storage.engine.dispose()


_LEDGERS = pytest.StashKey[ExitStack]()


def pytest_addoption(parser: pytest.Parser) -> None:
    """Let the same tests run on both databases."""
    parser.addoption(
        "--ledgers",
        choices=["sqlite", "postgresql"],
        default="sqlite",
        help="Where every ledger a test makes lies; PostgreSQL is a private server.",
    )


def pytest_configure(config: pytest.Config) -> None:
    """Start the server, and let this process and those it starts use it."""
    config.addinivalue_line("markers", "sqlite_file: looks into or changes SQLite's file itself")
    if config.getoption("--ledgers") == "sqlite":
        return
    from tests.experiments.private_servers import private_postgres
    from tests.postgresql import ledgers

    running = config.stash[_LEDGERS] = ExitStack()
    os.environ[ledgers.SERVER] = running.enter_context(private_postgres())
    site = str(Path(__file__).parent / "tests" / "postgresql" / "site")
    os.environ["PYTHONPATH"] = os.pathsep.join([site, *filter(None, [os.getenv("PYTHONPATH")])])
    ledgers.use_postgresql()


def pytest_unconfigure(config: pytest.Config) -> None:
    """Stop it."""
    if (running := config.stash.get(_LEDGERS, None)) is not None:
        running.close()


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Give every test an id of its own; on PostgreSQL leave out what is about SQLite's file."""
    _tell_apart(items)
    if config.getoption("--ledgers") == "postgresql":
        skip = pytest.mark.skip(reason="about SQLite's own file")
        for item in items:
            if "sqlite_file" in item.keywords:
                item.add_marker(skip)


def _tell_apart(items: list[pytest.Item]) -> None:
    """Of tests that share an id, as Schemathesis makes them, pytest-xdist would run one only."""
    shared = Counter(item.nodeid for item in items)
    for item in items:
        if shared[item.nodeid] > 1 and item.parent is not None:
            item._id = item.parent.id.child(item.name)  # noqa: SLF001  no public way
    twice = [name for name, n in Counter(item.nodeid for item in items).items() if n > 1]
    if twice:
        raise pytest.UsageError(f"tests must have ids of their own, got two of {twice[0]}")


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item, call: pytest.CallInfo[None]
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """A test that opens the ledger's file by itself finds no SQLite there; the rest must hold."""
    report = yield
    raised = call.excinfo
    if (
        item.config.getoption("--ledgers") == "postgresql"
        and raised is not None
        and isinstance(raised.value, sqlite3.DatabaseError)
        and "file is not a database" in str(raised.value)
        and "tests" in Path(str(raised.traceback[-1].path)).parts
    ):
        report.outcome = "skipped"
        report.longrepr = (str(item.path), item.location[1] or 0, "Skipped: opens SQLite's file")
    return report
