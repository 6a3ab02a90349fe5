import numpy as np
import pandas as pd
import pytest

from features.errors import TableError
from features.properties import property_of
from models.interval_rows import NARROW, interval_rows

SIGMA = property_of("ionic_conductivity")
MODULUS = property_of("youngs_modulus")


def readings(*rows, property_id="ionic_conductivity", **more):
    table = pd.DataFrame(rows, columns=["specimen", "lower", "upper", "se"])
    return table.assign(property=property_id, **more)


@pytest.mark.parametrize(
    ("lower", "upper", "low", "high"),
    [
        pytest.param(1e-4, 1e-4, -4, -4, id="exact"),
        pytest.param(None, 1e-5, -np.inf, -5, id="upper-bound"),
        pytest.param(1e-5, None, -5, np.inf, id="lower-bound"),
        pytest.param(0, 1e-5, -np.inf, -5, id="from-zero"),
        pytest.param(1e-5, np.inf, -5, np.inf, id="to-infinity"),
        pytest.param(1e-5, 1e-4, -5, -4, id="interval"),
    ],
)
def test_every_reading_enters_with_its_bounds_on_the_scale(lower, upper, low, high):
    rows = interval_rows(readings(("A", lower, upper, None)), SIGMA)
    assert rows.specimen == ("A",)
    assert (rows.low[0], rows.high[0]) == pytest.approx((low, high))
    assert rows.waiting == {}


def test_a_linear_property_may_be_zero_and_below():
    rows = interval_rows(readings(("A", -1, 0, None), property_id=MODULUS.id), MODULUS)
    assert (rows.low[0], rows.high[0]) == (-1, 0)


@pytest.mark.parametrize(
    ("part", "exact"), [pytest.param(0.99, True, id="narrow"), pytest.param(1.01, False, id="wide")]
)
def test_an_interval_far_narrower_than_the_noise_enters_by_its_middle(part, exact):
    width = part * NARROW * SIGMA.noise_sd
    rows = interval_rows(readings(("A", 1e-4, 1e-4 * 10**width, None)), SIGMA)
    assert (rows.low[0] == rows.high[0]) == exact
    assert 0.5 * (rows.low[0] + rows.high[0]) == pytest.approx(-4 + width / 2)


@pytest.mark.parametrize(("lower", "upper"), [(0, None), (0, np.inf)], ids=["zero", "0-to-inf"])
def test_a_bound_that_says_nothing_is_set_aside(lower, upper):
    rows = interval_rows(readings(("A", lower, upper, None), ("B", 1e-4, 1e-4, None)), SIGMA)
    assert rows.specimen == ("B",)
    assert rows.set_aside["specimen"].tolist() == ["A"]
    assert list(rows.waiting.values()) == [1]


@pytest.mark.parametrize(
    ("entry", "row", "expected"),
    [
        pytest.param(MODULUS, ("A", 20.9, 20.9, 0.23), 0.23, id="linear-as-it-is"),
        pytest.param(SIGMA, ("A", 2e-4, 2e-4, 2e-5), 0.1 / np.log(10), id="log-relative"),
        pytest.param(SIGMA, ("A", None, 2e-4, 2e-5), 0.1 / np.log(10), id="at-the-bound"),
        pytest.param(SIGMA, ("A", 1e-4, 4e-4, 2e-5), 0.1 / np.log(10), id="geometric-middle"),
        pytest.param(SIGMA, ("A", 2e-4, 2e-4, None), np.nan, id="not-stated"),
    ],
)
def test_standard_error_is_brought_to_the_scale(entry, row, expected):
    rows = interval_rows(readings(row, property_id=entry.id), entry)
    assert rows.noise_sd == pytest.approx([expected], nan_ok=True)


def test_temperature_is_kept_and_may_be_missing():
    given = readings(("A", 1e-4, 1e-4, None), ("B", 0, None, None), ("C", 1e-4, 1e-4, None))
    assert np.isnan(interval_rows(given, SIGMA).temperature_c).all()
    rows = interval_rows(given.assign(temperature_c=[25.0, 40.0, None]), SIGMA)
    np.testing.assert_array_equal(rows.temperature_c, [25, np.nan])


def test_readings_of_other_properties_are_ignored():
    table = pd.concat([readings(("A", 1e-4, 1e-4, None)), readings(("A", 20, 20, None), **{
        "property_id": "hardness"})])  # fmt: skip
    assert len(interval_rows(table, SIGMA).low) == 1


def test_an_empty_table_gives_no_rows():
    rows = interval_rows(readings(("A", 1e-4, 1e-4, None)).iloc[:0], SIGMA)
    assert rows.specimen == ()
    assert rows.low.shape == rows.noise_sd.shape == (0,)


@pytest.mark.parametrize(
    ("row", "message"),
    [
        pytest.param(("A", None, None, None), "of A: .* lower or an upper bound", id="nothing"),
        pytest.param(("A", 2e-4, 1e-4, None), "lower must not be above upper", id="swapped"),
        pytest.param(("A", 1e-4, 1e-4, -1e-5), "se must be finite and not negative", id="se"),
        pytest.param(("A", None, 0.0, None), "must be positive", id="zero"),
        pytest.param(("A", "<1e-10", None, None), "lower must be a number or empty", id="text"),
    ],
)
def test_nonsense_is_named_with_its_specimen(row, message):
    with pytest.raises(TableError, match=message):
        interval_rows(readings(("ok", 1e-4, 1e-4, None), row), SIGMA)


def test_a_temperature_that_is_text_is_refused():
    table = readings(("A", 1e-4, 1e-4, None), temperature_c="warm")
    with pytest.raises(TableError, match="temperature_c must be a number or empty, got 'warm'"):
        interval_rows(table, SIGMA)
