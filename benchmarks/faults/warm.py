"""Runs a function in a fresh process that has everything imported, and can kill it at any moment.

Python's forkserver imports the campaign once and forks a child for each call, in milliseconds.
"""

import multiprocessing
import os
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from multiprocessing.connection import Connection
from typing import Any, Final

from experiments.ledger import Ledger
from experiments.web.lane import PRELOADED

PRELOAD: Final = (*PRELOADED, "experiments.tracking", "benchmarks.faults.subject")
PATIENCE_S: Final = 300.0

Work = Callable[..., Any]


@dataclass
class Outcome:
    """What became of a child.

    Attributes:
        value: What the function returned.
        error: What it raised, as ``Type: text``.
        is_user_error: Whether that is a complaint the command line prints as one sentence.
        is_over: Whether it ended by itself.
        events: ``begun`` and ``committed`` of each transaction, with seconds since the start.
    """

    value: Any = None
    error: str | None = None
    is_user_error: bool = False
    is_over: bool = False
    events: list[tuple[str, float]] = field(default_factory=list)

    @property
    def acknowledged(self) -> int:
        """Transactions whose commit returned."""
        return sum(name == "committed" for name, _ in self.events)


def run(work: Work, *arguments: Any) -> Outcome:
    """Call a function in a child and wait for it."""
    with _child(work, arguments) as (_, pipe):
        return _heard(pipe, until=time.monotonic() + PATIENCE_S)


def run_and_kill(work: Work, *arguments: Any, after_s: float, event: int | None = None) -> Outcome:
    """Call a function in a child and SIGKILL it.

    Args:
        work: The function.
        arguments: Its arguments.
        after_s: How long after it was begun, s.
        event: Or how long after so many events of its transactions, 1 the first one.

    Returns:
        What it told until then; ``is_over`` if it was quicker.
    """
    running = start(work, *arguments)
    running.go_on(after_s, event)
    return running.kill()


def start(work: Work, *arguments: Any) -> "Running":
    """Call a function in a child and do not wait."""
    return Running(work, arguments)


class Running:
    """A child at work."""

    def __init__(self, work: Work, arguments: tuple[Any, ...]) -> None:
        self._context = _child(work, arguments)
        self._process, self._pipe = self._context.__enter__()
        self._outcome = Outcome()

    def go_on(self, for_s: float, event: int | None = None) -> None:
        """Let it work for a while, from now or from so many events of its transactions on."""
        if event is not None:
            _hear(self._pipe, self._outcome, until=time.monotonic() + PATIENCE_S, events=event)
        if not self._outcome.is_over:
            _hear(self._pipe, self._outcome, until=time.monotonic() + for_s)

    @property
    def is_over(self) -> bool:
        """Whether it has ended by itself."""
        return self._outcome.is_over

    def wait(self) -> Outcome:
        """Until it is over."""
        if not self._outcome.is_over:
            _hear(self._pipe, self._outcome, until=time.monotonic() + PATIENCE_S)
        self._context.__exit__(None, None, None)
        return self._outcome

    def kill(self) -> Outcome:
        """End it by SIGKILL; what it had told until then."""
        self._process.kill()
        self._process.join()
        return self.wait()


@contextmanager
def _child(work: Work, arguments: tuple[Any, ...]) -> Iterator[tuple[Any, Connection]]:
    context = multiprocessing.get_context("forkserver")
    # Children import the main script again: under pytest it is cheap once that is there.
    context.set_forkserver_preload([*PRELOAD, *({"pytest"} & sys.modules.keys())])
    ours, theirs = context.Pipe(duplex=False)
    process = context.Process(target=_do, args=(theirs, work, arguments))
    process.start()
    theirs.close()
    try:
        if not ours.poll(PATIENCE_S):
            raise TimeoutError(f"{work.__name__}: its process did not begin")
        ours.recv()
        yield process, ours
    finally:
        process.kill()
        process.join()
        process.close()
        ours.close()


def _heard(pipe: Connection, until: float) -> Outcome:
    outcome = Outcome()
    _hear(pipe, outcome, until=until)
    return outcome


def _hear(pipe: Connection, outcome: Outcome, *, until: float, events: int | None = None) -> None:
    """Listen until the child is over, or the moment has come, or so many events were told."""
    while events is None or len(outcome.events) < events:
        try:
            if not pipe.poll(max(0.0, until - time.monotonic())):
                return
            name, told = pipe.recv()
        except (EOFError, OSError):
            return
        if name == "event":
            outcome.events.append(told)
        else:
            outcome.is_over = True
            if name == "value":
                outcome.value = told
            else:
                outcome.error, outcome.is_user_error = told
            return


def _do(pipe: Connection, work: Work, arguments: tuple[Any, ...]) -> None:
    from features.errors import GlassError

    pipe.send(("begin", None))
    begun = time.monotonic()

    def tell(name: str) -> None:
        pipe.send(("event", (name, time.monotonic() - begun)))

    try:
        with telling_of_transactions(tell), open(os.devnull, "w") as nowhere:
            os.dup2(nowhere.fileno(), 2)  # warnings of MLflow
            value = work(*arguments)
    except Exception as error:  # noqa: BLE001  it is told
        said = isinstance(error, GlassError | OSError)
        pipe.send(("error", (f"{type(error).__name__}: {error}", said)))
    else:
        pipe.send(("value", value))


@contextmanager
def telling_of_transactions(tell: Callable[[str], None]) -> Iterator[None]:
    """Inside it each transaction of a ledger tells ``begun`` and, once durable, ``committed``."""
    plain = Ledger.transaction

    @contextmanager
    def transaction(self: Ledger) -> Iterator[Any]:
        tell("begun")
        with plain(self) as tx:
            yield tx
        tell("committed")

    Ledger.transaction = transaction  # type: ignore[method-assign]
    try:
        yield
    finally:
        Ledger.transaction = plain  # type: ignore[method-assign]
