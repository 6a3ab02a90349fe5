"""What a round costs: the mill once a run, days on a channel a cell."""

import pandas as pd
import pytest

from experiments.config import CampaignConfig, Range, extremes
from experiments.costs import (
    affordable_cells,
    cell_cost_h,
    cells_in_reach,
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


@pytest.mark.parametrize(
    ("glasses", "budget_h", "n"),
    [
        pytest.param(4, None, 2, id="no-budget"),
        pytest.param(4, 64.9, 0, id="glasses-take-all"),
        pytest.param(4, 65.0, 1, id="one-beside-four-glasses"),
        pytest.param(1, 64.9, 1, id="fewer-glasses"),
        pytest.param(1, 1000.0, 2, id="no-more-than-wanted"),
    ],
)
def test_a_cell_is_in_reach_if_it_is_paid_for_beside_all_glasses(glasses, budget_h, n):
    times = {"low": 1.0, "high": 20.0, "step": 1.0}
    config = CONFIG.model_copy(
        update={
            "glasses": CONFIG.glasses.model_copy(update={"milling_time_h": Range(**times)}),
        }
    )
    assert cells_in_reach(config, glasses=glasses, k=2, budget_h=budget_h) == n


@pytest.mark.parametrize(("glasses", "least_h"), [(1, 91.0), (4, 124.0)])
def test_the_least_budget_of_a_cell_is_that_of_the_manual(glasses, least_h):
    config = CampaignConfig(name="t")
    shortest_h, _ = extremes(config.glasses.milling_time_h)
    spent_h = shortest_h + glasses * jar_cost_h(config)
    assert spent_h + cell_cost_h(config) == least_h


def test_a_finer_balance_or_a_larger_batch_tells_nearer_compositions_apart():
    usual = weighing_resolution(2.0, 0.1)
    assert 0.0004 < usual < 0.001
    assert weighing_resolution(2.0, 0.01) == pytest.approx(usual / 10, rel=1e-3)
    assert weighing_resolution(4.0, 0.1) == pytest.approx(usual / 2, rel=1e-3)
