"""The page and the terminal say which surrogate to believe, with units, words and reasons."""

import io
import json
import re
import time
from dataclasses import replace
from html import unescape

import pytest
from rich.console import Console

from experiments.comparison_console import comparison_bar, comparison_json, comparison_report
from experiments.comparison_page import page

pytest_plugins = ["tests.experiments.compared_campaign"]

PNG = b"\x89PNG, not really"


def words(html):
    body = re.sub(r"<(?:br|/td|/th|/p|/li|/dt|/dd|/div)>", " ", html[html.index("<body>") :])
    return unescape(re.sub(r"\s+", " ", re.sub(r"<[^>]+>", "", body)))


def shown(renderable, width=80, encoding="utf-8"):
    raw = io.BytesIO()
    file = io.TextIOWrapper(raw, encoding=encoding, errors="strict")
    Console(file=file, width=width, force_terminal=False).print(renderable)
    file.flush()
    return raw.getvalue().decode(encoding)


def test_the_page_has_a_verdict_and_scores_of_every_property(compared):
    text = words(page(compared, {}))
    for found in compared.comparisons.values():
        assert re.sub(r"-(?=\d)", "−", found.verdict) in text
    assert "NLPD, nats CRPS, dex RMSE, dex MAE, dex in 50 % in 90 % 90 % width, dex" in text
    assert "9 readings of 9 glasses" in text
    assert "Difference from the mean, which ignores the recipe" in text


def test_the_page_says_what_was_not_compared_and_what_it_rests_on(compared):
    told = replace(compared, unused=("modulus, 1 reading (A): failed",), assumptions=("A1: 60 °C",))
    text = words(page(told, {}))
    assert compared.not_compared["youngs_modulus"] in text
    assert "modulus, 1 reading (A): failed" in text
    assert "A1: 60 °C" in text
    assert "9 conductivity readings" in text


def test_pictures_are_inside_the_page_and_nothing_else_is_loaded(compared):
    html = page(compared, {"ionic_conductivity": {"along_x": PNG, "parity": PNG}})
    assert html.count("data:image/png;base64,iVBO".removesuffix("iVBO")) == 2
    assert not re.search(r"""(?:src|href)=["'](?!data:|\#)""", html)
    assert "<script" not in html
    assert "@import" not in html


@pytest.mark.parametrize("simulated", [True, False], ids=["simulated", "real"])
def test_only_a_simulated_campaign_says_so(compared, simulated):
    told = replace(compared, simulated=simulated)
    assert ("SIMULATED" in page(told, {})) is simulated
    assert shown(comparison_report(told)).startswith("SIMULATED") is simulated
    assert comparison_json(told)["simulated"] is simulated


def test_names_are_text_and_not_markup(compared):
    told = replace(compared, campaign="<b>[red]x[/]", not_compared={"hardness": "[bold]no <i>"})
    html = page(told, {})
    assert "<b>[red]" not in html
    assert "&lt;b&gt;[red]x[/]" in html
    text = shown(comparison_report(told))
    assert "<b>[red]x[/]" in text
    assert "[bold]no <i>" in text


def test_the_terminal_shows_every_score_whole_in_80_columns(compared):
    found = compared.comparisons["ionic_conductivity"]
    renamed = {"ridge": "random_forest"}
    wide = replace(
        found,
        surrogates=("mean", "random_forest"),
        scores=found.scores.rename(index=renamed),
        differences=found.differences.replace(renamed).assign(
            difference=-10.25, lower=-12.51, upper=-10.02
        ),
    )
    text = shown(comparison_report(replace(compared, comparisons={"ionic_conductivity": wide})))
    assert "…" not in text
    assert "random_forest" in text
    assert "-10.25 (-12.51..-10.02)" in text
    assert max(len(line) for line in text.splitlines()) <= 80


def test_the_terminal_says_verdict_and_reasons(compared):
    text = re.sub(r"\s+", " ", shown(comparison_report(compared)))
    assert "Each glass in turn was left out with all its jars and pellets" in text
    for found in compared.comparisons.values():
        assert found.verdict in text
    assert f"Not compared: {compared.not_compared['youngs_modulus']}" in text


def test_a_latin_1_terminal_shows_everything(compared):
    assert "ridge" in shown(comparison_report(compared), encoding="latin-1")


def test_json_has_scores_differences_and_left_out_predictions(compared):
    plain = json.loads(json.dumps(comparison_json(compared)))
    found = plain["properties"]["ionic_conductivity"]
    assert set(found["scores"]) == {"mean", "ridge"}
    assert {"nlpd", "crps", "rmse", "mae", "coverage_90"} <= set(found["scores"]["ridge"])
    assert len(found["predictions"]) == 2 * found["n_readings"] == 18
    assert {"surrogate", "against", "score", "difference"} <= set(found["differences"][0])
    assert found["score_unit"] == "dex"
    assert plain["not_compared"].keys() == {"youngs_modulus"}


def test_a_quick_comparison_shows_no_bar(capsys):
    with comparison_bar() as progress:
        progress(1, 2)
    assert capsys.readouterr() == ("", "")


@pytest.mark.parametrize("is_terminal", [True, False], ids=["terminal", "log"])
def test_a_slow_comparison_shows_a_bar_on_a_terminal(capsys, monkeypatch, is_terminal):
    if is_terminal:
        monkeypatch.setenv("FORCE_COLOR", "1")
    monkeypatch.setattr("experiments.comparison_console.PATIENCE_S", 0.0)
    with comparison_bar() as progress:
        progress(1, 2)
        time.sleep(0.05)
        progress(2, 2)
    told = capsys.readouterr()
    assert told.out == ""
    assert ("fitting and scoring" in told.err) is is_terminal
