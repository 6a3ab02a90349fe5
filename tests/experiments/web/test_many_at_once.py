"""A whole laboratory at once: nothing is lost, nothing doubled. For times see ``web_load.py``."""

import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from starlette.testclient import TestClient

from experiments.access import AccessStore, Role
from experiments.campaign import Campaign

HERE = "/api/v1/campaigns/lab"
N_PEOPLE, N_READINGS = 4, 5
PAGES = ("", "enter", "rounds", "history")
SPECIMENS = [
    {"specimen": f"R01-G{number}{part}", "kind": kind, "status": "made"}
    for number in (1, 2)
    for part, kind in (("", "jar"), ("-P1", "pellet"))
]


def record(lab: TestClient, token: str, number: int) -> list[tuple[str, float]]:
    """One reading after the other, each a request and no other like it."""
    sent = []
    for i in range(N_READINGS):
        row = {
            "specimen": f"R01-G{1 + number % 2}-P1", "property": "ionic_conductivity",
            "value": f"{1 + number / 10 + i / 100:.2f}e-5", "unit": "S/cm", "temperature_c": 60,
            "note": f"many {number} {i}",
        }  # fmt: skip
        answer = lab.post(
            f"{HERE}/readings", json={"rows": [row]}, headers={"Authorization": f"Bearer {token}"}
        )
        assert answer.json()["readings_added"] == 1
        sent.append((row["note"], float(row["value"])))
    return sent


def propose(lab: TestClient, token: str) -> str:
    """Open a round at once, as a robot does."""
    headers = {"Authorization": f"Bearer {token}"}
    body = {"glasses": 1, "trilayers": 0, "accept": True}
    job: dict[str, Any] = lab.post(f"{HERE}/proposals", json=body, headers=headers).json()
    while job["state"] in ("queued", "running"):
        time.sleep(0.05)
        job = lab.get(f"/api/v1/jobs/{job['id']}", headers=headers).json()
    assert job["state"] == "done"
    return str(job["result"]["round"])


def test_four_people_record_while_a_round_is_opened_and_nothing_is_lost_or_doubled(
    lab: TestClient,
):
    store = AccessStore(lab.root)  # type: ignore[attr-defined]
    tokens = [store.add(f"person {number}", Role.RECORD) for number in range(N_PEOPLE)]
    robot = store.add("robot", Role.RECORD)
    made = lab.post(
        f"{HERE}/specimens", json={"rows": SPECIMENS},
        headers={"Authorization": f"Bearer {robot}"},
    )  # fmt: skip
    assert made.json()["specimens"] == len(SPECIMENS)
    with ThreadPoolExecutor(N_PEOPLE + 1) as pool:
        opened = pool.submit(propose, lab, robot)
        working = [pool.submit(record, lab, one, number) for number, one in enumerate(tokens)]
        sent = Counter(reading for one in working for reading in one.result())
        assert opened.result() == "R02"
    with Campaign.open(lab.root / "lab") as campaign:  # type: ignore[attr-defined]
        assert campaign.verify() == []
        ledger = campaign.ledger
        own = ledger.readings().query("note.str.startswith('many ')")
        assert Counter(zip(own["note"], own["lower"], strict=True)) == sent
        assert set(sent.values()) == {1}
        assert len(sent) == N_PEOPLE * N_READINGS
        assert list(ledger.rounds()["id"]) == ["R01", "R02"]
        signed = Counter(
            change["person"]
            for change in ledger.changes().to_dict("records")
            for part in change["what"]
            if (part["did"], part["what"]) == ("added", "reading") and change["person"]
        )
    assert {name: signed[name] for name in signed if name.startswith("person ")} == {
        f"person {number}": N_READINGS for number in range(N_PEOPLE)
    }


def test_pages_answer_while_readings_are_recorded(lab: TestClient):
    lab.post(f"{HERE}/specimens", json={"rows": SPECIMENS})
    with ThreadPoolExecutor(2) as pool:
        working = pool.submit(_record_openly, lab)
        answers = [lab.get(f"/c/lab/{page}").status_code for _ in range(5) for page in PAGES]
        working.result()
    assert set(answers) == {200}


def _record_openly(lab: TestClient) -> None:
    for i in range(10):
        row = {
            "specimen": "R01-G1-P1", "property": "ionic_conductivity", "value": f"1.{i}e-5",
            "unit": "S/cm", "temperature_c": 60, "note": f"many {i}",
        }  # fmt: skip
        assert lab.post(f"{HERE}/readings", json={"rows": [row]}).status_code == 200
