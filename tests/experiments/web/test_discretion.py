"""Readers are not told where on the computer a campaign lies; the log is."""

import logging
import time
from pathlib import Path

import pytest
from starlette.testclient import TestClient

from experiments.access import AccessStore, Role
from experiments.web.app import make_app
from experiments.web.discretion import hide_folder
from features.errors import CampaignError
from tests.experiments.web.people import arrive


@pytest.fixture
def root(lab: TestClient) -> Path:
    found: Path = lab.root  # type: ignore[attr-defined]
    return found


def test_a_ledger_that_cannot_be_read_is_named_by_its_campaign(
    lab: TestClient, root: Path, caplog: pytest.LogCaptureFixture
):
    ana = arrive(lab, root, "Ana")
    (root / "lab" / "ledger.db").write_bytes(b"no database" * 100)
    for path in ("/c/lab/", "/c/lab/history", "/c/lab/jobs/none", "/"):
        caplog.clear()
        with caplog.at_level(logging.WARNING, logger="glassloop"):
            page = ana.get(path).text
        assert "lab/ledger.db" in page
        assert str(root) not in page
        assert str(root / "lab" / "ledger.db") in caplog.text


@pytest.mark.parametrize("path", ["", "/readings", "/status", "/export"])
def test_the_api_names_a_ledger_by_its_campaign(lab: TestClient, root: Path, path: str):
    (root / "lab" / "ledger.db").write_bytes(b"no database" * 100)
    answer = lab.get(f"/api/v1/campaigns/lab{path}")
    assert answer.json()["detail"].startswith("lab/ledger.db")


def test_a_job_that_fails_in_its_worker_names_no_folder(
    lab: TestClient, root: Path, caplog: pytest.LogCaptureFixture
):
    (root / "lab" / "campaign.yaml").write_text("name: [", encoding="utf-8")
    with caplog.at_level(logging.WARNING, logger="glassloop"):
        job = lab.post("/api/v1/campaigns/lab/archives").json()["id"]
        while (found := lab.get(f"/api/v1/jobs/{job}").json())["finished_at"] is None:
            time.sleep(0.05)
    assert found["state"] == "failed"
    assert found["error"].startswith("lab/campaign.yaml")
    assert str(root / "lab" / "campaign.yaml") in caplog.text


def test_a_damaged_store_of_tokens_is_named_without_its_place(tmp_path: Path):
    store = AccessStore(tmp_path)
    token = store.add("Ana", Role.READ)
    store.path.write_bytes(b"no database" * 100)
    with TestClient(make_app(tmp_path), base_url="http://127.0.0.1") as client:
        page = client.post("/login", data={"token": token}).text
        told = client.get("/api/v1/me", headers={"Authorization": f"Bearer {token}"}).text
    for text in (page, told):
        assert "access.db: is damaged" in text
        assert str(tmp_path) not in text


@pytest.mark.parametrize(
    ("folder", "said", "told"),
    [
        ("/srv/all/lab", "/srv/all/lab/ledger.db: is gone", "lab/ledger.db: is gone"),
        ("/srv/all/lab", "/srv/all/lab: is gone", "lab: is gone"),
        ("/srv/all/lab", "/srv/all/mlruns/mlflow.db: is gone", "mlruns/mlflow.db: is gone"),
        ("/lab", "/lab/ledger.db: of 1/2 mg", "lab/ledger.db: of 1/2 mg"),
        ("/srv/all/lab", "x: must be a number; see /docs", "x: must be a number; see /docs"),
    ],
)
def test_a_folder_becomes_its_name(folder: str, said: str, told: str):
    error = CampaignError(said)
    hide_folder(error, Path(folder))
    assert str(error) == told


def test_a_folder_that_was_given_from_here_becomes_its_name(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.chdir(tmp_path)
    for folder in (Path("data/lab"), Path("../x/data/lab")):
        error = CampaignError(f"{folder}/ledger.db and {folder.absolute()}/ledger.db")
        hide_folder(error, folder)
        assert str(error) == "lab/ledger.db and lab/ledger.db"
