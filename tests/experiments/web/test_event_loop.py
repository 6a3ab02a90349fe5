"""The event loop reads no database: one that is locked would stop everybody's pages."""

import asyncio
from pathlib import Path
from typing import Any

import pytest
from starlette.testclient import TestClient

from experiments.access_file import AccessFile
from experiments.ledger import Ledger
from tests.experiments.web.people import Visitor, arrive

PAGES = (
    "", "next", "enter", "explore", "what-if", "compare", "rounds", "rounds/R01",
    "rounds/R01/sheet", "history", "export", "export/file?form=json", "report", "nothing",
    "jobs/none", "parts/jobs/none", "specimens/R01-G1", "specimens/none", "compare/page",
)  # fmt: skip


def _is_in_event_loop() -> bool:
    try:
        asyncio.get_running_loop()
    except RuntimeError:
        return False
    return True


@pytest.fixture
def ana(lab: TestClient) -> Visitor:
    return arrive(lab, lab.root, "Ana")  # type: ignore[attr-defined]


@pytest.fixture
def caught(monkeypatch: pytest.MonkeyPatch) -> list[Path]:
    """Databases that were opened in the event loop."""
    found: list[Path] = []
    access, ledger = AccessFile._connection, Ledger.open

    def watched(self: AccessFile, *rest: Any) -> Any:
        if _is_in_event_loop():
            found.append(self.path)
        return access(self, *rest)

    def watched_ledger(path: Path, *rest: Any, **more: Any) -> Any:
        if _is_in_event_loop():
            found.append(path)
        return ledger(path, *rest, **more)

    monkeypatch.setattr(AccessFile, "_connection", watched)
    monkeypatch.setattr(Ledger, "open", watched_ledger)
    return found


@pytest.mark.parametrize("page", PAGES)
def test_a_page_opens_no_database_in_the_event_loop(ana: Visitor, page: str, caught: list[Path]):
    ana.get(f"/c/lab/{page}")
    assert caught == []


@pytest.mark.parametrize(
    ("path", "data"),
    [
        ("/c/lab/next/propose", {"glasses": "x"}),
        ("/c/lab/next/D01/edit", {"version": "1"}),
        ("/c/lab/compare", {"property": "x"}),
        ("/c/lab/export/archive", {}),
        ("/c/lab/export/nothing", {}),
        ("/c/lab/jobs/none/cancel", {}),
        ("/c/lab/enter/R01", {}),
        ("/c/lab/parts/weighed", {}),
        ("/c/lab/parts/reading", {}),
        ("/c/lab/rounds/R09/close", {}),
        ("/campaigns", {"name": "new"}),
        ("/login", {"token": "wrong"}),
        ("/logout", {}),
    ],
)
def test_a_form_opens_no_database_in_the_event_loop(
    ana: Visitor, path: str, data: dict[str, str], caught: list[Path]
):
    ana.post(path, {**data, "csrf": "stale"})
    ana.post(path, data)
    assert caught == []


def test_a_session_begins_without_a_database_in_the_event_loop(lab: TestClient, caught: list[Path]):
    arrive(lab, lab.root, "Ben")  # type: ignore[attr-defined]
    assert caught == []
