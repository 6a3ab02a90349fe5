"""A PostgreSQL of one's own that can be killed and started again, and campaigns in it."""

import os
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from pwd import getpwnam
from typing import Any

from tests.experiments.private_servers import PATIENCE_S, free_port, postgres_programs


class Postgres:
    """A server with an empty database.

    Attributes:
        address: URL of the database.
    """

    def __init__(self, folder: Path, programs: Path) -> None:
        self._folder, self._programs, self._port = folder, programs, free_port()
        self.address = f"postgresql://lab@127.0.0.1:{self._port}/postgres"
        is_root = os.getuid() == 0  # it refuses to run as root
        owner = getpwnam("postgres").pw_uid if is_root else os.getuid()
        self._user: dict[str, Any] = {"user": owner, "extra_groups": []} if is_root else {}
        os.chown(folder, owner, -1)
        subprocess.run(
            [programs / "initdb", "-D", folder / "data", "-A", "trust", "-U", "lab", "-E", "UTF8",
             "--locale=C", "--no-sync"],
            check=True, capture_output=True, cwd=folder, **self._user,
        )  # fmt: skip
        self.start()

    def start(self) -> None:
        """Start it, and wait until it answers."""
        self._process = subprocess.Popen(
            [self._programs / "postgres", "-D", self._folder / "data", "-h", "127.0.0.1",
             "-p", str(self._port), "-k", self._folder],
            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, cwd=self._folder, **self._user,
        )  # fmt: skip
        ready = [self._programs / "pg_isready", "-h", "127.0.0.1", "-p", str(self._port), "-q"]
        end = time.monotonic() + PATIENCE_S
        while subprocess.run(ready, check=False).returncode:
            if self._process.poll() is not None or time.monotonic() > end:
                raise RuntimeError("PostgreSQL does not answer")
            time.sleep(0.02)

    def kill(self) -> None:
        """SIGKILL it and every process of its own."""
        found = subprocess.run(
            ["ps", "-o", "pid=", "--ppid", str(self._process.pid)],
            capture_output=True, text=True, check=False,
        )  # fmt: skip
        self._process.kill()
        for word in found.stdout.split():
            try:
                os.kill(int(word), signal.SIGKILL)
            except ProcessLookupError:
                continue
        self._process.wait(timeout=PATIENCE_S)

    def terminate_backends(self) -> None:
        """End every connection, as an administrator does."""
        import psycopg

        with psycopg.connect(self.address, autocommit=True) as connection:
            connection.execute(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
                "WHERE backend_type = 'client backend' AND pid <> pg_backend_pid()"
            )

    def stop(self) -> None:
        """End it for good."""
        if self._process.poll() is None:
            self._process.send_signal(signal.SIGINT)  # its "fast" shutdown
            self._process.wait(timeout=PATIENCE_S)


@contextmanager
def private_server() -> Iterator[Postgres]:
    """A server that is gone afterwards.

    Raises:
        FileNotFoundError: If PostgreSQL is not installed.
    """
    programs = postgres_programs()
    if programs is None:
        raise FileNotFoundError("no PostgreSQL here: apt-get install postgresql")
    folder = Path(tempfile.mkdtemp(prefix="glassloop-postgres-"))
    try:
        server = Postgres(folder, programs)
        try:
            yield server
        finally:
            server.stop()
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def moved_to_server(folder: Path, address: str, name: str) -> None:
    """Let a campaign's ledger be in a database instead of in its folder.

    Args:
        folder: The campaign's.
        address: URL of the database.
        name: Its new name, by which its schema is called.
    """
    from experiments.config import CONFIG_NAME, read_config, write_config
    from experiments.ledger import Ledger
    from experiments.storage import LEDGER_NAME, ledger_target

    config = read_config(folder / CONFIG_NAME)
    config = config.model_copy(update={"name": name, "database": address})
    file = folder / LEDGER_NAME
    kept = file.rename(folder / "moved.db")
    with Ledger.open(kept) as ledger:
        ledger.copy_to(ledger_target(folder, config))
    kept.unlink()
    write_config(config, folder)
