"""The client against a real server on this computer, and against one that misbehaves."""

import json
import re
import shutil
import signal
import subprocess
import sys
import time
import zipfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from types import SimpleNamespace
from typing import Any

import pytest
import requests
from requests.adapters import HTTPAdapter

import experiments.client
from experiments.access import AccessStore, Role
from experiments.campaign import Campaign as OwnCampaign
from experiments.client import (
    TRIES,
    ApiProblem,
    Campaign,
    Client,
    Draft,
    JobFailedError,
    ServerAwayError,
)
from experiments.config import CampaignConfig, MlflowConfig
from tests.experiments.web.running import ended, running, started

ROOT = Path(__file__).parents[3]
MADE = [
    {"specimen": "R01-G1", "kind": "jar", "status": "made", "recovered_mass_mg": 1600},
    {"specimen": "R01-G1-P1", "kind": "pellet", "status": "made"},
]
READ = [{"specimen": "R01-G1-P1", "property": "youngs_modulus", "value": 20.4}]
Answer = tuple[int, dict[str, str], dict[str, Any]]


@pytest.fixture
def fast(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """Waits are written down instead of waited."""
    waits: list[float] = []
    clock = SimpleNamespace(sleep=waits.append, monotonic=time.monotonic)
    monkeypatch.setattr(experiments.client, "time", clock)
    return waits


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Path, str]]:
    """A folder that is served to the tests of this file, and its address."""
    root = tmp_path_factory.mktemp("campaigns")
    with running(root) as there:
        with Client(there) as client:
            client.me()  # it answers
        yield root, there


@pytest.fixture
def address(served: tuple[Path, str]) -> str:
    return served[1]


@pytest.fixture
def lab(served: tuple[Path, str], real_folder: Path) -> Iterator[Campaign]:
    """A campaign of the test's own; R01 is open."""
    root, there = served
    name = f"lab{len(list(root.iterdir()))}"
    shutil.copytree(real_folder / "lab", root / name)
    with Client(there) as client:
        yield client.campaign(name)


@contextmanager
def scripted(*answers: Answer) -> Iterator[tuple[str, list[dict[str, str]]]]:
    """A server that answers what it is told, the last answer again and again."""
    seen: list[dict[str, str]] = []

    class Handler(BaseHTTPRequestHandler):
        def answer(self) -> None:
            self.rfile.read(int(self.headers.get("Content-Length") or 0))
            status, headers, body = answers[min(len(seen), len(answers) - 1)]
            seen.append(dict(self.headers.items()) | {"method": self.command})
            text = json.dumps(body).encode()
            self.send_response(status)
            for name, value in headers.items():
                self.send_header(name, value)
            self.send_header("Content-Length", str(len(text)))
            self.end_headers()
            self.wfile.write(text)

        do_GET = do_POST = do_PATCH = do_DELETE = answer  # noqa: N815 - names of the library

        def log_message(self, *args: object) -> None:
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = Thread(target=server.serve_forever)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}", seen
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


class LosesAnswers(HTTPAdapter):
    """A connection that breaks after the server did what it was asked."""

    def __init__(self, n: int) -> None:
        super().__init__()
        self.left = n

    def send(self, request: requests.PreparedRequest, *args: Any, **more: Any) -> Any:
        answer = super().send(request, *args, **more)
        if request.method != "GET" and self.left > 0:
            self.left -= 1
            answer.close()
            raise requests.ConnectionError("the answer got lost")
        return answer


def n_records(campaign: Campaign) -> int:
    """Changes of the ledger that came by the API."""
    return sum(change["door"] == "API" for change in campaign.changes())


def test_the_client_is_one_file_that_needs_nothing_of_glassloop(tmp_path: Path):
    shutil.copy(experiments.client.__file__, tmp_path / "client.py")
    code = (
        "import sys; sys.path.insert(0, '.'); import client; client.Client('http://127.0.0.1:1'); "
        "print([n for n in ('experiments', 'features', 'pandas', 'numpy', 'torch', 'fastapi', "
        "'pydantic') if n in sys.modules])"
    )
    done = subprocess.run(
        [sys.executable, "-I", "-c", code], cwd=tmp_path, capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == "[]"


def test_a_draft_is_proposed_edited_and_accepted(lab: Campaign):
    draft = lab.draft(lab.propose(glasses=2, trilayers=0).wait(poll_s=0.2)["draft"])
    assert (draft.version, draft.state) == (1, "open")
    edited = lab.edit(draft, [{"row": "G2", "drop": True}])
    assert edited.version == 2
    with pytest.raises(ApiProblem, match=r"(?s)version.*\(409\)"):
        lab.edit(draft, [{"row": "G1", "drop": True}])
    round_id = lab.accept(edited).wait(poll_s=0.2)["round"]
    assert [glass["id"] for glass in lab.round(round_id)["glasses"]] == [f"{round_id}-G1"]
    assert [one.state for one in lab.drafts()] == ["accepted"]
    assert [one["id"] for one in lab.rounds()] == ["R01", round_id]


def test_a_draft_can_be_discarded(lab: Campaign):
    draft = lab.draft(lab.propose(glasses=1, trilayers=0).wait(poll_s=0.2)["draft"])
    assert lab.discard(draft).state == "discarded"
    assert lab.facts()["open_draft"] is None


def test_lists_follow_their_pages(lab: Campaign, monkeypatch: pytest.MonkeyPatch):
    lists = (lab.specimens, lab.readings, lab.changes)
    whole = [list(rows()) for rows in lists]
    monkeypatch.setattr(experiments.client, "PAGE", 1)
    assert [list(rows()) for rows in lists] == whole
    assert all(len(rows) > 1 for rows in whole)


def test_a_record_whose_answer_got_lost_is_recorded_once(lab: Campaign, fast: list[float]):
    lab._door.session.mount("http://", LosesAnswers(2))
    done = lab.record(specimens=MADE, readings=READ)
    assert (done.specimens, done.readings_added, done.unchanged) == (2, 1, 0)
    assert n_records(lab) == 1
    assert fast == [0.5, 1.0]


def test_a_key_of_ones_own_does_a_record_once(lab: Campaign):
    first = lab.record(specimens=MADE, readings=READ, key="R01-G1")
    assert lab.record(specimens=MADE, readings=READ, key="R01-G1") == first
    with pytest.raises(ApiProblem, match=r"'R01-G1' was used for another request"):
        lab.record(specimens=MADE, key="R01-G1")


def test_a_job_outlives_the_server_that_began_it(own: Callable[[Path], Path], real_folder: Path):
    lab_root = own(real_folder)
    process, there = started(lab_root)
    try:
        with Client(there) as client:
            lab = client.campaign("lab")
            job = lab.propose(glasses=1, trilayers=0, accept=True)
            number = job.id
            ended(process, signal.SIGKILL)
            process, _ = started(lab_root, int(there.rpartition(":")[2]))
            assert job.wait(poll_s=0.2) == {"round": "R02"}
            assert job.id != number
            again = lab.propose(glasses=1, trilayers=0, accept=True, key="another")
            assert again.wait(poll_s=0.2) == {"round": "R03"}
            assert [one["id"] for one in lab.rounds()] == ["R01", "R02", "R03"]
    finally:
        ended(process)


def test_a_cancelled_job_says_so(lab: Campaign):
    job = lab.compare(properties=["youngs_modulus"])
    job.cancel()
    with pytest.raises(JobFailedError, match=rf"compare of {lab.name} cancelled: cancelled"):
        job.wait(poll_s=0.1)


def test_waiting_for_a_job_ends_after_the_time_given():
    queued = {"id": "1", "kind": "propose", "campaign": "lab", "state": "queued", "progress": 0}
    body = {**queued, "words": "waiting for its turn", "result": None, "error": None}
    with scripted((202, {}, body)) as (there, _), Client(there) as client:
        job = client.campaign("lab").propose()
        with pytest.raises(TimeoutError, match=r"not over after 0 s \(waiting for its turn\)"):
            job.wait(timeout_s=0)


def test_a_problem_is_printed_line_by_line(lab: Campaign):
    wrong = {"specimen": "R01-G1-P1", "property": "youngs_modulus", "value": -1}
    unknown = {"specimen": "R09-G1", "kind": "jar", "status": "made"}
    with pytest.raises(ApiProblem, match=r"2 problems found") as caught:
        lab.record(specimens=[*MADE, unknown], readings=[wrong])
    lines = str(caught.value).splitlines()
    assert lines[0] == "2 problems found, nothing was written (422)"
    assert lines[1].startswith("specimens row 3, R09-G1, specimen: ")
    assert lines[2].startswith("readings row 1, R01-G1-P1, value: ")
    assert [fault.row for fault in caught.value.problems] == [3, 1]


def test_a_token_is_shown_and_a_missing_one_is_asked_for(
    own: Callable[[Path], Path], real_folder: Path
):
    lab_root = own(real_folder)
    token = AccessStore(lab_root).add("Robot 1", Role.RECORD, days=1)
    with running(lab_root) as there:
        with Client(there, token) as client:
            assert client.me() == {"name": "Robot 1", "role": "record"}
            assert client.campaigns() == [{"name": "lab", "kind": "real", "problem": ""}]
        with Client(there) as client, pytest.raises(ApiProblem, match=r"needs a token.*\(401\)"):
            client.me()


def test_tables_and_the_archive_become_files(lab: Campaign, tmp_path: Path):
    table = lab.export("csv", to=tmp_path / "readings.csv", table="readings")
    archive = lab.archive(to=tmp_path / "lab.zip")
    (predicted,) = lab.predict([{"x": 0.3}])
    assert "ionic_conductivity" in table.read_text(encoding="utf-8")
    assert "ledger.db" in zipfile.ZipFile(archive).namelist()
    assert predicted["predictions"]["youngs_modulus"]["unit"] == "GPa"
    assert sorted(file.name for file in tmp_path.glob("*.*")) == ["lab.zip", "readings.csv"]


def test_a_file_that_is_refused_leaves_the_old_one(lab: Campaign, tmp_path: Path):
    (tmp_path / "old.csv").write_text("old", encoding="utf-8")
    with pytest.raises(ApiProblem, match=r"table"):
        lab.export("csv", to=tmp_path / "old.csv", table="nothing")
    assert (tmp_path / "old.csv").read_text(encoding="utf-8") == "old"


def test_a_busy_server_is_asked_again_with_the_same_key_as_late_as_it_says(fast: list[float]):
    done = {"id": "D01", "version": 2, "state": "discarded", "person": ""}
    busy: list[Answer] = [(429, {"Retry-After": "7"}, {}), (502, {}, {}), (503, {}, {})]
    with scripted(*busy, (200, {}, done)) as (there, seen), Client(there) as client:
        client.campaign("lab").discard(Draft("D01", 1, "open", "", {}))
    assert fast == [7.0, 1.0, 2.0]
    assert len({one["Idempotency-Key"] for one in seen}) == 1
    assert len(seen) == 4


@pytest.mark.parametrize("status", [400, 403, 404, 409, 410, 413, 422, 500])
def test_a_refusal_is_never_sent_again(status: int, fast: list[float]):
    with scripted((status, {}, {"detail": "no"})) as (there, seen), Client(there) as client:
        with pytest.raises(ApiProblem, match=rf"no \({status}\)") as caught:
            client.campaign("lab").record(specimens=MADE)
        assert caught.value.status == status
    assert (len(seen), fast) == (1, [])


def test_a_server_that_stays_busy_is_given_up(fast: list[float]):
    with (
        scripted((503, {}, {"detail": "not now"})) as (there, seen),
        Client(there) as client,
        pytest.raises(ApiProblem, match=r"not now \(503\)"),
    ):
        client.me()
    assert len(seen) == TRIES
    assert fast == [0.5, 1.0, 2.0, 4.0, 8.0, 16.0, 30.0]


def test_a_server_that_is_away_is_named_after_all_tries(fast: list[float]):
    said = r"127.0.0.1:1/api/v1: no answer to GET me"
    with Client("http://127.0.0.1:1") as client, pytest.raises(ServerAwayError, match=said):
        client.me()
    assert len(fast) == TRIES - 1


def test_a_redirection_is_told_and_not_followed():
    elsewhere = {"Location": "https://glass.example.org/api/v1/x"}
    with (
        scripted((301, elsewhere, {})) as (there, seen),
        Client(there) as client,
        pytest.raises(ApiProblem, match=r"elsewhere, at https://glass.example.org"),
    ):
        client.campaign("lab").record(specimens=MADE)
    assert [one["method"] for one in seen] == ["POST"]


def test_what_is_no_answer_of_glassloop_says_so():
    with (
        scripted((404, {}, {"error": "nginx"})) as (there, _),
        Client(there) as client,
        pytest.raises(ApiProblem, match=r"no answer of glassloop: Not Found; check"),
    ):
        client.me()


def test_the_page_about_the_api_runs(tmp_path: Path):
    config = CampaignConfig(name="na3pso", mlflow=MlflowConfig(track=False))
    OwnCampaign.create(tmp_path / "na3pso", config, pictures=False).close()
    page = (ROOT / "docs/api.md").read_text(encoding="utf-8")
    with running(tmp_path / "na3pso") as there:
        page = page.replace("http://127.0.0.1:8080", there)
        shell, python = (
            "".join(re.findall(rf"^```{language}\n(.*?)^```$", page, re.DOTALL | re.MULTILINE))
            for language in ("sh", "py")
        )
        if shutil.which("curl") is None:
            pytest.skip("curl is not here")
        said = _run(["bash", "-euc", shell], tmp_path)
        assert '"readings_added":2' in said
        said = _run([sys.executable, "-c", f"import sys; sys.path.insert(0, '{ROOT}')\n{python}"],
                    tmp_path)  # fmt: skip
    assert re.search(r"^\d problems found, nothing was written \(422\)$", said, re.MULTILINE)


def test_the_page_about_the_api_names_every_address(address: str):
    paths = requests.get(f"{address}/api/v1/openapi.json", timeout=60).json()["paths"]
    page = (ROOT / "docs/api.md").read_text(encoding="utf-8")
    named = set(re.findall(r"^\| `(\S+)` \| ([A-Z]+) \|", page, re.MULTILINE))
    there = set()
    for path, operations in paths.items():
        short = path.removeprefix("/api/v1")
        short = short.replace("/campaigns/{campaign}/", ".../")
        there |= {(short, method.upper()) for method in operations}
    assert named == there


def _run(arguments: list[str], folder: Path) -> str:
    done = subprocess.run(arguments, cwd=folder, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout
