import json
from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest

from features.errors import NotFittedError, ReadingError, SpaceError, TableError
from features.properties import property_of
from models.cholesky import stable_cholesky
from models.compare import compare
from models.correlated import CorrelatedGP, CorrelatedProperty
from models.correlations import correlation_table
from models.inputs import glass_inputs
from models.loadings import N_DRAWS
from models.matern import correlation
from models.property_gp import PropertyGP
from models.surrogate import PREDICTION_COLUMNS, Surrogate

SIGMA, MODULUS = "ionic_conductivity", "youngs_modulus"
BOTH = (SIGMA, MODULUS)


def glasses(n, seed=0):
    rng = np.random.default_rng(seed)
    return pd.DataFrame(
        {
            "x": rng.uniform(0, 0.6, n),
            "milling_time_h": rng.uniform(1, 20, n),
            "milling_media": rng.choice(["stainless_steel", "zirconia", "agate"], n),
            "milling_speed_rpm": 500,
            "pressing_pressure_mpa": rng.uniform(75, 500, n),
        },
        index=[f"P{index}" for index in range(n)],
    )


def varying_together(recipes, rho, seed):
    """Two unit processes over the recipes that correlate by rho."""
    unit = PropertyGP(MODULUS)
    x = glass_inputs(recipes, unit.ranges, unit.settings)
    factor = stable_cholesky(correlation(x, x, np.full(x.shape[1], 0.8)))
    one, two = np.random.default_rng(seed).standard_normal((2, len(recipes))) @ factor.T
    return {SIGMA: one, MODULUS: rho * one + np.sqrt(1 - rho**2) * two}


def values(property_id, varying):
    entry = property_of(property_id)
    return entry.from_scale(entry.prior_centre + 0.7 * entry.prior_sd * varying)


def readings_of(property_id, varying, names):
    value = values(property_id, varying)
    columns = {"specimen": names, "property": property_id, "lower": value, "upper": value}
    return pd.DataFrame(columns).assign(se=np.nan)


def table(recipes, rho, seed, rows):
    """Readings of each property at its own rows."""
    varying = varying_together(recipes, rho, seed)
    parts = [
        readings_of(name, varying[name][own], recipes.index[own]) for name, own in rows.items()
    ]
    return pd.concat(parts, ignore_index=True)


@pytest.fixture
def recipes():
    return glasses(14)


@pytest.fixture
def readings(recipes):
    return table(recipes, 0.9, 0, {SIGMA: slice(0, 10), MODULUS: slice(6, 14)})


@pytest.mark.parametrize("rho", [-0.9, 0.9], ids="rho={}".format)
def test_a_strong_correlation_is_found_with_its_sign_and_interval(rho):
    recipes = glasses(50)
    seen = table(recipes, rho, 2, {SIGMA: slice(0, 40), MODULUS: slice(10, 50)})
    row = CorrelatedGP(BOTH).fit(recipes, seen).correlations().iloc[0]
    assert (row["property"], row["other"], row["n_common"]) == (*BOTH, 30)
    assert row["lower"] < row["correlation"] < row["upper"]
    assert row["lower"] <= rho <= row["upper"]
    assert row["upper"] - row["lower"] < 0.4
    assert row["determined"]
    assert row["says"].endswith("; 30 recipes in common")


def test_where_there_is_none_zero_is_likely():
    recipes = glasses(50)
    seen = table(recipes, 0.0, 1, {SIGMA: slice(0, 40), MODULUS: slice(10, 50)})
    row = CorrelatedGP(BOTH).fit(recipes, seen).correlations().iloc[0]
    assert row["lower"] < 0 < row["upper"]
    assert abs(row["correlation"]) < 0.2


def test_few_recipes_do_not_determine_a_correlation(recipes):
    seen = table(recipes, 0.9, 0, {SIGMA: slice(0, 1), MODULUS: slice(0, 1)})
    row = CorrelatedGP(BOTH).fit(recipes, seen).correlations().iloc[0]
    assert not row["determined"]
    assert row["says"] == "not determined by these data: 1 recipe in common"
    assert row["upper"] - row["lower"] > 0.8 * 2 * 0.59


@pytest.mark.parametrize("constant", [(SIGMA,), BOTH], ids=["one", "both"])
def test_what_never_varies_determines_no_correlation(constant):
    recipes = glasses(20)
    varying = varying_together(recipes, 0.9, 0)
    varying |= {name: np.zeros(20) for name in constant}
    parts = [readings_of(name, varying[name], recipes.index) for name in BOTH]
    row = CorrelatedGP(BOTH).fit(recipes, pd.concat(parts)).correlations().iloc[0]
    assert not row["determined"]
    assert row["says"] == "not determined by these data: 20 recipes in common"


@pytest.mark.parametrize(
    ("bounds", "determined"),
    [
        ((-0.38, 0.48), False),  # holds zero, three quarters as wide as the prior's
        ((-0.25, 0.28), True),  # holds zero, but says that there is little
        ((0.05, 0.95), True),  # wide, but has a sign
        ((-0.95, -0.05), True),
    ],
)
def test_zero_within_a_wide_interval_determines_nothing(readings, recipes, bounds, determined):
    fitted = CorrelatedGP(BOTH).fit(recipes, readings)

    class Shared:
        def correlation_quantiles(self, p, q, levels):
            return bounds[0], sum(bounds) / 2, bounds[1]

    together = SimpleNamespace(processes=fitted.together.processes, shared=Shared())
    assert correlation_table(BOTH, together)["determined"].item() == determined


def test_a_property_read_rarely_is_predicted_better_with_one_read_often():
    gains = []
    for seed in range(8):
        recipes = glasses(40, seed)
        varying = varying_together(recipes, 0.95, seed)
        seen = table(recipes, 0.95, seed, {SIGMA: slice(0, 20), MODULUS: slice(0, 5)})
        new, truth = recipes.iloc[20:], values(MODULUS, varying[MODULUS][20:])
        alone = PropertyGP(MODULUS).fit(recipes, seen).predict(new)
        joined = CorrelatedGP(BOTH).fit(recipes, seen).predict(new)[MODULUS]
        gains.append(
            [_nlpd(joined, truth) - _nlpd(alone, truth), _rmse(joined, truth) - _rmse(alone, truth)]
        )
    mean = np.mean(gains, axis=0)
    error = np.std(gains, axis=0, ddof=1) / np.sqrt(len(gains))
    assert (mean + 2 * error < 0).all()


def _nlpd(predicted, truth):
    z = (truth - predicted["mean"]) / predicted["sd"]
    return float(np.mean(0.5 * z**2 + np.log(predicted["sd"])))


def _rmse(predicted, truth):
    return float(np.sqrt(np.mean((predicted["mean"] - truth) ** 2)))


def test_without_loadings_it_is_one_process_a_property(recipes, readings):
    fitted = CorrelatedGP(BOTH).fit(recipes, readings)
    shared = fitted.together.shared
    independent = replace(
        shared, loadings=np.zeros_like(shared.loadings), weights=np.full(N_DRAWS, 1 / N_DRAWS)
    )
    apart = replace(fitted, together=replace(fitted.together, shared=independent))
    for name, predicted in apart.predict(recipes).items():
        entry = property_of(name)
        alone = PropertyGP(name).fit(recipes, readings).predict(recipes)
        step = entry.to_scale(predicted["mean"]) - entry.to_scale(alone["mean"])
        assert np.abs(step / alone["sd"]).max() < 0.08
        np.testing.assert_allclose(predicted["sd"], alone["sd"], rtol=0.05)
    n = len(recipes)
    _, covariance = apart.joint(recipes)
    sd = np.sqrt(np.diagonal(covariance))
    # of finitely many draws of the length scales some chance correlation is left
    assert np.abs(covariance / np.outer(sd, sd))[:n, n:].max() < 0.1


def test_one_property_alone_is_its_own_process(recipes, readings):
    joined = CorrelatedGP((SIGMA,)).fit(recipes, readings)
    alone = PropertyGP(SIGMA).fit(recipes, readings).predict(recipes)
    predicted = joined.predict(recipes)[SIGMA]
    np.testing.assert_allclose(predicted["sd"], alone["sd"], rtol=0.05)
    assert joined.correlations().empty


def test_without_readings_every_property_has_its_prior(recipes, readings):
    predicted = CorrelatedGP(BOTH).fit(recipes, readings.iloc[:0]).predict(recipes)
    for name, own in predicted.items():
        entry = property_of(name)
        np.testing.assert_allclose(own["mean"], entry.from_scale(entry.prior_centre))
        np.testing.assert_allclose(own["sd"], entry.prior_sd)
        assert tuple(own.columns) == PREDICTION_COLUMNS


def test_a_property_without_readings_keeps_its_prior_beside_one_with(recipes, readings):
    seen = readings.loc[readings["property"] == SIGMA]
    fitted = CorrelatedGP(BOTH).fit(recipes, seen)
    np.testing.assert_allclose(fitted.predict(recipes)[MODULUS]["mean"], 19.0)
    assert fitted.correlations()["says"].item().startswith("not determined by these data: 0")


def test_draws_are_joint_over_properties_and_agree_with_predictions(recipes, readings):
    fitted = CorrelatedGP(BOTH).fit(recipes, readings)
    asked = glasses(3, seed=5)
    draws = fitted.sample(asked, 20_000, np.random.default_rng(0))
    predicted = fitted.predict(asked)
    scale = {name: property_of(name).to_scale(draws[name]) for name in BOTH}
    for name in BOTH:
        centre = property_of(name).to_scale(predicted[name]["mean"])
        sd = predicted[name]["sd"].to_numpy()
        np.testing.assert_allclose(scale[name].mean(axis=0), centre, atol=0.04 * sd.max())
        np.testing.assert_allclose(scale[name].std(axis=0), sd, rtol=0.03)
    _, covariance = fitted.joint(asked)
    found = np.cov(scale[SIGMA][:, 0], scale[MODULUS][:, 0])[0, 1]
    assert found == pytest.approx(covariance[0, 3], rel=0.1)
    assert found > 0


@pytest.mark.parametrize("n", [0, 18], ids=["no-readings", "fitted"])
def test_predictions_survive_json_to_the_last_bit(recipes, readings, n):
    fitted = CorrelatedGP(BOTH, {"x": (0, 1)}).fit(recipes, readings.iloc[:n])
    again = CorrelatedGP.from_dict(json.loads(json.dumps(fitted.to_dict())))
    for name in BOTH:
        pd.testing.assert_frame_equal(
            fitted.predict(recipes)[name], again.predict(recipes)[name], check_exact=True
        )
    pd.testing.assert_frame_equal(fitted.correlations(), again.correlations(), check_exact=True)
    assert again.in_words() == fitted.in_words()


def test_an_unfitted_surrogate_survives_json_and_does_not_predict(recipes):
    again = CorrelatedGP.from_dict(json.loads(json.dumps(CorrelatedGP(BOTH).to_dict())))
    for ask in (again.predict, again.of(SIGMA).predict, lambda _: again.correlations()):
        with pytest.raises(NotFittedError, match="before fit"):
            ask(recipes)


def test_order_of_rows_does_not_matter(recipes, readings):
    other = CorrelatedGP(BOTH).fit(recipes.iloc[::-1], readings.iloc[::-1]).predict(recipes)
    straight = CorrelatedGP(BOTH).fit(recipes, readings).predict(recipes)
    for name in BOTH:
        pd.testing.assert_frame_equal(other[name], straight[name], rtol=1e-9)


def test_a_bound_on_one_property_moves_the_other_the_same_way(recipes):
    recipes = glasses(31)
    seen = table(recipes, 0.98, 3, {SIGMA: slice(0, 30), MODULUS: slice(0, 30)})
    bound = pd.DataFrame(
        {"specimen": ["P30"], "property": [SIGMA], "lower": [10**-2.3], "upper": [None]}
    ).assign(se=np.nan)
    new = recipes.iloc[[30]]
    before = CorrelatedGP(BOTH).fit(recipes, seen).predict(new)
    after = CorrelatedGP(BOTH).fit(recipes, pd.concat([seen, bound])).predict(new)
    assert before[SIGMA]["mean"].item() < 10**-2.6
    assert after[SIGMA]["mean"].item() > before[SIGMA]["mean"].item()
    assert after[MODULUS]["mean"].item() > before[MODULUS]["mean"].item() + 0.5


def test_only_bounds_give_finite_predictions(recipes, readings):
    bounds = readings.iloc[::3].assign(lower=np.nan)
    for own in CorrelatedGP(BOTH).fit(recipes, bounds).predict(recipes).values():
        assert np.isfinite(own.to_numpy()).all()
        assert (own["sd"] > 0).all()


def test_conductivity_at_another_temperature_keeps_its_law(recipes, readings):
    fitted = CorrelatedGP(BOTH).fit(recipes, readings.assign(temperature_c=60.0))
    cold, warm = (fitted.predict(recipes.assign(temperature_c=t)) for t in (25.0, 60.0))
    assert (cold[SIGMA]["mean"] < 0.5 * warm[SIGMA]["mean"]).all()
    pd.testing.assert_frame_equal(cold[MODULUS], warm[MODULUS])


def test_in_words_counts_and_names_what_is_determined():
    recipes = glasses(50)
    seen = table(recipes, 0.9, 2, {SIGMA: slice(0, 40), MODULUS: slice(10, 50)})
    words = CorrelatedGP(BOTH).fit(recipes, seen).in_words()
    assert words.startswith("40 conductivity readings, 40 Young's modulus readings; ionic")
    assert "ionic conductivity with Young's modulus: +0." in words
    few = CorrelatedGP(BOTH).fit(recipes, seen.iloc[:1]).in_words()
    assert few.endswith("no correlation is determined by these data")


class TestView:
    def test_it_is_a_surrogate_that_predicts_what_all_together_do(self, recipes, readings):
        view = CorrelatedProperty(MODULUS).fit(recipes, readings)
        together = CorrelatedGP(BOTH).fit(recipes, readings)
        assert isinstance(view, Surrogate)
        expected = together.predict(recipes)[MODULUS]
        for one in (view, together.of(MODULUS)):
            pd.testing.assert_frame_equal(one.predict(recipes), expected)
        draws = view.sample(recipes, 4000, np.random.default_rng(0))
        assert draws.shape == (4000, 14)
        np.testing.assert_allclose(draws.std(axis=0), expected["sd"], rtol=0.1)

    def test_it_survives_json_to_the_last_bit(self, recipes, readings):
        fitted = CorrelatedProperty(MODULUS).fit(recipes, readings)
        again = CorrelatedProperty.from_dict(json.loads(json.dumps(fitted.to_dict())))
        pd.testing.assert_frame_equal(
            fitted.predict(recipes), again.predict(recipes), check_exact=True
        )
        assert again.in_words() == fitted.in_words()

    def test_readings_of_cells_and_unmodelled_properties_are_ignored(self, recipes, readings):
        extra = readings.iloc[[0]].assign(specimen="C1", property="critical_current_density")
        hard = readings.iloc[[0]].assign(specimen="C1", property="hardness")
        plain = CorrelatedProperty(MODULUS).fit(recipes, readings)
        more = CorrelatedProperty(MODULUS).fit(recipes, pd.concat([readings, extra, hard]))
        pd.testing.assert_frame_equal(more.predict(recipes), plain.predict(recipes))

    def test_compare_leaves_a_glass_out_of_all_properties(self, recipes, readings):
        seen = []

        class Spy(CorrelatedProperty):
            def fit(self, recipes, readings):
                seen.append(set(readings["specimen"]) & set(recipes.index))
                return super().fit(recipes, readings)

        result = compare(
            MODULUS, recipes, readings, {"gp": PropertyGP(MODULUS), "gp_correlated": Spy(MODULUS)}
        )
        assert result.scores.index.tolist() == ["mean", "gp", "gp_correlated"]
        assert np.isfinite(result.scores["nlpd"]).all()
        measured = {f"P{i}" for i in range(14)}
        assert sorted(len(measured - names) for names in seen) == [0] + [1] * 8


@pytest.mark.parametrize(
    ("ids", "error", "message"),
    [
        pytest.param((), SpaceError, "one property or more, each once, got none", id="none"),
        pytest.param((SIGMA, SIGMA), SpaceError, "each once, got ionic", id="twice"),
        pytest.param((SIGMA, "colour"), ReadingError, "got 'colour'", id="unknown"),
        pytest.param(
            (SIGMA, "critical_current_density"),
            SpaceError,
            "must be measured on pellets, got 'critical_current_density'",
            id="of-cells",
        ),
    ],
)
def test_properties_that_cannot_be_joined_are_refused(ids, error, message):
    with pytest.raises(error, match=message):
        CorrelatedGP(ids)


def test_an_unknown_range_is_refused():
    with pytest.raises(SpaceError, match=r"too many or too few \(colour\)"):
        CorrelatedGP(BOTH, {"colour": (0, 1)})


def test_a_view_of_another_property_is_refused():
    with pytest.raises(SpaceError, match="must be one of ionic_conductivity, youngs_modulus, got"):
        CorrelatedGP(BOTH).of("relative_density")


def test_a_reading_of_an_unknown_pellet_is_named(recipes, readings):
    with pytest.raises(TableError, match="must be in recipes, got 'P13'"):
        CorrelatedGP(BOTH).fit(recipes.iloc[:13], readings)


def test_a_table_without_properties_is_refused(recipes, readings):
    with pytest.raises(TableError, match="'property'"):
        CorrelatedProperty(SIGMA).fit(recipes, readings.drop(columns="property"))
