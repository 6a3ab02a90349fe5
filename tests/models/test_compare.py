from dataclasses import dataclass, field

import numpy as np
import pandas as pd
import pytest

from features.errors import TableError
from features.properties import property_of
from models.baseline_ridge import RidgeSurrogate
from models.baselines import MeanSurrogate
from models.compare import compare, n_fits
from models.property_gp import PropertyGP
from models.surrogate import predictions_table

MODULUS = property_of("youngs_modulus")
NOISE = 0.85


@dataclass(frozen=True)
class Rigged:
    """Predicts 14 + 15 x with an offset and a spread, whatever it was fitted to."""

    offset: float = 0.0
    sd: float = NOISE
    seen: list = field(default_factory=list)
    property_id: str = "youngs_modulus"

    def fit(self, recipes, readings):
        self.seen.append((recipes, readings))
        return self

    def predict(self, recipes):
        n = len(recipes)
        return predictions_table(
            property_of(self.property_id),
            recipes.index,
            mean=14 + 15 * recipes["x"].to_numpy() + self.offset,
            sd=np.full(n, 0.1),
            reading_sd=np.full(n, self.sd),
        )

    def sample(self, recipes, n, rng):
        raise NotImplementedError


def glasses(n, pellets_each=1, **columns):
    x = np.repeat(np.linspace(0.0, 0.6, n).round(3), pellets_each)
    total = n * pellets_each
    plain = {
        "x": x,
        "milling_time_h": 3.0,
        "milling_media": "zirconia",
        "milling_speed_rpm": 500.0,
        "pressing_pressure_mpa": 450.0,
        "jar": [f"J{i // pellets_each}" for i in range(total)],
    }
    return pd.DataFrame({**plain, **columns}, index=[f"P{i}" for i in range(total)])


def moduli(recipes, **columns):
    rng = np.random.default_rng(0)
    value = 14 + 15 * recipes["x"].to_numpy() + NOISE * rng.standard_normal(len(recipes))
    plain = {
        "specimen": recipes.index,
        "property": "youngs_modulus",
        "lower": value,
        "upper": value,
        "se": np.nan,
    }
    return pd.DataFrame({**plain, **columns})


def conductivities(recipes, **columns):
    table = moduli(recipes, property="ionic_conductivity")
    value = 10.0 ** (-6 + table["lower"].to_numpy() / 14)
    return table.assign(lower=value, upper=value).assign(**columns)


def both(**surrogates):
    return {"mean": MeanSurrogate("youngs_modulus"), **surrogates}


def test_the_truth_wins_and_a_confident_liar_loses():
    recipes = glasses(12)
    rivals = both(truth=Rigged(), liar=Rigged(offset=5.0, sd=0.5))
    found = compare("youngs_modulus", recipes, moduli(recipes), rivals)
    assert found.surrogates == ("mean", "truth", "liar")
    assert found.winner == "truth"
    assert found.verdict.startswith("truth is better than every other: NLPD -")
    assert found.scores["nlpd"].idxmin() == found.scores["crps"].idxmin() == "truth"
    assert found.scores["rmse"].idxmax() == "liar"
    assert found.scores.loc["liar", "coverage_90"] == 0
    row = found.differences.set_index(["surrogate", "against", "score"]).loc
    assert row["truth", "mean", "crps"]["upper"] < 0 < row["liar", "mean", "crps"]["lower"]


def test_when_nothing_beats_the_mean_it_is_said_plainly():
    recipes = glasses(10)
    rivals = both(liar=Rigged(offset=8.0, sd=0.5), fool=Rigged(offset=-7.0, sd=0.5))
    found = compare("youngs_modulus", recipes, moduli(recipes), rivals)
    assert found.winner == "mean"
    assert found.verdict.startswith("nothing beats the mean: of the others fool comes nearest")


def test_two_that_cannot_be_told_apart_have_no_winner():
    recipes = glasses(10)
    found = compare("youngs_modulus", recipes, moduli(recipes), both(one=Rigged(), two=Rigged()))
    assert found.winner is None
    assert found.verdict.startswith("one and two beat the mean; no winner")


def test_below_eight_glasses_no_winner_is_named():
    recipes = glasses(7, pellets_each=3)
    found = compare("youngs_modulus", recipes, moduli(recipes), both(truth=Rigged()))
    assert found.winner is None
    assert found.verdict == "7 glasses: too few to name a winner (8 needed)"
    assert found.n_folds == 7
    assert found.n_readings == 21


def test_no_jar_or_recipe_of_a_glass_left_out_is_learned_from():
    recipes = glasses(6, pellets_each=2)
    recipes.loc["P3", "jar"] = "J2"  # a jar that is in two glasses joins them
    spy = Rigged()
    other = moduli(recipes).assign(property="hardness", lower=1.0, upper=1.0)
    cell = other.head(1).assign(specimen="C1")
    readings = pd.concat([moduli(recipes), other, cell])
    found = compare("youngs_modulus", recipes, readings, both(spy=spy), variables=())
    assert found.n_folds == 5
    assert len(spy.seen) == 6  # each group left out once, then all readings
    predicted = found.predictions.query("surrogate == 'spy'")
    held = [frame for _, frame in predicted.groupby("fold", sort=False)]
    for (known, learned), out in zip(spy.seen, held, strict=False):
        left = recipes.loc[list(out["specimen"])]
        assert not set(left["jar"]) & set(known["jar"])
        assert not set(left["x"]) & set(known["x"])
        assert set(learned["specimen"]) == set(known.index)
        assert set(learned["property"]) == {"youngs_modulus", "hardness"}
    assert len(spy.seen[-1][0]) == 12


def test_each_jar_counts_once():
    recipes = glasses(4)
    readings = moduli(recipes)
    often = pd.concat([readings, *[readings.head(1)] * 20], ignore_index=True)
    once, twenty = (
        compare("youngs_modulus", recipes, table, both(truth=Rigged())).scores.loc["truth"]
        for table in (readings, often)
    )
    assert twenty["n"] == 24
    pd.testing.assert_series_equal(once.drop("n"), twenty.drop("n"))


def test_scores_are_those_of_the_predictions():
    recipes = glasses(5)
    readings = moduli(recipes)
    found = compare("youngs_modulus", recipes, readings, both(truth=Rigged()))
    error = readings["lower"] - (14 + 15 * recipes["x"].to_numpy())
    score = found.scores.loc["truth"]
    assert score["rmse"] == pytest.approx(np.sqrt((error**2).mean()))
    assert score["mae"] == pytest.approx(error.abs().mean())
    assert score["coverage_50"] == (error.abs() < 0.67449 * NOISE).mean()
    assert score["sharpness"] == pytest.approx(2 * 1.644854 * NOISE)


def test_the_result_does_not_depend_on_the_number_of_processes():
    recipes = glasses(5)
    readings = moduli(recipes)
    readings.loc[0, "lower"] = np.nan
    rivals = both(ridge=RidgeSurrogate("youngs_modulus"))
    one, two = (
        compare("youngs_modulus", recipes, readings, rivals, n_jobs=n, seed=3) for n in (1, 2)
    )
    for name in ("predictions", "scores", "differences", "curves", "data"):
        pd.testing.assert_frame_equal(getattr(one, name), getattr(two, name))
    assert one.verdict == two.verdict


def test_progress_is_told_of_every_fit():
    recipes = glasses(4)
    told = []
    rivals = {"truth": Rigged()}
    compare("youngs_modulus", recipes, moduli(recipes), rivals, progress=lambda: told.append(1))
    assert len(told) == n_fits("youngs_modulus", recipes, moduli(recipes), rivals) == 10


def test_the_mean_is_always_among_them():
    recipes = glasses(8)
    found = compare("youngs_modulus", recipes, moduli(recipes), {})
    assert found.surrogates == ("mean",)
    assert found.winner is None
    assert found.verdict == "only the mean was compared"


def test_bounds_are_scored_by_their_probability():
    recipes = glasses(9)
    readings = moduli(recipes)
    readings.loc[:1, "lower"] = np.nan
    found = compare("youngs_modulus", recipes, readings, both(truth=Rigged()))
    assert found.n_censored == 2
    assert found.scores.notna().all(axis=None)
    bounds = found.predictions.query("censored and surrogate == 'truth'")
    assert bounds["error"].isna().all()
    assert (bounds["log_score"] < 0).all()
    assert "2 of 9 readings are bounds or wide intervals and count in NLPD" in found.verdict


def test_when_all_readings_are_bounds_the_log_score_still_decides():
    recipes = glasses(9)
    readings = moduli(recipes).assign(lower=np.nan)
    found = compare("youngs_modulus", recipes, readings, both(liar=Rigged(offset=20.0, sd=0.5)))
    assert found.winner == "mean"
    assert "there is no RMSE, MAE or CRPS" in found.verdict
    assert found.scores["nlpd"].notna().all()
    assert found.scores["rmse"].isna().all()


def test_a_large_stated_error_widens_what_a_reading_is_scored_with():
    recipes = glasses(4)
    found = compare(
        "youngs_modulus", recipes, moduli(recipes, se=[2.0, 0.1, 0.0, np.nan]), both(t=Rigged())
    )
    spread = found.predictions.query("surrogate == 't'")["reading_sd"].to_numpy()
    wide = np.sqrt(NOISE**2 + 2.0**2 - MODULUS.default_se**2)
    np.testing.assert_allclose(spread, [wide, NOISE, NOISE, NOISE])


def test_other_temperatures_are_learned_from_and_not_scored():
    recipes = glasses(4)
    swept = pd.concat(
        [conductivities(recipes, temperature_c=t) for t in (25.0, 61.0, 90.0)], ignore_index=True
    )
    spy = Rigged(property_id="ionic_conductivity")
    found = compare("ionic_conductivity", recipes, swept, {"spy": spy})
    assert found.n_readings == 4
    assert len(spy.seen[0][1]) == 9


def test_sources_are_left_out_as_a_whole():
    recipes = glasses(6, source=["paper", "paper", "lab", "lab", "guest", "guest"])
    found = compare("youngs_modulus", recipes, moduli(recipes), both(t=Rigged()), folds="source")
    assert found.n_folds == 3
    assert set(found.predictions["fold"]) == {"paper", "lab", "guest"}
    assert found.verdict.startswith("3 sources: too few to name a winner")


def test_sources_can_be_compared_on_tables_without_milling():
    table = glasses(9)[["x"]].assign(source=[f"paper {i % 3}" for i in range(9)])
    found = compare(
        "youngs_modulus", table, moduli(table), both(t=Rigged()), folds="source", variables=()
    )
    assert found.n_folds == 3


def test_one_source_is_one_clear_sentence():
    recipes = glasses(6, source="lab")
    with pytest.raises(TableError, match=r"there must be 2 of them or more .* got lab"):
        compare("youngs_modulus", recipes, moduli(recipes), {}, folds="source")


def test_curves_follow_each_variable_with_the_others_held():
    recipes = glasses(5)
    found = compare(
        "youngs_modulus", recipes, moduli(recipes), both(truth=Rigged()),
        variables=("x", "milling_media"),
    )  # fmt: skip
    along_x = found.curves.query("variable == 'x' and surrogate == 'truth'")
    x = along_x["value"].astype(float)
    np.testing.assert_allclose(along_x["mean"].astype(float), 14 + 15 * x)
    assert (x.min(), x.max()) == (0.0, 0.6)
    media = found.curves.query("variable == 'milling_media' and surrogate == 'truth'")
    assert "agate" in set(media["value"])
    assert media["mean"].nunique() == 1
    np.testing.assert_allclose(
        found.data.query("variable == 'x'")["lower"], moduli(recipes)["lower"]
    )


@pytest.mark.parametrize(
    ("change_recipes", "change_readings", "message"),
    [
        pytest.param({"x": 0.1}, {}, "readings of 3 glasses or more, got 1", id="one-glass"),
        pytest.param({"milling_time_h": np.nan}, {}, "milling_time_h must be a finite", id="nan"),
        pytest.param({}, {"se": -1.0}, "se must be finite and not negative", id="negative-se"),
        pytest.param({}, {"lower": np.nan, "upper": np.nan}, "lower or an upper", id="no-value"),
        pytest.param({}, {"specimen": "Q"}, "must be in recipes, got 'Q'", id="unknown"),
        pytest.param({}, {"property": "hardness"}, "3 glasses or more, got 0", id="no-reading"),
    ],
)
def test_nonsense_is_one_clear_sentence(change_recipes, change_readings, message):
    recipes = glasses(4).assign(**change_recipes)
    with pytest.raises(TableError, match=message):
        compare("youngs_modulus", recipes, moduli(recipes).assign(**change_readings), {})


def test_a_duplicated_recipe_is_named():
    recipes = glasses(4)
    with pytest.raises(TableError, match="one row, got 'P0' more than once"):
        compare("youngs_modulus", pd.concat([recipes, recipes.head(1)]), moduli(recipes), {})


def test_an_unknown_variable_is_named():
    recipes = glasses(4)
    with pytest.raises(TableError, match=r"variable to draw along must be one of x, .*, got 'y'"):
        compare("youngs_modulus", recipes, moduli(recipes), {}, variables=("y",))


def test_a_surrogate_that_predicts_nothing_is_refused():
    recipes = glasses(4)
    with pytest.raises(TableError, match="must be finite with a spread above zero, got"):
        compare("youngs_modulus", recipes, moduli(recipes), {"broken": Rigged(sd=np.nan)})


def test_constant_and_duplicated_readings_give_a_result():
    recipes = glasses(9)
    same = moduli(recipes).assign(lower=20.0, upper=20.0)
    rivals = both(ridge=RidgeSurrogate("youngs_modulus"))
    found = compare("youngs_modulus", recipes, pd.concat([same, same]), rivals)
    assert found.winner is None
    assert found.verdict.startswith("nothing beats the mean")
    assert np.isfinite(found.scores.to_numpy(dtype=float)).all()


def test_where_the_recipe_makes_no_difference_nothing_beats_the_mean():
    rng = np.random.default_rng(0)
    n = 10
    recipes = pd.DataFrame(
        {
            "x": rng.uniform(0, 0.6, n), "milling_time_h": rng.uniform(1, 20, n),
            "milling_media": rng.choice(["zirconia", "stainless_steel"], n),
            "milling_speed_rpm": 500.0, "pressing_pressure_mpa": rng.uniform(100, 500, n),
        },
        index=[f"P{number}" for number in range(n)],
    )  # fmt: skip
    value = 10 ** (-4 + 0.06 * rng.standard_normal(n))
    readings = pd.DataFrame(
        {
            "specimen": recipes.index, "property": "ionic_conductivity",
            "lower": value, "upper": value, "se": np.nan,
        }
    )  # fmt: skip
    gp = {"gp": PropertyGP("ionic_conductivity")}
    found = compare("ionic_conductivity", recipes, readings, gp, variables=())
    assert found.verdict.startswith("nothing beats the mean")
