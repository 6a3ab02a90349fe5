"""Whether MLflow's store can be reached and is of this MLflow's schema. Changes nothing in it."""

import os
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

os.environ.setdefault("MLFLOW_DISABLE_TELEMETRY", "true")  # read while MLflow is imported

from mlflow import MlflowClient
from mlflow.store.db import utils

from experiments.tracking_home import without_password
from experiments.tracking_store import TROUBLE, fast_and_quiet, reason

_DATABASE: Any = utils  # without types


@dataclass(frozen=True, slots=True)
class StoreState:
    """How a store is.

    Attributes:
        place: Where, without a password.
        trouble: Why it cannot be used, or ``None``.
        schema: Its revision; empty behind a server, which knows itself.
        wanted: The revision this MLflow works with.
        is_there: Whether there is one; MLflow makes one when it is told something.
    """

    place: str
    trouble: str | None = None
    schema: str = ""
    wanted: str = ""
    is_there: bool = True


def store_state(tracking_uri: str) -> StoreState:
    """Look at a store; nothing is made or brought up to date.

    Args:
        tracking_uri: Its address.
    """
    place = without_password(tracking_uri)
    file = tracking_uri.partition("sqlite:///")[2]
    if file and not Path(file).is_file():
        return StoreState(place, is_there=False)
    with fast_and_quiet():
        try:
            if not tracking_uri.partition("+")[0].startswith(("sqlite", "postgresql", "mysql")):
                MlflowClient(tracking_uri=tracking_uri).search_experiments(max_results=1)
                return StoreState(place)
            wanted = _DATABASE._get_latest_schema_revision()  # noqa: SLF001 - has no other
            schema = _schema(tracking_uri, file)
            if not file and not schema:
                return StoreState(place, is_there=False)
            return StoreState(place, schema=schema, wanted=str(wanted))
        except (*TROUBLE, sqlite3.Error) as trouble:
            return StoreState(place, trouble=reason(tracking_uri, trouble))


def _schema(tracking_uri: str, file: str) -> str:
    if file:
        address = f"{Path(file).absolute().as_uri()}?mode=ro"
        with closing(sqlite3.connect(address, uri=True, timeout=5)) as connection:
            found = connection.execute("SELECT version_num FROM alembic_version").fetchone()
            return str(found[0]) if found else ""
    with _engine(tracking_uri) as engine:
        return str(_DATABASE._get_schema_version(engine) or "")  # noqa: SLF001


@contextmanager
def _engine(tracking_uri: str) -> Iterator[Any]:
    engine = _DATABASE.create_sqlalchemy_engine(tracking_uri)
    try:
        yield engine
    finally:
        engine.dispose()
