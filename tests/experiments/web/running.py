"""A real server in a process of its own, on a free port, ended by its own id."""

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

PATIENCE_S = 60.0


def started(root: Path, port: int = 0) -> tuple["subprocess.Popen[str]", str]:
    """Start a server over a folder.

    Args:
        root: What it serves.
        port: Where; a free one when 0.

    Returns:
        The process, and its address without a slash at the end.
    """
    process = subprocess.Popen(
        [sys.executable, "-m", "experiments.cli", "serve", "--campaign", str(root), "--port",
         str(port)],
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
        env={**os.environ, "PYTHONUNBUFFERED": "1"},
    )  # fmt: skip
    assert process.stdout is not None
    for line in process.stdout:
        if line.startswith("Page:"):
            return process, line.split()[1].rstrip("/")
    raise AssertionError(f"the server did not start: {process.communicate()[1]}")


def ended(process: "subprocess.Popen[str]", how: signal.Signals = signal.SIGTERM) -> None:
    """End a server and wait for it."""
    process.send_signal(how)
    process.communicate(timeout=PATIENCE_S)


@contextmanager
def running(root: Path) -> Iterator[str]:
    """A server over a folder; gives its address."""
    process, address = started(root)
    try:
        yield address
    finally:
        ended(process)
