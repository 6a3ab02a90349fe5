"""Campaigns and specimens with blanks, signs and slashes in their names are reached and saved."""

import html
import re
import shutil
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import quote, unquote, urljoin

import pytest
from starlette.testclient import TestClient

from experiments.campaign import Campaign
from experiments.web.addresses import attachment
from experiments.web.app import make_app
from tests.experiments.web.people import Visitor, arrive, finish

NAME = "Na₃PS₄ #2"
HERE = f"/c/{quote(NAME)}"
SPECIMEN = "A/1 #2"
MAPPING = {
    "name": "specimen", "x": "x", "t": "milling_time_h", "m": "milling_media",
    "s": "milling_speed_rpm", "p": "pressing_pressure_mpa", "E": "youngs_modulus:GPa",
}  # fmt: skip


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory, real_folder: Path) -> Path:
    """A campaign in a folder of such a name, with such a specimen from a notebook."""
    found = tmp_path_factory.mktemp("named") / NAME
    shutil.copytree(real_folder / "lab", found)
    notebook = found.parent / "old.csv"
    notebook.write_text(f"{','.join(MAPPING)}\n{SPECIMEN},0.3,20,zirconia,450,400,21\n")
    with Campaign.open(found) as campaign:
        campaign.record_notebook(notebook, MAPPING, by="Ana")
    return found


@pytest.fixture(scope="module")
def ana(root: Path) -> Iterator[Visitor]:
    with TestClient(make_app(root), base_url="http://127.0.0.1") as client:
        yield arrive(client, root, "Ana")


def links(page: str, address: str) -> set[str]:
    """Where the links, forms and parts of a page lead."""
    found = re.findall(r'(?:href|src|hx-get|data-from)="([^"]*)"', page)
    whole = (urljoin(address, html.unescape(one)) for one in found)
    return {one.partition("#")[0] for one in whole if one.startswith("/c/")}


def test_every_link_of_every_page_leads_somewhere(ana: Visitor):
    seen: set[str] = set()
    waiting = {f"{HERE}/"}
    while waiting:
        address = waiting.pop()
        seen.add(address)
        answer = ana.get(address)
        if answer.status_code == 404 and address in (f"{HERE}/compare/page", f"{HERE}/report"):
            continue
        assert answer.status_code == 200, address
        if answer.headers["content-type"].startswith("text/html"):
            waiting |= links(answer.text, address) - seen
    names = {unquote(one) for one in seen}
    assert {f"/c/{NAME}/next", f"/c/{NAME}/specimens/{SPECIMEN}"} <= names
    assert len(seen) > 15


def test_the_front_page_and_the_login_lead_to_the_campaign(ana: Visitor):
    ana.client.cookies.clear()
    cookie = {"Cookie": f"glassloop={ana.cookie}"}
    answer = ana.client.get("/", headers=cookie, follow_redirects=False)
    assert answer.headers["location"] == f"{HERE}/"
    asked = ana.client.get(f"{HERE}/next", follow_redirects=False).headers["location"]
    form = ana.client.get(asked).text
    found = re.search(r'name="next" value="([^"]*)"', form)
    assert found is not None
    assert html.unescape(found[1]) == f"{HERE}/next"


def test_the_page_one_is_at_is_marked(ana: Visitor):
    page = ana.get(f"{HERE}/next").text
    assert re.search(r'aria-current="page">([^<]*)<', page)[1] == "Next batch"  # type: ignore[index]


@pytest.mark.parametrize("address", [quote(SPECIMEN), quote(SPECIMEN, safe="")])
def test_a_specimen_with_a_slash_is_shown_and_corrected(ana: Visitor, address: str):
    page = ana.get(f"{HERE}/specimens/{address}")
    assert page.status_code == 200
    assert f"<h1>{SPECIMEN}</h1>" in page.text
    versions = ana.client.get(
        f"/api/v1/campaigns/{quote(NAME)}/specimens/{address}",
        headers={"Cookie": f"glassloop={ana.cookie}"},
    )
    assert versions.status_code == 401  # reached: an address that is not there needs no token


def test_forms_lead_on_to_pages_of_the_campaign(ana: Visitor):
    answer = ana.post(f"{HERE}/next/propose", {"glasses": "1", "trilayers": "0"})
    assert answer.headers["location"].startswith(f"{HERE}/jobs/")
    assert finish(ana, answer) == f"{HERE}/next"
    part = ana.post(f"{HERE}/next/D02/edit", {"row": "run", "version": "1"},
                    ).headers  # fmt: skip
    assert part.get("location", HERE).startswith(HERE)


def test_parts_of_a_page_lead_on_in_headers(ana: Visitor):
    part = ana.get(f"{HERE}/parts/what-if/glass?x=0.3")
    assert part.headers["hx-replace-url"] == f"{HERE}/what-if?x=0.3"
    found = ana.post(f"{HERE}/export/archive")
    name = finish(ana, found).partition("job=")[2]
    ana.client.cookies.clear()
    moved = ana.client.get(
        f"{HERE}/parts/jobs/{name}", follow_redirects=False,
        headers={"HX-Request": "true", "Cookie": f"glassloop={ana.cookie}"},
    )  # fmt: skip
    assert moved.headers["hx-redirect"] == f"{HERE}/export?job={name}"
    saved = ana.get(f"{HERE}/export/archive/{name}").headers["content-disposition"]
    assert saved == f"attachment; filename*=utf-8''{quote(NAME)}.zip"


def test_an_export_is_saved_under_the_name_of_the_campaign(ana: Visitor):
    saved = ana.get(f"{HERE}/export/file?form=optuna").headers["content-disposition"]
    plain = 'attachment; filename="Na_PS_ #2-optuna.db"'
    assert saved == f"{plain}; filename*=UTF-8''{quote(NAME)}-optuna.db"


def test_a_complaint_names_the_whole_address(ana: Visitor):
    answer = ana.client.get(f"/api/v1/campaigns/{quote(NAME)}/nothing")
    assert answer.json()["instance"] == f"/api/v1/campaigns/{quote(NAME)}/nothing"


def test_a_file_name_cannot_leave_its_quotes():
    assert attachment('a"b\\c\r\nd.db') == (
        "attachment; filename=\"a_b_c__d.db\"; filename*=UTF-8''a%22b%5Cc%0D%0Ad.db"
    )
