"""Who may do what: every address of the API, and every kind of token there is.

The table says which role an address needs. It is compared with the API's own description, so a
new address fails here until somebody decides who may use it.
"""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Final

import pytest
from starlette.testclient import TestClient

from experiments.access import AccessStore, Role
from experiments.web.app import make_app
from experiments.web.armour import Rates

ADDRESS: Final = "http://127.0.0.1"
MANY: Final = Rates(requests="100000/minute", logins="100000/minute")

NEEDS: Final = {
    "me": Role.READ,
    "people": Role.ADMIN,
    "list_campaigns": Role.READ,
    "new_campaign": Role.ADMIN,
    "campaign": Role.READ,
    "campaign_status": Role.READ,
    "propose": Role.RECORD,
    "list_drafts": Role.READ,
    "draft": Role.READ,
    "edit_draft": Role.RECORD,
    "accept_draft": Role.RECORD,
    "discard_draft": Role.RECORD,
    "list_rounds": Role.READ,
    "round": Role.READ,
    "close_round": Role.RECORD,
    "record": Role.RECORD,
    "record_specimens": Role.RECORD,
    "record_readings": Role.RECORD,
    "list_specimens": Role.READ,
    "specimen_history": Role.READ,
    "list_readings": Role.READ,
    "list_changes": Role.READ,
    "predict": Role.READ,
    "compare": Role.RECORD,
    "export": Role.READ,
    "archive": Role.READ,
    "job": Role.READ,
    "cancel_job": Role.RECORD,
    "job_file": Role.READ,
}
REFUSED: Final = ("none", "basic", "malformed", "foreign", "expired", "revoked")


def _operations() -> dict[str, tuple[str, str]]:
    """Method and address of each operation, naming a campaign that is not there."""
    paths = make_app(Path(__file__).parent).openapi()["paths"]
    return {
        operation["operationId"]: (method.upper(), path.replace("{", "").replace("}", ""))
        for path, operations in paths.items()
        for method, operation in operations.items()
    }


OPERATIONS: Final = _operations()


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder that holds no campaign."""
    return tmp_path_factory.mktemp("guarded")


@pytest.fixture(scope="module")
def headers(root: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, dict[str, str]]:
    """The header ``Authorization`` by kind of token."""
    store, other = AccessStore(root), AccessStore(tmp_path_factory.mktemp("other"))
    long_ago = datetime.now(UTC) - timedelta(days=3)
    texts = {role.value: store.add(f"Ana {role}", role) for role in Role}
    texts["expired"] = store.add("Old", Role.ADMIN, days=1, now=long_ago)
    texts["revoked"] = store.add("Gone", Role.ADMIN)
    store.revoke("Gone")
    texts["foreign"] = other.add("Ana admin", Role.ADMIN)
    texts["malformed"] = texts["admin"][:-1]
    found = {kind: {"Authorization": f"Bearer {text}"} for kind, text in texts.items()}
    return found | {"none": {}, "basic": {"Authorization": f"Basic {texts['admin']}"}}


@pytest.fixture(scope="module")
def guarded(root: Path, headers: dict[str, dict[str, str]]) -> Iterator[TestClient]:
    """A server that knows these tokens."""
    with TestClient(make_app(root, rates=MANY), base_url=ADDRESS) as client:
        yield client


def test_the_table_knows_every_address():
    assert set(NEEDS) == set(OPERATIONS)


@pytest.mark.parametrize("kind", REFUSED)
@pytest.mark.parametrize("name", OPERATIONS)
def test_an_address_lets_nobody_in_without_a_token_of_this_server(
    name: str, kind: str, guarded: TestClient, headers: dict[str, dict[str, str]]
):
    method, path = OPERATIONS[name]
    answer = guarded.request(method, path, headers=headers[kind])
    assert answer.status_code == 401
    assert answer.headers["www-authenticate"] == "Bearer"
    assert "token" in answer.json()["detail"]


@pytest.mark.parametrize("role", Role)
@pytest.mark.parametrize("name", OPERATIONS)
def test_an_address_needs_its_role_and_no_more(
    name: str, role: Role, guarded: TestClient, headers: dict[str, dict[str, str]]
):
    method, path = OPERATIONS[name]
    answer = guarded.request(method, path, headers=headers[role.value])
    if role.allows(NEEDS[name]):
        # allowed in: what was asked for is there, or is not, or the body is missing
        assert answer.status_code in (200, 404, 422)
    else:
        assert answer.status_code == 403
        assert answer.json()["detail"] == (
            f"Ana {role} has the role {role}, this needs {NEEDS[name]}; ask who runs the server "
            "for another token"
        )


def test_people_are_told_without_their_tokens(
    guarded: TestClient, headers: dict[str, dict[str, str]]
):
    answer = guarded.get("/api/v1/people", headers=headers["admin"])
    found: list[dict[str, Any]] = answer.json()["items"]
    assert {one["state"] for one in found} == {"valid", "expired", "revoked"}
    for header in headers.values():
        secret = header.get("Authorization", "").rpartition("_")[2]
        assert not secret or secret not in answer.text


def test_a_token_in_the_address_or_in_a_cookie_is_none(
    guarded: TestClient, headers: dict[str, dict[str, str]]
):
    token = headers["admin"]["Authorization"].removeprefix("Bearer ")
    assert guarded.get("/api/v1/me", params={"token": token}).status_code == 401
    assert guarded.get("/api/v1/me", headers={"Cookie": f"glassloop={token}"}).status_code == 401
