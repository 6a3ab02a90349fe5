"""Success is learned from what was made and what failed, and from nothing else."""

import json

import numpy as np
import pandas as pd
import pytest
from scipy.integrate import quad
from scipy.stats import norm

from features.errors import NotFittedError, SpaceError, TableError
from models.feasibility import (
    BASE_RATE,
    CELL_RANGES,
    NOT_COUNTED,
    SUCCESS_COLUMNS,
    UNSAID,
    FeasibilitySurrogate,
)

STEEL = {"milling_media": "stainless_steel", "milling_speed_rpm": 500.0}


@pytest.fixture
def jars():
    """Five short runs and five long ones."""
    rows = {
        f"G{i}": {"x": 0.05 * i, "milling_time_h": 1.0 if i < 5 else 8.0, **STEEL}
        for i in range(10)
    }
    return pd.DataFrame.from_dict(rows, orient="index")


@pytest.fixture
def outcomes(jars):
    """The short ones stayed unreacted."""
    words = np.where(jars["milling_time_h"] < 2, "unreacted", "made")
    return pd.Series(words, index=jars.index)


@pytest.fixture
def new():
    rows = {"short": {"x": 0.2, "milling_time_h": 1.2}, "long": {"x": 0.2, "milling_time_h": 7.0}}
    return pd.DataFrame.from_dict(rows, orient="index").assign(**STEEL)


def cells(stack_mpa):
    return pd.DataFrame(
        {"stack_pressure_mpa": stack_mpa, "pressing_pressure_mpa": 450.0, "core_mass_mg": 150.0,
         "skin_mass_mg": 25.0},
        index=[f"C{i}" for i in range(len(stack_mpa))],
    )  # fmt: skip


NOTHING = pd.Series(dtype=object)


@pytest.mark.parametrize("level", ["jar", "pellet", "cell"])
def test_with_nothing_tried_the_base_rate_is_predicted_with_a_wide_range(level, new):
    long = new.assign(milling_time_h=[3.0, 7.0], pressing_pressure_mpa=450.0)
    recipes = cells([7.0, 20.0]) if level == "cell" else long
    table = FeasibilitySurrogate(level).fit(recipes, NOTHING).predict(recipes)
    assert tuple(table.columns) == SUCCESS_COLUMNS
    assert table["probability"].tolist() == pytest.approx([BASE_RATE[level]] * 2, abs=1e-6)
    assert (table["lower"] < 0.85).all()
    assert (table["upper"] > 0.99).all()


@pytest.mark.parametrize(
    ("time_h", "medium", "expected"),
    [
        pytest.param(3.0, "stainless_steel", 0.9, id="as-in-the-paper"),
        pytest.param(20.0, "stainless_steel", 0.9, id="longer"),
        pytest.param(1.5, "stainless_steel", 0.5, id="half-the-dose"),
        pytest.param(3.9, "zirconia", 0.9, id="a-lighter-medium-for-longer"),
    ],
)
def test_less_milling_than_the_paper_s_is_expected_to_leave_reagents(time_h, medium, expected):
    recipe = pd.DataFrame(
        {"x": [0.2], "milling_time_h": time_h, **STEEL, "milling_media": medium}, index=["G"]
    )
    chance = FeasibilitySurrogate("jar").fit(recipe, NOTHING).predict(recipe)["probability"]
    assert chance["G"] == pytest.approx(expected, abs=1e-6)


def test_short_milling_that_worked_overrules_the_expectation(new):
    short = pd.concat([new.loc[["short"]]] * 3).set_axis(["A", "B", "C"])
    before = FeasibilitySurrogate("jar").fit(short, NOTHING).predict(short)["probability"]
    after = FeasibilitySurrogate("jar").fit(short, pd.Series("made", index=short.index))
    assert before["A"] < 0.4
    assert after.predict(short)["probability"]["A"] > 0.8


def test_a_recipe_like_those_that_failed_is_likely_to_fail(jars, outcomes, new):
    table = FeasibilitySurrogate("jar").fit(jars, outcomes).predict(new)
    assert table.loc["short", "probability"] < 0.3
    assert table.loc["long", "probability"] > 0.75


def test_one_outcome_moves_the_belief_as_bayes_says(new):
    """Success of a recipe of which one jar failed, by brute-force integration."""
    one = new.loc[["long"]]
    surrogate = FeasibilitySurrogate("jar").fit(one, pd.Series({"long": "caked"}))
    process = surrogate.process
    unread = FeasibilitySurrogate("jar").fit(one, NOTHING).process
    amplitude = process.amplitude / process.prior_sd
    centre = unread.prior_centre
    sd = unread.prior_sd * np.sqrt(0.5 + amplitude**2)

    def weight(f):
        return norm.pdf(f, centre, sd) * norm.cdf(-f)

    ends = (centre - 10 * sd, centre + 10 * sd)
    total = quad(weight, *ends)[0]
    mean = quad(lambda f: f * weight(f), *ends)[0] / total
    square = quad(lambda f: f * f * weight(f), *ends)[0] / total
    found_mean, found_sd = process.marginal(surrogate.inputs(one))
    assert found_mean[0] == pytest.approx(mean, abs=1e-3)
    assert found_sd[0] == pytest.approx(np.sqrt(square - mean**2), rel=1e-3)


@pytest.mark.parametrize("reason", [*NOT_COUNTED, UNSAID, "cracked"])
def test_a_failure_of_another_cause_counts_neither_as_failed_nor_as_made(
    jars, outcomes, new, reason
):
    told = outcomes.copy()
    told["G9"] = reason
    with_it = FeasibilitySurrogate("jar").fit(jars, told)
    without = FeasibilitySurrogate("jar").fit(jars, outcomes.drop("G9"))
    pd.testing.assert_frame_equal(with_it.predict(new), without.predict(new))
    assert with_it.left_out == 1
    assert with_it.in_words().endswith("; 1 failed for other reasons, left out")


def test_three_cracked_pellets_of_one_jar_say_less_than_those_of_three_jars(new):
    made = pd.concat([new.loc[["long"]]] * 3).set_axis(["A", "B", "C"])
    pressed = made.assign(pressing_pressure_mpa=500.0)
    cracked = pd.Series("cracked", index=pressed.index)
    one_jar = FeasibilitySurrogate("pellet").fit(pressed.assign(jar="G1"), cracked)
    three = FeasibilitySurrogate("pellet").fit(pressed.assign(jar=["G1", "G2", "G3"]), cracked)
    ask = pressed.iloc[[0]]
    of_one, of_three = (s.predict(ask)["probability"].iloc[0] for s in (one_jar, three))
    assert of_three < of_one < BASE_RATE["pellet"]


def test_pressure_matters_to_the_pellet_and_not_to_the_jar(jars, outcomes):
    two = jars.iloc[[9, 9]].set_axis(["soft", "hard"]).assign(pressing_pressure_mpa=[100.0, 500.0])
    jar = FeasibilitySurrogate("jar").fit(jars, outcomes).predict(two)["probability"]
    assert jar["soft"] == jar["hard"]
    told = pd.Series({"soft": "made", "hard": "cracked"})
    pellet = FeasibilitySurrogate("pellet").fit(two, told).predict(two)["probability"]
    assert pellet["soft"] > pellet["hard"] + 0.1


def test_cells_that_shorted_under_high_stack_pressure_are_learned_from():
    pressures = [5.0, 7.0, 9.0, 20.0, 22.0, 24.0]
    tried = cells(pressures)
    told = pd.Series(["made"] * 3 + ["short"] * 3, index=tried.index)
    table = FeasibilitySurrogate("cell").fit(tried, told).predict(cells([7.0, 23.0]))
    assert table["probability"].iloc[0] > 0.8 > 0.4 > table["probability"].iloc[1]


def test_draws_agree_with_the_table_and_are_joint(jars, outcomes, new):
    surrogate = FeasibilitySurrogate("jar").fit(jars, outcomes)
    twice = pd.concat([new, new.loc[["long"]].set_axis(["again"])])
    draws = surrogate.sample(twice, 20_000, np.random.default_rng(0))
    assert draws.shape == (20_000, 3)
    table = surrogate.predict(twice)
    assert draws.mean(axis=0) == pytest.approx(table["probability"].to_numpy(), abs=0.01)
    assert np.quantile(draws, 0.05, axis=0) == pytest.approx(table["lower"].to_numpy(), abs=0.02)
    assert draws[:, 1] == pytest.approx(draws[:, 2], abs=1e-3)


def test_it_survives_json(jars, outcomes, new):
    surrogate = FeasibilitySurrogate("jar").fit(jars, outcomes)
    again = FeasibilitySurrogate.from_dict(json.loads(json.dumps(surrogate.to_dict())))
    pd.testing.assert_frame_equal(again.predict(new), surrogate.predict(new))
    assert again.in_words() == surrogate.in_words()


def test_the_order_of_the_table_changes_nothing(jars, outcomes, new):
    mixed = jars.iloc[::-1]
    one, other = (
        FeasibilitySurrogate("jar").fit(table, outcomes.loc[table.index]).predict(new)
        for table in (jars, mixed)
    )
    pd.testing.assert_frame_equal(one, other, rtol=1e-9)


@pytest.mark.parametrize(
    ("n", "words"),
    [
        pytest.param({}, "no jar tried yet: the prior decides", id="nothing"),
        pytest.param({"G5": "made"}, "no failure among 1 jar: the prior decides", id="one"),
        pytest.param(
            {f"G{i}": "made" for i in range(4)},
            "no failure among 4 jars: the prior decides",
            id="no-failure",
        ),
        pytest.param(
            {"G0": "caked", "G1": "made"},
            "2 jars, 1 failed (1 caked): too few to learn from; the prior decides",
            id="few",
        ),
        pytest.param(
            {"G0": "caked", "G1": "unreacted", "G2": "unreacted", "G3": "made", "G4": "made"},
            "5 jars, 3 failed (2 unreacted, 1 caked)",
            id="by-reason",
        ),
    ],
)
def test_it_says_what_it_rests_on(jars, n, words):
    told = pd.Series(n, dtype=object)
    assert FeasibilitySurrogate("jar").fit(jars, told).in_words() == words


@pytest.mark.parametrize("word", ["made", "unreacted"])
def test_equal_outcomes_only_give_a_finite_range(jars, new, word):
    table = FeasibilitySurrogate("jar").fit(jars, pd.Series(word, index=jars.index)).predict(new)
    assert table.notna().all(axis=None)
    assert (table["lower"] <= table["probability"]).all()
    assert (table["probability"] <= table["upper"]).all()


def test_before_fit_nothing_is_predicted(new):
    with pytest.raises(NotFittedError, match="success of a jar was asked for before fit"):
        FeasibilitySurrogate("jar").predict(new)


def test_a_level_that_does_not_exist_is_refused():
    with pytest.raises(TableError, match="level must be jar, pellet, cell, got 'glovebox'"):
        FeasibilitySurrogate("glovebox")


def test_a_range_of_another_level_is_refused():
    with pytest.raises(SpaceError, match="there must be one range for each"):
        FeasibilitySurrogate("jar", {"stack_pressure_mpa": (1.0, 25.0)})
    assert FeasibilitySurrogate("cell").ranges == dict(CELL_RANGES)


def test_an_outcome_that_says_nothing_is_refused(jars):
    with pytest.raises(TableError, match=r"each must be 'made' or a reason, got an empty one \(G1"):
        FeasibilitySurrogate("jar").fit(jars, pd.Series({"G0": "made", "G1": None}))


def test_a_misspelled_reason_is_refused_with_its_row_and_the_known_ones(jars):
    told = pd.Series({"G0": "made", "G1": "unreactd"})
    rule = r"or a known reason, got 'unreactd' \(G1\); use unreacted, .*cracked, short, leaked_air"
    with pytest.raises(TableError, match=rule):
        FeasibilitySurrogate("jar").fit(jars, told)


def test_an_outcome_of_an_unknown_specimen_is_refused(jars):
    with pytest.raises(TableError, match="got 'G99' which is not"):
        FeasibilitySurrogate("jar").fit(jars, pd.Series({"G99": "made"}))
