"""Without tokens there is one session, and its secret outlives the server."""

import stat
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from starlette.testclient import TestClient

from experiments.access import AccessStore, Role
from experiments.web.app import make_app
from experiments.web.guard import COOKIE
from experiments.web.server import listen
from experiments.web.session_keys import OWN_NAME, SessionKeys
from tests.experiments.web.people import csrf_of

ADDRESS = "http://127.0.0.1"


@contextmanager
def served(root: Path) -> Iterator[TestClient]:
    with TestClient(make_app(root), base_url=ADDRESS, follow_redirects=False) as client:
        yield client


def make(client: TestClient, name: str, csrf: str) -> int:
    data = {"name": name, "empty": "yes", "csrf": csrf}
    return int(client.post("/campaigns", data=data).status_code)


def test_a_form_that_is_open_can_be_sent_after_a_restart(tmp_path: Path):
    with served(tmp_path) as before:
        csrf = csrf_of(before.get("/").text)
        cookie = before.cookies[COOKIE]
    with served(tmp_path) as after:
        after.cookies.set(COOKIE, cookie)
        assert make(after, "first", csrf) == 303


def test_a_visit_without_the_cookie_leaves_forms_of_other_tabs_good(tmp_path: Path):
    with served(tmp_path) as client:
        csrf = csrf_of(client.get("/").text)
        client.cookies.clear()  # as by a link from another site
        client.get("/")
        assert make(client, "first", csrf) == 303


def test_a_form_from_elsewhere_comes_without_the_cookie_and_is_refused(tmp_path: Path):
    with served(tmp_path) as client:
        csrf = csrf_of(client.get("/").text)
        client.cookies.clear()
        assert make(client, "first", csrf) == 403


def test_the_secret_is_for_its_owner_alone_and_is_made_once(tmp_path: Path):
    with served(tmp_path) as client:
        client.get("/")
        client.get("/docs")
    path = tmp_path / OWN_NAME
    held = path.read_bytes()
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    with served(tmp_path) as client:
        client.get("/")
    assert path.read_bytes() == held
    assert [part.name for part in tmp_path.iterdir()] == [OWN_NAME]  # no draft of it is left


def test_a_folder_that_was_served_empty_can_be_served_again(tmp_path: Path):
    with served(tmp_path) as client:
        client.get("/")
    found = listen(tmp_path, port=0)
    found.socket.close()
    assert found.is_open


def test_half_a_secret_is_made_anew(tmp_path: Path):
    (tmp_path / OWN_NAME).write_bytes(b"half")
    with served(tmp_path) as client:
        assert make(client, "first", csrf_of(client.get("/").text)) == 303
    assert len((tmp_path / OWN_NAME).read_bytes()) == 32


def test_a_folder_that_cannot_be_written_is_served_all_the_same(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    def full(**_: object) -> tuple[int, str]:
        raise OSError(30, "read-only file system")

    monkeypatch.setattr("experiments.web.session_keys.mkstemp", full)
    with served(tmp_path) as client:
        csrf = csrf_of(client.get("/").text)
        assert csrf_of(client.get("/").text) == csrf
        assert make(client, "first", csrf) == 303
    assert not (tmp_path / OWN_NAME).exists()


def test_a_session_without_tokens_ends_when_the_first_is_made(tmp_path: Path):
    with served(tmp_path) as client:
        client.get("/")
        AccessStore(tmp_path).add("Ana", Role.READ)
        assert client.get("/").headers["location"] == "/login?next=/"


def test_the_secret_of_the_tokens_is_read_once_and_again_when_the_file_is_another(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    store = AccessStore(tmp_path)
    store.add("Ana", Role.READ)
    keys, reads = SessionKeys(store), []
    read = AccessStore.cookie_secret

    def counted(self: AccessStore) -> bytes:
        reads.append(1)
        return read(self)

    monkeypatch.setattr(AccessStore, "cookie_secret", counted)
    first = keys.now()
    assert keys.now() == first
    assert len(reads) == 1
    store.path.unlink()
    store.add("Ana", Role.READ)
    assert keys.now() != first
