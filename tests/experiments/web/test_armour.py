"""Every answer is dressed the same, a fault says nothing of the inside, and nobody floods us."""

import logging
from collections.abc import Iterator
from pathlib import Path
from typing import NoReturn

import pytest
from starlette.testclient import TestClient

from experiments.web.app import make_app
from experiments.web.armour import Rates
from experiments.web.shelf import Shelf

ADDRESS = "http://127.0.0.1"
DRESS = {
    "x-content-type-options": "nosniff",
    "x-frame-options": "SAMEORIGIN",
    "referrer-policy": "same-origin",
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
}


@pytest.fixture
def client(tmp_path: Path) -> Iterator[TestClient]:
    with TestClient(make_app(tmp_path), base_url=ADDRESS, raise_server_exceptions=False) as found:
        yield found


def fail(*_: object) -> NoReturn:
    raise ZeroDivisionError("secret inside a drawer")


@pytest.mark.parametrize(
    ("method", "path", "headers", "status"),
    [
        pytest.param("GET", "/", {}, 200, id="page"),
        pytest.param("GET", "/static/page.css", {}, 200, id="static"),
        pytest.param("GET", "/healthz", {}, 200, id="health"),
        pytest.param("GET", "/api/v1/me", {}, 200, id="api"),
        pytest.param("GET", "/api/v1/openapi.json", {}, 200, id="description"),
        pytest.param("GET", "/api/v1/nothing", {}, 404, id="api-not-found"),
        pytest.param("GET", "/c/nothing/", {}, 404, id="page-not-found"),
        pytest.param("GET", "/static/nothing.css", {}, 404, id="static-not-found"),
        pytest.param("DELETE", "/api/v1/me", {}, 405, id="wrong-method"),
        pytest.param("POST", "/api/v1/campaigns", {}, 422, id="no-body"),
        pytest.param("POST", "/login", {"Origin": "http://evil.example"}, 403, id="other-site"),
        pytest.param("GET", "/", {"Host": "evil.example"}, 403, id="other-host"),
        pytest.param("POST", "/login", {"Content-Length": "99999999"}, 413, id="too-large"),
    ],
)
def test_every_kind_of_answer_is_dressed(
    client: TestClient, method: str, path: str, headers: dict[str, str], status: int
):
    answer = client.request(method, path, headers=headers)
    assert answer.status_code == status
    assert {name: answer.headers.get(name) for name in DRESS} == DRESS
    policy = answer.headers["content-security-policy"]
    assert "default-src 'self'" in policy
    assert "unsafe" not in policy
    assert "*" not in policy
    kept = "max-age=3600" if path.startswith("/static/") else "no-store"
    assert answer.headers["cache-control"] == kept
    assert "server" not in answer.headers


@pytest.mark.parametrize("path", ["/api/v1/campaigns", "/"])
def test_a_fault_is_told_by_a_number_and_nothing_of_the_inside(
    client: TestClient, path: str, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
):
    monkeypatch.setattr(Shelf, "names", fail)
    with caplog.at_level(logging.ERROR, logger="glassloop"):
        answer = client.get(path)
    assert answer.status_code == 500
    assert {name: answer.headers.get(name) for name in DRESS} == DRESS
    for word in ("secret", "drawer", "Traceback", "ZeroDivisionError", ".py"):
        assert word not in answer.text
    number = answer.json()["detail"].partition("number ")[2][:8]
    assert f"fault number={number} path={path}" in caplog.text
    assert "secret inside" in caplog.text  # whoever runs the server sees all of it


def test_too_many_requests_are_refused_for_a_while(tmp_path: Path):
    app = make_app(tmp_path, rates=Rates(requests="3/minute"))
    with TestClient(app, base_url=ADDRESS) as client:
        answers = [client.get("/healthz") for _ in range(5)]
    assert [one.status_code for one in answers] == [200] * 3 + [429] * 2
    assert answers[-1].headers["retry-after"] == "60"
    assert answers[-1].headers["content-type"] == "application/problem+json"


@pytest.mark.parametrize(
    ("length", "status"),
    [("-1", 400), ("ten", 400), ("\xb2", 400), ("9" * 40, 413), ("10485761", 413)],
)
def test_a_length_that_is_none_or_too_large_is_refused(
    client: TestClient, length: str, status: int
):
    headers = {"Content-Length": length.encode("latin-1")}
    answer = client.post("/api/v1/campaigns", headers=headers)
    assert answer.status_code == status
    assert answer.headers["connection"] == "close"
