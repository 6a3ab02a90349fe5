"""A PostgreSQL server for tests of a module, and places in it that nobody has."""

import os
from collections.abc import Iterator
from uuid import uuid4

import pytest

from tests.experiments.private_servers import postgres_programs, private_postgres


@pytest.fixture(scope="session")
def server() -> Iterator[str]:
    """The address of a private server's database; skips where there is no PostgreSQL."""
    if postgres_programs() is None and not os.environ.get("CI_REQUIRE_POSTGRES"):
        pytest.skip("no PostgreSQL here: apt-get install postgresql")
    with private_postgres() as address:
        yield address


@pytest.fixture
def place(server: str) -> str:
    """The address of a ledger that is not there yet."""
    return f"{server}?schema=t{uuid4().hex}"
