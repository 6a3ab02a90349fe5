"""Closed browsers, lost servers and cancelled work: nothing typed or written is lost or doubled."""

import os
import shutil
import signal
from pathlib import Path

import pytest
import requests
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
            expect(page.get_by_text("here again")).to_be_visible()
            seen.picture("enter_given_back")
        finally:
            ended(process)


def test_what_was_typed_comes_back_to_its_own_row_or_is_named(root: Path):
    with running(root) as address, browsing(address) as seen:
        page = seen.page
        seen.go("/c/lab/enter")
        modulus = page.locator('[data-key="R01-G2-P1|youngs_modulus|value"]')
        modulus.fill("20.4")
        page.locator('[data-key="R01-G1-P1|youngs_modulus|value"]').fill("19.9")
        _record_glass(address, "R01-G1", youngs_modulus="18.1")
        page.reload()
        expect(modulus).to_have_value("20.4")
        filled = page.eval_on_selector_all(
            "[data-key]", "all => all.filter(e => e.value !== e.dataset.was).map(e => e.value)"
        )
        assert filled == ["20.4"]
        expect(page.get_by_text("Somebody recorded these rows meanwhile")).to_contain_text(
            "R01-G1-P1 youngs modulus value: 19.9"
        )


def test_a_record_of_some_rows_leaves_the_others_as_they_were_typed(root: Path):
    with running(root) as address, browsing(address) as seen:
        page = seen.page
        seen.go("/c/lab/enter")
        page.locator('[data-key="R01-G1||status"]').select_option("made")
        page.locator('[data-key="R01-G1||note"]').fill("grey")
        page.locator('[data-key="R01-G2||note"]').fill("not yet")
        page.get_by_role("button", name="Record").click()
        expect(page.get_by_text("Recorded.")).to_be_visible()
        expect(page.locator('[data-key="R01-G1-P1||status"]')).to_have_value("")
        expect(page.locator('[data-key="R01-G1-P1||note"]')).to_have_value("")
        expect(page.locator('[data-key="R01-G2||note"]')).to_have_value("not yet")
        expect(page.get_by_text("meanwhile")).to_be_hidden()


def test_what_was_refused_is_still_there_after_looking_at_another_page(root: Path):
    with running(root) as address, browsing(address) as seen:
        page = seen.page
        seen.go("/c/lab/enter")
        page.locator('[data-key="R01-G1||status"]').select_option("made")
        mass = page.locator('[data-key="R01-G1||recovered_mass_mg"]')
        mass.fill("much")
        page.get_by_role("button", name="Record").click()
        expect(mass).to_have_attribute("aria-invalid", "true")
        seen.go("/c/lab/next")
        seen.go("/c/lab/enter")
        expect(mass).to_have_value("much")


def test_files_fill_what_was_not_typed(root: Path):
    results = root / "results.csv"
    results.write_text("specimen,property,value,unit\nR01-G1-P1,youngs_modulus,21,GPa\n"
                       "R01-G2-P1,youngs_modulus,22,GPa\n")  # fmt: skip
    with running(root) as address, browsing(address) as seen:
        page = seen.page
        seen.go("/c/lab/enter")
        page.locator('[data-key="R01-G2||note"]').fill("typed before")
        page.locator('[data-key="R01-G2-P1|youngs_modulus|value"]').fill("20.4")
        page.get_by_text("From files").click()
        page.locator("#files").set_input_files(str(results))
        page.get_by_role("button", name="Fill the tables below").click()
        expect(page.locator('[data-key="R01-G1-P1|youngs_modulus|value"]')).to_have_value("21")
        expect(page.locator('[data-key="R01-G2-P1|youngs_modulus|value"]')).to_have_value("20.4")
        expect(page.get_by_text("the file says '22'")).to_be_visible()
        expect(page.locator('[data-key="R01-G2||note"]')).to_have_value("typed before")


def _record_glass(address: str, glass: str, **values: str) -> None:
    """Somebody else records a glass over the API."""
    made = [{"specimen": glass, "kind": "jar", "status": "made"},
            {"specimen": f"{glass}-P1", "kind": "pellet", "status": "made"}]  # fmt: skip
    read = [
        {"specimen": f"{glass}-P1", "property": name, "value": value, "temperature_c": 25}
        for name, value in values.items()
    ]
    answer = requests.post(
        f"{address}/api/v1/campaigns/lab/records", json={"specimens": made, "readings": read},
        timeout=120,
    )  # fmt: skip
    assert answer.status_code == 200, answer.text


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
