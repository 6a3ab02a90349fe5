"""A laboratory drawn from the surrogates: consistent, spread as predicted, alike for two plans."""

import numpy as np
import pandas as pd
import pytest

from experiments.campaign import Campaign
from experiments.config import CampaignConfig
from experiments.fantasy import FantasyLab, Standing, world_of
from experiments.knowledge import GLASS_COLUMNS
from features.errors import ReadingError
from features.properties import property_of
from features.reading import parse_value
from features.recipe import GlassRecipe, PelletRecipe, TrilayerRecipe

N_WORLDS = 150
GLASS = GlassRecipe(0.15, 3.0, "stainless_steel")
SKIN = GlassRecipe(0.60, 3.0, "stainless_steel")
CELL = TrilayerRecipe(core=GLASS, skin=SKIN, core_mass_mg=150, skin_mass_mg=25)


@pytest.fixture(scope="module")
def campaign(tmp_path_factory):
    """The paper's data, and glasses of a laboratory with a resistance of a cell."""
    folder = tmp_path_factory.mktemp("fantasy") / "first"
    with Campaign.create(folder, CampaignConfig(name="first"), pictures=False) as campaign:
        yield campaign


@pytest.fixture(scope="module")
def knowledge(campaign):
    return campaign.knowledge()


@pytest.fixture(scope="module")
def worlds(knowledge):
    return [world_of(knowledge, seed) for seed in range(N_WORLDS)]


@pytest.fixture
def lab(campaign, knowledge):
    return FantasyLab.drawn(knowledge, campaign.config, seed=4)


def sound_jar(lab, recipe=GLASS, name="G"):
    """A jar of good luck."""
    made = (lab.make_jar(f"{name}{i}", recipe) for i in range(200))
    return next(jar for jar in made if jar.failure is None)


@pytest.mark.parametrize(
    "name", ["ionic_conductivity", "youngs_modulus", "electronic_conductivity"]
)
def test_true_values_are_spread_as_predicted(knowledge, worlds, name):
    entry = property_of(name)
    rows = pd.DataFrame(
        [[0.15, 3.0, "stainless_steel", 500.0, 450.0], [0.4, 10.0, "zirconia", 500.0, 200.0]],
        columns=[*GLASS_COLUMNS],
    )
    predicted = knowledge.layers[name].predict(rows)
    drawn = np.array([entry.to_scale(world.pellets(name, rows)) for world in worlds])
    off = (drawn.mean(axis=0) - entry.to_scale(predicted["mean"])) / predicted["sd"]
    assert off.to_numpy() == pytest.approx(0.0, abs=4 / N_WORLDS**0.5)
    assert drawn.std(axis=0) / predicted["sd"].to_numpy() == pytest.approx(1.0, abs=0.25)


@pytest.mark.parametrize("name", ["critical_current_density", "area_specific_resistance"])
def test_true_values_of_cells_are_spread_as_predicted(knowledge, worlds, name):
    entry, cells = property_of(name), knowledge.cells
    predicted = knowledge.trilayer.predict(cells)[name]
    drawn = np.array([entry.to_scale(world.cells(cells)[name]) for world in worlds])
    off = (drawn.mean(axis=0) - entry.to_scale(predicted["mean"])) / predicted["sd"]
    assert off.to_numpy() == pytest.approx(0.0, abs=4 / N_WORLDS**0.5)
    assert drawn.std(axis=0) / predicted["sd"].to_numpy() == pytest.approx(1.0, abs=0.3)


def test_chances_of_success_average_to_the_prediction(knowledge, worlds):
    rows = pd.DataFrame([[0.15, 3.0, "stainless_steel", 500.0]], columns=[*GLASS_COLUMNS[:4]])
    predicted = float(knowledge.feasibility.jar.predict(rows)["probability"].iloc[0])
    drawn = [float(world.chance("jar", rows)[0]) for world in worlds]
    assert np.mean(drawn) == pytest.approx(predicted, abs=4 * np.std(drawn) / N_WORLDS**0.5)


def test_a_resistance_that_was_read_holds_in_every_world(knowledge):
    cells = knowledge.cells
    read = pd.DataFrame(
        {"specimen": [cells.index[0]], "property": ["area_specific_resistance"],
         "lower": [700.0], "upper": [700.0], "se": [np.nan]}
    )  # fmt: skip
    told = pd.concat([knowledge.fitted[list(read.columns)], read], ignore_index=True)
    trilayer = knowledge.trilayer.fit(cells, told)
    better = knowledge.__class__(
        **{name: getattr(knowledge, name) for name in knowledge.__slots__ if name != "trilayer"},
        trilayer=trilayer,
    )
    worlds = [world_of(better, seed) for seed in range(25)]
    values = np.array([world.cells(cells)["area_specific_resistance"][0] for world in worlds])
    assert np.log10(values) == pytest.approx(np.log10(700.0), abs=0.2)
    predicted = trilayer.predict(cells)["area_specific_resistance"]["sd"].iloc[0]
    assert np.log10(values).std() == pytest.approx(predicted, rel=0.5)


def test_the_truth_does_not_depend_on_the_order_of_questions(campaign, knowledge):
    names = ("ionic_conductivity", "youngs_modulus")
    recipes = [PelletRecipe(GlassRecipe(x, 3.0, "zirconia"), 300.0) for x in (0.1, 0.2, 0.5)]

    def answers(order):
        lab = FantasyLab.drawn(knowledge, campaign.config, seed=7)
        asked = [(recipe, name) for recipe in recipes for name in names][::order]
        found = {(r.glass.x, n): lab.pellet_truth(r, n) for r, n in asked}
        return found, lab.cell_truth(CELL, "critical_current_density")

    forth, back = answers(1), answers(-1)
    assert forth == back


def test_equal_specimens_have_equal_luck_in_two_plans(campaign, knowledge):
    first, second = (FantasyLab.drawn(knowledge, campaign.config, seed=5) for _ in range(2))
    second.make_jar("R01-G9", SKIN)  # another plan makes something else before
    jars = [lab.make_jar("R01-G1", GLASS) for lab in (first, second)]
    assert jars[0] == jars[1]
    pellets = [
        lab.press("R01-G1-P1", jar, 450.0, 150.0)
        for lab, jar in zip((first, second), jars, strict=True)
    ]
    readings = [
        lab.measure(pellet, "ionic_conductivity", 60.0)
        for lab, pellet in zip((first, second), pellets, strict=True)
    ]
    assert readings[0] == readings[1]
    assert readings[0].method.startswith("simulated")


def test_worlds_differ(campaign, knowledge):
    recipe = PelletRecipe(SKIN, 450.0)
    labs = [FantasyLab.drawn(knowledge, campaign.config, seed=seed) for seed in range(3)]
    assert len({lab.pellet_truth(recipe, "youngs_modulus") for lab in labs}) == 3


def test_readings_scatter_about_the_truth_as_the_surrogate_believes(lab):
    name, entry = "ionic_conductivity", property_of("ionic_conductivity")
    scatter = lab.truth.scatter(name)
    off = []
    for i in range(120):
        jar = lab.make_jar(f"J{i}", GLASS)
        pellet = lab.press(f"J{i}-P", jar, 450.0, 150.0)
        value = float(lab.measure(pellet, name, 60.0).text)
        truth = lab.pellet_truth(PelletRecipe(jar.recipe, 450.0), name)
        off.append(float(entry.to_scale(value) - entry.to_scale(truth)))
    expected = float(np.sqrt(sum(sd**2 for sd in scatter.values())))
    assert np.std(off) == pytest.approx(expected, rel=0.25)
    assert np.mean(off) == pytest.approx(0.0, abs=4 * expected / 120**0.5)


def test_pellets_of_one_jar_share_its_luck(lab):
    jar = sound_jar(lab)
    truth = lab.pellet_truth(PelletRecipe(jar.recipe, 450.0), "youngs_modulus")
    pellets = [lab.press(f"P{i}", jar, 450.0, 150.0) for i in range(60)]
    off = [float(lab.measure(p, "youngs_modulus", 25.0).text) - truth for p in pellets]
    within = float(
        np.hypot(*(lab.truth.scatter("youngs_modulus")[k] for k in ("pellet", "reading")))
    )
    assert np.std(off) == pytest.approx(within, rel=0.35)


def test_jars_fail_as_often_as_the_world_says(lab):
    recipe = GlassRecipe(0.3, 1.5, "zirconia")
    chance = float(
        lab.truth.chance("jar", pd.DataFrame([[0.3, 1.5, "zirconia", 500.0]],
                         columns=[*GLASS_COLUMNS[:4]]))[0]
    )  # fmt: skip
    failed = np.mean([lab.make_jar(f"F{i}", recipe).failure is not None for i in range(200)])
    assert failed == pytest.approx(1 - chance, abs=0.12)


def test_what_stands_does_not_fail_again(campaign, knowledge):
    standing = Standing(oxygen={"CHI-015": 0.151}, pieces=frozenset({"CHI-TRI"}))
    for seed in range(6):
        lab = FantasyLab.drawn(knowledge, campaign.config, seed=seed, standing=standing)
        jar = lab.make_jar("CHI-015", GlassRecipe(0.15, 0.2, "agate"))
        assert (jar.failure, jar.x) == (None, 0.151)
        assert lab.make_cell("CHI-TRI", jar, jar, CELL).failure is None


def test_standing_is_read_from_the_ledger(campaign):
    standing = Standing.of(campaign.ledger)
    assert standing.oxygen["CHI-060"] == pytest.approx(0.6)
    assert "CHI-TRI" in standing.pieces


@pytest.mark.parametrize(
    ("value", "text"),
    [(0.02, "<0.05"), (0.05, "0.05..0.1"), (2.31, "2.3..2.35"), (2.999, "2.95..3"), (3.0, ">3"),
     (17.0, ">3")],
)  # fmt: skip
def test_a_critical_current_is_read_in_steps_up_to_the_end(lab, value, text):
    found = lab._stepped(value)
    assert found == text
    interval = parse_value(found, "critical_current_density")
    assert interval.lower is None or interval.lower <= value + 1e-9


def test_a_cell_of_a_lucky_assembly_is_read(lab):
    core, skin = sound_jar(lab, GLASS, "C"), sound_jar(lab, SKIN, "S")
    made = (lab.make_cell(f"R01-C{i}", core, skin, CELL) for i in range(50))
    cell = next(cell for cell in made if cell.failure is None)
    assert cell.recipe.core.x == core.x
    reading = lab.measure_cell(cell, "area_specific_resistance")
    truth = lab.cell_truth(cell.recipe, "area_specific_resistance")
    assert float(reading.text) == pytest.approx(truth, rel=0.6)
    assert reading.temperature_c == CELL.temperature_c


@pytest.mark.parametrize("name", ["hardness", "critical_current_density", "nonsense"])
def test_what_no_surrogate_models_is_refused(lab, name):
    pellet = lab.press("P", sound_jar(lab), 450.0, 150.0)
    with pytest.raises(ReadingError, match="measures what they model"):
        lab.measure(pellet, name, 60.0) if name != "nonsense" else lab.pellet_truth(
            pellet.recipe, "area_specific_resistance"
        )
