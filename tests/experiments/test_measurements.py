"""Which measurement next: what is offered, at which price, and that its worth is that of refits."""

import json
import sys
from dataclasses import replace
from io import StringIO
from types import SimpleNamespace

import numpy as np
import pytest
from rich.console import Console

from experiments import cli
from experiments.campaign import Campaign
from experiments.config import (
    CampaignConfig,
    CostConfig,
    MeasurementCosts,
    MlflowConfig,
    read_config,
)
from experiments.ledger_rows import CellRow, JarRow, PelletRow, ReadingRow
from experiments.measurement_console import SHOWN, ranking_table
from experiments.measurement_words import LEAST
from experiments.pellet_belief import PropertyBelief
from features.errors import CampaignError
from models.evidence import Evidence, Points
from models.hyper_posterior import HyperPosterior

IONIC, MODULUS, LEAK = "ionic_conductivity", "youngs_modulus", "electronic_conductivity"
CCD, ASR = "critical_current_density", "area_specific_resistance"


def fill(ledger, add_glass):
    """Five glasses of a laboratory: two read on all, two lack something, one failed."""
    add_glass(ledger, "A", x=0.0, **{IONIC: 5e-5, MODULUS: 17.0, LEAK: 1e-9})
    add_glass(ledger, "B", x=0.15, **{IONIC: 2.6e-4, MODULUS: 18.0, LEAK: 4e-10})
    add_glass(ledger, "C", x=0.3)
    add_glass(ledger, "D", x=0.6, **{IONIC: 8e-5, MODULUS: 21.0})
    add_glass(ledger, "F", x=0.45, status="failed")
    with ledger.transaction() as tx:
        tx.add_reading(  # at another temperature: it tells of the pellet's luck all the same
            ReadingRow(specimen="C-P", property=IONIC, lower=5e-5, upper=5e-5, temperature_c=25.0)
        )
        for name, core in (("K1", "B"), ("K2", "C")):
            tx.add_cell(
                CellRow(
                    id=name, core=core, skin="D", core_mass_mg=150, skin_mass_mg=25,
                    precompaction_pressure_mpa=75, pressing_pressure_mpa=450,
                    stack_pressure_mpa=7, temperature_c=60,
                )
            )  # fmt: skip
        tx.add_reading(
            ReadingRow(specimen="K1", property=CCD, lower=1.0, upper=1.05, temperature_c=60.0)
        )


def plan_round(ledger):
    """R01: two jars in one mill of 6 h, and a cell of glasses that exist."""
    with ledger.transaction() as tx:
        tx.add_round("R01", number=1, seed=0, config={})
        for jar, x in (("R01-G1", 0.2), ("R01-G2", 0.5)):
            tx.add_jar(
                JarRow(
                    id=jar, origin="lab", round_id="R01", status="planned", x=x, milling_time_h=6,
                    milling_media="zirconia", milling_speed_rpm=500, batch_mass_g=2,
                )
            )  # fmt: skip
            tx.add_pellet(
                PelletRow(
                    id=f"{jar}-P1", jar=jar, round_id="R01", status="planned",
                    pressing_pressure_mpa=450, mass_mg=150,
                )
            )  # fmt: skip
        for cell, core in (("R01-C1", "A"), ("R01-C2", "R01-G1")):
            tx.add_cell(
                CellRow(
                    id=cell, core=core, skin="D", core_mass_mg=150, skin_mass_mg=20,
                    precompaction_pressure_mpa=75, pressing_pressure_mpa=400,
                    stack_pressure_mpa=7, temperature_c=60, round_id="R01", status="planned",
                )
            )  # fmt: skip


@pytest.fixture(scope="module")
def folder(tmp_path_factory, add_glass):
    place = tmp_path_factory.mktemp("measure") / "lab"
    config = CampaignConfig(name="lab", mlflow=MlflowConfig(folder="../mlruns"))
    with Campaign.create(place, config) as campaign:
        fill(campaign.ledger, add_glass)
    return place


@pytest.fixture(scope="module")
def campaign(folder):
    with Campaign.open(folder) as opened:
        yield opened


@pytest.fixture(scope="module")
def ranking(campaign):
    return campaign.measure()


@pytest.fixture(scope="module")
def planned(tmp_path_factory, add_glass):
    place = tmp_path_factory.mktemp("planned") / "lab"
    with Campaign.create(place, CampaignConfig(name="lab")) as opened:
        fill(opened.ledger, add_glass)
        plan_round(opened.ledger)
        yield opened.measure()


def offered(ranking, kind):
    return {
        (row.option.specimen, row.option.properties): row
        for row in ranking.measurements
        if row.option.kind == kind
    }


def test_what_is_missing_is_offered_alone_and_together(ranking):
    found = offered(ranking, "reading")
    assert {key for key in found if key[0] != "K2"} == {
        ("C-P", (MODULUS,)), ("C-P", (LEAK,)), ("C-P", (MODULUS, LEAK)), ("D-P", (LEAK,)),
    }  # fmt: skip


def test_pellets_of_the_paper_and_failed_ones_are_not_offered(ranking):
    specimens = {row.option.specimen for row in ranking.measurements}
    assert not any(name.startswith(("CHI", "F")) for name in specimens)


def test_a_cell_that_was_destroyed_is_not_offered_and_another_is(ranking):
    found = offered(ranking, "reading")
    assert {key for key in found if key[0].startswith("K")} == {
        ("K2", (CCD,)), ("K2", (ASR,)), ("K2", (CCD, ASR)),
    }  # fmt: skip
    destroyed = {key for key, row in found.items() if row.option.destroys}
    assert destroyed == {("K2", (CCD,)), ("K2", (CCD, ASR))}


def test_what_was_read_can_be_read_again_but_is_worth_less_than_the_first_time(ranking):
    assert ("A-P", (IONIC,)) in offered(ranking, "repeat")
    first = offered(ranking, "reading")["D-P", (LEAK,)]
    again = offered(ranking, "repeat")["B-P", (LEAK,)]
    assert first.rise > 10 * again.rise


def test_without_an_open_round_one_new_glass_is_ranked_too(ranking):
    (row,) = offered(ranking, "glass").values()
    option = row.option
    assert (option.specimen, option.properties) == ("", (IONIC, MODULUS, LEAK))
    share = option.recipe["milling_time_h"] / 4
    assert option.hours == pytest.approx(4 + 3 + 2 + 2 + share)
    assert option.delay_h == pytest.approx(16 + 2 + 4 * share)
    assert 0 < option.success < 1


def test_ranks_are_by_the_rise_an_hour(ranking):
    rates = [row.rise_per_hour for row in ranking.measurements]
    assert rates == sorted(rates, reverse=True)
    assert all(row.rise > -1e-12 for row in ranking.measurements if row.option.of == "glasses")


def test_only_what_rests_on_points_or_draws_has_a_standard_error(ranking):
    for row in ranking.measurements:
        alone = len(row.option.properties) == 1 and row.option.of == "glasses"
        assert (row.rise_se == 0) is alone, row.option


def test_both_readings_are_worth_more_than_either(ranking):
    found = offered(ranking, "reading")
    both = found["C-P", (MODULUS, LEAK)]
    assert both.option.hours == 5
    assert both.option.delay_h == 16
    assert both.rise > max(found["C-P", (MODULUS,)].rise, found["C-P", (LEAK,)].rise)


def test_the_same_ledger_gives_the_same_ranking_and_is_not_touched(folder, ranking):
    before = (folder / "ledger.db").read_bytes()
    with Campaign.open(folder) as opened:
        assert opened.measure().to_dict() == ranking.to_dict()
        assert opened.open_rounds() == []
    assert (folder / "ledger.db").read_bytes() == before


def test_planned_glasses_share_their_milling_and_stand_for_new_ones(planned):
    found = offered(planned, "glass")
    assert {key[0] for key in found} == {"R01-G1-P1", "R01-G2-P1"}
    assert {row.option.hours for row in found.values()} == {4 + 3 + 2 + 2 + 6 / 2}


def test_a_planned_cell_is_offered_once_its_glasses_exist(planned):
    ((key, row),) = offered(planned, "cell").items()
    assert key == ("R01-C1", (CCD, ASR))
    assert row.option.hours == 72 + 4 + 3
    assert row.option.destroys
    assert 0 < row.option.success < 1


def test_a_fresh_campaign_says_that_nothing_can_be_measured(tmp_path):
    with Campaign.create(tmp_path / "new", CampaignConfig(name="new")) as opened:
        found = opened.measure()
    assert [row.option.kind for row in found.measurements] == ["glass"]
    assert found.in_words[0].startswith("No pellet or cell of this campaign exists")
    assert not any("is left of a pellet" in sentence for sentence in found.assumptions)


def test_a_bound_is_not_asked_for_again(tmp_path, add_glass):
    with Campaign.create(tmp_path / "b", CampaignConfig(name="b"), empty=True) as opened:
        pellet = add_glass(opened.ledger, "A", **{IONIC: 1e-4, MODULUS: 18.0})
        with opened.ledger.transaction() as tx:
            tx.add_reading(
                ReadingRow(
                    specimen=pellet, property=LEAK, lower=None, upper=1e-10, temperature_c=60.0
                )
            )
        found = opened.measure()
    assert {key[1] for key in offered(found, "repeat")} == {(IONIC,), (MODULUS,)}
    assert not offered(found, "reading")
    assert any(sentence.startswith("1 value known as a bound") for sentence in found.assumptions)


def test_dearer_hours_lower_the_rate_and_not_the_rise(folder, campaign, ranking):
    dear = MeasurementCosts().model_copy(
        update={LEAK: MeasurementCosts().electronic_conductivity.model_copy(update={"hours": 4.0})}
    )
    config = campaign.config.model_copy(update={"costs": CostConfig(measurements=dear)})
    with Campaign.open(folder) as opened:
        found = Campaign(folder, config, opened.ledger).measure()
    before, after = (offered(r, "reading")["D-P", (LEAK,)] for r in (ranking, found))
    assert after.rise == pytest.approx(before.rise, rel=1e-12)
    assert after.rise_per_hour == pytest.approx(before.rise_per_hour / 2)


@pytest.mark.parametrize("hours", ["0.0", "-1.0"])
def test_hours_that_are_not_positive_are_refused(folder, tmp_path, hours):
    text = (folder / "campaign.yaml").read_text()
    assert "glass_h: 2.0" in text
    (tmp_path / "campaign.yaml").write_text(text.replace("glass_h: 2.0", f"glass_h: {hours}"))
    with pytest.raises(CampaignError, match=r"costs\.glass_h: input should be greater than 0"):
        read_config(tmp_path / "campaign.yaml")


def certain(model):
    """The surrogate at one point of its hyperparameters, so that fantasies do not move them."""
    process = model.process
    best = HyperPosterior.certain(process.learned.best)
    return replace(model, process=process.condition(process.evidence, best))


def grouped(process, groups, point, noise_sd):
    """The process with one more reading, of these groups."""
    told = process.evidence
    both = Points(
        *(
            np.concatenate([getattr(told.points, name), getattr(point, name)])
            for name in ("x", "level", "tilt")
        ),
        None,
        np.concatenate([told.points.basis, point.basis]),
    )
    more = Evidence.of(
        both,
        lower=[*told.lower, 0.0],
        upper=[*told.upper, 0.0],
        noise_sd=[*told.noise_sd, noise_sd],
        groups={name: [*own, groups.get(name, 10_000)] for name, own in told.groups.items()},
    )
    return process.condition(more)


@pytest.mark.parametrize("again", [True, False], ids=["read again", "first of its jar"])
def test_what_a_pellet_shares_with_its_jar_is_not_learned_twice(campaign, again):
    knowledge = campaign.knowledge()
    model = certain(knowledge.layers[IONIC])
    held = SimpleNamespace(
        pellets=knowledge.pellets, fitted=knowledge.fitted, layers={IONIC: model}
    )
    pellets = knowledge.pellets.loc[["A-P", "B-P", "C-P", "D-P"]]
    if not again:
        pellets = pellets.rename({"C-P": "new"}).assign(jar=["A", "B", "new", "D"])
    belief = PropertyBelief.of(held, campaign.config, IONIC, pellets)
    asked = model.asked(pellets)
    told = model.process.evidence
    # readings are in canonical order: that of pellet C is found by its oxygen
    own = int(np.flatnonzero(np.isclose(told.points.x, asked.x[2]).all(axis=1))[0])
    groups = {name: labels[own] for name, labels in told.groups.items()} if again else {}
    after = grouped(model.process, groups, asked.take(np.array([2])), np.nan)
    lost = model.process.joint(asked)[1] - after.joint(asked)[1]
    shift = belief.shift(2)
    assert np.outer(shift, shift) == pytest.approx(lost, abs=1e-3 * np.abs(lost).max())


@pytest.fixture
def command(folder, monkeypatch, capsys):
    """Runs a command in this process; gives exit code, stdout and stderr."""

    def call(*words):
        monkeypatch.setattr(sys, "argv", ["glassloop", *words, "--campaign", str(folder)])
        code = None
        try:
            cli.main()
        except SystemExit as ended:
            code = ended.code
        told = capsys.readouterr()
        return code or 0, told.out, told.err

    return call


def test_the_command_prints_one_object_for_machines(command, ranking):
    code, out, _ = command("propose", "--measure", "--json")
    found = json.loads(out)
    assert code == 0
    assert len(found["measurements"]) == len(ranking.measurements)
    assert {
        "specimen",
        "properties",
        "rise",
        "rise_se",
        "rise_per_hour",
        "hours",
        "delay_h",
    } <= set(found["measurements"][0])
    assert found["assumptions"][0].startswith("hours are settings in campaign.yaml (costs:)")


def test_the_command_refuses_what_only_a_round_has(command):
    code, _, err = command("propose", "--measure", "--glasses", "2")
    assert code == 1
    assert "opens no round, got --glasses too" in err


@pytest.mark.parametrize("width", [80, 100, 110])
def test_the_table_fits_and_marks_what_destroys(ranking, width):
    console = Console(width=width, record=True, file=StringIO())
    console.print(ranking_table(ranking))
    text = console.export_text()
    assert max(map(len, text.splitlines())) <= width
    assert "hypervolume," in "".join(text.splitlines()[:4])  # of what the rise is
    assert "the cell" in text
    assert "Assumption: hours are settings" in text
    assert "…" not in text


def test_what_changes_nothing_is_said_once(ranking):
    idle = [row for row in ranking.measurements if abs(row.rise) < LEAST]
    worth = [row for row in ranking.measurements if abs(row.rise) >= LEAST]
    few = replace(ranking, measurements=(*worth[:3], *idle))
    assert _printed(few).count("are worth less") == 0
    many = replace(ranking, measurements=(*worth[:1] * (SHOWN + 5), *idle))
    assert "5 more are worth less; --json has them." in _printed(many)


def _printed(ranking):
    console = Console(width=100, record=True, file=StringIO())
    console.print(ranking_table(ranking))
    return console.export_text()
