"""The served pages and the API answer."""

import pytest
from starlette.testclient import TestClient


@pytest.mark.parametrize(
    "page",
    ["", "next", "enter", "rounds", "rounds/R01", "rounds/R02", "history", "export",
     "specimens/R01-G1", "specimens/R01-C1", "rounds/R01/sheet", "parts/standing"],
)  # fmt: skip
def test_every_page_of_a_campaign_is_served(looker: TestClient, page: str):
    answer = looker.get(f"/c/sim/{page}")
    assert answer.status_code == 200
    assert answer.headers["content-type"].startswith("text/html")
