"""A worker process that does one thing after another, and can be stopped in the middle.

Everything that fits or chooses runs here, so that the server answers meanwhile. The process is
forked from a server of Python's own that has the heavy libraries loaded, which takes
milliseconds; stopping is killing it, which is safe since all writing is in transactions.
"""

import asyncio
import multiprocessing
import os
import signal
import threading
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from importlib import import_module
from multiprocessing.connection import Connection
from multiprocessing.context import ForkServerContext, ForkServerProcess
from pathlib import Path
from typing import Any, Final

from experiments.acting import Door, acting
from experiments.logs import Log, begin, going
from experiments.web.discretion import hide_folder
from features.errors import GlassError

Progress = Callable[[float, str], None]
"""Told how far something is, 0 to 1, and what is being done."""

WORK: Final = "experiments.web.work"
PRELOADED: Final = (WORK, "torch.quasirandom", "botorch.utils.multi_objective.hypervolume")
"""What workers have when they are forked: their work, and what proposing imports when it begins."""

_PLACES: Final = ("folder", "target")
"""Arguments that are paths, which readers are not told."""

NICE: Final = 10
"""Workers yield to the server, which answers people."""


class WorkerLostError(RuntimeError):
    """The worker process died; what it did is undone as far as it was not committed."""


class StoppedError(RuntimeError):
    """Somebody stopped the work."""


@dataclass(frozen=True, slots=True)
class Call:
    """Something to do.

    Attributes:
        work: Name of a function of ``experiments.web.work``.
        arguments: Plain values by name.
        person: Who wants it; changes are signed so.
        door: How they came in.
    """

    work: str
    arguments: Mapping[str, Any]
    person: str = ""
    door: Door = "page"


def workshop() -> ForkServerContext:
    """The context workers are made in, its own server started and loading in the background."""
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload([*PRELOADED])
    return context


class Lane:
    """One worker process; calls wait for the one before.

    Use from one event loop. ``close`` ends the process.
    """

    def __init__(self, context: ForkServerContext) -> None:
        self._context = context
        self._process: ForkServerProcess | None = None
        self._pipe: Connection | None = None
        self._turn = asyncio.Lock()
        self._thread = ThreadPoolExecutor(max_workers=1)
        self._guard = threading.Lock()  # of the two below and what is done about them
        self._is_begun = False
        self._is_stopped = False

    @property
    def is_busy(self) -> bool:
        """Whether something is being done."""
        return self._turn.locked()

    async def warm_up(self) -> None:
        """Start the process before it is needed."""
        async with self._turn:
            await asyncio.get_running_loop().run_in_executor(self._thread, self._started)

    async def run(self, call: Call, progress: Progress | None = None) -> Any:
        """Do something in the worker and wait for it.

        Args:
            call: What to do.
            progress: Told how far it is, from a thread of its own.

        Returns:
            What the function returned.

        Raises:
            GlassError: As the function raised it.
            StoppedError: If ``stop`` was called.
            WorkerLostError: If the process died.
        """
        async with self._turn:
            self._is_stopped = False
            loop = asyncio.get_running_loop()
            outcome = await loop.run_in_executor(self._thread, self._do, call, progress)
        if isinstance(outcome, GlassError):
            for place in filter(None, map(call.arguments.get, _PLACES)):
                hide_folder(outcome, Path(place))
        if isinstance(outcome, Exception):
            raise outcome
        return outcome

    def stop(self) -> None:
        """Stop what is being done, or is about to be: ``run`` raises StoppedError."""
        with self._guard:
            self._is_stopped = True
            if self._is_begun and self._process is not None:
                self._process.kill()

    def close(self) -> None:
        """End the process."""
        with self._guard:
            self._is_stopped = True
            if self._process is not None:
                self._process.kill()
        self._thread.shutdown(wait=True, cancel_futures=True)
        self._discard()

    def _started(self) -> Connection:
        if self._process is None or not self._process.is_alive() or self._pipe is None:
            ours, theirs = self._context.Pipe()
            process = self._context.Process(target=serve, args=(theirs, going()), daemon=False)
            process.start()
            theirs.close()
            self._process, self._pipe = process, ours
        return self._pipe

    def _do(self, call: Call, progress: Progress | None) -> Any:
        try:
            pipe = self._started()
            with self._guard:
                if self._is_stopped:
                    return StoppedError("stopped before it began")
                self._is_begun = True
            pipe.send(call)
            while True:
                kind, value = pipe.recv()
                if kind == "progress":
                    if progress is not None:
                        progress(*value)
                else:
                    return value
        except (EOFError, OSError):
            self._discard()
            if self._is_stopped:
                return StoppedError("stopped")
            return WorkerLostError("the worker process died")
        finally:
            self._is_begun = False

    def _discard(self) -> None:
        if self._process is not None:
            self._process.kill()
            self._process.join()
        if self._pipe is not None:
            self._pipe.close()
        self._process = self._pipe = None


def serve(pipe: Connection, log: Log | None = None) -> None:
    """Body of a worker process: do what comes until nobody is there any more.

    Args:
        pipe: Calls come by it, and outcomes go.
        log: The server's log, to write too.
    """
    if log is not None:
        begin(log.target, log.level)
    work = import_module(WORK)  # heavy: loaded in workers, never in the server

    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the server ends its workers itself
    os.nice(NICE)
    while True:
        try:
            call = pipe.recv()
        except EOFError:
            return

        def progress(share: float, words: str) -> None:
            pipe.send(("progress", (share, words)))

        with acting(call.person, call.door):
            try:
                outcome = getattr(work, call.work)(progress, **call.arguments)
            except GlassError as error:
                outcome = error
            except OSError as error:
                outcome = GlassError(f"{error.filename or 'disk'}: {error.strerror or error}")
        pipe.send(("outcome", outcome))
