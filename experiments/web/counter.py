"""A lane for what somebody waits for: a queue that ends, and a limit of time for each call.

A call that hangs, a hostile file for one, costs its own sender an answer and nobody else more than
the limit.
"""

import asyncio
from typing import Any, Final

from experiments.logs import note
from experiments.web.lane import Call, Lane, StoppedError, WorkerLostError
from features.errors import GlassError

LOST: Final = (
    "the work ended without a result, and what it had not committed is undone; try again, and "
    "tell whoever runs the server if it happens again"
)


class UnavailableError(GlassError):
    """It cannot be done now; trying again may help."""


class BusyError(GlassError):
    """Too much is waiting already."""


class Counter:
    """Where people wait for an answer, one after another.

    Args:
        lane: Does the work.
        limit_s: The most a call may take, s.
        most: Calls that may wait.
    """

    def __init__(self, lane: Lane, *, limit_s: float, most: int) -> None:
        self._lane, self._limit_s, self._most = lane, limit_s, most
        self._turn = asyncio.Lock()
        self._waiting = 0

    async def warm_up(self) -> None:
        """Start the worker before it is needed."""
        await self._lane.warm_up()

    async def ask(self, call: Call) -> Any:
        """Do something and wait for it.

        Args:
            call: What to do.

        Returns:
            What came of it.

        Raises:
            BusyError: If too many wait already.
            UnavailableError: If it took too long, or the worker died.
            GlassError: As the work raised it.
        """
        if self._waiting >= self._most:
            raise BusyError(
                f"{self._waiting} requests wait for predictions already; try again in a minute"
            )
        self._waiting += 1
        try:
            async with self._turn:
                return await self._in_time(call)
        finally:
            self._waiting -= 1

    def close(self) -> None:
        """End the worker."""
        self._lane.close()

    async def _in_time(self, call: Call) -> Any:
        timer = asyncio.get_running_loop().call_later(self._limit_s, self._lane.stop)
        try:
            return await self._lane.run(call)
        except StoppedError as error:
            note("work stopped", "warning", work=call.work, limit_s=self._limit_s)
            raise UnavailableError(
                f"this took more than {self._limit_s:g} s and was stopped; nothing was written. "
                "Try again, with less at once"
            ) from error
        except WorkerLostError as error:
            note("worker lost", "error", error=error, work=call.work)
            raise UnavailableError(LOST) from error
        finally:
            timer.cancel()
