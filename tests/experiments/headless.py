"""A page opened in headless Chromium: what it logged, and what it asked the network for."""

import json
import os
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

import pytest

NAMES = ("chromium", "chromium-browser", "google-chrome")
QUIET = (
    "--headless", "--no-sandbox", "--disable-gpu", "--disable-background-networking",
    "--no-first-run", "--no-default-browser-check", "--host-resolver-rules=MAP * ~NOTFOUND",
)  # fmt: skip
"""Nothing outside can be reached; what is asked for is logged all the same."""

NOT_THE_PAGE = "not an origin"
"""Chromium's word for who asked, when it was Chromium itself."""


@dataclass(frozen=True)
class Seen:
    """What came of opening a page.

    Attributes:
        console: Lines on its console.
        requests: Addresses the page asked for, itself aside.
        dom: The page as the browser understood it.
    """

    console: tuple[str, ...]
    requests: tuple[str, ...]
    dom: str


def browser() -> str:
    """Chromium; the test is skipped without one unless CI_REQUIRE_CHROMIUM is set."""
    found = next(filter(None, map(shutil.which, NAMES)), None)
    if found is None and os.environ.get("CI_REQUIRE_CHROMIUM"):
        pytest.fail("there is no Chromium; install it with apt-get install chromium")
    if found is None:
        pytest.skip("there is no Chromium")
    return found


def opened(page: Path, folder: Path) -> Seen:
    """Open a file in Chromium.

    Args:
        page: An HTML file.
        folder: For what the browser writes; must be empty.
    """
    log = folder / "net.json"
    done = subprocess.run(
        [browser(), *QUIET, f"--user-data-dir={folder / 'profile'}", "--enable-logging=stderr",
         f"--log-net-log={log}", "--dump-dom", page.as_uri()],
        capture_output=True, text=True, check=True, timeout=120,
    )  # fmt: skip
    asked = [
        event["params"]["url"]
        for event in json.loads(log.read_text())["events"]
        if event.get("params", {}).get("initiator", NOT_THE_PAGE) != NOT_THE_PAGE
    ]
    outside = tuple(url for url in asked if url != page.as_uri() and not url.startswith("data:"))
    console = tuple(line for line in done.stderr.splitlines() if "CONSOLE" in line)
    return Seen(console, outside, done.stdout)
