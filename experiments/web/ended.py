"""Sessions that were ended: their cookie lets nobody in, whoever kept a copy of it."""

import time
from collections import OrderedDict
from threading import Lock
from typing import Final

KEPT: Final = 10_000
"""More are logged out in no working day; beyond it the oldest are forgotten."""


class EndedSessions:
    """Remembered in memory as long as their cookies would last.

    Args:
        last_s: How long a cookie lasts, seconds.
    """

    def __init__(self, last_s: float) -> None:
        self._last_s = last_s
        self._until: OrderedDict[str, float] = OrderedDict()
        self._lock = Lock()

    def add(self, nonce: str, *, now: float | None = None) -> None:
        """End a session.

        Args:
            nonce: Its own.
            now: Seconds of a clock that only rises; its own when left out.
        """
        now = time.monotonic() if now is None else now
        with self._lock:
            self._until[nonce] = now + self._last_s
            self._until.move_to_end(nonce)
            while len(self._until) > KEPT or next(iter(self._until.values())) < now:
                self._until.popitem(last=False)

    def __contains__(self, nonce: str) -> bool:
        """Whether a session was ended."""
        return nonce in self._until

    def __len__(self) -> int:
        """How many are remembered."""
        return len(self._until)
