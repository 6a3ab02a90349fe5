"""The ledger's outbox as the tracking module sees it, and the runs it made."""

import json
import sqlite3
from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any, Final

from experiments.config import CampaignConfig
from experiments.knowledge import Knowledge
from experiments.ledger import Ledger
from experiments.ledger_rows import OutboxRow
from experiments.logs import note
from experiments.round_files import PICTURE
from experiments.round_messages import models_message, recorded_tags
from experiments.tracking_home import home_of, mlruns_of, run_in_words, without_password

LOCK_NAME: Final = ".mlflow-lock"
"""Empty file in the campaign's folder; who holds its lock is telling MLflow."""

_PATIENCE_S: Final = 5.0
"""How long a command waits for another one that is telling MLflow."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Event:
    """A message for MLflow; see ``experiments.tracking`` for kinds and payloads."""

    id: int
    kind: str
    round_id: str
    payload: Mapping[str, Any]
    files: Mapping[str, bytes] = field(default_factory=dict)


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
    """Messages of one ledger.

    Args:
        ledger: The campaign's ledger.
        folder: The campaign's folder, in which rounds' pictures lie; they are left out without.
    """

    def __init__(self, ledger: Ledger, folder: Path | None = None) -> None:
        self._ledger = ledger
        self._folder = folder

    def pending(self) -> Sequence[Event]:
        """Messages not delivered, oldest first."""
        return self.events()

    def events(self, rounds: Collection[str] | None = None) -> list[Event]:
        """Messages not delivered; of some rounds, all there ever were."""
        rows = self._ledger.outbox(pending=rounds is None).to_dict("records")
        return [
            Event(
                id=int(r["id"]),
                kind=r["kind"],
                round_id=r["round_id"],
                payload={"time_ms": _milliseconds(r["not_before"]), **r["payload"]},
                files=self._pictures(r["kind"], r["round_id"]),
            )
            for r in rows
            if rounds is None or r["round_id"] in rounds
        ]

    def _pictures(self, kind: str, round_id: str) -> dict[str, bytes]:
        """The picture of the predictions, once the round's folder is written."""
        if self._folder is None or kind not in ("round_opened", "round_recorded"):
            return {}
        file = self._folder / "rounds" / round_id / PICTURE
        return {PICTURE: file.read_bytes()} if file.exists() else {}

    def delivered(self, event_id: int) -> None:
        """Tick a message off."""
        self._ledger.mark_delivered(event_id)

    def failed(self, event_id: int, error: str) -> None:
        """Remember why a message could not be delivered."""
        self._ledger.mark_failed(event_id, error)

    def run_id(self, round_id: str) -> str | None:
        """MLflow's run of a round; ``None`` while it was not told."""
        found = self._tracked(round_id)
        return str(found[-1]["run_id"]) if found else None

    def describe(self, round_id: str, config: CampaignConfig, folder: Path) -> str:
        """Where MLflow holds a round, or why it does not yet."""
        run_id = self.run_id(round_id)
        if run_id is None:
            if not config.mlflow.track:
                return "told nothing (mlflow.track is false in campaign.yaml)"
            waiting = self._ledger.outbox()
            errors = [text for text in waiting["last_error"] if isinstance(text, str)]
            return errors[0] if errors else "not told yet; the next command does"
        home = home_of(config, folder, str(self._ledger.id))
        mlruns = mlruns_of(config, folder)
        return run_in_words(run_id, tracking_uri=home.tracking_uri, mlruns_dir=mlruns)

    def log_models(self, knowledge: Knowledge, config: CampaignConfig, folder: Path) -> Delivery:
        """Give MLflow the surrogates as they are after the last results.

        The rounds of a simulated campaign are told without models; call this after its last.
        Called again with nothing learned since, it tells nothing anew.

        Args:
            knowledge: Specimens, readings and fitted surrogates.
            config: Where MLflow's store is.
            folder: The campaign's folder.

        Returns:
            As ``deliver``.
        """
        rounds = self._ledger.rounds()
        if config.mlflow.track and len(rounds):
            newest = rounds.iloc[-1]
            round_id = str(newest["id"])
            told = models_message(
                knowledge,
                number=int(newest["number"]),
                tags=recorded_tags(self._ledger, round_id),
            )
            known = self._ledger.outbox(pending=False)
            known = known.loc[(known["kind"] == "models") & (known["round_id"] == round_id)]
            if not any(_same(payload, told) for payload in known["payload"]):
                with self._ledger.transaction() as tx:
                    tx.add_outbox(OutboxRow(kind="models", round_id=round_id, payload=told))
        return self.deliver(config, folder)

    def deliver(self, config: CampaignConfig, folder: Path) -> Delivery:
        """Tell MLflow what waits; a store that is away leaves everything waiting.

        Args:
            config: Where MLflow's store is.
            folder: The campaign's folder.

        Returns:
            Counts and the first error.
        """
        if not config.mlflow.track or not self.pending():
            return Delivery()
        with _alone(folder) as is_alone:
            if not is_alone:
                return Delivery(waiting=len(self.pending()))
            done = self._deliver(config, folder)
        if done.error is None:
            note("MLflow told", campaign=config.name, messages=done.delivered)
        else:
            note(
                "MLflow not told", "warning", campaign=config.name, messages=done.delivered,
                waiting=done.waiting, reason=done.error,
            )  # fmt: skip
        return done

    def _deliver(self, config: CampaignConfig, folder: Path) -> Delivery:
        # MLflow takes seconds to import; commands with nothing to tell must not pay for it.
        from experiments import tracking

        home = home_of(config, folder, str(self._ledger.id))
        told = LedgerOutbox(self._ledger, folder)
        done = tracking.deliver(told, home)
        fresh = {name: run for name, run in done.run_ids.items() if self.run_id(name) != run}
        lost = {name for name in fresh if self.run_id(name) is not None}
        progress = done.progress_run_id
        if progress is not None and progress != (self._progress_run_id() or progress):
            lost = {str(name) for name in self._ledger.rounds()["id"]}
        if lost:  # the store was emptied or changed: its runs are rebuilt from all messages
            again = tracking.deliver(_Replay(told.events(lost)), home)
            fresh |= {name: again.run_ids[name] for name in lost & again.run_ids.keys()}
        if fresh:
            ids = {"uri": without_password(home.tracking_uri), "progress_run_id": progress}
            with self._ledger.transaction() as tx:
                for round_id, run_id in fresh.items():
                    tx.add_round_event(round_id, "tracked", {"run_id": run_id, **ids})
        return Delivery(delivered=done.delivered, waiting=done.waiting, error=done.error)

    def _progress_run_id(self) -> str | None:
        """MLflow's run of the whole campaign as last written; ``None`` while it was not told."""
        known = [
            found["progress_run_id"] for found in self._tracked() if "progress_run_id" in found
        ]
        return str(known[-1]) if known else None

    def _tracked(self, round_id: str | None = None) -> list[dict[str, Any]]:
        """Where runs were written, oldest first; of one round, or of all."""
        events = self._ledger.round_events(round_id)
        return list(events.loc[events["event"] == "tracked", "detail"])


@contextmanager
def _alone(folder: Path) -> Iterator[bool]:
    """Whether no other command is telling MLflow at this moment: two at once would make two runs.

    The lock is SQLite's on an empty file: every system has it, and frees it when a process dies.
    """
    with ExitStack() as held:
        try:
            lock = sqlite3.connect(folder / LOCK_NAME, timeout=_PATIENCE_S, isolation_level=None)
            held.callback(lock.close)
            lock.execute("BEGIN EXCLUSIVE")
        except sqlite3.OperationalError:
            yield False
        else:
            yield True


def _same(one: Mapping[str, Any], other: Mapping[str, Any]) -> bool:
    """Whether two messages say the same, one of them perhaps read from the ledger."""
    return json.dumps(one, sort_keys=True) == json.dumps(other, sort_keys=True)
