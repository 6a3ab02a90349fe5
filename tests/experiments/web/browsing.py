"""Chromium driven by Playwright: pages, what their console says, and axe's verdict on them."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page, Request, expect, sync_playwright

from tests.experiments.headless import browser

expect.set_options(timeout=90_000)
TABLET = {"width": 1180, "height": 820}
SHOTS = os.environ.get("GLASSLOOP_SCREENSHOTS")
"""A folder to keep pictures of the pages in, to be looked at."""


class Watched:
    """A page, and all that went wrong on it.

    Attributes:
        page: Playwright's.
        faults: Errors of the console and of scripts.
        elsewhere: Requests to another host.
    """

    def __init__(self, page: Page, address: str) -> None:
        self.page, self.address = page, address
        self.faults: list[str] = []
        self.elsewhere: list[str] = []
        page.on("console", lambda m: self.faults.append(m.text) if m.type == "error" else None)
        page.on("pageerror", lambda error: self.faults.append(str(error)))
        page.on("request", self._note)

    def go(self, path: str) -> None:
        """Open a page of the server and wait until nothing more comes."""
        self.page.goto(self.address + path)
        self.page.wait_for_load_state("networkidle")

    def picture(self, name: str) -> None:
        """Keep a picture, where pictures are kept."""
        if SHOTS:
            Path(SHOTS).mkdir(parents=True, exist_ok=True)
            self.page.screenshot(path=f"{SHOTS}/{name}.png", full_page=True)

    def barriers(self) -> list[str]:
        """What axe finds that keeps people out: serious and critical."""
        found: dict[str, Any] = Axe().run(self.page).response
        return [
            f"{one['id']} ({one['impact']}): {one['nodes'][0]['html'][:160]}"
            for one in found["violations"]
            if one["impact"] in ("serious", "critical")
        ]

    def _note(self, request: Request) -> None:
        if not request.url.startswith((self.address, "data:", "blob:")):
            self.elsewhere.append(request.url)


@contextmanager
def browsing(address: str, **context: Any) -> Iterator[Watched]:
    """A browser at a server."""
    with sync_playwright() as playwright:
        program = playwright.chromium.launch(executable_path=browser(), args=["--no-sandbox"])
        try:
            page = program.new_context(viewport=TABLET, **context).new_page()
            page.set_default_timeout(60_000)
            yield Watched(page, address)
        finally:
            program.close()
