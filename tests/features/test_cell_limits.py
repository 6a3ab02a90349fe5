"""Every rule of what can be built, and that one cell and a table of cells get one answer."""

import re
from dataclasses import fields, replace

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from features.cell_limits import Limits, allowed, violations
from features.errors import SpaceError, TableError
from features.recipe import GlassRecipe, TrilayerRecipe


def cell(core_x=0.15, skin_x=0.60, **changes):
    values = {"core_mass_mg": 150.0, "skin_mass_mg": 25.0, **changes}
    return TrilayerRecipe(
        core=GlassRecipe(core_x, 3, "stainless_steel"),
        skin=GlassRecipe(skin_x, 3, "stainless_steel"),
        **values,
    )


def table(recipes):
    own = [field.name for field in fields(TrilayerRecipe) if field.name not in {"core", "skin"}]
    rows = [
        {"core_x": r.core.x, "skin_x": r.skin.x} | {name: getattr(r, name) for name in own}
        for r in recipes
    ]
    return pd.DataFrame(rows)


BROKEN = [
    pytest.param(
        cell(skin_mass_mg=14.9),
        r"^skin_mass_mg must be at least 15 mg to cover the core, got 14.9; use more skin powder$",
        id="coverage",
    ),
    pytest.param(
        cell(core_mass_mg=440, skin_mass_mg=31),
        r"^core and both skins must not exceed the 500 mg the die holds, got 502; use less powder$",
        id="die-capacity",
    ),
    pytest.param(
        cell(pressing_pressure_mpa=501),
        r"^pressing_pressure_mpa must not exceed the die's rating of 500 MPa, got 501; press less$",
        id="die-rating",
    ),
    pytest.param(
        cell(precompaction_pressure_mpa=101),
        r"^precompaction_pressure_mpa must not exceed 100 MPa so that the layers interlock, "
        r"got 101; pre-compact the core less$",
        id="precompaction",
    ),
    pytest.param(
        cell(precompaction_pressure_mpa=80, pressing_pressure_mpa=240),
        r"^precompaction_pressure_mpa must stay below 80 MPa, a share of 0.33 of the co-press "
        r"pressure, got 80; pre-compact less or co-press harder$",
        id="precompaction-share",
    ),
    pytest.param(
        cell(precompaction_pressure_mpa=40, pressing_pressure_mpa=149),
        r"^pressing_pressure_mpa must be at least 150 MPa with a skin of x >= 0.3, got 149; "
        r"co-press harder$",
        id="co-press-of-a-rich-skin",
    ),
    pytest.param(
        cell(core_x=0.14, pressing_pressure_mpa=299),
        r"^pressing_pressure_mpa must be at least 300 MPa with a core of x < 0.15, got 299; "
        r"co-press harder or give the core more oxygen$",
        id="co-press-of-a-poor-core",
    ),
    pytest.param(
        cell(core_x=0.60, skin_x=0.45),
        r"^skin_x must not be below core_x = 0.6, got 0.45; swap core and skin, .* as a control$",
        id="layer-order",
    ),
    pytest.param(
        cell(skin_x=0.29),
        r"^skin_x must be at least 0.3 against sodium, got 0.29; choose a skin with more oxygen$",
        id="skin-against-sodium",
    ),
    pytest.param(
        cell(stack_pressure_mpa=0.5),
        r"^stack_pressure_mpa must lie between 1 and 20 MPa, got 0.5; less loses contact",
        id="loose-stack",
    ),
    pytest.param(
        cell(stack_pressure_mpa=21),
        r"^stack_pressure_mpa must lie between 1 and 20 MPa, got 21; .* squeezes the sodium out$",
        id="tight-stack",
    ),
]


@pytest.mark.parametrize(("recipe", "sentence"), BROKEN)
def test_each_broken_rule_gives_its_one_sentence(recipe, sentence):
    broken = violations(recipe, Limits())
    assert len(broken) == 1
    assert re.search(sentence, broken[0]), broken[0]
    assert not allowed(table([recipe]), Limits()).item()


@pytest.mark.parametrize(
    "recipe",
    [
        pytest.param(cell(), id="paper"),
        pytest.param(cell(core_x=0.60, skin_x=0.60), id="core-equals-skin-control"),
        pytest.param(cell(skin_mass_mg=15), id="thinnest-skin"),
        pytest.param(cell(pressing_pressure_mpa=500), id="at-the-rating"),
        pytest.param(cell(core_mass_mg=450, skin_mass_mg=25), id="full-die"),
        pytest.param(cell(core_x=0.0, pressing_pressure_mpa=300), id="poor-core-pressed-enough"),
        pytest.param(cell(skin_x=0.1 * 3), id="grid-030-from-above"),
        pytest.param(cell(skin_x=1 - 0.7 - 1e-16), id="grid-030-from-below"),
        pytest.param(cell(stack_pressure_mpa=1), id="loosest-stack"),
        pytest.param(cell(stack_pressure_mpa=20), id="tightest-stack"),
    ],
)
def test_cells_on_the_right_side_of_each_edge_are_allowed(recipe):
    assert violations(recipe, Limits()) == []
    assert allowed(table([recipe]), Limits()).item()


def test_a_cell_that_breaks_several_rules_hears_of_all():
    worst = cell(skin_x=0.1, skin_mass_mg=2, stack_pressure_mpa=50, pressing_pressure_mpa=900)
    assert len(violations(worst, Limits())) == 5


@pytest.mark.parametrize(
    ("limits", "recipe", "word"),
    [
        pytest.param(Limits(die_rating_mpa=400), cell(), "rating of 400 MPa", id="weak-die"),
        pytest.param(Limits(max_temperature_c=50), cell(), "must not exceed 50 °C", id="cool"),
        pytest.param(Limits(max_powder_mg=180), cell(), "the 180 mg", id="small-die"),
        pytest.param(
            Limits(min_pressing_rich_skin_mpa=460), cell(), "at least 460 MPa", id="rich-skin"
        ),
        pytest.param(
            Limits(max_precompaction_share=0.1), cell(), "below 45 MPa, a share of 0.10", id="share"
        ),
    ],
)
def test_a_laboratory_sets_its_own_limits(limits, recipe, word):
    assert violations(recipe, Limits()) == []
    (sentence,) = violations(recipe, limits)
    assert word in sentence
    assert not allowed(table([recipe]), limits).item()


# steps put many cells exactly on an edge, where two implementations would part
steps = st.integers(0, 20)
recipes = st.builds(
    cell,
    core_x=steps.map(lambda n: 0.05 * n),
    skin_x=steps.map(lambda n: 0.05 * n),
    core_mass_mg=steps.map(lambda n: 20.0 + 25 * n),
    skin_mass_mg=steps.map(lambda n: 5.0 + 5 * n),
    precompaction_pressure_mpa=steps.map(lambda n: 5.0 + 10 * n),
    pressing_pressure_mpa=steps.map(lambda n: 75.0 + 25 * n),
    stack_pressure_mpa=steps.map(lambda n: 0.5 * n) | st.floats(0, 40),
    temperature_c=st.floats(-20, 90),
)


@settings(deadline=None)
@given(made=st.lists(recipes, min_size=1, max_size=12), rating=st.sampled_from([300.0, 500.0]))
def test_sentences_and_table_agree_on_every_cell(made, rating):
    limits = Limits(die_rating_mpa=rating, max_temperature_c=80.0)
    assert allowed(table(made), limits).tolist() == [not violations(r, limits) for r in made]


def test_the_cells_of_the_agreement_test_are_of_both_kinds():
    mixed = [cell(), cell(skin_mass_mg=5), cell(core_x=0.05), cell(core_x=0.9)]
    np.testing.assert_array_equal(allowed(table(mixed), Limits()), [True, False, True, False])


def test_no_cells_are_allowed_vacuously():
    nothing = table([cell()]).iloc[:0]
    assert allowed(nothing, Limits()).shape == (0,)


def test_a_table_hotter_than_any_recipe_may_be_is_not_allowed():
    assert not allowed(table([cell()]).assign(temperature_c=95.0), Limits()).item()


def test_missing_column_and_missing_number_are_named():
    cells = table([cell()])
    with pytest.raises(TableError, match="cells: column 'stack_pressure_mpa' must be there once"):
        allowed(cells.drop(columns="stack_pressure_mpa"), Limits())
    with pytest.raises(TableError, match=r"cells: skin_x must be a finite number .* got nan"):
        allowed(cells.assign(skin_x=np.nan), Limits())


@pytest.mark.parametrize("name", [field.name for field in fields(Limits)])
def test_limits_that_are_not_above_zero_are_refused(name):
    message = rf"limits: {name} must be above zero, got 0; leave it out to keep the default"
    with pytest.raises(SpaceError, match=message):
        replace(Limits(), **{name: 0.0})


def test_limits_never_allow_a_test_that_melts_sodium():
    message = "limits: max_temperature_c must not exceed 90 °C, got 95; sodium melts at 97.8 °C"
    with pytest.raises(SpaceError, match=message):
        Limits(max_temperature_c=95)
