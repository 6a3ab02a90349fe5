"""The page of a job belongs to its campaign, and says what every page of it says."""

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
from starlette.testclient import TestClient

from experiments.web.app import make_app
from experiments.web.jobs import Job, State
from tests.experiments.web.people import Visitor, arrive


@pytest.fixture
def ana(lab: TestClient) -> Visitor:
    """Somebody at ``lab``, with ``other`` beside it."""
    root: Path = lab.root  # type: ignore[attr-defined]
    shutil.copytree(root / "lab", root / "other")
    return arrive(lab, root, "Ana")


def job(client: TestClient, campaign: str, state: State = "failed", kind: str = "propose") -> str:
    """A job that is there, and nobody works on."""
    found = Job(kind, campaign, "Ana", state=state, words="it was too cold")
    client.app.state.server.bench.keep(found)  # type: ignore[attr-defined]
    return found.id


@pytest.mark.parametrize("campaign", ["other", "none"])
@pytest.mark.parametrize("state", ["failed", "done"])
def test_a_job_is_not_shown_by_another_campaign(ana: Visitor, campaign: str, state: State):
    name = job(ana.client, "lab", state)
    assert ana.get(f"/c/{campaign}/jobs/{name}").status_code == 404
    assert ana.get(f"/c/{campaign}/parts/jobs/{name}").status_code == 404


def test_a_job_is_not_cancelled_by_another_campaign(ana: Visitor):
    name = job(ana.client, "lab")
    assert ana.post(f"/c/other/jobs/{name}/cancel").status_code == 404
    assert ana.post(f"/c/lab/jobs/{name}/cancel").headers["location"] == f"/c/lab/jobs/{name}"


def test_a_job_that_was_forgotten_is_said_to_be(ana: Visitor):
    answer = ana.get("/c/lab/jobs/0a1b")
    assert answer.status_code == 404
    assert "the server forgets jobs when it restarts" in answer.text


def test_an_archive_is_not_given_away_by_another_campaign(ana: Visitor, tmp_path: Path):
    name, server = job(ana.client, "lab", "done", "archive"), ana.client.app.state.server
    server.files[name] = tmp_path / "made.zip"
    server.files[name].write_bytes(b"zip")
    assert ana.get(f"/c/lab/export/archive/{name}").content == b"zip"
    assert ana.get(f"/c/other/export/archive/{name}").status_code == 404
    assert "archive is ready" in ana.get(f"/c/lab/export?job={name}").text
    assert "archive is ready" not in ana.get(f"/c/other/export?job={name}").text


def test_the_page_of_a_job_of_a_simulated_campaign_says_so(
    own: Callable[[Path], Path], served_folder: Path
):
    root = own(served_folder)
    with TestClient(make_app(root), base_url="http://127.0.0.1") as client:
        page = client.get(f"/c/sim/jobs/{job(client, 'sim')}").text
    assert "SIMULATED" in page
    assert "it was too cold" in page
