"""A call that hangs costs its sender an answer, and nobody else more than the limit."""

import asyncio
import time
from typing import Any

import pytest

from experiments.web.counter import BusyError, Counter, UnavailableError
from experiments.web.lane import Call, StoppedError, WorkerLostError


class Hanging:
    """A lane whose work never ends by itself."""

    def __init__(self) -> None:
        self._stopped = asyncio.Event()

    async def run(self, call: Call) -> Any:
        """Wait until stopped; work called ``quick`` is done at once, ``lost`` kills the worker."""
        if call.work == "quick":
            return "done"
        if call.work == "lost":
            raise WorkerLostError("died")
        await self._stopped.wait()
        self._stopped.clear()
        raise StoppedError("stopped")

    def stop(self) -> None:
        """End what hangs."""
        self._stopped.set()


def test_a_call_that_hangs_is_stopped_and_the_next_is_answered():
    async def both() -> Any:
        counter = Counter(Hanging(), limit_s=0.05, most=5)  # type: ignore[arg-type]
        hangs = asyncio.create_task(counter.ask(Call("hang", {})))
        await asyncio.sleep(0)
        answer = await counter.ask(Call("quick", {}))
        with pytest.raises(UnavailableError, match=r"took more than 0\.05 s and was stopped"):
            await hangs
        return answer

    assert asyncio.run(both()) == "done"


def test_more_than_may_wait_are_told_so():
    async def crowd() -> None:
        counter = Counter(Hanging(), limit_s=0.05, most=2)  # type: ignore[arg-type]
        waiting = [asyncio.create_task(counter.ask(Call("hang", {}))) for _ in range(2)]
        await asyncio.sleep(0)
        with pytest.raises(BusyError, match="2 requests wait for predictions already"):
            await counter.ask(Call("quick", {}))
        for one in waiting:
            with pytest.raises(UnavailableError, match="was stopped"):
                await one
        assert await counter.ask(Call("quick", {})) == "done"

    asyncio.run(crowd())


def test_a_lost_worker_is_said_in_words():
    async def lose() -> None:
        counter = Counter(Hanging(), limit_s=1, most=2)  # type: ignore[arg-type]
        with pytest.raises(UnavailableError, match="the work ended without a result"):
            await counter.ask(Call("lost", {}))

    asyncio.run(lose())


def test_the_time_limit_counts_from_the_turn_and_not_from_the_queue():
    async def late() -> Any:
        counter = Counter(Hanging(), limit_s=0.2, most=5)  # type: ignore[arg-type]
        begun = time.monotonic()
        results = await asyncio.gather(
            counter.ask(Call("hang", {})), counter.ask(Call("hang", {})),
            counter.ask(Call("quick", {})), return_exceptions=True,
        )  # fmt: skip
        return results[-1], time.monotonic() - begun

    answer, took = asyncio.run(late())
    assert answer == "done"
    assert took >= 0.4
