"""Explore, What if and Compare show the numbers of the models, and say what is wrong where."""

import json
import os
import re
from html import unescape
from importlib.resources import files
from pathlib import Path

import pytest

from experiments.campaign import Campaign
from experiments.knowledge import CELL_PROPERTIES, PELLET_PROPERTIES
from experiments.typeset import value_markup
from experiments.web import explored, seen
from experiments.web.explored import cell_map_plain, fronts_plain, slices_plain
from experiments.web.sliders import glass_sliders
from experiments.what_if import what_if_cell, what_if_glass
from tests.experiments.web.browsing import browsing
from tests.experiments.web.running import running

RECIPE = {
    "x": 0.3,
    "milling_time_h": 10.0,
    "milling_media": "zirconia",
    "milling_speed_rpm": 450.0,
    "pressing_pressure_mpa": 400.0,
}
GLASS = {
    "x": "0.3",
    "milling_time_h": "10",
    "medium": "zirconia",
    "milling_speed_rpm": "450",
    "pressing_pressure_mpa": "400",
}


@pytest.fixture(scope="module")
def sim(served_folder):
    with Campaign.open(served_folder / "sim") as campaign:
        yield campaign


def strict(text):
    def refuse(name):
        raise AssertionError(f"{name} is no JSON")

    return json.loads(text, parse_constant=refuse)


def said_at(html, field):
    found = re.search(rf'<p[^>]*id="{field}-wrong"[^>]*>(.*?)</p>', html, re.S)
    assert found is not None
    return unescape(found[1])


# --- explore ------------------------------------------------------------------------------------


def test_what_is_offered_is_what_can_be_drawn():
    assert seen.PELLETS == PELLET_PROPERTIES
    assert seen.CELLS == CELL_PROPERTIES
    assert tuple(seen.VARIABLES) == explored.SLICED
    assert set(seen.SURROGATES) == set(explored.SHOWN)


def test_a_slice_is_that_of_the_models(looker, sim):
    answer = looker.get(
        "/c/sim/parts/slices.json",
        params={
            "variable": "milling_time_h",
            "property": "youngs_modulus",
            "surrogate": ["gp", "ridge"],
        },
    )
    found = strict(answer.text)
    expected = slices_plain(
        sim, variable="milling_time_h", property_id="youngs_modulus", surrogates=["gp", "ridge"]
    )
    assert found["curves"] == expected["curves"]
    assert found["held"] == expected["held"]
    assert set(found["seen"]) == {"gp", "ridge"}
    assert found["simulated"] is True


def test_readings_of_a_slice_say_what_they_are_made_of(looker):
    found = strict(looker.get("/c/sim/parts/slices.json").text)
    recipes = {mark["specimen"]: mark["recipe"] for mark in found["marks"]}
    assert recipes["CHI-015-P"] == "x 0.15, 3 h at 500 rpm in SS, 450 MPa"


def test_a_slice_in_another_medium_says_so(looker):
    found = strict(looker.get("/c/sim/parts/slices.json?medium=agate").text)
    assert found["held"].startswith("milled 3 h at 500 rpm in agate")
    same = {mark["specimen"] for mark in found["marks"] if mark["is_usual"]}
    assert all(mark["medium"] == "agate" for mark in found["marks"] if mark["specimen"] in same)
    assert found["medium"] == "agate"


def test_what_a_plot_shows_is_a_sentence_with_its_ends():
    found = {
        "variable": "x", "property": "youngs_modulus", "label": "Young's modulus",
        "at": [0.0, 0.3, 0.6], "marks": [{}], "planned": [],
        "curves": {"gp": {"mean": [15.0, 21.04, 18.0]}, "mean": {"mean": [18.0, 18.0, 18.0]}},
    }  # fmt: skip
    text = seen.slice_seen(found, "gp")
    assert "highest 21.0 GPa at x 0.30, lowest 15.0 GPa at x 0.00; 1 reading drawn" in text
    assert "18.0 GPa everywhere" in seen.slice_seen(found, "mean")


def test_fronts_and_map_hold_only_numbers(looker, sim):
    fronts = strict(looker.get("/c/sim/parts/fronts.json").text)["fronts"]
    cells = strict(looker.get("/c/sim/parts/cells.json").text)
    assert [front["up"]["id"] for front in fronts] == [
        front["up"]["id"] for front in fronts_plain(sim)
    ]
    assert cells["map"]["centre"] == cell_map_plain(sim)["centre"]
    assert cells["words"]["area_specific_resistance"]["seen"][0].startswith(
        "Area specific resistance expected over the oxygen of core and skin: best"
    )


@pytest.mark.parametrize(
    ("asked", "words"),
    [
        ("surrogate=oracle", "surrogate: must be one of gp, .* got 'oracle'; choose one"),
        ("variable=weather", "variable: must be one of x, .* got 'weather'; choose one"),
        ("property=taste", "property: must be one of ionic_conductivity, .* got 'taste'"),
        ("medium=wood", "medium: must be one of stainless_steel, .* got 'wood'; choose one"),
    ],
)
def test_what_cannot_be_drawn_is_refused(looker, asked, words):
    part = looker.get(f"/c/sim/parts/slices.json?{asked}")
    page = looker.get(f"/c/sim/explore?{asked}")
    assert (part.status_code, page.status_code) == (422, 422)
    assert re.search(words, part.json()["detail"])
    assert re.search(words, unescape(page.text))


def test_choices_stay_in_the_address(looker):
    page = looker.get("/c/sim/explore?variable=milling_time_h&surrogate=ridge&medium=zirconia").text
    assert '<option value="milling_time_h" selected>' in page
    assert '<option value="zirconia" selected>' in page
    checked = re.findall(r'name="surrogate" value="(\w+)" form="choices" checked', page)
    assert checked == ["ridge"]


def test_plotly_finds_all_its_style_elements_there(looker):
    """Otherwise it would write them, which the content policy forbids."""
    script = looker.get("/static/plotly.min.js").text
    wanted = set(re.findall(r'getElementById\("([0-9a-f]{64})"\)', script))
    page = files("experiments.web").joinpath("templates/explore.html").read_text()
    assert wanted
    assert all(f'id="{name}"' in page for name in wanted)
    assert 'matches(".no-inline-styles")' in script
    assert 'id="plotly.js-style-global" class="no-inline-styles"' in page


# --- what if ------------------------------------------------------------------------------------


def test_a_glass_shows_the_numbers_of_the_model(looker, sim):
    page = looker.get("/c/sim/parts/what-if/glass", params=GLASS).text
    expected = what_if_glass(sim.knowledge(), sim.config, RECIPE)
    for name, part in expected["predictions"].items():
        assert f"<b>{value_markup(part['mean'], name)}</b>" in page
        for low, high in (("lower", "upper"), ("reading_lower", "reading_upper")):
            assert f"{value_markup(part[low], name)} to {value_markup(part[high], name)}" in page
    for mass in expected["masses_mg"].values():
        assert f">{mass:.1f}</td>" in page


def test_a_tri_layer_shows_the_numbers_of_the_model(looker, sim):
    asked = {"core_x": "0.15", "skin_x": "0,5", "skin_mass_mg": "20", "copress_mpa": "400"}
    page = looker.get("/c/sim/parts/what-if/cell", params=asked).text
    expected = what_if_cell(
        sim.knowledge(), sim.config,
        {"core_x": 0.15, "skin_x": 0.5, "skin_mass_mg": 20.0, "pressing_pressure_mpa": 400.0},
    )  # fmt: skip
    name = "area_specific_resistance"
    assert f"<b>{value_markup(expected['predictions'][name]['mean'], name)}</b>" in page
    for part in expected["budget"]:
        assert f"<b>{value_markup(part['median'], name)}</b>" in page
        assert f"{value_markup(part['lower'], name)} to {value_markup(part['upper'], name)}" in page


def test_a_rule_a_tri_layer_breaks_is_said(looker):
    page = looker.get("/c/sim/parts/what-if/cell", params={"skin_x": "0.05"}).text
    assert "skin_x must be at least 0.3 against sodium, got 0.05" in page


@pytest.mark.parametrize(
    ("field", "typed", "words"),
    [
        ("milling_time_h", "long", "milling time: must be a number, got 'long'; correct it"),
        ("milling_time_h", " ", "milling time: is blank; enter a number"),
        ("x", "nan", "oxygen x: must be a number, got 'nan'; correct it"),
        ("x", "9", "x: 9 is above the usual 0 to 0.6"),
        ("pressing_pressure_mpa", "600", "600 MPa is above the die's rating of 500 MPa"),
        ("medium", "wood", "medium: must be one of stainless_steel"),
    ],
)
def test_what_cannot_be_is_said_at_its_field(looker, field, typed, words):
    page = looker.get("/c/sim/parts/what-if/glass", params={**GLASS, field: typed}).text
    assert said_at(page, field).startswith(words)
    assert 'hx-swap-oob="true"' in page
    others = [one for one in GLASS if one != field]
    assert not any(said_at(page, one) for one in others)


def test_all_fields_that_cannot_be_are_said_at_once(looker):
    page = looker.get(
        "/c/sim/parts/what-if/cell", params={"core_x": "much", "core_mass_mg": "5000"}
    ).text
    assert said_at(page, "core_x") == "core: oxygen x: must be a number, got 'much'; correct it"
    assert said_at(page, "core_mass_mg").startswith("core mass: 5000 mg is above")


def test_what_is_asked_is_kept_in_the_address_and_nothing_else(looker):
    answer = looker.get("/c/sim/parts/what-if/glass", params={**GLASS, "evil": "yes"})
    address = answer.headers["HX-Replace-Url"]
    assert address.startswith("/c/sim/what-if?x=0.3&milling_time_h=10")
    assert "evil" not in address
    page = looker.get(address).text
    assert re.search(r'id="milling_time_h"[^>]* value="10"', page)


def test_the_button_answers_without_javascript(looker):
    page = looker.get("/c/sim/what-if", params={**GLASS, "x": "9", "show": "yes"}).text
    assert said_at(page, "x").startswith("x: 9 is above")
    assert "Which layer resists" in page
    assert 'hx-trigger="load"' not in page


def test_sliders_reach_from_the_search_space_to_pure_oxide_and_hold_the_usual(sim):
    by_id = {one.id: one for one in glass_sliders(sim.config)}
    assert (by_id["x"].low, by_id["x"].high) == (0.0, 1.0)
    assert (by_id["milling_time_h"].low, by_id["milling_time_h"].high) == (1.0, 20.0)
    assert all(one.low <= one.value <= one.high for one in by_id.values())
    assert by_id["milling_speed_rpm"].low < by_id["milling_speed_rpm"].high  # held, movable here


# --- compare ------------------------------------------------------------------------------------


def own_form(client):
    page = client.get("/c/lab/compare").text
    found = re.search(r'name="csrf" value="(\w+)"', page)
    assert found is not None
    return {"csrf": found[1]}


def test_nothing_compared_yet_is_said(lab):
    assert "Nothing was compared yet." in lab.get("/c/lab/compare").text
    answer = lab.get("/c/lab/compare/page")
    assert "nothing was compared yet; choose" in answer.text
    assert answer.status_code == 404


def test_a_comparison_is_a_job(lab):
    form = {**own_form(lab), "property": "ionic_conductivity", "surrogate": ["gp", "ridge"]}
    answer = lab.post("/c/lab/compare", data=form, follow_redirects=False)
    assert answer.status_code == 303
    assert answer.headers["location"].startswith("/c/lab/jobs/")


@pytest.mark.parametrize(
    ("form", "words"),
    [
        ({"surrogate": "gp"}, "property: nothing is chosen; choose at least one"),
        (
            {"property": "youngs_modulus", "surrogate": "oracle"},
            "surrogate: must be among gp, mean, .* got 'oracle'; choose of these",
        ),
    ],
)
def test_what_cannot_be_compared_is_said_at_its_place(lab, form, words):
    answer = lab.post("/c/lab/compare", data={**own_form(lab), **form})
    assert answer.status_code == 422
    assert re.search(rf'<p class="complaint"[^>]*>{words}</p>', unescape(answer.text))


def test_the_last_comparison_has_its_own_policy_and_says_what_came_since(lab):
    made = Path(lab.root, "lab", "compare.html")
    made.write_text("<!doctype html><title>compared</title>", encoding="utf-8")
    os.utime(made, (1e9, 1e9))  # in 2001, before the paper's values were entered
    page = lab.get("/c/lab/compare").text
    assert "2001-09-09 01:46 UTC" in page
    assert re.search(r"\d+ readings came since", page)
    os.utime(made)
    assert "No reading came since" in lab.get("/c/lab/compare").text
    policy = lab.get("/c/lab/compare/page").headers["Content-Security-Policy"]
    assert policy.startswith("default-src 'none'; style-src 'unsafe-inline'; img-src data:")
    assert policy.endswith("sandbox")


# --- in a browser -------------------------------------------------------------------------------


def test_plots_are_drawn_without_a_word_on_the_console(served_folder):
    with running(served_folder) as address, browsing(address) as watched:
        page = watched.page
        watched.go("/c/sim/explore?surrogate=gp&surrogate=ridge")
        page.wait_for_function("document.querySelectorAll('.main-svg').length >= 12")
        shown = page.locator("#slices .plot")
        assert shown.count() == 2
        shown.first.hover()
        page.locator("#slices summary").first.click()
        page.locator("#slices details[open] tbody tr").nth(61).wait_for()
        page.select_option("#property", "youngs_modulus")
        page.wait_for_function("location.search.includes('property=youngs_modulus')")
        page.locator('#slices .plot[aria-label^="Young\'s modulus along"]').first.wait_for()
        assert watched.barriers() == []
        watched.picture("explore")
        assert watched.faults == []
        assert watched.elsewhere == []


def test_a_moved_slider_predicts_again(served_folder):
    with running(served_folder) as address, browsing(address) as watched:
        page = watched.page
        watched.go("/c/sim/what-if")
        page.locator("#glass-result table").first.wait_for()
        page.focus("input[data-for=x]")
        page.keyboard.press("ArrowRight")
        page.locator("#glass-result [role=status]", has_text="x 0.16").wait_for()
        assert page.input_value("#x") == "0.16"
        page.fill("#x", "much")
        page.locator("#x-wrong", has_text="must be a number, got 'much'").wait_for()
        assert page.get_attribute("#x", "aria-invalid") == "true"
        assert watched.barriers() == []
        watched.picture("what-if")
        assert watched.faults == []
        assert watched.elsewhere == []
