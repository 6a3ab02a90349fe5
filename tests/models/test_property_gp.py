import json
import pickle

import numpy as np
import pandas as pd
import pytest

from features.errors import ReadingError, SpaceError, TableError
from features.transformers import GLASS_FEATURES
from models.property_gp import DEFAULT_RANGES, PropertyGP
from models.scaling import checked_ranges, in_unit_cube


@pytest.fixture
def recipes():
    return pd.DataFrame(
        {
            "x": [0.0, 0.15, 0.6],
            "milling_time_h": [20, 3, 3],
            "milling_media": ["agate", "stainless_steel", "stainless_steel"],
            "milling_speed_rpm": 500,
            "pressing_pressure_mpa": 450,
        },
        index=["P-000", "P-015", "P-060"],
    )


@pytest.fixture
def readings():
    values = [4.5e-5, 2.7e-4, 8.2e-5]
    return pd.DataFrame(
        {
            "specimen": ["P-000", "P-015", "P-060"],
            "property": "ionic_conductivity",
            "lower": values,
            "upper": values,
            "se": np.nan,
        }
    )


def test_default_ranges_are_those_documented():
    assert tuple(DEFAULT_RANGES) == GLASS_FEATURES
    assert DEFAULT_RANGES["log10_relative_dose"] == pytest.approx((-0.946, 1.102), abs=1e-3)
    assert DEFAULT_RANGES["log10_relative_intensity"] == pytest.approx((-0.469, 0.278), abs=1e-3)
    assert DEFAULT_RANGES["medium_hardness_hv"] == (650, 1700)


def test_readings_are_met_within_their_scatter(recipes, readings):
    predicted = PropertyGP("ionic_conductivity").fit(recipes, readings).predict(recipes)
    miss = np.log10(predicted["mean"].to_numpy() / readings["lower"].to_numpy())
    assert np.abs(miss).max() < 0.06
    assert (predicted["sd"] < 0.1).all()


def test_a_glass_unlike_all_others_keeps_a_wide_interval(recipes, readings):
    fitted = PropertyGP("ionic_conductivity").fit(recipes.iloc[[1]], readings.iloc[[1]])
    other = recipes.iloc[[0]].assign(x=0.6, milling_media="zirconia", pressing_pressure_mpa=75)
    assert fitted.predict(other)["sd"].item() > 0.6 * 1.1


def test_without_readings_the_catalogue_prior_is_predicted(recipes, readings):
    predicted = PropertyGP("ionic_conductivity").fit(recipes, readings.iloc[:0]).predict(recipes)
    np.testing.assert_allclose(predicted["mean"], 10**-4.8)
    np.testing.assert_allclose(predicted["sd"], 1.1)
    np.testing.assert_allclose(predicted["reading_sd"], np.sqrt(1.1**2 + 0.06**2 + 0.02**2))


def test_repeats_on_one_pellet_are_one_specimen(recipes, readings):
    twice = pd.concat([readings, readings.iloc[[1]]])
    fitted = PropertyGP("ionic_conductivity").fit(recipes, twice)
    assert (fitted.n_readings, fitted.n_specimens) == (4, 3)


def test_a_wider_range_makes_two_glasses_more_alike(recipes, readings):
    def spread(**ranges):
        fitted = PropertyGP("ionic_conductivity", ranges).fit(recipes.iloc[[1]], readings.iloc[[1]])
        return fitted.predict(recipes.iloc[[2]])["sd"].item()

    assert spread(x=(0.0, 6.0)) < 0.5 * spread()


def test_in_words_says_what_it_rests_on(recipes, readings):
    bound = readings.iloc[[0]].assign(lower=np.nan)
    fitted = PropertyGP("ionic_conductivity").fit(recipes, pd.concat([readings, bound]))
    assert fitted.in_words() == "4 conductivity readings: too few to learn from; the prior decides"


def test_a_bound_that_says_nothing_is_said_to_be_of_no_use(recipes, readings):
    empty = readings.iloc[[0]].assign(lower=0.0, upper=np.nan)
    fitted = PropertyGP("ionic_conductivity").fit(recipes, pd.concat([readings, empty]))
    assert fitted.n_readings == 3
    assert fitted.in_words().endswith("; 1 empty bound not used")


def test_a_bound_moves_the_prediction_below_it(recipes, readings):
    bound = readings.iloc[[0]].assign(lower=np.nan, upper=1e-7)
    predicted = PropertyGP("ionic_conductivity").fit(recipes, bound).predict(recipes)
    assert predicted.loc["P-000", "mean"] < 1e-7
    assert 0.2 < predicted.loc["P-000", "sd"] < 1.1


@pytest.mark.parametrize("n", [0, 3])
def test_predictions_survive_json_to_the_last_bit(recipes, readings, n):
    fitted = PropertyGP("ionic_conductivity", {"x": (0, 1)}).fit(recipes, readings.iloc[:n])
    again = PropertyGP.from_dict(json.loads(json.dumps(fitted.to_dict())))
    pd.testing.assert_frame_equal(fitted.predict(recipes), again.predict(recipes), check_exact=True)
    assert again.in_words() == fitted.in_words()
    assert again.ranges == fitted.ranges


def test_an_unfitted_surrogate_survives_json():
    plain = json.loads(json.dumps(PropertyGP("youngs_modulus").to_dict()))
    assert PropertyGP.from_dict(plain).process is None


@pytest.mark.parametrize("bound", [False, True], ids=["exact", "one-sided"])
def test_a_reading_of_an_unknown_pellet_is_named(recipes, readings, bound):
    odd = readings.iloc[[0]].assign(specimen="P-099")
    odd = odd.assign(lower=np.nan) if bound else odd
    with pytest.raises(TableError, match="must be in recipes, got 'P-099'"):
        PropertyGP("ionic_conductivity").fit(recipes, pd.concat([readings, odd]))


def test_an_unknown_property_is_refused():
    with pytest.raises(ReadingError, match=r"property must be one of .* got 'colour'"):
        PropertyGP("colour")


@pytest.mark.parametrize(
    ("ranges", "message"),
    [
        pytest.param({"colour": (0, 1)}, r"too many or too few \(colour\)", id="unknown"),
        pytest.param({"x": (0.6, 0.6)}, "x must go from a lower to a higher number", id="empty"),
    ],
)
def test_a_malformed_range_is_refused(ranges, message):
    with pytest.raises(SpaceError, match=message):
        PropertyGP("ionic_conductivity", ranges)


def test_scaling_maps_the_ends_of_each_range():
    ranges = checked_ranges(["a", "b"], {"b": (10, 20), "a": (0, 2)})
    np.testing.assert_allclose(
        in_unit_cube([[0, 20], [2, 10], [4, 15]], ranges), [[0, 1], [1, 0], [2, 0.5]]
    )


def test_a_fitted_surrogate_can_be_sent_to_another_process(recipes, readings):
    fitted = PropertyGP("ionic_conductivity").fit(recipes, readings)
    again = pickle.loads(pickle.dumps(fitted))
    pd.testing.assert_frame_equal(fitted.predict(recipes), again.predict(recipes), check_exact=True)
