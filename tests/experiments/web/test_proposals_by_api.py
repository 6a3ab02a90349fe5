"""From a proposal to a round: as a draft that people discuss, or at once as a robot does."""

import time
from typing import Any

import pytest
from starlette.testclient import TestClient

from experiments.access import AccessStore, Role
from experiments.ledger import Ledger
from experiments.web.app import make_app

HERE = "/api/v1/campaigns/lab"
SMALL = {"glasses": 1, "trilayers": 0}


def ended(lab: TestClient, job: dict[str, Any], **headers: str) -> dict[str, Any]:
    while True:
        found: dict[str, Any] = lab.get(f"/api/v1/jobs/{job['id']}", headers=headers).json()
        if found["state"] in ("done", "failed", "cancelled"):
            return found
        time.sleep(0.05)


def begun(lab: TestClient, job: dict[str, Any]) -> None:
    """Wait until something is really being done."""
    while lab.get(f"/api/v1/jobs/{job['id']}").json()["progress"] == 0:
        time.sleep(0.02)


def propose(lab: TestClient, **more: Any) -> dict[str, Any]:
    headers = more.pop("headers", {})
    answer = lab.post(f"{HERE}/proposals", json=SMALL | more, headers=headers)
    assert answer.status_code == 202
    found: dict[str, Any] = answer.json()
    assert answer.headers["location"] == f"/api/v1/jobs/{found['id']}"
    return found


def rounds(lab: TestClient, **headers: str) -> list[str]:
    return [one["id"] for one in lab.get(f"{HERE}/rounds", headers=headers).json()["items"]]


def sound(lab: TestClient) -> bool:
    with Ledger.open(lab.root / "lab" / "ledger.db") as ledger:  # type: ignore[attr-defined]
        return ledger.verify() == []


def bearer(lab: TestClient, name: str) -> dict[str, str]:
    token = AccessStore(lab.root).add(name, Role.RECORD)  # type: ignore[attr-defined]
    return {"Authorization": f"Bearer {token}"}


def test_a_draft_is_edited_by_two_people_and_becomes_a_round_once(lab: TestClient):
    ana, ben = bearer(lab, "Ana"), bearer(lab, "Ben")
    done = ended(lab, propose(lab, headers=ana), **ana)
    assert done["state"] == "done"
    there = f"{HERE}/drafts/{done['result']['draft']}"
    draft = lab.get(there, headers=ben).json()
    assert (draft["version"], draft["state"], draft["person"]) == (1, "open", "Ana")

    edit = {"version": 1, "edits": [{"row": "G1", "set": {"x": 0.21}}]}
    changed = lab.patch(there, json=edit, headers=ben)
    assert changed.status_code == 200
    assert changed.json()["version"] == 2
    assert changed.json()["rows"][0]["recipe"]["x"] == 0.21

    for stale in (
        lab.patch(there, json=edit, headers=ana),
        lab.post(f"{there}/accept", json={"version": 1}, headers=ana),
        lab.post(f"{there}/discard", json={"version": 1}, headers=ana),
    ):
        assert stale.status_code == 409
        assert "is at version 2, changed by Ben at 20" in stale.json()["detail"]

    key = ana | {"Idempotency-Key": "accept-1"}
    first = lab.post(f"{there}/accept", json={"version": 2}, headers=key)
    again = lab.post(f"{there}/accept", json={"version": 2}, headers=key)
    assert again.json()["id"] == first.json()["id"]
    accepted = ended(lab, first.json(), **ana)
    assert accepted["result"] == {"round": "R02"}
    later = lab.post(f"{there}/accept", json={"version": 2}, headers=key)
    assert (later.status_code, later.json()["result"]) == (202, {"round": "R02"})
    assert rounds(lab, **ana) == ["R01", "R02"]

    frozen = lab.get(f"{HERE}/rounds/R02", headers=ana).json()
    (glass,) = frozen["glasses"]
    assert glass["recipe"]["x"] == 0.21
    assert glass["predictions"]["ionic_conductivity"]["unit"] == "S/cm"
    with Ledger.open(lab.root / "lab" / "ledger.db") as ledger:  # type: ignore[attr-defined]
        (proposal,) = ledger.proposals("R02").to_dict("records")
        assert proposal["prediction"].keys() == glass["predictions"].keys()
        assert ledger.model(proposal["model_sha256"])
    closed = lab.post(f"{there}/accept", json={"version": 3}, headers=ben)
    assert closed.status_code == 409
    assert "was accepted by Ana" in closed.json()["detail"]


def test_a_second_draft_is_refused_at_once_and_a_discarded_one_makes_room(lab: TestClient):
    assert ended(lab, propose(lab))["state"] == "done"
    answer = lab.post(f"{HERE}/proposals", json=SMALL)
    assert answer.status_code == 409
    assert "is open since" in answer.json()["detail"]
    gone = lab.post(f"{HERE}/drafts/D01/discard", json={"version": 1})
    assert gone.json()["state"] == "discarded"
    assert ended(lab, propose(lab))["result"] == {"draft": "D02"}
    assert [one["id"] for one in lab.get(f"{HERE}/drafts").json()["items"]] == ["D02", "D01"]


def test_an_edit_that_cannot_be_is_told_with_its_row_and_changes_nothing(lab: TestClient):
    assert ended(lab, propose(lab))["state"] == "done"
    wrong: list[tuple[dict[str, Any], str | None]] = [
        ({"row": "G1", "set": {"x": 99}}, "x"),
        ({"row": "G1", "set": {"colour": "red"}}, "colour"),
        ({"row": "G9", "drop": True}, None),
        ({"run": {"milling_time_h": -1}}, "milling_time_h"),
    ]
    for edit, field in wrong:
        answer = lab.patch(f"{HERE}/drafts/D01", json={"version": 1, "edits": [edit]})
        assert answer.status_code == 422
        faults = answer.json()["problems"]
        assert any(one["field"] == field for one in faults), edit
        assert lab.get(f"{HERE}/drafts/D01").json()["version"] == 1


def test_a_draft_that_never_was_is_not_found(lab: TestClient):
    edits = [{"row": "G1", "drop": True}]
    for answer in (
        lab.get(f"{HERE}/drafts/D77"),
        lab.patch(f"{HERE}/drafts/D77", json={"version": 1, "edits": edits}),
        lab.post(f"{HERE}/drafts/D77/accept", json={"version": 1}),
        lab.post(f"{HERE}/drafts/D77/discard", json={"version": 1}),
    ):
        assert answer.status_code == 404
        assert answer.json()["detail"] == "there is no draft 'D77'; drafts: none yet"


def test_two_robots_proposing_at_once_open_two_rounds_one_after_the_other(lab: TestClient):
    jobs = [propose(lab, accept=True), propose(lab, accept=True)]
    results = [ended(lab, job) for job in jobs]
    assert [one["state"] for one in results] == ["done", "done"]
    assert [one["result"] for one in results] == [{"round": "R02"}, {"round": "R03"}]
    assert rounds(lab) == ["R01", "R02", "R03"]
    assert sound(lab)


def test_a_cancelled_proposal_leaves_nothing_and_the_next_one_works(lab: TestClient):
    running, waiting = propose(lab, accept=True), propose(lab, accept=True)
    begun(lab, running)
    for job in (waiting, running):
        stopped = lab.delete(f"/api/v1/jobs/{job['id']}").json()
        assert (stopped["state"], stopped["words"]) == (
            "cancelled", "cancelled; nothing was written",
        )  # fmt: skip
    assert rounds(lab) == ["R01"]
    assert lab.get(f"{HERE}/drafts").json()["items"] == []
    assert ended(lab, propose(lab, accept=True))["result"] == {"round": "R02"}
    assert sound(lab)


@pytest.mark.parametrize("wait_s", [0.0, 0.01, 0.05])
def test_a_job_cancelled_the_moment_it_begins_is_cancelled(lab: TestClient, wait_s: float):
    job = propose(lab, accept=True)
    time.sleep(wait_s)
    assert lab.delete(f"/api/v1/jobs/{job['id']}").json()["state"] == "cancelled"
    assert rounds(lab) == ["R01"]


def test_cancelling_what_is_done_changes_nothing(lab: TestClient):
    job = propose(lab)
    done = ended(lab, job)
    assert lab.delete(f"/api/v1/jobs/{job['id']}").json() == done


def test_a_job_stopped_after_it_wrote_is_said_to_be_done(
    lab: TestClient, monkeypatch: pytest.MonkeyPatch
):
    job = propose(lab, accept=True)
    while rounds(lab) == ["R01"]:  # written, but folder and answer are still to come
        time.sleep(0.005)
    found = lab.delete(f"/api/v1/jobs/{job['id']}").json()
    assert (found["state"], found["result"]) == ("done", {"round": "R02"})


def test_a_request_cut_off_by_a_restart_is_done_once_when_sent_again(lab: TestClient):
    body, key = SMALL | {"accept": True}, {"Idempotency-Key": "night-7"}
    with TestClient(make_app(lab.root), base_url=lab.base_url) as killed:  # type: ignore[attr-defined]
        job = killed.post(f"{HERE}/proposals", json=body, headers=key).json()
        begun(killed, job)
    answer = lab.post(f"{HERE}/proposals", json=body, headers=key)
    assert ended(lab, answer.json())["result"] == {"round": "R02"}
    with TestClient(make_app(lab.root), base_url=lab.base_url) as restarted:  # type: ignore[attr-defined]
        again = restarted.post(f"{HERE}/proposals", json=body, headers=key).json()
        assert (again["state"], again["result"]) == ("done", {"round": "R02"})
        lost = restarted.get(f"/api/v1/jobs/{job['id']}")
        assert lost.status_code == 404
        assert "the server forgets jobs when it restarts" in lost.json()["detail"]
    assert rounds(lab) == ["R01", "R02"]
    assert sound(lab)
