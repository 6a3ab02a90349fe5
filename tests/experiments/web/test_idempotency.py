"""A request sent again with its key is done once, and answered as the first time."""

from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from starlette.testclient import TestClient

from experiments.ledger import Ledger
from experiments.web.app import make_app

HERE = "/api/v1/campaigns/lab"
BODY = {
    "specimens": [
        {"specimen": "R01-G1", "kind": "jar", "status": "made", "replaces": 5},
        {"specimen": "R01-G1-P1", "kind": "pellet", "status": "made"},
    ],
    "readings": [
        {"specimen": "R01-G1-P1", "property": "ionic_conductivity", "value": "1.2e-5",
         "unit": "S/cm", "temperature_c": 60},
    ],
}  # fmt: skip
KEY = {"Idempotency-Key": "glovebox-17"}


def send(lab: TestClient, body: Any = BODY, path: str = "records") -> Any:
    return lab.post(f"{HERE}/{path}", json=body, headers=KEY)


def changes(lab: TestClient) -> int:
    with Ledger.open(lab.root / "lab" / "ledger.db") as ledger:  # type: ignore[attr-defined]
        return int((ledger.changes()["door"] == "API").sum())


def test_a_request_sent_again_is_done_once_and_answered_the_same(lab: TestClient):
    first, again = send(lab), send(lab)
    assert (first.status_code, again.status_code) == (200, 200)
    assert first.json()["readings_added"] == 1
    assert again.json() == first.json()
    assert changes(lab) == 1


def test_a_request_sent_again_after_a_restart_is_done_once(lab: TestClient):
    first = send(lab).json()
    with TestClient(make_app(lab.root), base_url=lab.base_url) as restarted:  # type: ignore[attr-defined]
        again = restarted.post(f"{HERE}/records", json=BODY, headers=KEY).json()
    assert again | {"settle_job": ""} == first | {"settle_job": ""}
    assert changes(lab) == 1


def test_a_request_sent_at_once_by_many_threads_is_done_once(lab: TestClient):
    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(lambda _: send(lab), range(8)))
    assert [one.status_code for one in answers] == [200] * 8
    counts = [{k: v for k, v in one.json().items() if k != "settle_job"} for one in answers]
    assert counts == [counts[0]] * 8
    assert counts[0]["readings_added"] == 1
    assert changes(lab) == 1


def test_a_request_sent_to_two_servers_at_once_is_done_once(lab: TestClient):
    with (
        TestClient(make_app(lab.root), base_url=lab.base_url) as other,  # type: ignore[attr-defined]
        ThreadPoolExecutor(8) as pool,
    ):
        for server in (lab, other):  # routes are built by the first request, with warnings silenced
            assert server.get(f"{HERE}/nothing").status_code == 404  # for all threads at once
        answers = list(pool.map(send, [lab, other] * 4))
    assert [one.status_code for one in answers] == [200] * 8
    assert {one.json()["readings_added"] for one in answers} == {1}
    assert changes(lab) == 1


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("records", {"specimens": BODY["specimens"]}),
        ("readings", {"rows": BODY["readings"]}),
        ("proposals", {"glasses": 1, "accept": True}),
    ],
)
def test_a_key_used_for_another_request_is_refused(lab: TestClient, path: str, body: Any):
    assert send(lab).status_code == 200
    answer = send(lab, body, path)
    assert answer.status_code == 409
    assert answer.json()["detail"] == (
        "Idempotency-Key 'glovebox-17' was used for another request before; use a new one"
    )
    assert changes(lab) == 1


def test_a_request_that_was_refused_may_be_mended_under_the_same_key(lab: TestClient):
    wrong = {"specimens": [{"specimen": "R01-G9", "kind": "jar", "status": "made"}]}
    assert send(lab, wrong).status_code == 422
    assert send(lab).status_code == 200


@pytest.mark.parametrize("key", ["", "a b", "ä", "k" * 201, "a\tb"])
def test_a_key_that_is_none_is_refused(lab: TestClient, key: str):
    headers = {"Idempotency-Key": key.encode("latin-1")}
    answer = lab.post(f"{HERE}/records", json=BODY, headers=headers)
    assert answer.status_code == 422
    assert answer.json()["problems"][0]["field"] == "Idempotency-Key"
    assert changes(lab) == 0
