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
- ``metrics`` ``{name: number}``, plotted at ``step`` (the round's number, default 0), in the
  round's run and in the campaign's run ``progress``;
- ``artifacts`` ``{"predictions.json": text, "batch.csv": text, ...}``: files of the run.

``round_opened``
    Creates the run. Besides: ``dataset`` ``{"name": ..., "csv": text, "sha256": ...}``, the data
    the surrogates saw, kept as ``data/<name>.csv`` and shown as the run's input; ``models``
    ``{key: pyfunc_model.plain_surrogate(surrogate)}``, logged together as the one pyfunc model
    ``surrogates`` (see ``experiments.pyfunc_model``); and ``surrogates``, a list of ``{"name",
    "model": key or null, "asked": property, "params", "metrics", "tags"}``: a nested run each,
    with its model logged alone and registered as ``<campaign>.<name>``. The run stays RUNNING.
``round_recorded``
    Results came in; may happen several times.
``round_closed``
    Ends the run with ``status`` (default FINISHED).
``models``
    ``models`` and ``surrogates`` fitted after the last results, as for ``round_opened`` but
    without the model of all.

Besides, ``log_nested`` writes a run with nested ones at once, not through the outbox: a comparison
of surrogates, which can be computed again. So does ``log_report`` with files of the progress run.

A run carries the tags ``glassloop.campaign``, ``glassloop.campaign_id``, ``glassloop.kind`` and,
of a round, ``glassloop.round``; ``glassloop.simulated`` is for the event's ``tags`` to say.
"""

import os
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any, Protocol

os.environ.setdefault("MLFLOW_DISABLE_TELEMETRY", "true")  # read while MLflow is imported

from mlflow import MlflowClient

from experiments.tracking_events import Event, write_event
from experiments.tracking_home import Home, without_password
from experiments.tracking_models import log_model
from experiments.tracking_shelf import KIND, Shelf
from experiments.tracking_store import (
    TROUBLE,
    fast_and_quiet,
    make_room,
    own_experiment,
    reason,
)


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
        progress_run_id: MLflow's run of the whole campaign; ``None`` when nothing was delivered.
        experiment_id: MLflow's experiment; ``None`` when nothing was delivered.
    """

    delivered: int = 0
    waiting: int = 0
    error: str | None = None
    run_ids: Mapping[str, str] = field(default_factory=dict)
    progress_run_id: str | None = None
    experiment_id: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Logged:
    """What came of writing a run at once.

    Attributes:
        run_id: The run, the outer one of several; ``None`` when not even that could be made.
        experiment_id: MLflow's experiment.
        error: What went wrong, one sentence; ``None`` when all was stored.
    """

    run_id: str | None = None
    experiment_id: str | None = None
    error: str | None = None


def deliver(outbox: Outbox, home: Home) -> Delivery:
    """Tell MLflow what waits in the outbox. Never raises because of MLflow.

    Events of a round are written in order: when one fails, the later ones of its round wait.

    Args:
        outbox: The ledger's outbox.
        home: Where the campaign is kept.

    Returns:
        Counts, the first error, and the runs.

    References:
        https://microservices.io/patterns/data/transactional-outbox.html
    """
    events = list(outbox.pending())
    if not events:
        return Delivery()
    delivered, error, run_ids, stuck = 0, None, dict[str, str](), set[str]()
    shelf, progress_run_id = None, None
    with fast_and_quiet():
        for event in events:
            if event.round_id in stuck:
                continue
            try:
                shelf = shelf or _shelf(home)
                written = write_event(shelf, event)
            except TROUBLE as trouble:
                what = f"could not write {event.kind} of round {event.round_id}"
                later = "it waits in the ledger and the next command tries again"
                message = f"{_said(home, what, trouble)}; {later}"
                outbox.failed(event.id, message)
                error = error or message
                if shelf is None:
                    break
                stuck.add(event.round_id)
            else:
                run_ids[event.round_id] = written.run_id
                progress_run_id = written.progress_run_id
                outbox.delivered(event.id)
                delivered += 1
    return Delivery(
        delivered=delivered,
        waiting=len(events) - delivered,
        error=error,
        run_ids=run_ids,
        progress_run_id=progress_run_id,
        experiment_id=None if shelf is None else shelf.experiment_id,
    )


def log_nested(
    parent: Mapping[str, Any], nested: Sequence[Mapping[str, Any]], home: Home
) -> Logged:
    """Write a comparison now: a run and nested ones. Never raises because of MLflow.

    A run is ``{"name", "params", "metrics", "tags", "artifacts", "models"}``, of which all but
    the name may be missing; artifacts are texts or bytes by file name, models plain surrogates as
    ``pyfunc_model.plain_surrogate`` gives them, logged as one model of the run's name.

    Args:
        parent: The outer run.
        nested: Runs inside it.
        home: Where the campaign is kept.

    Returns:
        The outer run; with an error, runs that were begun are marked FAILED where that is
        possible.
    """
    begun: list[str] = []

    def write(shelf: Shelf) -> str:
        try:
            _log_run(shelf, parent, {KIND: "comparison"}, begun)
            for run in nested:
                _log_run(shelf, run, {KIND: "compared_surrogate"}, begun)
            for run_id in reversed(begun):
                shelf.client.set_terminated(run_id)
        except TROUBLE:
            with suppress(*TROUBLE):
                for run_id in reversed(begun):
                    shelf.client.set_terminated(run_id, "FAILED")
            raise
        return begun[0]

    logged = _logged(home, write, f"{parent['name']} was not stored")
    if logged.error is None or not begun:
        return logged
    part = f"was stored in part only, run {begun[0]} is marked FAILED"
    return Logged(
        run_id=begun[0],
        experiment_id=logged.experiment_id,
        error=logged.error.replace("was not stored", part, 1),
    )


def log_report(files: Mapping[str, str | bytes], home: Home) -> Logged:
    """Put a report's files into the campaign's run ``progress`` now; a former report is replaced.

    Args:
        files: Texts or bytes by file name; they are kept in the folder ``report``.
        home: Where the campaign is kept.

    Returns:
        The run, or what went wrong; MLflow's troubles are never raised.
    """

    def write(shelf: Shelf) -> str:
        run_id: str = shelf.progress_run().info.run_id
        shelf.log_files(run_id, {f"report/{name}": content for name, content in files.items()})
        return run_id

    return _logged(home, write, "the report was not stored")


def _logged(home: Home, write: Callable[[Shelf], str], failure: str) -> Logged:
    """Write something at once."""
    experiment_id = None
    with fast_and_quiet():
        try:
            shelf = _shelf(home)
            experiment_id = shelf.experiment_id
            return Logged(run_id=write(shelf), experiment_id=experiment_id)
        except TROUBLE as trouble:
            return Logged(experiment_id=experiment_id, error=_said(home, failure, trouble))


def _shelf(home: Home) -> Shelf:
    """The campaign's experiment, made if there is none.

    Raises:
        LedgerError: If no experiment can be this campaign's.
    """
    make_room(home.tracking_uri)
    client = MlflowClient(tracking_uri=home.tracking_uri)
    experiment_id = own_experiment(
        client, home.campaign, campaign_id=home.campaign_id, artifact_root=home.artifact_root
    )
    return Shelf(client, experiment_id, home.campaign, home.campaign_id)


def _said(home: Home, what: str, trouble: Exception) -> str:
    """What went wrong, one sentence without a password."""
    shown = without_password(home.tracking_uri)
    return f"MLflow at {shown}: {what} ({reason(home.tracking_uri, trouble)})"


def _log_run(
    shelf: Shelf, told: Mapping[str, Any], tags: Mapping[str, str], begun: list[str]
) -> None:
    """Begin a run, inside the first one begun if there is one, and write all of it."""
    run = shelf.create(told["name"], tags, parent_id=begun[0] if begun else None)
    begun.append(run.info.run_id)
    shelf.log_values(run, told)
    shelf.log_files(run.info.run_id, told.get("artifacts", {}))
    if told.get("models"):
        log_model(shelf.client, run, told["models"], name=told["name"])
