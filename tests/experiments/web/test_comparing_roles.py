"""Who may look may look at the last comparison; starting one needs to record."""

from starlette.testclient import TestClient

from experiments.access import Role
from tests.experiments.web.people import arrive

PAGE = "<!doctype html><title>Compared</title>"


def test_a_reader_sees_the_last_comparison_and_begins_none(lab: TestClient):
    root = lab.root  # type: ignore[attr-defined]
    (root / "lab" / "compare.html").write_text(PAGE, encoding="utf-8")
    reader = arrive(lab, root, "Ben", Role.READ)
    page = reader.get("/c/lab/compare").text
    assert "Last comparison" in page
    assert '<button class="main">Compare' not in page
    assert reader.get("/c/lab/compare/page").text == PAGE
    asked = {"property": "ionic_conductivity", "surrogate": "mean"}
    refused = reader.post("/c/lab/compare", asked)
    assert refused.status_code == 403
    assert "this needs record" in refused.text
    recorder = arrive(lab, root, "Ana", Role.RECORD)
    assert recorder.post("/c/lab/compare", asked).status_code == 303
