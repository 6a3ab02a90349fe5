"""Whatever is sent, the API answers as its description says, and never with a fault of its own.

Half of the cases name a real campaign, round, draft, specimen and job, so that they get past the
first look. Three things are not done hundreds of times: jobs (propose, accept, compare, archive,
settle) are taken and at once said to be done, and what the worker answers after seconds (status,
Optuna's studies) is worked out once and remembered. Proposals have tests of their own.
"""

import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final
from zlib import crc32

import pytest
import requests
import schemathesis
from hypothesis import HealthCheck, settings
from schemathesis.checks import not_a_server_error
from schemathesis.config import SchemathesisConfig
from schemathesis.specs.openapi import checks
from starlette.testclient import TestClient

from experiments.access import Person
from experiments.web.app import make_app
from experiments.web.armour import Rates
from experiments.web.jobs import Job
from experiments.web.state import Server

ADDRESS: Final = "http://127.0.0.1"
N_EXAMPLES: Final = 6
"""Of each operation; 500 were tried once, which takes ten minutes."""

HELD: Final = [
    not_a_server_error,
    checks.status_code_conformance,
    checks.content_type_conformance,
    checks.response_headers_conformance,
    checks.response_schema_conformance,
    checks.unsupported_method,
    checks.allow_header_conformance,
    checks.negative_data_rejection,
]
KNOWN: Final = {
    "campaign": "lab",
    "round_id": "R01",
    "draft": "D01",
    "specimen": "R01-G1",
    "job_id": "aaaaaaaaaaaaaaaa",
}

WITH_ONE_TOKEN: Final = SchemathesisConfig.from_dict(
    {"generation": {"with-security-parameters": False}}
)
schema = schemathesis.openapi.from_dict(
    make_app(Path(__file__).parent).openapi(), config=WITH_ONE_TOKEN
)


@schema.hook
def map_path_parameters(context: Any, path_parameters: dict[str, Any] | None) -> Any:
    """Known names in half of the cases, the same half each time."""
    if not path_parameters or crc32(repr(path_parameters).encode()) % 2:
        return path_parameters
    return {name: KNOWN.get(name, value) for name, value in path_parameters.items()}


@pytest.fixture(scope="module")
def client(real_folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[TestClient]:
    """A server over a real campaign with a draft, its long work left out."""
    root = Path(shutil.copytree(real_folder, tmp_path_factory.mktemp("schema") / "own"))
    app = make_app(root, rates=Rates(requests="1000000/minute"))
    with pytest.MonkeyPatch.context() as patch, TestClient(app, base_url=ADDRESS) as found:
        begun = found.post("/api/v1/campaigns/lab/proposals", json={"glasses": 1, "trilayers": 0})
        found.portal.call(
            app.state.server.bench.finished, app.state.server.bench.job(begun.json()["id"])
        )
        assert found.get("/api/v1/campaigns/lab/drafts/D01").json()["state"] == "open"
        _leave_out_long_work(patch)
        app.state.server.bench.keep(
            Job("archive", "lab", "Ana", id=KNOWN["job_id"], state="failed", words="no")
        )
        yield found


def _leave_out_long_work(patch: pytest.MonkeyPatch) -> None:
    ask, kept = Server.ask, dict[str, Any]()

    def begin(
        self: Server, kind: str, work: str, campaign: str, person: Person, *_: Any, **__: Any
    ) -> Job:
        self.shelf.folder(campaign)
        return Job(kind, campaign, person.name, state="done", share=1.0, words="done")

    def begin_once(
        self: Server, work: str, campaign: str, person: Person, *_: Any, **__: Any
    ) -> Job:
        return begin(self, work, work, campaign, person)

    async def once(self: Server, work: str, campaign: str, *args: Any, **more: Any) -> Any:
        self.shelf.folder(campaign)
        if work not in ("standing", "optuna"):
            return await ask(self, work, campaign, *args, **more)
        if work not in kept:
            kept[work] = await ask(self, work, campaign, *args, **more)
        return kept[work]

    patch.setattr(Server, "begin", begin)
    patch.setattr(Server, "begin_once", begin_once)
    patch.setattr(Server, "ask", once)


@schema.parametrize()
@settings(
    max_examples=N_EXAMPLES,
    deadline=None,
    derandomize=True,
    suppress_health_check=list(HealthCheck),
)
def test_an_address_answers_as_described_whatever_is_sent(
    case: schemathesis.Case, client: TestClient
):
    request = requests.Request(**case.as_transport_kwargs(base_url=ADDRESS)).prepare()
    headers = [(name.encode(), value.encode("latin-1")) for name, value in _texts(request)]
    answer = client.request(request.method, request.url, headers=headers, content=request.body)
    case.validate_response(answer, checks=HELD)


def _texts(request: requests.PreparedRequest) -> Iterator[tuple[str, str]]:
    for name, value in request.headers.items():
        yield name, value.decode("latin-1") if isinstance(value, bytes) else value
