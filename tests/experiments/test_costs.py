"""What a round costs: the mill once a run, days on a channel a cell."""

import pandas as pd
import pytest

from experiments.config import CampaignConfig
from experiments.costs import (
    affordable_cells,
    cell_cost_h,
    glass_cost,
    glass_costs_h,
    jar_cost_h,
)
from experiments.weighing import weighing_resolution

CONFIG = CampaignConfig.model_validate(
    {
        "name": "t",
        "costs": {
            "glass_h": 2,
            "cell_h": 3,
            "measurements": {
                "ionic_conductivity": {"hours": 1, "delay_h": 1},
                "youngs_modulus": {"hours": 1, "delay_h": 1},
                "electronic_conductivity": {"hours": 1, "delay_h": 1},
                "critical_current_density": {"hours": 20, "delay_h": 20},
                "area_specific_resistance": {"hours": 2, "delay_h": 2},
            },
        },
    }
)


def test_costs_are_hands_and_all_objectives():
    assert jar_cost_h(CONFIG) == 5.0
    assert cell_cost_h(CONFIG) == 25.0


def test_the_mill_is_paid_once_a_run():
    rows = pd.DataFrame({"milling_time_h": [10.0, 10.0, 10.0]})
    cost = glass_cost(CONFIG)
    assert cost(rows.iloc[:1], rows.iloc[:0]).tolist() == [15.0]
    assert cost(rows.iloc[1:], rows.iloc[:1]).tolist() == [5.0, 5.0]
    shares = glass_costs_h(CONFIG, rows.to_dict("records"))
    assert sum(shares) == pytest.approx(25.0)
    assert len(set(shares)) == 1


@pytest.mark.parametrize(("left_h", "n"), [(50.0, 2), (60.0, 2), (49.9, 1), (24.0, 0), (-3.0, 0)])
def test_as_many_cells_as_the_glasses_leave_hours_for(left_h, n):
    count, warnings = affordable_cells(CONFIG, 2, left_h)
    assert count == n
    assert bool(warnings) == (n < 2)
    if warnings:
        assert f"{n} of 2 tri-layers" in warnings[0]
        assert "one costs 25 h" in warnings[0]


def test_a_finer_balance_or_a_larger_batch_tells_nearer_compositions_apart():
    usual = weighing_resolution(2.0, 0.1)
    assert 0.0004 < usual < 0.001
    assert weighing_resolution(2.0, 0.01) == pytest.approx(usual / 10, rel=1e-3)
    assert weighing_resolution(4.0, 0.1) == pytest.approx(usual / 2, rel=1e-3)
