"""A recorded value is corrected in the unit it was entered in, and unusual ones are asked about."""

import re
from pathlib import Path

import pytest
from starlette.testclient import TestClient

from experiments.ledger import Ledger
from tests.experiments.web.people import Visitor, arrive

MADE = {
    "specimens-0-specimen": "R01-G1", "specimens-0-kind": "jar", "specimens-0-status": "made",
    "specimens-1-specimen": "R01-G1-P1", "specimens-1-kind": "pellet", "specimens-1-status": "made",
}  # fmt: skip
READ = {
    "readings-0-specimen": "R01-G1-P1", "readings-0-property": "ionic_conductivity",
    "readings-0-temperature_c": "60",
}  # fmt: skip


@pytest.fixture
def ana(lab: TestClient) -> Visitor:
    return arrive(lab, lab.root, "Ana")


def record(ana: Visitor, **typed: str) -> str:
    """Record a conductivity; gives the address that corrects it."""
    fields = {f"readings-0-{name}": value for name, value in typed.items()}
    answer = ana.post("/c/lab/enter/R01", {**MADE, **READ, **fields})
    assert "Recorded." in answer.text, answer.text
    page = ana.get("/c/lab/specimens/R01-G1-P1").text
    found = re.search(r'action="([^"]*/readings/\d+)"', page)
    assert found is not None
    return found[1]


def conductivity(root: Path) -> tuple[float, float, int]:
    with Ledger.open(root / "lab" / "ledger.db") as ledger:
        own = ledger.readings().query("specimen == 'R01-G1-P1'")
    row = own.set_index("property").loc["ionic_conductivity"]
    return float(row["lower"]), float(row["se"]), int(row["n"])


def test_the_form_shows_value_unit_and_error_as_entered(ana: Visitor):
    record(ana, value="0.2", unit="mS/cm", se="0.01", n="3")
    page = ana.get("/c/lab/specimens/R01-G1-P1").text
    for name, value in (("value", "0.2"), ("unit", "mS/cm"), ("se", "0.01"), ("n", "3")):
        assert re.search(rf'name="{name}"[^>]* value="{re.escape(value)}"', page), name


def test_a_number_is_read_in_the_unit_beside_it(ana: Visitor):
    address = record(ana, value="0.2", unit="mS/cm", se="0.01", n="3")
    ana.post(address, {"value": "0.3", "unit": "mS/cm", "se": "0.01", "n": "3"})
    assert conductivity(ana.client.root) == pytest.approx((3e-4, 1e-5, 3))


def test_error_and_number_can_be_corrected_too(ana: Visitor):
    address = record(ana, value="0.2", unit="mS/cm", se="0.01", n="3")
    ana.post(address, {"value": "2e-4", "unit": "S/cm", "se": "2e-5", "n": "5"})
    assert conductivity(ana.client.root) == pytest.approx((2e-4, 2e-5, 5))


def test_an_unusual_value_is_asked_about_before_it_is_written(ana: Visitor):
    address = record(ana, value="0.2", unit="mS/cm", se="0.01")
    typed = {"value": "200", "unit": "mS/cm", "se": "0.01", "n": "1"}
    asked = ana.post(address, typed)
    if "I mean it" not in asked.text:  # impossible rather than unusual
        typed["value"] = "9"
        asked = ana.post(address, typed)
    assert asked.status_code == 422
    assert "I mean it" in asked.text
    assert conductivity(ana.client.root)[0] == pytest.approx(2e-4)
    ana.post(address, {**typed, "sure": "yes"})
    assert conductivity(ana.client.root)[0] == pytest.approx(float(typed["value"]) * 1e-3)


def test_a_reading_is_taken_back_by_a_word(ana: Visitor):
    address = record(ana, value="0.2", unit="mS/cm")
    answer = ana.post(address, {"value": "withdrawn", "unit": "mS/cm", "se": "", "n": "1"})
    assert answer.status_code == 200
    with Ledger.open(ana.client.root / "lab" / "ledger.db") as ledger:
        assert "ionic_conductivity" not in set(
            ledger.readings().query("specimen == 'R01-G1-P1'")["property"]
        )
