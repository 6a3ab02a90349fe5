"""People at the pages: each with a session of their own at one server."""

import re
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from starlette.testclient import TestClient

from experiments.access import AccessStore, Role


@dataclass
class Visitor:
    """Somebody with a token, in front of a browser.

    Attributes:
        client: The server.
        cookie: Of their session.
    """

    client: TestClient
    cookie: str

    def get(self, path: str) -> Any:
        """Open a page."""
        self.client.cookies.clear()
        return self.client.get(path, headers={"Cookie": f"glassloop={self.cookie}"})

    def post(self, path: str, data: dict[str, str] | None = None, **more: Any) -> Any:
        """Send a form of a page."""
        csrf = csrf_of(self.get("/docs").text)
        self.client.cookies.clear()
        return self.client.post(
            path, data={"csrf": csrf, **(data or {})}, follow_redirects=False,
            headers={"Cookie": f"glassloop={self.cookie}"}, **more,
        )  # fmt: skip


def csrf_of(page: str) -> str:
    """What forms of a page carry, so that no other site can send them."""
    found = re.search(r'"X-CSRF-Token": "(\w+)"', page)
    assert found is not None
    return found[1]


def arrive(client: TestClient, root: Path, name: str, role: Role = Role.RECORD) -> Visitor:
    """Make a token for somebody and let them log in."""
    token = AccessStore(root).add(name, role)
    answer = client.post("/login", data={"token": token, "next": "/"}, follow_redirects=False)
    assert answer.status_code == 303, answer.text
    cookie = answer.cookies["glassloop"]
    client.cookies.clear()
    return Visitor(client, cookie)


def finish(visitor: Visitor, answer: Any) -> str:
    """Wait until the job that a form began is over; gives where its result is shown."""
    address = str(answer.headers["location"])
    while True:
        page = visitor.client.get(
            address, headers={"Cookie": f"glassloop={visitor.cookie}"}, follow_redirects=False
        )
        if page.status_code == 303:
            return str(page.headers["location"])
        assert "Cancel" in page.text, page.text
        time.sleep(0.2)
