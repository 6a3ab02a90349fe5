"""The straight line of cells: finds a trend where there is one, and says where there is none."""

import numpy as np
import pandas as pd
import pytest

from models.baseline_cells import CELL_LINES, linear_of_cells

CCD = "critical_current_density"


def cells_of(n, rng):
    low, high = np.array(list(CELL_LINES.values())).T
    table = low + (high - low) * rng.uniform(size=(n, len(CELL_LINES)))
    return pd.DataFrame(table, columns=list(CELL_LINES), index=[f"C{i}" for i in range(n)])


def readings_of(cells, values):
    return pd.DataFrame(
        {
            "specimen": cells.index, "property": CCD, "lower": values, "upper": values,
            "se": np.nan, "temperature_c": 60.0,
        }
    )  # fmt: skip


def test_a_trend_in_the_skin_is_found():
    rng = np.random.default_rng(0)
    cells = cells_of(30, rng)
    values = 10 ** (-0.8 + 1.5 * cells["skin_x"].to_numpy() + 0.05 * rng.standard_normal(30))
    asked = cells.iloc[:2].assign(skin_x=[0.05, 0.55])
    said = linear_of_cells(
        CCD, cells=cells, readings=readings_of(cells, values), asked=asked, temperature_c=60.0
    )
    assert np.log10(said["mean"]).to_numpy() == pytest.approx([-0.725, 0.025], abs=0.1)
    assert (said["reading_lower"] < said["mean"]).all()
    assert (said["mean"] < said["reading_upper"]).all()


@pytest.mark.parametrize(
    ("n", "spread"),
    [pytest.param(2, 1.0, id="two-cells"), pytest.param(10, 0.0, id="all-alike"),
     pytest.param(0, 1.0, id="none")],
)  # fmt: skip
def test_without_a_trend_there_is_no_line(n, spread):
    cells = cells_of(max(n, 1), np.random.default_rng(0))
    values = 10 ** (spread * np.arange(n))
    said = linear_of_cells(
        CCD, cells=cells, readings=readings_of(cells.iloc[:n], values), asked=cells,
        temperature_c=60.0,
    )  # fmt: skip
    assert said is None


def test_cells_of_unknown_mass_and_readings_elsewhere_are_left_out():
    rng = np.random.default_rng(0)
    cells = cells_of(12, rng)
    values = 10 ** (2 * cells["core_x"].to_numpy())
    told = readings_of(cells, values)
    asked = cells_of(3, rng)
    clean = linear_of_cells(
        CCD, cells=cells, readings=told.iloc[2:], asked=asked, temperature_c=60.0
    )
    cells.loc["C0", "core_mass_mg"] = np.nan
    told.loc[1, ["lower", "upper", "temperature_c"]] = [99.0, 99.0, 25.0]
    said = linear_of_cells(CCD, cells=cells, readings=told, asked=asked, temperature_c=60.0)
    pd.testing.assert_frame_equal(said, clean)
