"""``glassloop report``: where it writes, what it prints, and when it proposes first."""

import json

import pytest
from typer.testing import CliRunner

from experiments import report_drawings
from experiments.campaign import Campaign
from experiments.cli import app
from experiments.config import CampaignConfig, MlflowConfig
from experiments.report import ReportFiles

RUN = CliRunner()


@pytest.fixture(autouse=True)
def _undrawn(monkeypatch):
    monkeypatch.setattr(report_drawings, "picture", lambda figure, kind: b"<svg/>")


@pytest.fixture
def folder(tmp_path):
    where = tmp_path / "c"
    config = CampaignConfig(name="c", mlflow=MlflowConfig(track=False))
    Campaign.create(where, config).close()
    return where


def test_the_report_lies_in_the_campaign_unless_said_otherwise(folder):
    said = RUN.invoke(app, ["report", "--campaign", str(folder)])
    assert said.exit_code == 0
    assert (folder / "report/report.html").exists()
    assert f"Report:  {folder / 'report/report.html'}" in said.output
    assert f"Figures: {folder / 'report/figures'} (12 files)" in said.output


def test_machines_get_the_files_as_json(folder, tmp_path):
    out = tmp_path / "for the meeting"
    said = RUN.invoke(app, ["report", "-c", str(folder), "--out", str(out), "--json"])
    plain = json.loads(said.stdout)
    assert plain["page"] == str(out / "report.html")
    assert len(plain["figures"]) == 12
    assert (plain["simulated"], plain["open_rounds"]) == (False, [])


def test_a_round_is_opened_first_only_if_asked_and_only_once(folder, monkeypatch):
    files = ReportFiles(folder / "report.html", ())
    monkeypatch.setattr(Campaign, "report", lambda self, where: files)
    for _ in range(2):
        said = RUN.invoke(
            app, ["report", "-c", str(folder), "--open-round", "--no-mlflow", "--json"]
        )
        assert json.loads(said.stdout)["open_rounds"] == ["R01"]
