"""MLflow's store of a campaign: a client that does not wait for minutes, and its experiment."""

import logging
import os
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

from mlflow import MlflowClient
from mlflow.entities import Experiment
from mlflow.exceptions import MlflowException
from mlflow.store.db import utils as mlflow_database
from requests import RequestException
from sqlalchemy import NullPool, create_engine
from sqlalchemy.exc import SQLAlchemyError
from urllib3.exceptions import HTTPError

from experiments.database_url import MLFLOW_SCHEMA
from experiments.log_format import address_shown, without_secrets
from features.errors import LedgerError

CAMPAIGN: Final = "glassloop.campaign"
CAMPAIGN_ID: Final = "glassloop.campaign_id"
"""Tags of experiments, runs and registered models: whose they are."""

TROUBLE: Final = (
    MlflowException,
    RequestException,
    HTTPError,
    SQLAlchemyError,
    OSError,
    ModuleNotFoundError,  # the driver of a database or of an artifact store is not installed
    LedgerError,
)
"""What may go wrong with a store; it is said, and the campaign goes on."""

_PATIENCE: Final = {
    "MLFLOW_HTTP_REQUEST_MAX_RETRIES": "0",
    "MLFLOW_HTTP_REQUEST_TIMEOUT": "10",
    "MLFLOW_ENABLE_ARTIFACTS_PROGRESS_BAR": "false",
    "MLFLOW_SUPPRESS_PRINTING_URL_TO_STDOUT": "true",  # stdout is for results
}
"""MLflow's own defaults wait minutes for a server that is away; here the outbox waits instead."""

_ADOPTABLE: Final = 1000
"""Runs looked at before an experiment without an owner is taken for this campaign's."""


def make_room(tracking_uri: str) -> None:
    """Make the schema in which MLflow keeps its tables beside the ledgers, if there is none.

    Args:
        tracking_uri: Any; only one that names that schema needs it.

    Raises:
        SQLAlchemyError: If the database cannot be used.
    """
    if MLFLOW_SCHEMA not in tracking_uri.partition("?")[2]:
        return
    engine = create_engine(tracking_uri, poolclass=NullPool)
    with engine.begin() as connection:
        connection.exec_driver_sql(f"CREATE SCHEMA IF NOT EXISTS {MLFLOW_SCHEMA}")


def own_experiment(
    client: MlflowClient, name: str, *, campaign_id: str, artifact_root: str | None
) -> str:
    """The experiment of a campaign; made, or adopted if it is nobody's.

    It is named after the campaign. If that name is another campaign's, or deleted, the campaign's
    id is added to it: rounds of two campaigns never stand in one experiment.

    Args:
        client: Of the store.
        name: The campaign's name.
        campaign_id: What tells two campaigns of one name apart.
        artifact_root: Root of the artifacts of an experiment made now.

    Returns:
        MLflow's experiment id.

    Raises:
        LedgerError: If both names are taken.
    """
    owned = client.search_experiments(
        filter_string=f"tags.`{CAMPAIGN_ID}` = '{campaign_id}'", max_results=1
    )
    if owned:  # whatever somebody renamed it to
        return str(owned[0].experiment_id)
    names = (name, f"{name} ({campaign_id[:8]})")
    for candidate in names:
        known = client.get_experiment_by_name(candidate)
        if known is None:
            tags = {CAMPAIGN_ID: campaign_id, CAMPAIGN: name}
            return str(client.create_experiment(candidate, artifact_root, tags))
        if _is_adoptable(client, known, campaign_id):
            client.set_experiment_tag(known.experiment_id, CAMPAIGN_ID, campaign_id)
            return str(known.experiment_id)
    raise LedgerError(
        f"the experiment must be this campaign's own, got {names[0]!r} and {names[1]!r}, both "
        "deleted or another's; restore or rename one in MLflow, or set mlflow.folder or "
        "mlflow.tracking_uri to a store of its own"
    )


def _is_adoptable(client: MlflowClient, known: Experiment, campaign_id: str) -> bool:
    """Whether an experiment has no owner, and no run but this campaign's."""
    if known.lifecycle_stage != "active" or CAMPAIGN_ID in known.tags:
        return False
    runs = client.search_runs([known.experiment_id], max_results=_ADOPTABLE)
    return all(run.data.tags.get(CAMPAIGN_ID) == campaign_id for run in runs)


def reason(tracking_uri: str, trouble: Exception) -> str:
    """The first line of what went wrong, no password in it."""
    first = (str(trouble).strip() or type(trouble).__name__).splitlines()[0]
    login = tracking_uri.partition("://")[2].rpartition("@")[0]
    password = login.partition(":")[2]
    first = first.replace(tracking_uri, address_shown(tracking_uri))
    return without_secrets(first.replace(password, "***") if password else first)


@contextmanager
def fast_and_quiet() -> Iterator[None]:
    """Short waits and no chatter while MLflow works; everything as before afterwards."""
    chatter = logging.getLogger("mlflow")
    level, retries = chatter.level, mlflow_database.MAX_RETRY_COUNT
    missing = [name for name in _PATIENCE if name not in os.environ]
    os.environ.update({name: _PATIENCE[name] for name in missing})
    chatter.setLevel(logging.CRITICAL)
    mlflow_database.MAX_RETRY_COUNT = 1  # no setting for it; ten tries take 100 s
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        mlflow_database.MAX_RETRY_COUNT = retries
        chatter.setLevel(level)
        for name in missing:
            os.environ.pop(name, None)
