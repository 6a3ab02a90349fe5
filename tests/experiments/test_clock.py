"""Hands work in the day; instruments run through the night; weekends pass."""

import pytest

from experiments.clock import Clock, WorkingWeek
from experiments.config import CampaignConfig, CostConfig
from features.errors import CampaignError

WEEK = WorkingWeek()


@pytest.mark.parametrize(
    ("from_h", "hours", "ends"),
    [
        pytest.param(0, 8, 8, id="a-day"),
        pytest.param(6, 4, 26, id="over-night"),
        pytest.param(4 * 24 + 7, 3, 7 * 24 + 2, id="over-the-weekend"),
        pytest.param(5 * 24 + 3, 1, 7 * 24 + 1, id="begun-on-saturday"),
        pytest.param(0, 41, 7 * 24 + 1, id="a-week-and-an-hour"),
    ],
)
def test_work_is_done_in_working_hours(from_h, hours, ends):
    assert WEEK.worked(from_h, hours) == pytest.approx(ends)


class _Ledger:
    """A ledger of which the clock asks what is sound."""

    def __init__(self, made):
        self.made = made

    def pellets(self):
        import pandas as pd

        return pd.DataFrame({"status": "made"}, index=self.made)

    def cells(self):
        return self.pellets().iloc[:0]


def one_glass(time_h=3.0):
    recipe = {"milling_time_h": time_h}
    return {"glasses": [{"id": "G1", "pellet": "G1-P1", "recipe": recipe}], "trilayers": []}


def test_a_round_takes_hands_mill_and_instruments_one_after_the_other():
    time = Clock(CampaignConfig(name="t")).after(_Ledger(["G1-P1"]), one_glass())
    # 1 h to weigh, 6 h of milling with pauses, 1 h to press: Monday is over. Tuesday: polarisation
    # 1 h of hands and 15 h alone, so it is read on Wednesday morning; the rest is done by then.
    assert time.hands_on_h == pytest.approx(2 + 1 + 1 + 1 + 3 + 0.3)
    assert time.ends_h == pytest.approx(48.0)


def test_nobody_waits_for_what_is_late():
    clock = Clock(CampaignConfig(name="t"))
    time = clock.after(_Ledger(["G1-P1"]), one_glass(), late=["electronic_conductivity"])
    assert time.ends_h < 48.0
    assert time.all_in_h == pytest.approx(48.0)


def test_what_failed_is_not_measured():
    time = Clock(CampaignConfig(name="t")).after(_Ledger([]), one_glass())
    assert time.hands_on_h == pytest.approx(2.0)


def test_rounds_follow_each_other():
    clock = Clock(CampaignConfig(name="t"))
    first, second = (clock.after(_Ledger(["G1-P1"]), one_glass()) for _ in range(2))
    assert second.ends_h == pytest.approx(first.ends_h + 48.0)


def test_a_second_shift_makes_it_sooner():
    longer = CampaignConfig(name="t", costs=CostConfig(hours_per_day=16))
    time = Clock(longer).after(_Ledger(["G1-P1"]), one_glass())
    assert time.ends_h < 48.0


def test_more_hands_than_the_measurement_takes_are_refused(tmp_path):
    from experiments.config import read_config

    path = tmp_path / "campaign.yaml"
    path.write_text(
        "name: t\ncosts:\n  measurements:\n"
        "    youngs_modulus: {hours: 3, delay_h: 3, hands_on_h: 4}\n"
    )
    with pytest.raises(CampaignError, match="hands_on_h must be at most delay_h, got 4 of 3 h"):
        read_config(path)


def test_a_configuration_of_before_there_was_a_clock_is_read(tmp_path):
    from experiments.config import read_config

    path = tmp_path / "campaign.yaml"
    path.write_text(
        "name: t\ncosts:\n  measurements:\n    relative_density: {hours: 0.5, delay_h: 0.5}\n"
    )
    assert read_config(path).costs.of("relative_density").hands_h == 0.5
