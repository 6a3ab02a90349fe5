"""Lists in pages: who walks through them sees everything once, even while others write."""

from typing import Any

import pytest
from starlette.testclient import TestClient

HERE = "/api/v1/campaigns/lab"
KEYS = {"specimens": "specimen", "readings": "version_id", "changes": "id", "rounds": "id",
        "drafts": "id"}  # fmt: skip


def walked(lab: TestClient, name: str, limit: int) -> list[Any]:
    found: list[Any] = []
    after = None
    while True:
        more = {} if after is None else {"after": after}
        page = lab.get(f"{HERE}/{name}", params={"limit": limit, **more}).json()
        assert len(page["items"]) <= limit
        found += [one[KEYS[name]] for one in page["items"]]
        after = page["next"]
        if after is None:
            return found


@pytest.mark.parametrize("name", KEYS)
def test_walking_through_pages_shows_everything_once_in_the_same_order(lab: TestClient, name: str):
    whole = [one[KEYS[name]] for one in lab.get(f"{HERE}/{name}").json()["items"]]
    assert len(whole) == len(set(whole))
    for limit in (1, 2, 1000):
        assert walked(lab, name, limit) == whole


def test_a_specimen_changed_while_somebody_pages_is_neither_missed_nor_doubled(lab: TestClient):
    first = lab.get(f"{HERE}/specimens", params={"limit": 2}).json()
    seen = [one["specimen"] for one in first["items"]]
    everything = [one["specimen"] for one in lab.get(f"{HERE}/specimens").json()["items"]]
    rows = [
        {"specimen": name, "kind": "jar", "status": "made"}
        for name in everything
        if name.startswith("R01") and "-P" not in name
    ]
    assert rows
    assert lab.post(f"{HERE}/specimens", json={"rows": rows}).status_code == 200
    after = first["next"]
    while after is not None:
        page = lab.get(f"{HERE}/specimens", params={"limit": 2, "after": after}).json()
        seen += [one["specimen"] for one in page["items"]]
        after = page["next"]
    assert seen == everything


@pytest.mark.parametrize("name", KEYS)
@pytest.mark.parametrize("after", ["x", "-1", "1e3", "\u0661", "", "999999999999999999999"])
def test_a_place_that_next_never_said_is_refused(lab: TestClient, name: str, after: str):
    answer = lab.get(f"{HERE}/{name}", params={"after": after})
    assert answer.status_code == 422
    assert "must be what 'next' said" in answer.json()["detail"]


@pytest.mark.parametrize("limit", [0, -1, 1001, "all"])
def test_a_page_of_an_impossible_length_is_refused(lab: TestClient, limit: Any):
    answer = lab.get(f"{HERE}/readings", params={"limit": limit})
    assert answer.status_code == 422
    assert answer.json()["problems"][0]["field"] == "limit"
