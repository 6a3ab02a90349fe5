"""Recording through the API: all of it lands or nothing, and every complaint knows its place."""

from json import dumps
from typing import Any

import pytest
from starlette.testclient import TestClient

from experiments.access import AccessStore, Role
from experiments.ledger import Ledger

HERE = "/api/v1/campaigns/lab"
JAR = {"specimen": "R01-G1", "kind": "jar", "status": "made"}
PELLET = {"specimen": "R01-G1-P1", "kind": "pellet", "status": "made"}
READING = {
    "specimen": "R01-G1-P1", "property": "ionic_conductivity", "value": "1.2e-5", "unit": "S/cm",
    "temperature_c": 60,
}  # fmt: skip


def ledger_of(lab: TestClient) -> Ledger:
    return Ledger.open(lab.root / "lab" / "ledger.db")  # type: ignore[attr-defined]


def held(lab: TestClient) -> tuple[int, ...]:
    """Numbers that change with anything that is written."""
    with ledger_of(lab) as ledger:
        return (*ledger.state(), len(ledger.changes()))


def send(lab: TestClient, specimens: Any = (), readings: Any = (), **headers: str) -> Any:
    body = {"specimens": list(specimens), "readings": list(readings)}
    return lab.post(f"{HERE}/records", json=body, headers=headers)


def bearer(lab: TestClient, name: str) -> dict[str, str]:
    token = AccessStore(lab.root).add(name, Role.RECORD)  # type: ignore[attr-defined]
    return {"Authorization": f"Bearer {token}"}


def test_specimens_and_readings_land_together_and_only_once(lab: TestClient):
    first = send(lab, [JAR, PELLET], [READING])
    assert first.status_code == 200
    assert {name: first.json()[name] for name in ("specimens", "readings_added", "rounds")} == {
        "specimens": 2, "readings_added": 1, "rounds": ["R01"],
    }  # fmt: skip
    before = held(lab)
    again = send(lab, [JAR, PELLET], [READING]).json()
    assert (again["specimens"], again["readings_added"], again["unchanged"]) == (0, 0, 3)
    assert again["settle_job"] is None
    assert held(lab) == before


@pytest.mark.parametrize(
    ("specimens", "readings", "table", "row", "field", "said"),
    [
        pytest.param(
            [JAR, PELLET | {"mass_mg": "150 mgg"}], [READING], "specimens", 2, "mass_mg",
            "needs a number, got '150 mgg'", id="number-of-a-pellet",
        ),
        pytest.param(
            [JAR | {"specimen": "R01-G9"}], [READING], "specimens", 1, "specimen",
            "round R01 proposed no R01-G9; did you mean R01-G", id="name-of-a-jar",
        ),
        pytest.param(
            [JAR | {"status": "mde"}], [READING], "specimens", 1, "status",
            "got 'mde'", id="status",
        ),
        pytest.param(
            [JAR, PELLET], [READING, READING | {"property": "ionic_conductivty"}], "readings", 2,
            "property", "ionic_conductivity", id="property",
        ),
        pytest.param(
            [JAR, PELLET], [READING | {"unit": "S/cn"}], "readings", 1, "unit", "S/cn", id="unit",
        ),
        pytest.param(
            [JAR, PELLET], [READING | {"value": "1,2e-5,0"}], "readings", 1, "value", "1,2e-5,0",
            id="value",
        ),
    ],
)  # fmt: skip
def test_one_typo_is_told_with_table_row_and_field_and_nothing_is_written(
    lab: TestClient, specimens: Any, readings: Any, table: str, row: int, field: str, said: str
):
    before = held(lab)
    answer = send(lab, specimens, readings)
    assert answer.status_code == 422
    assert answer.headers["content-type"] == "application/problem+json"
    faults = answer.json()["problems"]
    assert (table, row, field) in {(one["table"], one["row"], one["field"]) for one in faults}
    assert any(said in one["detail"] for one in faults)
    assert held(lab) == before


def test_readings_sent_alone_are_called_readings_in_complaints(lab: TestClient):
    rows = [READING, {"specimen": "R01-G1-P1", "property": "ionic_conductivity", "value": [1]}]
    answer = lab.post(f"{HERE}/readings", json={"rows": rows})
    (fault,) = answer.json()["problems"]
    assert (fault["table"], fault["row"], fault["field"]) == ("readings", 2, "value")
    assert fault["detail"] == "must be text or a number; correct it, see /docs"


@pytest.mark.parametrize(
    ("cell", "said"),
    [
        ("=cmd|' /C calc'!A0", "looks like a formula"),
        ("@SUM(1)", "looks like a formula"),
        ("a\x00b", "control character U+0000"),
        ("a\x1b[31m", "control character U+001B"),
        ("a\u202eb", "control character U+202E"),
        ("x" * 3000, "at most 2,000"),
        ("\ud800", "UTF-8"),
        (True, "must be text or a number"),
        ({"a": 1}, "must be text or a number"),
        (float("nan"), "finite"),
        (float("inf"), "finite"),
    ],
)
def test_a_cell_that_no_table_may_hold_is_refused(lab: TestClient, cell: Any, said: str):
    before = held(lab)
    text = dumps({"specimens": [JAR | {"note": cell}]})  # NaN as NaN, which httpx would refuse
    answer = lab.post(f"{HERE}/records", content=text, headers={"Content-Type": "application/json"})
    assert answer.status_code == 422
    (fault,) = answer.json()["problems"]
    assert (fault["table"], fault["row"], fault["field"]) == ("specimens", 1, "note")
    assert said in fault["detail"]
    assert held(lab) == before


@pytest.mark.parametrize(
    "body",
    [
        {"specimens": [], "readings": []},
        {"specimens": [JAR | {"colour": "red"}]},
        {"specimens": [JAR], "more": 1},
        {"specimens": [PELLET | {"mass_mg": -5}]},
        {"specimens": [JAR | {"recovered_mass_mg": 1e300}]},
        {"specimens": [PELLET | {"mass_mg": 0}]},
        {"readings": [READING | {"n": 0}]},
        {"readings": [READING | {"replaces": -1}]},
        {"readings": [READING | {"value": -1e-5}]},
        {"readings": "all"},
        {"readings": [READING] * 2001},
        [],
        None,
    ],
)
def test_a_body_that_makes_no_sense_is_refused_and_nothing_is_written(lab: TestClient, body: Any):
    before = held(lab)
    answer = lab.post(f"{HERE}/records", json=body)
    assert answer.status_code == 422
    assert answer.json()["problems"]
    assert held(lab) == before


@pytest.mark.parametrize("text", ["", "{", "\ufeff{}", "[" * 50_000, '{"readings": [NaN', "\xff"])
def test_what_is_no_json_is_refused(lab: TestClient, text: str):
    answer = lab.post(
        f"{HERE}/records", content=text.encode("latin-1", "replace"),
        headers={"Content-Type": "application/json"},
    )  # fmt: skip
    assert answer.status_code in (400, 422)
    assert answer.headers["content-type"] == "application/problem+json"


@pytest.mark.parametrize("sent", [0, -1, 51, 1e9, 2.5, "many"])
def test_an_impossible_batch_is_refused_before_anything_begins(lab: TestClient, sent: Any):
    answer = lab.post(f"{HERE}/proposals", json={"glasses": sent})
    assert answer.status_code == 422
    assert answer.json()["problems"][0]["field"] == "glasses"


def test_a_reading_that_somebody_else_recorded_meanwhile_is_not_replaced_unseen(lab: TestClient):
    ana, ben = bearer(lab, "Ana"), bearer(lab, "Ben")
    assert send(lab, [JAR, PELLET], **ana).status_code == 200
    assert send(lab, [], [READING | {"replaces": 0}], **ana).status_code == 200
    before = held(lab)
    answer = send(lab, [], [READING | {"value": "3e-5", "replaces": 0}], **ben)
    assert answer.status_code == 422
    (fault,) = answer.json()["problems"]
    assert fault["detail"].startswith("Ana recorded 1.2e-5 S/cm at 20")
    assert "since you looked, got 3e-5 S/cm; send it again to replace that" in fault["detail"]
    assert held(lab) == before
    (reading,) = [
        one for one in lab.get(f"{HERE}/readings", headers=ben).json()["items"]
        if one["specimen"] == "R01-G1-P1"
    ]  # fmt: skip
    seen = {"value": "3e-5", "replaces": reading["version_id"]}
    assert send(lab, [], [READING | seen], **ben).json()["readings_corrected"] == 1


def test_a_specimen_that_somebody_else_changed_meanwhile_is_not_changed_unseen(lab: TestClient):
    ana, ben = bearer(lab, "Ana"), bearer(lab, "Ben")
    looked = {
        one["specimen"]: one["version_id"]
        for one in lab.get(f"{HERE}/specimens", headers=ana).json()["items"]
    }["R01-G1"]
    lost = JAR | {"status": "failed", "reason": "caked", "replaces": looked}
    assert send(lab, [lost], **ana).status_code == 200
    answer = send(lab, [JAR | {"replaces": looked}], **ben)
    assert answer.status_code == 422
    (fault,) = answer.json()["problems"]
    assert fault["detail"].startswith("R01-G1 was changed by Ana at 20")
    assert "to failed since you looked, got made; look again" in fault["detail"]
    assert send(lab, [lost], **ana).json()["unchanged"] == 1  # who says the same is no conflict


def test_a_second_measurement_sent_later_is_kept_beside_the_first(lab: TestClient):
    send(lab, [JAR, PELLET], [READING | {"note": "morning"}])
    later = send(lab, [], [READING | {"note": "evening", "value": "1.5e-5"}]).json()
    assert (later["readings_added"], later["readings_corrected"]) == (1, 0)
    held_now = {
        (one["note"], one["lower"]) for one in lab.get(f"{HERE}/readings").json()["items"]
        if one["specimen"] == "R01-G1-P1"
    }  # fmt: skip
    assert held_now == {("morning", 1.2e-5), ("evening", 1.5e-5)}


def test_every_change_names_its_person_and_the_door(lab: TestClient):
    ana = bearer(lab, "Ana")
    send(lab, [JAR, PELLET], [READING], **ana)
    lab.post(f"{HERE}/rounds/R01/close", headers=ana)
    token = AccessStore(lab.root).add("Kim", Role.ADMIN)  # type: ignore[attr-defined]
    kim = {"Authorization": f"Bearer {token}"}
    assert lab.post("/api/v1/campaigns", json={"name": "new"}, headers=kim).status_code == 201
    changes = lab.get(f"{HERE}/changes", headers=ana).json()["items"]
    did = [(one["person"], one["door"], part["did"], part["what"]) for one in changes
           for part in one["what"]]  # fmt: skip
    assert {("Ana", "API", "added", "reading"), ("Ana", "API", "corrected", "jar"),
            ("Ana", "API", "closed", "round")} <= set(did)  # fmt: skip
    assert all(one["person"] for one in changes if one["door"] == "API")
    born = lab.get("/api/v1/campaigns/new/changes", headers=kim).json()["items"]
    assert {(one["person"], one["door"]) for one in born} == {("Kim", "API")}
