import numpy as np
import pandas as pd
import pytest

from features.errors import TableError
from features.properties import property_of
from models.surrogate import PREDICTION_COLUMNS, predictions_table
from models.training import rows_of_specimens, training_rows
from models.wording import count_in_words, state_in_words

SIGMA = property_of("ionic_conductivity")
MODULUS = property_of("youngs_modulus")


def readings(*rows, property_id="ionic_conductivity"):
    table = pd.DataFrame(rows, columns=["specimen", "lower", "upper", "se"])
    return table.assign(property=property_id)


def test_exact_values_enter_on_the_scale():
    rows = training_rows(readings(("A", 1e-4, 1e-4, None), ("B", 1e-5, 1e-5, None)), SIGMA)
    assert rows.specimen == ("A", "B")
    np.testing.assert_allclose(rows.y, [-4, -5])
    np.testing.assert_allclose(rows.noise_sd, SIGMA.default_se)
    assert rows.set_aside.empty
    assert rows.waiting == {}


def test_other_properties_are_ignored():
    table = pd.concat(
        [readings(("A", 1e-4, 1e-4, None)), readings(("A", 20, 20, None), property_id="hardness")]
    )
    assert len(training_rows(table, SIGMA).y) == 1


@pytest.mark.parametrize(
    ("entry", "value", "se", "expected"),
    [
        pytest.param(MODULUS, 20.9, 0.23, 0.23, id="linear-as-it-is"),
        pytest.param(SIGMA, 2e-4, 2e-5, 0.1 / np.log(10), id="log-relative-over-ln-10"),
    ],
)
def test_standard_error_is_brought_to_the_scale(entry, value, se, expected):
    rows = training_rows(readings(("A", value, value, se), property_id=entry.id), entry)
    assert rows.noise_sd == pytest.approx([expected])


def test_a_narrow_interval_enters_by_its_midpoint_and_its_width_counts():
    entry = property_of("critical_current_density")
    table = readings(("T", 2.30, 2.35, None), property_id=entry.id)
    rows = training_rows(table, entry)
    width = np.log10(2.35 / 2.30)
    assert rows.y == pytest.approx([np.log10(np.sqrt(2.30 * 2.35))])
    assert rows.noise_sd == pytest.approx([np.hypot(entry.default_se, width / np.sqrt(12))])


@pytest.mark.parametrize(
    ("lower", "upper", "waiting"),
    [
        pytest.param(None, 1e-5, {"one-sided bound": 1}, id="upper-bound"),
        pytest.param(1e-5, None, {"one-sided bound": 1}, id="lower-bound"),
        pytest.param(0, 1e-5, {"one-sided bound": 1}, id="from-zero"),
        pytest.param(1e-5, np.inf, {"one-sided bound": 1}, id="to-infinity"),
        pytest.param(8.2e-5, 2.7e-4, {"wide interval": 1}, id="wide"),
    ],
)
def test_bounds_and_wide_intervals_wait(lower, upper, waiting):
    rows = training_rows(readings(("A", lower, upper, None)), SIGMA)
    assert rows.y.shape == (0,)
    assert rows.waiting == waiting
    assert rows.set_aside["specimen"].tolist() == ["A"]


@pytest.mark.parametrize(
    ("part", "enters"),
    [pytest.param(3.4, True, id="narrow"), pytest.param(3.5, False, id="wide")],
)
def test_the_uniform_error_of_an_interval_is_at_most_a_readings_noise(part, enters):
    upper = 1e-4 * 10 ** (part * SIGMA.noise_sd)
    assert len(training_rows(readings(("A", 1e-4, upper, None)), SIGMA).y) == enters


@pytest.mark.parametrize(
    ("row", "message"),
    [
        pytest.param(("A", None, None, None), "of A: .* lower or an upper bound", id="nothing"),
        pytest.param(("A", 2e-4, 1e-4, None), "lower must not be above upper", id="swapped"),
        pytest.param(("A", 1e-4, 1e-4, -1e-5), "se must be finite and not negative", id="se"),
        pytest.param(("A", -1e-4, 1e-4, None), "must be positive, got lower -0.0001", id="sign"),
        pytest.param(("A", "<1e-10", None, None), "lower must be a number or empty", id="text"),
    ],
)
def test_nonsense_is_named_with_its_specimen(row, message):
    with pytest.raises(TableError, match=message):
        training_rows(readings(("ok", 1e-4, 1e-4, None), row), SIGMA)


def test_a_missing_column_is_named():
    with pytest.raises(TableError, match="readings: column 'se' must be there once"):
        training_rows(readings(("A", 1e-4, 1e-4, None)).drop(columns="se"), SIGMA)


def test_repeats_on_one_specimen_are_weighted_by_precision():
    table = readings(
        ("A", 10.0, 10.0, 1.0), ("B", 5.0, 5.0, 1.0), ("A", 16.0, 16.0, 0.5),
        property_id="youngs_modulus",
    )  # fmt: skip
    pooled = training_rows(table, MODULUS).pooled()
    assert pooled.specimen == ("A", "B")
    np.testing.assert_allclose(pooled.y, [(10 + 4 * 16) / 5, 5])
    np.testing.assert_allclose(pooled.noise_sd, [5**-0.5, 1])


def test_repeats_stated_without_error_average():
    table = readings(("A", 10.0, 10.0, 0), ("A", 12.0, 12.0, 0), property_id="youngs_modulus")
    pooled = training_rows(table, MODULUS).pooled()
    assert pooled.y == pytest.approx([11])
    assert pooled.noise_sd == pytest.approx([0], abs=1e-12)


def test_rows_of_specimens_come_in_the_order_asked_for():
    table = pd.DataFrame({"x": [0.0, 0.1]}, index=["A", "B"])
    assert rows_of_specimens(table, ["B", "A", "B"], "recipes")["x"].tolist() == [0.1, 0.0, 0.1]


def test_an_unknown_specimen_is_named():
    with pytest.raises(TableError, match="must be in recipes, got 'C' which is not; add its"):
        rows_of_specimens(pd.DataFrame({"x": [0.0]}, index=["A"]), ["A", "C"], "recipes")


def test_a_specimen_with_two_recipes_is_named():
    with pytest.raises(TableError, match="one row, got 'A' more than once"):
        rows_of_specimens(pd.DataFrame({"x": [0.0, 0.1]}, index=["A", "A"]), ["A"], "recipes")


def test_predictions_are_physical_and_spreads_are_in_dex():
    table = predictions_table(
        SIGMA,
        pd.Index(["A"]),
        mean=np.array([-4.0]),
        sd=np.array([0.1]),
        reading_sd=np.array([0.2]),
    )
    assert tuple(table.columns) == PREDICTION_COLUMNS
    expected = [1e-4, 0.1, 10**-4.1645, 10**-3.8355, 0.2, 10**-4.329, 10**-3.671]
    np.testing.assert_allclose(table.loc["A"], expected)


@pytest.mark.parametrize(
    ("n", "property_id", "words"),
    [
        (3, "ionic_conductivity", "3 conductivity readings"),
        (1, "youngs_modulus", "1 Young's modulus reading"),
        (0, "electronic_conductivity", "0 electronic conductivity readings"),
        (1, "critical_current_density", "1 CCD reading"),
    ],
    ids=["plural", "singular", "none", "ccd"],
)
def test_counts_are_said_as_people_say_them(n, property_id, words):
    assert count_in_words(n, property_id) == words


def test_few_readings_come_with_a_caution_and_what_waits():
    words = state_in_words(4, {"one-sided bound": 1, "wide interval": 2}, "ionic_conductivity")
    assert words == (
        "4 conductivity readings: too few to learn from; the prior decides; "
        "1 one-sided bound not used; "
        "2 wide intervals not used"
    )
    assert state_in_words(5, {}, "ionic_conductivity") == "5 conductivity readings"
