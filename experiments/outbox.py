"""The ledger's outbox as the tracking module sees it, and the runs it made."""

import os
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from pathlib import Path
from typing import Any

from experiments.config import CampaignConfig
from experiments.ledger import Ledger


@dataclass(frozen=True, slots=True, kw_only=True)
class Event:
    """A message for MLflow; see ``experiments.tracking`` for kinds and payloads."""

    id: int
    kind: str
    round_id: str
    payload: Mapping[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Delivery:
    """What came of telling MLflow.

    Attributes:
        delivered: Messages written now.
        waiting: Messages still in the outbox.
        error: What went wrong first; ``None`` when nothing did.
    """

    delivered: int = 0
    waiting: int = 0
    error: str | None = None


def _milliseconds(moment: str) -> int:
    return int(datetime.fromisoformat(moment).timestamp() * 1000)


class _Replay:
    """Messages told again to a store that lost them; the ledger keeps its own ticks."""

    def __init__(self, events: Sequence[Event]) -> None:
        self._events = events

    def pending(self) -> Sequence[Event]:
        """All of them."""
        return self._events

    def delivered(self, event_id: int) -> None:
        """Nothing to tick off."""

    def failed(self, event_id: int, error: str) -> None:
        """Nothing to remember: the next loss is noticed again."""


class LedgerOutbox:
    """Messages of one ledger."""

    def __init__(self, ledger: Ledger) -> None:
        self._ledger = ledger

    def pending(self) -> Sequence[Event]:
        """Messages not delivered, oldest first."""
        return self._events()

    def _events(self, rounds: Collection[str] | None = None) -> list[Event]:
        """Messages not delivered; of some rounds, all there ever were."""
        rows = self._ledger.outbox(pending=rounds is None).to_dict("records")
        return [
            Event(
                id=int(r["id"]),
                kind=r["kind"],
                round_id=r["round_id"],
                payload={"time_ms": _milliseconds(r["created_at"]), **r["payload"]},
            )
            for r in rows
            if rounds is None or r["round_id"] in rounds
        ]

    def delivered(self, event_id: int) -> None:
        """Tick a message off."""
        self._ledger.mark_delivered(event_id)

    def failed(self, event_id: int, error: str) -> None:
        """Remember why a message could not be delivered."""
        self._ledger.mark_failed(event_id, error)

    def run_id(self, round_id: str) -> str | None:
        """MLflow's run of a round; ``None`` while it was not told."""
        events = self._ledger.round_events(round_id)
        found = events.loc[events["event"] == "tracked", "detail"]
        return str(found.iloc[-1]["run_id"]) if len(found) else None

    def describe(self, round_id: str, config: CampaignConfig, folder: Path) -> str:
        """Where MLflow holds a round, or why it does not yet."""
        run_id = self.run_id(round_id)
        if run_id is None:
            waiting = self._ledger.outbox()
            errors = [text for text in waiting["last_error"] if isinstance(text, str)]
            return errors[0] if errors else "not told yet; the next command does"
        store = Path(os.path.relpath(folder / config.mlflow.folder / "mlflow.db"))
        uri = (
            os.environ.get("MLFLOW_TRACKING_URI")
            or config.mlflow.tracking_uri
            or f"sqlite:///{store.as_posix()}"
        )
        return f"run {run_id}; look with: mlflow ui --backend-store-uri {uri}"

    def deliver(self, config: CampaignConfig, folder: Path) -> Delivery:
        """Tell MLflow what waits; a store that is away leaves everything waiting.

        Args:
            config: Where MLflow's store is.
            folder: The campaign's folder.

        Returns:
            Counts and the first error.
        """
        if not self.pending():
            return Delivery()
        # MLflow takes seconds to import; commands with nothing to tell must not pay for it.
        from experiments import tracking

        mlruns = (folder / config.mlflow.folder).resolve()
        uri, artifacts = tracking.resolve_tracking_uri(mlruns, config.mlflow.tracking_uri)
        tell = partial(
            tracking.deliver,
            tracking_uri=uri,
            artifact_root=artifacts,
            experiment=config.name,
            campaign_id=str(self._ledger.id),
        )
        done = tell(self)
        fresh = {
            round_id: run_id
            for round_id, run_id in done.run_ids.items()
            if self.run_id(round_id) != run_id
        }
        lost = {round_id for round_id in fresh if self.run_id(round_id) is not None}
        if lost:  # the store was emptied or changed: its runs are rebuilt from all messages
            tell(_Replay(self._events(lost)))
        if fresh:
            with self._ledger.transaction() as tx:
                for round_id, run_id in fresh.items():
                    tx.add_round_event(round_id, "tracked", {"run_id": run_id, "uri": uri})
        return Delivery(delivered=done.delivered, waiting=done.waiting, error=done.error)
