"""The server's log: a line a request and a job, of workers too, with nothing secret in it."""

import json
import os
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from starlette.testclient import TestClient

from experiments import logs
from experiments.access import AccessStore, Role
from experiments.acting import account_name
from experiments.web.app import make_app
from experiments.web.server import listen
from experiments.web.shelf import Shelf
from tests.experiments.web.conftest import ADDRESS

VALUE = 3.456e-5


@pytest.fixture
def log(tmp_path: Path) -> Iterator[Path]:
    """A log that is written while the test runs."""
    logs.begin(str(tmp_path / "glassloop.log"))
    yield tmp_path / "glassloop.log"
    logs.end()


def lines(log: Path, event: str) -> list[dict[str, Any]]:
    found = [json.loads(line) for line in log.read_text(encoding="utf-8").splitlines()]
    return [line for line in found if line["event"] == event]


def test_a_request_is_written_by_its_template_and_who_asked(log: Path, tmp_path: Path):
    (tmp_path / "root").mkdir()
    store = AccessStore(tmp_path / "root")
    token = store.add("Ana", Role.READ)
    with TestClient(make_app(tmp_path / "root"), base_url=ADDRESS) as client:
        key = {"Authorization": f"Bearer {token}"}
        client.get("/api/v1/me", headers=key)
        client.get("/api/v1/campaigns/secret-name/specimens/R01-G1", headers=key)
        client.get("/nothing/here", headers=key)
        client.get("/static/page.css")
        client.get(f"/api/v1/campaigns?token={token}", headers={"Authorization": "Bearer no"})
        client.post("/login", data={"token": token}, follow_redirects=False)
    asked = lines(log, "request finished")
    assert [(line["path"], line["status"], line["person"]) for line in asked] == [
        ("/api/v1/me", 200, "Ana"),
        ("/api/v1/campaigns/{campaign}/specimens/{specimen}", 404, "Ana"),
        ("(no such address)", 404, ""),
        ("/api/v1/campaigns", 401, ""),
        ("/login", 303, ""),
    ]
    assert {line["door"] for line in asked} == {"API", "page"}
    assert all(line["duration_ms"] >= 0 for line in asked)
    assert [line["person"] for line in lines(log, "logged in")] == ["Ana"]
    assert len(lines(log, "token refused")) == 1
    assert token not in log.read_text()
    assert token[13:] not in log.read_text()
    assert "R01-G1" not in log.read_text()


def test_a_fault_is_written_once_more_under_its_number(
    log: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    (tmp_path / "root").mkdir()
    monkeypatch.setattr(Shelf, "names", lambda shelf: 1 / 0)
    app = make_app(tmp_path / "root")
    with TestClient(app, base_url=ADDRESS, raise_server_exceptions=False) as client:
        detail = client.get("/api/v1/campaigns").json()["detail"]
    (fault,) = lines(log, "fault")
    assert f"number {fault['number']})" in detail
    assert fault["error"] == "ZeroDivisionError"
    assert "test_journal.py" in fault["traceback"]
    (asked,) = lines(log, "request finished")
    assert (asked["status"], asked["level"]) == (500, "warning")


def test_recording_is_written_and_its_scoring_in_a_worker_too(
    log: Path, own: Callable[[Path], Path], real_folder: Path
):
    root = own(real_folder)
    with TestClient(make_app(root), base_url=ADDRESS) as client:
        made = [
            {"specimen": name, "kind": kind, "status": "made"}
            for name, kind in (("R01-G1", "jar"), ("R01-G1-P1", "pellet"))
        ]
        read = {"specimen": "R01-G1-P1", "property": "ionic_conductivity", "value": str(VALUE),
                "temperature_c": 60}  # fmt: skip
        body = {"specimens": made, "readings": [read]}
        answer = client.post("/api/v1/campaigns/lab/records", json=body)
        assert answer.status_code == 200, answer.text
        until = time.monotonic() + 120
        while not lines(log, "job ended") and time.monotonic() < until:
            time.sleep(0.05)
    (taken,) = lines(log, "results recorded")
    assert (taken["readings"], taken["specimens"], taken["rounds"]) == (1, 2, ["R01"])
    assert (taken["person"], taken["door"]) == (account_name() or "this computer", "API")
    (begun,), (ended,) = lines(log, "job begun"), lines(log, "job ended")
    assert (begun["kind"], begun["campaign"], begun["job"]) == ("settle", "lab", ended["job"])
    assert (ended["state"], ended["level"]) == ("done", "info")
    assert ended["duration_s"] > 0
    (scored,) = lines(log, "round scored")
    assert scored["process"] != os.getpid() == ended["process"]
    assert f"{VALUE}" not in log.read_text()


def test_a_server_is_written_when_it_starts_and_stops(log: Path, tmp_path: Path):
    (tmp_path / "root").mkdir()
    found = listen(tmp_path / "root", port=0)
    found.server.should_exit = True
    found.run()
    assert lines(log, "server started")[0]["address"] == found.address
    assert len(lines(log, "server stopped")) == 1
