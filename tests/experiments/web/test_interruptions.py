"""Closed browsers, lost servers and cancelled work: nothing typed or written is lost or doubled."""

import os
import shutil
import signal
from pathlib import Path

import pytest
from playwright.sync_api import expect

from experiments.ledger import Ledger
from tests.experiments.web.browsing import browsing
from tests.experiments.web.running import ended, running, started


@pytest.fixture
def root(tmp_path: Path, real_folder: Path) -> Path:
    return Path(shutil.copytree(real_folder, tmp_path / "own"))


def test_what_was_typed_survives_a_killed_server_and_a_reload(root: Path):
    process, address = started(root)
    with browsing(address) as seen:
        page = seen.page
        seen.go("/c/lab/enter")
        page.locator("#readings-0-value").fill("0.9")
        ended(process, signal.SIGKILL)
        page.locator("#readings-1-value").fill("2.2e-4")
        expect(page.locator("#announce")).to_contain_text("cannot be reached")
        process, _ = started(root, port=int(address.rsplit(":", 1)[1]))
        try:
            page.reload()
            expect(page.locator("#readings-0-value")).to_have_value("0.9")
            expect(page.locator("#readings-1-value")).to_have_value("2.2e-4")
            expect(page.get_by_text("is here again")).to_be_visible()
            seen.picture("enter_given_back")
        finally:
            ended(process)


def test_a_proposal_goes_on_when_the_browser_is_closed(root: Path):
    with running(root) as address:
        with browsing(address) as seen:
            seen.go("/c/lab/next")
            seen.page.get_by_role("button", name="Propose").click()
            expect(seen.page.get_by_role("progressbar")).to_be_visible()
        with browsing(address) as seen:
            seen.go("/c/lab/next")
            page = seen.page
            if page.get_by_text("asked for a batch").is_visible():
                page.get_by_role("link", name="Look").first.click()
            expect(page.get_by_text("It becomes round R02")).to_be_visible()


def test_cancelled_work_leaves_nothing_and_can_be_asked_for_again(root: Path):
    with running(root) as address, browsing(address) as seen:
        page = seen.page
        seen.go("/c/lab/next")
        page.get_by_role("button", name="Propose").click()
        page.get_by_role("button", name="Cancel").click()
        expect(page.get_by_text("Cancelled; nothing was written.")).to_be_visible()
        with Ledger.open(root / "lab" / "ledger.db") as ledger:
            assert ledger.drafts().empty
            assert ledger.rounds()["id"].tolist() == ["R01"]
        seen.go("/c/lab/next")
        page.get_by_role("button", name="Propose").click()
        expect(page.get_by_text("It becomes round R02")).to_be_visible()


def test_no_worker_outlives_the_server(root: Path):
    process, address = started(root)
    with browsing(address) as seen:
        seen.go("/c/lab/")
        seen.page.wait_for_selector("#standing")
    workers = _descendants(process.pid)
    assert workers
    ended(process)
    assert [pid for pid in workers if _is_alive(pid)] == []


def _descendants(pid: int) -> list[int]:
    found = []
    for thread in Path(f"/proc/{pid}/task").iterdir():
        for child in (thread / "children").read_text().split():
            found += [int(child), *_descendants(int(child))]
    return found


def _is_alive(pid: int) -> bool:
    """Whether a process still works; one that is dead and not yet collected does not."""
    try:
        os.kill(pid, 0)
        return Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0] != "Z"
    except (ProcessLookupError, FileNotFoundError):
        return False
