"""A campaign exported as studies of Optuna: what they hold, and that nothing is half written."""

import json
import sqlite3
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import optuna
import pytest
from optuna.distributions import CategoricalDistribution, FloatDistribution
from optuna.trial import FrozenTrial, TrialState
from typer.testing import CliRunner

from experiments import optuna_study
from experiments.campaign import Campaign
from experiments.cli import app
from experiments.config import CampaignConfig, GlassConfig, ObjectiveConfig
from experiments.ledger_rows import CellRow, PelletRow, ReadingRow
from experiments.optuna_study import export_studies
from features.errors import CampaignError

pytestmark = pytest.mark.usefixtures("optuna_closed")

MEASURED = {
    "ionic_conductivity": 1e-4,
    "youngs_modulus": 18.0,
    "electronic_conductivity": 1e-9,
}


@pytest.fixture(autouse=True)
def _quiet() -> Iterator[None]:
    before = optuna.logging.get_verbosity()
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    yield
    optuna.logging.set_verbosity(before)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory, add_glass: Any) -> Path:
    """A campaign with the paper's data and glasses of every fate."""
    folder = tmp_path_factory.mktemp("lab") / "loop"
    wanted = {**GlassConfig().objectives}
    wanted["youngs_modulus"] = ObjectiveConfig(direction="maximize", reference=10.0, at_least=20.0)
    config = CampaignConfig(name="loop", glasses=GlassConfig(objectives=wanted))
    with Campaign.create(folder, config) as campaign:
        ledger = campaign.ledger
        add_glass(ledger, "G1", **MEASURED)
        add_glass(ledger, "G2", x=0.2, milling_time_h=24.0, ionic_conductivity=2e-4)
        add_glass(ledger, "G3", x=0.25, status="failed")
        with ledger.transaction() as tx:
            for name, status in (("G1-P2", "planned"), ("G1-P3", "not_made")):
                tx.add_pellet(
                    PelletRow(id=name, jar="G1", pressing_pressure_mpa=300.0, status=status)  # type: ignore[arg-type]
                )
            for value, at in ((4e-4, 60.0), (9e-3, 90.0)):
                tx.add_reading(
                    ReadingRow(
                        specimen="G1-P",
                        property="ionic_conductivity",
                        lower=value,
                        upper=value,
                        se=2e-5,
                        temperature_c=at,
                        source="note",
                        text=f"{value:g} S/cm",
                        note="second electrode",
                    )
                )
            tx.add_cell(
                CellRow(
                    id="C1",
                    core="G1",
                    skin="CHI-060",
                    core_mass_mg=150.0,
                    skin_mass_mg=20.0,
                    precompaction_pressure_mpa=75.0,
                    pressing_pressure_mpa=450.0,
                    stack_pressure_mpa=7.0,
                    temperature_c=60.0,
                )
            )
            for prop, low, high in (
                ("critical_current_density", 1.5, None),
                ("area_specific_resistance", 300.0, 300.0),
            ):
                tx.add_reading(
                    ReadingRow(
                        specimen="C1", property=prop, lower=low, upper=high, temperature_c=60.0
                    )
                )
    return folder


@pytest.fixture(scope="module")
def exported(folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    target = tmp_path_factory.mktemp("studies") / "study.db"
    with Campaign.open(folder) as campaign:
        export_studies(campaign, str(target))
    return target


def study_of(target: Path, kind: str) -> optuna.Study:
    return optuna.load_study(study_name=f"loop {kind}", storage=f"sqlite:///{target}")


def trial_of(target: Path, specimen: str, kind: str = "glasses") -> FrozenTrial:
    found = {t.user_attrs["specimen"]: t for t in study_of(target, kind).trials}
    return found[specimen]


def test_there_is_one_trial_a_specimen_in_the_ledgers_order(exported: Path) -> None:
    paper = ["CHI-000-P", "CHI-015-P", "CHI-030-P", "CHI-060-P", "CHI-060-P150"]
    names = [t.user_attrs["specimen"] for t in study_of(exported, "glasses").trials]
    assert names == [*paper, "G1-P", "G2-P", "G3-P", "G1-P2"]
    assert [t.user_attrs["specimen"] for t in study_of(exported, "cells").trials] == [
        "CHI-TRI",
        "C1",
    ]
    assert study_of(exported, "glasses").user_attrs["left_out"] == ["G1-P3"]


@pytest.mark.parametrize(
    ("specimen", "state"),
    [
        ("G1-P", TrialState.COMPLETE),
        ("G2-P", TrialState.PRUNED),
        ("G3-P", TrialState.FAIL),
        ("G1-P2", TrialState.RUNNING),
    ],
    ids=["all read", "read in part", "failed", "planned"],
)
def test_the_state_says_what_became_of_it(exported: Path, specimen: str, state: TrialState) -> None:
    assert trial_of(exported, specimen).state is state


def test_what_was_not_read_is_named(exported: Path) -> None:
    attrs = trial_of(exported, "G2-P").user_attrs
    assert attrs["not_measured"] == "youngs_modulus, electronic_conductivity"
    assert "not_measured" not in trial_of(exported, "G1-P").user_attrs


def test_values_are_centres_of_readings_on_the_scale_at_the_campaigns_temperature(
    exported: Path,
) -> None:
    study = study_of(exported, "glasses")
    assert [d.name for d in study.directions] == ["MAXIMIZE", "MAXIMIZE", "MINIMIZE"]
    assert study.metric_names[1] == "youngs_modulus (GPa)"  # type: ignore[index]
    # 1e-4 and 4e-4 at 60 °C; the reading at 90 °C is shown and does not count
    assert trial_of(exported, "G1-P").values == pytest.approx([2e-4, 18.0, 1e-9])
    assert (
        "0.009 S/cm at 90 °C"
        in trial_of(exported, "G1-P").user_attrs["ionic_conductivity_readings"]
    )


def test_readings_errors_remarks_and_beliefs_are_attributes(exported: Path) -> None:
    attrs = trial_of(exported, "G1-P").user_attrs
    assert "0.0004 S/cm at 60 °C (note)" in attrs["ionic_conductivity_readings"]
    assert attrs["ionic_conductivity_standard_errors"] == "2e-05"
    assert "second electrode" in attrs["ionic_conductivity_remarks"]
    low, mean, high = (
        attrs[f"youngs_modulus_posterior_{part}"] for part in ("lower", "mean", "upper")
    )
    assert low < mean < high
    assert attrs["simulated"] is False
    assert attrs["origin"] == "lab"


def test_what_the_paper_leaves_open_is_said(exported: Path) -> None:
    assert any("60 °C" in text for text in study_of(exported, "glasses").user_attrs["assumptions"])
    remarks = trial_of(exported, "CHI-015-P").user_attrs["ionic_conductivity_remarks"]
    assert "the paper does not state the temperature" in remarks


def test_a_bound_stands_for_the_value_and_says_so(exported: Path) -> None:
    trial = trial_of(exported, "C1", "cells")
    assert trial.values == pytest.approx([1.5, 300.0])
    assert trial.user_attrs["critical_current_density_is_bound"] is True
    assert "area_specific_resistance_is_bound" not in trial.user_attrs
    assert trial.user_attrs["critical_current_density_readings"].startswith(">1.5 mA/cm2")


def test_parameters_have_todays_bounds_widened_to_what_was_made(exported: Path) -> None:
    trial = trial_of(exported, "G1-P")
    assert trial.params["milling_media"] == "stainless_steel"
    assert trial.distributions["milling_time_h"] == FloatDistribution(1.0, 24.0, step=0.5)
    assert trial.distributions["milling_speed_rpm"] == FloatDistribution(500.0, 500.0)
    assert trial.distributions["milling_media"] == CategoricalDistribution(
        ["stainless_steel", "zirconia", "agate"]
    )
    assert trial_of(exported, "G2-P").user_attrs["outside_search_space"] == "milling_time_h"
    assert study_of(exported, "glasses").user_attrs["widened"] == {
        "milling_time_h": "searched: 1 to 20; outside it: G2-P (24)"
    }


def test_bounds_of_objectives_are_constraints(exported: Path) -> None:
    assert trial_of(exported, "G1-P").constraints == {"youngs_modulus at_least 20 GPa": 2.0}
    assert trial_of(exported, "CHI-060-P").constraints == pytest.approx(
        {"youngs_modulus at_least 20 GPa": -0.9}
    )


def test_a_simulated_campaign_says_so_in_every_study(tmp_path: Path) -> None:
    with Campaign.create(tmp_path / "toy", CampaignConfig(name="toy")) as campaign:
        with campaign.ledger.transaction() as tx:
            tx.set_kind("simulated")
        done = export_studies(campaign, str(tmp_path / "s.db"))
    assert [study.name for study in done] == ["toy glasses (simulated)", "toy cells (simulated)"]
    assert all(study.in_words().startswith("SIMULATED: ") for study in done)
    for name in (study.name for study in done):
        study = optuna.load_study(study_name=name, storage=f"sqlite:///{tmp_path / 's.db'}")
        assert study.user_attrs["simulated"] is True
        assert all(t.user_attrs["simulated"] is True for t in study.trials)


def test_an_empty_campaign_makes_empty_studies(tmp_path: Path) -> None:
    with Campaign.create(tmp_path / "new", empty=True) as campaign:
        done = export_studies(campaign, str(tmp_path / "s.db"))
    assert [study.states for study in done] == [{}, {}]
    assert done[0].in_words() == "study 'new glasses': no specimens yet"


def test_a_study_of_that_name_is_refused_and_left_as_it_is(folder: Path, tmp_path: Path) -> None:
    target = tmp_path / "study.db"
    optuna.create_study(study_name="loop cells", storage=f"sqlite:///{target}")
    with (
        Campaign.open(folder) as campaign,
        pytest.raises(
            CampaignError, match=r"must not hold .* got 'loop cells'; add --replace to write"
        ),
    ):
        export_studies(campaign, str(target))
    assert optuna.get_all_study_names(f"sqlite:///{target}") == ["loop cells"]
    assert study_of(target, "cells").trials == []


def test_replacing_leaves_other_studies_alone(folder: Path, tmp_path: Path) -> None:
    target = tmp_path / "study.db"
    url = f"sqlite:///{target}"
    for name in ("loop cells", "another"):
        optuna.create_study(study_name=name, storage=url).set_user_attr("old", name)
    with Campaign.open(folder) as campaign:
        export_studies(campaign, url, replace=True)
    assert sorted(optuna.get_all_study_names(url)) == ["another", "loop cells", "loop glasses"]
    assert "old" not in study_of(target, "cells").user_attrs
    assert optuna.load_study(study_name="another", storage=url).user_attrs == {"old": "another"}


@pytest.mark.parametrize("is_there", [False, True], ids=["new file", "file with studies"])
def test_a_failure_half_way_leaves_nothing_half_written(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, is_there: bool
) -> None:
    target = tmp_path / "study.db"
    if is_there:
        old = optuna.create_study(study_name="loop glasses", storage=f"sqlite:///{target}")
        old.set_user_attr("old", True)
    copy, copied = optuna_study.copy_study, []

    def failing(**given: Any) -> None:
        if given["from_study_name"] == "loop cells":
            raise optuna.exceptions.StorageInternalError("disk full")
        copied.append(given["from_study_name"])
        copy(**given)

    monkeypatch.setattr(optuna_study, "copy_study", failing)
    with (
        Campaign.open(folder) as campaign,
        pytest.raises(CampaignError, match=r"Optuna can write to, got .*\(disk full\)"),
    ):
        export_studies(campaign, str(target), replace=True)
    assert "loop glasses" in copied
    if is_there:
        assert optuna.get_all_study_names(f"sqlite:///{target}") == ["loop glasses"]
        assert study_of(target, "glasses").user_attrs == {"old": True}
    else:
        assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    "target",
    ["nosuch://host/db", "not a database.db", "sqlite:////proc/nowhere/study.db"],
    ids=["scheme", "other file", "no such folder"],
)
def test_a_storage_that_cannot_be_used_is_named(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, target: str
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("not a database.db").write_text("a page of text, longer than a header of SQLite " * 9)
    with (
        Campaign.open(folder) as campaign,
        pytest.raises(CampaignError, match=r"--optuna: the storage must be .*, got .*give a file"),
    ):
        export_studies(campaign, target)


def test_the_command_prints_what_was_written(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    given = ["export", "--campaign", str(folder), "--optuna", "study.db"]
    first = CliRunner().invoke(app, given)
    assert "study 'loop glasses': 6 PRUNED, 1 COMPLETE, 1 FAIL, 1 RUNNING" in first.stdout
    again = CliRunner().invoke(app, [*given, "--replace", "--json"])
    studies = json.loads(again.stdout)["studies"]
    assert [study["name"] for study in studies] == ["loop glasses", "loop cells"]
    assert studies[0]["left_out"] == ["G1-P3"]
    with sqlite3.connect(tmp_path / "study.db") as database:
        (n,) = database.execute("select count(*) from trials").fetchone()
    database.close()
    assert n == sum(sum(study["states"].values()) for study in studies)
