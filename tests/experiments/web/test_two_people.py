"""Two people at one campaign: nobody overwrites the other unseen."""

import re

from starlette.testclient import TestClient

from experiments.access import Role
from tests.experiments.web.people import arrive, finish


def test_the_second_to_edit_a_row_of_a_draft_is_told_who_was_quicker(lab: TestClient):
    ana, bo = (arrive(lab, lab.root, name) for name in ("Ana", "Bo"))
    shown = finish(ana, ana.post("/c/lab/next/propose", {"glasses": "2", "trilayers": "0"}))
    assert shown == "/c/lab/next"
    edit = {"row": "G1", "deed": "set", "version": "1"}
    first = bo.post("/c/lab/next/D01/edit", {**edit, "set-pressing_pressure_mpa": "400"})
    assert first.status_code == 303
    late = ana.post("/c/lab/next/D01/edit", {**edit, "set-pressing_pressure_mpa": "300"})
    assert late.status_code == 409
    assert "changed by Bo" in late.text
    assert "400 MPa" in ana.get("/c/lab/next").text
    again = ana.post(
        "/c/lab/next/D01/edit", {**edit, "version": "2", "set-pressing_pressure_mpa": "300"}
    )
    assert again.status_code == 303
    assert "300 MPa" in bo.get("/c/lab/next").text


def test_the_second_to_enter_a_reading_sees_the_first_and_may_replace_it(lab: TestClient):
    ana, bo = (arrive(lab, lab.root, name) for name in ("Ana", "Bo"))
    made = {
        "specimens-0-specimen": "R01-G1", "specimens-0-kind": "jar", "specimens-0-status": "made",
        "specimens-1-specimen": "R01-G1-P1", "specimens-1-kind": "pellet",
        "specimens-1-status": "made",
    }  # fmt: skip
    row = {
        "readings-0-specimen": "R01-G1-P1", "readings-0-property": "youngs_modulus",
        "readings-0-unit": "GPa", "readings-0-temperature_c": "25", "readings-0-replaces": "0",
    }  # fmt: skip
    first = bo.post("/c/lab/enter/R01", {**made, **row, "readings-0-value": "19.5"})
    assert "Recorded." in first.text
    late = ana.post("/c/lab/enter/R01", {**row, "readings-0-value": "18.5"})
    assert late.status_code == 422
    assert "Bo recorded 19.5 GPa" in late.text
    renewed = re.search(r'name="readings-0-replaces" value="(\d+)"', late.text)
    assert renewed is not None
    again = ana.post(
        "/c/lab/enter/R01",
        {**row, "readings-0-replaces": renewed[1], "readings-0-value": "18.5"},
    )
    assert "1 corrected" in again.text
    history = ana.get("/c/lab/history").text
    assert "18.5 GPa instead of 19.5 GPa" in history


def test_both_may_record_the_same_value(lab: TestClient):
    ana, bo = (arrive(lab, lab.root, name) for name in ("Ana", "Bo"))
    fields = {
        "specimens-0-specimen": "R01-G1", "specimens-0-kind": "jar", "specimens-0-status": "made",
        "specimens-1-specimen": "R01-G1-P1", "specimens-1-kind": "pellet",
        "specimens-1-status": "made",
        "readings-0-specimen": "R01-G1-P1", "readings-0-property": "youngs_modulus",
        "readings-0-unit": "GPa", "readings-0-temperature_c": "25", "readings-0-value": "19.5",
        "readings-0-replaces": "0",
    }  # fmt: skip
    assert "1 new reading" in bo.post("/c/lab/enter/R01", fields).text
    assert "known already" in ana.post("/c/lab/enter/R01", fields).text


def test_a_correction_of_a_reading_somebody_corrected_meanwhile_is_refused(lab: TestClient):
    ana, bo = (arrive(lab, lab.root, name) for name in ("Ana", "Bo"))
    fields = {
        "specimens-0-specimen": "R01-G1", "specimens-0-kind": "jar", "specimens-0-status": "made",
        "specimens-1-specimen": "R01-G1-P1", "specimens-1-kind": "pellet",
        "specimens-1-status": "made",
        "readings-0-specimen": "R01-G1-P1", "readings-0-property": "youngs_modulus",
        "readings-0-unit": "GPa", "readings-0-temperature_c": "25", "readings-0-value": "19.5",
    }  # fmt: skip
    ana.post("/c/lab/enter/R01", fields)
    page = ana.get("/c/lab/specimens/R01-G1-P1").text
    version = re.search(r"/readings/(\d+)", page)
    assert version is not None
    address = f"/c/lab/specimens/R01-G1-P1/readings/{version[1]}"
    corrected = bo.post(address, {"value": "20.1", "unit": "GPa", "n": "1"}).text
    assert "20.1 GPa replaces 19.5 GPa" in corrected, corrected[1500:3000]
    late = ana.post(address, {"value": "17.0", "unit": "GPa", "n": "1"})
    assert late.status_code == 422
    assert "Bo recorded 20.1 GPa" in late.text


def test_who_only_reads_is_not_offered_to_write_and_may_not(lab: TestClient):
    reader = arrive(lab, lab.root, "Cy", Role.READ)
    assert "Propose</button>" not in reader.get("/c/lab/next").text
    refused = reader.post("/c/lab/next/propose", {"glasses": "2"})
    assert refused.status_code == 403
    assert "Cy has the role read, this needs record" in refused.text


def test_a_form_of_another_session_is_refused(lab: TestClient):
    ana = arrive(lab, lab.root, "Ana")
    refused = ana.post("/c/lab/next/propose", {"csrf": "0" * 64})
    assert refused.status_code == 403
    assert "from another session" in refused.text
