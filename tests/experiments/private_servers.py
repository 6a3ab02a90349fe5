"""Real servers for tests: PostgreSQL and MLflow, private, on free ports, ended by their own ids."""

import contextlib
import os
import pwd
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

PROGRAMS = Path("/usr/lib/postgresql")
"""Where Debian keeps PostgreSQL, a folder a version."""

PATIENCE_S = 300.0


def postgres_programs() -> Path | None:
    """The folder with ``initdb`` of the newest PostgreSQL installed; ``None`` without one."""
    found = sorted(PROGRAMS.glob("*/bin/initdb"), key=lambda file: int(file.parts[-3]))
    return found[-1].parent if found else None


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@contextmanager
def private_postgres() -> Iterator[str]:
    """A PostgreSQL of the test's own; gives the address of an empty database."""
    programs = postgres_programs()
    if programs is None:
        raise FileNotFoundError(f"no PostgreSQL below {PROGRAMS}; apt-get install postgresql")
    # It refuses to run as root, and its user cannot enter pytest's folders.
    folder = Path(tempfile.mkdtemp(prefix="glassloop-postgres-"))
    owner = pwd.getpwnam("postgres").pw_uid if os.getuid() == 0 else os.getuid()
    os.chown(folder, owner, -1)
    user = {"user": owner, "extra_groups": []} if os.getuid() == 0 else {}
    port = free_port()
    try:
        subprocess.run(
            [programs / "initdb", "-D", folder / "data", "-A", "trust", "-U", "lab", "-E", "UTF8",
             "--locale=C", "--no-sync"],
            check=True, capture_output=True, cwd=folder, **user,
        )  # fmt: skip
        server = subprocess.Popen(
            [programs / "postgres", "-D", folder / "data", "-h", "127.0.0.1", "-p", str(port),
             "-k", folder, "-F"],
            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, cwd=folder, **user,
        )  # fmt: skip
        try:
            ready = [programs / "pg_isready", "-h", "127.0.0.1", "-p", str(port), "-q"]
            _await(lambda: subprocess.run(ready, check=False).returncode == 0, server)
            yield f"postgresql://lab@127.0.0.1:{port}/postgres"
        finally:
            server.send_signal(signal.SIGINT)  # PostgreSQL's "fast" shutdown
            server.wait(timeout=PATIENCE_S)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


class MlflowServer:
    """``mlflow server`` as a laboratory starts it; may be killed and started again.

    Args:
        store: Its database.
        folder: Where it keeps artifacts and its log.
    """

    def __init__(self, store: str, folder: Path) -> None:
        self._store = store
        self._folder = folder
        self._port = free_port()
        self.uri = f"http://127.0.0.1:{self._port}"
        self.start()

    def start(self) -> None:
        """Begin to start; ``wait`` until it answers."""
        command = [sys.executable, "-W", "ignore", "-m", "mlflow", "server"]
        options = {
            "--backend-store-uri": self._store,
            "--artifacts-destination": str(self._folder / "kept"),
            "--host": "127.0.0.1",
            "--port": str(self._port),
            "--workers": "1",
        }
        settings = {
            "MLFLOW_DISABLE_TELEMETRY": "true",
            "MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false",  # five processes nobody asks here
        }
        with (self._folder / "server.log").open("ab") as log:
            self._process = subprocess.Popen(
                [*command, *(word for pair in options.items() for word in pair)],
                stdout=log,
                stderr=log,
                cwd=self._folder,
                env=os.environ | settings,
                start_new_session=True,  # it starts processes of its own, which end with it
            )

    def wait(self) -> None:
        """Until it answers."""
        _await(self._answers, self._process)

    def kill(self) -> None:
        """End it at once, with its own processes."""
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self._process.pid, signal.SIGKILL)
        self._process.wait(timeout=PATIENCE_S)

    def _answers(self) -> bool:
        try:
            urllib.request.urlopen(f"{self.uri}/health", timeout=2).close()
        except OSError:
            return False
        return True


def _await(condition, process) -> None:
    end = time.monotonic() + PATIENCE_S
    while not condition():
        if process.poll() is not None or time.monotonic() > end:
            raise RuntimeError(f"{process.args[0]} does not answer")
        time.sleep(0.1)
