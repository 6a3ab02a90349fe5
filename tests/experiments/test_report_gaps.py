"""What the data cannot tell is found where it is, and not where it is not."""

import numpy as np
import pytest

from experiments.campaign import Campaign
from experiments.config import CampaignConfig, MlflowConfig, Range
from experiments.report_gaps import gaps


@pytest.fixture
def campaign(tmp_path):
    config = CampaignConfig(name="c", mlflow=MlflowConfig(track=False))
    with Campaign.create(tmp_path / "c", config, empty=True) as made:
        yield made


def found(campaign, **changes):
    config = campaign.config.model_copy(update=changes)
    return gaps(campaign.knowledge(), config, campaign.status()["scatter"])


def of(kind, entries):
    return [gap for gap in entries if gap.kind == kind]


def test_the_papers_confounds_are_named_with_what_would_break_them(tmp_path):
    config = CampaignConfig(name="c", mlflow=MlflowConfig(track=False))
    with Campaign.create(tmp_path / "paper", config) as campaign:
        entries = found(campaign)
    told = {gap.unknown: gap for gap in of("confound", entries)}
    agate = told["The effect of x = 0.00, apart from that of agate"]
    assert "agate only with x = 0.00" in agate.because
    assert "x 0.15, 3 h at 500 rpm in agate" in agate.experiment
    assert "The effect of x = 0.00, apart from that of 20 h of milling" in told
    assert not any(gap.planned for gap in told.values())
    assert "Whether milling speed matters" in [gap.unknown for gap in of("constant", entries)]
    assert any("Only one cell was built, CHI-TRI" in gap.because for gap in entries)


def test_a_round_that_breaks_a_confound_is_said_to(tmp_path):
    config = CampaignConfig(name="c", mlflow=MlflowConfig(track=False))
    with Campaign.create(tmp_path / "paper", config, pictures=False) as campaign:
        campaign.propose()
        entries = of("confound", found(campaign))
    broken = [gap.unknown for gap in entries if gap.planned]
    assert "The effect of x = 0.00, apart from that of agate" in broken


def test_a_crossed_design_has_no_confound_and_no_hole(campaign, add_glass):
    media, times_h = ("stainless_steel", "zirconia", "agate"), (1.0, 6.0, 11.0, 16.0, 20.0)
    for i, x in enumerate(np.linspace(0.0, 0.6, 5)):
        for j, time_h in enumerate(times_h):
            add_glass(
                campaign.ledger, f"J{i}{j}", x=float(x), milling_time_h=time_h,
                milling_media=media[(i + j) % 3],
                pressing_pressure_mpa=75.0 + 106.25 * ((i + 2 * j) % 5),
            )  # fmt: skip
    entries = found(campaign)
    assert of("confound", entries) == of("together", entries) == []
    assert [gap for gap in of("region", entries) if "cell" not in gap.because] == []


def test_variables_that_moved_together_are_named(campaign, add_glass):
    for number, x in enumerate(np.linspace(0.0, 0.6, 7)):
        add_glass(campaign.ledger, f"J{number}", x=float(x), milling_time_h=2.0 + 3.0 * number)
    together = of("together", found(campaign))
    assert [gap.unknown for gap in together] == [
        "The effect of oxygen x, apart from that of milling time"
    ]
    assert "rank correlation +1.00" in together[0].because
    assert "high oxygen x and low milling time" in together[0].experiment


@pytest.mark.parametrize(
    ("x", "hole"),
    [
        pytest.param((0.0, 0.1, 0.2, 0.6), "between 0.20 and 0.60", id="inside"),
        pytest.param((0.0, 0.1, 0.2, 0.3), "between 0.30 and 0.60", id="upper end"),
        pytest.param((0.3, 0.4, 0.5, 0.6), "between 0.00 and 0.30", id="lower end"),
    ],
)
def test_a_wide_hole_is_named_and_a_narrow_one_is_not(campaign, add_glass, x, hole):
    for number, value in enumerate(x):
        add_glass(campaign.ledger, f"J{number}", x=value)
    holes = [gap.unknown for gap in of("region", found(campaign)) if "oxygen x" in gap.unknown]
    assert holes == [f"What happens at oxygen x {hole}"]


def test_few_readings_name_the_pellets_that_could_be_read(campaign, add_glass):
    pellet = add_glass(campaign.ledger, "J1")
    few = {gap.unknown: gap for gap in of("few", found(campaign))}
    told = next(gap for unknown, gap in few.items() if "electronic conductivity" in unknown)
    assert told.because.startswith("0 readings each in the fit: what is drawn is the prior alone")
    assert told.experiment == f"Read them on {pellet}"
    resistance = few["How area specific resistance depends on the recipe"]
    assert "summed up from what is thought of the layers" in resistance.because


def test_a_searched_variable_that_never_varied_asks_for_the_far_end(campaign, add_glass):
    add_glass(campaign.ledger, "J1")
    speed = Range(low=300.0, high=600.0, step=50.0)
    glasses = campaign.config.glasses.model_copy(update={"milling_speed_rpm": speed})
    told = {gap.unknown: gap.experiment for gap in of("constant", found(campaign, glasses=glasses))}
    assert told["Whether milling speed matters"] == "Make the control at 300 rpm"


def test_failed_glasses_tell_nothing(campaign, add_glass):
    add_glass(campaign.ledger, "J1", status="failed")
    assert found(campaign) == ()


def test_undetermined_scatter_asks_for_the_repeats_that_would_tell(campaign, add_glass):
    pellet = add_glass(campaign.ledger, "J1", ionic_conductivity=1e-4)
    assert pellet
    (scatter,) = of("scatter", found(campaign))
    assert "press two pellets from one jar" in scatter.experiment
    assert "jars for any property" in scatter.because


def test_counting_is_of_recipes_as_meant(campaign, add_glass):
    """Weighing to the milligram leaves x a little off; that is no new level."""
    for number, off in enumerate((-0.002, 0.0, 0.003)):
        add_glass(campaign.ledger, f"S{number}", x=0.15 + off)
        add_glass(campaign.ledger, f"A{number}", x=0.45 + off, milling_media="agate")
    told = [gap.unknown for gap in of("confound", found(campaign))]
    assert len(told) == 1
