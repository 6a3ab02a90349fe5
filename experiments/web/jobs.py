"""Long work with a number to ask for: queued, running, done, failed or cancelled."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field
from time import monotonic
from typing import Any, Final, Literal
from uuid import uuid4

from fastapi.concurrency import run_in_threadpool

from experiments.acting import acting
from experiments.ledger_values import now
from experiments.logs import Level, note
from experiments.web.answers import Asked, used_for_another
from experiments.web.counter import LOST, BusyError
from experiments.web.lane import Call, Lane, StoppedError, WorkerLostError
from features.errors import GlassError

State = Literal["queued", "running", "done", "failed", "cancelled"]
MOST_QUEUED: Final = 20
"""Jobs of a campaign that may wait."""

KEPT: Final = 500
"""Finished jobs that are remembered."""

CANCELLED: Final = "cancelled; nothing was written"

Look = Callable[[], Any]
"""Looks what came of a job that did not end well: its result if that was committed before, else
``None``; raises a GlassError that says better why it failed."""


def _nothing_came() -> Any:
    """Nothing but the worker's own word is known."""


@dataclass(slots=True)
class Job:
    """Something long that somebody asked for.

    Attributes:
        kind: propose, accept, settle, compare, report, archive.
        campaign: Its campaign.
        person: Who asked.
        id: To ask for it.
        state: How far it is.
        share: 0 to 1.
        words: What is being done.
        result: What came of it.
        error: Why it failed.
        created_at: UTC.
        finished_at: UTC.
        asked: When it was asked for, s of a clock that never steps.
    """

    kind: str
    campaign: str
    person: str
    id: str = field(default_factory=lambda: uuid4().hex[:16])
    state: State = "queued"
    share: float = 0.0
    words: str = "waiting for its turn"
    result: Any = None
    error: GlassError | None = None
    created_at: str = field(default_factory=now)
    finished_at: str | None = None
    asked: float = field(default_factory=monotonic, repr=False)

    @property
    def is_over(self) -> bool:
        """Whether nothing more will happen."""
        return self.state in ("done", "failed", "cancelled")

    def to_dict(self) -> dict[str, Any]:
        """Plain data."""
        return {
            "id": self.id,
            "kind": self.kind,
            "campaign": self.campaign,
            "person": self.person,
            "state": self.state,
            "progress": round(self.share, 3),
            "words": self.words,
            "result": self.result,
            "error": None if self.error is None else str(self.error),
            "created_at": self.created_at,
            "finished_at": self.finished_at,
        }


class Bench:
    """Where long work is done: lanes, at most one of them busy with a campaign at a time."""

    def __init__(self, lanes: list[Lane]) -> None:
        self._lanes = lanes
        self._jobs: dict[str, Job] = {}
        self._running: dict[str, Lane] = {}
        self._tasks: dict[str, asyncio.Task[None]] = {}
        self._asked: dict[tuple[str, str], tuple[str, str]] = {}
        self._turns: dict[str, asyncio.Lock] = {}
        self._free: asyncio.Queue[Lane] = asyncio.Queue()
        for lane in lanes:
            self._free.put_nowait(lane)

    def job(self, job_id: str) -> Job | None:
        """A job by its id."""
        return self._jobs.get(job_id)

    def jobs_of(self, campaign: str) -> list[Job]:
        """Jobs of a campaign, newest first."""
        return [job for job in reversed(self._jobs.values()) if job.campaign == campaign]

    def named(self, request: Asked) -> Job | None:
        """The job of a request that was sent before, unless it came to nothing.

        Raises:
            ConflictError: If its key was used for something else.
        """
        fingerprint, job_id = self._asked.get((request.person, request.key), ("", ""))
        job = self._jobs.get(job_id)
        if job is None or job.state in ("failed", "cancelled"):
            return None
        if fingerprint != request.fingerprint:
            raise used_for_another(request.key)
        return job

    def name(self, job: Job, request: Asked | None) -> None:
        """Remember by which request a job was asked for."""
        if request is not None:
            self._asked[request.person, request.key] = (request.fingerprint, job.id)

    def keep(self, job: Job) -> None:
        """Remember a job that was done before this server started."""
        self._forget()
        self._jobs[job.id] = job

    def waiting(self, campaign: str, kind: str) -> Job | None:
        """A job of that kind that has not begun, so that it need not be asked for twice."""
        for job in self.jobs_of(campaign):
            if job.kind == kind and job.state == "queued":
                return job
        return None

    def start(
        self,
        job: Job,
        call: Call,
        look: Look = _nothing_came,
    ) -> Job:
        """Queue a job.

        Args:
            job: What is asked for.
            call: How it is done.
            look: Asked what came of it when it was cancelled, lost or refused.

        Returns:
            The job.

        Raises:
            BusyError: If too many jobs of the campaign wait already.
        """
        waiting = sum(one.state == "queued" for one in self.jobs_of(job.campaign))
        if waiting >= MOST_QUEUED:
            raise BusyError(
                f"{waiting} jobs of {job.campaign} wait already; try again when some are done, or "
                "cancel one"
            )
        self._forget()
        self._jobs[job.id] = job
        with acting(call.person, call.door):
            self._tasks[job.id] = asyncio.create_task(self._see_through(job, call, look))
        return job

    def cancel(self, job: Job) -> None:
        """Stop a job; one that is over stays as it is."""
        if job.state == "queued":
            self._tasks[job.id].cancel()
            _finish(job, "cancelled", CANCELLED)
        elif job.state == "running":
            job.words = "being cancelled"
            self._running[job.id].stop()

    async def finished(self, job: Job) -> None:
        """Wait until a job is over."""
        if job.id in self._tasks:
            await asyncio.gather(self._tasks[job.id], return_exceptions=True)

    async def close(self) -> None:
        """Stop everything."""
        for task in self._tasks.values():
            task.cancel()
        for lane in self._lanes:
            lane.close()

    async def _see_through(self, job: Job, call: Call, look: Look) -> None:
        turn = self._turns.setdefault(job.campaign, asyncio.Lock())
        async with turn:
            lane = await self._free.get()
            self._running[job.id] = lane
            job.state, job.words = "running", "begun"
            note("job begun", waited_s=round(monotonic() - job.asked, 3), **_of(job))

            def progress(share: float, words: str) -> None:
                job.share, job.words = share, words

            try:
                _done(job, await lane.run(call, progress))
            except StoppedError:
                await _ended(job, look, None)
            except WorkerLostError as error:
                note("worker lost", "error", error=error, **_of(job))
                await _ended(job, look, GlassError(LOST))
            except GlassError as error:
                await _ended(job, look, error)
            finally:
                del self._running[job.id]
                self._free.put_nowait(lane)
                if not job.is_over:  # a fault of ours, or the server ends
                    _failed(job, GlassError(LOST))

    def _forget(self) -> None:
        over = [job_id for job_id, job in self._jobs.items() if job.is_over]
        for job_id in over[: max(0, len(self._jobs) - KEPT)]:
            del self._jobs[job_id]
            self._tasks.pop(job_id, None)
        self._asked = {who: job for who, job in self._asked.items() if job[1] in self._jobs}


async def _ended(job: Job, look: Look, error: GlassError | None) -> None:
    """End a job that was stopped, lost or refused, unless it was done all the same.

    A worker may be stopped, or lose its server, between its commit and its answer.
    """
    try:
        result = await run_in_threadpool(look)
    except GlassError as better:
        result, error = None, None if error is None else better
    if result is not None:
        _done(job, result)
    elif error is None:
        _finish(job, "cancelled", CANCELLED)
    else:
        _failed(job, error)


def _done(job: Job, result: Any) -> None:
    job.result, job.share = result, 1.0
    _finish(job, "done", "done")


def _failed(job: Job, error: GlassError) -> None:
    job.error = error
    _finish(job, "failed", str(error))


def _finish(job: Job, state: State, words: str) -> None:
    job.state, job.words, job.finished_at = state, words, now()
    level: Level = "info" if job.error is None else "warning"
    seconds = round(monotonic() - job.asked, 3)
    note("job ended", level, error=job.error, state=state, duration_s=seconds, **_of(job))


def _of(job: Job) -> dict[str, Any]:
    """What the log says of a job each time."""
    return {"job": job.id, "kind": job.kind, "campaign": job.campaign, "person": job.person}
