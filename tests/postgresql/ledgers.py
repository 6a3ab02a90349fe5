"""Every ledger that a test makes lies in PostgreSQL: ``pytest --ledgers postgresql``.

The tests stay as they are and name files. Where ``Ledger.create`` is asked for a file, a schema
of its own is made on a private server, and the file holds its address; whoever opens that file,
in this process or another, gets the ledger. A folder that is copied gets a schema of its own.
"""

import os
import shutil
from pathlib import Path
from typing import Any
from uuid import uuid4

from sqlalchemy import NullPool

from experiments import ledger_database
from experiments.ledger import Ledger

SERVER = "GLASSLOOP_TEST_SERVER"
"""Variable with the address of the server's maintenance database."""

_START = "postgresql://"


def use_postgresql() -> None:
    """From now on, in this process."""
    create, begin, copytree = Ledger.create, ledger_database.Database.__init__, shutil.copytree

    def create_there(target: Any, **given: Any) -> Ledger:
        path = Path(target)
        if "://" in str(target) or path.exists() or not path.parent.is_dir():
            return create(target, **given)
        address = _new_place()
        path.write_text(address, encoding="utf-8")
        ledger = create(address, **given)
        ledger._database.where = str(target)
        return ledger

    def begin_there(self: Any, target: Any) -> None:
        address = _address_in(target)
        begin(self, address or target)
        if address:
            self.where = str(target)  # messages name what the test named

    def copytree_there(source: Any, target: Any, *args: Any, **given: Any) -> Any:
        made = copytree(source, target, *args, **given)
        for file in Path(made).rglob("*.db"):
            if address := _address_in(file):
                place = _new_place()
                ledger = Ledger(address)
                ledger.copy_to(place)
                ledger.close()
                file.write_text(place, encoding="utf-8")
        return made

    # Many tests leave a ledger to the garbage collector, which an SQLite file does not mind.
    ledger_database._POOL = {"poolclass": NullPool}  # type: ignore[misc,dict-item]
    Ledger.create = create_there  # type: ignore[method-assign]
    ledger_database.Database.__init__ = begin_there  # type: ignore[method-assign]
    shutil.copytree = copytree_there


def _address_in(target: Any) -> str | None:
    path = Path(target)
    if "://" in str(target) or not path.is_file():
        return None
    with path.open("rb") as file:
        start = file.read(len(_START))
    return path.read_text(encoding="utf-8") if start == _START.encode() else None


def _new_place() -> str:
    """The address of a schema that nobody has."""
    return f"{os.environ[SERVER]}?schema=t{uuid4().hex}"
