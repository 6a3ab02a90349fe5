import numpy as np
import pandas as pd
import pytest

from models.baselines import MeanSurrogate
from models.property_gp import PropertyGP
from models.validation import leave_one_out


@pytest.fixture
def recipes():
    x = np.linspace(0, 0.6, 9)
    return pd.DataFrame(
        {
            "x": x,
            "milling_time_h": 3.0,
            "milling_media": "zirconia",
            "milling_speed_rpm": 500.0,
            "pressing_pressure_mpa": 450.0,
        },
        index=[f"P{i}" for i in range(9)],
    )


def readings_of(recipes, log10_sigma):
    value = 10.0 ** np.asarray(log10_sigma)
    return pd.DataFrame(
        {
            "specimen": recipes.index,
            "property": "ionic_conductivity",
            "lower": value,
            "upper": value,
            "se": value * 0.05,
        }
    )


def test_a_trend_is_predicted_better_by_the_gp_than_by_the_mean(recipes):
    table = readings_of(recipes, -5 + 2 * recipes["x"])
    gp, mean = (
        leave_one_out(surrogate, "ionic_conductivity", recipes, table)
        for surrogate in (PropertyGP("ionic_conductivity"), MeanSurrogate("ionic_conductivity"))
    )
    assert gp.n == mean.n == 9
    assert gp.rmse < 0.5 * mean.rmse
    assert gp.mean_log_score > mean.mean_log_score + 0.5
    assert gp.unit == "dex"


def test_a_specimen_read_twice_is_left_out_as_a_whole(recipes):
    once = readings_of(recipes, -5 + 2 * recipes["x"])
    lonely = recipes.iloc[:3]
    table = once.loc[once["specimen"].isin(lonely.index)]
    odd = table.assign(lower=1e-2, upper=1e-2).loc[table["specimen"] == "P0"]
    twice = pd.concat([table, odd, odd], ignore_index=True)
    found = leave_one_out(MeanSurrogate("ionic_conductivity"), "ionic_conductivity", lonely, twice)
    assert found.n == 3
    assert found.rmse > 1.0  # P0's own readings did not help to predict P0


def test_fewer_than_three_specimens_have_no_score(recipes):
    table = readings_of(recipes, -5 + 2 * recipes["x"]).head(2)
    assert (
        leave_one_out(PropertyGP("ionic_conductivity"), "ionic_conductivity", recipes, table)
        is None
    )
