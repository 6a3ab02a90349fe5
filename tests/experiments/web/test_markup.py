"""What somebody typed is shown as text and is never markup, wherever it comes back."""

from typing import Any

import pytest
from starlette.testclient import TestClient

TRAP = "<script>alert('SHUT')</script><img src=x onerror=alert(1)>"
SHOWN = ("&lt;script&gt;", "\\u003cscript", "\\u003cScript")
READING = {
    "specimen": "R01-G1-P1", "property": "ionic_conductivity", "value": "1.2e-5",
    "temperature_c": 60,
}  # fmt: skip


@pytest.fixture
def trapped(lab: TestClient) -> TestClient:
    """A campaign in which every free text is a script."""
    specimens = [
        {"specimen": "R01-G1", "kind": "jar", "status": "made", "note": TRAP, "operator": TRAP},
        {"specimen": "R01-G1-P1", "kind": "pellet", "status": "made", "note": TRAP},
        {"specimen": "R01-G2", "kind": "jar", "status": "failed", "reason": "other", "note": TRAP},
    ]
    reading = READING | {"method": TRAP, "note": TRAP}
    body = {"specimens": specimens, "readings": [reading]}
    answer = lab.post("/api/v1/campaigns/lab/records", json=body)
    assert answer.status_code == 200, answer.text
    return lab


def test_scripts_in_notes_are_shown_as_text(trapped: TestClient):
    shown = []
    for page in ("", "/history", "/rounds", "/rounds/R01", "/rounds/R01/sheet", "/enter",
                 "/specimens/R01-G1", "/specimens/R01-G1-P1", "/next", "/export"):  # fmt: skip
        answer = trapped.get(f"/c/lab{page}")
        assert answer.status_code == 200, page
        assert "<script>alert" not in answer.text, page
        assert "<img src=x" not in answer.text, page
        if any(form in answer.text for form in SHOWN):
            shown.append(page)
    assert {"/specimens/R01-G1", "/specimens/R01-G1-P1"} <= set(shown)


def test_scripts_in_addresses_and_complaints_are_shown_as_text(trapped: TestClient):
    asked: list[Any] = [
        trapped.get(f"/c/{TRAP}/history"),
        trapped.get(f"/c/lab/specimens/{TRAP}"),
        trapped.get("/c/lab/history", params={"before": TRAP}),
        trapped.get("/c/lab/what-if", params={"x": TRAP}),
        trapped.get("/login", params={"next": TRAP}),
    ]
    for answer in asked:
        assert answer.status_code < 500
        if answer.headers["content-type"].startswith("text/html"):
            assert "<script>alert" not in answer.text
            assert "<img src=x" not in answer.text
