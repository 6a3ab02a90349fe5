"""What the running server holds: campaigns, workers, jobs, and answers kept for a while."""

import asyncio
from collections import OrderedDict, defaultdict
from collections.abc import Callable, Hashable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory
from threading import Lock
from typing import Any, Final, TypeVar
from uuid import uuid4

from anyio import CapacityLimiter, to_thread
from fastapi import Request
from fastapi.concurrency import run_in_threadpool

from experiments.access import Person
from experiments.acting import Door
from experiments.config import CONFIG_NAME
from experiments.web.answers import Asked, answered
from experiments.web.counter import Counter
from experiments.web.facts import require_draft
from experiments.web.jobs import Bench, Job
from experiments.web.lane import Call
from experiments.web.shelf import Shelf

N_RECORDERS: Final = 4
"""Threads that record; more would only wait for each other."""

KEPT_ANSWERS: Final = 128
KEPT_FILES: Final = 10
"""Archives to be fetched; older ones are deleted."""

_Done = TypeVar("_Done")


@dataclass(slots=True)
class Server:
    """What requests share.

    Attributes:
        shelf: Campaigns.
        quick: Where somebody waits for: predictions, pictures, edits.
        files_read: Where uploaded files are read, apart: they come from anywhere.
        bench: Where long work is done.
        loop: Where all of it runs.
        files: What jobs wrote to be fetched, by job; they go with the server.
    """

    shelf: Shelf
    quick: Counter
    files_read: Counter
    bench: Bench
    loop: asyncio.AbstractEventLoop = field(default_factory=asyncio.get_running_loop)
    files: dict[str, Path] = field(default_factory=dict)
    _place: TemporaryDirectory[str] = field(
        default_factory=lambda: TemporaryDirectory(prefix="glassloop-")
    )
    _answers: OrderedDict[Hashable, Any] = field(default_factory=OrderedDict)
    _desks: defaultdict[str, Lock] = field(default_factory=lambda: defaultdict(Lock))
    _recorders: CapacityLimiter = field(default_factory=lambda: CapacityLimiter(N_RECORDERS))

    async def ask(self, work: str, campaign: str, person: Person, door: Door, **more: Any) -> Any:
        """Do something quick in the worker.

        Args:
            work: Function of ``experiments.web.work``.
            campaign: Its campaign.
            person: Who asks.
            door: How they came in.
            more: Further plain arguments.

        Returns:
            What it returned.
        """
        folder = str(self.shelf.folder(campaign).resolve())
        call = Call(work, {"folder": folder, **more}, person.name, door)
        counter = self.files_read if work == "read_files" else self.quick
        return await counter.ask(call)

    def desk(self, campaign: str) -> Lock:
        """Held by who records in a campaign: the database lets writers wait, but in no order."""
        return self._desks[campaign]

    async def in_turn(self, work: Callable[..., _Done], *arguments: Any) -> _Done:
        """Record in a thread; those that wait their turn take no thread from who reads."""
        return await to_thread.run_sync(work, *arguments, limiter=self._recorders)

    async def look(self, work: str, campaign: str, person: Person, **more: Any) -> Any:
        """Do something quick that follows from data and configuration only.

        Asked again while these are the same, the answer of before is given. Arguments and result
        are those of ``ask``.
        """
        key = await run_in_threadpool(self._key, work, campaign, more)
        if key not in self._answers:
            answer = await self.ask(work, campaign, person, "page", **more)
            self._answers[key] = answer
            while len(self._answers) > KEPT_ANSWERS:
                self._answers.popitem(last=False)
            return answer
        self._answers.move_to_end(key)
        return self._answers[key]

    async def known(self, work: str, campaign: str, **more: Any) -> Any:
        """What ``look`` would give at once; nothing when it would have to be worked out."""
        return self._answers.get(await run_in_threadpool(self._key, work, campaign, more))

    def begin(
        self, kind: str, work: str, campaign: str, person: Person, door: Door, **more: Any
    ) -> Job:
        """Start long work.

        Args:
            kind: What the job is called.
            work: Function of ``experiments.web.work``.
            campaign: Its campaign.
            person: Who asks.
            door: How they came in.
            more: Further plain arguments.

        Returns:
            The job, queued.
        """
        folder = str(self.shelf.folder(campaign).resolve())
        call = Call(work, {"folder": folder, **more}, person.name, door)

        def look() -> None:
            self.shelf.folder(campaign)

        return self.bench.start(Job(kind, campaign, person.name), call, look)

    def begin_once(
        self,
        work: str,
        campaign: str,
        person: Person,
        door: Door,
        *,
        request: Asked | None,
        **more: Any,
    ) -> Job:
        """Start long work that writes an answer with what it does, so it is never done twice.

        Args:
            work: Function of ``experiments.web.work``, which is also what the job is called.
            campaign: Its campaign.
            person: Who asks.
            door: How they came in.
            request: The key they gave; without one the job gets a key of its own.
            more: Further plain arguments.

        Returns:
            The job, queued; of a request sent before, the job of that time.
        """
        if request is not None and (found := self.bench.named(request)) is not None:
            return found
        folder = str(self.shelf.folder(campaign).resolve())
        job = Job(work, campaign, person.name)
        key = request or Asked(person.name, f"job {job.id}", job.id)
        call = Call(
            work, {"folder": folder, **more, "request": key.to_dict()}, person.name, door
        )  # fmt: skip

        def look() -> Mapping[str, Any] | None:
            with self.shelf.opened(campaign) as opened:
                return answered(opened.ledger, key)

        self.bench.start(job, call, look)
        self.bench.name(job, request)
        return job

    def begin_archive(self, campaign: str, person: Person, door: Door) -> Job:
        """Start freezing a campaign into a file.

        Args:
            campaign: Its name.
            person: Who asks.
            door: How they came in.

        Returns:
            The job; its file is among ``files``.
        """
        if (waiting := self.bench.waiting(campaign, "archive")) is not None:
            return waiting
        target = Path(self._place.name) / f"{uuid4().hex}.zip"
        job = self.begin("archive", "archive", campaign, person, door, target=str(target))
        self.files[job.id] = target
        while len(self.files) > KEPT_FILES:
            self.files.pop(next(iter(self.files))).unlink(missing_ok=True)
        return job

    def settle_later(self, campaign: str, person: Person, door: Door = "page") -> Job:
        """Have new results scored; several records are scored together."""
        waiting = self.bench.waiting(campaign, "settle")
        return waiting or self.begin("settle", "settle", campaign, person, door)

    def settle_soon(self, campaign: str, person: Person) -> None:
        """As ``settle_later``, from a thread beside the event loop."""
        self.loop.call_soon_threadsafe(self.settle_later, campaign, person)

    async def close(self) -> None:
        """End all workers."""
        await self.bench.close()
        self.quick.close()
        self.files_read.close()
        self._place.cleanup()

    def _key(self, work: str, campaign: str, more: Mapping[str, Any]) -> Hashable:
        return (work, campaign, self._stamp(campaign), _frozen(more))

    def _stamp(self, campaign: str) -> Hashable:
        with self.shelf.opened(campaign) as opened:
            changed = (opened.folder / CONFIG_NAME).stat().st_mtime_ns
            return (opened.ledger.id, opened.ledger.state(), changed)


async def newest_draft(server: Server, campaign: str, draft: str, person: Person) -> dict[str, Any]:
    """A draft in its newest version, as plain data.

    Raises:
        NothingHereError: If there is none.
    """

    def version() -> int:
        with server.shelf.opened(campaign) as opened:
            return int(require_draft(opened.ledger, draft)["version"])

    newest = await run_in_threadpool(version)
    found: dict[str, Any] = await server.look(
        "draft", campaign, person, draft=draft, version=newest
    )
    return found


def server_of(request: Request) -> Server:
    """What the running server holds."""
    server: Server = request.app.state.server
    return server


def _frozen(value: Any) -> Hashable:
    """A plain value as one that can be looked up by."""
    if isinstance(value, Mapping):
        return tuple(sorted((key, _frozen(part)) for key, part in value.items()))
    if isinstance(value, list | tuple):
        return tuple(_frozen(part) for part in value)
    return value if isinstance(value, Hashable) else repr(value)
