"""A server that others can reach needs tokens, and stays closed once there was one."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

import pytest
from starlette.testclient import TestClient

from experiments.access import AccessStore, Role
from experiments.web.app import make_app
from experiments.web.server import Listening, listen
from features.errors import CampaignError

_LONG_AGO = datetime(2024, 1, 1, tzinfo=UTC)


@contextmanager
def listening(root: Path, host: str) -> Iterator[Listening]:
    found = listen(root, host=host, port=0)
    try:
        yield found
    finally:
        found.socket.close()


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "192.0.2.1", "example.org"])
def test_others_cannot_be_served_while_nobody_has_a_token(tmp_path: Path, host: str):
    with pytest.raises(CampaignError, match=r"nobody has a token yet; make tokens first, 'glass"):
        listen(tmp_path, host=host, port=0)


@pytest.mark.parametrize("ended", ["revoked", "expired"])
def test_others_cannot_be_served_when_no_token_is_valid_any_more(tmp_path: Path, ended: str):
    store = AccessStore(tmp_path)
    store.add("Ana", Role.READ, days=1, now=None if ended == "revoked" else _LONG_AGO)
    if ended == "revoked":
        store.revoke("Ana")
    with pytest.raises(CampaignError, match="nobody has a token yet"):
        listen(tmp_path, host="0.0.0.0", port=0)


def test_others_are_served_once_somebody_has_a_token(tmp_path: Path):
    AccessStore(tmp_path).add("Ana", Role.READ)
    with listening(tmp_path, "0.0.0.0") as found:
        assert not found.is_open


def test_this_computer_is_served_without_tokens(tmp_path: Path):
    with listening(tmp_path, "127.0.0.1") as found:
        assert found.is_open
        assert found.address.startswith("http://127.0.0.1:")


def test_a_port_that_is_taken_is_refused_in_one_sentence(tmp_path: Path):
    with listening(tmp_path, "127.0.0.1") as found:
        found.socket.listen()
        port = found.socket.getsockname()[1]
        with pytest.raises(CampaignError, match=rf"--port {port}: cannot be had \(.+\); another"):
            listen(tmp_path, host="127.0.0.1", port=port)


def test_a_server_closes_when_the_first_token_is_made_and_revoking_it_opens_nothing(
    tmp_path: Path,
):
    store = AccessStore(tmp_path)
    with TestClient(make_app(tmp_path), base_url="http://127.0.0.1") as client:
        assert client.get("/api/v1/me").json()["role"] == "admin"
        store.add("Ana", Role.READ)
        assert client.get("/api/v1/me").status_code == 401
        store.revoke("Ana")
        assert client.get("/api/v1/me").status_code == 401
        assert client.get("/", follow_redirects=False).headers["location"] == "/login?next=/"


def test_a_damaged_store_of_tokens_opens_nothing(tmp_path: Path):
    store = AccessStore(tmp_path)
    token = store.add("Ana", Role.READ)
    store.path.write_bytes(b"no database" * 100)
    with TestClient(make_app(tmp_path), base_url="http://127.0.0.1") as client:
        answer = client.get("/api/v1/me", headers={"Authorization": f"Bearer {token}"})
        assert answer.status_code == 401
        assert client.get("/").url.path == "/login"
        assert "is damaged" in client.post("/login", data={"token": token}).text


def test_a_server_for_others_needs_a_token_even_if_the_store_is_gone(tmp_path: Path):
    with TestClient(make_app(tmp_path, is_local=False), base_url="http://lab.example") as client:
        assert client.get("/api/v1/me").status_code == 401
        assert client.get("/", follow_redirects=False).status_code == 303
