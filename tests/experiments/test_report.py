"""The report is one page that stands alone, says what it must, and runs nothing a user typed."""

import re
from html import unescape
from html.parser import HTMLParser
from pathlib import Path

import pytest

from experiments import report, report_drawings
from experiments.campaign import Campaign
from experiments.config import CampaignConfig, MlflowConfig
from experiments.ledger_rows import JarRow, PelletRow, ReadingRow
from experiments.report_drawings import FIGURES
from experiments.report_labels import Label, write_labels
from experiments.report_numbering import numbered_tables
from experiments.report_page import CONTENTS
from experiments.report_page import page as rendered
from experiments.report_style import picture, sheet
from features.errors import CampaignError
from tests.experiments.headless import opened

pytest_plugins = ["tests.experiments.reported_campaign"]

MOST_BYTES = 5_000_000


class Outline(HTMLParser):
    """What matters of a page."""

    def __init__(self, html):
        super().__init__()
        self.images, self.headings, self.ids, self.links, self.tags = [], [], [], [], []
        self.captions = 0
        self.feed(html)

    def handle_starttag(self, tag, attrs):
        given = dict(attrs)
        self.tags.append(tag)
        if tag == "img":
            self.images.append(given)
        if re.fullmatch("h[1-6]", tag):
            self.headings.append(int(tag[1]))
        if "id" in given:
            self.ids.append(given["id"])
        if given.get("href", "").startswith("#"):
            self.links.append(given["href"][1:])


def words(html):
    body = html[html.index("<body>") :]
    apart = re.sub(r"<(?:br|span[^>]*|/td|/th|/p|/li|/h\d|/div|/figcaption)>", " ", body)
    return re.sub(r"\s+", " ", unescape(re.sub(r"<[^>]+>", "", apart)))


@pytest.fixture(scope="module")
def html(reported):
    return reported.page.read_text(encoding="utf-8")


@pytest.fixture
def undrawn(monkeypatch):
    """Figures are built but not turned into files, which takes most of the time."""
    monkeypatch.setattr(report_drawings, "picture", lambda figure, kind: b"<svg/>")


@pytest.fixture
def new(tmp_path):
    campaigns = []

    def make(name="new", **given):
        empty = given.pop("empty", True)
        config = CampaignConfig(name=name, mlflow=MlflowConfig(track=False), **given)
        campaigns.append(Campaign.create(tmp_path / f"c{len(campaigns)}", config, empty=empty))
        return campaigns[-1]

    yield make
    for campaign in campaigns:
        campaign.close()


@pytest.fixture(scope="module")
def content(rehearsed):
    """Texts of the report, and its figures without their content."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(report_drawings, "picture", lambda figure, kind: b"<svg/>")
        return told(rehearsed)


@pytest.fixture
def known(content, monkeypatch):
    """Writing a report without computing it again."""
    monkeypatch.setattr(report, "report_content", lambda *_: content)


def told(campaign):
    state = campaign.status()
    return report.report_content(campaign.ledger, campaign.config, campaign.knowledge(), state)


def test_chromium_logs_nothing_and_asks_for_nothing(reported, tmp_path):
    seen = opened(reported.page, tmp_path)
    assert seen.console == ()
    assert seen.requests == ()
    assert "What the data cannot tell" in seen.dom


def test_that_check_sees_an_error_and_an_outside_request(tmp_path):
    page = tmp_path / "page.html"
    page.write_text(
        "<!doctype html><img alt='' src='http://outside.invalid/a.png'>"
        "<script>console.error('wrong')</script>"
    )
    (tmp_path / "browser").mkdir()
    seen = opened(page, tmp_path / "browser")
    assert any("wrong" in line for line in seen.console)
    assert seen.requests == ("http://outside.invalid/a.png",)


def test_the_page_is_small_and_forbids_itself_to_load_anything(reported, html):
    assert reported.page.stat().st_size < MOST_BYTES
    assert "default-src 'none'" in html
    assert "<script" not in html
    assert not re.search(r"""(?:src|href)=["'](?!data:|\#)""", html)
    assert "@import" not in html


def test_every_figure_has_a_text_for_who_cannot_see_it(html):
    outline = Outline(html)
    assert len(outline.images) == len(FIGURES)
    assert all(len(image["alt"]) > 40 for image in outline.images)
    assert all(image["src"].startswith("data:image/svg+xml;base64,") for image in outline.images)
    assert outline.tags.count("figcaption") == len(FIGURES)


def test_the_page_has_an_outline_and_its_links_lead_somewhere(html):
    outline = Outline(html)
    assert outline.headings[0] == 1
    assert outline.headings.count(1) == 1
    steps = zip(outline.headings, outline.headings[1:], strict=False)
    assert all(later - earlier <= 1 for earlier, later in steps)
    assert len(outline.ids) == len(set(outline.ids))
    assert set(outline.links) <= set(outline.ids)
    assert outline.tags.count("table") == outline.tags.count("caption") > 5


@pytest.mark.parametrize("title", [title for _, title in CONTENTS], ids=lambda title: title)
def test_every_section_is_there_with_something_in_it(html, title):
    heading = title if title != "Variance" else "where the variance comes from"
    assert heading in words(html)


def test_every_figure_is_also_a_file(reported):
    names = {path.name for path in reported.figures}
    assert names == {f"{name}.{kind}" for name in FIGURES for kind in ("png", "svg")}
    for path in reported.figures:
        start = path.read_bytes()[:8]
        assert start.startswith(b"\x89PNG" if path.suffix == ".png" else b"<?xml"), path


def test_a_simulated_campaign_says_so_on_page_and_figures(html, rehearsed):
    assert "SIMULATED" in words(html)[:200]
    alone = report_drawings.slice_figure(
        report.slice_along(rehearsed.knowledge(), rehearsed.config, "x"), simulated=True
    )
    assert "simulated campaign" in alone.texts[0].get_text()


def test_the_head_says_where_the_campaign_stands(html):
    text = words(html)
    assert "1 round closed, 1 open: 4 sound pellets" in text
    assert "Highest ionic conductivity" in text
    assert re.search(r"\d+ of 24 readings \(\d+ %\) fell inside their 90 % range", text)
    assert "Next: R02 with 2 glasses and 1 cell." in text


def test_the_open_round_is_shown_as_it_was_frozen(html, rehearsed):
    text = words(html)
    round_ = rehearsed.show("R02")
    for item in (*round_["glasses"], *round_["trilayers"]):
        assert item["id"] in text
        assert report.stored_round(rehearsed.ledger, "R02")["round"] in text
    predicted = round_["glasses"][0]["predictions"]["youngs_modulus"]
    ends = (predicted["reading_lower"], predicted["reading_upper"])
    assert f"{predicted['mean']:.1f} {ends[0]:.1f} to {ends[1]:.1f}" in text


def test_figures_carry_the_assumptions_that_touch_them(html):
    def badges(name):
        figure = html[html.index(f'<figure id="{name}"') :]
        return re.findall(r'class="badge" href="#(\w+)"', figure[: figure.index("</figure>")])

    assert badges("property_vs_x") == ["A1", "A5"]
    assert badges("cell_map") == ["A1", "A3", "A5"]
    assert badges("calibration") == []
    assert "A1 2.7×10⁻⁴ S/cm" in words(html)


def test_a_second_report_replaces_the_first_and_its_figures(content, tmp_path):
    stale = tmp_path / "figures" / "pareto.png"
    stale.parent.mkdir()
    stale.write_bytes(b"old")
    mine = tmp_path / "figures" / "mine.png"
    mine.write_bytes(b"mine")
    texts, drawn = content
    fewer = {name: drawing for name, drawing in drawn.items() if name != "pareto"}
    report._written(tmp_path, rendered(texts, fewer), fewer)
    assert not stale.exists()
    assert mine.read_bytes() == b"mine"
    assert not list(tmp_path.rglob("*.part"))


def test_a_campaign_with_the_papers_data_alone_is_reported(new, undrawn):
    content, drawn = told(new(empty=False))
    text = words(rendered(content, drawn))
    assert "real campaign" in text
    assert "No round was proposed yet; nothing was made here besides 6 specimens of others" in text
    assert "x = 0.00 was used only with agate, and agate only with x = 0.00." in text
    assert text.count("not made here") > 3
    assert "Not yet scored" in text
    assert set(drawn) == set(FIGURES) - {"hypervolume", "calibration", "measured_vs_predicted"}


def test_an_empty_campaign_is_reported(new, undrawn):
    content, drawn = told(new())
    text = words(rendered(content, drawn))
    assert "Nothing was made and read yet." in text
    assert "Nothing was made yet: the data tell nothing." in text
    assert "None: the paper's data are not used." in text
    assert "A1" not in text
    assert set(drawn) == {
        "property_vs_x", "property_vs_pressure", "property_vs_time", "cell_map",
    }  # fmt: skip


def test_what_is_held_is_not_drawn_along(new, undrawn):
    held = {"x": 0.15, "milling_time_h": 3.0, "pressing_pressure_mpa": 450.0}
    content, drawn = told(new(glasses=held))
    text = words(rendered(content, drawn))
    assert drawn == {}
    assert "milling time h is held and never varied" in text
    assert "there is no map to draw" in text


def test_one_objective_has_no_trade_off(new, undrawn):
    wanted = {"objectives": {"ionic_conductivity": {"direction": "maximize"}}}
    content, drawn = told(new(empty=False, glasses=wanted))
    assert "pareto" not in drawn
    assert "With one objective there is no trade-off." in words(rendered(content, drawn))


NASTY = "<script>alert(1)</script>"


def test_what_a_user_typed_is_text_and_never_markup(new, tmp_path, undrawn):
    campaign = new(name=f"{NASTY} & <b>co</b>")
    with campaign.ledger.transaction() as tx:
        for number, name in enumerate((f"{NASTY}$x_2$", "液-1", '"><img src=x onerror=alert(2)>')):
            tx.add_jar(
                JarRow(
                    id=f"J{name}", origin="lab", x=0.1 * number, milling_time_h=3.0,
                    milling_media="zirconia", milling_speed_rpm=500.0, note=NASTY,
                )
            )  # fmt: skip
            tx.add_pellet(
                PelletRow(id=name, jar=f"J{name}", pressing_pressure_mpa=450.0, note=NASTY)
            )
            tx.add_reading(
                ReadingRow(
                    specimen=name, property="ionic_conductivity", lower=1e-4, upper=1e-4,
                    temperature_c=60.0, note=NASTY, source=NASTY,
                )
            )  # fmt: skip
            tx.add_reading(
                ReadingRow(
                    specimen=name, property="hardness", lower=1.0, upper=1.0,
                    temperature_c=25.0, note=NASTY, source=NASTY,
                )
            )  # fmt: skip
    page = campaign.report(tmp_path / "report").page
    outline = Outline(page.read_text(encoding="utf-8"))
    assert "script" not in outline.tags
    assert all("onerror" not in image for image in outline.images)
    assert NASTY in words(page.read_text(encoding="utf-8"))
    (tmp_path / "browser").mkdir()
    seen = opened(page, tmp_path / "browser")
    assert (seen.console, seen.requests) == ((), ())
    assert "script" not in Outline(seen.dom).tags


def test_an_id_is_no_formula_and_needs_no_font_in_a_figure():
    figure, (axes,) = sheet(1)
    write_labels(axes, [Label((0.5, 0.5), f"{NASTY}$x_2$"), Label((0.5, 0.5), "液-1")])
    drawn = picture(figure, "svg").decode()
    assert NASTY not in drawn
    assert [text.get_text() for text in axes.texts] == [f"{NASTY}$x_2$", "?-1"]


def test_surprises_drift_and_altered_rounds_are_shown_first_thing(content):
    state = {
        "surprises": [
            {"round": "R01", "in_words": "R01-G1-P1: modulus 210 GPa", "causes": ["unit: MPa?"]}
        ],
        "drift": {"in_words": "since R01, 3 of 10 readings lie in their 90 % range"},
        "altered": ["R01: predictions.json is not what was proposed"],
        "skill": {
            "youngs_modulus": {
                "n": 4, "unit": "GPa", "rmse": {"gp": 1.234, "mean": 2.5, "linear": None},
                "in_words": "better than the mean",
            }
        },
    }  # fmt: skip
    texts, drawn = content
    changed = numbered_tables({**texts, **report._surprises(state), **report._skill(state)})
    text = words(rendered(changed, drawn))
    assert "Drift: since R01, 3 of 10 readings" in text
    assert "R01 R01-G1-P1: modulus 210 GPa unit: MPa?" in text
    assert "Altered after freezing: R01: predictions.json" in text
    assert "Young's modulus (GPa) 4 1.2 2.5 - better than the mean" in text


def test_a_status_that_lacks_the_newer_keys_will_do(content):
    texts, drawn = content
    old = numbered_tables({**texts, **report._surprises({}), **report._skill({})})
    assert "nothing drifts" in words(rendered(old, drawn))


def test_a_folder_that_cannot_be_written_is_one_sentence(rehearsed, tmp_path, known):
    in_the_way = tmp_path / "file"
    in_the_way.write_text("a file")
    with pytest.raises(
        CampaignError, match=r"file: the report cannot be written there \(.+\); choose another"
    ):
        rehearsed.report(in_the_way)
    assert in_the_way.read_text() == "a file"


def test_a_full_disk_leaves_the_report_before_whole(rehearsed, tmp_path, known, monkeypatch):
    before = rehearsed.report(tmp_path / "r").page.read_text()
    monkeypatch.setattr(Path, "write_bytes", _full)
    with pytest.raises(CampaignError, match="No space left"):
        rehearsed.report(tmp_path / "r")
    assert (tmp_path / "r/report.html").read_text() == before


def _full(path, content):
    raise OSError(28, "No space left on device", str(path))
