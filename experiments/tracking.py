"""MLflow's copy of a campaign: campaign = experiment, round = run. The only door to MLflow.

The ledger is the truth. What MLflow is to know is put into the ledger's outbox in the same
transaction and delivered from there afterwards, by ``deliver``. A server that is away loses
nothing, since events wait and the next command delivers them; and an event that is delivered
twice (a crash between writing and ticking off) writes nothing twice, since a run remembers what
was applied to it in tags ``glassloop.event.<id>``, and every step before that tag can be
repeated. All events delivered again into an empty store rebuild it.

Kinds of events. All may carry, as plain JSON:

- ``time_ms``: when it happened, ms since 1970 UTC (without it: the run's start);
- ``params`` ``{name: text}``, ``tags`` ``{name: text}``;
- ``metrics`` ``{name: number}``, plotted at ``step`` (the round's number, default 0);
- ``artifacts`` ``{"predictions.json": text, "batch.csv": text, ...}``: files of the run.

``round_opened``
    Creates the run. Besides: ``dataset`` ``{"name": ..., "csv": text, "sha256": ...}``, the data
    the surrogates saw, kept as ``data/<name>.csv`` and shown as the run's input; and ``models``
    ``{name: pyfunc_model.plain_surrogate(surrogate)}``, logged together as the one pyfunc model
    ``surrogates`` (see ``experiments.pyfunc_model``). The run stays RUNNING.
``round_recorded``
    Results came in; may happen several times.
``round_closed``
    Ends the run with ``status`` (default FINISHED).

Besides, ``log_nested`` writes a run with nested ones at once, not through the outbox: a comparison
of surrogates, which can be computed again.

A run carries the tags ``glassloop.campaign``, ``glassloop.campaign_id`` and ``glassloop.round``;
``glassloop.simulated`` is for the event's ``tags`` to say.
"""

import json
import logging
import os
import tempfile
import warnings
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from importlib.metadata import version
from io import StringIO
from pathlib import Path
from typing import Any, Final, Protocol
from urllib.parse import quote, urlsplit

import pandas as pd
from requests import RequestException
from sqlalchemy.exc import SQLAlchemyError
from urllib3.exceptions import HTTPError

import features
import models
from experiments import pyfunc_model
from features.errors import LedgerError

os.environ.setdefault("MLFLOW_DISABLE_TELEMETRY", "true")  # read while MLflow is imported

import mlflow
from mlflow import MlflowClient
from mlflow.data.pandas_dataset import from_pandas
from mlflow.entities import (
    Dataset,
    DatasetInput,
    InputTag,
    LoggedModel,
    LoggedModelOutput,
    LoggedModelStatus,
    Metric,
    Param,
    Run,
    RunTag,
)
from mlflow.exceptions import MlflowException
from mlflow.models import Model, ModelSignature
from mlflow.store.db import utils as mlflow_database
from mlflow.types.schema import AnyType, ColSpec, ParamSchema, ParamSpec, Schema
from mlflow.utils.mlflow_tags import MLFLOW_PARENT_RUN_ID
from mlflow.utils.validation import MAX_DATASET_DIGEST_SIZE, MAX_PARAMS_TAGS_PER_BATCH

KINDS: Final = ("round_opened", "round_recorded", "round_closed")
"""Kinds of events, in the order a round lives through them."""

MODEL_NAME: Final = "surrogates"
"""Name of the logged model that holds all surrogates of a round."""

MODEL_REQUIREMENTS: Final = ("numpy", "pandas", "scikit-learn", "scipy")
"""What the code that travels with the model needs; logged with the versions installed here."""

KIND_REQUIREMENTS: Final[Mapping[str, tuple[str, ...]]] = {
    "BotorchSurrogate": ("botorch", "gpytorch", "torch"),
}
"""What some kinds of surrogates need besides."""

_TROUBLE: Final = (
    MlflowException,
    RequestException,
    HTTPError,
    SQLAlchemyError,
    OSError,
    ModuleNotFoundError,  # the driver of a database or of an artifact store is not installed
    LedgerError,
)

_PATIENCE: Final = {
    "MLFLOW_HTTP_REQUEST_MAX_RETRIES": "0",
    "MLFLOW_HTTP_REQUEST_TIMEOUT": "10",
    "MLFLOW_ENABLE_ARTIFACTS_PROGRESS_BAR": "false",
    "MLFLOW_SUPPRESS_PRINTING_URL_TO_STDOUT": "true",  # stdout is for results
}
"""MLflow's own defaults wait minutes for a server that is away; here the outbox waits instead."""


class Event(Protocol):
    """Something MLflow is to be told; kinds and payloads: see the module's docstring."""

    @property
    def id(self) -> int:
        """Number of the event, unique in its ledger and ascending."""

    @property
    def kind(self) -> str:
        """One of ``KINDS``."""

    @property
    def round_id(self) -> str:
        """The round it belongs to."""

    @property
    def payload(self) -> Mapping[str, Any]:
        """Plain JSON."""


class Outbox(Protocol):
    """The ledger's list of what MLflow has not been told yet."""

    def pending(self) -> Sequence[Event]:
        """Events not delivered, oldest first."""

    def delivered(self, event_id: int) -> None:
        """Tick an event off."""

    def failed(self, event_id: int, error: str) -> None:
        """Remember why an event could not be delivered."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Delivery:
    """What came of a delivery.

    Attributes:
        delivered: Events written now.
        waiting: Events still in the outbox.
        error: The first thing that went wrong, one sentence; ``None`` when nothing did.
        run_ids: MLflow's run of each round touched, by round id.
        experiment_id: MLflow's experiment; ``None`` when nothing was delivered.
    """

    delivered: int = 0
    waiting: int = 0
    error: str | None = None
    run_ids: Mapping[str, str] = field(default_factory=dict)
    experiment_id: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Logged:
    """What came of writing a run with nested ones.

    Attributes:
        run_id: The outer run; ``None`` when not even that could be made.
        experiment_id: MLflow's experiment.
        error: What went wrong, one sentence; ``None`` when all was stored.
    """

    run_id: str | None = None
    experiment_id: str | None = None
    error: str | None = None


def resolve_tracking_uri(mlruns_dir: Path, configured: str | None = None) -> tuple[str, str | None]:
    """Where MLflow's store is: ``MLFLOW_TRACKING_URI``, else as configured, else in a folder.

    Args:
        mlruns_dir: Folder of the SQLite store, ``mlruns`` as a rule; need not exist.
        configured: Tracking URI of the configuration, if it names one.

    Returns:
        Tracking URI, and the root of the artifacts: below the folder where MLflow writes to a
        database itself, ``None`` where a server decides.
    """
    folder = mlruns_dir.absolute()
    local = f"sqlite:///{(folder / 'mlflow.db').as_posix()}"
    uri = os.environ.get("MLFLOW_TRACKING_URI") or configured or local
    scheme = urlsplit(uri).scheme.split("+")[0]
    is_database = scheme in {"sqlite", "postgresql", "mysql", "mssql"}
    return uri, (folder / "artifacts").as_uri() if is_database else None


def describe_store(tracking_uri: str) -> str:
    """Where MLflow keeps the rounds and how to look at them; one sentence, no password in it.

    Examples:
        >>> print(describe_store("http://mlflow.lab:5000"))
        MLflow keeps the rounds on http://mlflow.lab:5000; open that address in a browser
        >>> describe_store("sqlite:///mlflow.db").partition("; ")[2]
        'look at them with: mlflow ui --backend-store-uri sqlite:///mlflow.db'
    """
    shown = without_password(tracking_uri)
    if urlsplit(tracking_uri).scheme in {"http", "https"}:
        return f"MLflow keeps the rounds on {shown}; open that address in a browser"
    quoted = f'"{shown}"' if " " in shown else shown
    return (
        f"MLflow keeps the rounds in {shown}; look at them with: "
        f"mlflow ui --backend-store-uri {quoted}"
    )


def run_link(tracking_uri: str, *, experiment_id: str, run_id: str) -> str:
    """Address of a run's page: on the server, or on a ``mlflow ui`` started with its defaults.

    Examples:
        >>> run_link("http://mlflow.lab:5000/", experiment_id="3", run_id="0f")
        'http://mlflow.lab:5000/#/experiments/3/runs/0f'
    """
    is_server = urlsplit(tracking_uri).scheme in {"http", "https"}
    base = without_password(tracking_uri) if is_server else "http://127.0.0.1:5000"
    return f"{base.rstrip('/')}/#/experiments/{experiment_id}/runs/{run_id}"


def deliver(
    outbox: Outbox,
    *,
    tracking_uri: str,
    artifact_root: str | None,
    experiment: str,
    campaign_id: str,
) -> Delivery:
    """Tell MLflow what waits in the outbox. Never raises because of MLflow.

    Events of a round are written in order: when one fails, the later ones of its round wait.

    Args:
        outbox: The ledger's outbox.
        tracking_uri: Where MLflow's store is.
        artifact_root: Root of the artifacts for an experiment made now; ``None`` leaves it to
            the server.
        experiment: Name of the campaign, and of its experiment.
        campaign_id: What tells two campaigns of one name apart.

    Returns:
        Counts, the first error, and the runs.

    References:
        https://microservices.io/patterns/data/transactional-outbox.html
    """
    events = list(outbox.pending())
    if not events:
        return Delivery()
    delivered, error, run_ids, stuck = 0, None, dict[str, str](), set[str]()
    experiment_id = None
    with _fast_and_quiet():
        for event in events:
            if event.round_id in stuck:
                continue
            try:
                if experiment_id is None:
                    client = MlflowClient(tracking_uri=tracking_uri)
                    experiment_id = _experiment_id(client, experiment, artifact_root)
                shelf = _Shelf(client, experiment_id, experiment, campaign_id)
                run_ids[event.round_id] = shelf.apply(event)
            except _TROUBLE as trouble:
                message = _complaint(tracking_uri, event, trouble)
                outbox.failed(event.id, message)
                error = error or message
                if experiment_id is None:
                    break
                stuck.add(event.round_id)
            else:
                outbox.delivered(event.id)
                delivered += 1
    return Delivery(
        delivered=delivered,
        waiting=len(events) - delivered,
        error=error,
        run_ids=run_ids,
        experiment_id=experiment_id,
    )


def log_nested(
    parent: Mapping[str, Any],
    nested: Sequence[Mapping[str, Any]],
    *,
    tracking_uri: str,
    artifact_root: str | None,
    experiment: str,
    campaign_id: str,
) -> Logged:
    """Write a run and nested ones now. Never raises because of MLflow.

    A run is ``{"name", "params", "metrics", "tags", "artifacts", "models"}``, of which all but
    the name may be missing; artifacts are texts or bytes by file name, models plain surrogates as
    ``pyfunc_model.plain_surrogate`` gives them, logged as one model of the run's name.

    Args:
        parent: The outer run.
        nested: Runs inside it.
        tracking_uri: Where MLflow's store is.
        artifact_root: Root of the artifacts for an experiment made now.
        experiment: Name of the campaign, and of its experiment.
        campaign_id: What tells two campaigns of one name apart.

    Returns:
        The outer run; with an error, runs that were begun are marked FAILED where that is
        possible.
    """
    begun: list[str] = []
    experiment_id = None
    with _fast_and_quiet():
        try:
            client = MlflowClient(tracking_uri=tracking_uri)
            experiment_id = _experiment_id(client, experiment, artifact_root)
            shelf = _Shelf(client, experiment_id, experiment, campaign_id)
            shelf.log_run(parent, begun)
            for run in nested:
                shelf.log_run(run, begun)
            for run_id in reversed(begun):
                client.set_terminated(run_id)
        except _TROUBLE as trouble:
            with suppress(*_TROUBLE):
                for run_id in reversed(begun):
                    client.set_terminated(run_id, "FAILED")
            reason = _reason(tracking_uri, trouble)
            what = (
                f"{parent['name']} was not stored"
                if not begun
                else (f"{parent['name']} was stored in part only, run {begun[0]} is marked FAILED")
            )
            error = f"MLflow at {without_password(tracking_uri)}: {what} ({reason})"
            return Logged(
                run_id=begun[0] if begun else None, experiment_id=experiment_id, error=error
            )
    return Logged(run_id=begun[0], experiment_id=experiment_id)


@dataclass(frozen=True, slots=True)
class _Shelf:
    """One experiment of one store, ready to be written to."""

    client: MlflowClient
    experiment_id: str
    campaign: str
    campaign_id: str

    def apply(self, event: Event) -> str:
        """Write an event, or nothing when it was written before; the run's id."""
        if event.kind not in KINDS:
            raise LedgerError(
                f"event {event.id}: kind must be one of {', '.join(KINDS)}, got {event.kind!r}; "
                "the ledger was written by a newer glassloop, update this one"
            )
        run = self._run_of(event)
        run_id: str = run.info.run_id
        done = f"glassloop.event.{event.id}"
        if done in run.data.tags:
            return run_id
        payload = event.payload
        self._log_values(run, payload, later_ms=event.id)
        self._log_files(run_id, payload.get("artifacts", {}))
        if "dataset" in payload:
            self._log_dataset(run, payload["dataset"])
        if payload.get("models"):
            self._log_models(run, payload["models"], step=int(payload.get("step", 0)))
        if event.kind == "round_closed":
            self.client.set_terminated(
                run_id, payload.get("status", "FINISHED"), end_time=payload.get("time_ms")
            )
        self.client.set_tag(run_id, done, event.kind)
        return run_id

    def log_run(self, told: Mapping[str, Any], begun: list[str]) -> None:
        """Begin a run, inside the first one begun if there is one, and write all of it."""
        tags = {
            "glassloop.campaign_id": self.campaign_id,
            "glassloop.campaign": self.campaign,
            **({MLFLOW_PARENT_RUN_ID: begun[0]} if begun else {}),
        }
        run = self.client.create_run(self.experiment_id, run_name=told["name"], tags=tags)
        begun.append(run.info.run_id)
        self._log_values(run, told, later_ms=0)
        self._log_files(run.info.run_id, told.get("artifacts", {}))
        if told.get("models"):
            self._log_models(run, told["models"], name=told["name"])

    def _run_of(self, event: Event) -> Run:
        """The run of the event's round; made if there is none, whatever the kind.

        A store that lost the opening (someone deleted the folder) must not hold up the results;
        delivering the opening again later completes the run.
        """
        tags = {"glassloop.campaign_id": self.campaign_id, "glassloop.round": event.round_id}
        found = self.client.search_runs(
            [self.experiment_id],
            " and ".join(f"tags.`{key}` = '{value}'" for key, value in tags.items()),
            order_by=["attributes.start_time ASC"],
            max_results=1,
        )
        if found:
            return found[0]
        return self.client.create_run(
            self.experiment_id,
            start_time=event.payload.get("time_ms"),
            run_name=event.round_id,
            tags={**tags, "glassloop.campaign": self.campaign},
        )

    def _log_values(self, run: Run, payload: Mapping[str, Any], *, later_ms: int) -> None:
        # MLflow keeps points equal in value, step and time once, and calls the last in time the
        # current one. Hence a time that is the same when an event is written again, and later
        # for a later event even of the same second.
        time_ms = int(payload.get("time_ms", run.info.start_time)) + later_ms
        step = int(payload.get("step", 0))
        metrics = [
            Metric(key, float(value), time_ms, step)
            for key, value in payload.get("metrics", {}).items()
        ]
        self.client.log_batch(run.info.run_id, metrics=metrics)
        for some in _batches(payload.get("params", {})):
            self.client.log_batch(run.info.run_id, params=[Param(k, str(v)) for k, v in some])
        for some in _batches(payload.get("tags", {})):
            self.client.log_batch(run.info.run_id, tags=[RunTag(k, str(v)) for k, v in some])

    def _log_files(self, run_id: str, contents: Mapping[str, str | bytes]) -> None:
        if not contents:
            return
        with tempfile.TemporaryDirectory() as folder:
            for name, content in contents.items():
                file = Path(folder, name)
                file.parent.mkdir(parents=True, exist_ok=True)
                file.write_bytes(content if isinstance(content, bytes) else content.encode())
            self.client.log_artifacts(run_id, folder)

    def _log_dataset(self, run: Run, dataset: Mapping[str, str]) -> None:
        file = f"data/{dataset['name']}.csv"
        self._log_files(run.info.run_id, {file: dataset["csv"]})
        described = from_pandas(
            pd.read_csv(StringIO(dataset["csv"])),
            source=self._address(run, file),
            name=dataset["name"],
            digest=dataset["sha256"][:MAX_DATASET_DIGEST_SIZE],
        )
        self.client.log_inputs(
            run.info.run_id,
            [
                DatasetInput(
                    Dataset(**described.to_dict()),
                    [
                        InputTag("mlflow.data.context", "training"),
                        InputTag("sha256", dataset["sha256"]),
                    ],
                )
            ],
        )

    def _address(self, run: Run, file: str) -> str:
        """Where a file of a run can be read from; what a server keeps, the server hands out."""
        root = str(run.info.artifact_uri)
        if not root.startswith("mlflow-artifacts:"):
            return f"{root}/{file}"
        server = without_password(str(self.client.tracking_uri)).rstrip("/")
        return f"{server}/get-artifact?run_uuid={run.info.run_id}&path={quote(file)}"

    def _log_models(
        self, run: Run, surrogates: Mapping[str, Any], *, step: int = 0, name: str = MODEL_NAME
    ) -> None:
        run_id = run.info.run_id
        logged = self._logged_model(run_id, surrogates, name)
        if logged.status != LoggedModelStatus.READY:
            with tempfile.TemporaryDirectory() as folder:
                _save_model(Path(folder), surrogates, run_id=run_id, logged=logged)
                self.client.log_model_artifacts(logged.model_id, str(Path(folder, "model")))
            self.client.finalize_logged_model(logged.model_id, LoggedModelStatus.READY)
        if logged.model_id not in _output_model_ids(self.client.get_run(run_id)):
            self.client.log_outputs(run_id, [LoggedModelOutput(logged.model_id, step)])

    def _logged_model(self, run_id: str, surrogates: Mapping[str, Any], name: str) -> LoggedModel:
        found = self.client.search_logged_models(
            [self.experiment_id],
            f"name = '{name}' AND source_run_id = '{run_id}'",
            max_results=1,
        )
        if found:
            return found[0]
        return self.client.create_logged_model(
            self.experiment_id,
            name=name,
            source_run_id=run_id,
            params={key: str(plain["kind"]) for key, plain in surrogates.items()},
        )


def _save_model(
    folder: Path, surrogates: Mapping[str, Any], *, run_id: str, logged: LoggedModel
) -> None:
    """Write the pyfunc model of all surrogates to ``folder / "model"``."""
    data = folder / "surrogates.json"
    data.write_text(json.dumps(surrogates), encoding="utf-8")
    columns = dict.fromkeys(column for names in pyfunc_model.COLUMNS.values() for column in names)
    # MLflow refuses whole numbers (3 h, 450 MPa) in a column it was told is a double.
    anything = AnyType()  # type: ignore[no-untyped-call]
    mlflow.pyfunc.save_model(
        path=str(folder / "model"),
        loader_module=pyfunc_model.__name__.rpartition(".")[2],
        data_path=str(data),
        code_paths=[pyfunc_model.__file__, *features.__path__, *models.__path__],
        pip_requirements=[f"{name}=={version(name)}" for name in _requirements(surrogates)],
        signature=ModelSignature(
            inputs=Schema([ColSpec(anything, column, required=False) for column in columns]),
            params=ParamSchema([ParamSpec("property", "string", "")]),
        ),
        input_example=pd.DataFrame([pyfunc_model.EXAMPLE]),
        mlflow_model=Model(
            artifact_path=logged.artifact_location,
            run_id=run_id,
            model_id=logged.model_id,
            model_uuid=logged.model_id,
        ),
    )


def _requirements(surrogates: Mapping[str, Any]) -> tuple[str, ...]:
    kinds = dict.fromkeys(str(plain["kind"]) for plain in surrogates.values())
    more = (name for kind in kinds for name in KIND_REQUIREMENTS.get(kind, ()))
    return tuple(dict.fromkeys((*MODEL_REQUIREMENTS, *more)))


def _output_model_ids(run: Run) -> set[str]:
    return {output.model_id for output in run.outputs.model_outputs} if run.outputs else set()


def _experiment_id(client: MlflowClient, name: str, artifact_root: str | None) -> str:
    known = client.get_experiment_by_name(name)
    if known is not None:
        return str(known.experiment_id)
    return str(client.create_experiment(name, artifact_location=artifact_root))


def _batches(texts: Mapping[str, Any]) -> Iterator[list[tuple[str, Any]]]:
    """Parameters or tags in lots as large as MLflow takes at once."""
    items = list(texts.items())
    for start in range(0, len(items), MAX_PARAMS_TAGS_PER_BATCH):
        yield items[start : start + MAX_PARAMS_TAGS_PER_BATCH]


def _complaint(tracking_uri: str, event: Event, trouble: Exception) -> str:
    return (
        f"MLflow at {without_password(tracking_uri)}: could not write {event.kind} of round "
        f"{event.round_id} ({_reason(tracking_uri, trouble)}); it waits in the ledger and the next "
        "command tries again"
    )


def _reason(tracking_uri: str, trouble: Exception) -> str:
    """The first line of what went wrong, no password in it."""
    password = urlsplit(tracking_uri).password
    reason = (str(trouble).strip() or type(trouble).__name__).splitlines()[0]
    return reason.replace(password, "***") if password else reason


def without_password(uri: str) -> str:
    """An address that may be shown.

    Examples:
        >>> without_password("http://lab:secret@mlflow.lab")
        'http://lab:***@mlflow.lab'
    """
    password = urlsplit(uri).password
    return uri.replace(f":{password}@", ":***@", 1) if password else uri


@contextmanager
def _fast_and_quiet() -> Iterator[None]:
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
