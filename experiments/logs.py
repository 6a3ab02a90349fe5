"""The log: what happened, when, by whom, one line of JSON an event; for who runs glassloop.

Off until ``begin`` is called. Several processes may write one file: each line is appended whole.
Nothing in it is read back, and work never fails because of it::

    begin("glassloop.log")
    note("round proposed", campaign="na3pso", round="R01", glasses=4)
"""

import logging
import os
import sys
from dataclasses import dataclass
from logging.handlers import WatchedFileHandler
from pathlib import Path
from typing import Any, Final, Literal

from experiments.log_format import JsonLines, error_fields
from features.errors import GlassError

Level = Literal["info", "warning", "error"]
VARIABLE: Final = "GLASSLOOP_LOG"
STDERR: Final = "-"
"""In place of a file."""

_LEVELS: Final = {"info": logging.INFO, "warning": logging.WARNING, "error": logging.ERROR}
_SERVERS: Final = "uvicorn"
_MODE: Final = 0o640  # it names people

_log = logging.getLogger("glassloop")
_log.addHandler(logging.NullHandler())


@dataclass(frozen=True, slots=True)
class Log:
    """A log that is written.

    Attributes:
        target: File, or ``-`` for stderr.
        level: The least that is written.
    """

    target: str
    level: Level = "info"


def note(
    event: str, level: Level = "info", *, error: BaseException | None = None, **fields: Any
) -> None:
    """Write down that something happened.

    Args:
        event: What, in two or three words that stay the same.
        level: How bad it is.
        error: What was raised; a fault of our own is written with its traceback.
        fields: More, as plain values: names and counts, no secrets and no values of readings.
    """
    number = _LEVELS[level]
    if not _log.isEnabledFor(number):
        return
    is_fault = error is not None and not isinstance(error, GlassError | OSError)
    if error is not None and not is_fault:
        fields |= error_fields(error)
    words = " ".join(f"{name}={value}" for name, value in fields.items())
    trace = (type(error), error, error.__traceback__) if is_fault and error is not None else None
    _log.log(
        number, "%s", f"{event} {words}".strip(), exc_info=trace,
        extra={"event": event, "fields": fields}, stacklevel=2,
    )  # fmt: skip


def begin(target: str, level: Level = "info") -> None:
    """Write events from now on, in place of an earlier log.

    A file that cannot be written gets one warning, and work goes on without it.

    Args:
        target: File to append to, or ``-`` for stderr.
        level: The least that is written.
    """
    end()
    log = Log(target if target == STDERR else str(Path(target).absolute()), level)
    handler = _ToStderr() if target == STDERR else _ToFile(log.target)
    if isinstance(handler, _ToFile) and not handler.can_open():
        return
    handler.setFormatter(JsonLines())
    handler.set_name(VARIABLE)
    _log.addHandler(handler)
    _log.setLevel(_LEVELS[level])
    logging.getLogger(_SERVERS).addHandler(handler)
    _going.append(log)


def end() -> None:
    """Write no more."""
    _going.clear()
    for name in (_log.name, _SERVERS):
        logger = logging.getLogger(name)
        for handler in [one for one in logger.handlers if one.get_name() == VARIABLE]:
            logger.removeHandler(handler)
            handler.close()
    _log.setLevel(logging.NOTSET)


def going() -> Log | None:
    """The log that is written now, for another process to write too."""
    return _going[-1] if _going else None


_going: Final[list[Log]] = []


class _ToStderr(logging.Handler):
    """Lines on stderr, wherever that leads at the time."""

    def emit(self, record: logging.LogRecord) -> None:
        """Write one line."""
        try:
            sys.stderr.write(f"{self.format(record)}\n")
            sys.stderr.flush()
        except (OSError, ValueError):  # closed: nobody is there to be told
            return


class _ToFile(WatchedFileHandler):
    """Lines at the end of a file, each in one write; a file that was rotated away is begun anew."""

    def __init__(self, target: str) -> None:
        super().__init__(target, encoding="utf-8", delay=True)
        self._is_told = False
        self._is_torn = False

    def can_open(self) -> bool:
        """Whether it can be written now; says so where not."""
        try:
            self._begin()
        except OSError as error:
            self._tell(error)
            return False
        return True

    def _begin(self) -> Any:
        self.stream = self._open()
        self._statstream()
        return self.stream

    def _open(self) -> Any:
        return open(self.baseFilename, "a", encoding="utf-8", opener=_opened)

    def emit(self, record: logging.LogRecord) -> None:
        """Write one line; what is wrong with the file is said once."""
        try:
            self.reopenIfNeeded()
            stream = self.stream or self._begin()
            line = f"{self.format(record)}\n".encode(errors="replace")
            whole = b"\n" + line if self._is_torn else line
            self._is_torn = os.write(stream.fileno(), whole) < len(whole)
        except OSError as error:
            self._tell(error)

    def _tell(self, error: OSError) -> None:
        if not self._is_told:
            self._is_told = True
            sys.stderr.write(
                f"warning: the log {self.baseFilename} cannot be written "
                f"({error.strerror or error}); work goes on without it: check disk and rights, or "
                "give another --log\n"
            )


def _opened(path: str, flags: int) -> int:
    return os.open(path, flags, _MODE)
