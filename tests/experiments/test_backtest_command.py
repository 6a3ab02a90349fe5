"""The command: table, JSON, figure, CSV of orders, and refusals before anything is replayed."""

import json
from dataclasses import replace
from math import inf
from pathlib import Path

import pandas as pd
import pytest
from rich.console import Console
from typer.testing import CliRunner

from experiments.backtest import Backtest, Spread, backtest
from experiments.backtest_console import backtest_report
from experiments.backtest_files import require_figure_path, require_folder
from experiments.backtest_plot import backtest_figure, save_figure
from experiments.backtest_table import read_history
from experiments.backtest_words import backtest_json, replay_table, verdict
from experiments.cli import app
from experiments.workers import workers
from features.errors import TableError


def table(folder: Path) -> Path:
    path = folder / "runs.csv"
    lines = [f"{t},{100 - (t - 14) ** 2},{t // 3},{t}" for t in range(1, 19)]
    path.write_text("\n".join(["temp,yield,week,cost", *lines]), encoding="utf-8")
    return path


@pytest.fixture(scope="module")
def replayed(tmp_path_factory: pytest.TempPathFactory) -> Backtest:
    path = table(tmp_path_factory.mktemp("runs"))
    history = read_history(path, features=["temp"], objectives=["yield:maximize"], order="week")
    with workers(1):
        return backtest(history, n_start=5, seeds=2, batch=2)


def test_the_command_prints_writes_and_draws(tmp_path):
    arguments = [
        "backtest", str(table(tmp_path)), "--feature", "temp", "--objective", "yield:maximize",
        "--order", "week", "--start", "5", "--seeds", "1", "--jobs", "1",
        "--figure", str(tmp_path / "b.svg"), "--out", str(tmp_path / "orders.csv"),
    ]  # fmt: skip
    done = CliRunner().invoke(app, arguments)
    assert done.exit_code == 0, done.output
    assert "Best recipe: row 15 of the file, yield 100." in done.output
    assert "ties by row of the table" in done.output
    assert "Limit: A table can only be replayed within what was made" in done.output
    assert "<svg" in (tmp_path / "b.svg").read_text(encoding="utf-8")
    orders = pd.read_csv(tmp_path / "orders.csv")
    assert orders.groupby(["start", "seed"])["row"].apply(lambda rows: rows.is_unique).all()
    assert orders[orders["start"] == "real"]["row"].head(5).tolist() == [2, 3, 4, 5, 6]


def test_json_holds_goals_curves_and_what_was_assumed(tmp_path):
    arguments = [
        "backtest", str(table(tmp_path)), "--feature", "temp", "--objective", "yield:maximize:0",
        "--objective", "cost:minimize:19", "--start", "5", "--seeds", "1", "--jobs", "1", "--json",
        "--max-experiments", "6",
    ]  # fmt: skip
    done = CliRunner().invoke(app, arguments)
    assert done.exit_code == 0, done.output
    found = json.loads(done.output)
    assert (found["recipes"], found["start"], found["max_experiments"]) == (18, 5, 6)
    assert len(found["curves"]["real"]) == 18
    assert found["curves"]["planner_median"][-1] is None
    assert len(found["limits"]) == 3
    assert found["goals"][0]["label"] == "95 % of the hypervolume of yield and cost"


def test_the_report_fits_eighty_columns(replayed):
    console = Console(width=80, file=None, record=True)
    with console.capture() as capture:
        console.print(backtest_report(replayed))
    text = capture.get()
    assert max(map(len, text.splitlines())) <= 80
    assert "…" not in text


class TestVerdict:
    def test_earlier_with_its_interval(self, replayed):
        text = verdict(replayed.found[0], replayed)
        assert text.startswith("The best recipe: ")
        assert "experiments earlier than really (90 % of seeds: " in text

    def test_later_is_said_as_plainly(self, replayed):
        found = replace(
            replayed.found[0], real=8.0, real_earliest=8.0, real_latest=8.0,
            planner=Spread(12.0, 12.0, 14.0), saved=Spread(-4.0, -6.0, -4.0),
        )  # fmt: skip
        assert "4 experiments later than really (90 % of seeds: 4 to 6)." in verdict(
            found, replayed
        )

    def test_ties_that_could_undo_it_are_named(self, replayed):
        found = replace(
            replayed.found[0], real=15.0, real_earliest=9.0,
            planner=Spread(10.0, 9.0, 11.0), saved=Spread(5.0, 4.0, 6.0),
        )  # fmt: skip
        assert "but ties of the order could be broken so that it is not" in verdict(found, replayed)

    def test_an_interval_over_zero_shows_no_difference(self, replayed):
        found = replace(replayed.found[0], saved=Spread(3.0, -1.0, 5.0))
        assert "no difference from the real order shown (saved: 3 (-1 to 5))" in verdict(
            found, replayed
        )

    def test_what_the_start_held_saved_nothing(self, replayed):
        found = replace(replayed.found[0], in_start=True)
        assert "is among the first 5, so nothing could be saved" in verdict(found, replayed)

    def test_what_was_never_found_is_no_number(self, replayed):
        never = Spread(inf, inf, inf)
        found = replace(replayed.found[0], planner=never, saved=Spread(-inf, -inf, -inf))
        text = verdict(found, replayed)
        assert "not found by the planner within 18 experiments; really after" in text
        assert "inf" not in text
        missed = replace(replayed, found=(found,))
        assert "Infinity" not in json.dumps(
            [missed.found[0].label, backtest_json(missed)["in_words"]]
        )


def test_the_figure_says_units_and_who_is_who(replayed, tmp_path):
    figure = backtest_figure(replayed)
    upper, lower = figure.axes
    assert upper.get_ylabel() == "best yield so far"
    assert lower.get_xlabel() == "experiments (different recipes made)"
    labels = [text.get_text() for text in figure.legends[0].get_texts()]
    assert any("planner, 2 seeds" in label for label in labels)
    save_figure(figure, tmp_path / "a.png")
    save_figure(backtest_figure(replayed), tmp_path / "b.png")
    assert (tmp_path / "a.png").read_bytes() == (tmp_path / "b.png").read_bytes()


def test_orders_name_rows_of_the_file(replayed):
    orders = replay_table(replayed)
    real = orders[orders["start"] == "real"]
    assert set(orders["row"]) <= set(range(2, 20))
    assert real["given"].sum() == 2 * 5


@pytest.mark.parametrize(
    ("name", "message"),
    [("a.jpg", r"must end in .png, .svg or .pdf, got '.jpg'"), ("no/a.png", "folder must exist")],
    ids=["kind", "folder"],
)
def test_a_figure_that_cannot_be_written_is_refused(tmp_path, name, message):
    with pytest.raises(TableError, match=message):
        require_figure_path(tmp_path / name)
    require_folder(tmp_path / "a.csv")
