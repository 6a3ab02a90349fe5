"""A campaign whose folder goes away while it is served."""

import shutil
import time
from typing import Any

import pytest
from starlette.testclient import TestClient

HERE = "/api/v1/campaigns/lab"
ROWS = {"rows": [{"specimen": "R01-G1", "kind": "jar", "status": "made"}]}
GONE = (
    "campaign 'lab' is no longer here: its folder was moved or deleted while the server ran; put "
    "it back, or choose another campaign"
)


def remove(lab: TestClient) -> None:
    shutil.rmtree(lab.root / "lab")  # type: ignore[attr-defined]


def ended(lab: TestClient, job: str) -> dict[str, Any]:
    while True:
        found: dict[str, Any] = lab.get(f"/api/v1/jobs/{job}").json()
        if found["state"] in ("done", "failed", "cancelled"):
            return found
        time.sleep(0.05)


@pytest.mark.parametrize(
    ("method", "path", "body"),
    [
        ("GET", "", None),
        ("GET", "/readings", None),
        ("GET", "/status", None),
        ("GET", "/export", None),
        ("POST", "/specimens", ROWS),
        ("POST", "/proposals", {}),
        ("POST", "/predictions", {"recipes": [{"x": 0.1}]}),
        ("POST", "/archives", None),
        ("POST", "/rounds/R01/close", None),
    ],
)
def test_a_deleted_campaign_is_said_to_be_gone(lab: TestClient, method: str, path: str, body: Any):
    assert lab.get(HERE).status_code == 200
    remove(lab)
    answer = lab.request(method, HERE + path, json=body)
    assert answer.status_code == 410
    assert answer.json()["detail"] == GONE
    assert not (lab.root / "lab").exists()  # type: ignore[attr-defined]


def test_a_campaign_that_never_was_is_not_found(lab: TestClient):
    answer = lab.get("/api/v1/campaigns/other")
    assert answer.status_code == 404
    assert answer.json()["detail"].startswith("there is no campaign 'other' here")


@pytest.mark.sqlite_file
def test_a_job_whose_campaign_is_deleted_fails_and_says_so(lab: TestClient):
    job = lab.post(f"{HERE}/proposals", json={"accept": True}).json()["id"]
    while lab.get(f"/api/v1/jobs/{job}").json()["progress"] < 0.2:
        time.sleep(0.02)
    remove(lab)
    found = ended(lab, job)
    assert found["state"] == "failed"
    assert found["error"] == GONE


def test_a_campaign_put_back_is_served_again(lab: TestClient):
    kept = lab.root / "elsewhere"  # type: ignore[attr-defined]
    shutil.move(lab.root / "lab", kept)  # type: ignore[attr-defined]
    assert lab.get(f"{HERE}/readings").status_code == 404  # never asked for before
    shutil.move(kept, lab.root / "lab")  # type: ignore[attr-defined]
    assert lab.get(f"{HERE}/readings").status_code == 200
