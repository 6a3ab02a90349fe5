"""Literature in a campaign: nothing when off, one more source with a bias of its own when on."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from rich.console import Console
from typer.testing import CliRunner

from experiments import cli
from experiments.campaign import Campaign
from experiments.config import CampaignConfig, LiteratureConfig
from experiments.knowledge import fit_knowledge
from experiments.ledger_rows import LiteratureRow
from experiments.literature import Literature, literature_in
from experiments.literature_file import EXAMPLE_NAME
from experiments.round_plan import plan_round
from experiments.status_console import status_panel
from features.errors import TableError

SIGMA = "ionic_conductivity"
ON = LiteratureConfig(use=True)


def glass(source, specimen, x, lower, upper, **given):
    row = LiteratureRow(
        source=source, specimen=specimen, x=x, milling_time_h=3.0,
        milling_media="stainless_steel", milling_speed_rpm=500.0, pressing_pressure_mpa=450.0,
        property=SIGMA, lower=lower, upper=upper, temperature_c=60.0,
    )  # fmt: skip
    return replace(row, **given)


def write(campaign, *rows):
    with campaign.ledger.transaction() as tx:
        for row in rows:
            tx.add_literature(row)


def use(campaign):
    campaign.config = campaign.config.model_copy(update={"literature": ON})
    return campaign


def ask(*xs):
    return pd.DataFrame(
        {
            "x": xs, "milling_time_h": 3.0, "milling_media": "stainless_steel",
            "milling_speed_rpm": 500.0, "pressing_pressure_mpa": 450.0,
        }
    )  # fmt: skip


def conductivity(x):
    return 10 ** (-4.3 + 0.5 * np.sin(5 * np.asarray(x)))


@pytest.fixture
def campaign(tmp_path):
    with Campaign.create(tmp_path / "first", CampaignConfig(name="first")) as made:
        yield made


@pytest.fixture
def lab(tmp_path, add_glass):
    """A campaign with nine glasses of its own along x."""
    rng = np.random.default_rng(0)
    with Campaign.create(tmp_path / "lab", CampaignConfig(name="lab"), empty=True) as made:
        for i, x in enumerate(np.linspace(0, 0.6, 9)):
            value = float(conductivity(x) * 10 ** rng.normal(0, 0.04))
            add_glass(made.ledger, f"G{i}", x=float(x), ionic_conductivity=value)
        yield made


def offset_rows(n=12, source="Far 2020", decades=0.5):
    """A paper whose values are all too high by as many decades."""
    rng = np.random.default_rng(1)
    xs = np.linspace(0.02, 0.58, n)
    values = conductivity(xs) * 10 ** (decades + rng.normal(0, 0.04, n))
    return [
        glass(source, f"g{i}", float(x), float(v), float(v))
        for i, (x, v) in enumerate(zip(xs, values, strict=True))
    ]


def test_literature_that_is_off_changes_nothing_to_the_last_bit(campaign):
    before = fit_knowledge(campaign.ledger, campaign.config)
    campaign.record_literature(campaign.folder / EXAMPLE_NAME)
    after = fit_knowledge(campaign.ledger, campaign.config)
    assert after.frozen() == before.frozen()
    assert after.literature.readings.empty


def test_literature_that_is_on_and_not_there_changes_nothing_either(campaign):
    before = fit_knowledge(campaign.ledger, campaign.config).frozen()
    use(campaign)
    assert fit_knowledge(campaign.ledger, campaign.config).frozen() == before


def test_off_it_is_shown_as_waiting(campaign):
    campaign.record_literature(campaign.folder / EXAMPLE_NAME)
    status = campaign.status()
    assert status["set_aside"][-1].startswith(
        "Tsuji 2021: ionic conductivity <1.1e-5 S/cm of Na3PS4 glass (assumed: milling"
    )
    assert status["set_aside"][-1].endswith(": literature, off")
    assert status["literature"]["properties"] == {}
    assert status["literature"]["in_words"] == [
        "1 value of 1 source, off: set literature.use to true in campaign.yaml to learn from them"
    ]
    assert status["in_fit"][SIGMA] == 3


def test_without_literature_the_status_has_no_word_of_it(campaign):
    assert campaign.status()["literature"]["in_words"] == []


def test_a_bound_below_the_prediction_pulls_it_down(campaign):
    before = campaign.predict(ask(0.0))[SIGMA]["GP"]
    far_below = before["mean"].item() / 10
    write(use(campaign), glass("Low 2021", "glass", 0.0, None, far_below))
    after = campaign.predict(ask(0.0))[SIGMA]["GP"]
    assert after["mean"].item() < 0.8 * before["mean"].item()
    literature = campaign.status()["literature"]["properties"][SIGMA]
    assert literature["along_x"][0]["shift_in_sd"] < -0.2
    assert literature["largest_shift"]["shift_in_sd"] < -0.2
    assert literature["offsets"][0]["offset"] is None


def test_a_bound_far_above_the_prediction_says_next_to_nothing(campaign):
    write(use(campaign), glass("High 2021", "glass", 0.0, None, 1e-2))
    found = campaign.status()["literature"]["properties"][SIGMA]
    assert abs(found["largest_shift"]["shift_in_sd"]) < 0.05


def test_a_constant_offset_is_learned_as_bias_and_hardly_moves_us(lab):
    before = lab.predict(ask(0.1, 0.3, 0.5))[SIGMA]["GP"]
    write(use(lab), *offset_rows())
    knowledge = lab.knowledge()
    after = knowledge.predict_pellets(ask(0.1, 0.3, 0.5))[SIGMA]
    ours, theirs = np.log10(before["mean"]), np.log10(after["mean"])
    assert np.abs(theirs - ours).max() < 0.05

    pellets, readings = knowledge.pellets, knowledge.fitted
    recipes, told = knowledge.literature.beside(pellets, readings)
    believed = knowledge.layers[SIGMA].fit(recipes.drop(columns="source"), told)
    misled = np.log10(believed.predict(ask(0.1, 0.3, 0.5))["mean"])
    assert np.abs(misled - ours).min() > 0.15


def test_the_report_states_the_offset_of_a_source_and_whether_it_helps(lab):
    write(use(lab), *offset_rows())
    found = lab.status()["literature"]
    part = found["properties"][SIGMA]
    (offset,) = part["offsets"]
    assert offset["source"] == "Far 2020"
    assert offset["n_exact"] == 12
    assert offset["lower"] < 0.5 < offset["upper"]
    assert offset["upper"] - offset["lower"] < 0.2
    assert part["scatter"]["source"]["sd"] > 0.1
    own, sources = part["helps"]["own_glasses"], part["helps"]["sources"]
    assert own["n"] == 9
    assert own["lower"] <= own["difference"] <= own["upper"]
    assert sources["n"] == 1
    assert sources["difference"] is None
    assert (sources["n_values"], sources["agreeing"]) == (12, 0)
    words = "\n".join(found["in_words"])
    assert "Far 2020 lies 0.5" in words or "Far 2020 lies 0.4" in words
    assert "own glasses? " in words
    assert "1 source: too few to say (8 needed); 0 of 12 values agree with" in words


def test_eight_sources_are_enough_to_say_whether_they_help_one_another(lab):
    rows = [
        row
        for s in range(8)
        for row in offset_rows(n=2, source=f"Paper {s}", decades=0.1 * (s % 3 - 1))
    ]
    write(use(lab), *rows)
    part = lab.status()["literature"]["properties"][SIGMA]["helps"]["sources"]
    assert part["n"] == 8
    assert np.isfinite([part["difference"], part["lower"], part["upper"]]).all()


def test_with_few_glasses_it_is_too_few_to_say(campaign):
    campaign.record_literature(campaign.folder / EXAMPLE_NAME)
    words = use(campaign).status()["literature"]["in_words"]
    assert any("own glasses? 3 glasses: too few to say (8 needed)" in line for line in words)
    assert any("Tsuji 2021 gives only bounds" in line for line in words)


def test_it_is_learned_from_at_its_own_temperature(campaign):
    warm = conductivity(0.0) * 10
    write(use(campaign), glass("A 2020", "g", 0.0, warm, warm, temperature_c=25.0))
    knowledge = campaign.knowledge()
    assert knowledge.layers[SIGMA].n_readings == 4
    cold = Literature(
        recipes=knowledge.literature.recipes,
        readings=knowledge.literature.readings.assign(temperature_c=60.0),
    )
    told = cold.beside(knowledge.pellets, knowledge.fitted)
    at_60 = knowledge.layers[SIGMA].fit(*told).predict(ask(0.0))["mean"].item()
    assert knowledge.predict_pellets(ask(0.0))[SIGMA]["mean"].item() > at_60


def test_it_is_never_stock_made_proposed_or_in_the_hypervolume(lab):
    own = lab.status()
    write(use(lab), *offset_rows(decades=3.0))
    knowledge = lab.knowledge()
    assert set(knowledge.pellets["origin"]) == {"lab"}
    assert set(knowledge.fitted["specimen"]) <= set(knowledge.pellets.index)
    assert len(knowledge.measured(knowledge.pellets, (SIGMA,))) == 9
    status = lab.status()
    assert status["stock"] == own["stock"]
    assert status["readings"] == own["readings"]
    assert status["in_fit"] == own["in_fit"]
    # Values a thousand times ours would raise it by more than its own uncertainty.
    volume, before = status["hypervolume"]["glasses"], own["hypervolume"]["glasses"]
    assert volume["value"] == pytest.approx(before["value"], abs=before["upper"] - before["lower"])
    round_ = plan_round(lab.ledger, lab.config, knowledge, glasses=2, trilayers=0)
    assert not any("Far 2020" in str(item["recipe"]) for item in round_["glasses"])
    assert round_["assumptions"][-1] == (
        "12 values of the literature are learned from beside our own (Far 2020); each source may "
        "be off by a bias of its own"
    )


def test_what_has_no_surrogate_is_shown_when_on(campaign):
    write(
        use(campaign),
        glass("B 2019", "g", 0.3, 1.2, 1.2, property="hardness", text="1.2 GPa"),
    )
    status = campaign.status()
    assert status["set_aside"][-1] == (
        "B 2019: hardness 1.2 GPa of g: recorded and shown, no surrogate"
    )
    assert literature_in(campaign.ledger).readings.empty


def test_the_terminal_shows_it(campaign, capsys):
    campaign.record_literature(campaign.folder / EXAMPLE_NAME)
    console = Console(width=200)
    console.print(status_panel(campaign.status()))
    assert "1 value of 1 source, off" in capsys.readouterr().out


def test_the_command_line_takes_it(campaign):
    folder = str(campaign.folder)
    file = str(campaign.folder / EXAMPLE_NAME)
    said = CliRunner().invoke(cli.app, ["record", "--literature", file, "-c", folder])
    assert said.output == (
        "Literature: 1 new, 0 corrected, 0 known already.\n"
        "They are not learned from: literature.use is false in campaign.yaml.\n"
    )
    again = CliRunner().invoke(cli.app, ["record", "--literature", file, "-c", folder, "--json"])
    assert '"unchanged": 1' in again.output


@pytest.mark.parametrize(
    ("words", "got"), [([], "neither"), (["made.csv", "--literature", "l.csv"], "both")]
)
def test_record_needs_one_kind_of_file(words, got):
    done = CliRunner().invoke(cli.app, ["record", *words])
    assert isinstance(done.exception, TableError)
    assert f"needs made.csv and results.csv, or --literature and its file, got {got}" in str(
        done.exception
    )
