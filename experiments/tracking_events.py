"""An event of a campaign, written to MLflow once; kinds and payloads: ``experiments.tracking``."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from hashlib import sha256
from typing import Any, Final, Protocol

from mlflow.entities import Run

from experiments.tracking_models import Registration, log_model, register
from experiments.tracking_shelf import FIT, KIND, ROUND, TOLD, Shelf
from features.errors import LedgerError

KINDS: Final = ("round_opened", "round_recorded", "round_closed", "models")
"""Kinds of events, in the order a round lives through them."""

MODEL_NAME: Final = "surrogates"
"""Name of the logged model that holds all surrogates of a round."""


class Event(Protocol):
    """Something MLflow is to be told."""

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

    @property
    def files(self) -> Mapping[str, bytes]:
        """More artifacts, which lie in the campaign's folder and not in its ledger."""


@dataclass(frozen=True, slots=True)
class Written:
    """The runs an event stands in.

    Attributes:
        run_id: Of its round.
        progress_run_id: Of the campaign.
    """

    run_id: str
    progress_run_id: str


def write_event(shelf: Shelf, event: Event) -> Written:
    """Write an event, or nothing to its round when it was written before.

    Args:
        shelf: The campaign's experiment.
        event: What happened.

    Returns:
        The runs.

    Raises:
        LedgerError: If the kind is unknown, or the round's run is of another ledger.
    """
    if event.kind not in KINDS:
        raise LedgerError(
            f"event {event.id}: kind must be one of {', '.join(KINDS)}, got {event.kind!r}; "
            "the ledger was written by a newer glassloop, update this one"
        )
    payload, start_ms = event.payload, event.payload.get("time_ms")
    run = shelf.round_run(event.round_id, start_ms=start_ms)
    is_written = _is_written(run, event)
    progress = shelf.progress_run(start_ms=start_ms)
    numbers = {key: payload[key] for key in ("metrics", "step", "time_ms") if key in payload}
    shelf.log_values(progress, numbers, later_ms=event.id)
    written = Written(run.info.run_id, progress.info.run_id)
    if is_written:
        return written
    shelf.log_values(run, payload, later_ms=event.id)
    shelf.log_files(written.run_id, {**payload.get("artifacts", {}), **event.files})
    if "dataset" in payload:
        shelf.log_dataset(run, payload["dataset"])
    if payload.get("models") and event.kind == "round_opened":
        step = int(payload.get("step", 0))
        log_model(shelf.client, run, payload["models"], name=MODEL_NAME, step=step)
    _write_surrogates(shelf, event, run)
    if event.kind == "round_closed":
        status = payload.get("status", "FINISHED")
        shelf.client.set_terminated(written.run_id, status, end_time=start_ms)
    shelf.client.set_tag(written.run_id, _mark_name(event.id), _mark(event))
    return written


def _write_surrogates(shelf: Shelf, event: Event, parent: Run) -> None:
    """One nested run a surrogate, with its model, registered by property."""
    payload, start_ms = event.payload, event.payload.get("time_ms")
    surrogates = payload.get("surrogates", ())
    is_final = event.kind == "models"
    which = {FIT: "final", TOLD: str(event.id)} if is_final else {FIT: "proposed"}
    known = shelf.nested_runs(parent, which) if surrogates else {}
    shared = {**payload.get("tags", {}), ROUND: event.round_id, **which}
    when = {key: payload[key] for key in ("step", "time_ms") if key in payload}
    step = int(payload.get("step", 0))
    for told in surrogates:
        name, tags = str(told["name"]), {**shared, KIND: "surrogate"}
        run = known.get(name) or shelf.create(
            name, tags, parent_id=parent.info.run_id, start_ms=start_ms
        )
        shelf.log_values(run, {**told, **when}, later_ms=event.id)
        model = payload.get("models", {}).get(told["model"])
        if model is not None:
            logged = log_model(
                shelf.client, run, {told["model"]: model},
                name=name, step=step, asked=told.get("asked", ""),
            )  # fmt: skip
            where = Registration(
                campaign=shelf.campaign, campaign_id=shelf.campaign_id, property_id=name,
                event_id=event.id, tags=shared,
            )  # fmt: skip
            register(shelf.client, logged, where)
        if run.info.status == "RUNNING":
            shelf.client.set_terminated(run.info.run_id, end_time=start_ms)


def newest_event(run: Run) -> int:
    """The newest event a run was told; 0 when none."""
    start = _mark_name("")
    told = [key.removeprefix(start) for key in run.data.tags if key.startswith(start)]
    return max((int(number) for number in told if number.isdecimal()), default=0)


def _is_written(run: Run, event: Event) -> bool:
    """Whether the run has the event already.

    Raises:
        LedgerError: If it has another in its place: a copied campaign has its original's id, and
            from the copying on the two write different rounds.
    """
    marks = {key: text for key, text in run.data.tags.items() if key.startswith(_mark_name(""))}
    mine = _mark_name(event.id)
    is_written = mine in marks
    others = [
        text
        for key, text in marks.items()
        if (key == mine and text not in (event.kind, _mark(event)))
        or (key != mine and event.kind == "round_opened" == text.partition(" ")[0])
    ]
    if others:
        raise LedgerError(
            f"the run of round {event.round_id} must be of this ledger, got one of a copy of it; "
            "give each copy of a campaign a store of its own with mlflow.folder or "
            "mlflow.tracking_uri"
        )
    return is_written


def _mark_name(event_id: int | str) -> str:
    return f"glassloop.event.{event_id}"


def _mark(event: Event) -> str:
    """What says that just this event was written: its kind and a hash of what it said."""
    told = json.dumps([event.kind, event.payload], sort_keys=True)
    return f"{event.kind} {sha256(told.encode()).hexdigest()[:12]}"
