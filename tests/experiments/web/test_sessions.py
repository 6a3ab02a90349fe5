"""Sessions of the pages: how they begin and end, and what no other site can send for somebody."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from starlette.testclient import TestClient

from experiments.access import AccessStore, Role
from experiments.web.app import make_app
from experiments.web.armour import Rates
from experiments.web.ended import EndedSessions
from experiments.web.guard import COOKIE

ADDRESS = "http://127.0.0.1"


@pytest.fixture
def store(tmp_path: Path) -> AccessStore:
    return AccessStore(tmp_path)


@pytest.fixture
def token(store: AccessStore) -> str:
    return store.add("Ana", Role.ADMIN)


@pytest.fixture
def client(tmp_path: Path, token: str) -> Iterator[TestClient]:
    app = make_app(tmp_path, rates=Rates(logins="5/minute"))
    with TestClient(app, base_url=ADDRESS, follow_redirects=False) as found:
        yield found


def log_in(client: TestClient, token: str) -> None:
    assert client.post("/login", data={"token": token}).status_code == 303


def secret(client: TestClient) -> str:
    """What forms of this session carry."""
    found = re.search(r'name="csrf" value="([0-9a-f]{64})"', client.get("/").text)
    assert found is not None
    return found[1]


def test_a_session_is_kept_in_a_cookie_that_scripts_and_other_sites_cannot_use(
    client: TestClient, token: str
):
    told = client.post("/login", data={"token": token}).headers["set-cookie"].lower()
    assert {"httponly", "samesite=strict", "path=/"} <= set(told.split("; "))
    assert "secure" not in told  # this computer's own address has no certificate
    assert token not in told


def test_a_session_over_https_is_kept_in_a_cookie_that_only_https_sends(tmp_path: Path, token: str):
    app = make_app(tmp_path, is_local=False)
    with TestClient(app, base_url="https://lab.example", follow_redirects=False) as client:
        told = client.post("/login", data={"token": token}).headers["set-cookie"].lower()
        assert "secure" in told.split("; ")


def test_a_cookie_that_was_changed_lets_nobody_in(client: TestClient, token: str):
    log_in(client, token)
    good = client.cookies[COOKIE]
    assert client.get("/").status_code == 200
    for bad in (good[:-1], good[1:], f"x{good}", good.replace(".", ""), "", "a.b.c", "\xff"):
        client.cookies.clear()
        answer = client.get("/", headers={"Cookie": f"{COOKIE}={bad}".encode("latin-1")})
        assert answer.headers["location"] == "/login?next=/"


def test_a_cookie_of_another_server_lets_nobody_in(
    client: TestClient, tmp_path_factory: pytest.TempPathFactory
):
    elsewhere = tmp_path_factory.mktemp("elsewhere")
    theirs = AccessStore(elsewhere).add("Ana", Role.ADMIN)
    with TestClient(make_app(elsewhere), base_url=ADDRESS, follow_redirects=False) as other:
        log_in(other, theirs)
        client.cookies.set(COOKIE, other.cookies[COOKIE])
    assert client.get("/").status_code == 303


def test_a_session_ends_when_its_token_is_revoked(
    client: TestClient, store: AccessStore, token: str
):
    log_in(client, token)
    assert client.get("/").status_code == 200
    store.revoke("Ana")
    assert client.get("/").headers["location"] == "/login?next=/"


def test_a_session_ends_by_logging_out(client: TestClient, token: str):
    log_in(client, token)
    assert client.post("/logout", data={"csrf": secret(client)}).status_code == 303
    assert COOKIE not in client.cookies
    assert client.get("/").status_code == 303


def test_a_copy_of_the_cookie_is_worth_nothing_once_its_session_was_ended(
    client: TestClient, token: str
):
    log_in(client, token)
    other = client.cookies[COOKIE]
    client.cookies.clear()
    log_in(client, token)
    copy, csrf = client.cookies[COOKIE], secret(client)
    client.post("/logout", data={"csrf": csrf})
    for cookie, status in ((copy, 303), (other, 200)):
        client.cookies.clear()
        client.cookies.set(COOKIE, cookie)
        assert client.get("/").status_code == status


def test_ended_sessions_are_remembered_as_long_as_their_cookies_last(
    monkeypatch: pytest.MonkeyPatch,
):
    ended = EndedSessions(100)
    ended.add("early", now=0)
    ended.add("late", now=90)
    assert "early" in ended
    ended.add("later", now=101)
    assert "early" not in ended
    assert "late" in ended
    monkeypatch.setattr("experiments.web.ended.KEPT", 2)
    ended.add("latest", now=102)
    assert len(ended) == 2
    assert "latest" in ended


@pytest.mark.parametrize("sent", [None, "", "0" * 64, "ä", "\ud83d\ude00"])
def test_a_form_without_the_secret_of_its_session_is_refused(
    client: TestClient, token: str, sent: str | None
):
    log_in(client, token)
    data = {"name": "new"} | ({} if sent is None else {"csrf": sent.encode("utf-8", "replace")})
    answer = client.post("/campaigns", data=data)
    assert answer.status_code == 403
    assert "this form is from another session" in answer.text


def test_a_form_with_the_secret_of_another_session_is_refused(client: TestClient, token: str):
    log_in(client, token)
    old = secret(client)
    log_in(client, token)
    assert client.post("/campaigns", data={"name": "new", "csrf": old}).status_code == 403
    assert (
        client.post("/campaigns", data={"name": "new", "csrf": secret(client)}).status_code == 303
    )


@pytest.mark.parametrize(
    "header",
    [
        {"Origin": "http://evil.example"},
        {"Origin": "http://127.0.0.1.evil.example"},
        {"Origin": "http://127.0.0.1:8081"},
        {"Origin": "null"},
        {"Origin": "http://["},
        {"Sec-Fetch-Site": "cross-site"},
        {"Sec-Fetch-Site": "same-site"},
    ],
)
def test_what_a_page_of_another_site_sends_is_refused(
    client: TestClient, token: str, header: dict[str, str]
):
    log_in(client, token)
    data = {"name": "new", "csrf": secret(client)}
    assert client.post("/campaigns", data=data, headers=header).status_code == 403
    bearer = {"Authorization": f"Bearer {token}", **header}
    assert client.post("/api/v1/campaigns", json={"name": "a"}, headers=bearer).status_code == 403
    own = {"Origin": ADDRESS, "Sec-Fetch-Site": "same-origin"}
    assert client.post("/campaigns", data=data, headers=own).status_code == 303


@pytest.mark.parametrize("host", ["evil.example", "127.0.0.1.evil.example", "[", "", "192.0.2.1"])
def test_a_server_that_is_open_to_this_computer_answers_to_no_other_name(tmp_path: Path, host: str):
    with TestClient(make_app(tmp_path), base_url=ADDRESS) as anybody:
        for path in ("/", "/login", "/api/v1/me", "/static/page.css", "/healthz"):
            answer = anybody.get(path, headers={"Host": host})
            assert answer.status_code == 403
            assert answer.json()["detail"].endswith("open it as http://127.0.0.1")


def test_a_server_that_asks_for_tokens_answers_to_any_name(client: TestClient, token: str):
    """As behind a proxy, which passes on the name it was called by."""
    own = {"Host": "glass.example.org", "Origin": "https://glass.example.org"}
    answer = client.post("/login", data={"token": token}, headers=own)
    assert answer.status_code == 303
    foreign = {"Host": "glass.example.org", "Origin": "https://evil.example"}
    assert client.post("/login", data={"token": token}, headers=foreign).status_code == 403


def test_an_open_server_answers_to_the_address_it_listens_on(tmp_path: Path):
    app = make_app(tmp_path, host="127.0.0.2")
    with TestClient(app, base_url="http://127.0.0.2:8080") as anybody:
        assert anybody.get("/healthz").status_code == 200
        told = anybody.get("/healthz", headers={"Host": "127.0.0.3"}).json()["detail"]
        assert told.endswith("open it as http://127.0.0.2")


@pytest.mark.parametrize("host", ["127.0.0.1", "127.0.0.1:8080", "localhost:1", "[::1]:8080"])
def test_a_server_for_this_computer_answers_to_its_own_names(client: TestClient, host: str):
    assert client.get("/login", headers={"Host": host}).status_code == 200


def test_after_too_many_wrong_tokens_the_form_takes_none_for_a_while(
    client: TestClient, token: str
):
    for _ in range(5):
        assert client.post("/login", data={"token": "wrong"}).status_code == 401
    answer = client.post("/login", data={"token": token})
    assert answer.status_code == 429
    assert "wait a minute" in answer.text


def test_a_robot_with_an_old_token_is_told_to_wait_and_locks_nobody_out(
    client: TestClient, token: str
):
    statuses = [client.get("/api/v1/me", headers={"Authorization": "Bearer old"}) for _ in range(7)]
    assert [one.status_code for one in statuses] == [401] * 5 + [429] * 2
    assert statuses[-1].headers["retry-after"] == "60"
    good = {"Authorization": f"Bearer {token}"}
    assert client.get("/api/v1/me", headers=good).status_code == 200
    log_in(client, token)


def test_logging_in_sends_nobody_to_another_site(client: TestClient, token: str):
    for there in ("https://evil.example", "//evil.example", "/\\evil.example", "/\n//evil", "x"):
        answer = client.post("/login", data={"token": token, "next": there})
        assert answer.headers["location"] == "/"
