"""What the log says of a command: that it began, and how it ended."""

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from time import monotonic
from typing import Final

from experiments.logs import Level, note
from features.errors import GlassError

_NAME: Final[ContextVar[str]] = ContextVar("command", default="")


def command_begun(name: str) -> None:
    """Write down that a command begins.

    Args:
        name: Of the command, without anything that was given with it: that may hold a password.
    """
    _NAME.set(name)
    note("command begun", command=name)


@contextmanager
def command_told() -> Iterator[None]:
    """Around a command: writes down its exit code, its seconds, and what stopped it."""
    began = monotonic()

    def ended(code: int, error: BaseException | None = None) -> None:
        is_fault = error is not None and not isinstance(error, GlassError | OSError)
        level: Level = "error" if is_fault else "warning" if code else "info"
        seconds = round(monotonic() - began, 3)
        note(
            "command ended", level, error=error, command=_NAME.get(), exit_code=code,
            duration_s=seconds,
        )  # fmt: skip

    name = _NAME.set("")
    try:
        yield
        ended(0)
    except SystemExit as stop:
        ended(stop.code if isinstance(stop.code, int) else int(stop.code is not None))
        raise
    except BaseException as error:
        ended(1, error)
        raise
    finally:
        _NAME.reset(name)
