"""Starts the server: where it listens, who may come in, and what is printed."""

import socket
import threading
import webbrowser
from dataclasses import dataclass
from ipaddress import ip_address
from pathlib import Path
from typing import Final

import uvicorn

from experiments.access import AccessStore
from experiments.config import CONFIG_NAME
from experiments.logs import note
from experiments.web.app import make_app
from experiments.web.session_keys import OWN_NAME
from experiments.web.shelf import Shelf
from features.errors import CampaignError

DEFAULT_HOST: Final = "127.0.0.1"
DEFAULT_PORT: Final = 8080
BACKLOG: Final = 128
SHUTDOWN_S: Final = 5
"""Requests under way are waited for so long when the server is told to end."""


@dataclass(frozen=True, slots=True)
class Listening:
    """A server about to run.

    Attributes:
        server: Runs when told.
        socket: Where it listens, bound already.
        address: To open in a browser.
        is_open: Whether nobody needs a token.
    """

    server: uvicorn.Server
    socket: socket.socket
    address: str
    is_open: bool

    def run(self, *, browse: bool = False) -> None:
        """Serve until interrupted.

        Args:
            browse: Open the page in a browser.
        """
        if browse:
            threading.Timer(0.5, webbrowser.open, [self.address]).start()
        note("server started", address=self.address, open=self.is_open)
        try:
            self.server.run(sockets=[self.socket])
        finally:
            note("server stopped", address=self.address)


def is_local(host: str) -> bool:
    """Whether an address is this computer's own.

    Examples:
        >>> is_local("127.0.0.1"), is_local("localhost"), is_local("0.0.0.0")
        (True, True, False)
    """
    if host == "localhost":
        return True
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return False


def listen(root: Path, *, host: str = DEFAULT_HOST, port: int = DEFAULT_PORT) -> Listening:
    """A server on an address that is free and allowed.

    Args:
        root: A campaign's folder, or one that holds campaigns.
        host: Address; any but this computer's own needs tokens.
        port: Port; 0 takes a free one.

    Returns:
        The server; nothing is served yet.

    Raises:
        CampaignError: If there is nothing to serve, the address is not allowed without tokens, or
            it cannot be had.
    """
    if not root.is_dir():
        raise CampaignError(f"{root}: is no folder; give a campaign, or a folder of campaigns")
    if not Shelf(root).names() and any(root.iterdir()) and not _is_workplace(root):
        raise CampaignError(
            f"{root}: holds no {CONFIG_NAME}, neither itself nor in a folder below it; make a "
            "campaign with 'glassloop init NAME', or serve an empty folder"
        )
    local = is_local(host)
    store = AccessStore(root)
    if not local and not store.has_tokens():
        raise CampaignError(
            f"--host {host}: others could reach this server, and nobody has a token yet; make "
            f"tokens first, 'glassloop token add NAME --role record --campaign {root}', or leave "
            "--host out"
        )
    app = make_app(root, is_local=local, host=host)
    bound = _bound(host, port)
    config = uvicorn.Config(
        app,
        log_level="warning",
        log_config=None,
        server_header=False,
        access_log=False,
        timeout_graceful_shutdown=SHUTDOWN_S,
    )
    shown = f"[{host}]" if ":" in host else host
    return Listening(
        server=uvicorn.Server(config),
        socket=bound,
        address=f"http://{shown}:{bound.getsockname()[1]}/",
        is_open=local and not store.exists,
    )


def _is_workplace(root: Path) -> bool:
    """Whether a folder was served before: it holds tokens, a secret or MLflow's store."""
    return any((root / name).exists() for name in ("access.db", OWN_NAME, "mlruns"))


def _bound(host: str, port: int) -> socket.socket:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    found = socket.socket(family, socket.SOCK_STREAM)
    found.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        found.bind((host, port))
        found.listen(BACKLOG)  # who comes before the server is ready waits
    except (OSError, OverflowError) as error:
        found.close()
        raise CampaignError(
            f"--host {host} --port {port}: cannot be had ({getattr(error, 'strerror', error)}); "
            "another server may run there: choose another --port, or 0 for a free one"
        ) from error
    return found
